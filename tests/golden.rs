//! Every fixture through the whole pipe: detect, plan, apply to a copy, apply again, verify, revert.
//!
//! What is expected stands in `fixtures/<name>/expect/`; `BLESS=1 cargo test --test golden`
//! rewrites it, and the difference is then read like code.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hvtune::facts::BootStack;
use hvtune::marker::addon;
use hvtune::probe::{self, MachineSource};
use hvtune::root::Root;
use serde_json::Value as Json;

use fixtures::Fixture;

impl Fixture {
    fn run(&self, root: &Path, args: &[&str]) -> Output {
        // Where a root has no name of its own its path is told.
        let root = if root == self.root() { Path::new("root") } else { root };
        Command::new(env!("CARGO_BIN_EXE_hvtune"))
            .current_dir(&self.dir)
            .arg("--machine")
            .arg(&self.machine)
            .arg("--root")
            .arg(root)
            .env_remove("COLUMNS")
            .args(args)
            .env("NO_COLOR", "1")
            .output()
            .unwrap()
    }

    /// Runs to the exit code that is wanted and gives standard output.
    fn out(&self, root: &Path, args: &[&str], code: i32) -> String {
        let output = self.run(root, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{}: {args:?}: {said}", self.name);
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, root: &Path, args: &[&str], code: i32) -> Json {
        let mut args = args.to_vec();
        args.extend(["--format", "json"]);
        let text = self.out(root, &args, code);
        let document: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], 2, "{}", self.name);
        document
    }

    fn copy_root(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let status = Command::new("cp").arg("-a").arg(self.root().join(".")).arg(copy.path()).status();
        assert!(status.unwrap().success());
        copy
    }

    /// Compares with a file of `expect/`, or rewrites it.
    fn expect(&self, name: &str, found: &str) {
        let path = self.dir.join("expect").join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, found).unwrap();
            return;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            expected == found,
            "{}: {name} is not as expected (BLESS=1 rewrites it)\n{}",
            self.name,
            diffy::create_patch(&expected, found)
        );
    }
}

/// What there is at a path, and when it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    mode: u32,
    owner: (u32, u32),
    content: Vec<u8>,
    mtime: (i64, i64),
}

fn tree(dir: &Path) -> BTreeMap<PathBuf, Node> {
    let mut nodes = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let content = if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if meta.is_dir() {
                left.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            let node = Node {
                mode: meta.permissions().mode(),
                owner: (meta.uid(), meta.gid()),
                content,
                mtime: (meta.mtime(), meta.mtime_nsec()),
            };
            nodes.insert(path.strip_prefix(dir).unwrap().to_owned(), node);
        }
    }
    nodes
}

/// The same without times: putting a file in and out changes a directory's own.
fn timeless(mut nodes: BTreeMap<PathBuf, Node>) -> BTreeMap<PathBuf, Node> {
    for node in nodes.values_mut() {
        node.mtime = (0, 0);
    }
    nodes
}

fn is_guest(detected: &Json) -> bool {
    detected["hypervisor"]["kind"] == "hyperv"
}

