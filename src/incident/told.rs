//! What is concluded from a log, as plain data.

use super::kind::{Answer, Grade, Kind};
use super::outcome::TimerSeen;

/// One statement, how sure it is, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// How sure.
    pub grade: Grade,
    /// The sentence.
    pub text: String,
    /// The lines that it rests on.
    pub lines: Vec<u64>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What befell the storage.
    pub kind: Kind,
    /// The latest possible beginning, in the stamp's own form.
    pub begins: Option<String>,
    /// By which line and rule.
    pub begins_from: Option<String>,
    /// The time of day, where `begins` is an uptime and the log has a wall clock.
    pub begins_wall: Option<String>,
    /// From the beginning to the last line that shows it still on.
    pub lasts_at_least_s: Option<i64>,
    /// The first knob whose expiry made I/O fail, killed a service or ended the machine.
    pub first_to_give_up: Option<&'static str>,
    /// From the beginning to that.
    pub gave_up_after_s: Option<i64>,
    /// What followed.
    pub consequence: String,
    /// What it befell, as the log calls it.
    pub mounts_or_disks: String,
    /// Whether the default plan would have ridden it out.
    pub would_be_ridden_out_by_default: Answer,
    /// Why.
    pub why: String,
    /// The stamp of the line that shows its end.
    pub ended: Option<String>,
    /// Whether no timer of the storage has a part in it.
    pub not_a_stall: bool,
    /// How sure the kind is.
    pub confidence: Grade,
    /// Timers that the lines show.
    pub timers_seen: Vec<TimerSeen>,
    /// What else was seen with it.
    pub also: Vec<String>,
    /// What was concluded, statement by statement.
    pub said: Vec<Said>,
    /// The lines that it rests on.
    pub evidence: Vec<u64>,
    /// What the log does not tell.
    pub cannot_tell: Vec<String>,
    /// What to ask on the other side.
    pub ask: Vec<&'static str>,
    /// Which boot of the log, from 1.
    pub boot: u32,
}

/// All that is concluded from a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// In the order of the log.
    pub incidents: Vec<Incident>,
    /// Signs that are none of trouble, and what the clock did.
    pub notes: Vec<String>,
}
