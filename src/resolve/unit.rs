//! A property of a systemd unit: its file, then its drop-ins by name.
//!
//! Of drop-ins with the same name only that of the first directory is read, and a link to /dev/null
//! there leaves nothing; the directories of prefixes (`systemd-.service.d`) and of the type
//! (`service.d`) come after the unit's own (`unit_file_find_dropin_paths`,
//! <https://github.com/systemd/systemd/blob/v252/src/shared/dropin.c>). A value that systemd refuses,
//! an empty one included, leaves what held before.

use super::kernel_arg::{self, ABSENT};
use super::{Acts, Chain, InForce, Moment, Ours, Who, Writer, base};
use crate::facts::{
    DEVICES, DropIn, Facts, LAYERS, MANAGER, OTHER_DEVICES, UNIT_DIRS, Unit, UnitFile, UnitLine, UnreadFile,
    WANTS, is_fleeting,
};
use crate::formats::unit::{Span, span};

/// How long the manager lets whatever starts take.
pub const START_TIMEOUT: &str = "DefaultTimeoutStartSec";
/// How long the manager waits for a device, since 252.
pub const DEVICE_TIMEOUT: &str = "DefaultDeviceTimeoutSec";
/// How long a device, or all of them, are waited for.
pub const JOB_TIMEOUT: &str = "JobRunningTimeoutSec";

/// The section that a property stands in.
fn section(unit: &str, property: &str) -> &'static str {
    match unit.rsplit('.').next() {
        _ if unit == MANAGER => "Manager",
        _ if property.starts_with("Job") || property == WANTS => "Unit",
        Some("mount") => "Mount",
        Some("swap") => "Swap",
        Some("socket") => "Socket",
        _ => "Service",
    }
}

/// What holds where no file says anything.
fn built_in(facts: &Facts, unit: &str, property: &str) -> (&'static str, Option<String>) {
    if unit == MANAGER {
        return ("systemd as it was built", facts.system.waits.built_in.map(|seconds| seconds.to_string()));
    }
    if [DEVICES, OTHER_DEVICES].contains(&unit) {
        let default = device_default(facts).in_force().value().map(str::to_owned);
        return ("systemd's default for devices", default);
    }
    let (name, value) = match property {
        "WatchdogSec" => ("no watchdog", Some("0")),
        WANTS => ("nobody asks for it", Some("nothing")),
        "JobTimeoutSec" | JOB_TIMEOUT => ("systemd's own value", Some("infinity")),
        _ => ("systemd's own default, which system.conf may set", None),
    };
    (name, value.map(str::to_owned))
}

/// Arguments that have the last word over a property of the manager's (`parse_proc_cmdline_item`,
/// <https://github.com/systemd/systemd/blob/v254/src/core/main.c>).
const ARGUMENTS: [(&str, &str); 2] = [
    (START_TIMEOUT, "systemd.default_timeout_start_sec"),
    (DEVICE_TIMEOUT, "systemd.default_device_timeout_sec"),
];

/// The setting of the manager's that says how long a device is waited for of which no unit says anything: one of its
/// own since 252, before that the one for whatever starts.
pub fn device_setting(facts: &Facts) -> &'static str {
    let own = facts.system.writers.sysctl_files.systemd.is_some_and(|version| version >= 252);
    if own { DEVICE_TIMEOUT } else { START_TIMEOUT }
}

fn device_default(facts: &Facts) -> Chain {
    chain(facts, MANAGER, device_setting(facts), None)
}

/// The arguments of the next boot that have the last word over a property of the manager's. That for devices is known
/// since 254.
fn arguments(facts: &Facts, property: &str) -> Vec<Writer> {
    let Some((_, key)) = ARGUMENTS.iter().find(|(of, _)| *of == property) else { return Vec::new() };
    let version = facts.system.writers.sysctl_files.systemd;
    if property == DEVICE_TIMEOUT && version.is_some_and(|version| version < 254) {
        return Vec::new();
    }
    let of_key = kernel_arg::chain(facts, key, None);
    let given = of_key.writers.into_iter().filter_map(|mut writer| {
        let value = writer.value.take().filter(|value| value != ABSENT)?;
        writer.value = Some(seconds(key, &value)?);
        writer.moment = Moment::Files;
        Some(writer)
    });
    given.collect()
}

