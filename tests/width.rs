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
    // A command that is too long goes on behind a backslash, as a shell reads it.
    let words = |text: &str| {
        text.split_whitespace().filter(|word| *word != "\\").map(str::to_owned).collect::<Vec<_>>()
    };
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
    &["pending"],
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

/// Runs on a terminal of so many columns, and gives what stood on it.
fn on_terminal(columns: usize, environment: &[(&str, &str)]) -> String {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "iscsi-single").unwrap();
    let line = format!(
        "stty rows 24 cols {columns}; exec {} --root root --machine {} survive",
        env!("CARGO_BIN_EXE_hvtune"),
        fixture.machine.display()
    );
    let mut command = Command::new("script");
    command.current_dir(&fixture.dir).args(["-qec", &line, "/dev/null"]).env("TERM", "xterm");
    // CI, where it is set, is one more reason for colours on a terminal.
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "COLUMNS"] {
        command.env_remove(name);
    }
    let output = command.envs(environment.iter().copied()).output().expect("script is installed (bsdutils)");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

/// What stands on a terminal without its colours.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |told, part| told + part.split_once('m').expect("a colour ends in m").1)
}

#[test]
fn a_terminal_has_its_own_width_and_colours_unless_they_are_forbidden() {
    for columns in [60, 100] {
        let told = on_terminal(columns, &[]);
        assert!(told.contains("\u{1b}[33m") && told.contains("\u{1b}[0m"), "{told:?}");
        let plain = without_colour(&told);
        fits("iscsi-single", &["survive"], &plain, columns);
        assert!(plain.lines().any(|line| line.chars().count() > columns - 20), "{plain}");
        for forbidden in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
            assert_eq!(on_terminal(columns, &[forbidden]), plain, "{forbidden:?}");
        }
    }
    // COLUMNS counts where no terminal tells the width.
    assert_eq!(
        on_terminal(100, &[("COLUMNS", "60"), ("NO_COLOR", "1")]),
        without_colour(&on_terminal(100, &[]))
    );
}

/// Colour only repeats what words say: a pipe gets the same text without any.
#[test]
fn a_pipe_gets_no_colour() {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "iscsi-single").unwrap();
    let (piped, _) = run(&fixture, &fixture.root(), &["survive"], "100");
    assert!(!piped.contains('\u{1b}'));
    assert_eq!(piped, without_colour(&on_terminal(100, &[])));
}
