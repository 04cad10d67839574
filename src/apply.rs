//! Carrying out a plan: files first, all or none, then what can be made live.
//!
//! The only writer. It takes a plan and computes nothing of its own.

pub(crate) mod boot_menu;
mod initramfs;
pub(crate) mod live;

use crate::marker::{EDITS, LAYER_RECORD, RECORD, RESTARTS, Standing, standing_of};
use crate::plan::{Change, Plan, state};
use crate::record;
use crate::render::Effect;
use crate::root::{self, Op, Root, Unlabelled};

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

/// Writes the plan's files; nothing where one is in conflict. Gives what has not the label that it should have.
pub fn write(plan: &Plan, root: &Root) -> anyhow::Result<Vec<Unlabelled>> {
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
    if ops(plan, root)?.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = root.begin()?;
    if is_stale(plan, root)? {
        return Err(root::Error::Stale { root: root.name().display().to_string() }.into());
    }
    Ok(transaction.commit(&ops(plan, root)?)?)
}

/// Whether another run wrote between the look and the lock. What was seen while it wrote may be partly
/// old: an edit that was seen done beside a record that did not have it yet would be taken for
/// somebody else's.
fn is_stale(plan: &Plan, root: &Root) -> root::Result<bool> {
    if state::edits(root)? != plan.recorded {
        return Ok(true);
    }
    for change in &plan.changes {
        let now = root.read(change.path())?;
        let same = match change {
            Change::Create(_) => now.is_none(),
            Change::Replace { found, .. } | Change::Remove { found, .. } => now.as_ref() == Some(found),
            // Of a file that is gone nothing was found.
            Change::Edit { found, .. } => now.unwrap_or_default() == *found,
            Change::Conflict { .. } => continue,
        };
        if !same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The changes as operations of the door, with the records of what cannot be recomputed.
fn ops(plan: &Plan, root: &Root) -> anyhow::Result<Vec<Op>> {
    let mut ops = Vec::new();
    for change in &plan.changes {
        match change {
            Change::Create(artifact) | Change::Replace { artifact, .. } => ops.push(Op::Write {
                path: artifact.path.clone(),
                mode: artifact.mode,
                bytes: artifact.body.clone(),
            }),
            Change::Edit { path, found, bytes, .. } if found != bytes => {
                ops.push(Op::Edit { path: path.clone(), expect: found.clone(), bytes: bytes.clone() });
            }
            Change::Remove { path, .. } => ops.push(Op::Remove { path: path.clone() }),
            Change::Edit { .. } | Change::Conflict { .. } => {}
        }
    }
    let edits = edits_record(plan, root)?;
    let records = edits.iter().any(|op| matches!(op, Op::Write { .. }));
    ops.extend(edits);
    let writes = ops.iter().any(|op| matches!(op, Op::Write { .. }));
    if plan.revert {
        ops.extend(restarts_back(root)?);
        if !plan.directories.is_empty() || plan.layer {
            ops.extend(directories_back(plan, root)?);
        }
    } else if plan.layer && writes {
        ops.extend(layer_record(plan, root)?);
    } else if !plan.directories.is_empty() || records {
        ops.extend(directories_record(plan, root)?);
    }
    if writes && !plan.layer && state::is_layer(root)? {
        ops.push(Op::Remove { path: LAYER_RECORD.to_owned() });
    }
    Ok(ops)
}

/// Of a layer there is always one: it tells that this is a layer.
fn layer_record(plan: &Plan, root: &Root) -> anyhow::Result<Option<Op>> {
    let before = root.read(LAYER_RECORD)?;
    let mut made = before.as_deref().map(record::parse_made).unwrap_or_default();
    for directory in ["usr", "usr/lib", "usr/lib/hvtune"].map(str::to_owned).iter().chain(&plan.directories) {
        if !made.contains(directory) && root.dir(directory)?.is_none() {
            made.push(directory.clone());
        }
    }
    let bytes = record::content(&made);
    let path = LAYER_RECORD.to_owned();
    Ok((before.as_ref() != Some(&bytes)).then_some(Op::Write { path, mode: 0o644, bytes }))
}

/// The directories that were made for our files are taken away, but for those that lead to something
/// that is kept: they stay on record.
fn directories_back(plan: &Plan, root: &Root) -> anyhow::Result<Vec<Op>> {
    let leads =
        |directory: &str, path: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    let is_kept = |path: &str| plan.kept.iter().any(|kept| kept.path == path);
    let (own, other) = if plan.layer { (LAYER_RECORD, RECORD) } else { (RECORD, LAYER_RECORD) };
    let mut held: Vec<&str> = plan.kept.iter().map(|kept| kept.path.as_str()).collect();
    if plan.kept.iter().any(|kept| kept.line.is_some()) {
        held.push(EDITS);
    }
    let stays = |directory: &String, held: &[&str]| held.iter().any(|path| leads(directory, path));
    if is_kept(own) || plan.directories.iter().any(|directory| stays(directory, &held)) {
        held.push(own);
    }
    let (stay, go): (Vec<String>, Vec<String>) =
        plan.directories.iter().cloned().partition(|directory| stays(directory, &held));
    let mut ops = Vec::new();
    if !held.contains(&own) {
        ops.push(Op::Remove { path: own.to_owned() });
    } else if !is_kept(own) && stay != state::made_directories(root)? {
        ops.push(Op::Write { path: own.to_owned(), mode: 0o644, bytes: record::content(&stay) });
    }
    if !is_kept(other) {
        ops.push(Op::Remove { path: other.to_owned() });
    }
    ops.extend(go.into_iter().map(|path| Op::RemoveDir { path }));
    Ok(ops)
}

/// The record of restarts goes, too.
fn restarts_back(root: &Root) -> anyhow::Result<Vec<Op>> {
    if standing_of(root.read(RESTARTS)?.as_deref()) != Standing::Ours {
        return Ok(Vec::new());
    }
    Ok(vec![Op::Remove { path: RESTARTS.to_owned() }])
}

/// The record of lines of ours in files of others, where this plan changes it.
fn edits_record(plan: &Plan, root: &Root) -> anyhow::Result<Option<Op>> {
    let edited = |path: &str| {
        plan.changes.iter().any(|change| matches!(change, Change::Edit { path: own, .. } if own == path))
    };
    let before = state::edits(root)?;
    let mut after: Vec<_> = before.iter().filter(|entry| !edited(&entry.path)).cloned().collect();
    for change in &plan.changes {
        if let Change::Edit { path, owned, .. } = change {
            let at = after.partition_point(|entry| entry.path <= *path);
            let lines = plan.kept.iter().filter_map(|kept| kept.line.as_ref());
            after.splice(at..at, owned.iter().chain(lines.filter(|line| line.path == *path)).cloned());
        }
    }
    if plan.kept.iter().any(|kept| kept.path == EDITS) {
        return Ok(None);
    }
    let path = EDITS.to_owned();
    Ok(match (after == before, after.is_empty()) {
        (true, _) => None,
        (false, true) => Some(Op::Remove { path }),
        (false, false) => Some(Op::Write { path, mode: 0o644, bytes: record::edits_content(&after) }),
    })
}

/// The record of directories that had to be made; `None` where it stays as it is.
fn directories_record(plan: &Plan, root: &Root) -> anyhow::Result<Option<Op>> {
    let mut made = state::made_directories(root)?;
    let known = made.len();
    for directory in ["var", "var/lib", "var/lib/hvtune"] {
        if root.dir(directory)?.is_none() {
            made.push(directory.to_owned());
        }
    }
    made.extend(plan.directories.iter().cloned());
    let bytes = record::content(&made);
    Ok((made.len() > known).then(|| Op::Write { path: RECORD.to_owned(), mode: 0o644, bytes }))
}

/// Makes live what can be made live, on the running system only.
///
/// `doing` is told of each step that may take seconds, before it is taken.
pub fn activate(plan: &Plan, root: &Root, activation: Activation, doing: &mut dyn FnMut(&str)) -> Vec<Step> {
    let mut steps = Vec::new();
    if activation == Activation::Files || !root.is_live() {
        return steps;
    }
    if activation == Activation::Everything {
        steps.extend(live::sysctls(plan, root));
        steps.extend(live::attributes(plan, root));
        if !plan.live.disks.is_empty() {
            doing("sending change events to the disks");
        }
        steps.extend(live::udev(plan, root));
        steps.extend(live::daemons(plan));
    }
    if let Some(menu) = plan.menu.as_ref().filter(|_| plan.remakes_menu()) {
        doing("making the boot menu anew");
        steps.push(boot_menu::refresh(root, menu));
    } else if plan.changes.iter().any(|change| change.effect() == Some(Effect::BootEntries)) {
        steps.extend(boot_menu::settle_entries(root, &plan.changes));
    }
    for remake in &plan.remakes {
        doing(&format!("making /{} anew, which may take minutes", remake.path));
        steps.push(initramfs::remake(root, remake));
    }
    steps
}
