//! multipath.conf and its drop-ins, as plain data.

use super::UnreadFile;

/// What multipath.conf and its drop-ins say of how long I/O waits, in the order in which they are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MultipathFiles {
    /// Settings of the keys that matter here, and those that tell which array or map a section is for.
    pub lines: Vec<MultipathLine>,
    /// Files and directories that could not be read, or may be read by some versions only.
    pub unread: Vec<UnreadFile>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MultipathLine {
    /// File, below the root.
    pub path: String,
    /// Line number, from 1.
    pub line: u32,
    /// Outermost section, or `protocol` for one below `overrides`.
    pub section: String,
    /// Which `device`, `multipath` or `protocol` section of all files, counted from 1; 0 outside of one.
    pub block: u32,
    /// Key: `no_path_retry`.
    pub key: String,
    /// Value as written, without its quotes.
    pub value: String,
    /// Whether a file of ours says so.
    pub ours: bool,
}
