//! Two bars for each kind of trouble, now above and after the plan below, on one scale.

use serde::Serialize;

use super::super::timeline::{Scale, TICKS};
use super::super::words::seconds;
use crate::report::survive::{called, lasting};
use crate::stall::{Column, Fate, Prospect, Span, Standing, Trouble};

/// Heights in pixels: of one kind of trouble, of a bar, of the scale below.
const LANE: usize = 50;
const BAR: usize = 10;
const AXIS: usize = 34;

/// A drawing: across in percent of its width, down in pixels, so that letters keep their size.
#[derive(Serialize)]
pub(super) struct Drawing {
    /// The same in words.
    label: String,
    height: usize,
    bars: Vec<Mark>,
    words: Vec<Mark>,
    /// Where the budget is, and where the scale begins.
    budget: String,
    axis: usize,
}

/// A bar of a width, or some words.
#[derive(Serialize)]
struct Mark {
    class: &'static str,
    x: String,
    y: usize,
    what: String,
}

/// Where the scale begins, in thousandths of the width: to its left stand the bars' names.
const LEFT: u64 = 90;
/// Its own width.
const WIDE: u64 = 1000 - LEFT;

/// A kind of trouble as a heading.
pub(super) fn heading(trouble: Trouble, host_holds: u64) -> String {
    let mut called = called(trouble, host_holds);
    if let Some(first) = called.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    called
}

/// Two ends: `130 s → 215 s`.
pub(super) fn arrow(now: &Fate, later: &Fate) -> String {
    match [now, later].map(|fate| lasting(Some(fate))) {
        [now, later] if now == later => now,
        [now, later] => format!("{now} \u{2192} {later}"),
    }
}

/// The ends of one trouble: `130 s → 215 s`.
fn ends(prospect: &Prospect) -> String {
    arrow(&prospect.now, &prospect.after_reboot)
}

/// Thousandths of the width.
fn percent(thousandths: u64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

pub(super) fn of(standing: &Standing, budget: u64, host_holds: u64) -> Drawing {
    let mut ends_at = Vec::new();
    for prospect in &standing.prospects {
        ends_at.extend(Column::ALL.map(|column| prospect.at(column).at));
    }
    let scale = Scale::over(&ends_at, budget);
    let axis = standing.prospects.len() * LANE;
    let (mut bars, mut words, mut label) = (Vec::new(), Vec::new(), String::new());
    let mut say = |class, x, y, what| words.push(Mark { class, x: percent(x), y, what });
    for (lane, prospect) in standing.prospects.iter().enumerate() {
        let top = lane * LANE;
        let said = format!("{}: {}", heading(prospect.trouble, host_holds), ends(prospect));
        label.push_str(&format!("{said}; "));
        say("lane", 0, top + 13, said);
        for (class, column, y) in
            [("now", Column::Now, top + 19), ("plan", Column::AfterReboot, top + 22 + BAR)]
        {
            say("state", 0, y + BAR - 1, class.to_owned());
            lasts(class, scale.place(prospect.at(column).at, WIDE), y, &mut bars);
        }
    }
    for tick in 0..=TICKS {
        let class = if tick == 0 {
            "first"
        } else if tick == TICKS {
            "last"
        } else {
            "tick"
        };
        say(class, LEFT + tick * WIDE / TICKS, axis + 14, seconds(tick * scale.step));
    }
    let at = LEFT + scale.place(Span::Seconds(budget), WIDE).unwrap_or(WIDE);
    say("mark", at, axis + 29, format!("budget {}", seconds(budget)));
    Drawing { label, height: axis + AXIS, bars, words, budget: percent(at), axis }
}

/// A bar up to its end, and a mark there.
fn lasts(class: &'static str, end: Option<u64>, y: usize, bars: &mut Vec<Mark>) {
    let mut bar = |class, x, what| bars.push(Mark { class, x: percent(LEFT + x), y, what });
    bar("gone", 0, percent(WIDE));
    bar(class, 0, percent(end.unwrap_or(WIDE)));
    if let Some(end) = end {
        bar("end", end, "2".to_owned());
    }
}
