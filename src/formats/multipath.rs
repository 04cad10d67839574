//! multipath.conf and its drop-ins (man 5 multipath.conf).

use super::{Refusal, fgets, lines, only};

/// One setting within a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Line number, from 1.
    pub line: u32,
    /// The outermost section, or `protocol` for one below `overrides`.
    pub section: String,
    /// Which `device`, `multipath` or `protocol` section of the file, counted from 1; 0 outside of one.
    pub block: u32,
    /// Key.
    pub key: String,
    /// Value, unquoted.
    pub value: String,
}

/// The bytes that libmultipath reads a line into; the rest of a longer one is read as the next line.
const BUFFER: usize = 1024;

/// Lenient: every setting, as libmultipath's own reader finds them
/// (<https://github.com/opensvc/multipath-tools/blob/master/libmpathutil/parser.c>): one statement a
/// line, a section that it does not know is no section, so that what follows belongs to the one around
/// it, and only `overrides` and `protocol` need their brace on the same line.
pub fn scan(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut blocks = 0;
    for (line, piece) in fgets(text, BUFFER) {
        let words = words(piece);
        let mut words = words.iter();
        let Some(Word::Plain(first)) = words.next() else { continue };
        if first == "}" {
            open.pop();
            continue;
        }
        let value = match words.next() {
            Some(Word::Plain(value)) => Some(value.clone()),
            // Closing quotes may be missing, and nothing between them is a value too.
            Some(Word::Quote) => Some(words.next().map_or(String::new(), Word::text)),
            None => None,
        };
        let brace_may_lack = !matches!(first.as_str(), "overrides" | "protocol");
        if is_section(&open, first) {
            if brace_may_lack || value.is_some() {
                blocks += u32::from(!open.is_empty());
                open.push(first.clone());
            }
        } else if let (Some(value), Some(outer)) = (value, open.first()) {
            let inner = open.get(1).filter(|inner| inner.as_str() == "protocol");
            let (section, block) = (inner.unwrap_or(outer).clone(), if open.len() > 1 { blocks } else { 0 });
            entries.push(Entry { line, section, block, key: first.clone(), value });
        }
    }
    entries
}

/// Whether a word begins a section at this place (`init_keywords`, libmultipath/dict.c).
fn is_section(open: &[String], word: &str) -> bool {
    let known: &[&str] = match open.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => &["defaults", "blacklist", "blacklist_exceptions", "devices", "overrides", "multipaths"],
        ["blacklist" | "blacklist_exceptions" | "devices"] => &["device"],
        ["overrides"] => &["protocol"],
        ["multipaths"] => &["multipath"],
        _ => &[],
    };
    known.contains(&word)
}

/// A word of a line, or the sign that quotes it.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Plain(String),
    Quote,
}

impl Word {
    fn text(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Quote => String::new(),
        }
    }
}

/// The words of one line (`alloc_strvec`). What is no ASCII is blank outside of quotes; two quotes
/// within a quoted word are one.
fn words(line: &str) -> Vec<Word> {
    let is_blank = |c: char| super::iscsi::is_blank(c) || !c.is_ascii();
    let line = line.split('\0').next().unwrap_or_default().trim_start_matches(['\n', '\r']);
    let mut rest = line.split(['\n', '\r']).next().unwrap_or_default();
    let mut words = Vec::new();
    let mut quoted = false;
    loop {
        if !quoted {
            rest = rest.trim_start_matches(is_blank);
        }
        let Some(first) = rest.chars().next() else { return words };
        if quoted {
            let (word, after) = quoted_word(rest);
            if !word.is_empty() {
                words.push(Word::Plain(word));
            }
            let Some(after) = after.strip_prefix('"') else { return words };
            words.push(Word::Quote);
            (rest, quoted) = (after, false);
            continue;
        }
        match first {
            '#' | '!' => return words,
            '"' => {
                words.push(Word::Quote);
                (rest, quoted) = (rest.get(1..).unwrap_or_default(), true);
            }
            _ => {
                let ends = |c: char| is_blank(c) || "{}\"#!".contains(c);
                let end = if matches!(first, '{' | '}') { 1 } else { rest.find(ends).unwrap_or(rest.len()) };
                let (word, after) = rest.split_at(end);
                words.push(Word::Plain(word.to_owned()));
                rest = after;
            }
        }
    }
}

/// What stands between quotes, and the rest from the closing one on.
fn quoted_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
        word.push_str(part);
        match after.strip_prefix("\"\"") {
            Some(more) => {
                word.push('"');
                rest = more;
            }
            None => return (word, after),
        }
    }
}

