//! Parsers meet any text and any bytes, and none of them panics.

use std::fs;

use hvtune::cmdline::{Cmdline, same_key, split_arg};
use hvtune::facts::{Attribute, KernelRelease};
use hvtune::formats::grub::{Files, Shell};
use hvtune::formats::{bls, grub, kmod, modprobe, shell, sysctl, udev};
use hvtune::marker::{Standing, body_of, marker_line, standing_of};
use hvtune::policy::{parse_duration, parse_stall};
use hvtune::probe::{self, Identity, MachineSource};
use hvtune::root::{Root, link_target};
use hvtune::tunable::Value;
use hvtune::tunables::subjects;
use proptest::prelude::*;

use crate::cases;

/// Pieces of which the formats are made, so that a text comes far enough to be parsed.
const PIECES: [&str; 60] = [
    "\n",
    "\r\n",
    "\0",
    "\\\n",
    "\\",
    "\"",
    "'",
    " ",
    "\t",
    "=",
    "==",
    "!=",
    "+=",
    ":=",
    ", ",
    ",",
    "#",
    ";",
    "-",
    "--",
    "{",
    "}",
    "[",
    "]",
    "$",
    "%",
    "`",
    "*",
    "?",
    "|",
    ".",
    "/",
    "é",
    "\u{feff}",
    "\u{1b}[2J",
    "0",
    "18446744073709551615",
    "-1",
    "ATTR{queue/scheduler}",
    "ENV{X}",
    "GOTO=\"x\"",
    "LABEL=\"x\"",
    "KERNEL==\"sd*\"",
    "RUN+=\"/bin/sh\"",
    "options ",
    "hv_storvsc ",
    "install ",
    "vm.swappiness = 10",
    "vm/dirty_ratio=1",
    "GRUB_CMDLINE_LINUX",
    "_DEFAULT=",
    "$GRUB_CMDLINE_LINUX_DEFAULT",
    "$(x)",
    "if ",
    "fi",
    "case \"${hvtune_r##*[[:space:]]",
    "stall = ",
    "[set]\n",
    "off = [",
    "recovery = \"hold\"\n",
];

/// Any text: characters of every kind, or pieces of the formats in any order.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40);
    prop_oneof![any::<String>(), pieces.prop_map(|pieces| pieces.concat()), "[ -~\n]{0,200}", "\\PC{0,60}"]
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), any_text().prop_map(String::into_bytes)]
}

/// Our entries, as other readers of the file see them.
fn sysctls(entries: Vec<sysctl::Entry>) -> Vec<sysctl::read::Line> {
    let line = |entry: sysctl::Entry| sysctl::read::Line {
        line: entry.line,
        optional: entry.optional,
        key: sysctl::read::path_of(&entry.key),
        dotted: true,
        value: Some(entry.value),
    };
    entries.into_iter().map(line).collect()
}

/// The options that the kernel gets by libkmod.
fn module_options(text: &str) -> Vec<modprobe::ModuleOption> {
    let lines = kmod::lines(text).into_iter().filter(|line| !line.install);
    let options = lines.flat_map(|line| {
        Cmdline::parse(&line.text).args.into_iter().map(move |arg| {
            let (parameter, value) = split_arg(&arg);
            modprobe::ModuleOption {
                line: line.line,
                module: line.module.clone(),
                parameter: parameter.to_owned(),
                value: value.to_owned(),
            }
        })
    });
    options.collect()
}

/// What udev writes to attributes.
fn rule_values(text: &str) -> Vec<String> {
    let rules = udev::read(text).rules;
    rules.iter().flat_map(|rule| rule.of(udev::Key::SetAttr)).map(|term| term.value.clone()).collect()
}

