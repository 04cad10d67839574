//! One entry of the journal, as `journalctl -o json` prints it.

use serde_json::Value;

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
