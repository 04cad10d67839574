//! Labels of `SELinux`, beside libselinux's own `matchpathcon` and `setfiles` with the policy of Debian.

use std::fmt::Write as _;
use std::fs;

use hvtune::formats::file_contexts::{Contexts, Kind};
use hvtune::marker::{known_dirs, known_paths};

use crate::stage::{Stage, Suite};

const FILES: &str = "etc/selinux/default/contexts/files";

/// What an administrator may add: a later line for less than an earlier one, whole paths, types of file, none.
const LOCAL: &str = "/etc/udev(/.*)?\tsystem_u:object_r:one_t:s0
/etc/udev/rules\\.d/90-hvtune\\.rules\tsystem_u:object_r:exact_t:s0
/etc/udev/rules\\.d/90-.*\tsystem_u:object_r:two_t:s0
/etc/u.*\t-d\tsystem_u:object_r:dir_t:s0
/etc/sysctl\\.d/90-hvtune\\.conf\t--\t<<none>>
/etc/modprobe.*\t-l\tsystem_u:object_r:link_t:s0
/usr/lib/sysctl.*|/usr/lib/x\tsystem_u:object_r:branch_t:s0
/var/lib/hvtune?(/.*)?\tsystem_u:object_r:opt_t:s0
";

fn contexts(local: Option<&str>) -> Contexts {
    let read =
        |part: &str| fs::read_to_string(Suite::Trixie.root().join(FILES).join(part)).unwrap_or_default();
    let mut contexts = Contexts::default();
    for part in ["file_contexts", "file_contexts.homedirs"] {
        contexts.add(&read(part)).unwrap();
    }
    contexts.add(local.unwrap_or_default()).unwrap();
    contexts.substitute(&read("file_contexts.subs_dist"), true);
    contexts
}

/// Our own paths, the root's own below `/etc`, `/usr/lib` and `/var`, and some that are like those in a policy.
fn paths() -> Vec<String> {
    let mut paths: Vec<String> = known_paths().iter().map(|path| format!("/{path}")).collect();
    paths.extend(known_dirs().iter().map(|path| format!("/{path}")));
    let mut others = Vec::new();
    let mut todo =
        ["etc", "usr/lib/systemd", "usr/lib/udev", "var", "boot", "usr/sbin"].map(str::to_owned).to_vec();
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(Suite::Trixie.root().join(&next)).unwrap() {
            let entry = entry.unwrap();
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{next}/{name}");
            others.push(format!("/{path}"));
            if entry.file_type().unwrap().is_dir() {
                todo.push(path);
            }
        }
    }
    others.sort_unstable();
    paths.extend(others.into_iter().step_by(5));
    for made in [
        "/",
        "/root/.ssh/id",
        "/home/a/.ssh",
        "/run/udev/rules.d/1",
        "/lib32/x.so",
        "/etc//passwd",
        "/opt/x/bin/y",
    ] {
        paths.push(made.to_owned());
    }
    paths
}

#[test]
fn the_label_of_a_path_is_the_one_that_matchpathcon_tells() {
    let paths = paths();
    for local in [None, Some(LOCAL)] {
        let contexts = contexts(local);
        let stage = Stage::new(Suite::Trixie);
        if let Some(local) = local {
            stage.put(&format!("/{FILES}/file_contexts.local"), local);
        }
        stage.put(
            "/paths",
            paths.iter().fold(String::new(), |mut all, path| {
                let _ = writeln!(all, "{path}");
                all
            }),
        );
        for (mode, kind) in [("file", Kind::File), ("dir", Kind::Dir)] {
            let ran = stage
                .run(&format!("xargs -d '\\n' matchpathcon -f /{FILES}/file_contexts -m {mode} </paths"))
                .ok();
            let mut seen = 0;
            for line in ran.stdout.lines() {
                let (path, told) = line.split_once('\t').unwrap();
                let ours = contexts.label(&path.replace("//", "/"), kind).unwrap().unwrap_or("<<none>>");
                assert_eq!(ours, told, "{path} as a {mode}, local lines: {}", local.is_some());
                seen += 1;
            }
            assert_eq!(seen, paths.len(), "{}", ran.stderr);
        }
    }
}

/// What setfiles would relabel among the files and directories that apply made.
fn to_relabel(before: &str) -> Vec<String> {
    let program = env!("CARGO_BIN_EXE_hvtune");
    let script = format!(
        "cd $MERGED; {before}
        find . -xdev | sort >/tmp/before.$$
        printf '[set]\\n\"queue/nr_requests\" = 1024\\n' >etc/hvtune.toml
        {program} --root $MERGED --assume azure apply >&2
        find . -xdev | sort | comm -13 /tmp/before.$$ - | sed 's/^\\.//' | grep -v -e hvtune.toml -e '^/made$' >made; rm /tmp/before.$$
        [ ! -e aside ] || mv aside etc/selinux
        mount -t proc proc proc
        cat made >&2
        chroot . sh -c 'xargs -d \"\\n\" setfiles -n -v -F /{FILES}/file_contexts <made' | sed -n 's/^Would relabel //p'"
    );
    let ran = Stage::new(Suite::Trixie).run_outside(&script).ok();
    assert!(
        ran.stderr.contains("/90-hvtune.rules") && ran.stderr.contains("/var/lib/hvtune"),
        "{}",
        ran.stderr
    );
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn setfiles_would_relabel_nothing_of_ours() {
    assert_eq!(to_relabel(":"), Vec::<String>::new());
    // Without the policy in sight nothing is labelled, and it finds that.
    let without = to_relabel("mv etc/selinux aside");
    assert!(without.len() > 5, "{without:?}");
}
