//! What comes of errors that a host answers with: at once, or after it has held the command.

use super::Trouble;
use super::fate::{Fate, Span, Timer};
use super::timers::{timeout_of, timer};
use super::view::{DEEPEST, View};
use crate::facts::{Attribute, Class, Disk, KernelRelease, Role};

/// How long error handling waits after it has reset a host (`HOST_RESET_SETTLE_TIME`,
/// <https://github.com/torvalds/linux/blob/v4.4/drivers/scsi/scsi_error.c>).
const SETTLE: u64 = 10;
/// How often sd has a command tried again where no attribute says it (`SD_MAX_RETRIES`,
/// <https://github.com/torvalds/linux/blob/v5.4/drivers/scsi/sd.h>).
const SD_RETRIES: i64 = 5;

/// A kind of answer that no retry cures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incurable {
    /// What the host says.
    pub answer: &'static str,
    /// The error that a program gets, at once.
    pub errno: &'static str,
}

/// The answers that end a command at once, however often it may be tried (`scsi_decide_disposition`,
/// `scsi_check_sense`, <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_error.c>;
/// `scsi_result_to_blk_status`, <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_lib.c>).
pub const INCURABLE: [Incurable; 7] = [
    Incurable { answer: "hardware error", errno: "EREMOTEIO" },
    Incurable { answer: "unreadable medium", errno: "ENODATA" },
    Incurable { answer: "write protection", errno: "EREMOTEIO" },
    Incurable { answer: "no space left on a thin disk", errno: "ENOSPC" },
    Incurable { answer: "reservation conflict", errno: "EBADE" },
    Incurable { answer: "disk taken away", errno: "EIO or ENODEV" },
    Incurable { answer: "disk set offline", errno: "EIO" },
];

/// How long the host holds each try, in seconds.
pub(super) fn held(view: View<'_>, trouble: Trouble) -> u64 {
    if trouble == Trouble::ErrorsHeld { view.host_holds } else { 0 }
}

/// What happens then, in words.
pub(super) fn tries(tries: u64, held: u64) -> String {
    let noun = if tries == 1 { "try" } else { "tries" };
    if held == 0 {
        format!("fails after {tries} {noun}, at once")
    } else {
        format!("fails after {tries} {noun} of {held} s")
    }
}

/// A VMBus disk. Until about 4.14 the driver handed the error to error handling, which resets the host
/// and takes the disk offline where it does not answer well ten seconds later; where it does, the command
/// is tried again, six times in all: this is the soonest.
pub(super) fn storvsc(view: View<'_>, disk: &Disk, trouble: Trouble) -> Fate {
    let handled = view.machine.kernel.as_ref().is_some_and(KernelRelease::storvsc_errors_are_handled);
    if !handled {
        return scsi(view, disk, trouble);
    }
    let held = held(view, trouble);
    let step = |fires, then: &str| timer(disk, "-", &"", fires, then);
    Fate::ends(vec![
        step(held, "error handling resets the host"),
        step(held.saturating_add(SETTLE), "the host still errs, the disk goes offline"),
    ])
    .for_good()
}

/// A SCSI disk. An error that may be retried is tried again as often as `max_retries` says, with a pause of
/// some 18 ms between tries, and not beyond as many timeouts as there may be tries; -1 is without either limit
/// (`scsi_cmd_retry_allowed`, <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_error.c>;
/// `scsi_cmd_runtime_exceeced`, <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_lib.c>);
/// before 5.10 the number was a constant of sd's.
pub(super) fn scsi(view: View<'_>, disk: &Disk, trouble: Trouble) -> Fate {
    let held = held(view, trouble);
    let retries = match &disk.live.max_retries {
        Attribute::Is(retries) => *retries,
        Attribute::Absent => SD_RETRIES,
        Attribute::Unknown => return Fate::at_least(held, format!("disks.{}.max_retries", disk.name)),
    };
    if retries == -1 {
        let on = timer(disk, "max_retries", &retries, 0, "tried again until the host is well");
        return Fate::forever(vec![Timer { fires: Span::Forever, ..on }]);
    }
    let allowed = u64::try_from(retries).unwrap_or(0) + 1;
    let done = match (held, timeout_of(disk)) {
        (0, _) => allowed,
        // The first answer at or after the end of the window is the last, as each pause adds to the tries.
        (_, Ok(timeout)) => allowed.min(allowed.saturating_mul(timeout).div_ceil(held)).max(1),
        (_, Err(fact)) => return Fate::at_least(held, fact),
    };
    let fires = done.saturating_mul(held);
    Fate::ends(vec![timer(disk, "max_retries", &retries, fires, tries(done, held))])
}

/// Why no setting of ours cures errors on this disk; `None` where `max_retries` does.
pub(super) fn uncured(view: View<'_>, name: &str, depth: usize) -> Option<String> {
    let disk = view.disk(name).filter(|_| depth < DEEPEST)?;
    Some(match &disk.class {
        Class::StorvscScsi | Class::StorvscIde if disk.live.max_retries == Attribute::Absent => {
            format!("the kernel of {name} has no max_retries (it came with 5.10)")
        }
        Class::StorvscScsi | Class::StorvscIde if disk.is_alone() => return None,
        Class::StorvscScsi | Class::StorvscIde | Class::StorvscFc if disk.is_path() => {
            format!("{name} is a path, whose map must see them")
        }
        Class::StorvscScsi | Class::StorvscIde if disk.roles.contains(&Role::Member) => {
            format!("{name} is a member, whose array or pool must see them")
        }
        Class::StorvscScsi | Class::StorvscIde if disk.roles.contains(&Role::PerhapsMember) => {
            format!("could not tell whether {name} is a member of an array or pool, which must see them")
        }
        Class::StorvscScsi | Class::StorvscIde => format!("{name} is Azure's temporary disk, or may be"),
        Class::StorvscFc => format!("{name} is on Fibre Channel, where a map must see them"),
        Class::Iscsi { .. } => format!("{name} is on iSCSI, whose disks keep the kernel's five retries"),
        // Its map waits as long as no_path_retry says.
        Class::Multipath { .. } => return None,
        _ if disk.slaves.is_empty() => format!("{name} has no such setting"),
        _ => return disk.slaves.iter().find_map(|slave| uncured(view, slave, depth + 1)),
    })
}
