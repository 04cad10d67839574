//! Two bars for each kind of trouble, now above and after the plan below, on one scale.

use serde::Serialize;

use super::super::timeline::{Scale, TICKS};
use super::words::{called, ends, lasting};
use crate::stall::{Column, Span, Standing};

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
    bars: Vec<Bar>,
    texts: Vec<Text>,
    /// Where the budget is, and where the scale begins.
    budget: String,
    axis: usize,
}

#[derive(Serialize)]
struct Bar {
    class: &'static str,
    x: String,
    y: usize,
    width: String,
    height: usize,
}

#[derive(Serialize)]
struct Text {
    class: &'static str,
    x: String,
    y: usize,
    words: String,
}

/// Where the scale begins, in thousandths of the width: to its left stand the bars' names.
const LEFT: u64 = 90;
/// Its own width.
const WIDE: u64 = 1000 - LEFT;

/// Thousandths of the width.
fn percent(thousandths: u64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

pub(super) fn of(standing: &Standing, budget: u64, host_holds: u64) -> Drawing {
    let fates =
        standing.prospects.iter().flat_map(|prospect| Column::ALL.map(|column| prospect.at(column).at));
    let scale = Scale::over(fates, budget);
    let axis = standing.prospects.len() * LANE;
    let (mut bars, mut texts, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for (lane, prospect) in standing.prospects.iter().enumerate() {
        let top = lane * LANE;
        let label = format!("{}: {}", called(prospect.trouble, host_holds), ends(prospect));
        texts.push(Text { class: "lane", x: percent(0), y: top + 13, words: label.clone() });
        said.push(label);
        let states = [("now", Column::Now), ("plan", Column::AfterReboot)];
        for (y, (class, column)) in (top + 19..).step_by(BAR + 3).zip(states) {
            texts.push(Text { class: "state", x: percent(0), y: y + BAR - 1, words: class.to_owned() });
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
        let words = if tick == 0 { "0".to_owned() } else { lasting(Span::Seconds(tick * scale.step)) };
        texts.push(Text { class, x: percent(LEFT + tick * WIDE / TICKS), y: axis + 14, words });
    }
    let budget_at = percent(LEFT + scale.place(Span::Seconds(budget), WIDE).unwrap_or(WIDE));
    let words = format!("budget {}", lasting(Span::Seconds(budget)));
    texts.push(Text { class: "mark", x: budget_at.clone(), y: axis + 29, words });
    Drawing { label: said.join("; "), height: axis + AXIS, bars, texts, budget: budget_at, axis }
}

/// A bar up to its end, and a mark there.
fn lasts(class: &'static str, end: Option<u64>, y: usize, bars: &mut Vec<Bar>) {
    let mut bar = |class, x: u64, width: String| {
        bars.push(Bar { class, x: percent(LEFT + x), y, width, height: BAR });
    };
    bar("gone", 0, percent(WIDE));
    bar(class, 0, percent(end.unwrap_or(WIDE)));
    if let Some(end) = end {
        bar("end", end, "2".to_owned());
    }
}
