//! Switching: each staged file for its target, by one rename, so that both contents
//! exist until the end and every step can be taken back.
//!
//! What stands where is told by hashes, never remembered: a run that goes on after
//! another was killed does the same as one that walks back its own failure.

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::dir::Dir;
use super::journal::Entry;
use super::resolve::open_name;
use super::stage::{existing, unlink, write_new};
use super::walk::AT_ONCE;
use super::{Error, Result};
use crate::marker::content_hash;
use crate::seeded;

type Answer<T> = std::result::Result<T, Errno>;

/// One file's change and the directory that it is made in.
#[derive(Debug)]
pub(super) struct Change<'root> {
    pub(super) dir: Dir<'root>,
    pub(super) name: String,
    pub(super) entry: Entry,
}

/// The staged file: the new content before the switch, the old one after it.
pub(super) fn temp_of(name: &str) -> String {
    format!(".{name}.hvtune-new")
}

/// The old content's second name, where the file system cannot exchange two.
pub(super) fn spare_of(name: &str) -> String {
    format!(".{name}.hvtune-old")
}

impl Change<'_> {
    fn hash_of(&self, name: &str) -> Result<Option<String>> {
        Ok(existing(&self.dir, name, &self.entry.path)?.map(|(_, bytes)| content_hash(&bytes)))
    }

    fn changed(&self) -> Error {
        let why = "it changed while it was to be replaced; look at it and run this again";
        Error::NotOurs { path: self.entry.path.clone(), why }
    }

    /// Whether it was made and tidied up, and somebody changed the file since: his to keep. A power cut can
    /// bring back the journal of a run that ended.
    pub(super) fn is_past(&self) -> bool {
        let is = |name: &str, hash: &Option<String>| self.hash_of(name).is_ok_and(|now| now == *hash);
        !is(&self.name, &self.entry.old)
            && !is(&self.name, &self.entry.new)
            && is(&temp_of(&self.name), &None)
            && is(&spare_of(&self.name), &None)
    }

    /// From old to new, unless it is there already. Whoever put a file of his there in the
    /// meantime gets it back.
    fn forward(&self) -> Result<()> {
        let (now, old, new) = (self.hash_of(&self.name)?, &self.entry.old, &self.entry.new);
        if now == *new {
            return Ok(());
        }
        let temp = temp_of(&self.name);
        if now != *old || (new.is_some() && self.hash_of(&temp)? != *new) {
            return Err(self.changed());
        }
        let fail = |errno| Error::io("putting in place", &self.entry.path, errno);
        if old.is_none() {
            return rename_to_none(&self.dir, &temp, &self.name).map_err(fail);
        }
        let backup = match new {
            Some(_) => exchange(&self.dir, &self.name).map_err(fail)?,
            None => rename(&self.dir, &self.name, &temp).map(|()| temp).map_err(fail)?,
        };
        match self.hash_of(&backup) {
            Ok(taken) if taken == *old => Ok(()),
            other => {
                let fail = |errno| Error::io("putting back", &self.entry.path, errno);
                self.put_back(&backup).map_err(fail)?;
                Err(other.err().unwrap_or_else(|| self.changed()))
            }
        }
    }

    /// From new to old. What is neither is somebody's by now, and stays.
    fn backward(&self) -> Result<()> {
        let now = self.hash_of(&self.name)?;
        if now == self.entry.old || now != self.entry.new {
            return Ok(());
        }
        let fail = |errno| Error::io("taking back", &self.entry.path, errno);
        let temp = temp_of(&self.name);
        if self.entry.old.is_none() {
            return rename(&self.dir, &self.name, &temp).map_err(fail);
        }
        for backup in [temp, spare_of(&self.name)] {
            if self.hash_of(&backup)? == self.entry.old {
                return self.put_back(&backup).map_err(fail);
            }
        }
        Ok(())
    }

    /// Whoever put a file of his in the target's place just when it was switched has it beside the
    /// target now: he gets it back before anything there is removed.
    fn give_back(&self) -> Result<()> {
        let temp = temp_of(&self.name);
        for _ in 0..AT_ONCE {
            match self.hash_of(&temp) {
                Ok(hash) if hash.is_none() || hash == self.entry.old || hash == self.entry.new => {
                    return Ok(());
                }
                Ok(_) | Err(Error::NotRegular { .. } | Error::TooLarge { .. }) => {}
                Err(error) => return Err(error),
            }
            match rename_with(&self.dir, &temp, &self.name, RenameFlags::EXCHANGE) {
                Err(Errno::NOENT) => rename_to_none(&self.dir, &temp, &self.name),
                other => other,
            }
            .or_else(|errno| if errno == Errno::EXIST { Ok(()) } else { Err(errno) })
            .map_err(|errno| Error::io("giving back", &self.entry.path, errno))?;
        }
        Err(self.changed())
    }

    fn put_back(&self, backup: &str) -> Answer<()> {
        if self.entry.new.is_none() {
            rename_to_none(&self.dir, backup, &self.name)
        } else if *backup == temp_of(&self.name) {
            rename_with(&self.dir, backup, &self.name, RenameFlags::EXCHANGE)
        } else {
            rename(&self.dir, backup, &self.name)
        }
    }
}

