//! From bytes to events, line by line, in bounded memory.

use memchr::memchr;
use regex::bytes::Regex;

use super::entry;
use super::event::{Again, Event, Events, Log, is_no_disk};
use super::search::{Rows, Search};
use super::split::{Split, behind, split};
use super::stamp::{Moment, SECOND, Wall};
use super::stamped::looks_stamped;
use super::table::{self, Id, Message};
use super::text::{bare, beginning, plain};
use crate::pattern::parse_pattern;

/// So much of a line is looked at.
const LINE: usize = 64 << 10;
/// So much of a line is kept for the one that follows, which may be its rest.
const BEFORE: usize = 1 << 10;
/// So much of a message is kept.
const TEXT: usize = 240;
/// A journal's message that is an array of bytes: its text is not seen before it is read.
const BYTES: &str = "\"MESSAGE\":[";
/// Lines from the beginning of a boot in which its marks belong together.
const MARKS: u64 = 20;

/// Reads a log in pieces.
#[derive(Debug)]
pub struct Reader {
    search: Search,
    rows: Vec<&'static Message>,
    patterns: Vec<Option<Pattern>>,
    /// The beginning of a line whose end was not read yet.
    partial: Vec<u8>,
    /// Whether the line before was a stamped one of which no message was known, so that this may be its rest.
    may_go_on: bool,
    /// The last line that had a stamp.
    stamped: Vec<u8>,
    /// The one before it.
    previous: Vec<u8>,
    /// An entry of the journal whose fields have lines of their own.
    parts: entry::Parts,
    /// Which line that is: a carriage return may begin the next one within it.
    stamped_line: u64,
    /// The wall clock of forms that tell differences.
    coarse: Option<Wall>,
    state: State,
    events: Events,
    log: Log,
}

/// A compiled pattern and the names of its groups.
#[derive(Debug)]
struct Pattern {
    regex: Regex,
    names: Vec<&'static str>,
}

impl Pattern {
    fn new(pattern: &'static str) -> Option<Self> {
        let names = pattern.split("(?P<").skip(1).filter_map(|rest| rest.split('>').next()).collect();
        parse_pattern(pattern).ok().map(|regex| Self { regex, names })
    }
}

/// Where in its boots a log is.
#[derive(Debug, Default)]
struct State {
    boot: u32,
    /// The line at which the boot began.
    began: u64,
    /// Whether anything but its marks was found in this boot.
    busy: bool,
    up: Option<i64>,
    id: String,
    /// Years to add, where stamps have none.
    years: u32,
    wall: Option<i64>,
}

impl Default for Reader {
    fn default() -> Self {
        let rows: Vec<&'static Message> = table::all().collect();
        let mut texts: Vec<(&'static str, u32)> = vec![(BYTES, 127)];
        for (row, at) in rows.iter().zip(0..) {
            texts.extend(row.has.iter().map(|text| (*text, at)));
        }
        Self {
            search: Search::new(&texts),
            patterns: rows.iter().map(|_| None).collect(),
            rows,
            partial: Vec::new(),
            may_go_on: false,
            stamped: Vec::new(),
            previous: Vec::new(),
            parts: entry::Parts::default(),
            stamped_line: 0,
            coarse: None,
            state: State::default(),
            events: Events::default(),
            log: Log::default(),
        }
    }
}

impl Reader {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.log.bytes += u64::try_from(bytes.len()).unwrap_or_default();
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            if self.partial.is_empty() {
                self.line(line);
            } else {
                self.keep(line);
                let mut whole = std::mem::take(&mut self.partial);
                self.line(&whole);
                whole.clear();
                self.partial = whole;
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
    }

    /// Takes the last line, and gives what was found.
    pub fn finish(mut self) -> Log {
        let last = std::mem::take(&mut self.partial);
        if !last.is_empty() {
            self.line(&last);
        }
        let entry = self.parts.end();
        self.entry(entry);
        self.log.last = self.moment_before();
        self.log.boots = self.state.boot + u32::from(self.log.lines > 0);
        self.log.dropped = self.events.dropped;
        self.log.events = self.events.into_vec();
        self.log
    }

