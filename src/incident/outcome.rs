//! What gave up first and after how long, and until when the log shows trouble.

use super::begin::{ADMIN, DEFAULT, io_timeout, silent};
use super::case::{Case, reach};
use super::end::maps_down;
use super::event::{Event, Log};
use super::scene::Scene;
use super::sign::{AFTER, Cause, HELD, LOST};
use super::stamp::{Moment, SECOND};
use super::table::Id;

/// A break after which such errors say nothing new.
const BREAK: i64 = 30 * SECOND;

/// A timer that a line shows, or that follows from lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerSeen {
    /// The knob.
    pub knob: String,
    /// Its value in seconds, where the log shows it.
    pub value_s: Option<i64>,
    /// When it fired, in seconds from the beginning.
    pub at_s: Option<i64>,
    /// Whether the value follows from others, and does not stand in a line.
    pub inferred: bool,
}

/// The first expiry that made I/O fail, killed a service or ended the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GaveUp {
    /// `None`: it was no timer of the guest.
    pub(super) knob: Option<&'static str>,
    pub(super) at: Moment,
    pub(super) line: u64,
}

fn gave(knob: &'static str, event: &Event) -> GaveUp {
    GaveUp { knob: Some(knob), at: event.at.clone(), line: event.line }
}

/// What gave up first, in the order of the log.
pub(super) fn gave_up(case: &Case<'_>, scene: &Scene, release: Option<&str>) -> Option<GaveUp> {
    let mut found: Vec<GaveUp> = Vec::new();
    if let Some(event) = case.first(&[Id::PanicHung]) {
        found.push(gave("kernel.hung_task_panic with kernel.hung_task_timeout_secs", event));
    }
    if let Some(event) = case.first(&[Id::SystemdWatchdog]) {
        found.push(gave("WatchdogSec", event));
    }
    found.extend(own(case, scene, release));
    found.into_iter().min_by_key(|one| one.line)
}

