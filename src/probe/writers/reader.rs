//! Reading files of the root one after the other, with what could not be read remembered.

use crate::facts::{Gap, Unread};
use crate::formats::bytes::decode;
use crate::root::Root;

use super::super::units::Units;
use super::layers::Notes;

/// What reading needs at every step.
pub(super) struct Reader<'r> {
    pub(super) root: &'r Root,
    pub(super) tops: &'static [&'static str],
    pub(super) listed: &'r Units<'r>,
    pub(super) notes: &'r mut Notes,
    pub(super) gaps: &'r mut Vec<Gap>,
}

impl Reader<'_> {
    /// A file's text, every byte kept; one that cannot be read is remembered.
    pub(super) fn text(&mut self, of: &str, path: &str) -> Option<String> {
        match self.root.read(path) {
            Ok(bytes) => bytes.map(|bytes| decode(&bytes)),
            Err(error) => {
                self.notes.unread(self.gaps, &format!("writers.{of}"), of, path, &error);
                None
            }
        }
    }

    /// Remembers that a file says something that cannot be told from it.
    pub(super) fn open(&mut self, of: &str, path: &str, why: &str) {
        self.notes.unread.push(Unread { of: of.to_owned(), path: path.to_owned(), why: why.to_owned() });
        self.gaps.push(Gap::new(&format!("writers.{of}"), path, why));
    }

    /// Whether something stands at one of these paths.
    pub(super) fn any(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| matches!(self.root.kind(path), Ok(Some(_))))
    }

    /// The names in a directory that end so.
    pub(super) fn names(&mut self, of: &str, dir: &str, ending: &str) -> Vec<String> {
        match self.root.list(dir) {
            Ok(entries) => {
                let names = entries.into_iter().flatten().map(|entry| entry.name);
                names.filter(|name| name.ends_with(ending)).collect()
            }
            Err(error) => {
                self.notes.unread(self.gaps, &format!("writers.{of}"), of, dir, &error);
                Vec::new()
            }
        }
    }
}
