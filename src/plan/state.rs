//! The records of earlier runs, read: which directories were made for our files, and what stood where we
//! edited a file of others.

use crate::formats::edit::Owned;
use crate::marker::{EDITS, LAYER_RECORD, RECORD, RESTARTS, Standing, standing_of};
use crate::record::{LIMIT, parse_edits, parse_made};
use crate::root::{Result, Root};

/// What earlier runs edited in files of others, in order. A line that is not understood is none.
pub fn edits(root: &Root) -> Result<Vec<Owned>> {
    Ok(root.read_at_most(EDITS, LIMIT)?.map_or_else(Vec::new, |bytes| parse_edits(&bytes)))
}

/// The directories that earlier runs made, outermost first. Its lines are data: only directories
/// that lead to a file of ours count, whatever else stands there.
pub fn made_directories(root: &Root) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for record in [RECORD, LAYER_RECORD] {
        made.extend(root.read(record)?.iter().flat_map(|bytes| parse_made(bytes)));
    }
    Ok(made)
}

/// Whether a root was written as a layer.
pub fn is_layer(root: &Root) -> Result<bool> {
    Ok(standing_of(root.read(LAYER_RECORD)?.as_deref()) == Standing::Ours)
}

/// Those of the records that somebody edited since; what does not carry our marker is none of ours.
pub fn edited_records(root: &Root) -> Result<Vec<String>> {
    let mut edited = Vec::new();
    for path in [EDITS, RECORD, LAYER_RECORD, RESTARTS] {
        let bytes = root.read_at_most(path, LIMIT)?;
        if standing_of(bytes.as_deref()) == Standing::Edited {
            edited.push(path.to_owned());
        }
    }
    Ok(edited)
}
