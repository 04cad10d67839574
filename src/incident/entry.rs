//! One entry of the journal, as `journalctl -o json` prints it, or field by field (`export`, `json-pretty`,
//! `verbose`); and one line of a container's log, as Docker writes it.

use serde_json::{Map, Value};

use super::stamp::{Moment, Wall};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    pub(super) at: Moment,
    pub(super) boot: String,
    pub(super) speaker: String,
    /// Empty where the journal gives none: too long for this form.
    pub(super) said: String,
}

/// Reads an entry; `None` where the line is none. Its own times come before those of its arrival
/// (systemd.journal-fields(7)).
pub(super) fn parse(line: &str) -> Option<Entry> {
    let line = line.trim_start_matches(['\u{1e}', '\0']).trim_start_matches("data: ");
    let value: Value = line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |keys: [&str; 2]| keys.iter().find_map(|key| text(key).parse::<i64>().ok());
    let up = number(["_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP"]);
    let wall = number(["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"]).map(Wall::of_micros);
    let named = ["SYSLOG_IDENTIFIER", "_COMM"].map(text).into_iter().find(|name| !name.is_empty());
    let is_kernel = text("_TRANSPORT") == "kernel";
    Some(Entry {
        at: Moment { wall, up },
        boot: text("_BOOT_ID").to_owned(),
        speaker: named.unwrap_or(if is_kernel { "kernel" } else { "" }).to_owned(),
        said: message(value.get("MESSAGE")),
    })
}

/// The fields of an entry that count here.
const FIELDS: [&str; 8] = [
    "_SOURCE_MONOTONIC_TIMESTAMP",
    "__MONOTONIC_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "__REALTIME_TIMESTAMP",
    "_BOOT_ID",
    "SYSLOG_IDENTIFIER",
    "_TRANSPORT",
    "MESSAGE",
];

/// An entry whose fields stand in lines of their own.
#[derive(Debug, Default)]
pub(super) struct Parts {
    is_open: bool,
    fields: Map<String, Value>,
    /// The line of its message.
    line: u64,
}

impl Parts {
    /// Takes a line of such an entry; whether it is one.
    pub(super) fn take(&mut self, piece: &[u8], number: u64) -> bool {
        let begins = begins(piece);
        if !(self.is_open || begins) {
            return false;
        }
        self.is_open = true;
        let text = String::from_utf8_lossy(piece);
        let text = text.trim();
        let (key, value) = match field(text) {
            Some(field) => field,
            None if begins => return self.header(text),
            // What belongs to a value of several lines is left out; any other line ends the entry.
            None => {
                self.is_open = !super::stamped::looks_stamped(piece);
                return self.is_open;
            }
        };
        if FIELDS.contains(&key.as_str()) {
            if key == "MESSAGE" {
                self.line = number;
            }
            self.fields.insert(key, value);
        }
        true
    }

    /// `Sat 2026-03-07 21:11:18.333008 UTC [s=1;i=2;b=3;m=4;t=5;x=6]`: boot, uptime and time of an entry.
    fn header(&mut self, text: &str) -> bool {
        let (_, inner) = text.rsplit_once(" [s=").unwrap_or_default();
        for part in inner.trim_end_matches(']').split(';') {
            let Some((name, value)) = part.split_once('=') else { continue };
            let micros = u64::from_str_radix(value, 16).unwrap_or_default().to_string();
            let (key, value) = match name {
                "b" => ("_BOOT_ID", value.to_owned()),
                "m" => ("__MONOTONIC_TIMESTAMP", micros),
                "t" => ("__REALTIME_TIMESTAMP", micros),
                _ => continue,
            };
            self.fields.insert(key.to_owned(), Value::String(value));
        }
        true
    }

    /// The entry before this line, as one line of JSON, and the line of its message, where this one ends it.
    pub(super) fn ended(&mut self, piece: &[u8]) -> Option<(String, u64)> {
        (piece.is_empty() || piece == b"}" || begins(piece)).then(|| self.end()).flatten()
    }

    /// The entry that no line ended.
    pub(super) fn end(&mut self) -> Option<(String, u64)> {
        self.is_open = false;
        let fields = std::mem::take(&mut self.fields);
        (!fields.is_empty()).then(|| (Value::Object(fields).to_string(), self.line))
    }
}

/// Whether an entry begins in this line: its cursor, a brace, or the header of `-o verbose`.
fn begins(piece: &[u8]) -> bool {
    let is_header = || {
        let text = std::str::from_utf8(piece).unwrap_or_default();
        text.contains(" [s=") && text.contains(";b=") && text.ends_with(']')
    };
    piece.starts_with(b"__CURSOR=") || piece == b"{" || (piece.ends_with(b"]") && is_header())
}

/// `KEY=value`, or `"KEY" : "value",`.
fn field(text: &str) -> Option<(String, Value)> {
    if text.starts_with('"') {
        let object = format!("{{{}}}", text.trim_end_matches(','));
        return serde_json::from_str::<Map<String, Value>>(&object).ok()?.into_iter().next();
    }
    let (key, value) = text.split_once('=')?;
    let is_key = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    key.bytes().all(is_key).then(|| (key.to_owned(), Value::String(value.to_owned())))
}

/// A line of Docker's `json-file`, as the CRI writes it: time, stream, `F`, text.
pub(super) fn of_docker(line: &str) -> Option<String> {
    let value: Value = line.starts_with("{\"log\":").then(|| serde_json::from_str(line).ok()).flatten()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(format!("{} stdout F {}", text("time"), text("log").trim_end()))
}

/// A text, or its bytes where they are no text.
fn message(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(bytes)) => {
            let bytes =
                bytes.iter().filter_map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
            String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_whatever_its_message_is() {
        let entry = |message: &str| {
            parse(&format!(
                r#"{{"__REALTIME_TIMESTAMP":"1772917878333008","_SOURCE_MONOTONIC_TIMESTAMP":"265311275","__MONOTONIC_TIMESTAMP":"9","_BOOT_ID":"b","_TRANSPORT":"kernel"{message}}}"#
            ))
            .unwrap()
        };
        let plain = entry(r#","MESSAGE":"nvme nvme1: x""#);
        assert_eq!((plain.said.as_str(), plain.speaker.as_str()), ("nvme nvme1: x", "kernel"));
        assert_eq!(plain.at.up, Some(265_311_275));
        assert_eq!(plain.at.wall.unwrap().text(), "2026-03-07T21:11:18.333008Z");
        assert_eq!(entry(r#","MESSAGE":[97,255,98]"#).said, "a\u{fffd}b");
        assert_eq!(entry(r#","MESSAGE":null"#).said, "");
        assert_eq!(entry("").said, "");
        assert_eq!(parse("{"), None);
        assert_eq!(parse("x"), None);
    }
}
