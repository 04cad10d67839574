//! Strings that devices, firmware and images choose: never in a file, and harmless on a terminal.

use std::fs;
use std::os::unix::fs::symlink;

use crate::gauntlet::{Ends, gauntlet};
use crate::stage::{Stage, tree};

/// Stands in every one of them.
const MARK: &str = "smuggled";

/// Quotes, line ends, shell, udev, terminal escapes of one and of eight bits, turned writing.
const STRINGS: [&str; 8] = [
    "smuggled\", RUN+=\"/bin/sh -c 'touch /smuggled'",
    "smuggled\nvm.swappiness = 99\noptions nvme_core io_timeout=1\n",
    "smuggled\r\nvm.swappiness = 99\r\n",
    "$(touch /smuggled)`touch /smuggled`;smuggled",
    "smuggled\u{1b}[2J\u{1b}]0;smuggled\u{7}\u{8}\u{7f}",
    "smuggled\u{9b}2J\u{9d}0;smuggled\u{9c}",
    "smuggled\u{202e}drowssap\u{202c}\u{200b}\u{2066}\u{feff}",
    "smuggled%k$kernel$env{X}$attr{y}\\",
];

const SDA: &str = "machine/sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/\
    00000000-0000-4000-8000-000000000009/host0/target0:0:0/0:0:0:0";

/// Every place from which such a string is read.
fn plant(stage: &Stage, text: &str) {
    let of_sda = ["vendor", "model", "block/sda/queue/scheduler", "block/sda/queue/nr_requests", "timeout"];
    for name in of_sda {
        stage.put(&format!("{SDA}/{name}"), text);
    }
    let dmi = ["sys_vendor", "product_name", "product_version", "chassis_asset_tag", "bios_vendor"];
    for name in dmi {
        stage.put(&format!("machine/sys/devices/virtual/dmi/id/{name}"), text);
    }
    let line = text.replace('\n', " ");
    let octal = text.bytes().map(|byte| format!("\\{byte:03o}")).collect::<Vec<_>>().concat();
    let mounts = format!(
        "30 1 8:2 / / rw - ext4 /dev/sda2 rw\n31 1 8:16 / /{octal} rw,{line} - ext4 /dev/{octal} rw\n{line}\n"
    );
    for (path, text) in [
        ("machine/proc/self/mountinfo", mounts.as_str()),
        ("machine/proc/swaps", &format!("Filename Type Size Used Priority\n/dev/{octal} partition 1 0 -2\n")),
        ("machine/proc/sys/kernel/osrelease", &format!("6.1.0-{line}\n")),
        ("machine/proc/sys/vm/swappiness", text),
        ("machine/proc/cmdline", text),
        ("machine/sys/module/nvme_core/parameters/io_timeout", text),
        ("root/etc/tuned/active_profile", text),
        (
            "root/etc/default/grub",
            &format!("GRUB_CMDLINE_LINUX=\"{text}\"\nGRUB_CMDLINE_LINUX_DEFAULT='{text}'\n"),
        ),
        ("root/etc/sysctl.d/99-x.conf", &format!("vm.swappiness = 1{line}\nvm.dirty_{line} = 1\n")),
        (
            "root/etc/udev/rules.d/99-x.rules",
            &format!("ATTR{{queue/scheduler}}=\"{}\"\n", line.replace('"', "'")),
        ),
        ("root/etc/modprobe.d/x.conf", &format!("options hv_storvsc storvsc_ringbuffer_size={line}\n")),
    ] {
        stage.put(path, text);
    }
    fs::remove_file(stage.root("etc/os-release")).unwrap();
    stage.put("root/etc/os-release", format!("ID={line}\nVERSION_ID={line}\nPRETTY_NAME=\"{line}\"\n"));
    // Names, too, are strings that others choose.
    let name = line.replace('/', "_");
    for (dir, ending, text) in [
        ("etc/sysctl.d", "conf", "vm.swappiness = 77\n"),
        ("etc/udev/rules.d", "rules", "ATTR{queue/scheduler}=\"bfq\"\n"),
        ("etc/modprobe.d", "conf", "options hv_storvsc storvsc_ringbuffer_size=8192\n"),
        ("etc/default/grub.d", "cfg", "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n"),
    ] {
        stage.put(&format!("root/{dir}/99-{name}.{ending}"), text);
    }
    fs::create_dir_all(stage.root(&format!("usr/lib/modules/6.1.0-{name}/kernel"))).unwrap();
    symlink(format!("../devices/{name}/block/sd{name}"), stage.at(&format!("machine/sys/block/sd{name}")))
        .unwrap();
    symlink("../devices/virtual/block/dm-7", stage.at("machine/sys/block/dm-7")).unwrap();
    stage.put("machine/sys/devices/virtual/block/dm-7/dm/name", text);
    stage.put("machine/sys/devices/virtual/block/dm-7/dm/uuid", format!("mpath-{text}"));
}

