//! The lines that set `max_retries`, and those that leave it to the kernel where errors must be seen.
//!
//! The value is written when the disk is found, after its partitions were read: the kernel's own five
//! tries hold while it looks at a disk, so that one which only answers errors keeps no guest from booting.
//! Whether a disk is a part of an array or pool shows by what blkid finds on it or on a partition, at once
//! or years later; then the kernel's five are put back, from whichever event shows it.

use super::{IDE, SCSI, storvsc_parents, token};
use crate::facts::{ARRAY_SIGNATURE, LEGS, MEMBER_SIGNATURES};
use crate::formats::udev::Token;
use crate::marker::CLASS_MARK;
use crate::resolve::wanted::KERNEL_RETRIES;
use crate::tunable::Select;

/// Marks a device below which something goes on without a disk that fails.
const MUST_FAIL: &str = "ENV{HVTUNE_MUST_FAIL}";
const MEMBER: (&str, &str) = (MUST_FAIL, "1");
const BLOCK: (&str, &str) = ("SUBSYSTEM", "block");
/// Where the attribute lies, from a disk. udev puts the one name that there is in place of `*`.
const OF_DISK: &str = "device/scsi_disk/*/max_retries";
/// The same from a partition.
const OF_PARTITION: &str = "../device/scsi_disk/*/max_retries";
/// How a map or array tells the device below it: a change event with a word of ours, under which udev
/// shows it as `SYNTH_ARG_HVTUNE` (<https://docs.kernel.org/admin-guide/abi-testing.html>, uevent; Linux 4.13).
const BELOW: &str = "slaves/*/uevent";
const TELL: &str = "change 68767475-6e65-4d75-a374-4661696c0000 HVTUNE=member";
/// Marks disks of the controller on which Azure presents the disk of the system and the temporary one.
const OF_AZURE: &str = "ENV{HVTUNE_AZURE}";
/// That controller, of a generation 2 guest; the temporary disk is LUN 1
/// (<https://github.com/Azure/WALinuxAgent/blob/master/config/66-azure-storage.rules>).
const AZURE_FABRIC: &str = "{f8b3781a-1e82-4818-a1c3-63d806ec15bb}";
/// `sys/class/dmi/id/chassis_asset_tag` on Azure.
const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

/// Lines that mark what must fail, and one by which a map or array hands the mark down.
pub(super) fn marks() -> Vec<Vec<Token>> {
    let mark = |tests: &[(&str, &str)]| {
        let block = token("SUBSYSTEM", "==", "block");
        let tests = tests.iter().map(|(key, value)| token(key, "==", value));
        let mark = token(MUST_FAIL, "=", "1");
        std::iter::once(block).chain(tests).chain([mark]).collect::<Vec<Token>>()
    };
    let signatures = format!("*{ARRAY_SIGNATURE}|{}", MEMBER_SIGNATURES.join("|"));
    let legs = LEGS.map(|part| format!("*{part}*")).join("|");
    let azure = ("ATTR{[dmi/id]chassis_asset_tag}", AZURE_TAG);
    let of_azure =
        [BLOCK, azure, ("ATTRS{device_id}", AZURE_FABRIC)].map(|(key, value)| token(key, "==", value));
    vec![
        mark(&[("ENV{ID_FS_TYPE}", &signatures)]),
        mark(&[("ENV{DM_MULTIPATH_DEVICE_PATH}", "1")]),
        // A btrfs that waits for its other devices, or one that is mounted and has a second.
        mark(&[("ENV{ID_FS_TYPE}", "btrfs"), ("ENV{ID_BTRFS_READY}", "0")]),
        mark(&[("ENV{ID_FS_TYPE}", "btrfs"), ("TEST", "/sys/fs/btrfs/$env{ID_FS_UUID}/devinfo/2")]),
        mark(&[("KERNEL", "dm-*"), ("ATTR{dm/name}", &legs)]),
        mark(&[("ENV{SYNTH_ARG_HVTUNE}", "member")]),
        // Azure's temporary disk, on the two generations of guests.
        mark(&[azure, ("ATTRS{device_id}", "{00000000-0001-*")]),
        [&of_azure[..], &[token(OF_AZURE, "=", "1")]].concat(),
        mark(&[(OF_AZURE, "1"), ("KERNELS", "*:*:*:1")]),
        when(&[BLOCK, ("KERNEL", "dm-*|md*"), MEMBER], BELOW, TELL),
    ]
}

/// A line that writes an attribute where it is there.
fn when(tests: &[(&str, &str)], path: &str, value: &str) -> Vec<Token> {
    let is = |(key, value): &(&str, &str)| token(key, "==", value);
    let mut tokens: Vec<Token> = tests.iter().map(is).collect();
    tokens.push(token("TEST", "==", path));
    tokens.push(token(&format!("ATTR{{{path}}}"), "=", value));
    tokens
}

/// Lines that write the attribute of a class, and put the kernel's value back.
pub(super) fn lines(select: Select, value: &str) -> Vec<Vec<Token>> {
    let class_id = if select.name() == Select::StorvscIde.name() { IDE } else { SCSI };
    let class = (CLASS_MARK, select.name());
    let mut found = when(&[("ACTION", "add"), BLOCK, class], OF_DISK, value);
    found.insert(3, token(MUST_FAIL, "!=", "1"));
    let parents = storvsc_parents(class_id);
    let partition =
        [&[BLOCK, ("ENV{DEVTYPE}", "partition"), ("KERNEL", "sd*"), MEMBER], &parents[..]].concat();
    vec![
        found,
        when(&[("ACTION", "change"), BLOCK, class, MEMBER], OF_DISK, KERNEL_RETRIES),
        when(&partition, OF_PARTITION, KERNEL_RETRIES),
    ]
}
