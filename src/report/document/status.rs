//! Where a machine stands, in figures.

use serde::Serialize;

use super::verify::key;
use super::{Envelope, Keys};
use crate::report::{Show, Status};
use crate::stall::{Column, Standing, Trouble};
use crate::verify::{Row, State};

/// The figures of a status, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Counts {
    /// Mounts and swaps on storage.
    pub(in crate::report) all: usize,
    /// Those of them that survive the budget now, whichever trouble comes that a setting cures.
    pub(in crate::report) now: usize,
    /// Those that will after the plan and a reboot.
    pub(in crate::report) after_reboot: usize,
    /// The same for each kind of trouble that can befall any.
    pub(in crate::report) by_trouble: Vec<ByTrouble>,
    /// Settings that come with the next boot.
    pub(in crate::report) pending_reboot: usize,
    /// Settings that wait for a person.
    pub(in crate::report) by_hand: usize,
    /// What to do next.
    pub(in crate::report) next: Option<Next>,
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) enum Next {
    /// `hvtune apply`.
    Apply,
    /// The command of a pending step.
    Run(String),
}

/// How many survive one kind of trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct ByTrouble {
    /// A name that no other row of this document has.
    key: &'static str,
    /// Which kind of trouble: as in `survive`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Trouble::ALL.map(Trouble::name))))]
    pub(in crate::report) trouble: &'static str,
    /// Mounts and swaps that it can befall.
    pub(in crate::report) of: usize,
    /// Those of them that survive it for the budget now.
    pub(in crate::report) now: usize,
    /// Those that will after the plan and a reboot.
    pub(in crate::report) after_reboot: usize,
}

/// Counts what a status shows.
pub(in crate::report) fn counts(status: &Status<'_>) -> Counts {
    let (standings, budget) = (&status.survey.standings, status.survey.budget);
    let count = |is: &dyn Fn(&Standing) -> bool| standings.iter().filter(|standing| is(standing)).count();
    let by_trouble = Trouble::ALL.into_iter().map(|trouble| {
        let survive = |column| count(&|standing| standing.rides_out(trouble, column, budget) == Some(true));
        ByTrouble {
            key: trouble.name(),
            trouble: trouble.name(),
            of: count(&|standing| standing.fate(trouble, Column::Now).is_some()),
            now: survive(Column::Now),
            after_reboot: survive(Column::AfterReboot),
        }
    });
    let state = |state| status.rows.iter().filter(|row| row.state == state).count();
    Counts {
        all: standings.len(),
        now: count(&|standing| standing.survives(Column::Now, budget)),
        after_reboot: count(&|standing| standing.survives(Column::AfterReboot, budget)),
        by_trouble: by_trouble.filter(|counted| counted.of > 0).collect(),
        pending_reboot: state(State::PendingReboot),
        by_hand: state(State::ByHand),
        next: next(status),
    }
}

/// Apply where it would change something; else the first step that has a command.
fn next(status: &Status<'_>) -> Option<Next> {
    let Status { plan, rows, .. } = *status;
    if plan.standstill.is_some() || plan.has_conflict() {
        return None;
    }
    if plan.changes_files() || rows.iter().any(|row| row.state == State::Differs) {
        return Some(Next::Apply);
    }
    let mut commands = plan.pending.iter().map(|step| &step.command);
    let command = commands.find(|command| !command.is_empty()).cloned().map(Next::Run);
    let reboot = || rows.iter().any(|row| row.state == State::PendingReboot);
    command.or_else(|| reboot().then(|| Next::Run("systemctl reboot".to_owned())))
}

/// What `hvtune status` prints: what survives, what differs, what to do next.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Status"))]
pub(in crate::report) struct Stands<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// How many mounts and swaps survive the stall budget.
    mounts: Mounts,
    /// The same for each kind of trouble that can befall one of them.
    by_trouble: Vec<ByTrouble>,
    /// Rows of `verify` that are not in order.
    differs: Vec<Differs>,
    /// How many settings come with the next boot.
    pending_reboot: usize,
    /// How many settings wait for a person.
    by_hand: usize,
    /// The one command to run next; null where there is none.
    next: Option<String>,
}

/// Mounts and swaps on storage, counted.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Mounts {
    /// All of them.
    all: usize,
    /// Those that survive the budget now, whichever trouble comes that a setting cures.
    survive_now: usize,
    /// Those that will after the plan and a reboot.
    survive_after_reboot: usize,
}

/// A row of `verify` that is not in order.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Differs {
    /// Its key there.
    key: String,
    /// Its state there.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = State::ALL.map(State::name))))]
    state: &'static str,
}

impl<'a> Stands<'a> {
    pub(in crate::report) fn new(status: &Status<'a>, show: &Show<'a>) -> Self {
        let counts = counts(status);
        let mut keys = Keys::default();
        let named =
            status.rows.iter().map(|row: &Row| Differs { key: key(row, &mut keys), state: row.state.name() });
        let in_order = [State::Ok.name(), State::NotApplicable.name()];
        let root = show.about.root.as_str();
        Self {
            envelope: Envelope::new(show),
            mounts: Mounts {
                all: counts.all,
                survive_now: counts.now,
                survive_after_reboot: counts.after_reboot,
            },
            by_trouble: counts.by_trouble,
            differs: named.filter(|row| !in_order.contains(&row.state)).collect(),
            pending_reboot: counts.pending_reboot,
            by_hand: counts.by_hand,
            next: counts.next.map(|next| match next {
                Next::Run(command) => command,
                Next::Apply if root == "/" => "hvtune apply".to_owned(),
                Next::Apply => format!("hvtune --root {root} apply"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, Standstill};
    use crate::stall::Survey;
    use crate::verify::Layer;

    fn row(state: State) -> Row {
        Row {
            id: "vm.swappiness",
            knob: "vm.swappiness".to_owned(),
            target: "sysctl".to_owned(),
            place: "sysctl".to_owned(),
            expected: String::new(),
            wanted: None,
            found: None,
            state,
            layer: Layer::Live,
            because: String::new(),
        }
    }

    /// Apply before a reboot, and neither where nothing may be done.
    #[test]
    fn the_next_command_is_the_one_that_helps_most() {
        let survey = Survey {
            budget: 180,
            host_holds: 60,
            standings: Vec::new(),
            services: Vec::new(),
            notes: Vec::new(),
            host: &[],
        };
        let next = |standstill, states: &[State]| {
            let plan = Plan { standstill, ..Plan::default() };
            let rows: Vec<Row> = states.iter().map(|state| row(*state)).collect();
            counts(&Status { survey: &survey, plan: &plan, rows: &rows }).next
        };
        let reboot = Some(Next::Run("systemctl reboot".to_owned()));
        assert_eq!(next(None, &[State::Ok, State::ByHand]), None);
        assert_eq!(next(None, &[State::PendingReboot]), reboot);
        assert_eq!(next(None, &[State::PendingReboot, State::Differs]), Some(Next::Apply));
        let none = Standstill::NotAGuest("no guest".to_owned());
        assert_eq!(next(Some(none), &[State::Differs]), None);
    }
}
