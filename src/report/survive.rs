//! What `survive` shows.

use regex::bytes::Regex;

use super::screen::Screen;
use super::text::{Cell, Text};
use super::{Show, host, shown, words};
use crate::plan::Plan;
use crate::stall::{Column, Fate, INCURABLE, Span, Standing, Survey, Timer, Trouble};

pub(super) mod late;
pub(super) mod table;
mod timelines;

pub(super) fn is_shown(standing: &Standing, only: Option<&Regex>) -> bool {
    let mut names = vec![standing.mount.as_str()];
    names.extend(standing.disks.iter().map(String::as_str));
    let fates = standing.prospects.iter().flat_map(|prospect| prospect.now.timers.iter());
    names.extend(fates.map(|timer| timer.knob.as_str()));
    shown(only, &names)
}

/// What breaks first, in one clause.
pub(super) fn breaks(fate: &Fate) -> Option<String> {
    match (&fate.by, fate.unknown.iter().next()) {
        (Some(timer), _) => {
            let by = format!("{} {}", timer.layer, setting(timer));
            Some(format!("{} ({})", timer.then, by.trim_end()))
        }
        (None, Some(fact)) => Some(format!("could not tell: {fact}")),
        (None, None) => None,
    }
}

/// Whether a panic is the end, which leaves no file system that could give up.
pub(super) fn panics(fate: &Fate) -> bool {
    fate.by.as_ref().is_some_and(|timer| timer.layer == "kernel")
}

/// A knob with its value.
pub(super) fn setting(timer: &Timer) -> String {
    format!("{} {}", timer.knob.trim_matches('-'), timer.value).trim().to_owned()
}

/// How long, in words.
pub(super) fn lasting(fate: Option<&Fate>) -> String {
    let Some(fate) = fate else { return "could not tell".to_owned() };
    match (fate.at, fate.unknown.is_empty()) {
        _ if fate.is_untold() => "could not tell".to_owned(),
        (Span::Forever, _) => "no limit".to_owned(),
        (Span::Seconds(seconds), true) if fate.restarts => {
            format!("{}, then a restart", words::seconds(seconds))
        }
        (Span::Seconds(seconds), true) => words::seconds(seconds),
        (Span::Seconds(seconds), false) => format!("at least {}", words::seconds(seconds)),
    }
}

/// The three states under one trouble, told apart only where they differ.
pub(super) fn columns(standing: &Standing, trouble: Trouble) -> String {
    let [now, applied, booted] = Column::ALL.map(|column| lasting(standing.fate(trouble, column)));
    match (now == applied, applied == booted) {
        (true, true) => format!("{now}, now and with the plan"),
        (false, true) => format!("now {now}, after apply {applied}"),
        (true, false) => format!("now {now}, after a reboot {booted}"),
        (false, false) => format!("now {now}, after apply {applied}, after a reboot {booted}"),
    }
}

/// A kind of trouble, in words.
pub(super) fn called(trouble: Trouble, host_holds: u64) -> String {
    match trouble {
        Trouble::Silence => "silence".to_owned(),
        Trouble::Unit => "one silent unit".to_owned(),
        Trouble::PathLoss => "path loss".to_owned(),
        Trouble::Errors => "errors at once".to_owned(),
        Trouble::ErrorsHeld => format!("errors after {host_holds} s each"),
    }
}

/// A mount by its point, a swap area by its path.
pub(super) fn named(standing: &Standing) -> String {
    let swap = if standing.fstype == "swap" { "swap " } else { "" };
    format!("{swap}{}", standing.mount)
}

pub(super) fn text(survey: &Survey, plan: &Plan, show: &Show<'_>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    let standings: Vec<&Standing> =
        survey.standings.iter().filter(|standing| is_shown(standing, show.only)).collect();
    text.para(&format!("stall budget {} s: {}", survey.budget, show.about.who()), 0);
    if !standings.is_empty() {
        table::text(&standings, survey, &mut text);
    }
    if show.only.is_none() {
        text.gap();
        for said in table::gist(survey, plan).into_iter().chain(late::gist(survey)) {
            text.para(&said, 0);
        }
    }
    timelines::text(&standings, survey, show.verbose, &mut text);
    late::text(survey, show, &mut text);
    services_text(survey, show.only, &mut text);
    if show.only.is_none() {
        for note in &survey.notes {
            text.gap();
            text.para(note, 0);
        }
        host::section(survey.host, survey.budget, &mut text);
        incurable(survey, &mut text);
    }
    text.into_string()
}

/// Services that watch alike share a row.
fn services_text(survey: &Survey, only: Option<&Regex>, text: &mut Text) {
    let mut alike: Vec<(String, Vec<&str>)> = Vec::new();
    for service in survey.services.iter().filter(|service| shown(only, &[&service.unit])) {
        let [now, applied, booted] = service.watches.map(|watch| match watch.fires.seconds() {
            Some(seconds) => words::seconds(seconds),
            None => "no limit".to_owned(),
        });
        let times = match (now == applied, applied == booted) {
            (true, true) => now,
            (_, true) => format!("{now} -> {applied}"),
            (_, false) => format!("{now} -> {booted} after a reboot"),
        };
        let unit = service.unit.trim_end_matches(".service");
        match alike.iter_mut().find(|(same, _)| *same == times) {
            Some((_, units)) => units.push(unit),
            None => alike.push((times, vec![unit])),
        }
    }
    if alike.is_empty() {
        return;
    }
    text.gap();
    let rows: Vec<Vec<Cell>> = alike
        .into_iter()
        .map(|(times, units)| vec![Cell::from(times), Cell::from(units.join(", "))])
        .collect();
    text.table(&["KILLED BY ITS WATCHDOG", "SERVICE"], &rows, 0);
}

fn incurable(survey: &Survey, text: &mut Text) {
    if survey.standings.is_empty() {
        return;
    }
    let answers = INCURABLE.map(|kind| format!("{} ({})", kind.answer, kind.errno)).join(", ");
    text.gap();
    text.para(&format!("Fails at once, whatever is set: {answers}."), 0);
}
