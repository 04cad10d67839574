//! What `verify` shows.

use regex::bytes::Regex;

use super::text::{table, wrapped};
use super::{Show, shown};
use crate::stall::Survey;
use crate::verify::{Row, State};

/// Leaves the rows that a pattern names: what is shown is what is counted and judged.
pub(super) fn narrow(rows: &mut Vec<Row>, only: Option<&Regex>) {
    rows.retain(|row| shown(only, &[row.id, &row.knob, &row.target]));
}

pub(super) fn count(rows: &[Row], state: State) -> usize {
    rows.iter().filter(|row| row.state == state).count()
}

/// One gauge per state, and one series per row that is not in order
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
pub(super) fn prometheus(rows: &[Row], _survey: &Survey) -> String {
    let mut text = String::from(
        "# HELP hvtune_verify_rows Settings by verification state.\n# TYPE hvtune_verify_rows gauge\n",
    );
    for state in State::ALL {
        text.push_str(&format!("hvtune_verify_rows{{state=\"{}\"}} {}\n", state.name(), count(rows, state)));
    }
    text.push_str("# HELP hvtune_verify_deviation A setting that is not as planned.\n");
    text.push_str("# TYPE hvtune_verify_deviation gauge\n");
    for row in rows.iter().filter(|row| row.state.is_trouble() || row.state == State::PendingReboot) {
        text.push_str(&format!(
            "hvtune_verify_deviation{{id=\"{}\",knob=\"{}\",target=\"{}\",state=\"{}\",layer=\"{}\"}} 1\n",
            row.id,
            label(&row.knob),
            label(&row.target),
            row.state.name(),
            row.layer.name()
        ));
    }
    text
}

/// Label values may hold anything but an unescaped backslash, quote or line feed.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Layer;

    /// A label value escapes backslash, quote and line feed, and nothing else
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information>).
    #[test]
    fn a_label_holds_any_name() {
        let row = Row {
            id: "fs.errors",
            knob: "errors".to_owned(),
            target: "/mnt/a\"b\\c\nd\u{e9}".to_owned(),
            place: String::new(),
            expected: "none".to_owned(),
            wanted: None,
            found: None,
            state: State::Differs,
            layer: Layer::Live,
            because: String::new(),
        };
        let series = "hvtune_verify_deviation{id=\"fs.errors\",knob=\"errors\",\
                      target=\"/mnt/a\\\"b\\\\c\\nd\u{e9}\",state=\"differs\",layer=\"live\"} 1";
        assert_eq!(
            prometheus(
                &[row],
                &Survey {
                    budget: 0,
                    host_holds: 0,
                    standings: vec![],
                    services: vec![],
                    notes: vec![],
                    host: &[]
                }
            )
            .lines()
            .last(),
            Some(series)
        );
    }
}
