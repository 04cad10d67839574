//! Who writes a disk's attribute: the kernel, udev's rules, the programs that they run.
//!
//! udev reads files in the order of their base names, whatever their directory, and goes through
//! all of them for each event of each device; programs of `RUN` follow after the rules of their
//! event, those of `PROGRAM` at once. A disk has several devices whose events can write to it.
//! What a rule looks at is compared with what is known of the disk, or with what is sure of a
//! class of disks that are yet to come; what is not known leaves the rule open
//! (<https://github.com/systemd/systemd/blob/v257/src/udev/udev-rules.c>, and 252's).

mod bearing;
mod builtin;
mod device;
mod glob;
mod known;
mod look;
mod parents;
mod paths;
mod pattern;
mod program;
mod shell;
mod subst;
mod sysctl;
mod value;
mod walk;
mod write;

use self::bearing::Bearing;
use self::device::{Place, Subject};
use self::pattern::{Answer, Text};
use self::walk::Walk;
use super::{Acts, Chain, Moment, Ours, Writer, base};
use crate::facts::{Class, Disk, Facts, RuleFile};
use crate::scale::Scale;
use crate::tunable::{Select, UdevAttr, Want};

pub use sysctl::sysctl_writers;

/// Why a rule of ours writes nothing, though it is read.
pub const GOOD_ENOUGH: &str = "what is there is good enough, so it writes nothing";

/// What our own rules would write, and when they leave alone what they find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned<'a> {
    /// File and value.
    pub ours: Ours<'a>,
    /// What is wanted: of a number that is at least or at most so, a better one is left as it is.
    pub want: &'a Want,
}

impl Planned<'_> {
    /// Whether the rule finds what it wants, and so writes nothing.
    fn keeps(&self, before: Option<&Text>) -> Answer {
        let scale = Scale::Number;
        let (Want::AtLeast(bound) | Want::AtMost(bound)) = self.want else { return Answer::No };
        let Some(bound) = scale.position(&bound.to_string()) else { return Answer::No };
        let open = || Answer::Maybe("it writes only where what it finds is not good enough".to_owned());
        let Some(Text::Among(forms)) = before else { return open() };
        let good = |form: &pattern::Form| match form {
            pattern::Form::Is(text) => scale.position(text).map(|found| match self.want {
                Want::AtMost(_) => found <= bound,
                _ => found >= bound,
            }),
            pattern::Form::Like(_) => None,
        };
        let all: Option<Vec<bool>> = forms.iter().map(good).collect();
        match all {
            Some(all) if all.iter().all(|good| *good) => Answer::Yes,
            Some(all) if all.iter().all(|good| !*good) => Answer::No,
            _ => open(),
        }
    }
}

/// Who writes an attribute of a disk. `extra` are writers that no rule is: of module options, of
/// programs that write later or again and again.
pub fn chain(
    facts: &Facts,
    disk: &Disk,
    attr: UdevAttr,
    ours: Option<Planned<'_>>,
    extra: Vec<Writer>,
) -> Chain {
    of_subject(facts, &Subject::of_disk(disk), attr, ours.as_ref(), extra)
}

/// The same of a disk that may come: only what is sure of its class is known.
pub fn chain_of_class(
    facts: &Facts,
    select: Select,
    attr: UdevAttr,
    ours: Option<Planned<'_>>,
    extra: Vec<Writer>,
) -> Chain {
    of_subject(facts, &Subject::of_class(select), attr, ours.as_ref(), extra)
}

/// The device whose event our own rule acts on.
const MAIN: Place = Place::Block;

/// Whether our own rule acts on an event of its device. What a disk does with errors it writes once, when the
/// disk is found: by the next change the disk may have become a member of an array.
fn ours_acts(attr: UdevAttr, action: &str) -> bool {
    action == "add" || (action == "change" && attr != UdevAttr::MaxRetries)
}

fn of_subject(
    facts: &Facts,
    subject: &Subject<'_>,
    attr: UdevAttr,
    ours: Option<&Planned<'_>>,
    extra: Vec<Writer>,
) -> Chain {
    let (before, after): (Vec<Writer>, Vec<Writer>) =
        extra.into_iter().partition(|writer| writer.moment < Moment::Files);
    let mut writers: Vec<Writer> = builtin::value(facts, subject, attr).into_iter().collect();
    writers.extend(before);
    let start = Chain { writers: writers.clone(), doubts: Vec::new() }.in_force();
    let files = facts.system.writers.rule_files.as_slice();
    let bearing = Bearing::new(files, attr);
    let files = if bearing.writes { files } else { &[] };
    let mut walk = Walk::new(facts, subject, &bearing, (attr, ours));
    if let Some(home) = paths::home(subject, attr) {
        let text = start.value().filter(|_| attr != UdevAttr::Scheduler).map(Text::is);
        walk.state.insert(home, text.unwrap_or_else(|| Text::Unknown(attr.path().to_owned())));
    }
    added(&mut walk, files);
    let later = if files.is_empty() { Vec::new() } else { changed(&walk, files) };
    writers.append(&mut walk.writers);
    writers.extend(later);
    writers.extend(after);
    Chain { writers, doubts: doubts(facts) }
}

