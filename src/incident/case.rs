//! Signs that belong together: one boot, no long break, one cause.

use super::beside;
use super::event::{Event, Log};
use super::scene::{Scene, Transport};
use super::sign::{AFTER, Cause, LOST, Sign, is_down, sign};
use super::stamp::SECOND;
use super::table::Id;

/// What is further apart is two incidents, unless a timer is longer or the log has holes between.
const APART: i64 = 300 * SECOND;

/// With these a disk or a file system is gone, until it is attached or mounted anew.
const GONE: &[Id] = &[
    Id::ScsiRejecting,
    Id::ScsiOfflined,
    Id::ScsiMediumAccess,
    Id::NvmeDead,
    Id::Jbd2Abort,
    Id::Ext4Ro,
    Id::XfsShutdown,
    Id::BtrfsRo,
];

/// Signs of one incident, in the order of the log.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) cause: Cause,
    pub(super) boot: u32,
    pub(super) signs: Vec<Sign<'a>>,
    /// Causes that were seen, too.
    pub(super) also: Vec<Cause>,
}

impl<'a> Case<'a> {
    pub(super) fn events(&self) -> impl Iterator<Item = &'a Event> + '_ {
        self.signs.iter().map(|sign| sign.event)
    }

    pub(super) fn all(&self, ids: &'static [Id]) -> impl Iterator<Item = &'a Event> + '_ {
        self.events().filter(|event| event.is(ids))
    }

    pub(super) fn first(&self, ids: &'static [Id]) -> Option<&'a Event> {
        self.all(ids).next()
    }

    /// Whether a disk was attached after a boot had given up on one.
    pub(super) fn came_late(&self, log: &Log) -> bool {
        let (_, last) = self.lines();
        let attached = |event: &Event| event.boot == self.boot && event.id == Id::ScsiAttached;
        self.cause == Cause::Boot && log.events.iter().any(|event| attached(event) && event.line > last)
    }

    /// The lines from the first sign to the last.
    pub(super) fn lines(&self) -> (u64, u64) {
        let first = self.events().map(|event| event.line).min().unwrap_or(0);
        (first, self.events().map(|event| event.last_line).max().unwrap_or(0))
    }
}

/// What a log's signs come to.
#[derive(Debug, Default)]
pub(super) struct Cases<'a> {
    pub(super) cases: Vec<Case<'a>>,
    /// Signs that come to no trouble, in sentences.
    pub(super) notes: Vec<&'static str>,
}

/// Finds the cases of a log.
pub(super) fn cases<'a>(log: &'a Log, scene: &Scene) -> Cases<'a> {
    let mut found = Cases::default();
    let mut cluster: Vec<Sign<'a>> = Vec::new();
    let mut boot = 0;
    for event in &log.events {
        let Some(sign) = sign(event, scene) else { continue };
        if cluster.last().is_some_and(|last| event.boot != boot || is_apart(log, last.event, event, &cluster))
        {
            found.close(log, scene, boot, std::mem::take(&mut cluster));
        }
        boot = event.boot;
        cluster.push(sign);
    }
    found.close(log, scene, boot, cluster);
    found
}

/// For how many seconds an event says that its trouble lasted already.
pub(super) fn reach(event: &Event) -> i64 {
    let seconds = match event.id {
        Id::IscsiRecoveryTimeout | Id::HungTask | Id::ScsiWindow | Id::Lockup => event.number("secs"),
        Id::ScsiFailedAge => event.number("age"),
        _ => None,
    };
    seconds.unwrap_or(0) * SECOND
}