/// The timers of the cause itself.
fn own(case: &Case<'_>, scene: &Scene, release: Option<&str>) -> Option<GaveUp> {
    let lost = || case.first(LOST);
    let failed = || {
        case.all(&[Id::ScsiFailedAge])
            .find(|event| !matches!(event.get("host"), "DID_OK" | "0x00") || is_held(event))
    };
    let first = |one: Option<&'_ Event>, other: Option<&'_ Event>| {
        [one, other]
            .into_iter()
            .flatten()
            .map(|event| (event.line, event.at.clone()))
            .min_by_key(|(line, _)| *line)
    };
    let of = |knob, place: Option<(u64, Moment)>| place.map(|(line, at)| GaveUp { knob, at, line });
    match case.cause {
        Cause::Iscsi => {
            let knob = if scene.has_multipath {
                "multipath fast_io_fail_tmo"
            } else {
                "node.session.timeo.replacement_timeout"
            };
            let recovery = case.first(&[Id::IscsiRecoveryTimeout]).map(|event| gave(knob, event));
            let before = recovery.as_ref().map_or(u64::MAX, |gave| gave.line);
            let held = case
                .all(&[Id::ScsiWindow, Id::ScsiFailedAge, Id::ScsiOfflined])
                .find(|event| event.line < before && (event.id != Id::ScsiFailedAge || is_error(event)));
            let held = held.map(|event| gave("device/timeout", event));
            held.or(recovery).or_else(|| of(None, first(lost(), None)))
        }
        Cause::Multipath => multipath(case),
        Cause::Fc => {
            let removed = case
                .all(&[Id::FcRport])
                .find(|event| event.has("what"))
                .map(|event| gave("dev_loss_tmo", event));
            let failed = case.first(&[Id::ScsiFailedAge, Id::ScsiRejecting]);
            let failed = failed.map(|event| gave("fast_io_fail_tmo", event));
            [removed, failed].into_iter().flatten().min_by_key(|one| one.line)
        }
        Cause::Nvme if case.first(&[Id::NvmeLost]).is_some() => {
            let removed = case.all(&[Id::NvmeLost]).find(|event| event.has("gone"));
            removed.map(|event| gave("ctrl_loss_tmo", event)).or_else(|| of(None, first(lost(), None)))
        }
        Cause::Nvme => {
            let gone = case.all(&[Id::NvmeDead]).find(|event| event.has("gone"));
            let status = case.first(&[Id::NvmeStatus]);
            let gone = [gone, status].into_iter().flatten().min_by_key(|event| event.line);
            // The queue of the controller's own commands has a timer of its own.
            let mut expired = case.all(&[Id::NvmeAbort, Id::NvmeReset]).peekable();
            let own = expired.peek().is_some() && expired.all(|event| event.get("qid") == "0");
            let knob = if own { "nvme_core.admin_timeout" } else { "nvme_core.io_timeout" };
            of(Some(knob), first(gone, lost()))
        }
        Cause::Errors => {
            let window = case.first(&[Id::ScsiWindow, Id::ScsiOfflined]);
            let perhaps =
                scene.is_hyperv || case.first(&[Id::ScsiFailedAge, Id::ScsiSense, Id::ScsiWindow]).is_some();
            let knob = if window.is_some() || handled(scene, release) {
                "device/timeout"
            } else {
                "scsi_disk max_retries"
            };
            let place = first(window, failed()).or_else(|| first(lost(), None));
            let place = [place, first(lost(), None)].into_iter().flatten().min_by_key(|(line, _)| *line);
            of(perhaps.then_some(knob), place)
        }
        Cause::Silent => {
            let medium = case
                .first(&[Id::ScsiMediumAccess])
                .map(|event| gave("scsi_disk/max_medium_access_timeouts", event));
            let by_scsi = case
                .first(&[Id::ScsiFailedAge, Id::ScsiOfflined, Id::PvscsiAbort, Id::MptAbort, Id::AtaTimeout])
                .is_some();
            let knob = by_scsi.then_some("device/timeout");
            let offlined = case.first(&[Id::ScsiOfflined]);
            let place = [first(failed(), lost()), first(offlined, None)]
                .into_iter()
                .flatten()
                .min_by_key(|(line, _)| *line);
            [medium, of(knob, place)].into_iter().flatten().min_by_key(|one| one.line)
        }
        Cause::Boot => boot(case),
        Cause::Space => {
            let error = case.all(&[Id::ThinMode]).find(|event| event.get("mode").contains("error"));
            let queued = case
                .all(&[Id::ThinMode])
                .any(|event| event.get("mode").contains("queue") || event.get("mode") == "out-of-data-space");
            error.filter(|_| queued).map(|event| gave("dm_thin_pool.no_space_timeout", event))
        }
        Cause::Removed | Cause::Medium => {
            let place = first(lost(), case.first(&[Id::ScsiSense, Id::NvmeStatus, Id::ScsiFailedAge]));
            of(None, place)
        }
        Cause::Freeze | Cause::Paused | Cause::Unknown => {
            of(None, first(lost(), None)).filter(|_| case.cause == Cause::Unknown)
        }
    }
}

/// Whether the kernel hands errors of a Hyper-V host to SCSI error handling, which the disk's timer begins.
fn handled(scene: &Scene, release: Option<&str>) -> bool {
    let release = release.and_then(crate::facts::KernelRelease::parse);
    scene.is_hyperv && release.is_some_and(|release| release.storvsc_errors_are_handled())
}

fn is_error(event: &Event) -> bool {
    !event.get("host").contains("TRANSPORT") && is_held(event)
}

fn is_held(event: &Event) -> bool {
    event.number("age").is_some_and(|age| age >= HELD)
}

