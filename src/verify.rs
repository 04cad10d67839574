//! Whether what was planned holds: at the next boot, by its chain of writers, and live.
//!
//! Not a second implementation: the expected values are the plan's own assignments, the files are in
//! order when the plan would change none, and who wins is the resolver's answer. A row says ok only
//! where both were looked at and do; what nobody could look at is unknown.

mod live;
mod next;
mod present;

use crate::facts::{Disk, Facts, Machine};
use crate::plan::Plan;
use crate::resolve::wanted::{KERNEL_RETRIES, On, places, to_put_back};
use crate::stall;
use crate::tunable::{Assignment, Decision, Target, UdevAttr, Value, Verdict, Wanted};
use crate::tunables::IN_FORCE;

use live::Judgement;
use next::{Next, next};
pub use present::{Present, present};

/// A row's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As planned, and looked at.
    Ok,
    /// Not as planned; apply puts it right.
    Differs,
    /// Somebody else has the last word, or our file is not read.
    Overridden,
    /// It waits for a person: hvtune does not write that place.
    ByHand,
    /// The files are in order; the value comes with the next boot.
    PendingReboot,
    /// The policy asks for what cannot be had here.
    CannotBeSet,
    /// Nobody could tell.
    Unknown,
    /// The device or kernel has no such knob.
    NotApplicable,
}

impl State {
    /// All of them, in the order of a summary.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Differs,
        Self::Overridden,
        Self::ByHand,
        Self::PendingReboot,
        Self::CannotBeSet,
        Self::Unknown,
        Self::NotApplicable,
    ];

    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Differs => "differs",
            Self::Overridden => "overridden",
            Self::ByHand => "by-hand",
            Self::PendingReboot => "pending-reboot",
            Self::CannotBeSet => "cannot-be-set",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// Whether somebody has to look at it, for which a verification ends with 1.
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Differs | Self::Overridden | Self::ByHand | Self::Unknown)
    }
}

/// Where a deviation lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The file is missing, stale or not ours.
    File,
    /// The running kernel's value.
    Live,
    /// The file is in order, and another writer wins over it.
    Shadowed,
}

impl Layer {
    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Live => "live",
            Self::Shadowed => "shadowed",
        }
    }
}

/// One knob, on one disk where it is a disk's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The tunable.
    pub id: &'static str,
    /// The knob.
    pub knob: String,
    /// The disk, or where the knob is turned.
    pub target: String,
    /// Where the plan turns the knob, as the setting that is checked says it.
    pub place: String,
    /// What is wanted, in words.
    pub expected: String,
    /// The same as a comparison; `None` where nobody could say what is wanted.
    pub wanted: Option<Wanted>,
    /// What is there; `None` where nothing could be read.
    pub found: Option<String>,
    /// The verdict.
    pub state: State,
    /// Which layer was looked at last, or deviates.
    pub layer: Layer,
    /// Why, where the state alone does not say it.
    pub because: String,
}

/// Every row, in the catalogue's order; no two have the same id, knob and target.
pub fn verify(facts: &Facts, plan: &Plan) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut settings = plan.settings();
    for verdict in &plan.verdicts {
        match &verdict.decision {
            Decision::Set { what, .. } => {
                for assignment in what {
                    settings.next();
                    let below: Vec<&Assignment> = settings.clone().map(|(_, other, _)| other).collect();
                    rows.extend(rows_of(verdict.tunable.id, assignment, &below, facts, plan));
                    rows.extend(put_back(verdict.tunable.id, assignment, facts));
                }
            }
            Decision::Refused { because } => refused(verdict, because, &mut rows),
            Decision::CannotTell { fact, because } if fact.starts_with(IN_FORCE) => {
                rows.push(untold(verdict, fact, because));
            }
            _ => {}
        }
    }
    rows
}

