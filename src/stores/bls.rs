//! A boot entry of `loader/entries`: the `options` line
//! (<https://uapi-group.org/specifications/specs/boot_loader_specification/>).

use std::ops::Range;

use super::{Refusal, blanks, is_blank, lines, number, only};

const KEY: &[u8] = b"options";

/// The value of the `options` line. GRUB takes the first of several, systemd-boot joins them, so two are
/// refused. A key ends at the first blank; `#` begins a comment at the start of a line.
pub fn find(text: &[u8]) -> Result<Range<usize>, Refusal> {
    let all = lines(text).into_iter().filter_map(|(start, line)| {
        let key = start + blanks(line);
        let end = start + line.len();
        let rest = text.get(key..end)?.strip_prefix(KEY)?;
        let is_key = rest.first().is_none_or(|byte| is_blank(*byte) || *byte == b'\r');
        is_key.then(|| key + KEY.len() + blanks(rest)..end)
    });
    let range = only(
        text,
        "options line",
        "give the entry the whole command line of its kernel",
        &all.collect::<Vec<_>>(),
    )?;
    if range.is_empty() {
        // GRUB takes an empty one for the end of the entry.
        let line = number(text, range.start);
        return Err(Refusal::Unplain {
            line,
            why: "the options line is empty".to_owned(),
            form: "options root=… with all arguments".to_owned(),
        });
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_options_line_is_found() {
        for (text, value) in [
            (
                &b"title x\noptions root=/dev/x ro $tuned_params\ninitrd /i\n"[..],
                "root=/dev/x ro $tuned_params",
            ),
            (b"# options a\noptionsx b\nx-options-source c\n \toptions\t  d e \n", "d e "),
            (b"title \xff\noptions a=b", "a=b"),
        ] {
            let range = find(text).unwrap();
            assert_eq!(std::str::from_utf8(&text[range]).unwrap(), value);
        }
    }

    #[test]
    fn none_two_and_an_empty_one_are_refused() {
        let said = |text: &[u8]| find(text).unwrap_err().to_string();
        assert_eq!(
            said(b"title x\n"),
            "there is no options line: give the entry the whole command line of its kernel"
        );
        assert_eq!(
            said(b"title x\noptions a\n options b\n"),
            "line 3 is a second options line, after line 2: join the two"
        );
        for text in [&b"title x\noptions\n"[..], b"title x\noptions  \n"] {
            assert_eq!(
                said(text),
                "line 2: the options line is empty; write one line options root=… with all arguments"
            );
        }
    }
}
