//! One system with the plan and without.

use std::collections::HashMap;
use std::path::Path;

use hvtune::facts::{Facts, Machine, Origin};
use hvtune::plan::{self, Change, Plan};
use hvtune::policy::{Policy, Recovery};
use hvtune::probe::{self, MachineSource};
use hvtune::render::{self, Templates};
use hvtune::root::Root;
use hvtune::stall::{self, Column, Fate, Span, Standing, Survey};
use hvtune::tunable::{Assignment, Target, UdevAttr, Verdict, Want};
use hvtune::tunables;

use crate::case::Case;
use crate::ground::{Content, Ground, Writer};
use crate::limits::{self, Limits};

/// Something that is worse with the plan than without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Alike for faults that have one cause, as far as a test can tell.
    pub(crate) kind: String,
    /// What is worse, and by how much.
    pub(crate) text: String,
}

fn fault(kind: impl Into<String>, text: impl Into<String>) -> Fault {
    Fault { kind: kind.into(), text: text.into() }
}

/// One fixture's root to change in place, and its machine as it was captured.
#[derive(Debug)]
struct Base {
    ground: Ground,
    machine: Machine,
}

/// What a thread needs to judge: every fixture is copied and its machine probed once.
#[derive(Debug, Default)]
pub(crate) struct Bench {
    bases: HashMap<String, Base>,
    /// Systems for which something was planned.
    pub(crate) planned: u64,
    /// Limits that could be read before and after.
    pub(crate) compared: u64,
}

/// What the model says with the plan, and without one.
#[derive(Debug)]
struct Both {
    with: Survey,
    without: Survey,
}

/// The one place that knows how the model is asked.
fn survey(facts: &Facts, plan: &Plan, policy: &Policy) -> Both {
    let with = stall::survey(facts, &plan.verdicts, policy);
    let none: &[Verdict] = &[];
    Both { with, without: stall::survey(facts, none, policy) }
}

impl Bench {
    /// Makes the case's ground ready.
    fn base(&mut self, case: &Case) {
        self.bases.entry(case.fixture.name.clone()).or_insert_with(|| {
            let capture = Root::offline(&case.fixture.machine).unwrap();
            let root = Root::offline(&case.fixture.root()).unwrap();
            let facts = probe::probe_timers(&MachineSource::Capture(&capture), &root);
            Base { ground: Ground::copy_of(&case.fixture.root()), machine: facts.machine.unwrap() }
        });
    }

    /// Everything that is worse.
    pub(crate) fn judge(&mut self, case: &Case) -> Vec<Fault> {
        self.base(case);
        let base = &self.bases[&case.fixture.name];
        let others = base.ground.lay(&case.writers);
        let root = Root::offline(base.ground.path()).unwrap();
        let facts = facts(&root, &base.machine, case);
        let verdicts = tunables::decide(&facts, &case.policy);
        let artifacts = render::render(&verdicts, &facts, &Templates::new()).unwrap();
        let mut faults = Vec::new();
        // Where there is no plan nothing is written, and nothing is worse.
        if let Ok(plan) = plan::plan(&facts, verdicts, artifacts, &root) {
            self.planned += u64::from(plan.settings().next().is_some());
            weaker_wants(&plan, &case.policy, &mut faults);
            let both = survey(&facts, &plan, &case.policy);
            sooner(&both, &case.policy, &mut faults);
            self.compared += weaker_limits(&base.ground, &plan, &facts, case, &mut faults);
        }
        drop(others);
        faults
    }
}

/// The root is read anew; the machine is the fixture's with what the case changes.
fn facts(root: &Root, machine: &Machine, case: &Case) -> Facts {
    let mut facts = probe::probe(&MachineSource::Unknown, root);
    let mut machine = machine.clone();
    case.changes.iter().for_each(|change| change.make(&mut machine));
    if case.live {
        machine.origin = Origin::Live;
        facts.system.offline = false;
    }
    facts.machine = Some(machine);
    facts
}

/// A timer of a disk is raised where it is lower, and never set whatever it is.
fn weaker_wants(plan: &Plan, policy: &Policy, faults: &mut Vec<Fault>) {
    for (_, assignment, _) in plan.settings() {
        let Assignment { target: Target::Udev { attr, .. }, want, .. } = assignment else { continue };
        let knob = assignment.target.knob();
        let timer = matches!(attr, UdevAttr::Timeout | UdevAttr::IoTimeout);
        if timer && !matches!(want, Want::AtLeast(_)) && policy.pin(&knob).is_none() {
            faults.push(fault(format!("want: {knob}"), format!("{knob} is set to {}", want.phrase())));
        }
    }
}

