//! Files of others that take the place of ours.

use super::Acts;
use crate::facts::{Facts, Hides};

/// What becomes of our file at this path, where a file of the same name hides it: one in /etc by the
/// administrator, above all. `below`: the set of directories, `sysctl.d`. `None` where nothing hides it.
pub(crate) fn hidden(facts: &Facts, below: &str, path: &str) -> Option<Acts> {
    let masks = facts.system.writers.masks.iter();
    let mask = masks.filter(|mask| mask.below == below).find(|mask| mask.hides(path))?;
    Some(match mask.how {
        Hides::Masked => Acts::No(format!("{} masks it", mask.by)),
        Hides::Replaced => Acts::No(format!("{} is read in its place", mask.by)),
        Hides::Unread => Acts::Maybe(format!("{} could not be read, and may take its place", mask.by)),
    })
}
