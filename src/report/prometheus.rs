//! What a `node_exporter` takes from a file: every series once, each family with its meaning
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;

use super::survive::is_shown;
use super::text::printable;
use super::verify::count;
use super::{Show, clock};
use crate::stall::{Column, Fate, Span, Survey, Trouble};
use crate::verify::{Row, State};

/// Series by their labels, so that none is there twice.
type Series = BTreeMap<String, Span>;

/// A verification as metrics; `rows` are those that are shown.
pub(super) fn metrics(rows: &[Row], survey: &Survey, show: &Show<'_>) -> String {
    let (seconds, unknown) = survivals(survey, show);
    let one = |value| Series::from([(String::new(), Span::Seconds(value))]);
    let version = labels(&[("version", env!("CARGO_PKG_VERSION"))]);
    let pending = rows.iter().any(|row| row.state == State::PendingReboot);
    let states = State::ALL.into_iter().map(|state| {
        let number = u64::try_from(count(rows, state)).unwrap_or(u64::MAX);
        (labels(&[("state", state.name())]), Span::Seconds(number))
    });
    let deviations = rows.iter().filter(|row| row.state.is_trouble() || row.state == State::PendingReboot);
    let families = [
        ("hvtune_info", "The hvtune that made these.", Series::from([(version, Span::Seconds(1))])),
        ("hvtune_last_run_timestamp_seconds", "When that was, since 1970 in UTC.", one(clock::now())),
        ("hvtune_reboot_pending", "Whether a setting waits for the next boot.", one(pending.into())),
        ("hvtune_stall_budget_seconds", "The longest stall to survive.", one(survey.budget)),
        (
            "hvtune_survive_seconds",
            "How long a mount survives; +Inf is no limit, and where a fact is missing it is at least so long.",
            seconds,
        ),
        ("hvtune_survive_unknown", "Nobody could tell how long a mount survives.", unknown),
        ("hvtune_verify_deviation", "A setting that is not as planned.", deviations.map(deviation).collect()),
        ("hvtune_verify_rows", "Settings by verification state.", states.collect()),
    ];
    families.iter().map(|(name, help, series)| family(name, help, series)).collect()
}

fn family(name: &str, help: &str, series: &Series) -> String {
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (labels, value) in series {
        let value = value.seconds().map_or_else(|| "+Inf".to_owned(), |seconds| seconds.to_string());
        text.push_str(&format!("{name}{labels} {value}\n"));
    }
    text
}

fn deviation(row: &Row) -> (String, Span) {
    let named = [
        ("id", row.id),
        ("knob", &row.knob),
        ("target", &row.target),
        ("state", row.state.name()),
        ("layer", row.layer.name()),
    ];
    (labels(&named), Span::Seconds(1))
}

/// How long each mount lasts, and where that could not be told.
fn survivals(survey: &Survey, show: &Show<'_>) -> (Series, Series) {
    let (mut seconds, mut unknown) = (Series::new(), Series::new());
    for standing in survey.standings.iter().filter(|standing| is_shown(standing, show.only)) {
        for prospect in &standing.prospects {
            for column in Column::ALL {
                let fate = prospect.at(column);
                let labels = survival(&standing.mount, prospect.trouble, column);
                if untold(fate) {
                    unknown.insert(labels, Span::Seconds(1));
                    continue;
                }
                // Of two file systems mounted over each other the one that ends sooner is told.
                let told = seconds.entry(labels).or_insert(fate.at);
                *told = fate.at.min(*told);
            }
        }
    }
    (seconds, unknown)
}

/// Whether nothing is known of an end but that it may be at once.
fn untold(fate: &Fate) -> bool {
    fate.at == Span::Seconds(0) && !fate.unknown.is_empty()
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
    let all: Vec<String> =
        named.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", all.join(","))
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
            expected: "none".to_owned(),
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
        let (series, value) = deviation(&row("/mnt/a\"b\\c\nd\u{e9}\u{1b}", State::Differs));
        let said = "{id=\"fs.errors\",knob=\"errors\",target=\"/mnt/a\\\"b\\\\c\\nd\u{e9}\\\\u{1b}\",\
                    state=\"differs\",layer=\"live\"}";
        assert_eq!((series.as_str(), value), (said, Span::Seconds(1)));
    }

    #[test]
    fn the_same_labels_are_one_series() {
        let rows = [row("/data", State::Differs), row("/data", State::Differs)];
        assert_eq!(rows.iter().map(deviation).collect::<Series>().len(), 1);
    }

    #[test]
    fn no_limit_is_infinite() {
        let series = Series::from([(labels(&[("mount", "/")]), Span::Forever)]);
        assert_eq!(family("x", "X.", &series), "# HELP x X.\n# TYPE x gauge\nx{mount=\"/\"} +Inf\n");
    }
}
