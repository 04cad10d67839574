//! The stall model: how long each mount and swap survives trouble with its storage.
//!
//! Pure. Each layer below a file system holds timers; the first that ends in an error
//! or a panic decides. Four kinds of trouble are told apart, as other timers answer to
//! each ([`Trouble`]), and three states of the machine: now, after `apply`, and after
//! the next boot. What hangs on a fact that could not be read is a lower bound, and
//! names the fact. The formulas stand in `layers`, each with its source; the lab runs
//! them against real stalls.

mod after;
mod errors;
mod fate;
mod given_up;
mod iscsi;
mod kernel;
mod late;
mod layers;
mod multipath;
mod resumes;
mod stack;
mod timers;
mod view;

use self::view::View;
use crate::facts::Facts;
use crate::host::{self, Setting};
use crate::policy::Policy;
use crate::tunable::{Decision, Verdict};

pub use after::{Column, after};
pub use errors::{INCURABLE, Incurable};
pub use fate::{Fate, Span, Timer};
pub use given_up::{GivenUp, given_up, says_given_up};
pub use kernel::{Service, Watch};
pub use late::{Arrival, RESTART, Wait};
pub use stack::panics_on_errors;

/// What can befall the storage of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Commands are never answered.
    Silence,
    /// One logical unit answers no command, and the target that it belongs to answers.
    Unit,
    /// The way to the storage is cut and known to be: a session drops, a path fails.
    PathLoss,
    /// Commands are answered at once with an error that may be retried.
    Errors,
    /// Commands are answered with such an error after the host has held them for a time of its own.
    ErrorsHeld,
}

impl Trouble {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Silence, Self::Unit, Self::PathLoss, Self::Errors, Self::ErrorsHeld];

    /// Whether the host answers, with errors.
    pub fn is_errors(self) -> bool {
        matches!(self, Self::Errors | Self::ErrorsHeld)
    }

    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Unit => "silent-unit",
            Self::PathLoss => "path-loss",
            Self::Errors => "errors",
            Self::ErrorsHeld => "errors-held",
        }
    }
}

/// One mount or swap under one kind of trouble, in the three states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// Which trouble.
    pub trouble: Trouble,
    /// As the machine is.
    pub now: Fate,
    /// With what the plan makes live.
    pub after_apply: Fate,
    /// With the whole plan.
    pub after_reboot: Fate,
}

impl Prospect {
    /// One of the three states.
    pub fn at(&self, column: Column) -> &Fate {
        match column {
            Column::Now => &self.now,
            Column::AfterApply => &self.after_apply,
            Column::AfterReboot => &self.after_reboot,
        }
    }
}

/// One mount or swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Mount point, or the swap's path.
    pub mount: String,
    /// Type of file system; `swap`.
    pub fstype: String,
    /// From the file system down to the host, one storey each.
    pub stack: Vec<String>,
    /// Disks and maps below it, by name.
    pub disks: Vec<String>,
    /// The troubles that can befall it.
    pub prospects: Vec<Prospect>,
    /// What follows when I/O fails.
    pub follows: String,
    /// What else is to be known: errors met, how it repairs.
    pub notes: Vec<String>,
    /// Why no setting cures errors of the host here, where none does.
    pub uncured: Option<String>,
    /// Why the plan does not bring it to the budget, where that is so.
    pub short: Option<String>,
}

impl Standing {
    /// How one kind of trouble ends; `None` where it cannot befall this stack.
    pub fn fate(&self, trouble: Trouble, column: Column) -> Option<&Fate> {
        self.prospects.iter().find(|prospect| prospect.trouble == trouble).map(|prospect| prospect.at(column))
    }

    /// How silence ends: what the stall budget is about.
    pub fn stall(&self, column: Column) -> Option<&Fate> {
        self.fate(Trouble::Silence, column)
    }

    /// The troubles that count: all that can befall it, but for errors that no setting cures and that it does
    /// not outlast.
    fn counted(&self, column: Column) -> impl Iterator<Item = (Trouble, &Fate)> + Clone {
        let counts = move |(trouble, fate): &(Trouble, &Fate)| {
            !trouble.is_errors() || self.uncured.is_none() || fate.at == Span::Forever
        };
        let fates = self.prospects.iter().map(move |prospect| (prospect.trouble, prospect.at(column)));
        fates.filter(counts)
    }

