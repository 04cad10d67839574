//! What makes a file ours: its name and its first line, which tells ours from other
//! people's and untouched from edited. Pure.

pub mod addon;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::facts::{CMDLINE, DEVICES, EMERGENCY, KARGS, MANAGER, OTHER_DEVICES, served};
use crate::stores::place::is_store;

/// The one base name of everything that we write.
pub const BASE_NAME: &str = "90-hvtune";

/// The name of the drop-ins for devices: `x-systemd.device-timeout=` of a line in fstab becomes
/// `50-device-timeout.conf`, and is read after it.
pub const DEVICE_WAIT: &str = "10-hvtune";

/// Scripts that initramfs-tools runs before it waits for root: of a host and of an image.
pub const PREMOUNTS: [&str; 2] = [
    "etc/initramfs-tools/scripts/init-premount/90-hvtune",
    "usr/share/initramfs-tools/scripts/init-premount/90-hvtune",
];

/// How a script of ours begins, before the marker.
pub const SHEBANG: &str = "#!/bin/sh\n";

/// The udev property that carries a disk's class from our mark to our writes; `udevadm info` shows it.
pub const CLASS_MARK: &str = "ENV{HVTUNE_CLASS}";

/// Where an initramfs's maker looks for more drivers: dracut on a host, in an image, and initramfs-tools.
pub const DRIVER_LISTS: [&str; 3] = [
    "etc/dracut.conf.d/90-hvtune.conf",
    "usr/lib/dracut/dracut.conf.d/90-hvtune.conf",
    "usr/share/initramfs-tools/modules.d/90-hvtune",
];

/// Whether what a file of ours says has to be in the initramfs: options of storage drivers, which are loaded there,
/// and how long root is waited for.
pub fn counts_inside(path: &str) -> bool {
    path.contains("/modprobe.d/") || PREMOUNTS.contains(&path)
}

/// Every path that a file of ours can have, in plan order.
pub fn all_paths() -> Vec<String> {
    let mut paths = Vec::new();
    for (directory, extension) in [("udev/rules.d", "rules"), ("sysctl.d", "conf"), ("modprobe.d", "conf")] {
        paths.push(format!("etc/{directory}/{BASE_NAME}.{extension}"));
        paths.push(format!("usr/lib/{directory}/{BASE_NAME}.{extension}"));
    }
    paths.push(format!("etc/default/grub.d/{BASE_NAME}.cfg"));
    paths.push(format!("{KARGS}/{BASE_NAME}.toml"));
    paths.push(format!("{CMDLINE}/{BASE_NAME}.conf"));
    paths.push(format!("etc/multipath/conf.d/{BASE_NAME}.conf"));
    paths.extend(DRIVER_LISTS.map(str::to_owned));
    paths.extend(PREMOUNTS.map(str::to_owned));
    for top in ["etc", "usr/lib"] {
        for devices in [DEVICES, OTHER_DEVICES] {
            paths.push(format!("{top}/systemd/system/{devices}.d/{DEVICE_WAIT}.conf"));
        }
        paths.push(format!("{top}/systemd/{MANAGER}.d/{BASE_NAME}.conf"));
        paths.push(format!("{top}/systemd/system/{EMERGENCY}.d/{BASE_NAME}.conf"));
    }
    for unit in served() {
        paths.push(format!("etc/systemd/system/{unit}.d/{BASE_NAME}.conf"));
        paths.push(format!("usr/lib/systemd/system/{unit}.d/{BASE_NAME}.conf"));
    }
    paths
}

/// Where the directories that were made for our files are written down.
pub const RECORD: &str = "var/lib/hvtune/made-directories";

/// The same in a layer, which has no `/var`; its presence tells that the root was written as one.
pub const LAYER_RECORD: &str = "usr/lib/hvtune/made-directories";

/// Lines of ours in files of others, a JSON object a line.
pub const EDITS: &str = "var/lib/hvtune/edits";

/// Restarts out of emergency mode, a line each.
pub const RESTARTS: &str = "var/lib/hvtune/restarts";

/// Every path at which a file of ours can be.
pub fn known_paths() -> Vec<String> {
    let mut paths = all_paths();
    paths.push(RECORD.to_owned());
    paths.push(LAYER_RECORD.to_owned());
    paths.push(EDITS.to_owned());
    paths.push(RESTARTS.to_owned());
    paths
}

