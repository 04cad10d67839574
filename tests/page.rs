//! The page of `survive --format html`, opened in a headless Chromium on a phone, on a screen by day and
//! by night, and on paper: what is drawn, what is said, what is read with ease, and that nothing is
//! fetched.
//!
//! `BLESS=1 cargo test --test page picture` makes the picture of the README anew.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "page/browser.rs"]
mod browser;
mod fixtures;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use browser::{Measured, View, fetched, measured, printed, screenshot};
use fixtures::Fixture;
use serde_json::Value as Json;

/// Those that a person is likely to attach, the largest, and one that is no guest.
const MACHINES: [&str; 6] =
    ["iscsi-single", "gen2-onprem", "iscsi-multipath", "disks-256", "crypt-lvm", "surface"];

/// Colours of bars by day, on paper too.
const NOW: [u8; 3] = [0x2b, 0x6c, 0xb0];
const PLAN: [u8; 3] = [0x3f, 0x8f, 0x5b];
const TRACK: [u8; 3] = [0xe8, 0xe8, 0xe8];
const END: [u8; 3] = [0xc0, 0x39, 0x2b];

fn fixture(name: &str) -> Fixture {
    fixtures::all().into_iter().find(|fixture| fixture.name == name).unwrap()
}

fn survive(fixture: &Fixture, root: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hvtune"))
        .arg("--root")
        .arg(root)
        .arg("--machine")
        .arg(&fixture.machine)
        .arg("survive")
        .args(args)
        .env("SOURCE_DATE_EPOCH", "1795904037")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn page(name: &str) -> String {
    let fixture = fixture(name);
    survive(&fixture, &fixture.root(), &["--format", "html"])
}

/// Whatever is wrong with how a page is laid out.
fn faults(measured: &Measured) -> Vec<String> {
    let mut faults = Vec::new();
    if measured.scrolls > measured.width {
        faults.push(format!("{} wide in a window of {}", measured.scrolls, measured.width));
    }
    faults.extend(measured.wide.iter().map(|what| format!("beyond the edge: {what}")));
    faults.extend(measured.over.iter().map(|what| format!("over another text: {what}")));
    // WCAG 2.1, 1.4.3: https://www.w3.org/TR/WCAG21/#contrast-minimum
    faults.extend(measured.pale.iter().map(|what| format!("contrast below 4.5: {what}")));
    faults
}

#[test]
fn every_page_fits_a_phone_and_a_screen_by_day_and_by_night() {
    for name in MACHINES {
        let page = page(name);
        for view in [View::phone(), View::desk(), View::phone().at_night()] {
            let measured = measured(&page, view);
            assert_eq!(measured.width, view.width, "{name}");
            assert_eq!(faults(&measured), Vec::<String>::new(), "{name} {view:?}");
            assert!(measured.bars.len() >= 4 && measured.letters > 300, "{name}: {measured:?}");
            assert_eq!(measured.dark, view.night, "{name}");
        }
    }
}

/// The check has teeth.
#[test]
fn what_does_not_fit_or_is_pale_is_seen() {
    let page = page("iscsi-single");
    let with =
        |html: &str| faults(&measured(&page.replace("</body>", &format!("{html}</body>")), View::phone()));
    let wide = with("<p style='width:500px'>wide</p>");
    assert!(wide.iter().any(|fault| fault.contains("516 wide")), "{wide:?}");
    let faint = with("<p style='color:#999'>pale</p>");
    assert_eq!(faint, ["contrast below 4.5: pale"]);
    let over = page.replace("y=\"13\"", "y=\"28\"");
    let over = faults(&measured(&over, View::phone()));
    assert!(over.iter().any(|fault| fault.starts_with("over another text: Silence")), "{over:?}");
}

/// Every mount stands in the summary with a verdict in words, or in a fold that says how many it holds.
#[test]
fn every_mount_has_a_verdict_in_words() {
    let verdicts = [
        "✓ survives",
        "▲ lost now, survives with the plan",
        "▲ lost now, survives with the plan after a reboot",
        "✗ short of the budget",
        "? could not tell",
    ];
    for fixture in fixtures::all() {
        let page = survive(&fixture, &fixture.root(), &["--format", "html"]);
        let json: Json =
            serde_json::from_str(&survive(&fixture, &fixture.root(), &["--format", "json"])).unwrap();
        let mounts = json["mounts"].as_array().unwrap().len();
        let summary = page.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
        let mut told = 0;
        for row in summary.lines().filter(|line| line.starts_with("<tr>")) {
            let verdict = row.rsplit("\">").next().unwrap().strip_suffix("</td></tr>").unwrap();
            assert!(verdicts.contains(&verdict), "{}: {verdict:?}", fixture.name);
            let under = row.split("<small>").nth(1).unwrap().split(" mounts").next().unwrap();
            told += under.parse::<usize>().unwrap_or(1);
        }
        assert_eq!(told, mounts, "{}: {summary}", fixture.name);
        assert_eq!(page.matches("<section class=\"mount\"").count(), summary.matches("<tr>").count());
    }
}

#[test]
fn equal_mounts_are_told_once() {
    let page = page("disks-256");
    assert!(page.contains(">/data/0001 … /data/0016</a><small>16 mounts: sdb … sdq, each xfs"), "{page}");
    assert_eq!(page.matches("<section class=\"mount\"").count(), 2);
    assert_eq!(self::page("iscsi-single").matches("<section class=\"mount\"").count(), 4);
}

/// What a person who knows none of our words would not understand.
#[test]
fn no_raw_name_is_shown() {
    for fixture in fixtures::all() {
        let page = survive(&fixture, &fixture.root(), &["--format", "html"]);
        for raw in [
            "silent-unit",
            "path-loss",
            "errors-held",
            "for ever",
            "86400 s",
            "after_apply",
            "<td>unit:",
            "udev:",
        ] {
            // What a knob is set to is told as it is written.
            let is_setting = |line: &str| line.starts_with("<tr><td>") && line.contains("→ &gt;=");
            let shown = page.lines().find(|line| line.contains(raw) && !is_setting(line));
            assert!(shown.is_none(), "{}: {raw}: {shown:?}", fixture.name);
        }
    }
}

#[test]
fn the_head_says_of_what_and_when() {
    let fixture = fixture("iscsi-single");
    let (_copy, root) = named(&fixture, "web-01");
    let page = survive(&fixture, &root, &["--format", "html"]);
    let title = "Storage stall report: web-01, 180 s budget";
    assert!(page.contains(&format!("<title>{title}</title>")) && page.contains(&format!("<h1>{title}</h1>")));
    for (name, value) in [
        ("Host", "web-01"),
        ("Date", "2026-11-28 22:13 UTC"),
        ("Distribution", "Debian GNU/Linux 12 (bookworm)"),
        ("Running kernel", "6.1.0-51-cloud-amd64"),
        ("Machine", "Hyper-V guest"),
        ("Stall budget", "180 s"),
        ("Switched off", "nothing"),
        ("Pinned", "nothing"),
        ("hvtune", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(page.contains(&format!("<dt>{name}</dt><dd>{value}</dd>")), "{name}: {page}");
    }
    fs::write(
        root.join("etc/hvtune.toml"),
        "stall = \"5h\"\noff = [\"disk.read_ahead\"]\n[set]\n\"vm.swappiness\" = 1\n",
    )
    .unwrap();
    let page = survive(&fixture, &root, &["--format", "html"]);
    for said in ["web-01, 5 h budget", "<dd>disk.read_ahead</dd>", "<dd>vm.swappiness = 1</dd>"] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

/// A copy of a fixture's root that has a name.
fn named(fixture: &Fixture, name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let copy = tempfile::tempdir().unwrap();
    let root = copy.path().join("root");
    assert!(Command::new("cp").arg("-a").arg(fixture.root()).arg(&root).status().unwrap().success());
    fs::write(root.join("etc/hostname"), format!("{name}\n")).unwrap();
    (copy, root)
}

#[test]
fn what_changes_and_the_way_back_are_told() {
    let guest = page("iscsi-single");
    for said in [
        "<td>create</td><td>/usr/lib/sysctl.d/90-hvtune.conf</td>",
        "<td>edit</td><td>/etc/iscsi/iscsid.conf</td>",
        "<td>device/timeout</td><td>sdb</td><td>30 s → &gt;= 180 s</td>",
        "<h3>Waits for the next boot</h3>",
        "<td>hvtune revert</td>",
    ] {
        assert!(guest.contains(said), "{said}: {guest}");
    }
    let by_hand = page("rhel7");
    assert!(
        by_hand.contains("<h3>To be done by hand</h3>") && by_hand.contains("elevator=noop"),
        "{by_hand}"
    );
    let other = page("surface");
    assert!(
        other.contains("hvtune changes nothing on this machine: not a Hyper-V guest: bare metal."),
        "{other}"
    );
    assert!(
        !other.contains("hvtune revert") && !other.contains("mounts and swaps survive a stall of 180 s now,")
    );
    let whole = |page: &str| page.contains("What will change");
    let fixture = fixture("iscsi-single");
    let less = survive(&fixture, &fixture.root(), &["--format", "html", "--only", "^/data$"]);
    assert!(
        whole(&guest) && !whole(&less) && less.matches("<section class=\"mount\"").count() == 1,
        "{less}"
    );
}

/// The bars of `/data`: 130 s of silence now and 215 s after the plan, of 600 s shown, and so on.
#[test]
fn bars_are_as_long_as_they_last() {
    let fixture = fixture("iscsi-single");
    let page = survive(&fixture, &fixture.root(), &["--format", "html", "--only", "^/data$"]);
    let bars = measured(&page, View::desk()).bars;
    let tracks: Vec<f64> = bars.iter().filter(|bar| bar.class == "gone").map(|bar| bar.width).collect();
    assert!(tracks.len() == 10 && tracks.iter().all(|width| (width - tracks[0]).abs() < 0.1), "{tracks:?}");
    let seconds = |class: &str| -> Vec<f64> {
        let of_class = bars.iter().filter(|bar| bar.class == class);
        of_class.map(|bar| (bar.width / tracks[0] * 600.0).round()).collect()
    };
    // Silence, one silent unit, path loss, errors at once, errors after 60 s each.
    for (class, wanted) in [("now", [130, 82, 120, 0, 82]), ("plan", [215, 382, 180, 0, 360])] {
        let found = seconds(class);
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - f64::from(wanted)).abs() < 2.0, "{class}: {found} for {wanted}: {bars:?}");
        }
    }
    assert_eq!(bars.iter().filter(|bar| bar.class == "end").count(), 10);
}

