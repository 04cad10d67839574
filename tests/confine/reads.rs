//! Traps where we read: in the root, and in a capture.

use std::fs;

use crate::gauntlet::{Ends, brief};
use crate::stage::{KERNEL, Stage, Trap, assert_same, tree};

const TRAPS: [Trap; 9] = [
    Trap::Fifo,
    Trap::Zero,
    Trap::Dir,
    Trap::Big,
    Trap::NotText,
    Trap::Loop,
    Trap::Dangling,
    Trap::HostFile,
    Trap::ClimbToFile,
];

/// What cannot be read is a gap, and the rest goes on.
#[test]
fn a_file_of_the_root_that_is_none() {
    for path in [
        "etc/os-release",
        "etc/default/grub",
        "etc/default/grub.d/50-x.cfg",
        "etc/waagent.conf",
        "etc/udev/rules.d/99-x.rules",
        "etc/sysctl.d/99-x.conf",
        "etc/modprobe.d/x.conf",
        "etc/tuned/active_profile",
        "etc/sysconfig/bootloader",
        "etc/kernel/install.conf",
        "usr/sbin/grub-mkconfig",
        "boot/loader/entries",
    ] {
        let stage = Stage::new();
        for trap in TRAPS {
            trap.set(&stage, &stage.root(path));
            brief(&format!("{trap:?} at {path}"), &stage, Ends::Written);
        }
    }
}

#[test]
fn a_file_of_an_installed_kernel_that_is_none() {
    for name in ["", "modules.builtin", "modules.builtin.modinfo", "kernel/drivers/scsi/hv_storvsc.ko"] {
        let stage = Stage::new();
        for trap in TRAPS {
            trap.set(&stage, &stage.root(format!("{KERNEL}/{name}").trim_end_matches('/')));
            brief(&format!("{trap:?} at {KERNEL}/{name}"), &stage, Ends::Written);
        }
    }
}

/// A wish of the administrator's that cannot be read is trouble; a link that leads nowhere is no wish.
#[test]
fn a_policy_or_a_template_that_cannot_be_read() {
    for path in [
        "etc/hvtune.toml",
        "etc/hvtune.toml.d/50-x.toml",
        "usr/lib/hvtune/50-x.toml",
        "etc/hvtune/templates/sysctl.conf.tera",
    ] {
        let mut stage = Stage::new();
        stage.config = path.contains("templates");
        for trap in TRAPS {
            trap.set(&stage, &stage.root(path));
            let leads_nowhere = matches!(trap, Trap::Dangling | Trap::HostFile | Trap::ClimbToFile);
            let ends = if leads_nowhere { Ends::Written } else { Ends::Refused };
            brief(&format!("{trap:?} at {path}"), &stage, ends);
        }
    }
}

/// A disk's directory in the fixture's capture.
const SDA: &str = "sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/\
    00000000-0000-4000-8000-000000000009/host0/target0:0:0/0:0:0:0";

#[test]
fn a_file_of_a_capture_that_is_none() {
    let of_sda =
        ["", "block/sda/queue/scheduler", "block/sda/queue/nr_requests", "vendor", "model", "timeout"];
    let of_sda = of_sda.map(|name| format!("{SDA}/{name}").trim_end_matches('/').to_owned());
    let class = format!("{}/class_id", SDA.split_once("/host0").unwrap().0);
    let others = [
        "machine.json",
        "proc/self/mountinfo",
        "proc/sys/kernel/osrelease",
        "proc/sys/vm/swappiness",
        "proc/cmdline",
        "proc/meminfo",
        "proc/swaps",
        "sys/devices/virtual/dmi/id/sys_vendor",
        "sys/devices/virtual/dmi/id",
        "sys/block",
        "sys/block/sda",
        "sys/bus/vmbus/devices",
        "sys/module/hv_storvsc/parameters/ring_avail_percent_lowater",
        "sys/firmware/efi",
    ];
    for path in others.into_iter().map(str::to_owned).chain(of_sda).chain([class]) {
        let mut stage = Stage::new();
        stage.copy_machine();
        for trap in TRAPS {
            trap.set(&stage, &stage.at(&format!("machine/{path}")));
            brief(&format!("{trap:?} at {path}"), &stage, Ends::Either);
        }
    }
}

