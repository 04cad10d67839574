//! Man pages and completions in dist/: that they are current, whole, and read by the programs that they are
//! made for.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "pages/page.rs"]
mod page;
#[path = "pages/shells.rs"]
mod shells;
#[path = "pages/units.rs"]
mod units;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hvtune::policy::{self, Policy};
use hvtune::tunables::{CATALOGUE, subjects};

use page::Page;

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Standard output of a program that must succeed.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn help(command: &[&str]) -> String {
    output(Command::new(env!("CARGO_BIN_EXE_hvtune")).args(command).arg("--help").env("COLUMNS", "80"))
}

/// A part of a help.
fn part<'a>(help: &'a str, heading: &str) -> Option<&'a str> {
    help.split("\n\n").find_map(|part| part.strip_prefix(heading)?.strip_prefix(":\n"))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The commands that the help lists, without `help` itself.
fn commands() -> Vec<String> {
    let general = help(&[]);
    let listed = part(&general, "Commands").unwrap().lines();
    let named = listed.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let mut commands: Vec<String> = named.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(commands.pop().as_deref(), Some("help"));
    commands
}

/// Every page with the help that it belongs to.
fn pages_and_helps() -> Vec<(Page, String)> {
    let mut pairs = vec![(Page::read("hvtune.8"), help(&[]))];
    for command in commands() {
        pairs.push((Page::read(&format!("hvtune-{command}.8")), help(&[&command])));
    }
    pairs
}

/// What the generator makes now.
fn generated() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--manifest-path", "generate/Cargo.toml", "--bin", "pages"]);
        output(cargo.arg("--target-dir").arg(target).arg("--").arg(dir.path()).current_dir(base()));
        dir
    });
    made.path()
}

fn files(dir: &Path) -> BTreeMap<String, String> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    };
    fs::read_dir(dir).map(|dir| dir.map(read).collect()).unwrap_or_default()
}

#[test]
fn what_lies_in_dist_is_what_the_generator_makes() {
    for part in ["man", "completions"] {
        let kept = base().join("dist").join(part);
        let made = files(&generated().join(part));
        assert!(made.len() >= 3, "{part}: {:?}", made.keys());
        if std::env::var_os("BLESS").is_some() {
            let _ = fs::remove_dir_all(&kept);
            fs::create_dir_all(&kept).unwrap();
            for (name, text) in &made {
                fs::write(kept.join(name), text).unwrap();
            }
        }
        let kept = files(&kept);
        let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&kept), names(&made), "dist/{part}: BLESS=1 cargo test --test pages writes it");
        for (name, text) in &made {
            assert!(kept[name] == *text, "dist/{part}/{name} is old: BLESS=1 cargo test --test pages");
        }
    }
}

#[test]
fn mandoc_finds_nothing_wrong() {
    let lint = |path: &Path| {
        let mut mandoc = Command::new("mandoc");
        let output = mandoc.args(["-T", "lint", "-W", "warning"]).arg(path).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let pages = fs::read_dir(base().join("dist/man")).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<PathBuf> = pages.collect();
    assert_eq!(pages.len(), commands().len() + 2);
    for path in pages {
        assert_eq!(lint(&path), (true, String::new()), "{}", path.display());
        let broken = tempfile::NamedTempFile::new().unwrap();
        fs::write(&broken, fs::read_to_string(&path).unwrap() + ".RE\n").unwrap();
        assert!(!lint(broken.path()).0, "{} with an end of nothing", path.display());
    }
}

/// With what each takes, word for word; in a page the arguments follow.
#[test]
fn page_and_help_have_the_same_options_and_arguments() {
    for (page, help) in pages_and_helps() {
        let options = words(part(&help, "Options").unwrap());
        let arguments = words(part(&help, "Arguments").unwrap_or_default());
        assert!(options.ends_with("--help Print help") || options.ends_with("Print version"), "{options}");
        let in_page = page.words("OPTIONS").replace("[DIR]", "<DIR>");
        // That there may be several the page says in its synopsis.
        let arguments = arguments.replace(">...", ">");
        assert_eq!(in_page, words(&format!("{options} {arguments}")), "{}", page.name);
    }
}

#[test]
fn page_and_help_name_the_same_commands() {
    let (page, _) = pages_and_helps().remove(0);
    let mut named = page.terms("COMMANDS");
    assert_eq!(named, commands());
    let others: Vec<String> = named.drain(..).map(|name| format!("hvtune-{name}(8)")).collect();
    for page in others {
        assert!(Page::read("hvtune.8").words("SEE ALSO").contains(&page), "{page}");
    }
}

/// Examples, exit codes, files, environment and boot units, each in a section of its own.
#[test]
fn what_stands_below_the_options_stands_in_the_page_and_the_reverse() {
    let sections = ["Examples", "Exit status", "Files", "Environment", "Boot units"];
    for (page, help) in pages_and_helps() {
        let below = sections.iter().filter_map(|heading| Some((heading, part(&help, heading)?)));
        let below: Vec<(&&str, &str)> = below.collect();
        assert!(below.len() >= 2, "{}: {help}", page.name);
        for (heading, text) in below {
            assert_eq!(page.words(&heading.to_uppercase()), words(text), "{}", page.name);
        }
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS", "SEE ALSO"] {
            assert!(!page.words(heading).is_empty(), "{} has no {heading}", page.name);
        }
    }
}

