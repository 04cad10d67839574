//! What `apply` and `revert` show: what was written, what is live, what waits, and who overrides it.

use super::changed;
use super::plan::{pending_text, said};
use super::screen::Screen;
use super::text::{Cell, Text, Tone};
use super::words;
use crate::apply::Step;
use crate::plan::{Change, Contender, Kept, Plan};

pub(super) fn text(plan: &Plan, steps: &[Step]) -> String {
    let mut text = Text::new(Screen::of_stdout());
    if plan.standstill.is_some() {
        return text.into_string();
    }
    files(plan, &mut text);
    changed::text(plan, &mut text);
    live(steps, &mut text);
    overridden(plan, &mut text);
    pending_text(plan, &mut text);
    summary(plan, steps, &mut text);
    text.into_string()
}

fn done(change: &Change) -> &'static str {
    match change {
        Change::Create(_) => "created",
        Change::Replace { .. } => "replaced",
        Change::Remove { .. } => "removed",
        Change::Edit { owned, .. } if owned.is_empty() => "restored",
        Change::Edit { .. } => "edited",
        Change::Conflict { .. } => "kept",
    }
}

fn files(plan: &Plan, text: &mut Text) {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut row = |what: &str, path: &str| rows.push(vec![Cell::from(what), Cell::from(path)]);
    for change in &plan.changes {
        row(done(change), change.path());
    }
    // Several lines of one file follow each other.
    for kept in plan.kept.chunk_by(|one, next| one.path == next.path).filter_map(<[Kept]>::first) {
        row("kept", &kept.path);
    }
    for path in &plan.masked {
        row("masked", path);
    }
    text.table(&[], &rows, 0);
    if !plan.masked.is_empty() {
        text.para("masked: not written, as a link to /dev/null stands in its place", 0);
    }
}

fn live(steps: &[Step], text: &mut Text) {
    if steps.is_empty() {
        return;
    }
    text.heading("On the running system");
    for step in steps {
        match &step.problem {
            None => text.hanging(&format!("live: {}", step.what), 2, 4),
            Some(why) => text.hanging(&format!("not live: {}: {why}", step.what), 2, 4),
        }
    }
}

/// Who has the last word over what was written, or may have.
fn overridden(plan: &Plan, text: &mut Text) {
    let (surely, perhaps): (Vec<&Contender>, Vec<&Contender>) =
        plan.contenders.iter().filter(|other| other.may_win()).partition(|other| other.winner == other.who);
    for (head, others) in [("Overridden by somebody else", surely), ("Perhaps overridden", perhaps)] {
        if others.is_empty() {
            continue;
        }
        text.heading(head);
        for other in others {
            text.hanging(&format!("{}: {}", other.knob, said(other)), 2, 4);
        }
    }
}

fn summary(plan: &Plan, steps: &[Step], text: &mut Text) {
    let changed = plan.changes.len();
    let mut parts = Vec::new();
    if changed > 0 {
        parts.push(format!("{} changed", words::count(changed, "file")));
    }
    if !plan.unchanged.is_empty() {
        parts.push(format!("{} up to date", words::count(plan.unchanged.len(), "file")));
    }
    let failed = steps.iter().filter(|step| step.problem.is_some()).count();
    if steps.len() > failed {
        parts.push(format!("{} taken on the running system", words::count(steps.len() - failed, "step")));
    }
    if failed > 0 {
        parts.push(format!("{} not taken", words::count(failed, "step")));
    }
    if !plan.pending.is_empty() {
        parts.push(format!("{} left", words::count(plan.pending.len(), "step")));
    }
    let tone = if failed > 0 { Tone::Care } else { Tone::Plain };
    let said = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
    if changed > 0 || !steps.is_empty() || !plan.pending.is_empty() {
        text.gap();
    }
    text.toned(&format!("{said}."), 0, tone);
}
