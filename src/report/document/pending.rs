//! What is left to do.

use serde::Serialize;

use super::plan::{Pending, Standstill, pending};
use super::{Envelope, Keys};
use crate::plan::Plan;
use crate::report::Show;

/// What `hvtune pending` prints: what an image's build, its first boot or the next boot has to do still.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct Left<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// Why there is nothing to do at all; null where there may be.
    standstill: Option<Standstill<'a>>,
    /// The steps, in the order in which they are taken; none where all is done.
    pending: Vec<Pending<'a>>,
}

impl<'a> Left<'a> {
    pub(in crate::report) fn new(plan: &'a Plan, show: &Show<'a>) -> Self {
        let pending = pending(plan, &mut Keys::default());
        Self { envelope: Envelope::new(show), standstill: Standstill::of(plan), pending }
    }
}
