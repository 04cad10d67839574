//! The metrics of `verify --format prometheus`, read by Prometheus' own programs: promtool finds no
//! fault with them, a `node_exporter` takes them from a file without a word in its log, and a Prometheus
//! has every series of them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;
#[path = "prometheus/programs.rs"]
mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use fixtures::Fixture;
use programs::{Exporter, Prometheus, promtool};

fn metrics(fixture: &Fixture, only: Option<&str>) -> String {
    let mut hvtune = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    hvtune.arg("--machine").arg(&fixture.machine).arg("--root").arg(fixture.root());
    hvtune.args(["verify", "--format", "prometheus"]).env("SOURCE_DATE_EPOCH", "1795904037");
    hvtune.args(only.map(|only| format!("--only={only}")));
    String::from_utf8(hvtune.output().unwrap().stdout).unwrap()
}

fn fixture(name: &str) -> Fixture {
    fixtures::all().into_iter().find(|fixture| fixture.name == name).unwrap()
}

fn series(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

/// The value of a series.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[test]
fn promtool_finds_no_fault() {
    for fixture in fixtures::all() {
        assert_eq!(promtool(&metrics(&fixture, None)), "", "{}", fixture.name);
    }
    let faulty = metrics(&fixture("iscsi-single"), None).replace("# HELP hvtune_info", "# HELP other");
    assert!(promtool(&faulty).contains("hvtune_info no help text"), "{}", promtool(&faulty));
}

#[test]
fn every_family_says_what_it_is() {
    let text = metrics(&fixture("iscsi-multipath"), None);
    let families: BTreeSet<&str> =
        series(&text).iter().map(|line| line.split(['{', ' ']).next().unwrap()).collect();
    let all = [
        "hvtune_boot_wait_seconds",
        "hvtune_info",
        "hvtune_last_run_timestamp_seconds",
        "hvtune_reboot_pending",
        "hvtune_stall_budget_seconds",
        "hvtune_survive_seconds",
        "hvtune_survive_unknown",
        "hvtune_verify_deviation",
        "hvtune_verify_rows",
    ];
    assert_eq!(families, BTreeSet::from(all));
    for family in families {
        assert_eq!(text.matches(&format!("# HELP {family} ")).count(), 1, "{family}");
        assert_eq!(text.matches(&format!("# TYPE {family} gauge\n")).count(), 1, "{family}");
    }
    for (name, wanted) in [
        (concat!("hvtune_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), "1"),
        ("hvtune_last_run_timestamp_seconds", "1795904037"),
        ("hvtune_reboot_pending", "0"),
        ("hvtune_stall_budget_seconds", "180"),
    ] {
        assert_eq!(value(&text, name), Some(wanted), "{name}");
    }
}

/// How late a disk may answer at boot, as `survive` says it in JSON.
#[test]
fn a_late_disk_has_its_values() {
    let text = metrics(&fixture("iscsi-multipath"), None);
    let late = |mount: &str, disk: &str, when: &str| {
        let labels = format!("mount=\"{mount}\",disk=\"{disk}\",when=\"{when}\"");
        value(&text, &format!("hvtune_boot_wait_seconds{{{labels}}}"))
    };
    assert_eq!(late("/", "absent", "now"), Some("30"));
    assert_eq!(late("/", "absent", "after_reboot"), Some("240"));
    let unknown = metrics(&fixture("uki"), None);
    let labels = "{mount=\"/\",disk=\"absent\",when=\"now\"}";
    assert_eq!(value(&unknown, &format!("hvtune_boot_wait_unknown{labels}")), Some("1"));
    assert_eq!(value(&unknown, &format!("hvtune_boot_wait_seconds{labels}")), None);
    assert!(!metrics(&fixture("container"), None).contains("hvtune_boot_wait_seconds{"), "it does not boot");
}

/// A limit, none, at least so long, and nobody knows.
#[test]
fn each_kind_of_answer_has_its_value() {
    let text = metrics(&fixture("iscsi-multipath"), None);
    let survive = |kind: &str, mount: &str, trouble: &str, when: &str| {
        let labels = format!("mount=\"{mount}\",trouble=\"{trouble}\",when=\"{when}\"");
        value(&text, &format!("hvtune_survive_{kind}{{{labels}}}"))
    };
    assert_eq!(survive("seconds", "/", "silence", "after_reboot"), Some("230"));
    assert_eq!(survive("seconds", "/boot", "silence", "now"), Some("+Inf"));
    assert_eq!(survive("seconds", "/boot", "errors", "now"), Some("0"));
    assert_eq!(survive("unknown", "/boot", "errors", "now"), None);
    assert_eq!(survive("seconds", "/", "silence", "now"), Some("15"));
    assert_eq!(survive("seconds", "/", "errors", "now"), None);
    assert_eq!(survive("unknown", "/", "errors", "now"), Some("1"));
}

#[test]
fn only_narrows_all_of_it() {
    let machine = fixture("iscsi-multipath");
    let count = |text: &str, family: &str| text.matches(&format!("\n{family}{{")).count();
    let [rows, mounts] = ["^vm.dirty", "^/boot/efi$"].map(|only| metrics(&machine, Some(only)));
    assert_eq!([&rows, &mounts].map(|text| count(text, "hvtune_verify_deviation")), [2, 0]);
    // Four kinds of trouble would be with paths; a disk that hangs alone knows three, in three states.
    assert_eq!([&rows, &mounts].map(|text| count(text, "hvtune_survive_seconds")), [0, 9]);
    assert!(mounts.contains("hvtune_verify_rows{state=\"differs\"} 0\n"), "{mounts}");
}

#[test]
fn a_prometheus_has_every_series() {
    let machines: BTreeMap<&str, String> =
        ["crypt-lvm", "disks-256", "iscsi-multipath", "surface", "vfc-affected"]
            .map(|name| (name, metrics(&fixture(name), None)))
            .into();
    let exporters: BTreeMap<&str, Exporter> =
        machines.iter().map(|(name, text)| (*name, Exporter::of(text))).collect();
    let prometheus = Prometheus::of(exporters.iter().map(|(name, exporter)| (*name, exporter.port)));
    for (name, text) in &machines {
        let wanted = series(text).len();
        assert!(wanted > 20, "{name}: {text}");
        let query = format!("count({{__name__=~\"hvtune_.*\",job=\"{name}\"}})");
        assert_eq!(prometheus.number(&query), wanted.to_string(), "{name}");
        assert_eq!(exporters[name].complaints(), Vec::<String>::new(), "{name}");
    }
    let forever =
        "hvtune_survive_seconds{job=\"iscsi-multipath\",mount=\"/boot\",trouble=\"silence\",when=\"now\"}";
    assert_eq!(prometheus.number(forever), "+Inf");
    // The README's own example, of one machine: what gives up within the budget as it is now.
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let example =
        "hvtune_survive_seconds{when=\"now\"} <= on(instance) group_left hvtune_stall_budget_seconds";
    assert!(readme.contains(example));
    let short = example.replace("when=", "job=\"iscsi-multipath\",when=");
    assert_eq!(prometheus.number(&format!("count({short})")), "10");
}

/// The check has teeth: a series that is there twice is in the exporter's log, and nobody gets it.
#[test]
fn a_series_that_is_there_twice_is_seen() {
    let text = metrics(&fixture("iscsi-multipath"), None);
    let first = text.lines().find(|line| line.starts_with("hvtune_verify_deviation{")).unwrap();
    let exporter = Exporter::of(&text.replace(first, &format!("{first}\n{first}")));
    let prometheus = Prometheus::of([("twice", exporter.port)].into_iter());
    let has = prometheus.number("count({__name__=~\"hvtune_.*\",job=\"twice\"})");
    assert_ne!(has, (series(&text).len() + 1).to_string());
    let complaints = exporter.complaints();
    assert!(complaints.iter().any(|line| line.contains("hvtune_verify_deviation")), "{complaints:?}");
}
