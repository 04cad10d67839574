//! What the program asks of the kernel, seen by strace: on an offline root nothing
//! but that root (and the capture, and a policy file that was named), no other
//! program, and no write where nothing changes.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "trace/call.rs"]
mod call;
#[path = "trace/every.rs"]
mod every;
mod fixtures;
#[path = "stacks/roots.rs"]
#[allow(dead_code, reason = "tests/stacks.rs uses all of it")]
mod roots;
#[path = "confine/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod stage;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use call::{Call, parse};
use stage::{KERNEL, PROGRAM, Run, Stage, Trap, WIDE, differing, tree, without_times_of_dirs};

/// What the C library and the runtime look at before `main`: the program's own path and its stack.
const BEFORE_MAIN: [&str; 2] = ["/proc/self/exe", "/proc/self/maps"];

/// Calls without a path that may come at any time.
const HARMLESS: [&str; 25] = [
    "brk",
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "close",
    "fcntl",
    "flistxattr",
    "fgetxattr",
    "fstat",
    "read",
    "pread64",
    "lseek",
    "getdents64",
    "getrandom",
    "futex",
    "poll",
    "prlimit64",
    "rt_sigaction",
    "rt_sigprocmask",
    "sigaltstack",
    "gettid",
    "sched_getaffinity",
    "exit_group",
];
/// Those that the program is started with, besides.
const AT_START: [&str; 5] = ["arch_prctl", "set_tid_address", "set_robust_list", "rseq", "execve"];
/// Calls that change something.
const CHANGES: [&str; 10] = [
    "fsync",
    "fdatasync",
    "flock",
    "fchmod",
    "fchown",
    "fsetxattr",
    "renameat",
    "renameat2",
    "unlinkat",
    "mkdirat",
];
/// Calls that take one name below an open directory, and do not follow it.
const BY_NAME: [&str; 6] = ["newfstatat", "readlinkat", "renameat", "renameat2", "unlinkat", "mkdirat"];

/// Runs a command under strace and gives how it ended and what it called.
fn traced(stage: &Stage, args: &[&str]) -> (Run, Vec<Call>) {
    traced_at(&stage.at("root"), args)
}

/// The same on a root; what it called is written beside it.
fn traced_at(root: &Path, args: &[&str]) -> (Run, Vec<Call>) {
    let found = Command::new("strace").arg("-V").output();
    assert!(found.is_ok_and(|found| found.status.success()), "strace is missing; `apt-get install strace`");
    let log = root.with_file_name("trace");
    let mut command = Command::new("timeout");
    command.args(["60", "strace", "-f", "-y", "-v", "-s", "4096", "-o"]).arg(&log);
    command.arg(PROGRAM).arg("--root").arg(root).args(args);
    let run = Run::of(&mut command);
    let calls = parse(&fs::read_to_string(&log).unwrap());
    fs::remove_file(log).unwrap();
    (run, calls)
}

/// Whether a path is one of these directories or below one.
fn is_below(path: &str, tops: &[PathBuf]) -> bool {
    tops.iter().any(|top| Path::new(path).starts_with(top))
}

