//! What udev puts in the place of `$kernel`, `%p` and the like.

use super::paths::UNKNOWN;

/// Names and letters, in the order in which udev tries them (`map`,
/// <https://github.com/systemd/systemd/blob/v257/src/udev/udev-format.c>).
const NAMES: [(&str, char); 18] = [
    ("devnode", 'N'),
    ("tempnode", 'N'),
    ("attr", 's'),
    ("sysfs", 's'),
    ("env", 'E'),
    ("kernel", 'k'),
    ("number", 'n'),
    ("driver", 'd'),
    ("devpath", 'p'),
    ("id", 'b'),
    ("major", 'M'),
    ("minor", 'm'),
    ("result", 'c'),
    ("parent", 'P'),
    ("name", 'D'),
    ("links", 'L'),
    ("root", 'r'),
    ("sys", 'S'),
];

/// The text with everything put in. `known` is asked for the letter and what stands in braces; for what
/// it does not know, [`UNKNOWN`] stands.
pub(super) fn expand(text: &str, known: impl Fn(char, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '%']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        let sign = if from.starts_with('$') { '$' } else { '%' };
        if let Some(literal) = after.strip_prefix(sign) {
            out.push(sign);
            rest = literal;
            continue;
        }
        let named = |(name, letter): &(&str, char)| {
            let rest = if sign == '$' { after.strip_prefix(name) } else { after.strip_prefix(*letter) };
            rest.map(|rest| (*letter, rest))
        };
        let Some((letter, after)) = NAMES.iter().find_map(named) else {
            out.push(sign);
            rest = after;
            continue;
        };
        let mut attr = "";
        rest = after;
        if let Some(inside) = after.strip_prefix('{') {
            match inside.split_once('}') {
                Some((name, after)) if !name.is_empty() => (attr, rest) = (name, after),
                // udev gives up here, and takes what it has so far.
                _ => return out,
            }
        }
        if attr.is_empty() && matches!(letter, 's' | 'E') {
            return out;
        }
        match known(letter, attr) {
            Some(text) => out.push_str(&text),
            None => out.push(UNKNOWN),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_letters_are_put_in_as_udev_does() {
        let known = |letter: char, attr: &str| match (letter, attr) {
            ('k' | 'D', "") => Some("sda".to_owned()),
            ('p', "") => Some("/devices/x/sda".to_owned()),
            ('S', "") => Some("/sys".to_owned()),
            ('E', "A") => Some("1".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("/sys/block/%k/queue", "/sys/block/sda/queue"),
            ("$sys$devpath/x %S%p", "/sys/devices/x/sda/x /sys/devices/x/sda"),
            ("$$x %%y $DEVPATH 50% $names", "$x %y $DEVPATH 50% sdas"),
            ("$env{A}2 $env{B}", "12 \u{f8fe}"),
            ("a$env{b", "a"),
            ("a$env b", "a"),
            ("a%", "a%"),
        ] {
            assert_eq!(expand(text, known), expected, "{text}");
        }
    }
}
