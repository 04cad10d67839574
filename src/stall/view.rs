//! What the model looks at, and how it finds a disk there.

use crate::facts::{Disk, Facts, Machine};

/// More storeys than this are a ring.
pub(super) const DEEPEST: usize = 16;

/// What the model looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) facts: &'a Facts,
    pub(super) machine: &'a Machine,
    /// How long the host holds a command that it then answers with an error, in seconds.
    pub(super) host_holds: u64,
}

impl<'a> View<'a> {
    /// `None` where there is no machine to speak of.
    pub(super) fn of(facts: &'a Facts, host_holds: u64) -> Option<Self> {
        facts.machine.as_ref().map(|machine| Self { facts, machine, host_holds })
    }

    pub(super) fn disk(&self, name: &str) -> Option<&'a Disk> {
        let disks = self.machine.disks.as_deref()?;
        // They are sorted by name.
        let at = disks.binary_search_by(|disk| disk.name.as_str().cmp(name)).ok()?;
        disks.get(at)
    }
}
