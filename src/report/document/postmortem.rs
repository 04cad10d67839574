//! What a log tells, in figures.

use serde::Serialize;

use super::Envelope;
#[cfg(feature = "schema")]
use crate::incident::{Answer, Grade, Kind};
use crate::incident::{Found, Incident, Said, TimerSeen, WOULD_LEAVE};
use crate::report::Show;
use crate::report::postmortem::Looked;

/// What `hvtune postmortem` prints: what a log says happened to the storage.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Postmortem"))]
pub(in crate::report) struct Postmortem<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// The log that was read.
    log: LogRead<'a>,
    /// What happened, in the order of the log; empty where no trouble is recorded.
    incidents: Vec<Happened<'a>>,
    /// What was found and is no trouble, and what the clock did.
    notes: &'a [String],
    /// Where no trouble is recorded: what a stall would have left in a log.
    would_have_left: &'static [&'static str],
    /// The messages of the table that the log holds.
    messages: Vec<Seen<'a>>,
}

/// The log that was read.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct LogRead<'a> {
    /// Its name.
    name: &'a str,
    /// How many lines it has.
    lines: u64,
    /// How many bytes.
    bytes: u64,
    /// How many lines were longer than what is looked at of a line.
    lines_cut: u64,
    /// How many events in the middle found no room.
    events_dropped: u64,
    /// How many boots it tells of.
    boots: u32,
    /// The stamp of its first line that has one, as it is written there.
    first: Option<String>,
    /// The stamp of its last line that has one.
    last: Option<String>,
}

/// One thing that happened.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Incident"))]
struct Happened<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// What befell the storage.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Kind::ALL.map(Kind::name))))]
    kind: &'static str,
    /// How sure the kind is.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Grade::ALL.map(Grade::name))))]
    confidence: &'static str,
    /// Which boot of the log, from 1.
    boot: u32,
    /// How many boots the log tells of.
    boots: u32,
    /// The latest possible beginning, as the log would write it; null where it could not be told.
    begins: Option<&'a str>,
    /// By which line and rule that is.
    begins_from: Option<&'a str>,
    /// Its time of day, where the beginning is an uptime and the log has a wall clock.
    begins_wall: Option<&'a str>,
    /// From the beginning to the last line that shows it still on, in seconds; null where that could not be told.
    lasts_at_least_s: Option<i64>,
    /// The first knob whose expiry made I/O fail, killed a service, ended the machine or opened a shell; null where
    /// nothing gave up, or no timer of the guest did.
    first_to_give_up: Option<&'static str>,
    /// From the beginning to that failure, in seconds.
    gave_up_after_s: Option<i64>,
    /// What followed.
    consequence: &'a str,
    /// What it befell, as the log calls it.
    mounts_or_disks: &'a str,
    /// Whether the default plan would have ridden it out.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Answer::ALL.map(Answer::name))))]
    would_be_ridden_out_by_default: &'static str,
    /// Why.
    why: &'a str,
    /// The stamp of the line that shows its end; null where none does.
    ended: Option<&'a str>,
    /// Whether no timer of the storage has a part in it.
    not_a_stall: bool,
    /// Timers that the lines show.
    timers_seen: Vec<Timer<'a>>,
    /// What was seen with it.
    also: &'a [String],
    /// What was concluded, statement by statement.
    statements: Vec<Statement<'a>>,
    /// The lines that it rests on, counted from 1.
    evidence: &'a [u64],
    /// What the log does not tell.
    cannot_tell: &'a [String],
    /// What to ask on the other side.
    ask: &'a [&'static str],
}

/// A timer that lines show.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TimerSeen"))]
struct Timer<'a> {
    /// The knob.
    knob: &'a str,
    /// Its value in seconds; null where the log does not show it.
    value_s: Option<i64>,
    /// When it fired, in seconds from the beginning; null where that could not be told.
    at_s: Option<i64>,
    /// Whether the value follows from others, and does not stand in a line.
    inferred: bool,
}

/// One statement.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Statement<'a> {
    /// How sure: it stands in the log, follows from it by the rule that is named, is likely, or cannot be told.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Grade::ALL.map(Grade::name))))]
    grade: &'static str,
    /// The sentence.
    text: &'a str,
    /// The lines that it rests on.
    lines: &'a [u64],
}

/// One kind of message.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MessageSeen"))]
struct Seen<'a> {
    /// Its name in the table; no other row of this list has it.
    name: &'static str,
    /// How often it was said.
    count: u64,
    /// The first line of it.
    first_line: u64,
    /// The last line of it.
    last_line: u64,
    /// Where it is written, and which versions say it so.
    source: &'a str,
}

impl<'a> Postmortem<'a> {
    pub(in crate::report) fn new(looked: &Looked<'a>, show: &Show<'a>) -> Self {
        let (log, findings) = (looked.log, looked.findings);
        let [first, last] = log.span();
        let mut incidents = Vec::with_capacity(findings.incidents.len());
        for (incident, number) in findings.incidents.iter().zip(1..) {
            incidents.push(Happened::new(incident, number, log.boots));
        }
        Self {
            envelope: Envelope::new(show),
            log: LogRead {
                name: looked.name,
                lines: log.lines,
                bytes: log.bytes,
                lines_cut: log.cut,
                events_dropped: log.dropped,
                boots: log.boots,
                first,
                last,
            },
            would_have_left: if incidents.is_empty() { &WOULD_LEAVE } else { &[] },
            incidents,
            notes: &findings.notes,
            messages: looked.found.iter().map(Seen::new).collect(),
        }
    }
}

impl<'a> Happened<'a> {
    fn new(incident: &'a Incident, number: u32, boots: u32) -> Self {
        let statement =
            |said: &'a Said| Statement { grade: said.grade.name(), text: &said.text, lines: &said.lines };
        let timer = |timer: &'a TimerSeen| Timer {
            knob: &timer.knob,
            value_s: timer.value_s,
            at_s: timer.at_s,
            inferred: timer.inferred,
        };
        Self {
            key: format!("incident{number}"),
            kind: incident.kind.name(),
            confidence: incident.confidence.name(),
            boot: incident.boot,
            boots,
            begins: incident.begins.as_deref(),
            begins_from: incident.begins_from.as_deref(),
            begins_wall: incident.begins_wall.as_deref(),
            lasts_at_least_s: incident.lasts_at_least_s,
            first_to_give_up: incident.first_to_give_up,
            gave_up_after_s: incident.gave_up_after_s,
            consequence: &incident.consequence,
            mounts_or_disks: &incident.mounts_or_disks,
            would_be_ridden_out_by_default: incident.would_be_ridden_out_by_default.name(),
            why: &incident.why,
            ended: incident.ended.as_deref(),
            not_a_stall: incident.not_a_stall,
            timers_seen: incident.timers_seen.iter().map(timer).collect(),
            also: &incident.also,
            statements: incident.said.iter().map(statement).collect(),
            evidence: &incident.evidence,
            cannot_tell: &incident.cannot_tell,
            ask: &incident.ask,
        }
    }
}

impl<'a> Seen<'a> {
    fn new(found: &'a Found) -> Self {
        Self {
            name: found.name,
            count: found.count,
            first_line: found.lines.0,
            last_line: found.lines.1,
            source: &found.source,
        }
    }
}
