//! When a trouble began, at the latest: the earliest of what its lines tell.

use super::case::Case;
use super::event::Event;
use super::sign::Cause;
use super::stamp::{Moment, SECOND, Wall};
use super::table::Id;

/// What the kernel gives a command to a disk, and to an NVMe controller, where nothing else is known.
pub(super) const DEFAULT: i64 = 30;
/// What systemd waits for a device, and dracut's queue for root, where nothing else is set.
pub(super) const DEVICE: i64 = 90;
pub(super) const QUEUE: i64 = 180;
/// What the kernel gives a command of a controller's own queue.
pub(super) const ADMIN: i64 = 60;
/// Values of `io_timeout` that are in use.
const NVME_VALUES: [i64; 7] = [30, 60, 120, 180, 240, 255, 300];

/// A beginning that a line tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begin {
    pub(super) at: Moment,
    /// By which message and rule.
    pub(super) from: String,
    pub(super) line: u64,
    /// Whether it is the stamp of the line itself.
    pub(super) is_own: bool,
}

/// The earliest beginning; `None` where there is none.
pub(super) fn begin(case: &Case<'_>, before: Option<&Event>) -> Option<Begin> {
    if case.cause == Cause::Boot
        && let Some(event) = before
    {
        let from = format!("line {}: the wait for the disk begins ({})", event.line, event.name);
        return Some(Begin { at: event.at.clone(), from, line: event.line, is_own: true });
    }
    let mut earliest: Option<Begin> = None;
    for event in case.events() {
        let clue = clue(case, event);
        let sooner = match &earliest {
            None => true,
            Some(found) => clue.at.until(&found.at).is_some_and(|apart| apart > 0),
        };
        if sooner {
            earliest = Some(clue);
        }
    }
    earliest
}

/// `io_timeout` of a controller in seconds, and whether two lines show it: the second expiry of a command comes
/// one such time after the first.
pub(super) fn io_timeout(case: &Case<'_>) -> (i64, bool) {
    let mut shown = None;
    for reset in case.all(&[Id::NvmeReset]) {
        let same = |abort: &&Event| {
            abort.get("ctrl") == reset.get("ctrl")
                && abort.get("tag") == reset.get("tag")
                && abort.get("qid") == reset.get("qid")
        };
        let abort = case.all(&[Id::NvmeAbort]).find(same).or_else(|| case.first(&[Id::NvmeAbort]));
        shown = shown.or_else(|| abort.and_then(|abort| abort.at.until(&reset.at)));
    }
    let Some(seconds) = shown.map(|apart| apart / SECOND).filter(|seconds| *seconds > 0) else {
        return (DEFAULT, false);
    };
    let known =
        NVME_VALUES.iter().rev().find(|value| **value <= seconds && seconds <= **value + **value / 10 + 2);
    (known.copied().unwrap_or(seconds), true)
}

/// Ticks a second of a kernel, from a line that says the same time in both.
fn hertz(event: &Event) -> Option<i64> {
    let number = |field| event.number(field);
    let ticks = number("now")?.checked_sub(number("pinged")?)?;
    let seconds = number("ping").filter(|seconds| *seconds > 0)?;
    [100, 250, 300, 1000].into_iter().min_by_key(|hertz| (ticks / seconds - hertz).abs())
}

/// For how long the target was silent before a ping timed out, in microseconds.
pub(super) fn silent(event: &Event) -> Option<i64> {
    let ticks = event.number("now")?.checked_sub(event.number("rx")?)?;
    let silent = ticks.checked_mul(SECOND)? / hertz(event)?;
    // Whole seconds: the ticks behind them are how late the line is.
    Some(silent / SECOND * SECOND).filter(|silent| (0..=86_400 * SECOND).contains(silent))
}

/// An age in whole seconds leaves no fraction.
fn whole(at: Moment) -> Moment {
    let cut = |at: i64| at - at.rem_euclid(SECOND);
    Moment {
        wall: at.wall.map(|wall| {
            let by = cut(wall.local()) - wall.local();
            Wall::later(&wall, by)
        }),
        up: at.up.map(cut),
    }
}

/// A wait of so many seconds. A console's lines may have the stamp of one long before: no wait began before the
/// machine did.
fn waited(event: &Event, seconds: i64, from: String) -> Begin {
    let reaches = event.at.up.is_none_or(|up| up >= seconds * SECOND);
    let at = event.at.before(if reaches { seconds * SECOND } else { 0 });
    Begin { at, from, line: event.line, is_own: false }
}

