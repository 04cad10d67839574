//! Parsers of texts: what a strict one takes, the lenient one reads alike.

use hvtune::capture::archive::{pack, unpack};
use hvtune::capture::scrub as scrubbed;
use hvtune::cmdline::{Cmdline, same_key, split_arg};
use hvtune::facts::{Attribute, KernelRelease};
use hvtune::formats::edit::{Owned, restore, set};
use hvtune::incident::{Findings, Log, Model, Reader, found, judge};
use hvtune::marker::{Standing, body_of, marker_line, standing_of};
use hvtune::policy::{Policy, parse_duration, parse_stall};
use hvtune::probe::Identity;
use hvtune::root::{Root, Seen, Trail, link_target};
use hvtune::stores::{Store, grubset};
use hvtune::tunable::{Accepts, Value};
use hvtune::tunables::{CATALOGUE, find, subjects};

use hvtune::formats;
use hvtune::formats::file_contexts::{self, Contexts, Kind};

/// What every strict parser holds of what it takes.
fn is_plain(text: &str) {
    assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "not plain: {text:?}");
    assert!(text.is_empty() || text.ends_with('\n'), "cut short: {text:?}");
    assert!(!text.contains("\\\n"), "joined lines: {text:?}");
}

/// Two files of one text, as readers of several files get them.
pub fn halves(text: &str) -> (&str, &str) {
    text.split_once('\u{1}').unwrap_or((text, ""))
}

/// What udev writes to attributes.
pub fn rule_values(text: &str) -> Vec<String> {
    let rules = formats::udev::read(text).rules;
    let terms = rules.iter().flat_map(|rule| rule.of(formats::udev::Key::SetAttr));
    terms.map(|term| term.value.clone()).collect()
}

/// What libkmod hands to the kernel: line, module and each option.
pub fn module_options(text: &str) -> Vec<(u32, String, String)> {
    let lines = formats::kmod::lines(text).into_iter().filter(|line| !line.install);
    let options = lines.flat_map(|line| {
        let args = Cmdline::parse(&line.text).args.into_iter();
        args.map(move |arg| (line.line, line.module.clone(), arg))
    });
    options.collect()
}

pub fn udev(text: &str) {
    let lenient = rule_values(text);
    let Ok(rules) = formats::udev::parse(text) else { return };
    is_plain(text);
    let sets = |token: &&formats::udev::Token| !token.is_match() && token.key.starts_with("ATTR{");
    let strict: Vec<_> = rules.iter().flatten().filter(sets).map(|token| token.value.clone()).collect();
    assert_eq!(strict, lenient);
}

pub fn sysctl(text: &str) {
    let Ok(entries) = formats::sysctl::parse(text) else { return };
    is_plain(text);
    for read in [formats::sysctl::read::read, formats::sysctl::read::read_procps] {
        let lines = read(text);
        assert_eq!(lines.len(), entries.len());
        for (entry, line) in entries.iter().zip(lines) {
            let key = formats::sysctl::read::key_of(&line.key);
            let ours = (entry.line, entry.optional, &entry.key, Some(&entry.value));
            assert_eq!(ours, (line.line, line.optional, &key, line.value.as_ref()));
        }
    }
}

pub fn modprobe(text: &str) {
    let lenient = module_options(text);
    if let Ok(options) = formats::modprobe::parse(text) {
        is_plain(text);
        let ours = options.into_iter();
        let ours = ours.map(|o| (o.line, o.module, format!("{}={}", o.parameter, o.value)));
        assert_eq!(ours.collect::<Vec<_>>(), lenient);
    }
}

pub fn grub(text: &str) {
    let (one, two) = halves(text);
    for shell in [formats::grub::Shell::Dash, formats::grub::Shell::Bash] {
        let texts =
            [("a", one), ("b", two)].map(|(path, text)| (path.to_owned(), Attribute::Is(text.to_owned())));
        let first = vec!["a".to_owned(), "b".to_owned()];
        let files = formats::grub::Files { first, texts: texts.into(), shell, ..Default::default() };
        let _ = formats::grub::evaluate(&files);
    }
    let _ = formats::grub::menu::menu_lines("grub.cfg", text, &Default::default());
    let _ = (formats::grub::env::parse(text), formats::bls::parse(text), formats::kmod::lines(text));
    if formats::grub::is_argument(text) {
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.,:/@+-=".contains(&byte)));
    }
    if formats::grub::parse(text).is_ok() {
        is_plain(text);
    }
}

pub fn multipath(text: &str) {
    let lenient: Vec<_> = formats::multipath::scan(text)
        .into_iter()
        .map(|entry| (format!("{}/{}", entry.section, entry.key), entry.value))
        .collect();
    if let Ok(settings) = formats::multipath::parse(text) {
        is_plain(text);
        assert_eq!(settings, lenient);
    }
}

