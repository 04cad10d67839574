//! Other people's shell, as far as it sets the kernel command line.

use super::{LINUX, LINUX_DEFAULT};
use crate::cmdline::Cmdline;

/// One shell assignment to `GRUB_CMDLINE_LINUX` or `GRUB_CMDLINE_LINUX_DEFAULT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Line number, from 1.
    pub line: u32,
    /// Which variable.
    pub variable: String,
    /// It keeps what the variable held and adds to it.
    pub appends: bool,
    /// It adds in front of what the variable held.
    pub in_front: bool,
    /// The arguments that it spells out.
    pub args: Vec<String>,
    /// It may hold more or less than its text says: a substitution, another variable, or a condition around it.
    pub opaque: bool,
}

/// Lenient: every assignment to the two variables. What cannot be understood is given
/// as [`Assignment::opaque`], without a guess at its arguments.
pub fn scan_assignments(text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut depth = 0_i32;
    let mut line = 1;
    let mut rest = text;
    while !rest.is_empty() {
        let statement = Statement::read(rest);
        let opens = statement.opens();
        // A one-line `if … fi` is a condition, too.
        let conditional = depth > 0 || opens.0 > 0;
        found.extend(statement.assignment(line, conditional));
        depth = (depth + opens.0 - opens.1).max(0);
        line += u32::try_from(statement.text.matches('\n').count()).unwrap_or(0);
        rest = rest.get(statement.text.len()..).unwrap_or_default();
    }
    found
}

/// A line of shell with what its quotes and backslashes join to it.
struct Statement<'a> {
    text: &'a str,
}

impl<'a> Statement<'a> {
    fn read(text: &'a str) -> Self {
        let mut quote = None;
        let mut chars = text.char_indices();
        let mut before = '\n';
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                ('\\', None | Some('"')) => drop(chars.next()),
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                ('#', None) if before.is_whitespace() => {
                    // Quotes mean nothing in a comment.
                    let end =
                        text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |n| at + n + 1);
                    return Self { text: text.get(..end).unwrap_or(text) };
                }
                ('\n', None) => return Self { text: text.get(..=at).unwrap_or(text) },
                _ => {}
            }
            before = c;
        }
        Self { text }
    }

    /// How many compound commands it opens and closes, by its words.
    fn opens(&self) -> (i32, i32) {
        let (mut opened, mut closed) = (0, 0);
        for word in self.text.split(|c: char| c.is_whitespace() || c == ';') {
            match word {
                "if" | "case" | "for" | "while" | "until" | "{" => opened += 1,
                "fi" | "esac" | "done" | "}" => closed += 1,
                w if w.starts_with('#') => break,
                _ => {}
            }
        }
        (opened, closed)
    }

    fn assignment(&self, line: u32, conditional: bool) -> Option<Assignment> {
        let text = self.text.trim();
        let text = text
            .strip_prefix("export")
            .map_or(text, |rest| if rest.starts_with([' ', '\t']) { rest.trim_start() } else { text });
        if let Some((variable, plus, word)) = target(text) {
            let word = Word::read(word, variable);
            return Some(Assignment {
                line,
                variable: variable.to_owned(),
                appends: plus || word.keeps,
                in_front: !plus && word.in_front,
                opaque: conditional || word.opaque,
                args: word.args,
            });
        }
        // Set somewhere within a longer command.
        let variable = [LINUX_DEFAULT, LINUX].into_iter().find(|&variable| sets(text, variable))?;
        Some(Assignment {
            line,
            variable: variable.to_owned(),
            appends: true,
            in_front: false,
            args: Vec::new(),
            opaque: true,
        })
    }
}

/// Splits `NAME=word` and `NAME+=word` of one of the two variables.
fn target(text: &str) -> Option<(&'static str, bool, &str)> {
    [LINUX, LINUX_DEFAULT].into_iter().find_map(|variable| {
        let rest = text.strip_prefix(variable)?;
        match rest.strip_prefix("+=") {
            Some(word) => Some((variable, true, word)),
            None => rest.strip_prefix('=').map(|word| (variable, false, word)),
        }
    })
}

