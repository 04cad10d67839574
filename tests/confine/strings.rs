//! Strings that devices, firmware and images choose: never in a file, and harmless on a terminal.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::gauntlet::{Ends, gauntlet};
use crate::stage::{Stage, differing, tree};

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
fn plant(stage: &Stage, text: &[u8]) {
    let of_sda = ["vendor", "model", "block/sda/queue/scheduler", "block/sda/queue/nr_requests", "timeout"];
    for name in of_sda {
        stage.put(&format!("{SDA}/{name}"), text);
    }
    let dmi = ["sys_vendor", "product_name", "product_version", "chassis_asset_tag", "bios_vendor"];
    for name in dmi {
        stage.put(&format!("machine/sys/devices/virtual/dmi/id/{name}"), text);
    }
    let line: Vec<u8> = text.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect();
    let quoted: Vec<u8> = line.iter().map(|&byte| if byte == b'"' { b'\'' } else { byte }).collect();
    let octal = text.iter().map(|byte| format!("\\{byte:03o}")).collect::<Vec<_>>().concat();
    let octal = octal.as_bytes();
    let files: [(&str, &[&[u8]]); 12] = [
        (
            "machine/proc/self/mountinfo",
            &[
                b"30 1 8:2 / / rw - ext4 /dev/sda2 rw\n31 1 8:16 / /",
                octal,
                b" rw,",
                &line,
                b" - ext4 /dev/",
                octal,
                b" rw\n",
                &line,
                b"\n",
            ],
        ),
        ("machine/proc/swaps", &[b"Filename Type Size Used Priority\n/dev/", octal, b" partition 1 0 -2\n"]),
        ("machine/proc/sys/kernel/osrelease", &[b"6.1.0-", &line, b"\n"]),
        ("machine/proc/sys/vm/swappiness", &[text]),
        ("machine/proc/cmdline", &[text]),
        ("machine/sys/module/nvme_core/parameters/io_timeout", &[text]),
        ("root/etc/tuned/active_profile", &[text]),
        (
            "root/etc/default/grub",
            &[b"GRUB_CMDLINE_LINUX=\"", text, b"\"\nGRUB_CMDLINE_LINUX_DEFAULT='", text, b"'\n"],
        ),
        ("root/etc/sysctl.d/99-x.conf", &[b"vm.swappiness = 1", &line, b"\nvm.dirty_", &line, b" = 1\n"]),
        ("root/etc/udev/rules.d/99-x.rules", &[b"ATTR{queue/scheduler}=\"", &quoted, b"\"\n"]),
        ("root/etc/modprobe.d/x.conf", &[b"options hv_storvsc storvsc_ringbuffer_size=", &line, b"\n"]),
        ("root/etc/waagent.conf", &[b"OS.RootDeviceScsiTimeout=", &line, b"\n", &line, b"=1\n"]),
    ];
    for (path, pieces) in files {
        stage.put(path, pieces.concat());
    }
    let _ = fs::remove_file(stage.root("etc/os-release"));
    let release: &[&[u8]] = &[b"ID=", &line, b"\nVERSION_ID=", &line, b"\nPRETTY_NAME=\"", &line, b"\"\n"];
    stage.put("root/etc/os-release", release.concat());
    // Names, too, are strings that others choose.
    let name: Vec<u8> = line.iter().map(|&byte| if matches!(byte, b'/' | 0) { b'_' } else { byte }).collect();
    let named = |pieces: &[&[u8]]| PathBuf::from(OsString::from_vec(pieces.concat()));
    for (dir, ending, text) in [
        ("etc/sysctl.d", ".conf", "vm.swappiness = 77\n"),
        ("etc/udev/rules.d", ".rules", "ATTR{queue/scheduler}=\"bfq\"\n"),
        ("etc/modprobe.d", ".conf", "options hv_storvsc storvsc_ringbuffer_size=8192\n"),
        ("etc/default/grub.d", ".cfg", "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n"),
    ] {
        let dir = stage.root(dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(named(&[b"99-", &name, ending.as_bytes()])), text).unwrap();
    }
    let modules = stage.root("usr/lib/modules").join(named(&[b"6.1.0-", &name]));
    fs::create_dir_all(modules.join("kernel")).unwrap();
    let disk = stage.at("machine/sys/block").join(named(&[b"sd", &name]));
    symlink(named(&[b"../devices/", &name, b"/block/sd", &name]), disk).unwrap();
    symlink("../devices/virtual/block/dm-7", stage.at("machine/sys/block/dm-7")).unwrap();
    stage.put("machine/sys/devices/virtual/block/dm-7/dm/name", text);
    stage.put("machine/sys/devices/virtual/block/dm-7/dm/uuid", [b"mpath-", text].concat());
}

