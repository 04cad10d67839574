//! tmpfiles.d: the lines that write to a file that is there already.

use super::PathWrite;

/// What one file gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tmpfiles {
    /// Its writes, in the file's order.
    pub writes: Vec<PathWrite>,
    /// Lines that write and whose path only systemd can tell.
    pub open: Vec<u32>,
}

/// Reads a file: of the types `w`, `w+`, `f+` and `F`, with quotes and C escapes in the fields, and C escapes
/// in the argument, where quotes stand for themselves. Lines that systemd-tmpfiles refuses are left out
/// (<https://github.com/systemd/systemd/blob/v257/src/tmpfiles/tmpfiles.c>, `parse_line`).
pub fn read(text: &str) -> Tmpfiles {
    let mut found = Tmpfiles::default();
    for (number, row) in (1..).zip(text.split('\n')) {
        for part in row.split(['\r', '\0']) {
            let part = part.trim_matches([' ', '\t']);
            if !part.is_empty() && !part.starts_with('#') {
                read_line(number, part, &mut found);
            }
        }
    }
    found
}

fn read_line(line: u32, text: &str, found: &mut Tmpfiles) {
    let Some((fields, rest, versions)) = fields(text, true).or_else(|| fields(text, false)) else { return };
    let [action, path, ..] = fields.as_slice() else { return };
    let Some((kind, modifiers)) = action.split_at_checked(1) else { return };
    let writes = kind == "w" || kind == "F" || kind == "f" && modifiers.contains('+');
    if !writes || !modifiers.chars().all(|c| "!+-=~^$?".contains(c)) {
        return;
    }
    let Some(target) = unspecified(path) else {
        found.open.push(line);
        return;
    };
    let argument = if fields.len() < 6 || rest == "-" { "" } else { rest };
    if !target.starts_with('/') || argument.is_empty() {
        return;
    }
    let encoded = modifiers.contains(['~', '^']);
    let value = unescape(argument).filter(|_| !encoded).and_then(|value| unspecified(&value));
    let for_files = (kind != "w").then_some("`f` and `F` lines are made for files, not for attributes");
    found.writes.push(PathWrite {
        line,
        target: simple(&target),
        value,
        shown: text.to_owned(),
        maybe: for_files
            .or(versions.then_some("versions of systemd read the backslash in its path differently")),
    });
}

/// The first six fields and what follows them, and whether a backslash stands in one. Newer versions (257, not 252)
/// take C escapes there, older ones the character behind the backslash. `None` where systemd refuses the line.
fn fields(text: &str, escapes: bool) -> Option<(Vec<String>, &str, bool)> {
    let mut rest = text;
    let mut fields: Vec<String> = Vec::new();
    for _ in 0..6 {
        let (word, after) = field(rest, escapes)?;
        let Some(word) = word else { break };
        fields.push(word);
        rest = after;
    }
    let read = text.len() - rest.len();
    Some((fields, rest, text.get(..read)?.contains('\\')))
}

/// One field, unquoted, and what follows it; `None` where systemd refuses the line, no field at its end.
fn field(text: &str, escapes: bool) -> Option<(Option<String>, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    if text.is_empty() {
        return Some((None, text));
    }
    let (mut quote, mut word, mut chars) = (None, String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('\\', _) => {
                let behind = text.get(at + 1..)?;
                let (c, taken) = if escapes { escape(behind)? } else { (behind.chars().next()?, 1) };
                word.push(c);
                for _ in 0..taken {
                    chars.next();
                }
            }
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ' | '\t', None) => {
                let rest = text.get(at..).unwrap_or_default();
                return Some((Some(word), rest.trim_start_matches([' ', '\t'])));
            }
            (c, _) => word.push(c),
        }
    }
    quote.is_none().then_some((Some(word), ""))
}

/// The character of a C escape, by what follows the backslash, and how many characters it takes.
fn escape(text: &str) -> Option<(char, usize)> {
    let number = |digits: usize, from: usize, radix: u32| {
        let digits_text = text.get(from..from + digits)?;
        let number = u32::from_str_radix(digits_text, radix).ok().filter(|number| *number != 0)?;
        Some((char::from_u32(number)?, from + digits))
    };
    let plain = match text.chars().next()? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '"' => '"',
        '\'' => '\'',
        's' => ' ',
        'x' => return number(2, 1, 16),
        'u' => return number(4, 1, 16),
        'U' => return number(8, 1, 16),
        '0'..='7' => return number(3, 0, 8),
        _ => return None,
    };
    Some((plain, 1))
}

fn unescape(text: &str) -> Option<String> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        let (c, taken) = escape(text.get(at + 1..)?)?;
        value.push(c);
        for _ in 0..taken {
            chars.next();
        }
    }
    Some(value)
}

/// The text with `%%` for a percent sign; `None` where another specifier stands in it.
fn unspecified(text: &str) -> Option<String> {
    let plain = text.replace("%%", "\0");
    (!plain.contains('%')).then(|| plain.replace('\0', "%"))
}

/// The path without doubled and trailing slashes.
fn simple(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.fold(String::new(), |path, part| format!("{path}/{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_lines_are_read_as_systemd_does() {
        let text = "# w /proc/sys/a - - - - 1\nw /proc/sys/vm/swappiness - - - - 60\n\
                    w! \"/sys/block/sd*/queue/scheduler\"\t-  - -\t- mq-deadline  \n\
                    w+ /sys//x/ - - - - a\\x20b\\n\nd /run/x 0755 - - -\nw /sys/y - - - -\nw /sys/y 60\n\
                    w /sys/%b/y - - - - 1\nw /sys/z - - - - 50%%\nw /sys/q - - - - \"60\"\nw~ /sys/r - - - - NjA=\n\
                    wx /sys/s - - - - 1\nw 'open - - - - 1\nw- /sys/t - - - - -\nf /sys/u - - - - 1\n\
                    f+ /sys/v - - - - 1\nw relative - - - - 1\nw /sys/h - - - - %H\nw /sys/e - - - - a\\q\n\
                    w /sys/\\x61\\q - - - - 1\nw /sys/\\x62 - - - - 1\n";
        let found = read(text);
        let told: Vec<String> = found
            .writes
            .iter()
            .map(|w| format!("{} {}={}", w.line, w.target, w.value.as_deref().unwrap_or("?")))
            .collect();
        assert_eq!(
            told,
            [
                "2 /proc/sys/vm/swappiness=60",
                "3 /sys/block/sd*/queue/scheduler=mq-deadline",
                "4 /sys/x=a b\n",
                "9 /sys/z=50%",
                "10 /sys/q=\"60\"",
                "11 /sys/r=?",
                "16 /sys/v=1",
                "18 /sys/h=?",
                "19 /sys/e=?",
                "20 /sys/x61q=1",
                "21 /sys/b=1",
            ]
        );
        let maybe: Vec<u32> = found.writes.iter().filter(|w| w.maybe.is_some()).map(|w| w.line).collect();
        assert_eq!(maybe, [16, 20, 21]);
        assert_eq!(found.open, [8]);
    }
}
