//! Attribute files of one device: values, absences, gaps.

use std::fmt::Write;
use std::str::FromStr;

use crate::facts::{Attribute, Gap, Limits, Live};
use crate::root::{Dir, Result};

/// The most that is shown of a string which a device made up.
const PRINTABLE: usize = 64;

/// Reads attributes below one directory and notes what could not be read.
pub(super) struct Reader<'a, 'root> {
    dir: &'a Dir<'root>,
    /// What the facts are about: `disks.sda`.
    subject: (&'static str, &'a str),
    gaps: &'a mut Vec<Gap>,
}

impl<'a, 'root> Reader<'a, 'root> {
    pub(super) fn new(dir: &'a Dir<'root>, subject: (&'static str, &'a str), gaps: &'a mut Vec<Gap>) -> Self {
        Self { dir, subject, gaps }
    }

    /// A text attribute, without its line end.
    pub(super) fn text(&mut self, file: &str, fact: &str) -> Attribute<String> {
        let read = self.dir.read_text(file);
        self.sort(read, file, fact)
    }

    /// A string that a device made up, fit for people; empty where there is none.
    pub(super) fn printable(&mut self, file: &str, fact: &str) -> String {
        let read = self.dir.read(file);
        match self.sort(read, file, fact) {
            Attribute::Is(bytes) => printable(&bytes),
            Attribute::Absent | Attribute::Unknown => String::new(),
        }
    }

    /// A number.
    pub(super) fn number<T: FromStr>(&mut self, file: &str, fact: &str) -> Attribute<T> {
        self.parsed(file, fact, "a number", |text| text.trim().parse().ok())
    }

    /// An attribute that is `wanted`, or a gap.
    pub(super) fn parsed<T>(
        &mut self,
        file: &str,
        fact: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Attribute<T> {
        let text = match self.text(file, fact) {
            Attribute::Is(text) => text,
            Attribute::Absent => return Attribute::Absent,
            Attribute::Unknown => return Attribute::Unknown,
        };
        if let Some(value) = parse(&text) {
            return Attribute::Is(value);
        }
        let why = format!("`{}` is not {wanted}", printable(text.as_bytes()));
        self.gap(file, fact, why);
        Attribute::Unknown
    }

    fn sort<T>(&mut self, read: Result<Option<T>>, file: &str, fact: &str) -> Attribute<T> {
        match read {
            Ok(Some(value)) => Attribute::Is(value),
            Ok(None) => Attribute::Absent,
            Err(error) => {
                self.gap(file, fact, error.reason());
                Attribute::Unknown
            }
        }
    }

    /// Notes what could not be read.
    pub(super) fn gap(&mut self, file: &str, fact: &str, why: String) {
        let (kind, name) = self.subject;
        self.gaps.push(Gap {
            fact: format!("{kind}.{name}.{fact}"),
            path: format!("{}/{file}", self.dir.path()),
            why,
        });
    }

    /// The request queue's attributes. `at` is the disk's directory below the
    /// reader's, with a trailing slash, or empty.
    pub(super) fn queue(&mut self, at: &str, limits: &mut Limits, live: &mut Live) {
        let path = format!("{at}queue");
        let dir = match self.dir.dir(&path) {
            Ok(Some(dir)) => dir,
            Ok(None) => {
                limits.schedulers = Attribute::Absent;
                live.scheduler = Attribute::Absent;
                live.nr_requests = Attribute::Absent;
                live.rotational = Attribute::Absent;
                live.read_ahead_kb = Attribute::Absent;
                live.io_timeout = Attribute::Absent;
                return;
            }
            Err(error) => return self.gap(&path, "queue", error.reason()),
        };
        // A handle of its own: five attributes walk one name each, not the path.
        Reader { dir: &dir, subject: self.subject, gaps: self.gaps }.queue_here(limits, live);
    }

    fn queue_here(&mut self, limits: &mut Limits, live: &mut Live) {
        let words = "a list of schedulers with one in brackets";
        match self.parsed("scheduler", "scheduler", words, parse_scheduler) {
            Attribute::Is((offered, active)) => {
                limits.schedulers = Attribute::Is(offered);
                live.scheduler = Attribute::Is(active);
            }
            Attribute::Absent => {
                limits.schedulers = Attribute::Absent;
                live.scheduler = Attribute::Absent;
            }
            Attribute::Unknown => {}
        }
        live.nr_requests = self.number("nr_requests", "nr_requests");
        live.rotational = self.parsed("rotational", "rotational", "0 or 1", parse_flag);
        live.read_ahead_kb = self.number("read_ahead_kb", "read_ahead_kb");
        live.io_timeout = self.number("io_timeout", "io_timeout");
    }
}

/// `queue/scheduler`: what is offered, and what is in use. A lone word without
/// brackets is both: a queue without an elevator prints `none`.
pub(crate) fn parse_scheduler(text: &str) -> Option<(Vec<String>, String)> {
    let token = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let count = text.split_ascii_whitespace().count();
    let mut offered = Vec::with_capacity(count);
    let mut active = None;
    for word in text.split_ascii_whitespace() {
        let inner = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let name = inner.unwrap_or(word);
        let in_use = inner.is_some() || count == 1;
        if !token(name) || (in_use && active.is_some()) {
            return None;
        }
        offered.push(name.to_owned());
        if in_use {
            active = Some(name.to_owned());
        }
    }
    Some((offered, active?))
}

pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    match text.trim() {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// Trims, escapes whatever is not printable ASCII, and cuts.
pub(super) fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.trim_ascii() {
        match byte {
            0x20..=0x7e => text.push(char::from(*byte)),
            other => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\x{other:02x}");
            }
        }
        if text.len() >= PRINTABLE {
            text.truncate(PRINTABLE);
            break;
        }
    }
    text.shrink_to_fit();
    text
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use crate::root::Root;

