//! What was found in a log: its events, within bounds, and what the log says of itself.

use std::collections::VecDeque;

use super::stamp::{Moment, SECOND};
use super::table::Id;

/// So many events are kept from the beginning, and as many from the end.
const KEPT: usize = 6_000;
/// Repeats of an event are looked for among so many before it.
const NEAR: usize = 12;
/// So many tags of an event are told apart.
const TAGS: usize = 64;
/// What comes later than this after its like is an event of its own.
const APART: i64 = 60 * SECOND;
/// Fields in which repeats may differ.
const PASSING: [&str; 9] = ["tag", "sector", "block", "age", "lba", "blocks", "ino", "n", "cid"];

/// A message of the table, with its repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: Id,
    pub(super) name: &'static str,
    /// The first line of it, counted from 1.
    pub(super) line: u64,
    pub(super) last_line: u64,
    pub(super) count: u64,
    /// Which boot of the log, counted from 0.
    pub(super) boot: u32,
    pub(super) at: Moment,
    pub(super) last: Moment,
    pub(super) fields: Vec<(&'static str, String)>,
    /// The message of the first line.
    pub(super) text: String,
    /// Of answers to commands: how soon the same ones were answered again.
    pub(super) again: Again,
}

/// Answers by the tag of their command, which a command that is tried again mostly keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Again {
    answered: Vec<(String, Moment)>,
    /// The shortest time between two answers of one tag, in microseconds; `None`: no tag was answered twice.
    pub(super) shortest: Option<i64>,
}

impl Again {
    fn take(&mut self, tag: &str, at: &Moment) {
        if let Some((_, last)) = self.answered.iter_mut().find(|(known, _)| known == tag) {
            let apart = last.until(at);
            self.shortest = [self.shortest, apart].into_iter().flatten().min();
            *last = at.clone();
        } else if self.answered.len() < TAGS {
            self.answered.push((tag.to_owned(), at.clone()));
        }
    }

    /// How many tags were seen.
    pub(super) fn tags(&self) -> i64 {
        i64::try_from(self.answered.len()).unwrap_or(i64::MAX)
    }
}

/// Other things that can be full, with the same words: watches of files, semaphores, control groups.
pub(super) fn is_no_disk(text: &str) -> bool {
    let words = [
        "inotify",
        "semget",
        "shmget",
        "shared memory",
        "emaphore",
        "mutex",
        "cgroup",
        "to watch",
        "directory watch",
    ];
    words.iter().any(|word| text.contains(word))
}

impl Event {
    /// A field; empty where the message has none of that name.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| *field == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.get(name).parse().ok()
    }

    pub(super) fn is(&self, ids: &[Id]) -> bool {
        ids.contains(&self.id)
    }

    /// Whether the other says the same again.
    fn repeats(&self, earlier: &Self) -> bool {
        let same = |(field, value): &(&'static str, String)| {
            // Which command of a controller expired counts, and whether a map has a path left.
            let counts = self.text.starts_with("nvme ") || self.id == Id::MpathActive;
            let passing = PASSING.contains(field) && !counts;
            passing || earlier.get(field) == value
        };
        self.id == earlier.id
            && self.boot == earlier.boot
            && self.fields.len() == earlier.fields.len()
            && self.fields.iter().all(same)
            && earlier.last.until(&self.at).is_none_or(|apart| (-APART..=APART).contains(&apart))
    }

    /// Takes a repeat in. The greatest age goes back the farthest.
    fn take(&mut self, repeat: Self) {
        self.count += repeat.count;
        self.last_line = repeat.last_line;
        let ages =
            [&*self, &repeat].map(|one| one.at.up.unwrap_or(0) - one.number("age").unwrap_or(0) * SECOND);
        if ages[1] < ages[0]
            && let Some(age) = self.fields.iter_mut().find(|(field, _)| *field == "age")
        {
            let late = self.at.until(&repeat.at).unwrap_or(0) / SECOND;
            age.1 = (repeat.number("age").unwrap_or(0) - late).max(0).to_string();
        }
        if self.id == Id::StorvscStatus {
            self.again.take(repeat.get("tag"), &repeat.at);
        }
        if self.id == Id::Suppressed {
            self.add("n", &repeat);
        }
        self.last = repeat.last;
    }

    /// Adds a number of a repeat to that of the first line.
    fn add(&mut self, name: &str, repeat: &Self) {
        let sum = self.number(name).unwrap_or(0).saturating_add(repeat.number(name).unwrap_or(0));
        if let Some(field) = self.fields.iter_mut().find(|(field, _)| *field == name) {
            field.1 = sum.to_string();
        }
    }
}

/// Events in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Events {
    first: Vec<Event>,
    last: VecDeque<Event>,
    /// How many found no room.
    pub(super) dropped: u64,
}

impl Events {
    pub(super) fn push(&mut self, mut event: Event) {
        let near = self.last.iter_mut().rev().chain(self.first.iter_mut().rev()).take(NEAR);
        for earlier in near {
            if event.repeats(earlier) {
                earlier.take(event);
                return;
            }
        }
        if event.id == Id::StorvscStatus {
            let mut again = Again::default();
            again.take(event.get("tag"), &event.at);
            event.again = again;
        }
        if self.first.len() < KEPT {
            self.first.push(event);
            return;
        }
        if self.last.len() >= KEPT {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(event);
    }

    /// The last one: what is said of it later belongs to it.
    pub(super) fn latest(&mut self) -> Option<&mut Event> {
        self.last.back_mut().or(self.first.last_mut())
    }

    pub(super) fn into_vec(self) -> Vec<Event> {
        let mut all = self.first;
        all.extend(self.last);
        all
    }
}

/// A log, read.
#[derive(Debug, Default)]
pub struct Log {
    /// How many lines it has.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many lines were longer than what is looked at of a line.
    pub cut: u64,
    /// How many events found no room.
    pub dropped: u64,
    /// How many boots it tells of.
    pub boots: u32,
    /// How many lines begin with a stamp.
    pub stamped: u64,
    /// The stamp of the first line that has one.
    pub(super) first: Moment,
    /// The stamp of the last line that has one.
    pub(super) last: Moment,
    pub(super) events: Vec<Event>,
    /// Kernel releases, with the boot that names each.
    pub(super) releases: Vec<(u32, String)>,
}

impl Log {
    /// The stamps of the first and the last line, as they are written.
    pub fn span(&self) -> [Option<String>; 2] {
        [self.first.text(), self.last.text()]
    }

    /// The kernel's release in a boot, or in any where that one does not say it.
    pub(super) fn release(&self, boot: u32) -> Option<&str> {
        let of = |wanted: Option<u32>| {
            self.releases.iter().find(|(boot, _)| wanted.is_none_or(|one| one == *boot))
        };
        of(Some(boot)).or_else(|| of(None)).map(|(_, release)| release.as_str())
    }
}
