//! A stall drawn from left to right: one scale for text and for pages.

use crate::stall::{Column, Span, Standing, Trouble};

/// Ticks of a scale, its beginning left out.
pub(super) const TICKS: u64 = 5;
/// Cells of one tick, drawn with characters.
const CELLS: u64 = 10;

/// Steps that people read at a glance, in seconds.
const STEPS: &[u64] =
    &[2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200];

/// A scale from 0 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    /// Seconds between two ticks.
    pub(super) step: u64,
}

impl Scale {
    /// Of one kind of trouble.
    pub(super) fn of(standing: &Standing, trouble: Trouble, budget: u64) -> Self {
        let ends =
            Column::ALL.map(|column| standing.fate(trouble, column).map_or(Span::Forever, |fate| fate.at));
        Self::over(&ends, budget)
    }

    /// Wide enough for the budget and for what ends before four times that.
    pub(super) fn over(ends: &[Span], budget: u64) -> Self {
        let ends = ends.iter().filter_map(|end| end.seconds());
        let far = ends.filter(|end| *end <= budget.saturating_mul(4)).max().unwrap_or(0);
        let wanted = far.max(budget.saturating_mul(5) / 3);
        let fits = |step: &&u64| **step * TICKS >= wanted;
        Self { step: STEPS.iter().find(fits).copied().unwrap_or(86_400) }
    }

    /// Where it ends, in seconds.
    pub(super) fn end(self) -> u64 {
        self.step * TICKS
    }

    /// The place of a time among so many; `None` beyond the end.
    pub(super) fn place(self, span: Span, places: u64) -> Option<u64> {
        let seconds = span.seconds().filter(|seconds| *seconds <= self.end())?;
        Some((seconds * places + self.end() / 2) / self.end())
    }
}

/// The signs of a drawing.
pub(super) const LEGEND: &str = "─ lasts now, ═ lasts with the plan only, x ends now, o ends with the plan, \
    ╋ the budget, ┼ ╪ ┊ the ticks of the scale";

/// Two lines: the ticks' numbers, and the time line itself. `─` is survived now, `x` the end now,
/// `═` survived after the plan, `o` the end after it, `╋` the budget; a capital letter is an end in
/// the budget's own place.
pub(super) fn drawn(standing: &Standing, trouble: Trouble, budget: u64) -> [String; 2] {
    let scale = Scale::of(standing, trouble, budget);
    let mut numbers = String::new();
    for tick in 0..=TICKS {
        let width = usize::try_from(CELLS).unwrap_or(0);
        numbers.push_str(&format!("{:<width$}", tick * scale.step));
    }
    let cells = TICKS * CELLS;
    let [now, later, mark] = places(standing, trouble, budget);
    let mut line = String::new();
    for cell in 0..=cells {
        let tick = cell % CELLS == 0;
        let gone_now = now.is_some_and(|now| cell > now);
        let gone_later = later.is_some_and(|later| cell > later);
        line.push(match (cell, tick) {
            _ if now == Some(cell) && mark == now => 'X',
            _ if now == Some(cell) => 'x',
            _ if later == Some(cell) && mark == later => 'O',
            _ if later == Some(cell) => 'o',
            _ if mark == Some(cell) => '╋',
            (_, true) if gone_now && gone_later => '┊',
            (_, false) if gone_now && gone_later => ' ',
            (_, true) if gone_now => '╪',
            (_, false) if gone_now => '═',
            (0, _) => '├',
            (last, _) if last == cells => '┤',
            (_, true) => '┼',
            (_, false) => '─',
        });
    }
    [format!("    {} s", numbers.trim_end()), format!("    {}", line.trim_end())]
}

/// The cells of the end now, of the end after the plan, and of the budget.
fn places(standing: &Standing, trouble: Trouble, budget: u64) -> [Option<u64>; 3] {
    let scale = Scale::of(standing, trouble, budget);
    let at = |column| standing.fate(trouble, column).map(|fate| fate.at);
    [at(Column::Now), at(Column::AfterReboot), Some(Span::Seconds(budget))]
        .map(|span| scale.place(span?, TICKS * CELLS))
}

/// Whether an end is drawn in the budget's own place.
pub(super) fn ends_at(standing: &Standing, trouble: Trouble, budget: u64) -> bool {
    let [now, later, mark] = places(standing, trouble, budget);
    mark.is_some() && (now == mark || later == mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stall::{Fate, Prospect};

    fn standing(now: Span, later: Span) -> Standing {
        let fate = |at| Fate {
            at,
            by: None,
            gone: Span::Forever,
            restarts: false,
            unknown: [].into(),
            timers: Vec::new(),
            resumes_within: None,
        };
        Standing {
            mount: "/data".to_owned(),
            fstype: "ext4".to_owned(),
            stack: Vec::new(),
            disks: Vec::new(),
            prospects: vec![Prospect {
                trouble: Trouble::Silence,
                now: fate(now),
                after_apply: fate(now),
                after_reboot: fate(later),
            }],
            follows: String::new(),
            notes: Vec::new(),
            uncured: None,
            short: None,
        }
    }

    #[test]
    fn a_failure_and_what_the_plan_gains() {
        let drawn = |now, later| {
            let [numbers, line] = drawn(&standing(now, later), Trouble::Silence, 180);
            format!("{numbers}\n{line}\n")
        };
        assert_eq!(
            drawn(Span::Seconds(130), Span::Forever),
            "    0         60        120       180       240       300 s\n    \
             ├─────────┼─────────┼─x═══════╋═════════╪═════════╪\n"
        );
        // An end at the budget hides neither itself nor the budget.
        assert_eq!(
            drawn(Span::Seconds(180), Span::Forever).lines().nth(1).unwrap(),
            "    ├─────────┼─────────┼─────────X═════════╪═════════╪"
        );
        assert_eq!(
            drawn(Span::Seconds(60), Span::Seconds(180)).lines().nth(1).unwrap(),
            "    ├─────────x═════════╪═════════O         ┊         ┊"
        );
        assert_eq!(
            drawn(Span::Forever, Span::Forever).lines().nth(1).unwrap(),
            "    ├─────────┼─────────┼─────────╋─────────┼─────────┤"
        );
        assert_eq!(
            drawn(Span::Seconds(60), Span::Seconds(60)).lines().nth(1).unwrap(),
            "    ├─────────x         ┊         ╋         ┊         ┊"
        );
        assert_eq!(
            drawn(Span::Seconds(60), Span::Seconds(480)).lines().next().unwrap(),
            "    0         120       240       360       480       600 s"
        );
    }

    #[test]
    fn what_lies_beyond_the_end_has_no_place() {
        let scale = Scale { step: 60 };
        assert_eq!(scale.place(Span::Seconds(301), 50), None);
        assert_eq!(scale.place(Span::Forever, 50), None);
        assert_eq!(scale.place(Span::Seconds(300), 50), Some(50));
    }
}
