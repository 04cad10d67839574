//! Reading the machine and the root into [`crate::facts::Facts`]. Decides nothing;
//! one unreadable file becomes a gap, never a failure.

pub mod disks;
pub mod mounts;

use crate::facts::Facts;
use crate::root::Root;

/// Live sysctl values that are read, with dots.
pub const SYSCTL_KEYS: &[&str] = &[
    "vm.swappiness",
    "vm.dirty_bytes",
    "vm.dirty_background_bytes",
    "vm.dirty_ratio",
    "vm.dirty_background_ratio",
    "kernel.hung_task_timeout_secs",
    "kernel.hung_task_warnings",
    "kernel.hung_task_panic",
    "kernel.panic",
];

/// Modules looked up in every installed kernel.
pub const MODULES: &[&str] = &["hv_storvsc", "nvme_core", "scsi_mod"];

/// Live module parameters that are read, by module and name.
pub const PARAMETERS: &[(&str, &str)] = &[
    ("hv_storvsc", "storvsc_ringbuffer_size"),
    ("hv_storvsc", "storvsc_vcpus_per_sub_channel"),
    ("hv_storvsc", "ring_avail_percent_lowater"),
    ("nvme_core", "io_timeout"),
    ("nvme_core", "multipath"),
    ("scsi_mod", "use_blk_mq"),
];

/// Where the machine half of the facts comes from.
#[derive(Debug)]
pub enum MachineSource<'a> {
    /// The running machine.
    Live(&'a Root),
    /// A capture: `machine.json`, `sys/`, `proc/`.
    Capture(&'a Root),
    /// `--assume hyperv` or `--assume azure`: nothing is looked at.
    Assume {
        /// Azure was said.
        azure: bool,
    },
    /// Nowhere: an offline root without a word on its machine.
    Unknown,
}

/// Reads everything.
pub fn probe(_machine: &MachineSource<'_>, _root: &Root) -> Facts {
    Facts::default()
}
