//! A script of GRUB's, as Flatcar's `/oem/grub.cfg`: one `set NAME="$NAME …"` line of our own
//! (<https://www.gnu.org/software/grub/manual/grub/grub.html#Shell_002dlike-scripting>).
//!
//! The script may set the variable anywhere, and others may add lines to it. Ours carries on what the
//! variable holds by then, and is told from theirs by the comment behind it.

use std::borrow::Cow;
use std::ops::Range;

use super::{Refusal, blanks, is_blank, lines, only};

/// The comment behind the line of ours.
pub const MARK: &str = "# hvtune";

/// Commands behind which the rest of a script is not run.
const ENDS: [&[u8]; 5] = [b"return", b"exit", b"configfile", b"normal", b"boot"];

/// What is between the quotes of our line. Refused where the line would not be run each time.
pub fn find(text: &[u8], name: &str) -> Result<Range<usize>, Refusal> {
    let mut found = Vec::new();
    let (mut depth, mut last): (i32, usize) = (0, 1);
    for (number, (start, line)) in (1..).zip(lines(text)) {
        let unplain = |why: &str| Err(unplain(number, why, name));
        let Some(words) = words(line) else { return unplain("a quote or a line is not closed") };
        depth += words.iter().map(|word| step(word)).sum::<i32>();
        last = number;
        if is_ours(line, &words, name) {
            if depth != 0 {
                return unplain("the line of hvtune's is under a condition");
            }
            if let Some(value) = value(line, &words, name) {
                found.push(start + value.start..start + value.end);
            }
        } else if found.is_empty() && words.iter().any(|word| ENDS.contains(word)) {
            return unplain("the script may end here, before a line of hvtune's");
        }
    }
    if depth != 0 {
        return Err(unplain(last, "a block is not closed", name));
    }
    only(text, &format!("set {name}=\"…\" {MARK}"), "hvtune apply adds that line", &found)
}

fn unplain(line: usize, why: &str, name: &str) -> Refusal {
    Refusal::Unplain { line, why: why.to_owned(), form: format!("set {name}=\"${name} …\" at the end") }
}

