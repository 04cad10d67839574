//! What goes with a release: the list of its crates, inside and beside it, and their licences.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod release;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

const REMEDY: &str = "run dist/release/documents";

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/release").join(name)
}

fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_else(|| panic!("no {key}: {of}"))
}

/// Name and version of every crate in the list beside the release, with its licence.
fn listed() -> BTreeMap<(String, String), String> {
    let list: Json = serde_json::from_str(&fs::read_to_string(beside("hvtune.cdx.json")).unwrap()).unwrap();
    assert_eq!((text(&list, "bomFormat"), text(&list, "specVersion")), ("CycloneDX", "1.5"));
    let crates = list["components"].as_array().unwrap().iter().map(|one| {
        let licence = text(&one["licenses"][0], "expression");
        ((text(one, "name").to_owned(), text(one, "version").to_owned()), licence.to_owned())
    });
    crates.collect()
}

/// By cargo itself. The list has a few crates more, which a feature of a crate would take that only tests
/// turn on: cargo tells the makers of such lists no better. All are of this Cargo.lock.
#[test]
fn the_list_beside_it_is_what_cargo_builds_it_of() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--target", "x86_64-unknown-linux-musl"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built: BTreeSet<(String, String)> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next().unwrap(), words.next().unwrap());
            (name.to_owned(), version.trim_start_matches('v').to_owned())
        })
        .filter(|(name, _)| name != "hvtune")
        .collect();
    assert!(built.len() > 20, "{built:?}");
    let listed: BTreeSet<(String, String)> = listed().into_keys().collect();
    let missing: Vec<_> = built.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?}: {REMEDY}");
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for (name, version) in listed {
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&entry), "{name} {version} is not in Cargo.lock: {REMEDY}");
    }
}

/// As `cargo audit bin` reads it.
#[test]
fn the_list_inside_it_is_the_one_beside_it() {
    let binary = release::hvtune().to_owned();
    let inside = auditable_info::audit_info_from_file(&binary, auditable_info::Limits::default());
    let inside =
        inside.unwrap_or_else(|error| panic!("{}: {error}: cargo install cargo-auditable", binary.display()));
    let inside: BTreeSet<(String, String)> = inside
        .packages
        .into_iter()
        .filter(|package| package.name != "hvtune")
        .map(|package| (package.name, package.version.to_string()))
        .collect();
    assert_eq!(inside, listed().into_keys().collect(), "{REMEDY}");
}

#[test]
fn every_crate_has_its_licence_and_a_text_of_it() {
    let texts = fs::read_to_string(beside("licences.txt")).unwrap();
    for ((name, version), licence) in listed() {
        let line = texts.lines().find(|line| line.starts_with(&format!("{name} {version}: ")));
        let line = line.unwrap_or_else(|| panic!("{name} {version} is not in licences.txt: {REMEDY}"));
        let number = line.rsplit_once(": ").unwrap().1.split(", ").next().unwrap();
        assert!(texts.contains(&format!("\n{number}\n\n")), "{line}: no text {number} ({licence})");
    }
}

/// Where it was built, and by whom, would make it another binary elsewhere.
#[test]
fn no_path_of_this_machine_is_inside_it() {
    let binary = fs::read(release::hvtune()).unwrap();
    let holds = |text: &str| binary.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(
        holds("/crates/") && holds("/rustc/"),
        "no place of a source file is inside: this test sees nothing"
    );
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| std::env::var("HOME").unwrap() + "/.cargo");
    for path in
        [env!("CARGO_MANIFEST_DIR"), env!("CARGO_TARGET_TMPDIR").trim_end_matches("/tmp"), "/registry/src/"]
    {
        assert!(!holds(path), "{path}");
    }
    assert!(!holds(&cargo), "{cargo}");
}
