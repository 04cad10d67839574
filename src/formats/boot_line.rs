//! Command lines as boot loaders' files have them, each argument with where it comes from.

/// What `GRUB_CMDLINE_LINUX` and `GRUB_CMDLINE_LINUX_DEFAULT` come to, in that order: the arguments
/// of an ordinary entry of the menu that is made next, but for `root=` and `ro`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configured {
    /// In the order of the command line; what no longer counts, before it.
    pub args: Vec<BootArg>,
    /// Before which of them what our fragment adds stands.
    pub ours_at: usize,
    /// Whether our fragment is read at all.
    pub reads_ours: bool,
    /// Whether what our fragment adds stays.
    pub ours: Holds,
    /// What could not be read or understood, and may hide an argument: one sentence each.
    pub doubts: Vec<String>,
}

/// Whether something is so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Holds {
    /// It is.
    #[default]
    Yes,
    /// It may be; why that could not be decided.
    Maybe(String),
    /// It is not, though it seems to be; why.
    No(String),
}

/// An argument of a kernel command line, with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootArg {
    /// `key=value` or `key`, in quotes where it holds a blank; `None`: nobody can tell what stands there.
    pub text: Option<String>,
    /// File, below the root.
    pub path: String,
    /// Line number, from 1; 0 where the file as a whole says so.
    pub line: u32,
    /// Whether it is on the line.
    pub holds: Holds,
    /// It comes in after our fragment was read, which can take nothing of it away.
    pub after_ours: bool,
}

/// The command line of one boot entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootLine {
    /// File, below the root.
    pub path: String,
    /// Line number, from 1.
    pub line: u32,
    /// The entry's title; empty where it has none.
    pub entry: String,
    /// What passes it.
    pub kind: LineKind,
    /// Its arguments in order, without ours.
    pub args: Vec<BootArg>,
    /// Before which of them ours stand; `None`: none of ours come to this line.
    pub ours_at: Option<usize>,
}

/// What passes a command line to a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// An entry of a menu that is made from a configuration.
    Menu,
    /// An entry that stands for itself: a file of `loader/entries`.
    Entry,
    /// The entry of a kernel that is installed later.
    NewKernel,
}