/// Switches everything. The first failure ends it; what was switched is to be taken back then.
pub(super) fn forward(changes: &[Change<'_>]) -> Result<()> {
    changes.iter().try_for_each(Change::forward)?;
    flush(changes)
}

/// Takes back everything that can be, and gives the first failure.
pub(super) fn backward(changes: &[Change<'_>]) -> Result<()> {
    let failed: Vec<Error> = changes.iter().rev().filter_map(|change| change.backward().err()).collect();
    failed.into_iter().next().map_or(Ok(()), Err)
}

/// Removes what lies beside the targets.
pub(super) fn clean(changes: &[Change<'_>]) -> Result<()> {
    for change in changes {
        change.give_back()?;
        for name in [temp_of(&change.name), spare_of(&change.name)] {
            unlink(&change.dir, &name).map_err(|errno| Error::io("tidying", change.dir.path(), errno))?;
        }
    }
    Ok(())
}

/// One flush for each directory changed.
pub(super) fn flush(changes: &[Change<'_>]) -> Result<()> {
    let mut flushed: Vec<&str> = Vec::new();
    for change in changes {
        if !flushed.contains(&change.dir.path()) {
            flush_dir(&change.dir)?;
            flushed.push(change.dir.path());
        }
    }
    Ok(())
}

pub(super) fn flush_dir(dir: &Dir<'_>) -> Result<()> {
    if seeded::bug("no-directory-fsync") {
        return Ok(());
    }
    let fail = |errno| Error::io("flushing the directory", dir.path(), errno);
    let fd = open_name(dir.fd(), ".", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).map_err(fail)?;
    rustix::fs::fsync(&fd).map_err(fail)
}

/// Puts the staged file in the place of one that is there, and gives the old one's name.
fn exchange(dir: &Dir<'_>, name: &str) -> Answer<String> {
    let (temp, spare) = (temp_of(name), spare_of(name));
    if seeded::bug("write-in-place") {
        return in_place(dir, name);
    }
    match rename_with(dir, &temp, name, RenameFlags::EXCHANGE) {
        Err(errno) if is_missing(errno) => {
            // Still atomic: the old content has a second name before it loses its first.
            unlink(dir, &spare)?;
            match rustix::fs::linkat(dir.fd(), name, dir.fd(), spare.as_str(), AtFlags::empty()) {
                Err(errno) if has_no_links(errno) => copy(dir, name, &spare),
                other => other,
            }?;
            rename(dir, &temp, name)?;
            Ok(spare)
        }
        other => other.map(|()| temp),
    }
}

/// Whether a file has one name at most: FAT, which has no exchange before Linux 6.0 either.
fn has_no_links(errno: Errno) -> bool {
    matches!(errno, Errno::PERM | Errno::NOTSUP | Errno::MLINK)
}

/// Gives a file's content a second name, where a file cannot have two.
fn copy(dir: &Dir<'_>, name: &str, to: &str) -> Answer<()> {
    let gone = |_| Errno::STALE;
    let (_, bytes) = existing(dir, name, name).map_err(gone)?.ok_or(Errno::NOENT)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let fd = open_name(dir.fd(), to, flags, Mode::from_raw_mode(0o600))?;
    write_new(&fd, &bytes)?;
    rustix::fs::fsync(&fd)
}

/// Gives a file a name that must be free.
fn rename_to_none(dir: &Dir<'_>, from: &str, to: &str) -> Answer<()> {
    match rename_with(dir, from, to, RenameFlags::NOREPLACE) {
        Err(errno) if is_missing(errno) => {
            rustix::fs::linkat(dir.fd(), from, dir.fd(), to, AtFlags::empty())?;
            unlink(dir, from)
        }
        other => other,
    }
}

/// The flag, or the whole call, is not known: Linux before 3.15, some file systems, a sandbox.
fn is_missing(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn rename_with(dir: &Dir<'_>, from: &str, to: &str, flags: RenameFlags) -> Answer<()> {
    rustix::fs::renameat_with(dir.fd(), from, dir.fd(), to, flags)
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn rename(dir: &Dir<'_>, from: &str, to: &str) -> Answer<()> {
    rustix::fs::renameat(dir.fd(), from, dir.fd(), to)
}

/// The seeded bug: the live file is cut and filled anew, and a copy kept as the old one.
fn in_place(dir: &Dir<'_>, name: &str) -> Answer<String> {
    let read = |name: &str| existing(dir, name, name).ok().flatten().map(|(_, bytes)| bytes);
    let (new, old) = (read(&temp_of(name)).unwrap_or_default(), read(name).unwrap_or_default());
    let open =
        |name: &str, flags| open_name(dir.fd(), name, OFlags::WRONLY | flags, Mode::from_raw_mode(0o600));
    write_new(&open(name, OFlags::TRUNC)?, &new)?;
    write_new(&open(&temp_of(name), OFlags::TRUNC)?, &old)?;
    Ok(temp_of(name))
}
