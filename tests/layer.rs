//! `--layer`, over every fixture: files of ours below `/usr` and nothing else, the same for machines of every
//! size; what a layer cannot hold is named.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;

/// A policy that asks for much, arguments and files of others among it.
const WIDE: &str =
    "recovery = \"self-heal\"\n[set]\n\"queue/scheduler\" = \"none\"\n\"queue/nr_requests\" = 1024\n";

fn hvtune(root: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.arg("--root").arg(root).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A file's bytes or a link's target with the mode and the time of the last change.
type Tree = BTreeMap<PathBuf, (Vec<u8>, u32, i64)>;

fn tree(top: &Path) -> Tree {
    let (mut found, mut todo) = (Tree::new(), vec![top.to_owned()]);
    while let Some(path) = todo.pop() {
        let about = fs::symlink_metadata(&path).unwrap();
        let bytes = match about.file_type() {
            kind if kind.is_dir() => {
                todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            kind if kind.is_symlink() => fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
            _ => fs::read(&path).unwrap(),
        };
        let name = path.strip_prefix(top).unwrap().to_owned();
        found.insert(name, (bytes, about.mode(), about.mtime()));
    }
    found
}

fn copy(root: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    assert!(Command::new("cp").arg("-a").arg(root.join(".")).arg(copy.path()).status().unwrap().success());
    copy
}

fn json(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

fn policy() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), WIDE).unwrap();
    file
}

/// Everything that must hold of one root: `kind` says which machine it is for.
fn judged(name: &str, from: &Path, kind: &[&str]) -> usize {
    let wide = policy();
    let wide = wide.path().to_str().unwrap();
    let copy = copy(from);
    let root = copy.path();
    let before = tree(root);
    let with = |args: &[&str]| hvtune(root, &[kind, &["--config", wide], args].concat());
    let plan = json(&with(&["plan", "--layer", "--format", "json"]));
    assert_eq!(tree(root), before, "{name}: plan writes nothing");
    let applied = with(&["apply", "--layer"]);
    assert_eq!(applied.status.code(), Some(0), "{name}: {}", said(&applied));
    let after = tree(root);
    for (path, thing) in &before {
        assert_eq!(after.get(path), Some(thing), "{name}: {} is not as it was", path.display());
    }
    let new: Vec<&PathBuf> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    for path in &new {
        assert!(path.starts_with("usr"), "{name}: {} belongs into no layer", path.display());
        let text = after[*path].0.strip_prefix(b"#!/bin/sh\n").unwrap_or(&after[*path].0);
        assert!(text.starts_with(b"# hvtune "), "{name}: {} has no marker", path.display());
    }
    if !plan["standstill"].is_null() {
        assert!(new.is_empty(), "{name}: {new:?}");
        return 0;
    }
    let again = with(&["apply", "--layer"]);
    assert_eq!(
        (again.status.code(), tree(root) == after),
        (Some(0), true),
        "{name}: a second run changes it"
    );
    left_is_named(name, &plan);

    let verified = json(&with(&["verify", "--format", "json"]));
    for row in verified["rows"].as_array().unwrap() {
        let state = row["state"].as_str().unwrap();
        assert_ne!(state, "differs", "{name}: {row}");
    }
    let reverted = with(&["revert"]);
    assert_eq!((reverted.status.code(), tree(root)), (Some(0), before), "{name}: {}", said(&reverted));
    new.len()
}

/// What no file of the layer carries stands under `pending`.
fn left_is_named(name: &str, plan: &Json) {
    let steps = plan["pending"].as_array().unwrap();
    let told: Vec<&str> = steps
        .iter()
        .filter(|step| ["kernel-arguments", "not-in-layer"].contains(&step["step"].as_str().unwrap()))
        .map(|step| step["because"].as_str().unwrap())
        .collect();
    // bootc takes arguments from a file of the image.
    let carried = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .any(|change| change["path"].as_str().unwrap() == "usr/lib/bootc/kargs.d/90-hvtune.toml");
    for setting in plan["settings"].as_array().unwrap() {
        let [id, knob, target] = ["id", "knob", "target"].map(|key| setting[key].as_str().unwrap());
        let beside = ["iscsi", "waagent", "fstab", "multipath"].iter().any(|kind| target.starts_with(kind));
        if beside {
            assert!(told.iter().any(|because| because.contains(id)), "{name}: {id} is not named in {told:?}");
        }
        if knob == "panic" && !carried {
            let wanted = setting["want"]["value"].to_string();
            let has = |because: &&&str| because.contains(&format!("panic={wanted}"));
            assert!(told.iter().any(|because| has(&because)), "{name}: panic= is not named in {told:?}");
        }
    }
}

