//! Our addon to unified kernel images: one for all images of an ESP, and one beside an image where another
//! addon would have the last word over it.

use std::borrow::Cow;

use super::stores::{conflict, two_loaders, wanted};
use super::{Change, EDITED, FOREIGN, KEPT, Kept, Plan, present};
use crate::cmdline::{LIMIT, Line, same_key, split_arg};
use crate::facts::{BootArg, BootLine, Facts, Holds, LineKind, Uki};
use crate::marker::{Standing, addon, standing_of};
use crate::render::{Artifact, Effect};
use crate::root::{Kind, Result, Root};
use crate::stores::place::ESPS;
use crate::tunable::Value;

/// Adds a change for every addon of ours that is not as the verdicts want it.
pub(super) fn plan(facts: &Facts, root: &Root, plan: &mut Plan) -> Result<()> {
    let boot = &facts.system.boot;
    let Some(uki) = &boot.uki else { return Ok(()) };
    let (args, ids) = wanted(facts, plan);
    let places = if args.is_empty() { Vec::new() } else { places(&boot.lines, uki, &args) };
    if uki.by_hand.is_some() {
        return left(facts, root, uki, &args, plan);
    }
    if let (Some(why), Some(first)) = (&boot.unsure, places.first()) {
        plan.changes.push(two_loaders(first, why, &ids));
        return Ok(());
    }
    if let (Some(why), Some(first)) = (too_long(&boot.lines, &args), places.first()) {
        plan.changes.push(conflict(first, &why, &ids));
        return Ok(());
    }
    let body = addon::file(uki.machine, &args);
    for path in &places {
        let found = present(root, path)?;
        let standing = standing_of(found.as_deref());
        let artifact = || Artifact {
            path: path.clone(),
            format: None,
            mode: 0o644,
            body: body.clone(),
            from: ids.clone(),
            effect: Effect::BootEntries,
        };
        match (standing, found) {
            (Standing::Absent, _) => plan.changes.push(Change::Create(artifact())),
            (Standing::Ours, Some(found)) if addon::is_same(&found, &body) => {
                plan.unchanged.push(path.clone());
            }
            (Standing::Ours, Some(found)) => {
                plan.changes.push(Change::Replace { artifact: artifact(), found });
            }
            (Standing::Edited, _) => plan.changes.push(conflict(path, EDITED_ADDON, &ids)),
            _ => plan.changes.push(conflict(path, FOREIGN, &ids)),
        }
    }
    for path in own(root).into_iter().filter(|path| !places.contains(path)) {
        if let Some(found) = present(root, &path)? {
            match standing_of(Some(&found)) {
                Standing::Ours => plan.changes.push(Change::Remove { path, found }),
                Standing::Edited => {
                    plan.changes.push(Change::Conflict { path, why: Cow::Borrowed(EDITED) });
                }
                // A file of that name beside which we want none is nobody's trouble.
                Standing::Absent | Standing::Foreign => {}
            }
        }
    }
    Ok(())
}

const EDITED_ADDON: &str = "it is ours but was edited since: it is kept; move it away to let hvtune write";

/// What becomes of ours where the addon is somebody's step: it stays as long as it says what is wanted, and
/// the firmware takes it.
fn left(facts: &Facts, root: &Root, uki: &Uki, args: &[Value], plan: &mut Plan) -> Result<()> {
    let refused = facts.machine.as_ref().and_then(|machine| machine.secure_boot) == Some(true);
    let body = addon::file(uki.machine, args);
    for path in own(root) {
        let Some(found) = present(root, &path)? else { continue };
        if standing_of(Some(&found)) != Standing::Ours {
            continue;
        }
        if !args.is_empty() && addon::is_same(&found, &body) && (addon::is_signed(&found) || !refused) {
            plan.unchanged.push(path);
        } else {
            plan.changes.push(Change::Remove { path, found });
        }
    }
    Ok(())
}

/// Takes every addon of ours away.
pub(super) fn revert(root: &Root, plan: &mut Plan) -> Result<()> {
    for path in own(root) {
        let Some(found) = present(root, &path)? else { continue };
        match standing_of(Some(&found)) {
            Standing::Ours => plan.changes.push(Change::Remove { path, found }),
            Standing::Edited => plan.kept.push(Kept { path, because: KEPT.to_owned(), line: None }),
            Standing::Absent | Standing::Foreign => {}
        }
    }
    Ok(())
}

/// Where something of our addon's name stands, whoever made it.
fn own(root: &Root) -> Vec<String> {
    let mut dirs = Vec::new();
    for esp in ESPS {
        dirs.push(addon::global_dir(esp));
        let below = format!("{esp}EFI/Linux");
        // What cannot be listed, nobody wrote to: another file system is mounted there.
        for entry in root.list(&below).ok().flatten().unwrap_or_default() {
            let dir = format!("{below}/{}", entry.name);
            if entry.kind == Kind::Dir && addon::is_dir(&dir) {
                dirs.push(dir);
            }
        }
    }
    let mut found = Vec::new();
    for dir in dirs {
        let open = root.dir(&dir).ok().flatten();
        if open.is_some_and(|open| open.kind(addon::NAME).is_ok_and(|kind| kind.is_some())) {
            found.push(format!("{dir}/{}", addon::NAME));
        }
    }
    found
}

/// Where addons of ours belong: one for all images of each ESP, then one beside each image that needs it.
pub(super) fn places(lines: &[BootLine], uki: &Uki, args: &[Value]) -> Vec<String> {
    let of_image = |path: &String| ESPS.iter().find(|esp| path.starts_with(&format!("{esp}EFI/Linux/")));
    let mut places: Vec<String> = Vec::new();
    for esp in uki.images.iter().filter_map(of_image) {
        let path = format!("{}/{}", addon::global_dir(esp), addon::NAME);
        if !places.contains(&path) {
            places.push(path);
        }
    }
    for image in &uki.images {
        let path = format!("{}/{}", addon::local_dir(image), addon::NAME);
        let mut of_it = lines.iter().filter(|line| line.kind == LineKind::Entry && line.path == *image);
        if !places.contains(&path) && of_it.any(|line| line.args.iter().any(|arg| wins(arg, image, args))) {
            places.push(path);
        }
    }
    places
}

/// Whether an argument of somebody's addon comes after what ours for all images says, and says otherwise.
fn wins(arg: &BootArg, image: &str, args: &[Value]) -> bool {
    let (dir, name) = arg.path.rsplit_once('/').unwrap_or_default();
    let is_later = dir == addon::local_dir(image) || (name > addon::NAME && addon::is_dir(dir));
    let Some(text) = arg.text.as_deref().filter(|_| is_later && !matches!(arg.holds, Holds::No(_))) else {
        return false;
    };
    let (key, value) = split_arg(text);
    args.iter().map(|arg| split_arg(arg.as_str())).any(|(own, wanted)| same_key(key, own) && value != wanted)
}

/// Why ours do not fit on a command line.
fn too_long(lines: &[BootLine], args: &[Value]) -> Option<String> {
    lines.iter().find_map(|line| {
        let texts: Vec<&str> = line.args.iter().filter_map(|arg| arg.text.as_deref()).collect();
        let mut whole = Line::parse(&texts.join(" ")).ok()?;
        whole.append(args, LIMIT).err().map(|fault| format!("{}: {fault}", line.path))
    })
}
