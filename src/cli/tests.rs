//! What may be typed, what may not, and what is said of it.

use super::*;

fn asked(line: &str) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect();
    parse(&words)
}

fn cli(line: &str) -> Cli {
    asked(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn the_definition_is_sound() {
    definition().debug_assert();
}

#[test]
fn options_stand_before_or_behind_the_command() {
    for line in ["--root /mnt -q plan --diff --only=x", "plan --only x --diff --root=/mnt --quiet"] {
        let cli = cli(line);
        assert_eq!(cli.global.root.to_str(), Some("/mnt"));
        assert!(cli.global.quiet && !cli.global.verbose);
        let Command::Plan { diff: true, exit_code: false, only, layered: _ } = cli.command else {
            panic!("{line}")
        };
        assert_eq!(only.only.as_deref(), Some("x"));
    }
    for line in ["--config /c --stall 9s plan --machine /m", "--machine /m plan --stall 9s --config /c"] {
        let Global { machine, config, stall, assume, .. } = cli(line).global;
        assert_eq!(machine.unwrap().to_str(), Some("/m"));
        assert_eq!(config.unwrap().to_str(), Some("/c"));
        assert_eq!((stall.as_deref(), assume), (Some("9s"), None));
    }
    let Command::Capture { dir } = cli("-v capture -- -dir").command else { panic!() };
    assert_eq!(dir.to_str(), Some("-dir"));
    assert_eq!(cli("plan").global.root.to_str(), Some("/"));
    assert_eq!(cli("--assume azure plan").global.assume, Some(Assume::Azure));
    assert_eq!(cli("--format prometheus verify").global.format, Format::Prometheus);
    assert_eq!(cli("survive --format html").global.format, Format::Html);
    // A value that begins with a dash is one only where nothing else can be meant.
    assert_eq!(cli("plan --stall -5").global.stall.as_deref(), Some("-5"));
    assert!(asked("plan --only -q").is_err());
}

/// What each command takes, by name; an option of the first line may stand before it, too.
#[test]
fn every_command_takes_its_options_and_no_other() {
    let of_most =
        ["--root /x", "--machine /x", "--assume azure", "--config /x", "--stall 1", "--format json"];
    let own = [
        "--diff",
        "--exit-code",
        "--only x",
        "--no-activate",
        "--early",
        "--layer",
        "--format html",
        "--format prometheus",
    ];
    for (command, takes) in [
        ("status", &[][..]),
        ("detect", &["--only x"]),
        ("plan", &["--diff", "--exit-code", "--only x", "--layer"]),
        ("apply", &["--no-activate", "--early", "--layer"]),
        ("verify", &["--only x", "--format prometheus"]),
        ("survive", &["--only x", "--format html"]),
        ("explain", &["--only x"]),
        ("revert", &["--no-activate"]),
        ("reboot-needed", &[]),
        ("pending", &["--layer"]),
        ("seal", &[]),
        ("capture dir", &[]),
        ("leave-emergency", &[]),
    ] {
        for option in ["-q", "-v"] {
            assert!(asked(&format!("{command} {option}")).is_ok(), "{command} {option}");
            assert!(asked(&format!("{option} {command}")).is_ok(), "{option} {command}");
        }
        for option in of_most {
            let is_taken = !["capture dir", "leave-emergency"].contains(&command);
            assert_eq!(asked(&format!("{command} {option}")).is_ok(), is_taken, "{command} {option}");
            assert_eq!(asked(&format!("{option} {command}")).is_ok(), is_taken, "{option} {command}");
        }
        for option in own {
            let is_taken = takes.contains(&option);
            assert_eq!(asked(&format!("{command} {option}")).is_ok(), is_taken, "{command} {option}");
            let before = asked(&format!("{option} {command}")).is_ok();
            assert_eq!(before, is_taken && option.starts_with("--format"), "{option} {command}");
        }
        let name = command.split(' ').next().unwrap();
        let help = asked(&format!("{name} --help")).unwrap_err().to_string();
        for option in of_most.iter().chain(&own).filter(|option| !option.starts_with("--format")) {
            let long = option.split(' ').next().unwrap();
            let is_listed = help.contains(&format!("      {long}"));
            assert_eq!(is_listed, asked(&format!("{command} {option}")).is_ok(), "{name} {long}: {help}");
        }
        for format in ["html", "prometheus", "json"] {
            let is_taken = asked(&format!("{command} --format {format}")).is_ok();
            assert_eq!(help.contains(format), is_taken, "{name} {format}: {help}");
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (line, says) in [
        ("explian", "similar subcommand exists: 'explain'"),
        ("plna", "'plan'"),
        ("help explian", "'explian'"),
        ("plan --stal 3", "similar argument exists: '--stall'"),
        ("plan -z", "'-z'"),
        ("plan --stall", "required for '--stall <DURATION>'"),
        ("plan --diff=yes", "'yes' for '--diff'"),
        ("plan --format xml", "'xml' for '--format <FORMAT>'\n  [possible values: text, json]"),
        ("--format html plan", "'html' for '--format <FORMAT>'\n  [possible values: text, json]"),
        ("--format html verify", "[possible values: text, json, prometheus, journal]"),
        ("plan --root=", "required for '--root <DIR>'"),
        ("plan -q -q", "'--quiet' cannot be used multiple times"),
        ("-q plan -q", "'--quiet' cannot be used multiple times"),
        ("--root /a plan --root /a", "'--root <DIR>' cannot be used multiple times"),
        ("plan -qv", "'--quiet' cannot be used with '--verbose'"),
        ("-v plan -q", "'--verbose' cannot be used with '--quiet'"),
        ("plan --machine /x --assume azure", "'--machine <CAPTURE>' cannot be used with '--assume"),
        ("--machine /x plan --assume azure", "'--machine <CAPTURE>' cannot be used with '--assume"),
        ("--assume azure plan --machine /x", "cannot be used with '--machine <CAPTURE>'"),
        ("detect --diff", "'--diff'"),
        ("plan now", "'now'"),
        ("explain one two", "'two'"),
        ("capture", "<DIR>"),
        ("diff", "\n  tip: `hvtune plan --diff`"),
        ("apply -n", "\n  tip: `hvtune plan` shows what apply would do"),
        ("--json plan", "\n  tip: `--format json`"),
        ("explain --json", "\n  tip: `--format json`"),
        ("apply --yes", "\n  tip: hvtune asks no questions"),
        ("capture x --root /", "unexpected argument '--root'"),
        ("leave-emergency --format json", "unexpected argument '--format'"),
        ("--root / capture x", "unexpected argument '--root'"),
    ] {
        let error = asked(line).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(says) && error.exit_code() == 2, "{line}: {said}");
    }
}

#[test]
fn text_that_is_none_is_named_with_its_option() {
    use std::os::unix::ffi::OsStringExt as _;
    for (option, named) in [("--only", "--only <REGEX>"), ("--stall", "--stall <DURATION>"), ("--", "[ID]")] {
        let words = vec!["explain".into(), option.into(), OsString::from_vec(vec![b'a', 0xff])];
        let said = parse(&words).unwrap_err().to_string();
        assert!(said.contains(&format!("'a\u{fffd}' for '{named}': it is not UTF-8")), "{said}");
    }
    // A path is whatever it is.
    let path = OsString::from_vec(vec![b'/', 0xff]);
    let cli = parse(&["--root".into(), path.clone(), "plan".into()]).unwrap();
    assert_eq!(cli.global.root, PathBuf::from(path));
}

#[test]
fn help_is_found_from_everywhere() {
    let said = |line: &str| {
        let said = asked(line).unwrap_err();
        assert_eq!(said.exit_code(), 0, "{line}");
        said.to_string()
    };
    for line in ["--help", "-h", "help", "-h plna", "--root / -h"] {
        assert!(said(line).contains("Environment:\n  NO_COLOR\n"), "{line}");
        assert_eq!(said(line), said("--help"), "{line}");
    }
    for command in definition().get_subcommands() {
        let name = command.get_name();
        let plain = said(&format!("{name} --help"));
        assert!(plain.starts_with(&format!("{}\n", command.get_about().unwrap())), "{plain}");
        for line in ["NAME -h", "help NAME", "-h NAME", "--help NAME", "-q -h NAME -v", "-h help NAME"] {
            assert_eq!(said(&line.replace("NAME", name)), plain, "{line} {name}");
        }
    }
    assert_eq!(said("--root / -h plan --diff"), said("plan --help"));
    assert_eq!(said("--version"), concat!("hvtune ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// A help is whole: examples of this very command, and the exit codes.
#[test]
fn every_help_has_examples_and_exit_codes() {
    let mut definition = definition();
    definition.build();
    for command in definition.get_subcommands().filter(|command| command.get_name() != "help") {
        let help = command.get_after_help().unwrap_or_default().to_string();
        let own = format!("    hvtune {}", command.get_name());
        let (examples, codes) = help.split_once("\n\nExit status:\n  0  ").unwrap_or_default();
        assert!(examples.starts_with("Examples:\n  ") && examples.contains(&own), "{own}: {help}");
        assert!(codes.contains("\n  2  "), "{own}: {help}");
    }
}

#[test]
fn the_default_in_the_help_is_the_policys() {
    let stall = crate::policy::Policy::default().stall;
    let help = asked("plan --help").unwrap_err().to_string();
    assert!(help.contains(&format!("else {stall}s]")), "{help}");
}

/// What was meant is found wherever clap gave up.
#[test]
fn what_was_asked_is_known_of_wrong_arguments_too() {
    for (line, command, format) in [
        ("plan --bogus --format json", Some("plan"), Format::Json),
        ("--format=json --bogus plan", Some("plan"), Format::Json),
        ("pln --format json", None, Format::Json),
        ("--bogus verify --format prometheus", Some("verify"), Format::Prometheus),
        ("explain --format", Some("explain"), Format::Text),
        ("capture", Some("capture"), Format::Text),
        ("plan --format xml", Some("plan"), Format::Text),
        ("", None, Format::Text),
    ] {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        assert_eq!(super::asked(&words), Asked { command: command.map(str::to_owned), format }, "{line}");
    }
}
