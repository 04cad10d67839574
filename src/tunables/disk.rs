//! The I/O scheduler and read-ahead.

use super::{There, fine, held, may_run, not_here, per_class, refused};
use crate::facts::{Attribute, Class, Disk, Facts};
use crate::order::by_number;
use crate::policy::Policy;
use crate::resolve::Acts;
use crate::resolve::wanted::of_attribute;
use crate::tunable::{
    Accepts, Assignment, Decision, Guard, Knob, Select, Source, Target, Tunable, UdevAttr, Value, Want,
};

/// Every scheduler a kernel from 3.10 on may offer.
const SCHEDULERS: &[&str] = &["none", "noop", "mq-deadline", "deadline", "kyber", "bfq", "cfq"];

/// The classes whose queue we look after.
const QUEUES: &[Select] =
    &[Select::StorvscScsi, Select::StorvscIde, Select::StorvscFc, Select::Iscsi, Select::Multipath];

/// `disk.scheduler`
pub static SCHEDULER: Tunable = Tunable {
    id: "disk.scheduler",
    title: "No reordering in the guest: the host and the SAN do that",
    why: "The host's storage stack orders requests again, so a scheduler in the guest adds latency and, \
          when a stall ends, more work. The word is none on blk-mq and noop on the legacy path; the kernel \
          takes only the one it offers, so the offered one is asked for, never one chosen by version.",
    sources: &[
        Source {
            title: "Microsoft: Best practices for running Linux on Hyper-V",
            url: "https://learn.microsoft.com/en-us/windows-server/virtualization/hyper-v/best-practices-for-running-linux-on-hyper-v",
        },
        Source {
            title: "Linux 6.12 block/elevator.c (elevator_get_default, elv_iosched_store)",
            url: "https://github.com/torvalds/linux/blob/v6.12/block/elevator.c",
        },
    ],
    knobs: &[Knob { name: "queue/scheduler", accepts: Accepts::Word(SCHEDULERS) }],
    decide: scheduler,
};

fn scheduler(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let nobody = "no disk of a class whose scheduler matters here";
    if let Some(pin) = policy.pin("queue/scheduler") {
        return per_class(facts, QUEUES, nobody, |select, there| vec![pinned(select, &there, &pin.value)]);
    }
    per_class(facts, QUEUES, nobody, |select, there| {
        vec![match there {
            There::Seen(disks) => by_offer(facts, select, &disks),
            There::MayCome(why) => unseen(facts, select, why),
        }]
    })
}

fn write(select: Select, value: Value) -> Assignment {
    Assignment::new(Target::Udev { select, attr: UdevAttr::Scheduler }, Want::Exactly(value))
}

/// A pinned word is written where it is offered; where no disk offers it, it is refused.
fn pinned(select: Select, there: &There<'_>, word: &Value) -> Decision {
    let class = select.name();
    let offers = |disk: &&Disk| match &disk.limits.schedulers {
        Attribute::Is(offered) => offered.iter().any(|name| name == word.as_str()),
        Attribute::Absent => false,
        Attribute::Unknown => true,
    };
    if let There::Seen(disks) = there
        && !disks.iter().any(offers)
    {
        return refused(format!("{class}: the policy asks for {word}, which no disk of this class offers"));
    }
    Decision::Set {
        what: vec![write(select, word.clone())],
        because: format!("{class}: pinned by the policy; written where the disk offers it"),
    }
}

fn unseen(facts: &Facts, select: Select, why: &str) -> Decision {
    let mut what = vec![write(select, Value::word("none"))];
    if may_run(facts, |kernel| !kernel.at_least(5, 0)) {
        what.push(write(select, Value::word("noop")));
    }
    let because =
        format!("{}: {why}; the rule looks at boot which names queue/scheduler offers", select.name());
    Decision::Set { what, because }
}

