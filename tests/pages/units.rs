//! The page that the units name is found.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::base;

/// The pages as a package lays them out.
fn installed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(base().join("dist/man")).unwrap() {
        let path = entry.unwrap().path();
        let section = dir.path().join(format!("man{}", path.extension().unwrap().to_str().unwrap()));
        fs::create_dir_all(&section).unwrap();
        fs::copy(&path, section.join(path.file_name().unwrap())).unwrap();
    }
    dir
}

fn with_pages(program: &str, args: &[&str], pages: &Path) -> Output {
    Command::new(program).args(args).env("MANPATH", pages).current_dir(base()).output().unwrap()
}

const UNITS: [&str; 8] = [
    "dist/hvtune.service",
    "dist/hvtune-activate.service",
    "dist/hvtune-verify.service",
    "dist/hvtune-verify.timer",
    "dist/hvtune-metrics.service",
    "dist/hvtune-metrics.timer",
    "dist/hvtune-emergency.service",
    "dist/hvtune-emergency.timer",
];

#[test]
fn the_page_that_each_unit_names_is_found() {
    let pages = installed();
    for unit in UNITS {
        let text = fs::read_to_string(base().join(unit)).unwrap();
        let named: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("Documentation=man:")).collect();
        assert!(!named.is_empty(), "{unit} names no page");
        for page in named {
            let (name, section) = page.strip_suffix(')').unwrap().split_once('(').unwrap();
            let found = with_pages("man", &["-w", section, name], pages.path());
            let path = String::from_utf8(found.stdout).unwrap();
            assert_eq!(Path::new(path.trim()), pages.path().join(format!("man{section}/{name}.{section}")));
        }
    }
    assert!(!with_pages("man", &["-w", "8", "hvtune-nothing"], pages.path()).status.success());
}

/// systemd asks man for every page that a unit names.
#[test]
fn systemd_finds_the_pages_of_the_units() {
    let complaints = |pages: &Path| {
        let output = with_pages("systemd-analyze", &[&["verify"][..], &UNITS].concat(), pages);
        let said = String::from_utf8(output.stderr).unwrap();
        said.lines().filter(|line| line.contains("man ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complaints(installed().path()), Vec::<String>::new());
    let none = tempfile::tempdir().unwrap();
    assert!(!complaints(none.path()).is_empty(), "it does not look for the pages");
}
