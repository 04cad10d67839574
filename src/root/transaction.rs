//! Writing below a root: all files of a commit, or none.
//!
//! 1. The journal's file is made and locked; a second run says so and does not wait.
//! 2. The journal names the directories to be made and is flushed: what a power cut leaves is known
//!    for ours. They are made, every new content is staged beside its target and flushed.
//! 3. The journal names every file by the hash before and after, and ends in a checksum.
//!    It is flushed: from here on the transaction is committed.
//! 4. Each file is switched by one rename, and the directories are flushed. A failure is
//!    taken back, file by file.
//! 5. What lies beside the targets goes, then the journal.
//!
//! Killed before 3, the next run that writes tidies up; after it, it finishes, or takes
//! back what cannot be finished. A torn journal is one that commits nothing.

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::dir::Dir;
use super::journal::{Entry, Journal, LIMIT};
use super::label::Labels;
use super::lock::{self, Lock, PLACES};
use super::resolve::open_name;
use super::stage::{existing, stage, unlink, write_new};
use super::switch::{Change, backward, clean, flush, flush_dir, forward, spare_of, temp_of};
use super::walk::AT_ONCE;
use super::{Error, Result, Root, Unlabelled, split};
use crate::formats::file_contexts::Kind;
use crate::marker::{Standing, addon, content_hash, is_edited, known_paths, standing_of};
use crate::seeded;

/// One change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Create or replace a file of ours; a file that is replaced keeps its owner, mode and attributes.
    Write {
        /// Path below the root.
        path: String,
        /// Permission bits of a new file, whatever the umask.
        mode: u32,
        /// The whole content, marker line first.
        bytes: Vec<u8>,
    },
    /// Change lines of somebody else's file; all else of it is kept.
    Edit {
        /// Path below the root.
        path: String,
        /// The bytes that must still stand there.
        expect: Vec<u8>,
        /// The whole new content.
        bytes: Vec<u8>,
    },
    /// Remove a file of ours.
    Remove {
        /// Path below the root.
        path: String,
    },
    /// Remove a directory afterwards, where it is empty then; one that cannot go stays.
    RemoveDir {
        /// Path below the root.
        path: String,
    },
}

impl Op {
    /// The path that it changes.
    pub fn path(&self) -> &str {
        match self {
            Self::Write { path, .. }
            | Self::Edit { path, .. }
            | Self::Remove { path }
            | Self::RemoveDir { path } => path,
        }
    }
}

/// The right to write below a root, held until it is dropped.
#[derive(Debug)]
pub struct Transaction<'root> {
    root: &'root Root,
    lock: Lock<'root>,
    /// The journal is left for the next run, which finishes or takes back.
    unfinished: bool,
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.unfinished {
            // Where even this fails, the next run that writes finds it, and nothing to do.
            let _ = unlink(&self.lock.dir, lock::NAME);
        }
    }
}

