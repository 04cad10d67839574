//! A headless Chromium, and what it makes of a page.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value as Json;
use tempfile::TempDir;

/// Pixels from top to bottom.
pub(crate) type Rows = Vec<Vec<[u8; 3]>>;

/// A window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) width: u32,
    height: u32,
    pub(crate) night: bool,
}

impl View {
    pub(crate) fn phone() -> Self {
        Self { width: 390, height: 844, night: false }
    }

    /// High enough for a whole page of a few mounts.
    pub(crate) fn desk() -> Self {
        Self { width: 1000, height: 9000, night: false }
    }

    pub(crate) fn at_night(self) -> Self {
        Self { night: true, ..self }
    }
}

/// What a script finds in a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Measured {
    /// The window's, and the page's own.
    pub(crate) width: u32,
    pub(crate) scrolls: u32,
    /// How much is written.
    pub(crate) letters: usize,
    /// What reaches beyond the window.
    pub(crate) wide: Vec<String>,
    /// Words of a drawing that lie over other words.
    pub(crate) over: Vec<String>,
    /// Words with too little contrast to the page.
    pub(crate) pale: Vec<String>,
    /// Whether the page itself is dark.
    pub(crate) dark: bool,
    pub(crate) bars: Vec<Bar>,
}

/// A part of a drawing, in pixels.
#[derive(Debug, Deserialize)]
pub(crate) struct Bar {
    pub(crate) class: String,
    pub(crate) width: f64,
}

const SCRIPT: &str = r"
const light = colour => {
  const parts = colour.match(/[\d.]+/g).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const ground = light(getComputedStyle(document.body).backgroundColor);
const contrast = colour => {
  const [less, more] = [light(colour), ground].sort((one, other) => one - other);
  return (more + 0.05) / (less + 0.05);
};
const found = {
  width: innerWidth, scrolls: document.documentElement.scrollWidth, letters: document.body.innerText.length,
  wide: [], over: [], pale: [], dark: ground < 0.2, bars: [],
};
for (const element of document.body.querySelectorAll('*:not(script)')) {
  const place = element.getBoundingClientRect();
  const own = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join('').trim();
  if (place.right > innerWidth + 0.5 || place.left < -0.5) found.wide.push(element.tagName + ' ' + own);
  if (element.tagName === 'rect') found.bars.push({ class: element.getAttribute('class'), width: place.width });
  if (own === '') continue;
  const style = getComputedStyle(element);
  if (contrast(element.tagName === 'text' ? style.fill : style.color) < 4.5) found.pale.push(own);
}
for (const drawing of document.querySelectorAll('svg')) {
  const texts = [...drawing.querySelectorAll('text')].map(text => [text, text.getBoundingClientRect()]);
  texts.forEach(([text, one], at) => texts.slice(at + 1).forEach(([, other]) => {
    const apart = one.right <= other.left || other.right <= one.left ||
      one.bottom - 3 <= other.top || other.bottom - 3 <= one.top;
    if (!apart) found.over.push(text.textContent);
  }));
}
document.body.textContent = JSON.stringify(found);
";

fn chromium(dir: &Path, page: &str, args: &[String]) -> Vec<u8> {
    fs::write(dir.join("page.html"), page).unwrap();
    let output = Command::new("chromium-headless-shell")
        .args(["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .args(args)
        .arg(format!("file://{}", dir.join("page.html").display()))
        .output()
        .expect("chromium-headless-shell is installed (tests/run does)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn window(view: View) -> Vec<String> {
    let scheme = format!("--blink-settings=preferredColorScheme={}", i32::from(!view.night));
    vec![format!("--window-size={},{}", view.width, view.height), scheme]
}

/// A copy of the page measures itself: the page's own policy would keep a script from running.
pub(crate) fn measured(page: &str, view: View) -> Measured {
    let policy = page.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    let copy = page.replace(policy, "").replace("</body>", &format!("<script>{SCRIPT}</script></body>"));
    let dir = tempfile::tempdir().unwrap();
    let args = [window(view), vec!["--dump-dom".to_owned()]].concat();
    let dom = String::from_utf8(chromium(dir.path(), &copy, &args)).unwrap();
    let body = dom.split("<body>").nth(1).unwrap().split("</body>").next().unwrap();
    let text = body.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn shot(page: &str, view: View) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let to = format!("--screenshot={}", dir.path().join("page.png").display());
    chromium(dir.path(), page, &[window(view), vec![to]].concat());
    dir
}

pub(crate) fn screenshot(page: &str, view: View) -> Rows {
    let dir = shot(page, view);
    let (width, bytes) = pixels(&dir.path().join("page.png"));
    assert_eq!(width, view.width as usize);
    bytes.chunks(width * 3).map(row).collect()
}

/// Writes a picture of a page, as small as its colours allow.
pub(crate) fn picture(page: &str, to: &Path) {
    let dir = shot(page, View { width: 1000, height: 1050, night: false });
    let (width, bytes) = pixels(&dir.path().join("page.png"));
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let height = bytes.len() / width / 3;
    let mut encoder =
        png::Encoder::new(File::create(to).unwrap(), width.try_into().unwrap(), height.try_into().unwrap());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
}

/// The width and the colours of a PNG, three bytes a pixel.
fn pixels(image: &Path) -> (usize, Vec<u8>) {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(image).unwrap()));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let samples = info.color_type.samples();
    assert!(samples >= 3, "{info:?}");
    let colours = bytes.chunks(samples).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    (info.width as usize, colours)
}

fn row(bytes: &[u8]) -> Vec<[u8; 3]> {
    bytes.chunks(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

/// The sheets that a page is printed on, 96 dots an inch.
pub(crate) fn printed(page: &str) -> Vec<Rows> {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let to = format!("--print-to-pdf={}", at("page.pdf").display());
    chromium(dir.path(), page, &["--no-pdf-header-footer".to_owned(), to]);
    let made =
        Command::new("pdftoppm").args(["-r", "96", "-png"]).arg(at("page.pdf")).arg(at("sheet")).status();
    assert!(made.expect("poppler-utils is installed (tests/run does)").success());
    let entries = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut sheets: Vec<_> =
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("sheet")).collect();
    sheets.sort();
    let sheet = |path: &std::path::PathBuf| {
        let (width, bytes) = pixels(path);
        bytes.chunks(width * 3).map(row).collect()
    };
    sheets.iter().map(sheet).collect()
}

/// Whatever a page asked a network for, by the browser's own log.
pub(crate) fn fetched(page: &str) -> BTreeSet<String> {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("net.json");
    // With a picture, so that the page is drawn and not only read.
    let args = [
        format!("--log-net-log={}", to.display()),
        format!("--screenshot={}", dir.path().join("page.png").display()),
    ];
    chromium(dir.path(), page, &args);
    let log: Json = serde_json::from_slice(&fs::read(to).unwrap()).unwrap();
    let start = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
    assert!(start.is_u64(), "the log names its events");
    let events = log["events"].as_array().unwrap().iter().filter(|event| event["type"] == *start);
    events.filter_map(|event| event["params"]["url"].as_str()).map(str::to_owned).collect()
}
