//! The running kernel's values, beside what is wanted of them.

use super::State;
use crate::facts::{Disk, Facts, Machine, Session};
use crate::render::kernel_arg;
use crate::resolve::device::{self, Now};
use crate::tunable::{Assignment, Target, UdevAttr};

/// A live value's judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) found: Option<String>,
    pub(super) state: State,
    pub(super) because: String,
}

fn judgement(found: &str, state: State, because: &str) -> Judgement {
    Judgement { found: Some(found.to_owned()), state, because: because.to_owned() }
}

fn nothing(state: State, because: impl Into<String>) -> Judgement {
    Judgement { found: None, state, because: because.into() }
}

fn by_value(found: &str, assignment: &Assignment, otherwise: State, because: &str) -> Judgement {
    if assignment.met_by(found) {
        judgement(found, State::Ok, "")
    } else {
        judgement(found, otherwise, because)
    }
}

/// Why a fact of the machine could not be read, where that was tried.
fn unread(facts: &Facts, names: &[&str]) -> Option<String> {
    let gap = facts.gaps.iter().find(|gap| names.contains(&gap.fact.as_str()))?;
    Some(format!("/{} could not be read: {}", gap.path, gap.why))
}

/// Absent, or not readable: what nobody could look at is unknown.
fn missing(facts: &Facts, names: &[&str], otherwise: &str) -> Judgement {
    match unread(facts, names) {
        Some(why) => nothing(State::Unknown, why),
        None => nothing(State::NotApplicable, otherwise),
    }
}

/// The live value of what is no disk's and no session's; `None` where the running system shows none.
pub(super) fn judged(facts: &Facts, machine: &Machine, assignment: &Assignment) -> Option<Judgement> {
    Some(match &assignment.target {
        Target::Sysctl(key) => match machine.sysctls.get(*key) {
            Some(now) => {
                by_value(now, assignment, State::Differs, "the file is in order, the live value is not")
            }
            None => missing(facts, &[key, "sysctl"], "this kernel has no such key"),
        },
        Target::ModuleOption { module, option } => {
            let name = format!("{module}.{option}");
            let because = "a module option takes effect when the module is loaded";
            match machine.parameters.get(&name) {
                Some(now) => by_value(now, assignment, State::PendingReboot, because),
                None => missing(
                    facts,
                    &[&name, module],
                    "the module is not loaded, or does not show the parameter",
                ),
            }
        }
        Target::KernelArg(_) | Target::DropKernelArg(_) => argument(facts, machine, assignment),
        // What the files come to now, those below /run among them: a service takes it when it starts.
        Target::Unit { unit, .. } => {
            let watchdog = facts.system.watchdogs.iter().find(|watchdog| watchdog.unit == *unit)?;
            let because = "a drop-in below /run has the last word until the next boot";
            by_value(&watchdog.with_ours.to_string(), assignment, State::Overridden, because)
        }
        _ => return None,
    })
}

fn argument(facts: &Facts, machine: &Machine, assignment: &Assignment) -> Judgement {
    let Some(line) = &machine.cmdline else {
        let why =
            unread(facts, &["cmdline"]).unwrap_or_else(|| "the kernel command line was not read".to_owned());
        return nothing(State::Unknown, why);
    };
    let key = assignment.target.knob();
    let found = line.value(&key);
    let holds = match kernel_arg(assignment) {
        Some(arg) => line.holds(&arg),
        None => found.is_none(),
    };
    let shown = found.unwrap_or("absent");
    if holds {
        judgement(shown, State::Ok, "")
    } else {
        judgement(shown, State::PendingReboot, "a kernel argument takes effect at the next boot")
    }
}

/// The live value of every session that is not a path's.
pub(super) fn sessions(machine: &Machine, key: &str, assignment: &Assignment) -> Vec<(String, Judgement)> {
    if key != "node.session.timeo.replacement_timeout" {
        return Vec::new();
    }
    let sessions = machine.sessions.iter().filter(|(name, _)| !machine.serves_paths(name));
    let judge = |(name, session): (&String, &Session)| {
        let judged = match session.recovery_tmo.value() {
            Some(now) => by_value(
                &now.to_string(),
                assignment,
                State::Differs,
                "the records are in order, the live session is not",
            ),
            None => nothing(State::Unknown, "recovery_tmo of the session could not be read"),
        };
        (name.clone(), judged)
    };
    sessions.map(judge).collect()
}

/// `None` where the rule passes this disk by, as its guard does not hold there.
pub(super) fn attribute(disk: &Disk, assignment: &Assignment, attr: UdevAttr) -> Option<Judgement> {
    Some(match device::now(disk, assignment, attr)? {
        Now::Missing => nothing(State::NotApplicable, "this disk has no such attribute"),
        Now::Unread => nothing(State::Unknown, "the attribute could not be read"),
        Now::AsWanted(now) => judgement(&now, State::Ok, ""),
        Now::NotYet(now) => {
            let because = "the device takes no more yet; a larger ring comes with the next boot";
            judgement(&now, State::PendingReboot, because)
        }
        Now::Differs(now) => judgement(&now, State::Differs, "the rule is in place, the live value is not"),
    })
}
