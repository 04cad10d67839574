//! Looking at a root for its boot loader; what cannot be read is noted.

use crate::facts::{Attribute, Gap, OsRelease};
use crate::formats::bytes::decode;
use crate::formats::edit::Owned;
use crate::order::Named;
use crate::probe::noted;
use crate::root::{Large, Root};
use crate::stores::Store;
use crate::stores::place::{self, is_store, without_ours};
use crate::value::Value;

/// What a gap is about that was met here.
pub(crate) const FACT: &str = "boot";
/// systemd-boot takes some 100 KiB, shim and GRUB up to 4 MiB.
const LOADER_LIMIT: usize = 8 << 20;

pub(super) use crate::stores::place::ESPS;

/// A root under inspection.
pub(super) struct Look<'a> {
    pub(super) root: &'a Root,
    pub(super) os: Option<&'a OsRelease>,
    pub(super) gaps: &'a mut Vec<Gap>,
    /// Arguments of ours in files of others.
    record: &'a [Owned],
    /// What was found so far, by path: several stacks are told by the same file.
    seen: Named<Seen>,
}

/// What was looked at of a path.
#[derive(Default)]
struct Seen {
    there: Option<bool>,
    text: Option<Attribute<String>>,
    /// The bytes of a file in which arguments of ours may be, with them.
    whole: Vec<u8>,
    names: Option<Attribute<Vec<String>>>,
}

impl<'a> Look<'a> {
    pub(super) fn new(
        root: &'a Root,
        os: Option<&'a OsRelease>,
        record: &'a [Owned],
        gaps: &'a mut Vec<Gap>,
    ) -> Self {
        Self { root, os, gaps, record, seen: Named::new() }
    }

    fn seen(&mut self, path: &str) -> &mut Seen {
        self.seen.or_insert_with(path.to_owned(), Default::default)
    }

    /// Whether anything stands at a path.
    pub(super) fn there(&mut self, path: &str) -> bool {
        if let Some(there) = self.seen(path).there {
            return there;
        }
        let there = noted(self.gaps, FACT, path, self.root.kind(path)).value().is_some();
        *self.seen(path).there.insert(there)
    }

    /// A file's text, whatever its bytes, without arguments of ours.
    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        self.read(path).into_value()
    }

    /// The same, telling a file that is not there from one that could not be read.
    pub(super) fn read(&mut self, path: &str) -> Attribute<String> {
        if let Some(text) = &self.seen(path).text {
            return text.clone();
        }
        let text = match noted(self.gaps, FACT, path, self.root.read(path)) {
            Attribute::Is(bytes) => {
                if is_store(path) {
                    self.seen(path).whole.clone_from(&bytes);
                }
                Attribute::Is(decode(&without_ours(path, bytes, self.record)))
            }
            Attribute::Absent => Attribute::Absent,
            Attribute::Unknown => Attribute::Unknown,
        };
        self.seen(path).text.insert(text).clone()
    }

    /// A store's text with arguments of ours.
    pub(super) fn whole(&mut self, path: &str) -> String {
        self.text(path);
        decode(&self.seen(path).whole)
    }

    /// The text of a store with `mark` where our arguments stand, or will; `None` where it is no store that
    /// can be changed.
    pub(super) fn marked(&mut self, path: &str, store: Store<'_>, mark: &Value) -> Option<String> {
        self.text(path)?;
        let ours = place::ours(path, self.record).into_iter().filter(|(own, _)| *own == store);
        let ours: Vec<Value> = ours.map(|(_, arg)| arg).collect();
        let text = store.mark(&self.seen(path).whole, &ours, mark).ok()?;
        Some(decode(&text))
    }

    /// The names in a directory: none where it does not exist, `None` where it cannot be listed.
    pub(super) fn names(&mut self, path: &str) -> Option<Vec<String>> {
        if let Some(names) = &self.seen(path).names {
            return names.value().cloned();
        }
        let names = match noted(self.gaps, FACT, path, self.root.list(path)) {
            Attribute::Is(entries) => Attribute::Is(entries.into_iter().map(|entry| entry.name).collect()),
            Attribute::Absent => Attribute::Is(Vec::new()),
            Attribute::Unknown => Attribute::Unknown,
        };
        self.seen(path).names.insert(names).value().cloned()
    }

    /// Whether a file holds these bytes; what is larger than any boot loader is not searched.
    pub(super) fn holds(&mut self, path: &str, wanted: &[u8]) -> bool {
        let bytes = noted(self.gaps, FACT, path, self.root.read_at_most(path, LOADER_LIMIT)).into_value();
        bytes.is_some_and(|bytes| bytes.windows(wanted.len()).any(|window| window == wanted))
    }

    /// A file of which parts are read.
    pub(super) fn large(&mut self, path: &str) -> Attribute<Large> {
        noted(self.gaps, FACT, path, self.root.large(path))
    }

    /// The names in a directory that begin and end so.
    pub(super) fn named(&mut self, path: &str, beginning: &str, ending: &str) -> Vec<String> {
        let mut names = self.names(path).unwrap_or_default();
        names.retain(|name| name.starts_with(beginning) && name.to_ascii_lowercase().ends_with(ending));
        names.sort_unstable();
        names
    }

    /// kernel-install's layout, and the file that sets it (man 8 kernel-install).
    pub(super) fn install_layout(&mut self) -> Option<(&'static str, String)> {
        ["etc/kernel/install.conf", "usr/lib/kernel/install.conf"].into_iter().find_map(|path| {
            let text = self.text(path)?;
            Some((path, setting(&text, "layout")?))
        })
    }
}

/// The last value that a shell-like file gives a key, without its quotes.
pub(crate) fn setting(text: &str, key: &str) -> Option<String> {
    let value = |line: &str| {
        let value = line.trim().strip_prefix(key)?.strip_prefix('=')?.trim();
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    text.lines().rev().find_map(value)
}

/// Whether a name in /boot is that of a kernel.
pub(super) fn is_kernel(name: &str) -> bool {
    ["vmlinuz", "vmlinux", "linux-", "bzImage", "Image"].iter().any(|start| name.starts_with(start))
}
