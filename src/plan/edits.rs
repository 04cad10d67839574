//! Settings that go into files which are not ours alone: open-iscsi's, the Azure agent's, fstab.

use std::borrow::Cow;

use super::{Change, Kept, Plan, state};
use crate::facts::{ExtMount, Facts};
use crate::formats::edit::{self, Owned};
use crate::formats::fstab::{self, FSTAB};
use crate::formats::{bytes, iscsi, waagent};
use crate::marker::is_edited;
use crate::resolve::fstab::needed;
use crate::root::{Kind, Result, Root};
use crate::scale::Scale;
use crate::stores::place::is_store;
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
        let of_record = owned.iter().map(|entry| entry.path.as_str()).filter(|path| !is_store(path));
        let mut paths: Vec<&str> = wanted.iter().map(|(path, ..)| *path).chain(of_record).collect();
        paths.sort_unstable();
        paths.dedup();
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
    let paths = owned.iter().map(|entry| entry.path.as_str());
    let mut paths: Vec<&str> = paths.filter(|path| !is_store(path)).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let ours: Vec<&Owned> = owned.iter().filter(|entry| entry.path == path).collect();
        let lines = match edited(root, path, &[], &ours, &[])? {
            Some(Change::Conflict { why, .. }) => {
                plan.kept.push(Kept { path: path.to_owned(), because: why.into_owned(), line: None });
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
                let files = files.filter(|file| is_edited(&file.path) && !file.linked);
                wanted.extend(files.map(|file| (file.path.as_str(), key, &assignment.want)));
            }
            Target::Waagent(key) => {
                let agent = facts.system.writers.waagent.iter();
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
const NOT_TEXT: &str = "it is not UTF-8 text, which waagent refuses to read, so it is not edited";

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
    let conflict = |why| Ok(Some(Change::Conflict { path: path.to_owned(), why: Cow::Borrowed(why) }));
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
    if path.ends_with(WAAGENT) && std::str::from_utf8(&found).is_err() {
        return conflict(NOT_TEXT);
    }
    let text = bytes::decode(&found);
    let mut now = edit::restore(&text, ours);
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
        if value(path, &now, key).is_some_and(|value| want.met_by(Scale::of(key), &value)) {
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
    let bytes = bytes::encode(&now);
    Ok(Some(Change::Edit { path: path.to_owned(), found, bytes, owned }))
}

const WAAGENT: &str = "waagent.conf";

/// What the file's reader takes a key's value for.
fn value(path: &str, text: &str, key: &str) -> Option<String> {
    if path.ends_with(WAAGENT) {
        let entry = waagent::scan(text).into_iter().rfind(|entry| entry.key == key)?;
        return Some(waagent::seconds(entry.value).map_or(entry.value.to_owned(), |value| value.to_string()));
    }
    let entry = iscsi::scan(text).into_iter().rfind(|entry| entry.key == key)?;
    Some(iscsi::number(entry.value).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;
    use crate::tunable::Value;

    const CONF: &str = "etc/iscsi/iscsid.conf";
    const REPLACEMENT: &str = "node.session.timeo.replacement_timeout";
    const TIMEOUT: &str = "node.conn[0].timeo.noop_out_timeout";

    /// The bytes that a plan would leave of a file.
    fn planned(path: &str, text: &str, key: &'static str, want: &Want) -> Option<Vec<u8>> {
        let (_dir, root) = laid_out(&[(path, text)]);
        match edited(&root, path, &[&(path, key, want)], &[], &[]).unwrap() {
            Some(Change::Edit { bytes, .. }) => Some(bytes),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    }

    #[test]
    fn a_line_that_does_stays_comment_and_all() {
        let at_least = Want::AtLeast(180);
        for (key, rest, stays) in [
            (REPLACEMENT, " = 86400  # raised, see ticket", true),
            (REPLACEMENT, " = -1", true),
            (REPLACEMENT, " = 4294967295", true),
            (REPLACEMENT, " = 0", false),
            (REPLACEMENT, " = off", false),
            (REPLACEMENT, " = 179 # s", false),
            (REPLACEMENT, "=86400", false),
            (TIMEOUT, " = 0 # off", true),
            (TIMEOUT, " = 300\r", true),
            (TIMEOUT, " = 5", false),
        ] {
            let text = format!("a = 1\n{key}{rest}\n");
            assert_eq!(planned(CONF, &text, key, &at_least).is_none(), stays, "{key}{rest}");
        }
        let never = Want::Exactly(Value::number(-1));
        assert_eq!(planned(CONF, &format!("{REPLACEMENT} = -1 # never\n"), REPLACEMENT, &never), None);
    }

    #[test]
    fn a_file_of_any_bytes_is_edited_and_comes_back() {
        let text = format!("# d\u{e080}\u{e0ff}lai\n{REPLACEMENT} = 120 # \u{e0e9}\n");
        let found = bytes::encode(&text);
        let (edited, owned) = edit::set(&text, CONF, REPLACEMENT, "180");
        assert!(bytes::encode(&edited).starts_with(b"# d\x80\xfflai\n"));
        let kept: Owned = serde_json::from_str(&serde_json::to_string(&owned).unwrap()).unwrap();
        assert_eq!(bytes::encode(&edit::restore(&edited, &[&kept])), found);
    }

    #[test]
    fn waagents_numbers_are_the_kernels() {
        let want = Want::Exactly(Value::number(300));
        let key = "OS.RootDeviceScsiTimeout";
        let planned = |text: &str| planned("etc/waagent.conf", text, key, &want);
        assert_eq!(planned("OS.RootDeviceScsiTimeout=\"300\" # s\r\n"), None);
        let edited = planned("OS.RootDeviceScsiTimeout=60\n").unwrap();
        assert_eq!(edited, b"OS.RootDeviceScsiTimeout=300\n");
    }
}
