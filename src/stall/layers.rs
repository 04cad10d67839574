//! The timers of each kind of device, and when they end in an error.

use super::fate::{Fate, Span, Timer};
use super::timers::{timeout_of, timer};
use super::view::{DEEPEST, View};
use super::{Trouble, errors, iscsi, multipath};
use crate::facts::{Attribute, Class, Disk, Role};

/// storvsc waits this long for the host to answer its reset of the bus
/// (`storvsc_host_reset`, <https://github.com/torvalds/linux/blob/v3.10/drivers/scsi/storvsc_drv.c>).
const STORVSC_RESET: u64 = 5;

/// How long the NVMe driver waits for the answer to an abort, and what it was built with, in seconds.
const ADMIN_TIMEOUT: (&str, u64) = ("nvme_core.admin_timeout", 60);

/// Whether all these disks are of the host's own, local kind.
pub(super) fn is_local(view: View<'_>, disks: &[String]) -> bool {
    let leaves = disks.iter().filter_map(|name| view.disk(name)).filter(|disk| disk.slaves.is_empty());
    let local = |disk: &Disk| disk.roles.contains(&Role::AzureTemporary);
    leaves.clone().count() > 0 && leaves.clone().all(local)
}

/// How a kind of trouble ends on a device; `None` where it cannot befall it.
pub(super) fn fate(view: View<'_>, name: &str, trouble: Trouble) -> Option<Fate> {
    storey(view, name, trouble, 0)
}

fn storey(view: View<'_>, name: &str, trouble: Trouble, depth: usize) -> Option<Fate> {
    let Some(disk) = view.disk(name).filter(|_| depth < DEEPEST) else {
        return Some(Fate::at_least(0, format!("disks.{name}")));
    };
    if let Some(dead) = dead(view, disk) {
        return Some(dead);
    }
    let below = || -> Vec<Fate> {
        disk.slaves.iter().filter_map(|slave| storey(view, slave, trouble, depth + 1)).collect()
    };
    match &disk.class {
        Class::StorvscScsi | Class::StorvscIde | Class::StorvscFc => storvsc(view, disk, trouble),
        Class::Iscsi { session } => Some(iscsi::fate(view, disk, session, trouble)),
        Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme if disk.slaves.is_empty() => {
            nvme(view, disk, trouble)
        }
        // A head of native multipath fails when its last path has.
        Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme => last(below()),
        Class::Multipath { paths } if !paths.is_empty() => {
            let fates = paths.iter().filter_map(|path| storey(view, path, trouble, depth + 1)).collect();
            Some(multipath::fate(view, disk, last(fates)?, paths, trouble))
        }
        Class::Md if !disk.slaves.is_empty() => array(view, disk, below()),
        Class::Zram => Some(Fate::forever(Vec::new())),
        Class::Virtio => virtio(view, disk, trouble),
        Class::Loop => Some(Fate::at_least(0, format!("what file {} stands for", disk.name))),
        Class::Lvm | Class::Crypt | Class::Other if !disk.slaves.is_empty() => {
            below().into_iter().reduce(Fate::or_sooner)
        }
        Class::Other if disk.hctl.is_some() => other_scsi(view, disk, trouble),
        Class::Multipath { .. } | Class::Md | Class::Lvm | Class::Crypt | Class::Other => {
            Some(Fate::at_least(0, format!("what {} stands on", disk.name)))
        }
    }
}

fn last(fates: Vec<Fate>) -> Option<Fate> {
    fates.into_iter().reduce(Fate::or_later)
}

/// A disk that the kernel has given up already.
fn dead(view: View<'_>, disk: &Disk) -> Option<Fate> {
    let state = view.machine.timers.as_ref()?.scsi.get(&disk.name)?.state.value()?;
    let given_up = matches!(state.as_str(), "offline" | "transport-offline" | "deleted" | "cancel");
    let said = "the disk is given up already";
    given_up.then(|| Fate::ends(vec![timer(disk, "device/state", state, 0, said)]).for_good())
}

/// Since 3.17 the driver's handler re-arms the timer for ever (`storvsc_eh_timed_out`,
/// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/storvsc_drv.c>). Before, error handling
/// resets the host, which does not answer either, and takes the disk offline. It begins when every
/// command in flight has expired (`scsi_error_handler`,
/// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_error.c>), so commands that came
/// during the first timeout put it off by up to another one: this is the soonest. On Fibre Channel
/// of some kernels the handler crashes instead.
fn storvsc(view: View<'_>, disk: &Disk, trouble: Trouble) -> Option<Fate> {
    match trouble {
        Trouble::Errors | Trouble::ErrorsHeld => return Some(errors::storvsc(view, disk, trouble)),
        // The host sees to paths; what a guest sees of their loss is silence, or errors.
        Trouble::PathLoss | Trouble::Unit => return None,
        Trouble::Silence => {}
    }
    let seconds = match timeout_of(disk) {
        Ok(seconds) => seconds,
        Err(fact) => return Some(Fate::at_least(0, fact)),
    };
    let Some(kernel) = &view.machine.kernel else { return Some(Fate::at_least(seconds, "kernel.release")) };
    let expires = |then: &str| timer(disk, "device/timeout", &seconds, seconds, then);
    Some(if disk.class == Class::StorvscFc && kernel.fc_timer_crashes() {
        Fate::ends(vec![expires("the timer's handler may crash this kernel")])
    } else if kernel.storvsc_holds() {
        Fate::forever(vec![Timer {
            fires: Span::Forever,
            ..expires("hv_storvsc re-arms its timer: silence never fails a command")
        }])
    } else {
        let offline =
            timer(disk, "device/timeout", &seconds, seconds + STORVSC_RESET, "the disk goes offline");
        Fate::ends(vec![expires("error handling begins"), offline]).for_good()
    })
}

