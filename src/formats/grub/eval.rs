//! What the files that grub-mkconfig sources make of the two variables, told without running them.

mod args;
mod state;

use std::collections::BTreeSet;

use crate::attribute::Attribute;
use crate::formats::boot_line::Configured;
use crate::formats::shell::{Form, Part, Script, Statement, Word, parse};
use crate::order::Named;

use super::words::{Cell, UNKNOWN, cells};
use super::{LINUX, LINUX_DEFAULT};
use args::finish;
use state::State;

pub use args::GrubVariable;
pub(super) use args::{Expanding, argument};
pub(super) use state::Source;

/// The shell that runs grub-mkconfig: what `/bin/sh` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shell {
    /// dash: `+=` and `source` are no part of it.
    Dash,
    /// bash, where they are.
    Bash,
    /// Another, or nobody could tell.
    #[default]
    Other,
}

/// The files, and what else decides.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// What is run first, in order: `etc/default/grub`, and the fragments where grub-mkconfig sources them itself.
    pub first: Vec<String>,
    /// Texts by path; one that is missing here has not been looked for.
    pub texts: Named<Attribute<String>>,
    /// The files that `/etc/default/grub.d/*.cfg` stands for, sorted; ours among them though it may not be there.
    pub fragments: Vec<String>,
    /// The path of our own fragment, whose text is not looked at.
    pub ours: String,
    /// The shell.
    pub shell: Shell,
    /// Variables of GRUB's own script, by name.
    pub variables: Named<GrubVariable>,
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The arguments.
    pub configured: Configured,
    /// Files that are sourced and were not given: with them the answer may be another.
    pub wanted: BTreeSet<String>,
}

/// Statements run at most; configuration has some dozens.
const STATEMENTS: usize = 20_000;
/// Files and functions within each other.
const DEPTH: usize = 8;
/// The directory that is known.
const FRAGMENTS: &str = "/etc/default/grub.d/*.cfg";

/// Runs the files in thought.
pub fn evaluate(files: &Files) -> Outcome {
    let mut run = Run {
        files,
        state: State::default(),
        functions: Named::new(),
        wanted: BTreeSet::new(),
        left: STATEMENTS,
        ended: false,
    };
    for path in &files.first {
        run.file(path, &Place { path: path.clone(), maybe: None, depth: 0 });
    }
    Outcome { configured: finish(run.state, &files.variables), wanted: run.wanted }
}

struct Run<'a> {
    files: &'a Files,
    state: State,
    functions: Named<(Vec<Statement>, String)>,
    wanted: BTreeSet<String>,
    left: usize,
    /// An `exit` was met.
    ended: bool,
}

/// Where a statement stands.
#[derive(Clone)]
struct Place {
    path: String,
    /// Why it may not be run.
    maybe: Option<String>,
    depth: usize,
}

impl Place {
    fn at(&self, line: u32) -> String {
        format!("{}:{line}", self.path)
    }

    fn within(&self, line: u32) -> Self {
        let why = self.maybe.clone();
        let maybe =
            why.or_else(|| Some(format!("{} may be skipped: a condition stands around it", self.at(line))));
        Self { maybe, ..self.clone() }
    }
}

