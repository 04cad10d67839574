//! What can be counted of hvtune's cost, asserted: system calls, memory, size,
//! writes and flushes. Times are `tests/bench`'s, which fails nothing.
//!
//! The release binary is what is judged (`tests/release`).
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod release;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use release::hvtune;

/// In all, with 8 disks.
const CALLS: usize = 1100;
/// For each disk beyond them.
const CALLS_PER_DISK: usize = 62;
/// With 1024 disks.
const PEAK_KIB: u64 = 6 << 10;
/// With 10,000, and what all of it is without any.
const MANY_PEAK_KIB: u64 = 16 << 10;
const NONE_PEAK_KIB: u64 = 3 << 10;
/// The release that is shipped, musl's: stripped and static, with its unwind tables.
const BINARY_BYTES: u64 = 4_000_000;
/// glibc's, which is judged where musl's cannot be built.
const GLIBC_BYTES: u64 = 4_800_000;

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A machine of Debian's with so many disks: `machine/` and `root/`.
struct Capture(tempfile::TempDir);

impl Capture {
    fn new(disks: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let composed = Command::new("python3")
            .arg(base().join("fixtures/compose.py"))
            .args(["--disks", &disks.to_string()])
            .arg(dir.path())
            .status()
            .unwrap();
        assert!(composed.success());
        Self(dir)
    }

    fn argv(&self, command: &str) -> Vec<OsString> {
        let of = |half: &str| self.0.path().join(half).into_os_string();
        let (root, machine) = (of("root"), of("machine"));
        vec![hvtune().into(), "--root".into(), root, "--machine".into(), machine, command.into()]
    }