/// How many bars there are from top to bottom, each by the rows of pixels in which its colours fill most
/// of the width.
fn bars_of(rows: &[Vec<[u8; 3]>]) -> Vec<usize> {
    let mut bars: Vec<usize> = Vec::new();
    let mut inside = false;
    for row in rows {
        let colours = [NOW, PLAN, TRACK, END];
        let is_bar = row.iter().filter(|pixel| colours.contains(pixel)).count() > row.len() / 2;
        match (is_bar, inside) {
            (true, false) => bars.push(1),
            (true, true) => *bars.last_mut().unwrap() += 1,
            _ => {}
        }
        inside = is_bar;
    }
    bars
}

#[test]
fn the_bars_are_drawn_in_their_colours() {
    let shot = screenshot(&page("iscsi-single"), View::desk());
    // Two bars for each of three kinds of trouble on three of them, and of five on `/data`.
    assert_eq!(bars_of(&shot).len(), 2 * (3 * 3 + 5));
    let has = |colour| shot.iter().flatten().any(|pixel| *pixel == colour);
    assert!([NOW, PLAN, TRACK, END].into_iter().all(has));
}

/// On paper no drawing is cut: every bar is there, each as high as the others, on white.
#[test]
fn paper_holds_every_drawing_whole() {
    for (name, wanted) in [("iscsi-single", 28), ("disks-256", 12)] {
        let sheets = printed(&page(name));
        assert!(sheets.len() > 1, "{name}");
        let bars: Vec<usize> = sheets.iter().flat_map(|sheet| bars_of(sheet)).collect();
        assert_eq!(bars.len(), wanted, "{name}: {bars:?}");
        let height = bars[0];
        assert!(height > 5 && bars.iter().all(|bar| bar.abs_diff(height) <= 1), "{name}: {bars:?}");
        for sheet in &sheets {
            assert_eq!(sheet[0][0], [0xff; 3], "{name}");
            let black = sheet.iter().flatten().filter(|pixel| **pixel == [0; 3]).count();
            assert!(black > 50, "{name}: a sheet with nothing on it");
        }
    }
}

