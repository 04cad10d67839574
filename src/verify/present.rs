//! What each setting of a plan is before the plan: what a person compares the want with.

use super::live;
use crate::facts::{Facts, Machine};
use crate::plan::Plan;
use crate::resolve::device;
use crate::resolve::wanted::{On, chain, places};
use crate::tunable::{Assignment, Target};

/// A knob's value before the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The disk, the session, or where the knob is turned.
    pub on: String,
    /// What it is: live where the machine shows it, else what the files come to; `None` where neither is known.
    pub value: Option<String>,
    /// Whether that will do.
    pub met: bool,
}

/// Of every setting, in the order of [`Plan::settings`].
pub fn present(facts: &Facts, plan: &Plan) -> Vec<Vec<Present>> {
    plan.settings().map(|(_, assignment, _)| of(facts, assignment)).collect()
}

fn of(facts: &Facts, assignment: &Assignment) -> Vec<Present> {
    let machine = facts.machine.as_ref().filter(|machine| !machine.is_assumed());
    let shown = |on: String, value: Option<String>| {
        let met = value.as_deref().is_some_and(|value| assignment.met_by(value));
        Present { on, value, met }
    };
    let configured = |on: On<'_>| chain(facts, assignment, on, None).in_force().value().map(str::to_owned);
    match &assignment.target {
        Target::Udev { attr, .. } => places(facts, assignment)
            .into_iter()
            .map(|on| match on {
                On::Disk(disk) => shown(disk.name.clone(), device::value_of(disk, *attr).value().cloned()),
                _ => shown(assignment.place(), None),
            })
            .collect(),
        Target::Iscsi(key) => {
            let sessions =
                machine.map(|machine| live::sessions(machine, key, assignment)).unwrap_or_default();
            if sessions.is_empty() {
                return vec![shown(assignment.place(), configured(On::All))];
            }
            sessions.into_iter().map(|(name, judged)| shown(name, judged.found)).collect()
        }
        _ => vec![one(facts, machine, assignment, configured(On::All))],
    }
}

/// A knob that there is one of.
fn one(
    facts: &Facts,
    machine: Option<&Machine>,
    assignment: &Assignment,
    configured: Option<String>,
) -> Present {
    let judged = machine.and_then(|machine| live::judged(facts, machine, assignment));
    let met = judged.as_ref().map(|judged| judged.state == super::State::Ok);
    let value = judged.and_then(|judged| judged.found).or(configured);
    let met = met.unwrap_or_else(|| value.as_deref().is_some_and(|value| assignment.met_by(value)));
    Present { on: assignment.place(), value, met }
}
