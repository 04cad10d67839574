//! The lock, which is the journal's own file: there while a run writes or was
//! interrupted, locked while that run lives, and gone otherwise.
//!
//! It lies in `/etc`, which every boot has from the first moment on; a `/var` of its
//! own may not be mounted when the early unit runs. Nobody but root can open it, so
//! nobody else can hold the lock.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::dir::{Dir, Kind, not_regular};
use super::resolve::{open_name, uninterrupted};
use super::stage::unlink;
use super::{Error, Result, Root};
use crate::seeded;

/// The file's name.
pub(super) const NAME: &str = ".hvtune-journal";
/// Where it may lie: the first directory that is there.
pub(super) const PLACES: [&str; 3] = ["etc", "usr/lib", "."];

/// The directory that is locked for it.
const TURN: &str = "etc";

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Lock<'root> {
    pub(super) dir: Dir<'root>,
    pub(super) file: OwnedFd,
}

impl Lock<'_> {
    /// How messages name the file.
    pub(super) fn path(&self) -> String {
        path(&self.dir)
    }

    /// Removes the file, then lets go of the lock.
    pub(super) fn remove(self) -> Result<()> {
        unlink(&self.dir, NAME).map_err(|errno| Error::io("removing", &self.path(), errno))
    }
}

fn path(dir: &Dir<'_>) -> String {
    format!("{}/{NAME}", dir.path()).trim_start_matches("./").to_owned()
}

/// Locks a file that an interrupted run left; `None` where there is none, or no more.
pub(super) fn take_over<'root>(root: &Root, dir: Dir<'root>) -> Result<Option<Lock<'root>>> {
    match dir.kind(NAME)? {
        None => return Ok(None),
        Some(Kind::File) => {}
        Some(other) => return Err(not_regular("opening the journal", &path(&dir), other)),
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    match open_name(dir.fd(), NAME, flags, Mode::empty()) {
        Ok(file) => hold(root, Lock { dir, file }),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::io("opening the journal", &path(&dir), errno)),
    }
}

/// Makes the file and locks it; `None` where another run was faster.
pub(super) fn create<'root>(root: &Root, dir: Dir<'root>) -> Result<Option<Lock<'root>>> {
    // Never one that is there already: it could be another name of a file elsewhere.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    match open_name(dir.fd(), NAME, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => hold(root, Lock { dir, file }),
        Err(Errno::EXIST) => Ok(None),
        Err(errno) => Err(Error::io("making the journal", &path(&dir), errno)),
    }
}

/// Takes the right to make boot menus and initramfs images anew, held until it is dropped: two runs would write the
/// same new file at the same time. Where another run has it, calls `waits` and waits for that run's end. It is the
/// lock of a directory, which leaves nothing behind; `None` where that cannot be locked, as on some network file systems.
pub fn turn(root: &Root, waits: impl FnOnce()) -> Result<Option<OwnedFd>> {
    let Some(dir) = root.dir(TURN)? else { return Ok(None) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let Ok(open) = open_name(dir.fd(), ".", flags, Mode::empty()) else { return Ok(None) };
    let locked = match rustix::fs::flock(&open, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {
            waits();
            uninterrupted(|| rustix::fs::flock(&open, FlockOperation::LockExclusive))
        }
        locked => locked,
    };
    Ok(locked.is_ok().then_some(open))
}

/// Locks without waiting, and makes sure that it is still the file of that name.
fn hold<'root>(root: &Root, lock: Lock<'root>) -> Result<Option<Lock<'root>>> {
    if seeded::bug("no-lock") {
        return Ok(Some(lock));
    }
    // What could not be locked stays: it may be another run's by now, and the next run takes it away.
    let fail = |errno| Error::io("locking", &lock.path(), errno);
    match rustix::fs::flock(&lock.file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(Error::Busy { root: root.name().display().to_string() }),
        Err(errno) => return Err(fail(errno)),
    }
    let ours = rustix::fs::fstat(&lock.file).map_err(fail)?;
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    match rustix::fs::statat(lock.dir.fd(), NAME, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) => Ok(Some(lock)),
        Ok(_) | Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(fail(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::laid_out;
    use super::*;

    #[test]
    fn a_turn_is_waited_for() {
        let (dir, root) = laid_out(&[("etc/fstab", "")]);
        let first = turn(&root, || unreachable!("nobody has it")).unwrap();
        assert!(first.is_some());
        let (tell, told) = std::sync::mpsc::channel();
        let path = dir.path().to_owned();
        let second = std::thread::spawn(move || {
            let root = Root::offline(&path).unwrap();
            turn(&root, || tell.send(()).unwrap()).unwrap().is_some()
        });
        told.recv().unwrap();
        assert!(!second.is_finished());
        drop(first);
        assert!(second.join().unwrap());
    }
}
