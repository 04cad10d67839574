//! The Azure agent's own timer, where the administrator wants it changed.

use super::{fine, not_here, refused};
use crate::facts::Facts;
use crate::marker::is_edited;
use crate::policy::Policy;
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Want};

/// `waagent.root_device_timeout`
pub static ROOT_DEVICE_TIMEOUT: Tunable = Tunable {
    id: "waagent.root_device_timeout",
    title: "The Azure agent writes the timeout that is wanted, not its own",
    why: "Whatever its name says, OS.RootDeviceScsiTimeout is written to every sd disk, iSCSI and multipath \
          paths included, again every 30 s, so no udev rule holds against it. The one place where another \
          value can stand is waagent.conf; it is edited only where the policy asks for it.",
    sources: &[Source {
        title: "WALinuxAgent azurelinuxagent/ga/env.py (set_block_device_timeout)",
        url: "https://github.com/Azure/WALinuxAgent/blob/develop/azurelinuxagent/ga/env.py",
    }],
    knobs: &[Knob {
        name: "OS.RootDeviceScsiTimeout",
        accepts: Accepts::Integer { min: 30, max: 2_147_483 },
    }],
    decide,
};

fn decide(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let agent = facts.system.writers.waagent.as_ref();
    let pin = policy.pin("OS.RootDeviceScsiTimeout");
    let idle = facts.system.writers.idle_waagent.as_ref();
    let nobody = idle.map_or("there is no waagent.conf".to_owned(), |idle| {
        format!("nobody reads {}: {}", idle.path, idle.why)
    });
    vec![match (agent, pin) {
        (None, None) if idle.is_some() => not_here(nobody),
        (None, None) => not_here("waagent is not configured here"),
        (None, Some(_)) => refused(format!("the policy sets waagent's timeout, but {nobody}")),
        (Some(agent), None) => fine(match agent.scsi_timeout {
            Some(seconds) => format!("waagent writes {seconds} s; only the policy changes that"),
            None => "waagent is told to write no timeout".to_owned(),
        }),
        (Some(agent), Some(_)) if !is_edited(&agent.path) => refused(format!(
            "the agent reads {}, which comes with the image and is not edited: set it there",
            agent.path
        )),
        (Some(_), Some(pin)) => Decision::Set {
            what: vec![Assignment::new(
                Target::Waagent("OS.RootDeviceScsiTimeout"),
                Want::Exactly(pin.value.clone()),
            )],
            because: "pinned by the policy".to_owned(),
        },
    }]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, guest, pinned};
    use super::*;
    use crate::facts::{IdleAgent, Waagent};

    #[test]
    fn the_agents_file_is_edited_only_where_the_policy_says_so() {
        let mut facts = guest("6.1.0", Vec::new());
        let pin = pinned(&[("OS.RootDeviceScsiTimeout", "600")]);
        assert_eq!(ask(&ROOT_DEVICE_TIMEOUT, &facts, &Policy::default()), ["not-applicable"]);
        assert_eq!(ask(&ROOT_DEVICE_TIMEOUT, &facts, &pin), ["refused"]);
        let idle = IdleAgent { path: "etc/waagent.conf".to_owned(), why: "masked".to_owned() };
        facts.system.writers.idle_waagent = Some(idle);
        assert_eq!(ask(&ROOT_DEVICE_TIMEOUT, &facts, &Policy::default()), ["not-applicable"]);
        assert_eq!(ask(&ROOT_DEVICE_TIMEOUT, &facts, &pin), ["refused"]);
        facts.system.writers.waagent = Some(Waagent {
            scsi_timeout: Some(300),
            path: "etc/waagent.conf".to_owned(),
            ..Waagent::default()
        });
        assert_eq!(ask(&ROOT_DEVICE_TIMEOUT, &facts, &Policy::default()), ["already-right"]);
        assert_eq!(ask(&ROOT_DEVICE_TIMEOUT, &facts, &pin), ["waagent OS.RootDeviceScsiTimeout=600"]);
        let of_flatcar = Waagent { path: "usr/share/oem/waagent.conf".to_owned(), ..Waagent::default() };
        facts.system.writers.waagent = Some(of_flatcar);
        assert_eq!(ask(&ROOT_DEVICE_TIMEOUT, &facts, &pin), ["refused"]);
    }
}
