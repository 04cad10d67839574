//! What `status` shows: one screen.

use super::Show;
use crate::plan::Plan;
use crate::stall::Survey;
use crate::verify::Row;

/// What a status is made of.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// How long each mount survives.
    pub survey: &'a Survey,
    /// What apply would do.
    pub plan: &'a Plan,
    /// What holds and what does not.
    pub rows: &'a [Row],
}

pub(super) fn text(_status: &Status<'_>, _show: &Show<'_>) -> String {
    String::new()
}
