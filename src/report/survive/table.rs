//! One line for each mount, equal ones folded, and what the plan gains.

use std::collections::BTreeMap;

use super::{lasting, named};
use crate::plan::{Plan, Standstill};
use crate::report::text::{Cell, Text, Tone};
use crate::report::words;
use crate::stall::{Column, Fate, Span, Standing, Survey, Trouble};

/// So many equal mounts share a row.
const FOLDED_FROM: usize = 3;

/// The kinds of trouble that share a column.
pub(in crate::report) const SILENCES: [Trouble; 3] = [Trouble::Silence, Trouble::Unit, Trouble::PathLoss];
pub(in crate::report) const ERRORS: [Trouble; 2] = [Trouble::Errors, Trouble::ErrorsHeld];

/// Mounts whose stacks are alike and end alike.
#[derive(Debug)]
pub(in crate::report) struct Group<'a> {
    /// At least one, in the order of the report.
    pub(in crate::report) standings: Vec<&'a Standing>,
}

impl Group<'_> {
    /// The mounts one by one where they are few, else as [`Group::name`].
    pub(super) fn names(&self) -> String {
        const FEW: usize = 4;
        if self.standings.len() > FEW {
            return self.name();
        }
        self.standings.iter().map(|one| named(one)).collect::<Vec<_>>().join(", ")
    }

    /// The storeys that all stand on.
    pub(super) fn stack(&self) -> String {
        let Some((first, rest)) = self.standings.split_first() else { return String::new() };
        let shared = |one: &&Standing| {
            let pairs = one.stack.iter().rev().zip(first.stack.iter().rev());
            pairs.take_while(|(one, other)| one == other).count()
        };
        let shared = rest.iter().map(shared).min().unwrap_or(first.stack.len());
        let from = first.stack.len() - shared.min(first.stack.len());
        first.stack.get(from..).unwrap_or_default().join(" · ")
    }

    /// The mount, or the first and the last of many with their disks.
    pub(in crate::report) fn name(&self) -> String {
        match self.standings.as_slice() {
            [first, .., last] if self.standings.len() >= FOLDED_FROM => {
                let disks = |standing: &Standing| standing.disks.last().cloned().unwrap_or_default();
                let (from, to) = (named(first), named(last));
                let many = self.standings.len();
                format!("{from} ... {to} ({many} mounts: {} ... {})", disks(first), disks(last))
            }
            some => some.iter().map(|one| named(one)).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Folds what is alike, where it is many; root stands for itself. In the order of the report.
pub(in crate::report) fn groups<'a>(standings: &[&'a Standing]) -> Vec<Group<'a>> {
    let alike = gathered(standings, shape);
    let mut folded: Vec<Group<'a>> = Vec::new();
    for standing in standings.iter().copied() {
        let is_here = |group: &&Group<'a>| group.standings.iter().any(|one| std::ptr::eq(*one, standing));
        match alike.iter().find(is_here).map(|group| group.standings.as_slice()) {
            Some(many) if many.len() >= FOLDED_FROM => {
                if many.first().is_some_and(|first| std::ptr::eq(*first, standing)) {
                    folded.push(Group { standings: many.to_vec() });
                }
            }
            _ => folded.push(Group { standings: vec![standing] }),
        }
    }
    folded
}

/// Mounts that end alike, whatever file system they carry: for the drawings, which tell the storage's timers.
pub(super) fn ends<'a>(standings: &[&'a Standing]) -> Vec<Group<'a>> {
    gathered(standings, fates)
}

/// Mounts of one shape together, where the first of them stands.
fn gathered<'a>(standings: &[&'a Standing], shape: fn(&Standing) -> Vec<String>) -> Vec<Group<'a>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for standing in standings.iter().copied() {
        let place = *places.entry(shape(standing).join("\n")).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.standings.push(standing),
            None => groups.push(Group { standings: vec![standing] }),
        }
    }
    groups
}

