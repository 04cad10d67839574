//! File systems that take no more writes, or may not.

use crate::facts::{Machine, Mount};

/// What a file system says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Where it is mounted.
    pub mount: String,
    /// What was found: `emergency_ro`, `3 errors`.
    pub found: String,
    /// What that means, and what to do.
    pub because: String,
}

/// Every mount that has given up, or has met errors since its last fsck. Kernels from 6.1.192 and
/// 6.12.117 on keep showing an aborted ext4 as `rw`, so the count of errors in its superblock is
/// what tells (`ext4_handle_error`, <https://github.com/torvalds/linux/blob/v6.12/fs/ext4/super.c>);
/// 6.15 and later show `emergency_ro`.
pub fn given_up(machine: &Machine) -> Vec<GivenUp> {
    machine.mounts.iter().filter_map(|mount| of_mount(machine, mount)).collect()
}

fn of_mount(machine: &Machine, mount: &Mount) -> Option<GivenUp> {
    let said = |found: String, because: &str| {
        Some(GivenUp { mount: mount.point.clone(), found, because: because.to_owned() })
    };
    if let Some(option) = aborted(mount) {
        let because = "the file system has given up and takes no write until it is checked: restart, with \
                       fsck.mode=force where it is the root";
        return said(option.to_owned(), because);
    }
    let policy = machine.timers.as_ref()?.errors.get(mount.device.as_ref()?)?;
    let errors = policy.ext4_errors.value().filter(|errors| **errors > 0)?;
    let because = "ext4 met errors since its last fsck and may have given up already, even where it is shown as \
                   rw: try a write, and have it checked";
    said(format!("{errors} errors"), because)
}

/// Whether an option of a mount is a kernel's word that ext4 gave up (6.15: `emergency_ro`; before, `shutdown`
/// where an ioctl asked for it).
pub fn says_given_up(option: &str) -> bool {
    matches!(option, "emergency_ro" | "shutdown")
}

/// That option of a mount.
pub(super) fn aborted(mount: &Mount) -> Option<&str> {
    mount.options.iter().map(String::as_str).find(|option| says_given_up(option))
}
