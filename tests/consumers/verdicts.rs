//! What the consumers make of the files that are rendered: the exact effect.

use std::path::PathBuf;

use crate::device::{Device, Storvsc};
use crate::grub::grub_faults;
use crate::modprobe::{Loaded, modprobe_faults, modprobe_loads};
use crate::rendered::{file, good};
use crate::stage::Suite;
use crate::sysctl::sysctl_faults;
use crate::udev::{Udev, udev_test, udev_verify, udev_writes};

const NONE: &[&str] = &[];

fn rules() -> PathBuf {
    file(&good(), "udev/rules.d/90-hvtune.rules")
}

/// Asserts that both versions of udev write exactly this, `attribute=value`, in order.
#[track_caller]
fn writes(device: &Device, want: &[&str]) {
    for version in Udev::ALL {
        let found = udev_writes(&rules(), device, version);
        let found: Vec<_> = found.iter().map(|(attr, value)| format!("{attr}={value}")).collect();
        assert_eq!(found, want, "{version:?}, {}", device.path());
    }
}

#[test]
fn the_rules_pass_verification_and_its_style() {
    let ran = udev_verify(&rules());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
}

#[test]
fn storvsc_disks() {
    writes(&Device::storvsc(Storvsc::Scsi), &["queue/scheduler=none"]);
    writes(&Device::storvsc(Storvsc::Ide), NONE);
    writes(&Device::storvsc(Storvsc::FibreChannel), NONE);
}

#[test]
fn what_lies_around_a_storvsc_disk_is_left_alone() {
    writes(&Device::storvsc_partition(), NONE);
    writes(&Device::storvsc_scsi_device(), NONE);
    writes(&Device::storvsc_scsi_disk(), NONE);
}

#[test]
fn a_value_that_is_right_is_not_written_again() {
    let scheduler = |now: &str| Device::storvsc(Storvsc::Scsi).with("queue/scheduler", now);
    writes(&scheduler("[none] mq-deadline"), NONE);
    writes(&scheduler("mq-deadline [bfq] none"), &["queue/scheduler=none"]);
    writes(&scheduler("mq-deadline [none]"), NONE);
    writes(&Device::iscsi().with("device/timeout", "180"), &["queue/scheduler=none"]);
    writes(&Device::azure_nvme_remote().with("queue/io_timeout", "240000"), NONE);
}

#[test]
fn a_scheduler_that_is_not_offered_is_not_written() {
    writes(&Device::storvsc(Storvsc::Scsi).with("queue/scheduler", "[mq-deadline] kyber"), NONE);
}

#[test]
fn iscsi_disks() {
    writes(&Device::iscsi(), &["queue/scheduler=none", "device/timeout=180"]);
    let path = Device::iscsi().property("DM_MULTIPATH_DEVICE_PATH", "1");
    writes(&path, &["queue/scheduler=none"]);
}

#[test]
fn azure_nvme_disks() {
    writes(&Device::azure_nvme_remote(), &["queue/io_timeout=240000"]);
    writes(&Device::azure_nvme_remote_head(), NONE);
    writes(&Device::azure_nvme_local(), NONE);
}

#[test]
fn disks_of_others_are_left_alone() {
    writes(&Device::virtio(), NONE);
    writes(&Device::ahci(), NONE);
    writes(&Device::multipath_map(), NONE);
}

#[test]
fn add_and_change_write_and_remove_does_not() {
    for version in Udev::ALL {
        for (action, count) in [("add", 2), ("change", 2), ("remove", 0), ("bind", 0)] {
            let tested = udev_test(&rules(), &Device::iscsi(), version, action);
            assert_eq!(tested.complaints, NONE, "{version:?} {action}");
            assert_eq!(tested.writes.len(), count, "{version:?} {action}: {tested:?}");
        }
    }
}

#[test]
fn systemd_sysctl_and_procps_set_what_the_file_says() {
    let conf = file(&good(), "sysctl.d/90-hvtune.conf");
    let want = [
        ("vm.swappiness", "10"),
        ("vm.dirty_background_bytes", "67108864"),
        ("kernel.hung_task_timeout_secs", "480"),
    ];
    assert_eq!(sysctl_faults(&conf, &want), NONE);
}

#[test]
fn kmod_reads_the_options_and_the_modules_have_them() {
    let conf = file(&good(), "modprobe.d/90-hvtune.conf");
    let want = [("hv_storvsc", "storvsc_ringbuffer_size=262144"), ("nvme_core", "io_timeout=240")];
    assert_eq!(modprobe_faults(&conf, &want), NONE);
}

#[test]
fn the_options_arrive_where_the_driver_is_a_module() {
    let conf = file(&good(), "modprobe.d/90-hvtune.conf");
    for suite in Suite::ALL {
        for (kernel, loaded) in modprobe_loads(suite, &conf, "hv_storvsc") {
            let want = Loaded::With("storvsc_ringbuffer_size=262144".to_owned());
            assert_eq!(loaded, want, "{kernel}");
        }
        for (kernel, loaded) in modprobe_loads(suite, &conf, "nvme_core") {
            let module = Loaded::With("io_timeout=240".to_owned());
            let want = if kernel.contains("cloud") { Loaded::Builtin } else { module };
            assert_eq!(loaded, want, "{kernel}");
        }
    }
}

#[test]
fn grub_adds_the_arguments_to_normal_entries_only() {
    let fragment = file(&good(), "default/grub.d/90-hvtune.cfg");
    assert_eq!(grub_faults(&fragment, &["nvme_core.io_timeout=240", "scsi_mod.scan=sync"]), NONE);
}
