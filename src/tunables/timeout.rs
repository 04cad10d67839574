//! How long a SCSI command may stay unanswered.

use super::{There, fine, kernels, per_class, refused};
use crate::facts::{Disk, Facts};
use crate::policy::Policy;
use crate::tunable::{
    Accepts, Assignment, Decision, Knob, Select, Source, Target, Tunable, UdevAttr, Value, Want,
};

/// The timeout that `hv_storvsc` itself gives every disk, in seconds (`STORVSC_TIMEOUT`).
const STORVSC_TIMEOUT: u64 = 180;
/// A day: long enough that the timer which would crash the kernel never fires.
const NEVER: u64 = 86_400;

const CLASSES: &[Select] =
    &[Select::StorvscScsi, Select::StorvscIde, Select::StorvscFc, Select::Iscsi, Select::IscsiSinglePath];

/// `disk.timeout`
pub static DISK_TIMEOUT: Tunable = Tunable {
    id: "disk.timeout",
    title: "A command may stay unanswered for the whole stall budget",
    why: "When device/timeout runs out, SCSI error handling aborts, resets and at last takes the disk offline \
          for good. hv_storvsc holds 180 s by itself since 3.17 and re-arms the timer for ever, so there \
          nothing is to be done; in-guest iSCSI disks have 30 s, and older kernels give 30 s to every disk. \
          A path of a multipath map may fail sooner, but must not go offline for good within the budget, as \
          nobody takes it back. Where the whole target is silent a ping ends the session before that; where \
          one unit of it is, error handling begins at the second expiry, so a path gets half the budget.",
    sources: &[
        Source {
            title: "Linux 6.12 drivers/scsi/storvsc_drv.c (storvsc_eh_timed_out, storvsc_device_configure)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/storvsc_drv.c",
        },
        Source {
            title: "open-iscsi README, 8.1.2 SCSI error handling",
            url: "https://github.com/open-iscsi/open-iscsi/blob/master/README",
        },
        Source {
            title: "Linux 6.4 drivers/scsi/storvsc_drv.c (fc_eh_timed_out in storvsc_eh_timed_out)",
            url: "https://github.com/torvalds/linux/blob/v6.4/drivers/scsi/storvsc_drv.c",
        },
    ],
    knobs: &[Knob { name: "device/timeout", accepts: Accepts::Integer { min: 30, max: 2_147_483 } }],
    decide: disk_timeout,
};

fn disk_timeout(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let pin = policy.pin("device/timeout");
    per_class(facts, CLASSES, "no SCSI disk on VMBus or iSCSI", |select, there| {
        if select == Select::Iscsi {
            return path(facts, policy).into_iter().collect();
        }
        vec![match pin {
            Some(pin) => pinned(facts, policy, select, &pin.value),
            None if select == Select::StorvscFc => fibre_channel(facts, policy),
            None if select == Select::IscsiSinglePath => single_path(facts, policy),
            None => storvsc(facts, policy, select, &there),
        }]
    })
}

fn write(select: Select, want: Want, because: String) -> Decision {
    let target = Target::Udev { select, attr: UdevAttr::Timeout };
    Decision::Set { what: vec![Assignment::new(target, want)], because }
}

/// The seconds that the Azure agent writes to every sd disk, again and again. One that may not run is
/// not relied on: where it does, it writes over a rule of ours, and where it does not, the rule holds.
fn agent(facts: &Facts, policy: &Policy) -> Option<u64> {
    let agent = facts.system.writers.waagent.as_ref().filter(|agent| agent.doubt.is_none())?;
    let pin = policy.pin("OS.RootDeviceScsiTimeout").and_then(|pin| pin.value.as_str().parse().ok());
    pin.or(agent.scsi_timeout)
}

fn pinned(facts: &Facts, policy: &Policy, select: Select, value: &Value) -> Decision {
    let class = select.name();
    match agent(facts, policy) {
        Some(seconds) if seconds.to_string() != value.as_str() => refused(format!(
            "{class}: the policy asks for {value} s, but waagent would write {seconds} s back within 30 s; set \
             \"waagent.root_device_timeout\" = {value} under [set]"
        )),
        _ => write(select, Want::Exactly(value.clone()), format!("{class}: pinned by the policy")),
    }
}

