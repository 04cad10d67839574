//! A layer: files of ours below `/usr`, and what it cannot hold.

use super::{Plan, conflict, state};
use crate::root::{Result, Root};

pub(super) const NOT_A_LAYER: &str = "hvtune wrote it without --layer, and a layer has files of hvtune's below /usr alone: \
                                      `hvtune revert` with the same --root takes it back";

/// Files of others are not looked at; where an earlier run changed some, this root is no layer.
pub(super) fn plan(root: &Root, plan: &mut Plan) -> Result<()> {
    plan.recorded = state::edits(root)?;
    if let Some(first) = plan.recorded.first() {
        plan.changes.push(conflict(first.path.clone(), NOT_A_LAYER));
    }
    Ok(())
}
