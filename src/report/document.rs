//! JSON documents: one type a command, made from the domain's values.
//!
//! Their doc comments are the descriptions in `dist/schema/`, which is made from these types.

pub(super) mod applied;
pub(super) mod compare;
pub(super) mod detect;
pub(super) mod error;
pub(super) mod explain;
pub(super) mod host;
mod late;
pub(super) mod pending;
pub(super) mod plan;
pub(super) mod postmortem;
pub(super) mod reboot_needed;
#[cfg(feature = "schema")]
mod schema;
pub(super) mod status;
pub(super) mod survive;
pub(super) mod verify;

use std::collections::BTreeSet;

use serde::Serialize;

#[cfg(feature = "schema")]
pub use schema::schemas;

use super::{Show, clock};
#[cfg(feature = "schema")]
use crate::policy::Recovery;
use crate::policy::{Pin, Policy};
use crate::scale::unit;
use crate::tunable::Wanted;

/// The schema number of every JSON document.
const SCHEMA: u32 = 2;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What every document begins with: what made it, of what, and by which policy.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Envelope<'a> {
    /// The number of this schema. It grows where a key changes its meaning or goes; a new key leaves it as it is.
    #[cfg_attr(feature = "schema", schemars(extend("const" = SCHEMA)))]
    schema: u32,
    /// The version of hvtune.
    tool_version: &'static str,
    /// The command that was run.
    command: &'static str,
    /// What the machine runs under: `hyperv`, `none`, `hyperv-root`, `wsl`, `container`, or another hypervisor's
    /// name; null where it could not be told.
    host_kind: Option<&'a str>,
    /// When this was made: RFC 3339, UTC, to the second. `SOURCE_DATE_EPOCH` sets it.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    time: String,
    /// The root that was looked at: `/`, or the directory of an image.
    root: &'a str,
    /// The policy in force.
    policy: InForce<'a>,
}

impl<'a> Envelope<'a> {
    pub(super) fn new(show: &Show<'a>) -> Self {
        let about = show.about;
        Self {
            schema: SCHEMA,
            tool_version: VERSION,
            command: show.command,
            host_kind: about.hypervisor.as_deref(),
            time: clock::now(),
            root: &about.root,
            policy: InForce::new(&about.policy),
        }
    }
}

/// A policy: what the administrator said, defaults filled in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Policy"))]
struct InForce<'a> {
    /// The stall budget: the longest silence of the storage to ride out, in seconds.
    stall_s: u64,
    /// How long the host holds a command before it answers with an error, in seconds.
    host_holds_s: u64,
    /// What happens when the budget is spent.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Recovery::ALL.map(Recovery::name))))]
    recovery: &'static str,
    /// Ids of tunables that are switched off.
    off: Vec<&'a str>,
    /// Knobs that are pinned, in the order of the files; the last of a name counts.
    set: Vec<Pinned<'a>>,
}

impl<'a> InForce<'a> {
    fn new(policy: &'a Policy) -> Self {
        Self {
            stall_s: policy.stall,
            host_holds_s: policy.host_holds,
            recovery: policy.recovery.name(),
            off: policy.off.iter().map(String::as_str).collect(),
            set: policy.set.iter().map(Pinned::new).collect(),
        }
    }
}

/// One line of `[set]`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Pinned<'a> {
    /// The knob.
    knob: &'a str,
    /// The value it is pinned to.
    value: Scalar,
    /// Where that is said: the file and its line.
    origin: &'a str,
}

impl<'a> Pinned<'a> {
    fn new(pin: &'a Pin) -> Self {
        Self { knob: &pin.knob, value: Scalar::new(pin.value.as_str()), origin: &pin.origin }
    }
}

/// A value of a knob: a number where it is a whole one, else the text as it was read or written.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum Scalar {
    Number(i64),
    Text(String),
}

impl Scalar {
    fn new(text: &str) -> Self {
        // `007` and `+7` are texts: as numbers they would lose something.
        let number = text.parse().ok().filter(|number: &i64| number.to_string() == text);
        number.map_or_else(|| Self::Text(text.to_owned()), Self::Number)
    }

    /// Nothing for an empty text.
    fn some(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::new(text))
    }
}

/// What a knob must hold.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Want {
    /// How what is found is compared with the value; `absent`: the knob must not be there at all.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["=", ">=", "<=", "absent"])))]
    op: &'static str,
    /// What to compare with; null where the knob must be absent.
    value: Option<Scalar>,
    /// What the number counts: `s`, `ms`, `bytes`, `KiB`; null for a plain number or a word.
    unit: Option<&'static str>,
}

impl Want {
    fn new(knob: &str, wanted: &Wanted) -> Self {
        let value = wanted.value.as_ref().map(|value| Scalar::new(value.as_str()));
        Self { op: wanted.op, unit: value.as_ref().and_then(|_| unit(knob)), value }
    }
}

/// Names for rows, each other than all before it.
#[derive(Default)]
struct Keys(BTreeSet<String>);

impl Keys {
    /// The parts, joined, with a number behind them where another row has that name.
    fn key(&mut self, parts: &[&str]) -> String {
        let name = parts.join("/");
        let mut key = name.clone();
        let mut times = 1;
        while !self.0.insert(key.clone()) {
            times += 1;
            key = format!("{name}#{times}");
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunable::{Assignment, Target};
    use crate::value::Value;

    fn json(document: impl Serialize) -> String {
        serde_json::to_string(&document).unwrap()
    }

    #[test]
    fn a_number_is_one_only_where_nothing_is_lost() {
        for (text, told) in [
            ("180", "180"),
            ("-1", "-1"),
            ("007", "\"007\""),
            ("+7", "\"+7\""),
            ("1.5", "\"1.5\""),
            ("3min", "\"3min\""),
            ("99999999999999999999", "\"99999999999999999999\""),
        ] {
            assert_eq!(json(Scalar::new(text)), told);
        }
        assert_eq!(json(Scalar::some("")), "null");
    }

    #[test]
    fn a_want_is_a_comparison_with_a_unit() {
        use crate::tunable::Want as How;
        let dropped = Target::DropKernelArg("elevator");
        for (target, how, told) in [
            (Target::Sysctl("vm.swappiness"), How::AtMost(10), r#"{"op":"<=","value":10,"unit":null}"#),
            (Target::Sysctl("vm.dirty_bytes"), How::AtMost(9), r#"{"op":"<=","value":9,"unit":"bytes"}"#),
            (Target::Sysctl("kernel.panic"), How::AtLeast(9), r#"{"op":">=","value":9,"unit":"s"}"#),
            (
                Target::KernelArg("elevator"),
                How::Exactly(Value::word("noop")),
                r#"{"op":"=","value":"noop","unit":null}"#,
            ),
            (dropped, How::Exactly(Value::word("absent")), r#"{"op":"absent","value":null,"unit":null}"#),
        ] {
            let assignment = Assignment::new(target, how);
            assert_eq!(json(Want::new(&assignment.target.knob(), &assignment.wanted())), told);
        }
    }

    #[test]
    fn no_key_is_given_twice() {
        let mut keys = Keys::default();
        let given =
            [["a", "b"], ["a", "b"], ["a/b", "c"], ["a", "b#2"], ["a", "b"]].map(|parts| keys.key(&parts));
        assert_eq!(given, ["a/b", "a/b#2", "a/b/c", "a/b#2#2", "a/b#3"]);
    }
}
