//! Writing below a root: all files of a commit, or none.
//!
//! Every new content is first staged beside its target under a leading dot
//! (initramfs-tools sources other stray names), flushed, and only then put in
//! place by rename. A staged failure leaves the old set untouched; a failure
//! while renaming is walked back. Only absent files and files that carry our
//! marker with a matching hash are ever replaced.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::process::Resource;

use crate::marker::{Standing, standing_of};

use super::dir::{Dir, Kind, not_regular, read_bounded};
use super::keep::{keep_mode, keep_owner};
use super::resolve::openat2;
use super::{CONFIG_LIMIT, Error, Result, Root, split};

/// One change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Create or replace a file of ours.
    Write {
        /// Path below the root.
        path: String,
        /// Permission bits, whatever the umask.
        mode: u32,
        /// The whole content, marker line first.
        bytes: Vec<u8>,
    },
    /// Change lines of somebody else's file, its mode and owner kept.
    Edit {
        /// Path below the root.
        path: String,
        /// The bytes that must still stand there.
        expect: Vec<u8>,
        /// The whole new content.
        bytes: Vec<u8>,
    },
    /// Remove a file of ours, then the directories named, where empty.
    Remove {
        /// Path below the root.
        path: String,
    },
}

impl Op {
    /// The path that it changes.
    pub fn path(&self) -> &str {
        match self {
            Self::Write { path, .. } | Self::Edit { path, .. } | Self::Remove { path } => path,
        }
    }
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// Directories that had to be made, outermost first.
    pub made_dirs: Vec<String>,
}

/// A staged change: its directory, its names, and whether a target was there.
struct Staged<'root> {
    dir: Dir<'root>,
    name: String,
    /// The dot-named file beside the target: new content before the switch, old content after it.
    temp: String,
    write: bool,
    existed: bool,
    /// What must have stood there, where it is not a file of ours.
    expect: Option<Vec<u8>>,
}

impl Root {
    /// Carries out all changes, or none.
    pub fn commit(&self, ops: &[Op]) -> Result<Commit> {
        let mut done = Commit::default();
        let mut staged = Vec::new();
        let outcome = self
            .stage_all(ops, &mut staged, &mut done)
            .and_then(|()| switch_all(&staged))
            .and_then(|()| flush_dirs(&staged))
            .and_then(|()| self.flush_parents(&done.made_dirs));
        for change in &staged {
            // After a failure this is the new content, after success the old: neither is wanted.
            unlink(change.dir.fd(), &change.temp);
        }
        if let Err(error) = outcome {
            self.remove_empty_dirs(&done.made_dirs)?;
            return Err(error);
        }
        Ok(done)
    }

