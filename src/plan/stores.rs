//! Kernel arguments in files of others: the boot entries, and what later kernels are given.

use std::borrow::Cow;

use super::{Change, Kept, Plan};
use crate::facts::{BootStack, Facts, StoreFile};
use crate::formats::edit::Owned;
use crate::render;
use crate::root::{Kind, Result, Root};
use crate::stores::place::{self, OEM, is_store, named, recorded};
use crate::stores::{Refusal, Store};
use crate::tunable::{Target, Value};

/// The arguments that the verdicts put on the command line, in catalogue order, and the tunables that ask
/// for them.
pub(super) fn wanted(facts: &Facts, plan: &Plan) -> (Vec<Value>, Vec<&'static str>) {
    let mut wanted: Vec<Value> = Vec::new();
    let mut ids = Vec::new();
    for (verdict, assignment, _) in plan.settings() {
        if let Target::ModuleOption { module, .. } = &assignment.target
            && !render::landing(facts, module).cmdline
        {
            continue;
        }
        let arg = render::kernel_arg(assignment).and_then(|arg| Value::new(&arg).ok());
        if arg.is_some() && !ids.contains(&verdict.tunable.id) {
            ids.push(verdict.tunable.id);
        }
        if let Some(arg) = arg.filter(|arg| !wanted.contains(arg)) {
            wanted.push(arg);
        }
    }
    (wanted, ids)
}

/// A conflict, with the way to do without the arguments.
pub(super) fn conflict(path: &str, why: &str, ids: &[&str]) -> Change {
    let why = format!("{why}; or do without: off = {ids:?} in /etc/hvtune.toml");
    Change::Conflict { path: path.to_owned(), why: Cow::Owned(why) }
}

/// The conflict where more than one boot loader looks alive.
pub(super) fn two_loaders(path: &str, why: &str, ids: &[&str]) -> Change {
    let why = format!(
        "{why}; take away what is left of the boot loader that is no longer used, or name the one that is \
         (`stack` under [boot])"
    );
    conflict(path, &why, ids)
}

