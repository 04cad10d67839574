//! What is in force at the next boot, read from the files of a root by readers of the test's own.
//!
//! A second and simpler reading than the product's: what one of them cannot tell for sure it leaves
//! out, and is then no part of a comparison.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hvtune::facts::Machine;

use crate::{boot, services, storage, sysctls};

/// One limit in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// How good it is: more is better, whichever way the knob turns.
    pub(crate) rank: i128,
    /// As people write it.
    pub(crate) shown: String,
}

/// Better than every number: no limit, no timer.
pub(crate) const FOREVER: i128 = i128::MAX;

/// Limits by knob, and by file or unit where there are several.
pub(crate) type Limits = BTreeMap<String, Limit>;

/// The longer the better, with one number that stands for ever.
pub(crate) fn longer(number: i64, is_forever: bool) -> Limit {
    Limit { rank: if is_forever { FOREVER } else { number.into() }, shown: number.to_string() }
}

/// The smaller the better.
pub(crate) fn smaller(number: i128) -> Limit {
    Limit { rank: -number, shown: number.to_string() }
}

/// Everything that a root says.
pub(crate) fn read(root: &Path, machine: &Machine) -> Limits {
    let args = boot::arguments(root);
    let mut limits = sysctls::read(root, machine, args.as_deref());
    limits.extend(services::read(root));
    limits.extend(storage::iscsi(root));
    limits.extend(storage::multipath(root));
    limits.extend(boot::nvme(root, args.as_deref()));
    limits
}

/// The directories of a format, highest first. `/lib` is another only where it is no link.
pub(crate) fn tops(root: &Path, below: &str) -> Vec<PathBuf> {
    let mut tops: Vec<PathBuf> =
        ["etc", "run", "usr/local/lib", "usr/lib"].iter().map(|top| root.join(top).join(below)).collect();
    if fs::symlink_metadata(root.join("lib")).is_ok_and(|meta| meta.is_dir()) {
        tops.push(root.join("lib").join(below));
    }
    tops
}

/// Files of a name's ending by name, of equal names that of the highest directory; a link to /dev/null
/// is a file without a line. `None` where something stands there of which it is not sure what the
/// consumer makes.
pub(crate) fn by_name(dirs: &[PathBuf], ending: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut paths: BTreeMap<String, PathBuf> = BTreeMap::new();
    for dir in dirs {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let entry = entry.unwrap();
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if name.ends_with(ending) {
                paths.entry(name).or_insert_with(|| entry.path());
            }
        }
    }
    let mut files = BTreeMap::new();
    for (name, path) in paths {
        if fs::read_link(&path).is_ok_and(|target| target == Path::new("/dev/null")) {
            files.insert(name, Vec::new());
        } else if fs::metadata(&path).is_ok_and(|meta| meta.is_file()) {
            files.insert(name, fs::read(&path).unwrap());
        } else if dirs.iter().filter(|dir| fs::symlink_metadata(dir.join(&name)).is_ok()).count() > 1 {
            // Does it hide the file of the same name below it? Consumers differ.
            return None;
        }
    }
    Some(files)
}

/// The systemd of a root, by the name of its library; `None`: older than 240, or none.
pub(crate) fn systemd(root: &Path) -> Option<u32> {
    let lib = root.join("usr/lib");
    let mut dirs = vec![lib.join("systemd"), root.join("usr/lib64/systemd")];
    dirs.extend(fs::read_dir(&lib).into_iter().flatten().map(|entry| entry.unwrap().path().join("systemd")));
    let entries = dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten();
    entries.filter_map(|entry| version(entry.unwrap().file_name().to_str()?)).max()
}

fn version(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("libsystemd-shared-")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
