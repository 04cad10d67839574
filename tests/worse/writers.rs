//! Files of others, at random: what administrators, packages and old recipes leave behind.

use std::fs;

use crate::dice::Dice;
use crate::fixtures::Fixture;
use crate::ground::{Content, Writer};

/// Up to eight of them.
pub(crate) fn some(dice: &mut Dice, fixture: &Fixture) -> Vec<Writer> {
    (0..dice.below(9)).map(|_| one(dice, fixture)).collect()
}

type Kind = fn(&mut Dice, &Fixture) -> Writer;

/// Those of a format stand as often as they are worth trying.
const KINDS: &[Kind] = &[
    sysctl, sysctl, sysctl, sysctl, sysctl, sysctl, unit, unit, unit, wait, wait, rules, rules, rules, iscsi,
    iscsi, record, record, multipath, multipath, multipath, grub, grub, modprobe, waagent, tuned, fstab,
];

fn one(dice: &mut Dice, fixture: &Fixture) -> Writer {
    let kind = dice.of(KINDS);
    let mut writer = kind(dice, fixture);
    // Now and then it is no file at all.
    if dice.one_in(12) {
        writer.content = match dice.below(4) {
            0 => Content::Dir,
            1 => Content::Link("no-such-file".to_owned()),
            2 => Content::Link(writer.path.rsplit('/').next().unwrap().to_owned()),
            _ => Content::Link("/dev/null".to_owned()),
        };
    }
    writer
}

fn file(path: impl Into<String>, text: impl Into<Vec<u8>>) -> Writer {
    Writer { path: path.into(), content: Content::File(text.into()) }
}

/// Lines with this machine's or another's line ends, and now and then a byte that is no UTF-8.
fn joined(dice: &mut Dice, lines: &[String]) -> Vec<u8> {
    let end = if dice.one_in(8) { "\r\n" } else { "\n" };
    let mut bytes = Vec::new();
    if dice.one_in(10) {
        bytes.extend_from_slice(b"# f\xfcr den Speicher");
        bytes.extend_from_slice(end.as_bytes());
    }
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(end.as_bytes());
    }
    bytes
}

/// Names before ours, ours, and after ours.
const NAMES: &[&str] = &["00-early", "10-a", "50-site", "89-z", "90-hvtune", "90-hvtune2", "91-b", "99-zz"];
const TOPS: &[&str] = &["etc", "etc", "etc", "run", "usr/local/lib", "usr/lib"];

/// Waits of systemd's manager and of all devices.
fn wait(dice: &mut Dice, _: &Fixture) -> Writer {
    let value = dice.of(&["30", "90s", "10min", "infinity", "0", "soon", "", "2h"]);
    let name = dice.of(&["05-a", "10-hvtune", "20-site", "90-hvtune", "99-zz"]);
    let top = dice.of(TOPS);
    match dice.below(3) {
        0 => file(
            format!("{top}/systemd/system/{}.device.d/{name}.conf", dice.of(&["dev-", "dev-", "sys-"])),
            format!("[Unit]\nJobRunningTimeoutSec={value}\n"),
        ),
        1 => file(
            format!("{top}/systemd/system.conf.d/{name}.conf"),
            format!("[Manager]\nDefaultTimeoutStartSec={value}\n"),
        ),
        _ => file("etc/systemd/system.conf", format!("[Manager]\nDefaultDeviceTimeoutSec={value}\n")),
    }
}

/// Keys with values that mean something, and some that are refused.
const SYSCTLS: &[(&str, &[&str])] = &[
    (
        "kernel.hung_task_timeout_secs",
        &[
            "0",
            "1",
            "30",
            "120",
            "241",
            "600",
            "86400",
            "0x258",
            "0600",
            "-1",
            "300 # longer",
            "600s",
            "99999999999999999999",
        ],
    ),
    ("kernel.hung_task_panic", &["0", "1"]),
    ("kernel.hung_task_warnings", &["-1", "0", "10", "100"]),
    ("kernel.panic", &["0", "10", "-1"]),
    ("kernel.softlockup_panic", &["0", "1"]),
    ("vm.dirty_bytes", &["0", "1048576", "67108864", "419430400", "10737418240", "0x4000000"]),
    ("vm.dirty_background_bytes", &["0", "1048576", "33554432", "104857600", "5368709120"]),
    ("vm.dirty_ratio", &["0", "1", "5", "20", "40"]),
    ("vm.dirty_background_ratio", &["0", "1", "3", "10"]),
    ("vm.swappiness", &["0", "1", "10", "60", "100", "0x1", "1 one"]),
];
const GLOBS: &[(&str, &[&str])] =
    &[("kernel.hung_task_*", &["0"]), ("vm.swappines?", &["1", "60"]), ("vm/dirty_*ratio", &["1", "5"])];

