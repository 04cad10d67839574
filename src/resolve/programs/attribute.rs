//! Writers of a block device's attribute that are no rules of udev's.

use super::super::base;
use super::path::{Fit, fit};
use super::{
    Acts, Moment, UNORDERED, Who, Writer, note_acts, script_runs, started, tmpfiles_in_order, tuned_acts,
};
use crate::facts::{Facts, Programs, Saptune, Tuned};
use crate::formats::glob::fits;
use crate::formats::number::parse_attribute_integer;
use crate::formats::programs::{PathWrite, names_word};
use crate::resolve::chain::Chain;

/// A writer that may act only where it raises (`>`) or lowers (`<`) the number.
type Conditional = (Writer, Option<char>);

/// Programs that write an attribute (`queue/scheduler`, `device/timeout`, `max_retries`) of a disk by its kernel name
/// (empty for one whose name is not known), in the order in which they act, all after udev's coldplug, and what could
/// not be read. A later event of the device lets udev's rules write again.
pub fn of_attribute(facts: &Facts, disk: &str, attribute: &str) -> (Vec<Writer>, Vec<String>) {
    let settle = |(writer, condition): Conditional| match condition {
        Some(sign) => maybe(writer, &format!("it is written only where it is {} what is there", word(sign))),
        None => writer,
    };
    (conditional(facts, disk, attribute).into_iter().map(settle).collect(), doubts(facts))
}

/// The same, added to a chain that holds everybody before them, by whose value conditions are decided.
pub fn join(facts: &Facts, disk: &str, attribute: &str, chain: &mut Chain) {
    chain.doubts.extend(doubts(facts));
    for (writer, condition) in conditional(facts, disk, attribute) {
        let writer = match condition {
            Some(sign) => decided(writer, sign, chain.in_force().value()),
            None => writer,
        };
        chain.writers.push(writer);
    }
}

fn decided(writer: Writer, sign: char, there: Option<&str>) -> Writer {
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let (Some(there), Some(value)) = (there.and_then(number), writer.value.as_deref().and_then(number))
    else {
        return maybe(writer, &format!("it is written only where it is {} what is there", word(sign)));
    };
    let happens = if sign == '>' { value > there } else { value < there };
    if happens || matches!(writer.acts, Acts::No(_)) {
        return writer;
    }
    Writer { acts: Acts::No(format!("{value} is not {} the {there} that is there", word(sign))), ..writer }
}

fn word(sign: char) -> &'static str {
    if sign == '>' { "more than" } else { "less than" }
}

fn maybe(mut writer: Writer, why: &str) -> Writer {
    writer.doubt(why);
    writer
}

fn doubts(facts: &Facts) -> Vec<String> {
    super::doubts(facts, &["tmpfiles.d", "sysfsutils", "rc.local", "tuned", "saptune"])
}

fn conditional(facts: &Facts, disk: &str, attribute: &str) -> Vec<Conditional> {
    let programs = &facts.system.writers.programs;
    let mut writers: Vec<Conditional> = Vec::new();
    writers.extend(of_files(programs, disk, attribute).into_iter().map(|writer| (writer, None)));
    writers.extend(programs.tuned.iter().flat_map(|tuned| of_tuned(facts, tuned, disk, attribute)));
    let saptune = programs.saptune.iter().flat_map(|saptune| of_saptune(facts, saptune, disk, attribute));
    writers.extend(saptune.map(|writer| (writer, None)));
    if attribute == "device/timeout" {
        // The queue's own name for the same timer, in milliseconds (`queue_io_timeout_store`, block/blk-sysfs.c).
        let seconds = |(mut writer, sign): Conditional| {
            let millis = writer.value.as_ref().and_then(|value| value.parse::<u64>().ok());
            writer.value = millis.map(|millis| (millis / 1000).to_string());
            (writer, sign)
        };
        writers.extend(conditional(facts, disk, "queue/io_timeout").into_iter().map(seconds));
    }
    writers
}

