//! Guests side by side.

use serde::Serialize;

use super::{Envelope, Keys, Scalar};
#[cfg(feature = "schema")]
use crate::compare::Then;
use crate::compare::{Comparison, Contrast, Difference, End, Fact, Group, Outcome, Seen};
use crate::report::Show;
use crate::report::compare::differing;
use crate::stall::{Span, Trouble};

/// What `hvtune compare` prints: what guests survive as they are, and the fewest facts that explain where they
/// differ.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Compare"))]
pub(in crate::report) struct Compared<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// The stall that is asked about, in seconds.
    budget_s: u64,
    /// How long the host is taken to hold a command before it answers with an error, in seconds.
    host_holds_s: u64,
    /// How many guests there are.
    guests: usize,
    /// Guests whose kernel and mounts are alike, and end alike.
    groups: Vec<Alike<'a>>,
    /// Mount points where guests differ, the root first, then by name.
    differences: Vec<Differs<'a>>,
}

/// Guests that are alike.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "GuestGroup"))]
struct Alike<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// Their names.
    guests: &'a [String],
    /// The kernel's release; null where it could not be told.
    kernel: Option<&'a str>,
    /// Every writable mount on storage, the root first, then by name.
    mounts: Vec<Mounted<'a>>,
}

/// A mount.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "GuestMount"))]
struct Mounted<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The mount point.
    mount: &'a str,
    /// The type of the file system.
    fstype: &'a str,
    /// Its form: the file system, and the kinds of disks and maps below it.
    stands_on: &'a str,
    /// Whether it outlasts the budget; null where that could not be told.
    survives: Option<bool>,
    /// How it ends.
    #[serde(flatten)]
    ends: Ends<'a>,
}

/// How a mount ends.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "GuestEnds"))]
struct Ends<'a> {
    /// Each kind of trouble that can befall it.
    troubles: Vec<Ending<'a>>,
    /// What a failed write does to the whole guest.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Then::ALL.map(Then::name))))]
    then: &'static str,
}

impl<'a> Ends<'a> {
    fn new(outcome: &'a Outcome) -> Self {
        Self { troubles: outcome.ends.iter().map(Ending::new).collect(), then: outcome.then.name() }
    }
}

/// How one kind of trouble ends.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "GuestEnding"))]
struct Ending<'a> {
    /// Which kind.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Trouble::ALL.map(Trouble::name))))]
    trouble: &'static str,
    /// Seconds until input and output fail; null where there is no limit, and where it could not be told.
    survives_s: Option<u64>,
    /// Whether it ever fails; null where that could not be told.
    limit: Option<bool>,
    /// Whether the seconds are a lower bound, as something could not be read.
    at_least: bool,
    /// Whether a stall of the budget's length is ridden out.
    rides_out: bool,
    /// Whether the end is a restart by which the guest comes back by itself.
    restarts: bool,
    /// Facts that could not be read and that this hangs on.
    could_not_tell: &'a [String],
}

impl<'a> Ending<'a> {
    fn new(end: &'a End) -> Self {
        let known = end.unknown.is_empty();
        let untold = !known && end.at == Span::Seconds(0);
        let seconds = end.at.seconds().filter(|_| !untold);
        Self {
            trouble: end.trouble.name(),
            survives_s: seconds,
            limit: (!untold).then_some(end.at != Span::Forever),
            at_least: !known && seconds.is_some(),
            rides_out: end.rides_out,
            restarts: end.restarts,
            could_not_tell: &end.unknown,
        }
    }
}

/// A mount point at which guests differ.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Difference"))]
struct Differs<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The mount point.
    mount: &'a str,
    /// The guests where it lasts longest; the others are compared with the first.
    longest: &'a [String],
    /// How it ends there.
    #[serde(flatten)]
    ends: Ends<'a>,
    /// Guests where it ends otherwise.
    others: Vec<Other<'a>>,
    /// Guests of which it could not be told, with the facts that could not be read.
    could_not_tell: Vec<Missing<'a>>,
}

