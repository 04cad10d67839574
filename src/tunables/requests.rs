//! The queue's depth, and the storvsc ring that bounds it.

use super::{There, fine, may_run, not_here, per_class, refused};
use crate::facts::{Attribute, Disk, Facts};
use crate::policy::Policy;
use crate::tunable::{
    Accepts, Assignment, Decision, Guard, Knob, Select, Source, Target, Tunable, UdevAttr, Value, Want,
};

/// The depth that the 2015 advice asked for; on the legacy request path it is legal and useful.
const LEGACY_REQUESTS: u64 = 1024;
/// The most that blk-mq grants a queue with a scheduler: 16 x 128 (block/blk-mq.h `MAX_SCHED_RQ`).
const SCHEDULED_MOST: u64 = 2048;
/// The most that NVMe gives one queue: `io_queue_depth` 1024, one slot kept free.
const NVME_MOST: u64 = 1023;

const CLASSES: &[Select] =
    &[Select::StorvscScsi, Select::StorvscIde, Select::StorvscFc, Select::Iscsi, Select::Multipath];

/// `disk.nr_requests`
pub static NR_REQUESTS: Tunable = Tunable {
    id: "disk.nr_requests",
    title: "Queue depth: 1024 on the legacy path, the device's own on blk-mq",
    why: "A deeper queue does not help to survive a stall; it lets more I/O pile up behind it. On the legacy \
          request path 128 is small and 1024 the old advice. On blk-mq without a scheduler nr_requests \
          already equals what the device takes, and a larger number is refused with EINVAL.",
    sources: &[
        Source {
            title: "Linux 6.12 block/blk-mq-tag.c (blk_mq_tag_update_depth)",
            url: "https://github.com/torvalds/linux/blob/v6.12/block/blk-mq-tag.c",
        },
        Source {
            title: "Linux 6.12 drivers/scsi/storvsc_drv.c (can_queue in storvsc_probe)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/storvsc_drv.c",
        },
    ],
    knobs: &[Knob { name: "queue/nr_requests", accepts: Accepts::Integer { min: 4, max: 65536 } }],
    decide: nr_requests,
};

fn nr_requests(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let pin = policy.pin("queue/nr_requests").and_then(|pin| pin.value.as_str().parse::<u64>().ok());
    per_class(facts, CLASSES, "no disk of a class whose queue matters here", |select, there| {
        vec![match pin {
            Some(number) => pinned(facts, policy, select, &there, number),
            None => unpinned(facts, select, &there),
        }]
    })
}

fn write(select: Select, number: u64) -> Assignment {
    let target = Target::Udev { select, attr: UdevAttr::NrRequests };
    Assignment::new(target, Want::Exactly(Value::number(number)))
}

fn set(assignment: Assignment, because: String) -> Decision {
    Decision::Set { what: vec![assignment], because }
}

/// The legacy request path is the one that offers `noop`.
fn is_legacy(disk: &Disk) -> bool {
    disk.limits.schedulers.value().is_some_and(|offered| offered.iter().any(|name| name == "noop"))
}

fn unpinned(facts: &Facts, select: Select, there: &There<'_>) -> Decision {
    let class = select.name();
    let legacy = || write(select, LEGACY_REQUESTS).guarded(Guard::Offers("noop"));
    match there {
        There::Seen(disks) if disks.iter().any(|disk| is_legacy(disk)) => {
            set(legacy(), format!("{class}: the legacy request path has 128 and takes 1024"))
        }
        There::Seen(disks) => match smallest_limit(disks) {
            Some(limit) => fine(format!(
                "{class}: blk-mq; the device takes {limit} commands and nr_requests follows it; 1024 {}",
                if limit < LEGACY_REQUESTS { "would be refused without a scheduler" } else { "is not more" }
            )),
            None if disks.iter().all(|disk| disk.live.nr_requests == Attribute::Absent) => {
                not_here(format!("{class}: bio-based, it has no request queue"))
            }
            None => fine(format!("{class}: blk-mq; nr_requests follows what the device takes")),
        },
        _ if may_run(facts, |kernel| !kernel.at_least(5, 0)) => set(
            legacy(),
            format!("{class}: a kernel before 5.0 may run, with the legacy path; decided at boot"),
        ),
        There::MayCome(_) => fine(format!("{class}: blk-mq; nr_requests follows what the device takes")),
    }
}

