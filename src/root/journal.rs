//! The journal: what a transaction means to do, as text. Pure.
//!
//! ```text
//! hvtune-journal 1
//! mkdir etc/modprobe.d
//! edit etc/waagent.conf
//! switch - 0f3a… etc/modprobe.d/90-hvtune.conf
//! rmdir etc/sysctl.d
//! sum 91bc…
//! ```
//! Until its last line is there and right, nothing is committed: whatever else it
//! says of files is not read. Its lines are data that an image may have planted,
//! so a path counts only if a file of ours can have it or lies below it, or if it is
//! one of those files of others that are edited, and once.

use std::collections::BTreeSet;

use crate::marker::{addon, content_hash, is_edited, known_dirs, known_paths};
use crate::seeded;

/// The most that is read of it: a few dozen files of ours, and thousands of records of open-iscsi's.
pub(crate) const LIMIT: usize = 4 << 20;

const HEAD: &str = "hvtune-journal 1\n";

/// One file's change, by the hashes of its contents; `None` is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

/// A transaction as far as it was written down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Journal {
    /// Directories that were missing and are made, outermost first.
    pub(crate) made: Vec<String>,
    /// Files of others, and addons of ours, beside which something may be staged.
    pub(crate) edited: Vec<String>,
    /// What is switched; empty until the transaction is committed.
    pub(crate) entries: Vec<Entry>,
    /// Directories that go afterwards, where empty, outermost first.
    pub(crate) unwanted: Vec<String>,
    /// Whether the last line is there and right.
    pub(crate) committed: bool,
}

impl Journal {
    /// What is written before anything is staged.
    pub(crate) fn intent(&self) -> String {
        let mut text = HEAD.to_owned();
        for (word, paths) in [("mkdir ", &self.made), ("edit ", &self.edited)] {
            for path in paths {
                text.extend([word, path, "\n"]);
            }
        }
        text
    }

    /// What follows it and commits.
    pub(crate) fn commitment(&self) -> String {
        let mut text = self.intent();
        let intended = text.len();
        for entry in &self.entries {
            text.extend([
                "switch ",
                or_dash(entry.old.as_ref()),
                " ",
                or_dash(entry.new.as_ref()),
                " ",
                &entry.path,
                "\n",
            ]);
        }
        for path in &self.unwanted {
            text.extend(["rmdir ", path, "\n"]);
        }
        let sum = content_hash(text.as_bytes());
        text.extend(["sum ", &sum, "\n"]);
        text.split_off(intended)
    }

    /// Reads what a run left. Torn, planted or none of ours: it says less, and never fails.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut journal = Self::default();
        let Some(body) = text.strip_prefix(HEAD) else { return journal };
        journal.committed = is_whole(&text);
        let (known, dirs) = (known_paths(), known_dirs());
        // A planted line may stand there half a million times.
        let mut seen = BTreeSet::new();
        // What follows the last line end is half a line.
        for line in body.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let Some((word, rest)) = line.split_once(' ') else { continue };
            let path = if word == "switch" { rest.splitn(3, ' ').nth(2).unwrap_or_default() } else { rest };
            let is_one = match word {
                "mkdir" | "rmdir" => dirs.contains(path) || addon::is_dir(path),
                "edit" => is_edited(path) || addon::is_path(path),
                "switch" => {
                    is_edited(path) || addon::is_path(path) || known.iter().any(|known| known == path)
                }
                _ => false,
            };
            if !is_one || !seen.insert((word, path)) {
                continue;
            }
            match word {
                "mkdir" => journal.made.push(path.to_owned()),
                "rmdir" => journal.unwanted.push(path.to_owned()),
                "edit" => journal.edited.push(path.to_owned()),
                _ => journal.entries.extend(parse_switch(rest)),
            }
        }
        if !journal.committed {
            journal.entries.clear();
            journal.unwanted.clear();
        }
        journal
    }
}

