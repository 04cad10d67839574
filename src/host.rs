//! The host's half: what lies below a VHDX gives up by timers of its own, which a guest neither sees nor sets.
//!
//! One table, of which `survive`, `explain host` and `dist/host/Set-HvtuneHost.ps1` are made. Pure.

use crate::facts::{Facts, Hypervisor};
use crate::tunable::Source;

/// What a setting of the host is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many seconds.
    Seconds(u64),
    /// So many minutes.
    Minutes(u64),
    /// A word of its own.
    Word(&'static str),
}

impl Amount {
    /// In words: `180 s`, `3 min`, `Pause`.
    pub fn text(self) -> String {
        match self {
            Self::Seconds(seconds) => format!("{seconds} s"),
            Self::Minutes(minutes) => format!("{minutes} min"),
            Self::Word(word) => word.to_owned(),
        }
    }

    /// Whether it is at least as much.
    fn reaches(self, least: Self) -> bool {
        match (self, least) {
            (Self::Seconds(one), Self::Seconds(other)) | (Self::Minutes(one), Self::Minutes(other)) => {
                one >= other
            }
            _ => self == least,
        }
    }
}

/// The least that a setting must be, by the stall budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Least {
    /// The budget, in seconds.
    Budget,
    /// The budget, in whole minutes.
    BudgetMinutes,
    /// The same for any budget.
    Is(Amount),
}

/// Who reads and sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `Get-VM`, `Set-VM`: of each guest.
    Vm,
    /// `Get-MPIOSetting`, `Set-MPIOSetting`.
    Mpio,
    /// The registry key of the disk class driver.
    Disk,
    /// The registry keys of Microsoft's iSCSI initiator, one for each instance.
    Iscsi,
    /// `Get-Cluster`.
    Cluster,
}

/// A setting of the host that bounds how long it holds the commands of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The storage below the VHDX that it counts for.
    pub storage: &'static str,
    /// Its name.
    pub name: &'static str,
    /// By what it is set; the value follows.
    pub how: &'static str,
    /// Who reads and sets it.
    pub door: Door,
    /// What Windows has.
    pub default: Amount,
    /// What it must be at least.
    pub least: Least,
}

impl Setting {
    /// The least for a budget in seconds.
    pub fn least(&self, budget: u64) -> Amount {
        match self.least {
            Least::Budget => Amount::Seconds(budget),
            Least::BudgetMinutes => Amount::Minutes(budget.div_ceil(60)),
            Least::Is(amount) => amount,
        }
    }

    /// Whether the default does for a budget.
    pub fn default_does(&self, budget: u64) -> bool {
        self.default.reaches(self.least(budget))
    }
}

const CSV: &str = "CSV, SMB3 (2016 on)";
const MPIO: &str = "MPIO";
const DISK: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Disk TimeOutValue =";

/// All of them, in the order of reports.
pub static SETTINGS: &[Setting] = &[
    Setting {
        storage: CSV,
        name: "AutomaticCriticalErrorAction",
        how: "Set-VM -AutomaticCriticalErrorAction",
        door: Door::Vm,
        default: Amount::Word("Pause"),
        least: Least::Is(Amount::Word("Pause")),
    },
    Setting {
        storage: CSV,
        name: "AutomaticCriticalErrorActionTimeout",
        how: "Set-VM -AutomaticCriticalErrorActionTimeout",
        door: Door::Vm,
        default: Amount::Minutes(30),
        least: Least::BudgetMinutes,
    },
    Setting {
        storage: MPIO,
        name: "PDORemovePeriod",
        how: "Set-MPIOSetting -NewPDORemovePeriod",
        door: Door::Mpio,
        default: Amount::Seconds(20),
        least: Least::Budget,
    },
    Setting {
        storage: MPIO,
        name: "PathVerificationState",
        how: "Set-MPIOSetting -NewPathVerificationState",
        door: Door::Mpio,
        default: Amount::Word("Disabled"),
        least: Least::Is(Amount::Word("Enabled")),
    },
    Setting {
        storage: MPIO,
        name: "TimeOutValue",
        how: DISK,
        door: Door::Disk,
        default: Amount::Seconds(60),
        least: Least::Is(Amount::Seconds(60)),
    },
    Setting {
        storage: "disk without MPIO",
        name: "TimeOutValue",
        how: DISK,
        door: Door::Disk,
        default: Amount::Seconds(60),
        least: Least::Budget,
    },
    Setting {
        storage: "iSCSI without MPIO",
        name: "MaxRequestHoldTime",
        how: r"HKLM\SYSTEM\CurrentControlSet\Control\Class, the initiator's instance, Parameters: MaxRequestHoldTime =",
        door: Door::Iscsi,
        default: Amount::Seconds(60),
        least: Least::Budget,
    },
    Setting {
        storage: "cluster, a node cut off",
        name: "ResiliencyDefaultPeriod",
        how: "(Get-Cluster).ResiliencyDefaultPeriod =",
        door: Door::Cluster,
        default: Amount::Seconds(240),
        least: Least::Budget,
    },
];