fn sysctl_line(dice: &mut Dice) -> String {
    let (key, values) = if dice.one_in(10) { dice.of(GLOBS) } else { dice.of(SYSCTLS) };
    let key = if dice.one_in(4) { key.replace('.', "/") } else { key.to_owned() };
    let dash = if dice.one_in(6) { "-" } else { "" };
    if dice.one_in(25) {
        return format!("-{key}");
    }
    let between = dice.of(&[" = ", "=", "\t=\t", " =", "  =   "]);
    format!("{dash}{key}{between}{}", dice.of(values))
}

fn sysctl(dice: &mut Dice, _: &Fixture) -> Writer {
    let lines: Vec<String> = (0..=dice.below(3)).map(|_| sysctl_line(dice)).collect();
    let path = match dice.below(12) {
        0 => "etc/sysctl.conf".to_owned(),
        1 => {
            return Writer {
                path: "etc/sysctl.d/99-sysctl.conf".to_owned(),
                content: Content::Link("../sysctl.conf".to_owned()),
            };
        }
        _ => format!("{}/sysctl.d/{}.conf", dice.of(TOPS), dice.of(NAMES)),
    };
    file(path, joined(dice, &lines))
}

const UNITS: &[&str] = &[
    "systemd-journald.service",
    "systemd-udevd.service",
    "systemd-logind.service",
    "systemd-timesyncd.service",
];

fn unit(dice: &mut Dice, _: &Fixture) -> Writer {
    let value = dice.of(&["0", "infinity", "3min", "1h 30s", "", "10", "30min", "soon", "0s"]);
    let unit = dice.of(UNITS);
    let top = dice.of(&["etc", "etc", "run", "usr/lib"]);
    let mut lines = vec!["[Service]".to_owned(), format!("WatchdogSec={value}")];
    if dice.one_in(6) {
        lines.insert(0, "[Unit]".to_owned());
        lines.insert(1, "WatchdogSec=1".to_owned());
    }
    let path = match dice.below(10) {
        0 => format!("etc/systemd/system/{unit}"),
        1 => format!("{top}/systemd/system/service.d/{}.conf", dice.of(NAMES)),
        _ => format!("{top}/systemd/system/{unit}.d/{}.conf", dice.of(NAMES)),
    };
    file(path, joined(dice, &lines))
}

const MATCHES: &[&str] = &[
    "SUBSYSTEM==\"block\", ",
    "ACTION==\"add|change\", SUBSYSTEM==\"block\", KERNEL==\"sd*\", ",
    "SUBSYSTEM==\"block\", KERNEL==\"sd[b-z]\", ",
    "SUBSYSTEM==\"block\", ENV{DEVTYPE}==\"disk\", KERNEL!=\"sda\", ",
    "ACTION==\"add\", SUBSYSTEMS==\"scsi\", ATTRS{vendor}==\"Msft*\", ",
    "SUBSYSTEM==\"block\", KERNEL==\"nvme*\", ",
    "SUBSYSTEM==\"block\", KERNEL==\"sr*\", ",
    "SUBSYSTEM==\"net\", ",
];
const WRITES: &[&str] = &[
    "ATTR{device/timeout}=\"30\"",
    "ATTR{device/timeout}=\"300\"",
    "ATTR{device/timeout}=\"86400\"",
    "ATTR{queue/io_timeout}=\"30000\"",
    "ATTR{queue/io_timeout}=\"600000\"",
    "ATTR{queue/scheduler}=\"mq-deadline\"",
    "ATTR{queue/io_timeout}=\"60000\", ATTR{device/timeout}=\"60\"",
    "RUN+=\"/bin/sh -c 'echo 60 > /sys/block/%k/device/timeout'\"",
    "RUN+=\"/bin/sh -c 'echo 900 > /sys$devpath/device/timeout'\"",
];

