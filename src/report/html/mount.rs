//! Each mount: its line in the summary, and what ends it now and after the plan.

use regex::bytes::Regex;
use serde::Serialize;

use super::super::survive::table::{self, Group, Verdict, worst};
use super::super::survive::{is_shown, lasting, named, panics, setting};
use super::super::words::seconds;
use super::drawing::{arrow, heading};
use super::{Block, Pair, Section, Table, cells, drawing, plain};
use crate::stall::{Column, Fate, Prospect, Span, Standing, Survey, Timer, Trouble};

/// One line of the summary.
#[derive(Serialize)]
pub(super) struct Summary {
    id: String,
    title: String,
    under: String,
    /// What a person reads, a cell for each head.
    cells: Vec<Pair>,
    class: &'static str,
    sign: &'static str,
    verdict: &'static str,
}

/// A kind of trouble for a column of the summary: which it holds, and its head.
const COLUMNS: [(&str, &[Trouble]); 3] = [
    ("Silence", &[Trouble::Silence, Trouble::Unit]),
    ("Path loss", &[Trouble::PathLoss]),
    ("Errors", &[Trouble::Errors, Trouble::ErrorsHeld]),
];

/// The mounts that are shown, in order, those that differ in names alone folded into one.
pub(super) fn groups<'a>(survey: &'a Survey, only: Option<&Regex>) -> Vec<Group<'a>> {
    let shown: Vec<&Standing> = survey.standings.iter().filter(|standing| is_shown(standing, only)).collect();
    table::groups(&shown)
}

/// The mount, or the first and the last of many.
fn title(group: &Group<'_>) -> String {
    match group.standings.as_slice() {
        [first, .., last] => format!("{} \u{2026} {}", first.mount, last.mount),
        one => one.iter().map(|one| named(one)).collect(),
    }
}

/// The stack; of many how many they are, and on which disks.
fn under(group: &Group<'_>, first: &Standing) -> String {
    let stack = first.stack.join(" \u{b7} ");
    let count = group.standings.len();
    let last = group.standings.last().and_then(|last| last.disks.last());
    match (count, first.disks.last(), last) {
        (1, _, _) => stack,
        (_, Some(first), Some(last)) if first != last => {
            format!("{count} mounts: {first} \u{2026} {last}, each {stack}")
        }
        _ => format!("{count} mounts, each {stack}"),
    }
}

