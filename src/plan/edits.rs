//! Settings that go into files which are not ours alone: open-iscsi's, the Azure agent's, fstab.

use std::collections::BTreeSet;

use super::{Change, Kept, Plan, state};
use crate::facts::{ExtMount, Facts};
use crate::formats::edit::{self, Owned};
use crate::formats::fstab::{self, FSTAB};
use crate::formats::iscsi;
use crate::marker::is_edited;
use crate::resolve::fstab::needed;
use crate::root::{Kind, Result, Root};
use crate::scale::Scale;
use crate::tunable::{Target, Want};

/// A file, a key, and how it is wanted.
type Wanted<'a> = (&'a str, &'static str, &'a Want);

/// Adds a change for every such file that is not as the verdicts want it: what an earlier run
/// edited and nobody asks for any more is taken back.
pub(super) fn plan(facts: &Facts, root: &Root, plan: &mut Plan) -> Result<()> {
    let owned = state::edits(root)?;
    let mut changes = Vec::new();
    {
        let wanted = wanted(facts, plan);
        let lines = needed(&facts.system.ext, facts.machine.as_ref());
        let paths: BTreeSet<&str> = wanted
            .iter()
            .map(|(path, ..)| *path)
            .chain(owned.iter().map(|entry| entry.path.as_str()))
            .collect();
        for path in paths {
            let here: Vec<_> = wanted.iter().filter(|(other, ..)| *other == path).collect();
            let ours: Vec<&Owned> = owned.iter().filter(|entry| entry.path == path).collect();
            let change = edited(root, path, &here, &ours, &lines)?;
            changes.push((path.to_owned(), change, !ours.is_empty() || !here.is_empty()));
        }
    }
    for (path, change, concerned) in changes {
        match change {
            Some(change) => plan.changes.push(change),
            None if concerned => plan.unchanged.push(path),
            None => {}
        }
    }
    plan.recorded = owned;
    Ok(())
}

/// Takes back every edit; what somebody changed since is left, named, and kept on record.
pub(super) fn revert(root: &Root, plan: &mut Plan) -> Result<()> {
    let owned = state::edits(root)?;
    let paths: BTreeSet<&str> = owned.iter().map(|entry| entry.path.as_str()).collect();
    for path in paths {
        let ours: Vec<&Owned> = owned.iter().filter(|entry| entry.path == path).collect();
        let lines = match edited(root, path, &[], &ours, &[])? {
            Some(Change::Conflict { why, .. }) => {
                plan.kept.push(Kept { path: path.to_owned(), because: why.to_owned(), line: None });
                continue;
            }
            Some(change) => {
                let lines = changed(&change, &ours);
                // All of it is somebody's now: nothing to do, and nothing to forget.
                if !matches!(&change, Change::Edit { found, bytes, .. } if found == bytes)
                    || lines.len() < ours.len()
                {
                    plan.changes.push(change);
                }
                lines
            }
            None => continue,
        };
        plan.kept.extend(lines.into_iter().map(|line| kept(path, line)));
    }
    plan.recorded = owned;
    Ok(())
}

/// The lines of ours that are not there as we wrote them, but with something else for the same setting.
fn changed<'a>(change: &Change, ours: &[&'a Owned]) -> Vec<&'a Owned> {
    let Change::Edit { path, found, .. } = change else { return Vec::new() };
    let text = String::from_utf8_lossy(found);
    let find = if path == FSTAB { fstab::changed } else { edit::changed };
    ours.iter().copied().filter(|entry| find(&text, entry)).collect()
}

fn kept(path: &str, line: &Owned) -> Kept {
    let was = match &line.was {
        Some(was) => format!("before hvtune it was `{}`", was.trim()),
        None => "before hvtune there was none".to_owned(),
    };
    let because =
        format!("a line was changed since hvtune wrote `{}`, so it is kept; {was}", line.ours.trim());
    Kept { path: path.to_owned(), because, line: Some(line.clone()) }
}

fn wanted<'a>(facts: &'a Facts, plan: &'a Plan) -> Vec<Wanted<'a>> {
    let mut wanted = Vec::new();
    for (_, assignment, _) in plan.settings() {
        match assignment.target {
            Target::Iscsi(key) => {
                let files = facts.system.iscsi.conf.iter().chain(&facts.system.iscsi.records);
                let files = files.filter(|file| is_edited(&file.path));
                wanted.extend(files.map(|file| (file.path.as_str(), key, &assignment.want)));
            }
            Target::Waagent(key) => {
                let agent = facts.system.owners.waagent.iter();
                wanted.extend(agent.map(|agent| (agent.path.as_str(), key, &assignment.want)));
            }
            Target::Fstab(option) if !facts.system.ext.is_empty() => {
                wanted.push((FSTAB, option, &assignment.want));
            }
            _ => {}
        }
    }
    wanted
}

const NOT_A_FILE: &str = "it is a link or no regular file, so it is not edited; put a file in its place";
const NOT_TEXT: &str = "it is not UTF-8 text, so it is not edited";

/// The change of one file: first as it was without us, then what is wanted of it now, in fstab of
/// these lines alone.
fn edited(
    root: &Root,
    path: &str,
    wanted: &[&Wanted<'_>],
    ours: &[&Owned],
    lines: &[&ExtMount],
) -> Result<Option<Change>> {
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let kind = match root.dir(parent)? {
        Some(dir) => dir.kind(name)?,
        None => None,
    };
    let conflict = |why| Ok(Some(Change::Conflict { path: path.to_owned(), why }));
    match kind {
        None if ours.is_empty() => return Ok(None),
        // The file is gone, and our lines with it.
        None => {
            let (found, bytes, owned) = (Vec::new(), Vec::new(), Vec::new());
            return Ok(Some(Change::Edit { path: path.to_owned(), found, bytes, owned }));
        }
        Some(Kind::File) => {}
        Some(_) => return conflict(NOT_A_FILE),
    }
    let Some(found) = root.read(path)? else { return Ok(None) };
    let Ok(text) = std::str::from_utf8(&found) else { return conflict(NOT_TEXT) };
    let mut now = edit::restore(text, ours);
    let mut owned = Vec::new();
    for (_, key, want) in wanted {
        if path == FSTAB {
            let meant = |entry: &fstab::Entry<'_>| {
                lines.iter().any(|line| line.device == entry.device && line.mount == entry.mount)
            };
            let (edited, entries) = fstab::set_errors(&now, path, want.value().as_str(), meant);
            now = edited;
            owned.extend(entries);
            continue;
        }
        let has = iscsi::scan(&now).into_iter().rfind(|entry| entry.key == *key);
        if has.is_some_and(|entry| want.met_by(Scale::of(key), entry.value.trim().trim_matches('"'))) {
            continue;
        }
        let (edited, entry) = edit::set(&now, path, key, want.value().as_str());
        now = edited;
        owned.push(entry);
    }
    let same_record = ours.iter().map(|entry| (*entry).clone()).eq(owned.iter().cloned());
    if now == text && same_record {
        return Ok(None);
    }
    let bytes = now.into_bytes();
    Ok(Some(Change::Edit { path: path.to_owned(), found, bytes, owned }))
}
