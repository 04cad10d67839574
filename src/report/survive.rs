//! What `survive` shows.

use regex::bytes::Regex;

use super::text::{printable, table, wrapped};
use super::timeline::{drawn, ends_at};
use super::{Show, host, shown};
use crate::plan::Plan;
use crate::stall::{Column, Fate, INCURABLE, Span, Standing, Survey, Timer, Trouble};

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
        (Span::Forever, _) => "for ever".to_owned(),
        (Span::Seconds(seconds), true) if fate.restarts => format!("{seconds} s, then a restart"),
        (Span::Seconds(seconds), true) => format!("{seconds} s"),
        (Span::Seconds(0), false) => "could not tell".to_owned(),
        (Span::Seconds(seconds), false) => format!("at least {seconds} s"),
    }
}

/// The three states under one trouble, told apart only where they differ.
pub(super) fn columns(standing: &Standing, trouble: Trouble) -> String {
    let [now, applied, booted] = Column::ALL.map(|column| lasting(standing.fate(trouble, column)));
    match (now == applied, applied == booted) {
        (true, true) => format!("now and after the plan {now}"),
        (false, true) => format!("now {now} · after apply {applied}"),
        (_, false) => format!("now {now} · after apply {applied} · after reboot {booted}"),
    }
}

pub(super) fn text(survey: &Survey, _plan: &Plan, show: &Show<'_>) -> String {
    let (verbose, only) = (show.verbose, show.only);
    let mut text = format!("stall budget {} s\n", survey.budget);
    let standings: Vec<&Standing> =
        survey.standings.iter().filter(|standing| is_shown(standing, only)).collect();
    if standings.is_empty() {
        text.push_str("\nno writable mount and no swap on storage is known here\n");
    }
    for standing in &standings {
        standing_text(standing, survey, verbose, &mut text);
    }
    services_text(survey, only, &mut text);
    if only.is_none() {
        for note in &survey.notes {
            text.push('\n');
            text.push_str(&wrapped(note, 0));
        }
        host::section(survey.host, survey.budget, &mut text);
        summary(survey, &mut text);
    }
    text
}

fn standing_text(standing: &Standing, survey: &Survey, verbose: bool, text: &mut String) {
    let Survey { budget, host_holds, .. } = *survey;
    text.push('\n');
    text.push_str(&wrapped(&format!("{}  {}", standing.mount, standing.stack.join(" · ")), 0));
    text.push_str(&wrapped(&columns(standing, Trouble::Silence), 4));
    text.push_str(&drawn(standing, budget));
    let column = if verbose { Column::AfterReboot } else { Column::Now };
    if let Some(fate) = standing.stall(column) {
        timers_text(fate, &standing.follows, text);
    }
    let held = format!("errors after {host_holds} s each");
    for (trouble, called) in [
        (Trouble::Unit, "one silent unit"),
        (Trouble::PathLoss, "path loss"),
        (Trouble::Errors, "errors at once"),
        (Trouble::ErrorsHeld, &held),
    ] {
        if let Some(fate) = standing.fate(trouble, Column::Now) {
            let said = format!("{called}: {}{}", columns(standing, trouble), how(fate));
            text.push_str(&wrapped(&said, 4));
        }
    }
    text.extend(standing.stall(column).and_then(goes_on).map(|said| wrapped(&said, 4)));
    if let Some(uncured) = &standing.uncured {
        text.push_str(&wrapped(&format!("no setting cures errors here: {uncured}"), 4));
    }
    for note in &standing.notes {
        text.push_str(&wrapped(note, 4));
    }
    if let Some(short) = &standing.short {
        text.push_str(&wrapped(&format!("short of the budget: {short}"), 4));
    }
}

/// What ends it, or what tries on.
fn how(fate: &Fate) -> String {
    let tries_on = || fate.timers.first().map(|timer| format!("{} ({})", timer.then, setting(timer)));
    breaks(fate).or_else(tries_on).map_or(String::new(), |how| format!("; {how}"))
}

/// When I/O goes on; nothing where it does at once.
fn goes_on(fate: &Fate) -> Option<String> {
    let seconds = fate.resumes_within.filter(|seconds| *seconds > 0)?;
    Some(format!("once a stall is over, I/O goes on within {seconds} s"))
}

/// One timer a line: when, what happens, by which knob; then what follows.
fn timers_text(fate: &Fate, follows: &str, text: &mut String) {
    let mut said = Vec::new();
    for timer in &fate.timers {
        let lines = timer_text(timer, fate.by.as_ref());
        // Two paths of a map say the same.
        if !said.contains(&lines) {
            text.push_str(&lines);
            said.push(lines);
        }
    }
    for fact in &fate.unknown {
        text.push_str(&wrapped(&format!("could not tell: {fact}"), 15));
    }
    if fate.by.is_some() && !panics(fate) {
        text.push_str(&wrapped(follows, 15));
    }
}

fn timer_text(timer: &Timer, by: Option<&Timer>) -> String {
    let when = timer.fires.seconds().map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
    let mark = if by == Some(timer) { "x" } else { " " };
    let knob = printable(&setting(timer));
    let line = format!("  {mark} {when:>9}  {}", printable(&timer.then));
    // Beside what happens where the line has room, below it otherwise.
    if line.chars().count() + 2 + knob.chars().count() <= 80 {
        return format!("{line}  {knob}\n");
    }
    let happens = wrapped(&timer.then, 15);
    let head: String = line.chars().take(15).collect();
    format!("{head}{}{}", happens.trim_start(), wrapped(&knob, 15))
}

fn services_text(survey: &Survey, only: Option<&Regex>, text: &mut String) {
    let shown = survey.services.iter().filter(|service| shown(only, &[&service.unit]));
    let rows: Vec<Vec<String>> = shown
        .map(|service| {
            let times = service.watches.map(|watch| {
                watch.fires.seconds().map_or_else(|| "off".to_owned(), |seconds| format!("{seconds} s"))
            });
            [vec![service.unit.clone()], times.to_vec()].concat()
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let head = ["killed by its watchdog", "now", "after apply", "after reboot"].map(str::to_owned).to_vec();
    text.push('\n');
    text.push_str(&table(&[vec![head], rows].concat(), 0));
}

fn summary(survey: &Survey, text: &mut String) {
    let all = survey.standings.len();
    let count = |column| {
        let lasts = |standing: &&Standing| standing.survives(column, survey.budget);
        survey.standings.iter().filter(lasts).count()
    };
    let [now, _, booted] = Column::ALL.map(count);
    text.push_str(&format!(
        "\n{now} of {all} survive {} s now, {booted} after apply and a reboot\n",
        survey.budget
    ));
    let uncured = survey.standings.iter().filter(|standing| standing.uncured.is_some()).count();
    if uncured > 0 {
        text.push_str(&format!(
            "errors of the host are not counted for {uncured} of them: no setting cures them there\n"
        ));
    }
    if all > 0 {
        let answers = INCURABLE.map(|kind| format!("{} ({})", kind.answer, kind.errno)).join(", ");
        text.push_str(&wrapped(&format!("fails at once, whatever is set: {answers}"), 0));
    }
    text.push_str("x: fails now; o: fails after the plan; ╋: the budget");
    if survey.standings.iter().any(|standing| ends_at(standing, survey.budget)) {
        text.push_str("; X, O: fails at the budget");
    }
    text.push('\n');
}