/// The text with a line of ours, and whether it had none: it then stands at the end, and adds nothing yet.
pub(super) fn with_line<'t>(text: &'t [u8], name: &str) -> Result<(Cow<'t, [u8]>, bool), Refusal> {
    match find(text, name) {
        Ok(_) => Ok((Cow::Borrowed(text), false)),
        Err(Refusal::Missing { .. }) => {
            let line = format!("set {name}=\"${name}\" {MARK}");
            let ended = text.is_empty() || text.ends_with(b"\n");
            let line = if ended { format!("{line}\n") } else { format!("\n{line}") };
            Ok((Cow::Owned([text, line.as_bytes()].concat()), true))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Takes our line out, where it adds nothing any more.
pub(super) fn drop_empty(text: &mut Vec<u8>, name: &str) {
    let Ok(value) = find(text, name) else { return };
    if text.get(value.clone()) != Some(format!("${name}").as_bytes()) {
        return;
    }
    let is_end = |byte: &u8| *byte == b'\n';
    let start = text.get(..value.start).and_then(|before| before.iter().rposition(is_end));
    let end = text.get(value.end..).and_then(|after| after.iter().position(is_end)).map(|at| value.end + at);
    match (start, end) {
        (start, Some(end)) => drop(text.drain(start.map_or(0, |start| start + 1)..=end)),
        (start, None) => text.truncate(start.unwrap_or(0)),
    }
}

/// One value that a script gives a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Line number, from 1.
    pub line: u32,
    /// What is between the double quotes; `None` where it is not one text in double quotes.
    pub value: Option<String>,
    /// It stands in a block, which may not be run.
    pub conditional: bool,
}

/// All that a script gives a variable, in its order; `None` where a quote or a line is not closed.
pub fn settings(text: &str, name: &str) -> Option<Vec<Setting>> {
    let mut found = Vec::new();
    let mut depth: i32 = 0;
    for (number, (_, line)) in (1..).zip(lines(text.as_bytes())) {
        let words = words(line)?;
        depth += words.iter().map(|word| step(word)).sum::<i32>();
        if sets(&words, name) {
            let value = value(line, &words, name).and_then(|value| line.get(value));
            let value = value.map(|value| String::from_utf8_lossy(value).into_owned());
            found.push(Setting { line: number, value, conditional: depth != 0 });
        }
    }
    Some(found)
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

/// Whether a line is the one of ours: it sets the variable, and has our comment.
fn is_ours(line: &[u8], words: &[&[u8]], name: &str) -> bool {
    line.trim_ascii_end().ends_with(MARK.as_bytes()) && value(line, words, name).is_some()
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
    use super::super::Store;
    use super::*;
    use crate::value::Value;

    const NAME: &str = "linux_append";
    const AZURE: &str = "# Flatcar GRUB settings\n\nset oem_id=\"azure\"\nset linux_append=\"flatcar.autologin\"\n\
                         if [ \"$grub_cpu\" = arm64 ]; then\n  set linux_console=\"console=tty1\"\nfi\n";

    #[test]
    fn a_line_of_ours_comes_at_the_end_and_goes_again() {
        let store = Store::GrubSet(NAME);
        let ours = [Value::word("panic=10")];
        for (text, added) in [
            (AZURE, "set linux_append=\"$linux_append panic=10\" # hvtune\n"),
            ("", "set linux_append=\"$linux_append panic=10\" # hvtune\n"),
            ("set oem_id=\"hyperv\"", "\nset linux_append=\"$linux_append panic=10\" # hvtune"),
        ] {
            let with = store.append(text.as_bytes(), &ours).unwrap();
            assert_eq!(String::from_utf8(with.text.clone()).unwrap(), format!("{text}{added}"));
            assert_eq!(store.append(&with.text, &ours).unwrap().text, with.text);
            assert_eq!(store.remove(&with.text, &ours).unwrap().text, text.as_bytes());
            // What another adds behind it stays, on a line of its own.
            let more = [with.text.as_slice(), b"\nset linux_append=\"$linux_append b\"\n"].concat();
            let alone = [text.as_bytes(), b"\nset linux_append=\"$linux_append b\"\n"].concat();
            assert_eq!(store.remove(&more, &ours).unwrap().text, alone);
        }
        // What somebody put into the line is his.
        let his = "set linux_append=\"$linux_append b=2 panic=10\" # hvtune\n";
        let left = store.remove(his.as_bytes(), &ours).unwrap().text;
        assert_eq!(String::from_utf8(left).unwrap(), "set linux_append=\"$linux_append b=2\" # hvtune\n");
        assert_eq!(store.remove(AZURE.as_bytes(), &ours).unwrap().text, AZURE.as_bytes());
    }

    #[test]
    fn what_would_not_be_run_each_time_is_refused() {
        for (text, line) in [
            ("set linux_append=\"a\nb\"\n", 1),
            ("echo \\\nset linux_append=\"a\"\n", 1),
            ("if true; then\nset linux_append=\"$linux_append a\" # hvtune\nfi\n", 2),
            ("function f {\n", 2),
            ("set x=y\nif true; then return; fi\n", 2),
            ("exit\n", 1),
        ] {
            let refusal = find(text.as_bytes(), NAME).unwrap_err();
            let Refusal::Unplain { line: found, .. } = &refusal else { panic!("{text}: {refusal}") };
            assert_eq!(*found, line, "{text}: {refusal}");
        }
        let twice = "set linux_append=\"$linux_append a\" # hvtune\n".repeat(2);
        assert_eq!(
            find(twice.as_bytes(), NAME).unwrap_err().to_string(),
            "line 2 is a second set linux_append=\"…\" # hvtune, after line 1: join the two"
        );
    }

    #[test]
    fn all_that_sets_the_variable_is_told() {
        let told = |text: &str| {
            let told = settings(text, NAME).unwrap().into_iter();
            told.map(|one| (one.line, one.value, one.conditional)).collect::<Vec<_>>()
        };
        assert_eq!(told(AZURE), [(4, Some("flatcar.autologin".to_owned()), false)]);
        let text = "set linux_append=a\nif true; then\nset linux_append=\"b\" # x\nfi\nexport linux_append\n";
        assert_eq!(told(text), [(1, None, false), (3, Some("b".to_owned()), true)]);
        assert_eq!(settings("set x=\"\n", NAME), None);
    }
}
