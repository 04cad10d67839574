//! Opening a path confined to the root, by `openat2`.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::walk::{AT_ONCE, Way, walk};
use super::{Error, Result, Root};
use crate::seeded;

/// How often `EAGAIN` is retried. The kernel gives it wherever a path holds `..`
/// while anything anywhere is renamed or mounted
/// (<https://man7.org/linux/man-pages/man2/openat2.2.html>).
const TRIES: u32 = 600;

/// A nap before a further try: all of them together end within a second.
const NAP: Duration = Duration::from_millis(1);

/// Makes a call again that a signal interrupted; not for ever, as a run has to end.
pub(super) fn uninterrupted<T>(
    mut call: impl FnMut() -> std::result::Result<T, Errno>,
) -> std::result::Result<T, Errno> {
    for _ in 0..TRIES {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
    Err(Errno::INTR)
}

/// `openat2` below `dir`, with the spurious `EAGAIN` retried.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn openat2(
    dir: &OwnedFd,
    path: &str,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> std::result::Result<OwnedFd, Errno> {
    let last = if seeded::bug("no-eagain-retry") { 0 } else { TRIES };
    let mut tries = 0;
    loop {
        match rustix::fs::openat2(dir, path, flags | OFlags::CLOEXEC, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tries < last => tries += 1,
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

/// Opens one name in an open directory, never through a link and never what is mounted there.
pub(super) fn open_name(
    dir: &OwnedFd,
    name: &str,
    flags: OFlags,
    mode: Mode,
) -> std::result::Result<OwnedFd, Errno> {
    if name.is_empty() || name == ".." || name.contains('/') {
        return Err(Errno::INVAL);
    }
    let flags = flags | OFlags::NOFOLLOW;
    match openat2(dir, name, flags, mode, BENEATH | ResolveFlags::NO_XDEV) {
        Err(Errno::NOSYS | Errno::PERM) =>
        {
            #[expect(clippy::disallowed_methods, reason = "this is the door")]
            rustix::fs::openat(dir, name, flags | OFlags::CLOEXEC, mode)
        }
        other => other,
    }
}

/// Below a directory, and no link on the way.
const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

impl Root {
    /// As on a kernel that has no `openat2`: every path is walked name by name.
    #[must_use]
    pub fn without_openat2(self) -> Self {
        self.walks.set(true);
        self
    }

    /// Opens a path inside the root; `None` where it does not exist.
    pub(super) fn open(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>> {
        let relative = match path.trim_start_matches('/') {
            "" => ".",
            relative => relative,
        };
        let confined = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        match self.open_below(&self.dir, relative, flags, confined) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(Error::io("opening", path, errno)),
        }
    }

    /// Opens what lies below one of the root's directories; no link on the way is followed.
    pub(super) fn open_beneath(
        &self,
        dir: &OwnedFd,
        path: &str,
        flags: OFlags,
    ) -> std::result::Result<OwnedFd, Errno> {
        self.open_below(dir, path, flags, BENEATH)
    }

    /// An image is one mount: what else is mounted below it is the host's (`/proc`, a bind mount), and
    /// neither read nor written. The running system is made of mounts.
    fn open_below(
        &self,
        dir: &OwnedFd,
        path: &str,
        flags: OFlags,
        resolve: ResolveFlags,
    ) -> std::result::Result<OwnedFd, Errno> {
        let resolve = if self.live { resolve } else { resolve | ResolveFlags::NO_XDEV };
        if !self.walks.get() {
            match openat2(dir, path, flags, Mode::empty(), resolve) {
                Err(Errno::NOSYS) => self.walks.set(true),
                // A sandbox's refusal, or the file's own: the walk will tell. It meets no storm of renames.
                Err(Errno::PERM) => {}
                Err(Errno::AGAIN) if !seeded::bug("no-eagain-retry") => {}
                other => return other,
            }
        }
        if self.live {
            // Below the live `/` a plain open resolves the same, as nothing lies outside of it.
            #[expect(clippy::disallowed_methods, reason = "this is the door")]
            return rustix::fs::openat(dir, path, flags | OFlags::CLOEXEC, Mode::empty());
        }
        let links = resolve.contains(ResolveFlags::IN_ROOT);
        walk(dir, path, flags, Way { links, mounts: false })
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
