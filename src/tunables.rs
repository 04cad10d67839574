//! The catalogue: one explicit table in reading order, and one file per subject with each
//! tunable's tests beneath it.
//!
//! To add one: write it in its subject's file, add its line to [`CATALOGUE`], and see to a fixture where it is Set and one
//! where it is not (`tests/tidy.rs` asks for both).

mod baseline;
pub mod boot;
pub mod disk;
pub mod filesystem;
pub mod heal;
pub mod image;
pub mod iscsi;
pub mod kernel;
pub mod memory;
pub mod module;
pub mod multipath;
mod next;
pub mod nvme;
pub mod requests;
pub mod restart;
pub mod retries;
pub mod root_wait;
pub mod systemd;
#[cfg(test)]
mod testing;
pub mod timeout;
pub mod waagent;
pub mod waits;

use crate::facts::{Disk, Facts, HyperV, Hypervisor, KernelRelease, Machine, VmbusClass};
use crate::policy::{Policy, Subject};
use crate::resolve::InForce;
use crate::resolve::wanted::of_attribute;
use crate::tunable::{Decision, Select, Tunable, UdevAttr, Verdict};

/// Every tunable, in reading order; files and reports keep this order.
pub static CATALOGUE: &[&Tunable] = &[
    &disk::SCHEDULER,
    &requests::NR_REQUESTS,
    &timeout::DISK_TIMEOUT,
    &retries::MAX_RETRIES,
    &disk::READ_AHEAD,
    &nvme::IO_TIMEOUT,
    &memory::SWAPPINESS,
    &memory::DIRTY,
    &kernel::HUNG_TASK,
    &heal::PANIC,
    &heal::CHECK_INTERVAL,
    &kernel::PANIC,
    &iscsi::RECOVERY,
    &iscsi::NOOP_OUT,
    &multipath::QUEUEING,
    &systemd::WATCHDOG,
    &waagent::ROOT_DEVICE_TIMEOUT,
    &filesystem::ERRORS,
    &module::STORVSC_RING,
    &module::NVME_IO_TIMEOUT,
    &module::NVME_ADMIN_TIMEOUT,
    &boot::ELEVATOR,
    &boot::USE_BLK_MQ,
    &boot::PANIC,
    &root_wait::ROOT_WAIT,
    &root_wait::ROOTDELAY_ARGUMENT,
    &waits::DEVICE_WAIT,
    &waits::START_TIMEOUT,
    &waits::SETTINGS_TIMEOUT,
    &waits::UDEV_EVENT,
    &restart::DRACUT_EMERGENCY,
    &restart::EMERGENCY_RESTART,
    &restart::CRASH_REBOOT,
    &filesystem::FSCK_REPAIR,
    &image::HYPERV_DRIVERS,
];

/// The tunable of an id, or of a knob that it holds.
pub fn find(name: &str) -> Option<&'static Tunable> {
    let by_id = CATALOGUE.iter().find(|tunable| tunable.id == name);
    by_id
        .or_else(|| CATALOGUE.iter().find(|tunable| tunable.knobs.iter().any(|knob| knob.name == name)))
        .copied()
}

/// All that [`find`] knows: ids and knobs.
pub fn names() -> impl Iterator<Item = &'static str> {
    CATALOGUE
        .iter()
        .flat_map(|tunable| std::iter::once(tunable.id).chain(tunable.knobs.iter().map(|knob| knob.name)))
}

/// The catalogue as the policy knows it.
pub fn subjects() -> Vec<Subject> {
    CATALOGUE.iter().map(|tunable| Subject { id: tunable.id, knobs: tunable.knobs }).collect()
}

/// How the fact of a decision begins that could not be made, as what holds without us at the next boot is not
/// known; the knob follows.
pub const IN_FORCE: &str = "value in force of ";

/// Asks every tunable of the catalogue. Where the machine is no Hyper-V guest, or
/// that could not be told, each gives that one reason and none is asked.
pub fn decide(facts: &Facts, policy: &Policy) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for &tunable in CATALOGUE {
        let decisions = if policy.off.contains(tunable.id) {
            vec![Decision::NotHere { because: "switched off by the policy".to_owned() }]
        } else {
            match outside(facts) {
                Some(decision) => vec![decision],
                None => baseline::settle(facts, (tunable.decide)(facts, policy)),
            }
        };
        verdicts.extend(decisions.into_iter().map(|decision| Verdict { tunable, decision }));
    }
    verdicts
}

/// The one decision of every tunable where this is no Hyper-V guest.
fn outside(facts: &Facts) -> Option<Decision> {
    let hypervisor = facts.machine.as_ref().and_then(|machine| machine.hypervisor.as_ref());
    match hypervisor {
        Some(Hypervisor::HyperV(_)) => None,
        Some(other) => Some(Decision::NotHere { because: not_a_guest(other) }),
        None => Some(Decision::CannotTell {
            fact: "hypervisor".to_owned(),
            because: "could not tell whether this is a Hyper-V guest".to_owned(),
        }),
    }
}

/// Why a machine of this kind is not tuned, in one clause.
pub fn not_a_guest(hypervisor: &Hypervisor) -> String {
    match hypervisor {
        Hypervisor::HyperV(_) => "a Hyper-V guest".to_owned(),
        Hypervisor::NotVirtual => "not a Hyper-V guest: bare metal".to_owned(),
        Hypervisor::RootPartition => {
            "not a Hyper-V guest: the Hyper-V root partition, which owns its hardware".to_owned()
        }
        Hypervisor::Wsl => "not a guest of its own: WSL2, whose kernel and disks Windows owns".to_owned(),
        Hypervisor::Container(_) => {
            "not a guest of its own: a container, which shares its host's kernel".to_owned()
        }
        Hypervisor::Other(name) => format!("not a Hyper-V guest: {name}"),
    }
}

