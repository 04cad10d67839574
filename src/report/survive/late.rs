//! How late a disk may answer at boot: a table of what waits, and what happens when it gives up.

use super::super::text::{Cell, Text, Tone};
use super::super::words;
use crate::report::Show;
use crate::report::shown;
use crate::stall::{Arrival, RESTART, Span, Survey, Wait};

/// Whether the report is asked for it.
pub(in crate::report) fn is_shown(arrival: &Arrival, show: &Show<'_>) -> bool {
    let knobs = arrival.absent.iter().chain(&arrival.silent).map(|wait| wait.knob.as_str());
    let mut names = vec![arrival.mount.as_str(), arrival.device.as_str()];
    names.extend(knobs);
    shown(show.only, &names)
}

/// How long, in words.
pub(in crate::report) fn lasting(wait: &Wait) -> String {
    match (wait.at, &wait.unknown) {
        (Span::Forever, _) => "no limit".to_owned(),
        (Span::Seconds(0), Some(_)) => "could not tell".to_owned(),
        (Span::Seconds(seconds), Some(_)) => format!("at least {}", words::seconds(seconds)),
        (Span::Seconds(seconds), None) => words::seconds(seconds),
    }
}

/// Before and after, told apart only where they differ.
pub(in crate::report) fn change(waits: &[Wait; 2]) -> String {
    let [now, later] = waits.each_ref().map(lasting);
    if now == later { now } else { format!("{now} -> {later}") }
}

/// Who gives up first: the knob with its value.
pub(in crate::report) fn by(wait: &Wait) -> String {
    format!("{} {}", wait.knob, wait.value).trim().to_owned()
}

/// How many of them are waited for as long as the budget, in a sentence; `None` where there is none.
pub(in crate::report) fn gist(survey: &Survey) -> Option<String> {
    let all = survey.arrivals.len();
    let waited = |at: usize| {
        let waits = |arrival: &&Arrival| arrival.waits_for(survey.budget).get(at) == Some(&true);
        survey.arrivals.iter().filter(waits).count()
    };
    let (now, later) = (waited(0), waited(1));
    let with = if now == later { String::new() } else { format!(", {later} of {all} with the plan") };
    let told = format!("A boot waits {} for {now} of {all} late disks{with}", words::seconds(survey.budget));
    (all > 0).then_some(told)
}

/// What happens then, told apart only where the plan changes it.
fn then(arrival: &Arrival) -> String {
    let [now, later] = &arrival.silent;
    if now.then == later.then { now.then.clone() } else { format!("{} -> {}", now.then, later.then) }
}

pub(super) fn text(survey: &Survey, show: &Show<'_>, text: &mut Text) {
    let arrivals: Vec<&Arrival> = survey.arrivals.iter().filter(|one| is_shown(one, show)).collect();
    if arrivals.is_empty() {
        return;
    }
    text.gap();
    let row = |arrival: &&Arrival| {
        let [now, later] = arrival.waits_for(survey.budget);
        let tone = match (now, later) {
            (_, false) => Tone::Bad,
            (false, true) => Tone::Care,
            (true, true) => Tone::Good,
        };
        let ([absent, _], [silent, _]) = (&arrival.absent, &arrival.silent);
        let first = if absent.at < silent.at { absent } else { silent };
        let gives_up = if first.at == Span::Forever { String::new() } else { by(first) };
        vec![
            Cell::from(arrival.mount.clone()),
            Cell::new(change(&arrival.absent), tone),
            Cell::new(change(&arrival.silent), tone),
            Cell::from(gives_up),
            Cell::from(then(arrival)),
        ]
    };
    let rows: Vec<Vec<Cell>> = arrivals.iter().map(row).collect();
    text.table(&["AT BOOT", "ABSENT", "SILENT", "GIVES UP FIRST", "THEN"], &rows, 0);
    let ends = |is: fn(&str) -> bool| {
        arrivals.iter().flat_map(|one| one.silent.iter()).any(|wait| is(wait.then.as_str()))
    };
    if ends(|then| then.contains("shell") || then == "emergency mode") {
        text.hanging("a shell and emergency mode wait for somebody at the console, for ever", 4, 8);
    }
    if ends(|then| then == RESTART) {
        let restarts = "emergency mode restarts the guest after 5 to 6 minutes where nobody is at the console, at \
                        most 10 times within a day";
        text.hanging(restarts, 4, 8);
    }
    let mut told: Vec<String> = Vec::new();
    for wait in arrivals.iter().flat_map(|one| one.absent.iter().chain(&one.silent)) {
        let said = wait.unknown.iter().map(|why| format!("could not tell: {why}"));
        for line in said.filter(|line| !told.contains(line)).collect::<Vec<_>>() {
            text.hanging(&line, 4, 8);
            told.push(line);
        }
    }
}