    fn stage_all<'root>(
        &'root self,
        ops: &[Op],
        staged: &mut Vec<Staged<'root>>,
        done: &mut Commit,
    ) -> Result<()> {
        for op in ops {
            if let Some(change) = self.stage(op, done)? {
                staged.push(change);
            }
        }
        Ok(())
    }

    fn stage<'root>(&'root self, op: &Op, done: &mut Commit) -> Result<Option<Staged<'root>>> {
        let (parent, name) = split(op.path());
        let dir = match (op, self.dir(parent)?) {
            (_, Some(dir)) => dir,
            (Op::Remove { .. }, None) => return Ok(None),
            (Op::Edit { path, .. }, None) => return Err(changed(path)),
            (Op::Write { .. }, None) => self.make_dirs(parent, done)?,
        };
        let existing = existing(&dir, name, op.path())?;
        let expect = match op {
            Op::Edit { expect, .. } => Some(expect.clone()),
            Op::Write { .. } | Op::Remove { .. } => None,
        };
        refuse(existing.as_deref(), expect.as_deref(), op.path())?;
        let temp = format!(".{name}.hvtune-new");
        let existed = existing.is_some();
        match op {
            Op::Write { mode, bytes, .. } => {
                write_temp(&dir, &temp, op.path(), *mode, bytes)?;
                Ok(Some(Staged { dir, name: name.to_owned(), temp, write: true, existed, expect }))
            }
            Op::Edit { bytes, .. } => {
                let mode = keep_mode(&dir, name, op.path())?;
                write_temp(&dir, &temp, op.path(), mode, bytes)?;
                let staged = Staged { dir, name: name.to_owned(), temp, write: true, existed, expect };
                keep_owner(&staged.dir, name, &staged.temp, op.path())
                    .inspect_err(|_| unlink(staged.dir.fd(), &staged.temp))?;
                Ok(Some(staged))
            }
            Op::Remove { .. } if existed => {
                Ok(Some(Staged { dir, name: name.to_owned(), temp, write: false, existed, expect }))
            }
            Op::Remove { .. } => Ok(None),
        }
    }

    /// Makes a directory and its missing parents, mode 0755, and remembers which were made.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn make_dirs<'root>(&'root self, path: &str, done: &mut Commit) -> Result<Dir<'root>> {
        let mut sofar = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let parent = if sofar.is_empty() { ".".to_owned() } else { sofar.clone() };
            sofar = if sofar.is_empty() { part.to_owned() } else { format!("{sofar}/{part}") };
            if self.dir(&sofar)?.is_some() {
                continue;
            }
            let fail = |errno| Error::io("making the directory", &sofar, errno);
            let Some(dir) = self.dir(&parent)? else { return Err(fail(Errno::NOENT)) };
            rustix::fs::mkdirat(dir.fd(), part, Mode::from_raw_mode(0o755)).map_err(fail)?;
            done.made_dirs.push(sofar.clone());
            // Whatever the umask. By the open directory, as its name may be a link out by now.
            let made =
                open_in(&dir, part, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).map_err(fail)?;
            rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755)).map_err(fail)?;
        }
        self.dir(path)?.ok_or_else(|| Error::io("opening", path, Errno::NOENT))
    }

    /// Writes a live kernel attribute, such as `proc/sys/vm/swappiness`: no temp file, one write.
    pub fn write_attribute(&self, path: &str, value: &str) -> Result<()> {
        let fail = |errno| Error::io("writing", path, errno);
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self.open(path, flags)?.ok_or_else(|| fail(Errno::NOENT))?;
        super::dir::demand_regular(&fd, path)?;
        rustix::io::write(&fd, format!("{value}\n").as_bytes()).map(|_| ()).map_err(fail)
    }

    /// Puts a generated file that lies beside its target in the target's place, and makes it last
    /// as the boot loader will read it: file, directory and file system are flushed
    /// (GRUB's own drivers saw the old file on ext4 and btrfs without the last).
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn exchange(&self, new: &str, target: &str) -> Result<()> {
        let fail = |errno| Error::io("putting in place", target, errno);
        let (parent, name) = split(target);
        let dir = self.dir(parent)?.ok_or_else(|| fail(Errno::NOENT))?;
        let (_, staged) = split(new);
        let read = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = open_in(&dir, staged, read, Mode::empty()).map_err(fail)?;
        let mode = match rustix::fs::statat(dir.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Mode::from_raw_mode(stat.st_mode),
            Err(errno) => return Err(fail(errno)),
        };
        rustix::fs::fchmod(&fd, mode).map_err(fail)?;
        rustix::fs::fsync(&fd).map_err(fail)?;
        rustix::fs::renameat(dir.fd(), staged, dir.fd(), name).map_err(fail)?;
        flush_dir(&dir)?;
        rustix::fs::syncfs(&fd).map_err(fail)
    }

    /// Removes a generated file that is not wanted after all.
    pub fn discard(&self, path: &str) -> Result<()> {
        let (parent, name) = split(path);
        if let Some(dir) = self.dir(parent)? {
            unlink(dir.fd(), name);
        }
        Ok(())
    }

    /// Removes directories, named outermost first, that are empty; one that is not, or is gone, is left alone.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn remove_empty_dirs(&self, paths: &[String]) -> Result<()> {
        let mut removed = Vec::new();
        for path in paths.iter().rev() {
            let (parent, name) = split(path);
            let Some(dir) = self.dir(parent)? else { continue };
            match rustix::fs::unlinkat(dir.fd(), name, AtFlags::REMOVEDIR) {
                Ok(()) => removed.push(path.clone()),
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => {}
                Err(errno) => return Err(Error::io("removing the directory", path, errno)),
            }
        }
        self.flush_parents(&removed)
    }

    /// Flushes, once each, the directories in which these were made or removed, where they are still there.
    fn flush_parents(&self, paths: &[String]) -> Result<()> {
        let mut parents: Vec<&str> = paths.iter().map(|path| split(path).0).collect();
        parents.sort_unstable();
        parents.dedup();
        parents.into_iter().try_for_each(|parent| self.dir(parent)?.map_or(Ok(()), |dir| flush_dir(&dir)))
    }
}

/// The bytes of a target, refusing whatever is not a regular file.
fn existing(dir: &Dir<'_>, name: &str, path: &str) -> Result<Option<Vec<u8>>> {
    match dir.kind(name)? {
        None => Ok(None),
        Some(Kind::File) => {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
            let fd = open_in(dir, name, flags, Mode::empty())
                .map_err(|errno| Error::io("opening", path, errno))?;
            read_bounded(&fd, path, 0, CONFIG_LIMIT).map(Some)
        }
        Some(other) => Err(not_regular("writing", path, other)),
    }
}

fn changed(path: &str) -> Error {
    Error::NotOurs { path: path.to_owned(), why: "it changed since it was read; run this again" }
}

/// A file of ours, or where one is expected that very content of somebody else's.
fn refuse(found: Option<&[u8]>, expect: Option<&[u8]>, path: &str) -> Result<()> {
    match expect {
        None => refuse_others(standing_of(found), path),
        Some(_) if found == expect => Ok(()),
        Some(_) => Err(changed(path)),
    }
}

fn refuse_others(standing: Standing, path: &str) -> Result<()> {
    let why = match standing {
        Standing::Absent | Standing::Ours => return Ok(()),
        Standing::Edited => "it is ours but was edited since; move it away or restore it",
        Standing::Foreign => "it does not carry our marker, so it is somebody else's; move it away",
    };
    Err(Error::NotOurs { path: path.to_owned(), why })
}

