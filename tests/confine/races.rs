//! Others who rename while we run. No verdict here depends on who was faster.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::stage::{Stage, WIDE, WRITTEN, assert_same, tree};

/// Ends the others also where the work panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` while others run over and over beside it.
fn beside(others: Vec<Box<dyn Fn() + Send>>, work: impl FnOnce()) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for other in others {
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    other();
                }
            });
        }
        let _over = Over(&over);
        work();
    });
}

/// Swaps two names; either may not be there yet.
fn swap(one: PathBuf, other: PathBuf) -> Box<dyn Fn() + Send> {
    Box::new(move || {
        let _ = renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE);
    })
}

/// A directory that is one moment a directory and the next a link to the host's: whatever is
/// written lands inside the root, or nothing is.
#[test]
fn a_directory_that_turns_into_a_link_out() {
    for (at, climbing) in [("usr/lib/sysctl.d", false), ("usr/lib/udev", true), ("etc/default/grub.d", false)]
    {
        let stage = Stage::new();
        let (dir, decoy) = (stage.root(at), stage.root(&format!("{at}.decoy")));
        fs::create_dir_all(&dir).unwrap();
        let host = stage.at("host");
        let target = if climbing {
            PathBuf::from("../".repeat(30)).join(host.strip_prefix("/").unwrap())
        } else {
            host
        };
        symlink(target, &decoy).unwrap();
        let outside = stage.outside();
        beside(vec![swap(dir, decoy)], || {
            for turn in 0..70 {
                for command in ["apply", "revert"] {
                    stage.hvtune(&[command]).judged(&format!("{at}, turn {turn}: {command}"), &[0, 2]);
                }
            }
        });
        assert_same(at, &outside, &stage.outside());
        let stray =
            tree(&stage.at("root")).into_keys().find(|path| path.to_string_lossy().contains("hvtune-new"));
        assert_eq!(stray, None, "{at}: left behind");
    }
}

/// The same of directories that apply makes, where a mode is set besides.
#[test]
fn a_directory_just_made_that_turns_into_a_link_out() {
    let stage = Stage::new();
    let outside = stage.outside();
    for turn in 0..150 {
        let at = ["usr/lib/modprobe.d", "etc/default/grub.d", "var/lib/hvtune"][turn % 3];
        let (dir, decoy) = (stage.root(at), stage.root(&format!("{at}.decoy")));
        fs::create_dir_all(dir.parent().unwrap()).unwrap();
        symlink(stage.at("host"), &decoy).unwrap();
        beside(vec![swap(dir.clone(), decoy.clone())], || {
            stage.hvtune(&["apply"]).judged(&format!("turn {turn}"), &[0, 2]);
        });
        assert_same(&format!("turn {turn}: {at}"), &outside, &stage.outside());
        for path in [dir, decoy] {
            if path.is_symlink() {
                fs::remove_file(path).unwrap();
            } else if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            }
        }
    }
}

/// A target that is ours one moment and somebody's the next: his file is never lost.
#[test]
fn a_target_that_turns_into_somebodys() {
    for command in ["apply", "revert"] {
        let stage = Stage::new();
        let (target, mine) = (stage.root(WRITTEN[1]), stage.root("usr/lib/sysctl.d/.mine"));
        for turn in 0..100 {
            stage.put("policy.toml", WIDE);
            let _ = fs::remove_file(&target);
            stage.hvtune(&["apply"]).judged(&format!("turn {turn}: before"), &[0]);
            stage.other_policy();
            fs::write(&mine, "# mine\n").unwrap();
            beside(vec![swap(mine.clone(), target.clone())], || {
                stage.hvtune(&[command]).judged(&format!("turn {turn}: {command}"), &[0, 2]);
            });
            let is_mine = |path: &PathBuf| fs::read(path).is_ok_and(|text| text == b"# mine\n");
            assert!(is_mine(&mine) || is_mine(&target), "turn {turn}: {command}: somebody's file is gone");
        }
    }
}

/// The kernel answers `EAGAIN` to confined opens while anything anywhere is renamed. Nothing may
/// be lost by that: the same facts every time.
#[test]
fn renames_elsewhere_cost_no_fact() {
    let mut stage = Stage::new();
    stage.copy_machine();
    // Only a path with `..` in it meets the answer, so there are many; one that is lost shows as a gap.
    stage.put("root/etc/far/below/x.conf", "vm.swappiness = 1\n");
    for number in 0..300 {
        let target = "../../../../../etc/../etc/far/../far/below/../below/x.conf";
        symlink(target, stage.root(&format!("usr/lib/sysctl.d/{number}.conf"))).unwrap();
    }
    let quiet = stage.hvtune(&["detect", "--format", "json"]).judged("quiet", &[0]);
    let storms = (0..4).map(|number| {
        let (one, other) = (stage.at(&format!("storm-{number}")), stage.at(&format!("storm-{number}.other")));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&other).unwrap();
        swap(one, other)
    });
    beside(storms.collect(), || {
        for turn in 0..30 {
            let run = stage.hvtune(&["detect", "--format", "json"]).judged(&format!("turn {turn}"), &[0]);
            assert!(run == quiet, "turn {turn}: not the facts of a quiet machine: {}", run.out);
        }
    });
}