/// A policy of one text.
fn policy(text: &str) -> bool {
    hvtune::policy::parse(&[("x.toml".to_owned(), text.to_owned())], &subjects()).is_ok()
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn no_text_is_too_odd(text in any_text(), other in any_text()) {
        let _ = (shell::parse(&text), grub::is_argument(&text));
        for shell in [Shell::Dash, Shell::Bash] {
            let texts = [("a", &text), ("b", &other)].map(|(path, text)| (path.to_owned(), Attribute::Is(text.clone())));
            let first = vec!["a".to_owned(), "b".to_owned()];
            let _ = grub::evaluate(&Files { first, texts: texts.into(), shell, ..Files::default() });
        }
        let _ = grub::menu::menu_lines("grub.cfg", &text, &hvtune::order::Named::new());
        let _ = (grub::env::parse(&text), bls::parse(&text), kmod::lines(&text));
        let _ = udev::read(&text);
        let keys = ["vm/swappiness", "vm/dirty_ratio"];
        for read in [sysctl::read::read, sysctl::read::read_procps] {
            let (one, two) = (read(&text), read(&other));
            let files = [("a", &one[..]), ("etc/sysctl.conf", &two[..]), ("b", &one[..])];
            let _ = (sysctl::order::systemd(&files, &keys), sysctl::order::procps(&files, &keys));
        }
        let line = Cmdline::parse(&text);
        let _ = (line.value(&other), line.holds(&other), line.bytes(), split_arg(&text), same_key(&text, &other));
        let _ = (KernelRelease::parse(&text), Identity::parse(&text), probe::hypervisor::class_of(&text));
        let _ = (parse_duration(&text), parse_stall(&text), policy(&text));
        let target = link_target(&text, &other);
        prop_assert!(target.split('/').all(|part| part != ".." && part != "."), "{target}");
        prop_assert!(!target.starts_with('/'), "{target}");
    }

    /// What a strict parser takes is plain ASCII in whole lines, and the lenient one finds it too.
    #[test]
    fn strict_parsers_take_little(text in prop_oneof![any_text(), "(#?[ -~\t\r\u{1}é\\\\]{0,8}\n){1,3}", "#[ -~\t]{0,9}\n:\n"]) {
        let taken = [
            udev::parse(&text).is_ok(),
            modprobe::parse(&text).is_ok(),
            sysctl::parse(&text).is_ok(),
            grub::parse(&text).is_ok(),
        ];
        if taken.contains(&true) {
            let plain = text.chars().all(|c| matches!(c, ' '..='~' | '\n'));
            prop_assert!(plain && (text.is_empty() || text.ends_with('\n')) && !text.contains("\\\n"), "{text:?}");
        }
        if let Ok(entries) = sysctl::parse(&text) {
            prop_assert_eq!(&sysctls(entries), &sysctl::read::read(&text));
            prop_assert_eq!(sysctl::read::read(&text), sysctl::read::read_procps(&text));
        }
        if let Ok(options) = modprobe::parse(&text) {
            prop_assert_eq!(options, module_options(&text));
        }
        if let Ok(rules) = udev::parse(&text) {
            let sets = |token: &&udev::Token| !token.is_match() && token.key.starts_with("ATTR{");
            let strict: Vec<_> = rules.iter().flatten().filter(sets).map(|token| token.value.clone()).collect();
            prop_assert_eq!(strict, rule_values(&text));
        }
    }

    #[test]
    fn a_marker_is_only_what_we_wrote(bytes in any_bytes(), more in proptest::collection::vec(any::<u8>(), 1..5)) {
        let mut marked = marker_line(&bytes).into_bytes();
        marked.extend(&bytes);
        prop_assert_eq!(standing_of(Some(&marked)), Standing::Ours);
        prop_assert_eq!(body_of(&marked).map(|(_, body)| body), Some(&bytes[..]));
        marked.extend(&more);
        prop_assert_eq!(standing_of(Some(&marked)), Standing::Edited);
        prop_assert!(bytes.starts_with(b"# hvtune ") || standing_of(Some(&bytes)) == Standing::Foreign);
    }

    /// Of the grammar, and nothing else; and what it takes stays one token in every format.
    #[test]
    fn a_value_is_its_grammar(text in prop_oneof![any_text(), "[A-Za-z0-9_.,:=@/+-]{0,140}", "[ -~]{0,5}"]) {
        let fits = !text.is_empty()
            && text.len() <= 128
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.,:=@/+-".contains(&byte));
        let value = Value::new(&text);
        prop_assert_eq!(value.is_ok(), fits, "{:?}", text);
        let Ok(value) = value else { return Ok(()) };
        prop_assert_eq!(value.as_str(), &text);
        let entries = sysctl::parse(&format!("-vm.swappiness = {value}\n")).unwrap();
        prop_assert_eq!(&entries[0].value, &text);
        let read = sysctl::read::read(&format!("-vm.swappiness = {value}\n"));
        prop_assert_eq!(read[0].value.as_ref(), Some(&text));
        let rules = udev::parse(&format!("ATTR{{queue/scheduler}}=\"{value}\"\n")).unwrap();
        prop_assert_eq!(&rules[0][0].value, &text);
        prop_assert_eq!(&module_options(&format!("options m p={value}\n"))[0].value, &text);
        // In a module option or on the command line fewer characters are taken; never another token.
        if let Ok(options) = modprobe::parse(&format!("options m p={value}\n")) {
            prop_assert_eq!((options.len(), &options[0].value), (1, &text));
        }
        let arg = Value::new(&format!("k={}", &text[..text.len().min(120)])).unwrap();
        let fragment = format!("{}\n:\n", grub::add_line(&arg));
        match grub::parse(&fragment) {
            Ok(edits) => prop_assert_eq!(edits, vec![grub::Edit::Add(arg.to_string())]),
            Err(_) => prop_assert!(!grub::is_argument(arg.as_str())),
        }
        let line = Cmdline::parse(&format!("a k={value} b"));
        prop_assert_eq!(line.value("k"), Some(text.as_str()));
    }

    #[test]
    fn a_release_is_its_numbers(major: u16, minor: u16, patch in proptest::option::of(any::<u16>()), rest in "[-+_~a-z][-.a-z0-9]{0,20}") {
        let text = match patch {
            Some(patch) => format!("{major}.{minor}.{patch}{rest}\n"),
            None => format!("{major}.{minor}{rest}\n"),
        };
        let release = KernelRelease::parse(&text).unwrap();
        let seen = (release.version.0, release.version.1);
        prop_assert_eq!(seen, (u32::from(major), u32::from(minor)));
        prop_assert!(patch.is_none_or(|patch| release.version.2 == u32::from(patch)));
        prop_assert_eq!(release.release.as_str(), text.trim());
    }
}

