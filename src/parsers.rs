//! Parsers that nothing outside this crate calls, opened to the fuzz targets (`--cfg fuzzing`) together
//! with what must hold of what they give. No build of the product has this module.

use crate::apply::{boot_menu, live};
use crate::marker::marker_line;
use crate::probe::boot::{self, look};
use crate::probe::disks::{above, attrs, path};
use crate::probe::hypervisor::{self, marks};
use crate::probe::mounts::parse as mounts;
use crate::probe::{iscsi, kernel, memory, modules, os, waagent, writers};
use crate::record;
use crate::root::journal::Journal;

/// One value of sysfs or procfs.
pub fn attribute(text: &str) {
    if let Some((offered, active)) = attrs::parse_scheduler(text) {
        assert!(offered.contains(&active), "{active} is not offered: {offered:?}");
    }
    if let Some((controller, path, namespace)) = path::parse_nvme(text) {
        let path = path.map(|path| format!("c{path}")).unwrap_or_default();
        assert_eq!(path::parse_nvme(&format!("nvme{controller}{path}n{namespace}")), path::parse_nvme(text));
    }
    let _ = (attrs::parse_flag(text), above::parse_class_id(text), iscsi::parse_recovery(text));
    let _ = (kernel::parse_cpu_list(text), memory::parse_total(text), live::parse_stat(text));
}

/// Mounts and swap areas.
pub fn mountinfo(text: &str) {
    for line in text.lines().filter_map(mounts::mount_line) {
        assert!(line.holds(&line.point) && line.options().all(|option| !option.is_empty()), "{line:?}");
        let _ = line.stands_on_storage();
    }
    assert!(mounts::swaps(text).len() <= text.lines().count());
    let _ = (marks::parse_own_root(text), boot_menu::boot_is_xfs(text));
}

/// Files of shell-like assignments: `os-release`, the agent's, open-iscsi's, the boot loader's.
pub fn assignments(text: &str) {
    let _ = (os::parse_release(text), waagent::scsi_timeout(text), iscsi::parse_settings(text));
    let _ = (look::setting(text, "layout"), boot::root_is_read_only(text));
    let profile = writers::parse_profile(text).unwrap_or_default();
    assert!(profile.len() <= 128 && profile.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{profile:?}");
}

/// Two menus, apart by a byte of 1: what is taken for the better one boots all that the other boots.
pub fn menu(text: &str) {
    let (old, new) = text.split_once('\u{1}').unwrap_or((text, text));
    let (before, after) = (boot_menu::entries(old), boot_menu::entries(new));
    let boots_all = !after.is_empty() && before.is_subset(&after);
    assert_eq!(boot_menu::compare(old, new).is_ok(), boots_all);
}

/// Rules of ours that are in place.
pub fn rules(text: &str) {
    for (class, attribute) in os::parse_writes(text) {
        assert!(!class.contains('\n') && !attribute.contains('\n'), "{class:?} {attribute:?}");
    }
}

/// Tables and modules: bytes.
pub fn binary(bytes: &[u8]) {
    let _ = (hypervisor::parse_fadt(bytes), marks::parse_environ(bytes));
    let _ = (modules::parse_modinfo(bytes), modules::parse_builtin_modinfo(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let names = modules::parse_builtin(text);
        assert!(names.iter().all(|name| !name.contains(['-', '/'])), "{names:?}");
    }
}

/// A journal that was cut short, torn or planted: nothing of it counts that is not ours, and nothing is
/// switched unless it is whole.
pub fn journal(bytes: &[u8]) {
    let is_confined = |path: &String| !path.starts_with('/') && path.split('/').all(|part| part != "..");
    for bytes in [bytes.to_vec(), [b"hvtune-journal 1\n", bytes].concat()] {
        let journal = Journal::parse(&bytes);
        let paths = journal.made.iter().chain(&journal.unwanted).chain(&journal.edited);
        assert!(paths.chain(journal.entries.iter().map(|entry| &entry.path)).all(is_confined), "{journal:?}");
        assert!(journal.committed || (journal.entries.is_empty() && journal.unwanted.is_empty()));
        let whole = Journal { committed: true, ..journal };
        let text = whole.intent() + &whole.commitment();
        assert_eq!(Journal::parse(text.as_bytes()), whole);
        assert!(!Journal::parse(text.trim_end().as_bytes()).committed);
    }
}

/// Records of what was made and edited. The marker is added, as its hash is no input that an engine finds.
pub fn records(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), [marker_line(bytes).as_bytes(), bytes].concat()] {
        for entry in record::parse_edits(&bytes) {
            assert!(!entry.path.contains("..") && !entry.ours.contains('\n'), "{entry:?}");
        }
        for directory in record::parse_made(&bytes) {
            assert!(!directory.starts_with('/') && !directory.contains(".."), "{directory}");
        }
    }
}