pub fn unit(text: &str) {
    let _ = formats::unit::seconds(text);
    let lenient = formats::unit::scan(text, "Service", "WatchdogSec");
    if let Ok(pairs) = formats::unit::parse(text) {
        is_plain(text);
        let ours = pairs.into_iter().filter(|(key, _)| key == "WatchdogSec").map(|(_, value)| value);
        assert_eq!(ours.collect::<Vec<_>>(), lenient);
    }
}

/// Files of kernel arguments alone, and GRUB's script with a line of ours: what goes in comes out again.
pub fn arguments(text: &str) {
    if let Ok(args) = formats::arguments::parse_kargs(text) {
        is_plain(text);
        assert_eq!(formats::arguments::read_kargs(text).map(|file| file.kargs), Some(args));
    }
    if let Ok(args) = formats::arguments::parse_cmdline(text) {
        is_plain(text);
        let read = formats::arguments::read_cmdline(text).into_iter().map(|(_, line)| line);
        assert!(read.filter(|line| !line.is_empty()).eq(args.iter().map(String::as_str)), "{text:?}");
    }
    let _ = grubset::settings(text, "linux_append");
    let (store, ours) = (Store::GrubSet("linux_append"), [Value::word("a=1")]);
    // A line of ours that adds nothing is taken out with the next argument.
    if text.contains("=\"$linux_append\"") {
        return;
    }
    if let Ok(edited) = store.append(text.as_bytes(), &ours) {
        let without = store.remove(&edited.text, &edited.args).map(|edited| edited.text);
        assert_eq!(without.as_deref(), Ok(text.as_bytes()));
    }
}

/// A policy's `file_contexts`, its substitutes behind a byte of 1: a label is one of the file's own, and a path
/// that stands there in full, last of all, has that line's.
pub fn labels(text: &str) {
    const OURS: &str = "/usr/lib/udev/rules.d/90-hvtune.rules";
    let _ = file_contexts::parse_config(text);
    let (entries, substitutes) = halves(text);
    for kind in [Kind::File, Kind::Dir] {
        let mut contexts = Contexts::default();
        let taken = contexts.add(entries).is_ok();
        if let Ok(Some(label)) = contexts.label(OURS, kind) {
            assert!(
                entries.contains(label) && !label.contains([' ', '\t', '\u{b}', '\u{c}', '\r']),
                "{label:?}"
            );
        }
        if taken {
            contexts.add(&format!("{OURS} system_u:object_r:ours_t:s0\n")).unwrap();
            assert_eq!(contexts.label(OURS, kind), Ok(Some("system_u:object_r:ours_t:s0")));
        }
        contexts.substitute(substitutes, kind == Kind::Dir);
        let _ = contexts.label(OURS, kind);
    }
}

/// Whatever the file is: both edits are read back, and taken back to the byte.
pub fn fstab(text: &str) {
    let (now, owned) = formats::fstab::set_errors(text, "f", "panic", |_| true);
    let others = |text: &str| -> Vec<String> {
        let entries = formats::fstab::scan(text).into_iter();
        entries.map(|entry| format!("{} {}", entry.mount, entry.fstype)).collect()
    };
    assert_eq!(others(&now), others(text));
    assert_eq!(formats::fstab::set_errors(&now, "f", "panic", |_| true), (now.clone(), Vec::new()));
    assert_eq!(restore(&now, &owned.iter().collect::<Vec<_>>()), text);
}

pub fn iscsi(text: &str) {
    const KEYS: [(&str, &str); 2] =
        [("node.session.timeo.replacement_timeout", "180"), ("OS.RootDeviceScsiTimeout", "300")];
    let mut now = text.to_owned();
    let mut owned: Vec<Owned> = Vec::new();
    for (key, value) in KEYS {
        let (edited, entry) = set(&now, "f", key, value);
        now = edited;
        owned.push(entry);
    }
    for (key, value) in KEYS {
        let last = formats::iscsi::scan(&now).into_iter().rfind(|entry| entry.key == key);
        assert_eq!(last.map(|entry| entry.value.trim_end()), Some(value), "{now:?}");
    }
    let others = |text: &str| -> Vec<String> {
        let entries = formats::iscsi::scan(text).into_iter();
        let others = entries.filter(|entry| KEYS.iter().all(|(key, _)| *key != entry.key));
        others.map(|entry| format!("{}={}", entry.key, entry.value)).collect()
    };
    assert_eq!(others(&now), others(text));
    assert_eq!(restore(&now, &owned.iter().collect::<Vec<_>>()), text);
    let _ = restore(text, &owned.iter().collect::<Vec<_>>());
}

pub fn cmdline(text: &str) {
    let (one, two) = halves(text);
    let line = Cmdline::parse(one);
    let _ = (line.value(two), line.holds(two), line.bytes(), split_arg(text));
    assert_eq!(same_key(one, two), same_key(two, one));
}

