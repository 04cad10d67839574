//! The architecture's own tests: what clippy cannot hold.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;
#[path = "tidy/graph.rs"]
mod graph;
#[path = "tidy/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hvtune::render::Format;
use hvtune::tunables::CATALOGUE;
use serde_json::Value as Json;

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> BTreeMap<String, String> {
    let src = base().join("src");
    files_below(&src, "rs")
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().display().to_string();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The part of a source file above its tests.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn templates_only_loop() {
    let templates = files_below(&base().join("templates"), "tera");
    assert_eq!(templates.len(), Format::ALL.len() + 1, "one for each format, and the page");
    for path in templates {
        let text = fs::read_to_string(&path).unwrap();
        for tag in text.split("{%").skip(1) {
            let tag = tag.split("%}").next().unwrap().trim();
            let fits = tag == "endfor" || (tag.starts_with("for ") && tag.contains(" in "));
            assert!(fits, "{}: {{% {tag} %}} is no plain loop", path.display());
        }
        for print in text.split("{{").skip(1) {
            let print = print.split("}}").next().unwrap().trim();
            let plain = print.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c));
            assert!(plain, "{}: {{{{ {print} }}}} does more than print a value", path.display());
        }
    }
}

/// By the format that it belongs to, or as the page of `survive`, which no root can replace.
#[test]
fn every_template_is_embedded() {
    let formats: BTreeSet<&str> = Format::ALL.iter().map(|format| format.template()).collect();
    for path in files_below(&base().join("templates"), "tera") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (user, is_known) = match name {
            "page.html.tera" => ("src/report/html.rs", true),
            _ => ("src/render/format.rs", formats.contains(name)),
        };
        assert!(is_known, "{name} belongs to no format");
        let user = fs::read_to_string(base().join(user)).unwrap();
        assert!(
            user.contains(&format!("include_str!(\"../../templates/{name}\")")),
            "{name} is not embedded"
        );
    }
}

#[test]
fn the_catalogue_is_in_order() {
    let mut ids = BTreeSet::new();
    for tunable in CATALOGUE {
        let id = tunable.id;
        assert!(ids.insert(id), "{id} stands twice");
        let dotted = id.contains('.')
            && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c));
        assert!(dotted, "{id} is not dotted lower case");
        assert!(!tunable.sources.is_empty(), "{id} has no source");
        for source in tunable.sources {
            assert!(source.url.starts_with("https://") && !source.title.is_empty(), "{id}: {source:?}");
        }
        assert!(tunable.why.len() > 80 && tunable.title.len() > 20, "{id}: say why");
        assert!(!tunable.title.ends_with('.'), "{id}: a title is no sentence");
    }
}

#[test]
fn every_tunable_has_a_fixture_where_it_is_set_and_one_where_it_is_not() {
    let mut set = BTreeSet::new();
    let mut not_set = BTreeSet::new();
    for fixture in fixtures::all() {
        let path = fixture.dir.join("expect/plan.json");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let plan: Json = serde_json::from_str(&text).unwrap();
        if !plan["standstill"].is_null() {
            continue;
        }
        let ids = |key: &str| -> Vec<String> {
            let rows = plan[key].as_array().unwrap().iter();
            rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
        };
        set.extend(ids("settings"));
        not_set.extend(ids("abstained"));
    }
    for tunable in CATALOGUE {
        assert!(set.contains(tunable.id), "{} is Set in no fixture", tunable.id);
        assert!(not_set.contains(tunable.id), "{} is Set in every fixture", tunable.id);
    }
}

#[test]
fn the_core_knows_no_door() {
    let core = [
        "compare", "facts", "host", "incident", "value", "tunable", "tunables", "resolve", "cmdline",
        "formats", "marker", "render", "scale", "stall", "stores",
    ];
    for (name, text) in sources() {
        let room = name.split(['/', '.']).next().unwrap();
        if !core.contains(&room) {
            continue;
        }
        for door in
            ["crate::root", "crate::run", "crate::report", "std::fs", "std::process", "std::env", "std::time"]
        {
            assert!(!shipped(&text).contains(door), "{name} uses {door}");
        }
    }
}

#[test]
fn no_two_modules_use_each_other() {
    let circles = graph::Crate::new(&sources()).circles();
    assert!(circles.is_empty(), "circles of modules:\n{}", circles.join("\n"));
}

#[test]
fn the_reading_order_begins_with_what_uses_nothing() {
    let sources = sources();
    let prose = sources["lib.rs"].split("//! Reading order").nth(1).unwrap();
    let prose = prose.lines().take_while(|line| !line.is_empty()).collect::<String>();
    let order: Vec<&str> = prose.split("[`").skip(1).map(|name| name.split('`').next().unwrap()).collect();
    let place = |name: &str| order.iter().position(|other| *other == name);
    for name in sources.keys().filter_map(|file| file.strip_suffix(".rs")) {
        let is_inner = name.contains('/') || ["lib", "main", "parsers", "seeded"].contains(&name);
        assert!(is_inner || place(name).is_some(), "{name} has no place in the reading order");
    }
    for (name, uses) in graph::Crate::new(&sources).top() {
        for (used, files) in uses.into_iter().filter(|(used, _)| *used != "seeded") {
            assert!(place(used) < place(name), "{name} uses {used}, which comes later: {files:?}");
        }
    }
}

#[test]
fn tunables_know_no_file_names() {
    for (name, text) in sources() {
        if name.starts_with("tunables/") {
            for path in ["rules.d", "sysctl.d", "modprobe.d", "grub.d", "90-hvtune"] {
                assert!(!shipped(&text).contains(path), "{name} names {path}");
            }
        }
    }
}

#[test]
fn files_are_small_and_say_what_they_are() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "{name} does not say what it is");
        let lines = text.lines().count();
        assert!(lines <= 420, "{name} has {lines} lines");
    }
}

#[test]
fn the_shipped_binary_has_few_crates_below_it() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(base())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    let crates: BTreeSet<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.starts_with("hvtune "))
        .collect();
    assert!(crates.len() > 10, "cargo tree said too little: {text}");
    assert!(crates.len() <= 66, "{} crates: {crates:#?}", crates.len());
}

#[test]
fn every_fixture_says_where_its_values_come_from() {
    for fixture in fixtures::all() {
        let about = fs::read_to_string(fixture.dir.join("ABOUT.md")).unwrap_or_default();
        assert!(about.len() > 200, "{}: ABOUT.md is missing or says little", fixture.name);
    }
}
