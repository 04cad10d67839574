//! udev's patterns against what is known of a text: it matches, it does not, or that is open.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Display;

use super::glob::{Step, all_steps, glob};
use crate::formats::bytes;
use crate::formats::glob::has_wildcard;

/// What is known of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// It is one of these.
    Among(Vec<Form>),
    /// Nothing is known; which text that is.
    Unknown(String),
}

/// One text, or all of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Exactly this.
    Is(String),
    /// Any of this shape.
    Like(&'static [Piece]),
}

/// A part of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// These bytes.
    Lit(&'static str),
    /// One or more lower-case letters.
    Letters,
    /// One or more digits.
    Digits,
    /// One or more hexadecimal digits and dashes.
    Hex,
    /// Any bytes, or none.
    Any,
}

impl Text {
    /// Exactly this one.
    pub(super) fn is(text: impl Into<String>) -> Self {
        Self::Among(vec![Form::Is(text.into())])
    }

    /// One of these.
    pub(super) fn one_of(texts: &[&str]) -> Self {
        Self::Among(texts.iter().map(|text| Form::Is((*text).to_owned())).collect())
    }

    /// Any of a shape.
    pub(super) fn like(shape: &'static [Piece]) -> Self {
        Self::Among(vec![Form::Like(shape)])
    }

    /// The text, where there is only one.
    pub(super) fn only(&self) -> Option<&str> {
        match self {
            Self::Among(forms) => match forms.as_slice() {
                [Form::Is(text)] => Some(text),
                _ => None,
            },
            Self::Unknown(_) => None,
        }
    }

    /// This one or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Among(mut forms), Self::Among(others)) => {
                forms.extend(others);
                forms.dedup();
                Self::Among(forms)
            }
            (unknown @ Self::Unknown(_), _) | (_, unknown) => unknown,
        }
    }
}

/// What comes of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It matches.
    Yes,
    /// It does not.
    No,
    /// Not known; why.
    Maybe(String),
}

impl Answer {
    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, other) => other,
            (maybe, _) => maybe,
        }
    }

    /// Either.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, other) => other,
            (maybe, _) => maybe,
        }
    }

    /// The opposite.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            maybe @ Self::Maybe(_) => maybe,
        }
    }

    /// Yes or no.
    pub(super) fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// Whether a text matches a pattern as `token_match_string` compares them; `name` is what the pattern
/// looks at, for the reason
/// (<https://github.com/systemd/systemd/blob/v257/src/udev/udev-rules.c>).
pub(super) fn judge(pattern: &str, any_case: bool, text: &Text, name: &dyn Display) -> Answer {
    let forms = match text {
        Text::Among(forms) => forms,
        Text::Unknown(what) => return Answer::Maybe(format!("{what} is not known")),
    };
    let (mut fits, mut fails) = (false, false);
    for form in forms {
        let (can, must) = match form {
            Form::Is(text) => {
                let is = matches(pattern, any_case, text);
                (is, is)
            }
            Form::Like(shape) => compare(pattern, any_case, shape),
        };
        fits |= can;
        fails |= !must;
    }
    match (fits, fails) {
        (true, false) => Answer::Yes,
        (false, _) => Answer::No,
        (true, true) => Answer::Maybe(format!("{name} may be what it asks for, or not")),
    }
}

/// Whether a known text matches: `""` is only the empty one, `?*` any other; `|` parts alternatives,
/// which are globs as soon as one holds `*`, `?` or `[`.
pub(super) fn matches(pattern: &str, any_case: bool, text: &str) -> bool {
    match pattern {
        "" => text.is_empty(),
        "?*" => !text.is_empty(),
        _ if text.is_empty() && has_empty(pattern) => true,
        _ if has_wildcard(pattern) => {
            let text = raw(text);
            alternatives(pattern).any(|one| glob(&raw(one), &text, any_case))
        }
        _ => alternatives(pattern)
            .any(|one| if any_case { one.eq_ignore_ascii_case(text) } else { one == text }),
    }
}

/// The bytes in the file.
fn raw(text: &str) -> Cow<'_, [u8]> {
    if text.is_ascii() { Cow::Borrowed(text.as_bytes()) } else { Cow::Owned(bytes::encode(text)) }
}

fn has_empty(pattern: &str) -> bool {
    pattern.split('|').any(str::is_empty)
}

fn alternatives(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('|').filter(|one| !one.is_empty())
}

/// More sets of steps than any sane pattern has; beyond, nothing is claimed.
const SETS: usize = 4096;

/// Whether some text of a shape matches, and whether all do: shape and pattern are gone through
/// together, a byte at a time, each with all the places at which it may be.
fn compare(pattern: &str, any_case: bool, shape: &[Piece]) -> (bool, bool) {
    let globs: Vec<Vec<u8>> = match pattern {
        "?*" => vec![b"?*".to_vec()],
        _ if has_wildcard(pattern) => alternatives(pattern).map(bytes::encode).collect(),
        _ => alternatives(pattern).map(|one| quoted(&bytes::encode(one))).collect(),
    };
    let steps: Vec<Vec<Step<'_>>> = globs.iter().map(|glob| all_steps(glob)).collect();
    let mut start: BTreeSet<(usize, usize)> = BTreeSet::new();
    start.extend((0..steps.len()).map(|which| (which, 0)));
    let empty = pattern.is_empty() || has_empty(pattern);
    let (mut can, mut must) = (false, true);
    let mut met = BTreeSet::new();
    let mut left = vec![(0_usize, false, true, over_stars(&steps, start))];
    while let Some(now) = left.pop() {
        if met.len() > SETS {
            return (true, false);
        }
        if !met.insert(now.clone()) {
            continue;
        }
        let (piece, begun, nothing, places) = now;
        let at_end = |(which, at): &(usize, usize)| steps.get(*which).is_some_and(|all| *at == all.len());
        let Some(own) = shape.get(piece) else {
            let fits = places.iter().any(at_end) || (nothing && empty);
            can |= fits;
            must &= fits;
            continue;
        };
        if let Piece::Lit(text) = own {
            let places = text.bytes().fold(places, |places, byte| over(&steps, &places, byte, any_case));
            left.push((piece + 1, false, nothing && text.is_empty(), places));
            continue;
        }
        if begun || *own == Piece::Any {
            left.push((piece + 1, false, nothing, places.clone()));
        }
        for byte in own.bytes() {
            left.push((piece, true, false, over(&steps, &places, byte, any_case)));
        }
    }
    (can, must)
}

