//! sysctl.d files (man 5 sysctl.d).

use super::Refusal;

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Line number, from 1.
    pub line: u32,
    /// Failure to set it is ignored (`-` before the key).
    pub optional: bool,
    /// Key with dots.
    pub key: String,
    /// Value.
    pub value: String,
}

/// Strict: every assignment, in order.
pub fn parse(_text: &str) -> Result<Vec<Entry>, Refusal> {
    Ok(Vec::new())
}

/// Lenient: every assignment that systemd-sysctl would take.
pub fn scan(_text: &str) -> Vec<Entry> {
    Vec::new()
}