/// One row for what the policy asks of a tunable in vain, also where several classes refuse it.
fn refused(verdict: &Verdict, because: &str, rows: &mut Vec<Row>) {
    let same = |row: &&mut Row| row.id == verdict.tunable.id && row.state == State::CannotBeSet;
    if let Some(row) = rows.iter_mut().find(same) {
        row.because = format!("{}; {because}", row.because);
        return;
    }
    rows.push(Row {
        id: verdict.tunable.id,
        knob: verdict.tunable.knobs.first().map_or(verdict.tunable.id, |knob| knob.name).to_owned(),
        target: "policy".to_owned(),
        place: "policy".to_owned(),
        expected: "as the policy asks".to_owned(),
        wanted: None,
        found: None,
        state: State::CannotBeSet,
        layer: Layer::Live,
        because: because.to_owned(),
    });
}

/// A row for every file system that has given up, or may have: no setting is at fault, but the
/// machine is not in order.
pub fn given_up(facts: &Facts) -> Vec<Row> {
    let found = facts.machine.iter().flat_map(stall::given_up).map(|mount| Row {
        id: "fs.errors",
        knob: "errors".to_owned(),
        place: mount.mount.clone(),
        target: mount.mount,
        expected: "none".to_owned(),
        wanted: Some(Wanted::ABSENT),
        found: Some(mount.found),
        state: State::Differs,
        layer: Layer::Live,
        because: mount.because,
    });
    found.collect()
}

/// A row for every disk that our rule has tried for ever and that must see its errors.
fn put_back(id: &'static str, assignment: &Assignment, facts: &Facts) -> Vec<Row> {
    let row = |disk: &Disk| Row {
        id,
        knob: assignment.target.knob(),
        target: disk.name.clone(),
        place: disk.name.clone(),
        expected: KERNEL_RETRIES.to_owned(),
        wanted: Some(Wanted { op: "=", value: Some(Value::word(KERNEL_RETRIES)) }),
        found: Some("-1".to_owned()),
        state: State::Differs,
        layer: Layer::Live,
        because: "it is part of an array, pool or map, which must see its errors; apply puts it right"
            .to_owned(),
    };
    to_put_back(facts, assignment).into_iter().map(row).collect()
}

/// A row for a knob whose value at the next boot could not be told, so that it was left alone.
fn untold(verdict: &Verdict, fact: &str, because: &str) -> Row {
    Row {
        id: verdict.tunable.id,
        knob: fact.trim_start_matches(IN_FORCE).to_owned(),
        target: "next boot".to_owned(),
        place: "next boot".to_owned(),
        expected: "to be known".to_owned(),
        wanted: None,
        found: None,
        state: State::Unknown,
        layer: Layer::Shadowed,
        because: because.to_owned(),
    }
}

/// The exit code of a verification: 1 where something is not as planned or nobody could tell, 3 where only
/// a reboot is missing.
pub fn exit_code(rows: &[Row]) -> u8 {
    if rows.iter().any(|row| row.state.is_trouble()) {
        1
    } else if rows.iter().any(|row| row.state == State::PendingReboot) {
        3
    } else {
        0
    }
}

/// `below`: what the plan sets further down.
fn rows_of(
    id: &'static str,
    assignment: &Assignment,
    below: &[&Assignment],
    facts: &Facts,
    plan: &Plan,
) -> Vec<Row> {
    let running = facts.running();
    let row = |target: String, next: Next, live: Option<Judgement>| {
        let (found, state, layer, because) = both(next, live);
        let (knob, expected) = (assignment.target.knob(), expected(assignment));
        let (place, wanted) = (assignment.place(), Some(assignment.wanted()));
        Row { id, knob, target, place, expected, wanted, found, state, layer, because }
    };
    let one = |on: On<'_>| next(facts, plan, assignment, on);
    match &assignment.target {
        Target::Udev { attr, .. } => {
            let on = places(facts, assignment).into_iter();
            on.filter(|on| !is_ruled_below(*on, below, *attr))
                .map(|on| match on {
                    On::Disk(disk) => {
                        let live = running.and_then(|_| live::attribute(disk, assignment, *attr));
                        row(disk.name.clone(), one(on), live)
                    }
                    _ => row(assignment.place(), one(on), None),
                })
                .collect()
        }
        Target::Iscsi(key) => iscsi(facts, running, key, assignment, &one)
            .into_iter()
            .map(|(target, next, live)| row(target, next, live))
            .collect(),
        _ => {
            // What counts in a boot only is not told by the value of now.
            let running = running.filter(|_| !assignment.target.is_of_a_boot());
            let live = running.and_then(|machine| live::judged(facts, machine, assignment));
            vec![row(assignment.place(), one(On::All), live)]
        }
    }
}

