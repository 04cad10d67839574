//! What the plan changes, what is left to do, and the way back.

use super::words::{called, lasting};
use super::{Block, Section, cells, plain};
use crate::plan::{Change, Pending, Plan, Step};
use crate::stall::{Column, Survey};
use crate::verify::{Row, State};

pub(super) fn section(survey: &Survey, plan: &Plan, rows: &[Row]) -> Section {
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
    let ways =
        SETTINGS.iter().map(|(title, state)| Block::of(title, "headed", settings(rows, *state, survey)));
    blocks.extend(ways.flatten());
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
    for path in &plan.masked {
        let why = format!("/{path}: its place was switched off by a link to /dev/null");
        rows.push(vec!["not written".to_owned(), why]);
    }
    rows
}

/// What becomes of the settings in each state; what is in order or not there does not change.
const SETTINGS: [(&str, State); 6] = [
    ("Settings that hvtune apply sets", State::Differs),
    ("Settings that come with the next boot", State::PendingReboot),
    ("Settings to be made by hand", State::ByHand),
    ("Settings of which somebody else has the last word", State::Overridden),
    ("Settings that cannot be had here", State::CannotBeSet),
    ("Settings of which nobody could tell", State::Unknown),
];

/// One row for each knob and change, with every place where it is made.
fn settings(rows: &[Row], state: State, survey: &Survey) -> Vec<Vec<String>> {
    let mut told: Vec<(String, String, Vec<String>)> = Vec::new();
    for row in rows.iter().filter(|row| row.state == state) {
        let on = row.target.replacen("unit:", "", 1).replacen("udev:", "new disks: ", 1);
        let now = row.found.clone().or_else(|| known(row, survey)).unwrap_or_else(|| "not read".to_owned());
        let change = format!("{now} \u{2192} {}", row.expected);
        match told.iter_mut().find(|(knob, same, _)| (knob, same) == (&row.knob, &change)) {
            Some((_, _, places)) => places.push(on),
            None => told.push((row.knob.clone(), change, vec![on])),
        }
    }
    if told.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![cells(&["Setting", "On", "Now \u{2192} then"])];
    rows.extend(told.into_iter().map(|(knob, change, places)| vec![knob, listed(&places), change]));
    rows
}

/// Names in a row, the middle of many left out.
fn listed(names: &[String]) -> String {
    match names {
        [first, second, .., last] if names.len() > 8 => {
            format!("{first}, {second} \u{2026} {last} ({} in all)", names.len())
        }
        _ => names.join(", "),
    }
}

/// The present value, where the timers tell it.
fn known(row: &Row, survey: &Survey) -> Option<String> {
    if let Some(unit) = row.target.strip_prefix("unit:") {
        let service = survey.services.iter().find(|service| service.unit == unit)?;
        return service.watches.first()?.fires.seconds().map(|seconds| seconds.to_string());
    }
    let prospects = survey.standings.iter().flat_map(|standing| &standing.prospects);
    let mut timers = prospects.flat_map(|prospect| &prospect.at(Column::Now).timers);
    let timer = timers.find(|timer| timer.knob == row.knob && timer.layer == row.target)?;
    Some(timer.value.clone()).filter(|value| !value.is_empty())
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
                let [applied, booted] = [applied.at, booted.at].map(lasting);
                let trouble = called(prospect.trouble, survey.host_holds);
                said.push(vec![format!(
                    "{}, {}: {applied} once applied, {booted} after the boot",
                    standing.mount,
                    trouble.to_lowercase()
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
