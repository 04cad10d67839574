//! Others who rename while we run. No verdict here depends on who was faster.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use hvtune::root::Root;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::stage::{Stage, WIDE, WRITTEN, assert_same, tree};

/// Ends the others also where the work panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` while others run over and over beside it. One such storm at a time: a rename anywhere
/// disturbs every walk through `..`, and what a test shows is to depend on its own storm alone.
fn beside(others: Vec<Box<dyn Fn() + Send>>, work: impl FnOnce()) {
    static STORM: Mutex<()> = Mutex::new(());
    let _alone = STORM.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Whether this is the long run of `tests/faults/hostile`.
fn full() -> bool {
    std::env::var_os("HVTUNE_FULL").is_some()
}

/// How paths are resolved below the root: by `openat2`, and where that is missing. The kernel's answer
/// is put in its place by strace, so that the shipped program is what runs.
const RESOLVERS: [(&str, &[&str]); 2] = [
    ("openat2", &[]),
    (
        "without openat2",
        &[
            "strace",
            "-f",
            "--seccomp-bpf",
            "-o",
            "/dev/null",
            "-e",
            "trace=openat2",
            "-e",
            "inject=openat2:error=ENOSYS",
        ],
    ),
];

/// A directory that is one moment a directory and the next a link to the host's: whatever is
/// written lands inside the root, or nothing is.
#[test]
fn a_directory_that_turns_into_a_link_out() {
    const DIRECTORIES: [(&str, bool); 3] =
        [("usr/lib/sysctl.d", false), ("usr/lib/udev", true), ("etc/default/grub.d", false)];
    for (resolver, wrapper) in RESOLVERS {
        let mut created = 0;
        for (done, (at, climbing)) in DIRECTORIES.into_iter().enumerate() {
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
                let (turns, wanted) =
                    if full() { (50_000, 50_000 * (done + 1) / 3) } else { (70, usize::MAX) };
                for turn in 0..turns {
                    for command in ["apply", "revert"] {
                        let what = format!("{resolver}, {at}, turn {turn}: {command}");
                        let run = stage.wrapped(wrapper, &[command]).judged(&what, &[0, 2]);
                        created += run.out.lines().filter(|line| line.starts_with("created ")).count();
                    }
                    // Where paths cannot be resolved safely, every run says so; once is enough.
                    if created >= wanted || (created == 0 && turn > 70) {
                        break;
                    }
                }
            });
            assert_same(&format!("{resolver}, {at}"), &outside, &stage.outside());
            let mut names = tree(&stage.at("root")).into_keys();
            let stray = names.find(|path| path.to_string_lossy().contains("hvtune-new"));
            assert_eq!(stray, None, "{at}: left behind");
        }
        println!("rename race, {resolver}: {created} files created, none outside the root");
        assert!(!wrapper.is_empty() || created > 0, "every run was refused");
        assert!(!full() || created == 0 || created >= 50_000, "{created}");
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
                // A revert that meets his file leaves it, and says so.
                let codes: &[i32] = if command == "revert" { &[0, 1, 2] } else { &[0, 2] };
                stage.hvtune(&[command]).judged(&format!("turn {turn}: {command}"), codes);
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

/// Every read of an attribute whose path holds `..` gives its value, whoever renames meanwhile.
#[test]
fn no_attribute_is_lost_in_a_storm() {
    let stage = Stage::new();
    stage.put("root/etc/far/below/value", "1024\n");
    fs::create_dir_all(stage.root("sys/class")).unwrap();
    for number in 0..300 {
        let target = "../../etc/../etc/far/../far/below/../below/value";
        symlink(target, stage.root(&format!("sys/class/{number}"))).unwrap();
    }
    let storms = (0..4).map(|number| {
        let (one, other) = (stage.at(&format!("storm-{number}")), stage.at(&format!("storm-{number}.other")));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&other).unwrap();
        swap(one, other)
    });
    let root = Root::offline(&stage.at("root")).unwrap();
    let reads = if full() { 80_000 } else { 8_000 };
    beside(storms.collect(), || {
        let right = |number: &usize| {
            root.read(&format!("sys/class/{}", number % 300))
                .is_ok_and(|read| read.is_some_and(|b| b == b"1024\n"))
        };
        let lost = (0..reads).filter(|number| !right(number)).count();
        println!("attribute reads under a rename storm: {reads}, lost {lost}");
        assert_eq!(lost, 0, "of {reads}");
    });
}
