//! Inputs made after public reports: each a fixture, an overlay and what must hold of it.
//!
//! A case is a folder under `tests/cases`: `ABOUT.md` says which report it stands for, and
//! `overlay/` is laid over the fixture. Names that begin with `b` were wrong once, those with
//! `g` were right and stay so. The table is in `tests/cases/table.rs`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "cases/ground.rs"]
mod ground;
#[path = "cases/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ground::Ground;
use table::TABLE;

#[test]
fn every_case_is_right() {
    let mut wrong = Vec::new();
    for case in TABLE {
        let ground = Ground::lay(case.id, case.fixture);
        if let Err(why) = (case.right)(&ground) {
            wrong.push(format!("{}: {why}", case.id));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}

#[test]
fn every_folder_has_a_line_in_the_table_and_says_where_it_comes_from() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let folders: BTreeSet<String> = fs::read_dir(&base)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let lines: BTreeSet<String> = TABLE.iter().map(|case| case.id.to_owned()).collect();
    assert_eq!(folders, lines);
    assert!(folders.len() >= 46, "only {} cases", folders.len());
    for folder in folders {
        let about = fs::read_to_string(base.join(&folder).join("ABOUT.md")).unwrap();
        assert!(about.len() > 100, "{folder}/ABOUT.md says too little");
    }
}