/// Whether the text sets the variable anywhere outside of a comment.
fn sets(text: &str, variable: &str) -> bool {
    let code = if text.starts_with('#') { "" } else { text.split(" #").next().unwrap_or_default() };
    code.match_indices(variable).any(|(at, _)| {
        let after = code.get(at + variable.len()..).unwrap_or_default();
        ["=", "+=", ":="].iter().any(|op| after.starts_with(op))
    })
}

/// The value of an assignment.
#[derive(Default)]
struct Word {
    args: Vec<String>,
    keeps: bool,
    in_front: bool,
    opaque: bool,
}

impl Word {
    fn read(text: &str, variable: &str) -> Self {
        let mut word = Self::default();
        let mut value = String::new();
        let mut quote = None;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            match (c, quote) {
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, Some('\'')) => value.push(c),
                ('\\', _) => rest = escaped(rest, quote, &mut value),
                ('$', _) if rest.starts_with('(') => return Self { opaque: true, ..Self::default() },
                ('$', _) => rest = word.variable(rest, variable, &mut value),
                ('`', _) => return Self { opaque: true, ..Self::default() },
                (c, None) if c.is_whitespace() || c == ';' => break,
                ('(' | ')' | '<' | '>' | '&' | '|', None) => word.opaque = true,
                (c, _) => value.push(c),
            }
        }
        let behind = rest.trim_start_matches([' ', '\t', ';']);
        // `A=1 command` sets nothing that lasts; `A=1; command` may set it again.
        word.opaque |= quote.is_some() || !(behind.is_empty() || behind.starts_with(['#', '\n']));
        // What another variable, or GRUB's own script, would fill in is not known here.
        word.opaque |= value.contains('$');
        word.args = Cmdline::parse(&value).args;
        word.args.retain(|arg| !arg.contains('$'));
        word
    }

    /// A `$…`: the variable itself is left out, anything else makes the value opaque.
    fn variable<'a>(&mut self, rest: &'a str, variable: &str, value: &mut String) -> &'a str {
        let forms = [format!("{{{variable}}}"), format!("{{{variable}:+${variable} }}"), variable.to_owned()];
        for form in &forms {
            let Some(after) = rest.strip_prefix(form.as_str()) else { continue };
            if !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || form.ends_with('}') {
                self.in_front = !value.trim().is_empty();
                self.keeps = true;
                return after;
            }
        }
        self.opaque = true;
        value.push('$');
        rest
    }
}

/// What a backslash does outside of single quotes.
fn escaped<'a>(rest: &'a str, quote: Option<char>, value: &mut String) -> &'a str {
    let Some(c) = rest.chars().next() else { return rest };
    match c {
        '\n' => {}
        '$' | '`' | '"' | '\\' => value.push(c),
        c if quote.is_none() => value.push(c),
        c => value.extend(['\\', c]),
    }
    rest.get(c.len_utf8()..).unwrap_or_default()
}

