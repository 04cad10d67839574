//! Rust source as words, without comments, texts and test code.

/// Words, `::` and single marks, in order; what `#[cfg(test)]` or `#[cfg(fuzzing)]` stands on is left out.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    without_tests(&split(text))
}

fn split(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let (skip, word) = match rest {
            ['/', '/', ..] => (rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()), None),
            ['/', '*', ..] => (block_comment(rest), None),
            ['"', ..] => (quoted(rest), None),
            ['\'', ..] => (character(rest), None),
            ['r', '"' | '#', ..] | ['b', 'r', ..] if raw(rest).is_some() => (raw(rest).unwrap(), None),
            [':', ':', ..] => (2, Some("::".to_owned())),
            [c, ..] if is_word(*c) => {
                let end = rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len());
                (end, Some(rest[..end].iter().collect()))
            }
            [c, ..] if c.is_whitespace() => (1, None),
            [c, ..] => (1, Some(c.to_string())),
            [] => unreachable!("the loop has ended"),
        };
        words.extend(word);
        at += skip;
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// A character's length, or the apostrophe alone where it begins a lifetime.
fn character(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, after @ ..] => after.iter().position(|c| *c == '\'').map_or(1, |end| end + 4),
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

/// The length of a raw text, where one begins here.
fn raw(rest: &[char]) -> Option<usize> {
    let start = rest.iter().position(|c| *c == 'r')? + 1;
    let hashes = rest[start..].iter().take_while(|c| **c == '#').count();
    if rest.get(start + hashes) != Some(&'"') {
        return None;
    }
    let body = start + hashes + 1;
    let ends =
        |at: &usize| rest[*at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    Some((body..rest.len()).find(ends)? + 1 + hashes)
}

fn without_tests(words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let same =
            |want: &[&str]| want.iter().zip(&words[at..]).filter(|(a, b)| a == b).count() == want.len();
        let is_test = ["test", "fuzzing"].iter().any(|name| same(&["#", "[", "cfg", "(", name, ")", "]"]));
        if is_test {
            at += 7;
            at += item(&words[at..]);
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    kept
}

/// The length of the item that begins here: to its `;` or the end of its braces.
fn item(words: &[String]) -> usize {
    let (mut depth, mut is_body) = (0, false);
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        is_body |= word == "{";
        if depth == 0 && (word == ";" || (word == "}" && is_body)) {
            return at + 1;
        }
    }
    words.len()
}
