//! From cases to incidents: kind, beginning, end, and what the default plan would have made of it.

use super::begin::{Begin, DEFAULT, DEVICE, QUEUE, begin, io_timeout};
use super::case::{Case, Cases, cases};
use super::clock::Clock;
use super::end::{End, ended};
use super::event::{Event, Log};
use super::kind::{Answer, Grade, Kind};
use super::model::{Model, Shown};
use super::outcome::{GaveUp, gave_up, is_slow, last_seen, timers};
use super::scene::{Scene, Transport};
use super::sign::Cause;
use super::stamp::{SECOND, uptime_text};
use super::table::Id;
use super::told::{Findings, Incident};
use super::words;

/// Judges a log.
pub fn judge(log: &Log, model: &Model<'_>) -> Findings {
    let scene = Scene::new(log, model.capture);
    let Cases { cases, notes } = cases(log, &scene);
    let clock = Clock::new(log);
    let mut notes: Vec<String> = notes.iter().map(|note| (*note).to_owned()).collect();
    notes.extend(clock.notes());
    let judged = |case: &Case<'_>| Judge { log, scene: &scene, clock: &clock, model, case }.incident();
    let incidents = cases.iter().map(judged).collect();
    let incidents = crate::order::by_number(incidents, |incident: &Incident| {
        incident.evidence.first().copied().unwrap_or(0)
    });
    Findings { incidents, notes }
}

struct Judge<'a> {
    log: &'a Log,
    scene: &'a Scene,
    clock: &'a Clock,
    model: &'a Model<'a>,
    case: &'a Case<'a>,
}