/// One row for the files, which are many and alike, and one for each session.
fn iscsi(
    facts: &Facts,
    running: Option<&Machine>,
    key: &str,
    assignment: &Assignment,
    one: &impl Fn(On<'_>) -> Next,
) -> Vec<(String, Next, Option<Judgement>)> {
    let unread = facts.system.iscsi.unread.iter().map(|unread| Next::unknown(unread.said()));
    let files = places(facts, assignment).into_iter().map(one).chain(unread);
    let Some(worst) = files.max_by_key(|next| gravity(next.state)) else { return Vec::new() };
    let mut rows = vec![(assignment.place(), worst.clone(), None)];
    if let Some(machine) = running {
        let sessions = live::sessions(machine, key, assignment);
        rows.extend(sessions.into_iter().map(|(name, judged)| (name, worst.clone(), Some(judged))));
    }
    rows
}

/// Whether a rule further down sets this attribute of this disk: the last that does is the one that counts.
fn is_ruled_below(on: On<'_>, below: &[&Assignment], attr: UdevAttr) -> bool {
    let On::Disk(disk) = on else { return false };
    below.iter().any(|other| rules(other, disk, attr))
}

fn rules(assignment: &Assignment, disk: &Disk, attr: UdevAttr) -> bool {
    let Target::Udev { select, attr: own } = assignment.target else { return false };
    own == attr && select.takes(disk) && live::attribute(disk, assignment, attr).is_some()
}

/// Which of two states matters more to who looks.
fn gravity(state: State) -> u8 {
    match state {
        State::NotApplicable => 0,
        State::Ok => 1,
        State::CannotBeSet => 2,
        State::PendingReboot => 3,
        State::Unknown => 4,
        State::ByHand => 5,
        State::Differs => 6,
        State::Overridden => 7,
    }
}

/// The next boot and the running kernel in one row: whichever is in the worse state is told.
fn both(next: Next, live: Option<Judgement>) -> (Option<String>, State, Layer, String) {
    let Some(live) = live else { return (next.found, next.state, next.layer, next.because) };
    // No knob here means none at the next boot of this kernel, whatever the files say.
    let absent = live.state == State::NotApplicable && next.state != State::Differs;
    if absent || gravity(live.state) > gravity(next.state) {
        return (live.found, live.state, Layer::Live, live.because);
    }
    let layer = if next.state == State::Ok { Layer::Live } else { next.layer };
    (live.found.or(next.found), next.state, layer, next.because)
}

fn expected(assignment: &Assignment) -> String {
    match assignment.target {
        Target::DropKernelArg(_) => "absent".to_owned(),
        _ => assignment.want.phrase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdline::Cmdline;
    use crate::facts::{BootStack, HyperV, Hypervisor, Origin};
    use crate::tunable::Want;

    /// On a running guest whose command line has neither.
    #[test]
    fn what_counts_in_a_boot_only_does_not_wait_for_one() {
        let machine = Machine {
            origin: Origin::Live,
            hypervisor: Some(Hypervisor::HyperV(HyperV::default())),
            cmdline: Some(Cmdline::parse("ro quiet")),
            ..Machine::default()
        };
        let mut facts = Facts { machine: Some(machine), ..Facts::default() };
        facts.system.boot.stack = BootStack::DebianGrub;
        facts.system.boot.configured.reads_ours = true;
        for (key, waits) in [("panic", true), ("udev.event_timeout", false)] {
            let what = vec![Assignment::new(Target::KernelArg(key), Want::Exactly(Value::word("240")))];
            let decision = Decision::Set { what, because: String::new() };
            let verdicts = vec![Verdict { tunable: &crate::tunables::boot::PANIC, decision }];
            let rows = verify(&facts, &Plan { verdicts, ..Plan::default() });
            let [row] = rows.as_slice() else { panic!("{rows:?}") };
            assert_eq!(row.state == State::PendingReboot, waits, "{row:?}");
            assert_eq!(row.found.as_deref() == Some("absent"), waits, "{row:?}");
        }
    }
}
