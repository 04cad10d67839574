//! The facts as they will be: with what a plan makes live, and at the next boot.
//!
//! Every value comes from the chain of its knob's writers. What lasts no boot, such as a value
//! written by hand, is not there at the next one. Where nobody can tell which writer wins, the
//! value that gives up soonest is taken: what is said is then the least.

use std::cmp::Ordering;

use crate::facts::{Attribute, Class, Disk, Facts, Machine, MultipathSetting, Session};
use crate::render::home;
use crate::resolve::fstab::needed;
use crate::resolve::wanted::{self, On};
use crate::resolve::{Acts, Chain, InForce, Moment, sysctl};
use crate::scale::{Position, Scale};
use crate::tunable::{Assignment, Decision, Target, UdevAttr, Verdict};

const REPLACEMENT: &str = "node.session.timeo.replacement_timeout";
const NOOP_INTERVAL: &str = "node.conn[0].timeo.noop_out_interval";
const NOOP_TIMEOUT: &str = "node.conn[0].timeo.noop_out_timeout";

/// The attributes that hold a timer.
const TIMERS: [UdevAttr; 3] = [UdevAttr::Timeout, UdevAttr::IoTimeout, UdevAttr::MaxRetries];

/// Three states of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// As it is.
    Now,
    /// With what the plan makes live at once.
    AfterApply,
    /// With the whole plan, after the next boot.
    AfterReboot,
}

impl Column {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Now, Self::AfterApply, Self::AfterReboot];

    /// The name in text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::AfterApply => "after apply",
            Self::AfterReboot => "after reboot",
        }
    }
}

/// The facts in a state to come.
pub fn after(facts: &Facts, verdicts: &[Verdict], column: Column) -> Facts {
    let mut next = facts.clone();
    let plan = Planned { facts, settings: settings(verdicts) };
    match column {
        Column::Now => {}
        Column::AfterApply => plan.apply(&mut next),
        Column::AfterReboot => plan.boot(&mut next),
    }
    next
}

fn settings(verdicts: &[Verdict]) -> Vec<&Assignment> {
    let set = verdicts.iter().filter_map(|verdict| match &verdict.decision {
        Decision::Set { what, .. } => Some(what),
        _ => None,
    });
    set.flatten().collect()
}

/// The facts as they are, and what is set.
struct Planned<'a> {
    facts: &'a Facts,
    settings: Vec<&'a Assignment>,
}

