//! Patterns that somebody else wrote, within bounds: `--only`, and those in files.

use regex::{Error, Regex, RegexBuilder};

/// Memory for a compiled pattern, and for matching with it; one `\w` takes 45 KB of it.
const BYTES: usize = 4 << 20;
/// Groups within groups.
const DEPTH: u32 = 50;

/// A pattern in the regex crate's syntax (<https://docs.rs/regex/1/regex/#syntax>); the error says on
/// one line what is wrong with it.
pub fn parse_pattern(text: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(text).size_limit(BYTES).dfa_size_limit(BYTES).nest_limit(DEPTH).build();
    compiled.map_err(|error| match error {
        Error::CompiledTooBig(_) => "the pattern is too large; repeat less, or name fewer".to_owned(),
        // The tables for all the world's letters are not built in (Cargo.toml).
        other if other.to_string().contains("unicode-case") => {
            "for letters in either case write (?i-u:letters)".to_owned()
        }
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
            (r"(?i-u:DISK)\..+", "disk.timeout"),
            (r"sd[a-z]\b", "sdb"),
            (r"^/\w+/étage\d", "/srv/étage2"),
            ("", "anything"),
        ] {
            assert!(parse_pattern(pattern).unwrap().is_match(found), "{pattern}");
        }
        assert!(!parse_pattern(r"^\d+$").unwrap().is_match("sda1"));
    }

    #[test]
    fn what_is_wrong_is_said_on_one_line() {
        for (pattern, says) in [
            ("[", "unclosed character class"),
            ("a\n(", "unclosed group"),
            (r"\w{1000}{1000}", "too large"),
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
