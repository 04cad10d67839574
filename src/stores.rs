//! Where a kernel command line lies in a file, in five formats: arguments of ours go in and come out,
//! and every other byte of the file stays. Pure.
//!
//! Each format has one function, `find`, which gives the byte range of the one value in a text or says
//! why there is none that is safe to change. All else is the same for every format.

pub mod bls;
pub mod grubenv;
pub mod grubset;
pub mod place;
pub mod plain;
pub mod shell;

use std::borrow::Cow;
use std::ops::Range;

use crate::cmdline::{Fault, LIMIT, Line};
use crate::value::Value;

/// A format, with the variable where it has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store<'a> {
    /// An entry of `loader/entries`: its `options` line.
    Bls,
    /// `/etc/kernel/cmdline`: the whole line.
    Plain,
    /// A file of shell assignments, as `/etc/default/grub`: this variable.
    Shell(&'a str),
    /// GRUB's environment block: this variable.
    Grubenv(&'a str),
    /// A script of GRUB's, as Flatcar's `/oem/grub.cfg`: a `set` line of our own for this variable.
    GrubSet(&'a str),
}

/// Why a file is left as it is. Each message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The value is not there.
    #[error("there is no {what}: {todo}")]
    Missing {
        /// What was looked for.
        what: String,
        /// What would bring it.
        todo: &'static str,
    },
    /// There are two, and readers differ in which one counts.
    #[error("line {again} is a second {what}, after line {first}: join the two")]
    Repeated {
        /// What there should be one of.
        what: String,
        /// Line number of the first, from 1.
        first: usize,
        /// Line number of the second.
        again: usize,
    },
    /// It is there, but not as one plain value.
    #[error("line {line}: {why}; write one line {form}")]
    Unplain {
        /// Line number, from 1.
        line: usize,
        /// What is not plain.
        why: String,
        /// The form that can be changed.
        form: String,
    },
    /// The command line is not UTF-8, which boot loaders and tools print each in its own way.
    #[error("line {line}: the command line is not UTF-8: write it in UTF-8")]
    Encoding {
        /// Line number, from 1.
        line: usize,
    },
    /// The command line itself.
    #[error("line {line}: {fault}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        fault: Fault,
    },
    /// A kernel would not find its root with what is there.
    #[error(
        "line {line}: no root= and no mount.usr=, so no kernel boots with it: write the whole command line"
    )]
    Incomplete {
        /// Line number, from 1.
        line: usize,
    },
    /// It is no environment block that GRUB reads.
    #[error(
        "{0}, so GRUB does not read this block: put back one that it reads, with all variables that it had"
    )]
    NoBlock(&'static str),
    /// The environment block is full.
    #[error(
        "the block would have {bytes} bytes, and has room for {}: make room by hand, and keep what the boot needs",
        grubenv::SIZE
    )]
    Full {
        /// It would have so many.
        bytes: usize,
    },
}

/// A file after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Its new text.
    pub text: Vec<u8>,
    /// The arguments that went in or came out. Empty: not a byte changed.
    pub args: Vec<Value>,
}

impl Store<'_> {
    /// The byte range of the one value, without quotes.
    pub fn find(self, text: &[u8]) -> Result<Range<usize>, Refusal> {
        match self {
            Self::Bls => bls::find(text),
            Self::Plain => plain::find(text),
            Self::Shell(name) => shell::find(text, name),
            Self::Grubenv(name) => grubenv::find(text, name),
            Self::GrubSet(name) => grubset::find(text, name),
        }
    }

    /// The value as a command line.
    pub fn read(self, text: &[u8]) -> Result<Line, Refusal> {
        parse(text, &self.find(text)?)
    }

    /// Adds the arguments that are not there in just these characters, behind the others. `args` of the
    /// result are ours from now on, and what [`Self::remove`] takes.
    pub fn append(self, text: &[u8], ours: &[Value]) -> Result<Edited, Refusal> {
        self.edit(text, |line| line.append(ours, LIMIT))
    }

    /// Takes out exactly these arguments; those that are not there are left out of the result.
    pub fn remove(self, text: &[u8], ours: &[Value]) -> Result<Edited, Refusal> {
        self.edit(text, |line| Ok(line.remove(ours)))
    }

    /// The text with `mark` in the place of the first of these arguments that is there, and without the
    /// others; behind all arguments where none of them is.
    pub fn mark(self, text: &[u8], ours: &[Value], mark: &Value) -> Result<Vec<u8>, Refusal> {
        let there = match self.read(text) {
            // A line of our own comes with the first argument.
            Err(Refusal::Missing { .. }) if matches!(self, Self::GrubSet(_)) => {
                return Ok(self.append(text, std::slice::from_ref(mark))?.text);
            }
            there => there?,
        };
        let place = |arg: &Value| there.args().position(|other| other == arg.as_str());
        let first = ours.iter().filter(|arg| place(arg).is_some()).min_by_key(|arg| place(arg));
        let Some(first) = first else {
            return Ok(self.append(text, std::slice::from_ref(mark))?.text);
        };
        let marked = self.edit(text, |line| {
            line.replace(first.as_str(), mark);
            Ok(line.remove(&ours.iter().filter(|arg| *arg != first).cloned().collect::<Vec<_>>()))
        })?;
        Ok(marked.text)
    }

    fn edit(
        self,
        text: &[u8],
        change: impl FnOnce(&mut Line) -> Result<Vec<Value>, Fault>,
    ) -> Result<Edited, Refusal> {
        let (text, added) = match self {
            Self::GrubSet(name) => grubset::with_line(text, name)?,
            _ => (Cow::Borrowed(text), false),
        };
        let range = self.find(&text)?;
        let mut line = parse(&text, &range)?;
        let args =
            change(&mut line).map_err(|fault| Refusal::Line { line: number(&text, range.start), fault })?;
        let [before, after] = [text.get(..range.start), text.get(range.end..)].map(Option::unwrap_or_default);
        let mut text = [before, line.as_str().as_bytes(), after].concat();
        match self {
            Self::Grubenv(_) => grubenv::fill(&mut text)?,
            Self::GrubSet(name) if added || !args.is_empty() => grubset::drop_empty(&mut text, name),
            _ => {}
        }
        Ok(Edited { text, args })
    }
}

fn parse(text: &[u8], range: &Range<usize>) -> Result<Line, Refusal> {
    let line = number(text, range.start);
    let value = text.get(range.clone()).unwrap_or_default();
    let value = std::str::from_utf8(value).map_err(|_| Refusal::Encoding { line })?;
    Line::parse(value).map_err(|fault| Refusal::Line { line, fault })
}

/// Which line a byte is in, from 1.
fn number(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// The lines without their ends, each with the place of its first byte.
fn lines(text: &[u8]) -> Vec<(usize, &[u8])> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        found.push((start, line));
        start += line.len() + 1;
    }
    found
}

/// The one of these places; a second is refused, and none is missing.
fn only(
    text: &[u8],
    what: &str,
    todo: &'static str,
    found: &[Range<usize>],
) -> Result<Range<usize>, Refusal> {
    match found {
        [] => Err(Refusal::Missing { what: what.to_owned(), todo }),
        [one] => Ok(one.clone()),
        [first, again, ..] => Err(Refusal::Repeated {
            what: what.to_owned(),
            first: number(text, first.start),
            again: number(text, again.start),
        }),
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// How many blanks a text begins with.
fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(**byte)).count()
}
