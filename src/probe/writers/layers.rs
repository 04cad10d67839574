//! Configuration directories that lie over each other: sysctl.d, modprobe.d, udev's rules.d.
//!
//! Of files with the same name only that of the highest directory counts, and what
//! counts is taken in one order of names, whatever the directory; a link to /dev/null
//! leaves nothing (<https://man7.org/linux/man-pages/man5/sysctl.d.5.html>).

use crate::facts::{Gap, Hides, LAYERS, Mask, Unread};
use crate::formats::bytes::decode;
use crate::marker::{BASE_NAME, is_ours};
use crate::order::Named;
use crate::root::{Dir, Entry, Error, Kind, Root};

use super::super::units::Units;

/// One set of directories.
#[derive(Debug)]
pub(super) struct Layers {
    /// Below each of the tops: `sysctl.d`.
    pub(super) below: &'static str,
    /// How names end: `.conf`.
    pub(super) ending: &'static str,
    /// The fact that a gap names: `writers.sysctls`.
    pub(super) fact: &'static str,
}

/// One file of a set.
#[derive(Debug)]
pub(super) struct Found {
    /// Below the root.
    pub(super) path: String,
    /// Its text; a byte that is no part of UTF-8 is a character of its own.
    pub(super) text: String,
}

/// What was found out beside the files.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Files that take the place of ours.
    pub(super) masks: Vec<Mask>,
    /// What could not be read.
    pub(super) unread: Vec<Unread>,
}

impl Notes {
    /// Remembers what could not be read, as a gap too.
    pub(super) fn unread(&mut self, gaps: &mut Vec<Gap>, fact: &str, of: &str, path: &str, error: &Error) {
        self.unread.push(Unread { of: of.to_owned(), path: path.to_owned(), why: error.reason() });
        let gap = gap(fact, path, error);
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
    }
}

impl Layers {
    /// Everybody else's files, in reading order.
    pub(super) fn read(
        &self,
        root: &Root,
        tops: &[&str],
        notes: &mut Notes,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Found> {
        let mut dirs = Vec::new();
        let mut files: Named<(usize, Entry)> = Named::new();
        for top in tops {
            let path = format!("{top}/{}", self.below);
            match open(root, &path) {
                Ok(None) => {}
                Ok(Some((dir, entries))) => {
                    for entry in entries.into_iter().filter(|entry| self.is_read(&entry.name)) {
                        files.or_insert_with(entry.name.clone(), || (dirs.len(), entry));
                    }
                    dirs.push(dir);
                }
                Err(error) => notes.unread(gaps, self.fact, self.below, &path, &error),
            }
        }
        let own = format!("{BASE_NAME}{}", self.ending);
        let mut texts = Vec::new();
        for (name, (at, entry)) in files {
            let Some(dir) = dirs.get(at) else { continue };
            let path = format!("{}/{name}", dir.path());
            let read = read_one(root, dir, &entry);
            if name == own
                && let Some(how) = hides(&path, read.as_ref().map(Option::as_deref))
            {
                notes.masks.push(Mask { below: self.below.to_owned(), by: path.clone(), how });
            }
            match read {
                Ok(Some(bytes)) if !is_ours(&path, &bytes) => {
                    texts.push(Found { path, text: decode(&bytes) });
                }
                Ok(_) => {}
                Err(error) => notes.unread(gaps, self.fact, self.below, &path, &error),
            }
        }
        texts
    }

    /// Hidden files are nobody's (`hidden_or_backup_file`,
    /// <https://github.com/systemd/systemd/blob/v257/src/basic/path-util.c>).
    fn is_read(&self, name: &str) -> bool {
        name.ends_with(self.ending) && !name.starts_with('.')
    }
}

/// How a file of our name takes our place; `None` where it is ours.
pub(in crate::probe) fn hides(path: &str, read: Result<Option<&[u8]>, &Error>) -> Option<Hides> {
    match read {
        Ok(None | Some([])) => Some(Hides::Masked),
        Ok(Some(bytes)) if is_ours(path, bytes) => None,
        Ok(Some(_)) => Some(Hides::Replaced),
        Err(_) => Some(Hides::Unread),
    }
}

/// The highest file of our name among a unit's drop-ins, where it is not ours.
pub(super) fn unit_mask(root: &Root, listed: &Units<'_>, tops: &[&str], unit: &str) -> Option<Mask> {
    let own = format!("{unit}.d");
    let below = format!("systemd/system/{own}");
    for top in tops {
        let dir = format!("{top}/systemd/system");
        if !listed.is_unread(&dir) && !listed.having(&own).any(|(found, _)| found == dir) {
            continue;
        }
        let by = format!("{top}/{below}/{BASE_NAME}.conf");
        let masked = matches!(root.read_link(&by), Ok(Some(target)) if is_null(&target));
        let how = match if masked { Ok(None) } else { root.read(&by) } {
            Ok(None) if !masked => continue,
            read => hides(&by, read.as_ref().map(Option::as_deref)),
        };
        return how.map(|how| Mask { below, by, how });
    }
    None
}

/// Whether a link's target masks what it stands for.
pub(in crate::probe) fn is_null(target: &str) -> bool {
    target.ends_with("/dev/null")
}

/// The tops without `lib` where that is `usr/lib` under another name.
pub(in crate::probe) fn tops(root: &Root) -> &'static [&'static str] {
    let merged = matches!(root.read_link("lib"), Ok(Some(_)));
    LAYERS.get(..LAYERS.len() - usize::from(merged)).unwrap_or(&LAYERS)
}

/// A directory with what it holds.
pub(in crate::probe) fn open<'r>(root: &'r Root, path: &str) -> Result<Option<(Dir<'r>, Vec<Entry>)>, Error> {
    let Some(dir) = root.dir(path)? else { return Ok(None) };
    let entries = dir.entries()?;
    Ok(Some((dir, entries)))
}

/// A file's bytes; none where a link to /dev/null masks it or leads nowhere.
fn read_one(root: &Root, dir: &Dir<'_>, entry: &Entry) -> Result<Option<Vec<u8>>, Error> {
    let path = format!("{}/{}", dir.path(), entry.name);
    if entry.kind == Kind::Link {
        let target = dir.read_link(&entry.name)?;
        let masked = target.as_deref().is_some_and(is_null);
        return if masked { Ok(None) } else { root.read(&path) };
    }
    match dir.read_listed(entry) {
        // Some rules files exceed what an attribute may hold.
        Err(Error::TooLarge { .. }) => root.read(&path),
        read => read,
    }
}

/// What could not be read, as a gap.
pub(super) fn gap(fact: &str, path: &str, error: &Error) -> Gap {
    Gap { fact: fact.to_owned(), path: path.to_owned(), why: error.reason() }
}
