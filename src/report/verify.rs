//! What `verify` shows.

use regex::bytes::Regex;

use super::screen::Screen;
use super::text::{Cell, GLUE, Text, Tone};
use super::{Show, shown, words};
use crate::verify::{Row, State};

/// Leaves the rows that a pattern names: what is shown is what is counted and judged.
pub(super) fn narrow(rows: &mut Vec<Row>, only: Option<&Regex>) {
    rows.retain(|row| shown(only, &[row.id, &row.knob, &row.target]));
}

pub(super) fn count(rows: &[Row], state: State) -> usize {
    rows.iter().filter(|row| row.state == state).count()
}

/// Rows that differ in nothing but where they are.
struct Alike<'a> {
    row: &'a Row,
    on: Vec<&'a str>,
    note: Option<usize>,
}

/// What is not ok comes first, and without -v alone; the last line counts them all.
pub(super) fn text(rows: &[Row], show: &Show<'_>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    let mut notes: Vec<&str> = Vec::new();
    let told = |row: &&Row| row.state != State::Ok && (show.verbose || row.state != State::NotApplicable);
    let mut alike = gathered(rows.iter().filter(told), &mut notes);
    if show.verbose {
        let rest = rows.iter().filter(|row| !told(row));
        alike.extend(gathered(rest, &mut notes));
    }
    if !alike.is_empty() {
        let cells: Vec<Vec<Cell>> = alike.iter().map(cells).collect();
        text.table(&["SETTING", "ON", "WANT", "NOW", "STATE"], &cells, 0);
        for (at, note) in notes.iter().enumerate() {
            text.hanging(&format!("[{}] {note}", at + 1), 1, 5);
        }
        text.gap();
    }
    let tone = if rows.iter().any(|row| row.state.is_trouble()) { Tone::Bad } else { Tone::Good };
    text.toned(&verdict(rows, show.only.is_some()), 0, tone);
    text.into_string()
}

fn gathered<'a>(rows: impl Iterator<Item = &'a Row>, notes: &mut Vec<&'a str>) -> Vec<Alike<'a>> {
    let mut all: Vec<Alike<'a>> = Vec::new();
    for row in rows {
        let note = (!row.because.is_empty()).then(|| note(notes, &row.because));
        match all.iter_mut().find(|other| other.note == note && is_alike(other.row, row)) {
            Some(other) => other.on.push(&row.target),
            None => all.push(Alike { row, on: vec![&row.target], note }),
        }
    }
    all
}

/// Whether two rows differ in nothing but where they are, and why.
fn is_alike(one: &Row, other: &Row) -> bool {
    let place = |row: &Row| (row.id, row.state, row.layer);
    place(one) == place(other)
        && (&one.knob, &one.expected, &one.found) == (&other.knob, &other.expected, &other.found)
}

/// The number of a footnote, the same text always the same number.
fn note<'a>(notes: &mut Vec<&'a str>, text: &'a str) -> usize {
    let known = notes.iter().position(|known| *known == text);
    known.map_or_else(
        || {
            notes.push(text);
            notes.len()
        },
        |at| at + 1,
    )
}

fn cells(alike: &Alike<'_>) -> Vec<Cell> {
    let Alike { row, on, note } = alike;
    let on = match on.as_slice() {
        [one] => words::place(one),
        many => words::names(&many.iter().map(|name| name.trim_start_matches("unit:")).collect::<Vec<_>>()),
    };
    let tone = match row.state {
        State::Ok => Tone::Good,
        State::PendingReboot | State::CannotBeSet => Tone::Care,
        State::NotApplicable => Tone::Faint,
        _ => Tone::Bad,
    };
    let mark = note.map_or(String::new(), |number| format!("{GLUE}[{number}]"));
    let found = row.found.as_deref().map_or_else(|| "-".to_owned(), |found| words::value(&row.knob, found));
    vec![
        Cell::from(row.knob.as_str()),
        Cell::from(on),
        Cell::from(words::want(&row.knob, &row.expected)),
        Cell::from(found),
        Cell::new(format!("{}{mark}", words::state(row.state).replace(' ', &GLUE.to_string())), tone),
    ]
}

/// `20 values: 16 ok, 1 differs, 3 after reboot`; `narrowed`: these are not all.
pub(super) fn verdict(rows: &[Row], narrowed: bool) -> String {
    let all = format!("{}{}", words::count(rows.len(), "value"), if narrowed { " shown" } else { "" });
    if rows.is_empty() {
        return if narrowed { format!("{all}.") } else { "Nothing to verify here.".to_owned() };
    }
    if rows.iter().all(|row| row.state == State::Ok) {
        return format!("{all}, all as planned.");
    }
    let states = State::ALL.into_iter().filter(|state| count(rows, *state) > 0);
    let each: Vec<String> = states.map(|state| words::rows(count(rows, state), state)).collect();
    format!("{all}: {}.", each.join(", "))
}
