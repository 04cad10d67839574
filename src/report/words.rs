//! The words of people for values that the program names in its own way.

use super::text::GLUE;
use crate::scale::unit;
use crate::tunable::Decision;
use crate::verify::State;

/// Beyond this many seconds a time is told in hours.
const HOURS_FROM: u64 = 3 * 3600;

/// Seconds, as people say them: hours where they are more than three.
pub(super) fn seconds(seconds: u64) -> String {
    let (hours, tenths) = (seconds / 3600, seconds % 3600 / 360);
    match tenths {
        _ if seconds <= HOURS_FROM => format!("{seconds}{GLUE}s"),
        0 => format!("{hours}{GLUE}h"),
        _ => format!("{hours}.{tenths}{GLUE}h"),
    }
}

/// The number and the word, which gets an s where it is not one.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// A value of a knob, with its unit where it is a plain number.
pub(super) fn value(knob: &str, value: &str) -> String {
    let number = value.parse::<u64>();
    match (unit(knob), number) {
        (Some("bytes"), Ok(bytes)) if bytes > 0 && bytes % (1 << 20) == 0 => {
            format!("{}{GLUE}MiB", bytes >> 20)
        }
        // Of such limits 0 sets none.
        (Some("bytes"), Ok(0)) => value.to_owned(),
        (Some(unit), Ok(number)) => format!("{number}{GLUE}{unit}"),
        _ => value.to_owned(),
    }
}

/// What is wanted of a knob, from its phrase: `>= 180 s`, `<= 10`, `none`.
pub(super) fn want(knob: &str, phrase: &str) -> String {
    for (said, sign) in [("at least ", ">="), ("at most ", "<=")] {
        if let Some(number) = phrase.strip_prefix(said) {
            return format!("{sign}{GLUE}{}", value(knob, number));
        }
    }
    value(knob, phrase)
}

/// Where a knob is turned.
pub(super) fn place(place: &str) -> String {
    if let Some(selected) = place.strip_prefix("udev:") {
        let (name, narrowed) = selected.split_once(',').unwrap_or((selected, ""));
        let but = match narrowed {
            "" => "",
            "legacy" => ", legacy queue",
            "no-path" => " but paths",
            "alone" => " but members",
            _ => ", some",
        };
        return format!("{}{but}", class(name).unwrap_or("disks"));
    }
    if let Some(unit) = place.strip_prefix("unit:") {
        return unit.trim_end_matches(".service").to_owned();
    }
    match place {
        "cmdline" | "cmdline-remove" => "command line",
        "module" => "module option",
        "iscsi" => "iSCSI settings",
        other => other,
    }
    .to_owned()
}

/// A verdict on a tunable: its name in JSON with blanks.
pub(super) fn verdict(decision: &Decision) -> String {
    decision.kind().replace('-', " ")
}

/// So many rows of a state: `13 differ`, `1 after reboot`.
pub(super) fn rows(number: usize, of: State) -> String {
    match of {
        State::Differs if number != 1 => format!("{number} differ"),
        _ => format!("{number} {}", state(of)),
    }
}

/// A state of a row: its name in JSON with blanks, but for what waits for a boot.
pub(super) fn state(state: State) -> String {
    match state {
        State::PendingReboot => "after reboot".to_owned(),
        _ => state.name().replace('-', " "),
    }
}

/// A reason's first clauses, for a line of its own; the rest is told with -v.
pub(super) fn first_clause(because: &str) -> &str {
    const SAYS_LITTLE: usize = 32;
    let end = because.match_indices("; ").map(|(at, _)| at).find(|at| *at >= SAYS_LITTLE);
    end.and_then(|end| because.get(..end)).unwrap_or(because)
}

/// A tunable and its reason, the class of disks between them in words where the reason begins with one.
pub(super) fn reason(id: &str, because: &str) -> String {
    match because.split_once(": ") {
        Some((name, rest)) if class(name).is_some() => {
            format!("{id}, {}: {rest}", class(name).unwrap_or_default())
        }
        _ => format!("{id}: {because}"),
    }
}

/// A class of disks.
fn class(name: &str) -> Option<&'static str> {
    Some(match name {
        "storvsc-scsi" => "VMBus SCSI disks",
        "storvsc-ide" => "VMBus IDE disks",
        "storvsc-fc" => "VMBus FC disks",
        "iscsi" => "iSCSI disks",
        "nvme-azure-remote" => "Azure remote NVMe",
        "nvme" => "NVMe disks",
        "multipath" => "multipath maps",
        _ => return None,
    })
}

/// Names in a row: all of a few, else the first and the last.
pub(super) fn names(names: &[&str]) -> String {
    match names {
        [first, .., last] if names.len() > 3 => format!("{first} ... {last} ({})", names.len()),
        _ => names.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_three_hours_are_hours() {
        for (number, said) in [(0, "0 s"), (10_800, "10800 s"), (12_600, "3.5 h"), (86_400, "24 h")] {
            assert_eq!(seconds(number).replace(GLUE, " "), said);
        }
    }

    #[test]
    fn wants_have_signs_and_units() {
        for (knob, phrase, said) in [
            ("device/timeout", "at least 180", ">= 180 s"),
            ("vm.swappiness", "at most 10", "<= 10"),
            ("queue/scheduler", "none", "none"),
            ("max_retries", "-1", "-1"),
            ("vm.dirty_bytes", "419430400", "400 MiB"),
            ("vm.dirty_bytes", "1000", "1000 bytes"),
        ] {
            assert_eq!(want(knob, phrase).replace(GLUE, " "), said);
        }
    }

    #[test]
    fn many_names_are_told_by_the_first_and_the_last() {
        assert_eq!(names(&["sda", "sdb", "sdc"]), "sda sdb sdc");
        assert_eq!(names(&["sda", "sdb", "sdc", "sdd"]), "sda ... sdd (4)");
    }
}