fn rules(dice: &mut Dice, _: &Fixture) -> Writer {
    let mut lines = Vec::new();
    let jumps = dice.one_in(4);
    if jumps {
        let when =
            dice.of(&["SUBSYSTEM!=\"block\"", "ACTION==\"remove\"", "KERNEL==\"sd*\"", "TEST==\"/no/such\""]);
        lines.push(format!("{when}, GOTO=\"end\""));
    }
    for _ in 0..=dice.below(2) {
        lines.push(format!("{}{}", dice.of(MATCHES), dice.of(WRITES)));
    }
    if dice.one_in(6) {
        lines.push("SUBSYSTEM==\"scsi_disk\", ATTR{max_retries}=\"0\"".to_owned());
    }
    if jumps {
        lines.push("LABEL=\"end\"".to_owned());
    }
    let path =
        format!("{}/udev/rules.d/{}.rules", dice.of(&["etc", "etc", "run", "usr/lib"]), dice.of(NAMES));
    file(path, joined(dice, &lines))
}

const ISCSI: &[(&str, &[&str])] = &[
    ("node.session.timeo.replacement_timeout", &["-1", "0", "120", "180", "600", "86400 # a day", "86400"]),
    ("node.conn[0].timeo.noop_out_interval", &["0", "5", "30", "60"]),
    ("node.conn[0].timeo.noop_out_timeout", &["0", "5", "30", "120", "0 # off"]),
    ("node.session.initial_login_retry_max", &["1", "8", "1000"]),
];

fn iscsi_lines(dice: &mut Dice) -> Vec<String> {
    let mut lines = vec!["node.startup = automatic".to_owned()];
    for (key, values) in ISCSI {
        for _ in 0..dice.of(&[0, 1, 1, 1, 2]) {
            let between = dice.of(&[" = ", "=", " =  "]);
            lines.push(format!("{key}{between}{}", dice.of(values)));
        }
    }
    lines
}

fn iscsi(dice: &mut Dice, _: &Fixture) -> Writer {
    let lines = iscsi_lines(dice);
    file("etc/iscsi/iscsid.conf", joined(dice, &lines))
}

fn record(dice: &mut Dice, _: &Fixture) -> Writer {
    let mut lines = vec!["# BEGIN RECORD".to_owned(), "node.name = iqn.2024-01.example:data".to_owned()];
    lines.extend(iscsi_lines(dice));
    lines.push("# END RECORD".to_owned());
    let nodes = dice.of(&["etc/iscsi/nodes", "etc/iscsi/nodes", "var/lib/iscsi/nodes"]);
    let portal = dice.of(&["192.0.2.10,3260,1", "192.0.2.11,3260,1"]);
    file(format!("{nodes}/iqn.2024-01.example:data/{portal}/default"), joined(dice, &lines))
}

fn multipath(dice: &mut Dice, _: &Fixture) -> Writer {
    let mut lines = Vec::new();
    for _ in 0..=dice.below(2) {
        let entry = match dice.below(8) {
            0 => "features \"1 queue_if_no_path\"".to_owned(),
            1 => format!("polling_interval {}", dice.of(&["1", "5", "30"])),
            2 => format!("fast_io_fail_tmo {}", dice.of(&["off", "5", "60"])),
            3 => format!("checker_timeout {}", dice.of(&["5", "30", "300"])),
            _ => format!(
                "no_path_retry {}",
                dice.of(&["queue", "fail", "12", "\"queue\"", "600", "0", "soon"])
            ),
        };
        let (open, close): (&[&str], &[&str]) = match dice.below(5) {
            0 => (
                &["devices {", "    device {", "        vendor \".*\"", "        product \".*\""],
                &["    }", "}"],
            ),
            1 => (&["overrides {"], &["}"]),
            2 => (
                &["multipaths {", "    multipath {", "        wwid 360000000000000000000000000000001"],
                &["    }", "}"],
            ),
            _ => (&["defaults {"], &["}"]),
        };
        lines.extend(open.iter().map(|line| (*line).to_owned()));
        lines.push(format!("        {entry}"));
        lines.extend(close.iter().map(|line| (*line).to_owned()));
    }
    let path = match dice.below(3) {
        0 => "etc/multipath.conf".to_owned(),
        _ => format!("etc/multipath/conf.d/{}.conf", dice.of(NAMES)),
    };
    file(path, joined(dice, &lines))
}

