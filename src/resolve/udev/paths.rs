//! Which file of sysfs a path means, seen from a disk.

use super::device::{Place, SOME, Subject};
use super::parents::own;
use super::pattern::{Answer, Text, judge};
use crate::tunable::UdevAttr;

/// Stands in a text for what could not be told.
pub(super) const UNKNOWN: char = '\u{f8fe}';

/// Names below the SCSI device, or below what a disk without one hangs on: `block`, `sda`, `queue`, `scheduler`.
type Spot = Vec<String>;

/// Where the attribute itself lies.
fn spots(subject: &Subject<'_>, attr: UdevAttr) -> Vec<Spot> {
    let queue =
        |name: &str| vec!["block".to_owned(), subject.name.clone(), "queue".to_owned(), name.to_owned()];
    match attr {
        UdevAttr::Scheduler => vec![queue("scheduler")],
        UdevAttr::NrRequests => vec![queue("nr_requests")],
        UdevAttr::IoTimeout => vec![queue("io_timeout")],
        UdevAttr::ReadAheadKb => {
            vec![queue("read_ahead_kb"), vec!["bdi".to_owned(), "read_ahead_kb".to_owned()]]
        }
        UdevAttr::Timeout if subject.is_scsi() => vec![vec!["timeout".to_owned()]],
        UdevAttr::MaxRetries if subject.is_scsi() => {
            vec![vec!["scsi_disk".to_owned(), subject.hctl.clone(), "max_retries".to_owned()]]
        }
        UdevAttr::Timeout | UdevAttr::MaxRetries => Vec::new(),
    }
}

/// The attribute's own place, as [`relative`] would give it.
pub(super) fn home(subject: &Subject<'_>, attr: UdevAttr) -> Option<String> {
    spots(subject, attr).into_iter().next().map(|spot| spot.join("/"))
}

fn start(subject: &Subject<'_>, place: Place) -> Spot {
    let block = || vec!["block".to_owned(), subject.name.clone()];
    match place {
        Place::Scsi => Vec::new(),
        Place::ScsiDisk => vec!["scsi_disk".to_owned(), subject.hctl.clone()],
        Place::Bdi => vec!["bdi".to_owned()],
        Place::Block => block(),
        Place::Partition => [block(), vec![SOME.to_string()]].concat(),
    }
}

/// Follows names from a spot, the kernel's links included; `None` where it leads away from the disk.
fn follow<'p>(subject: &Subject<'_>, mut spot: Spot, names: impl Iterator<Item = &'p str>) -> Option<Spot> {
    for name in names {
        let at: Vec<&str> = spot.iter().map(String::as_str).collect();
        match (name, at.as_slice()) {
            ("" | ".", _) => {}
            ("..", []) | ("subsystem" | "driver", _) => return None,
            ("..", _) => {
                spot.pop();
            }
            ("device", ["block" | "scsi_disk" | "scsi_device", _]) => {
                if !subject.is_scsi() {
                    return None;
                }
                spot.clear();
            }
            ("bdi", ["block", _]) => spot = vec!["bdi".to_owned()],
            _ => spot.push(name.to_owned()),
        }
    }
    Some(spot)
}

/// The spot of an attribute of an event's device; `None` where it is not the disk's.
pub(super) fn relative(subject: &Subject<'_>, place: Place, attr: &str) -> Option<String> {
    follow(subject, start(subject, place), attr.split('/')).map(|spot| spot.join("/"))
}

/// Whether `ATTR{attr}` of an event's device is this attribute of the disk.
pub(super) fn names(subject: &Subject<'_>, place: Place, attr: &str, wanted: UdevAttr) -> Answer {
    if attr.starts_with('[') {
        return by_name(subject, attr, wanted);
    }
    match follow(subject, start(subject, place), attr.split('/')) {
        Some(spot) => is(subject, &spot, wanted),
        None => Answer::No,
    }
}

/// `[SUBSYSTEM/KERNEL]attribute`: any device, by its name.
fn by_name(subject: &Subject<'_>, attr: &str, wanted: UdevAttr) -> Answer {
    let parts = attr.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let Some((named, attr)) = parts else { return Answer::No };
    let place = match named.split_once('/') {
        Some(("block", _)) => Place::Block,
        Some(("scsi", _)) => Place::Scsi,
        Some(("scsi_disk", _)) => Place::ScsiDisk,
        _ => return Answer::No,
    };
    let kernel = named.split_once('/').map_or("", |(_, kernel)| kernel);
    let same = component(kernel, &own_name(subject, place), subject.sysname(place), false);
    match follow(subject, start(subject, place), attr.split('/')) {
        Some(spot) => same.and(is(subject, &spot, wanted)),
        None => Answer::No,
    }
}

