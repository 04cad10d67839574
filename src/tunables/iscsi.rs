//! How long an in-guest iSCSI session may be gone.

use super::{There, fine, per_class};
use crate::facts::{Disk, Facts};
use crate::policy::{Policy, Recovery};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Select, Source, Target, Tunable, Value, Want};

/// What open-iscsi ships, in seconds: nothing less is ever written.
const SHIPPED: u64 = 120;
/// `node.conn[0].timeo.login_timeout` as shipped, in seconds.
const LOGIN_TIMEOUT: u64 = 15;
const REPLACEMENT: &str = "node.session.timeo.replacement_timeout";
const LOGIN_RETRIES: &str = "node.session.initial_login_retry_max";

/// `iscsi.recovery`
pub static RECOVERY: Tunable = Tunable {
    id: "iscsi.recovery",
    title: "A dropped iSCSI session is waited for as long as the stall budget",
    why: "When a target falls silent the initiator drops the session after 10 s and then holds all I/O for \
          replacement_timeout, 120 s as shipped; then every write fails and the journal aborts for good, even \
          if the target comes back a second later. This is how guests went read-only in 2015. Known node \
          records keep the value that they were made with, so those are edited too, and the running session's \
          recovery_tmo. At boot a session is tried initial_login_retry_max times.",
    sources: &[
        Source {
            title: "open-iscsi README, 8.1 and 8.2",
            url: "https://github.com/open-iscsi/open-iscsi/blob/master/README",
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
            None => Want::AtLeast(policy.stall.max(SHIPPED)),
        };
        let tries =
            policy.pin(LOGIN_RETRIES).map_or(Want::AtLeast(policy.stall.div_ceil(LOGIN_TIMEOUT)), |pin| {
                Want::Exactly(pin.value.clone())
            });
        let because = match (pin, policy.recovery) {
            (Some(_), _) => "pinned by the policy".to_owned(),
            (None, Recovery::Hold) => "recovery = \"hold\": I/O waits for the session for ever".to_owned(),
            (None, _) => {
                format!("the stall budget of {} s, and never below the {SHIPPED} s shipped", policy.stall)
            }
        };
        let setting = |key, want| Assignment::new(Target::Iscsi(key), want);
        vec![Decision::Set {
            what: vec![setting(REPLACEMENT, replacement), setting(LOGIN_RETRIES, tries)],
            because,
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, disk, guest, pinned};
    use super::*;
    use crate::facts::{Class, Role};

    #[test]
    fn a_session_is_waited_for() {
        let lun = disk("sdb", Class::Iscsi { session: "session1".to_owned() });
        let facts = guest("6.1.0", vec![lun.clone()]);
        let policy = Policy::default();
        let set = |seconds: &str, tries: u64| {
            [format!("iscsi {REPLACEMENT}={seconds}, iscsi {LOGIN_RETRIES}=at least {tries}")]
        };
        assert_eq!(ask(&RECOVERY, &facts, &policy), set("at least 180", 12));
        assert_eq!(ask(&RECOVERY, &facts, &Policy { stall: 30, ..policy.clone() }), set("at least 120", 2));
        let hold = Policy { recovery: Recovery::Hold, ..policy.clone() };
        assert_eq!(ask(&RECOVERY, &facts, &hold), set("-1", 12));
        assert_eq!(ask(&RECOVERY, &facts, &pinned(&[(REPLACEMENT, "90")])), set("90", 12));
        assert_eq!(ask(&RECOVERY, &guest("6.1.0", Vec::new()), &policy), ["not-here"]);
        let mut path = lun;
        path.roles.insert(Role::Path);
        assert_eq!(ask(&RECOVERY, &guest("6.1.0", vec![path]), &policy), ["fine"]);
    }
}
