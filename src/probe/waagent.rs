//! The Azure Linux agent: its file, and whether an agent is there that would run and read it.

use crate::facts::{Gap, IdleAgent, OsRelease, Unit, Waagent};
use crate::formats::waagent;
use crate::root::{Result, Root};

use super::units::Units;

const CONF: &str = "etc/waagent.conf";
const OEM: &str = "usr/share/oem/waagent.conf";
const DEFAULTS: &str = "usr/share/defaults/waagent/waagent.conf";

/// Where packages put the program (`get_data_files` in
/// <https://github.com/Azure/WALinuxAgent/blob/develop/setup.py>).
const PROGRAMS: &[&str] = &[
    "usr/sbin/waagent",
    "usr/bin/waagent",
    "sbin/waagent",
    "bin/waagent",
    "usr/local/sbin/waagent",
    "usr/local/bin/waagent",
    "usr/share/oem/bin/waagent",
];
/// The names of its service: everywhere, and on Debian and Ubuntu.
const NAMES: &[&str] = &["waagent", "walinuxagent"];
/// Where other ways to start it lie.
const SCRIPTS: &[&str] = &["etc/init.d", "etc/rc.d/init.d"];
const RUNLEVELS: &[&str] =
    &["etc/rc2.d", "etc/rc3.d", "etc/rc5.d", "etc/rc.d/rc3.d", "etc/rc.d/rc5.d", "etc/runlevels/default"];

const KEY: &str = "OS.RootDeviceScsiTimeout";

/// What was found of it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) agent: Option<Waagent>,
    pub(super) idle: Option<IdleAgent>,
    pub(super) units: Vec<Unit>,
}

/// Looks for the agent's file and then for an agent. What cannot be read is a gap.
pub(super) fn read(root: &Root, os: Option<&OsRelease>, units: &Units<'_>, gaps: &mut Vec<Gap>) -> Found {
    let mut found = Found::default();
    for path in places(os) {
        let bytes = match root.read(path) {
            Ok(None) => continue,
            Ok(Some(bytes)) => bytes,
            Err(error) => {
                gaps.push(Gap::new("writers.waagent", path, error.reason()));
                let agent =
                    Waagent { path: (*path).to_owned(), doubt: Some(error.reason()), ..Waagent::default() };
                found.agent = Some(agent).filter(|_| {
                    matches!(runs(root, units, gaps, &mut found.units), Runs::Yes | Runs::Maybe(_))
                });
                return found;
            }
        };
        let idle = |why: String| Some(IdleAgent { path: (*path).to_owned(), why });
        // It reads the file as UTF-8, and an empty one is an error (`load_conf_from_file`).
        let Ok(text) = String::from_utf8(bytes) else {
            gaps.push(Gap::new("writers.waagent", path, "not UTF-8 text, which the agent refuses to read"));
            found.idle = idle("it is not UTF-8, so the agent does not start".to_owned());
            return found;
        };
        let agent = parse(path, &text);
        match runs(root, units, gaps, &mut found.units) {
            Runs::No(why) => found.idle = idle(why),
            _ if text.is_empty() => found.idle = idle("it is empty, so the agent does not start".to_owned()),
            Runs::Yes => found.agent = Some(agent),
            Runs::Maybe(why) => found.agent = Some(Waagent { doubt: Some(why), ..agent }),
        }
        return found;
    }
    found
}

/// The one file that the agent reads on this distribution (`get_osutil` and `agent_conf_file_path`,
/// <https://github.com/Azure/WALinuxAgent/tree/develop/azurelinuxagent/common/osutil>).
fn places(os: Option<&OsRelease>) -> &'static [&'static str] {
    match os {
        Some(os) if os.is_like(&["coreos", "flatcar"]) => &[OEM],
        Some(os) if os.is_like(&["clear-linux-os"]) => &[DEFAULTS],
        Some(_) => &[CONF],
        None => &[CONF, OEM, DEFAULTS],
    }
}

fn parse(path: &str, text: &str) -> Waagent {
    let entry = waagent::scan(text).into_iter().rfind(|entry| entry.key == KEY);
    // Nothing, and the word None, switch it off.
    let entry = entry.filter(|entry| !matches!(entry.value, "None" | ""));
    Waagent {
        scsi_timeout: entry.as_ref().and_then(|entry| waagent::seconds(entry.value)),
        path: path.to_owned(),
        line: entry.as_ref().map_or(0, |entry| entry.line),
        shown: entry.map_or(String::new(), |entry| entry.value.to_owned()),
        doubt: None,
    }
}