/// What the kernel picks by itself: no scheduler where there is more than one hardware queue.
fn kernel_picks_none(disk: &Disk) -> bool {
    matches!(disk.limits.nr_hw_queues, Attribute::Is(queues) if queues > 1)
}

fn by_offer(facts: &Facts, select: Select, disks: &[&Disk]) -> Decision {
    let class = select.name();
    let mut words: Vec<&'static str> = Vec::new();
    let mut without = 0;
    for disk in disks {
        match offered(disk) {
            Some(word) if words.contains(&word) => {}
            Some(word) => words.push(word),
            None => without += 1,
        }
    }
    if words.is_empty() {
        return not_here(format!("{class}: none of {without} devices has a scheduler to choose"));
    }
    if settled(facts, select, disks, &words) {
        return fine(format!(
            "{class}: the kernel itself picks none where there are several hardware queues"
        ));
    }
    let because = if words.contains(&"noop") {
        format!("{class}: the legacy request path offers noop")
    } else {
        format!(
            "{class}: with a single hardware queue, or another writer, the kernel ends up with a scheduler"
        )
    };
    Decision::Set { what: words.into_iter().map(|word| write(select, Value::word(word))).collect(), because }
}

/// Nothing to do: every disk gets `none` from the kernel, has it, and nobody else writes it.
fn settled(facts: &Facts, select: Select, disks: &[&Disk], words: &[&str]) -> bool {
    let has_none = |disk: &Disk| disk.live.scheduler.value().is_none_or(|now| now == "none");
    words == ["none"]
        && disks.iter().all(|disk| kernel_picks_none(disk) && has_none(disk))
        && !held(facts, select, UdevAttr::Scheduler)
        && !disks.iter().any(|disk| is_others(facts, disk))
}

/// Whether somebody else writes the disk's scheduler, or may.
fn is_others(facts: &Facts, disk: &Disk) -> bool {
    let chain = of_attribute(facts, disk, UdevAttr::Scheduler);
    chain.others().any(|writer| !matches!(writer.acts, Acts::No(_)))
}

/// The word for "no scheduler" that a disk offers; where its file could not be read, the modern one.
fn offered(disk: &Disk) -> Option<&'static str> {
    match &disk.limits.schedulers {
        Attribute::Unknown => Some("none"),
        Attribute::Absent => None,
        Attribute::Is(names) => {
            ["none", "noop"].into_iter().find(|word| names.iter().any(|name| name == word))
        }
    }
}

/// The read-ahead that kernels before 6.17 gave every disk, in KiB.
const READ_AHEAD_KB: u64 = 128;

/// `disk.read_ahead`
pub static READ_AHEAD: Tunable = Tunable {
    id: "disk.read_ahead",
    title: "Read-ahead of a few megabytes is undone",
    why: "From 6.17 on a disk that calls itself rotational, as Hyper-V's do, gets twice max_sectors \
          (4096 KiB) of read-ahead, and Azure's NVMe disks announce an optimal size that makes it 65536 KiB. \
          On a slow or recovering SAN each small read then drags megabytes behind it. Elsewhere the kernel's \
          128 KiB is right and is left alone.",
    sources: &[
        Source {
            title: "Linux block/blk-settings.c (blk_apply_bdi_limits)",
            url: "https://github.com/torvalds/linux/blob/master/block/blk-settings.c",
        },
        Source {
            title: "azure-vm-utils issue 99: read_ahead_kb of NVMe disks",
            url: "https://github.com/Azure/azure-vm-utils/issues/99",
        },
    ],
    knobs: &[Knob { name: "queue/read_ahead_kb", accepts: Accepts::Integer { min: 0, max: 65536 } }],
    decide: read_ahead,
};

