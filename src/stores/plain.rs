//! `/etc/kernel/cmdline`: what kernel-install gives a new kernel
//! (<https://www.freedesktop.org/software/systemd/man/latest/kernel-install.html>).

use std::ops::Range;

use super::{Refusal, blanks, lines, number, only, parse};

/// The one line of arguments, from its first character. Empty lines say nothing, and those that begin
/// with `#` are comments. Readers join several lines, so a second one is refused; so is a line that lacks
/// the root, as kernel-install takes nothing else for a kernel's arguments.
pub fn find(text: &[u8]) -> Result<Range<usize>, Refusal> {
    let said = lines(text).into_iter().filter_map(|(start, line)| {
        let skipped = blanks(line);
        let says = line.get(skipped).is_some_and(|byte| !b"#\r".contains(byte));
        says.then(|| start + skipped..start + line.len())
    });
    let todo = "write the whole command line of the kernel, with root=";
    let range = only(text, "line of arguments", todo, &said.collect::<Vec<_>>())?;
    let line = parse(text, &range)?;
    if ["root", "mount.usr"].iter().all(|key| line.winner(key).unwrap_or_default().is_empty()) {
        return Err(Refusal::Incomplete { line: number(text, range.start) });
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_line_is_found() {
        for (text, value) in [
            (&b"root=UUID=x ro quiet\n"[..], "root=UUID=x ro quiet"),
            (b"# ours\n\n \t\n  # more\n  ro root=/dev/x \n\n", "ro root=/dev/x "),
            (b"mount.usr=/dev/x # no comment", "mount.usr=/dev/x # no comment"),
        ] {
            let range = find(text).unwrap();
            assert_eq!(std::str::from_utf8(&text[range]).unwrap(), value);
        }
    }

    #[test]
    fn what_boots_nothing_or_is_two_lines_is_refused() {
        let said = |text: &[u8]| find(text).unwrap_err().to_string();
        for text in [&b""[..], b"# root=x\n\n"] {
            assert_eq!(
                said(text),
                "there is no line of arguments: write the whole command line of the kernel, with root="
            );
        }
        assert_eq!(
            said(b"root=x\n\nquiet\n"),
            "line 3 is a second line of arguments, after line 1: join the two"
        );
        for text in [&b"\nquiet ro\n"[..], b"\nquiet root\n", b"\nquiet root= xroot=a\n", b"\nro -- root=x\n"]
        {
            assert_eq!(
                said(text),
                "line 2: no root= and no mount.usr=, so no kernel boots with it: write the whole command line"
            );
        }
        assert_eq!(
            said(b"root=x\r\n"),
            "line 1: the command line has the control character '\\r': put a blank in its place"
        );
        assert_eq!(said(b"root=\xff\n"), "line 1: the command line is not UTF-8: write it in UTF-8");
    }
}
