//! Every text keeps to the width that COLUMNS gives, and is the same text otherwise.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::path::Path;
use std::process::Command;

use fixtures::Fixture;
use hvtune::tunables::CATALOGUE;

fn run(fixture: &Fixture, root: &Path, args: &[&str], columns: &str) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.current_dir(&fixture.dir).arg("--machine").arg(&fixture.machine).arg("--root");
    if root == fixture.root() {
        command.arg("root")
    } else {
        command.arg(root)
    };
    let output = command.args(args).env("COLUMNS", columns).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(101), "{}: {args:?}: {said}", fixture.name);
    (String::from_utf8(output.stdout).unwrap(), said)
}

/// Nothing is wider but a word that stands alone.
#[track_caller]
fn fits(fixture: &str, args: &[&str], text: &str, columns: usize) {
    for line in text.lines() {
        let alone = line.split_whitespace().count() == 1;
        let width = line.chars().count();
        assert!(width <= columns || alone, "{fixture}: {args:?}: {width} of {columns} columns: {line}");
    }
}

fn both(fixture: &Fixture, root: &Path, args: &[&str]) {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut told = Vec::new();
    for columns in [80, 60] {
        let (text, said) = run(fixture, root, args, &columns.to_string());
        fits(&fixture.name, args, &text, columns);
        fits(&fixture.name, args, &said, columns);
        let mut words = words(&text);
        words.sort_unstable();
        told.push(words);
    }
    // A row whose first cell stands alone is in another order.
    assert_eq!(told[0], told[1], "{}: {args:?}", fixture.name);
}

const LOOKS: &[&[&str]] = &[
    &["status"],
    &["detect"],
    &["detect", "-v"],
    &["plan"],
    &["plan", "-v"],
    &["verify"],
    &["verify", "-v"],
    &["survive"],
    &["survive", "-v"],
    &["explain"],
    &["explain", "host"],
    &["reboot-needed"],
];

#[test]
fn what_looks_keeps_to_the_width() {
    for fixture in fixtures::all() {
        for args in LOOKS {
            both(&fixture, &fixture.root(), args);
        }
    }
}

#[test]
fn every_entry_of_the_catalogue_keeps_to_the_width() {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "iscsi-multipath").unwrap();
    for tunable in CATALOGUE {
        both(&fixture, &fixture.root(), &["explain", tunable.id]);
    }
}

#[test]
fn what_writes_keeps_to_the_width() {
    for fixture in fixtures::all() {
        for columns in [80, 60] {
            let copy = tempfile::tempdir().unwrap();
            let from = fixture.root().join(".");
            assert!(Command::new("cp").arg("-a").arg(from).arg(copy.path()).status().unwrap().success());
            for args in [&["apply"][..], &["verify"], &["status"], &["apply"], &["plan"], &["revert"]] {
                let (text, said) = run(&fixture, copy.path(), args, &columns.to_string());
                fits(&fixture.name, args, &text, columns);
                fits(&fixture.name, args, &said, columns);
            }
        }
    }
}