    #[test]
    fn schedulers_of_many_kernels_parse() {
        for (text, offered, active) in [
            ("[none] mq-deadline kyber bfq", &["none", "mq-deadline", "kyber", "bfq"][..], "none"),
            ("none [mq-deadline] kyber", &["none", "mq-deadline", "kyber"], "mq-deadline"),
            ("noop deadline [cfq] ", &["noop", "deadline", "cfq"], "cfq"),
            ("[none] ", &["none"], "none"),
            ("none", &["none"], "none"),
        ] {
            let (is_offered, is_active) = parse_scheduler(text).unwrap();
            assert_eq!(
                (is_offered, is_active.as_str()),
                (offered.iter().map(|s| (*s).into()).collect(), active)
            );
        }
        for text in ["", "none mq-deadline", "[a] [b]", "[]", "[a\"b]", "[none"] {
            assert_eq!(parse_scheduler(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_device_calls_itself_becomes_printable() {
        assert_eq!(printable(b"Msft    \n"), "Msft");
        assert_eq!(printable(b"a\x1b[2Jb\xff"), "a\\x1b[2Jb\\xff");
        assert_eq!(printable(&[b'x'; 500]).len(), 64);
        assert_eq!(printable(&[0; 500]).len(), 64);
    }

    #[test]
    fn absent_and_garbage_are_two_things() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("d/queue")).unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(tree.path().join("d").join(name), text).unwrap();
        write("queue/scheduler", b"[none] mq-deadline\n");
        write("queue/nr_requests", b"many\n");
        write("queue/rotational", b"1\n");
        write("queue/read_ahead_kb", b"\xff\xfe");
        let root = Root::offline(tree.path()).unwrap();
        let dir = root.dir("d").unwrap().unwrap();
        let (mut limits, mut live, mut gaps) = (Limits::default(), Live::default(), Vec::new());
        Reader::new(&dir, ("disks", "sda"), &mut gaps).queue("", &mut limits, &mut live);
        assert_eq!(live.scheduler, Attribute::Is("none".into()));
        assert_eq!(live.rotational, Attribute::Is(true));
        assert_eq!(live.io_timeout, Attribute::Absent);
        assert_eq!((live.nr_requests, live.read_ahead_kb), (Attribute::Unknown, Attribute::Unknown));
        let facts: Vec<_> = gaps.iter().map(|gap| (gap.fact.as_str(), gap.path.as_str())).collect();
        assert_eq!(
            facts,
            [
                ("disks.sda.nr_requests", "d/queue/nr_requests"),
                ("disks.sda.read_ahead_kb", "d/queue/read_ahead_kb")
            ]
        );
        assert_eq!(gaps.first().map(|gap| gap.why.as_str()), Some("`many` is not a number"));
    }
}