/// What a reader would call equal: the kinds of the storeys, and every end with its timers, names left out.
fn shape(standing: &Standing) -> Vec<String> {
    let mut shape = vec![standing.fstype.clone(), standing.follows.clone()];
    shape.extend((standing.mount == "/").then(|| standing.mount.clone()));
    shape.extend(standing.stack.iter().map(|storey| kind_of(storey)));
    shape.extend(fates(standing));
    shape
}

/// Every end with its timers and what is said of it, names left out.
fn fates(standing: &Standing) -> Vec<String> {
    let mut shape = standing.notes.clone();
    shape.extend(standing.stack.last().map(|storey| kind_of(storey)));
    shape.extend([&standing.uncured, &standing.short].into_iter().flatten().cloned());
    for prospect in &standing.prospects {
        for column in Column::ALL {
            let fate = prospect.at(column);
            let timers: Vec<String> = fate
                .timers
                .iter()
                .map(|timer| format!("{:?} {} {} {}", timer.fires, timer.knob, timer.value, timer.then))
                .collect();
            shape.push(format!(
                "{:?} {:?} {} {:?} {}",
                prospect.trouble,
                fate.at,
                fate.restarts,
                fate.unknown,
                timers.join(",")
            ));
        }
    }
    shape
}

/// A storey without the names in it: `vg-root (lvm)` is `(lvm)`, `iSCSI session1` is `iSCSI`, `sda1` nothing.
fn kind_of(storey: &str) -> String {
    let kinds = storey.split(" + ").map(|one| match (one.rfind('('), one.split_once(' ')) {
        (Some(at), _) => one.get(at..).unwrap_or_default().to_owned(),
        (None, Some(("iSCSI", _))) => "iSCSI".to_owned(),
        (None, Some(_)) => one.to_owned(),
        (None, None) => String::new(),
    });
    kinds.collect::<Vec<_>>().join("+")
}

/// How the worst of some kinds of trouble ends.
pub(in crate::report) fn worst<'a>(
    standing: &'a Standing,
    kinds: &[Trouble],
    column: Column,
) -> Option<&'a Fate> {
    kinds.iter().filter_map(|kind| standing.fate(*kind, column)).min_by_key(|fate| fate.at)
}

/// `130 s -> no limit`; one time where both are the same.
fn change(standing: &Standing, kinds: &[Trouble]) -> String {
    let [now, later] = [Column::Now, Column::AfterReboot]
        .map(|column| worst(standing, kinds, column).map(|fate| lasting(Some(fate))));
    match (now, later) {
        (Some(now), Some(later)) if now != later => format!("{now} -> {later}"),
        (Some(now), _) => now,
        (None, _) => "-".to_owned(),
    }
}

/// Whether none of these kinds of trouble ends it within the budget.
fn lasts(standing: &Standing, kinds: &[Trouble], column: Column, budget: u64) -> bool {
    kinds.iter().all(|kind| standing.rides_out(*kind, column, budget) != Some(false))
}

/// From when on a mount outlasts the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Verdict {
    /// As the machine is.
    Now,
    /// With what the plan makes live.
    AfterApply,
    /// With the whole plan.
    AfterReboot,
    /// A fact is missing.
    Unknown,
    /// Not even with the plan.
    Never,
}

impl Verdict {
    pub(in crate::report) fn of(standing: &Standing, budget: u64) -> Self {
        let unknown = standing.weakest(Column::AfterReboot).is_none_or(|fate| !fate.unknown.is_empty());
        match Column::ALL.map(|column| standing.survives(column, budget)) {
            [true, _, true] => Self::Now,
            [_, true, true] => Self::AfterApply,
            [_, _, true] => Self::AfterReboot,
            _ if unknown => Self::Unknown,
            _ => Self::Never,
        }
    }
}

/// The verdict in a cell, and whether errors are left out of it.
fn verdict(standing: &Standing, budget: u64) -> Cell {
    let verdict = Verdict::of(standing, budget);
    let (said, tone) = match verdict {
        Verdict::Now => ("yes", Tone::Good),
        Verdict::AfterApply => ("after apply", Tone::Care),
        Verdict::AfterReboot => ("after a reboot", Tone::Care),
        Verdict::Unknown => ("could not tell", Tone::Bad),
        Verdict::Never => ("no", Tone::Bad),
    };
    let lasts = matches!(verdict, Verdict::Unknown | Verdict::Never)
        || lasts(standing, &ERRORS, Column::AfterReboot, budget);
    Cell::new(format!("{said}{}", if lasts { "" } else { ", not errors" }), tone)
}

