//! Who else writes a setting, and who wins: what plan, apply and verify say of it.

use std::fs;

use serde_json::Value as Json;

use super::{Stage, code};

#[test]
fn contenders_are_named_with_the_winner() {
    let stage = Stage::new("gen2-onprem");
    stage.write("etc/sysctl.d/99-local.conf", "vm.swappiness = 60\n");
    stage.write("etc/sysctl.d/10-early.conf", "vm.swappiness = 30\n");
    let plan = stage.json(&["plan"]);
    let winner = |who: &str| {
        let rows = plan["contenders"].as_array().unwrap();
        let row = rows.iter().find(|row| row["who"] == who).unwrap_or_else(|| panic!("{who}: {rows:?}"));
        row["winner"].as_str().unwrap().to_owned()
    };
    assert_eq!(winner("etc/sysctl.d/99-local.conf:1"), "etc/sysctl.d/99-local.conf:1");
    assert_eq!(winner("etc/sysctl.d/10-early.conf:1"), "etc/sysctl.d/99-local.conf:1");
}

/// Whoever has the last word over us is named by apply too, and verify says overridden with the value that holds.
#[test]
fn apply_names_who_overrides_it() {
    let stage = Stage::new("gen2-onprem");
    stage.write("etc/sysctl.d/99-local.conf", "vm.swappiness = 60\n");
    let applied = stage.run(&["apply"]);
    let said = String::from_utf8(applied.stdout.clone()).unwrap();
    assert_eq!(code(&applied), 0);
    assert!(
        said.contains("Overridden by somebody else\n  vm.swappiness: /etc/sysctl.d/99-local.conf:1"),
        "{said}"
    );
    let verified = stage.run(&["verify", "--format", "json"]);
    assert_eq!(code(&verified), 1);
    let rows: Json = serde_json::from_slice(&verified.stdout).unwrap();
    let row = rows["rows"].as_array().unwrap().iter().find(|row| row["knob"] == "vm.swappiness").unwrap();
    assert_eq!((&row["state"], &row["found"]), (&"overridden".into(), &60.into()));
}

/// A link to /dev/null in our place is the administrator's decision: all else is written, and verify says
/// that ours is not read.
#[test]
fn a_masked_file_is_let_be() {
    let stage = Stage::new("gen2-onprem");
    stage.write("etc/tuned/active_profile", "virtual-guest\n");
    fs::create_dir_all(stage.root.path().join("etc/sysctl.d")).unwrap();
    let place = stage.root.path().join("etc/sysctl.d/90-hvtune.conf");
    std::os::unix::fs::symlink("/dev/null", &place).unwrap();
    let applied = stage.run(&["apply"]);
    let said = String::from_utf8(applied.stdout.clone()).unwrap();
    assert_eq!(code(&applied), 0, "{said}");
    assert!(said.contains("masked   /etc/sysctl.d/90-hvtune.conf"), "{said}");
    assert!(
        said.contains("created  /usr/lib/systemd/system/systemd-journald.service.d/90-hvtune.conf"),
        "{said}"
    );
    let verified = stage.run(&["verify"]);
    assert_eq!(code(&verified), 1);
    assert!(String::from_utf8(verified.stdout).unwrap().contains("overridden"));
    assert_eq!(code(&stage.run(&["revert"])), 0);
    assert!(fs::symlink_metadata(&place).unwrap().is_symlink());
}

