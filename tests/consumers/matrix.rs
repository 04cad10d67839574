//! Every maker of an initramfs, each way that it is configured: what hvtune says to be in the image is in it, and
//! what it says to be left out is not. A sample of it, and all of it where `HVTUNE_FULL` is 1
//! (`tests/consumers/initramfs-matrix`), or one release of it by its name.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::stage::{Stage, Suite};

/// A release's maker and a configuration of matrix.sh; whether it is in the sample.
const ROWS: &[(Suite, &str, bool)] = &[
    (Suite::Bookworm, "most", false),
    (Suite::Bookworm, "both", false),
    (Suite::Trixie, "most", true),
    (Suite::Trixie, "both", false),
    (Suite::Trixie, "dep-list", false),
    (Suite::DracutBookworm, "hostonly", false),
    (Suite::DracutBookworm, "generic", false),
    (Suite::DracutBookworm, "told", false),
    (Suite::Dracut, "hostonly", false),
    (Suite::Dracut, "generic", true),
    (Suite::Dracut, "named", false),
    (Suite::Dracut, "told", false),
    (Suite::DracutSid, "hostonly", true),
    (Suite::DracutSid, "generic", false),
    (Suite::DracutSid, "named", false),
    (Suite::DracutSid, "told", false),
    (Suite::DracutSid, "without-systemd", false),
];

fn part<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("=== {name}\n")).unwrap_or_else(|| panic!("{name}: {text}"));
    rest.split("=== ").next().unwrap()
}

/// Why the step of making the initramfs anew is there; empty where it is not.
fn because(document: &str) -> String {
    let document: Value = serde_json::from_str(document).unwrap();
    let steps = document["pending"].as_array().unwrap();
    let of_initramfs = |step: &&Value| step["step"] == "initramfs";
    let because = steps.iter().find(of_initramfs).map(|step| step["because"].as_str().unwrap().to_owned());
    because.unwrap_or_default()
}

/// initramfs-tools has all rules below `/usr/lib`, and `/lib` is the same.
fn where_it_lands(path: &str) -> [String; 2] {
    let vendor = path.replacen("etc/udev/", "usr/lib/udev/", 1);
    [path.to_owned(), vendor]
}

fn judge(suite: Suite, row: &str) {
    let stage = Stage::new(suite);
    stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
    let ran = stage.run(&format!("row={row}\n{}", include_str!("matrix.sh"))).ok();
    let text = &ran.stdout;
    let inside: BTreeSet<String> = part(text, "inside")
        .lines()
        .map(|path| if path.starts_with("lib/") { format!("usr/{path}") } else { path.to_owned() })
        .collect();
    let said = because(part(text, "revert"));
    assert!(!said.contains("earlier"), "{suite:?} {row}: {said}");
    let (holds, may_hold) = said.split_once("may hold a copy of").unwrap_or((&said, ""));
    let tools = matches!(suite, Suite::Bookworm | Suite::Trixie);
    let mut held = 0;
    // What a service of the initramfs is told ends with the initramfs, and is not named.
    for path in part(text, "ours").lines().filter(|path| !path.contains("/systemd/system/")) {
        let lands = where_it_lands(path);
        let is_inside = lands.iter().take(if tools { 2 } else { 1 }).any(|path| inside.contains(path));
        let named = format!("/{path}");
        let is_in = |text: &str| text.split([' ', ',', ';']).any(|word| word == named);
        if is_in(holds) {
            assert!(is_inside, "{suite:?} {row}: {path} is not inside: {said}");
            held += 1;
        } else if !is_in(may_hold) {
            assert!(!is_inside, "{suite:?} {row}: {path} is inside: {said}");
        }
    }
    assert!(held >= 1 && names_image(&said), "{suite:?} {row}: {said}");

    let drivers: Vec<&str> = part(text, "drivers").lines().collect();
    let warned = because(part(text, "plan"));
    let lacks = warned.contains("may not boot on Hyper-V");
    assert_eq!(drivers.contains(&"hv_storvsc"), !lacks, "{suite:?} {row}: {drivers:?}: {warned}");
    assert!(lacks || drivers.contains(&"hv_vmbus"), "{suite:?} {row}: {drivers:?}: {warned}");
    println!("{suite:?} {row}: {held} files of ours, {} drivers", drivers.len());
}

fn names_image(said: &str) -> bool {
    said.contains("the initramfs /boot/initrd.img-")
}

#[test]
fn what_is_said_to_be_inside_is_inside() {
    let full = std::env::var("HVTUNE_FULL").unwrap_or_default();
    let is_asked = |suite: Suite| full == "1" || full == format!("{suite:?}");
    let mut judged = 0;
    for (suite, row, in_sample) in ROWS {
        if is_asked(*suite) || (*in_sample && full.is_empty()) {
            judge(*suite, row);
            judged += 1;
        }
    }
    assert!(judged >= 2, "{full}: no release of the table");
}
