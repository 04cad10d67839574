//! Chains of rules as they are met in the field, by what is known of the disk.

mod ours;

use Select::{Iscsi, Multipath, NvmeAzureRemote, StorvscScsi};
use UdevAttr::{IoTimeout, MaxRetries, ReadAheadKb, Scheduler, Timeout};

use super::*;
use crate::facts::{
    Attribute, Class, Hides, HyperV, Hypervisor, KernelRelease, Limits, Live, Machine, Mask, Role, Unread,
};
use crate::formats::udev::read;
use crate::resolve::Who;

const STORVSC: &str = "sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/\
                       f8b3781a-1e82-4818-a1c3-63d806ec15bb/host0/target0:0:0/0:0:0:0/block/sda";
const ISCSI: &str = "sys/devices/platform/host3/session1/target3:0:0/3:0:0:1/block/sdb";
const NVME: &str = "sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/\
                    00000001-0000-8899-0000-000000000000/pci7a3f:00/7a3f:00:00.0/nvme/nvme0/nvme0n1";

fn disk(class: Class, path: &str) -> Disk {
    let name = path.rsplit('/').next().unwrap().to_owned();
    let hctl = path.split('/').find(|part| part.matches(':').count() == 3).map(str::to_owned);
    let iscsi = matches!(class, Class::Iscsi { .. });
    let offered = ["mq-deadline", "none"].map(str::to_owned).to_vec();
    Disk {
        vendor: if hctl.is_none() {
            ""
        } else if iscsi {
            "IET"
        } else {
            "Msft"
        }
        .to_owned(),
        model: if hctl.is_none() {
            ""
        } else if iscsi {
            "VIRTUAL-DISK"
        } else {
            "Virtual Disk"
        }
        .to_owned(),
        limits: Limits { schedulers: Attribute::Is(offered), ..Limits::default() },
        live: Live { rotational: Attribute::Is(true), ..Live::default() },
        name,
        path: path.to_owned(),
        class,
        roles: std::collections::BTreeSet::new(),
        host: None,
        hctl,
        slaves: Vec::new(),
    }
}

fn storvsc() -> Disk {
    disk(Class::StorvscScsi, STORVSC)
}

fn iscsi() -> Disk {
    disk(Class::Iscsi { session: "session1".to_owned() }, ISCSI)
}

fn facts(files: &[(&str, &str)]) -> Facts {
    let machine = Machine {
        hypervisor: Some(Hypervisor::HyperV(HyperV::default())),
        kernel: KernelRelease::parse("6.1.0-18-cloud-amd64"),
        ..Machine::default()
    };
    let mut facts = Facts { machine: Some(machine), ..Facts::default() };
    let file = |(path, text): &(&str, &str)| RuleFile { path: (*path).to_owned(), rules: read(text) };
    facts.system.writers.rule_files = files.iter().map(file).collect();
    facts.system.writers.rule_files.sort_by(|a, b| base(&a.path).cmp(base(&b.path)));
    facts
}

/// The writers but the built-in value: `line value`, `line value?` where it is open, `line !` where it does not act.
fn flat(chain: &Chain) -> Vec<String> {
    let one = |writer: &Writer| {
        let who = match &writer.who {
            Who::Line { line, .. } => line.to_string(),
            other => other.name(),
        };
        let value = writer.value.as_deref().unwrap_or("-");
        let acts = match writer.acts {
            Acts::Yes => "",
            Acts::Maybe(_) => "?",
            Acts::No(_) => "!",
        };
        format!("{who} {value}{acts}")
    };
    chain.writers.iter().filter(|writer| !matches!(writer.who, Who::BuiltIn(_))).map(one).collect()
}

fn of(rules: &str, disk: &Disk, attr: UdevAttr) -> Vec<String> {
    flat(&chain(&facts(&[("etc/udev/rules.d/50-x.rules", rules)]), disk, attr, None, Vec::new()))
}

#[track_caller]
fn scheduler(tests: &str, disk: &Disk) -> &'static str {
    let rule = format!("{tests}, ATTR{{queue/scheduler}}=\"bfq\"\n");
    let found = of(&rule, disk, UdevAttr::Scheduler);
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    match found.as_slice() {
        [] => "no",
        ["1 bfq"] => "yes",
        ["1 bfq?"] => "maybe",
        _ => panic!("{tests}: {found:?}"),
    }
}

