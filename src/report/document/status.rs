//! Where a machine stands, in figures.

use serde::Serialize;

use super::verify::key;
use super::{Envelope, Keys};
use crate::report::verify::count;
use crate::report::{Show, Status};
use crate::stall::Trouble;
use crate::verify::{Row, State};

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
        let (mut by_trouble, mut all) = (Vec::new(), None);
        for kind in status.outlast() {
            match kind.trouble.map(Trouble::name) {
                Some(trouble) => by_trouble.push(ByTrouble {
                    key: trouble,
                    trouble,
                    of: kind.of,
                    now: kind.now,
                    after_reboot: kind.later,
                }),
                None => all = Some(kind),
            }
        }
        let count = |state| count(status.rows, state);
        let mut keys = Keys::default();
        let named =
            status.all_rows().map(|row: &Row| Differs { key: key(row, &mut keys), state: row.state.name() });
        let in_order = [State::Ok.name(), State::NotApplicable.name()];
        Self {
            envelope: Envelope::new(show),
            mounts: Mounts {
                all: all.map_or(0, |all| all.of),
                survive_now: all.map_or(0, |all| all.now),
                survive_after_reboot: all.map_or(0, |all| all.later),
            },
            by_trouble,
            differs: named.filter(|row| !in_order.contains(&row.state)).collect(),
            pending_reboot: count(State::PendingReboot),
            by_hand: count(State::ByHand),
            next: status.next().map(|(command, _)| command),
        }
    }
}