fn read_ahead(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let classes = [Select::StorvscScsi, Select::StorvscIde, Select::StorvscFc, Select::NvmeAzureRemote];
    let want = policy
        .pin("queue/read_ahead_kb")
        .map_or(Want::AtMost(READ_AHEAD_KB), |pin| Want::Exactly(pin.value.clone()));
    let is_pinned = matches!(want, Want::Exactly(_));
    let raised = may_run(facts, |kernel| kernel.at_least(6, 17));
    per_class(facts, &classes, "no VMBus or Azure NVMe disk", |select, there| {
        let class = select.name();
        let assignment = Assignment::new(Target::Udev { select, attr: UdevAttr::ReadAheadKb }, want.clone());
        let decision = match (is_pinned, select, there) {
            (true, _, _) => set(assignment, format!("{class}: pinned by the policy")),
            (_, Select::NvmeAzureRemote, _) => set(
                assignment,
                format!("{class}: the disk's optimal size makes the kernel read ahead 65536 KiB"),
            ),
            (_, _, There::Seen(disks)) if raised && !disks.iter().any(|disk| rotational(disk)) => {
                fine(kept(&format!("{class}: not rotational, so the kernel keeps 128 KiB"), &disks))
            }
            (_, _, _) if raised => set(
                assignment.guarded(Guard::Rotational),
                format!("{class}: a kernel from 6.17 on reads ahead 2 x max_sectors on a rotational disk"),
            ),
            (_, _, There::Seen(disks)) => {
                fine(kept(&format!("{class}: kernels before 6.17 read ahead 128 KiB here"), &disks))
            }
            (_, _, There::MayCome(_)) => {
                fine(format!("{class}: kernels before 6.17 read ahead 128 KiB here"))
            }
        };
        vec![decision]
    })
}

/// What the kernel does by itself, and what was found where that is not it: somebody else set it then.
fn kept(by_itself: &str, disks: &[&Disk]) -> String {
    let found = disks.iter().filter_map(|disk| disk.live.read_ahead_kb.value()).copied().collect();
    let mut found: Vec<u64> = by_number(found, |kib| *kib);
    found.dedup();
    if found.iter().any(|kib| *kib != READ_AHEAD_KB) {
        let found: Vec<String> = found.iter().map(u64::to_string).collect();
        return format!(
            "{by_itself} unless told otherwise; {} KiB was found, which is somebody's setting and is left",
            found.join(" and ")
        );
    }
    if disks.iter().any(|disk| disk.live.read_ahead_kb == Attribute::Unknown) {
        return format!("{by_itself} unless told otherwise; what is set could not be read");
    }
    by_itself.to_owned()
}

fn set(assignment: Assignment, because: String) -> Decision {
    Decision::Set { what: vec![assignment], because }
}

