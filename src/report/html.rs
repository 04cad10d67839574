//! `survive` and `postmortem` as one page: nothing is fetched, nothing runs, every string is escaped.

mod change;
mod drawing;
mod mount;
pub(super) mod postmortem;

use std::io::{Result, Write};

use serde::Serialize;

use super::survive::late;
use super::survive::table::gist;
use super::text::{GLUE, printable};
use super::words::seconds;
use super::{About, Show, clock, host, shown};
use crate::plan::Plan;
use crate::policy::{Policy, Recovery};
use crate::render;
use crate::stall::{INCURABLE, Span, Survey};
use crate::verify::Present;

const NAME: &str = "page.html";
const TEMPLATE: &str = include_str!("../../templates/page.html.tera");

/// Everything that the template prints.
#[derive(Serialize)]
struct Page {
    title: String,
    /// What the machine is, and what was asked.
    about: Vec<Pair>,
    /// What is to be known first.
    lead: Vec<String>,
    /// The columns of the summary.
    heads: Vec<&'static str>,
    mounts: Vec<mount::Summary>,
    sections: Vec<Section>,
}

/// A heading with what stands below it.
#[derive(Serialize)]
struct Section {
    id: String,
    /// How it is drawn: `part` begins a part of the page, `mount` is one of many.
    class: &'static str,
    title: String,
    lines: Vec<Pair>,
    drawings: Vec<drawing::Drawing>,
    blocks: Vec<Block>,
}

/// Something and its name, or a paragraph and its class.
#[derive(Serialize)]
struct Pair {
    name: &'static str,
    value: String,
}

/// Tables side by side, where there is room.
#[derive(Serialize)]
struct Block {
    title: String,
    tables: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    class: &'static str,
    title: String,
    rows: Vec<Vec<String>>,
}

impl Section {
    fn part(title: &str, lines: Vec<Pair>, blocks: Vec<Block>) -> Self {
        let (id, title) = (title.replace(' ', "-"), title.to_owned());
        Self { id, class: "part", title, lines, drawings: Vec::new(), blocks }
    }
}

fn plain(text: impl Into<String>) -> Pair {
    Pair { name: "plain", value: text.into() }
}

fn cells(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Block {
    /// One table, or nothing where it has no row.
    fn of(title: &str, class: &'static str, rows: Vec<Vec<String>>) -> Option<Self> {
        let table = Table { class, title: String::new(), rows };
        (!table.rows.is_empty()).then(|| Self { title: title.to_owned(), tables: vec![table] })
    }
}

/// The whole page.
pub(super) fn page(
    survey: &Survey,
    plan: &Plan,
    present: &[Vec<Present>],
    show: &Show<'_>,
) -> anyhow::Result<String> {
    let groups = mount::groups(survey, show.only);
    let about = show.about;
    let name = about.name.clone().unwrap_or_else(|| about.kind());
    let mut sections = Vec::new();
    if show.only.is_none() {
        sections.push(change::section(survey, plan, present));
    }
    sections.extend(mount::sections(&groups, survey));
    sections.extend(services(survey, show));
    if show.only.is_none() {
        sections.extend(hosts_half(survey, plan));
    }
    let page = Page {
        title: format!("Storage stall report: {name}, {} budget", seconds(survey.budget)),
        about: told(about, survey.budget),
        lead: lead(survey, plan, show),
        heads: mount::heads(&groups),
        mounts: mount::summaries(&groups, survey),
        sections,
    };
    Ok(render::page(NAME, TEMPLATE, escaped, &page)?)
}

/// A value for HTML, within and without attributes.
fn escaped(text: &str, out: &mut dyn Write) -> Result<()> {
    tera::escape_html(&printable(text).replace(GLUE, " "), out)
}

fn told(about: &About, budget: u64) -> Vec<Pair> {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    let list = |values: Vec<String>| if values.is_empty() { "nothing".to_owned() } else { values.join(", ") };
    let policy = &about.policy;
    [
        ("Host", known(&about.name)),
        ("Root", about.root.clone()),
        ("Date", clock::utc()),
        ("Distribution", known(&about.os)),
        ("Running kernel", known(&about.kernel)),
        ("Machine", about.kind()),
        ("Stall budget", seconds(budget)),
        ("When it is spent", recovery(policy).to_owned()),
        ("Switched off", list(policy.off.iter().cloned().collect())),
        ("Pinned", list(policy.set.iter().map(|pin| format!("{} = {}", pin.knob, pin.value)).collect())),
        ("hvtune", env!("CARGO_PKG_VERSION").to_owned()),
    ]
    .map(|(name, value)| Pair { name, value })
    .into()
}

fn recovery(policy: &Policy) -> &'static str {
    match policy.recovery {
        Recovery::Default => "the kernel does what it does by itself (recovery: default)",
        Recovery::Hold => "no timer gives up: a hang rather than an error (recovery: hold)",
        Recovery::SelfHeal => {
            "the kernel panics, the guest restarts and repairs itself (recovery: self-heal)"
        }
        Recovery::FailFast => {
            "as the kernel does it; errors fail after its own five tries (recovery: fail-fast)"
        }
    }
}

/// What is to be known first.
fn lead(survey: &Survey, plan: &Plan, show: &Show<'_>) -> Vec<String> {
    if show.only.is_some() {
        return vec!["Only what was asked for is shown (--only).".to_owned()];
    }
    let mut lines = gist(survey, plan);
    lines.extend(late::gist(survey));
    lines.extend(survey.notes.iter().map(|note| format!("{note}.")));
    lines
}

/// Services that a watchdog kills while their disk is silent.
fn services(survey: &Survey, show: &Show<'_>) -> Option<Section> {
    let mut rows = Vec::new();
    for service in survey.services.iter().filter(|service| shown(show.only, &[&service.unit])) {
        let mut row = vec![service.unit.clone()];
        row.extend(service.watches.map(|watch| match watch.fires {
            Span::Forever => "no watchdog".to_owned(),
            Span::Seconds(fires) => seconds(fires),
        }));
        rows.push(row);
    }
    if rows.is_empty() {
        return None;
    }
    rows.insert(0, cells(&["Service", "Now", "After apply", "After a reboot"]));
    let why = "systemd kills a service that gives no sign of life for so long.";
    let blocks = Block::of("", "headed", rows).into_iter().collect();
    Some(Section::part("Services with a watchdog", vec![plain(why)], blocks))
}

/// What lies below the guest, and what nothing in it cures.
fn hosts_half(survey: &Survey, plan: &Plan) -> Option<Section> {
    let mut rows = host::short_rows(survey.host, survey.budget);
    if survey.standings.is_empty() || plan.standstill.is_some() {
        return None;
    }
    let answers = INCURABLE.map(|kind| format!("{} ({})", kind.answer, kind.errno)).join(", ");
    let lines = vec![plain(format!("These answers of a host fail at once, whatever is set: {answers}."))];
    if !rows.is_empty() {
        rows.insert(0, cells(&["Below the VHDX", "Setting", "Default", "At least"]));
    }
    let blocks = Block::of("What the host must be given (hvtune explain host)", "headed", rows);
    Some(Section::part("The host", lines, blocks.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_leaves_its_place() {
        let mut out = Vec::new();
        escaped("<a b='\"&\u{1b}'>", &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "&lt;a b=&#39;&quot;&amp;\\u{1b}&#39;&gt;");
    }
}