/// Adds a change for every file of the stack that lacks an argument, or has one of ours that nobody asks
/// for any more. Needs [`Plan::recorded`].
pub(super) fn plan(facts: &Facts, root: &Root, plan: &mut Plan) -> Result<()> {
    let boot = &facts.system.boot;
    let (wanted, ids) = if facts.writes_arguments() { wanted(facts, plan) } else { Default::default() };
    if let (Some(why), Some(first), false) = (&boot.unsure, boot.stores.first(), wanted.is_empty()) {
        plan.changes.push(two_loaders(&first.path, why, &ids));
        return Ok(());
    }
    let mut files = files(facts, &plan.recorded);
    if boot.stack == BootStack::Unknown {
        // Files that may only be out of sight keep our arguments.
        files.retain(|file| file.listed);
    }
    let mut planned = Vec::new();
    for file in &files {
        let here = if file.listed { &wanted[..] } else { &[] };
        planned.push(edited(root, file, here, &plan.recorded)?);
    }
    forget_theirs(&mut planned);
    for (file, outcome) in files.into_iter().zip(planned) {
        match outcome {
            Some(Outcome::Edit { found, bytes, owned }) => {
                let rows: Vec<&Owned> =
                    plan.recorded.iter().filter(|entry| entry.path == file.path).collect();
                // A later kernel's entry that has ours from where we put them needs no line of the record.
                let inherits = rows.is_empty() && owned.iter().all(|entry| entry.was.is_none());
                if found == bytes && (inherits || rows.into_iter().eq(&owned)) {
                    if !owned.is_empty() {
                        plan.unchanged.push(file.path);
                    }
                } else {
                    plan.changes.push(Change::Edit { path: file.path, found, bytes, owned });
                }
            }
            Some(Outcome::Conflict(why)) if !wanted.is_empty() => {
                plan.changes.push(conflict(&file.path, &why, &ids));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes every argument of ours out again, those of entries that came since among them.
pub(super) fn revert(facts: &Facts, root: &Root, plan: &mut Plan) -> Result<()> {
    for file in files(facts, &plan.recorded) {
        let has_ours = !place::ours(&file.path, &plan.recorded).is_empty();
        let outcome = match edited(root, &file, &[], &plan.recorded)? {
            // What stood there before us needs no line of the record any more.
            Some(Outcome::Unseen) if !has_ours => Some(Outcome::GONE),
            outcome => outcome,
        };
        match outcome {
            Some(Outcome::Edit { found, bytes, owned })
                if found != bytes || plan.recorded.iter().any(|entry| entry.path == file.path) =>
            {
                plan.changes.push(Change::Edit { path: file.path, found, bytes, owned });
            }
            Some(Outcome::Unseen) => {
                plan.kept.push(Kept { path: file.path, because: UNSEEN.to_owned(), line: None });
            }
            Some(Outcome::Conflict(why)) if has_ours => {
                let because = format!("it may hold arguments of ours, and is kept: {why}");
                plan.kept.push(Kept { path: file.path, because, line: None });
            }
            _ => {}
        }
    }
    Ok(())
}

/// A file, and whether it belongs to the stack that boots this root.
struct File {
    path: String,
    store: Option<Store<'static>>,
    problem: Option<String>,
    listed: bool,
}

/// Those of the stack in their order, then others that earlier runs changed.
fn files(facts: &Facts, record: &[Owned]) -> Vec<File> {
    let listed = |file: &StoreFile| File {
        path: file.path.clone(),
        store: Some(file.store),
        problem: file.problem.clone(),
        listed: true,
    };
    let mut files: Vec<File> = facts.system.boot.stores.iter().map(listed).collect();
    for entry in record.iter().filter(|entry| is_store(&entry.path)) {
        if !files.iter().any(|file| file.path == entry.path) {
            files.push(File { path: entry.path.clone(), store: None, problem: None, listed: false });
        }
    }
    files
}

/// What comes of one file.
enum Outcome {
    /// Its directory is not there: a file system may not be mounted.
    Unseen,
    Edit {
        found: Vec<u8>,
        bytes: Vec<u8>,
        owned: Vec<Owned>,
    },
    Conflict(String),
}

impl Outcome {
    /// The file is gone, and ours with it.
    const GONE: Self = Self::Edit { found: Vec::new(), bytes: Vec::new(), owned: Vec::new() };
}

const UNSEEN: &str = "it may hold arguments of ours, but it is not in sight: mount its file system and revert \
                      once more; if it is gone for good, delete /var/lib/hvtune/edits";
const NOT_A_FILE: &str = "it is a link or no regular file, so it is not edited; put a file in its place";

fn edited(root: &Root, file: &File, wanted: &[Value], record: &[Owned]) -> Result<Option<Outcome>> {
    let path = &file.path;
    if let Some(problem) = &file.problem {
        return Ok(Some(Outcome::Conflict(problem.clone())));
    }
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let Some(dir) = root.dir(parent)? else { return Ok(Some(Outcome::Unseen)) };
    match dir.kind(name)? {
        // The directory is where its partition is mounted.
        None if path == OEM => return Ok(Some(Outcome::Unseen)),
        None => return Ok(Some(Outcome::GONE)),
        Some(Kind::File) => {}
        Some(_) => return Ok(Some(Outcome::Conflict(NOT_A_FILE.to_owned()))),
    }
    let Some(found) = root.read(path)? else { return Ok(None) };
    Ok(Some(match change(path, &found, file.store, wanted, record) {
        Ok((bytes, owned)) => Outcome::Edit { found, bytes, owned },
        Err(refusal) => Outcome::Conflict(refusal.to_string()),
    }))
}

/// A file's new bytes, and its rows of the record: ours that nobody wants go, what is not there comes,
/// and everything else stays where it is.
fn change(
    path: &str,
    found: &[u8],
    store: Option<Store<'static>>,
    wanted: &[Value],
    record: &[Owned],
) -> std::result::Result<(Vec<u8>, Vec<Owned>), Refusal> {
    let ours = place::ours(path, record);
    let mut bytes = found.to_vec();
    for (other, arg) in &ours {
        if !wanted.contains(arg) || store.is_some_and(|store| store != *other) {
            bytes = other.remove(&bytes, std::slice::from_ref(arg))?.text;
        }
    }
    let Some(store) = store.filter(|_| !wanted.is_empty()) else { return Ok((bytes, Vec::new())) };
    let edited = store.append(&bytes, wanted)?;
    let is_ours =
        |arg: &Value| edited.args.contains(arg) || ours.iter().any(|(of, own)| *of == store && own == arg);
    let row = |arg: &Value| {
        let line = recorded(store, arg);
        let was = if is_ours(arg) { None } else { Some(line.clone()) };
        Owned { path: path.to_owned(), ours: line, was }
    };
    Ok((edited.text, wanted.iter().map(row).collect()))
}

/// That an argument was there before us is worth a note only where it is ours in another file: then the
/// entry of a new kernel may have it from there.
fn forget_theirs(planned: &mut [Option<Outcome>]) {
    let mut ours: Vec<Value> = Vec::new();
    for outcome in planned.iter().flatten() {
        if let Outcome::Edit { owned, .. } = outcome {
            let rows = owned.iter().filter(|entry| entry.was.is_none());
            ours.extend(rows.filter_map(|entry| named(&entry.path, &entry.ours)).map(|(_, arg)| arg));
        }
    }
    for outcome in planned.iter_mut().flatten() {
        if let Outcome::Edit { owned, .. } = outcome {
            owned.retain(|entry| {
                let arg = named(&entry.path, &entry.ours).map(|(_, arg)| arg);
                entry.was.is_none() || arg.is_some_and(|arg| ours.contains(&arg))
            });
        }
    }
}