fn is_apart(log: &Log, last: &Event, next: &Event, cluster: &[Sign<'_>]) -> bool {
    let longest = cluster.iter().map(|sign| reach(sign.event)).max().unwrap_or(0);
    let frozen = cluster.iter().any(|sign| sign.cause == Some(Cause::Freeze));
    let queueing = cluster.iter().any(|sign| sign.event.is(&[Id::MpathRecovery, Id::IscsiConnError]));
    let bound = APART.max(longest * 2) * if queueing || frozen { 4 } else { 1 };
    let apart = last.last.until(&next.at).is_some_and(|apart| apart - reach(next) > bound);
    apart && !has_hole(log, last.last_line, next.line)
}

/// Whether the log says that it lacks lines between two of its lines.
pub(super) fn has_hole(log: &Log, from: u64, to: u64) -> bool {
    let mut holes = log.events.iter().filter(|event| event.is(&[Id::Suppressed, Id::LostKmsg]));
    holes.any(|hole| hole.last_line >= from && hole.line <= to)
}

impl<'a> Cases<'a> {
    fn note(&mut self, note: &'static str) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Makes cases of a cluster.
    fn close(&mut self, log: &'a Log, scene: &Scene, boot: u32, mut signs: Vec<Sign<'a>>) {
        self.without_freezes(log, &mut signs);
        self.without_paths(log, &mut signs);
        beside::leave_out(log, &mut signs);
        self.without_tasks(log, &mut signs);
        self.without_echoes(log, boot, &mut signs);
        if signs.is_empty() {
            return;
        }
        beside::taken_away(log, scene, &mut signs);
        settle(scene, &mut signs);
        let mut also: Vec<Cause> = Vec::new();
        let main = main_cause(&signs);
        let has = |cause: Cause| signs.iter().any(|sign| sign.cause == Some(cause));
        // What explains the others takes them in.
        let takes = |cause: Cause| match main {
            Cause::Boot => true,
            Cause::Multipath => !matches!(cause, Cause::Medium | Cause::Space | Cause::Removed),
            Cause::Iscsi | Cause::Fc | Cause::Nvme | Cause::Freeze => {
                matches!(cause, Cause::Silent | Cause::Unknown | Cause::Paused)
            }
            Cause::Errors => matches!(cause, Cause::Silent | Cause::Unknown | Cause::Paused),
            Cause::Silent => matches!(cause, Cause::Unknown | Cause::Paused),
            Cause::Removed | Cause::Medium => matches!(cause, Cause::Unknown | Cause::Errors),
            _ => cause == Cause::Unknown,
        };
        if has(Cause::Silent) && main == Cause::Errors {
            also.push(Cause::Silent);
        }
        for sign in &mut signs {
            match sign.cause {
                None => sign.cause = Some(main),
                Some(cause) if takes(cause) && !is_other_disk(main, sign) => sign.cause = Some(main),
                // What a disk answers while its session is in trouble is of that trouble.
                Some(Cause::Errors) if main == Cause::Iscsi && scene.transport(&sign.subject).is_iscsi() => {
                    sign.cause = Some(main);
                }
                Some(_) => {}
            }
        }
        let mut causes: Vec<Cause> = Vec::new();
        for cause in signs.iter().filter_map(|sign| sign.cause) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        for cause in causes {
            let own = signs.iter().filter(|sign| sign.cause == Some(cause)).cloned().collect();
            let also = if cause == main { std::mem::take(&mut also) } else { Vec::new() };
            self.cases.push(Case { cause, boot, signs: own, also });
        }
    }

    /// A freeze that was thawed and that nothing waited for is a backup as it should be.
    fn without_freezes(&mut self, log: &Log, signs: &mut Vec<Sign<'a>>) {
        let freezes: Vec<&Event> =
            signs.iter().filter(|sign| sign.cause == Some(Cause::Freeze)).map(|sign| sign.event).collect();
        let Some(first) = freezes.first() else { return };
        let is_thaw =
            |event: &&&Event| event.get("op") == "THAW" || event.get("op2") == "thaw" || event.has("thaw");
        let begins = |event: &&&Event| {
            event.get("op") == "FREEZE" || event.get("op2") == "freeze" || event.has("freeze")
        };
        let timed_out = freezes.iter().any(|event| event.id == Id::HvVssTimeout);
        let thawed = freezes
            .iter()
            .rev()
            .find(|event| is_thaw(event) || begins(event))
            .is_some_and(|event| is_thaw(&event));
        let hung = log.events.iter().any(|event| {
            let began = first.at.until(&event.at).map(|apart| apart - reach(event));
            event.boot == first.boot
                && event.line > first.line
                && match event.id {
                    Id::HungTask => began.is_none_or(|apart| apart <= APART),
                    Id::Trace => event.has("frozen"),
                    _ => false,
                }
        });
        let lasting = freezes
            .iter()
            .find(is_thaw)
            .and_then(|thaw| first.at.until(&thaw.at))
            .is_some_and(|lasted| lasted > 120 * SECOND);
        let starts = freezes.iter().any(|event| begins(&event) || event.id == Id::QgaFreeze);
        let quiet = !timed_out
            && !lasting
            && (thawed
                || !starts
                || (!hung
                    && freezes
                        .iter()
                        .all(|event| event.id == Id::QgaFreeze || event.get("op") == "CHECK HOT BACKUP")));
        if quiet {
            signs.retain(|sign| sign.cause != Some(Cause::Freeze));
            self.note("file systems were frozen for a checkpoint or a copy, and thawed");
        }
    }

    /// A map that keeps a path is no trouble, nor is a remote port without a disk that is forgotten.
    fn without_paths(&mut self, log: &Log, signs: &mut Vec<Sign<'a>>) {
        if signs.iter().all(|sign| sign.event.get("what") == "removing rport") {
            signs.clear();
            return;
        }
        let is_map = |disk: &str| disk.starts_with("dm-");
        let down = signs.iter().any(|sign| sign.event.id == Id::DmQueueTimeout || is_down(sign.event));
        let failing = signs.iter().filter(|sign| sign.event.id == Id::DmFailPath).count();
        let counted = log.events.iter().any(|event| event.id == Id::MpathActive);
        let lost = signs.iter().any(|sign| is_map(&sign.subject));
        if down || (failing > 0 && lost && !counted) {
            return;
        }
        let had = signs.iter().any(|sign| sign.cause == Some(Cause::Multipath));
        let kept = signs.iter().any(|sign| sign.event.id == Id::MpathActive);
        signs.retain(|sign| sign.cause != Some(Cause::Multipath));
        // What befell the path alone was the map's to see to.
        let ended = signs.iter().any(|sign| {
            sign.event.is(&[
                Id::Jbd2Abort,
                Id::Ext4Ro,
                Id::Ext4Aborted,
                Id::XfsShutdown,
                Id::BtrfsRo,
                Id::HungTask,
                Id::PanicHung,
            ])
        });
        if had && (failing > 0 || kept) && !lost && !ended {
            let apart = [Cause::Nvme, Cause::Boot, Cause::Freeze, Cause::Space];
            signs.retain(|sign| sign.cause.is_some_and(|cause| apart.contains(&cause)));
            self.note("paths of a map failed, and it kept others");
        }
    }

    /// What a disk or a file system returns that was given up before says only that somebody asked again.
    fn without_echoes(&mut self, log: &Log, boot: u32, signs: &mut Vec<Sign<'a>>) {
        let Some(from) = signs.first().map(|sign| sign.event.line) else { return };
        let is_echo = |sign: &Sign<'_>| {
            let returns: &[Id] =
                if sign.event.is(LOST) { &[Id::Mounted] } else { &[Id::ScsiAttached, Id::IscsidBack] };
            let earlier = self.cases.iter().filter(|case| case.boot == boot).flat_map(|case| &case.signs);
            let gone = earlier
                .filter(|gone| gone.subject == sign.subject && gone.event.is(GONE))
                .map(|gone| gone.event.line)
                .max();
            let back = |gone: u64| {
                log.events.iter().any(|event| event.is(returns) && (gone..from).contains(&event.line))
            };
            sign.cause.is_none() && sign.event.is(AFTER) && gone.is_some_and(|gone| !back(gone))
        };
        if signs.iter().all(is_echo) {
            signs.clear();
            self.note("a disk that had been given up was asked again");
        }
    }

    /// Tasks that wait for a server, and a service that was killed without any other sign, are no trouble of a
    /// disk.
    fn without_tasks(&mut self, log: &Log, signs: &mut Vec<Sign<'a>>) {
        let alone = signs.iter().all(|sign| sign.event.is(&[Id::HungTask, Id::SystemdWatchdog]));
        let Some((first, last)) = signs.first().zip(signs.last()).filter(|_| alone) else { return };
        let around = |event: &&Event| {
            event.boot == first.event.boot
                && event.line >= first.event.line
                && event.line <= last.event.last_line + 60
        };
        let traces = |field: &str| {
            log.events.iter().filter(around).any(|event| event.id == Id::Trace && event.has(field))
        };
        // A server that did not answer in the morning explains nothing in the evening.
        let silent = |event: &Event| {
            let apart = event.last.until(&first.event.at).map(|apart| apart - reach(first.event));
            event.id == Id::Nfs
                && event.boot == first.event.boot
                && event.line <= last.event.last_line
                && apart.is_none_or(|apart| apart <= APART)
        };
        let disk = traces("io") || (traces("any") && !traces("net"));
        let served = traces("net") || log.events.iter().any(silent);
        let hung = signs.iter().any(|sign| sign.event.id == Id::HungTask);
        if hung && traces("frozen") && !disk {
            for sign in signs {
                sign.cause = Some(Cause::Freeze);
            }
        } else if hung && served && !disk {
            signs.clear();
            self.note("tasks waited for a file server");
        } else if hung && traces("other") && !disk {
            signs.clear();
            self.note("tasks waited for the network, another processor or a screen");
        } else if !hung && !is_watched(signs) {
            signs.clear();
            self.note("a service gave no sign of life and was killed: nothing ties that to a disk");
        }
    }
}

/// Whether services were killed that wait for the disk: the journal's, or several.
fn is_watched(signs: &[Sign<'_>]) -> bool {
    let mut units: Vec<&str> = signs.iter().map(|sign| sign.event.get("unit")).collect();
    units.sort_unstable();
    units.dedup();
    units.len() > 1 || units.iter().any(|unit| unit.starts_with("systemd-journald"))
}

/// Gives each sign of a device the first cause that its device has.
fn settle(scene: &Scene, signs: &mut [Sign<'_>]) {
    let has = |signs: &[Sign<'_>], cause| signs.iter().any(|sign| sign.cause == Some(cause));
    let (iscsi, fc, multipath) =
        (has(signs, Cause::Iscsi), has(signs, Cause::Fc), has(signs, Cause::Multipath));
    let aborted = signs.iter().any(|sign| sign.event.is(&[Id::PvscsiAbort, Id::MptAbort]));
    let offlined = signs.iter().filter(|sign| sign.event.id == Id::ScsiOfflined);
    let offlined = offlined.map(|sign| sign.event.line).min();
    for sign in signs.iter_mut() {
        // Where commands expired, their window was used up by silence.
        if aborted && sign.event.id == Id::ScsiWindow {
            sign.cause = None;
        }
        // A disk of a lost session or path is not taken away.
        let lost = sign.cause == Some(Cause::Removed) && sign.event.id == Id::ScsiFailedAge;
        if lost && (iscsi || fc || multipath) && scene.transport(&sign.subject) != Transport::Storvsc {
            sign.cause = None;
        } else if lost && offlined.is_some_and(|line| line < sign.event.line) {
            // Error handling gave the disk up, as it did not answer that either.
            sign.cause = Some(Cause::Silent);
        }
    }
    let causes: Vec<(String, Cause)> =
        signs.iter().filter_map(|sign| Some((sign.subject.clone(), sign.cause?))).collect();
    for sign in signs.iter_mut().filter(|sign| !sign.subject.is_empty()) {
        let own =
            causes.iter().filter(|(subject, _)| *subject == sign.subject).map(|(_, cause)| *cause).min();
        let transport = scene.transport(&sign.subject);
        sign.cause = own.or(match transport {
            Transport::Iscsi | Transport::PerhapsIscsi if iscsi => Some(Cause::Iscsi),
            _ if sign.subject.starts_with("dm-") && multipath => Some(Cause::Multipath),
            _ => None,
        });
    }
}

/// The cause that what names no device belongs to.
fn main_cause(signs: &[Sign<'_>]) -> Cause {
    let has = |cause| signs.iter().any(|sign| sign.cause == Some(cause));
    let system = signs.iter().any(|sign| sign.event.is(&[Id::HungTask, Id::PanicHung, Id::SystemdWatchdog]));
    let named = [Cause::Boot, Cause::Freeze, Cause::Multipath, Cause::Iscsi, Cause::Fc, Cause::Nvme];
    let stalls = named.into_iter().chain([Cause::Errors, Cause::Silent]).find(|cause| has(*cause));
    let others = [Cause::Removed, Cause::Medium, Cause::Space];
    let offline = signs.iter().any(|sign| sign.event.is(&[Id::ScsiOfflined, Id::ScsiMediumAccess]));
    stalls
        .or_else(|| others.into_iter().find(|cause| has(*cause)))
        .or_else(|| (system && has(Cause::Paused)).then_some(Cause::Paused))
        .or_else(|| (system || offline).then_some(Cause::Silent))
        .or_else(|| has(Cause::Paused).then_some(Cause::Paused))
        .unwrap_or(Cause::Unknown)
}

/// Errors or silence of a disk with a name, where the main cause is another transport's.
fn is_other_disk(main: Cause, sign: &Sign<'_>) -> bool {
    let by_transport = matches!(main, Cause::Iscsi | Cause::Fc | Cause::Nvme);
    by_transport && sign.event.is(&[Id::StorvscStatus, Id::PvscsiAbort, Id::MptAbort])
}
