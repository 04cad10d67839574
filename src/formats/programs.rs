//! Files by which programs write to `/proc/sys` and `/sys`: tmpfiles.d, sysfsutils', scripts.

pub mod assignment;
pub mod script;
pub mod sysfsutils;
pub mod tmpfiles;

/// One write that a file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathWrite {
    /// Line number, from 1.
    pub line: u32,
    /// The path, absolute; wildcards are kept. Empty where the line names a knob and no path could be told.
    pub target: String,
    /// What is written; `None` where that could not be told.
    pub value: Option<String>,
    /// The line, for people.
    pub shown: String,
    /// Why it may not come to it, where it may not.
    pub maybe: Option<&'static str>,
}
