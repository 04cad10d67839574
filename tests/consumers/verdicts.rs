//! What the consumers make of what hvtune writes: the exact effect.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::device::{Device, Storvsc};
use crate::grub::{Change, grub_faults};
use crate::modprobe::{Loaded, modprobe_faults, modprobe_loads};
use crate::rendered::{file, fixture, hvtune, hvtune_without_initiators, of_all_fixtures};
use crate::stage::Suite;
use crate::sysctl::sysctl_faults;
use crate::udev::{Udev, udev_test, udev_verify, udev_writes};

const NONE: &[&str] = &[];
const RULES: &str = "udev/rules.d/90-hvtune.rules";
const SYSCTL: &str = "sysctl.d/90-hvtune.conf";
const MODPROBE: &str = "modprobe.d/90-hvtune.conf";
const GRUB: &str = "default/grub.d/90-hvtune.cfg";

/// The offline kinds of machine, of which sizes are unknown.
const HYPERV: &str = "--assume hyperv apply";
const AZURE: &str = "--assume azure apply";

/// Asserts that both versions of udev write exactly this, `attribute=value`, in order.
#[track_caller]
fn writes(rules: &Path, device: &Device, want: &[&str]) {
    for version in Udev::ALL {
        let found = udev_writes(rules, device, version);
        let found: Vec<_> = found.iter().map(|(attr, value)| format!("{attr}={value}")).collect();
        assert_eq!(found, want, "{version:?}, {}", device.path());
    }
}

#[test]
fn every_rules_file_passes_verification_and_its_style() {
    let image = hvtune(Suite::Trixie, AZURE, &[]);
    let mut files = of_all_fixtures(RULES);
    files.push(file(&image.out(), RULES));
    for rules in files {
        let ran = udev_verify(&rules);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", rules.display());
    }
}

#[test]
fn storvsc_disks() {
    let image = hvtune(Suite::Bookworm, HYPERV, &[]);
    let rules = file(&image.out(), RULES);
    let both = ["queue/scheduler=none", "device/scsi_disk/0:0:0:0/max_retries=-1"];
    writes(&rules, &Device::storvsc(Storvsc::Scsi), &both);
    writes(&rules, &Device::storvsc(Storvsc::Ide), &both);
    let fibre = Device::storvsc(Storvsc::FibreChannel);
    writes(&rules, &fibre, &["queue/scheduler=none", "device/timeout=86400"]);
    for right in ["86400", "86401", "90000", "4294967"] {
        writes(&rules, &fibre.clone().with("device/timeout", right), &["queue/scheduler=none"]);
    }
    let less = fibre.with("device/timeout", "86399");
    writes(&rules, &less, &["queue/scheduler=none", "device/timeout=86400"]);
}

#[test]
fn what_is_not_a_hyperv_disk_is_left_alone() {
    let image = hvtune_without_initiators(Suite::Bookworm, AZURE);
    let rules = file(&image.out(), RULES);
    for device in [
        Device::storvsc_partition(),
        Device::storvsc_scsi_device(),
        Device::storvsc_scsi_disk(),
        Device::azure_nvme_local(),
        Device::iscsi(),
        Device::multipath_map(),
        Device::virtio(),
        Device::ahci(),
    ] {
        writes(&rules, &device, NONE);
    }
}

#[test]
fn a_scheduler_is_written_where_it_is_offered_and_not_in_force() {
    let image = hvtune(Suite::Bookworm, HYPERV, &[]);
    let rules = file(&image.out(), RULES);
    let scheduler = |now: &str| Device::storvsc_of_old().with("queue/scheduler", now);
    for now in ["[mq-deadline] none", "mq-deadline [bfq] none", "none [mq-deadline]", "[a] none b"] {
        writes(&rules, &scheduler(now), &["queue/scheduler=none"]);
    }
    for now in ["[none] mq-deadline", "mq-deadline [none]", "[none]", "none", "[mq-deadline] kyber"] {
        writes(&rules, &scheduler(now), NONE);
    }
}

#[test]
fn azure_nvme_disks() {
    let image = hvtune(Suite::Bookworm, AZURE, &[]);
    let rules = file(&image.out(), RULES);
    let remote = Device::azure_nvme_remote;
    writes(&rules, &remote(), &["queue/io_timeout=240000"]);
    writes(&rules, &remote().with("queue/io_timeout", "239999"), &["queue/io_timeout=240000"]);
    for right in ["240000", "240001", "300000", "4294967295"] {
        writes(&rules, &remote().with("queue/io_timeout", right), NONE);
    }
    let ahead = remote().with("queue/read_ahead_kb", "65536");
    writes(&rules, &ahead, &["queue/read_ahead_kb=128", "queue/io_timeout=240000"]);
    writes(&rules, &Device::azure_nvme_remote_head(), NONE);
}

/// Writing the scheduler sets `nr_requests` back, so it goes first.
#[test]
fn the_scheduler_comes_before_the_queue() {
    let rules = file(&fixture("vanilla310"), RULES);
    let disk = Device::storvsc(Storvsc::Scsi).with("queue/scheduler", "noop deadline [cfq]");
    let want = ["queue/scheduler=noop", "queue/nr_requests=1024", "device/timeout=180"];
    writes(&rules, &disk.with("device/timeout", "30"), &want);
}

