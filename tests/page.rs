//! The page of `survive --format html`, opened in a headless Chromium: the timeline is drawn, and
//! nothing is fetched.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

const WIDTH: usize = 900;
/// Colours of the page's legend.
const NOW: [u8; 3] = [0x2b, 0x6c, 0xb0];
const GAIN: [u8; 3] = [0x7f, 0xb7, 0x7e];
const GONE: [u8; 3] = [0xe8, 0xe8, 0xe8];
const END: [u8; 3] = [0xc0, 0x39, 0x2b];

/// What a browser made of a page.
struct Opened {
    rows: Vec<Vec<[u8; 3]>>,
    /// Whatever it asked a network for, by its own log.
    fetched: BTreeSet<String>,
}

fn open(page: &str) -> Opened {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    fs::write(at("page.html"), page).unwrap();
    let output = Command::new("chromium-headless-shell")
        .args(["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"])
        .arg(format!("--window-size={WIDTH},3000"))
        .arg(format!("--user-data-dir={}", at("profile").display()))
        .arg(format!("--log-net-log={}", at("net.json").display()))
        .arg(format!("--screenshot={}", at("page.png").display()))
        .arg(format!("file://{}", at("page.html").display()))
        .output()
        .expect("chromium-headless-shell is installed (tests/run does)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log = serde_json::from_slice(&fs::read(at("net.json")).unwrap()).unwrap();
    Opened { rows: pixels(&at("page.png")), fetched: requests(&log) }
}

fn requests(log: &Json) -> BTreeSet<String> {
    let start = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
    assert!(start.is_u64(), "the log names its events");
    let events = log["events"].as_array().unwrap().iter().filter(|event| event["type"] == *start);
    events.filter_map(|event| event["params"]["url"].as_str()).map(str::to_owned).collect()
}

fn pixels(image: &Path) -> Vec<Vec<[u8; 3]>> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(image).unwrap()));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let samples = info.color_type.samples();
    assert!(samples >= 3 && info.width as usize == WIDTH, "{info:?}");
    let row = |row: &[u8]| row.chunks(samples).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    bytes.chunks(info.line_size).map(row).collect()
}

/// The bars of the page from top to bottom, each by one row of its pixels: how many are of each
/// colour. A bar is the rows in which a colour of the legend takes a good part of the width.
fn bars(opened: &Opened) -> Vec<[usize; 4]> {
    let counts = opened
        .rows
        .iter()
        .map(|row| [NOW, GAIN, GONE, END].map(|colour| row.iter().filter(|pixel| **pixel == colour).count()));
    let mut bars: Vec<[usize; 4]> = Vec::new();
    let mut inside = false;
    for count in counts {
        let is_bar = count[0] + count[1] + count[2] > WIDTH / 2;
        if is_bar && !inside {
            bars.push(count);
        }
        inside = is_bar;
    }
    bars
}

fn page(fixture: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
    let output = Command::new(env!("CARGO_BIN_EXE_hvtune"))
        .arg("--root")
        .arg(dir.join("root"))
        .arg("--machine")
        .arg(dir.join("machine"))
        .args(["survive", "--format", "html"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_timeline_is_drawn_and_nothing_is_fetched() {
    let opened = open(&page("iscsi-single"));
    assert_eq!(opened.fetched, BTreeSet::new());
    let bars = bars(&opened);
    // `/`, `/boot/efi`, `/data` and swap.
    assert_eq!(bars.len(), 4, "{bars:?}");
    for (at, [now, gain, gone, end]) in bars.iter().enumerate() {
        if at != 2 {
            assert_eq!((*gain, *gone, *end), (0, 0, 0), "bar {at} survives for ever: {bars:?}");
            continue;
        }
        // 130 s now, 215 s after a reboot, of 300 s shown.
        let all = now + gain + gone + end;
        let share = |part: usize, seconds: usize| (part * 300).abs_diff(seconds * all) < 6 * all;
        assert!(share(*now, 130) && share(*gain, 85) && share(*gone, 85), "{bars:?}");
        assert!(*end > 0, "no line where it ends: {bars:?}");
    }
}

/// The check has teeth: a page that wants a picture from somewhere is seen to fetch it, and the
/// page's own policy would keep it from that.
#[test]
fn a_fetch_would_be_seen() {
    let picture = "<img src=\"http://127.0.0.1:9/x.png\"></body>";
    let page = page("iscsi-single").replace("</body>", picture);
    assert_eq!(open(&page).fetched, BTreeSet::new());
    let policy = page.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    let without = page.replace(policy, "");
    assert_eq!(open(&without).fetched, BTreeSet::from(["http://127.0.0.1:9/x.png".to_owned()]));
}
