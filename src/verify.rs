//! Whether what was planned holds: files, live values, and which layer deviates.
//!
//! Not a second implementation: the expected values are the plan's own
//! assignments, and the files are in order when the plan would change none.

use crate::facts::{Disk, Facts, Machine};
use crate::formats::fstab::FSTAB;
use crate::plan::{Change, Contender, Plan};
use crate::render::{kernel_arg, landing};
use crate::resolve::device::{self, Now};
use crate::scale::Scale;
use crate::stall;
use crate::tunable::{Assignment, Decision, Target, UdevAttr, Verdict, Want};

/// A row's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As planned.
    Ok,
    /// Not as planned.
    Deviates,
    /// The device or kernel has no such knob.
    NotApplicable,
    /// The policy asks for what the device refuses.
    CannotBeSet,
    /// The files are in order; the value comes with the next boot.
    PendingReboot,
}

impl State {
    /// All of them, in the order of a summary.
    pub const ALL: [Self; 5] =
        [Self::Ok, Self::Deviates, Self::NotApplicable, Self::CannotBeSet, Self::PendingReboot];

    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Deviates => "deviates",
            Self::NotApplicable => "not-applicable",
            Self::CannotBeSet => "cannot-be-set",
            Self::PendingReboot => "pending-reboot",
        }
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
    /// What is wanted, in words.
    pub expected: String,
    /// What is there; empty where nothing could be read.
    pub found: String,
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
                }
            }
            Decision::Refused { because } => refused(verdict, because, &mut rows),
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
        expected: "as the policy asks".to_owned(),
        found: String::new(),
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
        target: mount.mount,
        expected: "none".to_owned(),
        found: mount.found,
        state: State::Deviates,
        layer: Layer::Live,
        because: mount.because,
    });
    found.collect()
}

