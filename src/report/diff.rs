//! A change of the plan as a unified diff.

use diffy::{DiffOptions, PatchFormatter};

use crate::formats::edit::Owned;
use crate::marker::addon;
use crate::plan::Change;

/// What a change makes of its file; empty for a conflict.
pub(super) fn diff(change: &Change) -> String {
    let (old, new): (&[u8], &[u8]) = match change {
        Change::Create(artifact) => (b"", &artifact.body),
        Change::Replace { artifact, found } => (found, &artifact.body),
        Change::Remove { found, .. } => (found, b""),
        Change::Edit { path, owned, .. } => return edit_diff(path, owned),
        Change::Conflict { .. } => return String::new(),
    };
    let text =
        |bytes: &[u8]| addon::shown(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
    let (old, new) = (text(old), text(new));
    let name = |there: bool, side: &str| {
        if there { format!("{side}/{}", change.path()) } else { "/dev/null".to_owned() }
    };
    let mut options = DiffOptions::new();
    options
        .set_original_filename(name(!old.is_empty(), "a"))
        .set_modified_filename(name(!new.is_empty(), "b"));
    let patch = options.create_patch(&old, &new);
    PatchFormatter::new().suppress_blank_empty(false).fmt_patch(&patch).to_string()
}

/// The lines of ours alone: what stands around them in a node record may be a password.
fn edit_diff(path: &str, owned: &[Owned]) -> String {
    let mut text = format!("--- a/{path}\n+++ b/{path}\n");
    // An argument that was there before us is on record, and no change.
    for entry in owned.iter().filter(|entry| entry.was.as_ref() != Some(&entry.ours)) {
        if let Some(was) = &entry.was {
            text.push_str(&format!("-{was}\n"));
        }
        text.push_str(&format!("+{}\n", entry.ours));
    }
    text
}
