//! What `verify` found.

use serde::Serialize;

use super::{Envelope, Keys, Scalar, Want};
use crate::report::Show;
use crate::report::verify::count;
#[cfg(feature = "schema")]
use crate::verify::Layer;
use crate::verify::{Row, State};

/// What `hvtune verify` prints: whether each setting holds at the next boot and, on a running machine, now.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Verify"))]
pub(in crate::report) struct Verified<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// One row for each knob and disk.
    rows: Vec<Checked<'a>>,
    /// How many rows are in each state.
    summary: Summary,
}

/// How many rows are in each state.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Summary {
    /// Looked at, and as planned.
    ok: usize,
    /// Not as planned; apply puts it right.
    differs: usize,
    /// Somebody else has the last word.
    overridden: usize,
    /// It waits for a person.
    by_hand: usize,
    /// It comes with the next boot.
    pending_reboot: usize,
    /// The policy asks in vain.
    cannot_be_set: usize,
    /// It could not be told.
    unknown: usize,
    /// No such knob here.
    not_applicable: usize,
}

impl Summary {
    fn new(rows: &[Row]) -> Self {
        Self {
            ok: count(rows, State::Ok),
            differs: count(rows, State::Differs),
            overridden: count(rows, State::Overridden),
            by_hand: count(rows, State::ByHand),
            pending_reboot: count(rows, State::PendingReboot),
            cannot_be_set: count(rows, State::CannotBeSet),
            unknown: count(rows, State::Unknown),
            not_applicable: count(rows, State::NotApplicable),
        }
    }
}

/// One knob in one place.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Row"))]
struct Checked<'a> {
    /// Id, knob and target, joined: a name that no other row of this document has.
    key: String,
    /// The tunable.
    id: &'static str,
    /// The knob.
    knob: &'a str,
    /// The disk, session or mount, or the place where the knob is set.
    target: &'a str,
    /// What is wanted; null where nobody could say, for the reason in `because`.
    expected: Option<Want>,
    /// What is there, in the unit of `expected`; null where nothing was read.
    found: Option<Scalar>,
    /// Whether it holds. `ok`: looked at, and as planned. `differs`: apply puts it right. `overridden`: somebody
    /// else has the last word. `by-hand`: it waits for a person. `pending-reboot`: it comes with the next boot.
    /// `cannot-be-set`: the policy asks in vain. `unknown`: it could not be told. `not-applicable`: no such knob
    /// here.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = State::ALL.map(State::name))))]
    state: &'static str,
    /// Where it deviates, or was looked at last: in the file, in the running kernel, or because another writer
    /// wins over the file.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("enum" = [Layer::File, Layer::Live, Layer::Shadowed].map(Layer::name)))
    )]
    layer: &'static str,
    /// Why; null where the state says it all.
    because: Option<&'a str>,
}

/// The key of a row: the same in every document that names it.
pub(super) fn key(row: &Row, keys: &mut Keys) -> String {
    keys.key(&[row.id, &row.knob, &row.target])
}

impl<'a> Verified<'a> {
    pub(in crate::report) fn new(rows: &'a [Row], show: &Show<'a>) -> Self {
        let mut keys = Keys::default();
        let checked = |row: &'a Row| Checked {
            key: key(row, &mut keys),
            id: row.id,
            knob: &row.knob,
            target: &row.target,
            expected: row.wanted.as_ref().map(|wanted| Want::new(&row.knob, wanted)),
            found: row.found.as_deref().map(Scalar::new),
            state: row.state.name(),
            layer: row.layer.name(),
            because: Some(row.because.as_str()).filter(|because| !because.is_empty()),
        };
        Self {
            envelope: Envelope::new(show),
            rows: rows.iter().map(checked).collect(),
            summary: Summary::new(rows),
        }
    }
}
