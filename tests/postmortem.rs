//! `hvtune postmortem` on logs of which is known what is to be concluded: `tests/incident/NAME` has the log, what
//! must be said of it, and where it comes from.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value as Json, json};

/// Seconds that a log with stamps of whole seconds leaves open, and iSCSI's own.
const TOLERANCE: i64 = 3;

fn cases() -> Vec<(String, PathBuf, Json)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incident");
    let mut cases: Vec<(String, PathBuf, Json)> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let expect = fs::read_to_string(path.join("expect.json")).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, path.join("log"), serde_json::from_str(&expect).unwrap())
        })
        .collect();
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(cases.len() >= 36, "{}", cases.len());
    cases
}

/// Runs it on an empty root, so that nothing of this machine counts.
fn hvtune(args: &[&str], input: Option<&[u8]>) -> Output {
    let root = tempfile::tempdir().unwrap();
    let at = ["--root", root.path().to_str().unwrap(), "postmortem"];
    run(&[&at[..], args].concat(), input)
}

fn run(args: &[&str], input: Option<&[u8]>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.unwrap_or_default().to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn json_of(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

/// What no incident is compared as.
fn none() -> Json {
    json!({"kind": "none", "lasts_at_least_s": 0, "would_be_ridden_out_by_default": "unknown"})
}

/// Whether two seconds are the same within the tolerance; null is only null.
fn is_near(one: &Json, other: &Json) -> bool {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => (one - other).abs() <= TOLERANCE,
        _ => one == other,
    }
}

fn words(text: &[u8]) -> String {
    String::from_utf8_lossy(text).split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[test]
fn every_log_is_told_as_it_was() {
    let mut faults: Vec<String> = Vec::new();
    for (name, log, expect) in cases() {
        let path = log.to_str().unwrap();
        let output = hvtune(&["--log", path, "--format", "json"], None);
        let told = json_of(&output);
        let incidents = told["incidents"].as_array().unwrap();
        let first = incidents.first().cloned().unwrap_or_else(none);
        for key in
            ["kind", "begins", "begins_wall", "first_to_give_up", "would_be_ridden_out_by_default", "ended"]
        {
            if expect[key] != first[key] {
                faults.push(format!("{name}: {key} is {}, not {}", first[key], expect[key]));
            }
        }
        for key in ["gave_up_after_s", "lasts_at_least_s"] {
            if !is_near(&expect[key], &first[key]) {
                faults.push(format!("{name}: {key} is {}, not {}", first[key], expect[key]));
            }
        }
        let kinds: Vec<&Json> = incidents.iter().map(|incident| &incident["kind"]).collect();
        let wanted = match (expect["kinds"].as_array(), expect["kind"] == "none") {
            (Some(kinds), _) => kinds.iter().collect(),
            (None, true) => Vec::new(),
            (None, false) => vec![&expect["kind"]],
        };
        if kinds != wanted {
            faults.push(format!("{name}: {kinds:?}, not {wanted:?}"));
        }
        let code = i32::from(!wanted.is_empty());
        let texts = [&["--log", path][..], &["--log", path, "-v"], &["--log", path, "--format", "html"]];
        let mut outputs = vec![output];
        outputs.extend(texts.map(|args| hvtune(args, None)));
        for output in &outputs {
            if output.status.code() != Some(code) {
                faults.push(format!("{name}: exit code {:?}, not {code}", output.status.code()));
            }
            for wrong in expect["must_not_say"].as_array().into_iter().flatten() {
                if words(&output.stdout).contains(&wrong.as_str().unwrap().to_lowercase()) {
                    faults.push(format!("{name}: says {wrong}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_log_says_where_it_comes_from() {
    for (name, log, _) in cases() {
        let about = fs::read_to_string(log.with_file_name("ABOUT.md")).unwrap();
        assert!(about.len() > 80, "{name}");
    }
}

/// Every line of evidence is one of the log, and what is named as the beginning is among them.
#[test]
fn evidence_is_lines_of_the_log() {
    for (name, log, _) in cases() {
        let lines = String::from_utf8_lossy(&fs::read(&log).unwrap()).matches('\n').count() as u64;
        let told = json_of(&hvtune(&["--log", log.to_str().unwrap(), "--format", "json"], None));
        assert_eq!(told["log"]["lines"], lines, "{name}");
        for incident in told["incidents"].as_array().unwrap() {
            let evidence: Vec<u64> =
                incident["evidence"].as_array().unwrap().iter().map(|line| line.as_u64().unwrap()).collect();
            assert!(!evidence.is_empty() && evidence.is_sorted(), "{name}: {evidence:?}");
            assert!(evidence.iter().all(|line| (1..=lines).contains(line)), "{name}: {evidence:?}");
            for statement in incident["statements"].as_array().unwrap() {
                let grade = statement["grade"].as_str().unwrap();
                let of = statement["lines"].as_array().unwrap();
                assert_eq!(grade == "cannot-tell", of.is_empty(), "{name}: {statement}");
            }
        }
    }
}

/// A pipe in pieces of any size, with or without a last line end, with other line ends, says the same.
#[test]
fn a_log_says_the_same_however_it_comes() {
    for (name, log, _) in cases() {
        let bytes = fs::read(&log).unwrap();
        let told = |bytes: &[u8]| {
            json_of(&hvtune(&["--log", "-", "--format", "json"], Some(bytes)))["incidents"].clone()
        };
        let plain = told(&bytes);
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        assert_eq!(told(bytes.strip_suffix(b"\n").unwrap_or(&bytes)), plain, "{name}");
        assert_eq!(told(text.replace('\n', "\r\n").as_bytes()), plain, "{name}");
        let zeros = [&[0; 4096][..], &bytes].concat();
        assert_eq!(told(&zeros), plain, "{name}");
    }
}

#[test]
fn a_log_that_is_none_is_one_clear_error() {
    let temp = tempfile::tempdir().unwrap();
    let packed = temp.path().join("kern.log.1.gz");
    fs::write(&packed, b"\x1f\x8b\x08\0\0\0\0\0\0\0\x01").unwrap();
    let dir = temp.path().to_str().unwrap();
    for (args, input, says) in [
        (&["--log", packed.to_str().unwrap()][..], None, "zcat FILE | hvtune postmortem --log -"),
        (&["--log", "-"], Some(&b"\xfd7zXZ\0\0\x04"[..]), "xzcat FILE | hvtune postmortem --log -"),
        (&["--log", "-"], Some(&b"\x28\xb5\x2f\xfd\x04"[..]), "zstdcat FILE | hvtune postmortem --log -"),
        (&["--log", "-"], Some(&b"\x1f\x8b"[..]), "zcat FILE | hvtune postmortem --log -"),
        (&["--log", "-"], Some(&b"LPKSHHRH\0"[..]), "journalctl --file FILE"),
        (&["--log", "-"], Some(b""), "it is empty"),
        (&["--log", dir], None, "it is a directory, not a log"),
        (&["--log", "no/such.log"], None, "No such file"),
        (&[], None, "journalctl -o short-iso -b -1 | hvtune postmortem --log -"),
    ] {
        let output = hvtune(args, input);
        let said = words(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(&says.to_lowercase()), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

/// What gzip or xz has packed, in one piece or in several, as a file or a pipe, is read like the text itself.
#[test]
fn a_packed_log_says_the_same() {
    let temp = tempfile::tempdir().unwrap();
    let pack = |with: &[&str], text: &[u8]| {
        let file = temp.path().join("log");
        fs::write(&file, text).unwrap();
        let output = Command::new(with[0]).args(&with[1..]).arg("-c").arg(&file).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let told = |args: &[&str], input: Option<&[u8]>| {
        json_of(&hvtune(&[args, &["--format", "json"]].concat(), input))["incidents"].clone()
    };
    let programs: [&[&str]; 3] =
        [&["gzip", "-9"], &["xz"], &["xz", "-0", "--check=sha256", "--block-size=1000"]];
    for with in programs {
        for (name, log, _) in cases() {
            let bytes = fs::read(&log).unwrap();
            let plain = told(&["--log", "-"], Some(&bytes));
            assert_eq!(told(&["--log", "-"], Some(&pack(with, &bytes))), plain, "{with:?} {name}");
            let (one, other) = bytes.split_at(bytes.len() / 3);
            let packed = temp.path().join("kern.log.2");
            fs::write(&packed, [pack(with, one), pack(with, other)].concat()).unwrap();
            assert_eq!(told(&["--log", packed.to_str().unwrap()], None), plain, "{with:?} {name}");
        }
        // One that was cut off, or is damaged, is no log without trouble.
        let text = "Jan  1 00:00:00 web-01 systemd[1]: Started Session 1 of user root.\n".repeat(99);
        let whole = pack(with, text.as_bytes());
        let refused = |packed: &[u8]| {
            let output = hvtune(&["--log", "-"], Some(packed));
            let said = words(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{with:?} {}: {said}", packed.len());
            assert!(said.contains("unpacking it: ") && said.contains("zcat file |"), "{with:?}: {said}");
        };
        for length in [whole.len() - 1, whole.len() - 12, whole.len() / 2, 13] {
            refused(&whole[..length]);
        }
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0x10;
        refused(&damaged);
    }
}

/// An xz file says itself how much memory it wants; one that wants too much is refused, and says what reads it.
#[test]
fn a_packed_log_gets_no_more_memory_than_there_is_for_one() {
    let packed = |level: &str| {
        let mut xz = Command::new("xz")
            .args([level, "-c"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        xz.stdin.take().unwrap().write_all(b"Jan  1 00:00:00 web-01 kernel: x\n").unwrap();
        xz.wait_with_output().unwrap().stdout
    };
    let status = |bytes: &[u8]| hvtune(&["--log", "-"], Some(bytes));
    assert_eq!(status(&packed("-8")).status.code(), Some(0));
    let output = status(&packed("-9"));
    assert_eq!(output.status.code(), Some(2));
    let said = words(&output.stderr);
    assert!(said.contains("more than 40 mib of memory; `xzcat file | hvtune postmortem"), "{said}");
}

/// The kernel's log of the root is taken where none is named.
#[test]
fn without_a_name_the_file_of_the_root_is_read() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("var/log")).unwrap();
    let (_, log, _) = cases().into_iter().find(|(name, ..)| name == "i03-iscsi-300s-then-readonly").unwrap();
    fs::copy(log, root.path().join("var/log/kern.log")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hvtune"))
        .arg("--root")
        .arg(root.path())
        .args(["postmortem", "--budget", "10min", "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let told = json_of(&output);
    assert_eq!(told["policy"]["stall_s"], 600);
    // With a budget of ten minutes the plan would have held longer than the log tells.
    assert_eq!(told["incidents"][0]["would_be_ridden_out_by_default"], "unknown");
}

/// A link of an image leads within the image, and never to a file of the host.
#[test]
fn a_log_of_the_root_is_read_within_the_root() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let (_, log, _) = cases().into_iter().find(|(name, ..)| name == "i03-iscsi-300s-then-readonly").unwrap();
    let target = outside.path().join("kern");
    fs::copy(log, &target).unwrap();
    let within = root.path().join(target.strip_prefix("/").unwrap());
    fs::create_dir_all(within.parent().unwrap()).unwrap();
    fs::write(&within, "Jan  1 00:00:00 web-01 systemd[1]: Started Session 1 of user root.\n").unwrap();
    fs::create_dir_all(root.path().join("var/log")).unwrap();
    std::os::unix::fs::symlink(&target, root.path().join("var/log/kern.log")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hvtune"))
        .arg("--root")
        .arg(root.path())
        .args(["postmortem", "--format", "json"])
        .output()
        .unwrap();
    let told = json_of(&output);
    assert_eq!((output.status.code(), told["log"]["lines"].as_u64()), (Some(0), Some(1)), "{told}");
}

/// A log that comes from somewhere says nothing of the machine at hand, nor that of it.
#[test]
fn the_machine_at_hand_is_not_taken_for_the_logs() {
    let log = "Jan  1 00:00:00 web-01 systemd[1]: Started Session 1 of user root.\n";
    let told = |format| run(&["postmortem", "--log", "-", "--format", format], Some(log.as_bytes()));
    assert_eq!(json_of(&told("json"))["host_kind"], serde_json::Value::Null);
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let page = String::from_utf8(told("html").stdout).unwrap();
    assert!(page.contains("What a log tells: standard input"), "{page}");
    assert!(!page.contains(&format!("{}, ", host.trim())), "{page}");
}

/// A carriage return begins a line anew within the same line of the file.
#[test]
fn a_line_that_goes_on_after_a_carriage_return_has_its_own_number() {
    let log =
        b"Feb 03 06:00:10 web1 systemd[1]: Reached\rdev-sdb.device: Job dev-sdb.device/start timed out.\n\
                Feb 03 06:01:40 web1 systemd[1]: Dependency failed for Local File Systems.\n";
    let told = json_of(&hvtune(&["--log", "-", "--format", "json"], Some(log)));
    let evidence = told["incidents"][0]["evidence"].as_array().unwrap();
    assert_eq!(evidence.first(), Some(&json!(1)), "{told:#}");
}