impl Planned<'_> {
    fn of(&self, wanted: impl Fn(&Target) -> bool) -> Option<&Assignment> {
        self.settings.iter().rev().find(|assignment| wanted(&assignment.target)).copied()
    }

    fn chain(&self, assignment: &Assignment, on: On<'_>) -> Chain {
        wanted::chain(self.facts, assignment, on, home(self.facts, &assignment.target).as_deref())
    }

    /// What apply makes live at once.
    fn apply(&self, next: &mut Facts) {
        for assignment in &self.settings {
            let value = assignment.want.value().to_string();
            if let (Target::Multipath { .. }, Some(value)) =
                (&assignment.target, worst(&self.chain(assignment, On::All), &assignment.target.knob(), None))
            {
                multipath(next, assignment, value);
            }
            let Some(machine) = next.machine.as_mut() else { continue };
            match &assignment.target {
                Target::Sysctl(key) => {
                    if let Some(now) = machine.sysctls.get_mut(*key).filter(|now| !assignment.met_by(now)) {
                        *now = value;
                    }
                }
                Target::Iscsi(REPLACEMENT) => each_session(machine, |session| {
                    number(&mut session.recovery_tmo, assignment, &value);
                }),
                Target::Udev { select, attr } => {
                    for disk in machine.disks.iter_mut().flatten().filter(|disk| select.takes(disk)) {
                        attribute(disk, *attr, assignment, &value);
                    }
                }
                _ => {}
            }
        }
    }

    /// What the next boot brings.
    fn boot(&self, next: &mut Facts) {
        self.multipath(next);
        self.units(next);
        let Some(machine) = next.machine.as_mut() else { return };
        self.sysctls(machine);
        self.sessions(machine);
        for timers in machine.timers.iter_mut().flat_map(|timers| timers.scsi.values_mut()) {
            timers.state = Attribute::Is("running".to_owned());
        }
        let millis = self.nvme(machine);
        for disk in machine.disks.iter_mut().flatten() {
            for attr in TIMERS {
                self.disk(disk, attr, millis);
            }
        }
        if let Some(assignment) = self.of(|target| matches!(target, Target::Fstab(_))) {
            let word = assignment.want.value();
            errors(machine, self.facts, word.as_str());
        }
    }

    fn sysctls(&self, machine: &mut Machine) {
        for (key, now) in &mut machine.sysctls {
            let ours = self.of(|target| matches!(target, Target::Sysctl(own) if own == key));
            let chain = match ours {
                Some(assignment) => self.chain(assignment, On::All),
                None => sysctl::chain(self.facts, key, None),
            };
            if let Some(value) = worst(&chain, key, Some(now)) {
                *now = value;
            }
        }
        // An argument is there before any file is read, and stays where no file says otherwise.
        let argument = self.of(|target| matches!(target, Target::KernelArg("panic")));
        let file = self.of(|target| matches!(target, Target::Sysctl("kernel.panic")));
        if let (Some(assignment), None, Some(now)) =
            (argument, file, machine.sysctls.get_mut("kernel.panic").filter(|now| *now == "0"))
        {
            *now = assignment.want.value().to_string();
        }
    }

    /// What a session gets at login: the value of its node record, the least of them as nothing tells
    /// which is whose. A path gets multipathd's value, as it has now.
    fn sessions(&self, machine: &mut Machine) {
        for key in [REPLACEMENT, NOOP_INTERVAL, NOOP_TIMEOUT] {
            let ours = self.of(|target| matches!(target, Target::Iscsi(own) if *own == key));
            let records = self.facts.system.iscsi.records.iter().map(|record| match ours {
                Some(assignment) => self.chain(assignment, On::Record(&record.path)),
                None => wanted::of_record(self.facts, key, &record.path),
            });
            let values: Vec<String> = records.filter_map(|chain| worst(&chain, key, None)).collect();
            let least = values.into_iter().min_by(|one, other| order(key, one, other));
            if key == REPLACEMENT {
                each_session(machine, |session| take(&mut session.recovery_tmo, least.as_deref(), ours));
                continue;
            }
            // multipathd writes no pings.
            for session in machine.sessions.values_mut() {
                let now =
                    if key == NOOP_INTERVAL { &mut session.noop_interval } else { &mut session.noop_timeout };
                take(now, least.as_deref(), ours);
            }
        }
    }

    fn units(&self, next: &mut Facts) {
        for watchdog in &mut next.system.watchdogs {
            let name = watchdog.unit.clone();
            let ours = self.of(|target| matches!(target, Target::Unit { unit, .. } if *unit == name));
            let chain = match ours {
                Some(assignment) => self.chain(assignment, On::All),
                None => crate::resolve::unit::chain(self.facts, &name, "WatchdogSec", None),
            };
            let seconds = worst(&chain, "WatchdogSec", None).map(|value| value.parse().unwrap_or(0));
            watchdog.with_ours = seconds.unwrap_or(watchdog.with_ours);
        }
    }

    fn multipath(&self, next: &mut Facts) {
        for assignment in self.settings.iter().filter(|a| matches!(a.target, Target::Multipath { .. })) {
            let chain = self.chain(assignment, On::All);
            if let Some(value) = worst(&chain, &assignment.target.knob(), None) {
                multipath(next, assignment, value);
            }
        }
    }

    /// The time that the NVMe driver gives every disk, in milliseconds, where a setting of ours says so.
    fn nvme(&self, machine: &mut Machine) -> Option<u64> {
        self.nvme_option(machine, "admin_timeout");
        let seconds = self.nvme_option(machine, "io_timeout")?.parse::<u64>().ok()?;
        Some(seconds.saturating_mul(1000))
    }

    fn nvme_option(&self, machine: &mut Machine, wanted: &str) -> Option<String> {
        let is_ours = |target: &Target| matches!(target, Target::ModuleOption { module: "nvme_core", option } if *option == wanted);
        let knob = format!("nvme_core.{wanted}");
        let value = worst(&self.chain(self.of(is_ours)?, On::All), &knob, None)?;
        machine.parameters.insert(knob, value.clone());
        Some(value)
    }

    fn disk(&self, disk: &mut Disk, attr: UdevAttr, millis: Option<u64>) {
        let now = match attr {
            UdevAttr::Timeout => disk.live.timeout.value().map(ToString::to_string),
            UdevAttr::IoTimeout => disk.live.io_timeout.value().map(ToString::to_string),
            _ => disk.live.max_retries.value().map(ToString::to_string),
        };
        let Some(now) = now else { return };
        let takes = |target: &Target| matches!(target, Target::Udev { select, attr: own } if *own == attr && select.takes(disk));
        let chain = match self.of(takes) {
            Some(assignment) => self.chain(assignment, On::Disk(disk)),
            None => wanted::of_attribute(self.facts, disk, attr),
        };
        let Some(mut value) = worst(&chain, attr.path(), Some(&now)) else { return };
        let nvme = matches!(disk.class, Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme);
        if let (UdevAttr::IoTimeout, true, Some(millis), true) = (attr, nvme, millis, from_load(&chain)) {
            value = millis.to_string();
        }
        match attr {
            UdevAttr::Timeout => disk.live.timeout = parsed(&value),
            UdevAttr::IoTimeout => disk.live.io_timeout = parsed(&value),
            _ => disk.live.max_retries = parsed(&value),
        }
    }
}

