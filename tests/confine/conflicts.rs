//! Files that are somebody's, and policies that are not understood.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value as Json;

use crate::stage::{STATE, Stage, WRITTEN, assert_same, tree, without_times_of_dirs};

/// The action that `plan` shows for a path.
fn planned(stage: &Stage, path: &str) -> Json {
    let run = stage.hvtune(&["plan", "--format", "json"]).judged(path, &[0]);
    let plan: Json = serde_json::from_str(&run.out).unwrap();
    plan["changes"].as_array().unwrap().iter().find(|change| change["path"] == path).unwrap()["action"]
        .clone()
}

/// An edited file and a foreign one are kept, and none of the others is written either.
#[test]
fn a_file_that_is_not_as_we_wrote_it_is_kept() {
    for path in WRITTEN {
        for edited in [true, false] {
            let what = format!("{path}, {}", if edited { "edited" } else { "foreign" });
            let stage = Stage::new();
            if edited {
                stage.hvtune(&["apply"]).judged(&what, &[0]);
                let mut bytes = fs::read(stage.root(path)).unwrap();
                bytes.extend(b"# mine\n");
                fs::write(stage.root(path), bytes).unwrap();
            } else {
                stage.put(&format!("root/{path}"), "# mine\n");
            }
            fs::set_permissions(stage.root(path), fs::Permissions::from_mode(0o640)).unwrap();
            stage.other_policy();
            let before = tree(&stage.at("root"));
            assert_eq!(planned(&stage, path), "conflict", "{what}");
            let differs = stage.hvtune(&["plan", "--exit-code"]).judged(&what, &[1]);
            assert!(differs.out.contains("conflict"), "{what}: {}", differs.out);
            stage.hvtune(&["verify"]).judged(&what, &[1]);
            assert_same(&what, &before, &tree(&stage.at("root")));
            let run = stage.hvtune(&["apply"]).judged(&what, &[2]);
            assert!(run.err.contains(path) && run.err.contains("nothing was written"), "{what}: {}", run.err);
            assert_same(&what, &before, &tree(&stage.at("root")));
            // A foreign file is nothing that apply wrote; an edited one is left, and nothing else of ours.
            stage.hvtune(&["revert"]).judged(&what, &[u8::from(edited).into()]);
            let after = tree(&stage.at("root"));
            assert_eq!(before.get(Path::new(path)), after.get(Path::new(path)), "{what}");
            if !edited {
                assert_same(&what, &without_times_of_dirs(before), &without_times_of_dirs(after));
            }
        }
    }
}

/// One edited file is left, with the directories that lead to it, until it is as we wrote it or gone.
#[test]
fn revert_takes_back_all_but_what_was_edited() {
    for path in WRITTEN {
        for deleted in [false, true] {
            let stage = Stage::new();
            let pristine = without_times_of_dirs(tree(&stage.at("root")));
            stage.hvtune(&["apply"]).judged(path, &[0]);
            let ours = fs::read(stage.root(path)).unwrap();
            fs::write(stage.root(path), [&ours[..], b"# mine\n"].concat()).unwrap();
            let mut last = None;
            for _ in 0..2 {
                let run = stage.hvtune(&["revert", "--format", "json"]).judged(path, &[1]);
                assert_eq!(run.err.lines().filter(|line| line.contains(path)).count(), 1, "{}", run.err);
                let said: Json = serde_json::from_str(&run.out).unwrap();
                assert_eq!(said["kept"][0]["path"], path);
                let now = without_times_of_dirs(tree(&stage.at("root")));
                let more = now.keys().filter(|one| !pristine.contains_key(*one));
                assert!(more.clone().any(|one| one == Path::new(path)));
                let needed = |one: &Path| [path, STATE].iter().any(|kept| Path::new(kept).starts_with(one));
                assert!(more.clone().all(|one| needed(one)), "{path}: {:?}", more.collect::<Vec<_>>());
                assert!(last.is_none_or(|last| last == now), "{path}: a second revert changed something");
                last = Some(now);
            }
            if deleted {
                fs::remove_file(stage.root(path)).unwrap();
            } else {
                fs::write(stage.root(path), ours).unwrap();
            }
            stage.hvtune(&["revert"]).judged(path, &[0]);
            assert_same(path, &pristine, &without_times_of_dirs(tree(&stage.at("root"))));
        }
    }
}

/// A record that somebody edited is left as well, and named.
#[test]
fn revert_keeps_an_edited_record() {
    let stage = Stage::new();
    stage.hvtune(&["apply"]).judged(STATE, &[0]);
    let edited = [fs::read(stage.root(STATE)).unwrap(), b"mine\n".to_vec()].concat();
    fs::write(stage.root(STATE), &edited).unwrap();
    let run = stage.hvtune(&["revert"]).judged(STATE, &[1]);
    assert!(run.err.contains(STATE), "{}", run.err);
    assert_eq!(fs::read(stage.root(STATE)).unwrap(), edited);
    assert!(WRITTEN.iter().all(|path| !stage.root(path).exists()));
    fs::remove_file(stage.root(STATE)).unwrap();
    stage.hvtune(&["revert"]).judged(STATE, &[0]);
}

