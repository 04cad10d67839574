//! systemd's units, as plain data: what each file says that is read for one.

use super::UnreadFile;

/// Where units and drop-ins lie, the first before the second (`lookup_paths_init`,
/// <https://github.com/systemd/systemd/blob/v252/src/basic/path-lookup.c>); `lib` is a directory of its
/// own only where `/usr` is not merged.
pub const UNIT_DIRS: [&str; 13] = [
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
];

/// A unit, and all that is read for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// Its name: `systemd-journald.service`.
    pub name: String,
    /// Its file; `None` where there is none, or it could not be read.
    pub fragment: Option<UnitFile>,
    /// The file or link that masks it, below the root.
    pub masked: Option<String>,
    /// Its drop-ins, those that are replaced or masked included, in the order in which they are read.
    pub drop_ins: Vec<DropIn>,
    /// Files and directories that could not be read.
    pub unread: Vec<UnreadFile>,
}

/// A drop-in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DropIn {
    /// What it says; nothing where it is a link to /dev/null, or replaced.
    pub file: UnitFile,
    /// Where its directory stands among those that are searched: of the same name the lowest counts.
    pub rank: usize,
    /// The file of the same name that is read in its place.
    pub replaced_by: Option<String>,
    /// Whether it is a link to /dev/null.
    pub masks: bool,
}

/// One file of a unit's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitFile {
    /// Below the root.
    pub path: String,
    /// Whether it carries our marker.
    pub ours: bool,
    /// The assignments of spans of time, of what the unit runs, and of what it wants.
    pub lines: Vec<UnitLine>,
    /// The line at which systemd stops reading it, and why.
    pub stops: Option<(u32, String)>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitLine {
    /// Line number, from 1.
    pub line: u32,
    /// Section: `Service`.
    pub section: String,
    /// Key: `WatchdogSec`.
    pub key: String,
    /// Value as written.
    pub value: String,
}

/// Whether what lies there is gone after a restart: all of /run but what generators write anew.
pub fn is_fleeting(path: &str) -> bool {
    path.starts_with("run/") && !path.starts_with("run/systemd/generator")
}

/// The directories of a unit's drop-ins below each of [`UNIT_DIRS`], the more particular first, and
/// that of all units of its type (`unit_file_find_dirs`,
/// <https://github.com/systemd/systemd/blob/v252/src/shared/dropin.c>).
pub fn drop_in_dirs(unit: &str) -> (Vec<String>, String) {
    let (stem, kind) = unit.rsplit_once('.').unwrap_or((unit, ""));
    let mut dirs = vec![format!("{unit}.d")];
    let mut prefix = stem;
    while let Some(dash) = prefix.trim_end_matches('-').rfind('-').filter(|dash| *dash > 0) {
        prefix = prefix.get(..=dash).unwrap_or_default();
        dirs.push(format!("{prefix}.{kind}.d"));
    }
    (dirs, format!("{kind}.d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_ins_of_prefixes_and_of_the_type() {
        let (dirs, kind) = drop_in_dirs("systemd-journald.service");
        assert_eq!(dirs, ["systemd-journald.service.d", "systemd-.service.d"]);
        assert_eq!(kind, "service.d");
        let (dirs, _) = drop_in_dirs("a-b-c.mount");
        assert_eq!(dirs, ["a-b-c.mount.d", "a-b-.mount.d", "a-.mount.d"]);
        assert_eq!(drop_in_dirs("-.mount").0, ["-.mount.d"]);
        assert!(is_fleeting("run/systemd/system/x") && !is_fleeting("run/systemd/generator/x"));
    }
}