/// What the tightest of these devices takes without a scheduler.
fn smallest_limit(disks: &[&Disk]) -> Option<u64> {
    disks
        .iter()
        .filter_map(|disk| disk.limits.nr_tags.value().or(disk.limits.can_queue.value()))
        .min()
        .copied()
}

/// The scheduler that the policy puts on the queue, where it is one that lets the queue grow.
fn growing_scheduler(policy: &Policy) -> Option<&'static str> {
    let pin = policy.pin("queue/scheduler")?;
    ["mq-deadline", "bfq", "kyber"].into_iter().find(|name| *name == pin.value.as_str())
}

fn pinned(facts: &Facts, policy: &Policy, select: Select, there: &There<'_>, number: u64) -> Decision {
    let class = select.name();
    if let There::Seen(disks) = there
        && disks.iter().any(|disk| is_legacy(disk))
    {
        return set(
            write(select, number).guarded(Guard::Offers("noop")),
            format!("{class}: pinned by the policy"),
        );
    }
    if let Some(scheduler) = growing_scheduler(policy) {
        return with_scheduler(select, scheduler, number);
    }
    let limit = match there {
        There::Seen(disks) => smallest_limit(disks),
        There::MayCome(_) => None,
    };
    if limit.is_some_and(|limit| number <= limit) {
        let because =
            format!("{class}: pinned by the policy; the device takes {}", limit.unwrap_or_default());
        return set(guarded(select, number), because);
    }
    match select {
        Select::StorvscScsi | Select::StorvscIde | Select::StorvscFc => by_ring(facts, select, number),
        _ => refused(too_many(select, limit, number)),
    }
}

/// Written only while the queue is deeper: the kernel cannot refuse that.
fn guarded(select: Select, number: u64) -> Assignment {
    write(select, number).guarded(Guard::RequestsAbove(number))
}

fn with_scheduler(select: Select, scheduler: &'static str, number: u64) -> Decision {
    let class = select.name();
    if number > SCHEDULED_MOST {
        return refused(format!(
            "{class}: the policy asks for nr_requests {number}; with {scheduler} the kernel takes {SCHEDULED_MOST} at most"
        ));
    }
    set(
        write(select, number).guarded(Guard::Offers(scheduler)),
        format!("{class}: pinned by the policy; with {scheduler} the kernel takes up to {SCHEDULED_MOST}"),
    )
}

fn too_many(select: Select, limit: Option<u64>, number: u64) -> String {
    let class = select.name();
    let most = match (limit, select) {
        (Some(limit), _) => format!("{limit} at most"),
        (None, Select::Iscsi) => "113 at most by default (cmds_max 128)".to_owned(),
        (None, _) => "an unknown number at most".to_owned(),
    };
    format!(
        "{class}: the policy asks for nr_requests {number}; without a scheduler the device takes {most} \
         (pin disk.scheduler to mq-deadline for up to {SCHEDULED_MOST})"
    )
}

fn by_ring(facts: &Facts, select: Select, number: u64) -> Decision {
    let class = select.name();
    match ring_for(facts, number) {
        Ok(Some(ring)) => set(
            guarded(select, number),
            format!(
                "{class}: pinned by the policy; it takes a storvsc ring of {} KiB, which module.storvsc_ring sets \
                 for the next boot",
                ring >> 10
            ),
        ),
        Ok(None) => {
            set(guarded(select, number), format!("{class}: pinned by the policy; today's ring suffices"))
        }
        Err(most) => refused(format!(
            "{class}: the policy asks for nr_requests {number}; the largest storvsc ring takes {most}"
        )),
    }
}

/// Smallest storvsc ring in bytes, from the driver's default upwards, whose `can_queue` reaches
/// `number`; `None` where the default does; the largest ring's `can_queue` as the error.
pub(super) fn ring_for(facts: &Facts, number: u64) -> Result<Option<u64>, u64> {
    let machine = facts.machine.as_ref();
    // With the number of processors unknown, the fewest channels are assumed: more only make room.
    let cpus = machine.and_then(|machine| machine.cpus).unwrap_or(1);
    let spared = machine
        .and_then(|machine| machine.parameters.get("hv_storvsc.ring_avail_percent_lowater"))
        .and_then(|value| value.parse().ok())
        .unwrap_or(10);
    if can_queue(DEFAULT_RING, cpus, spared) >= number {
        return Ok(None);
    }
    (1..=MOST_DOUBLINGS)
        .map(|doublings| DEFAULT_RING << doublings)
        .find(|&ring| can_queue(ring, cpus, spared) >= number)
        .map(Some)
        .ok_or_else(|| can_queue(DEFAULT_RING << MOST_DOUBLINGS, cpus, spared))
}

