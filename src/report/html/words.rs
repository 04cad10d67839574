//! Times, ends and troubles in words.

use crate::stall::{Fate, Prospect, Span, Trouble};

/// A time in words: `180 s`, `24 h`, `no limit`.
pub(super) fn lasting(span: Span) -> String {
    match span {
        Span::Forever => "no limit".to_owned(),
        Span::Seconds(seconds) if seconds <= 3 * 3600 => format!("{seconds} s"),
        Span::Seconds(seconds) => match (seconds / 3600, seconds % 3600 / 60) {
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        },
    }
}

/// Two ends: `130 s → 215 s`.
pub(super) fn arrow(now: &Fate, later: &Fate) -> String {
    match (lasts(now), lasts(later)) {
        (now, later) if now == later => now,
        (now, later) => format!("{now} \u{2192} {later}"),
    }
}

/// The ends of one trouble: `130 s → 215 s`.
pub(super) fn ends(prospect: &Prospect) -> String {
    arrow(&prospect.now, &prospect.after_reboot)
}

/// How long, in words.
pub(super) fn lasts(fate: &Fate) -> String {
    match (fate.at, fate.unknown.is_empty()) {
        (Span::Seconds(0), false) => "could not tell".to_owned(),
        (Span::Seconds(_), false) => format!("at least {}", lasting(fate.at)),
        (at, _) => lasting(at),
    }
}

/// A trouble as a heading.
pub(super) fn called(trouble: Trouble, host_holds: u64) -> String {
    match trouble {
        Trouble::Silence => "Silence".to_owned(),
        Trouble::Unit => "One silent unit".to_owned(),
        Trouble::PathLoss => "Path loss".to_owned(),
        Trouble::Errors => "Errors at once".to_owned(),
        Trouble::ErrorsHeld => format!("Errors after {host_holds} s each"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_is_told_in_hours() {
        let said = [0, 180, 10_800, 10_801, 16_200, 86_400].map(|seconds| lasting(Span::Seconds(seconds)));
        assert_eq!(said, ["0 s", "180 s", "10800 s", "3 h", "4 h 30 min", "24 h"]);
        assert_eq!(lasting(Span::Forever), "no limit");
    }
}
