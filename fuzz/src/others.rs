//! Parsers of other programs' files: each line that they tell of is one of the text, and what they make of a
//! value they make of it again.

use std::collections::BTreeMap;

use hvtune::formats::bytes::{decode, encode};
use hvtune::formats::kmod::Kind;
use hvtune::formats::programs::{PathWrite, assignment, script, sysfsutils, tmpfiles};
use hvtune::formats::sysctl::order;
use hvtune::formats::sysctl::read as sysctl;
use hvtune::formats::tuned::{Source, ini, load};
use hvtune::formats::unit::Span;
use hvtune::formats::{glob, iscsi, kmod, multipath, number, saptune, shell, udev, unit, waagent};

use crate::texts::halves;

/// How many lines a text can have, whatever ends one.
fn lines(text: &str) -> u32 {
    u32::try_from(text.split(['\n', '\r', '\0']).count()).unwrap()
}

fn are_lines_of(text: &str, found: impl IntoIterator<Item = u32>) {
    let most = lines(text);
    assert!(found.into_iter().all(|line| (1..=most).contains(&line)), "{text:?}");
}

/// Rules of others: any bytes. A jump leads on.
pub fn rules(bytes: &[u8]) {
    let text = decode(bytes);
    assert_eq!(encode(&text), bytes);
    let read = udev::read(&text);
    are_lines_of(&text, read.rules.iter().map(|rule| rule.line));
    are_lines_of(&text, read.dropped.iter().map(|(line, _)| *line).chain(read.cut));
    for (at, rule) in read.rules.iter().enumerate() {
        assert!(rule.goto.is_none_or(|to| at < to && to < read.rules.len()), "{rule:?}");
        assert!(rule.terms.is_sorted_by_key(|term| term.key), "{rule:?}");
    }
}

/// Two sysctl files: a line writes the key that it names.
pub fn chains(text: &str) {
    let (one, two) = halves(text);
    let keys = ["vm/swappiness", "vm/dirty_ratio", "kernel/panic"];
    let read = |text: &str| (sysctl::read(text), sysctl::read_procps(text));
    let (one, two) = (read(one), read(two));
    for lines in [&one.0, &one.1, &two.0, &two.1] {
        are_lines_of(text, lines.iter().map(|line| line.line));
    }
    let (systemd, procps) = ([("a", &one.0[..]), ("b", &two.0)], [("a", &one.1[..]), ("b", &two.1)]);
    for step in order::systemd(&systemd, &keys).iter().chain(&order::procps(&procps, &keys)) {
        let is_named = step.line.is_glob() || step.line.key == step.key;
        assert!(is_named && keys.contains(&step.key), "{step:?}");
    }
    for key in keys {
        assert_eq!(sysctl::path_of(&sysctl::key_of(key)), key);
    }
}

pub fn shell(text: &str) {
    let _ = shell::parse(text);
    if let Some((line, _)) = assignment::last(text, "ENABLED") {
        are_lines_of(text, [line]);
    }
}

/// Files that write to `/proc/sys` and `/sys`.
pub fn programs(text: &str) {
    let of = |writes: &[PathWrite]| writes.iter().map(|write| write.line).collect::<Vec<_>>();
    let files = tmpfiles::read(text);
    are_lines_of(text, of(&files.writes).into_iter().chain(files.open));
    assert!(files.writes.iter().all(|write| write.target.starts_with('/')), "{:?}", files.writes);
    for reader in [sysfsutils::Reader::Script, sysfsutils::Reader::Update] {
        let conf = sysfsutils::read(text, reader);
        are_lines_of(text, of(&conf.writes).into_iter().chain(conf.stops));
        assert!(conf.writes.iter().all(|write| write.target.starts_with("/sys/")), "{:?}", conf.writes);
    }
    let found = script::read(text, &["swappiness", "scheduler"]);
    are_lines_of(text, of(&found.writes).into_iter().chain(found.applies.iter().map(|run| run.line)));
    let settings = saptune::read(text);
    are_lines_of(text, settings.iter().map(|setting| setting.line));
    assert!(settings.iter().all(|setting| ["sysctl", "block"].contains(&&*setting.section)), "{settings:?}");
}

