//! What `apply` and `revert` did.

use serde::Serialize;

use super::plan::{Change, Contender, Pending, Standstill, changes, contenders, pending};
use super::{Envelope, Keys};
use crate::apply;
use crate::plan::{self, Plan};
use crate::report::Show;

/// What `hvtune apply` and `hvtune revert` print: what was written, what is live, what waits.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct Applied<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// Why nothing was done at all; null where something may have been.
    standstill: Option<Standstill<'a>>,
    /// Files that were changed.
    changes: Vec<Change<'a>>,
    /// Files of hvtune's that were as they should be, by path below the root.
    unchanged: &'a [String],
    /// Files that an administrator switched off by a link to /dev/null, by path below the root.
    masked: &'a [String],
    /// What a revert left, as somebody edited it.
    kept: Vec<Kept<'a>>,
    /// What was made live, or tried.
    steps: Vec<Step<'a>>,
    /// Everybody else who writes one of these knobs.
    contenders: Vec<Contender<'a>>,
    /// What has to follow that nobody does by itself.
    pending: Vec<Pending<'a>>,
}

/// A file, or a line of one, that a revert left.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Kept<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The file, below the root.
    path: &'a str,
    /// Why, and what to do.
    because: &'a str,
}

/// A step after the files were written.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Step<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// What was done, or tried.
    what: &'a str,
    /// Why it failed; null where it was done.
    problem: Option<&'a str>,
}

impl<'a> Applied<'a> {
    pub(in crate::report) fn new(plan: &'a Plan, steps: &'a [apply::Step], show: &Show<'a>) -> Self {
        let mut keys = Keys::default();
        let mut kept = |kept: &'a plan::Kept| Kept {
            key: keys.key(&["kept", &kept.path]),
            path: &kept.path,
            because: &kept.because,
        };
        Self {
            envelope: Envelope::new(show),
            standstill: Standstill::of(plan),
            kept: plan.kept.iter().map(&mut kept).collect(),
            steps: steps
                .iter()
                .map(|step| Step {
                    key: keys.key(&["step", &step.what]),
                    what: &step.what,
                    problem: step.problem.as_deref(),
                })
                .collect(),
            changes: changes(plan, &mut keys),
            unchanged: &plan.unchanged,
            masked: &plan.masked,
            contenders: contenders(plan, &mut keys),
            pending: pending(plan, &mut keys),
        }
    }
}