/// `OS.RootDeviceScsiTimeout` as the agent reads it and the kernel takes it.
#[cfg(any(test, fuzzing))]
pub(crate) fn scsi_timeout(text: &str) -> Option<u64> {
    parse(CONF, text).scsi_timeout
}

enum Runs {
    Yes,
    No(String),
    Maybe(String),
}

/// Whether an agent is installed that starts at boot.
fn runs(root: &Root, units: &Units<'_>, gaps: &mut Vec<Gap>, read: &mut Vec<Unit>) -> Runs {
    match has_any(root, PROGRAMS) {
        Ok(true) => {}
        Ok(false) => return Runs::No("no waagent program is installed".to_owned()),
        Err(why) => return Runs::Maybe(format!("whether its program is installed could not be told: {why}")),
    }
    let mut reasons = Vec::new();
    for name in NAMES {
        let service = format!("{name}.service");
        let Some(unit) = units.read(&service, gaps) else { continue };
        let (masked, unread) = (unit.masked.clone(), unit.unread.first().cloned());
        let installs = unit.fragment.is_some();
        read.push(unit);
        match (masked, unread, installs) {
            (Some(by), _, _) => reasons.push(format!("{by} masks its service")),
            (None, Some(unread), false) => {
                return Runs::Maybe(unread.said());
            }
            _ => match units.is_wanted(&service) {
                Ok(true) => return Runs::Yes,
                Ok(false) => reasons.push(format!("{service} is not enabled")),
                Err(error) => return Runs::Maybe(error.to_string()),
            },
        }
    }
    if let Some(reason) = reasons.into_iter().next() {
        return Runs::No(reason);
    }
    scripted(root)
}

/// Without a unit of its own: a script in `init.d`, or upstart's file.
fn scripted(root: &Root) -> Runs {
    let named = |dirs: &[&str]| {
        dirs.iter().flat_map(|dir| NAMES.iter().map(move |name| format!("{dir}/{name}"))).collect::<Vec<_>>()
    };
    let upstart: Vec<String> = NAMES.iter().map(|name| format!("etc/init/{name}.conf")).collect();
    match (has_any(root, &upstart), has_any(root, &named(SCRIPTS)), is_in_runlevel(root)) {
        (Ok(true), _, _) | (_, Ok(true), Ok(true)) => Runs::Yes,
        (Ok(false), Ok(true), Ok(false)) => Runs::No("its script is in no runlevel".to_owned()),
        (Ok(false), Ok(false), _) => Runs::No("no service starts its program".to_owned()),
        (Err(why), _, _) | (_, Err(why), _) | (_, _, Err(why)) => Runs::Maybe(why),
    }
}

