//! modprobe.d files (man 5 modprobe.d).

use super::Refusal;

/// One `options MODULE PARAMETER=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleOption {
    /// Line number, from 1.
    pub line: u32,
    /// Module with underscores.
    pub module: String,
    /// Parameter.
    pub parameter: String,
    /// Value.
    pub value: String,
}

/// Strict: every option, in order.
pub fn parse(_text: &str) -> Result<Vec<ModuleOption>, Refusal> {
    Ok(Vec::new())
}

/// Lenient: every option that kmod would take.
pub fn scan(_text: &str) -> Vec<ModuleOption> {
    Vec::new()
}
