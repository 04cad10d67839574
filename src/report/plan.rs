//! What `plan` shows.

use regex::bytes::Regex;

use super::diff::diff;
use super::screen::Screen;
use super::text::Text;
use super::{Show, shown, words};
use crate::plan::{Change, Contender, Plan, Standstill, UNKNOWN};
use crate::tunable::{Decision, Verdict};
use crate::verify::Present;

pub(super) mod settings;

pub(super) fn verdict_shown(verdict: &Verdict, only: Option<&Regex>) -> bool {
    let mut names = vec![verdict.tunable.id];
    let knobs: Vec<String> = match &verdict.decision {
        Decision::Set { what, .. } => what.iter().map(|assignment| assignment.target.knob()).collect(),
        _ => verdict.tunable.knobs.iter().map(|knob| knob.name.to_owned()).collect(),
    };
    names.extend(knobs.iter().map(String::as_str));
    shown(only, &names)
}

pub(super) fn abstained<'a>(plan: &'a Plan, only: Option<&'a Regex>) -> impl Iterator<Item = &'a Verdict> {
    plan.verdicts
        .iter()
        .filter(|verdict| !matches!(verdict.decision, Decision::Set { .. }))
        .filter(move |verdict| verdict_shown(verdict, only))
}

pub(super) fn text(plan: &Plan, present: &[Vec<Present>], with_diff: bool, show: &Show<'_>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    if let Some(Standstill::NotAGuest(why) | Standstill::CouldNotTell(why)) = &plan.standstill {
        text.para(&format!("Nothing is planned: {why}."), 0);
        return text.into_string();
    }
    text.para(&format!("Plan for a stall budget of {} s: {}", show.about.policy.stall, show.about.who()), 0);
    settings::text(plan, present, show, &mut text);
    if show.only.is_none() {
        files_text(plan, &mut text);
    }
    refused_text(plan, show.only, &mut text);
    if show.only.is_none() {
        contenders_text(plan, &mut text);
        pending_text(plan, &mut text);
    }
    abstained_text(plan, show, &mut text);
    if with_diff {
        diffs_text(plan, &mut text);
    }
    if show.only.is_none() {
        summary_text(plan, &mut text);
    }
    text.into_string()
}

/// Diffs as they are: broken lines would be no diff.
fn diffs_text(plan: &Plan, text: &mut Text) {
    for change in &plan.changes {
        let diff = diff(change);
        if !diff.is_empty() {
            text.gap();
        }
        diff.lines().for_each(|line| text.line(line));
    }
}

fn files_text(plan: &Plan, text: &mut Text) {
    text.heading("Files");
    let mut rows: Vec<(&str, &str)> = Vec::new();
    rows.extend(plan.changes.iter().map(|change| (change.action(), change.path())));
    rows.extend(plan.unchanged.iter().map(|path| ("unchanged", path.as_str())));
    rows.extend(plan.masked.iter().map(|path| ("masked", path.as_str())));
    rows.extend(plan.made_anew().map(|path| ("remake", path)));
    if rows.is_empty() {
        text.para("none", 2);
    }
    let rows: Vec<_> = rows.into_iter().map(|(action, path)| vec![action.into(), path.into()]).collect();
    text.table(&[], &rows, 2);
    for change in &plan.changes {
        if let Change::Conflict { path, why } = change {
            text.para(&format!("{path}: {why}"), 4);
        }
    }
}

fn refused_text(plan: &Plan, only: Option<&Regex>, text: &mut Text) {
    let refusals: Vec<_> = plan.refusals().filter(|(verdict, _)| verdict_shown(verdict, only)).collect();
    if refusals.is_empty() {
        return;
    }
    text.heading("Refused, though the policy asks for it");
    for (verdict, because) in refusals {
        text.hanging(&words::reason(verdict.tunable.id, because), 2, 4);
    }
}