    fn run(&self, command: &str) {
        let (program, args) = (hvtune(), &self.argv(command)[1..]);
        let output = Command::new(program).args(args).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The command's system calls, a line each, as strace prints them.
    fn calls(&self, command: &str) -> Vec<String> {
        let log = self.0.path().join("strace");
        let output = Command::new("strace")
            .args(["-f", "-qq", "-e", "signal=none", "-y", "-o"])
            .arg(&log)
            .args(self.argv(command))
            .output()
            .expect("strace is installed (tests/run does)");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let text = fs::read_to_string(log).unwrap();
        text.lines().map(|line| line.split_once(' ').unwrap().1.trim_start().to_owned()).collect()
    }
}

fn is_one_of(call: &str, names: &[&str]) -> bool {
    names.contains(&call.split('(').next().unwrap())
}

fn is_flush(call: &str) -> bool {
    is_one_of(call, &["fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync"])
}

/// Whatever changes a file system; the standard streams may be written to.
fn is_change(call: &str) -> bool {
    let changes = [
        "rename",
        "renameat",
        "renameat2",
        "unlink",
        "unlinkat",
        "rmdir",
        "mkdir",
        "mkdirat",
        "mknodat",
        "link",
        "linkat",
        "symlinkat",
        "ftruncate",
        "truncate",
        "fallocate",
        "fchmod",
        "fchmodat",
        "fchown",
        "fchownat",
        "utimensat",
        "fsetxattr",
        "setxattr",
        "sendfile",
        "copy_file_range",
        "splice",
    ];
    let opens_to_write = is_one_of(call, &["open", "openat", "openat2"])
        && ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"].iter().any(|flag| call.contains(flag));
    let is_write = is_one_of(call, &["write", "writev", "pwrite64", "pwritev", "pwritev2"]);
    let to_stream = is_write && ["(1<", "(2<"].iter().any(|stream| call.contains(stream));
    is_one_of(call, &changes) || opens_to_write || (is_write && !to_stream)
}

#[test]
fn system_calls_are_few_and_grow_slowly() {
    let (few, many) = (Capture::new(8).calls("plan").len(), Capture::new(64).calls("plan").len());
    println!("system calls: {few} with 8 disks, {many} with 64");
    assert!(few <= CALLS, "{few} calls with 8 disks, more than {CALLS}");
    let further = many - few;
    assert!(
        further <= 56 * CALLS_PER_DISK,
        "{further} calls for 56 further disks, more than {CALLS_PER_DISK} each"
    );
}

/// The stall model reads what nobody else does, but only below mounts and swap.
#[test]
fn survive_costs_at_most_twice_what_plan_costs() {
    for disks in [8, 256] {
        let capture = Capture::new(disks);
        let (plan, survive) = (capture.calls("plan").len(), capture.calls("survive").len());
        println!("system calls with {disks} disks, all mounted: plan {plan}, survive {survive}");
        assert!(survive > plan, "survive reads more than plan: {survive}, {plan}");
        assert!(survive <= 2 * plan, "{survive} calls with {disks} disks, more than twice {plan}");
    }
}

/// `bench` of tests/floor, which starts a program and asks the kernel for its peak.
fn launcher() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(base())
        .args(["build", "--release", "--quiet", "--manifest-path", "tests/floor/Cargo.toml"])
        .args(["--message-format=json-render-diagnostics", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("floor"))
        .output()
        .unwrap();
    assert!(output.status.success(), "tests/floor: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .find(|path| path.ends_with("bench"))
        .expect("cargo names what it built")
}

/// The most that is resident while it plans, in KiB.
fn peak(capture: &Capture) -> u64 {
    let launcher = launcher();
    let output = Command::new(launcher).arg("--peak").args(capture.argv("plan")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn a_thousand_disks_fit_into_little_memory() {
    let peak = peak(&Capture::new(1024));
    println!("peak with 1024 disks, all mounted: {peak} KiB");
    assert!(peak <= PEAK_KIB, "{peak} KiB with 1024 disks, more than {PEAK_KIB}");
}

/// Ten thousand, or the quarter of them by default, a hundred of them mounted: little memory, and what
/// is known of each is all that is known of the others.
#[test]
fn ten_thousand_disks_and_none_loses_an_attribute() {
    let count: usize = if std::env::var_os("HVTUNE_FULL").is_some() { 10_000 } else { 2_500 };
    let capture = Capture::new(count);
    let mounts = capture.0.path().join("machine/proc/self/mountinfo");
    let text = fs::read_to_string(&mounts).unwrap();
    fs::write(&mounts, text.lines().take(100).fold(String::new(), |few, line| few + line + "\n")).unwrap();
    let peak = peak(&capture);
    println!("peak with {count} disks: {peak} KiB");
    let bound = NONE_PEAK_KIB + (MANY_PEAK_KIB - NONE_PEAK_KIB) * u64::try_from(count).unwrap() / 10_000;
    assert!(peak <= bound, "{peak} KiB with {count} disks, more than {bound}");

    let argv = capture.argv("detect");
    let output = Command::new(&argv[0]).args(&argv[1..]).args(["--format", "json"]).output().unwrap();
    let facts: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(facts["gaps"], Json::Array(Vec::new()));
    let disks = facts["disks"].as_array().unwrap();
    let known = |disk: &Json| -> Vec<String> {
        let parts = ["limits", "live"].map(|part| disk[part].as_object().unwrap().clone());
        parts.into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect()
    };
    let first = known(&disks[0]);
    assert!(first.len() > 8, "{first:?}");
    assert_eq!(disks.iter().filter(|disk| known(disk) == first).count(), count);
}

#[test]
fn the_binary_is_small() {
    let bytes = fs::metadata(hvtune()).unwrap().len();
    let glibc = hvtune().components().any(|part| part.as_os_str().to_string_lossy().ends_with("-gnu"));
    let bound = if glibc { GLIBC_BYTES } else { BINARY_BYTES };
    println!("binary: {bytes} bytes");
    assert!(bytes <= bound, "{bytes} bytes, more than {bound}");
}

#[test]
fn what_is_unchanged_is_not_written() {
    let capture = Capture::new(8);
    // So short that no argument is wanted: the menu of a capture is not made anew, and verify would ask for it.
    fs::write(capture.0.path().join("root/etc/hvtune.toml"), "stall = 120\n").unwrap();
    let first = capture.calls("apply");
    let renamed: BTreeSet<&str> = first
        .iter()
        .filter(|call| is_one_of(call, &["rename", "renameat", "renameat2"]))
        .map(String::as_str)
        .collect();
    // A directory changes when a file is renamed into it, and when a directory is made in it.
    let made = first.iter().filter(|call| is_one_of(call, &["mkdirat"]) && call.ends_with("= 0"));
    let directories: BTreeSet<&str> = renamed
        .iter()
        .copied()
        .chain(made.map(String::as_str))
        .map(|call| call.split('<').nth(1).unwrap().split('>').next().unwrap())
        .collect();
    let flushes = first.iter().filter(|call| is_flush(call)).count();
    println!("first apply: {flushes} flushes, {} files in {} directories", renamed.len(), directories.len());
    assert!(!renamed.is_empty(), "{first:#?}");
    // And the journal, before and when it commits them all, with the directory that it lies in.
    assert!(flushes <= renamed.len() + directories.len() + 3, "{flushes}: {renamed:#?}");
    assert!(flushes >= renamed.len(), "a file is renamed into place without being flushed: {first:#?}");

    let again = capture.calls("apply");
    let writes: Vec<&String> = again.iter().filter(|call| is_change(call) || is_flush(call)).collect();
    assert!(writes.is_empty(), "{writes:#?}");
    capture.run("verify");
}
