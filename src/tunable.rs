//! What a tunable is, and the catalogue: one explicit table in reading order.
//!
//! A tunable's description is constant data; its condition and value are a plain
//! function of facts and policy. It knows no file names and no formats: where an
//! assignment lands is `render`'s business.

mod assignment;

use crate::facts::{Facts, Hypervisor};
use crate::policy::Policy;
use crate::tunables;

pub use assignment::{Assignment, Guard, Select, Target, UdevAttr, Value, Want};

/// Something that can be set, with its reasons.
#[derive(Debug)]
pub struct Tunable {
    /// Stable id, dotted lower case.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Why it matters in a storage stall, in a few sentences.
    pub why: &'static str,
    /// Where that is written; at least one.
    pub sources: &'static [Source],
    /// What an administrator may pin under `[set]`.
    pub knobs: &'static [Knob],
    /// Condition and value; pure.
    pub decide: fn(&Facts, &Policy) -> Vec<Decision>,
}

/// One place where a claim can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub title: &'static str,
    /// Where it is.
    pub url: &'static str,
}

/// One thing that `[set]` may pin, and what it accepts.
#[derive(Debug, Clone, Copy)]
pub struct Knob {
    /// Its name: `vm.swappiness`, `queue/scheduler`. The tunable's own id pins its first knob.
    pub name: &'static str,
    /// What values it takes.
    pub accepts: Accepts,
}

/// The values that a knob takes.
#[derive(Debug, Clone, Copy)]
pub enum Accepts {
    /// A whole number in this range, both ends included.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
}

/// What a tunable says of this machine; one per class of disk, or one in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Set these, in this order.
    Set {
        /// The assignments.
        what: Vec<Assignment>,
        /// Why here.
        because: String,
    },
    /// The kernel (or another keeper) is right already.
    Fine {
        /// Why.
        because: String,
    },
    /// It does not apply here.
    NotHere {
        /// Why.
        because: String,
    },
    /// A fact is missing.
    CannotTell {
        /// Which fact.
        fact: String,
        /// What is known of why.
        because: String,
    },
    /// What the policy asks for cannot be had here.
    Refused {
        /// Why, with the number that counts.
        because: String,
    },
}

impl Decision {
    /// The kind's name in JSON and text.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Set { .. } => "set",
            Self::Fine { .. } => "fine",
            Self::NotHere { .. } => "not-here",
            Self::CannotTell { .. } => "cannot-tell",
            Self::Refused { .. } => "refused",
        }
    }

    /// Its reason.
    pub fn because(&self) -> &str {
        match self {
            Self::Set { because, .. }
            | Self::Fine { because }
            | Self::NotHere { because }
            | Self::CannotTell { because, .. }
            | Self::Refused { because } => because,
        }
    }
}

/// A tunable and one of its decisions here.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whose.
    pub tunable: &'static Tunable,
    /// What it says.
    pub decision: Decision,
}

/// Every tunable, in reading order; files and reports keep this order.
pub static CATALOGUE: &[&Tunable] = &[
    &tunables::disk::SCHEDULER,
    &tunables::requests::NR_REQUESTS,
    &tunables::timeout::DISK_TIMEOUT,
    &tunables::timeout::MAX_RETRIES,
    &tunables::disk::READ_AHEAD,
    &tunables::nvme::IO_TIMEOUT,
    &tunables::memory::SWAPPINESS,
    &tunables::memory::DIRTY,
    &tunables::kernel::HUNG_TASK,
    &tunables::kernel::PANIC,
    &tunables::iscsi::RECOVERY,
    &tunables::iscsi::NOOP_OUT,
    &tunables::multipath::QUEUEING,
    &tunables::systemd::WATCHDOG,
    &tunables::waagent::ROOT_DEVICE_TIMEOUT,
    &tunables::filesystem::ERRORS,
    &tunables::module::STORVSC_RING,
    &tunables::module::NVME_IO_TIMEOUT,
    &tunables::boot::ELEVATOR,
    &tunables::boot::USE_BLK_MQ,
    &tunables::boot::PANIC,
    &tunables::filesystem::FSCK_REPAIR,
];

/// The tunable of an id, or of a knob that it holds.
pub fn find(name: &str) -> Option<&'static Tunable> {
    let by_id = CATALOGUE.iter().find(|tunable| tunable.id == name);
    by_id
        .or_else(|| CATALOGUE.iter().find(|tunable| tunable.knobs.iter().any(|knob| knob.name == name)))
        .copied()
}

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
                None => (tunable.decide)(facts, policy),
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