/// A map that queues gives up by itself; one that does not, with its last path.
fn multipath(case: &Case<'_>) -> Option<GaveUp> {
    let off = case.first(&[Id::MpathQueueOff]).map(|event| gave("multipath no_path_retry", event));
    let kernel = case
        .first(&[Id::DmQueueTimeout])
        .map(|event| gave("dm_multipath.queue_if_no_path_timeout_secs", event));
    let queues = case.first(&[Id::MpathRecovery]).is_some();
    let lost = case.signs.iter().find(|sign| sign.subject.starts_with("dm-") && sign.event.is(LOST));
    let lost = lost.or_else(|| {
        case.signs
            .iter()
            .find(|sign| sign.event.is(&[Id::Jbd2Abort, Id::Ext4Ro, Id::XfsShutdown, Id::BtrfsRo]))
    });
    let at_once = lost.filter(|_| !queues).map(|sign| gave("multipath no_path_retry", sign.event));
    [off, kernel, at_once].into_iter().flatten().min_by_key(|one| one.line)
}

fn boot(case: &Case<'_>) -> Option<GaveUp> {
    let dracut =
        case.all(&[Id::DracutTimeout]).find(|event| event.has("end")).map(|event| gave("rd.retry", event));
    let alert = case.first(&[Id::InitramfsAlert]).map(|event| gave("rootdelay", event));
    let systemd = case.first(&[Id::SystemdDevice]).map(|event| gave("x-systemd.device-timeout", event));
    let panic = case.first(&[Id::PanicAny]);
    let panic = panic.map(|event| GaveUp { knob: None, at: event.at.clone(), line: event.line });
    [dracut, alert, systemd, panic].into_iter().flatten().min_by_key(|one| one.line)
}

/// The last moment at which the log shows the trouble still on.
pub(super) fn last_seen(log: &Log, case: &Case<'_>, gave_up: Option<&GaveUp>) -> Option<Moment> {
    let mut last: Option<Moment> = None;
    for event in case.events() {
        // What a disk returns that was given up says only that somebody asked.
        let after = gave_up.is_some_and(|gave| gave.line < event.line) && event.is(AFTER);
        let broken = last.as_ref().and_then(|last| last.until(&event.at)).is_some_and(|apart| apart > BREAK);
        if !(after && broken) {
            let until =
                if after && event.count > 1 && event.at.until(&event.last).is_some_and(|apart| apart > BREAK)
                {
                    &event.at
                } else {
                    &event.last
                };
            // Repeats of an earlier line may be later than the one after it.
            if last.as_ref().and_then(|last| last.until(until)).is_none_or(|apart| apart >= 0) {
                last = Some(until.clone());
            }
        }
    }
    let (_, line) = case.lines();
    // Until then the target was not there, also for the map above its session.
    let maps = maps_down(case);
    let tries = |event: &Event| match case.cause {
        Cause::Iscsi => event.is(&[Id::IscsidConnect, Id::IscsidBack]),
        Cause::Multipath => {
            event.is(&[Id::IscsidConnect, Id::IscsidBack])
                || (event.id == Id::MpathChecker
                    && event.get("state") != "up"
                    && maps.contains(event.get("map")))
        }
        _ => false,
    };
    let mut trying =
        log.events.iter().filter(|event| tries(event) && event.boot == case.boot && event.last_line > line);
    trying.next_back().map(|event| event.last.clone()).or(last)
}