#[test]
fn a_layer_holds_files_of_ours_below_usr_alone() {
    let mut written = 0;
    for fixture in fixtures::all() {
        let machine = fixture.machine.to_str().unwrap();
        written += judged(&fixture.name, &fixture.root(), &["--machine", machine]);
        written += judged(&fixture.name, &fixture.root(), &["--assume", "azure"]);
    }
    assert!(written > 200, "{written}");
}

/// An extra tree of mkosi, or of a system extension.
#[test]
fn an_empty_tree_becomes_a_layer() {
    let empty = tempfile::tempdir().unwrap();
    assert!(judged("empty", empty.path(), &["--assume", "hyperv"]) > 3);
}

#[test]
fn sizes_and_devices_are_left_to_the_boot() {
    for fixture in fixtures::all() {
        let kind = match fixture.name.as_str() {
            name if name.starts_with("azure-") => "azure",
            "gen2-onprem" | "gen1-ide" | "iscsi-multipath" | "disks-256" => "hyperv",
            _ => continue,
        };
        let bytes = |machine: &[&str]| {
            let copy = copy(&fixture.root());
            let applied = hvtune(copy.path(), &[machine, &["apply", "--layer"]].concat());
            assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
            tree(copy.path()).into_iter().map(|(path, (bytes, ..))| (path, bytes)).collect::<Vec<_>>()
        };
        let recorded = bytes(&["--machine", fixture.machine.to_str().unwrap()]);
        assert_eq!(recorded, bytes(&["--assume", kind]), "{}", fixture.name);
    }
}

/// The running system, by whatever name.
#[test]
fn a_layer_needs_an_image() {
    for root in [&[][..], &["--root", "/"], &["--root", "/usr/.."], &["--root", "/proc/self/root"]] {
        for command in ["plan", "apply"] {
            let args = [root, &["--assume", "hyperv", command, "--layer"]].concat();
            let output = Command::new(env!("CARGO_BIN_EXE_hvtune")).args(&args).output().unwrap();
            let line = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
            assert!(line.contains("--root DIR") && line.lines().count() == 1, "{args:?}: {line}");
            assert!(output.stdout.is_empty());
        }
    }
}

#[test]
fn what_was_written_without_it_is_taken_back_first() {
    let wide = policy();
    let wide = ["--assume", "hyperv", "--config", wide.path().to_str().unwrap()];
    for (name, file) in
        [("gen2-onprem", "etc/default/grub.d/90-hvtune.cfg"), ("el9-bls", "/boot/loader/entries/")]
    {
        let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == name).unwrap();
        let copy = copy(&fixture.root());
        let run = |args: &[&str]| hvtune(copy.path(), &[&wide, args].concat());
        assert_eq!(run(&["apply"]).status.code(), Some(0));
        let before = tree(copy.path());
        let refused = run(&["apply", "--layer"]);
        let line = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{line}");
        assert!(line.contains(file) && line.contains("hvtune revert"), "{line}");
        assert_eq!(tree(copy.path()), before);
        assert_eq!(run(&["revert"]).status.code(), Some(0));
        assert_eq!(run(&["apply", "--layer"]).status.code(), Some(0));
        // The other way round nothing stands in the way, and it is no layer any more.
        let plain = run(&["apply"]);
        assert_eq!(plain.status.code(), Some(0), "{}", said(&plain));
        assert!(!copy.path().join("usr/lib/hvtune/made-directories").exists());
        assert_eq!(run(&["revert"]).status.code(), Some(0));
        let bytes = |root: &Path| tree(root).into_values().map(|(bytes, ..)| bytes).collect::<Vec<_>>();
        assert!(bytes(copy.path()) == bytes(&fixture.root()), "{name}");
    }
}
