//! A script of GRUB's, as Flatcar's `/oem/grub.cfg`: one `set NAME="value"` line
//! (<https://www.gnu.org/software/grub/manual/grub/grub.html#Shell_002dlike-scripting>).

use std::ops::Range;

use super::{Refusal, blanks, is_blank, lines, only};

/// What is between the quotes of the variable's one `set` line. Variables may stand in it, as
/// `$linux_append` often does. Another command that sets it is refused, and a `set` that is not run each
/// time.
pub fn find(text: &[u8], name: &str) -> Result<Range<usize>, Refusal> {
    let mut found = Vec::new();
    let mut depth: i32 = 0;
    for (number, (start, line)) in (1..).zip(lines(text)) {
        let unplain = |why: &str| {
            Err(Refusal::Unplain { line: number, why: why.to_owned(), form: format!("set {name}=\"…\"") })
        };
        let Some(words) = words(line) else { return unplain("a quote or a line is not closed") };
        depth += words.iter().map(|word| step(word)).sum::<i32>();
        if !sets(&words, name) {
            continue;
        }
        let Some(value) = value(line, &words, name) else {
            return unplain(&format!("{name} is not set to one text in double quotes"));
        };
        if depth != 0 {
            return unplain(&format!("{name} is set under a condition"));
        }
        found.push(start + value.start..start + value.end);
    }
    only(text, &format!("set {name}=\"…\""), "add that line", &found)
}

/// The words of a line as they stand, `;` among them; `None` where the line goes on in the next one.
fn words(line: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    let (mut start, mut quote, mut escaped) = (None, None, false);
    for (at, &byte) in line.iter().enumerate() {
        let is_apart = quote.is_none() && !escaped && (is_blank(byte) || byte == b';');
        if start.is_none() && byte == b'#' {
            return Some(found);
        }
        if is_apart {
            found.extend(start.take().and_then(|start| line.get(start..at)));
            if byte == b';' {
                found.extend(line.get(at..=at));
            }
            continue;
        }
        start = start.or(Some(at));
        if escaped {
            escaped = false;
        } else if byte == b'\\' && quote != Some(b'\'') {
            escaped = true;
        } else if quote == Some(byte) {
            quote = None;
        } else if quote.is_none() && b"'\"".contains(&byte) {
            quote = Some(byte);
        }
    }
    found.extend(start.and_then(|start| line.get(start..)));
    (quote.is_none() && !escaped).then_some(found)
}

/// How far a word leads into blocks, or out of them.
fn step(word: &[u8]) -> i32 {
    match word {
        b"if" | b"while" | b"until" | b"for" | b"{" => 1,
        b"fi" | b"done" | b"}" => -1,
        _ => 0,
    }
}

/// Whether a line may set the variable: it is named, other than by `export`.
fn sets(words: &[&[u8]], name: &str) -> bool {
    let names = |word: &&[u8]| {
        let word = word.trim_ascii();
        word.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
    };
    words.first() != Some(&&b"export"[..]) && words.iter().any(names)
}

/// The value in a line that is nothing but `set NAME="value"`, with blanks around and a comment behind.
fn value(line: &[u8], words: &[&[u8]], name: &str) -> Option<Range<usize>> {
    let [command, assignment] = words else { return None };
    let value = assignment.strip_prefix(name.as_bytes())?.strip_prefix(b"=\"")?.strip_suffix(b"\"")?;
    if *command != b"set" || value.iter().any(|byte| b"\"\\".contains(byte)) {
        return None;
    }
    let before = blanks(line) + command.len();
    let start = before + blanks(line.get(before..)?) + name.len() + 2;
    Some(start..start + value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "linux_append";

    #[test]
    fn the_one_set_line_is_found() {
        for (text, found) in [
            (&b"set oem_id=azure\nset linux_append=\"flatcar.autologin\"\n"[..], "flatcar.autologin"),
            (b" set \tlinux_append=\"$linux_append a=1;b\" # set linux_append=\n", "$linux_append a=1;b"),
            (b"# linux_append=x\nset linux_append=\"\"\nexport linux_append\nset x=\"$linux_append\"", ""),
            (
                b"if [ a = b ]; then\n set linux_console=\"x\"\nfi\nset linux_append=\"a'b\"\necho \xff\n",
                "a'b",
            ),
        ] {
            let range = find(text, NAME).unwrap();
            assert_eq!(std::str::from_utf8(&text[range]).unwrap(), found);
        }
    }

    #[test]
    fn what_is_not_plain_is_refused() {
        for (text, line) in [
            ("set linux_append=a\n", 1),
            ("set linux_append='a'\n", 1),
            ("set linux_append=\"a\"b\n", 1),
            ("set linux_append=\"a\"\"b\"\n", 1),
            ("set linux_append=\"a \\\"b\\\"\"\n", 1),
            ("set linux_append=\"a\nb\"\n", 1),
            ("set linux_append=\"a\"; set x=y\n", 1),
            ("set linux_append=\"a\"\r\n", 1),
            ("linux_append=\"a\"\n", 1),
            ("set linux_append=\"a\"\nunset linux_append\n", 2),
            ("set linux_append=\"a\"\nload_env -f /x linux_append\n", 2),
            ("if [ a = b ]; then\nset linux_append=\"a\"\nfi\n", 2),
            ("function f {\n  set linux_append=\"a\"\n}\n", 2),
            ("echo \\\nset linux_append=\"a\"\n", 1),
        ] {
            let refusal = find(text.as_bytes(), NAME).unwrap_err();
            let Refusal::Unplain { line: found, .. } = &refusal else { panic!("{text}: {refusal}") };
            assert_eq!(*found, line, "{text}: {refusal}");
        }
        let said = |text: &str| find(text.as_bytes(), NAME).unwrap_err().to_string();
        assert_eq!(said("set x=y\n"), "there is no set linux_append=\"…\": add that line");
        assert_eq!(
            said("set linux_append=\"a\"\nset linux_append=\"$linux_append b\"\n"),
            "line 2 is a second set linux_append=\"…\", after line 1: join the two"
        );
        assert_eq!(
            said("if true; then\nset linux_append=\"a\"\nfi\n"),
            "line 2: linux_append is set under a condition; write one line set linux_append=\"…\""
        );
    }
}
