//! The text formats that we write and read: udev rules, sysctl.d, modprobe.d, GRUB defaults.
//!
//! Each has two readers. `parse` is strict: it takes only what our own files may
//! hold, and is what rendered bytes are checked against. `scan` is lenient: it
//! takes other people's files, passes over what it does not understand, and
//! serves to find contenders. Both are pure.

pub mod grub;
pub mod modprobe;
pub mod sysctl;
pub mod udev;

/// Why a strict parser refused a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Refusal {
    /// Line number, from 1.
    pub line: u32,
    /// What is wrong there.
    pub why: String,
}
