//! udev rules (man 7 udev).

use super::Refusal;

/// One `KEY op "value"` of a rule line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Key with its attribute: `ACTION`, `ATTR{queue/scheduler}`.
    pub key: String,
    /// `==`, `!=`, `=`.
    pub op: String,
    /// The value between the quotes, as it stands there.
    pub value: String,
}

/// Strict: every rule line's tokens, in order.
pub fn parse(_text: &str) -> Result<Vec<Vec<Token>>, Refusal> {
    Ok(Vec::new())
}

/// One attribute write found in somebody's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Line number, from 1.
    pub line: u32,
    /// Attribute as written: `queue/scheduler`.
    pub attr: String,
    /// Value as written.
    pub value: String,
}

/// Lenient: every `ATTR{…}="…"` write.
pub fn scan(_text: &str) -> Vec<Write> {
    Vec::new()
}
