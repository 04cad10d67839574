//! What `pending` shows: what build and first boot have to do still.

use super::plan::pending_text;
use super::screen::Screen;
use super::text::Text;
use super::words;
use crate::plan::Plan;

pub(super) fn text(plan: &Plan) -> String {
    let mut text = Text::new(Screen::of_stdout());
    if plan.pending.is_empty() {
        text.para("Nothing is left to do.", 0);
        return text.into_string();
    }
    pending_text(plan, &mut text);
    text.gap();
    text.para(&format!("{} left.", words::count(plan.pending.len(), "step")), 0);
    text.into_string()
}