    /// Whether a stall of this length is ridden out, whichever kind it is that a setting cures.
    pub fn survives(&self, column: Column, budget: u64) -> bool {
        let counted = self.counted(column);
        counted.clone().count() > 0
            && counted.into_iter().all(|(trouble, fate)| fate.rides_out(trouble, budget))
    }

    /// The same for one kind of trouble; `None` where it cannot befall this stack.
    pub fn rides_out(&self, trouble: Trouble, column: Column, budget: u64) -> Option<bool> {
        self.fate(trouble, column).map(|fate| fate.rides_out(trouble, budget))
    }

    /// How the trouble ends that counts and ends soonest.
    pub fn weakest(&self, column: Column) -> Option<&Fate> {
        self.counted(column).map(|(_, fate)| fate).min_by_key(|fate| fate.at)
    }
}

/// Everything that `survive` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The stall asked about, in seconds.
    pub budget: u64,
    /// How long the host holds a command before it answers with an error, in seconds.
    pub host_holds: u64,
    /// Every writable mount on storage, then every swap on storage.
    pub standings: Vec<Standing>,
    /// Services that systemd kills when they wait too long.
    pub services: Vec<Service>,
    /// What a boot waits for, and how long.
    pub arrivals: Vec<Arrival>,
    /// What else ends or lengthens a stall, in sentences.
    pub notes: Vec<String>,
    /// What the host must be given; nothing where it is nobody's to set.
    pub host: &'static [Setting],
}

/// Asks the model. `verdicts`: what the plan sets, and why it does not set what it leaves; of the policy its
/// budget counts, and how long the host holds a command.
pub fn survey(facts: &Facts, verdicts: &[Verdict], policy: &Policy) -> Survey {
    let (budget, host_holds) = (policy.stall, policy.host_holds);
    let applied = after(facts, verdicts, Column::AfterApply);
    let booted = after(facts, verdicts, Column::AfterReboot);
    let states = [facts, &applied, &booted];
    let mut standings = Vec::new();
    if let [Some(now), Some(applied), Some(booted)] = states.map(|facts| View::of(facts, host_holds)) {
        standings = stack::standings([now, applied, booted]);
        for standing in &mut standings {
            standing.short = short(standing, now, verdicts, budget);
        }
    }
    let (services, notes) = (kernel::services(states), kernel::notes(facts, budget));
    let arrivals = late::arrivals(facts, verdicts);
    Survey { budget, host_holds, standings, services, arrivals, notes, host: host::of(facts) }
}

/// Every writable mount and swap of a machine as it is; its three states are the same one.
pub fn standings(facts: &Facts, host_holds: u64) -> Vec<Standing> {
    View::of(facts, host_holds).map_or_else(Vec::new, |now| stack::standings([now; 3]))
}

/// Why a mount does not reach the budget even after the next boot.
fn short(standing: &Standing, view: View<'_>, verdicts: &[Verdict], budget: u64) -> Option<String> {
    let fate = standing.weakest(Column::AfterReboot)?;
    if standing.survives(Column::AfterReboot, budget) {
        return None;
    }
    if let Some(fact) = fate.unknown.iter().next() {
        return Some(format!("could not tell: {fact}"));
    }
    if layers::is_local(view, &standing.disks) {
        return Some("a local disk of the host, lost with it: its timers are left as they are".to_owned());
    }
    let knob = &fate.by.as_ref()?.knob;
    let about = verdicts.iter().filter(|verdict| verdict.tunable.knobs.iter().any(|held| held.name == *knob));
    let refusal = about.clone().find(|verdict| matches!(verdict.decision, Decision::Refused { .. }));
    let left = refusal.or_else(|| about.clone().find(|v| !matches!(v.decision, Decision::Set { .. })));
    Some(match (left, about.clone().next()) {
        (Some(verdict), _) => format!("{}: {}", verdict.tunable.id, verdict.decision.because()),
        (None, Some(verdict)) => {
            format!("{}: what is set there does not reach the budget", verdict.tunable.id)
        }
        (None, None) => format!("no knob of the guest moves this: {knob}"),
    })
}

#[cfg(test)]
mod tests;
