//! Patterns that somebody else wrote, within bounds: `--only`, and those in files.

use regex::Error;
use regex::bytes::{Regex, RegexBuilder};

/// Memory for a compiled pattern, and for matching with it.
const BYTES: usize = 4 << 20;
/// Groups within groups.
const DEPTH: u32 = 50;

/// A pattern in the regex crate's syntax (<https://docs.rs/regex/1/regex/#syntax>), in which letters,
/// digits and their case are those of ASCII, as in every name of the kernel's; the error says on one line
/// what is wrong with it.
pub fn parse_pattern(text: &str) -> Result<Regex, String> {
    parse_within(text, BYTES)
}

/// The same within so many bytes of memory, for a pattern of which a file may hold thousands.
pub fn parse_within(text: &str, bytes: usize) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(text);
    builder.unicode(false).size_limit(bytes).dfa_size_limit(bytes).nest_limit(DEPTH);
    builder.build().map_err(|error| match error {
        Error::CompiledTooBig(_) => "the pattern is too large; repeat less, or name fewer".to_owned(),
        // The lines before the last show the pattern, with a mark below the place.
        other => {
            let said = other.to_string();
            let last = said.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        for (pattern, found) in [
            (r"^vm\.\w+", "vm.swappiness"),
            (r"(?i)DISK\..+", "disk.timeout"),
            (r"sd[a-z]\b", "sdb"),
            (r"^/\w+/étage\d", "/srv/étage2"),
            ("", "anything"),
        ] {
            assert!(parse_pattern(pattern).unwrap().is_match(found.as_bytes()), "{pattern}");
        }
        assert!(!parse_pattern(r"^\d+$").unwrap().is_match(b"sda1"));
    }

    #[test]
    fn what_is_wrong_is_said_on_one_line() {
        for (pattern, says) in [
            ("[", "unclosed character class"),
            ("a\n(", "unclosed group"),
            (r"\w{1000}{1000}", "too large"),
            ("[é]", "Unicode not allowed"),
            ("(?:(?:a{1000}){1000}){1000}", "too large"),
            (&format!("{}{}", "(".repeat(60), ")".repeat(60)), "nest"),
        ] {
            let said = parse_pattern(pattern).unwrap_err();
            assert!(said.contains(says) && said.lines().count() == 1, "{pattern}: {said}");
        }
        // The longest list of names is not too large.
        assert!(parse_pattern(&"disk-name|".repeat(2000)).is_ok());
    }
}