/// Whether a path is that of a file of others in which single lines or arguments are changed.
pub fn is_edited(path: &str) -> bool {
    // What begins with a dot climbs, or is a staged file that a power cut left. A line end would break a
    // line of the journal.
    let climbs = path.contains('\n') || path.split('/').any(|part| part.is_empty() || part.starts_with('.'));
    let below = |top: &&str| path.starts_with(*top);
    matches!(path, "etc/fstab" | "etc/iscsi/iscsid.conf" | "etc/waagent.conf")
        || is_store(path)
        || (!climbs && ["etc/iscsi/nodes/", "var/lib/iscsi/nodes/"].iter().any(below))
}

/// Every directory on the way to one of [`known_paths`].
pub fn known_dirs() -> BTreeSet<String> {
    let mut dirs = BTreeSet::new();
    for path in known_paths() {
        dirs.extend(path.match_indices('/').filter_map(|(end, _)| path.get(..end)).map(str::to_owned));
    }
    dirs
}

/// What stands where a file of ours would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// A file of ours, as we wrote it.
    Ours,
    /// A file of ours that somebody edited since.
    Edited,
    /// Somebody else's file.
    Foreign,
}

/// The marker line for a body, line end included.
pub fn marker_line(body: &[u8]) -> String {
    format!("# hvtune {} sha256:{}\n", env!("CARGO_PKG_VERSION"), content_hash(body))
}

/// The first 16 hex digits of SHA-256: of the rest of the file in our marker line, of whole files in the
/// journal. It tells contents apart, and guards against accidents only.
pub fn content_hash(body: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(body);
    digest.iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What follows the marker line, or `None` where the first line, or the one after [`SHEBANG`], is no marker of ours.
pub fn body_of(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let bytes = bytes.strip_prefix(SHEBANG.as_bytes()).unwrap_or(bytes);
    let rest = bytes.strip_prefix(b"# hvtune ")?;
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let (line, body) = rest.split_at(end);
    let (_, hash) = std::str::from_utf8(line).ok()?.rsplit_once(" sha256:")?;
    Some((hash, body.get(1..)?))
}

/// Whether a file is one of ours by its marker and its path: a copy under another name is read as anybody's.
pub fn is_ours(path: &str, bytes: &[u8]) -> bool {
    body_of(bytes).is_some() && all_paths().iter().any(|own| own == path)
}

/// Judges a file's bytes by their marker.
pub fn standing_of(bytes: Option<&[u8]>) -> Standing {
    let Some(bytes) = bytes else { return Standing::Absent };
    let judged = |hash: &str, body: &[u8]| {
        if hash == content_hash(body) { Standing::Ours } else { Standing::Edited }
    };
    if let Some((hash, body)) = body_of(bytes) {
        return judged(hash, body);
    }
    addon::body_of(bytes).map_or(Standing::Foreign, |(hash, body)| judged(&hash, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(body: &str) -> Vec<u8> {
        format!("{}{body}", marker_line(body.as_bytes())).into_bytes()
    }

    #[test]
    fn only_directories_of_ours_count() {
        for (directory, ours) in [
            ("etc/udev", true),
            ("usr/lib/modprobe.d", true),
            ("var/lib/hvtune", true),
            ("etc", true),
            ("home", false),
            ("etc/ud", false),
            ("../etc", false),
            ("", false),
        ] {
            assert_eq!(known_dirs().contains(directory), ours, "{directory:?}");
        }
    }

    #[test]
    fn a_marker_tells_ours_from_edited_and_foreign() {
        assert_eq!(standing_of(None), Standing::Absent);
        assert_eq!(standing_of(Some(&marked("vm.swappiness = 10\n"))), Standing::Ours);
        let mut edited = marked("vm.swappiness = 10\n");
        edited.extend(b"vm.swappiness = 1\n");
        assert_eq!(standing_of(Some(&edited)), Standing::Edited);
        assert_eq!(standing_of(Some(b"vm.swappiness = 10\n")), Standing::Foreign);
        assert_eq!(standing_of(Some(b"# hvtune no hash\n")), Standing::Foreign);
        assert_eq!(standing_of(Some(b"")), Standing::Foreign);
    }
}
