//! What `explain` shows.

use regex::bytes::Regex;

use super::screen::Screen;
use super::text::{Cell, Text};
use super::{shown, words};
use crate::tunable::{Accepts, Decision, Tunable, Verdict};
use crate::tunables::CATALOGUE;

pub(super) fn of<'a>(tunable: &Tunable, verdicts: &'a [Verdict]) -> impl Iterator<Item = &'a Decision> {
    let id = tunable.id;
    verdicts.iter().filter(move |verdict| verdict.tunable.id == id).map(|verdict| &verdict.decision)
}

pub(super) fn listed(only: Option<&Regex>) -> impl Iterator<Item = &'static Tunable> {
    CATALOGUE.iter().copied().filter(move |tunable| {
        let mut names = vec![tunable.id];
        names.extend(tunable.knobs.iter().map(|knob| knob.name));
        shown(only, &names)
    })
}

fn set(decision: &Decision) -> Vec<String> {
    match decision {
        Decision::Set { what, .. } => what
            .iter()
            .map(|a| format!("{} = {} ({})", a.target.knob(), a.want.phrase(), a.place()))
            .collect(),
        _ => Vec::new(),
    }
}

fn accepts(accepts: Accepts) -> String {
    match accepts {
        Accepts::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Accepts::Word(words) => format!("one of {}", words.join(", ")),
    }
}

pub(super) fn list_text(verdicts: &[Verdict], only: Option<&Regex>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    let all: Vec<&Tunable> = listed(only).collect();
    let row = |tunable: &&Tunable| {
        let mut kinds: Vec<String> = of(tunable, verdicts).map(words::verdict).collect();
        kinds.dedup();
        vec![Cell::from(tunable.id), Cell::from(kinds.join(", "))]
    };
    let rows: Vec<Vec<Cell>> = all.iter().map(row).collect();
    let widths = text.columns(&rows, 0);
    for (tunable, row) in all.iter().zip(&rows) {
        text.row(row, &widths, 0);
        text.para(tunable.title, 4);
    }
    text.into_string()
}

pub(super) fn one_text(tunable: &Tunable, verdicts: &[Verdict]) -> String {
    let mut text = Text::new(Screen::of_stdout());
    text.para(tunable.id, 0);
    text.para(tunable.title, 2);
    text.heading("Why");
    text.para(tunable.why, 2);
    text.heading("Here");
    for decision in of(tunable, verdicts) {
        text.para(&words::verdict(decision), 2);
        for line in set(decision) {
            text.hanging(&line, 4, 6);
        }
        text.para(decision.because(), 4);
    }
    text.heading("What would change it");
    text.hanging(&format!("off = [\"{}\"] in /etc/hvtune.toml", tunable.id), 2, 4);
    for knob in tunable.knobs {
        text.hanging(&format!("[set] \"{}\" = {}", knob.name, accepts(knob.accepts)), 2, 4);
    }
    text.heading("Sources");
    for source in tunable.sources {
        text.para(source.title, 2);
        text.para(source.url, 4);
    }
    text.into_string()
}