/// A text with every special byte taken literally.
fn quoted(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|byte| [b'\\', *byte]).collect()
}

type Places = BTreeSet<(usize, usize)>;

fn over(steps: &[Vec<Step<'_>>], places: &Places, byte: u8, any_case: bool) -> Places {
    let mut next = BTreeSet::new();
    for &(which, at) in places {
        match steps.get(which).and_then(|all| all.get(at)) {
            Some(Step::Star) => next.insert((which, at)),
            Some(one) if one.takes(byte, any_case) => next.insert((which, at + 1)),
            _ => false,
        };
    }
    over_stars(steps, next)
}

/// A star may take nothing.
fn over_stars(steps: &[Vec<Step<'_>>], mut places: Places) -> Places {
    let mut left: Vec<(usize, usize)> = places.iter().copied().collect();
    while let Some((which, at)) = left.pop() {
        if matches!(steps.get(which).and_then(|all| all.get(at)), Some(Step::Star))
            && places.insert((which, at + 1))
        {
            left.push((which, at + 1));
        }
    }
    places
}

impl Piece {
    /// The bytes that it is made of.
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Lit(_) => Vec::new(),
            Self::Letters => (b'a'..=b'z').collect(),
            Self::Digits => (b'0'..=b'9').collect(),
            Self::Hex => b"0123456789abcdef-".to_vec(),
            Self::Any => (1..=255).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_udev_matches_them() {
        for (pattern, text, expected) in [
            ("sd*[!0-9]", "sda", true),
            ("sd*[!0-9]", "sda1", false),
            ("sd[a-z][0-9]", "sda", false),
            ("sda|sdb", "sdb", true),
            ("|x", "", true),
            ("x||y", "", true),
            ("x|y", "", false),
            ("", "", true),
            ("", "x", false),
            ("?*", "", false),
            ("?*", "x", true),
            ("*", "", true),
            ("a\\b", "a\\b", true),
            ("a\\b*", "ab", true),
            ("*\\[none\\]*", "[none] mq-deadline", true),
            ("[", "[", true),
            ("[a", "[a", true),
            ("[]a]", "]", true),
            ("[^a]", "b", true),
            ("[[:digit:]x]", "7", true),
            ("[a-]", "-", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("x\\", "x\\", true),
            ("*x\\", "x\\", false),
            ("?", "é", false),
            ("??", "é", true),
        ] {
            assert_eq!(matches(pattern, false, text), expected, "{pattern} {text}");
        }
        assert!(matches("VIRTUAL*|x", true, "virtual disk") && matches("[A-C]", true, "b"));
        assert!(!matches("VIRTUAL*", false, "virtual disk"));
    }

    #[test]
    fn a_class_of_names_is_judged_as_a_whole() {
        const SD: &[Piece] = &[Piece::Lit("sd"), Piece::Letters];
        const ADDRESS: &[Piece] = &[Piece::Digits, Piece::Lit(":"), Piece::Digits];
        for (pattern, shape, expected) in [
            ("sd*", SD, Some(true)),
            ("sd*[!0-9]", SD, Some(true)),
            ("sd*|nvme*", SD, Some(true)),
            ("?*", SD, Some(true)),
            ("*", SD, Some(true)),
            ("sd[a-z]", SD, None),
            ("sda", SD, None),
            ("sd[a-z]|sd[a-z][a-z]*", SD, Some(true)),
            ("sd[a-z][0-9]", SD, Some(false)),
            ("vd*", SD, Some(false)),
            ("", SD, Some(false)),
            ("sd*[0-9]", SD, Some(false)),
            ("[0-9]*:[0-9]*", ADDRESS, Some(true)),
            ("1:*", ADDRESS, None),
            ("", &[Piece::Any], None),
            ("*", &[Piece::Any], Some(true)),
            ("mpath-?*", &[Piece::Lit("mpath-"), Piece::Hex], Some(true)),
        ] {
            let answer = judge(pattern, false, &Text::like(shape), &"KERNEL");
            let flat = match answer {
                Answer::Yes => Some(true),
                Answer::No => Some(false),
                Answer::Maybe(_) => None,
            };
            assert_eq!(flat, expected, "{pattern}");
        }
    }

    proptest! {
        /// Both ways of going through a pattern agree, and an open answer is open for a reason.
        #[test]
        fn a_name_of_a_class_does_what_is_said_of_the_class(
            pattern in "[sd*?|0-2\\[\\]!a-]{0,8}", name in "sd[a-c]{1,3}"
        ) {
            let is = matches(&pattern, false, &name);
            match judge(&pattern, false, &Text::like(&[Piece::Lit("sd"), Piece::Letters]), &"KERNEL") {
                Answer::Yes => prop_assert!(is),
                Answer::No => prop_assert!(!is),
                Answer::Maybe(_) => {}
            }
        }
    }
}
