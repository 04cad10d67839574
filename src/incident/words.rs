//! What an incident comes to, in words: what followed, what it befell, what the log does not tell.

use super::begin::Begin;
use super::case::{Case, has_hole};
use super::end::End;
use super::event::{Event, Log};
use super::kind::{Grade, Kind};
use super::outcome::GaveUp;
use super::scene::Scene;
use super::sign::{Cause, LOST};
use super::table::Id;
use super::told::{Incident, Said};

/// Names in a row, each once.
fn names(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in all.filter(|name| !name.is_empty()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(8);
    names
}

fn dev(event: &Event) -> String {
    event.get("dev").to_owned()
}

/// What followed.
pub(super) fn consequence(case: &Case<'_>, scene: &Scene) -> String {
    let mut parts: Vec<String> = Vec::new();
    for event in case.events() {
        let mut add = |part: String| {
            if !parts.contains(&part) {
                parts.push(part);
            }
        };
        match event.id {
            Id::Jbd2Abort => add(format!("ext4: journal of {} aborted", dev(event))),
            Id::Ext4Ro => add(format!("{} read-only", dev(event))),
            Id::XfsShutdown => add(format!("XFS on {} shut down", dev(event))),
            Id::BtrfsRo => add(format!("btrfs on {} read-only", dev(event))),
            Id::SwapError => add("swap failed".to_owned()),
            Id::MdFail => add(format!("{} lost a member", event.get("md"))),
            Id::NvmeDead if event.has("gone") => add(format!("{} removed", event.get("ctrl"))),
            Id::ScsiOfflined | Id::ScsiMediumAccess => add(format!("{} offline", scene.disk_of(event))),
            Id::PanicHung => add("panic by the detector of hung tasks".to_owned()),
            Id::PanicAny => add("panic".to_owned()),
            Id::SystemdWatchdog => add(format!("{} killed and started anew", event.get("unit"))),
            Id::SystemdDevice => add("what is mounted there did not start".to_owned()),
            Id::DracutTimeout if event.has("end") => add("emergency shell of the initramfs".to_owned()),
            Id::InitramfsAlert => add("emergency shell of the initramfs".to_owned()),
            _ => {}
        }
    }
    let failed = case.events().any(|event| event.is(&[Id::BlockError, Id::BufferError, Id::Ext4Io]));
    if parts.is_empty() && failed {
        parts.push("requests failed; what stood there the log does not say".to_owned());
    }
    if parts.is_empty() && case.first(&[Id::HungTask]).is_some() {
        parts.push("tasks hung; no failed write in the log".to_owned());
    }
    if parts.is_empty() { "none seen".to_owned() } else { parts.join(", ") }
}

/// What it befell, as the log calls it.
pub(super) fn about(case: &Case<'_>, scene: &Scene) -> String {
    let with_fs = |name: &str| {
        let named = name.to_owned();
        scene.file_systems.get(name).map_or(named, |fs| format!("{name} ({fs})"))
    };
    if case.cause == Cause::Freeze {
        let mounts = names(case.events().map(|event| [event.get("mnt"), event.get("mnt2")].concat()));
        let mounts: Vec<String> = mounts.into_iter().filter(|mount| mount.starts_with('/')).collect();
        return if mounts.is_empty() { "file systems of the guest".to_owned() } else { mounts.join(", ") };
    }
    if case.cause == Cause::Boot {
        let devices = names(case.events().map(|event| [event.get("dev"), event.get("unit")].concat()));
        return if devices.is_empty() { "root".to_owned() } else { devices.join(", ") };
    }
    let file_systems = names(
        case.events().filter(|event| event.is(LOST) && event.has("dev")).map(|event| with_fs(&dev(event))),
    );
    if !file_systems.is_empty() {
        return file_systems.join(", ");
    }
    let disks = names(case.events().filter_map(|event| {
        let disk = ["disk", "disk2", "ns", "ctrl"]
            .iter()
            .map(|field| event.get(field))
            .find(|name| !name.is_empty());
        disk.map(with_fs)
    }));
    if !disks.is_empty() {
        return disks.join(", ");
    }
    let jbd2 = names(case.all(&[Id::HungTask]).filter_map(|event| {
        let name = event.get("comm").strip_prefix("jbd2/")?;
        Some(format!("{} (ext4)", name.rsplit_once('-').map_or(name, |(name, _)| name)))
    }));
    if !jbd2.is_empty() {
        return jbd2.join(", ");
    }
    let controllers = names(
        case.all(&[Id::StorvscStatus, Id::StorvscSetup])
            .map(|event| format!("controller {}", event.get("dev"))),
    );
    let sessions = names(
        case.all(&[Id::IscsiConnError, Id::IscsiRecoveryTimeout, Id::IscsiPingTimeout, Id::IscsidConnError])
            .map(|event| {
                let session = if event.has("session") {
                    event.get("session")
                } else {
                    event.get("conn").split(':').next().unwrap_or_default()
                };
                format!("iSCSI session {session}")
            }),
    );
    let maps = names(
        case.all(&[Id::MpathActive, Id::MpathRecovery, Id::MpathQueueOff, Id::DmQueueTimeout, Id::MpathNone])
            .map(|event| event.get("map").to_owned()),
    );
    let units = names(case.all(&[Id::SystemdWatchdog]).map(|event| event.get("unit").to_owned()));
    let subjects = names(
        case.signs
            .iter()
            .map(|sign| sign.subject.clone())
            .filter(|subject| !matches!(subject.as_str(), "cpu" | "space" | "fc")),
    );
    let found = [controllers, maps, sessions, units, subjects].into_iter().find(|names| !names.is_empty());
    found.map_or("none named".to_owned(), |names| names.join(", "))
}

/// What the log does not tell.
pub(super) fn cannot_tell(log: &Log, scene: &Scene, case: &Case<'_>, kind: Kind, ended: bool) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let (first, last) = case.lines();
    if !ended && !matches!(kind, Kind::MediumError | Kind::HostRemovedDisk | Kind::OutOfSpace) {
        told.push("when it ended".to_owned());
    }
    if has_hole(log, first, last) {
        told.push(
            "how many there were, and whether it went on without a break: lines are missing from the log"
                .to_owned(),
        );
    }
    if case.first(&[Id::StorvscStatus]).is_some()
        && case.signs.iter().all(|sign| sign.event.is(&[Id::StorvscStatus]))
    {
        told.push(
            "a disk's name: these messages have the controller, the tag and the command only".to_owned(),
        );
    }
    match kind {
        Kind::HostSilent | Kind::HostErrorsFast | Kind::HostErrorsSlow => {
            told.push("why the other side behaved so".to_owned());
        }
        Kind::BootInStall if case.came_late(log) => {
            told.push("whether the disk that came later was the one".to_owned());
        }
        Kind::BootDeviceMissing | Kind::BootInStall => {
            told.push("whether the disk was late, absent, or is called otherwise".to_owned());
        }
        Kind::HungTaskPanic => {
            told.push("what the task waited for: a stall, or a large write that was slow".to_owned());
        }
        Kind::VmPaused => told.push("whether the machine was paused or slow".to_owned()),
        _ => {}
    }
    let mapped =
        case.signs.iter().any(|sign| sign.subject.starts_with("dm-")) && scene.file_systems.is_empty();
    if mapped {
        told.push("which mount a dm device belongs to".to_owned());
    }
    if case.events().any(|event| event.get("what").starts_with("lost ")) {
        told.push("whose data the lost writes were".to_owned());
    }
    if log.dropped > 0 {
        told.push(format!("{} events in the middle: more than are kept", log.dropped));
    }
    told
}

/// What to ask on the other side.
pub(super) fn ask(kind: Kind, is_hyperv: bool) -> Vec<&'static str> {
    match kind {
        Kind::HostSilent | Kind::HostErrorsFast | Kind::HostErrorsSlow | Kind::BootInStall if is_hyperv => {
            vec![
                "the host: events 4, 5, 6 and 9 of Hyper-V-StorageVSP, 5120 of FailoverClustering, at that time",
                "the host: `hvtune explain host` lists the timers below the VHDX",
            ]
        }
        Kind::HostSilent | Kind::HostErrorsFast | Kind::HostErrorsSlow => {
            vec!["the hypervisor's own log of this disk, at that time"]
        }
        Kind::HostRemovedDisk => vec!["the host: who took the disk away, and when"],
        Kind::IscsiPathLoss | Kind::IscsiSlowErrors => {
            vec!["the target and the switches: their logs at that time"]
        }
        Kind::MultipathAllPathsDown | Kind::FcPathLoss => {
            vec!["the array and the switches: their logs at that time"]
        }
        Kind::NvmeTimeout => vec!["the provider: the health of this disk and its host, at that time"],
        Kind::FreezeByBackup => vec!["the backup: its job's log at that time"],
        _ => Vec::new(),
    }
}

/// The conclusions, sentence by sentence.
pub(super) fn statements(
    incident: &Incident,
    begin: Option<&Begin>,
    gave: Option<&GaveUp>,
    end: Option<End<'_>>,
) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    let mut say = |grade, text: String, lines: Vec<u64>| said.push(Said { grade, text, lines });
    if let (Some(begin), Some(text)) = (begin, &incident.begins) {
        let grade = if begin.is_own { Grade::Read } else { Grade::Follows };
        say(grade, format!("it began at {text} at the latest: {}", begin.from), vec![begin.line]);
    }
    if let Some(gave) = gave {
        let after = incident
            .gave_up_after_s
            .map_or(String::new(), |seconds| format!(" {seconds} s after the beginning"));
        match gave.knob {
            Some(knob) => say(Grade::Follows, format!("{knob} gave up first{after}"), vec![gave.line]),
            None => say(
                Grade::Read,
                format!("the first failure{after}; no timer of the guest gave up"),
                vec![gave.line],
            ),
        }
    }
    if let Some(end) = end {
        say(Grade::Read, format!("it ended: {}", end.text), vec![end.line]);
    }
    for told in &incident.cannot_tell {
        say(Grade::CannotTell, told.clone(), Vec::new());
    }
    said
}
