//! POSIX shell, as far as a file of assignments uses it: what is said, not what it does.
//!
//! `/etc/default/grub` and what it sources are shell that grub-mkconfig runs. [`parse`] gives the
//! statements that may change a variable, in order and with what stands around them; commands that
//! change none are left out. Grammar: POSIX.1-2017 XCU chapter 2
//! (<https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html>).

mod command;
mod lex;
mod parse;

pub use parse::parse;

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text, quotes and backslashes taken away.
    Text {
        /// The text.
        text: String,
        /// It was quoted, so it is no reserved word, no name and no pattern.
        quoted: bool,
    },
    /// A variable's value.
    Variable {
        /// Its name.
        name: String,
        /// What stands in for it or is set.
        form: Form,
    },
    /// What only a shell that runs can tell: a command's output, a trimmed or positional parameter.
    Unknown,
}

/// How a variable is expanded. `colon`: an empty value counts as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `$X`, `${X}`
    Plain,
    /// `${X-word}`: the word where it is not set.
    Or {
        /// With a colon.
        colon: bool,
        /// What stands in.
        word: Word,
    },
    /// `${X+word}`: the word where it is set.
    And {
        /// With a colon.
        colon: bool,
        /// What stands in.
        word: Word,
    },
    /// `${X=word}`: sets it to the word where it is not set.
    Set {
        /// With a colon.
        colon: bool,
        /// What it is set to.
        word: Word,
    },
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Line number of its beginning, from 1.
    pub line: u32,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Word {
    /// The text of a word in which nothing is expanded.
    pub fn literal(&self) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The text of a word without quotes in which nothing is expanded: what may be a reserved word.
    fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}

/// Something that may change variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `X=word`, `X+=word`; also by `export` and `readonly`.
    Assign {
        /// Line number, from 1.
        line: u32,
        /// The variable.
        variable: String,
        /// `+=`, which dash does not know.
        appends: bool,
        /// By `readonly`: a later assignment is an error that ends the shell.
        readonly: bool,
        /// The value.
        value: Word,
    },
    /// `: ${X:=word}`, wherever such an expansion stands.
    Default {
        /// Line number, from 1.
        line: u32,
        /// The variable.
        variable: String,
        /// An empty value counts as none.
        colon: bool,
        /// The value.
        value: Word,
    },
    /// `unset X`
    Unset {
        /// Line number, from 1.
        line: u32,
        /// The variable.
        variable: String,
    },
    /// `. file`
    Source {
        /// Line number, from 1.
        line: u32,
        /// The file.
        path: Word,
        /// Only where that very file is there: `[ -f x ] && . x`.
        guarded: bool,
    },
    /// `for X in words`
    For {
        /// Line number, from 1.
        line: u32,
        /// The variable.
        variable: String,
        /// What it goes through; a word that is a pattern has an unquoted `*`.
        words: Vec<Word>,
        /// What is done each time.
        body: Vec<Self>,
    },
    /// Statements that may be run or not: after `if`, `&&`, in a `case` or a loop.
    Maybe {
        /// Line number, from 1.
        line: u32,
        /// The statements.
        body: Vec<Self>,
    },
    /// `name() { … }`
    Function {
        /// Its name.
        name: String,
        /// What it does.
        body: Vec<Self>,
    },
    /// A command by this name, which may be a function.
    Call {
        /// Line number, from 1.
        line: u32,
        /// The name.
        name: String,
    },
    /// Sets a variable, or any (empty name), to what nobody can tell: `eval`, `read`.
    Opaque {
        /// Line number, from 1.
        line: u32,
        /// The command.
        what: String,
        /// The variable; empty: any.
        variable: String,
    },
    /// `return`, `exit`: what follows is not run.
    End {
        /// Line number, from 1.
        line: u32,
        /// `exit` and `exec`, which end the shell, and not only the file.
        whole: bool,
    },
}

/// A text's statements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// In order.
    pub statements: Vec<Statement>,
    /// Line and reason where a shell would stop reading with an error; nothing from there on is given.
    pub broken: Option<(u32, String)>,
}

#[cfg(test)]
mod tests;
