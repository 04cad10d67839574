//! What README.md shows is what the program prints, and its first commands do what it says of them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(base().join("README.md")).unwrap()
}

fn hvtune(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    let output = command.current_dir(base()).args(args).env("COLUMNS", "80").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines below `$ COMMAND` in a block of console text.
fn shown(command: &str) -> Vec<String> {
    let readme = readme();
    let (_, block) = readme.split_once(&format!("```console\n$ {command}\n")).expect(command);
    let block = block.split("```").next().unwrap();
    block.lines().filter(|line| !line.is_empty() && *line != "...").map(str::to_owned).collect()
}

#[test]
fn the_texts_are_what_is_printed() {
    for command in ["survive", "plan"] {
        let at =
            ["--root", "fixtures/iscsi-single/root", "--machine", "fixtures/iscsi-single/machine", command];
        let printed = hvtune(&at);
        let mut lines = printed.lines();
        let wanted = shown(&format!("hvtune {command}"));
        assert!(wanted.len() > 10, "{command}: {wanted:?}");
        for line in wanted {
            assert!(
                lines.any(|other| other == line),
                "hvtune {command} prints no such line there: {line}\n{printed}"
            );
        }
    }
}

/// The command that shows all four kinds of file shows them.
#[test]
fn the_first_commands_show_what_they_promise() {
    let readme = readme().replace("\\\n", " ");
    let commands: Vec<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("cargo run --release -- ")).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let written: Vec<Vec<String>> = commands
        .iter()
        .map(|command| {
            let args: Vec<&str> = command.split_whitespace().collect();
            let diff = hvtune(&args);
            diff.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(str::to_owned).collect()
        })
        .collect();
    for kind in ["/rules.d/", "/sysctl.d/", "/modprobe.d/", "/grub.d/"] {
        assert!(written[1].iter().any(|path| path.contains(kind)), "{kind}: {:?}", written[1]);
    }
    assert!(written[0].iter().any(|path| path.contains("/rules.d/")), "{:?}", written[0]);
}

/// Every file and directory that is named by its place in the tree is there.
#[test]
fn what_is_named_is_there() {
    for word in readme().split(|c: char| c.is_whitespace() || "`()[],;:".contains(c)) {
        let named = ["docs/", "dist/", "examples/", "fixtures/", "tests/", "src/"];
        if named.iter().any(|dir| word.starts_with(dir)) && !word.contains('<') {
            assert!(base().join(word.trim_end_matches('.')).exists(), "README.md names {word}");
        }
    }
}