impl Run<'_> {
    /// Sources a file.
    fn file(&mut self, path: &str, place: &Place) {
        if path == self.files.ours {
            self.state.ours(place.maybe.as_deref());
        }
        let text = match self.files.texts.get(path) {
            Some(Attribute::Is(text)) => text,
            Some(Attribute::Absent) => return,
            Some(Attribute::Unknown) => return self.state.doubt(format!("{path} could not be read")),
            None if path == self.files.ours => return,
            None => {
                self.wanted.insert(path.to_owned());
                return;
            }
        };
        let Script { statements, broken } = parse(text);
        let inside = Place { path: path.to_owned(), depth: place.depth + 1, ..place.clone() };
        self.all(&statements, &inside);
        if let Some((line, why)) = broken {
            self.state.doubt(format!("{path}:{line} has {why}: grub-mkconfig fails there and makes no menu"));
        }
    }

    /// Runs statements; gives the reason where they end, or may end, what they stand in.
    fn all(&mut self, statements: &[Statement], place: &Place) -> Option<String> {
        let mut place = place.clone();
        let mut ends = None;
        for statement in statements {
            if self.left == 0 || self.ended {
                break;
            }
            self.left -= 1;
            if self.left == 0 {
                self.state.doubt(format!("{} goes on without end", place.path));
            }
            if let Statement::End { line, whole } = statement {
                self.end(*line, *whole, &place);
                return Some(format!("{} may end the file before it", place.at(*line)));
            }
            if let Some(why) = self.one(statement, &place) {
                place.maybe.get_or_insert(why.clone());
                ends.get_or_insert(why);
            }
        }
        ends
    }

    fn end(&mut self, line: u32, whole: bool, place: &Place) {
        if whole {
            self.state.doubt(format!("{} ends grub-mkconfig, which then makes no menu", place.at(line)));
            self.ended |= place.maybe.is_none();
        }
    }

    /// Runs a statement; gives the reason where it may end the file.
    fn one(&mut self, statement: &Statement, place: &Place) -> Option<String> {
        match statement {
            Statement::Maybe { line, body } => return self.all(body, &place.within(*line)),
            Statement::For { line, variable, words, body } => {
                return self.each(*line, variable, words, body, place);
            }
            Statement::End { .. } => {}
            Statement::Assign { line, variable, appends, readonly, value } => {
                if *appends && self.files.shell != Shell::Bash {
                    self.append_without_bash(*line, variable, value, place);
                } else {
                    self.assign(*line, variable, *appends, value, place);
                }
                if *readonly {
                    self.state.readonly.insert(variable.clone());
                }
            }
            Statement::Default { line, variable, colon, value } => match self.is_set(variable, *colon) {
                Some(true) => {}
                Some(false) => self.assign(*line, variable, false, value, place),
                None => self.assign(*line, variable, false, value, &place.within(*line)),
            },
            Statement::Unset { line, variable } => {
                self.assign(*line, variable, false, &Word::default(), place);
                if place.maybe.is_none() {
                    self.state.variables.remove(variable);
                }
            }
            Statement::Source { line, path, guarded } => self.source(*line, path, *guarded, place),
            Statement::Function { name, body } => {
                self.functions.insert(name.clone(), (body.clone(), place.path.clone()));
            }
            Statement::Call { line, name } => self.call(*line, name, place),
            Statement::Opaque { line, what, variable } => self.opaque(*line, what, variable, place),
        }
        None
    }

    fn append_without_bash(&mut self, line: u32, variable: &str, value: &Word, place: &Place) {
        if self.files.shell == Shell::Dash {
            if super::is_cmdline(variable) {
                let why = "says +=, which /bin/sh (dash) does not know: grub-mkconfig fails there and makes no menu";
                self.state.doubt(format!("{} {why}", place.at(line)));
            }
            return;
        }
        let why = format!("{} says +=, which not every shell knows", place.at(line));
        self.assign(line, variable, true, value, &Place { maybe: Some(why), ..place.clone() });
    }

    fn assign(&mut self, line: u32, variable: &str, appends: bool, value: &Word, place: &Place) {
        if self.state.readonly.contains(variable) {
            return self.state.doubt(format!(
                "{} assigns {variable}, which is read-only: grub-mkconfig fails there and makes no menu",
                place.at(line)
            ));
        }
        let from = self.state.source(&place.path, line, place.maybe.clone());
        let cells = self.expand(value, from);
        self.state.set(variable, cells, appends, place.maybe.as_deref(), &place.at(line));
    }

    /// Whether a variable has a value; `None` where it may have one.
    fn is_set(&self, variable: &str, colon: bool) -> Option<bool> {
        let Some(cells) = self.state.variables.get(variable) else {
            return super::is_cmdline(variable).then_some(false);
        };
        let mut said = cells.iter().filter(|cell| cell.c != super::words::OURS && cell.c != ' ');
        if !colon {
            return if cells.is_empty() { Some(true) } else { self.state.surely(cells).then_some(true) };
        }
        match said.next() {
            // Ours is there or not, by the plan.
            None if cells.iter().any(|cell| cell.c == super::words::OURS) => None,
            None => Some(!cells.is_empty()),
            Some(_) if cells.iter().any(|cell| cell.c != UNKNOWN && self.state.surely(&[*cell])) => {
                Some(true)
            }
            Some(_) => None,
        }
    }

    /// A word's characters, each with its source.
    fn expand(&self, word: &Word, from: usize) -> Vec<Cell> {
        let unknown = || vec![Cell { c: UNKNOWN, from }];
        let mut found = Vec::new();
        for part in &word.parts {
            match part {
                Part::Text { text, .. } => found.extend(cells(text, from)),
                Part::Unknown => found.extend(unknown()),
                Part::Variable { name, form } => {
                    let value = || match self.state.variables.get(name) {
                        Some(cells) => cells.clone(),
                        None if super::is_cmdline(name) => Vec::new(),
                        None => unknown(),
                    };
                    let (colon, other, set) = match form {
                        Form::Plain => {
                            found.extend(value());
                            continue;
                        }
                        Form::Or { colon, word } | Form::Set { colon, word } => (*colon, word, false),
                        Form::And { colon, word } => (*colon, word, true),
                    };
                    match (self.is_set(name, colon), set) {
                        (Some(true), false) => found.extend(value()),
                        (Some(false), true) => {}
                        // `${X:+$X }`: whatever it holds, it is what X holds.
                        (Some(_), _) | (None, true) => found.extend(self.expand(other, from)),
                        (None, false) => {
                            found.extend(value());
                            found.extend(self.expand(other, from).into_iter().chain(unknown()));
                        }
                    }
                }
            }
        }
        found
    }

    /// The path that a word gives, below the root; `None` where it cannot be told.
    fn path(&mut self, word: &Word) -> Option<String> {
        let from = self.state.source("", word.line, None);
        let cells = self.expand(word, from);
        let text: String = cells.iter().map(|cell| cell.c).collect();
        let known = !text.contains(UNKNOWN) && self.state.surely(&cells);
        known.then(|| text.strip_prefix('/').map(str::to_owned)).flatten()
    }

    fn source(&mut self, line: u32, word: &Word, guarded: bool, place: &Place) {
        let at = place.at(line);
        let Some(path) = self.path(word) else {
            return self.state.doubt(format!("{at} sources a file that only a shell can name"));
        };
        if place.depth > DEPTH {
            return self.state.doubt(format!("{at} sources files without end"));
        }
        let absent = self.files.texts.get(&path) == Some(&Attribute::Absent);
        if absent && !guarded && place.maybe.is_none() {
            return self
                .state
                .doubt(format!("{at} sources {path}, which is not there: grub-mkconfig fails there"));
        }
        self.file(&path, place);
    }

    fn each(
        &mut self,
        line: u32,
        variable: &str,
        words: &[Word],
        body: &[Statement],
        place: &Place,
    ) -> Option<String> {
        let mut values = Vec::new();
        for word in words {
            match word.literal() {
                Some(text) if text == FRAGMENTS => {
                    values.extend(self.files.fragments.iter().map(|path| format!("/{path}")));
                }
                Some(text) if !text.contains(['*', '?', '[']) => values.push(text),
                // What it goes through cannot be told, nor whether it goes round at all.
                _ => return self.all(body, &place.within(line)),
            }
        }
        let mut ends = None;
        for value in values {
            let from = self.state.source(&place.path, line, place.maybe.clone());
            self.state.variables.insert(variable.to_owned(), cells(&value, from).collect());
            ends = ends.or(self.all(body, place));
        }
        self.state.variables.remove(variable);
        ends
    }

    fn call(&mut self, line: u32, name: &str, place: &Place) {
        if name == "\r" {
            return self.state.doubt(format!("{} holds only a carriage return, which a shell takes for a command: grub-mkconfig fails there", place.at(line)));
        }
        let Some((body, path)) = self.functions.get(name).cloned() else { return };
        if place.depth > DEPTH {
            return self.state.doubt(format!("{} calls functions without end", place.at(line)));
        }
        self.all(&body, &Place { path, depth: place.depth + 1, ..place.clone() });
    }

    fn opaque(&mut self, line: u32, what: &str, variable: &str, place: &Place) {
        if variable.is_empty() {
            return self.state.doubt(format!("{} runs {what}, which may set anything", place.at(line)));
        }
        let word = Word { line, parts: vec![Part::Unknown] };
        self.assign(line, variable, false, &word, place);
    }
}

/// Both variables, in the order of the command line.
const VARIABLES: [&str; 2] = [LINUX, LINUX_DEFAULT];

#[cfg(test)]
mod tests;
