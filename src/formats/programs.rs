//! Files by which programs write to `/proc/sys` and `/sys`: tmpfiles.d, sysfsutils', scripts.

pub mod assignment;
pub mod script;
pub mod sysfsutils;
pub mod tmpfiles;

/// One write that a file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathWrite {
    /// Line number, from 1.
    pub line: u32,
    /// The path, absolute; wildcards are kept. Empty where the line names a knob and no path could be told.
    pub target: String,
    /// What is written; `None` where that could not be told.
    pub value: Option<String>,
    /// The line, for people.
    pub shown: String,
    /// Why it may not come to it, where it may not.
    pub maybe: Option<&'static str>,
}

/// Whether a text names this word, alone and not as a part of a longer one.
pub fn names_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + word.len()..).unwrap_or_default();
        !before.ends_with(inside) && !after.starts_with(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_a_part_of_one() {
        assert!(names_word("echo 1 > $Q/timeout", "timeout") && names_word("timeout", "timeout"));
        assert!(
            !names_word("kernel.hung_task_timeout_secs", "timeout") && !names_word("io_timeout", "timeout")
        );
    }
}
