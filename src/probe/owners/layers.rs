//! Configuration directories that lie over each other: sysctl.d, modprobe.d, udev's rules.d.
//!
//! Of files with the same name only that of the highest directory counts, and what
//! counts is taken in one order of names, whatever the directory; a link to /dev/null
//! leaves nothing (<https://man7.org/linux/man-pages/man5/sysctl.d.5.html>).

use std::collections::BTreeMap;

use crate::facts::{Gap, Mask};
use crate::formats::bytes;
use crate::marker::{BASE_NAME, body_of};
use crate::root::{Dir, Entry, Error, Kind, Root};

/// The directories, highest first. The last is the fourth on a merged `/usr`.
const TOPS: [&str; 5] = ["etc", "run", "usr/local/lib", "usr/lib", "lib"];

/// One set of directories.
#[derive(Debug)]
pub(super) struct Layers {
    /// Below each of the tops: `sysctl.d`.
    pub(super) below: &'static str,
    /// How names end: `.conf`.
    pub(super) ending: &'static str,
    /// The fact that a gap names: `owners.sysctls`.
    pub(super) fact: &'static str,
}

impl Layers {
    /// Path and text of everybody else's files, in reading order, and what is read in place of ours.
    /// Bytes that are no UTF-8 are kept ([`bytes::decode`]), as the readers of these files keep them.
    pub(super) fn texts(
        &self,
        root: &Root,
        tops: &[&str],
        gaps: &mut Vec<Gap>,
    ) -> (Vec<(String, String)>, Option<Mask>) {
        let mut dirs = Vec::new();
        let mut files: BTreeMap<String, (usize, Entry)> = BTreeMap::new();
        for top in tops {
            let path = format!("{top}/{}", self.below);
            match open(root, &path) {
                Ok(None) => {}
                Ok(Some((dir, entries))) => {
                    for entry in entries.into_iter().filter(|entry| self.is_read(&entry.name)) {
                        files.entry(entry.name.clone()).or_insert((dirs.len(), entry));
                    }
                    dirs.push(dir);
                }
                Err(error) => gaps.push(gap(self.fact, &path, &error)),
            }
        }
        let mut texts = Vec::new();
        let mut mask = None;
        for (name, (at, entry)) in files {
            let Some(dir) = dirs.get(at) else { continue };
            let path = format!("{}/{name}", dir.path());
            let read = text(root, dir, &entry);
            let ours = matches!(&read, Ok(Some(text)) if body_of(text.as_bytes()).is_some());
            if !ours && name.strip_suffix(self.ending) == Some(BASE_NAME) {
                let nothing = matches!(&read, Ok(text) if text.as_ref().is_none_or(String::is_empty));
                mask = Some(Mask { path: path.clone(), nothing });
            }
            match read {
                Ok(Some(text)) if !ours => texts.push((path, text)),
                Ok(_) => {}
                Err(error) => gaps.push(gap(self.fact, &path, &error)),
            }
        }
        (texts, mask)
    }

    /// Hidden files are nobody's (`hidden_or_backup_file`,
    /// <https://github.com/systemd/systemd/blob/v257/src/basic/path-util.c>).
    fn is_read(&self, name: &str) -> bool {
        name.ends_with(self.ending) && !name.starts_with('.')
    }
}

/// The tops without `lib` where that is `usr/lib` under another name.
pub(super) fn tops(root: &Root) -> &'static [&'static str] {
    let merged = matches!(root.read_link("lib"), Ok(Some(_)));
    TOPS.get(..TOPS.len() - usize::from(merged)).unwrap_or(&TOPS)
}

fn open<'r>(root: &'r Root, path: &str) -> Result<Option<(Dir<'r>, Vec<Entry>)>, Error> {
    let Some(dir) = root.dir(path)? else { return Ok(None) };
    let entries = dir.entries()?;
    Ok(Some((dir, entries)))
}

/// A file's text; `None` where a link to /dev/null masks it or leads nowhere.
fn text(root: &Root, dir: &Dir<'_>, entry: &Entry) -> Result<Option<String>, Error> {
    let path = format!("{}/{}", dir.path(), entry.name);
    if entry.kind == Kind::Link {
        let masked = dir.read_link(&entry.name)?.is_some_and(|target| target.ends_with("/dev/null"));
        return if masked { Ok(None) } else { Ok(root.read(&path)?.map(|bytes| bytes::decode(&bytes))) };
    }
    let read = match dir.read_listed(entry) {
        // Some rules files exceed what an attribute may hold.
        Err(Error::TooLarge { .. }) => root.read(&path),
        read => read,
    };
    Ok(read?.map(|bytes| bytes::decode(&bytes)))
}

/// What could not be read, as a gap.
pub(super) fn gap(fact: &str, path: &str, error: &Error) -> Gap {
    Gap { fact: fact.to_owned(), path: path.to_owned(), why: error.reason() }
}
