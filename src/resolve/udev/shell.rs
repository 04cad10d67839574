//! A shell's script, as far as it says what is written where.

use super::paths::UNKNOWN;

/// A simple command of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Command {
    /// Its words, quotes undone.
    pub(super) words: Vec<String>,
    /// Files that its output goes to.
    pub(super) outputs: Vec<String>,
    /// What the command before it in a pipe gives it, as words.
    pub(super) input: Vec<String>,
    /// It runs only under a condition of the script's own, or shells differ on what it does.
    pub(super) conditional: bool,
}

/// What a script's text is made of.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    /// `;`, a line end, `&`, a brace
    End,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `>` and `>>`
    Out,
    /// Any other redirection.
    Other,
}

/// The commands of a script. `variable` is asked for `$NAME`; what is not known is [`UNKNOWN`].
pub(super) fn commands(script: &str, variable: &dyn Fn(&str) -> Option<String>) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut now = Command::default();
    let (mut depth, mut joined, mut cwd) = (0_u32, false, String::new());
    let mut set: Vec<(String, String)> = Vec::new();
    let lookup = |name: &str, set: &[(String, String)]| {
        let own = set.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        own.or_else(|| variable(name))
    };
    let mut left = script;
    let (mut pending, mut open) = (None, false);
    loop {
        let part = part(&mut left, &|name| lookup(name, &set));
        let ended = match part {
            Some(Part::Word(word)) => {
                // Bash takes the number for a file's, dash for a word.
                open |=
                    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_digit()) && left.starts_with('>');
                match pending.take() {
                    Some(Part::Out) => now.outputs.push(rooted(&cwd, &word)),
                    Some(_) => {}
                    None => now.words.push(word),
                }
                continue;
            }
            Some(redirect @ (Part::Out | Part::Other)) => {
                pending = Some(redirect);
                continue;
            }
            ended => ended,
        };
        // A loop over one word, most of all a pattern of paths.
        if let [first, name, second, word] = now.words.as_slice()
            && (first.as_str(), second.as_str()) == ("for", "in")
        {
            set.push((name.clone(), word.clone()));
        }
        let keyword = strip_keywords(&mut now, &mut depth);
        now.conditional = depth > 0 || joined || keyword || std::mem::take(&mut open);
        let piped = std::mem::take(&mut now);
        joined = match ended {
            Some(Part::Or) => true,
            // A command that says something, or goes somewhere, does not fail.
            Some(Part::And) => piped.conditional || !is_sure(&piped),
            _ => false,
        };
        if ended == Some(Part::Pipe) {
            now.input = said(&piped).unwrap_or_else(|| vec![UNKNOWN.to_string()]);
        }
        match piped.words.first().map(String::as_str) {
            Some("cd") => cwd = rooted(&cwd, piped.words.get(1).map_or("/", String::as_str)),
            Some(word) if piped.words.len() == 1 && is_assignment(word) => {
                let (name, value) = word.split_once('=').unwrap_or_default();
                set.push((name.to_owned(), value.to_owned()));
            }
            _ if piped.words.is_empty() && piped.outputs.is_empty() => {}
            _ => commands.push(piped),
        }
        if ended.is_none() {
            return commands;
        }
    }
}

/// What `echo` and `printf` put out, as words; `None` for what is not known.
pub(super) fn said(command: &Command) -> Option<Vec<String>> {
    let (program, words) = command.words.split_first()?;
    match program.rsplit('/').next()? {
        "echo" => {
            let options =
                words.iter().take_while(|word| matches!(word.as_str(), "-n" | "-e" | "-ne" | "-en"));
            Some(words.iter().skip(options.count()).cloned().collect())
        }
        "printf" => match words {
            [format, value] if ["%s", "%s\\n", "%d", "%d\\n"].contains(&format.as_str()) => {
                Some(vec![value.clone()])
            }
            [text] if !text.contains('%') => Some(vec![text.trim_end_matches("\\n").to_owned()]),
            _ => None,
        },
        "cat" | "tee" if !command.input.is_empty() => Some(command.input.clone()),
        _ => None,
    }
}

