//! Files of others that apply edits and revert gives back.

use std::fs;

use serde_json::Value as Json;

use super::{Stage, code, is_trouble, stderr};

const RECORD: &str = "etc/iscsi/nodes/iqn.2024-01.example:data/192.0.2.10,3260,1/default";

#[test]
fn files_of_others_come_back_to_the_byte_whatever_changed_around() {
    let stage = Stage::new("iscsi-single");
    let conf = "etc/iscsi/iscsid.conf";
    let read = |path: &str| fs::read_to_string(stage.root.path().join(path)).unwrap();
    let before = [conf, RECORD].map(read);
    assert_eq!(code(&stage.run(&["apply"])), 0);
    for path in [conf, RECORD] {
        assert!(read(path).contains("\nnode.session.timeo.replacement_timeout = 180\n"), "{path}");
    }
    // The administrator goes on with his file, above, between and below our lines.
    let theirs = |text: &str| {
        let text = text.replace("login_timeout = 15", "login_timeout = 20 ");
        format!("# mine\n{text}node.session.iscsi.FastAbort = Yes")
    };
    for path in [conf, RECORD] {
        stage.write(path, &theirs(&read(path)));
    }
    assert_eq!(code(&stage.run(&["apply"])), 0, "and a further apply does not mind");
    assert_eq!(code(&stage.run(&["revert"])), 0);
    for (path, before) in [conf, RECORD].into_iter().zip(before) {
        assert_eq!(read(path), theirs(&before), "{path}");
    }
    assert!(!stage.root.path().join("var/lib/hvtune").exists());
}

#[test]
fn a_value_that_somebody_changed_since_is_his() {
    let stage = Stage::new("iscsi-single");
    stage.makes_no_menu();
    let read = || fs::read_to_string(stage.root.path().join(RECORD)).unwrap();
    assert_eq!(code(&stage.run(&["apply"])), 0);
    stage.write(RECORD, &read().replace("replacement_timeout = 180", "replacement_timeout = 600"));
    assert_eq!(code(&stage.run(&["apply"])), 0);
    assert_eq!(code(&stage.run(&["verify"])), 0);
    assert_eq!(code(&stage.run(&["revert"])), 0);
    assert!(read().contains("replacement_timeout = 600\n"), "{}", read());
    // Switched off, our lines are taken back by the next apply.
    assert_eq!(code(&stage.run(&["apply", "--stall", "700"])), 0);
    assert!(read().contains("replacement_timeout = 700\n"), "{}", read());
    stage.write("etc/hvtune.toml", "off = [\"iscsi.recovery\"]\n");
    assert_eq!(code(&stage.run(&["apply"])), 0);
    assert!(read().contains("replacement_timeout = 600\n"), "{}", read());
    assert_eq!(code(&stage.run(&["plan", "--exit-code"])), 0);
}

/// A line of ours that somebody changed is left, named and remembered, until it is as it was, as we wrote
/// it, or gone; all else comes back at once.
#[test]
fn revert_leaves_a_line_that_somebody_changed_since() {
    let ours = "replacement_timeout = 180";
    for (mended, restored) in [
        ("replacement_timeout = 120", "replacement_timeout = 120"),
        (ours, "replacement_timeout = 120"),
        ("unknown = 1", "unknown = 1"),
    ] {
        let stage = Stage::new("iscsi-single");
        let conf = "etc/iscsi/iscsid.conf";
        let read = |path: &str| fs::read_to_string(stage.root.path().join(path)).unwrap();
        let (before, record) = (read(conf), read(RECORD));
        assert_eq!(code(&stage.run(&["apply"])), 0);
        stage.write(conf, &read(conf).replace(ours, "replacement_timeout = 600"));
        for turn in 0..2 {
            let output = stage.run(&["revert", "--format", "json"]);
            assert_eq!(code(&output), 1, "{}", stderr(&output));
            assert!(
                stderr(&output).contains(conf) && stderr(&output).contains("= 120`"),
                "{}",
                stderr(&output)
            );
            let said: Json = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(said["kept"].as_array().unwrap().len(), 1, "{said}");
            assert_eq!(said["changes"].as_array().unwrap().is_empty(), turn == 1, "{said}");
            assert_eq!(read(conf), before.replace("replacement_timeout = 120", "replacement_timeout = 600"));
            assert_eq!(read(RECORD), record);
            assert!(!stage.root.path().join("usr/lib/udev/rules.d/90-hvtune.rules").exists());
            assert_eq!(read("var/lib/hvtune/edits").lines().count(), 2);
        }
        stage.write(conf, &read(conf).replace("replacement_timeout = 600", mended));
        let output = stage.run(&["revert"]);
        assert_eq!(code(&output), 0, "{mended}: {}", stderr(&output));
        assert_eq!(read(conf), before.replace("replacement_timeout = 120", restored), "{mended}");
        assert!(!stage.root.path().join("var/lib/hvtune").exists());
    }
}

