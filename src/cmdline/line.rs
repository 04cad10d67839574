//! A command line that somebody else wrote: arguments of ours go in and come out, and every other byte
//! stays.

use super::{accumulates, args, is_end, tokens, value_of};
use crate::value::Value;

/// How long a command line may become, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The whole line.
    pub total: usize,
    /// Arguments of ours, each with the blank before it.
    pub ours: usize,
}

/// What every boot loader and kernel takes. x86 and arm64 have room for 2048 bytes
/// (`COMMAND_LINE_SIZE`), and boot loaders add some of their own; what does not fit is cut off.
pub const LIMIT: Limit = Limit { total: 1800, ours: 512 };

/// Why a command line is not changed, or a text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has a character that no command line in a file has.
    #[error("the command line has the control character {0:?}: put a blank in its place")]
    Control(char),
    /// What is added would become a part of the quoted argument.
    #[error("the command line has a double quote that is never closed: close it")]
    OpenQuote,
    /// A value that the kernel would not take for an argument.
    #[error("{0:?} is no kernel argument: write key=value or key")]
    NoArgument(String),
    /// The whole line would be too long.
    #[error("the command line would have {bytes} bytes, and {limit} are safe: take out what is not needed")]
    Long {
        /// It would have so many.
        bytes: usize,
        /// It may have so many.
        limit: usize,
    },
    /// Ours alone are too long.
    #[error("the arguments to add have {bytes} bytes, and may have {limit}: set fewer of them")]
    OursLong {
        /// They have so many.
        bytes: usize,
        /// They may have so many.
        limit: usize,
    },
}

/// A command line as a file holds it. What is parsed comes back byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    text: String,
}

impl Line {
    /// Takes one line, without its end. Variables of a boot loader are arguments like others.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        match text.chars().find(|c| c.is_control() && *c != '\t') {
            Some(c) => Err(Fault::Control(c)),
            None => Ok(Self { text: text.to_owned() }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kernel's arguments in order, quotes kept; init's own (after `--`) left out.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        args(&self.text).into_iter().map(|(_, arg)| arg)
    }

    /// The value of a key that counts: the last one; `Some("")` for a bare key.
    pub fn winner(&self, key: &str) -> Option<&str> {
        self.args().filter_map(|arg| value_of(arg, key)).last()
    }

    /// Every value of a key that counts: all of `console=` and its like, else the last.
    pub fn values(&self, key: &str) -> Vec<&str> {
        let mut all: Vec<&str> = self.args().filter_map(|arg| value_of(arg, key)).collect();
        if !accumulates(key) {
            all.drain(..all.len().saturating_sub(1));
        }
        all
    }

    /// Adds the arguments that are not there in just these characters, behind all others, and gives
    /// those that it added: they are ours, the others are not. Init's own stay behind `--`.
    /// On an error the line is as it was.
    pub fn append(&mut self, ours: &[Value], limit: Limit) -> Result<Vec<Value>, Fault> {
        let bytes = ours.iter().map(|value| value.as_str().len() + 1).sum();
        if bytes > limit.ours {
            return Err(Fault::OursLong { bytes, limit: limit.ours });
        }
        let mut now = self.clone();
        let mut added = Vec::new();
        for value in ours {
            let arg = value.as_str();
            if arg.starts_with(['-', '=']) {
                return Err(Fault::NoArgument(arg.to_owned()));
            }
            if !now.args().any(|there| there == arg) {
                now.insert(arg)?;
                added.push(value.clone());
            }
        }
        if !added.is_empty() && now.text.len() > limit.total {
            return Err(Fault::Long { bytes: now.text.len(), limit: limit.total });
        }
        *self = now;
        Ok(added)
    }