/// The arguments that the files configure, those of every entry first, then those of
/// ordinary entries; and whether there may be others. Files in the order of sourcing,
/// each as path and text.
pub fn configured(files: &[(&str, &str)]) -> (Vec<String>, bool) {
    let mut lists = [(LINUX, Vec::new(), false), (LINUX_DEFAULT, Vec::new(), false)];
    for assignment in files.iter().flat_map(|(_, text)| scan_assignments(text)) {
        for (variable, args, opaque) in &mut lists {
            if *variable != assignment.variable {
                continue;
            }
            if !assignment.appends && !assignment.opaque {
                args.clear();
                *opaque = false;
            }
            let at = if assignment.in_front { 0 } else { args.len() };
            args.splice(at..at, assignment.args.iter().cloned());
            *opaque |= assignment.opaque;
        }
    }
    let opaque = lists.iter().any(|(_, _, opaque)| *opaque);
    (lists.into_iter().flat_map(|(_, args, _)| args).collect(), opaque)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line variable op args…`, op `=`, `+=` or `=+`, a `?` where opaque.
    fn flat(text: &str) -> Vec<String> {
        scan_assignments(text)
            .into_iter()
            .map(|a| {
                let variable = if a.variable == LINUX { "L" } else { "D" };
                let op = match (a.appends, a.in_front) {
                    (false, _) => "=",
                    (true, false) => "+=",
                    (true, true) => "=+",
                };
                let opaque = if a.opaque { "?" } else { "" };
                format!("{} {variable}{op}{opaque} {}", a.line, a.args.join(" | "))
            })
            .collect()
    }

    #[test]
    fn files_of_distributions_are_read() {
        for (text, expected) in [
            // Debian's default and a cloud image's fragment.
            (
                "GRUB_DEFAULT=0\nGRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n\
                 GRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash\"\nGRUB_CMDLINE_LINUX=\"\"\n",
                &["3 D= quiet | splash", "4 L= "][..],
            ),
            (
                "# don't\nGRUB_CMDLINE_LINUX_DEFAULT=\"console=tty1  console=ttyS0 rootdelay=300\" # it's Azure\n",
                &["2 D= console=tty1 | console=ttyS0 | rootdelay=300"],
            ),
            // kdump-tools, EL, tuned.
            (
                "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=512M-:192M\"\n",
                &["1 D+= crashkernel=512M-:192M"],
            ),
            (
                "GRUB_CMDLINE_LINUX='elevator=noop dyndbg=\"file x +p\"'\nexport GRUB_CMDLINE_LINUX+=\" a\"\n",
                &["1 L= elevator=noop | dyndbg=\"file x +p\"", "2 L+= a"],
            ),
            (
                "GRUB_CMDLINE_LINUX_DEFAULT=\"${GRUB_CMDLINE_LINUX_DEFAULT:+$GRUB_CMDLINE_LINUX_DEFAULT }\\$tuned_params\"\n",
                &["1 D+=? "],
            ),
            ("GRUB_CMDLINE_LINUX=ro\\ a=\\\"b\\ c\\\"\n", &["1 L= ro | a=\"b c\""]),
            ("GRUB_CMDLINE_LINUX=\"a \\\n  b\nc\"\nGRUB_CMDLINE_LINUX=d", &["1 L= a | b | c", "4 L= d"]),
            ("GRUB_CMDLINE_LINUX=\"pre ${GRUB_CMDLINE_LINUX}\"", &["1 L=+ pre"]),
        ] {
            assert_eq!(flat(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_flagged() {
        for (text, expected) in [
            ("GRUB_CMDLINE_LINUX=\"a $(cat /x)\"\n", &["1 L=? "][..]),
            ("GRUB_CMDLINE_LINUX=\"a `cat /x`\"\n", &["1 L=? "]),
            ("GRUB_CMDLINE_LINUX=\"a $OTHER\"\n", &["1 L=? a"]),
            ("GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX_DEFAULT a\"\n", &["1 L=? a"]),
            ("GRUB_CMDLINE_LINUX=a update-x\n", &["1 L=? a"]),
            ("[ -d /x ] && GRUB_CMDLINE_LINUX=\"a\"\n", &["1 L+=? "]),
            (
                "if [ -d /x ]; then GRUB_CMDLINE_LINUX=\"a\"; fi\nGRUB_CMDLINE_LINUX=b\n",
                &["1 L+=? ", "2 L= b"],
            ),
            (
                "if [ -d /x ]\nthen\n  GRUB_CMDLINE_LINUX=\"a\"\nfi\nGRUB_CMDLINE_LINUX=b\n",
                &["3 L=? a", "5 L= b"],
            ),
            (": ${GRUB_CMDLINE_LINUX:=a}\n", &["1 L+=? "]),
            ("#GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX_RECOVERY=single\nX=$GRUB_CMDLINE_LINUX\n", &[]),
            ("for f in /etc/default/grub.d/*.cfg; do . $f; done\n", &[]),
            ("GRUB_CMDLINE_LINUX=\"open", &["1 L=? open"]),
        ] {
            assert_eq!(flat(text), expected, "{text}");
        }
    }

    #[test]
    fn files_are_taken_in_order() {
        let base = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"elevator=noop\"\n";
        let cloud = "GRUB_CMDLINE_LINUX_DEFAULT=\"console=ttyS0\"\n";
        let kdump = "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=1M\"\n";
        let files = [("etc/default/grub", base), ("50-cloud.cfg", cloud), ("kdump.cfg", kdump)];
        let args = ["elevator=noop", "console=ttyS0", "crashkernel=1M"].map(str::to_owned).to_vec();
        assert_eq!(configured(&files), (args, false));
        let odd = "GRUB_CMDLINE_LINUX=\"$(x)\"\n";
        assert!(configured(&[("a", odd)]).1);
        assert!(!configured(&[("a", odd), ("b", base)]).1);
    }
}