/// tmpfiles.d, sysfsutils, boot scripts.
fn of_files(programs: &Programs, disk: &str, attribute: &str) -> Vec<Writer> {
    let mut writers = Vec::new();
    let mut add = |name: &str, path: &str, write: &PathWrite, stopped: Option<Acts>, unordered: bool| {
        let because = "it writes once, after udev has seen the devices";
        let Some(writer) = of_write(name, path, write, disk, attribute, because) else { return };
        writers.push(match stopped {
            Some(acts) => Writer { acts, ..writer },
            None if unordered => maybe(writer, UNORDERED),
            None => writer,
        });
    };
    let service = started(programs.tmpfiles_service, "systemd-tmpfiles-setup.service");
    for (path, write) in tmpfiles_in_order(&programs.tmpfiles) {
        add("tmpfiles.d", path, write, service.clone(), true);
    }
    let service = started(programs.sysfsutils_service, "sysfsutils");
    for file in &programs.sysfsutils {
        for write in &file.writes {
            add("sysfsutils", &file.path, write, service.clone(), false);
        }
    }
    for script in &programs.scripts {
        let stopped = script_runs(script).map(Acts::No);
        for write in &script.writes {
            add("boot script", &script.path, write, stopped.clone(), false);
        }
    }
    writers
}

fn of_write(
    name: &str,
    path: &str,
    write: &PathWrite,
    disk: &str,
    attribute: &str,
    because: &str,
) -> Option<Writer> {
    let last = base(attribute);
    let (value, acts) = if write.target.is_empty() {
        // It names a knob, and no more than that could be told.
        let setra = last == "read_ahead_kb" && write.shown.contains("--setra");
        (names_word(&write.shown, last) || setra).then_some(())?;
        (None, Acts::Maybe("what it writes, and to which disk, could not be told".to_owned()))
    } else {
        let by_place = || Acts::Maybe("its path does not name the disk, so it may be another's".to_owned());
        let acts = match fit(&write.target, disk, attribute) {
            Fit::No => return None,
            Fit::Maybe => by_place(),
            Fit::Yes => Acts::Yes,
        };
        let written = write.value.clone();
        (written.clone(), refused(attribute, written.as_deref()).unwrap_or(acts))
    };
    let acts = match (write.maybe, acts) {
        (Some(why), Acts::Yes) => Acts::Maybe(why.to_owned()),
        (_, acts) => acts,
    };
    Some(Writer {
        who: Who::Program { name: name.to_owned(), path: path.to_owned(), line: write.line },
        value: value.map(|value| value.trim_end_matches('\n').to_owned()),
        shown: write.shown.clone(),
        moment: Moment::Service,
        acts,
        because: because.to_owned(),
    })
}

/// Why the kernel takes no such value for an attribute that is a number.
fn refused(attribute: &str, value: Option<&str>) -> Option<Acts> {
    if attribute.ends_with("scheduler") {
        return None;
    }
    let number = parse_attribute_integer(value?);
    number.is_none().then(|| Acts::No("the kernel takes it for no number and refuses it".to_owned()))
}

/// `[disk]` and `[sysfs]` of tuned's profile. `[disk]` takes disks that are not removable and have no parent, as maps
/// and arrays, or a SCSI, virtio, Xen, NVMe or MMC device for one (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/plugins/plugin_disk.py>).
fn of_tuned(facts: &Facts, tuned: &Tuned, disk: &str, attribute: &str) -> Vec<Conditional> {
    let because = "tuned applies its profile when it starts, and to each disk that comes later";
    let mut writers = Vec::new();
    // The first unit that takes a disk keeps it (`assign_free_devices` of tuned's plugins/base.py).
    let mut is_free = Fit::Yes;
    for unit in &tuned.profile.units {
        let takes = if unit.plugin == "disk" { is_free.and(takes(&unit.devices, disk)) } else { Fit::No };
        if takes != Fit::No {
            is_free = if takes == Fit::Yes && !unit.conditional { Fit::No } else { Fit::Maybe };
        }
        for option in &unit.options {
            let (value, sign, fits_disk) = match (unit.plugin.as_str(), option.name.as_str(), attribute) {
                ("disk", "elevator", "queue/scheduler") => (option.value.clone(), None, takes),
                ("disk", "readahead", "queue/read_ahead_kb") => {
                    let (value, sign) = readahead(option.value.as_deref());
                    (value, sign, takes)
                }
                ("disk", "readahead_multiply", "queue/read_ahead_kb") => (None, None, takes),
                ("sysfs", path, _) => (option.value.clone(), None, fit(path, disk, attribute)),
                _ => continue,
            };
            let acts = match (fits_disk, tuned_acts(facts, tuned, unit)) {
                (Fit::No, _) => continue,
                (Fit::Maybe, Acts::Yes) => {
                    Acts::Maybe("whether the profile takes this disk is not known".to_owned())
                }
                (_, Acts::Yes) if value.is_none() => {
                    Acts::Maybe("what it writes could not be told".to_owned())
                }
                (_, acts) => acts,
            };
            let name = format!("tuned profile {}", tuned.names.join(" "));
            let who = Who::Program { name, path: option.path.clone(), line: option.line };
            let shown = format!("{} = {}", option.name, option.written);
            let because = because.to_owned();
            writers.push((Writer { who, value, shown, moment: Moment::Daemon, acts, because }, sign));
        }
    }
    writers
}

