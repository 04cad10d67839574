//! How long an in-guest iSCSI session may be gone.

use super::waits::{DAY, wait};
use super::{There, fine, per_class, timers_without_us};
use crate::facts::{Disk, Facts, Role};
use crate::policy::{Policy, Recovery};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Select, Source, Target, Tunable, Value, Want};

/// What open-iscsi ships, in seconds: nothing less is ever written.
const SHIPPED: u64 = 120;
/// A day, in seconds: a root file system on one session has nothing to fail over to
/// (README 8.2 wants as much).
const ROOT: u64 = 86_400;
/// `node.conn[0].timeo.login_timeout` as shipped, in seconds.
const LOGIN_TIMEOUT: u64 = 15;
/// `node.session.initial_login_retry_max` as shipped.
const LOGINS: u64 = 8;
const REPLACEMENT: &str = "node.session.timeo.replacement_timeout";
const LOGIN_RETRIES: &str = "node.session.initial_login_retry_max";
const NOOP_INTERVAL: &str = "node.conn[0].timeo.noop_out_interval";
const NOOP_TIMEOUT: &str = "node.conn[0].timeo.noop_out_timeout";

const README: Source = Source {
    title: "open-iscsi README, 8.1 and 8.2",
    url: "https://github.com/open-iscsi/open-iscsi/blob/master/README",
};

/// `iscsi.recovery`
pub static RECOVERY: Tunable = Tunable {
    id: "iscsi.recovery",
    title: "A dropped iSCSI session is waited for as long as the stall budget",
    why: "When a target falls silent the initiator drops the session after 10 s and then holds all I/O for \
          replacement_timeout, 120 s as shipped; then every write fails and the journal aborts for good, even \
          if the target comes back a second later. This is how guests went read-only in 2015. Known node \
          records keep the value that they were made with, so those are edited too, and the running session's \
          recovery_tmo. At boot a session is tried initial_login_retry_max times, 15 s each: as long as the stall budget and a minute. A session that an initramfs \
          began needs no kernel argument: iscsid logs in to it anew with its record, or with iscsid.conf.",
    sources: &[
        README,
        Source {
            title: "open-iscsi usr/iscsid.c (sync_session) and usr/initiator.c (iscsi_sync_session)",
            url: "https://github.com/open-iscsi/open-iscsi/blob/master/usr/iscsid.c",
        },
        Source {
            title: "Linux 6.12 drivers/scsi/scsi_transport_iscsi.c (recovery_tmo)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_transport_iscsi.c",
        },
    ],
    knobs: &[
        Knob { name: REPLACEMENT, accepts: Accepts::Integer { min: -1, max: 2_147_483 } },
        Knob { name: LOGIN_RETRIES, accepts: Accepts::Integer { min: 1, max: 100_000 } },
    ],
    decide: recovery,
};

fn recovery(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    per_class(facts, &[Select::Iscsi], "no iSCSI session, and open-iscsi is not installed", |_, there| {
        let paths = |disks: &[&Disk]| disks.iter().all(|disk| disk.is_path());
        let pin = policy.pin(REPLACEMENT);
        if matches!(&there, There::Seen(disks) if paths(disks)) && pin.is_none() {
            let why =
                "every session is a path of a multipath map, whose daemon writes its own value over this one";
            return vec![fine(why)];
        }
        let replacement = match pin {
            Some(pin) => Want::Exactly(pin.value.clone()),
            None if policy.recovery == Recovery::Hold => Want::Exactly(Value::number(-1)),
            None if is_root(&there) => Want::AtLeast(policy.stall.max(ROOT)),
            None => Want::AtLeast(policy.stall.max(SHIPPED)),
        };
        let seconds = if policy.recovery == Recovery::Hold { DAY } else { wait(policy) };
        let tries = Want::AtLeast(seconds.div_ceil(LOGIN_TIMEOUT).max(LOGINS));
        let tries = policy.pin(LOGIN_RETRIES).map_or(tries, |pin| Want::Exactly(pin.value.clone()));
        let because = match (pin, policy.recovery) {
            (Some(_), _) => "pinned by the policy".to_owned(),
            (None, Recovery::Hold) => {
                "recovery = \"hold\": I/O waits for the session without limit".to_owned()
            }
            (None, _) if is_root(&there) => {
                "the root lies on a single session: it has nothing to fail over to".to_owned()
            }
            (None, _) => {
                format!("the stall budget of {} s, and never below the {SHIPPED} s shipped", policy.stall)
            }
        };
        vec![Decision::Set {
            what: vec![assign(REPLACEMENT, replacement), assign(LOGIN_RETRIES, tries)],
            because,
        }]
    })
}

