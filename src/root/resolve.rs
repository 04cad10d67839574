//! Opening a path confined to the root, by `openat2`.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::{Error, Result, Root};

/// How often `EAGAIN` is retried. The kernel gives it wherever a path holds `..`
/// while anything anywhere is renamed or mounted
/// (<https://man7.org/linux/man-pages/man2/openat2.2.html>).
const TRIES: u32 = 600;

/// How many of them at once, as many as libpathrs has. Each further one waits first: a
/// hypervisor may have put aside the processor that is in the middle of a rename, and
/// until it is back every try fails.
const AT_ONCE: u32 = 128;

/// A nap before a further try: all of them together end within a second.
const NAP: Duration = Duration::from_millis(1);

/// `openat2` below `dir`, with the spurious `EAGAIN` retried.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn openat2(
    dir: &OwnedFd,
    path: &str,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> std::result::Result<OwnedFd, Errno> {
    let mut tries = 0;
    loop {
        match rustix::fs::openat2(dir, path, flags | OFlags::CLOEXEC, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tries < TRIES => tries += 1,
            other => return other,
        }
        if tries > AT_ONCE {
            std::thread::sleep(NAP);
        }
    }
}

/// Where a link in the directory `dir` points, as a path below the root: worked
/// out from the text alone, climbing no higher than the root. sysfs links point
/// straight at directories, so for them this is where the kernel would end too.
pub fn link_target(dir: &str, target: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let from = if target.starts_with('/') { "" } else { dir };
    for part in from.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

impl Root {
    /// Opens a path inside the root; `None` where it does not exist.
    pub(super) fn open(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>> {
        let relative = match path.trim_start_matches('/') {
            "" => ".",
            relative => relative,
        };
        let confined = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.dir, relative, flags, Mode::empty(), confined) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(Errno::NOSYS | Errno::PERM) if self.live => self.open_plain(relative, flags),
            Err(errno) => Err(Error::io("opening", path, errno)),
        }
    }

    /// Kernels before 5.6 and some sandboxes have no `openat2`. Below the live `/`
    /// a plain open resolves the same, as nothing lies outside of it.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn open_plain(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>> {
        match rustix::fs::openat(&self.dir, path, flags | OFlags::CLOEXEC, Mode::empty()) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(Error::io("opening", path, errno)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_targets_stay_below_the_root() {
        for (dir, target, path) in [
            (
                "sys/bus/vmbus/devices",
                "../../../devices/LNXSYSTM:00/VMBUS:00/00000000-0000-8899-0000-000000000000",
                "sys/devices/LNXSYSTM:00/VMBUS:00/00000000-0000-8899-0000-000000000000",
            ),
            ("sys/block", "../devices/virtual/block/dm-0", "sys/devices/virtual/block/dm-0"),
            ("etc", "/usr/lib/os-release", "usr/lib/os-release"),
            ("etc", "../../../../x", "x"),
            (".", "a/./b//c", "a/b/c"),
        ] {
            assert_eq!(link_target(dir, target), path);
        }
    }
}
