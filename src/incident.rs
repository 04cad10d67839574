//! What a log tells of trouble with the storage: the stall model read backwards.
//!
//! Pure. Bytes go through a [`Reader`], line by line and in bounded memory, to events of one table of messages;
//! [`judge`] puts them together: what befell which disk, when it began at the latest, what gave up first, and
//! whether the default plan would have ridden it out, by the model of [`crate::stall`].

mod begin;
mod beside;
mod case;
mod clock;
mod end;
mod entry;
mod event;
mod judge;
mod kind;
mod model;
mod month;
mod outcome;
mod reader;
mod scene;
mod search;
mod sign;
mod split;
mod stamp;
mod stamped;
mod table;
mod text;
mod told;
mod words;

pub use event::Log;
pub use judge::judge;
pub use kind::{Answer, Grade, Kind};
pub use model::Model;
pub use outcome::TimerSeen;
pub use reader::Reader;
pub use told::{Findings, Incident, Said};

/// One kind of message that was found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name in the table.
    pub name: &'static str,
    /// How often it was said.
    pub count: u64,
    /// The first and the last line of it.
    pub lines: (u64, u64),
    /// What it means.
    pub means: &'static str,
    /// Where it is written, and which versions say it so.
    pub source: String,
    /// The timer that it tells of; empty where there is none.
    pub timer: &'static str,
}

/// The messages of a log, in the order of the table.
pub fn found(log: &Log) -> Vec<Found> {
    let of = |row: &'static table::Message| {
        let mut own = log.events.iter().filter(|event| event.id == row.id);
        let first = own.next()?;
        let (mut count, mut last) = (first.count, first.last_line);
        for event in own {
            count += event.count;
            last = event.last_line.max(last);
        }
        Some(Found {
            name: row.name,
            count,
            lines: (first.line, last),
            means: row.means,
            source: format!("{} ({})", row.source, row.versions),
            timer: row.timer,
        })
    };
    table::all().filter_map(of).collect()
}

/// What a stall would have left in a log such as this, in sentences.
pub const WOULD_LEAVE: [&str; 5] = [
    "a VMBus disk without an answer: no line at all for 120 s, then `blocked for more than` of the tasks that wait",
    "a VMBus disk with errors: `hostbyte=DID_ERROR`, or `hv_storvsc ... cmd`",
    "iSCSI: `detected conn error`, then `session recovery timed out`",
    "NVMe: `timeout, aborting` after 30 s, `reset controller` after 60 s",
    "the log itself, where it lies on that disk, has nothing from those minutes",
];