#[test]
fn match_keys_are_compared_with_the_disk() {
    let (storvsc, iscsi) = (storvsc(), iscsi());
    for (tests, of_storvsc, of_iscsi) in [
        (r#"ACTION=="add|change", SUBSYSTEM=="block", KERNEL=="sd*[!0-9]""#, "yes", "yes"),
        (r#"KERNEL=="sda""#, "yes", "no"),
        (r#"KERNEL!="sda""#, "no", "yes"),
        (r#"KERNEL=="sd[a-z][0-9]""#, "no", "no"),
        (r#"KERNEL!="sd*""#, "no", "no"),
        (r#"SUBSYSTEM!="block""#, "no", "no"),
        (r#"KERNEL=="vd*|sd*|nvme*""#, "yes", "yes"),
        (r#"KERNEL=="?*", SUBSYSTEM=="block""#, "yes", "yes"),
        (r#"ACTION=="remove""#, "no", "no"),
        (r#"ENV{DEVTYPE}=="disk""#, "yes", "yes"),
        (r#"ENV{DEVTYPE}=="partition""#, "no", "no"),
        (r#"SUBSYSTEMS=="scsi""#, "yes", "yes"),
        (r#"SUBSYSTEMS=="vmbus", DRIVERS=="hv_storvsc""#, "yes", "no"),
        // All of a line's keys must be true of one and the same parent.
        (r#"SUBSYSTEMS=="scsi", DRIVERS=="hv_storvsc""#, "no", "no"),
        (r#"KERNELS=="session[0-9]*""#, "no", "yes"),
        (r#"SUBSYSTEMS=="usb""#, "no", "no"),
        (r#"SUBSYSTEMS!="scsi", KERNELS=="host*""#, "no", "no"),
        (r#"ATTRS{vendor}=="Msft*""#, "yes", "no"),
        (r#"ATTRS{vendor}=="VMware*", ATTRS{model}=="Virtual disk*""#, "no", "no"),
        (r#"ATTR{device/vendor}=="IET""#, "no", "yes"),
        (r#"ATTR{device/vendor}!="IET""#, "yes", "no"),
        (r#"ATTR{device/model}==i"virtual disk""#, "maybe", "no"),
        (r#"ENV{ID_VENDOR}=="*Google*""#, "no", "no"),
        (r#"ENV{ID_VENDOR}=="Msft""#, "maybe", "no"),
        (r#"ENV{ID_SERIAL}=="x""#, "maybe", "maybe"),
        (r#"ENV{DM_NAME}!="?*""#, "yes", "yes"),
        (r#"ATTRS{class_id}=="{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}""#, "yes", "no"),
        (r#"ATTR{queue/rotational}=="1""#, "yes", "yes"),
        (r#"ATTR{queue/rotational}!="1""#, "no", "no"),
        (r#"ATTR{removable}=="0""#, "maybe", "maybe"),
        (r#"ATTRS{idVendor}=="*""#, "no", "no"),
        (r#"CONST{virt}=="microsoft""#, "yes", "yes"),
        (r#"CONST{virt}=="kvm|qemu|vmware""#, "no", "no"),
        (r#"TEST=="queue""#, "yes", "yes"),
        (r#"TEST=="/sys/bus/vmbus""#, "yes", "yes"),
        (r#"TEST!="/sys/bus/vmbus""#, "no", "no"),
        (r#"TEST=="/etc/x""#, "maybe", "maybe"),
        (r#"PROGRAM=="/usr/bin/x""#, "maybe", "maybe"),
        (r#"PROGRAM=="/bin/true", PROGRAM!="/bin/false""#, "yes", "yes"),
        (r#"IMPORT{builtin}="path_id", KERNEL=="sd*""#, "maybe", "maybe"),
        (r#"TAG=="systemd""#, "maybe", "maybe"),
        (r#"DEVPATH=="*/VMBUS:00/*""#, "yes", "no"),
        (r#"DRIVER=="?*""#, "no", "no"),
        (r#"KERNEL="sda""#, "no", "no"),
    ] {
        assert_eq!((scheduler(tests, &storvsc), scheduler(tests, &iscsi)), (of_storvsc, of_iscsi), "{tests}");
    }
}

#[test]
fn of_a_class_only_what_is_sure_is_known() {
    let of = |tests: &str, select| {
        let rule = format!("{tests}, ATTR{{queue/scheduler}}=\"bfq\"\n");
        let facts = facts(&[("etc/udev/rules.d/50-x.rules", &rule)]);
        let found = flat(&chain_of_class(&facts, select, UdevAttr::Scheduler, None, Vec::new()));
        match found.first().map(String::as_str) {
            None => "no",
            Some("1 bfq") => "yes",
            Some("1 bfq?") => "maybe",
            Some(other) => panic!("{tests}: {other}"),
        }
    };
    for (tests, select, expected) in [
        (r#"KERNEL=="sd*[!0-9]", SUBSYSTEM=="block""#, StorvscScsi, "yes"),
        (r#"KERNEL=="sd[a-z]""#, StorvscScsi, "maybe"),
        (r#"KERNEL=="sda""#, StorvscScsi, "maybe"),
        (r#"KERNEL=="vd*|nvme*""#, StorvscScsi, "no"),
        (r#"DRIVERS=="hv_storvsc""#, StorvscScsi, "yes"),
        (r#"DRIVERS=="hv_storvsc""#, Iscsi, "no"),
        (r#"ATTRS{vendor}=="VMware*""#, StorvscScsi, "maybe"),
        (r#"SUBSYSTEMS=="usb""#, StorvscScsi, "no"),
        (r#"KERNELS=="session*""#, Iscsi, "yes"),
        (r#"ATTR{queue/rotational}=="0""#, StorvscScsi, "maybe"),
        (r#"KERNEL=="nvme*n*", ATTRS{model}=="MSFT NVMe Accelerator v1.0""#, NvmeAzureRemote, "yes"),
        (r#"SUBSYSTEMS=="pci", DRIVERS=="nvme""#, NvmeAzureRemote, "yes"),
        (r#"ENV{DM_UUID}=="mpath-?*""#, Multipath, "maybe"),
        (r#"ENV{DM_UUID}=="mpath-*""#, Multipath, "yes"),
        (r#"ENV{DM_UUID}=="LVM-*""#, Multipath, "no"),
        (r#"KERNEL=="dm-*""#, Multipath, "yes"),
    ] {
        assert_eq!(of(tests, select), expected, "{tests} {select:?}");
    }
}

#[test]
fn rules_jump_as_udev_jumps() {
    let disk = storvsc();
    for (text, expected) in [
        ("KERNEL!=\"sd*\", GOTO=\"end\"\nATTR{queue/scheduler}=\"a\"\nLABEL=\"end\"\n", &["2 a"][..]),
        ("KERNEL==\"sd*\", GOTO=\"end\"\nATTR{queue/scheduler}=\"a\"\nLABEL=\"end\"\n", &[]),
        ("ENV{X}==\"1\", GOTO=\"end\"\nATTR{queue/scheduler}=\"a\"\nLABEL=\"end\"\n", &["2 a?"]),
        ("KERNEL==\"sd*\", GOTO=\"e\"\nATTR{queue/scheduler}=\"a\"\nLABEL=\"end\"\n", &["2 a"]),
        ("GOTO=\"end\"\nATTR{queue/scheduler}=\"a\"\nLABEL=\"end\", ATTR{queue/scheduler}=\"b\"\n", &["3 b"]),
        (
            "ENV{X}=\"1\"\nENV{X}==\"1\", ATTR{queue/scheduler}=\"a\"\nENV{X}!=\"1\", ATTR{queue/scheduler}=\"b\"\n",
            &["2 a"],
        ),
        ("TAG+=\"t\"\nTAG==\"t\", ATTR{queue/scheduler}=\"a\"\n", &["2 a"]),
    ] {
        assert_eq!(of(text, &disk, UdevAttr::Scheduler), expected, "{text}");
    }
}

#[test]
fn writes_are_found_by_whatever_name() {
    let (storvsc, iscsi) = (storvsc(), iscsi());
    for (rule, disk, attr, expected) in [
        (r#"SUBSYSTEM=="scsi", ATTR{timeout}="300""#, &storvsc, Timeout, &["1 300", "1 300?"][..1]),
        (r#"SUBSYSTEM=="block", ATTR{device/timeout}="300""#, &storvsc, Timeout, &["1 300"]),
        (r#"SUBSYSTEM=="block", ATTR{device//./timeout}+="300s""#, &storvsc, Timeout, &["1 300"]),
        (r#"SUBSYSTEM=="block", ATTR{queue/io_timeout}="60500""#, &storvsc, Timeout, &["1 60"]),
        (r#"SUBSYSTEM=="block", ATTR{device/timeout}="60""#, &storvsc, IoTimeout, &["1 60000"]),
        (r#"SUBSYSTEM=="scsi_disk", ATTR{max_retries}="-1""#, &storvsc, MaxRetries, &["1 -1"]),
        (r#"SUBSYSTEM=="scsi_disk", ATTR{max_retries}="9""#, &storvsc, MaxRetries, &["1 -!"]),
        (r#"SUBSYSTEM=="block", ATTR{device/scsi_disk/*/max_retries}="3""#, &storvsc, MaxRetries, &["1 3"]),
        (r#"KERNEL=="vda", ATTR{[block/sda]queue/scheduler}="bfq""#, &storvsc, Scheduler, &["1 bfq?"]),
        (r#"KERNEL=="vda", ATTR{[block/sdz]queue/scheduler}="bfq""#, &storvsc, Scheduler, &[]),
        (r#"ENV{DEVTYPE}=="partition", ATTR{../queue/scheduler}="bfq""#, &storvsc, Scheduler, &["1 bfq?"]),
        (r#"SUBSYSTEM=="bdi", ATTR{read_ahead_kb}="64""#, &storvsc, ReadAheadKb, &["1 64"]),
        (r#"KERNEL=="sd?", RUN+="/sbin/blockdev --setra 8192 /dev/%k""#, &storvsc, ReadAheadKb, &["1 4096"]),
        (r#"KERNEL=="sd?", RUN+="/sbin/blockdev --setra 8192 $devnode""#, &iscsi, ReadAheadKb, &["1 4096"]),
        (
            r#"KERNEL=="sd?", RUN{program}+="/bin/sh -c 'echo none > /sys$env{DEVPATH}/queue/scheduler'""#,
            &storvsc,
            Scheduler,
            &["1 none"],
        ),
        (
            r#"KERNEL=="sd?", RUN{program}+="/bin/sh -c 'echo none > /sys$DEVPATH/queue/scheduler'""#,
            &storvsc,
            Scheduler,
            &["1 none"],
        ),
        (
            r#"KERNEL=="sd?", RUN+="/bin/sh -c 'echo none > /sys/block/sdq/queue/scheduler'""#,
            &storvsc,
            Scheduler,
            &[],
        ),
        (
            r#"SUBSYSTEM=="net", RUN+="/bin/sh -c 'echo none > /sys/block/sda/queue/scheduler'""#,
            &storvsc,
            Scheduler,
            &["1 none?"],
        ),
        (
            r#"KERNEL=="sd?", PROGRAM="/bin/sh -c 'echo 30 > /sys/block/%k/device/timeout'""#,
            &iscsi,
            Timeout,
            &["1 30"],
        ),
        (r#"ATTR{queue/scheduler}="$env{WANT}""#, &storvsc, Scheduler, &["1 -"]),
        (r#"ENV{WANT}="bfq", ATTR{queue/scheduler}="$env{WANT}""#, &storvsc, Scheduler, &["1 bfq"]),
    ] {
        assert_eq!(of(&format!("{rule}\n"), disk, attr), expected, "{rule}");
    }
}

#[test]
fn run_lists_are_cleared_and_closed() {
    let disk = storvsc();
    let run = |op: &str, value: &str| {
        format!("KERNEL==\"sda\", RUN{op}\"/bin/sh -c 'echo {value} > /sys/block/sda/queue/scheduler'\"\n")
    };
    let of = |text: &str| of(text, &disk, UdevAttr::Scheduler);
    assert_eq!(of(&(run("+=", "a") + &run("+=", "b"))), ["1 a", "2 b"]);
    assert_eq!(of(&(run("+=", "a") + &run("=", "b"))), ["2 b"]);
    assert_eq!(of(&(run(":=", "a") + &run("+=", "b"))), ["1 a"]);
    assert_eq!(of(&(run("+=", "a") + &run("+=", "a"))), ["1 a"]);
    let rule = "KERNEL==\"sda\", ATTR{queue/scheduler}=\"c\"\n";
    assert_eq!(of(&(run("+=", "a") + rule)), ["2 c", "1 a"]);
}
