//! A verification as entries of the journal, with fields of their own: one for each setting that is not as
//! planned, and one that counts (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).

use std::os::unix::net::UnixDatagram;

use anyhow::Context as _;

use super::text::{GLUE, printable};
use super::verify::{count, verdict};
use super::words;
use crate::verify::{Row, State};

/// Where journald takes entries.
const SOCKET: &str = "/run/systemd/journal/socket";
/// `MESSAGE_ID` of a setting that is not as planned.
const DEVIATION: &str = "5e1d6b2c3f0a4d3c9b7e64a0d1c2f8a7";
/// `MESSAGE_ID` of the entry that counts.
const SUMMARY: &str = "c0a41f7e9d5b4e21a86f3b7d90e2c415";

/// The settings that are not as planned, one entry each, and the count last.
pub(super) fn entries(rows: &[Row], narrowed: bool) -> Vec<Vec<u8>> {
    let told = rows.iter().filter(|row| row.state.is_trouble() || row.state == State::PendingReboot);
    let mut entries: Vec<Vec<u8>> = told.map(deviation).collect();
    entries.push(summary(rows, narrowed));
    entries
}

/// Hands the entries to journald, in their order.
pub(super) fn send(entries: &[Vec<u8>]) -> anyhow::Result<()> {
    let what = || format!("writing to the journal at {SOCKET}; without journald take --format json");
    let socket = UnixDatagram::unbound().with_context(what)?;
    for entry in entries {
        socket.send_to(entry, SOCKET).with_context(what)?;
    }
    Ok(())
}

fn deviation(row: &Row) -> Vec<u8> {
    let found = row.found.as_deref().unwrap_or("unknown");
    let why = if row.because.is_empty() { String::new() } else { format!(" ({})", row.because) };
    let message = format!(
        "{} on {}: want {}, now {}: {}{why}",
        row.knob,
        words::place(&row.target),
        words::want(&row.knob, &row.expected),
        words::value(&row.knob, found),
        words::state(row.state),
    );
    let mut entry = begun(&printable(&message).replace(GLUE, " "), priority(row.state), DEVIATION);
    for (key, value) in [
        ("HVTUNE_ID", row.id),
        ("HVTUNE_KNOB", &row.knob),
        ("HVTUNE_TARGET", &row.target),
        ("HVTUNE_STATE", row.state.name()),
        ("HVTUNE_LAYER", row.layer.name()),
        ("HVTUNE_WANT", &row.expected),
        ("HVTUNE_BECAUSE", &row.because),
    ] {
        field(key, value, &mut entry);
    }
    if let Some(found) = &row.found {
        field("HVTUNE_FOUND", found, &mut entry);
    }
    entry
}

fn summary(rows: &[Row], narrowed: bool) -> Vec<u8> {
    let worst = rows.iter().map(|row| priority(row.state)).min().unwrap_or("6");
    let mut entry = begun(&verdict(rows, narrowed), worst, SUMMARY);
    for state in State::ALL {
        let key = format!("HVTUNE_{}", state.name().replace('-', "_").to_ascii_uppercase());
        field(&key, &count(rows, state).to_string(), &mut entry);
    }
    entry
}

/// Of syslog: 4 warning, 5 notice, 6 information.
fn priority(state: State) -> &'static str {
    match state {
        _ if state.is_trouble() => "4",
        State::PendingReboot | State::CannotBeSet => "5",
        _ => "6",
    }
}

fn begun(message: &str, priority: &str, id: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    let fields =
        [("MESSAGE", message), ("PRIORITY", priority), ("SYSLOG_IDENTIFIER", "hvtune"), ("MESSAGE_ID", id)];
    for (key, value) in fields {
        field(key, value, &mut entry);
    }
    entry
}

/// `KEY=value` on a line, or the key, the length in eight bytes and the value, where it has lines itself.
fn field(key: &str, value: &str, entry: &mut Vec<u8>) {
    entry.extend(key.as_bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend((value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Layer;

    fn row(state: State, because: &str) -> Row {
        Row {
            id: "disk.timeout",
            knob: "device/timeout".to_owned(),
            target: "sda".to_owned(),
            place: "udev:scsi".to_owned(),
            expected: "at least 180".to_owned(),
            wanted: None,
            found: Some("30".to_owned()),
            state,
            layer: Layer::Live,
            because: because.to_owned(),
        }
    }

    #[test]
    fn a_deviation_is_an_entry_and_the_count_is_the_last() {
        let rows = [row(State::Ok, ""), row(State::Differs, ""), row(State::PendingReboot, "")];
        let entries = entries(&rows, false);
        let text: Vec<&str> = entries.iter().map(|entry| std::str::from_utf8(entry).unwrap()).collect();
        assert_eq!(text.len(), 3);
        assert!(
            text[0].starts_with(
                "MESSAGE=device/timeout on sda: want >= 180 s, now 30 s: differs\nPRIORITY=4\nSYSLOG_IDENTIFIER=hvtune\n"
            ),
            "{}",
            text[0]
        );
        assert!(text[0].contains("\nHVTUNE_STATE=differs\n") && text[0].contains("\nHVTUNE_FOUND=30\n"));
        assert!(text[1].contains("\nPRIORITY=5\n") && text[1].contains("\nHVTUNE_STATE=pending-reboot\n"));
        assert!(text[2].starts_with("MESSAGE=3 values: 1 ok, 1 differs, 1 after reboot"), "{}", text[2]);
        assert!(text[2].contains("\nPRIORITY=4\n") && text[2].contains("\nHVTUNE_PENDING_REBOOT=1\n"));
    }

    /// A value of several lines cannot end its field and begin another.
    #[test]
    fn lines_in_a_value_are_counted() {
        let entries = entries(&[row(State::Unknown, "one\nPRIORITY=0")], false);
        let counted = [b"HVTUNE_BECAUSE\n".as_slice(), &14_u64.to_le_bytes(), b"one\nPRIORITY=0\n"].concat();
        assert!(entries[0].windows(counted.len()).any(|window| window == counted));
    }

    #[test]
    fn what_is_as_planned_is_said_once() {
        let entries = entries(&[row(State::Ok, "")], false);
        assert_eq!(entries.len(), 1);
        let text = std::str::from_utf8(&entries[0]).unwrap();
        assert!(text.starts_with("MESSAGE=1 value, all as planned.\nPRIORITY=6\n"), "{text}");
    }
}
