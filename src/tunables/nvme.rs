//! NVMe timers.

use super::requests::nvme_refusal;
use super::{fine, not_here, per_class};
use crate::facts::{Class, Facts};
use crate::policy::Policy;
use crate::tunable::{Accepts, Assignment, Decision, Knob, Select, Source, Target, Tunable, UdevAttr, Want};

/// Azure's host retries remote I/O for 120 s and then restarts the guest; the guest waits it out, in seconds.
pub(super) const AZURE_IO_TIMEOUT: u64 = 240;

/// `nvme.io_timeout`
pub static IO_TIMEOUT: Tunable = Tunable {
    id: "nvme.io_timeout",
    title: "NVMe commands may stay unanswered until the host has given up",
    why: "NVMe aborts after 30 s and resets the controller after 60 s, and a reset that fails ends the disk. On \
          Azure remote disks the host retries for 120 s and restarts the guest if that fails, so 240 s lets the \
          host decide. Local disks die with the host and keep 30 s.",
    sources: &[
        Source {
            title: "azure-vm-utils: 80-azure-disk.rules",
            url: "https://github.com/Azure/azure-vm-utils/blob/main/udev/80-azure-disk.rules",
        },
        Source {
            title: "Linux 6.12 drivers/nvme/host/pci.c (nvme_timeout)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/nvme/host/pci.c",
        },
    ],
    knobs: &[Knob { name: "queue/io_timeout", accepts: Accepts::Integer { min: 1000, max: 86_400_000 } }],
    decide: io_timeout,
};

fn io_timeout(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let pin = policy.pin("queue/io_timeout");
    let classes = [Select::NvmeAzureRemote, Select::NvmePassthrough];
    let nobody = if any_local(facts) {
        "only local NVMe disks, which die with the host and keep the kernel's 30 s"
    } else {
        "no NVMe disk"
    };
    let mut decisions = per_class(facts, &classes, nobody, |select, _| {
        let class = select.name();
        let write = |want: Want, because: String| {
            let target = Target::Udev { select, attr: UdevAttr::IoTimeout };
            vec![Decision::Set { what: vec![Assignment::new(target, want)], because }]
        };
        if let Some(pin) = pin {
            return write(Want::Exactly(pin.value.clone()), format!("{class}: pinned by the policy"));
        }
        let seconds = if select == Select::NvmeAzureRemote {
            policy.stall.max(AZURE_IO_TIMEOUT)
        } else {
            policy.stall.max(60)
        };
        if select == Select::NvmeAzureRemote
            && facts.system.writers.azure_vm_utils
            && seconds <= AZURE_IO_TIMEOUT
        {
            return vec![fine(format!("{class}: azure-vm-utils' 80-azure-disk.rules already writes 240 s"))];
        }
        let because = if select == Select::NvmeAzureRemote {
            format!(
                "{class}: longer than the 120 s for which the host retries, and at least the stall budget"
            )
        } else {
            format!("{class}: a passed-through device waits for the stall budget before it is reset")
        };
        write(Want::AtLeast(seconds * 1000), because)
    });
    if any_nvme(facts) {
        decisions.extend(nvme_refusal(policy));
    }
    if any_local(facts) && !matches!(decisions.first(), Some(Decision::NotHere { .. })) {
        decisions.push(not_here("nvme-azure-local: dies with the host and keeps the kernel's 30 s"));
    }
    decisions
}

fn has(facts: &Facts, wanted: impl Fn(&Class) -> bool) -> bool {
    facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten()).any(|disk| wanted(&disk.class))
}

/// Whether a local (temporary) Azure NVMe disk was seen.
pub(super) fn any_local(facts: &Facts) -> bool {
    has(facts, |class| *class == Class::NvmeAzureLocal)
}

fn any_nvme(facts: &Facts) -> bool {
    has(facts, |class| matches!(class, Class::Nvme | Class::NvmeAzureRemote))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, disk, guest};
    use super::*;
    use crate::facts::OwnFile;

    #[test]
    fn remote_disks_wait_and_local_ones_do_not() {
        let policy = Policy::default();
        let remote = disk("nvme0n1", Class::NvmeAzureRemote);
        let local = disk("nvme1n1", Class::NvmeAzureLocal);
        let both = guest("6.12.74-cloud-amd64", vec![remote.clone(), local.clone()]);
        let set = "udev:nvme-azure-remote queue/io_timeout=at least 240000";
        assert_eq!(ask(&IO_TIMEOUT, &both, &policy), [set, "not-applicable"]);
        assert_eq!(ask(&IO_TIMEOUT, &guest("6.12.74", vec![local]), &policy), ["not-applicable"]);
        let mut utils = guest("6.12.74", vec![remote]);
        utils.system.writers.azure_vm_utils = true;
        assert_eq!(ask(&IO_TIMEOUT, &utils, &policy), ["already-right"]);
        let longer = Policy { stall: 600, ..policy };
        assert_eq!(
            ask(&IO_TIMEOUT, &utils, &longer),
            ["udev:nvme-azure-remote queue/io_timeout=at least 600000"]
        );
    }

    #[test]
    fn a_passed_through_device_waits_for_the_budget() {
        let facts = guest("6.1.0-18-amd64", vec![disk("nvme0n1", Class::Nvme)]);
        assert_eq!(
            ask(&IO_TIMEOUT, &facts, &Policy::default()),
            ["udev:nvme queue/io_timeout=at least 180000"]
        );
    }

    /// Early in boot a passed-through device may not be there yet: its rule is not to come and go.
    #[test]
    fn what_a_rule_of_ours_holds_is_waited_for() {
        let mut facts = guest("6.1.0-18-amd64", Vec::new());
        assert_eq!(ask(&IO_TIMEOUT, &facts, &Policy::default()), ["not-applicable"]);
        let writes = [("nvme".to_owned(), "queue/io_timeout".to_owned())].into();
        let path = "etc/udev/rules.d/90-hvtune.rules".to_owned();
        facts.system.ours = vec![OwnFile { path, writes, written: None }];
        assert_eq!(
            ask(&IO_TIMEOUT, &facts, &Policy::default()),
            ["udev:nvme queue/io_timeout=at least 180000"]
        );
    }
}