/// The names under which an attribute can be written.
fn ways(subject: &Subject<'_>, attr: UdevAttr) -> Vec<UdevAttr> {
    match attr {
        UdevAttr::Timeout | UdevAttr::IoTimeout if subject.is_scsi() => {
            let other = if attr == UdevAttr::Timeout { UdevAttr::IoTimeout } else { UdevAttr::Timeout };
            vec![attr, other]
        }
        attr => vec![attr],
    }
}

/// The events of a disk that is found, in their order.
fn added(walk: &mut Walk<'_>, files: &[RuleFile]) {
    let places = places(walk);
    let mut beside = 0..0;
    for &place in places.iter().filter(|place| !matches!(place, Place::Block | Place::Partition)) {
        let from = walk.writers.len();
        walk.event(files, place, "add", Moment::Files);
        walk.writers_of_scsi |= place == Place::Scsi && walk.writers.len() > from;
        if place != Place::Scsi {
            beside =
                if beside.is_empty() { from..walk.writers.len() } else { beside.start..walk.writers.len() };
        }
    }
    let from = walk.writers.len();
    walk.event(files, MAIN, "add", Moment::AfterRules);
    // No order holds between two devices of one parent.
    if walk.writers.iter().skip(from).any(|writer| !matches!(writer.acts, Acts::No(_))) {
        let open = "its device's event may come before the disk's or after it";
        walk.writers.iter_mut().take(beside.end).skip(beside.start).for_each(|writer| writer.doubt(open));
    }
    if places.contains(&Place::Partition) {
        let from = walk.writers.len();
        walk.event(files, Place::Partition, "add", Moment::AfterRules);
        let open = "it acts on events of partitions, if the disk has any";
        walk.writers.iter_mut().skip(from).for_each(|writer| writer.doubt(open));
    }
}

/// What further events change: those of a driver that is bound after the disk was found, and
/// `change`, which `udevadm trigger` makes, and every program that has had the disk open for writing.
fn changed(walk: &Walk<'_>, files: &[RuleFile]) -> Vec<Writer> {
    let mut found = Vec::new();
    // Events that no line tells apart do the same once more.
    let again_differs = walk.bearing.is_tested() || walk.ours.is_some();
    if walk.subject.is_scsi() && (walk.writers_of_scsi || walk.bearing.tells_apart("add", "bind")) {
        let mut again = Walk { writers: Vec::new(), ..walk.clone() };
        again.event(files, Place::Scsi, "bind", Moment::AfterRules);
        found.extend(differing(
            walk,
            again.writers,
            "it acts again when the driver is bound, which may come later",
        ));
    }
    let differs = walk.bearing.tells_apart("add", "change") || (again_differs && !walk.writers.is_empty());
    if !differs {
        return found;
    }
    let mut again = Walk { writers: Vec::new(), ..walk.clone() };
    for place in places(walk) {
        let moment = if place < MAIN { Moment::Files } else { Moment::AfterRules };
        again.event(files, place, "change", moment);
    }
    found.extend(differing(walk, again.writers, "it acts on change events, which may come at any time"));
    for writer in &mut found {
        writer.moment = writer.moment.max(Moment::AfterRules);
    }
    found
}

/// The writers of further events, where the value is not the same after these.
fn differing(walk: &Walk<'_>, writers: Vec<Writer>, why: &str) -> Vec<Writer> {
    let possible = |writer: &&Writer| !matches!(writer.acts, Acts::No(_));
    let last = |writers: &[Writer]| -> Vec<Option<String>> {
        let sure = writers.iter().rposition(|writer| writer.acts == Acts::Yes).unwrap_or(0);
        writers.iter().skip(sure).filter(possible).map(|writer| writer.value.clone()).collect()
    };
    let before = last(&walk.writers);
    let news = last(&writers).iter().any(|value| !before.contains(value));
    if !news {
        return Vec::new();
    }
    let sure = writers.iter().rposition(|writer| writer.acts == Acts::Yes).unwrap_or(0);
    let mut found: Vec<Writer> = writers.into_iter().skip(sure).filter(|writer| possible(&writer)).collect();
    for writer in &mut found {
        writer.doubt(why);
    }
    found
}

/// The devices whose events matter for an attribute.
fn places(walk: &Walk<'_>) -> Vec<Place> {
    let scsi = walk.subject.is_scsi();
    let counts = |place: &Place| match place {
        Place::Scsi | Place::ScsiDisk => scsi,
        Place::Bdi => walk.attr == UdevAttr::ReadAheadKb,
        Place::Block => true,
        Place::Partition => walk.bearing.climbs && !matches!(walk.subject.class, Class::Multipath { .. }),
    };
    Place::ALL.into_iter().filter(counts).collect()
}

/// Files that could not be read, and may hold a rule.
fn doubts(facts: &Facts) -> Vec<String> {
    let unread = facts.system.writers.unread.iter().filter(|unread| unread.of == "udev/rules.d");
    unread
        .map(|unread| format!("{} could not be read, and may hold a rule: {}", unread.path, unread.why))
        .collect()
}

#[cfg(test)]
mod tests;
