//! systemd's own watchdogs.

use super::{IN_FORCE, cannot_tell, fine, not_here};
use crate::facts::{Facts, WATCHED};
use crate::policy::Policy;
use crate::resolve::InForce;
use crate::resolve::unit::chain;
use crate::scale::{Position, Scale};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Want};

/// `systemd.watchdog`
pub static WATCHDOG: Tunable = Tunable {
    id: "systemd.watchdog",
    title: "systemd's own services are not killed for waiting on a stalled disk",
    why: "journald, udevd, logind and their like must give a sign of life within WatchdogSec, 3 min as they \
          come. One that waits for a stalled disk cannot, and is aborted: logs are lost, device events and \
          logins fail, at the very time when the storage comes back. Twice the budget leaves room for a \
          stall that begins late in the interval and for the work that has piled up.",
    sources: &[
        Source {
            title: "systemd.service(5), WatchdogSec=",
            url: "https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#WatchdogSec=",
        },
        Source {
            title: "systemd 257 units/systemd-journald.service.in",
            url: "https://github.com/systemd/systemd/blob/v257/units/systemd-journald.service.in",
        },
    ],
    knobs: &[Knob { name: "WatchdogSec", accepts: Accepts::Integer { min: 0, max: 604_800 } }],
    decide: watchdog,
};

fn watchdog(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let wanted = policy.stall.saturating_mul(2);
    let pin = policy.pin(PROPERTY);
    let is_there = |unit: &&str| facts.system.watchdogs.iter().any(|watchdog| watchdog.unit == *unit);
    let installed = WATCHED.iter().copied().filter(is_there);
    let assignment =
        |unit: &'static str, want: Want| Assignment::new(Target::Unit { unit, property: PROPERTY }, want);
    // What a file that nobody could read says may be better than ours, which would come after it.
    let doubt = |unit: &str| chain(facts, unit, PROPERTY, None).doubts.into_iter().next();
    let doubts: Vec<String> = match pin {
        Some(_) => Vec::new(),
        None => installed.clone().filter_map(doubt).collect(),
    };
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        installed.partition(|unit| pin.is_some() || doubt(unit).is_none());
    let want = || pin.map_or(Want::AtLeast(wanted), |pin| Want::Exactly(pin.value.clone()));
    let what: Vec<Assignment> = known
        .iter()
        .map(|unit| assignment(unit, want()))
        .filter(|assignment| falls_short(facts, assignment))
        .collect();
    let mut decisions = Vec::new();
    if !what.is_empty() {
        let because = match pin {
            Some(_) => "pinned by the policy".to_owned(),
            None => format!("twice the stall budget of {} s", policy.stall),
        };
        decisions.push(Decision::Set { what, because });
    } else if !known.is_empty() {
        decisions.push(fine(format!("every watchdog is off, or waits {wanted} s and more already")));
    } else if unknown.is_empty() {
        decisions.push(not_here("none of systemd's services with a watchdog is installed"));
    }
    if let Some(because) = doubts.into_iter().next() {
        decisions.push(cannot_tell(&format!("{IN_FORCE}{PROPERTY}"), because));
    }
    decisions
}

/// Whether the unit has a watchdog at the next boot without us, and one that is not as wanted.
fn falls_short(facts: &Facts, assignment: &Assignment) -> bool {
    let Target::Unit { unit, property } = assignment.target else { return false };
    match chain(facts, unit, property, None).in_force() {
        InForce::Known { value, .. } => {
            let off = Scale::of(property).position(&value) == Some(Position::Forever);
            !off && !assignment.met_by(&value)
        }
        InForce::Unknown { .. } => true,
    }
}

const PROPERTY: &str = "WatchdogSec";

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, guest, pinned};
    use super::*;
    use crate::facts::{Unit, UnitFile, UnitLine, UnreadFile, Watchdog};

    /// A unit whose own file says so.
    fn unit(watchdog: &Watchdog) -> Unit {
        let line = UnitLine {
            line: 3,
            section: "Service".to_owned(),
            key: "WatchdogSec".to_owned(),
            value: watchdog.seconds.to_string(),
        };
        let path = format!("usr/lib/systemd/system/{}", watchdog.unit);
        let fragment = UnitFile { path, lines: vec![line], ..UnitFile::default() };
        Unit { name: watchdog.unit.clone(), fragment: Some(fragment), ..Unit::default() }
    }

    #[test]
    fn twice_the_budget_where_there_is_less() {
        let mut facts = guest("6.1.0", Vec::new());
        let policy = Policy::default();
        assert_eq!(ask(&WATCHDOG, &facts, &policy), ["not-applicable"]);
        let watchdog = |unit: &str, seconds: u64| Watchdog {
            unit: unit.to_owned(),
            seconds,
            with_ours: seconds,
            path: String::new(),
        };
        facts.system.watchdogs = vec![
            watchdog("systemd-journald.service", 180),
            watchdog("systemd-udevd.service", 0),
            watchdog("systemd-logind.service", 360),
        ];
        facts.system.units = facts.system.watchdogs.iter().map(unit).collect();
        let set = |value| vec![format!("unit:systemd-journald.service WatchdogSec={value}")];
        assert_eq!(ask(&WATCHDOG, &facts, &policy), set("at least 360"));
        assert_eq!(ask(&WATCHDOG, &facts, &Policy { stall: 90, ..policy }), ["already-right"]);
        let both = "unit:systemd-journald.service WatchdogSec=0, unit:systemd-logind.service WatchdogSec=0";
        assert_eq!(ask(&WATCHDOG, &facts, &pinned(&[("WatchdogSec", "0")])), [both]);
    }

    #[test]
    fn what_nobody_could_read_is_not_written_over() {
        let mut facts = guest("6.1.0", Vec::new());
        let unit = "systemd-journald.service".to_owned();
        facts.system.watchdogs =
            vec![Watchdog { unit: unit.clone(), seconds: 180, with_ours: 180, path: String::new() }];
        let unread = UnreadFile { path: "etc/x.conf".to_owned(), why: "Permission denied".to_owned() };
        facts.system.units = vec![Unit { name: unit, unread: vec![unread], ..Unit::default() }];
        assert_eq!(ask(&WATCHDOG, &facts, &Policy::default()), ["unknown"]);
        let set = ["unit:systemd-journald.service WatchdogSec=600"];
        assert_eq!(ask(&WATCHDOG, &facts, &pinned(&[("WatchdogSec", "600")])), set);
    }
}