    fn keep(&mut self, bytes: &[u8]) {
        // A log that was not closed holds zeros before its next line.
        let zeros =
            if self.partial.is_empty() { bytes.iter().take_while(|byte| **byte == 0).count() } else { 0 };
        let room = (LINE + 1).saturating_sub(self.partial.len());
        let bytes = bytes.get(zeros..).unwrap_or_default();
        self.partial.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    fn line(&mut self, line: &[u8]) {
        self.log.lines += 1;
        let line = match line.get(..LINE) {
            Some(cut) if line.len() > LINE => {
                self.log.cut += 1;
                cut
            }
            _ => line,
        };
        let bare = bare(line).trim_ascii_end();
        let entry = self.parts.ended(bare);
        self.entry(entry);
        if self.parts.take(bare, self.log.lines) {
            return;
        }
        // A carriage return within a line starts it anew on a console.
        let mut rest = line;
        while let Some(end) = memchr(b'\r', rest) {
            let (piece, after) = rest.split_at(end);
            self.piece(piece, self.log.lines);
            rest = after.get(1..).unwrap_or_default();
        }
        self.piece(rest, self.log.lines);
    }

    /// Takes an entry whose fields had lines of their own.
    fn entry(&mut self, entry: Option<(String, u64)>) {
        if let Some((entry, number)) = entry {
            self.piece(entry.as_bytes(), number);
        }
    }

    fn piece(&mut self, piece: &[u8], number: u64) {
        let piece = if matches!(piece.first(), Some(0 | 0x1b)) { bare(piece) } else { piece };
        if piece.is_empty() {
            return;
        }
        let stamped = looks_stamped(piece);
        let goes_on = std::mem::take(&mut self.may_go_on) && !stamped;
        let rows = self.search.rows(piece);
        let mut known = false;
        if goes_on {
            let joined = [self.stamped.as_slice(), b" ", piece].concat();
            let rows = self.search.rows(&joined);
            known = rows != 0 && self.message(&joined, rows, self.stamped_line);
        }
        if stamped {
            self.remember(piece, number);
        }
        known = known || (rows != 0 && self.message(piece, rows, number));
        self.may_go_on = stamped && !known;
    }

    /// Keeps a line that begins with a stamp.
    fn remember(&mut self, piece: &[u8], number: u64) {
        self.log.stamped += 1;
        self.stamped_line = number;
        std::mem::swap(&mut self.previous, &mut self.stamped);
        self.stamped.clear();
        self.stamped.extend_from_slice(piece.get(..BEFORE.min(piece.len())).unwrap_or_default());
        let is_first = self.log.first == Moment::default();
        if is_first || piece.starts_with(b"[  ") || (piece.starts_with(b"[") && self.coarse.is_some()) {
            let text =
                String::from_utf8_lossy(piece.get(..80.min(piece.len())).unwrap_or_default()).into_owned();
            let split = split(&text);
            match (split.wall, split.delta, &self.coarse) {
                (Some(wall), _, _) if wall.is_coarse() => self.coarse = Some(wall),
                (None, Some(delta), Some(coarse)) => self.coarse = Some(coarse.later(delta)),
                _ => {}
            }
        }
        if is_first {
            self.log.first = self.moment_before();
        }
        if self.coarse.is_none() && piece.starts_with(b"[") {
            let text =
                String::from_utf8_lossy(piece.get(..24.min(piece.len())).unwrap_or_default()).into_owned();
            self.coarse = split(&text).wall.filter(Wall::is_coarse);
        }
    }

    /// The stamp of the last line that has one.
    fn moment_before(&self) -> Moment {
        let text = String::from_utf8_lossy(&self.stamped).into_owned();
        let text = entry::of_docker(&text).unwrap_or(text);
        if let Some(entry) = entry::parse(&text) {
            return entry.at;
        }
        let split = split(&text);
        let wall = split.wall.or_else(|| split.delta.and(self.coarse.clone()));
        Moment { wall, up: split.up }
    }

    /// Matches a line of which a text was found; whether a message is known.
    fn message(&mut self, bytes: &[u8], rows: Rows, number: u64) -> bool {
        let text = plain(&String::from_utf8_lossy(bytes));
        let text = entry::of_docker(&text).unwrap_or(text);
        if let Some(entry) = entry::parse(&text) {
            let rows = self.search.rows(entry.said.as_bytes());
            if !entry.boot.is_empty() && entry.boot != self.state.id {
                let before = std::mem::replace(&mut self.state.id, entry.boot);
                if !before.is_empty() {
                    self.new_boot(number);
                }
            }
            return self.said(&entry.at, &entry.speaker, &[&entry.said], rows, number);
        }
        let split = split(&text);
        let mut at = Moment { wall: split.wall.clone(), up: split.up };
        if split.delta.is_some() || at.wall.as_ref().is_some_and(Wall::is_coarse) {
            at.wall.clone_from(&self.coarse);
        } else if at == Moment::default() {
            at = self.moment_before();
        }
        let at = self.dated(at);
        if let Some(whole) = self.rest_of_scsi(split.said) {
            return self.said(&at, split.speaker, &[&whole], rows, number);
        }
        self.said(&at, split.speaker, &[split.said, split.whole], rows, number)
            || self.nested(&at, &split, rows, number)
            || self.behind(&at, &split, &text, rows, number)
            || self.torn(&at, &text, rows, number)
    }

    /// Kernels 3.11 to 3.17 give a command's result and sense a line of their own, and the disk the one before.
    fn rest_of_scsi(&self, said: &str) -> Option<String> {
        ["Result: hostbyte=", "Sense Key : ", "Add. Sense: "].iter().find(|rest| said.starts_with(**rest))?;
        let previous = String::from_utf8_lossy(&self.previous).into_owned();
        let disk = split(&previous).said.trim_end();
        (disk.starts_with('s') && disk.ends_with(']')).then(|| format!("{disk} {said}"))
    }

    /// A daemon's line in the kernel's log.
    fn nested(&mut self, at: &Moment, outer: &Split<'_>, rows: Rows, number: u64) -> bool {
        if outer.speaker != "kernel" {
            return false;
        }
        let inner = split(outer.said);
        !inner.speaker.is_empty() && self.said(at, inner.speaker, &[inner.said], rows, number)
    }

    /// A kernel's line that begins in the middle of another, as on a console.
    fn torn(&mut self, at: &Moment, text: &str, rows: Rows, number: u64) -> bool {
        for (place, _) in text.match_indices('[').filter(|(place, _)| *place > 0) {
            let inner = split(text.get(place..).unwrap_or_default());
            if inner.up.is_some() {
                let at = Moment { wall: at.wall.clone(), up: inner.up };
                return self.said(&at, inner.speaker, &[inner.said, inner.whole], rows, number);
            }
        }
        false
    }

    /// A line behind something else's: a file's name, a container's, a number; or a kernel's without its host.
    fn behind(&mut self, at: &Moment, outer: &Split<'_>, text: &str, rows: Rows, number: u64) -> bool {
        if outer.stamped {
            let without = Wall::parse(text).map_or("", |(_, rest)| rest.trim_start());
            return !without.is_empty() && self.said(at, "kernel", &[without], rows, number);
        }
        let Some(inner) = behind(text) else { return false };
        let at = self.dated(Moment { wall: inner.wall.clone(), up: inner.up });
        self.said(&at, inner.speaker, &[inner.said, inner.whole], rows, number)
    }

    /// Adds the year that is not written.
    fn dated(&mut self, at: Moment) -> Moment {
        const MONTHS: i64 = 300 * 86_400 * SECOND;
        let Some(wall) = at.wall.as_ref().filter(|wall| wall.has_no_year()) else { return at };
        if self.state.wall.is_some_and(|before| wall.local() < before - MONTHS) {
            self.state.years += 1;
        }
        self.state.wall = Some(wall.local());
        let dated = (0..self.state.years).fold(wall.clone(), |wall, _| wall.next_year());
        Moment { wall: Some(dated), up: at.up }
    }

    fn said(&mut self, at: &Moment, speaker: &str, texts: &[&str], rows: Rows, number: u64) -> bool {
        for (row, place) in self.rows.iter().zip(0..).filter(|(_, place)| rows & (1_u128 << place) != 0) {
            let is_speaker = row.who.is_empty() || speaker.is_empty() || row.who.contains(&speaker);
            // Old files name no speaker: what stands in its place may be the message's beginning.
            let may_be = is_speaker || texts.len() > 1;
            let Some(slot) = self.patterns.get_mut::<usize>(place).filter(|_| may_be) else { continue };
            if slot.is_none() {
                *slot = Pattern::new(row.pattern);
            }
            let Some(pattern) = slot else { continue };
            for (text, nth) in texts.iter().zip(0..) {
                if nth == 0 && !is_speaker {
                    continue;
                }
                let Some(found) = pattern.regex.captures(beginning(text)) else { continue };
                if row.id == Id::Nospace && is_no_disk(text) {
                    return true;
                }
                let field = |name: &&'static str| {
                    let value = found.name(name)?.as_bytes();
                    Some((*name, String::from_utf8_lossy(value.get(..TEXT.min(value.len()))?).into_owned()))
                };
                let fields = pattern.names.iter().filter_map(field).collect();
                let event = Event {
                    id: row.id,
                    name: row.name,
                    line: number,
                    last_line: number,
                    count: 1,
                    boot: 0,
                    at: at.clone(),
                    last: at.clone(),
                    fields,
                    text: text.chars().take(TEXT).collect(),
                    again: Again::default(),
                };
                self.take(event, speaker);
                return true;
            }
        }
        false
    }