impl Root {
    /// Takes the right to write, or says who has it. What was looked at before may have changed by then.
    pub fn begin(&self) -> Result<Transaction<'_>> {
        for _ in 0..AT_ONCE {
            if self.recover()? {
                return Err(Error::Stale { root: self.name().display().to_string() });
            }
            let Some(dir) = self.journal_dir()? else { break };
            if let Some(lock) = lock::create(self, dir)? {
                return Ok(Transaction { root: self, lock, unfinished: false });
            }
        }
        Err(Error::Busy { root: self.name().display().to_string() })
    }

    fn journal_dir(&self) -> Result<Option<Dir<'_>>> {
        for place in PLACES {
            if let Some(dir) = self.dir(place)? {
                return Ok(Some(dir));
            }
        }
        Ok(None)
    }

    /// Whether a run is writing, or was interrupted while it wrote.
    pub fn is_unfinished(&self) -> Result<bool> {
        for place in PLACES {
            if let Some(dir) = self.dir(place)?
                && dir.kind(lock::NAME)?.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finishes what an interrupted run had committed, or takes it back where that cannot be; tidies up
    /// after one that had not. Whether files of ours changed by that.
    pub fn recover(&self) -> Result<bool> {
        let mut changed = false;
        for place in PLACES {
            if let Some(dir) = self.dir(place)?
                && let Some(lock) = lock::take_over(self, dir)?
            {
                changed |= self.mend(lock)?;
            }
        }
        Ok(changed)
    }

    /// Whether an interrupted run was at work in a directory that is not there: its file system may not be mounted
    /// yet, and what that run did there can neither be finished nor taken back.
    pub fn is_out_of_sight(&self) -> Result<bool> {
        for place in PLACES {
            let Some(dir) = self.dir(place)? else { continue };
            let Some(lock) = lock::take_over(self, dir)? else { continue };
            let journal = journal_of(&lock)?;
            let entries = journal.entries.iter().map(|entry| &entry.path);
            for path in entries.chain(&journal.edited) {
                if self.dir(split(path).0)?.is_none() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn mend(&self, lock: Lock<'_>) -> Result<bool> {
        let journal = journal_of(&lock)?;
        let mut changes = Vec::new();
        for entry in &journal.entries {
            let (parent, name) = split(&entry.path);
            if let Some(dir) = self.dir(parent)? {
                changes.push(Change { dir, name: name.to_owned(), entry: entry.clone() });
            }
        }
        let lost = changes.len() < journal.entries.len();
        let mut stays = journal.committed;
        if journal.committed {
            changes.retain(|change| !change.is_past());
            // A directory that is gone took its files along: there is nothing to finish.
            let gone = || Error::io("finishing an interrupted run in", &lock.path(), Errno::NOENT);
            let finished = if lost { Err(gone()) } else { forward(&changes) };
            if let Err(first) = finished {
                stays = false;
                backward(&changes)
                    .and_then(|()| flush(&changes))
                    .map_err(|second| Error::Stuck { first: first.into(), second: second.into() })?;
            }
        }
        clean(&changes)?;
        self.sweep(&journal.edited);
        if stays {
            let _ = self.remove_empty_dirs(&journal.unwanted);
        } else {
            self.remove_empty_dirs(&journal.made)?;
        }
        lock.remove()?;
        Ok(journal.committed)
    }

    /// Removes every staged file that can lie about.
    fn sweep(&self, edited: &[String]) {
        for path in known_paths().iter().chain(edited) {
            let (parent, name) = split(path);
            if let Ok(Some(dir)) = self.dir(parent) {
                let _ = unlink(&dir, &temp_of(name)).and_then(|()| unlink(&dir, &spare_of(name)));
            }
        }
    }

    /// Removes directories, named outermost first, that are empty; one that is not, or is in use, stays.
    /// What fails for another reason is told when all were tried.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn remove_empty_dirs(&self, paths: &[String]) -> Result<()> {
        let (mut parents, mut failed) = (Vec::new(), Ok(()));
        for path in paths.iter().rev() {
            let (parent, name) = split(path);
            let Some(dir) = self.dir(parent).unwrap_or_else(|error| {
                failed = Err(error);
                None
            }) else {
                continue;
            };
            match rustix::fs::unlinkat(dir.fd(), name, AtFlags::REMOVEDIR) {
                Ok(()) => parents.push(parent),
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR | Errno::BUSY) => {}
                Err(errno) => failed = Err(Error::io("removing the directory", path, errno)),
            }
        }
        let _ = self.flush_all(parents);
        failed
    }

    /// Flushes, once each, directories that are still there.
    fn flush_all(&self, mut paths: Vec<&str>) -> Result<()> {
        paths.sort_unstable();
        paths.dedup();
        paths.into_iter().try_for_each(|path| self.dir(path)?.map_or(Ok(()), |dir| flush_dir(&dir)))
    }

    /// The directories that are missing on the way to what is to be written, outermost first.
    fn missing_dirs(&self, ops: &[Op]) -> Result<Vec<String>> {
        let mut missing: Vec<String> = Vec::new();
        for op in ops.iter().filter(|op| matches!(op, Op::Write { .. })) {
            let path = op.path();
            for end in path.match_indices('/').map(|(end, _)| end) {
                let dir = path.get(..end).unwrap_or_default().to_owned();
                if !missing.contains(&dir) && self.dir(&dir)?.is_none() {
                    missing.push(dir);
                }
            }
        }
        Ok(missing)
    }

    /// Makes a directory, mode 0755 whatever the umask.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn make_dir(&self, path: &str, labels: &mut Labels) -> Result<()> {
        let fail = |errno| Error::io("making the directory", path, errno);
        let (parent, name) = split(path);
        let dir = self.dir(parent)?.ok_or_else(|| fail(Errno::NOENT))?;
        let bits = Mode::from_raw_mode(0o755);
        rustix::fs::mkdirat(dir.fd(), name, bits).map_err(fail)?;
        // By the open directory, as its name may be a link out by now.
        let made =
            open_name(dir.fd(), name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).map_err(fail)?;
        labels.set(&made, path, Kind::Dir);
        rustix::fs::fchmod(&made, bits).map_err(fail)
    }
}

fn journal_of(lock: &Lock<'_>) -> Result<Journal> {
    match super::dir::read_bounded(&lock.file, &lock.path(), 0, LIMIT) {
        Err(Error::TooLarge { .. }) => Ok(Journal::default()),
        bytes => Ok(Journal::parse(&bytes?)),
    }
}

impl<'root> Transaction<'root> {
    /// Carries out all changes, or none; gives what was made without the label that the root's policy has
    /// for it.
    pub fn commit(mut self, ops: &[Op]) -> Result<Vec<Unlabelled>> {
        let mut labels = Labels::read(self.root);
        let mut journal = Journal { made: self.root.missing_dirs(ops)?, ..Journal::default() };
        for op in ops {
            match op {
                Op::RemoveDir { path } => journal.unwanted.push(path.clone()),
                Op::Edit { path, .. } => journal.edited.push(path.clone()),
                Op::Write { path, .. } | Op::Remove { path } if addon::is_path(path) => {
                    journal.edited.push(path.clone());
                }
                Op::Write { .. } | Op::Remove { .. } => {}
            }
        }
        let mut changes = Vec::new();
        if let Err(error) = self.prepare(ops, &mut journal, &mut changes, &mut labels) {
            self.withdraw(&changes, &journal);
            return Err(error);
        }
        if let Err(first) = forward(&changes) {
            if !seeded::bug("no-rollback")
                && let Err(second) = backward(&changes)
            {
                self.unfinished = true;
                return Err(Error::Stuck { first: first.into(), second: second.into() });
            }
            let _ = flush(&changes);
            self.withdraw(&changes, &journal);
            return Err(first);
        }
        // The new state is there and will last; what cannot be tidied is left to the next run.
        self.unfinished = clean(&changes).is_err();
        let _ = self.root.remove_empty_dirs(&journal.unwanted);
        Ok(labels.left)
    }

    /// Everything up to the point from which on it is committed.
    fn prepare(
        &self,
        ops: &[Op],
        journal: &mut Journal,
        changes: &mut Vec<Change<'root>>,
        labels: &mut Labels,
    ) -> Result<()> {
        let fail = |errno| Error::io("writing", &self.lock.path(), errno);
        let flush_journal = || {
            let is_left_out = seeded::bug("no-file-fsync");
            if is_left_out { Ok(()) } else { rustix::fs::fsync(&self.lock.file).map_err(fail) }
        };
        write_new(&self.lock.file, journal.intent().as_bytes()).map_err(fail)?;
        // A file's flush can make a directory lasting that was made before it, and not this.
        flush_journal()?;
        flush_dir(&self.lock.dir)?;
        for path in &journal.made {
            self.root.make_dir(path, labels)?;
        }
        for op in ops {
            changes.extend(self.stage(op, labels)?);
        }
        journal.entries = changes.iter().map(|change| change.entry.clone()).collect();
        let commitment = journal.commitment();
        if journal.intent().len() + commitment.len() > LIMIT {
            return Err(fail(Errno::FBIG));
        }
        write_new(&self.lock.file, commitment.as_bytes()).map_err(fail)?;
        flush_journal()?;
        // The directories in which one was made.
        self.root.flush_all(journal.made.iter().map(|path| split(path).0).collect())
    }

    /// Stages one change; `None` where there is nothing to switch.
    fn stage(&self, op: &Op, labels: &mut Labels) -> Result<Option<Change<'root>>> {
        let path = op.path();
        let refuse = |why| Error::NotOurs { path: path.to_owned(), why };
        let (new, mode, expect) = match op {
            Op::Write { bytes, mode, .. } => (Some(bytes), *mode, None),
            Op::Edit { bytes, expect, .. } => (Some(bytes), 0o600, Some(expect)),
            Op::Remove { .. } => (None, 0, None),
            Op::RemoveDir { .. } => return Ok(None),
        };
        let known = || addon::is_path(path) || known_paths().iter().any(|known| known == path);
        if !(if expect.is_some() { is_edited(path) } else { known() }) {
            return Err(refuse("no file of ours can have this path"));
        }
        let (parent, name) = split(path);
        let dir = self.root.dir(parent)?;
        let Some(dir) = dir else { return if expect.is_some() { Err(refuse(CHANGED)) } else { Ok(None) } };
        let found = existing(&dir, name, path)?;
        let bytes = found.as_ref().map(|(_, bytes)| bytes);
        match expect {
            Some(_) if bytes == expect => {}
            Some(_) => return Err(refuse(CHANGED)),
            None => refuse_others(standing_of(bytes.map(Vec::as_slice)), path)?,
        }
        if bytes == new {
            return Ok(None);
        }
        if let Some(new) = new {
            stage(&dir, &temp_of(name), path, found.as_ref().map(|(fd, _)| fd), mode, new, labels)?;
        }
        let hash = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| content_hash(bytes));
        let entry = Entry { path: path.to_owned(), old: hash(bytes), new: hash(new) };
        Ok(Some(Change { dir, name: name.to_owned(), entry }))
    }

    /// Removes what was made for a transaction that does not come about. Where that fails the journal
    /// stays, and the next run does it.
    fn withdraw(&mut self, changes: &[Change<'_>], journal: &Journal) {
        let (files, dirs) = (clean(changes), self.root.remove_empty_dirs(&journal.made));
        self.unfinished = files.is_err() || dirs.is_err();
    }
}

const CHANGED: &str = "it changed since it was read; run this again";

fn refuse_others(standing: Standing, path: &str) -> Result<()> {
    let why = match standing {
        Standing::Absent | Standing::Ours => return Ok(()),
        Standing::Edited => "it is ours but was edited since; move it away or restore it",
        Standing::Foreign => "it does not carry our marker, so it is somebody else's; move it away",
    };
    Err(Error::NotOurs { path: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::super::laid_out;
    use super::*;

    #[test]
    fn a_run_below_a_mount_that_is_not_there_is_out_of_sight() {
        let entry = Entry { path: "boot/loader/entries/a.conf".to_owned(), old: None, new: None };
        let journal = Journal { entries: vec![entry], ..Journal::default() };
        let text = format!("{}{}", journal.intent(), journal.commitment());
        let written = ("etc/.hvtune-journal", text.as_str());
        for (there, out_of_sight) in [("boot/loader/entries/a.conf", false), ("boot/empty", true)] {
            let (_dir, root) = laid_out(&[written, (there, "")]);
            assert_eq!(root.is_out_of_sight().unwrap(), out_of_sight, "{there}");
            // It only looks.
            assert!(root.is_unfinished().unwrap(), "{there}");
        }
    }
}
