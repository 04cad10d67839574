//! Configuration directories that lie over each other: sysctl.d, modprobe.d, udev's rules.d.
//!
//! Of files with the same name only that of the highest directory counts, and what
//! counts is taken in one order of names, whatever the directory; a link to /dev/null
//! leaves nothing (<https://man7.org/linux/man-pages/man5/sysctl.d.5.html>).

use std::collections::BTreeMap;

use crate::facts::Gap;
use crate::marker::body_of;
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
    /// Path and text of everybody else's files, in reading order.
    pub(super) fn texts(&self, root: &Root, tops: &[&str], gaps: &mut Vec<Gap>) -> Vec<(String, String)> {
        let mut dirs = Vec::new();
        let mut files: BTreeMap<String, (usize, Entry)> = BTreeMap::new();
        for top in tops {
            let path = format!("{top}/{}", self.below);
            match open(root, &path) {
                Ok(None) => {}
                Ok(Some((dir, entries))) => {
                    for entry in entries.into_iter().filter(|entry| entry.name.ends_with(self.ending)) {
                        files.entry(entry.name.clone()).or_insert((dirs.len(), entry));
                    }
                    dirs.push(dir);
                }
                Err(error) => gaps.push(gap(self.fact, &path, &error)),
            }
        }
        let mut texts = Vec::new();
        for (name, (at, entry)) in files {
            let Some(dir) = dirs.get(at) else { continue };
            let path = format!("{}/{name}", dir.path());
            match text(root, dir, &entry) {
                Ok(Some(text)) if body_of(text.as_bytes()).is_none() => texts.push((path, text)),
                Ok(_) => {}
                Err(error) => gaps.push(gap(self.fact, &path, &error)),
            }
        }
        texts
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
        return if masked { Ok(None) } else { root.read_text(&path) };
    }
    match dir.read_listed(entry) {
        // Some rules files exceed what an attribute may hold.
        Err(Error::TooLarge { .. }) => root.read_text(&path),
        Ok(Some(bytes)) => String::from_utf8(bytes).map(Some).map_err(|_| Error::NotText { path }),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What could not be read, as a gap.
pub(super) fn gap(fact: &str, path: &str, error: &Error) -> Gap {
    Gap { fact: fact.to_owned(), path: path.to_owned(), why: error.reason() }
}