/// What multipathd takes a timer's value for, and `None` where it does not: the key is none of the
/// section's, or the value is refused and an earlier one stays
/// (<https://github.com/opensvc/multipath-tools/blob/master/libmultipath/dict.c>).
pub fn reads(section: &str, key: &str, value: &str) -> Option<String> {
    let everywhere = matches!(section, "defaults" | "devices" | "overrides");
    match key {
        "no_path_retry" if everywhere || section == "multipaths" => match value {
            "fail" | "0" => Some("fail".to_owned()),
            "queue" => Some("queue".to_owned()),
            _ => number(value, 1).map(|number| number.to_string()),
        },
        "fast_io_fail_tmo" if everywhere || section == "protocol" => match value {
            "off" | "0" => Some(value.to_owned()),
            _ => number(value, 1).map(|number| number.to_string()),
        },
        "dev_loss_tmo" if everywhere || section == "protocol" => loss(value),
        "checker_timeout" if section == "defaults" => number(value, 0).map(|number| number.to_string()),
        "polling_interval" | "max_polling_interval" if section == "defaults" => {
            let value = value.trim_matches(super::iscsi::is_blank);
            Some(value.parse::<u32>().ok().filter(|_| !value.starts_with('+'))?.to_string())
        }
        _ => None,
    }
}

/// Whether a value of `features` lets I/O wait for ever (`reconcile_features_with_options`,
/// <https://github.com/opensvc/multipath-tools/blob/master/libmultipath/propsel.c>).
pub fn queues(features: &str) -> bool {
    features.contains("queue_if_no_path")
}

/// A whole number, brought into the range that multipathd allows (`do_set_int`).
fn number(value: &str, least: i64) -> Option<i64> {
    let value = value.trim_matches(super::iscsi::is_blank);
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let beyond = if value.starts_with('-') { i64::MIN } else { i64::MAX };
    let number = value.parse().unwrap_or(beyond);
    Some(number.clamp(least, i32::MAX.into()))
}

/// `sscanf` of an unsigned number, whatever follows it (`set_dev_loss`).
fn loss(value: &str) -> Option<String> {
    let text = value.trim_start_matches(super::iscsi::is_blank);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text != "infinity" && !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number = super::iscsi::number(text);
    let most = text == "infinity" || number == -1;
    Some(if most { "infinity".to_owned() } else { u32::from_ne_bytes(number.to_ne_bytes()).to_string() })
}