/// Whether the root file system lies on a session that is no path of a map.
fn is_root(there: &There<'_>) -> bool {
    matches!(there, There::Seen(disks) if disks.iter().any(|disk| disk.roles.contains(&Role::Root) && !disk.is_path()))
}

/// Whether pings help nobody here. The records are those of all sessions, and a path of a map
/// must be found dead soon. Without pings error handling begins at a disk's first expiry, with them at the second
/// (`iscsi_eh_cmd_timed_out`, <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/libiscsi.c>): a longer timer
/// of somebody's would end sooner.
fn helps_nobody(facts: &Facts, policy: &Policy, there: &There<'_>) -> bool {
    let There::Seen(disks) = there else { return false };
    let ends_sooner =
        |disk: &&Disk| timers_without_us(facts, disk).into_iter().any(|timer| timer > policy.stall / 2);
    !disks.iter().any(|disk| disk.is_path() || ends_sooner(disk))
}

/// `iscsi.noop_out`
pub static NOOP_OUT: Tunable = Tunable {
    id: "iscsi.noop_out",
    title: "A target that is slow to answer keeps its session",
    why: "The initiator pings a target that is silent and drops the session when no answer comes, within 10 s as \
          shipped; a busy target is then logged into again and again, which it can bear even less. It gets a \
          sixth of the stall budget to answer, 30 s at most. Where the root lies on a single session, a dropped \
          one helps nobody, and no ping is sent. A running session keeps what it has until its next login, which \
          a restart of iscsid brings about.",
    sources: &[
        README,
        Source {
            title: "Linux 6.12 drivers/scsi/libiscsi.c (iscsi_check_transport_timeouts)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/libiscsi.c",
        },
    ],
    knobs: &[
        Knob { name: NOOP_TIMEOUT, accepts: Accepts::Integer { min: 0, max: 86_400 } },
        Knob { name: NOOP_INTERVAL, accepts: Accepts::Integer { min: 0, max: 86_400 } },
    ],
    decide: noop_out,
};

/// open-iscsi ships 5 s; beyond half a minute a dead target would go unnoticed for long.
const ANSWER: std::ops::RangeInclusive<u64> = 5..=30;

fn noop_out(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    per_class(facts, &[Select::Iscsi], "no iSCSI session, and open-iscsi is not installed", |_, there| {
        let pins = [NOOP_INTERVAL, NOOP_TIMEOUT].map(|key| (key, policy.pin(key)));
        let mut what: Vec<Assignment> = pins
            .iter()
            .filter_map(|(key, pin)| Some(assign(key, Want::Exactly(pin.as_ref()?.value.clone()))))
            .collect();
        let all_paths = matches!(&there, There::Seen(disks) if disks.iter().all(|disk| disk.is_path()));
        if all_paths && what.is_empty() {
            return vec![fine(
                "every session is a path of a multipath map, which must find a dead path soon",
            )];
        }
        let mut otherwise = |key, want| {
            if what.iter().all(|pinned| pinned.target != Target::Iscsi(key)) {
                what.push(assign(key, want));
            }
        };
        let because = if all_paths {
            "pinned by the policy".to_owned()
        } else if is_root(&there) && helps_nobody(facts, policy, &there) {
            otherwise(NOOP_INTERVAL, Want::Exactly(Value::number(0)));
            otherwise(NOOP_TIMEOUT, Want::Exactly(Value::number(0)));
            "the root lies on a single session: a dropped one helps nobody".to_owned()
        } else {
            let seconds = (policy.stall / 6).clamp(*ANSWER.start(), *ANSWER.end());
            otherwise(NOOP_TIMEOUT, Want::AtLeast(seconds));
            format!("a target that answers within {seconds} s keeps its session")
        };
        vec![Decision::Set { what, because }]
    })
}

