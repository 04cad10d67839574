//! Machines that refuse: read-only, full, immutable, short of descriptors, with an odd umask.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::stage::{
    PROGRAM, STATE, Stage, Tree, WIDE, WRITTEN, assert_same, is_ours, tree, without_times_of_dirs,
};

/// A stage on which everything is applied, and another policy asks to replace every file.
fn to_be_replaced(stage: Stage) -> (Stage, Tree) {
    stage.hvtune(&["apply"]).judged("first", &[0]);
    stage.other_policy();
    let before = without_times_of_dirs(tree(&stage.at("root")));
    (stage, before)
}

fn now(stage: &Stage) -> Tree {
    without_times_of_dirs(tree(&stage.at("root")))
}

/// Runs a script in a mount namespace of its own; `$1` is the stage, `$2` the program.
fn with_private_mounts(stage: &Stage, script: &str) {
    let done = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--", "sh", "-euc", script, "sh"])
        .arg(stage.at(""))
        .arg(PROGRAM)
        .output()
        .unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

/// How a run in such a script ended: it leaves `code`, `out` and `err`.
fn left(stage: &Stage, what: &str, codes: &[i32]) -> i32 {
    let text = |name: &str| fs::read_to_string(stage.at(name)).unwrap();
    let code = text("code").trim().parse().unwrap();
    crate::stage::Run { code, out: text("out"), err: text("err") }.judged(what, codes).code
}

/// Kernels before 5.6 have no `openat2`, and sandboxes forbid it: the same files by another way.
#[test]
fn without_openat2_the_same_is_written() {
    let (stage, other) = (Stage::new(), Stage::new());
    stage.hvtune(&["apply"]).judged("with openat2", &[0]);
    let wanted: Vec<_> =
        tree(&stage.at("root")).into_iter().map(|(path, it)| (path, it.mode, it.content)).collect();
    let log = other.at("log");
    for errno in ["ENOSYS", "EPERM"] {
        let inject = format!("inject=openat2:error={errno}");
        let wrapper =
            ["strace", "-f", "-qq", "-o", log.to_str().unwrap(), "-e", "trace=openat2", "-e", &inject];
        for command in ["apply", "revert", "apply"] {
            other.wrapped(&wrapper, &[command]).judged(&format!("{errno}: {command}"), &[0]);
        }
        let found = tree(&other.at("root")).into_iter().map(|(path, it)| (path, it.mode, it.content));
        assert!(found.eq(wanted.iter().cloned()), "{errno}: not the same files");
        other.hvtune(&["revert"]).judged("back", &[0]);
    }
}

#[test]
fn a_read_only_root_keeps_its_files() {
    let (stage, before) = to_be_replaced(Stage::new());
    for (policy, command, code) in [
        ("other", "apply", 2),
        ("other", "revert", 2),
        ("other", "plan", 0),
        ("other", "verify", 1),
        // Nothing to write, nothing to refuse.
        ("same", "apply", 0),
    ] {
        if policy == "same" {
            stage.put("policy.toml", WIDE);
        }
        let script = format!(
            "cd \"$1\"; mount --bind root root; mount -o remount,bind,ro root; touch root/x 2>/dev/null && exit 1; \
             timeout 10 \"$2\" --root root --machine {machine} --config policy.toml {command} >out 2>err && rc=0 || rc=$?; \
             echo $rc >code",
            machine = stage.machine().display()
        );
        with_private_mounts(&stage, &script);
        left(&stage, &format!("read-only: {policy}: {command}"), &[code]);
        assert_same(command, &before, &now(&stage));
    }
}

/// However many pages are left: all files are new or all are old.
#[test]
fn a_full_file_system_keeps_the_old_set() {
    let mut codes = Vec::new();
    for pages in 0..=5 {
        let stage = Stage::new();
        let script = format!(
            "cd \"$1\"; mkdir small; mount -t tmpfs -o size=64k,mode=755 none small; \
             mkdir -p small/usr/sbin small/usr/lib/modules/6.1.0/kernel/drivers/scsi small/etc/default; \
             echo '. /etc/default/grub.d' >small/usr/sbin/grub-mkconfig; \
             echo kernel/drivers/nvme/host/nvme-core.ko >small/usr/lib/modules/6.1.0/modules.builtin; \
             run() {{ timeout 10 \"$1\" --root small --machine {machine} --config policy.toml apply; }}; \
             run \"$2\" >/dev/null; \
             sed -i s/1024/1000/ policy.toml; echo '\"kernel.panic\" = 77' >>policy.toml; \
             dd if=/dev/zero of=small/fill bs=4k 2>/dev/null || true; truncate -s -$(({pages} * 4096)) small/fill; \
             cp -a small before; \
             run \"$2\" >out 2>err && rc=0 || rc=$?; echo $rc >code; cp -a small after",
            machine = stage.machine().display()
        );
        with_private_mounts(&stage, &script);
        let what = format!("{pages} pages left");
        let code = left(&stage, &what, &[0, 2]);
        let (before, after) = (tree(&stage.at("before")), tree(&stage.at("after")));
        let ours = |tree: &Tree| {
            tree.iter().filter(|(path, _)| is_ours(path)).map(|(_, t)| t.content.clone()).collect::<Vec<_>>()
        };
        assert!(ours(&before).len() >= 4, "{what}: {:?}", before.keys());
        if code == 2 {
            assert_same(&what, &without_times_of_dirs(before), &without_times_of_dirs(after));
        } else {
            let (old, new) = (ours(&before), ours(&after));
            let kept = old.iter().zip(&new).filter(|(old, new)| old == new).count();
            assert!(kept <= 1, "{what}: only the record of directories stays as it is");
            assert!(after.keys().all(|path| !path.to_string_lossy().contains("hvtune-new")), "{what}");
        }
        codes.push(code);
    }
    assert_eq!((codes.first(), codes.last()), (Some(&2), Some(&0)), "{codes:?}");
}

/// An immutable file or directory: whatever was already put in place is taken back.
#[test]
fn an_immutable_target_keeps_the_old_set() {
    let (stage, before) = to_be_replaced(Stage::new());
    for path in WRITTEN.into_iter().flat_map(|path| [path, path.rsplit_once('/').unwrap().0]) {
        let chattr = |flag: &str| Command::new("chattr").arg(flag).arg(stage.root(path)).output().unwrap();
        let set = chattr("+i");
        if !set.status.success() {
            println!(
                "left out, as the file system has no such flag: {}",
                String::from_utf8_lossy(&set.stderr)
            );
            return;
        }
        let runs = ["apply", "revert"].map(|command| stage.hvtune(&[command]));
        assert!(chattr("-i").status.success());
        for run in runs {
            run.judged(&format!("immutable {path}"), &[2]);
        }
        assert_same(path, &before, &now(&stage));
    }
    stage.hvtune(&["apply"]).judged("no more immutable", &[0]);
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["077", "000", "777"] {
        let stage = Stage::new();
        let before = tree(&stage.at("root"));
        let script = format!("umask {umask}; exec \"$@\"");
        stage.wrapped(&["sh", "-c", &script, "sh"], &["apply"]).judged(umask, &[0]);
        for (path, thing) in tree(&stage.at("root")) {
            if !before.contains_key(&path) {
                // A directory, and what a program runs.
                let opens = thing.is_dir || path.to_string_lossy().contains("/scripts/");
                let mode = if opens { 0o755 } else { 0o644 };
                assert_eq!(thing.mode & 0o7777, mode, "umask {umask}: {}", path.display());
            }
        }
        assert!(stage.root(STATE).is_file());
    }
}

/// A limit on the size of files is an error like any other, not a signal that ends the run half way.
#[test]
fn a_limit_on_file_size() {
    for (limit, codes) in [("0", &[2][..]), ("1", &[2]), ("500", &[2]), ("1000", &[0, 2]), ("100000", &[0])] {
        for fresh in [true, false] {
            let what = format!("file size {limit}, {}", if fresh { "first" } else { "second" });
            let (stage, before) = if fresh {
                let stage = Stage::new();
                let before = now(&stage);
                (stage, before)
            } else {
                to_be_replaced(Stage::new())
            };
            let option = format!("--fsize={limit}");
            let wrapper = ["prlimit", &option];
            for command in ["plan", "detect"] {
                stage.wrapped(&wrapper, &[command]).judged(&what, &[0]);
            }
            if stage.wrapped(&wrapper, &["apply"]).judged(&what, codes).code == 2 {
                assert_same(&what, &before, &now(&stage));
            }
        }
    }
}

#[test]
fn few_descriptors() {
    for limit in 3..=16 {
        let (stage, before) = to_be_replaced(Stage::new());
        let what = format!("{limit} descriptors");
        let option = format!("--nofile={limit}");
        for command in ["detect", "plan"] {
            stage.wrapped(&["prlimit", &option], &[command]).judged(&what, &[0, 2]);
        }
        let run = stage.wrapped(&["prlimit", &option], &["apply"]).judged(&what, &[0, 2]);
        assert!(run.code == 0 || limit < 14, "{what} are enough: {run:?}");
        if run.code == 2 {
            assert_same(&what, &before, &now(&stage));
        }
    }
}

/// Owner and mode of a directory are nobody's to change, whatever they are.
#[test]
fn odd_modes_of_directories_stay() {
    let stage = Stage::new();
    for path in WRITTEN {
        let dir = stage.root(Path::new(path).parent().unwrap().to_str().unwrap());
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o2700)).unwrap();
    }
    stage.hvtune(&["apply"]).judged("odd modes", &[0]);
    stage.hvtune(&["revert"]).judged("odd modes", &[0]);
    for path in WRITTEN {
        let dir = stage.root(Path::new(path).parent().unwrap().to_str().unwrap());
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o7777, 0o2700, "{path}");
    }
}
