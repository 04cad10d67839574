//! What `plan` would do.

use serde::Serialize;

use super::{Envelope, Keys, Scalar, Want};
#[cfg(feature = "schema")]
use crate::plan::Step;
use crate::plan::{self, Plan, UNKNOWN};
use crate::report::Show;
use crate::report::diff::diff;
use crate::report::plan::{abstained, verdict_shown};
use crate::tunable::{Assignment, Verdict};
use crate::verify::Present;

/// What `hvtune plan` prints: what apply would change, and why. Nothing was written.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Plan"))]
pub(in crate::report) struct Planned<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// Why nothing is planned at all; null where something may be.
    standstill: Option<Standstill<'a>>,
    /// Files that apply would change.
    changes: Vec<Change<'a>>,
    /// Files of hvtune's that are as they should be, by path below the root.
    unchanged: &'a [String],
    /// Files that an administrator switched off by a link to /dev/null, by path below the root.
    masked: &'a [String],
    /// What apply would make anew, by path below the root: initramfs images, and a boot menu that is older than its
    /// sources. One that follows a change of its sources is not named.
    made_anew: Vec<&'a str>,
    /// What is to be set, in the order in which it is written.
    settings: Vec<Setting<'a>>,
    /// Tunables that set nothing here; those that are refused are among them.
    abstained: Vec<Abstained<'a>>,
    /// What the policy asks for and cannot be had here.
    refused: Vec<Refused<'a>>,
    /// Everybody else who writes one of these knobs.
    contenders: Vec<Contender<'a>>,
    /// What has to follow that nobody does by itself.
    pending: Vec<Pending<'a>>,
}

impl<'a> Planned<'a> {
    pub(in crate::report) fn new(plan: &'a Plan, present: &'a [Vec<Present>], show: &Show<'a>) -> Self {
        let mut keys = Keys::default();
        let settings =
            plan.settings().zip(present).filter(|((verdict, _, _), _)| verdict_shown(verdict, show.only));
        let left = abstained(plan, show.only);
        let refused = plan.refusals().filter(|(verdict, _)| verdict_shown(verdict, show.only));
        Self {
            envelope: Envelope::new(show),
            standstill: Standstill::of(plan),
            settings: settings
                .map(|((verdict, assignment, because), now)| {
                    Setting::new(verdict, assignment, because, now, &mut keys)
                })
                .collect(),
            changes: changes(plan, &mut keys),
            unchanged: &plan.unchanged,
            masked: &plan.masked,
            made_anew: plan.made_anew().collect(),
            abstained: left.map(|verdict| Abstained::new(verdict, &mut keys)).collect(),
            refused: refused
                .map(|(verdict, because)| Refused {
                    key: keys.key(&["refused", verdict.tunable.id]),
                    id: verdict.tunable.id,
                    because,
                })
                .collect(),
            contenders: contenders(plan, &mut keys),
            pending: pending(plan, &mut keys),
        }
    }
}

/// Why a machine is left alone.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Standstill<'a> {
    /// `not-a-guest`: it is known to be no Hyper-V guest; `unknown`: it could not be told.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["not-a-guest", "unknown"])))]
    kind: &'static str,
    /// The reason, and what to do.
    because: &'a str,
}

impl<'a> Standstill<'a> {
    pub(super) fn of(plan: &'a Plan) -> Option<Self> {
        plan.standstill.as_ref().map(|standstill| match standstill {
            plan::Standstill::NotAGuest(because) => Self { kind: "not-a-guest", because },
            plan::Standstill::CouldNotTell(because) => Self { kind: "unknown", because },
        })
    }
}

/// A file that is changed, or is in the way.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Change<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The file, below the root.
    path: &'a str,
    /// What is done to it; `restore` takes lines of hvtune's out of it, `conflict` leaves it alone.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("enum" = ["create", "replace", "remove", "edit", "restore", "conflict"]))
    )]
    action: &'static str,
    /// The change as a unified diff; of a file of others the lines of hvtune's alone; empty for a conflict.
    diff: String,
    /// Why it is left alone, where it is a conflict; null otherwise.
    because: Option<&'a str>,
}

pub(super) fn changes<'a>(plan: &'a Plan, keys: &mut Keys) -> Vec<Change<'a>> {
    let change = |change: &'a plan::Change| Change {
        key: keys.key(&["change", change.path()]),
        path: change.path(),
        action: change.action(),
        diff: diff(change),
        because: match change {
            plan::Change::Conflict { why, .. } => Some(why.as_ref()),
            _ => None,
        },
    };
    plan.changes.iter().map(change).collect()
}