fn assign(key: &'static str, want: Want) -> Assignment {
    Assignment::new(Target::Iscsi(key), want)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, disk, guest, pinned};
    use super::*;
    use crate::facts::Class;

    #[test]
    fn a_session_is_waited_for() {
        let lun = disk("sdb", Class::Iscsi { session: "session1".to_owned() });
        let facts = guest("6.1.0", vec![lun.clone()]);
        let policy = Policy::default();
        let set = |seconds: &str, tries: u64| {
            [format!("iscsi {REPLACEMENT}={seconds}, iscsi {LOGIN_RETRIES}=at least {tries}")]
        };
        assert_eq!(ask(&RECOVERY, &facts, &policy), set("at least 180", 16));
        assert_eq!(ask(&RECOVERY, &facts, &Policy { stall: 30, ..policy.clone() }), set("at least 120", 8));
        let hold = Policy { recovery: Recovery::Hold, ..policy.clone() };
        assert_eq!(ask(&RECOVERY, &facts, &hold), set("-1", 5760));
        assert_eq!(ask(&RECOVERY, &facts, &pinned(&[(REPLACEMENT, "90")])), set("90", 16));
        assert_eq!(ask(&RECOVERY, &guest("6.1.0", Vec::new()), &policy), ["not-applicable"]);
        let mut path = lun;
        path.roles.insert(Role::Path);
        assert_eq!(ask(&RECOVERY, &guest("6.1.0", vec![path]), &policy), ["already-right"]);
    }

    #[test]
    fn a_root_on_one_session_is_waited_for_and_not_pinged() {
        let mut lun = disk("sda", Class::Iscsi { session: "session1".to_owned() });
        let policy = Policy::default();
        let noop = |interval: &str, timeout: &str| {
            [format!("iscsi {NOOP_INTERVAL}={interval}, iscsi {NOOP_TIMEOUT}={timeout}")]
        };
        let data = guest("6.1.0", vec![lun.clone()]);
        assert_eq!(ask(&NOOP_OUT, &data, &policy), [format!("iscsi {NOOP_TIMEOUT}=at least 30")]);
        let short = Policy { stall: 60, ..Policy::default() };
        assert_eq!(ask(&NOOP_OUT, &data, &short), [format!("iscsi {NOOP_TIMEOUT}=at least 10")]);
        assert_eq!(ask(&NOOP_OUT, &data, &pinned(&[(NOOP_INTERVAL, "7")])), noop("7", "at least 30"));
        lun.roles.insert(Role::Root);
        let root = guest("6.1.0", vec![lun.clone()]);
        assert_eq!(ask(&NOOP_OUT, &root, &policy), noop("0", "0"));
        let wait = format!("iscsi {REPLACEMENT}=at least 86400, iscsi {LOGIN_RETRIES}=at least 16");
        assert_eq!(ask(&RECOVERY, &root, &policy), [wait]);
        // Somebody's own timer lasts twice as long with pings, and paths are found dead by them.
        let pinged = [format!("iscsi {NOOP_TIMEOUT}=at least 30")];
        let fleeting = Policy { stall: 50, ..Policy::default() };
        assert_eq!(ask(&NOOP_OUT, &root, &fleeting), [format!("iscsi {NOOP_TIMEOUT}=at least 8")]);
        let mut path = disk("sdb", Class::Iscsi { session: "session2".to_owned() });
        path.roles.insert(Role::Path);
        assert_eq!(ask(&NOOP_OUT, &guest("6.1.0", vec![lun.clone(), path]), &policy), pinged);
        lun.roles.insert(Role::Path);
        assert_eq!(ask(&NOOP_OUT, &guest("6.1.0", vec![lun]), &policy), ["already-right"]);
    }
}
