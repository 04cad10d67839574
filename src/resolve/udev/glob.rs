//! Globs as fnmatch(3) takes them without flags in the C locale, byte by byte.

/// One step of a glob.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Star,
    One,
    Byte(u8),
    /// What stands between the brackets, and whether it is negated.
    Set(&'a [u8], bool),
    /// A backslash at the end, which matches nothing.
    Never,
}

/// The first step of a pattern, and the rest (fnmatch(3) without flags, in the C locale).
fn step(pattern: &[u8]) -> Option<(Step<'_>, &[u8])> {
    let (&first, rest) = pattern.split_first()?;
    Some(match first {
        b'*' => (Step::Star, rest),
        b'?' => (Step::One, rest),
        b'\\' => match rest.split_first() {
            Some((&byte, rest)) => (Step::Byte(byte), rest),
            None => (Step::Never, rest),
        },
        b'[' => set(rest).unwrap_or((Step::Byte(b'['), rest)),
        byte => (Step::Byte(byte), rest),
    })
}

fn set(rest: &[u8]) -> Option<(Step<'_>, &[u8])> {
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    let inside = rest.get(usize::from(negated)..)?;
    // A bracket that comes first is one of the set.
    let mut at = 0;
    while at == 0 || *inside.get(at)? != b']' {
        at += match inside.get(at)? {
            b'\\' => 2,
            b'[' if inside.get(at + 1) == Some(&b':') => {
                inside.get(at..)?.windows(2).position(|two| two == b":]").map_or(1, |end| end + 2)
            }
            _ => 1,
        };
    }
    Some((Step::Set(inside.get(..at)?, negated), inside.get(at + 1..)?))
}

impl Step<'_> {
    /// Whether it takes this byte.
    pub(super) fn takes(self, byte: u8, any_case: bool) -> bool {
        let same = |a: u8, b: u8| if any_case { a.eq_ignore_ascii_case(&b) } else { a == b };
        match self {
            Step::Star | Step::One => true,
            Step::Byte(own) => same(own, byte),
            Step::Set(inside, negated) => {
                let both = [byte, byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
                let tried = if any_case { both.as_slice() } else { &both[..1] };
                tried.iter().any(|byte| in_set(inside, *byte)) != negated
            }
            Step::Never => false,
        }
    }
}

fn in_set(mut inside: &[u8], byte: u8) -> bool {
    while let Some((&first, rest)) = inside.split_first() {
        if let Some(name) = inside.strip_prefix(b"[:")
            && let Some(end) = name.windows(2).position(|two| two == b":]")
        {
            if name.get(..end).is_some_and(|name| in_class(name, byte)) {
                return true;
            }
            inside = name.get(end + 2..).unwrap_or_default();
            continue;
        }
        let (low, rest) = match (first, rest) {
            (b'\\', [escaped, rest @ ..]) => (*escaped, rest),
            _ => (first, rest),
        };
        let (high, rest) = match rest {
            [b'-', b'\\', high, rest @ ..] | [b'-', high, rest @ ..] => (*high, rest),
            _ => (low, rest),
        };
        if (low..=high).contains(&byte) {
            return true;
        }
        inside = rest;
    }
    false
}

fn in_class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alpha" => byte.is_ascii_alphabetic(),
        b"digit" => byte.is_ascii_digit(),
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"lower" => byte.is_ascii_lowercase(),
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        b"space" => byte.is_ascii_whitespace() || byte == 11,
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"punct" => byte.is_ascii_punctuation(),
        b"cntrl" => byte.is_ascii_control(),
        b"print" => matches!(byte, b' '..=b'~'),
        b"graph" => byte.is_ascii_graphic(),
        _ => false,
    }
}

/// Whether a glob matches the whole text; only the last star is ever taken back.
pub(super) fn glob(pattern: &[u8], text: &[u8], any_case: bool) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (step(pattern), text.split_first()) {
            (Some((Step::Star, rest)), _) => {
                star = Some((rest, text));
                pattern = rest;
            }
            (Some((one, rest)), Some((&byte, after))) if one.takes(byte, any_case) => {
                (pattern, text) = (rest, after);
            }
            (None, None) => return true,
            _ => match star {
                Some((rest, [_, left @ ..])) => {
                    star = Some((rest, left));
                    (pattern, text) = (rest, left);
                }
                _ => return false,
            },
        }
    }
}

pub(super) fn all_steps(mut pattern: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    while let Some((one, rest)) = step(pattern) {
        steps.push(one);
        pattern = rest;
    }
    steps
}
