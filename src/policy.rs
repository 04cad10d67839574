//! What the administrator said: stall budget, recovery style, tunables switched off or pinned.

use std::collections::BTreeSet;

use crate::tunable::Value;

/// The administrator's wishes, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The stall budget in seconds: the longest silence of the storage to ride out.
    pub stall: u64,
    /// What happens when the budget is spent.
    pub recovery: Recovery,
    /// Ids of tunables switched off.
    pub off: BTreeSet<String>,
    /// Pinned knobs, in order; the last of a name counts.
    pub set: Vec<Pin>,
}

/// What happens when the budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recovery {
    /// What the kernel does by itself.
    #[default]
    Default,
    /// Hang rather than fail: no timer gives up.
    Hold,
    /// Panic, reboot and repair by itself.
    SelfHeal,
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
        Self { stall: 180, recovery: Recovery::Default, off: BTreeSet::new(), set: Vec::new() }
    }
}

impl Policy {
    /// What a knob was pinned to.
    pub fn pin(&self, knob: &str) -> Option<&Pin> {
        self.set.iter().rev().find(|pin| pin.knob == knob)
    }
}
