//! No two rows of a report have the same key, on any fixture, offline and as if it were running.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "fixtures/mod.rs"]
mod fixtures;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use fixtures::Fixture;
use hvtune::facts::{Facts, Origin};
use hvtune::plan::{self, Plan};
use hvtune::policy;
use hvtune::probe::{self, MachineSource, templates};
use hvtune::render;
use hvtune::root::Root;
use hvtune::tunables;
use hvtune::verify;

/// How a fixture is looked at.
#[derive(Clone, Copy, PartialEq)]
enum As {
    /// An image for the captured machine.
    Captured,
    /// An image for some guest, on Azure or not.
    Assumed(bool),
    /// As if this machine were it.
    Running,
}

const VIEWS: [As; 4] = [As::Captured, As::Assumed(false), As::Assumed(true), As::Running];

/// The facts of a fixture, and its plan with this policy.
fn planned(fixture: &Fixture, policy: Option<&str>, view: As) -> (Facts, Plan) {
    let root = Root::offline(&fixture.root()).unwrap();
    let capture = Root::offline(&fixture.machine).unwrap();
    let source = match view {
        As::Assumed(azure) => MachineSource::Assume { azure },
        _ => MachineSource::Capture(&capture),
    };
    let mut facts = probe::probe(&source, &root);
    if view == As::Running {
        facts.machine.as_mut().unwrap().origin = Origin::Live;
        facts.system.offline = false;
        // Two rules take a disk over iSCSI that is no path then.
        facts.system.writers.multipath = true;
    }
    let given = policy.map(|text| ("policy.toml".to_owned(), text.to_owned()));
    let policy = policy::read(&root, given, &tunables::subjects()).unwrap();
    let verdicts = tunables::decide(&facts, &policy);
    let artifacts = render::render(&verdicts, &facts, &templates::read(&root).unwrap()).unwrap();
    let plan = plan::plan(&facts, verdicts, artifacts, &root).unwrap();
    (facts, plan)
}

#[track_caller]
fn assert_unique<T: Ord + std::fmt::Debug>(what: &Path, keys: impl Iterator<Item = T>) -> usize {
    let mut seen = BTreeSet::new();
    for key in keys {
        assert!(!seen.contains(&key), "{}: twice: {key:?}", what.display());
        seen.insert(key);
    }
    seen.len()
}

const REFUSED: &str = "[set]\n\"queue/nr_requests\" = 1024\n\"queue/scheduler\" = \"mq-deadline\"\n";

#[test]
fn every_row_has_a_key_of_its_own() {
    let mut rows = 0;
    for fixture in fixtures::all() {
        for policy in [None, Some("recovery = \"hold\"\n"), Some("recovery = \"self-heal\"\n"), Some(REFUSED)]
        {
            for view in VIEWS {
                let (facts, plan) = planned(&fixture, policy, view);
                rows += assert_unique(
                    &fixture.dir,
                    plan.settings().map(|(verdict, assignment, _)| {
                        (verdict.tunable.id, assignment.target.knob(), assignment.place())
                    }),
                );
                for files_in_order in [false, true] {
                    let mut plan = planned(&fixture, policy, view).1;
                    if files_in_order {
                        plan.changes.clear();
                    }
                    let mut found = verify::verify(&facts, &plan);
                    found.extend(verify::given_up(&facts));
                    rows += assert_unique(
                        &fixture.dir,
                        found.iter().map(|row| (row.id, row.knob.clone(), row.target.clone())),
                    );
                }
            }
        }
    }
    assert!(rows > 1000, "only {rows}");
}

fn hvtune(fixture: &Fixture, args: &[&str]) -> Output {
    let hvtune = Command::new(env!("CARGO_BIN_EXE_hvtune"))
        .arg("--machine")
        .arg(&fixture.machine)
        .arg("--root")
        .arg(fixture.root())
        .args(args)
        .output();
    hvtune.unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn every_series_is_there_once() {
    for fixture in fixtures::all() {
        let said = text(&hvtune(&fixture, &["verify", "--format", "prometheus"]));
        let series = said.lines().filter(|line| !line.starts_with('#'));
        assert!(assert_unique(&fixture.dir, series.map(|line| line.rsplit_once(' ').unwrap().0)) > 0);
    }
}

/// What is not shown is neither counted nor judged.
#[test]
fn only_narrows_the_verdict_too() {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "gen2-onprem").unwrap();
    let verify = |only: &str, format: &str| hvtune(&fixture, &["verify", "--only", only, "--format", format]);
    let dirty = verify("^vm.dirty", "text");
    assert_eq!(dirty.status.code(), Some(1));
    assert!(text(&dirty).ends_with("\n2 values shown: 2 differ.\n"), "{}", text(&dirty));
    let series = text(&verify("^vm.dirty", "prometheus"));
    assert!(series.contains("hvtune_verify_rows{state=\"differs\"} 2\n"), "{series}");
    assert_eq!(series.matches("hvtune_verify_deviation{").count(), 2, "{series}");
    let json: serde_json::Value = serde_json::from_str(&text(&verify("^vm.dirty", "json"))).unwrap();
    assert_eq!((&json["summary"]["differs"], json["rows"].as_array().unwrap().len()), (&2.into(), 2));
    let none = verify("nothing-at-all", "text");
    assert_eq!(none.status.code(), Some(0));
    assert!(text(&none).ends_with("0 values shown.\n"), "{}", text(&none));
}
