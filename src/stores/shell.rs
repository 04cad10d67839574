//! A file of shell assignments, as `/etc/default/grub`: one variable in double quotes.

use std::ops::Range;

use super::{Refusal, blanks, lines, only};
use crate::formats::shell::{Statement, parse};

/// What is between the quotes of the variable's one assignment. Later ones may only add to it, as tuned's
/// `NAME="${NAME:+$NAME }\$tuned_params"` does. All else that may give it a value is refused: another
/// assignment, `+=`, a condition, `eval`; so is a value that the shell would change: variables, commands,
/// backslashes.
pub fn find(text: &[u8], name: &str) -> Result<Range<usize>, Refusal> {
    let script = parse(&String::from_utf8_lossy(text));
    let unplain = |line: u32, why: &str| Refusal::Unplain {
        line: usize::try_from(line).unwrap_or(usize::MAX),
        why: why.to_owned(),
        form: form(name),
    };
    if let Some((line, why)) = &script.broken {
        return Err(unplain(*line, &format!("a shell stops here: {why}")));
    }
    let mut set = Vec::new();
    for statement in &script.statements {
        match statement {
            Statement::Assign { line, variable, .. } if variable == name => set.push(*line),
            other => {
                if let Some(line) = touches(other, name) {
                    return Err(unplain(line, &format!("{name} may get another value here")));
                }
            }
        }
    }
    let (lines, mut found) = (lines(text), Vec::new());
    for number in set {
        let line = usize::try_from(number.saturating_sub(1)).ok().and_then(|at| lines.get(at));
        match line.and_then(|(start, line)| Some((start, value(line, name)?))) {
            Some((start, value)) => found.push(start + value.start..start + value.end),
            None if !found.is_empty() && line.is_some_and(|(_, line)| adds(line, name)) => {}
            None => return Err(unplain(number, &format!("{name} is not one text in double quotes"))),
        }
    }
    only(text, &form(name), "add that line", &found)
}

fn form(name: &str) -> String {
    format!("{name}=\"…\"")
}

/// The line in which a statement may change the variable.
fn touches(statement: &Statement, name: &str) -> Option<u32> {
    let inside = |body: &[Statement]| body.iter().find_map(|statement| touches(statement, name));
    match statement {
        Statement::Assign { line, variable, .. }
        | Statement::Default { line, variable, .. }
        | Statement::Unset { line, variable } => (variable == name).then_some(*line),
        Statement::Opaque { line, variable, .. } => {
            (variable == name || variable.is_empty()).then_some(*line)
        }
        Statement::For { line, variable, body, .. } => {
            if variable == name {
                Some(*line)
            } else {
                inside(body)
            }
        }
        Statement::Maybe { body, .. } | Statement::Function { body, .. } => inside(body),
        Statement::Source { .. } | Statement::Call { .. } | Statement::End { .. } => None,
    }
}

/// The value in a line that is nothing but `NAME="value"`, with blanks around and a comment behind.
fn value(line: &[u8], name: &str) -> Option<Range<usize>> {
    let rest = line.get(blanks(line)..)?.strip_prefix(name.as_bytes())?.strip_prefix(b"=\"")?;
    let start = line.len() - rest.len();
    let length = rest.iter().position(|byte| b"\"$`\\".contains(byte))?;
    let behind = rest.get(length..)?.strip_prefix(b"\"")?;
    let skipped = blanks(behind);
    let is_end = skipped == behind.len() || (skipped > 0 && behind.get(skipped) == Some(&b'#'));
    is_end.then_some(start..start + length)
}