pub(super) fn text(standings: &[&Standing], survey: &Survey, text: &mut Text) {
    let rows: Vec<Vec<Cell>> = groups(standings)
        .iter()
        .filter_map(|group| {
            let first = *group.standings.first()?;
            let (silence, errors) = (change(first, &SILENCES), change(first, &ERRORS));
            Some(vec![Cell::from(group.name()), silence.into(), errors.into(), verdict(first, survey.budget)])
        })
        .collect();
    text.gap();
    let verdict = format!("SURVIVES {} s", survey.budget);
    text.table(&["MOUNT", "SILENCE, LOST PATH", "ERRORS OF THE HOST", &verdict], &rows, 0);
}

/// How many survive, what the plan gains, and what is not counted: a sentence each.
pub(in crate::report) fn gist(survey: &Survey, plan: &Plan) -> Vec<String> {
    let (all, budget) = (survey.standings.len(), survey.budget);
    let mut said = Vec::new();
    match &plan.standstill {
        Some(Standstill::NotAGuest(why)) => {
            return vec![format!("hvtune changes nothing on this machine: {why}.")];
        }
        Some(Standstill::CouldNotTell(why)) => {
            said.push(format!("What hvtune would change is not known: {why}."));
        }
        None => {}
    }
    if all == 0 {
        said.push("No writable mount and no swap on storage is known here.".to_owned());
        return said;
    }
    let lasting = |column| survey.standings.iter().filter(|one| one.survives(column, budget)).count();
    let (now, later) = (lasting(Column::Now), lasting(Column::AfterReboot));
    said.push(format!("{now} of {all} survive {budget} s now, {later} after apply and a reboot."));
    let gains = gains(survey);
    let gained = if gains.is_empty() { "no mount more".to_owned() } else { gains.join("; ") };
    said.push(format!("The plan gains: {gained}."));
    let uncured = survey.standings.iter().filter(|standing| standing.uncured.is_some()).count();
    if uncured > 0 {
        said.push(format!(
            "Errors of the host are not counted for {uncured} of them: no setting cures them there."
        ));
    }
    said
}

fn gains(survey: &Survey) -> Vec<String> {
    let budget = survey.budget;
    let gained = |kinds: &[Trouble]| {
        let lasts = |one: &Standing, column| lasts(one, kinds, column, budget);
        let more = |one: &&Standing| !lasts(one, Column::Now) && lasts(one, Column::AfterReboot);
        survey.standings.iter().filter(more).count()
    };
    let mut gains = Vec::new();
    for (kinds, called) in [(&SILENCES[..], "silence"), (&ERRORS[..], "errors of the host")] {
        let more = gained(kinds);
        if more > 0 {
            gains.push(format!("{called} ridden out on {}", words::count(more, "more mount")));
        }
    }
    let saved = |service: &&crate::stall::Service| {
        let [now, _, later] = service.watches.map(|watch| watch.fires);
        !now.covers(budget) && later.covers(budget)
    };
    let killed = survey.services.iter().filter(saved);
    let sooner = killed.clone().filter_map(|service| service.watches[0].fires.seconds()).min();
    if let Some(seconds) = sooner {
        let many = words::count(killed.count(), "service");
        gains.push(format!("{many} no longer killed at {}", words::seconds(seconds)));
    }
    let longer = |one: &&Standing| {
        let at = |column| one.weakest(column).map_or(Span::Forever, |fate| fate.at);
        at(Column::AfterReboot) > at(Column::Now)
    };
    let more = survey.standings.iter().filter(longer).count();
    if gains.is_empty() && more > 0 {
        gains.push(format!("{} that last longer", words::count(more, "mount")));
    }
    gains
}