#[test]
fn no_string_from_outside_is_written_or_steers_a_terminal() {
    for text in STRINGS {
        let mut stage = Stage::new();
        stage.copy_machine();
        plant(&stage, text.as_bytes());
        // What others wrote may hold the mark; only what we write is looked at.
        stage.hvtune(&["apply"]).judged(text, &[0]);
        let written: Vec<_> =
            hvtune::marker::all_paths().into_iter().filter(|path| stage.root(path).exists()).collect();
        assert_eq!(written.len(), 11, "{text:?}: {written:?}");
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
        plant(&stage, text.as_bytes());
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

/// Every byte before, within and behind the mark, alone and as the character of that number: it is in
/// no file, and no control character reaches a terminal.
#[test]
fn no_byte_is_written_or_steers_a_terminal() {
    let texts = (0..=255_u8).flat_map(|byte| {
        let alone = vec![byte];
        let character = char::from(byte).to_string().into_bytes();
        if alone == character { vec![alone] } else { vec![alone, character] }
    });
    let mut count = 0;
    for piece in texts {
        let mut stage = Stage::new();
        stage.copy_machine();
        let text = [MARK.as_bytes(), &piece, MARK.as_bytes()].concat();
        plant(&stage, &[&piece, text.as_slice(), &piece].concat());
        let what = piece.escape_ascii().to_string();
        stage.hvtune(&["detect", "-v"]).judged(&what, &[0]);
        stage.hvtune(&["plan", "--diff", "-v"]).judged(&what, &[0]);
        let before = tree(&stage.at("root"));
        let run = stage.hvtune(&["apply", "--format", "json"]).judged(&what, &[0, 2]);
        let after = tree(&stage.at("root"));
        for path in differing(&before, &after) {
            let Some(thing) = after.get(&path).filter(|thing| !thing.is_dir) else { continue };
            // What is edited in place keeps what was there; the record of it is JSON.
            if path.ends_with("waagent.conf") || path.ends_with("hvtune/edits") {
                continue;
            }
            let written = String::from_utf8_lossy(&thing.content);
            assert!(!written.contains(MARK), "{what} is in {}:\n{written}", path.display());
            let plain = thing.content.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
            assert!(plain, "{what}: {}:\n{written}", path.display());
        }
        assert!(run.code == 0 || run.err.lines().count() == 1, "{what}: {run:?}");
        stage.hvtune(&["verify", "-v"]).judged(&what, &[0, 1, 2, 3]);
        count += 1;
    }
    assert_eq!(count, 256 + 128);
}

/// A word of the policy is one that its knob takes, or one clear error: every byte at three places.
#[test]
fn no_byte_slips_through_a_policy() {
    use hvtune::tunable::Accepts;
    use hvtune::tunables::{CATALOGUE, subjects};
    let parse = |text: String| hvtune::policy::parse(&[("x.toml".to_owned(), text)], &subjects());
    let mut refused = 0;
    for byte in 0..=255_u8 {
        let c = char::from(byte);
        for knob in CATALOGUE.iter().flat_map(|tunable| tunable.knobs) {
            let right = match knob.accepts {
                Accepts::Integer { min, .. } => min.to_string(),
                Accepts::Word(words) => words[0].to_owned(),
            };
            let (head, tail) = right.split_at(right.len() / 2);
            for word in [format!("{c}{right}"), format!("{head}{c}{tail}"), format!("{right}{c}")] {
                let escaped =
                    word.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<Vec<_>>().concat();
                for value in [word.clone(), format!("\"{word}\""), format!("\"{escaped}\"")] {
                    let Ok(policy) = parse(format!("[set]\n\"{}\" = {value}\n", knob.name)) else {
                        refused += 1;
                        continue;
                    };
                    let pin = policy.pin(knob.name).unwrap().value.as_str().to_owned();
                    let fits = match knob.accepts {
                        Accepts::Integer { min, max } => {
                            pin.parse().is_ok_and(|number: i64| (min..=max).contains(&number))
                        }
                        Accepts::Word(words) => words.contains(&pin.as_str()),
                    };
                    assert!(fits, "{} = {value:?} became {pin:?}", knob.name);
                }
            }
        }
        // As bytes of a file, by the program: a comment may hold any text, a word may not.
        let stage = Stage::new();
        let policy = [&b"[set]\n\"vm.swappi"[..], &[byte], b"ness\" = 1\n"].concat();
        stage.put("policy.toml", policy);
        let before = tree(&stage.at("root"));
        stage.hvtune(&["apply"]).judged(&format!("{byte:#x}"), &[2]);
        crate::stage::assert_same(&format!("{byte:#x}"), &before, &tree(&stage.at("root")));
    }
    assert!(refused > 20_000, "{refused}");
}