/// Whether a line's value is what the variable had, and more behind it.
fn adds(line: &[u8], name: &str) -> bool {
    let Some(line) = line.get(blanks(line)..) else { return false };
    [
        format!("{name}=\"${name} "),
        format!("{name}=\"${{{name}}} "),
        format!("{name}=\"${{{name}:+${name} }}"),
    ]
    .iter()
    .any(|start| line.starts_with(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "GRUB_CMDLINE_LINUX";

    #[test]
    fn the_one_assignment_is_found() {
        for (text, found) in [
            (&b"GRUB_CMDLINE_LINUX=\"rhgb quiet\"\n"[..], "rhgb quiet"),
            (b"# GRUB_CMDLINE_LINUX=\"no\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"$x\"\n\tGRUB_CMDLINE_LINUX=\"\" # mine\n", ""),
            (b"X=\"a\nGRUB_CMDLINE_LINUX=\\\"b\\\"\n\"\nGRUB_CMDLINE_LINUX=\"c # d\"", "c # d"),
            (b"GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX:+$GRUB_CMDLINE_LINUX }\\$tuned_params\"\n", "a"),
            (b"GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX b\"\n GRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} c\"\n", "a"),
            (b"Y=\xff\nif [ x ]; then X=1; fi\nGRUB_CMDLINE_LINUX=\"a\"\nX=\"$GRUB_CMDLINE_LINUX\"\n", "a"),
        ] {
            let range = find(text, NAME).unwrap();
            assert_eq!(std::str::from_utf8(&text[range]).unwrap(), found);
        }
    }

    #[test]
    fn what_is_not_plain_is_refused() {
        for (text, line) in [
            ("GRUB_CMDLINE_LINUX=quiet\n", 1),
            ("GRUB_CMDLINE_LINUX=\n", 1),
            ("GRUB_CMDLINE_LINUX='quiet'\n", 1),
            ("GRUB_CMDLINE_LINUX+=\"quiet\"\n", 1),
            ("export GRUB_CMDLINE_LINUX=\"quiet\"\n", 1),
            ("GRUB_CMDLINE_LINUX=\"quiet $x\"\n", 1),
            ("GRUB_CMDLINE_LINUX=\"quiet `x`\"\n", 1),
            ("GRUB_CMDLINE_LINUX=\"a=\\\"b c\\\"\"\n", 1),
            ("GRUB_CMDLINE_LINUX=\"a\\\nb\"\n", 1),
            ("\nGRUB_CMDLINE_LINUX=\"a\nb\"\n", 2),
            ("GRUB_CMDLINE_LINUX=\"a\"b\n", 1),
            ("GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX b\"\nGRUB_CMDLINE_LINUX=\"a\"\n", 1),
            ("GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"b $GRUB_CMDLINE_LINUX\"\n", 2),
            ("GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX_DEFAULT b\"\n", 2),
            ("GRUB_CMDLINE_LINUX=\"a\"#b\n", 1),
            ("GRUB_CMDLINE_LINUX=\"a\"; X=1\n", 1),
            ("GRUB_CMDLINE_LINUX=\"a\"\r\n", 1),
            ("X=1\nif [ -f /x ]; then\nGRUB_CMDLINE_LINUX=\"a\"\nfi\n", 3),
            ("GRUB_CMDLINE_LINUX=\"a\"\n[ -f /x ] && GRUB_CMDLINE_LINUX=\"b\"\n", 2),
            ("GRUB_CMDLINE_LINUX=\"a\"\nunset GRUB_CMDLINE_LINUX\n", 2),
            ("GRUB_CMDLINE_LINUX=\"a\"\neval \"$x\"\n", 2),
            ("GRUB_CMDLINE_LINUX=\"a\"\nX=\"open\n", 2),
        ] {
            let refusal = find(text.as_bytes(), NAME).unwrap_err();
            let Refusal::Unplain { line: found, form, .. } = &refusal else { panic!("{text}: {refusal}") };
            assert_eq!((*found, form.as_str()), (line, "GRUB_CMDLINE_LINUX=\"…\""), "{text}: {refusal}");
        }
        let said = |text: &str| find(text.as_bytes(), NAME).unwrap_err().to_string();
        assert_eq!(said("X=1\n"), "there is no GRUB_CMDLINE_LINUX=\"…\": add that line");
        assert_eq!(
            said("GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"b\"\n"),
            "line 2 is a second GRUB_CMDLINE_LINUX=\"…\", after line 1: join the two"
        );
        assert_eq!(
            said("GRUB_CMDLINE_LINUX='a'\n"),
            "line 1: GRUB_CMDLINE_LINUX is not one text in double quotes; write one line GRUB_CMDLINE_LINUX=\"…\""
        );
    }
}
