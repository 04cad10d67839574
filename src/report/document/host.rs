//! What the host must be given.

use serde::Serialize;

use super::explain::Source;
use super::{Envelope, Keys};
use crate::host::{Amount, NOTES, SETTINGS, SOURCES, Setting, WHY};
use crate::report::Show;
use crate::report::host::TITLE;

/// What `hvtune explain host` prints: the host's timers below a virtual disk, and what they must be.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct ExplainHost<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// `host`.
    id: &'static str,
    /// What it is, in one line.
    title: &'static str,
    /// Why it matters, in a few sentences.
    why: &'static str,
    /// The stall that is to be ridden out, in seconds.
    budget_s: u64,
    /// The settings.
    host: Vec<Host>,
    /// What else is to be known, in sentences.
    notes: &'static [&'static str],
    /// Where that is written.
    sources: Vec<Source>,
}

impl<'a> ExplainHost<'a> {
    pub(in crate::report) fn new(show: &Show<'a>) -> Self {
        let budget = show.about.policy.stall;
        Self {
            envelope: Envelope::new(show),
            id: "host",
            title: TITLE,
            why: WHY,
            budget_s: budget,
            host: rows(SETTINGS, budget, &mut Keys::default()),
            notes: NOTES,
            sources: SOURCES.iter().map(Source::new).collect(),
        }
    }
}

/// A setting of the host.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Host {
    /// A name that no other row of this document has.
    key: String,
    /// The storage below the virtual disk that it counts for.
    storage: &'static str,
    /// Its name.
    setting: &'static str,
    /// By what it is set: a cmdlet or a registry key; the value follows.
    how: &'static str,
    /// What Windows has.
    default: Quantity,
    /// What it must be at least.
    least: Quantity,
}

/// An amount with its unit.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Amount"))]
struct Quantity {
    /// A number of units, or a word.
    value: Count,
    /// `s` or `min`; null for a word.
    unit: Option<&'static str>,
}

/// A number of units, or a word.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum Count {
    Number(u64),
    Word(&'static str),
}

impl Quantity {
    fn new(amount: Amount) -> Self {
        let (value, unit) = match amount {
            Amount::Seconds(seconds) => (Count::Number(seconds), Some("s")),
            Amount::Minutes(minutes) => (Count::Number(minutes), Some("min")),
            Amount::Word(word) => (Count::Word(word), None),
        };
        Self { value, unit }
    }
}

pub(super) fn rows(settings: &[Setting], budget: u64, keys: &mut Keys) -> Vec<Host> {
    let row = |setting: &Setting| Host {
        key: keys.key(&["host", setting.storage, setting.name]),
        storage: setting.storage,
        setting: setting.name,
        how: setting.how,
        default: Quantity::new(setting.default),
        least: Quantity::new(setting.least(budget)),
    };
    settings.iter().map(row).collect()
}
