//! What the plan changes, what is left to do, and the way back.

use super::super::plan::{said, settings::changes};
use super::super::survive::{called, lasting};
use super::super::text::on_one_line;
use super::{Block, Section, cells, plain};
use crate::plan::{Change, Pending, Plan, Step};
use crate::stall::Survey;
use crate::verify::Present;

pub(super) fn section(survey: &Survey, plan: &Plan, present: &[Vec<Present>]) -> Section {
    let mut lines = Vec::new();
    let mut blocks = Vec::new();
    if plan.standstill.is_some() {
        lines.push(plain("Nothing."));
        return Section::part("What will change", lines, blocks);
    }
    if !plan.changes_files() {
        lines.push(plain("No file: all are as planned."));
    }
    blocks.extend(Block::of("Files", "files", files(plan)));
    blocks.extend(Block::of("Settings", "headed", settings(plan, present)));
    blocks.extend(Block::of("Other writers, and what cannot be had", "others", others(plan)));
    blocks.extend(Block::of("Waits for the next boot", "steps", reboot(survey, plan)));
    let by_hand = plan.pending.iter().filter(|step| step.step != Step::Reboot).map(by_hand);
    blocks.extend(Block::of("To be done by hand", "steps", by_hand.collect()));
    blocks.extend(Block::of("The way there and back", "steps", way()));
    Section::part("What will change", lines, blocks)
}

fn files(plan: &Plan) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for change in &plan.changes {
        rows.push(match change {
            Change::Conflict { path, why } => vec!["kept".to_owned(), format!("/{path}: {why}")],
            _ => vec![change.action().to_owned(), format!("/{}", change.path())],
        });
    }
    rows.extend(plan.made_anew().map(|path| vec!["remake".to_owned(), format!("/{path}")]));
    for path in &plan.masked {
        let why = format!("/{path}: its place was switched off by a link to /dev/null");
        rows.push(vec!["not written".to_owned(), why]);
    }
    rows
}

/// One row for each knob and change, with the disks or the place that it is for.
fn settings(plan: &Plan, present: &[Vec<Present>]) -> Vec<Vec<String>> {
    let mut rows = vec![cells(&["Setting", "On", "Now \u{2192} then"])];
    for ((_, assignment, _), now) in plan.settings().zip(present) {
        rows.extend(changes(assignment, now).into_iter().map(|row| {
            let [knob, on, change] = row;
            vec![knob, on, change.replace("->", "\u{2192}")]
        }));
    }
    if rows.len() == 1 { Vec::new() } else { rows }
}

/// Who else writes these settings, and what the policy asks for in vain.
fn others(plan: &Plan) -> Vec<Vec<String>> {
    let refused =
        plan.refusals().map(|(verdict, why)| cells(&[verdict.tunable.id, &format!("refused: {why}")]));
    let others = plan.contenders.iter().map(|other| vec![other.knob.clone(), on_one_line(&said(other))]);
    refused.chain(others).collect()
}

fn reboot(survey: &Survey, plan: &Plan) -> Vec<Vec<String>> {
    let mut said = Vec::new();
    for step in plan.pending.iter().filter(|step| step.step == Step::Reboot) {
        said.push(vec![step.because.clone()]);
    }
    for standing in &survey.standings {
        for prospect in &standing.prospects {
            let (applied, booted) = (&prospect.after_apply, &prospect.after_reboot);
            if applied.at != booted.at {
                let [applied, booted] = [applied, booted].map(|fate| lasting(Some(fate)));
                let trouble = called(prospect.trouble, survey.host_holds);
                said.push(vec![format!(
                    "{}, {trouble}: {applied} once applied, {booted} after the boot",
                    standing.mount
                )]);
            }
        }
    }
    let later = survey.services.iter().filter(|service| service.watches[1] != service.watches[2]);
    let units: Vec<&str> = later.map(|service| service.unit.as_str()).collect();
    if !units.is_empty() {
        said.push(vec![format!("the watchdogs of {}", units.join(", "))]);
    }
    said
}

fn by_hand(step: &Pending) -> Vec<String> {
    let mut said = vec![step.because.clone()];
    said.extend(step.places.iter().map(|place| format!("{}: {}", place.file, place.line)));
    if !step.command.is_empty() {
        said.push(format!("run {}", step.command));
    }
    vec![said.join("; ")]
}

fn way() -> Vec<Vec<String>> {
    let revert = "removes every file that hvtune wrote and puts back the lines that it edited; values that are live \
                  stay until the next boot";
    vec![
        cells(&["hvtune apply", "writes the files, all or none, and makes live what can be made live"]),
        cells(&["hvtune verify", "says of each setting whether it holds"]),
        cells(&["hvtune revert", revert]),
    ]
}