/// systemd-sysctl keeps the place of a key that is set again to an equal value; procps does not.
#[test]
fn the_winner_of_an_exclusive_pair_is_by_the_readers_own_order() {
    for (again, winner, says) in [
        ("20", "hvtune", "`sysctl --system` of procps, run by hand, ends with it"),
        ("30", "etc/sysctl.d/99-local.conf:1", "it acts after ours"),
    ] {
        let stage = Stage::new("gen2-onprem");
        stage.write("etc/sysctl.d/10-early.conf", "vm.dirty_ratio = 20\n");
        stage.write("etc/sysctl.d/99-local.conf", &format!("vm.dirty_ratio = {again}\n"));
        let plan = stage.json(&["plan"]);
        let rows = plan["contenders"].as_array().unwrap();
        let about = |row: &&Json| row["knob"] == "vm.dirty_bytes";
        let of = |who: &str| rows.iter().filter(about).find(|row| row["who"] == who).unwrap();
        let late = of("etc/sysctl.d/99-local.conf:1");
        assert_eq!(late["knob"], "vm.dirty_bytes");
        assert_eq!(late["winner"], winner, "{again}");
        assert!(late["because"].as_str().unwrap().contains(says), "{late}");
        assert_eq!(of("etc/sysctl.d/10-early.conf:1")["winner"], winner, "{again}");
    }
}

/// Early boot sees fewer disks than a later run does: the reasons differ, the settings do not.
#[test]
fn other_words_are_no_drift_and_early_boot_lets_them_stand() {
    let stage = Stage::new("gen2-onprem");
    stage.makes_no_menu();
    let template = "etc/hvtune/templates/sysctl.conf.tera";
    let embedded = include_str!("../../templates/sysctl.conf.tera");
    stage.write(template, &format!("# other words\n{embedded}"));
    assert_eq!(code(&stage.run(&["apply"])), 0);
    fs::remove_file(stage.root.path().join(template)).unwrap();
    let path = stage.root.path().join("usr/lib/sysctl.d/90-hvtune.conf");
    let worded = fs::read_to_string(&path).unwrap();
    assert!(worded.contains("# other words"));
    assert_eq!(code(&stage.run(&["verify"])), 0);
    assert_eq!(code(&stage.run(&["apply", "--early"])), 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), worded);
    assert_eq!(code(&stage.run(&["--stall", "300s", "verify"])), 1);
    assert_eq!(code(&stage.run(&["plan", "--exit-code"])), 1);
    assert_eq!(code(&stage.run(&["apply"])), 0);
    assert!(!fs::read_to_string(&path).unwrap().contains("# other words"));
}

/// Neither `/boot` nor a `/var` of its own is mounted then.
#[test]
fn early_boot_leaves_what_is_not_mounted() {
    let stage = Stage::new("gen2-onprem");
    assert_eq!(code(&stage.run(&["apply"])), 0);
    let fragment = stage.root.path().join("etc/default/grub.d/90-hvtune.cfg");
    let written = fs::read(&fragment).unwrap();
    fs::remove_dir_all(stage.root.path().join("boot")).unwrap();
    fs::create_dir(stage.root.path().join("boot")).unwrap();
    assert_eq!(code(&stage.run(&["apply", "--early"])), 0);
    assert_eq!(fs::read(&fragment).unwrap(), written);
    let bare = Stage::new("gen2-onprem");
    let var = bare.root.path().join("var");
    let _ = fs::remove_dir_all(&var);
    assert_eq!(code(&bare.run(&["apply", "--early"])), 0);
    assert!(!var.exists() && bare.root.path().join("usr/lib/sysctl.d/90-hvtune.conf").exists());
}

/// The form of the old guides: a program of RUN runs when all rules are through, however early its file.
#[test]
fn a_program_of_a_rule_wins_over_ours() {
    let stage = Stage::new("iscsi-single");
    let rule = "SUBSYSTEMS==\"scsi\", RUN+=\"/bin/sh -c 'echo 30 >/sys$DEVPATH/device/timeout'\"\n";
    stage.write("etc/udev/rules.d/10-old.rules", rule);
    let plan = stage.json(&["plan"]);
    let rows = plan["contenders"].as_array().unwrap();
    let row = rows.iter().find(|row| row["who"] == "etc/udev/rules.d/10-old.rules:1").unwrap();
    assert_eq!(row["winner"], row["who"]);
    assert_eq!(row["knob"], "device/timeout");
}
