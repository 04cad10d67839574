//! Carrying out a plan: files first, all or none, then what can be made live.
//!
//! The only writer. It takes a plan and computes nothing of its own.

mod boot_menu;
mod live;

use crate::plan::{Change, Plan, state};
use crate::render::Effect;
use crate::root::{Op, Root};

/// How far a plan is carried out beyond the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Files only: an offline root, `--no-activate`, or early boot, where everything else comes by itself.
    Files,
    /// The boot menu too, but nothing live: an image that is built on the live root.
    BootMenu,
    /// Everything that can be made live.
    Everything,
}

/// One step after the files, for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was done or tried.
    pub what: String,
    /// Why it was not done or failed; `None` where it was done.
    pub problem: Option<String>,
}

impl Step {
    fn done(what: impl Into<String>) -> Self {
        Self { what: what.into(), problem: None }
    }

    fn failed(what: impl Into<String>, problem: &dyn std::fmt::Display) -> Self {
        Self { what: what.into(), problem: Some(problem.to_string()) }
    }
}

/// Writes the plan's files; nothing where one is in conflict.
pub fn write(plan: &Plan, root: &Root) -> anyhow::Result<()> {
    let conflicts: Vec<String> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Conflict { path, why } => Some(format!("{path}: {why}")),
            _ => None,
        })
        .collect();
    if !conflicts.is_empty() {
        anyhow::bail!("nothing was written: {}", conflicts.join("; "));
    }
    let ops = ops(plan, root)?;
    if ops.is_empty() {
        return Ok(());
    }
    root.commit(&ops)?;
    if plan.changes.iter().all(|change| matches!(change, Change::Remove { .. })) {
        root.remove_empty_dirs(&plan.directories)?;
    }
    Ok(())
}

/// The changes as operations of the door, with the record of directories made.
fn ops(plan: &Plan, root: &Root) -> anyhow::Result<Vec<Op>> {
    let mut ops = Vec::new();
    let mut removes_only = true;
    for change in &plan.changes {
        match change {
            Change::Create(artifact) | Change::Replace { artifact, .. } => {
                removes_only = false;
                ops.push(Op::Write {
                    path: artifact.path.clone(),
                    mode: artifact.mode,
                    bytes: artifact.body.clone(),
                });
            }
            Change::Remove { path, .. } => ops.push(Op::Remove { path: path.clone() }),
            Change::Conflict { .. } => {}
        }
    }
    if removes_only && !plan.directories.is_empty() {
        ops.push(Op::Remove { path: state::PATH.to_owned() });
    } else if !plan.directories.is_empty() {
        let mut made = state::made_directories(root)?;
        for directory in ["var", "var/lib", "var/lib/hvtune"] {
            if root.dir(directory)?.is_none() {
                made.push(directory.to_owned());
            }
        }
        made.extend(plan.directories.iter().cloned());
        ops.push(Op::Write { path: state::PATH.to_owned(), mode: 0o644, bytes: state::content(&made) });
    }
    Ok(ops)
}

/// Makes live what can be made live, on the running system only.
pub fn activate(plan: &Plan, root: &Root, activation: Activation) -> Vec<Step> {
    let mut steps = Vec::new();
    if activation == Activation::Files || !root.is_live() {
        return steps;
    }
    if activation == Activation::Everything {
        steps.extend(live::sysctls(plan, root));
        steps.extend(live::udev(plan, root));
        steps.extend(live::daemons(plan));
    }
    let fragment = plan.changes.iter().any(|change| change.effect() == Some(Effect::BootMenu));
    if fragment {
        steps.push(boot_menu::refresh(root));
    }
    steps
}