#[test]
fn no_string_from_outside_is_written_or_steers_a_terminal() {
    for text in STRINGS {
        let mut stage = Stage::new();
        stage.copy_machine();
        plant(&stage, text);
        // What others wrote may hold the mark; only what we write is looked at.
        stage.hvtune(&["apply"]).judged(text, &[0]);
        let written: Vec<_> =
            hvtune::marker::all_paths().into_iter().filter(|path| stage.root(path).exists()).collect();
        assert_eq!(written.len(), 8, "{text:?}: {written:?}");
        for path in written {
            let written = fs::read_to_string(stage.root(&path)).unwrap();
            assert!(!written.contains(MARK), "{text:?} is in {path}:\n{written}");
            assert!(written.chars().all(|c| matches!(c, ' '..='~' | '\n')), "{text:?}: {path}:\n{written}");
        }
        for args in [
            &["detect", "-v"][..],
            &["detect", "--format", "json"],
            &["plan", "--diff", "-v"],
            &["plan", "--format", "json"],
            &["apply", "--format", "json"],
            &["explain", "--format", "json"],
            &["verify", "-v"],
            &["verify", "--format", "json"],
            &["verify", "--format", "prometheus"],
            &["survive", "-v"],
            &["survive", "--format", "json"],
            &["survive", "--format", "html"],
        ] {
            stage.hvtune(args).judged(&format!("{text:?}: {}", args.join(" ")), &[0, 1, 3]);
        }
        stage.hvtune(&["revert"]).judged(text, &[0]);
        gauntlet(&format!("{text:?}"), &stage, Ends::Written);
    }
}

/// JSON stays JSON, and says what was there.
#[test]
fn json_holds_the_strings_unharmed() {
    for text in STRINGS {
        let mut stage = Stage::new();
        stage.copy_machine();
        plant(&stage, text);
        let run = stage.hvtune(&["detect", "--format", "json"]).judged(text, &[0]);
        let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let mounts = told["mounts"].as_array().unwrap();
        let point = format!("/{text}");
        assert!(mounts.iter().any(|mount| mount["mount"] == point.as_str()), "{text:?}: {mounts:?}");
    }
}

/// Messages name paths and words that others chose.
#[test]
fn messages_are_printable() {
    for text in STRINGS {
        let stage = Stage::new();
        let quoted = serde_json::to_string(text).unwrap();
        for policy in [
            format!("{quoted} = 1\n"),
            format!("recovery = {quoted}\n"),
            format!("off = [{quoted}]\n"),
            format!("[set]\n{quoted} = 1\n"),
            format!("[set]\n\"vm.swappiness\" = {quoted}\n"),
            format!("stall = {quoted}\n"),
        ] {
            stage.put("policy.toml", &policy);
            let before = tree(&stage.at("root"));
            let run = stage.hvtune(&["apply"]).judged(&policy, &[2]);
            assert!(run.err.contains("policy.toml:"), "{run:?}");
            crate::stage::assert_same(&policy, &before, &tree(&stage.at("root")));
        }
        for args in
            [["--stall", text, "plan"], ["explain", text, "-v"], ["plan", "--only", &format!("({text}")]]
        {
            stage.hvtune(&args).judged(text, &[2]);
        }
    }
}
