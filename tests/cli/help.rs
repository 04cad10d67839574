//! The help: it fits its columns, is the same however it is asked for, and its examples work.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use super::{Stage, code, fixture, hvtune, is_wrong_usage, stderr};

const COMMANDS: [&str; 15] = [
    "status",
    "detect",
    "plan",
    "apply",
    "verify",
    "survive",
    "explain",
    "revert",
    "reboot-needed",
    "pending",
    "seal",
    "postmortem",
    "compare",
    "leave-emergency",
    "capture",
];

fn help(args: &[&str], columns: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.args(args).env_remove("COLUMNS").envs(columns.map(|columns| ("COLUMNS", columns)));
    let output = command.output().unwrap();
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_fits_its_columns() {
    let mut calls: Vec<Vec<&str>> = vec![vec!["--help"], vec!["-h"], vec!["help"]];
    calls.extend(COMMANDS.iter().map(|command| vec![*command, "--help"]));
    for call in calls {
        for (columns, widest) in [(None, 80), (Some("200"), 80), (Some("80"), 80), (Some("60"), 60)] {
            let text = help(&call, columns);
            assert!(text.lines().count() > 12 && !text.contains('\x1b'), "{call:?}");
            for line in text.lines() {
                assert!(line.chars().count() <= widest, "{call:?}, {columns:?}: {line}");
            }
        }
    }
}

#[test]
fn help_is_the_same_however_it_is_asked_for() {
    for columns in ["60", "80"] {
        for command in COMMANDS {
            let plain = help(&[command, "--help"], Some(columns));
            for asked in [[command, "-h"], ["help", command], ["-h", command], ["--help", command]] {
                assert_eq!(help(&asked, Some(columns)), plain, "{asked:?}");
            }
        }
        assert_eq!(help(&["-h"], Some(columns)), help(&["help"], Some(columns)));
    }
}

#[test]
fn the_general_help_names_defaults_files_environment_and_both_units() {
    let text = help(&["--help"], None);
    for name in [
        "else 180s]",
        "[default: /]",
        "NO_COLOR",
        "CLICOLOR",
        "COLUMNS",
        "SOURCE_DATE_EPOCH",
        "/etc/hvtune.toml\n",
        "/etc/hvtune.toml.d/*.toml\n",
        "/usr/lib/hvtune/*.toml\n",
        "hvtune.service\n",
        "hvtune-activate.service\n",
        "hvtune.disable",
    ] {
        assert!(text.contains(name), "{name} is not in: {text}");
    }
    for unit in ["hvtune.service", "hvtune-activate.service"] {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(unit).is_file(), "{unit}");
    }
    let reboot = help(&["reboot-needed", "-h"], None).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(reboot.contains("the other way round than needs-restarting -r"), "{reboot}");
    assert_eq!(help(&["--version"], None), concat!("hvtune ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// The command lines under a help's examples.
fn examples(help: &str) -> Vec<&str> {
    let part = help.split("\n\n").find_map(|part| part.strip_prefix("Examples:\n")).unwrap();
    part.lines().filter_map(|line| line.strip_prefix("    ")).collect()
}

/// Runs an example as it stands, but on the image and the machine of a fixture.
fn tried(example: &str, stage: &Stage, here: &Path) -> Output {
    let root = stage.root.path().to_str().unwrap();
    let is_elsewhere = example.contains("--machine") || example.contains("--assume");
    let mut line = example.replace("--root /mnt", &format!("--root {root}"));
    if example.starts_with("hvtune compare ") {
        std::fs::create_dir_all(here.join("captures")).unwrap();
        for name in ["web-01", "web-02", "captures/db-01"] {
            let _ = std::os::unix::fs::symlink(&stage.machine, here.join(name));
        }
    } else if !example.starts_with("hvtune capture ") {
        let machine = format!("hvtune --machine {}", stage.machine.display());
        line = if is_elsewhere { line } else { line.replacen("hvtune", &machine, 1) };
        if !example.contains("--root") {
            line = line.replacen("hvtune", &format!("hvtune --root {root}"), 1);
        }
        // Nothing is tried on the machine at hand.
        assert!(line.contains(&format!("--root {root}")), "{line}");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_hvtune")).parent().unwrap();
    // The logs that examples name: a journal, which is a program's, and files of syslog's.
    let log = "Jan  1 00:00:00 web-01 systemd[1]: Started Session 1 of user root.\n";
    std::fs::write(here.join("kern.log"), log).unwrap();
    std::fs::write(here.join("journalctl"), "#!/bin/sh\ncat kern.log\n").unwrap();
    std::fs::set_permissions(here.join("journalctl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let packed = Command::new("xz").args(["-c", "kern.log"]).current_dir(here).output().unwrap();
    std::fs::write(here.join("messages-1.xz"), packed.stdout).unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", here.display(), program.display());
    Command::new("sh").args(["-c", &line]).env("PATH", path).current_dir(here).output().unwrap()
}

#[test]
fn every_example_works() {
    let mut all = 0;
    // It asks systemd of the machine at hand, whatever root is named.
    let tried_here = COMMANDS.map(Some).into_iter().filter(|command| *command != Some("leave-emergency"));
    for command in [None].into_iter().chain(tried_here) {
        let help = help(&command.into_iter().chain(["--help"]).collect::<Vec<_>>(), Some("60"));
        let stage = Stage::new("gen2-onprem");
        let here = tempfile::tempdir().unwrap();
        for example in examples(&help) {
            let output = tried(example, &stage, here.path());
            assert!([0, 1, 3].contains(&code(&output)), "{example}: {}", stderr(&output));
            all += 1;
        }
    }
    assert!(all >= 20, "{all}");
    // One with a slip in it would be seen.
    let stage = Stage::new("gen2-onprem");
    assert_eq!(code(&tried("hvtune plan --dif", &stage, stage.root.path())), 2);
}

/// The help of these says so.
#[test]
fn quiet_prints_nothing_but_errors() {
    let stage = Stage::new("gen2-onprem");
    for command in ["plan", "apply", "verify", "revert", "pending", "seal"] {
        assert!(help(&[command, "-h"], None).contains("Print nothing but errors\n"), "{command}");
        let output = stage.run(&[command, "-q"]);
        assert_eq!((output.stdout.len(), stderr(&output).as_str()), (0, ""), "{command}");
    }
}

#[test]
fn words_of_other_programs_are_translated() {
    for (args, tip) in [
        (&["check"][..], "hvtune verify"),
        (&["diff"], "hvtune plan --diff"),
        (&["list"], "hvtune explain"),
        (&["show"], "hvtune status"),
        (&["undo"], "hvtune revert"),
        (&["dry-run"], "hvtune plan"),
        (&["apply", "--dry-run"], "hvtune plan"),
        (&["apply", "-n"], "hvtune plan"),
        (&["-n", "apply"], "hvtune plan"),
        (&["plan", "--json"], "--format json"),
        (&["apply", "--yes"], "asks no questions"),
    ] {
        let output = hvtune(args);
        is_wrong_usage(&output, &[tip]);
        assert_eq!(stderr(&output).matches("tip: ").count(), 1, "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_misspelt_setting_is_told_the_right_one() {
    let root = fixture("gen2-onprem").join("root");
    for (wrong, right) in [
        ("disk.timout", "did you mean `disk.timeout`?"),
        ("vm.swapiness", "did you mean `vm.swappiness`?"),
        ("queue/nr_request", "did you mean `queue/nr_requests`?"),
        ("hosts", "did you mean `host`?"),
        ("nothing-like-it", "`hvtune explain` lists"),
    ] {
        let output = hvtune(&["--root", root.to_str().unwrap(), "explain", wrong]);
        assert_eq!(code(&output), 2);
        let said = stderr(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(right), "{wrong}: {said}");
    }
}
