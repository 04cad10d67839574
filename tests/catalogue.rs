//! `dist/catalogue.md`: every setting on one page, from what `hvtune explain` says of it.
//! `BLESS=1 cargo test --test catalogue` makes it anew.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use hvtune::tunables::CATALOGUE;
use serde_json::Value as Json;

const HEAD: &str = "# The catalogue\n\nEvery setting that hvtune knows: what it does, why, what may be pinned under \
                    `[set]` of the policy, and the sources. `hvtune explain ID` says the same, and what it comes to \
                    on the machine at hand. Made by `BLESS=1 cargo test --test catalogue`.\n";

/// What a knob takes: words, or numbers with their bounds.
fn takes(knob: &Json) -> String {
    if let Some(words) = knob["words"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", word.as_str().unwrap()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let unit = knob["unit"].as_str().map_or(String::new(), |unit| format!(" {unit}"));
    match (knob["min"].as_i64(), knob["max"].as_i64()) {
        (Some(min), Some(max)) => format!("{min} to {max}{unit}"),
        _ => "a value".to_owned(),
    }
}

fn page() -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_hvtune")).args(["explain", "--format", "json"]).output().unwrap();
    assert!(output.status.success());
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    let tunables = document["tunables"].as_array().unwrap();
    assert_eq!(tunables.len(), CATALOGUE.len());
    let mut page = HEAD.to_owned();
    for tunable in tunables {
        let text = |key: &str| tunable[key].as_str().unwrap();
        write!(page, "\n## {}\n\n{}.\n\n{}\n", text("id"), text("title"), text("why")).unwrap();
        let knobs = tunable["knobs"].as_array().unwrap();
        if !knobs.is_empty() {
            page.push_str("\n| knob | takes |\n|---|---|\n");
        }
        for knob in knobs {
            writeln!(page, "| `{}` | {} |", knob["name"].as_str().unwrap(), takes(knob)).unwrap();
        }
        page.push('\n');
        for source in tunable["sources"].as_array().unwrap() {
            let [title, url] = ["title", "url"].map(|key| source[key].as_str().unwrap());
            writeln!(page, "- [{title}]({url})").unwrap();
        }
    }
    page
}

#[test]
fn the_catalogue_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/catalogue.md");
    let made = page();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "dist/catalogue.md is not current: BLESS=1 cargo test --test catalogue makes it anew"
    );
}