/// Judges every call: `tops` are the directories that were named on the command line.
fn stays_below(what: &str, calls: &[Call], tops: &[PathBuf]) {
    let opens_a_top = |call: &Call| {
        ["open", "openat"].contains(&call.name.as_str())
            && tops.iter().any(|top| call.strings().first().map(String::as_str) == top.to_str())
    };
    let begin = calls.iter().position(opens_a_top).unwrap_or_else(|| panic!("{what}: opened no root"));
    let (start, main) = calls.split_at(begin);
    let early: Vec<String> = start
        .iter()
        .filter(|call| !HARMLESS.contains(&call.name.as_str()) && !AT_START.contains(&call.name.as_str()))
        .filter(|call| call.fds().iter().all(|(fd, _)| *fd <= 2))
        .flat_map(|call| call.strings().into_iter().take(1))
        .collect();
    assert!(early.iter().all(|path| BEFORE_MAIN.contains(&path.as_str())), "{what}: before main: {early:?}");
    let started = start.iter().filter(|call| call.name == "execve").count();
    assert_eq!(started, 1, "{what}: programs started");
    for call in main {
        let name = call.name.as_str();
        if opens_a_top(call) {
            assert!(call.args.contains("O_PATH|O_DIRECTORY"), "{what}: {call:?}");
            continue;
        }
        for (fd, path) in call.fds() {
            assert!(fd <= 2 || is_below(&path, tops), "{what}: outside of the root: {call:?}");
        }
        let strings = call.strings();
        if name == "openat2" {
            let confined = ["RESOLVE_IN_ROOT", "RESOLVE_BENEATH"].iter().any(|flag| call.args.contains(flag));
            assert!(
                confined && call.args.contains("RESOLVE_NO_MAGICLINKS"),
                "{what}: not confined: {call:?}"
            );
        } else if BY_NAME.contains(&name) {
            let by_handle = call.fds().iter().any(|(fd, _)| *fd > 2);
            let plain = strings
                .iter()
                .take(if name.starts_with("rename") { 2 } else { 1 })
                .all(|name| !name.contains('/'));
            assert!(by_handle && plain, "{what}: not one name below an open directory: {call:?}");
            assert!(name != "newfstatat" || call.args.contains("AT_SYMLINK_NOFOLLOW"), "{what}: {call:?}");
        } else {
            // Standard output and error are asked for their width, and no other file anything.
            let asks =
                name == "ioctl" && ["TIOCGWINSZ", "TCGETS"].iter().any(|what| call.args.contains(what));
            let known = HARMLESS.contains(&name) || name == "write" || CHANGES.contains(&name) || asks;
            assert!(known, "{what}: an unexpected call: {call:?}");
        }
    }
}

/// Calls that write anything but the result and messages.
fn writes(calls: &[Call]) -> Vec<&Call> {
    let is_output = |call: &&Call| call.name == "write" && call.fds().iter().all(|(fd, _)| *fd <= 2);
    let changes = |call: &&Call| {
        let opens = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| call.args.contains(flag));
        CHANGES.contains(&call.name.as_str()) || call.name == "write" || opens
    };
    calls.iter().filter(changes).filter(|call| !is_output(call)).collect()
}

const LOOKS: [&[&str]; 7] = [
    &["pending"],
    &["detect"],
    &["plan", "--diff"],
    &["verify"],
    &["explain"],
    &["reboot-needed"],
    &["plan", "--format", "json"],
];

#[test]
fn an_offline_root_is_all_that_is_looked_at() {
    for assume in ["hyperv", "azure"] {
        let stage = Stage::new();
        stage.put("root/etc/hvtune.toml", WIDE);
        let tops = [stage.at("root")];
        for args in LOOKS {
            let (run, calls) = traced(&stage, &[&["--assume", assume], args].concat());
            let what = format!("{assume}: {}", args.join(" "));
            run.judged(&what, &[0, 1, 3]);
            stays_below(&what, &calls, &tops);
            assert_eq!(writes(&calls), [] as [&Call; 0], "{what}");
        }
        for command in ["apply", "apply", "revert", "revert"] {
            let (run, calls) = traced(&stage, &["--assume", assume, command]);
            run.judged(command, &[0]);
            stays_below(command, &calls, &tops);
        }
    }
}