/// Every fate, and every watchdog, in both states to come.
fn sooner(both: &Both, policy: &Policy, faults: &mut Vec<Fault>) {
    let Both { with, without } = both;
    assert_eq!(with.standings.len(), without.standings.len(), "the plan changes what is mounted");
    for (standing, bare) in with.standings.iter().zip(&without.standings) {
        for trouble in stall::Trouble::ALL {
            let applied = |survey: &Standing, column| survey.fate(trouble, column).cloned();
            let pairs = [
                (Column::AfterApply, applied(standing, Column::Now)),
                (Column::AfterReboot, applied(bare, Column::AfterReboot)),
            ];
            for (column, before) in pairs {
                let after = applied(standing, column);
                let (Some(before), Some(after)) = (before, after) else { continue };
                if worse(&before, &after, policy) {
                    faults.push(told(standing, trouble, column, &before, &after));
                }
            }
        }
    }
    for (service, bare) in with.services.iter().zip(&without.services) {
        assert_eq!(service.unit, bare.unit);
        let pairs = [(1, &service.watches[0]), (2, &bare.watches[2])];
        for (column, before) in pairs {
            let after = &service.watches[column];
            if after.fires < before.fires {
                let text =
                    format!("{}: {:?} without, {:?} with the plan", service.unit, before.fires, after.fires);
                faults.push(fault(format!("survey, {}: watchdog", Column::ALL[column].name()), text));
            }
        }
    }
}

/// With `self-heal` a guest is to ride out the budget and may restart after it; else no end is sooner.
fn worse(before: &Fate, after: &Fate, policy: &Policy) -> bool {
    let asked = match policy.recovery {
        Recovery::SelfHeal => before.at.min(Span::Seconds(policy.stall)),
        _ => before.at,
    };
    after.at < asked
}

fn told(standing: &Standing, trouble: stall::Trouble, column: Column, before: &Fate, after: &Fate) -> Fault {
    let by = after.by.as_ref().map_or("nobody", |timer| timer.knob.as_str());
    let unknown: Vec<&str> = after.unknown.iter().map(String::as_str).collect();
    // Numbers in names of facts would make a kind of every disk.
    let ended: String = if after.by.is_some() { by.to_owned() } else { unknown.join(", ") };
    let ended: String = ended.chars().filter(|c| !c.is_ascii_digit()).collect();
    let kind = format!("survey, {}, {}: {ended}", column.name(), trouble.name());
    let text = format!(
        "{} lasts {:?} without, {:?} with the plan, ended by {by} (unknown: {})",
        standing.mount,
        before.at,
        after.at,
        unknown.join(", ")
    );
    fault(kind, text)
}

/// What the plan would lay over the root.
fn files(plan: &Plan) -> Vec<Writer> {
    let file =
        |path: &str, bytes: &[u8]| Writer { path: path.to_owned(), content: Content::File(bytes.to_vec()) };
    let laid = plan.changes.iter().filter_map(|change| match change {
        Change::Create(artifact) | Change::Replace { artifact, .. } => {
            Some(file(&artifact.path, &artifact.body))
        }
        Change::Edit { path, bytes, .. } => Some(file(path, bytes)),
        Change::Remove { path, .. } => Some(Writer { path: path.clone(), content: Content::Gone }),
        Change::Conflict { .. } => None,
    });
    laid.collect()
}

/// What is in force before and after, by the test's own readers. What the policy pins is the
/// administrator's word, and counts as no limit of before. Gives the number of limits compared.
fn weaker_limits(ground: &Ground, plan: &Plan, facts: &Facts, case: &Case, faults: &mut Vec<Fault>) -> u64 {
    let machine = facts.machine.as_ref().unwrap();
    let read = |root: &Path| -> Limits { limits::read(root, machine) };
    let before = read(ground.path());
    let ours = files(plan);
    let laid = ground.lay(&ours);
    let after = read(ground.path());
    drop(laid);
    let mut compared = 0;
    for (knob, limit) in &before {
        let said = |pin: &str| {
            knob.starts_with(pin) || (pin.starts_with("vm.dirty") && knob.starts_with("vm.dirty"))
        };
        let pinned = case.policy.set.iter().any(|pin| said(&pin.knob));
        let Some(now) = after.get(knob).filter(|_| !pinned) else { continue };
        compared += 1;
        if now.rank < limit.rank {
            let name = knob.split([' ', ',']).next().unwrap_or(knob);
            let kind = if name == "vm.dirty" { knob.clone() } else { name.to_owned() };
            faults.push(fault(
                format!("limit: {kind}"),
                format!("{knob}: {} without, {} with the plan's files", limit.shown, now.shown),
            ));
        }
    }
    compared
}
