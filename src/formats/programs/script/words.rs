//! A script's commands, word by word.

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Command {
    /// The line on which it begins.
    pub(super) line: u32,
    /// Its words without quotes; `tee`'s and the redirections left out.
    pub(super) words: Vec<String>,
    /// Files that its output goes to: `>`, `>>`, `tee`; `/dev/null` and descriptors left out.
    pub(super) targets: Vec<String>,
    /// Whether it runs only as another one ends: after `&&` or `||`.
    pub(super) after_other: bool,
    /// Something in it only a shell can tell: a variable, a substitution, a wildcard among the words.
    pub(super) open: bool,
    /// The whole line, for people.
    pub(super) shown: String,
}

impl Command {
    /// Its words and files in one piece.
    pub(super) fn text(&self) -> String {
        let all: Vec<&str> = self.words.iter().chain(&self.targets).map(String::as_str).collect();
        all.join(" ")
    }
}

/// The commands of a script in order. Words that open a block (`then`, `do`, `else`) begin a command.
pub(super) fn commands(text: &str) -> Vec<Command> {
    let mut found = Vec::new();
    for (line, text) in joined(text) {
        let mut parts = split(&text).into_iter().peekable();
        while let Some((mut words, mut open, mut end, after_other)) = parts.next() {
            let mut command =
                Command { line, after_other, shown: text.trim().to_owned(), ..Command::default() };
            // A pipe into tee is an output file.
            let mut piped = Vec::new();
            while end == '|' {
                let Some((next, next_open, next_end, _)) = parts.next() else { break };
                (open, end) = (open || next_open, next_end);
                piped.push(next);
            }
            command.targets = redirected(&mut words, &mut open);
            for mut next in piped {
                redirected(&mut next, &mut open);
                match tee(&next) {
                    Some(files) => command.targets.extend(files),
                    None => open = true,
                }
            }
            command.open = open;
            command.words = words;
            found.push(command);
        }
    }
    found
}

/// The lines with those joined that a backslash joins, numbered by the first.
fn joined(text: &str) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let (content, joins) = line.strip_suffix('\\').map_or((line, false), |content| (content, true));
        match lines.last_mut() {
            Some((_, last)) if open => last.push_str(content),
            _ => lines.push((number, content.to_owned())),
        }
        open = joins;
    }
    lines
}

/// Words, whether one is open, what ends the command, whether one before it decides.
type Part = (Vec<String>, bool, char, bool);

fn split(line: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut words, mut open, mut word, mut after) = (Vec::new(), false, None::<String>, false);
    let mut chars = line.chars().peekable();
    let mut close = |words: &mut Vec<String>, open: &mut bool, end: char, after: bool| {
        if words.first().is_some_and(|word| matches!(word.as_str(), "then" | "do" | "else" | "sudo")) {
            words.remove(0);
        }
        if !words.is_empty() {
            parts.push((std::mem::take(words), std::mem::take(open), end, after));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '#' if word.is_none() => break,
            ';' | '&' | '|' => {
                let twice = chars.next_if_eq(&c).is_some();
                if c == '&' && !twice && word.as_deref().is_some_and(|word| word.ends_with('>')) {
                    word.get_or_insert_default().push('&');
                    continue;
                }
                words.extend(word.take());
                close(&mut words, &mut open, if twice { '&' } else { c }, after);
                after = (after && c == '|' && !twice) || twice && c != ';';
            }
            '>' | '<' => {
                let descriptor = word.take_if(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
                words.extend(word.take());
                let twice = if chars.next_if_eq(&'>').is_some() { ">" } else { "" };
                words.push(format!("{}{c}{twice}", descriptor.unwrap_or_default()));
                if chars.next_if_eq(&'&').is_some() {
                    word.get_or_insert_default().push('&');
                }
            }
            '\'' | '"' => {
                let inner: String = chars.by_ref().take_while(|next| *next != c).collect();
                open |= c == '"' && inner.contains(['$', '`', '\\']);
                word.get_or_insert_default().push_str(&inner);
            }
            '\\' => {
                if let Some(next) = chars.next() {
                    word.get_or_insert_default().push(next);
                }
            }
            c => {
                open |= matches!(c, '$' | '`' | '*' | '?' | '[');
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word.take());
    close(&mut words, &mut open, ';', after);
    parts
}

/// Takes the redirections out of the words, and gives the files that output goes to.
fn redirected(words: &mut Vec<String>, open: &mut bool) -> Vec<String> {
    let (mut kept, mut targets) = (Vec::new(), Vec::new());
    let mut given = std::mem::take(words).into_iter();
    while let Some(word) = given.next() {
        match word.as_str() {
            ">" | ">>" | "1>" | "1>>" => {
                let file = given.next().unwrap_or_default();
                if !file.starts_with('&') && !file.starts_with("/dev/") {
                    targets.push(file);
                }
            }
            "2>" | "2>>" => drop(given.next()),
            _ if word.ends_with(['>', '<']) => {
                given.next();
                *open = true;
            }
            _ => kept.push(word),
        }
    }
    *words = kept;
    targets
}

/// The files of a `tee`; `None` where the command is another.
fn tee(words: &[String]) -> Option<Vec<String>> {
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| *word == "sudo").collect();
    let (first, files) = words.split_first()?;
    let is_tee = matches!(*first, "tee" | "/usr/bin/tee" | "/bin/tee");
    is_tee
        .then(|| files.iter().filter(|file| !file.starts_with('-')).map(|file| (*file).to_owned()).collect())
}