const ARGUMENTS: &[&str] = &[
    "sysctl.kernel.hung_task_panic=1",
    "sysctl.kernel.hung_task_timeout_secs=0",
    "sysctl.vm.swappiness=1",
    "hung_task_panic=1",
    "panic=0",
    "panic=30",
    "nvme_core.io_timeout=4294967",
    "nvme-core.io_timeout=30",
    "nvme_core.io_timeout=600",
    "elevator=noop",
    "scsi_mod.use_blk_mq=1",
    "nvme_core.io_timeout=soon",
];

/// Kernel arguments: a line of its own in the one BLS entry, or GRUB's variables.
fn grub(dice: &mut Dice, fixture: &Fixture) -> Writer {
    let args = [dice.of(ARGUMENTS), dice.of(ARGUMENTS)].join(" ");
    let entries = fixture.root().join("boot/loader/entries");
    if let Some(entry) = fs::read_dir(entries).ok().and_then(|mut dir| dir.next()) {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap().replace("options ", &format!("options {args} "));
        return file(format!("boot/loader/entries/{}", entry.file_name().to_str().unwrap()), text);
    }
    let variable = dice.of(&["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"]);
    let line = match dice.below(3) {
        0 => format!("{variable}=\"${variable} {args}\""),
        1 => format!("{variable}='{args}'"),
        _ => format!("{variable}=\"{args}\""),
    };
    let path = match dice.below(3) {
        0 => "etc/default/grub".to_owned(),
        _ => format!("etc/default/grub.d/{}.cfg", dice.of(NAMES)),
    };
    file(path, joined(&mut Dice::new(1), &[line]))
}

fn modprobe(dice: &mut Dice, _: &Fixture) -> Writer {
    let module = dice.of(&["nvme_core", "nvme-core"]);
    let value = dice.of(&["30", "240", "600", "4294967", "soon"]);
    let lines = [
        format!("options {module} io_timeout={value}"),
        "options hv_storvsc storvsc_vcpus_per_sub_channel=4".to_owned(),
    ];
    let path = format!("{}/modprobe.d/{}.conf", dice.of(TOPS), dice.of(NAMES));
    file(path, joined(dice, &lines))
}

/// The agent's file, another one, or none; and the agent itself.
fn waagent(dice: &mut Dice, _: &Fixture) -> Writer {
    let value = dice.of(&["300", "30", "None", "86400", "\"300\"", "300 # seconds"]);
    match dice.below(5) {
        0 => Writer { path: "etc/waagent.conf".to_owned(), content: Content::Gone },
        1 => file("usr/sbin/waagent", "#!/usr/bin/python3\n"),
        _ => file("etc/waagent.conf", joined(dice, &[format!("OS.RootDeviceScsiTimeout={value}")])),
    }
}

/// The active profile, or what one says.
fn tuned(dice: &mut Dice, _: &Fixture) -> Writer {
    if dice.one_in(3) {
        return file(
            "etc/tuned/active_profile",
            format!("{}\n", dice.of(&["mine", "virtual-guest", "gone"])),
        );
    }
    let mut lines =
        vec!["[main]".to_owned(), "include=throughput-performance".to_owned(), "[sysctl]".to_owned()];
    lines.push(format!("vm.swappiness={}", dice.of(&["1", "10", "60"])));
    lines.push(format!("vm.dirty_ratio = {}", dice.of(&["3", "40"])));
    lines.extend(["[disk]".to_owned(), "readahead=>4096".to_owned()]);
    let profile = dice.of(&["mine", "virtual-guest"]);
    file(format!("etc/tuned/{profile}/tuned.conf"), joined(dice, &lines))
}

fn fstab(dice: &mut Dice, _: &Fixture) -> Writer {
    let errors = dice.of(&["defaults", "errors=remount-ro", "errors=panic", "noatime,errors=continue"]);
    let mut lines = vec![format!("UUID=1 / ext4 {errors} 0 1")];
    if dice.one_in(2) {
        let swap = dice.of(&[
            "/dev/sdb1 none swap sw 0 0",
            "/swapfile none swap sw,pri=5 0 0",
            "/dev/zram0 none swap pri=100 0 0",
        ]);
        lines.push(swap.to_owned());
    }
    if dice.one_in(2) {
        lines.push(format!("/dev/sdc1 /data ext4 {} 0 2", dice.of(&["nofail", "noauto,errors=panic"])));
    }
    file("etc/fstab", joined(dice, &lines))
}