/// Whether a line sets the property: `TimeoutSec` sets two.
fn sets(line: &UnitLine, section: &str, property: &str) -> bool {
    let both = line.key == "TimeoutSec" && matches!(property, "TimeoutStartSec" | "TimeoutStopSec");
    line.section == section && (line.key == property || both)
}

/// A span in whole seconds, fractions cut but never to nothing, or `infinity`; `None` for what systemd
/// refuses. 0 is no limit, but for a watchdog, where it is none (`parse_sec_fix_0`).
fn seconds(property: &str, value: &str) -> Option<String> {
    Some(match span(value)? {
        Span::Micros(0) if property == "WatchdogSec" => "0".to_owned(),
        // systemd takes 0 for no limit in every other setting here. In this one it gives up at once, which is shown
        // as the shortest wait.
        Span::Micros(0) if property == DEVICE_TIMEOUT => "1".to_owned(),
        Span::Infinity | Span::Micros(0) => "infinity".to_owned(),
        Span::Micros(micros) => (micros / 1_000_000).max(1).to_string(),
    })
}

/// Who writes a property of a unit that was read ([`crate::facts::System::units`]). `ours` is a drop-in.
/// A unit that is not there, or masked, has no writers.
pub fn chain(facts: &Facts, unit: &str, property: &str, ours: Option<Ours<'_>>) -> Chain {
    let mut chain = Chain::default();
    let Some(found) = facts.system.units.iter().find(|found| found.name == unit) else { return chain };
    chain.doubts = doubts(found);
    if found.masked.is_some() {
        return chain;
    }
    let (name, value) = built_in(facts, unit, property);
    chain.writers.push(Writer {
        who: Who::BuiltIn(name),
        shown: value.clone().unwrap_or_else(|| name.to_owned()),
        value,
        moment: Moment::BuiltIn,
        acts: Acts::Yes,
        because: "no file says one".to_owned(),
    });
    let section = section(unit, property);
    if let Some(file) = &found.fragment {
        chain.writers.extend(writers(
            file,
            section,
            property,
            Acts::Yes,
            "the unit's own file is read first",
        ));
    }
    let mut own = ours.map(|ours| (ours, writer_of(ours, found)));
    for drop_in in found.drop_ins.iter().filter(|drop_in| !drop_in.file.ours) {
        // Ours is read at its place by name, before those that sort after it.
        if own.as_ref().is_some_and(|(ours, _)| base(ours.path) < base(&drop_in.file.path)) {
            chain.writers.extend(own.take().map(|(_, writer)| writer));
        }
        let because = "drop-ins are read after the unit's file, by name";
        chain.writers.extend(writers(&drop_in.file, section, property, acts(drop_in), because));
    }
    chain.writers.extend(own.map(|(_, writer)| writer));
    if unit == MANAGER {
        chain.writers.extend(arguments(facts, property));
    }
    chain.doubts.extend(untold(facts, found));
    chain
}

/// What leaves it open how long devices are waited for.
fn untold(facts: &Facts, unit: &Unit) -> Option<String> {
    if ![DEVICES, OTHER_DEVICES].contains(&unit.name.as_str()) {
        return None;
    }
    if let InForce::Unknown { because, .. } = device_default(facts).in_force() {
        return Some(because);
    }
    // It stands for both where only one is said.
    let drop_ins = unit.drop_ins.iter().filter(|drop_in| !drop_in.file.ours && acts(drop_in) == Acts::Yes);
    let other =
        drop_ins.flat_map(|drop_in| drop_in.file.lines.iter().map(move |line| (&drop_in.file.path, line)));
    let (path, line) = other.into_iter().find(|(_, line)| line.key == "JobTimeoutSec")?;
    Some(format!("{path}:{} says JobTimeoutSec={} for all devices", line.line, line.value))
}

fn doubts(unit: &Unit) -> Vec<String> {
    let unread = unit.unread.iter().map(UnreadFile::said);
    // systemd gives up on a unit whose own file it cannot read to the end.
    let stops = unit.fragment.as_ref().and_then(|file| Some((&file.path, file.stops.as_ref()?)));
    let stops =
        stops.map(|(path, (line, why))| format!("systemd does not read {path} beyond line {line}: {why}"));
    // Of the manager's drop-ins it reads none behind such a one (`config_parse_many_files`).
    let fails = unit
        .drop_ins
        .iter()
        .filter(|drop_in| unit.name == MANAGER && !drop_in.file.ours && acts(drop_in) == Acts::Yes);
    let fails = fails.filter_map(|drop_in| Some((&drop_in.file.path, drop_in.file.stops.as_ref()?)));
    let fails = fails.map(|(path, (line, why))| {
        format!("systemd stops at {path}:{line} ({why}), and reads no drop-in behind it")
    });
    unread.chain(stops).chain(fails).collect()
}

