//! The running kernel: release, command line, processors, live sysctls and module parameters.

use std::collections::BTreeMap;

use crate::cmdline::Cmdline;
use crate::facts::{Gap, KernelRelease};
use crate::root::{Dir, Root};

use super::{PARAMETERS, SYSCTL_KEYS, needed, noted};

const OSRELEASE: &str = "proc/sys/kernel/osrelease";
const CMDLINE: &str = "proc/cmdline";
/// Its identity is that of all variables which the specification of UEFI knows.
const SECURE_BOOT: &str = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const PRESENT: &str = "sys/devices/system/cpu/present";

/// The running kernel's release string, as it stands in `proc`.
pub fn read_osrelease(machine: &Root, gaps: &mut Vec<Gap>) -> Option<String> {
    let text = needed(gaps, "kernel.release", OSRELEASE, machine.read_text(OSRELEASE))?;
    Some(text.trim().to_owned())
}

/// That string's numbers.
pub fn release(text: Option<&str>, gaps: &mut Vec<Gap>) -> Option<KernelRelease> {
    let release = KernelRelease::parse(text?);
    if release.is_none() {
        gaps.push(Gap::new("kernel.release", OSRELEASE, "it does not start with a version"));
    }
    release
}

/// The running kernel's command line.
pub fn read_cmdline(machine: &Root, gaps: &mut Vec<Gap>) -> Option<Cmdline> {
    needed(gaps, "cmdline", CMDLINE, machine.read_text(CMDLINE)).map(|text| Cmdline::parse(&text))
}

/// Whether the firmware starts only what is signed; `None` where there is no such variable to read.
pub fn read_secure_boot(machine: &Root, gaps: &mut Vec<Gap>) -> Option<bool> {
    let bytes = noted(gaps, "secure_boot", SECURE_BOOT, machine.read(SECURE_BOOT)).into_value()?;
    secure_boot(&bytes)
}

/// The variable's value, behind the four bytes of its attributes
/// (<https://docs.kernel.org/filesystems/efivarfs.html>).
fn secure_boot(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [_, _, _, _, 0] => Some(false),
        [_, _, _, _, 1] => Some(true),
        _ => None,
    }
}

/// Present processors.
pub fn read_cpus(machine: &Root, gaps: &mut Vec<Gap>) -> Option<u32> {
    let text = needed(gaps, "cpus", PRESENT, machine.read_text(PRESENT))?;
    let cpus = parse_cpu_list(&text);
    if cpus.is_none() {
        gaps.push(Gap::new("cpus", PRESENT, "not a list of processor ranges"));
    }
    cpus
}

/// Counts a processor list: `0-7`, `0,2-3`
/// (<https://docs.kernel.org/admin-guide/cputopology.html>).
pub(crate) fn parse_cpu_list(text: &str) -> Option<u32> {
    let mut count = 0_u32;
    for range in text.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

/// Live values of [`SYSCTL_KEYS`]; one handle per directory, so a key costs one open.
pub fn read_sysctls(machine: &Root, gaps: &mut Vec<Gap>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for subtree in ["vm", "kernel"] {
        let path = format!("proc/sys/{subtree}");
        let Some(dir) = noted(gaps, "sysctl", &path, machine.dir(&path)).into_value() else { continue };
        for key in SYSCTL_KEYS {
            if let Some(name) = key.strip_prefix(subtree).and_then(|rest| rest.strip_prefix('.')) {
                read_value(&dir, name, key, gaps, &mut found);
            }
        }
    }
    found
}

/// Live values of [`PARAMETERS`].
pub fn read_parameters(machine: &Root, gaps: &mut Vec<Gap>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for modules in PARAMETERS.chunk_by(|one, next| one.0 == next.0) {
        let Some((module, _)) = modules.first() else { continue };
        let path = format!("sys/module/{module}/parameters");
        let Some(dir) = noted(gaps, module, &path, machine.dir(&path)).into_value() else { continue };
        for (_, name) in modules {
            read_value(&dir, name, &format!("{module}.{name}"), gaps, &mut found);
        }
    }
    found
}

fn read_value(
    dir: &Dir<'_>,
    name: &str,
    key: &str,
    gaps: &mut Vec<Gap>,
    found: &mut BTreeMap<String, String>,
) {
    let path = format!("{}/{name}", dir.path());
    if let Some(text) = noted(gaps, key, &path, dir.read_text(name)).into_value() {
        found.insert(key.to_owned(), text.trim().to_owned());
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;

    #[test]
    fn processor_lists_are_counted() {
        for (text, count) in [
            ("0-7\n", Some(8)),
            ("0", Some(1)),
            ("0-3,8-11", Some(8)),
            ("0,2-3", Some(3)),
            ("", None),
            ("3-1", None),
            ("0-4294967295", None),
            ("all", None),
        ] {
            assert_eq!(parse_cpu_list(text), count, "{text:?}");
        }
    }

    #[test]
    fn the_variable_of_secure_boot_is_one_byte() {
        for (bytes, on) in [
            (&[6, 0, 0, 0, 1][..], Some(true)),
            (&[6, 0, 0, 0, 0], Some(false)),
            (&[6, 0, 0, 0, 2], None),
            (&[6, 0, 0, 0], None),
            (&[], None),
        ] {
            assert_eq!(secure_boot(bytes), on, "{bytes:?}");
        }
    }

    #[test]
    fn keys_and_parameters_that_are_there_are_read_and_no_other() {
        let temp = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("proc/sys/vm/swappiness", "60\n"),
            ("proc/sys/vm/overcommit_memory", "0\n"),
            ("proc/sys/kernel/panic", "0\n"),
            ("sys/module/nvme_core/parameters/io_timeout", "30\n"),
            ("sys/module/nvme_core/parameters/multipath", "Y\n"),
        ] {
            let path = temp.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = Root::offline(temp.path()).unwrap();
        let mut gaps = Vec::new();
        let pairs = |map: BTreeMap<String, String>| -> Vec<String> {
            map.iter().map(|(key, value)| format!("{key}={value}")).collect()
        };
        assert_eq!(pairs(read_sysctls(&root, &mut gaps)), ["kernel.panic=0", "vm.swappiness=60"]);
        assert_eq!(
            pairs(read_parameters(&root, &mut gaps)),
            ["nvme_core.io_timeout=30", "nvme_core.multipath=Y"]
        );
        assert_eq!(gaps, []);
    }
}