    fn new_boot(&mut self, number: u64) {
        self.state.boot += 1;
        self.state.began = number;
        self.state.busy = false;
        self.state.up = None;
    }

    /// Puts an event into its boot.
    fn take(&mut self, mut event: Event, speaker: &str) {
        const FALLS: i64 = 10 * SECOND;
        let falls = event.at.up.zip(self.state.up).is_some_and(|(now, before)| now < before - FALLS);
        let is_mark = event.id == Id::BootMark;
        let marks = is_mark && (self.state.busy || event.line > self.state.began + MARKS);
        if falls || marks {
            self.new_boot(event.line);
        }
        self.state.busy |= !is_mark;
        self.state.up = event.at.up.or(self.state.up);
        event.boot = self.state.boot;
        if event.has("release") {
            self.log.releases.push((event.boot, event.get("release").to_owned()));
            self.log.releases.truncate(64);
        }
        match event.id {
            Id::KernelRelease => {}
            Id::Fold => self.fold(&event, speaker),
            _ => self.events.push(event),
        }
    }

    /// `message repeated 12 times: [ ... ]`: the same until here.
    fn fold(&mut self, event: &Event, speaker: &str) {
        let text = event.get("text").to_owned();
        if event.has("n2") {
            if let Some(latest) = self.events.latest().filter(|latest| latest.last_line + 1 >= event.line) {
                latest.count += u64::try_from(event.number("n2").unwrap_or(0)).unwrap_or(0);
                latest.last = event.at.clone();
                latest.last_line = event.line;
            }
            return;
        }
        let rows = self.search.rows(text.as_bytes());
        self.said(&event.at, speaker, &[&text], rows & !(1 << 127), event.line);
    }
}

#[cfg(test)]
mod tests;
