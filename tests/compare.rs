//! `hvtune compare` on captures that differ in what the test has changed, and on many.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value as Json, json};

fn machine(name: &str) -> PathBuf {
    fixtures::all().into_iter().find(|fixture| fixture.name == name).unwrap().machine
}

fn run(here: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.arg("compare").args(args).current_dir(here).env("COLUMNS", "200").output().unwrap()
}

fn text(here: &Path, args: &[&str]) -> String {
    let output = run(here, args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(here: &Path, args: &[&str]) -> Json {
    serde_json::from_str(&text(here, &[args, &["--format", "json"]].concat())).unwrap()
}

/// Files of a tree by the end of their path.
fn find(dir: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), end, found);
        } else if entry.path().ends_with(end) {
            found.push(entry.path());
        }
    }
}

/// Two copies of a fixture's capture, `web-01` and `web-02`.
fn pair(fixture: &str) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for name in ["web-01", "web-02"] {
        let (from, to) = (machine(fixture), temp.path().join(name));
        assert!(Command::new("cp").arg("-a").arg(from).arg(&to).status().unwrap().success());
    }
    temp
}

/// Changes a file of a guest; gives how many there were of it.
fn change(guest: &Path, end: &str, from: &str, to: &str) -> usize {
    let mut found = Vec::new();
    find(guest, end, &mut found);
    for path in &found {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{}: {text}", path.display());
        fs::write(path, text.replace(from, to)).unwrap();
    }
    found.len()
}

/// A fixture, the file that is changed, what stands there and what then, the mount point, and the knob with
/// the two values that explain it: where the mount ends sooner, and where later.
type Case = (&'static str, &'static str, [&'static str; 2], &'static str, &'static str, [&'static str; 2]);

const CASES: [Case; 8] = [
    ("vanilla310", "0:0:0:0/timeout", ["30", "180"], "/", "device/timeout", ["30", "180"]),
    (
        "iscsi-single",
        "session1/recovery_tmo",
        ["120", "20"],
        "/data",
        "node.session.timeo.replacement_timeout",
        ["20", "120"],
    ),
    (
        "gen2-onprem",
        "kernel/osrelease",
        ["6.1.0-51-cloud-amd64", "3.16.0-4-amd64"],
        "/",
        "the kernel's release",
        ["3.16.0-4-amd64", "6.1.0-51-cloud-amd64"],
    ),
    (
        "gen2-onprem",
        "self/mountinfo",
        ["/dev/sda2 rw,errors=remount-ro", "/dev/sda2 rw,errors=panic"],
        "/",
        "errors=",
        ["errors=panic", "errors=remount-ro"],
    ),
    ("gen2-onprem", "kernel/hung_task_panic", ["0", "1"], "/", "kernel.hung_task_panic", ["1", "0"]),
    ("gen2-onprem", "0:0:0:0/max_retries", ["5", "-1"], "/", "max_retries", ["5", "-1"]),
    (
        "azure-nvme",
        "nvme0n1/queue/io_timeout",
        ["30000", "240000"],
        "/",
        "queue/io_timeout",
        ["30000", "240000"],
    ),
    (
        "iscsi-single",
        "connection1:0/recv_tmo",
        ["5", "0"],
        "/data",
        "node.conn[0].timeo.noop_out_interval",
        ["", ""],
    ),
];

/// One fact is changed, and exactly that is named, with both values.
#[test]
fn the_fact_that_was_changed_is_named() {
    for (fixture, file, [from, to], point, knob, values) in CASES {
        let temp = pair(fixture);
        let changed = change(&temp.path().join("web-02"), file, from, to);
        assert!(changed > 0, "{fixture}: no {file}");
        let told = json(temp.path(), &["web-01", "web-02"]);
        let differences = told["differences"].as_array().unwrap();
        let at: Vec<&Json> = differences.iter().filter(|one| one["mount"] == point).collect();
        let [difference] = at.as_slice() else { panic!("{fixture} {file}: {told:#}") };
        assert_eq!(difference["could_not_tell"], json!([]), "{fixture} {file}");
        let [other] = difference["others"].as_array().unwrap().as_slice() else { panic!("{difference:#}") };
        let facts = other["facts"].as_array().unwrap();
        let named: Vec<&str> = facts.iter().map(|fact| fact["knob"].as_str().unwrap()).collect();
        assert_eq!(named, [knob], "{fixture} {file}: {difference:#}");
        if values != ["", ""] {
            let told = ["here", "there"].map(|side| facts[0][side].to_string().trim_matches('"').to_owned());
            assert_eq!(told, values, "{fixture} {file}");
        }
        let shown = text(temp.path(), &["web-01", "web-02"]);
        assert!(shown.contains(&format!("{point} lasts longest on web-0")), "{shown}");
        assert!(shown.contains(knob), "{shown}");
    }
}

/// Two facts of which neither alone makes the difference are both named, and a third that differs is not.
#[test]
fn two_facts_are_named_where_it_takes_both() {
    let temp = pair("vanilla310");
    let other = temp.path().join("web-02");
    change(&other, "0:0:0:0/timeout", "30", "60");
    change(&other, "kernel/osrelease", "3.10.33", "6.1.0");
    change(&other, "kernel/hung_task_timeout_secs", "120", "240");
    let told = json(temp.path(), &["web-01", "web-02"]);
    let facts = told["differences"][0]["others"][0]["facts"].as_array().unwrap();
    let knobs: Vec<&str> = facts.iter().map(|fact| fact["knob"].as_str().unwrap()).collect();
    assert_eq!(knobs, ["device/timeout", "the kernel's release"], "{told:#}");
}

