//! systemd's own watchdogs.

use super::{fine, not_here};
use crate::facts::{Facts, WATCHED};
use crate::policy::Policy;
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
    let pin = policy.pin("WatchdogSec");
    let installed: Vec<_> = WATCHED
        .iter()
        .filter_map(|unit| {
            let watchdog = facts.system.watchdogs.iter().find(|watchdog| watchdog.unit == *unit)?;
            Some((*unit, watchdog.seconds))
        })
        .collect();
    let want = |_: &u64| pin.map_or(Want::AtLeast(wanted), |pin| Want::Exactly(pin.value.clone()));
    let what: Vec<Assignment> = installed
        .iter()
        .filter(|(_, seconds)| *seconds > 0 && (pin.is_some() || *seconds < wanted))
        .map(|(unit, seconds)| Assignment::new(Target::Unit { unit, property: "WatchdogSec" }, want(seconds)))
        .collect();
    if !what.is_empty() {
        let because = match pin {
            Some(_) => "pinned by the policy".to_owned(),
            None => format!("twice the stall budget of {} s", policy.stall),
        };
        return vec![Decision::Set { what, because }];
    }
    vec![if installed.is_empty() {
        not_here("none of systemd's services with a watchdog is installed")
    } else {
        fine(format!("every watchdog is off, or waits {wanted} s and more already"))
    }]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, guest, pinned};
    use super::*;
    use crate::facts::Watchdog;

    #[test]
    fn twice_the_budget_where_there_is_less() {
        let mut facts = guest("6.1.0", Vec::new());
        let policy = Policy::default();
        assert_eq!(ask(&WATCHDOG, &facts, &policy), ["not-here"]);
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
        let set = |value| vec![format!("unit:systemd-journald.service WatchdogSec={value}")];
        assert_eq!(ask(&WATCHDOG, &facts, &policy), set("at least 360"));
        assert_eq!(ask(&WATCHDOG, &facts, &Policy { stall: 90, ..policy }), ["fine"]);
        let both = "unit:systemd-journald.service WatchdogSec=0, unit:systemd-logind.service WatchdogSec=0";
        assert_eq!(ask(&WATCHDOG, &facts, &pinned(&[("WatchdogSec", "0")])), [both]);
    }
}
