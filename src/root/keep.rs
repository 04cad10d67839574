//! What an edited file keeps of the one that it replaces.

use rustix::fs::{AtFlags, Gid, Uid};

use super::dir::Dir;
use super::{Error, Result};

/// The permission bits of a file.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn keep_mode(dir: &Dir<'_>, name: &str, path: &str) -> Result<u32> {
    let stat = rustix::fs::statat(dir.fd(), name, AtFlags::SYMLINK_NOFOLLOW);
    stat.map(|stat| stat.st_mode & 0o7777).map_err(|errno| Error::io("looking at", path, errno))
}

/// Gives a staged file the owner of the one that it replaces.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn keep_owner(dir: &Dir<'_>, name: &str, temp: &str, path: &str) -> Result<()> {
    let fail = |errno| Error::io("staging", path, errno);
    let look = |name: &str| rustix::fs::statat(dir.fd(), name, AtFlags::SYMLINK_NOFOLLOW);
    let (old, new) = (look(name).map_err(fail)?, look(temp).map_err(fail)?);
    if (old.st_uid, old.st_gid) == (new.st_uid, new.st_gid) {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(old.st_uid), Gid::from_raw(old.st_gid));
    rustix::fs::chownat(dir.fd(), temp, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW).map_err(fail)
}
