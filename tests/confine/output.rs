//! Readers that went away, and outputs that take nothing.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::stage::{Run, Stage, assert_same, tree};

const COMMANDS: [&[&str]; 8] = [
    &["detect"],
    &["detect", "--format", "json"],
    &["plan", "--diff"],
    &["verify"],
    &["explain"],
    &["reboot-needed"],
    &["apply"],
    &["revert"],
];

/// The codes of a run whose output nobody takes: as if it had been taken.
fn codes(args: &[&str]) -> &'static [i32] {
    match args.first() {
        Some(&"verify") => &[1],
        Some(&"reboot-needed") => &[0, 1],
        _ => &[0],
    }
}

#[test]
fn a_reader_that_went_away_is_no_trouble() {
    for args in COMMANDS {
        let stage = Stage::new();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = stage.command(&[], args);
        command.stdout(writer);
        Run::of(&mut command).judged(&format!("broken pipe: {}", args.join(" ")), codes(args));
    }
}

#[test]
fn a_closed_output_is_no_trouble() {
    for closed in ["1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"] {
        for args in COMMANDS {
            let stage = Stage::new();
            let outside = stage.outside();
            let script = format!("exec \"$@\" {closed}");
            let what = format!("{closed}: {}", args.join(" "));
            stage.wrapped(&["sh", "-c", &script, "sh"], args).judged(&what, codes(args));
            // What was opened must not have come to stand where the output goes.
            assert_same(&what, &outside, &stage.outside());
        }
    }
}

#[test]
fn an_output_that_is_full_is_said() {
    for args in COMMANDS {
        let stage = Stage::new();
        let before = tree(&stage.at("root"));
        let mut command = stage.command(&[], args);
        command.stdout(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let what = format!("full: {}", args.join(" "));
        // Files that were written are no failure.
        let writes = matches!(args, ["apply" | "revert"]);
        let run = Run::of(&mut command).judged(&what, if writes { &[0] } else { &[2] });
        assert!(run.err.contains("standard output"), "{what}: {}", run.err);
        if args != ["apply"] {
            assert_same(&what, &before, &tree(&stage.at("root")));
        }
    }
}

/// Where neither takes anything, the exit code still tells.
#[test]
fn two_outputs_that_are_full() {
    let stage = Stage::new();
    let mut command = stage.command(&[], &["plan"]);
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    assert_eq!(command.stdout(full()).stderr(full()).status().unwrap().code(), Some(2));
    assert_eq!(stage.command(&[], &["nonsense"]).stderr(full()).status().unwrap().code(), Some(2));
}