/// `>4096`, `8192 s`: KiB, or sectors of half that.
fn readahead(value: Option<&str>) -> (Option<String>, Option<char>) {
    let Some(value) = value else { return (None, None) };
    let sign = value.chars().next().filter(|c| matches!(c, '<' | '>') && value.len() > 1);
    let plain = sign.and_then(|sign| value.strip_prefix(sign)).unwrap_or(value);
    let mut words = plain.split_whitespace();
    let number = words.next().and_then(|number| number.parse::<i64>().ok());
    let sectors = words.next().is_some_and(|unit| unit.starts_with('s'));
    (number.map(|number| if sectors { number / 2 } else { number }.to_string()), sign)
}

/// Whether tuned's list of devices takes a disk: shell patterns, `!` excludes, none is all
/// (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/hardware/device_matcher.py>).
fn takes(devices: &str, disk: &str) -> Fit {
    let rules = devices.split(|c: char| c == ',' || c.is_whitespace()).filter(|rule| !rule.is_empty());
    let (out, within): (Vec<&str>, Vec<&str>) = rules.partition(|rule| rule.starts_with('!'));
    if disk.is_empty() {
        return Fit::Maybe;
    }
    let taken = within.is_empty() || within.iter().any(|rule| fits(rule, disk));
    let excluded = out.iter().filter_map(|rule| rule.strip_prefix('!')).any(|rule| fits(rule, disk));
    if taken && !excluded && !disk.starts_with("sr") { Fit::Yes } else { Fit::No }
}

/// `[block]` of saptune's notes: of several schedulers the first that the disk offers
/// (<https://github.com/SUSE/saptune/blob/main/sap/note/sectBlock.go>).
fn of_saptune(facts: &Facts, saptune: &Saptune, disk: &str, attribute: &str) -> Vec<Writer> {
    let service = started(saptune.service, "saptune.service");
    let mut writers = Vec::new();
    let settings =
        saptune.notes.iter().flat_map(|note| note.settings.iter().map(move |setting| (note, setting)));
    for (note, setting) in settings.filter(|(_, setting)| setting.section == "block") {
        let same = match setting.key.as_str() {
            "IO_SCHEDULER" => attribute == "queue/scheduler",
            "NRREQ" => attribute == "queue/nr_requests",
            "READ_AHEAD_KB" => attribute == "queue/read_ahead_kb",
            _ => false,
        };
        if !same {
            continue;
        }
        let several = setting.value.contains(',');
        let first = setting.value.split(',').map(str::trim).find(|word| offers(facts, disk, word, several));
        let acts = match (service.clone().unwrap_or_else(|| note_acts(facts, &setting.tags)), first) {
            (Acts::Yes, None) => {
                Acts::Maybe("which of the schedulers the disk offers is not known".to_owned())
            }
            (acts, _) => acts,
        };
        writers.push(Writer {
            who: Who::Program {
                name: format!("saptune note {}", note.id),
                path: note.path.clone(),
                line: setting.line,
            },
            value: first.map(str::to_lowercase),
            shown: format!("{} = {}", setting.key, setting.value),
            moment: Moment::Daemon,
            acts,
            because: "saptune applies its notes when it starts".to_owned(),
        });
    }
    writers
}

/// Whether a disk offers a scheduler, or nothing else is asked for.
fn offers(facts: &Facts, disk: &str, scheduler: &str, several: bool) -> bool {
    let disks = facts.machine.iter().filter_map(|machine| machine.disks.as_ref()).flatten();
    let known = disks.filter(|known| known.name == disk).find_map(|known| known.limits.schedulers.value());
    known.map_or(!several, |offered| offered.iter().any(|name| name.eq_ignore_ascii_case(scheduler)))
}
