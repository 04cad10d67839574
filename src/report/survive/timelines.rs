//! How it ends, mount by mount: a drawing of the trouble that ends soonest, and the timers on the way.

use super::table::{Group, ends};
use super::{breaks, called, columns, panics, setting};
use crate::report::text::{Text, Tone};
use crate::report::timeline::{LEGEND, drawn, ends_at};
use crate::report::words;
use crate::stall::{Column, Fate, Standing, Survey, Trouble};

/// Without -v the mounts that a stall of the budget ends, now or with the plan.
pub(super) fn text(standings: &[&Standing], survey: &Survey, verbose: bool, text: &mut Text) {
    let budget = survey.budget;
    let short =
        |one: &Standing| [Column::Now, Column::AfterReboot].iter().any(|at| !one.survives(*at, budget));
    let shown: Vec<&Standing> = standings.iter().copied().filter(|one| verbose || short(one)).collect();
    let mut drawings = Vec::new();
    for group in ends(&shown) {
        let Some(first) = group.standings.first() else { continue };
        text.gap();
        text.hanging(&format!("{}: {}", group.names(), group.stack()), 0, 4);
        let of = worst(first, budget);
        drawings.push((*first, of));
        one(&group, first, of, survey, verbose, text);
    }
    if !drawings.is_empty() {
        text.gap();
        let at_budget = drawings.iter().any(|(one, of)| ends_at(one, *of, budget));
        let more = if at_budget { "; X, O: such an end at the budget" } else { "" };
        text.toned(&format!("{LEGEND}{more}"), 0, Tone::Faint);
    }
}

/// The trouble to draw: silence where it ends within the budget, else what ends soonest.
fn worst(standing: &Standing, budget: u64) -> Trouble {
    let short = |trouble: Trouble| {
        let at = [Column::Now, Column::AfterReboot];
        at.iter().any(|column| standing.rides_out(trouble, *column, budget) == Some(false))
    };
    if short(Trouble::Silence) {
        return Trouble::Silence;
    }
    let others = Trouble::ALL.into_iter().filter(|trouble| short(*trouble));
    others
        .min_by_key(|trouble| standing.fate(*trouble, Column::Now).map(|fate| fate.at))
        .unwrap_or(Trouble::Silence)
}

fn one(
    group: &Group<'_>,
    standing: &Standing,
    drawing_of: Trouble,
    survey: &Survey,
    verbose: bool,
    text: &mut Text,
) {
    for trouble in Trouble::ALL {
        let Some(fate) = standing.fate(trouble, Column::Now) else { continue };
        let called = called(trouble, survey.host_holds);
        if trouble == drawing_of {
            text.hanging(&format!("{called}: {}", columns(standing, trouble)), 4, 8);
            for line in drawn(standing, trouble, survey.budget) {
                text.line(&line);
            }
            timers(group, fate, text);
            if let Some(later) = standing.fate(trouble, Column::AfterReboot).filter(|_| verbose) {
                text.para("with the plan:", 4);
                timers(group, later, text);
            }
        } else {
            text.hanging(&format!("{called}: {}{}", columns(standing, trouble), how(fate)), 4, 8);
        }
    }
    let column = if verbose { Column::AfterReboot } else { Column::Now };
    if let Some(said) = standing.stall(column).and_then(goes_on) {
        text.hanging(&said, 4, 8);
    }
    if let Some(uncured) = &standing.uncured {
        text.hanging(&format!("no setting cures errors here: {uncured}"), 4, 8);
    }
    for note in &standing.notes {
        text.hanging(note, 4, 8);
    }
    if let Some(short) = &standing.short {
        text.hanging(&format!("short of the budget: {short}"), 4, 8);
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
    Some(format!("once a stall is over, I/O goes on within {}", words::seconds(seconds)))
}

/// One timer a line: when, what happens, by which knob; then what follows.
fn timers(group: &Group<'_>, fate: &Fate, text: &mut Text) {
    let mut said: Vec<(String, String)> = Vec::new();
    for timer in &fate.timers {
        let when = timer.fires.seconds().map_or_else(|| "-".to_owned(), words::seconds);
        let what = format!("{}  [{}]", timer.then, setting(timer));
        let pair = (when, if setting(timer).is_empty() { timer.then.clone() } else { what });
        // Two paths of a map say the same.
        if !said.contains(&pair) {
            let mark = if fate.by.as_ref() == Some(timer) { "x" } else { " " };
            text.timer(mark, &pair.0, &pair.1);
            said.push(pair);
        }
    }
    for fact in &fate.unknown {
        text.hanging(&format!("could not tell: {fact}"), 15, 17);
    }
    if fate.by.is_some() && !panics(fate) {
        let mut told: Vec<&str> = Vec::new();
        for follows in group.standings.iter().map(|one| one.follows.as_str()) {
            if !told.contains(&follows) {
                told.push(follows);
                text.hanging(follows, 15, 17);
            }
        }
    }
}
