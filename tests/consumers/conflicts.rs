//! Who wins a sysctl key: the real programs of a boot against the chain's prediction.
//!
//! `/proc/sys` is a directory of plain files. What the kernel makes of a pair that excludes each other is
//! not to be had from plain files, so systemd-sysctl and procps are asked for the order of their writes,
//! and the last one that counts is worked out here.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};

use hvtune::facts::Facts;
use hvtune::formats::number::parse_kernel_integer;
use hvtune::probe::{MachineSource, probe};
use hvtune::resolve::{InForce, programs, sysctl};
use hvtune::root::Root;

use crate::stage::{Stage, Suite};

/// The keys of the stage, with the kernel's own values.
const KEYS: [(&str, &str); 8] = [
    ("kernel/hung_task_timeout_secs", "120"),
    ("kernel/panic", "0"),
    ("kernel/watchdog_thresh", "10"),
    ("vm/dirty_background_bytes", "0"),
    ("vm/dirty_background_ratio", "10"),
    ("vm/dirty_bytes", "0"),
    ("vm/dirty_ratio", "20"),
    ("vm/swappiness", "60"),
];

/// Files of a case; `-> x` makes a link, `#!` one that may be executed.
type Files<'a> = &'a [(&'a str, &'a [u8])];

/// Lays the files out below `/case`, and gives what hvtune reads there.
fn lay(stage: &Stage, files: Files<'_>) -> Facts {
    let case = stage.dir("/case");
    for (path, body) in files {
        if let Some(target) = body.strip_prefix(b"-> ") {
            let (dir, name) = path.rsplit_once('/').unwrap();
            symlink(std::str::from_utf8(target).unwrap(), stage.dir(&format!("/case/{dir}")).join(name))
                .unwrap();
            continue;
        }
        stage.put(&format!("/case/{path}"), body);
        if body.starts_with(b"#!") {
            std::fs::set_permissions(case.join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    for (key, value) in KEYS {
        stage.put(&format!("/stage/sys/{key}"), format!("{value}\n"));
    }
    probe(&MachineSource::Assume { azure: false }, &Root::offline(&case).unwrap())
}

/// The start of every script: nothing but the case configures anything.
const LAY: &str = "mount --bind /stage/sys /proc/sys
    for dir in /etc/sysctl.d /usr/lib/sysctl.d /etc/tmpfiles.d /usr/lib/tmpfiles.d /etc/ufw; do
        mkdir -p $dir; mount -t tmpfs none $dir
    done
    rm -f /etc/sysctl.conf /etc/default/ufw
    cp -a /case/. /\n";

/// The values that the kernel would hold after these writes, the pairs taken into account.
fn after(writes: &[(String, String)]) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, String> =
        KEYS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    for (key, value) in writes {
        let Some(number) = parse_kernel_integer(value).filter(|_| values.contains_key(key)) else { continue };
        let other = match key.as_str() {
            "vm/dirty_bytes" => Some("vm/dirty_ratio"),
            "vm/dirty_ratio" => Some("vm/dirty_bytes"),
            "vm/dirty_background_bytes" => Some("vm/dirty_background_ratio"),
            "vm/dirty_background_ratio" => Some("vm/dirty_background_bytes"),
            _ => None,
        };
        if other.is_some_and(|_| values[key] != number.to_string()) {
            values.insert(other.unwrap().to_owned(), "0".to_owned());
        }
        values.insert(key.clone(), number.to_string());
    }
    values
}

/// Whether the chain said so: exactly, or as one of the values that it holds possible.
fn agrees(chain: &hvtune::resolve::Chain, real: &str) -> bool {
    match chain.in_force() {
        InForce::Known { value, .. } => value == real,
        InForce::Unknown { candidates, .. } => candidates.iter().any(|value| value == real),
    }
}

fn dotted(path: &str) -> String {
    path.replace('/', ".")
}

/// The writes in a log of systemd-sysctl's, in order.
fn writes_of_systemd(log: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let (_, rest) = line.split_once("Setting '/proc/sys/")?;
        let (key, rest) = rest.split_once("' to '")?;
        Some((key.to_owned(), rest.strip_suffix('\'')?.to_owned()))
    };
    log.lines().filter_map(line).collect()
}

/// What systemd-sysctl may meet.
const AT_BOOT: &[(&str, Files<'static>)] = &[
    (
        "names order files across directories",
        &[
            ("usr/lib/sysctl.d/99-v.conf", b"vm.swappiness=60\n"),
            ("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\n"),
        ],
    ),
    (
        "a file of the same name is read in the highest directory",
        &[
            ("usr/lib/sysctl.d/50-a.conf", b"vm.swappiness=1\n"),
            ("etc/sysctl.d/50-a.conf", b"vm.swappiness=2\n"),
        ],
    ),
    (
        "a link to nothing masks",
        &[("usr/lib/sysctl.d/50-a.conf", b"vm.swappiness=1\n"), ("etc/sysctl.d/50-a.conf", b"-> /dev/null")],
    ),
    (
        "an equal value keeps its place",
        &[
            ("etc/sysctl.d/10-a.conf", b"vm.dirty_ratio=20\n"),
            ("etc/sysctl.d/60-b.conf", b"vm.dirty_bytes=500000000\n"),
            ("etc/sysctl.d/99-c.conf", b"vm.dirty_ratio=20\n"),
        ],
    ),
    (
        "another value goes to the end",
        &[
            ("etc/sysctl.d/10-a.conf", b"vm.dirty_ratio=20\nvm.dirty_background_bytes=9000\n"),
            ("etc/sysctl.d/60-b.conf", b"vm.dirty_bytes=500000000\nvm.dirty_background_ratio=3\n"),
            ("etc/sysctl.d/99-c.conf", b"vm.dirty_ratio=30\nvm.dirty_background_bytes=9000\n"),
        ],
    ),
    (
        "a line without a value takes a key out",
        &[
            ("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\nkernel.panic=3\n"),
            ("etc/sysctl.d/20-b.conf", b"-vm.swappiness\n"),
        ],
    ),
    (
        "a wildcard leaves named keys alone",
        &[
            ("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\n"),
            ("etc/sysctl.d/20-b.conf", b"vm.sw*=7\nvm.dirty_r*=7\n"),
        ],
    ),
    (
        "and those that are left out",
        &[("etc/sysctl.d/10-a.conf", b"vm.dirty_r*=30\n-vm.dirty_ratio\nvm.swap[a-z]*=9\n-vm.swap*\n")],
    ),
    (
        "line ends and comments",
        &[(
            "etc/sysctl.d/10-a.conf",
            b"# caf\xe9\r\nvm/swappiness = 0x10 # low\r\n;vm.swappiness=1\nkernel.panic=5#x\n",
        )],
    ),
    (
        "carriage returns and NUL end lines",
        &[("etc/sysctl.d/10-a.conf", b"vm.swappiness=1\rkernel.panic=2\0kernel.watchdog_thresh=3\n")],
    ),
    ("an empty value sets nothing", &[("etc/sysctl.d/10-a.conf", b"vm.swappiness=\nkernel.panic = 9\n")]),
    (
        "sysctl.conf counts through its link alone",
        &[("etc/sysctl.conf", b"vm.swappiness=8\n"), ("etc/sysctl.d/99-sysctl.conf", b"-> ../sysctl.conf")],
    ),
    ("sysctl.conf does not count without a link", &[("etc/sysctl.conf", b"vm.swappiness=8\n")]),
    (
        "odd keys",
        &[(
            "etc/sysctl.d/10-a.conf",
            b"-/vm//swappiness/ = 3\nkernel..panic=4\n- kernel.watchdog_thresh=5\nx\n",
        )],
    ),
];

#[test]
fn systemd_sysctl_writes_as_predicted() {
    for suite in Suite::ALL {
        for (name, files) in AT_BOOT {
            let stage = Stage::new(suite);
            let facts = lay(&stage, files);
            let tool = "SYSTEMD_LOG_LEVEL=debug /usr/lib/systemd/systemd-sysctl || true";
            let ran = stage.run(&format!("{LAY}{tool}")).ok();
            let writes = writes_of_systemd(&ran.stderr);
            assert_eq!(
                writes.is_empty(),
                name.contains("masks") || name.contains("without a link"),
                "{suite:?}, {name}"
            );
            let real = after(&writes);
            for (key, _) in KEYS {
                let chain = sysctl::chain(&facts, &dotted(key), None);
                assert!(
                    agrees(&chain, &real[key]),
                    "{suite:?}, {name}: {key} is {}, not {chain:#?}",
                    real[key]
                );
            }
        }
    }
}

#[test]
fn procps_writes_as_predicted() {
    let cases: &[(&str, Files<'_>)] = &[
        (
            "sysctl.conf comes last",
            &[("etc/sysctl.conf", b"vm.swappiness=8\n"), ("etc/sysctl.d/99-a.conf", b"vm.swappiness=9\n")],
        ),
        (
            "an equal value is written again",
            &[
                ("etc/sysctl.d/10-a.conf", b"vm.dirty_ratio=20\n"),
                ("etc/sysctl.d/60-b.conf", b"vm.dirty_bytes=500000000\n"),
                ("etc/sysctl.d/99-c.conf", b"vm.dirty_ratio=21\n"),
            ],
        ),
        (
            "a wildcard leaves named keys alone",
            &[
                ("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\n-kernel.panic\n"),
                ("etc/sysctl.d/20-b.conf", b"vm.sw*=7\nkernel.pan*=7\n"),
            ],
        ),
        (
            "a line without a value takes nothing out",
            &[("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\n-vm.swappiness\n")],
        ),
        ("line ends", &[("etc/sysctl.d/10-a.conf", b"vm/swappiness = 6 # low\r\n -kernel.panic=\t4\n")]),
    ];
    for suite in Suite::ALL {
        for (name, files) in cases {
            let stage = Stage::new(suite);
            let facts = lay(&stage, files);
            let ran = stage.run(&format!("{LAY}sysctl --system || true")).ok();
            let said = ran.stdout.lines().filter_map(|line| line.split_once(" = "));
            let writes: Vec<_> = said.map(|(key, value)| (key.replace('.', "/"), value.to_owned())).collect();
            let real = after(&writes);
            for (key, _) in
                KEYS.into_iter().filter(|(key, _)| writes.iter().any(|(written, _)| written == key))
            {
                let chain = sysctl::by_hand(&facts, &dotted(key), None);
                assert!(
                    agrees(&chain, &real[key]),
                    "{suite:?}, {name}: {key} is {}, not {chain:#?}",
                    real[key]
                );
            }
        }
    }
}

/// All programs of a boot in their order, over plain files, which are not cut as they are written: no value may be
/// shorter than the one before it.
const BOOT: &str = "/usr/lib/systemd/systemd-sysctl
    systemd-tmpfiles --create --boot --prefix=/proc/sys
    if [ -e /etc/default/ufw ]; then
        # What ufw-init-functions runs, with the variable that it has from there.
        . /etc/default/ufw
        sysctl -e -q -p $IPT_SYSCTL
    fi
    if [ -x /etc/rc.local ]; then PATH=/stage/bin:$PATH /etc/rc.local start; fi\n";

#[test]
fn programs_that_write_once_end_as_predicted() {
    let cases: &[(&str, &str, Files<'_>)] = &[
        (
            "tmpfiles.d",
            "vm/swappiness",
            &[
                ("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\n"),
                ("usr/lib/tmpfiles.d/x.conf", b"w! \"/proc/sys/vm/swappiness\" - - -  - 22\n"),
            ],
        ),
        (
            "tmpfiles.d takes the lines of one path together",
            "vm/swappiness",
            &[(
                "etc/tmpfiles.d/x.conf",
                b"w /proc/sys/vm/swapp* - - - - 111\nw /proc/sys/vm/swappiness - - - - 122\nw /proc/sys/vm/swapp* - - - - 133\n",
            )],
        ),
        (
            "ufw",
            "vm/swappiness",
            &[
                ("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\n"),
                ("etc/ufw/ufw.conf", b"ENABLED=yes\n"),
                ("etc/ufw/sysctl.conf", b"vm/swappiness=33\n"),
                ("etc/default/ufw", b"IPT_SYSCTL=\"/etc/ufw/sysctl.conf\" # where\n"),
            ],
        ),
        (
            "rc.local",
            "vm/swappiness",
            &[
                ("etc/sysctl.d/10-a.conf", b"vm.swappiness=5\n"),
                (
                    "etc/rc.local",
                    b"#!/bin/sh -e\necho 7 | tee /proc/sys/vm/swappiness >/dev/null\nsysctl -q -w vm/swappiness='8'\nexit 0\necho 9 >/proc/sys/vm/swappiness\n",
                ),
            ],
        ),
        (
            "rc.local applies all files again",
            "vm/swappiness",
            &[
                ("etc/sysctl.conf", b"vm.swappiness=4\n"),
                ("etc/rc.local", b"#!/bin/sh\necho 7 > /proc/sys/vm/swappiness; sysctl --system >/dev/null\n"),
            ],
        ),
    ];
    for suite in Suite::ALL {
        for (name, key, files) in cases {
            let stage = Stage::new(suite);
            let facts = lay(&stage, files);
            let ran = stage.run(&format!("{LAY}{BOOT}cat /proc/sys/{key}")).ok();
            let real = ran.stdout.trim();
            let chain = sysctl::chain(&facts, &dotted(key), None);
            assert!(agrees(&chain, real), "{suite:?}, {name}: {key} is {real}, not {chain:#?}");
            assert!(
                chain.others().last().is_some_and(|last| last.value.as_deref() == Some(real)),
                "{name}: {chain:#?}"
            );
        }
    }
}

#[test]
fn sysfsutils_writes_as_predicted() {
    let conf = b"# x\nblock/sd[ab]/queue/read_ahead_kb = 4096 # KiB\nblock/sda/queue/nr_requests=64\nblock/sdb/queue/nr_requests 32\n";
    let more = b"block/sda/queue/nr_requests = 1 2\nblock/sda/queue/read_ahead_kb = 1\n";
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        let mut files: Vec<(&str, &[u8])> = vec![("etc/sysfs.conf", conf), ("etc/sysfs.d/z.conf", more)];
        if suite == Suite::Trixie {
            files.push(("usr/sbin/update-sysfs", b"#!"));
        }
        let facts = lay(&stage, &files);
        let ran = stage.run(
            "mount -t tmpfs none /sys
             for disk in sda sdb; do
                 mkdir -p /sys/block/$disk/queue
                 for attr in read_ahead_kb nr_requests; do echo 0 >/sys/block/$disk/queue/$attr; done
             done
             cp -a /case/etc/. /etc/
             if [ -x /usr/sbin/update-sysfs ]; then update-sysfs >&2; else /etc/init.d/sysfsutils start >&2; fi || true
             cd /sys/block
             grep -r '' .",
        );
        for line in ran.ok().stdout.lines() {
            let (path, real) = line.trim_start_matches("./").split_once(':').unwrap();
            let (disk, attribute) = path.split_once('/').unwrap();
            let (writers, _) = programs::of_attribute(&facts, disk, attribute);
            let last = writers.last().and_then(|writer| writer.value.as_deref());
            assert_eq!(last.unwrap_or("0"), real, "{suite:?}: {line}");
        }
    }
}

#[test]
fn tuned_ends_as_predicted() {
    const SITE: &[u8] = b"[main]\ninclude=hvbase\n[variables]\nlow=25\n[sysctl]\nvm.swappiness=${low}\ndrop=kernel.panic\n\
                          kernel.watchdog_thresh=>20 # at least\n[off]\ntype=sysctl\nenabled=0\nkernel.hung_task_timeout_secs=1\n";
    const BASE: &[u8] =
        b"[sysctl]\nvm.swappiness=\"15\"\nkernel.panic=77\nkernel.hung_task_timeout_secs=30\n";
    const NOT_AGAIN: &[u8] = b"daemon = 0\nreapply_sysctl = 0\n";
    const AGAIN: &[u8] = b"daemon = 0\n";
    let cases: &[(&str, &[u8], Files<'_>)] = &[
        ("the profile over the kernel", AGAIN, &[]),
        (
            "a file of /etc over the profile",
            AGAIN,
            &[("etc/sysctl.d/50-a.conf", b"vm.swappiness=11\nkernel.watchdog_thresh=30\n")],
        ),
        (
            "unless nothing is applied again",
            NOT_AGAIN,
            &[("etc/sysctl.d/50-a.conf", b"vm.swappiness=11\nkernel.watchdog_thresh=30\n")],
        ),
        ("the profile over a file of /usr", AGAIN, &[("usr/lib/sysctl.d/50-a.conf", b"vm.swappiness=11\n")]),
        (
            "slashes and dashes are not applied again",
            AGAIN,
            &[("etc/sysctl.d/50-a.conf", b"vm/swappiness=11\n-kernel.hung_task_timeout_secs=600\n")],
        ),
        (
            "sysctl.conf is",
            AGAIN,
            &[("etc/sysctl.conf", b"vm.swappiness=12\n"), ("etc/sysctl.d/50-a.conf", b"vm.swappiness=11\n")],
        ),
    ];
    for suite in Suite::ALL {
        let profiles = if suite == Suite::Trixie { "etc/tuned/profiles" } else { "etc/tuned" };
        let (site, base) = (format!("{profiles}/site/tuned.conf"), format!("{profiles}/hvbase/tuned.conf"));
        for (name, main, files) in cases {
            let stage = Stage::new(suite);
            let version = "usr/lib/python3/dist-packages/tuned/version.py";
            let installed = std::fs::read(suite.root().join(version)).unwrap();
            let mut all: Vec<(&str, &[u8])> = vec![
                (version, &installed),
                (&site, SITE),
                (&base, BASE),
                ("etc/tuned/tuned-main.conf", main),
                ("etc/tuned/active_profile", b"site\n"),
                ("etc/tuned/profile_mode", b"manual\n"),
            ];
            if suite == Suite::Trixie {
                all.push(("usr/lib/tuned/profiles/hvempty/tuned.conf", b"[main]\n"));
            }
            all.extend_from_slice(files);
            let facts = lay(&stage, &all);
            let ran = stage.run(&format!(
                "{LAY}mkdir -p /sys; mount -t tmpfs none /sys; mkdir /sys/block
                 /usr/lib/systemd/systemd-sysctl
                 tuned --no-dbus --no-socket >&2
                 cd /proc/sys; grep -r '' vm kernel"
            ));
            let ran = ran.ok();
            for line in ran.stdout.lines() {
                let (key, real) = line.split_once(':').unwrap();
                let chain = sysctl::chain(&facts, &dotted(key), None);
                let found = chain.in_force();
                assert_eq!(found.value(), Some(real), "{suite:?}, {name}: {key}: {chain:#?}\n{}", ran.stderr);
            }
        }
    }
}