impl Judge<'_> {
    fn incident(&self) -> Incident {
        let case = self.case;
        let begins = begin(case, self.waits());
        let from = begins.as_ref().map(|begin| &begin.at);
        let gave = gave_up(case, self.scene, self.log.release(case.boot));
        let end = ended(self.log, case);
        let (kind, confidence) = self.kind();
        let seconds = |to: &super::stamp::Moment| {
            from.and_then(|from| from.until(to)).map(|micros| micros.max(0) / SECOND)
        };
        let last = last_seen(self.log, case, gave.as_ref());
        let lasts = end.map(|end| end.at).or(last.as_ref()).and_then(seconds);
        let after = gave.as_ref().and_then(|gave| waited(gave, seconds(&gave.at)));
        let fits = after.is_none_or(|after| lasts.is_none_or(|lasts| lasts >= after));
        let lasts = if fits { lasts.or(after.filter(|_| case.cause == Cause::Boot)) } else { after };
        let shown = self.shown();
        let late = case.came_late(self.log);
        let verdict = Verdict { late, kind, gave: gave.as_ref(), lasts, ended: end.is_some(), shown: &shown };
        let (answer, why) = verdict.reached(self.model);
        let (begins_text, begins_wall) = self.begin_texts(begins.as_ref());
        let timers_seen = timers(case, from, gave.as_ref());
        let mut incident = Incident {
            kind,
            begins: begins_text,
            begins_from: begins.as_ref().map(|begin| begin.from.clone()),
            begins_wall,
            lasts_at_least_s: lasts,
            first_to_give_up: gave.as_ref().and_then(|gave| gave.knob),
            gave_up_after_s: after,
            consequence: words::consequence(case, self.scene),
            mounts_or_disks: words::about(case, self.scene),
            would_be_ridden_out_by_default: answer,
            why,
            ended: end.and_then(|end| end.at.text()),
            not_a_stall: kind.is_no_stall(),
            confidence,
            timers_seen,
            also: self.also(kind),
            said: Vec::new(),
            evidence: evidence(case, begins.as_ref(), gave.as_ref(), end),
            cannot_tell: words::cannot_tell(self.log, self.scene, case, kind, end.is_some()),
            ask: words::ask(kind, self.scene.is_hyperv),
            boot: case.boot + 1,
        };
        incident.said = words::statements(&incident, begins.as_ref(), gave.as_ref(), end);
        incident
    }

    /// The line with which a boot began to wait.
    fn waits(&self) -> Option<&Event> {
        let (first, _) = self.case.lines();
        let begins = |event: &&Event| {
            event.boot == self.case.boot
                && event.is(&[Id::DracutBegin, Id::InitramfsBegin, Id::SystemdExpect])
                && event.line < first
        };
        let systemd = self.case.first(&[Id::SystemdDevice]).is_some();
        let fits = |event: &&Event| begins(event) && (systemd == (event.id == Id::SystemdExpect));
        self.log.events.iter().find(fits)
    }

    fn kind(&self) -> (Kind, Grade) {
        let case = self.case;
        let panics = case.first(&[Id::PanicHung]).is_some();
        match case.cause {
            Cause::Removed => {
                let said = case.first(&[Id::StorvscStatus]).is_some();
                (Kind::HostRemovedDisk, if said { Grade::Read } else { Grade::Likely })
            }
            Cause::Medium => (Kind::MediumError, Grade::Read),
            Cause::Space => (Kind::OutOfSpace, Grade::Read),
            Cause::Freeze => {
                let said =
                    case.first(&[Id::HvVss, Id::HvVssTimeout, Id::AzureFreeze, Id::QgaFreeze]).is_some();
                (Kind::FreezeByBackup, if said { Grade::Read } else { Grade::Likely })
            }
            Cause::Multipath => (Kind::MultipathAllPathsDown, Grade::Read),
            Cause::Iscsi => (self.iscsi(), Grade::Read),
            Cause::Fc => (Kind::FcPathLoss, Grade::Read),
            Cause::Nvme => (Kind::NvmeTimeout, Grade::Read),
            Cause::Errors => self.errors(),
            Cause::Silent if panics => (Kind::HungTaskPanic, Grade::Read),
            Cause::Silent => {
                let expired = case
                    .first(&[
                        Id::PvscsiAbort,
                        Id::MptAbort,
                        Id::AtaTimeout,
                        Id::ScsiFailedAge,
                        Id::ScsiMediumAccess,
                    ])
                    .is_some();
                (Kind::HostSilent, if expired { Grade::Follows } else { Grade::Likely })
            }
            Cause::Boot => self.boot(),
            Cause::Paused => (Kind::VmPaused, Grade::Likely),
            Cause::Unknown => (Kind::UnknownIoError, Grade::Read),
        }
    }

    /// A session that its own error handling drops has a target that answers; so has one that gets an answer to what
    /// was given up.
    fn iscsi(&self) -> Kind {
        let errors = self.case.all(&[Id::IscsiConnError, Id::IscsidConnError]);
        let codes: Vec<&str> = errors.map(|event| event.get("code")).collect();
        let handled = codes.contains(&HANDLED) && codes.iter().all(|code| [HANDLED, LATE].contains(code));
        let lost = self.case.first(&[Id::IscsiRecoveryTimeout, Id::IscsiPingTimeout]).is_some();
        if handled && !lost { Kind::IscsiSlowErrors } else { Kind::IscsiPathLoss }
    }

    fn errors(&self) -> (Kind, Grade) {
        let slow = is_slow(self.log, self.case);
        let transport =
            |wanted| self.case.signs.iter().any(|sign| self.scene.transport(&sign.subject) == wanted);
        match (slow, transport(Transport::Iscsi), transport(Transport::PerhapsIscsi) && !self.scene.is_hyperv)
        {
            (true, true, _) => (Kind::IscsiSlowErrors, Grade::Follows),
            (true, _, true) => (Kind::IscsiSlowErrors, Grade::Likely),
            (true, ..) => (Kind::HostErrorsSlow, Grade::Follows),
            (false, ..) => (Kind::HostErrorsFast, Grade::Read),
        }
    }

    /// A disk that did not come is one in a stall only where something says so.
    fn boot(&self) -> (Kind, Grade) {
        let stalled = self.case.signs.iter().any(|sign| {
            sign.event.is(&[
                Id::StorvscSetup,
                Id::StorvscStatus,
                Id::HungTask,
                Id::IscsiConnError,
                Id::IscsiPingTimeout,
                Id::IscsiRecoveryTimeout,
                Id::NvmeAbort,
                Id::NvmeReset,
                Id::NvmeDead,
                Id::AtaTimeout,
                Id::ScsiFailedAge,
            ])
        });
        if stalled || self.case.came_late(self.log) {
            (Kind::BootInStall, Grade::Likely)
        } else {
            (Kind::BootDeviceMissing, Grade::Read)
        }
    }

    fn also(&self, kind: Kind) -> Vec<String> {
        let mut also = Vec::new();
        if self.case.also.contains(&Cause::Silent)
            && kind != Kind::HostSilent
            && self.case.first(&[Id::HungTask]).is_some()
        {
            also.push(Kind::HostSilent.name().to_owned());
        }
        let (first, last) = self.case.lines();
        let alua = |event: &&Event| {
            event.id == Id::ScsiAddSense
                && (first..=last).contains(&event.line)
                && (event.get("text").contains("target port in")
                    || event.get("text").contains("asymmetric access"))
        };
        if self.log.events.iter().any(|event| alua(&event)) {
            also.push("ALUA transition of a controller".to_owned());
        }
        also
    }

    /// The beginning as the log would write it; by the uptime where the log's reader was late.
    fn begin_texts(&self, begin: Option<&Begin>) -> (Option<String>, Option<String>) {
        let Some(begin) = begin else { return (None, None) };
        match (begin.at.up, self.clock.is_late(self.case)) {
            (Some(up), true) => (Some(uptime_text(up)), self.clock.time_of_day(self.case.boot, up)),
            _ => (begin.at.text(), None),
        }
    }

    /// What the log shows of the machine's timers.
    fn shown(&self) -> Shown {
        let case = self.case;
        let number = |event: Option<&Event>, field: &str| event.and_then(|event| event.number(field));
        let ping = case.first(&[Id::IscsiPingTimeout]);
        let interval = number(ping, "recv").or_else(|| ping.map(|_| 5));
        let watchdog = case.first(&[Id::SystemdWatchdog]);
        let limit = watchdog.and_then(|event| crate::policy::parse_duration(event.get("limit")).ok());
        let panics = case.first(&[Id::PanicHung]).is_some();
        let mut disks: Vec<String> = case.signs.iter().map(|sign| sign.subject.clone()).collect();
        disks.sort_unstable();
        disks.dedup();
        Shown {
            disks,
            release: self.log.release(case.boot).map(str::to_owned),
            is_hyperv: self.scene.is_hyperv,
            recovery: number(case.first(&[Id::IscsiRecoveryTimeout]), "secs"),
            noop: interval.zip(number(ping, "ping")),
            handled: case.all(&[Id::IscsiConnError]).any(|event| event.get("code") == HANDLED),
            is_fabric: case.first(&[Id::NvmeLost]).is_some(),
            io_timeout: case.first(&[Id::NvmeAbort, Id::NvmeReset]).map(|_| io_timeout(case).0),
            watchdog: watchdog.map(|event| {
                (event.get("unit").to_owned(), i64::try_from(limit.unwrap_or(180)).unwrap_or(180))
            }),
            panic: number(case.first(&[Id::HungTask]).filter(|_| panics), "secs"),
        }
    }
}

