//! A value that may be written, and the knobs that take one.

use std::fmt;

use crate::seeded;

/// A token that cannot leave its place in a rule, a sysctl file, a shell
/// fragment or a command line: only `[A-Za-z0-9_.,:=@/+-]`, 1 to 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(String);

impl Value {
    /// Takes a token, or refuses it with the reason.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 128 {
            return Err(format!("a value has 1 to 128 characters, this one {}", text.len()));
        }
        let is_odd = |c: &char| !(c.is_ascii_alphanumeric() || "_.,:=@/+-".contains(*c));
        let is_refused = |c: &char| if seeded::bug("lf-only-filter") { *c == '\n' } else { is_odd(c) };
        match text.chars().find(is_refused) {
            None => Ok(Self(text.to_owned())),
            Some(c) => Err(format!("{c:?} cannot stand in a value; letters, digits and _.,:=@/+- can")),
        }
    }

    /// A whole number.
    pub fn number(number: impl Into<i128>) -> Self {
        Self(number.into().to_string())
    }

    /// A word of ours. Only the grammar's characters survive, so that even a slip here cannot break a line.
    pub fn word(word: &'static str) -> Self {
        Self(word.chars().filter(|c| c.is_ascii_alphanumeric() || "_.,:=@/+-".contains(*c)).collect())
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that `[set]` may pin, and what it accepts.
#[derive(Debug, Clone, Copy)]
pub struct Knob {
    /// Its name: `vm.swappiness`, `queue/scheduler`. The tunable's own id pins its first knob.
    pub name: &'static str,
    /// What values it takes.
    pub accepts: Accepts,
}

/// The values that a knob takes.
#[derive(Debug, Clone, Copy)]
pub enum Accepts {
    /// A whole number in this range, both ends included.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
}
