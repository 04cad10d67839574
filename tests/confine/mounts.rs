//! Roots with mounts in them: a /proc whose links lead out of every root, and directories of the host.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::gauntlet::{Ends, gauntlet};
use crate::stage::{PROGRAM, Run, Stage, assert_same, tree, without_times_of_dirs};

/// Directories on the way to a file of ours.
const WAYS: [&str; 4] = ["etc/default/grub.d", "usr/lib/sysctl.d", "usr/lib/udev/rules.d", "var/lib/hvtune"];

/// `/proc/1/root` is a link of the kernel's own making, which no walk by name sees.
fn lead_through_proc(stage: &Stage, at: &str) {
    let host = stage.at("host");
    let path = stage.root(at);
    if path.is_dir() {
        fs::remove_dir_all(&path).unwrap();
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(format!("/proc/1/root{}", host.display()), path).unwrap();
}

#[test]
fn a_link_through_proc_that_is_not_mounted() {
    for at in WAYS {
        let stage = Stage::new();
        lead_through_proc(&stage, at);
        gauntlet(&format!("link through an absent /proc at {at}"), &stage, Ends::Refused);
    }
}

#[test]
fn a_link_through_proc_that_is_mounted() {
    for at in WAYS {
        let what = format!("link through a mounted /proc at {at}");
        println!("hostile root: {what}");
        let stage = Stage::new();
        lead_through_proc(&stage, at);
        fs::create_dir_all(stage.root("proc")).unwrap();
        let outside = stage.outside();
        let before = without_times_of_dirs(tree(&stage.at("root")));
        for (command, codes) in [
            ("detect", &[0, 2][..]),
            ("plan", &[0, 2]),
            ("verify", &[0, 1, 2, 3]),
            ("apply", &[2]),
            ("revert", &[0, 2]),
        ] {
            let script = "mount -t proc none \"$1/root/proc\"
                exec timeout 60 \"$2\" --root \"$1/root\" --machine \"$3\" --config \"$1/policy.toml\" \"$4\"";
            let mut run = Command::new("unshare");
            run.args(["--mount", "--propagation", "private", "--", "sh", "-euc", script, "sh"]);
            run.arg(stage.at("")).arg(PROGRAM).arg(stage.machine()).arg(command);
            Run::of(&mut run).judged(&format!("{what}: {command}"), codes);
            assert_same(&what, &before, &without_times_of_dirs(tree(&stage.at("root"))));
            assert_same(&what, &outside, &stage.outside());
        }
    }
}

/// What `openat2` does for us is done name by name where the kernel has none.
const WITHOUT_OPENAT2: &str = "strace -f -qq -o /dev/null -e trace=openat2 -e inject=openat2:error=ENOSYS";

/// What is mounted below an image's root is the host's: a link and a walk find it alike, and neither enters.
#[test]
fn something_of_the_host_mounted_below_the_root() {
    for at in WAYS.into_iter().chain(["etc/default", "usr/lib/sysctl.d/90-hvtune.conf"]) {
        let is_file = at.contains("90-hvtune");
        let what = format!("the host's {} mounted at {at}", if is_file { "file" } else { "directory" });
        println!("hostile root: {what}");
        let stage = Stage::new();
        if is_file {
            stage.put(&format!("root/{at}"), "");
        } else {
            fs::create_dir_all(stage.root(at)).unwrap();
        }
        let outside = stage.outside();
        let before = without_times_of_dirs(tree(&stage.at("root")));
        for (command, codes, wrapper) in [
            ("detect", &[0, 2][..], ""),
            ("plan", &[0, 2], ""),
            ("verify", &[0, 1, 2, 3], ""),
            ("apply", &[2], ""),
            ("apply", &[2], WITHOUT_OPENAT2),
            ("revert", &[0, 2], ""),
        ] {
            let script = "mount --bind \"$1/host$6\" \"$1/root/$5\"
                exec timeout 60 $7 \"$2\" --root \"$1/root\" --machine \"$3\" --config \"$1/policy.toml\" \"$4\"";
            let mut run = Command::new("unshare");
            run.args(["--mount", "--propagation", "private", "--", "sh", "-euc", script, "sh"]);
            run.arg(stage.at("")).arg(PROGRAM).arg(stage.machine()).args([command, at]);
            run.arg(if is_file { "/canary" } else { "" }).arg(wrapper);
            let run = Run::of(&mut run).judged(&format!("{what}: {wrapper} {command}"), codes);
            if command == "apply" {
                assert!(run.err.contains("another file system is mounted there"), "{what}: {run:?}");
            }
            assert_same(&what, &before, &without_times_of_dirs(tree(&stage.at("root"))));
            assert_same(&what, &outside, &stage.outside());
        }
    }
}
