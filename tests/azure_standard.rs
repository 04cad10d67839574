//! What Microsoft's tests of an image for Azure (microsoft/lisa: storage, `azure_image_standard`) ask, as far as
//! hvtune has a hand in it: of every Azure machine in `fixtures`, whatever the policy. That nothing of ours in
//! the log of a boot matches `fail`, `error` or `warning`, each boot of `tests/lab` asserts.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use fixtures::Fixture;

const POLICIES: [&[&str]; 4] = [&[], &["--stall", "60s"], &["--stall", "400s"], &["--stall", "1h"]];

/// Machines with the agent.
fn machines() -> Vec<Fixture> {
    let with_agent = |fixture: &Fixture| fixture.root().join("etc/waagent.conf").is_file();
    let found: Vec<Fixture> = fixtures::all().into_iter().filter(with_agent).collect();
    assert!(found.len() >= 5, "{found:?}");
    found
}

/// The lines that each file would get and lose.
fn changes(fixture: &Fixture, policy: &[&str]) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let mut hvtune = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    hvtune.arg("--machine").arg(&fixture.machine).arg("--root").arg(fixture.root()).args(policy);
    let output = hvtune.args(["plan", "--diff"]).output().unwrap();
    assert!(output.status.success(), "{}: {}", fixture.name, String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeMap::new();
    let mut path = String::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            name.clone_into(&mut path);
        } else if !path.is_empty() && !line.starts_with("--- ") {
            let (gets, loses): &mut (Vec<String>, Vec<String>) = found.entry(path.clone()).or_default();
            match line.split_at_checked(1) {
                Some(("+", text)) => gets.push(text.to_owned()),
                Some(("-", text)) => loses.push(text.to_owned()),
                _ => {}
            }
        }
    }
    assert!(!found.is_empty(), "{}: nothing would be written", fixture.name);
    found
}

/// `OS.RootDeviceScsiTimeout` of the file, or of the lines that it gets.
fn agents_timeout<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let values = lines.filter_map(|line| line.strip_prefix("OS.RootDeviceScsiTimeout="));
    values.last().map(|value| value.trim().to_owned())
}

fn is_rules(path: &str) -> bool {
    path.contains("/rules.d/")
}

/// What a rule matches, and the timeout that it writes.
fn timeouts(rules: &[String]) -> impl Iterator<Item = (&str, &str)> {
    rules.iter().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (matches, value) = line.split_once("ATTR{device/timeout}=\"")?;
        Some((matches, value.split('"').next()?))
    })
}

/// Where a disk does fail after its timeout, a rule writes it: so that is how one looks.
#[test]
fn a_rule_with_a_timeout_is_seen() {
    let all = fixtures::all();
    let iscsi = all.iter().find(|fixture| fixture.name == "iscsi-single").unwrap();
    let all = changes(iscsi, &["--stall", "400s"]);
    let (rules, _) = all.iter().find(|(path, _)| is_rules(path)).unwrap().1;
    assert!(timeouts(rules).count() > 0, "{rules:?}");
}

/// Each disk's timeout is the one that waagent.conf says: no rule of ours writes another to a SCSI disk.
#[test]
fn no_rule_writes_another_timeout_than_the_agent() {
    for fixture in machines() {
        let conf = fs::read_to_string(fixture.root().join("etc/waagent.conf")).unwrap();
        for policy in POLICIES {
            let all = changes(&fixture, policy);
            let agents = all.get("etc/waagent.conf").map_or(&[][..], |(gets, _)| gets);
            let agent = agents_timeout(conf.lines().chain(agents.iter().map(String::as_str))).unwrap();
            for (path, (gets, _)) in all.iter().filter(|(path, _)| is_rules(path)) {
                for (matches, value) in timeouts(gets) {
                    let other_bus = ["storvsc-fc", "iscsi"].iter().any(|class| matches.contains(class));
                    assert!(
                        value == agent || other_bus,
                        "{} {policy:?}: {path}: {value}, not {agent}",
                        fixture.name
                    );
                }
            }
        }
    }
}

/// The consoles that Azure reads stay, and nothing comes that hides a boot or reserves memory on its own.
#[test]
fn the_command_line_keeps_its_consoles() {
    for fixture in machines() {
        for policy in POLICIES {
            for (path, (gets, loses)) in changes(&fixture, policy) {
                for line in &loses {
                    assert!(!line.contains("console="), "{}: {path}: {line}", fixture.name);
                }
                let line = gets.iter().filter(|line| !line.starts_with('#')).find(|line| {
                    ["rhgb", "quiet", "crashkernel", "console="].iter().any(|word| line.contains(word))
                });
                assert_eq!(line, None, "{}: {path}", fixture.name);
            }
        }
    }
}

/// No swap is made, on the disk of the system or elsewhere.
#[test]
fn no_swap_is_made() {
    for fixture in machines() {
        for policy in POLICIES {
            let all = changes(&fixture, policy);
            let swap = all.iter().find(|(path, (gets, _))| {
                path.contains(".swap")
                    || gets.iter().any(|line| {
                        line.split_whitespace().nth(2) == Some("swap") || line.contains("EnableSwap=y")
                    })
            });
            assert!(swap.is_none(), "{}: {swap:?}", fixture.name);
        }
    }
}