/// With a capture, and with a policy that was named: those too, and nothing else.
#[test]
fn a_capture_and_a_named_policy_are_looked_at_besides() {
    let stage = Stage::new();
    let machine = stage.machine().to_owned();
    let tops = [stage.at("root"), machine.clone()];
    for args in LOOKS.into_iter().chain([&["apply"][..], &["revert"]]) {
        let (run, calls) = traced(&stage, &[&["--machine", machine.to_str().unwrap()], args].concat());
        run.judged(&args.join(" "), &[0, 1, 3]);
        stays_below(&args.join(" "), &calls, &tops);
    }
    let policy = stage.at("policy.toml");
    let (run, calls) = traced(&stage, &["--assume", "hyperv", "--config", policy.to_str().unwrap(), "plan"]);
    run.judged("named policy", &[0]);
    let all = [PathBuf::from("/")];
    stays_below("named policy", &calls, &all);
    let opened = calls.iter().filter_map(|call| call.opened.as_deref());
    let outside: BTreeSet<&str> = opened.filter(|path| !is_below(path, &tops)).collect();
    let expected = BTreeSet::from(["/", policy.to_str().unwrap()]);
    let before_main = |path: &&str| path.starts_with("/proc/") && path.ends_with("/maps");
    assert_eq!(outside.into_iter().filter(|path| !before_main(path)).collect::<BTreeSet<_>>(), expected);
}

/// A second run reads, and that is all.
#[test]
fn an_unchanged_apply_writes_and_flushes_nothing() {
    let stage = Stage::new();
    stage.put("root/etc/hvtune.toml", WIDE);
    for turn in ["first", "second"] {
        let before = tree(&stage.at("root"));
        let (run, calls) = traced(&stage, &["--assume", "hyperv", "apply"]);
        run.judged(turn, &[0]);
        assert_eq!(writes(&calls).is_empty(), turn == "second", "{turn}: {:?}", writes(&calls));
        assert_eq!(differing(&before, &tree(&stage.at("root"))).is_empty(), turn == "second", "{turn}");
    }
}

/// The journal is flushed before anything is made, every file before it is put in place, every
/// directory after; none twice, but for the journal, which commits, and the directory it lies in.
#[test]
fn what_changes_is_flushed_once() {
    let stage = Stage::new();
    stage.put("root/etc/hvtune.toml", WIDE);
    // Several directories are to be made in one.
    for path in ["usr/lib/udev", "usr/lib/sysctl.d"] {
        fs::remove_dir_all(stage.root(path)).unwrap();
    }
    for turn in ["create", "replace", "revert"] {
        if turn == "replace" {
            stage.put("root/etc/hvtune.toml", WIDE.replace("1024", "1000"));
        }
        let before = without_times_of_dirs(tree(&stage.at("root")));
        let timed = tree(&stage.at("root"));
        let (run, calls) =
            traced(&stage, &["--assume", "hyperv", if turn == "revert" { turn } else { "apply" }]);
        run.judged(turn, &[0]);
        let after = tree(&stage.at("root"));
        let changed: BTreeSet<PathBuf> = differing(&timed, &after).into_iter().collect();
        let files = differing(&before, &without_times_of_dirs(after.clone()));
        let files = files.iter().filter(|path| after.get(*path).is_some_and(|thing| !thing.is_dir)).count();
        let is_dir =
            |path: &&PathBuf| [&timed, &after].iter().any(|tree| tree.get(*path).is_some_and(|t| t.is_dir));
        let dirs = changed.iter().filter(is_dir).count();
        let flushed: Vec<(usize, String)> = calls
            .iter()
            .enumerate()
            .filter(|(_, call)| call.name == "fsync")
            .filter_map(|(at, call)| Some((at, call.fds().first()?.1.clone())))
            .collect();
        let most = files + dirs + 3;
        assert!(flushed.len() <= most, "{turn}: {files} files and {dirs} directories: {flushed:?}");
        let ((intent, journal), (held, etc)) = (flushed[0].clone(), flushed[1].clone());
        assert_eq!(journal, format!("{etc}/.hvtune-journal"), "{turn}: {flushed:?}");
        let is_made = |call: &Call| {
            call.name.starts_with("mkdir") || call.args.contains("hvtune-new\", {flags=O_WRONLY|O_CREAT")
        };
        let first =
            calls.iter().position(|call| call.ok && (is_made(call) || call.name.starts_with("renameat")));
        let first = first.unwrap();
        assert!(
            intent < first && held < first,
            "{turn}: {first} comes before the journal lasts: {flushed:?}"
        );
        let switch = calls.iter().position(|call| call.name.starts_with("renameat") && call.ok).unwrap();
        let commit = flushed.iter().rfind(|(at, path)| *path == journal && *at < switch).unwrap().0;
        assert!(commit > intent, "{turn}: what commits is not flushed: {flushed:?}");
        assert!(turn == "revert" || calls.iter().any(is_made), "{turn}: nothing is made");
        let (mut seen, is_kept) = (BTreeSet::new(), |path: &str| path == journal || path == etc);
        let again = flushed.iter().find(|(_, path)| !seen.insert(path.as_str()) && !is_kept(path));
        assert!(again.is_none(), "{turn}: {again:?} is flushed twice: {flushed:?}");
        let when = |path: &str| flushed.iter().rfind(|(_, flushed)| flushed == path).map(|(at, _)| *at);
        let renames =
            calls.iter().enumerate().filter(|(_, call)| call.name.starts_with("renameat") && call.ok);
        let mut moves = 0;
        for (at, call) in renames {
            moves += 1;
            let dir = call.fds().first().unwrap().1.clone();
            assert!(
                when(&dir).is_some_and(|flush| flush > at),
                "{turn}: {dir} is not flushed after {call:?}"
            );
            let name = call.strings().first().cloned().unwrap();
            let staged = when(&format!("{dir}/{name}"));
            let is_new = turn != "revert";
            assert!(
                !is_new || staged.is_some_and(|flush| flush < at),
                "{turn}: {name} is not flushed: {call:?}"
            );
        }
        assert!(turn == "revert" || moves == files, "{turn}: {moves} renames for {files} files");
        // A directory that was made is in its parent's list, which is flushed too.
        for path in changed.iter().filter(|path| !before.contains_key(*path)) {
            let parent = stage.at("root").join(path.parent().unwrap());
            let parent = parent.to_str().unwrap().trim_end_matches('/');
            assert!(when(parent).is_some(), "{turn}: {parent} is not flushed: {flushed:?}");
        }
    }
}

