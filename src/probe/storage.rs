//! Disks, what is mounted of them, and what each is used for.

mod roles;
mod signatures;

pub(crate) use signatures::parse_signature;

use crate::facts::{Disk, Gap, Mount, Role, ServedMount, Swap};
use crate::probe::{disks, mounts};
use crate::root::Root;

/// All that is known of storage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Storage {
    /// Every whole disk and map, sorted by name; `None` = could not tell.
    pub disks: Option<Vec<Disk>>,
    /// Mounted file systems that rest on a block device, and the root whatever it rests on.
    pub mounts: Vec<Mount>,
    /// Mounted file systems of which a server answers.
    pub served: Vec<ServedMount>,
    /// Active swap.
    pub swaps: Vec<Swap>,
}

/// Reads the machine's storage. `azure`: whether it is on Azure, where a
/// controller's identity tells the temporary disk.
pub fn read(machine: &Root, azure: Option<bool>, gaps: &mut Vec<Gap>) -> Storage {
    let mut disks = disks::read(machine, azure, gaps);
    let mounts::Mounted { mounts, served, swaps } = mounts::read(machine, disks.as_deref(), gaps);
    if let Some(disks) = &mut disks {
        let signed = signatures::read(machine, disks, gaps);
        roles::assign(disks, &mounts, &swaps, &signed.members);
        for disk in disks.iter_mut().filter(|disk| signed.perhaps.contains(&disk.name)) {
            disk.roles.insert(Role::PerhapsMember);
        }
    }
    Storage { disks, mounts, served, swaps }
}