fn open_in(dir: &Dir<'_>, name: &str, flags: OFlags, mode: Mode) -> std::result::Result<OwnedFd, Errno> {
    let confined = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(dir.fd(), name, flags, mode, confined) {
        Err(Errno::NOSYS | Errno::PERM) => {
            // One name below an open directory, never following a link: the same without openat2.
            #[expect(clippy::disallowed_methods, reason = "this is the door")]
            rustix::fs::openat(dir.fd(), name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode)
        }
        other => other,
    }
}

fn write_temp(dir: &Dir<'_>, temp: &str, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let private = Mode::from_raw_mode(0o600);
    let fd = match open_in(dir, temp, flags, private) {
        Err(Errno::EXIST) => {
            // Left by a run that was killed: the name is ours alone.
            unlink(dir.fd(), temp);
            open_in(dir, temp, flags, private)
        }
        other => other,
    }
    .map_err(|errno| Error::io("staging", path, errno))?;
    let written = fill(&fd, mode, bytes);
    if let Err(errno) = written {
        unlink(dir.fd(), temp);
        return Err(Error::io("staging", path, errno));
    }
    Ok(())
}

fn fill(fd: &OwnedFd, mode: u32, bytes: &[u8]) -> std::result::Result<(), Errno> {
    write_new(fd, bytes)?;
    rustix::fs::fchmod(fd, Mode::from_raw_mode(mode))?;
    rustix::fs::fsync(fd)
}

/// Writes the whole content of a new file. A limit on the size of files is looked at first: the
/// write that meets it would end the process by a signal, before anything is walked back.
pub(super) fn write_new(fd: &OwnedFd, mut bytes: &[u8]) -> std::result::Result<(), Errno> {
    let limit = rustix::process::getrlimit(Resource::Fsize).current;
    if limit.is_some_and(|limit| u64::try_from(bytes.len()).is_ok_and(|length| length > limit)) {
        return Err(Errno::FBIG);
    }
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Puts every staged change in place; on a hard error walks back those already made.
fn switch_all(staged: &[Staged<'_>]) -> Result<()> {
    for (count, change) in staged.iter().enumerate() {
        if let Err(error) = switch(change) {
            for earlier in staged.iter().take(count).rev() {
                switch_back(earlier)?;
            }
            return Err(error);
        }
    }
    Ok(())
}

/// Puts one change in place. Whoever put a file of his there since we looked gets it back.
fn switch(change: &Staged<'_>) -> Result<()> {
    let path = format!("{}/{}", change.dir.path(), change.name);
    rename(change).map_err(|errno| Error::io("putting in place", &path, errno))?;
    if !change.existed {
        return Ok(());
    }
    let taken_out = existing(&change.dir, &change.temp, &path);
    match taken_out.and_then(|bytes| refuse(bytes.as_deref(), change.expect.as_deref(), &path)) {
        Ok(()) => Ok(()),
        Err(error) => switch_back(change).and(Err(error)),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn rename(change: &Staged<'_>) -> std::result::Result<(), Errno> {
    let (dir, name, temp) = (change.dir.fd(), change.name.as_str(), change.temp.as_str());
    match (change.write, change.existed) {
        (true, true) => match rustix::fs::renameat_with(dir, temp, dir, name, RenameFlags::EXCHANGE) {
            // File systems without the exchange still replace atomically.
            Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::renameat(dir, temp, dir, name),
            other => other,
        },
        (true, false) => match rustix::fs::renameat_with(dir, temp, dir, name, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::renameat(dir, temp, dir, name),
            other => other,
        },
        (false, _) => rustix::fs::renameat(dir, name, dir, temp),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn switch_back(change: &Staged<'_>) -> Result<()> {
    let (dir, name, temp) = (change.dir.fd(), change.name.as_str(), change.temp.as_str());
    let undone = match (change.write, change.existed) {
        (true, true) => rustix::fs::renameat_with(dir, temp, dir, name, RenameFlags::EXCHANGE),
        (true, false) => rustix::fs::renameat(dir, name, dir, temp),
        (false, _) => rustix::fs::renameat(dir, temp, dir, name),
    };
    let path = format!("{}/{name}", change.dir.path());
    undone.map_err(|errno| Error::io("walking back", &path, errno))
}

/// One fsync per directory changed.
fn flush_dirs(staged: &[Staged<'_>]) -> Result<()> {
    let mut flushed: Vec<&str> = Vec::new();
    for change in staged {
        if !flushed.contains(&change.dir.path()) {
            flush_dir(&change.dir)?;
            flushed.push(change.dir.path());
        }
    }
    Ok(())
}

fn flush_dir(dir: &Dir<'_>) -> Result<()> {
    let fail = |errno| Error::io("flushing the directory", dir.path(), errno);
    let fd = open_in(dir, ".", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).map_err(fail)?;
    rustix::fs::fsync(&fd).map_err(fail)
}

/// Best effort on a name that only we use; what is left is removed by the next run.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn unlink(dir: &OwnedFd, name: &str) {
    let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
}