/// What is no regular file is looked at by its path only: no driver is started, no FIFO waited for.
#[test]
fn what_is_no_file_is_never_opened() {
    for path in ["etc/os-release", "etc/default/grub", "etc/udev/rules.d/99-x.rules", "etc/hvtune.toml"] {
        for trap in [Trap::Fifo, Trap::Zero, Trap::Block, Trap::Socket] {
            not_opened(&Stage::new(), trap, path, &["--assume", "hyperv"]);
        }
    }
    not_opened(&Stage::new(), Trap::Zero, &format!("{KERNEL}/modules.builtin"), &["--assume", "hyperv"]);
    for path in [
        "machine.json",
        "proc/cmdline",
        "proc/sys/vm/swappiness",
        "sys/devices/virtual/dmi/id/sys_vendor",
        "sys/module/nvme_core/parameters/io_timeout",
    ] {
        let mut stage = Stage::new();
        stage.copy_machine();
        let machine = stage.machine().to_str().unwrap().to_owned();
        not_opened(&stage, Trap::Zero, &format!("../machine/{path}"), &["--machine", &machine]);
    }
}

fn not_opened(stage: &Stage, trap: Trap, path: &str, args: &[&str]) {
    let at = stage.root(path);
    trap.set(stage, &at);
    let at = fs::canonicalize(at.parent().unwrap()).unwrap().join(at.file_name().unwrap());
    for command in ["plan", "apply"] {
        let what = format!("{trap:?} at {path}: {command}");
        let (run, calls) = traced(stage, &[args, &[command]].concat());
        run.judged(&what, &[0, 2]);
        for call in calls.iter().filter(|call| call.opened.as_deref() == at.to_str()) {
            assert!(call.args.contains("O_PATH"), "{what}: {call:?}");
        }
    }
}