/// 128 KiB per channel and direction.
const DEFAULT_RING: u64 = 128 << 10;
/// Up to 2 MiB: the ring is memory that cannot be swapped, per channel and direction.
const MOST_DOUBLINGS: u32 = 4;

/// `can_queue` that storvsc computes from its ring in bytes, with 4 KiB pages: entries of 360 bytes
/// in what is left after the header page, times the channels, less the share kept free.
fn can_queue(ring: u64, cpus: u32, spared_percent: u64) -> u64 {
    let entries = (ring - 4096) / 360;
    let channels = u64::from(cpus.saturating_sub(1) / 4) + 1;
    entries * channels * (100 - spared_percent.min(100)) / 100
}

/// `disk.nr_requests` of NVMe disks: nothing to do, or a pin that cannot be had.
pub(super) fn nvme_refusal(policy: &Policy) -> Option<Decision> {
    let number: u64 = policy.pin("queue/nr_requests")?.value.as_str().parse().ok()?;
    (number > NVME_MOST).then(|| {
        refused(format!(
            "nvme: the policy asks for nr_requests {number}; an NVMe queue takes {NVME_MOST} at most"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, assumed, disk, guest, pinned as pins};
    use super::*;
    use crate::facts::Class;

    #[test]
    fn can_queue_agrees_with_the_kernel() {
        // The table was computed from L6.12's formula and 316 seen on real guests.
        for (ring, cpus, want) in [
            (128 << 10, 1, 316),
            (128 << 10, 4, 316),
            (128 << 10, 8, 633),
            (128 << 10, 16, 1267),
            (256 << 10, 4, 644),
            (512 << 10, 4, 1299),
            (512 << 10, 64, 20793),
        ] {
            assert_eq!(can_queue(ring, cpus, 10), want, "{ring} bytes, {cpus} vCPU");
        }
    }

    #[test]
    fn blk_mq_is_fine_and_the_legacy_path_gets_1024() {
        let policy = Policy::default();
        let modern = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        assert_eq!(ask(&NR_REQUESTS, &modern, &policy), ["already-right"]);
        assert!((NR_REQUESTS.decide)(&modern, &policy).first().unwrap().because().contains("316"));
        let mut old = disk("sda", Class::StorvscScsi);
        old.limits.schedulers = Attribute::Is(vec!["noop".to_owned(), "cfq".to_owned()]);
        let facts = guest("3.10.0-1160.el7.x86_64", vec![old]);
        assert_eq!(ask(&NR_REQUESTS, &facts, &policy), ["udev:storvsc-scsi queue/nr_requests=1024"]);
    }

    #[test]
    fn a_pinned_1024_becomes_legal_or_is_refused_with_the_number() {
        let none = pins(&[("queue/nr_requests", "1024")]);
        let deadline = pins(&[("queue/nr_requests", "1024"), ("queue/scheduler", "mq-deadline")]);
        let far = pins(&[("queue/nr_requests", "60000")]);
        let storvsc = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        let mut lun = disk("sdb", Class::Iscsi { session: "session1".to_owned() });
        lun.limits.nr_tags = Attribute::Is(113);
        let iscsi = guest("6.1.0-18-amd64", vec![lun]);
        let written = ["udev:storvsc-scsi queue/nr_requests=1024"];
        assert_eq!(ask(&NR_REQUESTS, &storvsc, &none), written);
        assert_eq!(ask(&NR_REQUESTS, &storvsc, &deadline), written);
        assert_eq!(ask(&NR_REQUESTS, &storvsc, &far), ["refused"]);
        assert_eq!(ask(&NR_REQUESTS, &iscsi, &deadline), ["udev:iscsi queue/nr_requests=1024"]);
        assert_eq!(ask(&NR_REQUESTS, &iscsi, &none), ["refused"]);
        assert!((NR_REQUESTS.decide)(&iscsi, &none).first().unwrap().because().contains("113"));
        assert_eq!(
            ask(&NR_REQUESTS, &assumed("6.1.0-18-amd64"), &none).first().unwrap(),
            written.first().unwrap()
        );
        assert_eq!(ring_for(&storvsc, 1024), Ok(Some(512 << 10)));
    }
}
