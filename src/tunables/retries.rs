//! How often a command that the host answers with an error is tried again.

use super::{There, cannot_tell, fine, not_here, per_class};
use crate::facts::{Attribute, Disk, Facts};
use crate::policy::{Policy, Recovery};
use crate::tunable::{
    Accepts, Assignment, Decision, Knob, Select, Source, Target, Tunable, UdevAttr, Value, Want,
};

/// `disk.max_retries`
pub static MAX_RETRIES: Tunable = Tunable {
    id: "disk.max_retries",
    title: "An error of the host is tried again until the host is well",
    why: "A host in trouble answers with errors. The kernel tries such a command six times within a tenth of a \
          second, hands the error up, and the file system gives up: this is what makes a root read-only. With -1 \
          it tries on until the host answers well: the guest waits as it does for a silent host. The kernel \
          pauses between tries, so a storm costs about 55 tries a second for each command and two or three log \
          lines. What lasts for ever is waited for, too: `echo offline > /sys/block/DISK/device/state` ends it. \
          Errors that no retry cures (a bad medium, write protection, a reservation, a disk taken away) still \
          fail at once. Before 6.6 hv_storvsc takes some rare states of the host for success without data, and \
          those are tried for ever with any number. Members of arrays and pools, paths of a map and Azure's temporary disk keep the \
          kernel's five, as what stands above them must see the error.",
    sources: &[
        Source {
            title: "Linux 6.12 drivers/scsi/sd.c (max_retries_store), since 5.10",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/sd.c",
        },
        Source {
            title: "Linux 6.12 drivers/scsi/scsi_error.c (scsi_decide_disposition, scsi_cmd_retry_allowed)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_error.c",
        },
        Source {
            title: "Linux 6.12 drivers/scsi/scsi_lib.c (scsi_set_blocked, scsi_cmd_runtime_exceeced)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_lib.c",
        },
    ],
    knobs: &[Knob { name: "max_retries", accepts: Accepts::Integer { min: -1, max: 5 } }],
    decide: max_retries,
};

fn max_retries(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let pin = policy.pin("max_retries");
    let classes = [Select::StorvscScsiAlone, Select::StorvscIdeAlone];
    per_class(facts, &classes, "no VMBus disk whose errors the kernel retries", |select, there| {
        let class = select.name();
        let lacks = |disk: &&Disk| disk.live.max_retries == Attribute::Absent;
        if let There::Seen(disks) = &there
            && disks.iter().all(lacks)
        {
            return vec![not_here(format!("{class}: this kernel has no max_retries (it came with 5.10)"))];
        }
        let open = facts.system.cluster == Attribute::Unknown && policy.recovery == Recovery::Default;
        if open && pin.is_none() {
            let why = "could not tell whether this is a node of a cluster, which fences by errors";
            return vec![cannot_tell("cluster", format!("{class}: {why}"))];
        }
        let (value, because) = match (pin, five(facts, policy)) {
            (Some(pin), _) => (pin.value.clone(), "pinned by the policy".to_owned()),
            (None, Some(why)) => return vec![fine(format!("{class}: {why}"))],
            (None, None) => (Value::number(-1), waits(policy.recovery).to_owned()),
        };
        let target = Target::Udev { select, attr: UdevAttr::MaxRetries };
        let what = vec![Assignment::new(target, Want::Exactly(value))];
        let because =
            format!("{class}: {because}; members of arrays and pools, and paths, keep the kernel's five");
        vec![Decision::Set { what, because }]
    })
}

/// Why the kernel's five tries are right here.
fn five(facts: &Facts, policy: &Policy) -> Option<String> {
    match (policy.recovery, facts.system.cluster.value()) {
        (Recovery::FailFast, _) => Some("recovery = \"fail-fast\": the kernel's own five retries".to_owned()),
        (Recovery::Default, Some(path)) => Some(format!(
            "/{path} makes this a node of a cluster, which fences by errors, so the kernel's five retries stay; \
             recovery = \"hold\" asks for more"
        )),
        _ => None,
    }
}

fn waits(recovery: Recovery) -> &'static str {
    match recovery {
        Recovery::SelfHeal => "recovery = \"self-heal\": errors are ridden out for the stall budget first",
        Recovery::Hold => "recovery = \"hold\": hang rather than fail a write",
        _ => "errors of the host are waited out as its silence is",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, assumed, disk, guest, pinned};
    use super::*;
    use crate::facts::{Class, Role};

    const ALONE: &str = "udev:storvsc-scsi,alone max_retries=-1";

    fn recovering(recovery: Recovery) -> Policy {
        Policy { recovery, ..Policy::default() }
    }

    #[test]
    fn errors_are_waited_out_unless_the_policy_fails_fast() {
        let facts = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        for recovery in [Recovery::Default, Recovery::Hold, Recovery::SelfHeal] {
            assert_eq!(ask(&MAX_RETRIES, &facts, &recovering(recovery)), [ALONE], "{recovery:?}");
        }
        assert_eq!(ask(&MAX_RETRIES, &facts, &recovering(Recovery::FailFast)), ["already-right"]);
        let pin = pinned(&[("max_retries", "2")]);
        assert_eq!(ask(&MAX_RETRIES, &facts, &pin), ["udev:storvsc-scsi,alone max_retries=2"]);
        let mut old = disk("sda", Class::StorvscScsi);
        old.live.max_retries = Attribute::Absent;
        let old = guest("4.19.0", vec![old]);
        assert_eq!(ask(&MAX_RETRIES, &old, &recovering(Recovery::Hold)), ["not-applicable"]);
    }

    #[test]
    fn a_disk_that_something_goes_on_without_is_passed_by() {
        for role in
            [Role::Path, Role::Member, Role::PerhapsMember, Role::AzureTemporary, Role::PerhapsTemporary]
        {
            let mut part = disk("sdb", Class::StorvscScsi);
            part.roles.insert(role);
            assert!(!Select::StorvscScsiAlone.takes(&part), "{role:?}");
            assert!(Select::StorvscScsi.takes(&part), "{role:?}");
        }
        assert!(Select::StorvscScsiAlone.takes(&disk("sda", Class::StorvscScsi)));
    }

    #[test]
    fn an_image_gets_rules_for_either_controller() {
        let found = ask(&MAX_RETRIES, &assumed("6.12.74-amd64"), &Policy::default());
        assert_eq!(found, [ALONE, "udev:storvsc-ide,alone max_retries=-1"]);
    }

    #[test]
    fn a_node_of_a_cluster_keeps_the_kernels_five() {
        let mut facts = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        facts.system.cluster = Attribute::Unknown;
        assert_eq!(ask(&MAX_RETRIES, &facts, &Policy::default()), ["unknown"]);
        facts.system.cluster = Attribute::Is("etc/corosync/corosync.conf".to_owned());
        assert_eq!(ask(&MAX_RETRIES, &facts, &Policy::default()), ["already-right"]);
        assert_eq!(ask(&MAX_RETRIES, &facts, &recovering(Recovery::Hold)), [ALONE]);
        assert_eq!(ask(&MAX_RETRIES, &facts, &pinned(&[("max_retries", "-1")])), [ALONE]);
    }
}