#[test]
fn iscsi_disks() {
    let rules = file(&fixture("iscsi-single"), RULES);
    writes(&rules, &Device::iscsi(), &["queue/scheduler=none", "device/timeout=180"]);
    writes(&rules, &Device::iscsi().with("device/timeout", "300"), &["queue/scheduler=none"]);
    let path = Device::iscsi().property("DM_MULTIPATH_DEVICE_PATH", "1");
    writes(&rules, &path, &["queue/scheduler=none"]);
    writes(&rules, &Device::storvsc_of_old(), NONE);
    writes(&rules, &Device::iscsi().elsewhere(), NONE);
}

#[test]
fn multipath_maps() {
    let rules = file(&fixture("iscsi-multipath"), RULES);
    writes(&rules, &Device::multipath_map(), &["queue/scheduler=none"]);
    writes(&rules, &Device::multipath_map().elsewhere(), NONE);
}

#[test]
fn add_and_change_write_and_nothing_else_does() {
    let rules = file(&fixture("iscsi-single"), RULES);
    for version in Udev::ALL {
        for (action, count) in [("add", 2), ("change", 2), ("remove", 0), ("bind", 0)] {
            let tested = udev_test(&rules, &Device::iscsi(), version, action);
            assert_eq!(tested.complaints, NONE, "{version:?} {action}");
            assert_eq!(tested.writes.len(), count, "{version:?} {action}: {tested:?}");
        }
    }
}

#[test]
fn systemd_sysctl_and_procps_set_what_is_written() {
    let policy = [("/etc/hvtune.toml", "recovery = \"self-heal\"\n")];
    for suite in Suite::ALL {
        let image = hvtune(suite, HYPERV, &policy);
        let want = [
            ("vm.swappiness", "10"),
            ("kernel.hung_task_timeout_secs", "240"),
            ("kernel.hung_task_warnings", "-1"),
            ("kernel.hung_task_panic", "1"),
            ("kernel.hung_task_check_interval_secs", "10"),
            ("kernel.panic", "10"),
        ];
        assert_eq!(sysctl_faults(suite, &file(&image.out(), SYSCTL), &want), NONE, "{suite:?}");
    }
}

/// The keys and values are taken from the file; golden tests hold the file to the plan.
#[test]
fn every_sysctl_file_is_taken_whole() {
    let mut seen = BTreeSet::new();
    for conf in of_all_fixtures(SYSCTL) {
        let text = fs::read_to_string(&conf).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let want: Vec<_> = lines
            .map(|line| line.trim_start_matches('-').split_once(" = ").expect("an assignment"))
            .collect();
        let alike = want.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>();
        if seen.insert(alike) {
            for suite in Suite::ALL {
                assert_eq!(sysctl_faults(suite, &conf, &want), NONE, "{suite:?} {}", conf.display());
            }
        }
    }
}

const PINNED: &str = "[set]
\"hv_storvsc.storvsc_ringbuffer_size\" = 524288
\"nvme_core.io_timeout\" = 240
";

/// On Debian 12 the two kernels differ: `nvme_core` is a module of one and part of the other.
#[test]
fn module_options_arrive_on_every_kernel_by_one_way_or_the_other() {
    let ring = ("hv_storvsc", "storvsc_ringbuffer_size=524288");
    let nvme = ("nvme_core", "io_timeout=240");
    for (suite, want) in [(Suite::Bookworm, vec![ring, nvme]), (Suite::Trixie, vec![ring])] {
        let image = hvtune(suite, HYPERV, &[("/etc/hvtune.toml", PINNED)]);
        let conf = file(&image.out(), MODPROBE);
        assert_eq!(modprobe_faults(suite, &conf, &want), NONE, "{suite:?}");
        for (module, options) in [ring, nvme] {
            for (kernel, loaded) in modprobe_loads(suite, &conf, module) {
                let builtin = module == "nvme_core" && kernel.contains("cloud");
                let with = Loaded::With(options.to_owned());
                assert_eq!(loaded, if builtin { Loaded::Builtin } else { with }, "{kernel}");
            }
        }
        let change = Change { add: &["nvme_core.io_timeout=240"], ..Change::default() };
        assert_eq!(grub_faults(suite, &file(&image.out(), GRUB), &change), NONE, "{suite:?}");
    }
}

/// Only normal entries get arguments; dead ones go from every entry, and nothing else changes.
#[test]
fn grub_adds_and_drops_arguments() {
    let already = "GRUB_CMDLINE_LINUX=\"elevator=noop console=ttyS0,115200\"
GRUB_CMDLINE_LINUX_DEFAULT=\"quiet scsi_mod.use_blk_mq=1 x.elevator=1\"\n";
    let policy = ("/etc/hvtune.toml", "recovery = \"self-heal\"\n");
    for suite in Suite::ALL {
        let admin = ("/etc/default/grub.d/10-already.cfg", already);
        let image = hvtune(suite, HYPERV, &[policy, admin]);
        let drop = ["elevator=noop", "scsi_mod.use_blk_mq=1"];
        let change = Change { already, drop: &drop, add: &["panic=10", "systemd.crash_reboot=yes"] };
        assert_eq!(grub_faults(suite, &file(&image.out(), GRUB), &change), NONE, "{suite:?}");
    }
}
