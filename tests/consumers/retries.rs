//! What udev makes of the lines on `max_retries`: written once when a disk is found, put back to the
//! kernel's five by whichever event shows that something goes on without the disk.

use std::path::{Path, PathBuf};

use crate::device::{Device, Storvsc};
use crate::rendered::{file, hvtune};
use crate::stage::{Stage, Suite};
use crate::udev::{Udev, udev_test};

const RULES: &str = "udev/rules.d/90-hvtune.rules";
const DISK: &str = "device/scsi_disk/0:0:0:0/max_retries";
/// The properties by which a member, a path, a half btrfs and a word from above are told.
const MEMBERS: [(&str, &str); 9] = [
    ("ID_FS_TYPE", "linux_raid_member"),
    ("ID_FS_TYPE", "isw_raid_member"),
    ("ID_FS_TYPE", "zfs_member"),
    ("ID_FS_TYPE", "drbd"),
    ("ID_FS_TYPE", "ceph_bluestore"),
    ("ID_FS_TYPE", "gfs2"),
    ("ID_FS_TYPE", "mpath_member"),
    ("DM_MULTIPATH_DEVICE_PATH", "1"),
    ("SYNTH_ARG_HVTUNE", "member"),
];

fn rules(image: &Stage) -> PathBuf {
    file(&image.out(), RULES)
}

/// What both versions write of `max_retries` and to devices below, as `attribute=value`.
#[track_caller]
fn written(rules: &Path, device: &Device, action: &str) -> Vec<String> {
    let of = |version| {
        let tested = udev_test(rules, device, version, action);
        assert_eq!(tested.complaints, [""; 0], "{version:?} {action}");
        let ours = tested.writes.into_iter().filter(|(name, _)| !name.starts_with("queue/"));
        ours.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let [old, new] = Udev::ALL.map(of);
    assert_eq!(old, new, "the versions differ");
    old
}

#[test]
fn a_disk_gets_it_when_it_is_found_and_never_again() {
    let image = hvtune(Suite::Bookworm, "--assume hyperv apply", &[]);
    let rules = rules(&image);
    for class in [Storvsc::Scsi, Storvsc::Ide] {
        let disk = Device::storvsc(class);
        assert_eq!(written(&rules, &disk, "add"), [format!("{DISK}=-1")], "{class:?}");
        assert_eq!(written(&rules, &disk, "change"), [""; 0], "{class:?}");
        for plain in ["ext4", "btrfs", "LVM2_member", "crypto_LUKS", "swap"] {
            let disk = disk.clone().property("ID_FS_TYPE", plain);
            assert_eq!(written(&rules, &disk, "add"), [format!("{DISK}=-1")], "{class:?} {plain}");
        }
    }
    for device in [Device::storvsc_of_old(), Device::storvsc_scsi_disk()] {
        assert_eq!(written(&rules, &device, "add"), [""; 0], "{}", device.path());
    }
}

#[test]
fn a_member_keeps_the_kernels_five_and_gets_them_back() {
    let image = hvtune(Suite::Bookworm, "--assume hyperv apply", &[]);
    let rules = rules(&image);
    let half = ("ID_BTRFS_READY", "0");
    for (key, value) in MEMBERS.into_iter().chain([half]) {
        let member = |device: Device| {
            let btrfs = if key == half.0 { device.property("ID_FS_TYPE", "btrfs") } else { device };
            btrfs.property(key, value)
        };
        let disk = member(Device::storvsc(Storvsc::Scsi));
        assert_eq!(written(&rules, &disk, "add"), [""; 0], "{key}={value}");
        assert_eq!(written(&rules, &disk, "change"), [format!("{DISK}=5")], "{key}={value}");
        let partition = member(Device::storvsc_partition());
        for action in ["add", "change"] {
            let back = written(&rules, &partition, action);
            assert_eq!(back, [format!("../{DISK}=5")], "{key}={value} {action}");
        }
    }
    assert_eq!(written(&rules, &Device::storvsc_partition(), "add"), [""; 0]);
}

/// The word goes down to the device below, whose own event then shows it.
#[test]
fn a_leg_of_an_array_tells_the_device_below_it() {
    let image = hvtune(Suite::Bookworm, "--assume hyperv apply", &[]);
    let rules = rules(&image);
    let told = "slaves/sda2/uevent=change 68767475-6e65-4d75-a374-4661696c0000 HVTUNE=member";
    for name in ["vg-lv_rimage_0", "vg-lv_rmeta_1", "vg-lv_mimage_0", "vg-lv_mlog"] {
        assert_eq!(written(&rules, &Device::map_on_partition(name), "change"), [told], "{name}");
    }
    let plain = Device::map_on_partition("vg-root");
    assert_eq!(written(&rules, &plain, "change"), [""; 0]);
    let store = plain.property("ID_FS_TYPE", "ceph_bluestore");
    assert_eq!(written(&rules, &store, "change"), [told]);
}

#[test]
fn azures_temporary_disk_is_passed_by_on_azure_alone() {
    let image = hvtune(Suite::Bookworm, "--assume azure apply", &[]);
    let rules = rules(&image);
    for (generation, lun) in [(1, 0), (2, 1)] {
        let disk = Device::azure_temporary(generation);
        let set = format!("device/scsi_disk/0:0:0:{lun}/max_retries=-1");
        assert_eq!(written(&rules, &disk, "add"), [set], "generation {generation}, elsewhere");
        assert_eq!(written(&rules, &disk.on_azure(), "add"), [""; 0], "generation {generation}");
    }
    let of_system = Device::storvsc(Storvsc::Scsi).on_azure();
    assert_eq!(written(&rules, &of_system, "add"), [format!("{DISK}=-1")]);
}
