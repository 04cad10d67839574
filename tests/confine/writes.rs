//! Traps where we write: directories, targets, temporary names.

use std::fs;
use std::os::unix::fs::symlink;

use crate::gauntlet::{Ends, gauntlet};
use crate::stage::{STATE, Stage, Trap, WRITTEN, assert_same, temp_of, tree, without_times_of_dirs};

/// Directories on the way to a file that the policy asks for.
const WAYS: [&str; 10] = [
    "etc",
    "etc/default",
    "etc/default/grub.d",
    "usr/lib/udev/rules.d",
    "usr/lib/udev",
    "usr/lib/sysctl.d",
    "usr/lib/modprobe.d",
    "var",
    "var/lib",
    "var/lib/hvtune",
];

#[test]
fn a_directory_on_the_way_that_is_none() {
    for path in WAYS {
        let stage = Stage::new();
        for trap in [
            Trap::HostDir,
            Trap::ClimbToDir,
            Trap::HostFile,
            Trap::Dangling,
            Trap::Loop,
            Trap::HardLink,
            Trap::Fifo,
            Trap::Zero,
        ] {
            trap.set(&stage, &stage.root(path));
            gauntlet(&format!("{trap:?} at {path}"), &stage, Ends::Refused);
        }
    }
}

/// `usr/lib` holds what tells the distribution and the kernels: without it less is asked for.
#[test]
fn a_directory_near_the_top_that_is_none() {
    for path in ["usr", "usr/lib", "usr/lib/modules", "boot", "etc/hvtune", "etc/hvtune/templates", "run"] {
        let stage = Stage::new();
        for trap in [Trap::HostDir, Trap::ClimbToDir, Trap::Loop, Trap::Fifo] {
            trap.set(&stage, &stage.root(path));
            gauntlet(&format!("{trap:?} at {path}"), &stage, Ends::Either);
        }
    }
}

/// An absolute link means a place inside the root, and that may be written to.
#[test]
fn a_link_is_followed_inside_the_root() {
    let stage = Stage::new();
    Trap::HostDir.set(&stage, &stage.root("usr/lib/sysctl.d"));
    let inside = stage.root(stage.at("host").strip_prefix("/").unwrap().to_str().unwrap());
    fs::create_dir_all(&inside).unwrap();
    stage.hvtune(&["apply"]).judged("link inside", &[0]);
    assert!(inside.join("90-hvtune.conf").is_file());
    stage.hvtune(&["revert"]).judged("link inside", &[0]);
    gauntlet("link inside", &stage, Ends::Written);
}

#[test]
fn something_else_at_the_target() {
    for path in WRITTEN.into_iter().chain([STATE]) {
        let stage = Stage::new();
        for trap in [
            Trap::HostDir,
            Trap::HostFile,
            Trap::ClimbToFile,
            Trap::Dangling,
            Trap::Loop,
            Trap::HardLink,
            Trap::Fifo,
            Trap::Zero,
            Trap::Block,
            Trap::Dir,
            Trap::Socket,
            Trap::Big,
            Trap::NotText,
        ] {
            trap.set(&stage, &stage.root(path));
            gauntlet(&format!("{trap:?} at {path}"), &stage, Ends::Refused);
        }
    }
}

/// What stands there was left by a run that was killed, or put there; the name is ours alone.
#[test]
fn something_else_at_the_temporary_name() {
    for path in WRITTEN.into_iter().chain([STATE]).map(temp_of) {
        let stage = Stage::new();
        for trap in [
            Trap::HostDir,
            Trap::HostFile,
            Trap::ClimbToFile,
            Trap::Dangling,
            Trap::Loop,
            Trap::HardLink,
            Trap::Fifo,
            Trap::Zero,
            Trap::Block,
            Trap::Socket,
            Trap::NotText,
            Trap::Dir,
        ] {
            trap.set(&stage, &stage.root(&path));
            let ends = if trap == Trap::Dir { Ends::Refused } else { Ends::Written };
            gauntlet(&format!("{trap:?} at {path}"), &stage, ends);
        }
    }
}

/// A planted journal of the largest size that is read, one line over and over: each path counts once.
#[test]
fn a_journal_full_of_one_line() {
    for line in [
        "mkdir var/lib/hvtune",
        "mkdir home",
        "rmdir usr/lib/sysctl.d",
        "edit etc/waagent.conf",
        "switch - - etc/sysctl.d/90-hvtune.conf",
    ] {
        let stage = Stage::new();
        let text = format!("hvtune-journal 1\n{}", format!("{line}\n").repeat((4 << 20) / (line.len() + 2)));
        stage.put("root/etc/.hvtune-journal", text);
        gauntlet(&format!("a journal full of `{line}`"), &stage, Ends::Written);
    }
}

/// A file of ours that has a second name outside, or is a link to one that carries our marker.
#[test]
fn a_file_of_ours_with_another_name() {
    for path in WRITTEN {
        for linked in [false, true] {
            let stage = Stage::new();
            stage.hvtune(&["apply"]).judged(path, &[0]);
            let (ours, other) = (stage.root(path), stage.at("host/ours"));
            fs::rename(&ours, &other).unwrap();
            if linked {
                // The same bytes stand inside, so that the link leads to a file of ours.
                let inside = stage.root(other.strip_prefix("/").unwrap().to_str().unwrap());
                fs::create_dir_all(inside.parent().unwrap()).unwrap();
                fs::copy(&other, inside).unwrap();
                symlink(&other, &ours).unwrap();
            } else {
                fs::hard_link(&other, &ours).unwrap();
            }
            stage.other_policy();
            let (outside, before) = (stage.outside(), tree(&stage.at("root")));
            let run = stage.hvtune(&["apply"]).judged(path, &[if linked { 2 } else { 0 }]);
            assert_same(path, &outside, &stage.outside());
            let replaced = fs::read(&ours).unwrap() != fs::read(&other).unwrap();
            assert_eq!(replaced, !linked, "{path}: {run:?}");
            if linked {
                assert_same(
                    path,
                    &without_times_of_dirs(before),
                    &without_times_of_dirs(tree(&stage.at("root"))),
                );
            }
        }
    }
}

/// The record of directories made is data: only what leads to a file of ours is ever removed.
#[test]
fn a_planted_record_of_directories() {
    let stage = Stage::new();
    stage.hvtune(&["apply"]).judged("planted", &[0]);
    let record = stage.root(STATE);
    let body = format!("../host/empty\n/home\n{}\nusr/share/empty\n", stage.at("host/empty").display());
    let text = String::from_utf8(hvtune::marker::marker_line(body.as_bytes()).into_bytes()).unwrap() + &body;
    fs::write(&record, text).unwrap();
    for dir in [stage.at("host/empty"), stage.root("home"), stage.root("usr/share/empty")] {
        fs::create_dir_all(dir).unwrap();
    }
    let outside = stage.outside();
    stage.hvtune(&["revert"]).judged("planted", &[0]);
    assert_same("planted", &outside, &stage.outside());
    assert!(stage.root("home").is_dir() && stage.root("usr/share/empty").is_dir());
}
