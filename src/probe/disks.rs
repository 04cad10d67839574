//! Disks, mounts and swap of the machine.

use crate::facts::{Disk, Gap, Mount, Swap};
use crate::root::Root;

/// What stores the machine's data.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// Whole disks and maps; `None` = could not tell.
    pub disks: Option<Vec<Disk>>,
    /// Mounted file systems on a block device.
    pub mounts: Vec<Mount>,
    /// Active swap.
    pub swaps: Vec<Swap>,
}

/// Reads nothing yet.
pub fn read(_machine: &Root, _azure: Option<bool>, _gaps: &mut Vec<Gap>) -> Storage {
    Storage::default()
}