/// What could not be read is said, and no fact is made responsible for it.
#[test]
fn what_could_not_be_read_is_not_explained() {
    let temp = pair("vanilla310");
    change(&temp.path().join("web-02"), "0:0:0:0/timeout", "30", "soon");
    let told = json(temp.path(), &["web-01", "web-02"]);
    let difference = &told["differences"][0];
    assert_eq!(difference["longest"], json!(["web-01"]));
    assert_eq!(difference["others"], json!([]), "{difference:#}");
    let missing = &difference["could_not_tell"][0];
    assert_eq!(missing["guests"], json!(["web-02"]));
    assert!(missing["facts"].to_string().contains("sda.timeout"), "{missing}");
    assert!(text(temp.path(), &["web-01", "web-02"]).contains("web-02: could not tell: disks.sda.timeout"));
}

/// A thousand guests are a short table, and who differs is named.
#[test]
fn equal_guests_share_a_row() {
    let temp = pair("vanilla310");
    let (plain, odd) = (machine("vanilla310"), temp.path().join("web-02"));
    change(&odd, "0:0:0:0/timeout", "30", "180");
    let mut names: Vec<String> = Vec::new();
    for at in 100..400 {
        let name = format!("db-{at}");
        std::os::unix::fs::symlink(&plain, temp.path().join(&name)).unwrap();
        names.push(name);
    }
    names.push("web-02".to_owned());
    let args: Vec<&str> = names.iter().map(String::as_str).collect();
    let shown = text(temp.path(), &args);
    assert!(shown.contains("301 guests"), "{shown}");
    assert!(shown.contains("db-100 ... db-399 (300)"), "{shown}");
    assert!(shown.contains("/ lasts longest on web-02"), "{shown}");
    assert!(shown.lines().count() < 16, "{shown}");
    assert!(text(temp.path(), &[&args[..], &["-v"]].concat()).contains("db-250"));
}

#[test]
fn alike_guests_have_no_difference() {
    let temp = pair("iscsi-single");
    let told = json(temp.path(), &["web-01", "web-02/"]);
    assert_eq!(told["differences"], json!([]));
    assert_eq!(told["groups"][0]["guests"], json!(["web-01", "web-02"]));
    assert!(text(temp.path(), &["web-01", "web-02"]).contains("No mount point ends otherwise"));
    // One alone is a table.
    assert!(!text(temp.path(), &["web-01"]).contains("otherwise"));
}

/// The same answer as `survive` gives of each alone.
#[test]
fn the_table_says_what_survive_says() {
    let temp = tempfile::tempdir().unwrap();
    for fixture in fixtures::all() {
        let path = fixture.machine.to_str().unwrap();
        let told = json(temp.path(), &[path, "--stall", "150s"]);
        assert_eq!(told["policy"]["stall_s"], 150);
        let root = temp.path().to_str().unwrap();
        let survive = Command::new(env!("CARGO_BIN_EXE_hvtune"))
            .args(["--root", root, "--machine", path, "survive", "--stall", "150s", "--format", "json"])
            .output()
            .unwrap();
        let survive: Json = serde_json::from_slice(&survive.stdout).unwrap();
        let mounts = survive["mounts"].as_array().unwrap().iter().filter(|mount| mount["fstype"] != "swap");
        let mut seen = 0;
        for mount in mounts {
            let all = told["groups"][0]["mounts"].as_array().unwrap();
            let own = all.iter().find(|own| own["mount"] == mount["mount"]).unwrap();
            for (own, trouble) in
                own["troubles"].as_array().unwrap().iter().zip(mount["troubles"].as_array().unwrap())
            {
                assert_eq!(own["trouble"], trouble["trouble"]);
                for key in ["survives_s", "limit", "at_least", "restarts", "could_not_tell"] {
                    assert_eq!(own[key], trouble["now"][key], "{}: {key} of {own} {trouble}", fixture.name);
                }
            }
            seen += 1;
        }
        let all = told["groups"][0]["mounts"].as_array().unwrap().len();
        assert_eq!(all, seen, "{}", fixture.name);
    }
}

#[test]
fn bad_input_is_one_error() {
    let temp = pair("vanilla310");
    fs::create_dir(temp.path().join("empty")).unwrap();
    fs::write(temp.path().join("file"), "").unwrap();
    for (args, says) in [
        (&["web-01", "nowhere"][..], "compare ./nowhere: there is no such directory"),
        (&["web-01", "empty"], "compare ./empty: this is no capture, as machine.json is missing"),
        (&["web-01", "file"], "file"),
        (&["web-01", "web-01/"], "it is named twice"),
        (&["web-01", "--root", "/"], "'--root'"),
        (&["web-01", "--machine", "web-02"], "'--machine'"),
        (&["web-01", "--assume", "azure"], "'--assume'"),
        (&["web-01", "--stall", "soon"], "--stall soon"),
        (&[], "<CAPTURE>..."),
    ] {
        let output = run(temp.path(), args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

/// Four kinds of guest on 80 columns, whole; `BLESS=1` rewrites it.
#[test]
fn the_text_is_as_it_was_read() {
    let temp = tempfile::tempdir().unwrap();
    let guests = ["azure-nvme", "gen2-onprem", "iscsi-single", "vanilla310"];
    for name in guests {
        let to = temp.path().join(name);
        assert!(Command::new("cp").arg("-a").arg(machine(name)).arg(&to).status().unwrap().success());
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.arg("compare").args(guests).current_dir(temp.path()).env("COLUMNS", "80");
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compare/four.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(expected.parent().unwrap()).unwrap();
        fs::write(&expected, &told).unwrap();
    }
    assert_eq!(told, fs::read_to_string(&expected).unwrap());
}