/// The heads of the summary: paths only where there are some.
pub(super) fn heads(groups: &[Group<'_>]) -> Vec<&'static str> {
    let columns = COLUMNS.iter().filter(|(_, troubles)| has(groups, troubles));
    ["Mount"].into_iter().chain(columns.map(|(head, _)| *head)).chain(["Verdict"]).collect()
}

fn has(groups: &[Group<'_>], troubles: &[Trouble]) -> bool {
    let counts = |prospect: &Prospect| troubles.contains(&prospect.trouble);
    groups.iter().any(|group| group.standings.iter().any(|one| one.prospects.iter().any(counts)))
}

pub(super) fn summaries(groups: &[Group<'_>], survey: &Survey) -> Vec<Summary> {
    let columns: Vec<_> = COLUMNS.iter().filter(|(_, troubles)| has(groups, troubles)).collect();
    let one = |(number, group): (usize, &Group<'_>)| {
        let first = *group.standings.first()?;
        let (class, sign, verdict) = verdict(first, survey.budget);
        let cells = columns.iter().map(|(head, troubles)| Pair {
            name: head,
            value: change(first, troubles).unwrap_or_else(|| "\u{2013}".to_owned()),
        });
        let (cells, id, title) = (cells.collect(), format!("m{number}"), title(group));
        Some(Summary { id, title, under: under(group, first), cells, class, sign, verdict })
    };
    groups.iter().enumerate().filter_map(one).collect()
}

/// The soonest end under any of these troubles, now and after the plan.
fn change(standing: &Standing, troubles: &[Trouble]) -> Option<String> {
    let at = |column| worst(standing, troubles, column);
    let ends = arrow(at(Column::Now)?, at(Column::AfterReboot)?);
    let cures = standing.uncured.is_none() || troubles.iter().any(|trouble| !trouble.is_errors());
    Some(if cures { ends } else { format!("{ends} (not counted)") })
}

/// A class for the colour, a sign, and words.
fn verdict(standing: &Standing, budget: u64) -> (&'static str, &'static str, &'static str) {
    match Verdict::of(standing, budget) {
        Verdict::Now => ("good", "\u{2713}", "survives"),
        Verdict::AfterApply => ("gain", "\u{25b2}", "lost now, survives with the plan"),
        Verdict::AfterReboot => ("gain", "\u{25b2}", "lost now, survives with the plan after a reboot"),
        Verdict::Unknown => ("short", "?", "could not tell"),
        Verdict::Never => ("short", "\u{2717}", "short of the budget"),
    }
}

pub(super) fn sections(groups: &[Group<'_>], survey: &Survey) -> Vec<Section> {
    let mut sections: Vec<Section> =
        groups.iter().enumerate().filter_map(|(number, group)| section(number, group, survey)).collect();
    if !sections.is_empty() {
        let how = format!(
            "Each bar lasts until I/O fails: the upper one now, the lower one with the plan. The dashed line is the \
             budget of {}. In the tables \u{d7} marks the timer that ends it.",
            seconds(survey.budget)
        );
        sections.insert(0, Section::part("Each mount", vec![plain(how)], Vec::new()));
    }
    sections
}

fn section(number: usize, group: &Group<'_>, survey: &Survey) -> Option<Section> {
    let standing = *group.standings.first()?;
    let (class, sign, verdict) = verdict(standing, survey.budget);
    let mut lines = vec![
        Pair { name: "stack", value: under(group, standing) },
        Pair { name: class, value: format!("{sign} {verdict}") },
    ];
    if group.standings.len() > 1 {
        lines.push(plain(format!("Below is {}; the others differ in names alone.", standing.mount)));
    }
    if let Some(why) = &standing.short {
        lines.push(plain(format!("Short of the budget: {why}.")));
    }
    if let Some(why) = &standing.uncured {
        lines.push(plain(format!("No setting cures errors of the host here: {why}.")));
    }
    for note in &standing.notes {
        lines.push(plain(format!("{note}.")));
    }
    let lost = standing.fate(Trouble::PathLoss, Column::AfterReboot).map(|fate| fate.at);
    if lost == Some(Span::Seconds(survey.budget)) {
        let why =
            "The timer of a lost path counts from when the loss is noticed: as long as the budget is enough.";
        lines.push(plain(why));
    }
    let resumes = standing.stall(Column::AfterReboot).and_then(|fate| fate.resumes_within);
    if let Some(seconds) = resumes.filter(|seconds| *seconds > 0) {
        lines.push(plain(format!("With the plan I/O goes on within {seconds} s once a stall is over.")));
    }
    let block = |prospect: &Prospect| block(prospect, standing, survey.host_holds);
    Some(Section {
        id: format!("m{number}"),
        class: "mount",
        title: title(group),
        lines,
        drawings: vec![drawing::of(standing, survey.budget, survey.host_holds)],
        blocks: standing.prospects.iter().map(block).collect(),
    })
}

/// The timers of one trouble, now and after the plan; once where they are the same.
fn block(prospect: &Prospect, standing: &Standing, host_holds: u64) -> Block {
    let table = |when: &str, fate: &Fate| Table {
        class: "timers",
        title: format!("{when}: {}", lasting(Some(fate))),
        rows: timers(fate, standing),
    };
    let mut tables = Vec::new();
    let (applied, booted) = (&prospect.after_apply, &prospect.after_reboot);
    if *booted == prospect.now {
        tables.push(table("Now and after the plan", booted));
    } else {
        tables.push(table("Now", &prospect.now));
        let until = if applied.at == booted.at {
            "After the plan".to_owned()
        } else {
            format!("Once applied {}; after a reboot", lasting(Some(applied)))
        };
        tables.push(table(&until, booted));
    }
    Block { title: heading(prospect.trouble, host_holds), tables }
}

/// When, what happens, and by which setting; paths that say the same are told together.
fn timers(fate: &Fate, standing: &Standing) -> Vec<Vec<String>> {
    let mut told: Vec<(&Timer, Vec<&str>)> = Vec::new();
    for timer in &fate.timers {
        let same = |other: &Timer| {
            (other.fires, &other.then, &other.knob, &other.value)
                == (timer.fires, &timer.then, &timer.knob, &timer.value)
        };
        match told.iter_mut().find(|(other, _)| same(other)) {
            Some((_, layers)) => layers.push(&timer.layer),
            None => told.push((timer, vec![&timer.layer])),
        }
    }
    let ends = |timer: &Timer| {
        fate.by
            .as_ref()
            .is_some_and(|by| (by.fires, &by.then, &by.knob) == (timer.fires, &timer.then, &timer.knob))
    };
    let rows = told.iter().map(|(timer, layers)| {
        let mark = if ends(timer) { "\u{d7} " } else { "" };
        let when = timer.fires.seconds().map_or_else(|| "\u{2013}".to_owned(), seconds);
        let by = format!("{}: {}", layers.join(", "), setting(timer));
        vec![format!("{mark}{when}"), timer.then.clone(), by.trim_end_matches(": ").to_owned()]
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    let mut say = |first: &str, text: String| rows.push(vec![first.to_owned(), text, String::new()]);
    for fact in &fate.unknown {
        say("?", format!("could not tell: {fact}"));
    }
    if fate.by.is_some() && !panics(fate) {
        say("", format!("then {}", standing.follows));
    }
    if rows.is_empty() {
        rows.push(cells(&["\u{2013}", "nothing ends it", ""]));
    }
    rows
}
