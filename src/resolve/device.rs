//! What an attribute of a disk is now, beside what a rule of ours wants of it.

use crate::facts::{Attribute, Disk};
use crate::tunable::{Assignment, Guard, UdevAttr};

/// An attribute's live value, judged by what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// The disk has no such attribute.
    Missing,
    /// It could not be read.
    Unread,
    /// As wanted.
    AsWanted(String),
    /// Not as wanted, and the device would refuse what is until the next boot.
    NotYet(String),
    /// Not as wanted.
    Differs(String),
}

/// A disk's value of an attribute, as text.
pub fn value_of(disk: &Disk, attr: UdevAttr) -> Attribute<String> {
    fn text<T: ToString>(attribute: &Attribute<T>) -> Attribute<String> {
        match attribute {
            Attribute::Is(value) => Attribute::Is(value.to_string()),
            Attribute::Absent => Attribute::Absent,
            Attribute::Unknown => Attribute::Unknown,
        }
    }
    match attr {
        UdevAttr::Scheduler => disk.live.scheduler.clone(),
        UdevAttr::NrRequests => text(&disk.live.nr_requests),
        UdevAttr::ReadAheadKb => text(&disk.live.read_ahead_kb),
        UdevAttr::IoTimeout => text(&disk.live.io_timeout),
        UdevAttr::Timeout => text(&disk.live.timeout),
        UdevAttr::MaxRetries => text(&disk.live.max_retries),
    }
}

/// What is there; `None` where the rule passes this disk by, as its guard does not hold there.
pub fn now(disk: &Disk, assignment: &Assignment, attr: UdevAttr) -> Option<Now> {
    let offered = disk.limits.schedulers.value();
    let offers = |name: &str| offered.is_none_or(|names| names.iter().any(|other| other == name));
    let guard_holds = match &assignment.guard {
        Some(Guard::Offers(name)) => offers(name),
        Some(Guard::Rotational) => disk.live.rotational.value().copied().unwrap_or(true),
        _ => true,
    };
    let on_offer = attr != UdevAttr::Scheduler || offers(assignment.want.value().as_str());
    if !guard_holds || !on_offer {
        return None;
    }
    Some(match value_of(disk, attr) {
        Attribute::Absent => Now::Missing,
        Attribute::Unknown => Now::Unread,
        Attribute::Is(now) if assignment.met_by(&now) => Now::AsWanted(now),
        Attribute::Is(now) => match assignment.guard {
            Some(Guard::RequestsAbove(number)) if now.parse().is_ok_and(|have: u64| have < number) => {
                Now::NotYet(now)
            }
            _ => Now::Differs(now),
        },
    })
}

/// Whether our rule would write this attribute of this disk now.
pub fn would_write(disk: &Disk, assignment: &Assignment, attr: UdevAttr) -> bool {
    matches!(now(disk, assignment, attr), Some(Now::Differs(_)))
}