#[test]
fn every_option_that_a_page_speaks_of_is_one() {
    let helps: String = pages_and_helps().into_iter().map(|(_, help)| help).collect();
    let mut pages: Vec<Page> = pages_and_helps().into_iter().map(|(page, _)| page).collect();
    pages.push(Page::read("hvtune.toml.5"));
    for page in pages {
        for word in page.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
            // needs-restarting's own.
            if word.starts_with('-') && word.len() > 1 && word != "-r" && !word.ends_with(char::is_numeric) {
                assert!(helps.contains(&format!("{word} ")) || helps.contains(&format!("{word},")), "{word}");
            }
        }
    }
}

/// What the binary knows is what it names when it does not know a key.
#[test]
fn the_page_of_the_policy_has_every_key_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.toml"), "zzzzzzzz = 1\n").unwrap();
    let mut plan = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    plan.args(["--assume", "hyperv", "plan", "--config"]).arg(dir.path().join("x.toml"));
    let said = String::from_utf8(plan.output().unwrap().stderr).unwrap();
    let known = said.trim().split("known are ").nth(1).unwrap_or_else(|| panic!("{said}"));
    let mut keys = Page::read("hvtune.toml.5").terms("KEYS");
    keys.sort();
    assert_eq!(keys.join(", "), known);
    for (word, page) in [("recovery", "KEYS"), ("hvtune-explain(8)", "SEE ALSO")] {
        assert!(Page::read("hvtune.toml.5").words(page).contains(word));
    }
}

fn parsed(text: &str) -> Policy {
    policy::parse(&[("page".to_owned(), text.to_owned())], &subjects())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A default that the page names is one, each example is taken, and each word of `recovery` too.
#[test]
fn defaults_and_examples_of_the_policy_are_what_the_parser_takes() {
    let page = Page::read("hvtune.toml.5");
    let lines = |start: &str| -> Vec<String> {
        let lines = page.section("KEYS").into_iter().map(|line| line.trim().to_owned());
        lines.filter_map(|line| line.strip_prefix(start).map(str::to_owned)).collect()
    };
    let (defaults, examples) = (lines("Default: "), lines("Example: "));
    let keys = page.terms("KEYS");
    assert_eq!((defaults.len(), examples.len()), (keys.len(), keys.len()));
    for ((default, example), key) in defaults.iter().zip(&examples).zip(&keys) {
        assert!(default.starts_with(key.as_str()) && example.starts_with(key.as_str()), "{key}: {default}");
        assert_eq!(parsed(default), Policy::default(), "{default}");
        assert_ne!(parsed(example), Policy::default(), "{example}");
    }
    assert_ne!(parsed(&page.section("EXAMPLES")[1..].join("\n")), Policy::default());
    let words = page.terms_within("KEYS");
    assert_eq!(words.len(), 4, "{words:?}");
    for word in words {
        parsed(&format!("recovery = \"{word}\"\n"));
    }
}

#[test]
fn the_page_of_the_policy_has_every_knob_of_the_catalogue_and_no_other() {
    let page = Page::read("hvtune.toml.5");
    // After the sentence that explains them.
    let ids: Vec<&str> = CATALOGUE.iter().map(|tunable| tunable.id).collect();
    assert_eq!(page.terms("KNOBS")[1..], ids);
    let knobs: Vec<String> =
        CATALOGUE.iter().flat_map(|tunable| tunable.knobs).map(|knob| format!("\"{}\"", knob.name)).collect();
    let listed: Vec<String> = page
        .section("KNOBS")
        .into_iter()
        .filter_map(|line| line.trim().split_once(" = ").map(|(name, _)| name.to_owned()))
        .collect();
    assert_eq!(listed, knobs);
}
