//! What `verify` shows.

use regex::bytes::Regex;
use serde_json::{Map, Value as Json, json};

use super::text::{table, wrapped};
use super::{SCHEMA, Show, shown};
use crate::verify::{Row, State};

/// Leaves the rows that a pattern names: what is shown is what is counted and judged.
pub(super) fn narrow(rows: &mut Vec<Row>, only: Option<&Regex>) {
    rows.retain(|row| shown(only, &[row.id, &row.knob, &row.target]));
}

pub(super) fn count(rows: &[Row], state: State) -> usize {
    rows.iter().filter(|row| row.state == state).count()
}

pub(super) fn json(rows: &[Row]) -> Json {
    let mut summary = Map::new();
    summary.extend(State::ALL.iter().map(|&state| (state.name().to_owned(), json!(count(rows, state)))));
    json!({
        "schema": SCHEMA,
        "rows": rows.iter().map(|row| json!({
            "id": row.id,
            "knob": row.knob,
            "target": row.target,
            "expected": row.expected,
            "found": row.found,
            "state": row.state.name(),
            "layer": row.layer.name(),
            "because": row.because,
        })).collect::<Vec<_>>(),
        "summary": summary,
    })
}

/// `narrowed`: these are not all.
pub(super) fn text(rows: &[Row], show: &Show<'_>) -> String {
    let (verbose, narrowed) = (show.verbose, show.only.is_some());
    let mut lines = vec![["id", "knob", "on", "expected", "found", "state"].map(str::to_owned).to_vec()];
    let mut notes: Vec<String> = Vec::new();
    for row in rows {
        let tell = !row.because.is_empty() && (verbose || !matches!(row.state, State::Ok));
        let mark = if tell { note(&mut notes, &row.because) } else { String::new() };
        let state = match row.state {
            State::Differs => format!("{} ({})", row.state.name(), row.layer.name()),
            other => other.name().to_owned(),
        };
        let found = row.found.clone().unwrap_or_else(|| "-".to_owned());
        lines.push(vec![
            row.id.to_owned(),
            row.knob.clone(),
            row.target.clone(),
            row.expected.clone(),
            found,
            format!("{state}{mark}"),
        ]);
    }
    let mut text = table(&lines, 0);
    for (index, note) in notes.iter().enumerate() {
        text.push_str(&wrapped(&format!("[{}] {note}", index + 1), 2));
    }
    text.push_str(&verdict(rows, narrowed));
    text
}

/// The number of a footnote, the same text always the same number.
fn note(notes: &mut Vec<String>, text: &str) -> String {
    let index = notes.iter().position(|known| known == text).unwrap_or_else(|| {
        notes.push(text.to_owned());
        notes.len() - 1
    });
    format!(" [{}]", index + 1)
}

fn verdict(rows: &[Row], narrowed: bool) -> String {
    let trouble = rows.iter().filter(|row| row.state.is_trouble()).count();
    let pending = count(rows, State::PendingReboot);
    let settings = if narrowed { "settings shown" } else { "settings" };
    let all = rows.len();
    if trouble > 0 {
        let states = State::ALL.into_iter().filter(|state| state.is_trouble() && count(rows, *state) > 0);
        let each: Vec<String> =
            states.map(|state| format!("{} {}", count(rows, state), state.name())).collect();
        format!("\n{trouble} of {all} {settings} not as planned: {}\n", each.join(", "))
    } else if pending > 0 {
        format!("\nin order after the next boot ({pending} of {all} {settings} wait for it)\n")
    } else {
        format!("\nin order ({all} {settings})\n")
    }
}