/// Profiles that may include each other, apart by a byte of 1, and one file of variables.
struct Profiles<'a>(BTreeMap<String, &'a str>);

impl Source for Profiles<'_> {
    fn profile(&mut self, name: &str, read: &[String]) -> Result<Option<(String, String)>, String> {
        let found = self.0.get(name).filter(|_| !read.iter().any(|other| other == name));
        Ok(found.map(|text| (name.to_owned(), (*text).to_owned())))
    }

    fn file(&mut self, path: &str) -> Result<Option<String>, String> {
        if path == "/v" { Ok(self.0.get("a").map(|text| (*text).to_owned())) } else { Err("cut".to_owned()) }
    }
}

pub fn tuned(text: &str) {
    for found in [ini::read(text).map(drop), ini::read_flat(text).map(drop)] {
        are_lines_of(text, found.err());
    }
    let parts = ["a", "b", "c"].into_iter().map(str::to_owned).zip(text.split('\u{1}')).collect();
    let profile = load(&["a", "b"], &mut Profiles(parts));
    for unit in &profile.units {
        are_lines_of(text, unit.options.iter().map(|option| option.line));
    }
}

/// Units, the agent's file, multipath's and open-iscsi's values.
pub fn values(text: &str) {
    let read = unit::read(text);
    are_lines_of(text, read.lines.iter().map(|line| line.line).chain(read.stops.map(|(line, _)| line)));
    if let Some(Span::Micros(micros)) = unit::span(text)
        && i64::try_from(micros).is_ok()
    {
        assert_eq!(unit::span(&format!("{micros}us")), Some(Span::Micros(micros)));
    }
    are_lines_of(text, waagent::scan(text).iter().map(|entry| entry.line));
    let _ = waagent::seconds(text);
    let (key, value) = halves(text);
    for section in ["defaults", "devices", "overrides", "multipaths", "protocol"] {
        for key in
            ["no_path_retry", "fast_io_fail_tmo", "dev_loss_tmo", "checker_timeout", "polling_interval", key]
        {
            if let Some(once) = multipath::reads(section, key, value) {
                assert_eq!(
                    multipath::reads(section, key, &once).as_ref(),
                    Some(&once),
                    "{section} {key} {value:?}"
                );
            }
        }
    }
    assert_eq!(iscsi::number(&iscsi::number(text).to_string()), iscsi::number(text));
}

/// Numbers and words that the kernel reads.
pub fn numbers(text: &str) {
    for read in [number::parse_kernel_integer, number::parse_attribute_integer] {
        if let Some(found) = read(text)
            && found.to_string().len() <= 20
        {
            assert_eq!(read(&found.to_string()), Some(found), "{text:?}");
        }
    }
    for kind in [Kind::Unsigned(u32::MAX.into()), Kind::Int, Kind::Bool, Kind::Text] {
        if let Some(once) = kmod::read(kind, text, false) {
            assert_eq!(kmod::read(kind, &once, false).as_ref(), Some(&once), "{kind:?} {text:?}");
        }
    }
}

/// A pattern and a text: without a wildcard only the text itself fits.
pub fn pattern(text: &str) {
    let (pattern, text) = halves(text);
    let fits = glob::fits(pattern, text);
    if !glob::has_wildcard(pattern) && !pattern.contains('\\') {
        assert_eq!(fits, pattern == text);
    }
    // In a path, a bracket and a backslash end at a slash.
    if !pattern.contains(['[', '\\']) {
        assert!(fits || !glob::fits_path(pattern, text), "{pattern:?} {text:?}");
    }
    assert!(glob::fits("*", text));
}
