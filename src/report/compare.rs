//! What `compare` shows.

use super::Show;
use super::screen::Screen;
use super::survive::table::{ERRORS, SILENCES, worst};
use super::survive::{called, lasting, named};
use super::text::{Cell, Text, Tone};
use super::words;
use crate::compare::{Comparison, Contrast, Difference, End, Group, Outcome, Seen, Untold};
use crate::stall::{Column, Span, Trouble};

pub(super) fn text(comparison: &Comparison, show: &Show<'_>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    let budget = comparison.terms.budget;
    text.para(
        &format!("stall budget {budget} s: {}, as they are", words::count(comparison.guests, "guest")),
        0,
    );
    tables(comparison, show.verbose, &mut text);
    for difference in &comparison.differences {
        one(difference, comparison, show.verbose, &mut text);
    }
    if comparison.guests > 1 && comparison.differences.is_empty() {
        text.gap();
        text.toned("No mount point ends otherwise on one guest than on another.", 0, Tone::Good);
    }
    text.into_string()
}

/// Some names: all of a few, or where all are asked for; else the first, the last and how many.
fn some(guests: &[String], all: bool) -> String {
    let names: Vec<&str> = guests.iter().map(String::as_str).collect();
    if all { names.join(" ") } else { words::names(&names) }
}

/// A table for each group of guests that are alike, as survive has one for a guest.
fn tables(comparison: &Comparison, all: bool, text: &mut Text) {
    let verdict = format!("SURVIVES {}", words::seconds(comparison.terms.budget));
    for group in &comparison.groups {
        let kernel = group.kernel.as_deref().unwrap_or("unknown");
        text.heading(&format!("{}: kernel {kernel}", some(&group.guests, all)));
        let rows: Vec<Vec<Cell>> =
            folded(group).into_iter().map(|(points, seen)| row(points, seen)).collect();
        if rows.is_empty() {
            text.hanging("no mount on storage", 2, 4);
        } else {
            text.table(
                &["MOUNT", "STANDS ON", "SILENCE, LOST PATH", "ERRORS OF THE HOST", &verdict],
                &rows,
                2,
            );
        }
    }
}

fn row(points: String, seen: &Seen) -> Vec<Cell> {
    let lasts = |kinds: &[Trouble]| match worst(&seen.standing, kinds, Column::Now) {
        Some(fate) => lasting(Some(fate)),
        None => "-".to_owned(),
    };
    let verdict = match seen.survives {
        Some(true) => Cell::new("yes", Tone::Good),
        Some(false) => Cell::new("no", Tone::Bad),
        None => Cell::new("could not tell", Tone::Bad),
    };
    let cells = [points, seen.on.clone(), lasts(&SILENCES), lasts(&ERRORS)];
    cells.into_iter().map(Cell::from).chain([verdict]).collect()
}

/// Mounts that end alike on one row; the root has its own.
fn folded(group: &Group) -> Vec<(String, &Seen)> {
    let mut folded: Vec<(Vec<String>, &Seen)> = Vec::new();
    let alike = |one: &Seen, other: &Seen| {
        let ends = |seen: &Seen| {
            [&SILENCES[..], &ERRORS[..]].map(|kinds| lasting(worst(&seen.standing, kinds, Column::Now)))
        };
        one.on == other.on && one.survives == other.survives && ends(one) == ends(other)
    };
    for seen in &group.mounts {
        let name = named(&seen.standing);
        let same = folded.iter_mut().find(|(_, first)| first.standing.mount != "/" && alike(first, seen));
        match same {
            Some((names, _)) => names.push(name),
            None => folded.push((vec![name], seen)),
        }
    }
    folded.into_iter().map(|(names, seen)| (some(&names, false), seen)).collect()
}

fn one(difference: &Difference, comparison: &Comparison, all: bool, text: &mut Text) {
    text.heading(&format!("{} lasts longest on {}", difference.point, some(&difference.longest, all)));
    for contrast in &difference.contrasts {
        text.hanging(
            &format!("{}: {}", some(&contrast.guests, all), ends(contrast, difference, comparison)),
            2,
            4,
        );
        if contrast.facts.is_empty() {
            text.hanging("none of the facts that are compared explains it", 4, 6);
            continue;
        }
        let rows: Vec<Vec<Cell>> = contrast
            .facts
            .iter()
            .map(|fact| {
                let values = format!("{} instead of {}", fact.here, fact.there);
                vec![Cell::from(fact.name), values.into(), fact.knob.into()]
            })
            .collect();
        text.table(&[], &rows, 4);
    }
    for untold in &difference.untold {
        text.hanging(&could_not_tell(untold, all), 2, 4);
    }
}

fn could_not_tell(untold: &Untold, all: bool) -> String {
    format!("{}: could not tell: {}", some(&untold.guests, all), untold.facts.join(", "))
}

/// The kinds of trouble that are known of both and end otherwise.
pub(super) fn differing(here: &Outcome, there: &Outcome) -> Vec<Trouble> {
    let known = |end: Option<&End>| end.is_none_or(|end| end.unknown.is_empty());
    let differs = |trouble: &Trouble| {
        let (here, there) = (here.end(*trouble), there.end(*trouble));
        known(here) && known(there) && here != there
    };
    Trouble::ALL.into_iter().filter(differs).collect()
}

/// What ends otherwise: `silence 65 s instead of no limit`.
fn ends(contrast: &Contrast, difference: &Difference, comparison: &Comparison) -> String {
    let (here, there) = (&contrast.outcome, &difference.outcome);
    let holds = comparison.terms.host_holds;
    let mut said: Vec<String> = Vec::new();
    for trouble in differing(here, there) {
        let [here, there] = [here, there].map(|outcome| lasts(outcome.end(trouble), comparison.terms.budget));
        said.push(format!("{} {here} instead of {there}", called(trouble, holds)));
    }
    if here.then != there.then {
        said.push(format!("where writes fail {} instead of: {}", here.then.name(), there.then.name()));
    }
    said.join("; ")
}

fn lasts(end: Option<&End>, budget: u64) -> String {
    let Some(end) = end else { return "cannot befall it".to_owned() };
    match end.at {
        Span::Forever => "no limit".to_owned(),
        // A map counts on until a path is in use again.
        Span::Seconds(seconds) if seconds > budget && !end.rides_out => {
            format!("{}, too short for what comes after", words::seconds(seconds))
        }
        Span::Seconds(seconds) if end.restarts => format!("{}, then a restart", words::seconds(seconds)),
        Span::Seconds(seconds) => words::seconds(seconds),
    }
}
