//! Staging: the new content beside its target, under a leading dot (initramfs-tools
//! sources other stray names), complete and flushed before anything is switched.

use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use rustix::process::Resource;

use super::dir::{Dir, Kind, not_regular, read_bounded};
use super::label::{LABEL, Labels};
use super::resolve::{open_name, uninterrupted};
use super::{CONFIG_LIMIT, Error, Result};
use crate::formats::file_contexts;
use crate::seeded;

type Answer<T> = std::result::Result<T, Errno>;

/// The kernel's own bounds on the list and on one value (man 7 xattr).
const XATTR_LIMIT: usize = 64 << 10;
/// Hashes of the content and of the other attributes: the kernel's to make, wrong on another content.
const NOT_KEPT: [&[u8]; 2] = [b"security.ima", b"security.evm"];

/// An open target and its bytes, refusing whatever is not a regular file.
pub(super) fn existing(dir: &Dir<'_>, name: &str, path: &str) -> Result<Option<(OwnedFd, Vec<u8>)>> {
    match dir.kind(name)? {
        None => Ok(None),
        Some(Kind::File) => {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
            let fd = open_name(dir.fd(), name, flags, Mode::empty())
                .map_err(|errno| Error::io("opening", path, errno))?;
            let bytes = read_bounded(&fd, path, 0, CONFIG_LIMIT)?;
            Ok(Some((fd, bytes)))
        }
        Some(other) => Err(not_regular("writing", path, other)),
    }
}

/// Writes a staged file. It takes over owner, mode and attributes of `old`, which it is to replace;
/// a new one has the mode that is asked for, whatever the umask.
pub(super) fn stage(
    dir: &Dir<'_>,
    temp: &str,
    path: &str,
    old: Option<&OwnedFd>,
    mode: u32,
    bytes: &[u8],
    labels: &mut Labels,
) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let private = Mode::from_raw_mode(0o600);
    let fail = |errno| Error::io("staging", path, errno);
    let fd = match open_name(dir.fd(), temp, flags, private) {
        Err(Errno::EXIST) => {
            // Left by a run that was killed, or planted: the name is ours alone.
            let _ = unlink(dir, temp);
            open_name(dir.fd(), temp, flags, private)
        }
        other => other,
    }
    .map_err(fail)?;
    let filled = write_new(&fd, bytes).and_then(|()| match old {
        Some(old) => keep(old, &fd),
        None => rustix::fs::fchmod(&fd, Mode::from_raw_mode(mode)),
    });
    if old.is_none() {
        if !dir.is_live() && labels.is_none() {
            // A tree without a policy may be part of an image with one: its files show it.
            label_as_a_sibling(dir, &fd);
        }
        labels.set(&fd, path, file_contexts::Kind::File);
    }
    let flush = || if seeded::bug("no-file-fsync") { Ok(()) } else { rustix::fs::fsync(&fd) };
    filled.and_then(|()| flush()).map_err(|errno| {
        let _ = unlink(dir, temp);
        fail(errno)
    })
}

/// Writes the whole content of a new file. A limit on the size of files is looked at first: the
/// write that meets it would end the process by a signal, before anything is walked back.
pub(super) fn write_new(fd: &OwnedFd, mut bytes: &[u8]) -> Answer<()> {
    let limit = rustix::process::getrlimit(Resource::Fsize).current;
    if limit.is_some_and(|limit| u64::try_from(bytes.len()).is_ok_and(|length| length > limit)) {
        return Err(Errno::FBIG);
    }
    while !bytes.is_empty() {
        let count = uninterrupted(|| rustix::io::write(fd, bytes))?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Removes a name that only we use; one that is not there is as wanted.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn unlink(dir: &Dir<'_>, name: &str) -> Answer<()> {
    match rustix::fs::unlinkat(dir.fd(), name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Owner before mode, as the kernel clears bits of the mode with it; an ACL after the mode, as it is part of it.
fn keep(old: &OwnedFd, new: &OwnedFd) -> Answer<()> {
    let stat = rustix::fs::fstat(old)?;
    let (uid, gid) = (rustix::fs::Uid::from_raw(stat.st_uid), rustix::fs::Gid::from_raw(stat.st_gid));
    rustix::fs::fchown(new, Some(uid), Some(gid))?;
    rustix::fs::fchmod(new, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    let mut names = Vec::with_capacity(XATTR_LIMIT);
    match rustix::fs::flistxattr(old, spare_capacity(&mut names)) {
        Err(Errno::NOTSUP) => return Ok(()),
        other => other?,
    };
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if !NOT_KEPT.contains(&name) {
            let mut value = Vec::with_capacity(XATTR_LIMIT);
            rustix::fs::fgetxattr(old, name, spare_capacity(&mut value))?;
            rustix::fs::fsetxattr(new, name, &value, XattrFlags::empty())?;
        }
    }
    Ok(())
}

/// Gives a new file the label of the first labelled file beside it. None is no trouble: the image's
/// first boot labels it.
fn label_as_a_sibling(dir: &Dir<'_>, new: &OwnedFd) {
    let Ok(entries) = dir.entries() else { return };
    for entry in entries.iter().filter(|entry| entry.kind == Kind::File && !entry.name.starts_with('.')) {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let Ok(sibling) = open_name(dir.fd(), &entry.name, flags, Mode::empty()) else { continue };
        let mut label = Vec::with_capacity(4096);
        if rustix::fs::fgetxattr(&sibling, LABEL, spare_capacity(&mut label)).is_ok() {
            let _ = rustix::fs::fsetxattr(new, LABEL, &label, XattrFlags::empty());
            return;
        }
    }
}