/// An option of ours stays in a line of fstab that somebody changed, so the line is named.
#[test]
fn revert_names_a_line_of_fstab_that_somebody_changed_since() {
    let stage = Stage::new("self-heal");
    let read = || fs::read_to_string(stage.root.path().join("etc/fstab")).unwrap();
    let before = read();
    assert_eq!(code(&stage.run(&["apply"])), 0);
    let line = read().lines().find(|line| line.contains("errors=panic")).unwrap().to_owned();
    let theirs = line.replace("errors=panic", "errors=panic,noatime");
    stage.write("etc/fstab", &read().replace(&line, &theirs));
    let output = stage.run(&["revert"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("etc/fstab"), "{}", stderr(&output));
    assert!(read().contains(&theirs));
    stage.write("etc/fstab", &before);
    assert_eq!(code(&stage.run(&["revert"])), 0);
    assert_eq!(read(), before);
    assert!(!stage.root.path().join("var/lib/hvtune").exists());
}

/// The record of restarts goes with all else of ours; one that somebody changed is left and named.
#[test]
fn revert_takes_the_record_of_restarts_along() {
    let record = "var/lib/hvtune/restarts";
    let ours = String::from_utf8(hvtune::emergency::counted(&[], 1_764_465_245)).unwrap();
    let changed = ours.replace("1764465245", "1764465246");
    for (text, rc) in [(&ours, 0), (&changed, 1)] {
        let stage = Stage::new("self-heal");
        assert_eq!(code(&stage.run(&["apply"])), 0);
        stage.write(record, text);
        let output = stage.run(&["revert"]);
        assert_eq!(code(&output), rc, "{}", stderr(&output));
        assert_eq!(stderr(&output).contains(record), rc == 1, "{}", stderr(&output));
        assert_eq!(stage.root.path().join(record).exists(), rc == 1);
        assert_eq!(stage.root.path().join("var/lib/hvtune").exists(), rc == 1);
    }
}

#[test]
fn no_secret_of_a_node_record_is_shown() {
    let stage = Stage::new("iscsi-single");
    let text = fs::read_to_string(stage.root.path().join(RECORD)).unwrap();
    let key = "node.session.timeo.replacement_timeout";
    stage.write(RECORD, &text.replace(key, &format!("node.session.auth.password = hunter2\n{key}")));
    for args in [&["plan", "--diff", "-v"][..], &["plan", "--format", "json"], &["apply", "--format", "json"]]
    {
        let output = stage.run(args);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("replacement_timeout") && !said.contains("hunter2"), "{args:?}: {said}");
    }
    let record = stage.root.path().join("var/lib/hvtune/edits");
    assert!(!fs::read_to_string(record).unwrap().contains("hunter2"));
    // A link is somebody's arrangement: nothing at all is written.
    let stage = Stage::new("iscsi-single");
    let at = stage.root.path().join(RECORD);
    fs::rename(&at, at.with_extension("real")).unwrap();
    std::os::unix::fs::symlink("default.real", &at).unwrap();
    assert_eq!(code(&stage.run(&["apply"])), 0, "a link in the records is no record");
    let conf = stage.root.path().join("etc/iscsi/iscsid.conf");
    assert_eq!(code(&stage.run(&["revert"])), 0);
    fs::rename(&conf, conf.with_extension("real")).unwrap();
    std::os::unix::fs::symlink("iscsid.real", &conf).unwrap();
    is_trouble(&stage.run(&["apply"]), &["iscsid.conf", "link"]);
    assert!(!stage.root.path().join("usr/lib/sysctl.d/90-hvtune.conf").exists());
}