/// One knob, on all that one line of a file speaks of.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Setting<'a> {
    /// Id, knob and target, joined: a name that no other row of this document has.
    key: String,
    /// The tunable that asks for it.
    id: &'static str,
    /// The knob.
    knob: String,
    /// Where it is set: `sysctl`, `module`, `cmdline`, `udev:` and a class of disks, `unit:` and a service.
    target: String,
    /// What it must hold.
    want: Want,
    /// What it is before the plan, on each disk or place that the setting is about: live where the machine shows
    /// it, else what the files come to.
    now: Vec<Now<'a>>,
    /// Why here.
    because: &'a str,
    /// Where that is written: addresses of web pages.
    sources: Vec<&'static str>,
}

impl<'a> Setting<'a> {
    fn new(
        verdict: &Verdict,
        assignment: &Assignment,
        because: &'a str,
        now: &'a [Present],
        keys: &mut Keys,
    ) -> Self {
        let id = verdict.tunable.id;
        let (knob, target) = (assignment.target.knob(), assignment.place());
        Self {
            key: keys.key(&[id, &knob, &target]),
            id,
            want: Want::new(&knob, &assignment.wanted()),
            now: now
                .iter()
                .map(|one| Now { target: &one.on, found: one.value.as_deref().map(Scalar::new) })
                .collect(),
            because,
            sources: verdict.tunable.sources.iter().map(|source| source.url).collect(),
            knob,
            target,
        }
    }
}

/// What a knob holds in one place.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Now<'a> {
    /// The disk, session or place.
    target: &'a str,
    /// What is there, in the unit of the want; null where nothing could be read.
    found: Option<Scalar>,
}

/// A tunable that sets nothing, for one class of disks or for all.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Abstained<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The tunable.
    id: &'static str,
    /// Which kind of reason it is: the knob is right without hvtune; it does not apply here; a fact is missing;
    /// the policy asks for what cannot be had.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("enum" = ["already-right", "not-applicable", "unknown", "refused"]))
    )]
    kind: &'static str,
    /// The reason.
    because: &'a str,
}

impl<'a> Abstained<'a> {
    fn new(verdict: &'a Verdict, keys: &mut Keys) -> Self {
        Self {
            key: keys.key(&["abstained", verdict.tunable.id]),
            id: verdict.tunable.id,
            kind: verdict.decision.kind(),
            because: verdict.decision.because(),
        }
    }
}

/// A wish of the policy's that cannot be had here.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Refused<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The tunable.
    id: &'static str,
    /// Why it cannot be had.
    because: &'a str,
}

/// Somebody else who writes a knob of the plan's.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Contender<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The knob.
    knob: &'a str,
    /// Who writes it: a file with its line, or a program.
    who: &'a str,
    /// What is written; null where that could not be told.
    value: Option<Scalar>,
    /// Whose value stands in the end: `hvtune`, the name of another, or `unknown`.
    winner: &'a str,
    /// Why.
    because: &'a str,
}

pub(super) fn contenders<'a>(plan: &'a Plan, keys: &mut Keys) -> Vec<Contender<'a>> {
    let contender = |one: &'a plan::Contender| Contender {
        key: keys.key(&["contender", &one.knob, &one.who]),
        knob: &one.knob,
        who: &one.who,
        value: (one.value != UNKNOWN).then(|| Scalar::new(&one.value)),
        winner: &one.winner,
        because: &one.because,
    };
    plan.contenders.iter().map(contender).collect()
}

/// A step that somebody has to take.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Pending<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// What kind of step.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("enum" = Step::ALL.map(Step::name)))
    )]
    step: &'static str,
    /// Why it is needed, and what to heed.
    because: &'a str,
    /// Kernel arguments to add, as they are written.
    add: &'a [String],
    /// Kernel arguments to take away, as they stand there.
    remove: &'a [String],
    /// Where somebody has to write them: all of these places, in this order.
    places: Vec<Place<'a>>,
    /// The command that does the step once the places are written; null where there is none to give.
    command: Option<&'a str>,
}

/// A place for kernel arguments.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Place<'a> {
    /// The file, as the root itself has it.
    file: &'a str,
    /// Where in it, in words.
    line: &'a str,
}

pub(super) fn pending<'a>(plan: &'a Plan, keys: &mut Keys) -> Vec<Pending<'a>> {
    let step = |one: &'a plan::Pending| Pending {
        key: keys.key(&["pending", one.step.name()]),
        step: one.step.name(),
        because: &one.because,
        add: &one.add,
        remove: &one.remove,
        places: one.places.iter().map(|place| Place { file: &place.file, line: &place.line }).collect(),
        command: Some(one.command.as_str()).filter(|command| !command.is_empty()),
    };
    plan.pending.iter().map(step).collect()
}