/// What is left as it is: what is right and what could not be told with the reason, what does not apply as
/// one list of names.
fn abstained_text(plan: &Plan, show: &Show<'_>, text: &mut Text) {
    let unknown: Vec<&Verdict> = abstained(plan, show.only)
        .filter(|one| matches!(one.decision, Decision::CannotTell { .. }))
        .collect();
    let right: Vec<&Verdict> =
        abstained(plan, show.only).filter(|one| matches!(one.decision, Decision::Fine { .. })).collect();
    for (head, verdicts, whole) in [("Could not tell", unknown, true), ("Already right", right, show.verbose)]
    {
        if !verdicts.is_empty() {
            text.heading(head);
        }
        for verdict in verdicts {
            let because = verdict.decision.because();
            let because = if whole { because } else { words::first_clause(because) };
            text.hanging(&words::reason(verdict.tunable.id, because), 2, 4);
        }
    }
    let rest: Vec<&Verdict> = abstained(plan, show.only)
        .filter(|verdict| matches!(verdict.decision, Decision::NotHere { .. }))
        .collect();
    if rest.is_empty() {
        return;
    }
    if show.verbose {
        text.heading("Not applicable");
        for verdict in rest {
            text.hanging(&words::reason(verdict.tunable.id, verdict.decision.because()), 2, 4);
        }
        return;
    }
    let mut ids: Vec<&str> = rest.iter().map(|verdict| verdict.tunable.id).collect();
    ids.dedup();
    text.gap();
    text.hanging(&format!("Not applicable here (-v says why): {}", ids.join(", ")), 0, 2);
}

fn contenders_text(plan: &Plan, text: &mut Text) {
    if plan.contenders.is_empty() {
        return;
    }
    text.heading("Other writers of these settings");
    for contender in &plan.contenders {
        text.hanging(&format!("{}: {}", contender.knob, said(contender)), 2, 4);
    }
}

/// What another writer does, and who wins, in a sentence.
pub(super) fn said(contender: &Contender) -> String {
    // A file that nobody could read may hold a writer.
    if contender.value == UNKNOWN {
        return format!("could not tell who else writes it: {}", contender.because);
    }
    let wins = match contender.winner.as_str() {
        UNKNOWN => "could not tell who wins".to_owned(),
        winner if winner == contender.who => "it wins".to_owned(),
        winner => format!("{winner} wins"),
    };
    format!("{} sets {}; {wins}: {}", contender.who, contender.value, contender.because)
}

/// What somebody has to do, as apply does not.
pub(super) fn pending_text(plan: &Plan, text: &mut Text) {
    if plan.pending.is_empty() {
        return;
    }
    text.heading("Still to do by hand");
    for step in &plan.pending {
        text.hanging(&format!("{}: {}", step.step.words(), step.because), 2, 4);
        for place in &step.places {
            text.hanging(&format!("{}: {}", place.file, place.line), 6, 8);
        }
        if !step.command.is_empty() {
            text.command(&step.command, 6);
        }
    }
}

/// What would be written, and that nothing was.
fn summary_text(plan: &Plan, text: &mut Text) {
    let mut parts = Vec::new();
    let actions = ["create", "replace", "edit", "restore", "remove", "conflict"];
    for action in actions {
        match plan.changes.iter().filter(|change| change.action() == action).count() {
            0 => {}
            found if action == "conflict" => {
                parts.push(format!("{} in the way", words::count(found, "file")));
            }
            found => parts.push(format!("{} to {action}", words::count(found, "file"))),
        }
    }
    if !plan.unchanged.is_empty() {
        parts.push(format!("{} up to date", words::count(plan.unchanged.len(), "file")));
    }
    let settings = words::count(plan.settings().count(), "setting");
    let files = if parts.is_empty() { "no file".to_owned() } else { parts.join(", ") };
    let next = if plan.has_conflict() {
        "Nothing was written, and hvtune apply refuses until each conflict is solved."
    } else if plan.has_work() {
        "Nothing was written: run hvtune apply."
    } else {
        "Nothing was written, and there is nothing to write."
    };
    text.gap();
    text.para(&format!("{settings}; {files}. {next}"), 0);
}