/// Error handling dropped the session (`ISCSI_ERR_SCSI_EH_SESSION_RST`), and an answer came to a task that is not
/// known any more (`ISCSI_ERR_BAD_ITT`).
const HANDLED: &str = "1021";
const LATE: &str = "1010";

/// After how long it gave up. A console's lines have no stamp of their own: where none tells, what is waited at boot
/// where nothing else is set, and in the initramfs at least so long.
fn waited(gave: &GaveUp, told: Option<i64>) -> Option<i64> {
    match gave.knob {
        Some("rootdelay") => told.map(|told| told.max(DEFAULT)),
        Some("x-systemd.device-timeout") => told.filter(|told| *told > 0).or(Some(DEVICE)),
        Some("rd.retry") => told.filter(|told| *told > 0).or(Some(QUEUE)),
        _ => told,
    }
}

/// What the verdict rests on.
struct Verdict<'a> {
    /// A disk came after a boot had given up.
    late: bool,
    kind: Kind,
    gave: Option<&'a GaveUp>,
    lasts: Option<i64>,
    ended: bool,
    shown: &'a Shown,
}

impl Verdict<'_> {
    fn reached(&self, model: &Model<'_>) -> (Answer, String) {
        match self.kind {
            Kind::MediumError => return (
                Answer::False,
                "such an answer is never tried again, whatever max_retries says: no timer could have helped"
                    .to_owned(),
            ),
            Kind::HostRemovedDisk => {
                return (Answer::False, "the disk was taken away: no timer brings it back".to_owned());
            }
            Kind::OutOfSpace => {
                return (Answer::False, "something is full, and no timer makes room".to_owned());
            }
            Kind::BootInStall if self.late => {
                return (
                    Answer::Unknown,
                    "at boot the default plan waits for a disk as long as the stall budget and a minute; one came \
                     later, and the log does not tell whether it was this one"
                        .to_owned(),
                );
            }
            Kind::BootInStall | Kind::BootDeviceMissing => {
                return (
                    Answer::False,
                    "at boot the default plan waits for a disk as long as the stall budget and a minute, and the \
                     log does not show that this one came"
                        .to_owned(),
                );
            }
            Kind::FreezeByBackup if !self.ended => {
                return (
                    Answer::Unknown,
                    "writers wait for a thaw: no timer of the storage has a part in it".to_owned(),
                );
            }
            _ => {}
        }
        let Some(gave) = self.gave else {
            return if self.ended {
                (Answer::True, "nothing failed, and it ended".to_owned())
            } else {
                (Answer::Unknown, "nothing gave up within the log, and its end is not there".to_owned())
            };
        };
        let holds = model.holds(self.kind, gave.knob, self.shown);
        let lasts = self.lasts.and_then(|lasts| u64::try_from(lasts).ok());
        let (Some(holds), Some(lasts)) = (holds, lasts) else {
            return (
                Answer::Unknown,
                "how long the default plan holds here, nothing in the log or the capture tells".to_owned(),
            );
        };
        let because = holds.because;
        match (self.ended, holds.span) {
            (true, span) if span.covers(lasts) => {
                (Answer::True, format!("it ended after {lasts} s, and {because}"))
            }
            (true, _) if holds.is_all => (Answer::False, format!("it lasted {lasts} s, and {because}")),
            (false, crate::stall::Span::Seconds(span)) if lasts > span && holds.is_all => {
                (Answer::False, format!("it lasted at least {lasts} s, and {because}"))
            }
            (true, _) => (Answer::Unknown, format!("it lasted {lasts} s, and {because}")),
            (false, _) => (Answer::Unknown, format!("its end is not in the log; {because}")),
        }
    }
}

/// The lines that an incident rests on: first those of its beginning, its failure and its end, then the others.
fn evidence(case: &Case<'_>, begin: Option<&Begin>, gave: Option<&GaveUp>, end: Option<End<'_>>) -> Vec<u64> {
    const MOST: usize = 40;
    let mut lines: Vec<u64> = case.events().flat_map(|event| [event.line, event.last_line]).collect();
    let named: Vec<u64> =
        [begin.map(|begin| begin.line), gave.map(|gave| gave.line), end.map(|end| end.line)]
            .into_iter()
            .flatten()
            .collect();
    lines.truncate(MOST);
    lines.extend(named);
    lines.sort_unstable();
    lines.dedup();
    lines
}