/// Says it is rotational, or could not be asked.
fn rotational(disk: &Disk) -> bool {
    !matches!(disk.live.rotational, Attribute::Is(false) | Attribute::Absent)
        && disk.class != Class::NvmeAzureRemote
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, assumed, disk, guest, pinned};
    use super::*;
    use crate::facts::{OwnFile, RuleFile};
    use crate::formats::udev;

    fn legacy(name: &str) -> Disk {
        let mut disk = disk(name, Class::StorvscScsi);
        disk.limits.schedulers = Attribute::Is(["noop", "deadline", "cfq"].map(str::to_owned).to_vec());
        disk.limits.nr_tags = Attribute::Absent;
        disk
    }

    #[test]
    fn the_offered_word_is_asked_for() {
        let policy = Policy::default();
        let several = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        assert_eq!(ask(&SCHEDULER, &several, &policy), ["already-right"]);
        let mut one = disk("sda", Class::StorvscIde);
        one.limits.nr_hw_queues = Attribute::Is(1);
        let ide = guest("6.1.0-18-amd64", vec![one]);
        assert_eq!(ask(&SCHEDULER, &ide, &policy), ["udev:storvsc-ide queue/scheduler=none"]);
        let old = guest("3.10.0-1160.el7.x86_64", vec![legacy("sda")]);
        assert_eq!(ask(&SCHEDULER, &old, &policy), ["udev:storvsc-scsi,legacy queue/scheduler=noop"]);
        let image = assumed("6.1.0-18-amd64");
        assert_eq!(
            ask(&SCHEDULER, &image, &policy).first().unwrap(),
            "udev:storvsc-scsi queue/scheduler=none"
        );
    }

    #[test]
    fn what_others_write_or_we_hold_is_set() {
        let policy = Policy::default();
        let mut facts = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        let others = |tests: &str| RuleFile {
            path: "usr/lib/udev/rules.d/60-block-scheduler.rules".to_owned(),
            rules: udev::read(&format!("{tests}, ATTR{{queue/scheduler}}=\"bfq\"\n")),
        };
        facts.system.writers.rule_files = vec![others("KERNEL==\"mmcblk*[0-9]|sd*[!0-9]\"")];
        assert_eq!(ask(&SCHEDULER, &facts, &policy), ["udev:storvsc-scsi queue/scheduler=none"]);
        facts.system.writers.rule_files = vec![others("KERNEL==\"mmcblk*[0-9]|vd*[!0-9]\"")];
        assert_eq!(ask(&SCHEDULER, &facts, &policy), ["already-right"]);
        facts.system.writers.rule_files.clear();
        facts.system.ours.push(OwnFile {
            path: "etc/udev/rules.d/90-hvtune.rules".to_owned(),
            writes: [("storvsc-scsi".to_owned(), "queue/scheduler".to_owned())].into(),
            written: None,
        });
        assert_eq!(ask(&SCHEDULER, &facts, &policy), ["udev:storvsc-scsi queue/scheduler=none"]);
    }

    #[test]
    fn a_pinned_word_needs_a_disk_that_offers_it() {
        let facts = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        let offered = pinned(&[("queue/scheduler", "mq-deadline")]);
        assert_eq!(ask(&SCHEDULER, &facts, &offered), ["udev:storvsc-scsi queue/scheduler=mq-deadline"]);
        let not_offered = pinned(&[("queue/scheduler", "noop")]);
        assert_eq!(ask(&SCHEDULER, &facts, &not_offered), ["refused"]);
    }

    #[test]
    fn read_ahead_is_touched_in_two_cases_only() {
        let policy = Policy::default();
        let mut rotating = disk("sda", Class::StorvscScsi);
        rotating.live.rotational = Attribute::Is(true);
        let mut solid = rotating.clone();
        solid.live.rotational = Attribute::Is(false);
        let nvme = disk("nvme0n1", Class::NvmeAzureRemote);
        for (kernel, disk, want) in [
            ("6.12.74-amd64", rotating.clone(), "already-right"),
            ("6.17.0-5-generic", rotating, "udev:storvsc-scsi queue/read_ahead_kb=at most 128"),
            ("6.17.0-5-generic", solid, "already-right"),
            ("6.12.74-amd64", nvme, "udev:nvme-azure-remote queue/read_ahead_kb=at most 128"),
        ] {
            assert_eq!(ask(&READ_AHEAD, &guest(kernel, vec![disk]), &policy), [want], "{kernel}");
        }
    }

    #[test]
    fn the_read_ahead_that_was_found_is_said() {
        let because = |kib: &[Attribute<u64>]| {
            let disks = kib.iter().zip(["sda", "sdb", "sdc"]).map(|(kib, name)| {
                let mut disk = disk(name, Class::StorvscScsi);
                disk.live.read_ahead_kb = kib.clone();
                disk
            });
            let facts = guest("6.1.0-18-amd64", disks.collect());
            (READ_AHEAD.decide)(&facts, &Policy::default()).remove(0).because().to_owned()
        };
        let (usual, large) = (Attribute::Is(128), Attribute::Is(4096));
        assert!(because(&[usual.clone(), usual.clone()]).ends_with("read ahead 128 KiB here"));
        assert!(because(&[large.clone(), usual, large]).contains("; 128 and 4096 KiB was found"));
        assert!(because(&[Attribute::Unknown]).ends_with("what is set could not be read"));
    }
}
