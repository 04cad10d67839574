//! What the administrator said: stall budget, recovery style, tunables switched off or pinned.
//!
//! Files are read in this order, and what a later one says counts, key by key:
//! `/usr/lib/hvtune/*.toml`, `/etc/hvtune.toml`, `/etc/hvtune.toml.d/*.toml`. A file in
//! the last directory replaces the one of the same name in the first; a link to
//! `/dev/null` there leaves nothing of it. Whatever is not understood is an error, and
//! nothing is written: a misspelt wish must not look like one that was heard.

mod duration;
mod key;
mod parse;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::facts::BootStack;
use crate::root::{Entry, Error, Kind, Root};
use crate::value::{Knob, Value};

pub use duration::{parse_duration, parse_stall};
pub use key::Key;
pub use parse::parse;

/// The administrator's wishes, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The stall budget in seconds: the longest silence of the storage to ride out.
    pub stall: u64,
    /// How long the host holds a command before it answers with an error, in seconds: only `survive` asks.
    pub host_holds: u64,
    /// What happens when the budget is spent.
    pub recovery: Recovery,
    /// The initramfs of an image is told of Hyper-V's drivers.
    pub hyperv_drivers: bool,
    /// The boot stack that boots the root, where the administrator says it.
    pub boot_stack: Option<BootStack>,
    /// Ids of tunables switched off.
    pub off: BTreeSet<String>,
    /// Pinned knobs, in order; the last of a name counts.
    pub set: Vec<Pin>,
}

/// What happens when the budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// Errors of the host are waited out on disks that have no second path and no mirror. Everything else
    /// lasts for the budget, and then the kernel does what it does by itself.
    #[default]
    Default,
    /// iSCSI sessions and multipath maps wait without end. Errors of the host are waited out on nodes of a
    /// cluster, too.
    Hold,
    /// After the budget the guest panics, restarts and repairs its file systems by itself.
    SelfHeal,
    /// Errors of the host come up after the kernel's own five retries: for clusters that fence a node whose
    /// storage fails.
    FailFast,
}

impl Recovery {
    /// All of them, the default first.
    pub const ALL: [Self; 4] = [Self::Default, Self::Hold, Self::SelfHeal, Self::FailFast];

    /// The word for it in a policy and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Hold => "hold",
            Self::SelfHeal => "self-heal",
            Self::FailFast => "fail-fast",
        }
    }
}

/// One `[set]` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The knob's name (an id has been resolved to its first knob).
    pub knob: String,
    /// The value, checked against what the knob accepts.
    pub value: Value,
    /// Where it was said: `etc/hvtune.toml:7`.
    pub origin: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            stall: 180,
            host_holds: 60,
            recovery: Recovery::Default,
            hyperv_drivers: false,
            boot_stack: None,
            off: BTreeSet::new(),
            set: Vec::new(),
        }
    }
}

impl Policy {
    /// What a knob was pinned to.
    pub fn pin(&self, knob: &str) -> Option<&Pin> {
        self.set.iter().rev().find(|pin| pin.knob == knob)
    }
}

/// What a policy may speak of: a tunable's id, which `off` names, and its knobs, which `[set]` pins.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// The id, dotted lower case.
    pub id: &'static str,
    /// What `[set]` may pin; the id itself pins the first.
    pub knobs: &'static [Knob],
}

/// Why the policy cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Something in a file is not understood.
    #[error("{path}:{line}: {why}")]
    Said {
        /// The file.
        path: String,
        /// Line number, from 1.
        line: usize,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

/// Directory of defaults that an image or a package brings.
const VENDOR: &str = "usr/lib/hvtune";
/// The administrator's file.
const ADMIN: &str = "etc/hvtune.toml";
/// The administrator's drop-ins.
const DROP_INS: &str = "etc/hvtune.toml.d";

/// Reads the policy of a root, or only `config` (path and text) where one was given. `subjects`: all that
/// it may speak of.
pub fn read(
    root: &Root,
    config: Option<(String, String)>,
    subjects: &[Subject],
) -> Result<Policy, PolicyError> {
    match config {
        Some(file) => parse(&[file], subjects),
        None => parse(&files(root)?, subjects),
    }
}

/// Path and text of every file that counts, in order.
fn files(root: &Root) -> Result<Vec<(String, String)>, Error> {
    let drop_ins = toml_files(root, DROP_INS)?;
    let mut vendor = toml_files(root, VENDOR)?;
    vendor.retain(|file| drop_ins.iter().all(|drop_in| drop_in.name != file.name));
    let mut files = Vec::new();
    let mut take = |path: String, kind: Kind| -> Result<(), Error> {
        if kind == Kind::Link && root.read_link(&path)?.as_deref() == Some("/dev/null") {
            return Ok(());
        }
        if let Some(text) = root.read_text(&path)? {
            files.push((path, text));
        }
        Ok(())
    };
    for file in vendor {
        take(format!("{VENDOR}/{}", file.name), file.kind)?;
    }
    take(ADMIN.to_owned(), Kind::File)?;
    for file in drop_ins {
        take(format!("{DROP_INS}/{}", file.name), file.kind)?;
    }
    Ok(files)
}

fn toml_files(root: &Root, dir: &str) -> Result<Vec<Entry>, Error> {
    let mut files = root.list(dir)?.unwrap_or_default();
    files.retain(|file| {
        file.name.strip_suffix(".toml").is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.'))
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    #[test]
    fn no_file_means_the_defaults() {
        let (_dir, root) = laid_out(&[]);
        assert_eq!(read(&root, None, &[]).unwrap(), Policy::default());
    }

    #[test]
    fn later_files_win_and_names_mask() {
        let (_dir, root) = laid_out(&[
            ("usr/lib/hvtune/10-a.toml", "stall = 100\n"),
            ("usr/lib/hvtune/50-b.toml", "recovery = \"hold\"\n"),
            ("usr/lib/hvtune/60-c.toml", "nonsense\n"),
            ("etc/hvtune.toml", "stall = 200\n"),
            ("etc/hvtune.toml.d/50-b.toml", "# nothing\n"),
            ("etc/hvtune.toml.d/60-c.toml", "-> /dev/null"),
            ("etc/hvtune.toml.d/20-d.toml", "stall = 300\n"),
            ("etc/hvtune.toml.d/README", "nonsense\n"),
        ]);
        let policy = read(&root, None, &[]).unwrap();
        assert_eq!(policy, Policy { stall: 300, ..Policy::default() });
        let given = ("my.toml".to_owned(), "recovery = \"self-heal\"\n".to_owned());
        let policy = read(&root, Some(given), &[]).unwrap();
        assert_eq!(policy, Policy { recovery: Recovery::SelfHeal, ..Policy::default() });
    }

    #[test]
    fn an_unreadable_file_is_an_error() {
        let (_dir, root) = laid_out(&[("etc/hvtune.toml/x", "")]);
        assert!(matches!(read(&root, None, &[]), Err(PolicyError::Unreadable(_))));
    }
}
