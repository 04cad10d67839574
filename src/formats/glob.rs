//! Shell wildcards as glob(7) and fnmatch(3) take them: `*`, `?`, `[a-z]`, `[!x]`, `\`.

/// Whether a text holds a wildcard, by systemd's and procps' test.
pub fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether the whole text fits the pattern; a `/` is a character like any other.
pub fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    fits_from(&pattern, &text)
}

/// Whether a path fits the pattern part by part: no wildcard takes a `/`, and a leading dot is taken
/// by a dot alone.
pub fn fits_path(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) => {
                if part.starts_with('.') && !pattern.starts_with(['.', '\\']) || !fits(pattern, part) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

fn fits_from(mut pattern: &[char], mut text: &[char]) -> bool {
    // Where the last star stands, and what it left of the text.
    let mut star: Option<(&[char], &[char])> = None;
    loop {
        if let [first, rest @ ..] = pattern {
            if *first == '*' {
                star = Some((rest, text));
                pattern = rest;
                continue;
            }
            if let [c, after @ ..] = text
                && let Some(rest) = one(pattern, *c)
            {
                (pattern, text) = (rest, after);
                continue;
            }
        } else if text.is_empty() {
            return true;
        }
        // The star takes one more.
        match star {
            Some((rest, [_, after @ ..])) => {
                star = Some((rest, after));
                (pattern, text) = (rest, after);
            }
            _ => return false,
        }
    }
}

/// What is left of the pattern once its first element took the character.
fn one(pattern: &[char], c: char) -> Option<&[char]> {
    match pattern {
        ['?', rest @ ..] => Some(rest),
        ['[', rest @ ..] => match set(rest, c) {
            Some((holds, rest)) => holds.then_some(rest),
            None => (c == '[').then_some(rest),
        },
        ['\\', escaped, rest @ ..] => (*escaped == c).then_some(rest),
        [literal, rest @ ..] => (*literal == c).then_some(rest),
        [] => None,
    }
}

/// Whether a bracket's set holds the character, and what follows it; `None` where it is not closed.
fn set(pattern: &[char], c: char) -> Option<(bool, &[char])> {
    let (negated, mut rest) = match pattern {
        ['!' | '^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    };
    let (mut holds, mut first) = (false, true);
    loop {
        match rest {
            [']', after @ ..] if !first => return Some((holds != negated, after)),
            [low, '-', high, after @ ..] if *high != ']' => {
                holds |= (*low..=*high).contains(&c);
                rest = after;
            }
            [one, after @ ..] => {
                holds |= *one == c;
                rest = after;
            }
            [] => return None,
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_the_shell() {
        for (pattern, text, expected) in [
            ("sd*", "sda", true),
            ("sd?", "sd", false),
            ("sd[a-c]", "sdb", true),
            ("sd[!a-c]", "sdb", false),
            ("sd[^a-c]", "sdd", true),
            ("[]x]", "]", true),
            ("sd[a", "sd[a", true),
            ("*d*a", "sdbda", true),
            ("*", "", true),
            ("", "a", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        for (pattern, path, expected) in [
            ("vm/*", "vm/swappiness", true),
            ("*", "vm/swappiness", false),
            ("*/swappiness", "vm/swappiness", true),
            ("vm/*", "vm/.hidden", false),
            ("vm/sw*", "vm", false),
        ] {
            assert_eq!(fits_path(pattern, path), expected, "{pattern} {path}");
        }
    }
}