/// Strict: the settings of a file of ours, `section/key` and value, in order.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut settings = Vec::new();
    let mut open: Option<&str> = None;
    for (number, line) in lines(text)? {
        let refuse = |why: &str| Err(Refusal::new(number, why));
        if line.len() >= BUFFER {
            return refuse("multipathd would read it as two lines");
        }
        let Some(section) = open else {
            match line.strip_suffix(" {").filter(|name| matches!(*name, "defaults" | "overrides")) {
                Some(name) => open = Some(name),
                None => return refuse("not `defaults {` or `overrides {`"),
            }
            continue;
        };
        if line == "}" {
            open = None;
            continue;
        }
        let setting = line.strip_prefix("    ").and_then(|line| line.split_once(' '));
        match setting.filter(|(key, value)| only(key, "_") && only(value, "_")) {
            Some((key, value)) => settings.push((format!("{section}/{key}"), value.to_owned())),
            None => return refuse("not of the form `    key value`"),
        }
    }
    if open.is_none() { Ok(settings) } else { Err(Refusal::new(0, "the section does not end")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_files_are_read_as_multipath_does() {
        let text = "# a\ndefaults {\n\tpolling_interval \t10 # often\n  user_friendly_names yes\n}\n\
                    devices {\n device {\n  vendor \"LIO-ORG # x\"\n  no_path_retry queue\n }\n}\n\
                    overrides{ \n no_path_retry \"fail\"\n protocol {\n  type \"scsi:iscsi\"\n  \
                    fast_io_fail_tmo 7\n }\n}\nstray 1\n!x y\n";
        let entries: Vec<_> =
            scan(text).iter().map(|e| format!("{} {}/{}={}", e.line, e.section, e.key, e.value)).collect();
        assert_eq!(
            entries,
            [
                "3 defaults/polling_interval=10",
                "4 defaults/user_friendly_names=yes",
                "8 devices/vendor=LIO-ORG # x",
                "9 devices/no_path_retry=queue",
                "13 overrides/no_path_retry=fail",
                "15 protocol/type=scsi:iscsi",
                "16 protocol/fast_io_fail_tmo=7",
            ]
        );
    }

    /// What `multipath -t` of Debian 12 and 13 (0.9.4, 0.11.1) makes of such files.
    #[test]
    fn sections_are_where_multipath_finds_them() {
        let read = |text: &str| -> Vec<String> {
            let entries = scan(text).into_iter();
            entries.map(|e| format!("{}{} {}={}", e.section, e.block, e.key, e.value)).collect()
        };
        for (text, expected) in [
            ("defaults\n{\n k queue\n}\n", &["defaults0 k=queue"][..]),
            ("overrides\n{\n k queue\n}\n", &[]),
            ("defaults {\n k\n k 9 7\n}\n", &["defaults0 k=9"]),
            ("defaults {\n k \"queue\n j 1\n}\n", &["defaults0 k=queue", "defaults0 j=1"]),
            ("defaults {\n foo {\n k 1\n }\n j 7\n}\n", &["defaults0 foo={", "defaults0 k=1"]),
            ("defaults { k queue }\n j 1\n", &["defaults0 j=1"]),
            ("defaults {\n k queue }\n j 4\n}\n", &["defaults0 k=queue", "defaults0 j=4"]),
            ("defaults {\n k\u{e9}queue\n}\n", &["defaults0 k=queue"]),
            ("defaults {\r\n k \"queue\"\r\n}\r\n", &["defaults0 k=queue"]),
            ("\u{feff}defaults {\n k 8\n", &["defaults0 k=8"]),
            ("}\ndefaults {\n k 5x#y\n}\n}\n", &["defaults0 k=5x"]),
            (
                "defaults {\n k \"a \"\"b\"\" # c\" d\n \"k\" 1\n k \"\"\n}\n",
                &["defaults0 k=a \"b\" # c", "defaults0 k="],
            ),
            (
                "devices {\n device {\n k 1\n }\n device\n {\n k 2\n }\n k 3\n}\n",
                &["devices1 k=1", "devices2 k=2", "devices0 k=3"],
            ),
            ("overrides {\n protocol {\n k 7\n }\n k 8\n}\n", &["protocol1 k=7", "overrides0 k=8"]),
            (
                "blacklist {\n protocol \"scsi:fcp\"\n device {\n vendor x\n }\n}\n",
                &["blacklist0 protocol=scsi:fcp", "blacklist1 vendor=x"],
            ),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        let long = format!("defaults {{\n#{} k 66\n}}\n", "0".repeat(1022));
        assert_eq!(read(&long), ["defaults0 k=66"]);
    }

    #[test]
    fn values_are_what_multipathd_takes_them_for() {
        for (section, key, value, expected) in [
            ("defaults", "no_path_retry", "0", Some("fail")),
            ("devices", "no_path_retry", "-3", Some("1")),
            ("overrides", "no_path_retry", "99999999999", Some("2147483647")),
            ("multipaths", "no_path_retry", " 5 ", Some("5")),
            ("defaults", "no_path_retry", "5x", None),
            ("defaults", "no_path_retry", "Queue", None),
            ("defaults", "no_path_retry", "", None),
            ("protocol", "no_path_retry", "5", None),
            ("protocol", "fast_io_fail_tmo", "off", Some("off")),
            ("defaults", "fast_io_fail_tmo", "0", Some("0")),
            ("defaults", "dev_loss_tmo", "60x", Some("60")),
            ("defaults", "dev_loss_tmo", "4294967295", Some("infinity")),
            ("defaults", "dev_loss_tmo", "x", None),
            ("overrides", "checker_timeout", "5", None),
            ("defaults", "checker_timeout", "-5", Some("0")),
            ("defaults", "polling_interval", "+5", None),
        ] {
            assert_eq!(reads(section, key, value).as_deref(), expected, "{section} {key} {value}");
        }
        assert!(queues("1 queue_if_no_path") && !queues("0"));
    }

    #[test]
    fn our_own_section_parses_and_nothing_else() {
        let text =
            "# x\noverrides {\n    # why\n    no_path_retry 36\n}\ndefaults {\n    checker_timeout 30\n}\n";
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        // A comment within the section is indented, so it is no comment of ours.
        assert!(parse(text).is_err());
        let text = text.replace("    # why\n", "# why\n");
        let both = [pair("overrides/no_path_retry", "36"), pair("defaults/checker_timeout", "30")];
        assert_eq!(parse(&text).unwrap(), both);
        for bad in [
            "devices {\n}\n",
            "overrides {\n",
            "overrides {\n}\n}\n",
            "overrides {\n    a \"b\"\n}\n",
            "overrides {\n    a  b\n}\n",
            "overrides {\n  a b\n}\n",
            "overrides {\n    a b c\n}\n",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        let long = |value: usize| format!("overrides {{\n    a {}\n}}\n", "1".repeat(value));
        let whole = BUFFER - 1 - "    a ".len();
        assert_eq!(parse(&long(whole)).map(|settings| settings.len()), Ok(1));
        assert_eq!(scan(&long(whole)).first().map(|entry| entry.value.len()), Some(whole));
        assert!(parse(&long(whole + 1)).is_err());
        assert_ne!(scan(&long(whole + 1)).first().map(|entry| entry.value.len()), Some(whole + 1));
    }
}
