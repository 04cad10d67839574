//! What `plan`, `apply` and `revert` show.

use regex::bytes::Regex;

use super::diff::diff;
use super::text::{column, heading, printable, table, wrapped};
use super::{Show, shown};
use crate::apply::Step;
use crate::plan::{Change, Contender, Kept, Plan, Standstill, UNKNOWN};
use crate::tunable::{Decision, Verdict};
use crate::verify::Row;

/// Characters that names of tunables and knobs get.
const NAMES: usize = 24;

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

pub(super) fn text(plan: &Plan, _rows: &[Row], with_diff: bool, show: &Show<'_>) -> String {
    let (verbose, only) = (show.verbose, show.only);
    let mut text = String::new();
    if let Some(standstill) = &plan.standstill {
        let (Standstill::NotAGuest(why) | Standstill::CouldNotTell(why)) = standstill;
        heading(&mut text, "nothing is planned:");
        text.push_str(&wrapped(why, 2));
        return text;
    }
    if only.is_none() {
        files_text(plan, &mut text);
    }
    settings_text(plan, verbose, only, &mut text);
    abstained_text(plan, only, &mut text);
    if only.is_none() {
        contenders_text(plan, &mut text);
        pending_text(plan, &mut text);
    }
    if with_diff {
        for change in &plan.changes {
            text.push('\n');
            text.push_str(&printable_lines(&diff(change)));
        }
    }
    text
}

/// A diff may show bytes that others wrote.
fn printable_lines(diff: &str) -> String {
    diff.lines().map(|line| format!("{}\n", printable(line))).collect::<Vec<_>>().concat()
}

fn files_text(plan: &Plan, text: &mut String) {
    heading(text, "files:");
    let mut rows: Vec<Vec<String>> = Vec::new();
    for change in &plan.changes {
        rows.push(vec![change.action().to_owned(), change.path().to_owned()]);
    }
    rows.extend(plan.unchanged.iter().map(|path| vec!["unchanged".to_owned(), path.clone()]));
    rows.extend(plan.masked.iter().map(|path| vec!["masked".to_owned(), path.clone()]));
    if rows.is_empty() {
        text.push_str("  none\n");
    }
    text.push_str(&table(&rows, 2));
    for change in &plan.changes {
        if let Change::Conflict { path, why } = change {
            text.push_str(&wrapped(&format!("{path}: {why}"), 4));
        }
    }
}

fn settings_text(plan: &Plan, verbose: bool, only: Option<&Regex>, text: &mut String) {
    let settings: Vec<_> = plan.settings().filter(|(verdict, _, _)| verdict_shown(verdict, only)).collect();
    if settings.is_empty() {
        return;
    }
    heading(text, "settings:");
    let mut last: Option<(&str, &str)> = None;
    for (verdict, assignment, because) in settings {
        let now = (verdict.tunable.id, because);
        if last.is_some_and(|last| last != now) {
            reason(last, verbose, text);
        }
        last = Some(now);
        let line = format!(
            "  {}{} = {}  ({})\n",
            column(verdict.tunable.id, NAMES),
            assignment.target.knob(),
            assignment.want.phrase(),
            assignment.place()
        );
        text.push_str(&line);
    }
    reason(last, verbose, text);
}

fn reason(last: Option<(&str, &str)>, verbose: bool, text: &mut String) {
    let Some((id, because)) = last else { return };
    text.push_str(&wrapped(because, 6));
    let sources = crate::tunables::find(id).filter(|_| verbose).map(|tunable| tunable.sources);
    for source in sources.unwrap_or_default() {
        text.push_str(&format!("      {}\n", source.url));
    }
}

fn abstained_text(plan: &Plan, only: Option<&Regex>, text: &mut String) {
    let mut first = true;
    for verdict in abstained(plan, only) {
        if first {
            heading(text, "left alone:");
            first = false;
        }
        text.push_str(&format!("  {}{}\n", column(verdict.tunable.id, NAMES), verdict.decision.kind()));
        text.push_str(&wrapped(verdict.decision.because(), 6));
    }
}

fn contenders_text(plan: &Plan, text: &mut String) {
    if plan.contenders.is_empty() {
        return;
    }
    heading(text, "other writers:");
    for contender in &plan.contenders {
        let knob = column(&contender.knob, NAMES);
        // A file that nobody could read may hold a writer.
        if contender.value == UNKNOWN {
            text.push_str(&format!("  {knob}could not tell who else writes it\n"));
            text.push_str(&wrapped(&contender.because, 6));
            continue;
        }
        let line = format!("  {knob}{} writes {}", contender.who, contender.value);
        text.push_str(&format!("{}\n", printable(&line)));
        let wins = match contender.winner.as_str() {
            UNKNOWN => "could not tell who wins".to_owned(),
            winner if winner == contender.who => "it wins".to_owned(),
            winner => format!("{winner} wins"),
        };
        text.push_str(&wrapped(&format!("{wins}: {}", contender.because), 6));
    }
}

fn pending_text(plan: &Plan, text: &mut String) {
    if plan.pending.is_empty() {
        return;
    }
    heading(text, "then by hand:");
    for step in &plan.pending {
        text.push_str(&wrapped(&format!("{}: {}", step.step.name(), step.because), 2));
        for place in &step.places {
            text.push_str(&wrapped(&format!("{}: {}", place.file, place.line), 6));
        }
        if !step.command.is_empty() {
            text.push_str(&format!("      {}\n", printable(&step.command)));
        }
    }
}

pub(super) fn applied_text(plan: &Plan, steps: &[Step]) -> String {
    let mut text = String::new();
    if plan.standstill.is_some() {
        return text;
    }
    for change in &plan.changes {
        let done = match change {
            Change::Create(_) => "created",
            Change::Replace { .. } => "replaced",
            Change::Remove { .. } => "removed",
            Change::Edit { owned, .. } if owned.is_empty() => "restored",
            Change::Edit { .. } => "edited",
            Change::Conflict { .. } => "kept",
        };
        text.push_str(&format!("{done} {}\n", change.path()));
    }
    // Several lines of one file follow each other.
    for kept in plan.kept.chunk_by(|one, next| one.path == next.path).filter_map(<[Kept]>::first) {
        text.push_str(&format!("kept {}\n", kept.path));
    }
    for path in &plan.unchanged {
        text.push_str(&format!("unchanged {path}\n"));
    }
    for path in &plan.masked {
        text.push_str(&format!("masked {path}: not written, as its place was switched off\n"));
    }
    for step in steps {
        match &step.problem {
            None => text.push_str(&format!("live: {}\n", printable(&step.what))),
            Some(why) => text.push_str(&format!("not live: {}: {}\n", printable(&step.what), printable(why))),
        }
    }
    if text.is_empty() {
        text.push_str("nothing to do\n");
    }
    overridden_text(plan, &mut text);
    pending_text(plan, &mut text);
    text
}

/// Who has the last word over what was written, or may have.
fn overridden_text(plan: &Plan, text: &mut String) {
    let (surely, perhaps): (Vec<&Contender>, Vec<&Contender>) =
        plan.contenders.iter().filter(|other| other.may_win()).partition(|other| other.winner == other.who);
    for (head, others) in [("overridden by somebody else:", surely), ("perhaps overridden:", perhaps)] {
        if others.is_empty() {
            continue;
        }
        heading(text, head);
        for other in others {
            let said = match other.value.as_str() {
                UNKNOWN => format!("{}: {}", other.knob, other.because),
                value => format!("{}: {} writes {value}; {}", other.knob, other.who, other.because),
            };
            text.push_str(&wrapped(&said, 2));
        }
    }
}
