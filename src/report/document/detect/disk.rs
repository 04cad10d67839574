//! A disk as `detect` sees it.

use serde::Serialize;

use crate::facts::{self, Attribute};
use crate::report::document::Keys;

/// A disk or a map; never a partition.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Disk<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The kernel's name for it: `sda`, `dm-0`.
    name: &'a str,
    /// What kind it is: `storvsc-scsi`, `storvsc-ide`, `storvsc-fc`, `iscsi`, `nvme-azure-remote`,
    /// `nvme-azure-local`, `nvme`, `multipath`, `lvm`, `crypt`, `md`, `virtio`, `loop`, `zram`, `other`.
    class: &'static str,
    /// What it is used for: `root`, `boot`, `swap`, `data`, `azure-temporary`, `perhaps-azure-temporary`,
    /// `removable`, `path` of a multipath map, `member` of an array or pool.
    roles: Vec<&'static str>,
    /// Disks directly below it, by name.
    slaves: &'a [String],
    /// Its vendor, as it says itself.
    vendor: &'a str,
    /// Its model, as it says itself.
    model: &'a str,
    /// What it allows.
    limits: Limits<'a>,
    /// What it is set to.
    live: Live<'a>,
}

/// What a disk allows; null where the kernel has no such attribute, or it could not be read.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Limits<'a> {
    /// Commands in flight that its SCSI host takes.
    can_queue: Option<u64>,
    /// Hardware queues of its SCSI host.
    nr_hw_queues: Option<u64>,
    /// Tags of its first hardware queue.
    nr_tags: Option<u64>,
    /// Schedulers that the kernel offers for it.
    schedulers: Option<&'a [String]>,
}

/// What a disk is set to; null where the kernel has no such attribute, or it could not be read.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Live<'a> {
    /// The scheduler in use.
    scheduler: Option<&'a str>,
    /// Requests that its queue holds.
    nr_requests: Option<u64>,
    /// The timeout of a SCSI command, in seconds.
    timeout_s: Option<u64>,
    /// The timeout of a request, in milliseconds.
    io_timeout_ms: Option<u64>,
    /// How far it reads ahead, in KiB.
    read_ahead_kb: Option<u64>,
    /// Whether it calls itself a rotating disk.
    rotational: Option<bool>,
    /// Retries of a SCSI command; -1 is no limit.
    max_retries: Option<i64>,
}

fn value<T: Copy>(attribute: &Attribute<T>) -> Option<T> {
    attribute.value().copied()
}

impl<'a> Disk<'a> {
    pub(super) fn new(disk: &'a facts::Disk, keys: &mut Keys) -> Self {
        let (limits, live) = (&disk.limits, &disk.live);
        Self {
            key: keys.key(&["disk", &disk.name]),
            name: &disk.name,
            class: disk.class.name(),
            roles: disk.roles.iter().map(|role| role.name()).collect(),
            slaves: &disk.slaves,
            vendor: &disk.vendor,
            model: &disk.model,
            limits: Limits {
                can_queue: value(&limits.can_queue),
                nr_hw_queues: value(&limits.nr_hw_queues),
                nr_tags: value(&limits.nr_tags),
                schedulers: limits.schedulers.value().map(Vec::as_slice),
            },
            live: Live {
                scheduler: live.scheduler.value().map(String::as_str),
                nr_requests: value(&live.nr_requests),
                timeout_s: value(&live.timeout),
                io_timeout_ms: value(&live.io_timeout),
                read_ahead_kb: value(&live.read_ahead_kb),
                rotational: value(&live.rotational),
                max_retries: value(&live.max_retries),
            },
        }
    }
}
