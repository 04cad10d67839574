//! Unified kernel images as ukify makes them and kernel-install places them, with our addon beside them:
//! `bootctl` of two releases lists what each kernel is given, and ukify and sbverify read what we made.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::stage::{Ran, Stage, Suite};

fn run(suite: Suite, script: &str) -> Ran {
    let stage = Stage::new(suite);
    stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
    let keys = tempfile::tempdir().unwrap();
    let (key, certificate) = (keys.path().join("key"), keys.path().join("certificate"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test/", "-days", "3650"]);
    let made =
        openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate).output().expect("openssl starts");
    assert!(made.status.success(), "{made:?}");
    stage.copy("/key", &key);
    stage.copy("/certificate", &certificate);
    let ran = stage.run(&format!("chmod +x /program\n{script}"));
    assert_eq!(ran.code, 0, "{suite:?}: {}\n{}", ran.stdout, ran.stderr);
    ran
}

/// Each image's command line in a state, by the kernel's release; its addons come in any order within a
/// directory, so that the words of each line are sorted.
fn lines(ran: &Ran, state: &str) -> Vec<(String, Vec<String>)> {
    let (_, rest) = ran.stdout.split_once(&format!("=== {state}\n")).unwrap();
    let (listed, _) = rest.split_once(&format!("--- {state}\n")).unwrap();
    let entries: Vec<Value> =
        serde_json::from_str(listed.trim()).unwrap_or_else(|error| panic!("{error}: {listed}"));
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry["type"] == "type2") {
        let line = entry["cmdline"].as_str().or(entry["options"].as_str()).unwrap_or_default();
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        words.sort();
        found.push((entry["version"].as_str().unwrap_or_default().to_owned(), words));
    }
    found.sort();
    found
}

const BASE: [&str; 3] = ["quiet", "ro", "root=UUID=0a-1b"];
/// What kernel-install adds.
const IDENTITY: &str = "systemd.machine_id=0123456789abcdef0123456789abcdef";

fn with(more: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = BASE.iter().chain(more).map(|word| (*word).to_owned()).collect();
    words.sort();
    words
}

fn installed(more: &[&str]) -> Vec<String> {
    with(&[&[IDENTITY], more].concat())
}

#[test]
fn images_have_ours_until_revert() {
    for suite in [Suite::Trixie, Suite::Sid] {
        let ran = run(suite, concat!(include_str!("esp.sh"), include_str!("uki.sh")));
        let of = |state: &str| lines(&ran, state).into_iter().map(|(_, words)| words).collect::<Vec<_>>();
        assert_eq!(of("before"), [installed(&[])], "{suite:?}: {}", ran.stdout);
        assert_eq!(of("applied"), [installed(&["panic=10"])], "{suite:?}: {}", ran.stdout);
        assert!(ran.stdout.contains("uki-addon.hvtune,1,"), "{}", ran.stdout);
        let sections = ran.stdout.lines().filter_map(|line| line.strip_prefix("sections "));
        let sections: Vec<Value> = sections.map(|json| serde_json::from_str(json).unwrap()).collect();
        assert!(sections.len() == 2 && sections[0][".cmdline"]["text"] == "panic=10", "{}", ran.stdout);
        for name in [".cmdline", ".sbat"] {
            let [ours, theirs] = [0, 1].map(|file| sections[file][name]["text"].as_str().unwrap());
            // ukify 257 puts a NUL behind the second.
            assert_eq!(ours, theirs.trim_end_matches('\0'), "{suite:?}: {name}");
        }
        let global = ["their=1", "panic=3", "panic=10"];
        let beside = [&global[..], &["base=1", "panic=4", "panic=10"]].concat();
        let mut added = [installed(&beside), installed(&global)];
        added.sort();
        let mut listed = of("added");
        listed.sort();
        assert_eq!(listed, added, "{suite:?}: {}", ran.stdout);
        assert_eq!(of("reverted"), [installed(&global[..2])], "{suite:?}: {}", ran.stdout);
        let (_, left) = ran.stdout.split_once("--- reverted\n").unwrap();
        assert_eq!(left, ".\n..\n50-site.addon.efi\n", "{suite:?}");
    }
}

/// The printed command, run as it is printed: what it makes is signed by the key, and then nothing is left to do.
#[test]
fn the_printed_command_makes_a_signed_addon() {
    for suite in [Suite::Trixie, Suite::Sid] {
        let ran = run(suite, concat!(include_str!("esp.sh"), include_str!("uki_signed.sh")));
        let said = |word: &str| assert!(ran.stdout.contains(word), "{suite:?}: {word}: {}", ran.stdout);
        said("Signature verification OK");
        said("step kernel-arguments");
        said("later reboot-or-none");
        let of = |state: &str| lines(&ran, state).into_iter().map(|(_, words)| words).collect::<Vec<_>>();
        assert_eq!(of("signed"), [with(&["panic=10"])], "{suite:?}: {}", ran.stdout);
    }
}
