//! multipath.conf and its drop-ins (man 5 multipath.conf).

use super::{Refusal, lines, only};

/// One setting within a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Line number, from 1.
    pub line: u32,
    /// The outermost section, or `protocol` for one below `overrides`.
    pub section: String,
    /// Key.
    pub key: String,
    /// Value, unquoted.
    pub value: String,
}

/// Lenient: every setting, as libmultipath's own reader splits lines: words and quoted strings,
/// braces alone, comments from `#` or `!` on
/// (<https://github.com/opensvc/multipath-tools/blob/master/libmultipath/parser.c>).
pub fn scan(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let words = words(text);
        let mut words = words.iter().map(String::as_str);
        let Some(first) = words.next() else { continue };
        match (first, words.next()) {
            ("}", _) => drop(open.pop()),
            (name, Some("{")) => open.push(name.to_owned()),
            (key, Some(value)) => {
                let inner = open.get(1).filter(|inner| inner.as_str() == "protocol");
                if let Some(section) = inner.or(open.first()) {
                    let (section, key, value) = (section.clone(), key.to_owned(), value.to_owned());
                    entries.push(Entry { line, section, key, value });
                }
            }
            _ => {}
        }
    }
    entries
}

/// The words of one line.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '#' | '!' => break,
            '{' | '}' => rest.split_at(1),
            '"' => {
                let inner = rest.get(1..).unwrap_or_default();
                inner.split_once('"').unwrap_or((inner, ""))
            }
            _ => rest.split_at(
                rest.find(|c: char| c.is_whitespace() || "{}\"#!".contains(c)).unwrap_or(rest.len()),
            ),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// Strict: the settings of a file of ours, `section/key` and value, in order.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut settings = Vec::new();
    let mut open: Option<&str> = None;
    for (number, line) in lines(text)? {
        let refuse = |why: &str| Err(Refusal::new(number, why));
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
    }
}
