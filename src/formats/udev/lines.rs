//! The logical lines of a rules file, as udev reads and joins them.

use crate::formats::bytes;

/// `UDEV_LINE_SIZE`: a line of so many bytes is one too many
/// (<https://github.com/systemd/systemd/blob/v257/src/udev/udev-rules.h>).
const LIMIT: usize = 16 << 10;

/// What systemd calls white space, and all that it skips before a line.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// A file's logical lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Each with the number of its first physical line, from 1; comments and empty ones left out.
    pub(super) kept: Vec<(u32, String)>,
    /// Lines that udev drops before it reads a token, and why.
    pub(super) dropped: Vec<(u32, &'static str)>,
    /// The physical line at which udev gives the file up, as its buffer cannot hold it.
    pub(super) cut: Option<u32>,
}

/// Splits and joins (`udev_rules_parse_file`). A comment is passed over even between a line
/// and its continuation; a backslash at the end of the file costs the line.
pub(super) fn logical(text: &str) -> Lines {
    let mut found = Lines::default();
    let mut open: Option<(u32, String)> = None;
    let mut too_long = false;
    for (number, line) in (1..).zip(physical(text)) {
        if size(line) >= LIMIT {
            found.cut = Some(number);
            return found;
        }
        let line = line.trim_start_matches(BLANKS);
        if line.starts_with('#') {
            continue;
        }
        let joined = match open.take() {
            Some((first, text)) if too_long => (first, text),
            Some((first, text)) => {
                too_long = size(&text) + size(line) >= LIMIT;
                (first, text + line)
            }
            None => (number, line.to_owned()),
        };
        let (first, mut text) = joined;
        if (if too_long { line } else { &text }).ends_with('\\') {
            if !too_long {
                text.pop();
            }
            open = Some((first, text));
            continue;
        }
        if too_long {
            found.dropped.push((first, "the line and its continuations are longer than 16 KiB"));
            too_long = false;
        } else if !text.is_empty() {
            found.kept.push((first, text));
        }
    }
    if let Some((first, _)) = open {
        found.dropped.push((first, "the file ends where the line should go on"));
    }
    found
}

/// Bytes in the file.
fn size(text: &str) -> usize {
    // What stands for a byte takes three here.
    if text.len() < LIMIT / 2 { text.len() } else { bytes::encode(text).len() }
}

/// Lines as `read_line` ends them: at LF, CR or NUL, or at a run of these in which none comes twice
/// and none follows a NUL (<https://github.com/systemd/systemd/blob/v257/src/basic/fileio.c>).
fn physical(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut start, mut end, mut seen) = (0, None, 0_u8);
    for (at, c) in text.char_indices() {
        let kind = match c {
            '\n' => 1,
            '\r' => 2,
            '\0' => 4,
            _ => 0,
        };
        if seen & 4 != 0 || seen & kind != 0 || (kind == 0 && seen != 0) {
            lines.extend(text.get(start..end.unwrap_or(at)));
            (start, end, seen) = (at, None, 0);
        }
        if kind != 0 {
            end = end.or(Some(at));
            seen |= kind;
        }
    }
    if start < text.len() {
        lines.extend(text.get(start..end.unwrap_or(text.len())));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_udev_ends_them() {
        for (text, expected) in [
            ("a\nb\n", &["a", "b"][..]),
            ("a\r\nb\r\n", &["a", "b"]),
            ("a\rb\0c", &["a", "b", "c"]),
            ("a\n\nb", &["a", "", "b"]),
            ("a\n\r\0b", &["a", "b"]),
            ("a\0\nb", &["a", "", "b"]),
            ("\n", &[""]),
            ("", &[]),
        ] {
            assert_eq!(physical(text), expected, "{text:?}");
        }
    }

    #[test]
    fn continuations_join_and_comments_do_not() {
        let flat = |text: &str| {
            let found = logical(text);
            let lines: Vec<String> = found.kept.iter().map(|(n, line)| format!("{n} {line}")).collect();
            (lines, found.dropped.iter().map(|(n, _)| *n).collect::<Vec<_>>(), found.cut)
        };
        let some = |lines: &[&str], dropped: &[u32], cut: Option<u32>| {
            (lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>(), dropped.to_vec(), cut)
        };
        assert_eq!(flat("a, \\\n # c \\\n  b\n\nd\r\n"), some(&["1 a, b", "5 d"], &[], None));
        assert_eq!(flat("a \\\n\nb\n"), some(&["1 a ", "3 b"], &[], None));
        assert_eq!(flat("a\nb \\"), some(&["1 a"], &[2], None));
        let long = "x".repeat(LIMIT - 1);
        assert_eq!(flat(&format!("{long}\na\n")), some(&[&format!("1 {long}"), "2 a"], &[], None));
        assert_eq!(flat(&format!("a\n{long}x\nb\n")), some(&["1 a"], &[], Some(2)));
        assert_eq!(flat(&format!("{long}\\\n")), some(&[], &[], Some(1)));
        let half = "x".repeat(LIMIT / 2);
        assert_eq!(flat(&format!("{half}\\\n{half}\\\nz\\\ny\nb\n")), some(&["5 b"], &[1], None));
    }
}
