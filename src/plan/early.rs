//! What early boot leaves for later: it sees less than the system does once everything is mounted.

use super::{Change, Plan, missing_directories};
use crate::root::{Result, Root};

impl Plan {
    /// Lets files stand that carry every planned assignment and differ in their comments only. What early
    /// boot sees of the disks is less than what a later run sees, and a reason tells what was seen: the
    /// two runs would take turns at rewriting a file, and a verification would call the other's drift.
    pub fn keep_wording(&mut self) {
        let (kept, changes) = std::mem::take(&mut self.changes).into_iter().partition(Change::rewords);
        self.changes = changes;
        let kept: Vec<Change> = kept;
        self.unchanged.extend(kept.iter().map(|change| change.path().to_owned()));
    }

    /// Leaves alone what early boot does not see whole. `/boot` and the ESP may not be mounted yet, so kernel
    /// arguments and what the next initramfs is made from wait for a later run. Where `/var` is not there, so does
    /// what goes on record below it.
    pub fn leave_unmounted(&mut self, root: &Root) -> Result<()> {
        let records = root.dir("var/lib")?.is_some();
        let made = std::mem::take(&mut self.directories);
        let is_below = |path: &str, dir: &String| {
            path.strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        self.changes.retain(|change| {
            let is_recorded = matches!(change, Change::Edit { .. })
                || made.iter().any(|directory| is_below(change.path(), directory));
            !change.is_of_next_boot() && (records || !is_recorded)
        });
        self.directories = missing_directories(root, &self.changes)?;
        Ok(())
    }
}