/// Whether a chain ends in what the driver was loaded with.
fn from_load(chain: &Chain) -> bool {
    let InForce::Known { by, .. } = chain.in_force() else { return false };
    chain.writers.get(by).is_some_and(|writer| writer.moment <= Moment::Load)
}

fn parsed<T: std::str::FromStr>(value: &str) -> Attribute<T> {
    value.parse().map_or(Attribute::Unknown, Attribute::Is)
}

/// What is there now tells which of the undecided writers act: one that writes just that did, the others
/// did not.
fn settled(chain: &Chain, now: Option<&str>) -> Chain {
    let mut settled = chain.clone();
    let (Some(now), InForce::Unknown { candidates, .. }) = (now, chain.without_ours()) else {
        return settled;
    };
    if !candidates.iter().any(|value| value == now) || !chain.doubts.is_empty() {
        return settled;
    }
    for writer in settled.writers.iter_mut().filter(|writer| !writer.is_ours()) {
        if matches!(writer.acts, Acts::Maybe(_)) {
            let same = writer.value.as_deref() == Some(now);
            writer.acts = if same { Acts::Yes } else { Acts::No("it did not act before".to_owned()) };
        }
    }
    settled
}

/// The value that a chain ends in; of several, that which gives up soonest, `now` among them where a
/// writer may be hidden. `None` where nobody is known to write it.
fn worst(chain: &Chain, knob: &str, now: Option<&str>) -> Option<String> {
    match settled(chain, now).in_force() {
        InForce::Known { value, .. } => Some(value),
        InForce::Unknown { mut candidates, .. } => {
            if !candidates.is_empty() || chain.doubts.is_empty() {
                candidates.extend(now.map(str::to_owned));
            }
            candidates.into_iter().min_by(|one, other| order(knob, one, other))
        }
    }
}

/// Which of two values gives up sooner. A switch that lets the kernel panic does so where it is on.
fn order(knob: &str, one: &str, other: &str) -> Ordering {
    let stands = |value: &str| Scale::of(knob).position(value).unwrap_or(Position::At(i64::MIN));
    let ordered = stands(one).cmp(&stands(other));
    if knob.ends_with("_panic") { ordered.reverse() } else { ordered }
}

/// A session's timer at its next login: its record's, or where there is none what it has, with ours.
fn take<T>(now: &mut Attribute<T>, record: Option<&str>, ours: Option<&Assignment>)
where
    T: std::str::FromStr + ToString,
{
    match (record, ours) {
        (Some(value), _) if now.value().is_some() => *now = parsed(value),
        (None, Some(assignment)) => number(now, assignment, assignment.want.value().as_str()),
        _ => {}
    }
}

/// Sessions that are not multipathd's.
fn each_session(machine: &mut Machine, mut change: impl FnMut(&mut Session)) {
    let names: Vec<String> =
        machine.sessions.keys().filter(|name| !machine.serves_paths(name)).cloned().collect();
    for name in names {
        if let Some(session) = machine.sessions.get_mut(&name) {
            change(session);
        }
    }
}

fn multipath(next: &mut Facts, assignment: &Assignment, value: String) {
    let Target::Multipath { section, key } = assignment.target else { return };
    next.system.multipath.push(MultipathSetting {
        path: String::new(),
        line: 0,
        section: section.to_owned(),
        key: key.to_owned(),
        value,
    });
}

/// Writes a number over one that is there and does not do.
fn number<T: std::str::FromStr + ToString>(now: &mut Attribute<T>, assignment: &Assignment, value: &str) {
    let differs = now.value().is_some_and(|now| !assignment.met_by(&now.to_string()));
    if let Ok(number) = value.parse::<T>()
        && differs
    {
        *now = Attribute::Is(number);
    }
}

fn attribute(disk: &mut Disk, attr: UdevAttr, assignment: &Assignment, value: &str) {
    match attr {
        UdevAttr::Timeout => number(&mut disk.live.timeout, assignment, value),
        UdevAttr::IoTimeout => number(&mut disk.live.io_timeout, assignment, value),
        UdevAttr::MaxRetries => number(&mut disk.live.max_retries, assignment, value),
        // No timer of a stall.
        UdevAttr::Scheduler | UdevAttr::NrRequests | UdevAttr::ReadAheadKb => {}
    }
}

/// File systems are mounted with what fstab says of them.
fn errors(machine: &mut Machine, facts: &Facts, word: &str) {
    let needed = needed(&facts.system.ext, facts.machine.as_ref());
    let named = |point: &str| needed.iter().any(|entry| entry.point == point);
    for mount in machine.mounts.iter_mut().filter(|mount| named(&mount.point)) {
        mount.options.retain(|option| !option.starts_with("errors="));
        mount.options.push(format!("errors={word}"));
    }
}