/// A document without what no golden text can hold: when and where it was made, and by which version.
fn lasting(mut document: Json) -> String {
    for key in ["time", "root", "tool_version"] {
        assert!(document.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    format!("{document:#}\n")
}

#[test]
fn detect_and_plan_are_as_expected() {
    for fixture in fixtures::all() {
        let root = fixture.root();
        fixture.expect("detect.txt", &fixture.out(&root, &["detect", "-v"], 0));
        let mut plan = fixture.json(&root, &["plan"], 0);
        // The files stand in expect/files in full.
        for change in plan["changes"].as_array_mut().unwrap() {
            change.as_object_mut().unwrap().remove("diff");
        }
        fixture.expect("plan.json", &lasting(plan));
    }
}

#[test]
fn survival_is_as_expected() {
    for fixture in fixtures::all() {
        let root = fixture.root();
        fixture.expect("survive.txt", &fixture.out(&root, &["survive"], 0));
        let survey = fixture.json(&root, &["survive"], 0);
        fixture.expect("survive.json", &lasting(survey));
    }
}

/// Fixtures whose texts are kept, and read when they change.
const TEXTS: &[&str] =
    &["iscsi-single", "iscsi-multipath", "azure-nvme", "el9-bls", "gen2-pinned", "surface"];

#[test]
fn texts_are_as_expected() {
    for fixture in fixtures::all().into_iter().filter(|fixture| TEXTS.contains(&fixture.name.as_str())) {
        let root = fixture.root();
        fixture.expect("status.txt", &fixture.out(&root, &["status"], 0));
        fixture.expect("plan.txt", &fixture.out(&root, &["plan"], 0));
        let before = fixture.run(&root, &["verify"]);
        fixture.expect("verify-before.txt", &String::from_utf8(before.stdout).unwrap());
        let copy = fixture.copy_root();
        fixture.expect("apply.txt", &fixture.out(copy.path(), &["apply"], 0));
        let after = fixture.run(copy.path(), &["verify"]);
        fixture.expect("verify.txt", &String::from_utf8(after.stdout).unwrap());
    }
}

#[test]
fn apply_writes_once_and_revert_takes_it_back() {
    for fixture in fixtures::all() {
        let copy = fixture.copy_root();
        let before = tree(copy.path());
        let detected = fixture.json(copy.path(), &["detect"], 0);
        fixture.out(copy.path(), &["apply"], 0);
        let applied = tree(copy.path());
        expect_files(&fixture, &before, &applied);
        if !is_guest(&detected) {
            assert_eq!(before, applied, "{}: apply wrote although this is no guest", fixture.name);
            continue;
        }
        fixture.out(copy.path(), &["apply"], 0);
        assert_eq!(applied, tree(copy.path()), "{}: a second apply changed something", fixture.name);
        // What the policy asks for in vain stays so.
        let refused = &fixture.json(copy.path(), &["plan"], 0)["refused"];
        let code = i32::from(!refused.as_array().unwrap().is_empty());
        fixture.out(copy.path(), &["plan", "--exit-code"], code);
        expect_verified(&fixture, copy.path());
        fixture.out(copy.path(), &["revert"], 0);
        let reverted = timeless(tree(copy.path()));
        assert_eq!(timeless(before), reverted, "{}: revert left something", fixture.name);
    }
}

fn expect_files(fixture: &Fixture, before: &BTreeMap<PathBuf, Node>, applied: &BTreeMap<PathBuf, Node>) {
    if std::env::var_os("BLESS").is_some() {
        let _ = fs::remove_dir_all(fixture.dir.join("expect/files"));
    }
    let mut written: Vec<String> = Vec::new();
    for (path, node) in applied {
        if before.get(path).is_some_and(|old| old.content == node.content)
            || node.mode & 0o170_000 == 0o040_000
        {
            continue;
        }
        // What a program runs may be executed, and nothing else.
        let mode = if node.content.starts_with(b"#!") { 0o100_755 } else { 0o100_644 };
        assert_eq!(node.mode, mode, "{}: {}", fixture.name, path.display());
        let name = path.to_str().unwrap().to_owned();
        // An addon is no text; what it adds is.
        let text = addon::shown(&node.content);
        let text = text.as_deref().unwrap_or_else(|| std::str::from_utf8(&node.content).unwrap());
        fixture.expect(&format!("files/{name}"), text);
        written.push(name);
    }
    let expected = fixture.dir.join("expect/files");
    let listed: Vec<String> = if expected.is_dir() {
        let nodes = tree(&expected);
        nodes
            .iter()
            .filter(|(_, n)| n.mode & 0o170_000 != 0o040_000)
            .map(|(p, _)| p.display().to_string())
            .collect()
    } else {
        Vec::new()
    };
    assert_eq!(written, listed, "{}: other files than expected were written", fixture.name);
}

/// After apply nothing differs any more; what somebody else wins, or waits for a person, is in `expect/verify`.
fn expect_verified(fixture: &Fixture, root: &Path) {
    let output = fixture.run(root, &["verify", "--format", "json"]);
    let verified: Json = serde_json::from_slice(&output.stdout).unwrap();
    let rows = verified["rows"].as_array().unwrap();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
        assert_ne!(row["state"], "differs", "{}: {row}", fixture.name);
        let because = if row["state"] == "ok" { String::new() } else { format!(": {}", text("because")) };
        *lines.entry(format!("{} {} {}{because}", text("state"), text("id"), text("knob"))).or_default() += 1;
    }
    let shown: Vec<String> = lines.iter().map(|(line, times)| format!("{times} {line}\n")).collect();
    fixture.expect("verify", &shown.concat());
    let trouble =
        |row: &Json| !matches!(row["state"].as_str(), Some("ok" | "cannot-be-set" | "not-applicable"));
    let code = i32::from(rows.iter().any(trouble));
    assert_eq!(output.status.code(), Some(code), "{}", fixture.name);
    for setting in fixture.json(root, &["plan"], 0)["settings"].as_array().unwrap() {
        let same = |row: &Json| row["id"] == setting["id"] && row["knob"] == setting["knob"];
        assert!(rows.iter().any(same), "{}: no row for {setting}", fixture.name);
    }
}

#[test]
fn verify_before_apply_names_the_missing_file() {
    for fixture in fixtures::all() {
        let copy = fixture.copy_root();
        let plan = fixture.json(copy.path(), &["plan"], 0);
        if plan["settings"].as_array().unwrap().is_empty() || plan["changes"].as_array().unwrap().is_empty() {
            continue;
        }
        let rows = fixture.json(copy.path(), &["verify"], 1);
        let missing = rows["rows"].as_array().unwrap().iter().filter(|row| row["layer"] == "file");
        assert!(missing.clone().any(|row| row["state"] == "differs"), "{}", fixture.name);
    }
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    for fixture in fixtures::all() {
        let root = fixture.root();
        let first = fixture.out(&root, &["plan", "--diff", "-v"], 0);
        assert_eq!(first, fixture.out(&root, &["plan", "--diff", "-v"], 0), "{}", fixture.name);
    }
}

/// A policy that names the stack which was found anyway: only the reason for it is another.
#[test]
fn naming_the_stack_that_was_found_changes_nothing_else() {
    let mut seen = 0;
    for fixture in fixtures::all() {
        let [machine, root] = [&fixture.machine, &fixture.root()].map(|dir| Root::offline(dir).unwrap());
        let facts = || probe::probe(&MachineSource::Capture(&machine), &root);
        let (found, mut named) = (facts(), facts());
        let stack = found.system.boot.stack;
        if !BootStack::known().any(|known| known == stack) || found.system.boot.unsure.is_some() {
            continue;
        }
        probe::boot_as(stack, &root, &mut named);
        named.system.boot.because.clone_from(&found.system.boot.because);
        assert_eq!(named.system.boot, found.system.boot, "{}", fixture.name);
        let gaps = |of: &[hvtune::facts::Gap]| {
            let mut all: Vec<String> = of.iter().map(|gap| format!("{gap:?}")).collect();
            all.sort();
            all
        };
        assert_eq!(gaps(&named.gaps), gaps(&found.gaps), "{}", fixture.name);
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}
