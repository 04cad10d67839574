//! Simple commands: what each does to variables.

use super::{Form, Part, Statement, Word};

/// The statements as they are where their only doubt is a file that they source and that was tested for.
pub(super) fn guarded(tests: Option<Word>, body: Vec<Statement>, line: u32) -> Vec<Statement> {
    if let (Some(tested), [Statement::Source { line, path, .. }]) = (tests, body.as_slice())
        && tested.parts == path.parts
    {
        return vec![Statement::Source { line: *line, path: path.clone(), guarded: true }];
    }
    effects_of(body, line)
}

/// Statements that may be run; none where there is none.
pub(super) fn effects_of(body: Vec<Statement>, line: u32) -> Vec<Statement> {
    if body.is_empty() { body } else { vec![Statement::Maybe { line, body }] }
}

/// The file that `[ -f x ]` or `test -f x` asks for.
pub(super) fn tested(words: &[&Word]) -> Option<Word> {
    let asks = |flag: &Word| matches!(flag.bare(), Some("-e" | "-f" | "-r" | "-s"));
    match words {
        [command, flag, path] if command.bare() == Some("test") && asks(flag) => Some((*path).clone()),
        [command, flag, path, end]
            if command.bare() == Some("[") && end.bare() == Some("]") && asks(flag) =>
        {
            Some((*path).clone())
        }
        _ => None,
    }
}

/// Splits `NAME=word` and `NAME+=word`.
fn assignment(word: &Word) -> Option<(String, bool, Word)> {
    let Some(Part::Text { text, quoted: false }) = word.parts.first() else { return None };
    let (name, value) = text.split_once('=')?;
    let (name, appends) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let mut parts = vec![Part::Text { text: value.to_owned(), quoted: false }];
    parts.extend(word.parts.iter().skip(1).cloned());
    is_name.then(|| (name.to_owned(), appends, Word { line: word.line, parts }))
}

fn assign(word: &Word, readonly: bool) -> Option<Statement> {
    let (variable, appends, value) = assignment(word)?;
    Some(Statement::Assign { line: word.line, variable, appends, readonly, value })
}

/// The statements that a simple command stands for.
pub(super) fn simple(words: &[Word], line: u32) -> Vec<Statement> {
    let mut statements: Vec<Statement> = words.iter().flat_map(defaults).collect();
    let (before, rest) = match words.iter().position(|word| assignment(word).is_none()) {
        None => {
            statements.extend(words.iter().filter_map(|word| assign(word, false)));
            return statements;
        }
        Some(at) => words.split_at(at),
    };
    let mut rest = rest;
    while rest.first().is_some_and(|word| matches!(word.bare(), Some("command" | "builtin"))) {
        rest = rest.get(1..).unwrap_or_default();
    }
    let Some((command, arguments)) = rest.split_first() else { return statements };
    let Some(name) = command.literal() else {
        statements.push(Statement::Opaque {
            line,
            what: "a command that a variable names".to_owned(),
            variable: String::new(),
        });
        return statements;
    };
    // Before a special builtin an assignment lasts in dash, and not in bash.
    let special = [":", ".", "eval", "exec", "export", "readonly", "set", "shift", "trap", "unset"];
    if special.contains(&name.as_str()) {
        let lasting: Vec<Statement> = before.iter().filter_map(|word| assign(word, false)).collect();
        statements.extend(effects_of(lasting, line));
    }
    statements.extend(builtin(&name, arguments, line));
    statements
}

/// What a command by this name does to variables.
fn builtin(name: &str, arguments: &[Word], line: u32) -> Vec<Statement> {
    let named = || arguments.iter().filter_map(Word::literal).filter(|word| !word.starts_with('-'));
    let opaque = |variable: String| Statement::Opaque { line, what: name.to_owned(), variable };
    match name {
        "export" | "readonly" | "declare" | "typeset" => {
            arguments.iter().filter_map(|word| assign(word, name == "readonly")).collect()
        }
        "unset" => named().map(|variable| Statement::Unset { line, variable }).collect(),
        "." | "source" => {
            let path = arguments.first().cloned();
            path.map(|path| Statement::Source { line, path, guarded: false }).into_iter().collect()
        }
        "read" | "getopts" | "mapfile" | "readarray" | "let" => named().map(opaque).collect(),
        "printf" if arguments.first().and_then(Word::bare) == Some("-v") => {
            arguments.get(1).and_then(Word::literal).map(opaque).into_iter().collect()
        }
        "eval" => vec![opaque(String::new())],
        "return" => vec![Statement::End { line, whole: false }],
        "exit" => vec![Statement::End { line, whole: true }],
        "exec" if !arguments.is_empty() => vec![Statement::End { line, whole: true }],
        name => vec![Statement::Call { line, name: name.to_owned() }],
    }
}

/// The `${X:=word}` within a word.
fn defaults(word: &Word) -> Vec<Statement> {
    let line = word.line;
    let of_part = |part: &Part| match part {
        Part::Variable { name, form: Form::Set { colon, word } } => {
            let mut found = defaults(word);
            found.push(Statement::Default {
                line,
                variable: name.clone(),
                colon: *colon,
                value: word.clone(),
            });
            found
        }
        Part::Variable { form: Form::Or { word, .. } | Form::And { word, .. }, .. } => {
            effects_of(defaults(word), line)
        }
        _ => Vec::new(),
    };
    word.parts.iter().flat_map(of_part).collect()
}