/// What a guest without this says of its host, for `explain host`.
pub const WHY: &str = "A guest that waits does not make its host wait: what lies below a VHDX gives up by timers of its own, and from \
     then on the host returns errors, or turns the guest off. hvtune runs in the guest and neither sees nor sets \
     these; dist/host/Set-HvtuneHost.ps1 reads them on the host, and sets them with -Apply.";

/// What the table does not say, a paragraph each.
pub const NOTES: &[&str] = &[
    "On CSV and SMB3 the host pauses the guest and goes on where it was; after AutomaticCriticalErrorActionTimeout it \
     turns it off. Windows Server 2012 and 2012 R2, a VHDX on a local volume, and a pass-through disk have no such \
     pause: there the timers of disk, MPIO and iSCSI alone count. A shared VHDX or VHD Set is never paused.",
    "Timers of a host bus adapter (port down, link down) are its vendor's, and so is a vendor's DSM. MPIO and the \
     registry want a restart of the host.",
    "In-guest iSCSI and virtual Fibre Channel have their timers in the guest.",
    "Azure: after 120 s without storage the platform restarts the guest, whatever it waits for.",
    "The host tells of it: Microsoft-Windows-Hyper-V-StorageVSP-Admin 4, 5, 6 and 9, FailoverClustering 5120.",
];

/// Where it is written.
pub const SOURCES: &[Source] = &[
    Source { title: "Set-VM", url: "https://learn.microsoft.com/en-us/powershell/module/hyper-v/set-vm" },
    Source {
        title: "Set-MPIOSetting",
        url: "https://learn.microsoft.com/en-us/powershell/module/mpio/set-mpiosetting",
    },
    Source {
        title: "NetApp Windows Host Utilities, HBA settings",
        url: "https://docs.netapp.com/us-en/ontap-sanhost/hu_wuhu_hba_settings.html",
    },
    Source {
        title: "Understand a system reboot for Azure VM",
        url: "https://learn.microsoft.com/en-us/troubleshoot/azure/virtual-machines/windows/understand-vm-reboot",
    },
];

/// How long Azure's platform lets a guest be without its storage before it restarts it, in seconds.
pub const AZURE_SECONDS: u64 = 120;

/// Whether the guest's host is one that somebody can set: `None` where this is no Hyper-V guest, or nobody
/// could tell.
pub fn is_azure(facts: &Facts) -> Option<bool> {
    match facts.machine.as_ref()?.hypervisor.as_ref()? {
        Hypervisor::HyperV(guest) => Some(guest.azure == Some(true)),
        _ => None,
    }
}

/// What the host of this guest must be given: nothing on Azure, whose hosts are Microsoft's.
pub fn of(facts: &Facts) -> &'static [Setting] {
    if is_azure(facts) == Some(false) { SETTINGS } else { &[] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{HyperV, Machine};

    #[test]
    fn the_least_follows_the_budget() {
        let least = |name: &str, budget| -> Vec<String> {
            let named = SETTINGS.iter().filter(|setting| setting.name == name);
            named
                .map(|setting| format!("{} {}", setting.least(budget).text(), setting.default_does(budget)))
                .collect()
        };
        assert_eq!(least("AutomaticCriticalErrorActionTimeout", 180), ["3 min true"]);
        assert_eq!(least("AutomaticCriticalErrorActionTimeout", 181), ["4 min true"]);
        assert_eq!(least("AutomaticCriticalErrorActionTimeout", 1801), ["31 min false"]);
        assert_eq!(least("PDORemovePeriod", 180), ["180 s false"]);
        assert_eq!(least("PDORemovePeriod", 20), ["20 s true"]);
        assert_eq!(least("PathVerificationState", 180), ["Enabled false"]);
        // With MPIO the disk's own timer stays short: the map holds.
        assert_eq!(least("TimeOutValue", 180), ["60 s true", "180 s false"]);
        assert_eq!(least("ResiliencyDefaultPeriod", 180), ["180 s true"]);
        assert_eq!(least("ResiliencyDefaultPeriod", 300), ["300 s false"]);
    }

    #[test]
    fn nobody_is_told_to_set_a_host_of_azure() {
        let facts = |hypervisor| Facts {
            machine: Some(Machine { hypervisor: Some(hypervisor), ..Machine::default() }),
            ..Facts::default()
        };
        let guest = |azure| facts(Hypervisor::HyperV(HyperV { azure, ..HyperV::default() }));
        assert_eq!(of(&guest(Some(false))).len(), SETTINGS.len());
        assert_eq!(of(&guest(None)).len(), SETTINGS.len());
        assert_eq!(of(&guest(Some(true))), []);
        assert_eq!(of(&facts(Hypervisor::Wsl)), []);
        assert_eq!(of(&Facts::default()), []);
    }
}
