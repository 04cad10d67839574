//! Every byte at the start, in the middle and at the end of a comment, in every format.
//!
//! An administrator's template may say more in comments than ours, and a template may come
//! from an image. A comment that the strict parser takes changes nothing for the program
//! that reads the format; all that are taken stand in one file here.

use std::fs;
use std::path::Path;

use hvtune::render::{Format, says_the_same};

use crate::bytes::words;
use crate::device::{Device, Storvsc};
use crate::grub::{Change, grub_faults};
use crate::modprobe::modprobe_faults;
use crate::rendered::{file, fixture};
use crate::stage::Suite;
use crate::storage::{drop_in_faults, multipath_reads};
use crate::sysctl::sysctl_faults;
use crate::udev::{Udev, udev_verify, udev_writes};

const NONE: &[&str] = &[];

/// The file with every comment that is taken, in a directory that lasts as long as it.
fn with_comments(format: Format, plain: &Path) -> (tempfile::TempDir, std::path::PathBuf) {
    let body = fs::read(plain).unwrap();
    let (first, rest) = body.split_at(body.iter().position(|&byte| byte == b'\n').unwrap() + 1);
    let with = |comments: &[u8]| [first, comments, rest].concat();
    let comments = words().into_iter().map(|word| [b"#", word.as_slice(), b"\n"].concat());
    let taken: Vec<_> = comments.filter(|line| says_the_same(format, &body, &with(line))).collect();
    let lines = taken.concat();
    assert!(lines.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "{format:?}");
    // All of printable ASCII but the backslash at the end, and a line feed there.
    println!("{format:?}: {} of {} comments taken", taken.len(), words().len());
    assert_eq!(taken.len(), 3 * 95 - 1 + 1, "{format:?}");
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join(plain.file_name().unwrap());
    fs::write(&path, with(&lines)).unwrap();
    (temp, path)
}

#[test]
fn udev_rules() {
    let plain = file(&fixture("vanilla310"), "udev/rules.d/90-hvtune.rules");
    let (_temp, rules) = with_comments(Format::Udev, &plain);
    let disk = Device::storvsc(Storvsc::Scsi).with("queue/scheduler", "noop deadline [cfq]");
    for version in Udev::ALL {
        let written = udev_writes(&plain, &disk, version);
        assert!(!written.is_empty());
        assert_eq!(udev_writes(&rules, &disk, version), written, "{version:?}");
    }
    let ran = udev_verify(&rules);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn sysctl_d() {
    let plain = file(&fixture("self-heal"), "sysctl.d/90-hvtune.conf");
    let (_temp, conf) = with_comments(Format::Sysctl, &plain);
    let text = fs::read_to_string(&plain).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let want: Vec<_> = lines.filter_map(|line| line.split_once(" = ")).collect();
    assert!(!want.is_empty());
    for suite in Suite::ALL {
        assert_eq!(sysctl_faults(suite, &conf, &want), NONE, "{suite:?}");
    }
}

#[test]
fn modprobe_d() {
    let plain = file(&fixture("gen2-pinned"), "modprobe.d/90-hvtune.conf");
    let (_temp, conf) = with_comments(Format::Modprobe, &plain);
    for suite in Suite::ALL {
        let want = [("hv_storvsc", "storvsc_ringbuffer_size=524288")];
        assert_eq!(modprobe_faults(suite, &conf, &want), NONE, "{suite:?}");
    }
}

#[test]
fn grub_fragments() {
    let plain = file(&fixture("self-heal"), "default/grub.d/90-hvtune.cfg");
    let (_temp, fragment) = with_comments(Format::Grub, &plain);
    for suite in Suite::ALL {
        let ours = ["panic=10", "udev.event_timeout=360", "systemd.crash_reboot=yes", "fsck.repair=yes"];
        let change = Change { add: &ours, ..Change::default() };
        assert_eq!(grub_faults(suite, &fragment, &change), NONE, "{suite:?}");
    }
}

#[test]
fn multipath_conf() {
    let plain = file(&fixture("iscsi-multipath"), "multipath/conf.d/90-hvtune.conf");
    let (_temp, conf) = with_comments(Format::Multipath, &plain);
    for suite in Suite::ALL {
        let (found, said) = multipath_reads(suite, &conf);
        assert_eq!((found, said.as_str()), (multipath_reads(suite, &plain).0, ""), "{suite:?}");
    }
}

#[test]
fn unit_drop_ins() {
    let below = "systemd/system/systemd-journald.service.d/90-hvtune.conf";
    let (_temp, conf) = with_comments(Format::Unit, &file(&fixture("azure-nvme-avu"), below));
    for suite in Suite::ALL {
        assert_eq!(drop_in_faults(suite, &conf), "clean\n", "{suite:?}");
    }
}
