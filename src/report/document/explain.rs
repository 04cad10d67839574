//! What `explain` says of the catalogue.

use serde::Serialize;

use super::{Envelope, Keys, Want};
use crate::report::Show;
use crate::report::catalogue::{listed, of};
use crate::tunable::{self, Accepts, Assignment, Decision, Verdict};

/// What `hvtune explain` prints: the catalogue, and what each entry says of this machine.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct Explain<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// The entries, in the order of the catalogue.
    tunables: Vec<Tunable<'a>>,
}

impl<'a> Explain<'a> {
    pub(in crate::report) fn new(verdicts: &'a [Verdict], show: &Show<'a>) -> Self {
        let mut keys = Keys::default();
        let entries = listed(show.only).map(|tunable| Tunable::new(tunable, verdicts, &mut keys));
        Self { envelope: Envelope::new(show), tunables: entries.collect() }
    }
}

/// What `hvtune explain ID` prints: one entry of the catalogue.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct ExplainOne<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    #[serde(flatten)]
    tunable: Tunable<'a>,
}

impl<'a> ExplainOne<'a> {
    pub(in crate::report) fn new(
        tunable: &'static tunable::Tunable,
        verdicts: &'a [Verdict],
        show: &Show<'a>,
    ) -> Self {
        let tunable = Tunable::new(tunable, verdicts, &mut Keys::default());
        Self { envelope: Envelope::new(show), tunable }
    }
}

/// An entry of the catalogue.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Tunable<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The entry's id: what `off` of the policy names.
    id: &'static str,
    /// What it is, in one line.
    title: &'static str,
    /// Why it matters in a storage stall, in a few sentences.
    why: &'static str,
    /// Where that is written.
    sources: Vec<Source>,
    /// What `[set]` of the policy may pin.
    knobs: Vec<Knob>,
    /// What it says of this machine, for each class of disks or once for all.
    here: Vec<Said<'a>>,
}

impl<'a> Tunable<'a> {
    fn new(tunable: &'static tunable::Tunable, verdicts: &'a [Verdict], keys: &mut Keys) -> Self {
        let id = tunable.id;
        Self {
            key: keys.key(&[id]),
            id,
            title: tunable.title,
            why: tunable.why,
            sources: tunable.sources.iter().map(Source::new).collect(),
            knobs: tunable.knobs.iter().map(|knob| Knob::new(id, *knob, keys)).collect(),
            here: of(tunable, verdicts).map(|decision| Said::new(id, decision, keys)).collect(),
        }
    }
}

/// One place where a claim can be checked.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Source {
    /// What it is.
    title: &'static str,
    /// The address of a web page.
    url: &'static str,
}

impl Source {
    pub(super) fn new(source: &tunable::Source) -> Self {
        Self { title: source.title, url: source.url }
    }
}

/// A knob, and the values it takes: whole numbers from `min` to `max`, or one of some words.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Knob {
    /// A name that no other row of this document has.
    key: String,
    /// Its name.
    name: &'static str,
    /// The smallest number it takes; null where it takes words.
    min: Option<i64>,
    /// The largest number it takes; null where it takes words.
    max: Option<i64>,
    /// The words it takes; null where it takes numbers.
    words: Option<&'static [&'static str]>,
    /// What the number counts: `s`, `ms`, `bytes`, `KiB`; null for a plain number or a word.
    unit: Option<&'static str>,
}

impl Knob {
    fn new(id: &str, tunable::Knob { name, accepts }: tunable::Knob, keys: &mut Keys) -> Self {
        let (min, max, words) = match accepts {
            Accepts::Integer { min, max } => (Some(min), Some(max), None),
            Accepts::Word(words) => (None, None, Some(words)),
        };
        Self { key: keys.key(&[id, "knob", name]), name, min, max, words, unit: super::unit(name) }
    }
}

/// What an entry says of this machine.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Decision"))]
struct Said<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// Whether it sets something, and if not, which kind of reason that has.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("enum" = ["set", "already-right", "not-applicable", "unknown", "refused"]))
    )]
    kind: &'static str,
    /// The reason.
    because: &'a str,
    /// What is set; empty unless `kind` is `set`.
    set: Vec<Set>,
}

impl<'a> Said<'a> {
    fn new(id: &str, decision: &'a Decision, keys: &mut Keys) -> Self {
        let what: &[Assignment] = match decision {
            Decision::Set { what, .. } => what,
            _ => &[],
        };
        Self {
            key: keys.key(&[id, "here"]),
            kind: decision.kind(),
            because: decision.because(),
            set: what.iter().map(Set::new).collect(),
        }
    }
}

/// A knob that is set.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Set {
    /// The knob.
    knob: String,
    /// Where it is set, as in a plan.
    target: String,
    /// What it must hold.
    want: Want,
}

impl Set {
    fn new(assignment: &Assignment) -> Self {
        let knob = assignment.target.knob();
        Self { want: Want::new(&knob, &assignment.wanted()), target: assignment.place(), knob }
    }
}