/// Everything that is read of a machine and a root.
const FILES: [&str; 44] = [
    "machine.json",
    "proc/cmdline",
    "proc/meminfo",
    "proc/swaps",
    "proc/self/mountinfo",
    "proc/self/cgroup",
    "proc/1/environ",
    "proc/sys/kernel/osrelease",
    "proc/sys/vm/swappiness",
    "sys/class/dmi/id/sys_vendor",
    "sys/class/dmi/id/product_name",
    "sys/class/dmi/id/chassis_asset_tag",
    "sys/devices/system/cpu/present",
    "sys/module/hv_storvsc/parameters/ring_avail_percent_lowater",
    "sys/module/nvme_core/parameters/io_timeout",
    "sys/firmware/acpi/tables/FACP",
    "sys/devices/v/class_id",
    "sys/devices/v/device_id",
    "sys/devices/v/host0/scsi_host/host0/can_queue",
    "sys/devices/v/host0/scsi_host/host0/nr_hw_queues",
    "sys/devices/v/host0/target0:0:0/0:0:0:0/vendor",
    "sys/devices/v/host0/target0:0:0/0:0:0:0/timeout",
    "sys/devices/v/host0/target0:0:0/0:0:0:0/scsi_disk/0:0:0:0/max_retries",
    "sys/devices/v/host0/target0:0:0/0:0:0:0/block/sda/queue/scheduler",
    "sys/devices/v/host0/target0:0:0/0:0:0:0/block/sda/queue/nr_requests",
    "sys/devices/v/host0/target0:0:0/0:0:0:0/block/sda/queue/rotational",
    "sys/devices/v/host0/target0:0:0/0:0:0:0/block/sda/mq/0/nr_tags",
    "sys/devices/virtual/block/dm-0/dm/uuid",
    "sys/devices/virtual/block/dm-0/dm/name",
    "etc/os-release",
    "etc/default/grub",
    "etc/default/grub.d/50-x.cfg",
    "etc/waagent.conf",
    "etc/tuned/active_profile",
    "etc/fstab",
    "etc/kernel/install.conf",
    "etc/sysconfig/bootloader",
    "etc/sysctl.d/50-x.conf",
    "etc/udev/rules.d/50-x.rules",
    "etc/modprobe.d/50-x.conf",
    "usr/sbin/grub-mkconfig",
    "usr/lib/modules/6.1.0/modules.builtin",
    "usr/lib/modules/6.1.0/modules.builtin.modinfo",
    "usr/lib/modules/6.1.0/kernel/drivers/scsi/hv_storvsc.ko",
];

proptest! {
    #![proptest_config(cases(60))]

    /// Whatever the files of a machine and a root hold: facts and gaps, and a decision.
    #[test]
    fn no_file_is_too_odd(contents in proptest::collection::vec(any_bytes(), FILES.len()), text in any_text()) {
        let dir = crate::machines::fresh_dir();
        for (path, bytes) in FILES.iter().zip(&contents) {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::create_dir_all(dir.path().join("sys/block")).unwrap();
        let disk = "../devices/v/host0/target0:0:0/0:0:0:0/block/sda";
        std::os::unix::fs::symlink(disk, dir.path().join("sys/block/sda")).unwrap();
        std::os::unix::fs::symlink("../devices/virtual/block/dm-0", dir.path().join("sys/block/dm-0")).unwrap();
        let root = Root::offline(dir.path()).unwrap();
        let facts = probe::probe(&MachineSource::Capture(&root), &root);
        let policy = hvtune::policy::parse(&[("x".to_owned(), text)], &subjects()).unwrap_or_default();
        crate::plans::planned(&facts, &policy, &root);
        let assumed = probe::probe(&MachineSource::Assume { azure: true }, &root);
        crate::plans::planned(&assumed, &policy, &root);
    }
}