/// What lies outside is not even looked at: whether it is there makes no difference.
#[test]
fn a_link_out_of_a_capture_tells_nothing() {
    for path in ["block/sda/queue", "scsi_disk/0:0:0:0", "scsi_disk", "block", "block/sda", "block/sda/mq"] {
        let mut stage = Stage::new();
        stage.copy_machine();
        Trap::HostDir.set(&stage, &stage.at(&format!("machine/{SDA}/{path}")));
        let seen = |stage: &Stage| {
            let codes = [0, 2];
            ["json", "text"].map(|format| stage.hvtune(&["detect", "--format", format]).judged(path, &codes))
        };
        let absent = seen(&stage);
        for name in ["scheduler", "nr_requests", "max_retries", "0/nr_tags", "nr_tags"] {
            for above in ["", "queue", "sda/queue", "0:0:0:0", "mq"] {
                stage.put(&format!("host/{above}/{name}"), "1\n");
            }
        }
        assert!(seen(&stage) == absent, "{path}: what the host holds shows");
    }
}

/// Lists of any length are read in bounded time, and what is odd in them is told in bounded words.
#[test]
fn long_lists_in_a_capture() {
    let lines = |line: &dyn Fn(usize) -> String| (0..40_000).map(line).collect::<Vec<_>>().concat();
    let mut stage = Stage::new();
    stage.copy_machine();
    for (mounts, swaps) in [
        (lines(&|_| "# filler\n".to_owned()), String::new()),
        (
            lines(&|at| format!("30 1 9:{at} / /a{at} rw - ext4 /dev/md{at} rw\n")),
            lines(&|at| format!("/a{at}/swap file 1 1 1\n")),
        ),
        (lines(&|_| "30 1 8:2 / / rw - ext4 /dev/sda2 rw\n".to_owned()), lines(&|_| "x\n".to_owned())),
    ] {
        stage.put("machine/proc/self/mountinfo", &mounts);
        stage.put("machine/proc/swaps", &swaps);
        let run = stage.hvtune(&["detect", "--format", "json"]).judged("long lists", &[0]);
        let gaps = run.out.matches("\"fact\"").count();
        assert!(gaps <= 40_000 + 40, "{gaps} gaps");
        assert!(mounts.contains("/dev/md") || gaps < 10, "{gaps} gaps, one for every line");
    }
}

/// The file named by `--config` is the caller's own, but may be a trap all the same.
#[test]
fn a_named_policy_that_cannot_be_read() {
    for trap in [Trap::Fifo, Trap::Zero, Trap::Socket, Trap::Dir, Trap::Big, Trap::NotText, Trap::Loop] {
        let stage = Stage::new();
        trap.set(&stage, &stage.at("policy.toml"));
        let before = tree(&stage.at("root"));
        stage.hvtune(&["apply"]).judged(&format!("{trap:?} as --config"), &[2]);
        assert_same("named policy", &before, &tree(&stage.at("root")));
    }
}

/// A root that is none, and a capture that is none.
#[test]
fn roots_and_captures_that_are_none() {
    let stage = Stage::new();
    fs::write(stage.at("file"), "").unwrap();
    for trap in [Trap::Fifo, Trap::Zero, Trap::Loop, Trap::Dangling, Trap::NotText] {
        let path = stage.at("odd");
        trap.set(&stage, &path);
        for option in ["--root", "--machine"] {
            for command in ["detect", "plan", "apply", "verify", "revert"] {
                let mut run = std::process::Command::new("timeout");
                run.arg("10").arg(crate::stage::PROGRAM).arg(option).arg(&path);
                if option == "--machine" {
                    run.arg("--root").arg(stage.at("root"));
                } else {
                    run.args(["--assume", "hyperv"]);
                }
                crate::stage::Run::of(run.arg(command))
                    .judged(&format!("{trap:?} as {option}: {command}"), &[2]);
            }
        }
    }
}