/// The first expiry aborts the command, its second one or that of the abort itself resets the controller
/// (`nvme_timeout`, <https://github.com/torvalds/linux/blob/v6.12/drivers/nvme/host/pci.c>); a controller that does
/// not answer that either is dead.
fn nvme(view: View<'_>, disk: &Disk, trouble: Trouble) -> Option<Fate> {
    let parameter =
        |name: &str| view.machine.parameters.get(name).and_then(|value| value.parse::<u64>().ok());
    match trouble {
        Trouble::PathLoss | Trouble::Unit => None,
        Trouble::Errors | Trouble::ErrorsHeld => {
            let held = errors::held(view, trouble);
            let errors = match parameter("nvme_core.max_retries") {
                Some(retries) => {
                    let tries = retries.saturating_add(1);
                    let fires = tries.saturating_mul(held);
                    Fate::ends(vec![timer(
                        disk,
                        "nvme_core.max_retries",
                        &retries,
                        fires,
                        errors::tries(tries, held),
                    )])
                }
                None => Fate::at_least(held, "nvme_core.max_retries"),
            };
            Some(if held == 0 { errors } else { nvme(view, disk, Trouble::Silence)?.or_sooner(errors) })
        }
        Trouble::Silence => {
            let attribute = disk.live.io_timeout.value().map(|millis| ("queue/io_timeout", millis / 1000));
            let (knob, seconds) = match (attribute, parameter("nvme_core.io_timeout"), &disk.live.io_timeout)
            {
                (Some(known), _, _) => known,
                // Before 5.0 a disk has no attribute of its own.
                (None, Some(seconds), Attribute::Absent) => ("nvme_core.io_timeout", seconds),
                _ => return Some(Fate::at_least(0, format!("disks.{}.io_timeout", disk.name))),
            };
            let reset = "the controller is reset; where that fails too, I/O fails";
            let abort = parameter(ADMIN_TIMEOUT.0).unwrap_or(ADMIN_TIMEOUT.1);
            let last = if abort < seconds {
                timer(disk, ADMIN_TIMEOUT.0, &abort, seconds.saturating_add(abort), reset)
            } else {
                timer(disk, knob, &seconds, seconds.saturating_mul(2), reset)
            };
            Some(Fate::ends(vec![timer(disk, knob, &seconds, seconds, "the command is aborted"), last]))
        }
    }
}

/// virtio-blk re-arms its timer too (`virtblk_timeout` is none; `blk_mq_rq_timed_out`,
/// <https://github.com/torvalds/linux/blob/v6.12/block/blk-mq.c>).
fn virtio(view: View<'_>, disk: &Disk, trouble: Trouble) -> Option<Fate> {
    match trouble {
        Trouble::PathLoss | Trouble::Unit => None,
        Trouble::Silence => Some(Fate::forever(Vec::new())),
        Trouble::Errors | Trouble::ErrorsHeld => {
            let held = errors::held(view, trouble);
            Some(Fate::ends(vec![timer(disk, "-", &"", held, errors::tries(1, held))]))
        }
    }
}

/// A SCSI disk whose driver is none of ours: no sooner than its timer, and what its error
/// handling does is not known.
fn other_scsi(view: View<'_>, disk: &Disk, trouble: Trouble) -> Option<Fate> {
    match trouble {
        Trouble::PathLoss | Trouble::Unit => None,
        Trouble::Errors => Some(errors::scsi(view, disk, trouble)),
        Trouble::ErrorsHeld => {
            let errors = errors::scsi(view, disk, trouble);
            Some(other_scsi(view, disk, Trouble::Silence)?.or_sooner(errors))
        }
        Trouble::Silence => Some(match timeout_of(disk) {
            Err(fact) => Fate::at_least(0, fact),
            Ok(seconds) => {
                let mut fate = Fate::ends(vec![timer(
                    disk,
                    "device/timeout",
                    &seconds,
                    seconds,
                    "error handling begins",
                )]);
                let timers = view.machine.timers.as_ref().and_then(|timers| timers.scsi.get(&disk.name));
                let step = timers
                    .and_then(|timers| timers.eh_timeout.value())
                    .map_or(String::new(), |s| format!(" ({s} s a step)"));
                fate.unknown.insert(format!("how the driver of {} handles errors{step}", disk.name));
                fate
            }
        }),
    }
}

/// An array fails when it has lost more members than its level can spare
/// (<https://docs.kernel.org/admin-guide/md.html>).
fn array(view: View<'_>, disk: &Disk, fates: Vec<Fate>) -> Option<Fate> {
    let level = view.machine.timers.as_ref().and_then(|timers| timers.levels.get(&disk.name));
    let level = level.and_then(Attribute::value).map(String::as_str);
    let mut members: Vec<Fate> = Vec::with_capacity(fates.len());
    for fate in fates {
        members.insert(members.partition_point(|other| other.at <= fate.at), fate);
    }
    let spare = match level {
        Some("raid1") => members.len().saturating_sub(1),
        Some("raid4" | "raid5" | "raid10") => 1,
        Some("raid6") => 2,
        _ => 0,
    };
    let missing = level.is_none().then(|| format!("disks.{}.level", disk.name));
    let lost = members.split_off(spare.min(members.len().saturating_sub(1)));
    let deciding = lost.into_iter().reduce(Fate::or_sooner)?;
    Some(members.into_iter().fold(deciding, Fate::or_later).without(missing))
}