fn clue(case: &Case<'_>, event: &Event) -> Begin {
    let (line, at) = (event.line, &event.at);
    let less =
        |seconds: i64, from: String| Begin { at: at.before(seconds * SECOND), from, line, is_own: false };
    match event.id {
        Id::IscsiPingTimeout => {
            if let Some(silent) = silent(event) {
                let from = format!(
                    "line {line}: the last byte of the target came {} s before (now - last rx, {} ticks a second)",
                    silent / SECOND,
                    hertz(event).unwrap_or(0)
                );
                return Begin { at: at.before(silent), from, line, is_own: false };
            }
        }
        Id::HungTask => {
            if let Some(seconds) = event.number("secs") {
                return less(
                    seconds,
                    format!("line {line}: a task had waited for {seconds} s, at the least"),
                );
            }
        }
        Id::ScsiFailedAge if event.number("age").is_some_and(|age| age > 0) => {
            if let Some(age) = event.number("age") {
                let from = format!("line {line}: cmd_age={age}s of the failed command");
                let at = whole(at.before(age * SECOND));
                return Begin { at, from, line, is_own: false };
            }
        }
        Id::ScsiFailedAge if matches!(event.get("host"), "DID_TIME_OUT" | "0x03") => {
            let from = format!(
                "line {line}: a command expired, less one device/timeout of {DEFAULT} s, the kernel's own"
            );
            return less(DEFAULT, from);
        }
        Id::ScsiWindow => {
            if let Some(seconds) = event.number("secs") {
                return less(
                    seconds,
                    format!("line {line}: the command had lived longer than its window of {seconds} s"),
                );
            }
        }
        Id::IscsiRecoveryTimeout => {
            if let Some(seconds) = event.number("secs") {
                return less(seconds, format!("line {line}: the session had been gone for {seconds} s"));
            }
        }
        Id::Lockup => {
            if let Some(seconds) = event.number("secs") {
                return less(seconds, format!("line {line}: a processor had not run for {seconds} s"));
            }
        }
        // A service gives its sign of life after three quarters of the limit at the latest.
        Id::SystemdWatchdog => {
            if let Ok(limit) = crate::policy::parse_duration(event.get("limit")) {
                let quarter = i64::try_from(limit / 4).unwrap_or(0);
                return less(
                    quarter,
                    format!("line {line}: a quarter of the watchdog's limit before it, at the latest"),
                );
            }
        }
        Id::NvmeAbort | Id::NvmeReset => return nvme(case, event),
        Id::PvscsiAbort | Id::MptAbort if !event.has("done") => {
            return less(
                DEFAULT,
                format!(
                    "line {line}: the first command was aborted, less one device/timeout of {DEFAULT} s, the kernel's own"
                ),
            );
        }
        Id::AtaTimeout => {
            return less(
                DEFAULT,
                format!(
                    "line {line}: a command expired, less one device/timeout of {DEFAULT} s, the kernel's own"
                ),
            );
        }
        Id::SystemdDevice => {
            return waited(event, DEVICE, format!("line {line}: systemd gave up, less its own {DEVICE} s"));
        }
        Id::DracutTimeout if event.has("end") => {
            return waited(event, QUEUE, format!("line {line}: dracut gave up, less its own {QUEUE} s"));
        }
        Id::InitramfsAlert => {
            return waited(
                event,
                DEFAULT,
                format!("line {line}: the initramfs gave up, less its least, {DEFAULT} s"),
            );
        }
        _ => {}
    }
    Begin {
        at: at.clone(),
        from: format!("line {line}: the first of it ({})", event.name),
        line,
        is_own: true,
    }
}

fn nvme(case: &Case<'_>, event: &Event) -> Begin {
    let (seconds, shown) = io_timeout(case);
    let (times, unit) = match event.id {
        Id::NvmeReset if event.get("qid") == "0" => (1, ADMIN),
        Id::NvmeReset => (2, seconds),
        _ => (1, seconds),
    };
    let how = if shown { "shown by the next expiry" } else { "the kernel's own" };
    let from = format!("line {}: a command expired, less {times} io_timeout of {unit} s, {how}", event.line);
    waited(event, times * unit, from)
}
