//! The rules once more under umockdev, which gives udev a `VMBus` parent chain of its own making.

use crate::device::{Device, Storvsc};
use crate::rendered::{file, hvtune_without_initiators};
use crate::stage::Suite;
use crate::udev::{Udev, udev_writes_mocked};

#[test]
fn umockdev_sees_the_same_writes() {
    let image = hvtune_without_initiators(Suite::Bookworm, "--assume azure apply");
    let rules = file(&image.out(), "udev/rules.d/90-hvtune.rules");
    let fibre: &[&str] = &["queue/scheduler=none", "device/timeout=86400"];
    let found: &[&str] = &["queue/scheduler=none", "device/scsi_disk/0:0:0:0/max_retries=-1"];
    for (device, want) in [
        (Device::storvsc(Storvsc::Scsi), found),
        (Device::storvsc(Storvsc::Ide), found),
        (Device::storvsc(Storvsc::FibreChannel), fibre),
        (Device::storvsc_partition(), &[]),
        (Device::azure_nvme_remote(), &["queue/io_timeout=240000"]),
        (Device::azure_nvme_local(), &[]),
        (Device::virtio(), &[]),
        (Device::multipath_map(), &[]),
    ] {
        for version in Udev::ALL {
            let found = udev_writes_mocked(&rules, &device, version);
            let found: Vec<_> = found.iter().map(|(attr, value)| format!("{attr}={value}")).collect();
            assert_eq!(found, want, "{version:?}, {}", device.path());
        }
    }
}
