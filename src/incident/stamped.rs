//! Which lines of a log begin with a stamp, by a glance at their first bytes.

/// Whether a line looks as if it began with a stamp: cheap, for every line of a log.
pub(super) fn looks_stamped(line: &[u8]) -> bool {
    match line {
        [b'<', d, ..] => d.is_ascii_digit(),
        [b'{', b'"', ..] => true,
        // Not a console's `[  OK  ]` and `[FAILED]`.
        [b'[', rest @ ..] => match rest.trim_ascii_start() {
            [c, ..] if c.is_ascii_digit() || *c == b'+' => true,
            [a, b, ..] => a.is_ascii_uppercase() && b.is_ascii_lowercase(),
            _ => false,
        },
        [a, b, c, d, b'-' | b',' | b'.', ..] if a.is_ascii_digit() => {
            [b, c, d].iter().all(|c| c.is_ascii_digit())
        }
        // The kernel's own form.
        [a, ..] if a.is_ascii_digit() && line.iter().take(4).any(|c| *c == b',') => true,
        [a, ..] if a.is_ascii_digit() => {
            (line.iter().take(10).all(u8::is_ascii_digit) && line.len() > 10)
                || (!line.is_ascii() && has_time(line))
        }
        [a, b, c, b' ', ..] if a.is_ascii_uppercase() && b.is_ascii_lowercase() && c.is_ascii_lowercase() => {
            line.get(4..20).is_some_and(|rest| rest.contains(&b':'))
        }
        [a, ..] if a.is_ascii_alphabetic() || !a.is_ascii() => has_time(line),
        [b'-', b'-', b' ', ..] => true,
        _ => false,
    }
}

/// Whether a time of day stands near its beginning, as behind the name of a month in any language.
fn has_time(line: &[u8]) -> bool {
    let digit = |c: &u8| c.is_ascii_digit();
    let head = line.get(..40.min(line.len())).unwrap_or_default();
    head.windows(6).any(|six| matches!(six, [a, b':', b, c, b':', d] if [a, b, c, d].into_iter().all(digit)))
}