/// The exit code of a verification: 1 where something deviates, 3 where only a reboot is missing.
pub fn exit_code(rows: &[Row]) -> u8 {
    if rows.iter().any(|row| row.state == State::Deviates) {
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
    let row = |target: String, found: &str, state, layer, because: String| Row {
        id,
        knob: assignment.target.knob(),
        target,
        expected: expected(assignment),
        found: found.to_owned(),
        state,
        layer,
        because,
    };
    let place = assignment.place();
    if let Some(why) = file_deviates(assignment, facts, plan) {
        return vec![row(place, "", State::Deviates, Layer::File, why)];
    }
    let Some(machine) = facts.running() else {
        return vec![row(place, "", State::Ok, Layer::File, "no running system to look at".to_owned())];
    };
    let judged = |target: String, judgement: Judgement| {
        let Judgement { found, state, because } = judgement;
        let shadow = (state == State::Deviates).then(|| shadow(plan, assignment)).flatten();
        let layer = if shadow.is_some() { Layer::Shadowed } else { Layer::Live };
        row(target, &found, state, layer, shadow.unwrap_or(because))
    };
    match &assignment.target {
        Target::Sysctl(key) => vec![judged(place, sysctl(machine, key, &assignment.want))],
        Target::Udev { select, attr } => machine
            .disks
            .iter()
            .flatten()
            .filter(|disk| select.takes(disk) && !below.iter().any(|other| rules(other, disk, *attr)))
            .filter_map(|disk| Some(judged(disk.name.clone(), attribute(disk, assignment, *attr)?)))
            .collect(),
        Target::ModuleOption { module, option } => {
            vec![judged(place, parameter(machine, &format!("{module}.{option}"), &assignment.want))]
        }
        Target::KernelArg(_) | Target::DropKernelArg(_) => vec![judged(place, argument(machine, assignment))],
        Target::Iscsi(key) => {
            let live = sessions(machine, key, &assignment.want);
            let mut rows: Vec<Row> =
                live.into_iter().map(|(name, judgement)| judged(name, judgement)).collect();
            if rows.is_empty() {
                let asked = "a session takes it at its next login".to_owned();
                rows.push(row(place, "", State::Ok, Layer::File, asked));
            }
            rows
        }
        Target::Waagent(_) => {
            let asked = "the agent reads its file when it starts".to_owned();
            vec![row(place, "", State::Ok, Layer::File, asked)]
        }
        Target::Fstab(_) => {
            let asked = "a file system takes it when it is mounted next".to_owned();
            vec![row(place, "", State::Ok, Layer::File, asked)]
        }
        Target::Multipath { .. } => {
            let asked = "multipathd shows what it uses: multipathd show config".to_owned();
            vec![row(place, "", State::Ok, Layer::File, asked)]
        }
        Target::Unit { unit, .. } => vec![judged(place, watchdog(facts, unit, &assignment.want))],
    }
}

fn expected(assignment: &Assignment) -> String {
    match assignment.target {
        Target::DropKernelArg(_) => "absent".to_owned(),
        _ => assignment.want.phrase(),
    }
}

/// Why the file that should carry an assignment does not.
fn file_deviates(assignment: &Assignment, facts: &Facts, plan: &Plan) -> Option<String> {
    let concerns = |path: &str| match assignment.target {
        Target::Udev { .. } => path.contains("/rules.d/"),
        Target::Sysctl(_) => path.contains("/sysctl.d/"),
        Target::ModuleOption { module, .. } => {
            let landing = landing(facts, module);
            (landing.modprobe && path.contains("/modprobe.d/"))
                || (landing.cmdline && path.contains("/grub.d/"))
        }
        Target::KernelArg(_) | Target::DropKernelArg(_) => path.contains("/grub.d/"),
        Target::Iscsi(_) => path.contains("/iscsi/"),
        Target::Waagent(_) => path.ends_with("/waagent.conf"),
        Target::Fstab(_) => path == FSTAB,
        Target::Multipath { .. } => path.contains("/multipath/"),
        Target::Unit { unit, .. } => path.contains(&format!("/{unit}.d/")),
    };
    let change = plan.changes.iter().find(|change| concerns(change.path()))?;
    Some(match change {
        Change::Create(artifact) => format!("{} is missing; hvtune apply writes it", artifact.path),
        Change::Replace { artifact, .. } => {
            format!("{} is not as planned; hvtune apply writes it", artifact.path)
        }
        Change::Remove { path, .. } => format!("{path} is no longer wanted; hvtune apply removes it"),
        Change::Edit { path, .. } => format!("{path} is not as planned; hvtune apply edits it"),
        Change::Conflict { path, why } => format!("{path}: {why}"),
    })
}

/// The contender that wins over our file for this knob.
fn shadow(plan: &Plan, assignment: &Assignment) -> Option<String> {
    let knob = assignment.target.knob();
    let wins = |other: &&Contender| other.knob == knob && other.who.starts_with(&other.winner);
    let winner = plan.contenders.iter().find(wins)?;
    Some(format!("{} writes {}: {}", winner.who, winner.value, winner.because))
}

/// A live value's judgement.
struct Judgement {
    found: String,
    state: State,
    because: String,
}

fn judgement(found: &str, state: State, because: &str) -> Judgement {
    Judgement { found: found.to_owned(), state, because: because.to_owned() }
}

fn by_value(found: &str, want: &Want, scale: Scale, otherwise: State, because: &str) -> Judgement {
    if want.met_by(scale, found) {
        judgement(found, State::Ok, "")
    } else {
        judgement(found, otherwise, because)
    }
}

fn sysctl(machine: &Machine, key: &str, want: &Want) -> Judgement {
    match machine.sysctls.get(key) {
        None => judgement("", State::NotApplicable, "this kernel has no such key"),
        Some(now) => by_value(
            now,
            want,
            Scale::of(key),
            State::Deviates,
            "the file is in order, the live value is not",
        ),
    }
}

fn parameter(machine: &Machine, name: &str, want: &Want) -> Judgement {
    match machine.parameters.get(name) {
        None => {
            judgement("", State::NotApplicable, "the module is not loaded, or does not show the parameter")
        }
        Some(now) => by_value(
            now,
            want,
            Scale::of(name),
            State::PendingReboot,
            "a module option takes effect when the module is loaded",
        ),
    }
}

/// The live value of every session that is not a path's.
fn sessions(machine: &Machine, key: &str, want: &Want) -> Vec<(String, Judgement)> {
    if key != "node.session.timeo.replacement_timeout" {
        return Vec::new();
    }
    let sessions = machine.sessions.iter().filter(|(name, _)| !machine.serves_paths(name));
    let judge = |(name, session): (&String, &crate::facts::Session)| {
        let now = session.recovery_tmo.value().copied()?;
        let state = if want.met_by(Scale::of(key), &now.to_string()) { State::Ok } else { State::Deviates };
        let because =
            if state == State::Ok { "" } else { "the records are in order, the live session is not" };
        Some((name.clone(), judgement(&now.to_string(), state, because)))
    };
    sessions.filter_map(judge).collect()
}

/// What the service's files come to, ours among them.
fn watchdog(facts: &Facts, unit: &str, want: &Want) -> Judgement {
    let watchdog = facts.system.watchdogs.iter().find(|watchdog| watchdog.unit == unit);
    let now = watchdog.map_or(0, |watchdog| watchdog.with_ours).to_string();
    by_value(
        &now,
        want,
        Scale::of("WatchdogSec"),
        State::Deviates,
        "the file is in order, and another drop-in is read after it",
    )
}

fn argument(machine: &Machine, assignment: &Assignment) -> Judgement {
    let Some(line) = &machine.cmdline else {
        return judgement("", State::NotApplicable, "the kernel command line could not be read");
    };
    let key = assignment.target.knob();
    let found = line.value(&key);
    let holds = match kernel_arg(assignment) {
        Some(arg) => line.holds(&arg),
        None => found.is_none(),
    };
    let shown = found.map_or_else(|| "absent".to_owned(), str::to_owned);
    if holds {
        judgement(&shown, State::Ok, "")
    } else {
        judgement(&shown, State::PendingReboot, "a kernel argument takes effect at the next boot")
    }
}

/// `None` where the rule passes this disk by, as its guard does not hold there.
fn attribute(disk: &Disk, assignment: &Assignment, attr: UdevAttr) -> Option<Judgement> {
    let judged = match device::now(disk, assignment, attr)? {
        Now::Missing => judgement("", State::NotApplicable, "this disk has no such attribute"),
        Now::Unread => judgement("", State::NotApplicable, "the attribute could not be read"),
        Now::AsWanted(now) => judgement(&now, State::Ok, ""),
        Now::NotYet(now) => {
            let because = "the device takes no more yet; a larger ring comes with the next boot";
            judgement(&now, State::PendingReboot, because)
        }
        Now::Differs(now) => judgement(&now, State::Deviates, "the rule is in place, the live value is not"),
    };
    Some(judged)
}

/// Whether a rule sets this attribute of this disk: the last that does is the one that counts.
fn rules(assignment: &Assignment, disk: &Disk, attr: UdevAttr) -> bool {
    let Target::Udev { select, attr: own } = assignment.target else { return false };
    own == attr && select.takes(disk) && attribute(disk, assignment, attr).is_some()
}
