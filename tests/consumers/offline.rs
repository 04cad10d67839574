//! An offline Debian root: nothing outside of it is read or written, by the record of every call.

use std::path::Path;

use crate::stage::{Stage, Suite};

/// Calls that name files or start programs, and those that tell of the build host.
const CALLS: &str = "trace=%file,%process,uname,sysinfo,sched_getaffinity";

/// What the C runtime and Rust's own start-up look at before `main`: this process, not the machine.
const RUNTIME: &[&str] = &["readlink(\"/proc/self/exe\"", "openat(AT_FDCWD, \"/proc/self/maps\", O_RDONLY"];

/// Lines of a trace that touch something outside of the root.
fn outside<'a>(trace: &'a str, root: &str) -> Vec<&'a str> {
    let fine = |line: &&str| {
        let Some((_, call)) = line.split_once(' ') else { return false };
        let call = call.trim_start();
        // What a link holds is no path that was opened.
        let call = if call.starts_with("readlinkat(") {
            call.splitn(3, ", ").take(2).collect::<Vec<_>>().join(", ")
        } else {
            call.to_owned()
        };
        let ends = ["execve(", "exit_group(", "+++ ", "--- ", "exit("];
        if ends.iter().chain(RUNTIME).any(|name| call.starts_with(name)) {
            return true;
        }
        // Every path is below a directory handle, confined, or it is the root itself.
        let confined = call.contains("RESOLVE_IN_ROOT") || call.contains("RESOLVE_BENEATH");
        let below_handle = call.split_once('(').is_some_and(|(_, args)| {
            args.starts_with(|c: char| c.is_ascii_digit())
                && !call.contains(", \"/")
                && !call.contains("\"..")
                && !call.contains("/..")
        });
        (call.starts_with("openat2(") && confined)
            || (!call.starts_with("openat2(") && below_handle)
            || (call.starts_with("open") && call.contains(&format!("\"{root}\"")))
    };
    trace.lines().filter(|line| !line.is_empty() && !fine(line)).collect()
}

#[test]
fn only_the_root_is_touched() {
    for suite in Suite::ALL {
        for arguments in ["--assume hyperv apply", "--assume azure plan", "--assume hyperv verify"] {
            let stage = Stage::new(suite);
            let program = stage.out().with_file_name("program");
            std::fs::copy(Path::new(env!("CARGO_BIN_EXE_hvtune")), program).unwrap();
            let ran = stage.run_outside(&format!(
                "strace -f -s 4096 -e {CALLS} -o \"$OUT\"/trace \"$OUT\"/../program --root \"$MERGED\" {arguments} \
                 >&2 || [ $? = 1 ]
                 echo \"root $MERGED\"
                 cat \"$OUT\"/trace"
            ));
            assert_eq!(ran.code, 0, "{suite:?} {arguments}: {}", ran.stderr);
            let (root, trace) = ran.stdout.split_once('\n').unwrap();
            let root = root.strip_prefix("root ").unwrap();
            assert!(trace.lines().count() > 50, "{suite:?} {arguments}: no trace");
            assert_eq!(outside(trace, root), Vec::<&str>::new(), "{suite:?} {arguments}");
        }
    }
}

#[test]
fn a_call_outside_is_seen() {
    let root = "/srv/image";
    for bad in [
        "12 openat(AT_FDCWD, \"/proc/cmdline\", O_RDONLY|O_CLOEXEC) = 3",
        "12 openat2(3, \"etc/os-release\", {flags=O_PATH, resolve=0}, 24) = 4",
        "12 readlinkat(AT_FDCWD, \"/sys/block/sda\", 0x1, 256) = 4",
        "12 newfstatat(4, \"/etc/passwd\", {}, 0) = 0",
        "12 uname({sysname=\"Linux\"}) = 0",
        "12 clone(child_stack=NULL) = 13",
        "12 unlinkat(3, \"../x\", 0) = 0",
    ] {
        assert_eq!(outside(bad, root), [bad]);
    }
    for good in [
        "12 openat(AT_FDCWD, \"/srv/image\", O_PATH|O_DIRECTORY) = 3",
        "12 openat2(3, \"etc/os-release\", {flags=O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24) = 4",
        "12 newfstatat(4, \"passwd\", {}, AT_SYMLINK_NOFOLLOW) = 0",
    ] {
        assert_eq!(outside(good, root), Vec::<&str>::new());
    }
}
