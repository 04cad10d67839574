//! Opening a path confined to the root without `openat2`: kernels before 5.6, and
//! sandboxes that forbid it (systemd's `RestrictSUIDSGID=` does).
//!
//! Every name is opened by itself, never through a link; a link's text is read and
//! walked in its turn, and `..` goes back to a directory that was passed, never to
//! one that the kernel finds above it.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, StatxFlags};
use rustix::io::Errno;

/// How many further tries are made at once, as many as libpathrs makes. Each further one waits first: a
/// hypervisor may have put aside the processor that is in the middle of a rename, and
/// until it is back every try fails.
pub(super) const AT_ONCE: u32 = 128;

/// Links on the way to one file; the kernel's own bound (man 7 `path_resolution`).
const MAX_LINKS: u32 = 40;

/// What is allowed on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Links are followed, and `..` climbs as high as the top.
    pub(super) links: bool,
    /// Other mounts are entered.
    pub(super) mounts: bool,
}

type Answer<T> = std::result::Result<T, Errno>;

/// Opens a path below `top`.
pub(super) fn walk(top: &OwnedFd, path: &str, flags: OFlags, way: Way) -> Answer<OwnedFd> {
    let mut left = AT_ONCE;
    loop {
        match walk_once(top, path, flags | OFlags::CLOEXEC, way) {
            Err(Errno::AGAIN | Errno::INTR) if left > 0 => left -= 1,
            other => return other,
        }
    }
}

fn walk_once(top: &OwnedFd, path: &str, flags: OFlags, way: Way) -> Answer<OwnedFd> {
    let home = if way.mounts { None } else { Some(mount_of(top)?) };
    let mut above: Vec<OwnedFd> = Vec::new();
    let mut todo = Vec::new();
    let mut links = 0;
    push(&mut todo, path.as_bytes());
    while let Some(part) = todo.pop() {
        if part == b".." {
            if !way.links {
                return Err(Errno::XDEV);
            }
            above.pop();
            continue;
        }
        let here = above.last().unwrap_or(top);
        let (found, stat) = look(here, &part)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Symlink {
            if todo.is_empty() && flags.contains(OFlags::NOFOLLOW | OFlags::PATH) {
                return Ok(found);
            }
            links += 1;
            if !way.links || links > MAX_LINKS || (todo.is_empty() && flags.contains(OFlags::NOFOLLOW)) {
                return Err(Errno::LOOP);
            }
            let target = target_of(&found)?;
            if target.starts_with(b"/") {
                above.clear();
            }
            push(&mut todo, &target);
            continue;
        }
        if home.is_some() && home != Some(mount_of(&found)?) {
            return Err(Errno::XDEV);
        }
        let is_dir = kind == FileType::Directory;
        if !is_dir && (!todo.is_empty() || flags.contains(OFlags::DIRECTORY)) {
            return Err(Errno::NOTDIR);
        }
        if !todo.is_empty() {
            above.push(found);
        } else if flags.contains(OFlags::PATH) {
            return Ok(found);
        } else {
            return reopen(here, &part, flags, &stat);
        }
    }
    open(above.last().unwrap_or(top), b".", flags)
}

/// The names of a path, the first one last.
fn push(todo: &mut Vec<Vec<u8>>, path: &[u8]) {
    let parts = path.split(|byte| *byte == b'/').rev();
    todo.extend(parts.filter(|part| !matches!(*part, b"" | b".")).map(<[u8]>::to_vec));
}

fn look(here: &OwnedFd, name: &[u8]) -> Answer<(OwnedFd, Stat)> {
    let found = open(here, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
    let stat = rustix::fs::fstat(&found)?;
    Ok((found, stat))
}

/// Opens in earnest what was looked at. Another thing under its name is a reason to try again.
fn reopen(here: &OwnedFd, name: &[u8], flags: OFlags, seen: &Stat) -> Answer<OwnedFd> {
    let fd = match open(here, name, flags | OFlags::NOFOLLOW) {
        Err(Errno::LOOP) => return Err(Errno::AGAIN),
        other => other?,
    };
    let stat = rustix::fs::fstat(&fd)?;
    if (stat.st_dev, stat.st_ino) == (seen.st_dev, seen.st_ino) { Ok(fd) } else { Err(Errno::AGAIN) }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn open(here: &OwnedFd, name: &[u8], flags: OFlags) -> Answer<OwnedFd> {
    rustix::fs::openat(here, name, flags, Mode::empty())
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn target_of(link: &OwnedFd) -> Answer<Vec<u8>> {
    Ok(rustix::fs::readlinkat(link, "", Vec::with_capacity(256))?.into_bytes())
}

/// What tells two mounts apart: the kernel's number (Linux 5.8), before it the device,
/// which is the same on both sides of a bind mount of the same file system.
#[derive(Debug, PartialEq, Eq)]
enum Mount {
    Id(u64),
    Device(u64),
}

fn mount_of(fd: &OwnedFd) -> Answer<Mount> {
    if let Ok(about) = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)
        && about.stx_mask & StatxFlags::MNT_ID.bits() != 0
    {
        return Ok(Mount::Id(about.stx_mnt_id));
    }
    Ok(Mount::Device(rustix::fs::fstat(fd)?.st_dev))
}
