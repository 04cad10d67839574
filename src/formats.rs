//! The text formats that we write and read: udev rules, sysctl.d, modprobe.d, GRUB defaults,
//! multipath.conf, systemd's units, open-iscsi's records, the Azure agent's file, fstab, lists of kernel arguments.
//!
//! Each has two readers. `parse` is strict: it takes only what our own files may
//! hold, and is what rendered bytes are checked against. The other one, `read`,
//! `scan` or `lines`, takes other people's files as the program does whose files
//! they are, and passes over what that does. Both are pure.

pub mod arguments;
pub mod bls;
pub mod boot_line;
pub mod bytes;
pub mod edit;
pub mod file_contexts;
pub mod fstab;
pub mod glob;
pub mod grub;
pub mod initramfs;
pub mod iscsi;
pub mod kmod;
pub mod modprobe;
pub mod multipath;
pub mod number;
pub mod pe;
pub mod premount;
pub mod programs;
pub mod saptune;
pub mod shell;
pub mod sysctl;
pub mod tuned;
pub mod udev;
pub mod unit;
pub mod waagent;

/// The longest line that our own files may hold; udev's own bound is 16 KiB, and a
/// rule that long is no rule of ours.
pub const LINE_LIMIT: usize = 1024;

/// Why a strict parser refused a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Refusal {
    /// Line number, from 1.
    pub line: u32,
    /// What is wrong there.
    pub why: String,
}

impl Refusal {
    fn new(line: u32, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

/// The lines of a text of ours that say something, comments and empty lines left out,
/// after the checks that hold in every format.
///
/// What is refused here is what changes meaning between readers: a backslash at the
/// end joins lines (in modprobe.d even those of a comment), CR and NUL set a second
/// key in systemd-sysctl, a byte order mark costs udev the first rule, and a last
/// line without its end may be a truncated one.
fn lines(text: &str) -> Result<Vec<(u32, &str)>, Refusal> {
    let mut said = Vec::new();
    let mut number = 0;
    for line in text.split_inclusive('\n') {
        number += 1;
        let refuse = |why: String| Err(Refusal::new(number, why));
        let Some(line) = line.strip_suffix('\n') else {
            return refuse("the last line has no line end, so the file may be cut short".to_owned());
        };
        if let Some(c) = line.chars().find(|c| !matches!(c, ' '..='~')) {
            return refuse(format!("{c:?} cannot stand in a file of ours; printable ASCII can"));
        }
        if line.len() > LINE_LIMIT {
            return refuse(format!("{} bytes, more than the {LINE_LIMIT} of a line of ours", line.len()));
        }
        if line.ends_with('\\') {
            return refuse("a backslash at the end would join it with the next line".to_owned());
        }
        if !line.is_empty() && !line.starts_with('#') {
            said.push((number, line));
        }
    }
    Ok(said)
}

/// A text in the pieces in which C's `fgets` gives it into a buffer of so many bytes, each with the
/// number of its line in the file: a line with its end, or as much of a longer one as fits.
fn fgets(text: &str, buffer: usize) -> Vec<(u32, &str)> {
    let mut pieces = Vec::new();
    for (number, mut line) in (1..).zip(text.split_inclusive('\n')) {
        while line.len() >= buffer {
            let mut bytes = 0;
            let fits = |(_, c): &(usize, char)| {
                bytes += if bytes::is_odd(*c) { 1 } else { c.len_utf8() };
                bytes < buffer
            };
            let end = line.char_indices().take_while(fits).last().map_or(0, |(at, c)| at + c.len_utf8());
            if end == 0 || end == line.len() {
                break;
            }
            let (piece, rest) = line.split_at(end);
            pieces.push((number, piece));
            line = rest;
        }
        pieces.push((number, line));
    }
    pieces
}

/// Whether a text is not empty and holds only letters, digits and these.
fn only(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_say_something_are_given() {
        assert_eq!(lines("# a\n\nx\n#y\nz\n").unwrap(), [(3, "x"), (5, "z")]);
        assert_eq!(lines("").unwrap(), []);
    }

    #[test]
    fn bytes_that_readers_take_differently_are_refused() {
        let long = format!("{}\n", "x".repeat(LINE_LIMIT + 1));
        for (text, line) in [
            ("a\r\n", 1),
            ("a\nb\0\n", 2),
            ("\u{feff}a\n", 1),
            ("# caf\u{e9}\n", 1),
            ("a\tb\n", 1),
            ("a\nb", 2),
            ("# a \\\nb\n", 1),
            ("a \\\nb\n", 1),
            ("a\u{7f}\n", 1),
            (&long, 1),
        ] {
            assert_eq!(lines(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