fn is_in_runlevel(root: &Root) -> std::result::Result<bool, String> {
    for dir in RUNLEVELS {
        let entries = root.list(dir).map_err(|error| error.to_string())?.unwrap_or_default();
        let starts = |entry: &crate::root::Entry| {
            let script = entry
                .name
                .strip_prefix('S')
                .map_or("", |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
            NAMES.iter().any(|name| entry.name == *name || script == *name)
        };
        if entries.iter().any(starts) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_any(root: &Root, paths: &[impl AsRef<str>]) -> std::result::Result<bool, String> {
    let there = |path: &str| -> Result<bool> { root.has_file(path) };
    for path in paths {
        if there(path.as_ref()).map_err(|error| error.to_string())? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    const UNIT: (&str, &str) = ("usr/lib/systemd/system/walinuxagent.service", "[Service]\nExecStart=/x\n");
    const WANTED: (&str, &str) = (
        "etc/systemd/system/multi-user.target.wants/walinuxagent.service",
        "-> /usr/lib/systemd/system/walinuxagent.service",
    );
    const PROGRAM: (&str, &str) = ("usr/sbin/waagent", "#!/usr/bin/python3\n");
    const TIMEOUT: (&str, &str) = (CONF, "a=1\nOS.RootDeviceScsiTimeout = \"300\" # s\n");

    fn looked(files: &[(&str, &str)], id: &str) -> (Found, Vec<Gap>) {
        let (_dir, root) = laid_out(files);
        let mut gaps = Vec::new();
        let units = Units::open(&root, &mut gaps);
        let os = OsRelease { id: id.to_owned(), ..OsRelease::default() };
        (read(&root, Some(&os), &units, &mut gaps), gaps)
    }

    fn said(files: &[(&str, &str)]) -> String {
        match looked(files, "debian").0 {
            Found { agent: Some(agent), .. } => format!("{:?} {:?}", agent.scsi_timeout, agent.doubt),
            Found { idle: Some(idle), .. } => idle.why,
            Found { .. } => "nothing".to_owned(),
        }
    }

    #[test]
    fn an_agent_counts_only_where_one_would_run() {
        let masked = ("etc/systemd/system/walinuxagent.service", "-> /dev/null");
        let emptied = ("etc/systemd/system/walinuxagent.service", "");
        let unreadable = ("usr/lib/systemd/system/walinuxagent.service/x", "");
        let script = ("etc/init.d/waagent", "#!/bin/sh\n");
        for (files, expected) in [
            (&[TIMEOUT, PROGRAM, UNIT, WANTED][..], "Some(300) None"),
            (&[TIMEOUT], "no waagent program is installed"),
            (&[TIMEOUT, UNIT, WANTED], "no waagent program is installed"),
            (&[TIMEOUT, PROGRAM], "no service starts its program"),
            (&[TIMEOUT, PROGRAM, UNIT], "walinuxagent.service is not enabled"),
            (
                &[TIMEOUT, PROGRAM, UNIT, WANTED, masked],
                "etc/systemd/system/walinuxagent.service masks its service",
            ),
            (
                &[TIMEOUT, PROGRAM, UNIT, WANTED, emptied],
                "etc/systemd/system/walinuxagent.service masks its service",
            ),
            (&[TIMEOUT, PROGRAM, script], "its script is in no runlevel"),
            (&[TIMEOUT, PROGRAM, script, ("etc/rc3.d/S09waagent", "-> ../init.d/waagent")], "Some(300) None"),
            (&[TIMEOUT, PROGRAM, ("etc/init/walinuxagent.conf", "x\n")], "Some(300) None"),
            (&[(CONF, ""), PROGRAM, UNIT, WANTED], "it is empty, so the agent does not start"),
            (&[PROGRAM, UNIT, WANTED], "nothing"),
        ] {
            assert_eq!(said(files), expected, "{files:?}");
        }
        let maybe = said(&[TIMEOUT, PROGRAM, unreadable]);
        assert!(
            maybe.starts_with("Some(300) Some(\"usr/lib/systemd/system/walinuxagent.service could not be"),
            "{maybe}"
        );
    }

    #[test]
    fn the_file_is_the_one_of_the_distribution() {
        let agent = |id: &str| {
            let files = [(OEM, TIMEOUT.1), (CONF, "OS.RootDeviceScsiTimeout=60\n"), PROGRAM, UNIT, WANTED];
            looked(&files, id).0.agent.map(|agent| (agent.path, agent.scsi_timeout, agent.line))
        };
        assert_eq!(agent("flatcar"), Some((OEM.to_owned(), Some(300), 2)));
        assert_eq!(agent("debian"), Some((CONF.to_owned(), Some(60), 1)));
        assert_eq!(agent("clear-linux-os"), None);
    }

    #[test]
    fn the_agents_timeout_is_read_as_the_agent_does() {
        for (text, expected) in [
            ("OS.RootDeviceScsiTimeout=300\nOS.RootDeviceScsiTimeoutPeriod=30\n", Some(300)),
            ("OS.RootDeviceScsiTimeout=\"300\"\r\n", Some(300)),
            ("OS.RootDeviceScsiTimeout=300\nOS.RootDeviceScsiTimeout=180\n", Some(180)),
            ("OS.RootDeviceScsiTimeout=None\n", None),
            ("OS.RootDeviceScsiTimeout=\n", None),
            ("OS.RootDeviceScsiTimeout=soon\n", None),
            ("#OS.RootDeviceScsiTimeout=300\n", None),
            ("", None),
        ] {
            assert_eq!(scsi_timeout(text), expected, "{text}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn an_agent_that_cannot_read_its_file_does_not_run() {
        let (dir, root) = laid_out(&[TIMEOUT, PROGRAM, UNIT, WANTED]);
        std::fs::write(dir.path().join(CONF), b"# caf\xe9\nOS.RootDeviceScsiTimeout=300\n").unwrap();
        let mut gaps = Vec::new();
        let units = Units::open(&root, &mut gaps);
        let found = read(&root, None, &units, &mut gaps);
        assert!(found.agent.is_none() && found.idle.is_some());
        assert_eq!(gaps.len(), 1);
    }
}
