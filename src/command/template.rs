//! A template's life: what is left to do in an image, and what is forgotten before it is cloned.

use super::{Shown, activate, job, make_plan, name_kept, standstill, tell};
use crate::apply::{self, Activation};
use crate::cli::Global;
use crate::plan;
use crate::report;
use crate::verify::{self, State};

/// What an image's build, its first boot or a reboot has to do still.
pub(super) fn pending(global: &Global) -> anyhow::Result<u8> {
    let job = job(global, false)?;
    let mut plan = make_plan(&job)?;
    plan.keep_wording();
    standstill(&plan, global)?;
    let rows = verify::verify(&job.facts, &plan);
    let reboot = rows.iter().any(|row| row.state == State::PendingReboot);
    let stale = plan::menu_is_stale(&job.facts, &plan);
    plan.pending = plan::left(&job.facts, &plan, &job.root, stale, reboot)?;
    report::pending(&plan, &Shown::new(global, "pending", None, &job).show())?;
    Ok(u8::from(!plan.pending.is_empty()))
}

/// Plans for a machine of the same kind of which nothing else is known, and carries out what changes or takes away
/// something of ours.
pub(super) fn seal(global: &Global) -> anyhow::Result<u8> {
    let mut job = job(global, true)?;
    job.facts = job.facts.into_template();
    let mut plan = make_plan(&job)?;
    if let Some(code) = standstill(&plan, global)? {
        tell(&plan, &[], &Shown::new(global, "seal", None, &job).show());
        return Ok(code);
    }
    plan.only_less(job.root.is_live());
    let unlabelled = apply::write(&plan, &job.root)?;
    plan.pending.extend(plan::relabel(&job.facts, &unlabelled));
    let steps = if job.root.is_live() {
        activate(&plan, &job.root, Activation::BootMenu, global.quiet)
    } else {
        Vec::new()
    };
    tell(&plan, &steps, &Shown::new(global, "seal", None, &job).show());
    Ok(name_kept(&plan))
}
