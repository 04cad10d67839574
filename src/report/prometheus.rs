//! What a `node_exporter` takes from a file: every series once, each family with its meaning
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;

use super::survive::{is_shown, late};
use super::text::printable;
use super::verify::count;
use super::{Show, clock};
use crate::stall::{Column, Span, Survey, Trouble};
use crate::verify::{Row, State};

/// Values by labels, so that no series is there twice.
type Series = BTreeMap<String, String>;

/// A verification as metrics; `rows` are those that are shown.
pub(super) fn metrics(rows: &[Row], survey: &Survey, show: &Show<'_>) -> String {
    let (mut states, mut deviations) = (Series::new(), Series::new());
    for state in State::ALL {
        states.insert(labels(&[("state", state.name())]), count(rows, state).to_string());
    }
    for row in rows.iter().filter(|row| row.state.is_trouble() || row.state == State::PendingReboot) {
        deviations.insert(deviation(row), "1".to_owned());
    }
    let (seconds, unknown) = survivals(survey, show);
    let (late, late_unknown) = arrivals(survey, show);
    let pending = u64::from(count(rows, State::PendingReboot) > 0);
    let mut text = String::new();
    for (name, help, labels, value) in [
        ("info", "The hvtune that made these.", labels(&[("version", env!("CARGO_PKG_VERSION"))]), 1),
        ("last_run_timestamp_seconds", "When that was, since 1970 in UTC.", String::new(), clock::seconds()),
        ("reboot_pending", "Whether a setting waits for the next boot.", String::new(), pending),
        ("stall_budget_seconds", "The longest stall to survive.", String::new(), survey.budget),
    ] {
        let mut one = Series::new();
        one.insert(labels, value.to_string());
        family(name, help, &one, &mut text);
    }
    let help = "How late a disk may answer at boot; +Inf is no limit, and where a fact is missing it is at least so long.";
    family("boot_wait_seconds", help, &late, &mut text);
    family(
        "boot_wait_unknown",
        "Nobody could tell how late a disk may answer at boot.",
        &late_unknown,
        &mut text,
    );
    let help =
        "How long a mount survives; +Inf is no limit, and where a fact is missing it is at least so long.";
    family("survive_seconds", help, &seconds, &mut text);
    family("survive_unknown", "Nobody could tell how long a mount survives.", &unknown, &mut text);
    family("verify_deviation", "A setting that is not as planned.", &deviations, &mut text);
    family("verify_rows", "Settings by verification state.", &states, &mut text);
    text
}

fn family(name: &str, help: &str, series: &Series, text: &mut String) {
    text.push_str(&format!("# HELP hvtune_{name} {help}\n# TYPE hvtune_{name} gauge\n"));
    for (labels, value) in series {
        text.push_str(&format!("hvtune_{name}{labels} {value}\n"));
    }
}

fn deviation(row: &Row) -> String {
    labels(&[
        ("id", row.id),
        ("knob", &row.knob),
        ("target", &row.target),
        ("state", row.state.name()),
        ("layer", row.layer.name()),
    ])
}

/// How long each mount lasts, and where that could not be told.
fn survivals(survey: &Survey, show: &Show<'_>) -> (Series, Series) {
    let (mut seconds, mut unknown) = (Series::new(), Series::new());
    for standing in survey.standings.iter().filter(|standing| is_shown(standing, show.only)) {
        for prospect in &standing.prospects {
            for column in Column::ALL {
                let fate = prospect.at(column);
                let labels = survival(&standing.mount, prospect.trouble, column);
                if fate.is_untold() {
                    unknown.insert(labels, "1".to_owned());
                } else {
                    sooner(&mut seconds, labels, fate.at);
                }
            }
        }
    }
    (seconds, unknown)
}

/// How late the disk of each mount and swap may answer at boot, and where that could not be told.
fn arrivals(survey: &Survey, show: &Show<'_>) -> (Series, Series) {
    let (mut seconds, mut unknown) = (Series::new(), Series::new());
    for arrival in survey.arrivals.iter().filter(|one| late::is_shown(one, show)) {
        for (disk, waits) in [("absent", &arrival.absent), ("silent", &arrival.silent)] {
            for (when, wait) in ["now", "after_reboot"].into_iter().zip(waits) {
                let labels = labels(&[("mount", &arrival.mount), ("disk", disk), ("when", when)]);
                if wait.is_untold() {
                    unknown.insert(labels, "1".to_owned());
                } else {
                    sooner(&mut seconds, labels, wait.at);
                }
            }
        }
    }
    (seconds, unknown)
}

/// Of two file systems mounted over each other, and of two swaps, the one that ends sooner is told.
fn sooner(series: &mut Series, labels: String, at: Span) {
    let told = series.get(&labels);
    let told = told.map(|told| told.parse().map_or(Span::Forever, Span::Seconds));
    if told.is_none_or(|told| at < told) {
        let value = at.seconds().map_or_else(|| "+Inf".to_owned(), |seconds| seconds.to_string());
        series.insert(labels, value);
    }
}

fn survival(mount: &str, trouble: Trouble, column: Column) -> String {
    let when = match column {
        Column::Now => "now",
        Column::AfterApply => "after_apply",
        Column::AfterReboot => "after_reboot",
    };
    labels(&[("mount", mount), ("trouble", trouble.name()), ("when", when)])
}

fn labels(named: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in named {
        let mark = if text.is_empty() { '{' } else { ',' };
        text.push_str(&format!("{mark}{name}=\"{}\"", escaped(value)));
    }
    text.push('}');
    text
}

/// A label's value holds no bare backslash, quote or line feed, and nothing that steers a terminal.
fn escaped(value: &str) -> String {
    let lines = value.split('\n').map(|line| printable(line).replace('\\', "\\\\").replace('"', "\\\""));
    lines.collect::<Vec<_>>().join("\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Layer;

    fn row(target: &str, state: State) -> Row {
        Row {
            id: "fs.errors",
            knob: "errors".to_owned(),
            target: target.to_owned(),
            place: target.to_owned(),
            expected: "none".to_owned(),
            wanted: None,
            found: None,
            state,
            layer: Layer::Live,
            because: String::new(),
        }
    }

    /// A label value escapes backslash, quote and line feed
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information>).
    #[test]
    fn a_label_holds_any_name() {
        let series = deviation(&row("/mnt/a\"b\\c\nd\u{e9}\u{1b}", State::Differs));
        let said = "{id=\"fs.errors\",knob=\"errors\",target=\"/mnt/a\\\"b\\\\c\\nd\u{e9}\\\\u{1b}\",\
                    state=\"differs\",layer=\"live\"}";
        assert_eq!(series, said);
    }

    #[test]
    fn the_same_labels_are_one_series_and_the_sooner_end_counts() {
        let mut series = Series::new();
        for at in [Span::Forever, Span::Seconds(130), Span::Seconds(30), Span::Seconds(200), Span::Forever] {
            sooner(&mut series, labels(&[("mount", "/")]), at);
        }
        sooner(&mut series, labels(&[("mount", "/data")]), Span::Forever);
        let mut text = String::new();
        family("x", "X.", &series, &mut text);
        let head = "# HELP hvtune_x X.\n# TYPE hvtune_x gauge\n";
        assert_eq!(text, format!("{head}hvtune_x{{mount=\"/\"}} 30\nhvtune_x{{mount=\"/data\"}} +Inf\n"));
    }
}