fn is_sure(command: &Command) -> bool {
    let name = command.words.first().map(String::as_str).unwrap_or_default();
    is_assignment(name)
        || matches!(name.rsplit('/').next(), Some("echo" | "printf" | "cd" | "true" | ":" | "sleep"))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Takes the shell's own words off; whether one of them makes what follows a condition of its own.
fn strip_keywords(command: &mut Command, depth: &mut u32) -> bool {
    let mut condition = false;
    while let Some(word) = command.words.first() {
        match word.as_str() {
            "if" | "while" | "until" | "elif" => {
                condition = true;
                *depth += u32::from(word != "elif");
            }
            "for" | "case" => {
                // The words that it goes through are no command.
                *depth += 1;
                command.words.clear();
                return true;
            }
            "fi" | "done" | "esac" => *depth = depth.saturating_sub(1),
            "then" | "else" | "do" | "!" | "exec" | "sudo" => {}
            _ => break,
        }
        command.words.remove(0);
    }
    condition
}

fn rooted(cwd: &str, path: &str) -> String {
    if path.starts_with('/') || path.starts_with(UNKNOWN) || cwd.is_empty() {
        path.to_owned()
    } else {
        format!("{cwd}/{path}")
    }
}

/// The next part of a script.
fn part(left: &mut &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<Part> {
    *left = left.trim_start_matches([' ', '\t']);
    let first = left.chars().next()?;
    let two = |second: char| left.chars().nth(1) == Some(second);
    let (part, length) = match first {
        '#' => (Part::End, left.find('\n').unwrap_or(left.len())),
        '{' | '}' if left.get(1..2).is_none_or(|next| " \t\n;".contains(next)) => (Part::End, 1),
        '&' if two('&') => (Part::And, 2),
        '&' if two('>') => (Part::Out, 2),
        ';' | '\n' | '(' | ')' | '&' => (Part::End, 1),
        '|' if two('|') => (Part::Or, 2),
        '|' => (Part::Pipe, 1),
        '>' if two('>') || two('|') => (Part::Out, 2),
        '>' if two('&') => (Part::Other, 2),
        '>' => (Part::Out, 1),
        '<' => (Part::Other, 1),
        '0'..='9' if two('>') => {
            (if first == '1' && !left.starts_with("1>&") { Part::Out } else { Part::Other }, {
                let rest = left.get(2..).unwrap_or_default();
                2 + usize::from(rest.starts_with(['>', '&']))
            })
        }
        _ => return Some(Part::Word(word(left, variable))),
    };
    *left = left.get(length..).unwrap_or_default();
    Some(part)
}

/// A word with its quotes undone and its variables put in.
fn word(left: &mut &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut word = String::new();
    let mut quote: Option<char> = None;
    loop {
        let Some(c) = left.chars().next() else { return word };
        if quote.is_none() && (c.is_ascii_whitespace() || ";&|<>()".contains(c)) {
            return word;
        }
        *left = left.get(c.len_utf8()..).unwrap_or_default();
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, Some('\'')) => word.push(c),
            ('\\', _) => {
                let next = left.chars().next();
                *left = left.get(next.map_or(0, char::len_utf8)..).unwrap_or_default();
                word.extend(next.filter(|next| *next != '\n'));
            }
            ('`', _) => {
                *left = left.split_once('`').map_or("", |(_, rest)| rest);
                word.push(UNKNOWN);
            }
            ('$', _) => dollar(left, &mut word, variable),
            (c, _) => word.push(c),
        }
    }
}

fn dollar(left: &mut &str, word: &mut String, variable: &dyn Fn(&str) -> Option<String>) {
    if let Some(inside) = left.strip_prefix('(') {
        let mut depth = 1_u32;
        let end = inside.find(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        *left = end.and_then(|end| inside.get(end + 1..)).unwrap_or_default();
        word.push(UNKNOWN);
        return;
    }
    let (name, rest) = if let Some(inside) = left.strip_prefix('{') {
        inside.split_once('}').unwrap_or((inside, ""))
    } else {
        let end = left.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(left.len());
        // `$1`, `$?` and the like are one character long.
        let end = if left.starts_with(|c: char| c.is_ascii_digit()) { 1 } else { end };
        left.split_at_checked(end).unwrap_or((left, ""))
    };
    *left = rest;
    match name {
        "" => word.push('$'),
        name => match variable(name) {
            Some(value) => word.push_str(&value),
            None => word.push(UNKNOWN),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flat(script: &str) -> Vec<String> {
        let variable = |name: &str| (name == "DEVPATH").then(|| "/devices/x".to_owned());
        let one = |command: Command| {
            let sure = if command.conditional { "? " } else { "" };
            let said = said(&command).map(|words| format!(" = {}", words.join(" "))).unwrap_or_default();
            format!("{sure}{} > {}{said}", command.words.join(" "), command.outputs.join(" "))
        };
        commands(script, &variable).into_iter().map(one).collect()
    }

    #[test]
    fn what_a_script_says_goes_where_it_sends_it() {
        for (script, expected) in [
            ("echo 180 >/sys$DEVPATH/timeout", &["echo 180 > /sys/devices/x/timeout = 180"][..]),
            ("echo -n '1 2' > \"/a b\"; echo 3>>/c", &["echo -n 1 2 > /a b = 1 2", "echo >  = "]),
            (
                "printf '%s\\n' 5 | tee /a /b >/dev/null",
                &["printf %s\\n 5 >  = 5", "tee /a /b > /dev/null = 5"],
            ),
            (
                "echo 1 > /a && echo 2 > /b || echo 3 > /c",
                &["echo 1 > /a = 1", "echo 2 > /b = 2", "? echo 3 > /c = 3"],
            ),
            ("[ -e /a ] && echo 1 > /a", &["[ -e /a ] > ", "? echo 1 > /a = 1"]),
            (
                "if test -e x; then echo 1 > /a; fi; echo 2 > /b",
                &["? test -e x > ", "? echo 1 > /a = 1", "echo 2 > /b = 2"],
            ),
            ("cd /sys && cd block; echo none > x", &["echo none > /sys/block/x = none"]),
            ("V=5; echo ${V}0 > /a; echo $W > /b", &["echo 50 > /a = 50", "echo \u{f8fe} > /b = \u{f8fe}"]),
            ("for i in a b; do echo $i > /a; done", &["? echo \u{f8fe} > /a = \u{f8fe}"]),
            ("for f in /a/*/b; do echo 1 > $f; done", &["? echo 1 > /a/*/b = 1"]),
            ("echo $(date) `x` 2>/dev/null", &["echo \u{f8fe} \u{f8fe} >  = \u{f8fe} \u{f8fe}"]),
            ("{ echo 1; } > /a # x", &["echo 1 >  = 1", " > /a"]),
        ] {
            assert_eq!(flat(script), expected, "{script}");
        }
    }

    proptest! {
        /// Whatever a script holds, it comes to an end, and no command is empty.
        #[test]
        fn any_script_is_read(script in "([a-z0-9/]{1,3}|[ ;&|<>(){}$`'\"\\\\#\n=]|if|fi|\\$\\(|\u{e9}){0,40}") {
            let found = commands(&script, &|_| None);
            prop_assert!(found.iter().all(|command| !command.words.is_empty() || !command.outputs.is_empty()));
        }
    }
}