fn or_dash(hash: Option<&String>) -> &str {
    hash.map_or("-", String::as_str)
}

fn is_whole(text: &str) -> bool {
    let parts = text.strip_suffix('\n').and_then(|text| text.rsplit_once("sum "));
    if seeded::bug("no-journal-checksum") {
        return text.contains("\nswitch ");
    }
    parts.is_some_and(|(body, sum)| sum == content_hash(body.as_bytes()))
}

fn parse_switch(rest: &str) -> Option<Entry> {
    let mut words = rest.splitn(3, ' ');
    let mut hash = || words.next().map(|hash| (hash != "-").then(|| hash.to_owned()));
    let (old, new) = (hash()?, hash()?);
    Some(Entry { path: words.next()?.to_owned(), old, new })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        let entry = |path: &str, old: Option<&str>, new: Option<&str>| Entry {
            path: path.to_owned(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        };
        Journal {
            made: vec!["etc/modprobe.d".to_owned(), "boot/efi/EFI/Linux/a.efi.extra.d".to_owned()],
            edited: vec![
                "etc/waagent.conf".to_owned(),
                "boot/efi/EFI/Linux/a.efi.extra.d/zz-hvtune.addon.efi".to_owned(),
            ],
            entries: vec![
                entry("boot/efi/EFI/Linux/a.efi.extra.d/zz-hvtune.addon.efi", None, Some("4d")),
                entry("etc/modprobe.d/90-hvtune.conf", None, Some("0f")),
                entry("etc/sysctl.d/90-hvtune.conf", Some("1a"), None),
                entry("etc/waagent.conf", Some("2b"), Some("3c")),
            ],
            unwanted: vec!["etc/sysctl.d".to_owned()],
            committed: true,
        }
    }

    fn text() -> String {
        journal().intent() + &journal().commitment()
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Journal::parse(text().as_bytes()), journal());
        let intent = Journal::parse(journal().intent().as_bytes());
        assert_eq!(intent, Journal { made: journal().made, edited: journal().edited, ..Journal::default() });
    }

    /// Every prefix, and every byte changed: committed only as a whole.
    #[test]
    fn a_torn_journal_commits_nothing() {
        let text = text();
        for end in 0..text.len() {
            let torn = Journal::parse(&text.as_bytes()[..end]);
            assert!(!torn.committed && torn.entries.is_empty(), "{:?}", &text[..end]);
            for other in [0, b' ', b'\n', b'x', 0xff] {
                let mut bytes = text.clone().into_bytes();
                if std::mem::replace(&mut bytes[end], other) != other {
                    let torn = Journal::parse(&bytes);
                    assert!(!torn.committed && torn.entries.is_empty(), "byte {end}");
                }
            }
        }
    }

    #[test]
    fn paths_that_are_not_ours_are_passed_over() {
        let mut planted = journal();
        for path in ["../host/x", "etc/passwd", "/etc/sysctl.d/90-hvtune.conf", ""] {
            planted.made.push(path.to_owned());
            planted.unwanted.push(path.to_owned());
            planted.edited.push(path.to_owned());
            planted.entries.push(Entry { path: path.to_owned(), old: None, new: Some("0f".to_owned()) });
        }
        let text = planted.intent() + &planted.commitment();
        assert_eq!(Journal::parse(text.as_bytes()), journal());
    }

    #[test]
    fn what_stands_there_again_and_again_counts_once() {
        let Journal { made, edited, entries, unwanted, .. } = journal();
        let often = |list: &[String]| vec![list.to_vec(); 1000].concat();
        let planted = Journal {
            made: often(&made),
            edited: often(&edited),
            entries: vec![entries; 1000].concat(),
            unwanted: often(&unwanted),
            committed: true,
        };
        let text = planted.intent() + &planted.commitment();
        assert_eq!(Journal::parse(text.as_bytes()), journal());
    }
}
