//! Templates that an administrator put under /etc/hvtune/templates.

use crate::render::{Format, Templates};
use crate::root::{Result, Root};

/// Where they lie, below the root.
const DIRECTORY: &str = "etc/hvtune/templates";

/// Reads those that replace an embedded one. One that is there and cannot be read
/// is trouble, not a gap: what the administrator wants would silently not happen.
pub fn read(root: &Root) -> Result<Templates> {
    let mut templates = Templates::new();
    if root.dir(DIRECTORY)?.is_none() {
        return Ok(templates);
    }
    for format in Format::ALL {
        let name = format.template();
        if let Some(text) = root.read_text(&format!("{DIRECTORY}/{name}"))? {
            templates.insert(name.to_owned(), text);
        }
    }
    Ok(templates)
}