/// The timers that the lines show, from the beginning on.
pub(super) fn timers(case: &Case<'_>, begin: Option<&Moment>, gave_up: Option<&GaveUp>) -> Vec<TimerSeen> {
    let at = |event: &Event| begin.and_then(|begin| begin.until(&event.at)).map(|micros| micros / SECOND);
    let mut seen: Vec<TimerSeen> = Vec::new();
    let mut add = |knob: &str, value_s, at_s, inferred| {
        if seen.iter().all(|timer| timer.knob != knob) {
            seen.push(TimerSeen { knob: knob.to_owned(), value_s, at_s, inferred });
        }
    };
    for event in case.events() {
        let secs = event.number("secs");
        match event.id {
            Id::IscsiPingTimeout => {
                let value = event.number("recv").zip(event.number("ping")).map(|(recv, ping)| recv + ping);
                add(
                    "node.conn[0].timeo.noop_out_interval+noop_out_timeout",
                    value.or(silent(event).map(|silent| silent / SECOND)),
                    at(event),
                    false,
                );
            }
            Id::IscsiRecoveryTimeout if case.cause == Cause::Iscsi => {
                let knob = gave_up.and_then(|gave| gave.knob).filter(|knob| knob.contains("fast_io_fail"));
                add(knob.unwrap_or("node.session.timeo.replacement_timeout"), secs, at(event), false);
            }
            Id::ScsiWindow => add("(max_retries+1)*device/timeout", secs, at(event), false),
            Id::HungTask => add("kernel.hung_task_timeout_secs", secs, at(event), false),
            Id::NvmeAbort => {
                let (value, _) = io_timeout(case);
                add("nvme_core.io_timeout", Some(value), at(event), true);
            }
            Id::NvmeReset if event.get("qid") == "0" => {
                add("nvme_core.admin_timeout", Some(ADMIN), at(event), true);
            }
            Id::NvmeReset => add("nvme_core.io_timeout (second expiry: reset)", None, at(event), true),
            Id::NvmeDead => add("CAP.TO of the controller", None, at(event), true),
            Id::PvscsiAbort | Id::MptAbort | Id::AtaTimeout => {
                add("device/timeout", Some(DEFAULT), at(event), true);
            }
            Id::SystemdWatchdog => add("WatchdogSec", seconds(event.get("limit")), at(event), false),
            Id::MpathRecovery => {
                let value = event.number("n").map(|times| times * 5);
                add("no_path_retry * polling_interval", value, at(event), true);
            }
            Id::DracutTimeout if event.has("end") => add("rd.retry", Some(180), at(event), true),
            Id::SystemdDevice => add("x-systemd.device-timeout", Some(90), at(event), true),
            _ => {}
        }
    }
    if let Some(gave) =
        gave_up.filter(|_| case.cause == Cause::Multipath && case.first(&[Id::MpathRecovery]).is_none())
        && gave.knob == Some("multipath no_path_retry")
    {
        add(
            "no_path_retry",
            Some(0),
            begin.and_then(|begin| begin.until(&gave.at)).map(|micros| micros / SECOND),
            true,
        );
    }
    seen
}

/// `3min` in seconds.
fn seconds(text: &str) -> Option<i64> {
    crate::policy::parse_duration(text).ok().and_then(|seconds| i64::try_from(seconds).ok())
}

/// So long between two answers of one command means that the host held it: what fails at once is tried again some 55
/// times a second, or has failed for good.
const ANSWERED_LATE: i64 = SECOND;

/// Whether the host took its time for each answer, where nothing says that a command has failed: all are tried
/// again, and the log has the answers only.
fn answers_late(log: &Log, case: &Case<'_>) -> bool {
    let answers = || case.all(&[Id::StorvscStatus]);
    let Some(shortest) = answers().filter_map(|event| event.again.shortest).min() else { return false };
    let tags: i64 = answers().map(|event| event.again.tags()).sum();
    let (from, to) = case.lines();
    let between = |event: &&Event| event.id == Id::Suppressed && event.line >= from && event.last_line <= to;
    let unsaid: i64 =
        log.events.iter().filter(between).filter_map(|event| event.number("n")).fold(0, i64::saturating_add);
    let lasted = answers().next().zip(answers().last());
    let seconds =
        lasted.and_then(|(first, last)| first.at.until(&last.last)).map_or(0, |micros| micros / SECOND);
    // Of many commands that fail at once only a few lines are printed, each of another one.
    let rare = unsaid <= tags.saturating_mul(seconds);
    shortest >= ANSWERED_LATE && rare && case.first(&[Id::ScsiFailedAge]).is_none()
}

/// Whether commands were held before they failed.
pub(super) fn is_slow(log: &Log, case: &Case<'_>) -> bool {
    let held = case.all(&[Id::ScsiFailedAge]).any(is_held) || case.first(&[Id::ScsiWindow]).is_some();
    let first = case.all(&[Id::StorvscStatus, Id::ScsiFailedAge, Id::ScsiSense]).next();
    let waited = case.all(&[Id::HungTask]).any(|event| {
        let began = event.at.before(reach(event));
        first.and_then(|first| began.until(&first.at)).is_some_and(|apart| apart >= HELD * SECOND)
    });
    held || waited || answers_late(log, case)
}
