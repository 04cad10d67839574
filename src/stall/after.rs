//! The facts as they will be: with what a plan makes live, and with all of it.

use crate::facts::{Attribute, Disk, ExtMount, Facts, Machine, MultipathSetting, Session};
use crate::resolve::fstab::needed;
use crate::tunable::{Assignment, Decision, Select, Target, UdevAttr, Value, Verdict};

const REPLACEMENT: &str = "node.session.timeo.replacement_timeout";
const NOOP_INTERVAL: &str = "node.conn[0].timeo.noop_out_interval";
const NOOP_TIMEOUT: &str = "node.conn[0].timeo.noop_out_timeout";

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

/// The facts in a state to come. Knobs for which another writer wins (`overruled`) get his value.
pub fn after(facts: &Facts, verdicts: &[Verdict], overruled: &[(String, String)], column: Column) -> Facts {
    let mut facts = facts.clone();
    if column == Column::Now {
        return facts;
    }
    let booted = column == Column::AfterReboot;
    if booted {
        log_in_anew(&mut facts);
    }
    for verdict in verdicts {
        let Decision::Set { what, .. } = &verdict.decision else { continue };
        for assignment in what {
            let knob = assignment.target.knob();
            let other = overruled.iter().find(|(name, _)| *name == knob);
            let value = other.and_then(|(_, value)| Value::new(value).ok());
            take(&mut facts, assignment, &value.unwrap_or_else(|| assignment.want.value()), booted);
        }
    }
    facts
}

/// What a session gets at login: the value of its node record, the least of them as nothing tells
/// which is whose. A path gets multipathd's value, as it has now.
fn log_in_anew(facts: &mut Facts) {
    let records: Option<Vec<i64>> =
        facts.system.iscsi.records.iter().map(|record| record.number(REPLACEMENT)).collect();
    // -1 is for ever, so the longest.
    let least = records
        .and_then(|values| values.into_iter().min_by_key(|value| u64::try_from(*value).unwrap_or(u64::MAX)));
    let (Some(least), Some(machine)) = (least, facts.machine.as_mut()) else { return };
    for name in single_paths(machine) {
        if let Some(session) = machine.sessions.get_mut(&name) {
            session.recovery_tmo = Attribute::Is(least);
        }
    }
}

/// Sessions that are not multipathd's.
fn single_paths(machine: &Machine) -> Vec<String> {
    machine.sessions.keys().filter(|name| !machine.serves_paths(name)).cloned().collect()
}

fn pings(machine: &mut Machine, mut change: impl FnMut(&mut Session)) {
    for name in single_paths(machine) {
        if let Some(session) = machine.sessions.get_mut(&name) {
            change(session);
        }
    }
}

fn take(facts: &mut Facts, assignment: &Assignment, value: &Value, booted: bool) {
    let Some(machine) = facts.machine.as_mut() else { return };
    match &assignment.target {
        Target::Sysctl(key) => sysctl(machine, key, assignment, value),
        Target::Udev { select, attr } => {
            for disk in machine.disks.iter_mut().flatten().filter(|disk| select.takes(disk)) {
                attribute(disk, *attr, assignment, value);
            }
        }
        Target::Iscsi(REPLACEMENT) => {
            for name in single_paths(machine) {
                let Some(session) = machine.sessions.get_mut(&name) else { continue };
                let now = session.recovery_tmo.value().copied();
                if let (Some(now), Ok(seconds)) = (now, value.as_str().parse())
                    && !assignment.met_by(&now.to_string())
                {
                    session.recovery_tmo = Attribute::Is(seconds);
                }
            }
        }
        // A running session keeps its own until its next login.
        Target::Iscsi(NOOP_INTERVAL) if booted => {
            pings(machine, |session| number(&mut session.noop_interval, assignment, value));
        }
        Target::Iscsi(NOOP_TIMEOUT) if booted => {
            pings(machine, |session| number(&mut session.noop_timeout, assignment, value));
        }
        Target::Multipath { section, key } => facts.system.multipath.push(MultipathSetting {
            path: String::new(),
            line: 0,
            section: (*section).to_owned(),
            key: (*key).to_owned(),
            value: value.to_string(),
        }),
        // A running service keeps the watchdog it started with (`service_start_watchdog`,
        // <https://github.com/systemd/systemd/blob/v252/src/core/service.c>).
        Target::Unit { unit, .. } if booted => {
            let seconds = value.as_str().parse().unwrap_or(0);
            for watchdog in facts.system.watchdogs.iter_mut().filter(|watchdog| watchdog.unit == *unit) {
                watchdog.with_ours = seconds;
            }
        }
        Target::Fstab(_) if booted => errors(machine, &facts.system.ext, value.as_str()),
        Target::KernelArg("panic") if booted => sysctl(machine, "kernel.panic", assignment, value),
        Target::ModuleOption { module: "nvme_core", option: "io_timeout" } if booted => {
            machine.parameters.insert("nvme_core.io_timeout".to_owned(), value.to_string());
            let Ok(seconds) = value.as_str().parse::<u64>() else { return };
            let millis = seconds.saturating_mul(1000);
            for disk in machine.disks.iter_mut().flatten() {
                let nvme = [Select::NvmeAzureRemote, Select::NvmePassthrough].iter().any(|s| s.takes(disk));
                if nvme && disk.live.io_timeout.value().is_some_and(|now| *now < millis) {
                    disk.live.io_timeout = Attribute::Is(millis);
                }
            }
        }
        _ => {}
    }
}

fn sysctl(machine: &mut Machine, key: &str, assignment: &Assignment, value: &Value) {
    if let Some(now) = machine.sysctls.get_mut(key).filter(|now| !assignment.met_by(now)) {
        *now = value.to_string();
    }
}

/// Writes a number over one that is there and does not do.
fn number<T: std::str::FromStr + ToString>(now: &mut Attribute<T>, assignment: &Assignment, value: &Value) {
    let differs = now.value().is_some_and(|now| !assignment.met_by(&now.to_string()));
    if let Ok(number) = value.as_str().parse::<T>()
        && differs
    {
        *now = Attribute::Is(number);
    }
}

fn attribute(disk: &mut Disk, attr: UdevAttr, assignment: &Assignment, value: &Value) {
    match attr {
        UdevAttr::Timeout => number(&mut disk.live.timeout, assignment, value),
        UdevAttr::IoTimeout => number(&mut disk.live.io_timeout, assignment, value),
        UdevAttr::MaxRetries => number(&mut disk.live.max_retries, assignment, value),
        // No timer of a stall.
        UdevAttr::Scheduler | UdevAttr::NrRequests | UdevAttr::ReadAheadKb => {}
    }
}

/// File systems are mounted with what fstab says of them, where the option is written.
fn errors(machine: &mut Machine, ext: &[ExtMount], word: &str) {
    let points: Vec<String> = needed(ext, Some(machine)).iter().map(|entry| entry.point.clone()).collect();
    let named = |point: &str| points.iter().any(|entry| entry == point);
    for mount in machine.mounts.iter_mut().filter(|mount| named(&mount.point)) {
        mount.options.retain(|option| !option.starts_with("errors="));
        mount.options.push(format!("errors={word}"));
    }
}
