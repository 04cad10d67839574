//! What was read of a machine, or is written of one.

use crate::order::Named;

/// What reading went through, for `capture`: path → what was there.
pub type Trail = Named<Seen>;

/// One thing that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A regular file and its bytes.
    File(Vec<u8>),
    /// A symbolic link and its target.
    Link(String),
    /// Something that could not be read, and why.
    Unreadable(String),
    /// A directory that was found there.
    Dir,
}