pub fn release(text: &str) {
    if let Some(release) = KernelRelease::parse(text) {
        assert!(release.at_least(release.version.0, release.version.1));
        let _ = release.is_el7();
    }
}

/// A pin that is taken is one that its knob accepts.
pub fn policy(text: &str) {
    let (one, two) = halves(text);
    let files = [("a.toml".to_owned(), one.to_owned()), ("b.toml".to_owned(), two.to_owned())];
    let Ok(policy) = hvtune::policy::parse(&files, &subjects()) else { return };
    assert!((10..=86_400).contains(&policy.stall));
    for knob in CATALOGUE.iter().flat_map(|tunable| tunable.knobs) {
        let Some(pin) = policy.pin(knob.name) else { continue };
        let value = pin.value.as_str();
        match knob.accepts {
            Accepts::Integer { min, max } => assert!((min..=max).contains(&value.parse().unwrap())),
            Accepts::Word(words) => assert!(words.contains(&value), "{value}"),
        }
    }
    assert!(policy.off.iter().all(|id| find(id).is_some()));
}

pub fn duration(text: &str) {
    let _ = parse_duration(text);
    if let Ok(seconds) = parse_stall(text) {
        assert!((10..=86_400).contains(&seconds), "{seconds}");
    }
}

pub fn identity(text: &str) {
    let _ = Identity::parse(text);
}

pub fn value(text: &str) {
    let fits = !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.,:=@/+-".contains(&byte));
    assert_eq!(Value::new(text).is_ok(), fits);
}

pub fn link(text: &str) {
    let (dir, target) = halves(text);
    let target = link_target(dir, target);
    assert!(target.split('/').all(|part| part != ".." && part != "."), "{target}");
    assert!(!target.starts_with('/'), "{target}");
}

pub fn marker(bytes: &[u8]) {
    let _ = standing_of(Some(bytes));
    let mut marked = marker_line(bytes).into_bytes();
    marked.extend(bytes);
    assert_eq!(standing_of(Some(&marked)), Standing::Ours);
    assert_eq!(body_of(&marked).map(|(_, body)| body), Some(bytes));
    marked.push(b'x');
    assert_eq!(standing_of(Some(&marked)), Standing::Edited);
}

/// First byte: the file, which decides how it is read. Scrubbing twice finds nothing more. Line ends of
/// mountinfo are made plain, so none other is given.
pub fn scrub(bytes: &[u8]) {
    const PATHS: [&str; 6] = [
        "proc/cmdline",
        "proc/self/mountinfo",
        "proc/1/environ",
        "sys/block/sda/x",
        "sys/devices/virtual/block/dm-0/dm/uuid",
        "sys/class/y",
    ];
    let Some((first, bytes)) = bytes.split_first() else { return };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    let bytes: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
    let trail = Trail::from([(path.to_owned(), Seen::File(bytes))]);
    let once = scrubbed(&trail);
    assert_eq!(once, scrubbed(&once));
}

/// A log: what is said of it hangs on its bytes alone, not on how they come, and names lines that it has.
pub fn incident(bytes: &[u8]) {
    let read = |parts: &[&[u8]]| -> (Log, Findings) {
        let mut reader = Reader::default();
        parts.iter().for_each(|part| reader.feed(part));
        let log = reader.finish();
        let findings = judge(&log, &Model { capture: None, policy: &Policy::default() });
        (log, findings)
    };
    let (log, findings) = read(&[bytes]);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    assert_eq!(read(&[head, tail]).1, findings);
    for incident in &findings.incidents {
        let named = incident.said.iter().flat_map(|said| &said.lines).chain(&incident.evidence);
        assert!(named.clone().all(|line| (1..=log.lines).contains(line)), "{incident:?}");
        assert!(!incident.evidence.is_empty() && (1..=log.boots).contains(&incident.boot), "{incident:?}");
        let seconds = [incident.lasts_at_least_s, incident.gave_up_after_s];
        assert!(seconds.iter().flatten().all(|seconds| *seconds >= 0), "{incident:?}");
    }
    assert!(found(&log).iter().all(|one| one.count > 0 && one.lines.0 <= one.lines.1));
}

/// A capture in one file: no name leads out of it, and what was read is packed to something that reads the same.
pub fn archive(bytes: &[u8]) {
    let Ok(tree) = unpack(bytes) else { return };
    for (path, seen) in tree.iter() {
        let is_confined =
            !path.starts_with('/') && path.split('/').all(|part| !["", ".", ".."].contains(&part));
        assert!(is_confined && !matches!(seen, Seen::Unreadable(_)), "{path}");
    }
    let settled = Root::settled(&tree);
    if let Ok(packed) = pack(&settled) {
        let again = unpack(&packed).unwrap();
        assert!(again.len() <= settled.len());
    }
}