    /// Puts an argument behind the kernel's last one, with one blank. [`Self::cut`] undoes it.
    fn insert(&mut self, arg: &str) -> Result<(), Fault> {
        let end = tokens(&self.text).into_iter().find(|(_, token)| is_end(token)).map(|(at, _)| at);
        if end.is_none() && self.text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
            return Err(Fault::OpenQuote);
        }
        let at = end.map_or(self.text.len(), |end| end.saturating_sub(1));
        let (before, after) = self.text.split_at_checked(at).unwrap_or((&self.text, ""));
        let (left, right) = match (end, at) {
            (None, 0) => ("", ""),
            (Some(0), _) => ("", " "),
            _ => (" ", ""),
        };
        self.text = [before, left, arg, right, after].concat();
        Ok(())
    }

    /// Takes out exactly these arguments, each at its last place and with the one blank that came with
    /// it, and gives those that it found.
    pub fn remove(&mut self, ours: &[Value]) -> Vec<Value> {
        ours.iter().filter(|value| self.cut(value.as_str())).cloned().collect()
    }

    /// Puts another argument in the place of one, at the last place of several; whether it was there.
    pub fn replace(&mut self, arg: &str, other: &Value) -> bool {
        let Some((at, _)) = args(&self.text).into_iter().rfind(|(_, there)| *there == arg) else {
            return false;
        };
        let parts = [self.text.get(..at), Some(other.as_str()), self.text.get(at + arg.len()..)];
        self.text = parts.map(Option::unwrap_or_default).concat();
        true
    }

    fn cut(&mut self, arg: &str) -> bool {
        let Some((at, _)) = args(&self.text).into_iter().rfind(|(_, there)| *there == arg) else {
            return false;
        };
        // Its blank stands before it, or behind it where nothing does.
        let (start, end) = (at.saturating_sub(1), at + arg.len() + usize::from(at == 0));
        let left = [self.text.get(..start), self.text.get(end..)].map(Option::unwrap_or_default);
        self.text = left.concat();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<Value> {
        text.split_whitespace().map(|word| Value::new(word).unwrap()).collect()
    }

    #[test]
    fn ours_go_behind_the_others_and_come_out_again() {
        for (before, ours, after) in [
            ("root=/dev/x ro", "a=1 b", "root=/dev/x ro a=1 b"),
            ("root=/dev/x ro ", "a=1", "root=/dev/x ro  a=1"),
            ("", "a=1 b=2", "a=1 b=2"),
            (" ", "a=1", "  a=1"),
            ("ro a=1 b", "a=1 c b", "ro a=1 b c"),
            ("ro a=10 a.b=1", "a=1", "ro a=10 a.b=1 a=1"),
            ("x=\"a=1 b\"", "a=1", "x=\"a=1 b\" a=1"),
            ("\"x=a b\"", "b", "\"x=a b\" b"),
            ("ro  -- a=1", "a=1 b=2", "ro  a=1 b=2 -- a=1"),
            ("-- x", "a=1 b=2", "a=1 b=2 -- x"),
            ("\t-- x", "a=1 b=2", " a=1 b=2\t-- x"),
            ("ro $kernelopts\t$tuned_params", "a=1", "ro $kernelopts\t$tuned_params a=1"),
        ] {
            let mut line = Line::parse(before).unwrap();
            let added = line.append(&values(ours), LIMIT).unwrap();
            assert_eq!(line.as_str(), after);
            assert_eq!(line.append(&values(ours), LIMIT), Ok(Vec::new()), "{after}");
            assert_eq!(line.as_str(), after);
            let mut backwards = line.clone();
            assert_eq!(line.remove(&added), added);
            assert_eq!(line.as_str(), before, "{after}");
            backwards.remove(&added.into_iter().rev().collect::<Vec<_>>());
            assert_eq!(backwards.as_str(), before, "{after}");
        }
    }

    #[test]
    fn only_the_very_argument_is_taken_out_where_it_stands_last() {
        for (before, ours, after, found) in [
            ("a=1 ro a=1  x", "a=1", "a=1 ro  x", "a=1"),
            ("a=1 ro", "a=1", "ro", "a=1"),
            ("a=1", "a=1", "", "a=1"),
            ("a=10 A=1 a-b=1", "a=1 a_b=1", "a=10 A=1 a-b=1", ""),
            ("ro -- a=1", "a=1", "ro -- a=1", ""),
            ("x=\" a=1\"", "a=1", "x=\" a=1\"", ""),
            ("ro a=1 b=\"", "a=1", "ro b=\"", "a=1"),
        ] {
            let mut line = Line::parse(before).unwrap();
            assert_eq!(line.remove(&values(ours)), values(found), "{before}");
            assert_eq!(line.as_str(), after);
        }
    }

    #[test]
    fn an_argument_is_put_in_the_place_of_another() {
        let mut line = Line::parse("a=1 ro a=1  x=\"a=1\" -- a=1").unwrap();
        assert!(line.replace("a=1", &Value::word("b")) && line.as_str() == "a=1 ro b  x=\"a=1\" -- a=1");
        assert!(!line.replace("a=2", &Value::word("c")) && line.as_str() == "a=1 ro b  x=\"a=1\" -- a=1");
    }

    #[test]
    fn of_equal_keys_the_last_counts_or_all_of_a_list() {
        let line =
            Line::parse("console=tty0 a-b=1 console=ttyS0 rd.lvm.lv=x rd.lvm.lv=y a_b=2 q -- a_b=3").unwrap();
        assert_eq!((line.winner("a_b"), line.winner("q"), line.winner("z")), (Some("2"), Some(""), None));
        assert_eq!(line.values("console"), ["tty0", "ttyS0"]);
        assert_eq!(line.values("rd.lvm.lv"), ["x", "y"]);
        assert_eq!(line.values("a-b"), ["2"]);
        assert!(line.values("z").is_empty());
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_changes_nothing() {
        let limit = Limit { total: 12, ours: 9 };
        for (before, ours, fault) in [
            ("a=\"b", "c", Fault::OpenQuote),
            ("a", "--", Fault::NoArgument("--".to_owned())),
            ("a", "b =c", Fault::NoArgument("=c".to_owned())),
            ("12345678", "ab=1", Fault::Long { bytes: 13, limit: 12 }),
            ("1", "abcd=123 x", Fault::OursLong { bytes: 11, limit: 9 }),
        ] {
            let mut line = Line::parse(before).unwrap();
            assert_eq!(line.append(&values(ours), limit), Err(fault));
            assert_eq!(line.as_str(), before);
        }
        let mut line = Line::parse("1234567 ab=1").unwrap();
        assert_eq!(line.append(&values("ab=1"), limit), Ok(Vec::new()), "just as long as it may be");
        let mut longer = Line::parse("12345678 ab=1").unwrap();
        assert_eq!(longer.append(&values("ab=1"), limit), Ok(Vec::new()), "too long before, not by us");
        assert_eq!(Line::parse("a\rb"), Err(Fault::Control('\r')));
    }
}
