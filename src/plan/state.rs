//! The one thing that cannot be recomputed: which directories were made for our files.
//!
//! A small text file with our marker, written only where a directory had to be
//! made, so that revert can take away exactly what apply added.

use crate::marker::{all_paths, body_of, marker_line};
use crate::root::{Result, Root};

/// Where it lies.
pub const PATH: &str = "var/lib/hvtune/made-directories";

/// The directories that earlier runs made, outermost first. Its lines are data: only directories
/// that lead to a file of ours count, whatever else stands there.
pub fn made_directories(root: &Root) -> Result<Vec<String>> {
    let Some(bytes) = root.read(PATH)? else { return Ok(Vec::new()) };
    let text =
        body_of(&bytes).map(|(_, body)| String::from_utf8_lossy(body).into_owned()).unwrap_or_default();
    Ok(text.lines().filter(|line| leads_to_ours(line)).map(str::to_owned).collect())
}

fn leads_to_ours(directory: &str) -> bool {
    !directory.is_empty()
        && all_paths()
            .iter()
            .map(String::as_str)
            .chain([PATH])
            .any(|path| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/')))
}

/// The file's content for a list of directories.
pub fn content(directories: &[String]) -> Vec<u8> {
    let mut body = String::new();
    for directory in directories {
        body.push_str(directory);
        body.push('\n');
    }
    format!("{}{body}", marker_line(body.as_bytes())).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directories_of_ours_count() {
        for (directory, ours) in [
            ("etc/udev", true),
            ("usr/lib/modprobe.d", true),
            ("var/lib/hvtune", true),
            ("etc", true),
            ("home", false),
            ("etc/ud", false),
            ("../etc", false),
            ("", false),
        ] {
            assert_eq!(leads_to_ours(directory), ours, "{directory:?}");
        }
    }
}