/// Whether an absolute path, as a program is given it, is this attribute; shell patterns count.
pub(super) fn is_path(subject: &Subject<'_>, path: &str, wanted: UdevAttr) -> Answer {
    let Some(below) = path.trim_start_matches('/').strip_prefix("sys/").filter(|_| path.starts_with('/'))
    else {
        // A path that begins with what nobody knows may lead anywhere.
        let leads =
            path.starts_with(UNKNOWN) && spots(subject, wanted).iter().any(|spot| ends_so(path, spot));
        return if leads { Answer::Maybe("its path is not known".to_owned()) } else { Answer::No };
    };
    let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let (place, name, rest) = match parts.as_slice() {
        ["block", name, rest @ ..] | ["class", "block", name, rest @ ..] => (Place::Block, *name, rest),
        ["class", "scsi_disk" | "scsi_device", name, "device", rest @ ..]
        | ["bus", "scsi", "devices", name, rest @ ..]
        | ["bus", "scsi", "drivers", "sd", name, rest @ ..] => (Place::Scsi, *name, rest),
        ["class", "scsi_disk", name, rest @ ..] => (Place::ScsiDisk, *name, rest),
        ["dev", "block", _, rest @ ..] => {
            return spot_of(subject, Place::Block, rest, wanted)
                .and(Answer::Maybe("it names the disk by its number".to_owned()));
        }
        ["devices", ..] => return below_devices(subject, &format!("/{}", parts.join("/")), wanted),
        _ => return Answer::No,
    };
    if place == Place::Block && is_partition_of(name, &subject.name) && rest.first() == Some(&"..") {
        return spot_of(subject, place, rest.get(1..).unwrap_or_default(), wanted);
    }
    let same = component(name, &own_name(subject, place), subject.sysname(place), true);
    same.and(spot_of(subject, place, rest, wanted))
}

fn ends_so(path: &str, spot: &Spot) -> bool {
    spot.last().is_some_and(|last| path.ends_with(last.as_str()))
}

fn is_partition_of(name: &str, disk: &str) -> bool {
    let rest = name.strip_prefix(disk).map(|rest| rest.strip_prefix('p').unwrap_or(rest));
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
}

fn spot_of(subject: &Subject<'_>, place: Place, rest: &[&str], wanted: UdevAttr) -> Answer {
    match follow(subject, start(subject, place), rest.iter().copied()) {
        Some(spot) => is(subject, &spot, wanted),
        None => Answer::No,
    }
}

/// A path below `/devices`: through the disk or the SCSI device, else another's.
fn below_devices(subject: &Subject<'_>, path: &str, wanted: UdevAttr) -> Answer {
    if path.contains(UNKNOWN) && spots(subject, wanted).iter().any(|spot| ends_so(path, spot)) {
        return Answer::Maybe("its path is not known".to_owned());
    }
    let mut places = vec![Place::Partition, Place::Block];
    if subject.is_scsi() {
        places.extend([Place::ScsiDisk, Place::Scsi]);
    }
    for place in places {
        let below = path.strip_prefix(&subject.devpath(place)).filter(|rest| rest.starts_with('/'));
        if let Some(below) = below {
            let rest: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
            return spot_of(subject, place, &rest, wanted);
        }
    }
    Answer::No
}

/// Whether a spot is the attribute's.
fn is(subject: &Subject<'_>, spot: &Spot, wanted: UdevAttr) -> Answer {
    let mut answer = Answer::No;
    for own in spots(subject, wanted) {
        if own.len() != spot.len() {
            continue;
        }
        let mut same = Answer::Yes;
        for (at, (name, own)) in spot.iter().zip(&own).enumerate() {
            let text = match (at, spot.first().map(String::as_str)) {
                (1, Some("block")) => own_name(subject, Place::Block),
                (1, Some("scsi_disk")) => own_name(subject, Place::ScsiDisk),
                _ => Text::is(own),
            };
            same = same.and(component(name, &text, own, true));
        }
        answer = answer.or(same);
    }
    answer
}

fn own_name(subject: &Subject<'_>, place: Place) -> Text {
    own(subject, place).kernel
}

/// Whether a component of a path is this name.
fn component(written: &str, text: &Text, name: &str, globs: bool) -> Answer {
    if written == name {
        Answer::Yes
    } else if written.contains(UNKNOWN) {
        Answer::Maybe("its path is not known".to_owned())
    } else if globs || !written.contains(['*', '?', '[']) {
        judge(written, false, text, &"the device's name")
    } else {
        Answer::No
    }
}

/// Whether a path is the disk's device file.
pub(super) fn is_node(subject: &Subject<'_>, path: &str) -> Answer {
    let Some(name) = path.strip_prefix("/dev/") else {
        let unknown = path.contains(UNKNOWN);
        return if unknown { Answer::Maybe("its path is not known".to_owned()) } else { Answer::No };
    };
    if name.starts_with("disk/") || name.starts_with("mapper/") {
        return Answer::Maybe(format!("{path} may lead to it"));
    }
    component(name, &own_name(subject, Place::Block), &subject.name, true)
}