/// Whether a drop-in is read at the next boot.
fn acts(drop_in: &DropIn) -> Acts {
    match &drop_in.replaced_by {
        Some(by) if !is_fleeting(by) => Acts::No(format!("{by} is read in its place")),
        _ if is_fleeting(&drop_in.file.path) => {
            Acts::No("it lies below /run, which a restart empties".to_owned())
        }
        _ => Acts::Yes,
    }
}

fn writers<'a>(
    file: &'a UnitFile,
    section: &'a str,
    property: &'a str,
    acts: Acts,
    because: &'a str,
) -> impl Iterator<Item = Writer> + use<'a> {
    let lines = file.lines.iter().filter(move |line| sets(line, section, property));
    lines.filter_map(move |line| {
        Some(Writer {
            who: Who::Line { path: file.path.clone(), line: line.line },
            value: Some(seconds(property, &line.value)?),
            shown: format!("{}={}", line.key, line.value),
            moment: Moment::Files,
            acts: acts.clone(),
            because: because.to_owned(),
        })
    })
}

/// Ours, which a file of the same name in a directory before its own replaces or masks.
fn writer_of(ours: Ours<'_>, unit: &Unit) -> Writer {
    let dirs: &[&str] = if unit.name == MANAGER { &LAYERS } else { &UNIT_DIRS };
    let place = |path: &str| dirs.iter().position(|dir| path.starts_with(&format!("{dir}/")));
    let before = |drop_in: &&DropIn| {
        let same = base(&drop_in.file.path) == base(ours.path) && drop_in.file.path != ours.path;
        same && drop_in.replaced_by.is_none()
            && !is_fleeting(&drop_in.file.path)
            && place(&drop_in.file.path) < place(ours.path)
    };
    let acts = match unit.drop_ins.iter().find(before) {
        Some(by) if by.masks => Acts::No(format!("{} is a link to /dev/null, which masks it", by.file.path)),
        Some(by) => Acts::No(format!("{} is read in its place", by.file.path)),
        None => Acts::Yes,
    };
    Writer {
        who: Who::Ours { path: ours.path.to_owned() },
        value: Some(ours.value.to_owned()),
        shown: ours.value.to_owned(),
        moment: Moment::Files,
        acts,
        because: "drop-ins are read after the unit's file, by name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::UnreadFile;
    use crate::marker::marker_line;
    use crate::resolve::InForce;
    use crate::root::laid_out;

    const JOURNALD: &str = "systemd-journald.service";
    const FILE: &str = "usr/lib/systemd/system/systemd-journald.service";
    const OURS: &str = "usr/lib/systemd/system/systemd-journald.service.d/90-hvtune.conf";

    fn facts(files: &[(&str, &str)]) -> Facts {
        let (_dir, root) = laid_out(files);
        let mut facts = Facts::default();
        facts.system.units = crate::probe::units::read(&root, &[JOURNALD], &mut facts.gaps);
        facts
    }

    fn below(top: &str, dir: &str, name: &str) -> String {
        format!("{top}/systemd/system/{dir}/{name}")
    }

    fn ends(files: &[(&str, &str)], property: &str) -> String {
        match chain(&facts(files), JOURNALD, property, None).in_force() {
            InForce::Known { value, .. } => value,
            InForce::Unknown { because, .. } => because,
        }
    }

    #[test]
    fn drop_ins_come_by_name_from_the_first_directory() {
        let base = (FILE, "[Service]\nWatchdogSec=3min\nTimeoutSec=0\n");
        let say = |seconds: u32| format!("[Service]\nWatchdogSec={seconds}\n");
        let (one, two, three) = (say(1), say(2), say(3));
        let own = "systemd-journald.service.d";
        let (etc, lib) = (below("etc", own, "50-a.conf"), below("usr/lib", own, "50-a.conf"));
        let of_prefix = below("etc", "systemd-.service.d", "50-a.conf");
        let of_type = below("usr/lib", "service.d", "60-b.conf");
        let control = "etc/systemd/system.control/systemd-journald.service.d/50-a.conf".to_owned();
        let fleeting = below("run", own, "99-z.conf");
        for (files, expected) in [
            (vec![base], "180"),
            (vec![base, (&lib, &one)], "1"),
            (vec![base, (&lib, &one), (&etc, &two)], "2"),
            (vec![base, (&lib, &one), (&etc, "-> /dev/null")], "180"),
            (vec![base, (&of_prefix, &one), (&lib, &two)], "1"),
            (vec![base, (&of_prefix, &one), (&etc, &two)], "2"),
            (vec![base, (&of_type, &three), (&etc, &two)], "3"),
            (vec![base, (&control, &three), (&etc, &two)], "3"),
            (vec![base, (&fleeting, &three), (&etc, &two)], "2"),
            (vec![base, (&etc, "[Service]\nWatchdogSec=\nWatchdogSec=soon\n")], "180"),
            (vec![base, (&etc, "[Service]\nWatchdogSec=0\n")], "0"),
            (vec![base, (&etc, "[Unit]\nWatchdogSec=5\n")], "180"),
            (vec![base, (&etc, "[Service]\nWatchdogSec=500ms\n")], "1"),
        ] {
            assert_eq!(ends(&files, "WatchdogSec"), expected, "{files:?}");
        }
        assert_eq!(ends(&[base], "TimeoutStartSec"), "infinity");
        assert_eq!(ends(&[(FILE, "[Unit]\nJobTimeoutSec=2min\n")], "JobTimeoutSec"), "120");
        assert_eq!(ends(&[(FILE, "[Service]\n")], "WatchdogSec"), "0");
        assert_eq!(ends(&[(FILE, "-> /dev/null")], "WatchdogSec"), "nobody is known to set it");
    }

    #[test]
    fn the_administrators_file_of_our_name_replaces_ours() {
        let body = "[Service]\nWatchdogSec=360\n";
        let marked = format!("{}{body}", marker_line(body.as_bytes()));
        let base = (FILE, "[Service]\nWatchdogSec=3min\n");
        let own = "systemd-journald.service.d";
        let theirs = below("etc", own, "90-hvtune.conf");
        let later = below("etc", own, "99-z.conf");
        let ours = Some(Ours { path: OURS, value: "360" });
        for (files, expected) in [
            (vec![base, (OURS, marked.as_str())], "360"),
            (vec![base, (OURS, &marked), (&theirs, "-> /dev/null")], "180"),
            (vec![base, (&theirs, "-> /dev/null")], "180"),
            (vec![base, (OURS, &marked), (&theirs, "[Service]\nWatchdogSec=60\n")], "60"),
            (vec![base, (&later, "[Service]\nWatchdogSec=60\n")], "60"),
        ] {
            let chain = chain(&facts(&files), JOURNALD, "WatchdogSec", ours);
            assert_eq!(chain.in_force().value(), Some(expected), "{files:?}");
            let own = chain.writers.iter().find(|writer| writer.is_ours()).unwrap();
            assert_eq!(own.acts == Acts::Yes, !files.iter().any(|(path, _)| *path == theirs), "{files:?}");
        }
        let without = chain(&facts(&[base, (OURS, &marked)]), JOURNALD, "WatchdogSec", None);
        assert_eq!(without.in_force().value(), Some("180"));
    }

    #[test]
    fn what_could_not_be_read_is_a_doubt() {
        let base = (FILE, "[Service]\nWatchdogSec=3min\n");
        let dir = below("etc", "systemd-journald.service.d", "50-a.conf/x");
        let said = ends(&[base, (&dir, "")], "WatchdogSec");
        assert!(said.contains("50-a.conf could not be read"), "{said}");
        let said = ends(&[(FILE, "[Service]\nWatchdogSec=3min\n[Unit\n")], "WatchdogSec");
        assert!(said.contains("does not read"), "{said}");
        let mut facts = facts(&[base]);
        facts.system.units[0].unread.push(UnreadFile { path: "etc".to_owned(), why: "x".to_owned() });
        assert_eq!(chain(&facts, JOURNALD, "WatchdogSec", None).doubts.len(), 1);
    }
}