fn storvsc(facts: &Facts, policy: &Policy, select: Select, there: &There<'_>) -> Decision {
    let class = select.name();
    let kernels = kernels(facts);
    if !kernels.is_empty() && kernels.iter().all(|kernel| kernel.storvsc_holds()) {
        return fine(held_by_driver(class, there));
    }
    let budget = policy.stall.max(STORVSC_TIMEOUT);
    if let Some(decision) = by_agent(facts, policy, class, budget) {
        return decision;
    }
    let because = if kernels.is_empty() {
        format!("{class}: no kernel is known; written only where a disk has less")
    } else {
        format!(
            "{class}: before 3.17 the driver leaves 30 s, after which error handling takes the disk offline"
        )
    };
    write(select, Want::AtLeast(budget), because)
}

fn held_by_driver(class: &str, there: &There<'_>) -> String {
    let shown = match there {
        There::Seen(disks) => disks.iter().filter_map(|disk| disk.live.timeout.value()).min(),
        There::MayCome(_) => None,
    };
    let now = shown.map_or(String::new(), |seconds| format!(" (now {seconds} s)"));
    format!(
        "{class}: hv_storvsc holds {STORVSC_TIMEOUT} s itself{now} and re-arms it without limit: silence of the host \
         never fails a command"
    )
}

/// Where waagent writes every sd disk's timeout, a rule of ours would be undone within 30 s.
fn by_agent(facts: &Facts, policy: &Policy, class: &str, budget: u64) -> Option<Decision> {
    let seconds = agent(facts, policy)?;
    Some(if seconds >= budget {
        fine(format!(
            "{class}: waagent keeps every sd disk at {seconds} s, which covers the budget of {budget} s"
        ))
    } else {
        refused(format!(
            "{class}: {budget} s are needed, but waagent would write {seconds} s back within 30 s; set \
             \"waagent.root_device_timeout\" = {budget} under [set]"
        ))
    })
}

fn fibre_channel(facts: &Facts, policy: &Policy) -> Decision {
    let kernels = kernels(facts);
    if !kernels.is_empty() && !kernels.iter().any(|kernel| kernel.fc_timer_crashes()) {
        return fine("storvsc-fc: hv_storvsc holds 180 s itself and re-arms it without limit");
    }
    if let Some(seconds) = agent(facts, policy) {
        return refused(format!(
            "storvsc-fc: the timer must never fire on this kernel, but waagent would write {seconds} s back within \
             30 s; set \"waagent.root_device_timeout\" = {NEVER} under [set]"
        ));
    }
    let because = "storvsc-fc: before the fix in 6.5 an expired timer of a virtual Fibre Channel disk may crash the \
                   kernel, so it is kept from firing";
    write(Select::StorvscFc, Want::AtLeast(NEVER.max(policy.stall + 1)), because.to_owned())
}

/// Half the budget for paths over iSCSI, and so for every disk of that class.
fn path(facts: &Facts, policy: &Policy) -> Option<Decision> {
    let disks = facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten());
    let seen = disks.filter(|disk| Select::Iscsi.takes(disk)).any(Disk::is_path);
    if !(seen || facts.system.writers.multipath) || policy.pin("device/timeout").is_some() {
        return None;
    }
    let half = policy.stall.div_ceil(2);
    Some(by_agent(facts, policy, "iscsi", half).unwrap_or_else(|| {
        let because =
            "iscsi: paths too; a path whose unit alone is silent goes offline for good after the second expiry, and no \
             map gets it back";
        write(Select::Iscsi, Want::AtLeast(half), because.to_owned())
    }))
}

