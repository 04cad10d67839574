//! What the model looks at, and how it finds a disk there.

use crate::facts::{Disk, Facts, Machine};

/// What the model looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) facts: &'a Facts,
    pub(super) machine: &'a Machine,
}

impl<'a> View<'a> {
    /// `None` where there is no machine to speak of.
    pub(super) fn of(facts: &'a Facts) -> Option<Self> {
        facts.machine.as_ref().map(|machine| Self { facts, machine })
    }

    pub(super) fn disk(&self, name: &str) -> Option<&'a Disk> {
        let disks = self.machine.disks.as_deref()?;
        // They are sorted by name.
        let at = disks.binary_search_by(|disk| disk.name.as_str().cmp(name)).ok()?;
        disks.get(at)
    }
}
