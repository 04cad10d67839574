//! What `postmortem` shows.

use super::Show;
use super::screen::Screen;
use super::text::{Cell, Text, Tone};
use super::words::seconds;
use crate::incident::{Answer, Findings, Found, Grade, Incident, Kind, Log, WOULD_LEAVE};

/// A log and what was found in it.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// The log's name.
    pub name: &'a str,
    /// What was read.
    pub log: &'a Log,
    /// The messages of the table that it holds.
    pub found: &'a [Found],
    /// What was concluded.
    pub findings: &'a Findings,
}

/// A kind in words.
pub(super) fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::HostSilent => "the storage did not answer",
        Kind::HostErrorsFast => "the host answered with errors, at once",
        Kind::HostErrorsSlow => "the host answered with errors, late",
        Kind::HostRemovedDisk => "a disk was taken away",
        Kind::IscsiPathLoss => "an iSCSI session was gone",
        Kind::IscsiSlowErrors => "an iSCSI target answered late, with errors",
        Kind::MultipathAllPathsDown => "a map had no path left",
        Kind::FcPathLoss => "a Fibre Channel path was gone",
        Kind::NvmeTimeout => "an NVMe controller did not answer in time",
        Kind::HungTaskPanic => "the detector of hung tasks ended the machine",
        Kind::BootDeviceMissing => "a disk that the boot waits for did not come",
        Kind::BootInStall => "a disk that the boot waits for did not come, and signs of a stall",
        Kind::MediumError => "the medium is bad",
        Kind::OutOfSpace => "something is full",
        Kind::FreezeByBackup => "a backup froze file systems",
        Kind::VmPaused => "the machine did not run for a while",
        Kind::UnknownIoError => "I/O failed, and the log does not say why",
    }
}

/// The verdict in words.
pub(super) fn verdict(answer: Answer) -> (&'static str, Tone) {
    match answer {
        Answer::True => ("yes", Tone::Good),
        Answer::False => ("no", Tone::Bad),
        Answer::Unknown => ("could not tell", Tone::Care),
    }
}

/// How sure a statement is, in words.
pub(super) fn sure(grade: Grade) -> &'static str {
    match grade {
        Grade::Read => "read",
        Grade::Follows => "follows",
        Grade::Likely => "likely",
        Grade::CannotTell => "cannot tell",
    }
}

/// What was read.
pub(super) fn read(looked: &Looked<'_>) -> String {
    let log = looked.log;
    let boots = if log.boots == 1 { "1 boot".to_owned() } else { format!("{} boots", log.boots) };
    let span = match log.span() {
        [Some(first), Some(last)] => format!(", {first} to {last}"),
        _ => String::new(),
    };
    format!("{}: {} lines, {boots}{span}", looked.name, log.lines)
}

/// Whole seconds of a time, in words.
pub(super) fn long(time: Option<i64>) -> String {
    time.and_then(|time| u64::try_from(time).ok()).map_or("could not tell".to_owned(), seconds)
}

/// Lines, those in a row joined: `3, 7-9`.
pub(super) fn lines(all: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for line in all {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *line => *end = *line,
            _ => runs.push((*line, *line)),
        }
    }
    let run = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

pub(super) fn text(looked: &Looked<'_>, show: &Show<'_>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    let findings = looked.findings;
    if findings.incidents.is_empty() {
        text.toned("No trouble is recorded.", 0, Tone::Good);
    }
    text.para(&read(looked), 0);
    for (incident, number) in findings.incidents.iter().zip(1..) {
        one(incident, number, show, &mut text);
    }
    if findings.incidents.is_empty() {
        text.heading("What a stall would have left in a log");
        for line in WOULD_LEAVE {
            text.hanging(line, 2, 4);
        }
    }
    if !findings.notes.is_empty() {
        text.heading("Found, and no trouble by itself");
        for note in &findings.notes {
            text.hanging(note, 2, 4);
        }
    }
    if looked.log.cut > 0 {
        text.gap();
        text.para(&format!("{} lines were too long, and looked at in part.", looked.log.cut), 0);
    }
    if looked.log.dropped > 0 {
        text.gap();
        text.para(
            &format!("{} events in the middle are left out: more than are kept.", looked.log.dropped),
            0,
        );
    }
    if show.verbose {
        messages(looked.found, &mut text);
    }
    text.into_string()
}

/// What is to be known of an incident, each with its name.
pub(super) fn rows(incident: &Incident) -> Vec<(&'static str, String)> {
    let wall = incident.begins_wall.as_ref().map_or(String::new(), |wall| format!(" ({wall})"));
    let gave = match (incident.first_to_give_up, incident.gave_up_after_s) {
        (Some(knob), after) => format!("{knob}, after {}", long(after)),
        (None, Some(after)) => format!("no timer of the guest; it failed after {}", long(Some(after))),
        (None, None) => "nothing".to_owned(),
    };
    let mut rows = vec![
        ("began at the latest", format!("{}{wall}", incident.begins.as_deref().unwrap_or("could not tell"))),
        ("lasted at least", long(incident.lasts_at_least_s)),
        ("ended", incident.ended.clone().unwrap_or_else(|| "not in the log".to_owned())),
        ("gave up first", gave),
        ("then", incident.consequence.clone()),
        ("on", incident.mounts_or_disks.clone()),
    ];
    if !incident.also.is_empty() {
        rows.push(("seen with it", incident.also.join(", ")));
    }
    rows.push(("lines", lines(&incident.evidence)));
    rows
}

fn one(incident: &Incident, number: u32, show: &Show<'_>, text: &mut Text) {
    text.heading(&format!("{number}. {}: {}", incident.kind.name(), called(incident.kind)));
    let rows: Vec<Vec<Cell>> =
        rows(incident).into_iter().map(|(name, value)| vec![Cell::from(name), Cell::from(value)]).collect();
    text.table(&[], &rows, 2);
    let (answer, tone) = verdict(incident.would_be_ridden_out_by_default);
    text.toned(&format!("Ridden out by the default plan: {answer}."), 2, tone);
    text.hanging(&incident.why, 4, 4);
    for said in incident.said.iter().filter(|said| show.verbose || said.grade == Grade::CannotTell) {
        let of =
            if said.lines.is_empty() { String::new() } else { format!(" (line {})", lines(&said.lines)) };
        text.hanging(&format!("{}: {}{of}", sure(said.grade), said.text), 2, 4);
    }
    for question in &incident.ask {
        text.hanging(&format!("ask {question}"), 2, 4);
    }
}

fn messages(found: &[Found], text: &mut Text) {
    if found.is_empty() {
        return;
    }
    text.heading("Messages");
    for one in found {
        let lines = if one.lines.0 == one.lines.1 {
            one.lines.0.to_string()
        } else {
            format!("{}-{}", one.lines.0, one.lines.1)
        };
        text.hanging(&format!("{} ({} times, lines {lines}): {}", one.name, one.count, one.means), 2, 4);
        text.hanging(&one.source, 4, 6);
        if !one.timer.is_empty() {
            text.hanging(&format!("timer: {}", one.timer), 4, 6);
        }
    }
}