/// The record of directories made is ours as well.
#[test]
fn an_edited_record_is_kept() {
    let stage = Stage::new();
    stage.hvtune(&["apply"]).judged(STATE, &[0]);
    fs::write(stage.root(STATE), "mine\n").unwrap();
    let before = tree(&stage.at("root"));
    stage.hvtune(&["apply"]).judged(STATE, &[0]);
    assert_same(STATE, &before, &tree(&stage.at("root")));
}

/// Bytes that look like a marker of ours are one only if the hash is right.
#[test]
fn a_forged_marker_is_somebody_elses() {
    let body = "-vm.swappiness = 99\n";
    let right = hvtune::marker::marker_line(body.as_bytes());
    let wrong = right.replace("sha256:", "sha256:0");
    for (marker, code) in [
        (right.as_str(), 0),
        (&wrong, 2),
        ("# hvtune 0.1.0 sha256:\n", 2),
        ("# hvtune  sha256:0000000000000000\n", 2),
        ("#hvtune\n", 2),
        ("", 2),
    ] {
        let stage = Stage::new();
        let path = "usr/lib/sysctl.d/90-hvtune.conf";
        stage.put(&format!("root/{path}"), format!("{marker}{body}"));
        stage.hvtune(&["apply"]).judged(marker, &[code]);
        let kept = fs::read_to_string(stage.root(path)).unwrap() == format!("{marker}{body}");
        assert_eq!(kept, code == 2, "{marker:?}");
    }
}

/// What is not understood is named with its line and the nearest right word, and nothing is written.
#[test]
fn a_policy_that_is_not_understood() {
    for (text, line, nearest) in [
        ("stal = \"180s\"\n", 1, "`stall`"),
        ("# comment\n\nrecover = \"hold\"\n", 3, "`recovery`"),
        ("stall = \"180s\"\nrecovery = \"self-heel\"\n", 2, "`self-heal`"),
        ("off = [\"disk.read_ahaed\"]\n", 1, "`disk.read_ahead`"),
        ("off = [\n  \"disk.scheduler\",\n  \"vm.swapiness\",\n]\n", 3, "`vm.swappiness`"),
        ("[set]\nvm.swapiness = 10\n", 2, "`vm.swappiness`"),
        ("[set]\n\"queue/sheduler\" = \"none\"\n", 2, "`queue/scheduler`"),
        ("[set]\n\"vm.swappiness\" = 201\n", 2, "0 to 200"),
        ("[set]\n\"vm.swappiness\" = \"10; reboot\"\n", 2, "0 to 200"),
        ("[set]\n\"queue/scheduler\" = \"none\\\", RUN+=\\\"x\"\n", 2, "mq-deadline"),
        ("[set]\n\"queue/scheduler\" = [\"none\"]\n", 2, "one of none"),
        ("[sett]\n\"vm.swappiness\" = 1\n", 1, "`set`"),
        ("stall = \"9s\"\n", 1, "10 s to 86400 s"),
        ("stall = 1e9\n", 1, "`stall`"),
        ("stall = 60\nstall = 70\n", 2, "duplicate key"),
        ("stall = \n", 1, "expected"),
        ("\u{feff}\nstall\n", 2, "expected"),
    ] {
        for given in [false, true] {
            let mut stage = Stage::new();
            stage.config = given;
            let path = if given { "policy.toml" } else { "root/etc/hvtune.toml" };
            stage.put(path, text);
            let before = tree(&stage.at("root"));
            for args in [&["apply"][..], &["plan"], &["verify"], &["detect"], &["revert"]] {
                let run = stage.hvtune(args).judged(text, &[2]);
                let place = format!("{}:{line}: ", path.trim_start_matches("root/"));
                assert!(run.err.contains(&place) && run.err.contains(nearest), "{text:?}: {}", run.err);
            }
            assert_same(text, &before, &tree(&stage.at("root")));
        }
    }
}

/// Depth and size of a policy are bounded.
#[test]
fn a_policy_of_any_shape_ends() {
    for text in [
        format!("off = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)),
        format!("[set]\n{} = 1\n", vec!["a"; 200_000].join(".")),
        format!("[{}]\n", vec!["a"; 200_000].join(".")),
        format!("set = {}1{}\n", "{a=".repeat(50_000), "}".repeat(50_000)),
        "[[set]]\n".repeat(20_000),
        format!("stall = {}\n", "9".repeat(1_000_000)),
        format!("off = [{}]\n", "\"disk.scheduler\",".repeat(50_000)),
    ] {
        let stage = Stage::new();
        stage.put("policy.toml", &text);
        let head: String = text.chars().take(40).collect();
        stage.hvtune(&["apply"]).judged(&head, &[0, 2]);
    }
}