/// How devices of a class are there.
#[derive(Debug)]
enum There<'a> {
    /// These were seen.
    Seen(Vec<&'a Disk>),
    /// None was seen, but they may come; why that is thought.
    MayCome(&'static str),
}

/// The devices of a class: `Err` where the disks could not be listed, `None` where none is expected.
fn presence(facts: &Facts, select: Select) -> Result<Option<There<'_>>, Decision> {
    let unknown = || cannot_tell("disks", "the block devices could not be listed");
    let machine = facts.machine.as_ref().ok_or_else(unknown)?;
    match &machine.disks {
        Some(disks) => {
            let seen: Vec<&Disk> = disks.iter().filter(|disk| select.takes(disk)).collect();
            let expected = || may_come(facts, machine, select).map(There::MayCome);
            Ok(if seen.is_empty() { expected() } else { Some(There::Seen(seen)) })
        }
        None if machine.is_assumed() => Ok(may_come(facts, machine, select).map(There::MayCome)),
        None => Err(unknown()),
    }
}

/// Why a rule should wait for devices of this class although none is there now.
fn may_come(facts: &Facts, machine: &Machine, select: Select) -> Option<&'static str> {
    let hyperv = hyperv(machine);
    let controller = |class| hyperv.is_some_and(|guest| guest.vmbus.contains_key(&class));
    let azure = hyperv.and_then(|guest| guest.azure).unwrap_or(false);
    match select {
        Select::StorvscScsi | Select::StorvscScsiAlone
            if machine.is_assumed() || controller(VmbusClass::Scsi) =>
        {
            Some("disks of a synthetic SCSI controller may be added")
        }
        Select::StorvscIde | Select::StorvscIdeAlone if machine.is_assumed() => {
            Some("a generation 1 guest has its disk on synthetic IDE")
        }
        Select::StorvscFc if machine.is_assumed() => Some("a synthetic Fibre Channel adapter may be added"),
        Select::Iscsi | Select::IscsiSinglePath if facts.system.writers.iscsi => {
            Some("open-iscsi is installed, so sessions may come")
        }
        Select::Multipath if facts.system.writers.multipath => {
            Some("multipath-tools is installed, so maps may come")
        }
        Select::NvmeAzureRemote if azure && machine.is_assumed() => {
            Some("newer Azure sizes have their disks on NVMe")
        }
        _ if facts
            .system
            .ours
            .iter()
            .any(|file| file.writes.iter().any(|(class, _)| class == select.name())) =>
        {
            Some("a rule of ours for them is in place, so they may come again")
        }
        _ => None,
    }
}

fn hyperv(machine: &Machine) -> Option<&HyperV> {
    match &machine.hypervisor {
        Some(Hypervisor::HyperV(guest)) => Some(guest),
        _ => None,
    }
}

/// Kernels that this system may run: the installed ones, and the running one where it is its own.
fn kernels(facts: &Facts) -> Vec<&KernelRelease> {
    let running = facts.machine.as_ref().and_then(|machine| machine.kernel.as_ref());
    let installed = facts.system.kernels.iter().flatten().map(|kernel| &kernel.release);
    let mut all: Vec<&KernelRelease> = installed.collect();
    all.extend(running.filter(|running| !all.contains(running)));
    all
}

/// Whether a kernel that this system may run is like that; with none known, one may be.
fn may_run(facts: &Facts, is_so: impl Fn(&KernelRelease) -> bool) -> bool {
    let kernels = kernels(facts);
    kernels.is_empty() || kernels.into_iter().any(is_so)
}

fn fine(because: impl Into<String>) -> Decision {
    Decision::Fine { because: because.into() }
}

fn not_here(because: impl Into<String>) -> Decision {
    Decision::NotHere { because: because.into() }
}

fn refused(because: impl Into<String>) -> Decision {
    Decision::Refused { because: because.into() }
}

fn cannot_tell(fact: &str, because: impl Into<String>) -> Decision {
    Decision::CannotTell { fact: fact.to_owned(), because: because.into() }
}

/// What a disk's own timer may be without us, in seconds.
fn timers_without_us(facts: &Facts, disk: &Disk) -> Vec<u64> {
    let possible = match of_attribute(facts, disk, UdevAttr::Timeout).in_force() {
        InForce::Known { value, .. } => vec![value],
        InForce::Unknown { candidates, .. } => candidates,
    };
    possible.iter().filter_map(|value| value.parse::<u64>().ok()).collect()
}

/// Whether a rule of ours already writes this attribute of this class: what we hold we keep
/// holding, as the live value is then ours and tells nothing of the kernel's own.
fn held(facts: &Facts, select: Select, attr: UdevAttr) -> bool {
    let key = (select.name().to_owned(), attr.path().to_owned());
    facts.system.ours.iter().any(|file| file.writes.contains(&key))
}

/// Asks a question per class and gathers the answers; one `NotHere` where no class is there at all.
fn per_class(
    facts: &Facts,
    classes: &[Select],
    nobody: &str,
    mut ask: impl FnMut(Select, There<'_>) -> Vec<Decision>,
) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for &select in classes {
        match presence(facts, select) {
            Ok(None) => {}
            Ok(Some(there)) => decisions.extend(ask(select, there)),
            Err(unknown) => return vec![unknown],
        }
    }
    if decisions.is_empty() {
        decisions.push(not_here(nobody));
    }
    decisions
}