/// Guests where a mount ends otherwise, by the same facts.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "OtherGuests"))]
struct Other<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// Their names.
    guests: &'a [String],
    /// How it ends there.
    #[serde(flatten)]
    ends: Ends<'a>,
    /// The kinds of trouble that end otherwise and are known of both.
    differ: Vec<&'static str>,
    /// The fewest facts that explain it: exchanged between the two, they exchange how the mount ends. Empty where
    /// the facts that are compared do not explain it.
    facts: Vec<Explains>,
}

/// A fact that two guests differ in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ExplainingFact"))]
struct Explains {
    /// What it is called.
    name: &'static str,
    /// What moves it.
    knob: &'static str,
    /// Its value where the mount ends otherwise; of several disks all that differ.
    here: Scalar,
    /// Its value where the mount lasts longest.
    there: Scalar,
}

/// Guests of which something could not be told.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "UntoldGuests"))]
struct Missing<'a> {
    /// Their names.
    guests: &'a [String],
    /// The facts that could not be read.
    facts: &'a [String],
}

impl<'a> Compared<'a> {
    pub(in crate::report) fn new(comparison: &'a Comparison, show: &Show<'a>) -> Self {
        let mut keys = Keys::default();
        let groups = comparison.groups.iter().map(|group| Alike::new(group, &mut keys)).collect();
        let differences = comparison.differences.iter();
        Self {
            envelope: Envelope::new(show),
            budget_s: comparison.terms.budget,
            host_holds_s: comparison.terms.host_holds,
            guests: comparison.guests,
            groups,
            differences: differences.map(|difference| Differs::new(difference, &mut keys)).collect(),
        }
    }
}

impl<'a> Alike<'a> {
    fn new(group: &'a Group, keys: &mut Keys) -> Self {
        let first = group.guests.first().map_or("", String::as_str);
        let key = keys.key(&["group", first]);
        let mounted = |seen: &'a Seen| Mounted {
            key: keys.key(&[&key, &seen.standing.mount]),
            mount: &seen.standing.mount,
            fstype: &seen.standing.fstype,
            stands_on: &seen.on,
            survives: seen.survives,
            ends: Ends::new(&seen.outcome),
        };
        let mounts = group.mounts.iter().map(mounted).collect();
        Self { guests: &group.guests, kernel: group.kernel.as_deref(), mounts, key }
    }
}

impl<'a> Differs<'a> {
    fn new(difference: &'a Difference, keys: &mut Keys) -> Self {
        let key = keys.key(&["difference", &difference.point]);
        let missing = difference.untold.iter();
        let mut others = Vec::with_capacity(difference.contrasts.len());
        for contrast in &difference.contrasts {
            others.push(Other::new(contrast, difference, &key, keys));
        }
        Self {
            mount: &difference.point,
            longest: &difference.longest,
            ends: Ends::new(&difference.outcome),
            others,
            could_not_tell: missing.map(|one| Missing { guests: &one.guests, facts: &one.facts }).collect(),
            key,
        }
    }
}

impl<'a> Other<'a> {
    fn new(contrast: &'a Contrast, difference: &'a Difference, above: &str, keys: &mut Keys) -> Self {
        let first = contrast.guests.first().map_or("", String::as_str);
        let fact = |fact: &'a Fact| Explains {
            name: fact.name,
            knob: fact.knob,
            here: Scalar::new(&fact.here),
            there: Scalar::new(&fact.there),
        };
        let differ = differing(&contrast.outcome, &difference.outcome);
        Self {
            key: keys.key(&[above, first]),
            guests: &contrast.guests,
            ends: Ends::new(&contrast.outcome),
            differ: differ.into_iter().map(Trouble::name).collect(),
            facts: contrast.facts.iter().map(fact).collect(),
        }
    }
}