fn single_path(facts: &Facts, policy: &Policy) -> Decision {
    let budget = policy.stall;
    by_agent(facts, policy, "iscsi", budget).unwrap_or_else(|| {
        let because =
            "iscsi: error handling begins after the default of 30 s and takes a silent unit offline for good";
        write(Select::IscsiSinglePath, Want::AtLeast(budget), because.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, assumed, disk, guest, pinned as pins};
    use super::*;
    use crate::facts::{Class, Role, Waagent};

    fn iscsi() -> Disk {
        disk("sdb", Class::Iscsi { session: "session1".to_owned() })
    }

    fn with_agent(mut facts: Facts, seconds: u64) -> Facts {
        facts.system.writers.waagent = Some(Waagent {
            scsi_timeout: Some(seconds),
            path: "etc/waagent.conf".to_owned(),
            ..Waagent::default()
        });
        facts
    }

    #[test]
    fn a_driver_that_holds_180_s_is_fine() {
        let policy = Policy::default();
        for (kernel, want) in [
            ("6.1.0-18-amd64", "already-right"),
            ("3.10.0-1160.el7.x86_64", "already-right"),
            ("3.16.0-11-amd64", "udev:storvsc-scsi device/timeout=at least 180"),
        ] {
            let facts = guest(kernel, vec![disk("sda", Class::StorvscScsi)]);
            assert_eq!(ask(&DISK_TIMEOUT, &facts, &policy), [want], "{kernel}");
        }
    }

    #[test]
    fn iscsi_gets_the_budget_but_paths_keep_theirs() {
        let policy = Policy { stall: 300, ..Policy::default() };
        let single = guest("6.1.0-18-amd64", vec![iscsi()]);
        assert_eq!(ask(&DISK_TIMEOUT, &single, &policy), ["udev:iscsi,no-path device/timeout=at least 300"]);
        let mut path = iscsi();
        path.roles.insert(Role::Path);
        let half = ["udev:iscsi device/timeout=at least 150"];
        assert_eq!(ask(&DISK_TIMEOUT, &guest("6.1.0-18-amd64", vec![path]), &policy), half);
    }

    #[test]
    fn the_azure_agent_is_not_fought() {
        let policy = Policy::default();
        let facts = with_agent(guest("6.1.0-18-amd64", vec![iscsi()]), 300);
        assert_eq!(ask(&DISK_TIMEOUT, &facts, &policy), ["already-right"]);
        assert_eq!(ask(&DISK_TIMEOUT, &facts, &Policy { stall: 600, ..policy }), ["refused"]);
        assert_eq!(ask(&DISK_TIMEOUT, &facts, &pins(&[("device/timeout", "240")])), ["refused"]);
    }

    #[test]
    fn an_agent_that_may_not_run_is_not_relied_on() {
        let mut facts = with_agent(guest("6.1.0-18-amd64", vec![iscsi()]), 300);
        if let Some(agent) = &mut facts.system.writers.waagent {
            agent.doubt = Some("its unit could not be read".to_owned());
        }
        let want = ["udev:iscsi,no-path device/timeout=at least 180"];
        assert_eq!(ask(&DISK_TIMEOUT, &facts, &Policy::default()), want);
    }

    #[test]
    fn virtual_fibre_channel_on_an_affected_kernel_never_times_out() {
        let policy = Policy::default();
        for (kernel, want) in [
            ("6.2.0-39-generic", "udev:storvsc-fc device/timeout=at least 86400"),
            ("6.1.192", "already-right"),
            ("6.1.0-51-amd64", "udev:storvsc-fc device/timeout=at least 86400"),
            ("6.5.0-14-generic", "already-right"),
            ("3.10.0-1160.el7.x86_64", "already-right"),
        ] {
            let facts = guest(kernel, vec![disk("sdc", Class::StorvscFc)]);
            assert_eq!(ask(&DISK_TIMEOUT, &facts, &policy), [want], "{kernel}");
        }
    }

    #[test]
    fn an_image_with_a_modern_kernel_needs_nothing_for_vmbus() {
        assert_eq!(
            ask(&DISK_TIMEOUT, &assumed("6.12.74-amd64"), &Policy::default()),
            ["already-right", "already-right", "already-right"]
        );
    }
}
