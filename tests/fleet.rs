//! The alert rules and the dashboard of `dist/`: promtool reads them, each alert fires when it should, and
//! they ask for no metric that hvtune does not print.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value as Json;

fn dist(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(dist(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// How promtool ended, and all that it said.
fn promtool(args: &[&str], file: &Path) -> (bool, String) {
    let output = Command::new("promtool").args(args).arg(file).output().expect("promtool is installed");
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// The families that hvtune prints of any machine.
fn families() -> BTreeSet<String> {
    let name = Regex::new("(?m)^hvtune_[a-z_]+").unwrap();
    let mut found = BTreeSet::new();
    for fixture in fixtures::all() {
        let mut hvtune = Command::new(env!("CARGO_BIN_EXE_hvtune"));
        hvtune.arg("--machine").arg(&fixture.machine).arg("--root").arg(fixture.root());
        let output = hvtune.args(["verify", "--format", "prometheus"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        found.extend(name.find_iter(&text).map(|name| name.as_str().to_owned()));
    }
    found
}

/// Every query of the dashboard, for all guests.
fn queries() -> Vec<String> {
    let board: Json = serde_json::from_str(&read("grafana/hvtune.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    assert!(panels.len() > 5);
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().replace("$instance", ".*")).collect()
}

#[test]
fn each_alert_fires_when_it_should() {
    let (passed, said) = promtool(&["check", "rules"], &dist("prometheus/hvtune.rules.yml"));
    assert!(passed, "{said}");
    let (passed, said) = promtool(&["test", "rules"], &dist("prometheus/hvtune.rules.test.yml"));
    assert!(passed, "{said}");
    let (rules, tests) = (read("prometheus/hvtune.rules.yml"), read("prometheus/hvtune.rules.test.yml"));
    let alerts = Regex::new("alert: ([A-Za-z]+)").unwrap();
    for alert in alerts.captures_iter(&rules) {
        assert!(
            tests.contains(&format!("alertname: {}\n", &alert[1])),
            "{} is never seen to fire",
            &alert[1]
        );
    }
    // The check has teeth: a threshold that is another is seen.
    let dir = tempfile::tempdir().unwrap();
    let changed = rules.replace("<= on", "< on").replace("for: 14d", "for: 1d");
    assert_ne!(changed, rules);
    fs::write(dir.path().join("hvtune.rules.yml"), changed).unwrap();
    fs::write(dir.path().join("test.yml"), tests).unwrap();
    let (passed, said) = promtool(&["test", "rules"], &dir.path().join("test.yml"));
    assert!(!passed, "{said}");
}

#[test]
fn nothing_asks_for_a_metric_that_is_not_there() {
    let (printed, name) = (families(), Regex::new("hvtune_[a-z_]+").unwrap());
    let asked = queries().join("\n") + &read("prometheus/hvtune.rules.yml");
    let asked: BTreeSet<String> = name.find_iter(&asked).map(|name| name.as_str().to_owned()).collect();
    let missing: Vec<&String> = asked.difference(&printed).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let unused: Vec<&String> = printed.difference(&asked).collect();
    assert!(unused.is_empty(), "the dashboard and the alerts leave out {unused:?}");
}

/// promtool reads a query as part of a rule.
#[test]
fn prometheus_reads_every_query_of_the_dashboard() {
    let mut rules = "groups:\n  - name: board\n    rules:\n".to_owned();
    let queries = queries();
    for (number, query) in queries.iter().enumerate() {
        rules.push_str(&format!("      - record: board:query{number}\n        expr: '{query}'\n"));
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.yml");
    fs::write(&file, &rules).unwrap();
    let (passed, said) = promtool(&["check", "rules"], &file);
    assert!(passed && said.contains(&format!("{} rules", queries.len())), "{said}\n{rules}");
}
