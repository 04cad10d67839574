//! Programs that write to `/proc/sys` and `/sys` once, later in the boot.

use crate::facts::{BootScript, FileWrites, Programs, Ufw, UnitState};
use crate::formats::programs::assignment::{Assigned, last};
use crate::formats::programs::{PathWrite, script, sysfsutils, tmpfiles};
use crate::formats::sysctl::read::read_procps;

use super::layers::Layers;
use super::reader::Reader;
use super::{saptune, sysctls, tuned, units};

const TMPFILES: Layers = Layers { below: "tmpfiles.d", ending: ".conf", fact: "writers.tmpfiles" };
/// Files that rc-local.service or its like runs, with the unit; distributions differ in the path.
const SCRIPTS: [&str; 4] =
    ["etc/rc.local", "etc/rc.d/rc.local", "etc/init.d/boot.local", "etc/init.d/after.local"];
const RC_LOCAL: &str = "rc-local.service";

/// The texts by which a line of a script names a knob of ours.
const NAMES: &[&str] = &[
    "swappiness",
    "dirty_",
    "hung_task_",
    "kernel.panic",
    "kernel/panic",
    "softlockup_panic",
    "watchdog_thresh",
    "scheduler",
    "nr_requests",
    "read_ahead_kb",
    "io_timeout",
    "/timeout",
    "max_retries",
    "--setra",
];

/// Reads them all.
pub(super) fn read(reader: &mut Reader<'_>) -> Programs {
    Programs {
        tmpfiles: read_tmpfiles(reader),
        tmpfiles_service: units::fixed(reader.root, reader.listed, "systemd-tmpfiles-setup.service"),
        sysfsutils: read_sysfsutils(reader),
        sysfsutils_service: sysfsutils_service(reader),
        scripts: read_scripts(reader),
        ufw: read_ufw(reader),
        tuned: tuned::read(reader),
        saptune: saptune::read(reader),
    }
}

/// Whether a path can be that of a knob of ours.
fn concerns(write: &PathWrite) -> bool {
    write.target.is_empty() || ["/proc/sys/", "/sys/"].iter().any(|top| write.target.starts_with(top))
}

fn read_tmpfiles(reader: &mut Reader<'_>) -> Vec<FileWrites> {
    let found = TMPFILES.read(reader.root, reader.tops, reader.notes, reader.gaps);
    let mut files = Vec::new();
    for file in found {
        let read = tmpfiles::read(&file.text);
        // A path that only systemd can tell is seldom one of ours; where the line names a knob, it is said.
        let rows: Vec<&str> = file.text.lines().collect();
        let open = read.open.into_iter().filter_map(|line| {
            let shown = *rows.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
            let named = NAMES.iter().any(|name| shown.contains(name));
            let maybe = Some("its path holds something that only systemd-tmpfiles can tell");
            let shown = shown.trim().to_owned();
            named.then_some(PathWrite { line, target: String::new(), value: None, shown, maybe })
        });
        let writes: Vec<PathWrite> = read.writes.into_iter().filter(concerns).chain(open).collect();
        if !writes.is_empty() {
            files.push(FileWrites { path: file.path, writes });
        }
    }
    files
}

fn read_sysfsutils(reader: &mut Reader<'_>) -> Vec<FileWrites> {
    let update = reader.any(&["usr/sbin/update-sysfs"]);
    let program = if update { sysfsutils::Reader::Update } else { sysfsutils::Reader::Script };
    // Its unit is not started without the first file.
    if update && !reader.any(&["etc/sysfs.conf"]) {
        return Vec::new();
    }
    let mut paths = vec!["etc/sysfs.conf".to_owned()];
    let names = reader.names("sysfsutils", "etc/sysfs.d", ".conf");
    paths.extend(
        names.into_iter().filter(|name| !name.starts_with('.')).map(|name| format!("etc/sysfs.d/{name}")),
    );
    let mut files = Vec::new();
    for path in paths {
        let Some(text) = reader.text("sysfsutils", &path) else { continue };
        let conf = sysfsutils::read(&text, program);
        files.push(FileWrites { path, writes: conf.writes });
        if conf.stops.is_some() {
            break;
        }
    }
    files.retain(|file| !file.writes.is_empty());
    files
}

/// Debian's package has an init script, which systemd's generator starts, or a unit.
fn sysfsutils_service(reader: &Reader<'_>) -> UnitState {
    match units::state(reader.root, reader.listed, "sysfsutils.service") {
        UnitState::Absent if reader.any(&["etc/init.d/sysfsutils"]) => UnitState::Enabled,
        state => state,
    }
}

fn read_scripts(reader: &mut Reader<'_>) -> Vec<BootScript> {
    // The unit names the one that it runs, where it is there to be read.
    let mut named = None;
    for dir in ["usr/lib/systemd/system", "lib/systemd/system"] {
        let unit = reader.text("rc.local", &format!("{dir}/{RC_LOCAL}"));
        let condition = |text: &String| {
            let value = text.lines().find_map(|line| line.trim().strip_prefix("ConditionFileIsExecutable="));
            value.map(|path| path.trim().trim_start_matches('/').to_owned())
        };
        named = named.or(unit.as_ref().and_then(condition));
    }
    let mut scripts = Vec::new();
    for path in SCRIPTS {
        if named.as_deref().is_some_and(|named| named != path) {
            continue;
        }
        // One that is a link to another of them is read there.
        let link = reader.root.read_link(path).ok().flatten();
        if named.is_none() && link.is_some_and(|target| target.ends_with("rc.d/rc.local")) {
            continue;
        }
        let Some(text) = reader.text("rc.local", path) else { continue };
        let found = script::read(&text, NAMES);
        let writes: Vec<PathWrite> = found.writes.into_iter().filter(concerns).collect();
        if writes.is_empty() && found.applies.is_empty() {
            continue;
        }
        scripts.push(BootScript {
            path: path.to_owned(),
            executable: reader.root.is_executable(path).unwrap_or(true),
            service: units::fixed(reader.root, reader.listed, RC_LOCAL),
            writes,
            applies: found.applies,
        });
    }
    scripts
}

/// ufw, where it is configured
/// (`/lib/ufw/ufw-init`, `ufw-init-functions`: <https://git.launchpad.net/ufw/tree/src/ufw-init-functions>).
fn read_ufw(reader: &mut Reader<'_>) -> Option<Ufw> {
    let conf = reader.text("ufw", "etc/ufw/ufw.conf")?;
    let enabled = match last(&conf, "ENABLED").map(|(_, value)| value) {
        Some(Assigned::Value(value)) => Some(matches!(value.as_str(), "yes" | "YES")),
        Some(Assigned::Open) => None,
        None => Some(false),
    };
    let default = reader.text("ufw", "etc/default/ufw").unwrap_or_default();
    let path = match last(&default, "IPT_SYSCTL").map(|(_, value)| value) {
        Some(Assigned::Value(path)) if !path.is_empty() => Some(path.trim_start_matches('/').to_owned()),
        Some(Assigned::Open) => {
            reader.open("ufw", "etc/default/ufw", "only a shell can tell the file of IPT_SYSCTL");
            None
        }
        _ => None,
    };
    let text = path.as_deref().and_then(|path| reader.text("ufw", path));
    let file = path.zip(text).and_then(|(path, text)| sysctls::file(&path, read_procps(&text)));
    Some(Ufw { enabled, service: units::state(reader.root, reader.listed, "ufw.service"), file })
}
