//! modprobe.d, as libkmod reads it.

/// A file of modprobe.d, ours among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModprobeFile {
    /// Its path below the root.
    pub path: String,
    /// Why libkmod does not read it: replaced by a file of the same name, a link to /dev/null, a directory.
    pub kept_out: Option<String>,
    /// Why its text is not known.
    pub unread: Option<String>,
    /// It carries our marker.
    pub ours: bool,
    /// Its lines about modules of [`crate::probe::MODULES`].
    pub lines: Vec<ModprobeLine>,
}

/// One line of modprobe.d.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModprobeLine {
    /// Line number, from 1.
    pub line: u32,
    /// Module with underscores.
    pub module: String,
    /// `install`: a command instead of the module; else `options`.
    pub install: bool,
    /// What follows the module's name, as written.
    pub text: String,
}
