//! What hvtune renders, judged by the programs it is rendered for: the real
//! udev, systemd, procps, kmod, GRUB, multipath-tools and open-iscsi of two Debian releases.
//!
//! Each check takes a rendered file and returns what the program made of it;
//! each has a sample that it must find fault with. Runs as root, in namespaces
//! of its own (`consumers/stage.rs`); the host is not written to.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests set the stage, and tell their figures"
)]

#[path = "consumers/boot_menu.rs"]
mod boot_menu;
#[path = "consumers/bootctl.rs"]
mod bootctl;
#[path = "consumers/bytes.rs"]
mod bytes;
#[path = "consumers/chains.rs"]
mod chains;
#[path = "consumers/comments.rs"]
mod comments;
#[path = "consumers/conflicts.rs"]
mod conflicts;
#[path = "consumers/daemons.rs"]
mod daemons;
#[path = "consumers/device.rs"]
mod device;
#[path = "consumers/examples.rs"]
mod examples;
#[path = "consumers/grub.rs"]
mod grub;
#[path = "consumers/initramfs.rs"]
mod initramfs;
#[path = "consumers/labels.rs"]
mod labels;
#[path = "consumers/late.rs"]
mod late;
#[path = "consumers/loader.rs"]
mod loader;
#[path = "consumers/matrix.rs"]
mod matrix;
#[path = "consumers/mock.rs"]
mod mock;
#[path = "consumers/modprobe.rs"]
mod modprobe;
#[path = "consumers/offline.rs"]
mod offline;
#[path = "consumers/ostree.rs"]
mod ostree;
#[path = "consumers/other_menus.rs"]
mod other_menus;
#[path = "consumers/packages.rs"]
mod packages;
mod release;
#[path = "consumers/remake.rs"]
mod remake;
#[path = "consumers/rendered.rs"]
mod rendered;
#[path = "consumers/retries.rs"]
mod retries;
#[path = "stacks/roots.rs"]
#[allow(dead_code, reason = "tests/stacks.rs uses all of it")]
mod roots;
#[path = "consumers/rules.rs"]
mod rules;
#[path = "consumers/stage.rs"]
mod stage;
#[path = "consumers/storage.rs"]
mod storage;
#[path = "consumers/sysctl.rs"]
mod sysctl;
#[path = "consumers/teeth.rs"]
mod teeth;
#[path = "consumers/tuned_boot.rs"]
mod tuned_boot;
#[path = "consumers/udev.rs"]
mod udev;
#[path = "consumers/uki.rs"]
mod uki;
#[path = "consumers/unit.rs"]
mod unit;
#[path = "consumers/verdicts.rs"]
mod verdicts;