#[test]
fn nothing_is_fetched() {
    for name in MACHINES {
        assert_eq!(fetched(&page(name)), BTreeSet::new(), "{name}");
    }
}

/// The check has teeth: a page that wants a picture from somewhere is seen to fetch it, and the
/// page's own policy would keep it from that.
#[test]
fn a_fetch_would_be_seen() {
    let picture = "<img src=\"http://127.0.0.1:9/x.png\"></body>";
    let page = page("iscsi-single").replace("</body>", picture);
    assert_eq!(fetched(&page), BTreeSet::new());
    let policy = page.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    let without = page.replace(policy, "");
    assert_eq!(fetched(&without), BTreeSet::from(["http://127.0.0.1:9/x.png".to_owned()]));
}

/// The README shows one, which is made by this test where it is asked to.
#[test]
fn picture() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = base.join("dist/picture/survive.png");
    if std::env::var_os("BLESS").is_some() {
        let fixture = fixture("iscsi-single");
        let (_copy, root) = named(&fixture, "web-01");
        // The name alone is of this run: the directory is what a person would have written.
        let page = survive(&fixture, &root, &["--format", "html", "--only", "^/data$"])
            .replace(root.to_str().unwrap(), "/");
        browser::picture(&page, &place);
    }
    let bytes = fs::read(&place).unwrap();
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() < 150_000, "{} bytes", bytes.len());
    assert!(fs::read_to_string(base.join("README.md")).unwrap().contains("(dist/picture/survive.png)"));
}
