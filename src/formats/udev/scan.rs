//! Other people's rules, as far as they write attributes.

use super::Token;

/// One attribute write found in somebody's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Line number, from 1; the first of a continued line.
    pub line: u32,
    /// Attribute as written, doubled slashes made single: `queue/scheduler`.
    pub attr: String,
    /// Value as written; the whole command where a program writes.
    pub value: String,
    /// A program of `RUN` writes it, after all rules; `attr` is then a path of its command.
    pub program: bool,
    /// What the line tests first, so that a caller can judge which devices it concerns.
    pub matches: Vec<Token>,
}

/// Lenient: every `ATTR{…}="…"` write; `+=` and `:=` act as `=` in udev, too; and every
/// path that a program of `RUN` is given. A line that udev could not parse is left out
/// whole, as udev does
/// (<https://github.com/systemd/systemd/blob/v257/src/udev/udev-rules.c>).
pub fn scan(text: &str) -> Vec<Write> {
    let mut writes = Vec::new();
    for (line, rule) in logical_lines(text) {
        let Some(tokens) = tokens(&rule) else { continue };
        let (matches, sets): (Vec<_>, Vec<_>) = tokens.into_iter().partition(Token::is_match);
        for set in sets {
            let write = |attr: String, program| {
                let (value, matches) = (set.value.clone(), matches.clone());
                Write { line, attr, value, program, matches }
            };
            if let Some(attr) = set.key.strip_prefix("ATTR{").and_then(|key| key.strip_suffix('}')) {
                writes.push(write(plain(attr), false));
            } else if set.key == "RUN" || set.key == "RUN{program}" {
                let words = set.value.split([' ', '\t', '\'', '"', '>', ';', '&', '|', '(', ')', '`']);
                writes.extend(words.filter(|word| word.contains('/')).map(|word| write(plain(word), true)));
            }
        }
    }
    writes
}

/// Rule lines with their continuations, each with the number of its first. A comment
/// is passed over even between a line and its continuation.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start();
        if line.starts_with('#') {
            continue;
        }
        let (part, goes_on) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut() {
            Some((_, last)) if open => last.push_str(part),
            _ => lines.push((number, part.to_owned())),
        }
        open = goes_on;
    }
    if open {
        // A backslash at the end of the file costs udev the line.
        lines.pop();
    }
    lines
}

/// Every token of a line; `None` where one cannot be read.
fn tokens(line: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start_matches(separator);
    while !rest.is_empty() {
        let key_end = key_end(rest)?;
        let (key, after) = rest.split_at_checked(key_end)?;
        let after = after.trim_start();
        let op = ["==", "!=", "+=", "-=", ":=", "="].into_iter().find(|op| after.starts_with(op))?;
        let (value, after) = value(after.get(op.len()..)?.trim_start())?;
        tokens.push(Token { key: key.to_owned(), op: op.to_owned(), value });
        rest = after.trim_start_matches(separator);
    }
    Some(tokens)
}

fn separator(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

/// Where the key ends: at a blank or an operator, though not inside its braces.
fn key_end(text: &str) -> Option<usize> {
    let mut inside = false;
    for (at, c) in text.char_indices() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            _ if inside => {}
            '=' => return Some(at),
            '+' | '-' | '!' | ':' if text.get(at + 1..)?.starts_with('=') => return Some(at),
            c if c.is_ascii_whitespace() => return Some(at),
            _ => {}
        }
    }
    None
}

/// A quoted value and what follows it: `"…"` where only `\"` escapes, `e"…"` with the
/// escapes of C, `i"…"` for a match without regard to case.
fn value(text: &str) -> Option<(String, &str)> {
    let escapes = text.starts_with("e\"");
    let text = text.strip_prefix(['e', 'i']).unwrap_or(text).strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match (chars.next()?.1, escapes) {
                ('"', _) => value.push('"'),
                ('\\', true) => value.push('\\'),
                ('n', true) => value.push('\n'),
                ('t', true) => value.push('\t'),
                (other, _) => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
    None
}

/// The attribute with single slashes and no `./`; a `[subsystem/kernel]` form as it stands.
fn plain(attr: &str) -> String {
    if attr.starts_with('[') {
        return attr.to_owned();
    }
    let parts: Vec<&str> = attr.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> Vec<String> {
        scan(text)
            .into_iter()
            .map(|w| {
                let tests: Vec<String> =
                    w.matches.iter().map(|t| format!("{}{}{}", t.key, t.op, t.value)).collect();
                let how = if w.program { "run " } else { "" };
                format!("{} {how}{}={} if {}", w.line, w.attr, w.value, tests.join(" "))
            })
            .collect()
    }

    #[test]
    fn rules_of_distributions_are_read() {
        // Fedora's 60-block-scheduler.rules, azure-vm-utils' 80-azure-disk.rules, and forms met in the field.
        let text = r#"# do not edit this file, it will be overwritten on update

ACTION=="add", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", \
  KERNEL=="mmcblk*[0-9]|msblk*[0-9]|mspblk*[0-9]|sd*[!0-9]|sr*", \
  # a comment in between
  ATTR{queue/scheduler}="bfq"
ENV{AZURE_DISK_TYPE}=="remote",ATTR{queue/io_timeout}="240000",SYMLINK+="disk/azure/x"
KERNEL == "sd[a-z]" ATTR{device//timeout} := "180" , ATTR{./queue/nr_requests}+="1024"
SUBSYSTEM=="scsi", ATTR{vendor}=="Msft*", ATTR{timeout}=e"1\"8\\0"
ATTR{[block/sda]queue/scheduler}="none", RUN{builtin}+="kmod load a/b"
KERNEL=="sdb", ATTR{model}==i"virtual disk", ATTR{queue/rotational}="0", LABEL="x"
SUBSYSTEMS=="scsi", RUN+="/bin/sh -c 'echo 180 >/sys$DEVPATH/device/timeout'"
"#;
        assert_eq!(
            flat(text),
            [
                "3 queue/scheduler=bfq if ACTION==add SUBSYSTEM==block ENV{DEVTYPE}==disk \
                 KERNEL==mmcblk*[0-9]|msblk*[0-9]|mspblk*[0-9]|sd*[!0-9]|sr*",
                "7 queue/io_timeout=240000 if ENV{AZURE_DISK_TYPE}==remote",
                "8 device/timeout=180 if KERNEL==sd[a-z]",
                "8 queue/nr_requests=1024 if KERNEL==sd[a-z]",
                "9 timeout=1\"8\\0 if SUBSYSTEM==scsi ATTR{vendor}==Msft*",
                "10 [block/sda]queue/scheduler=none if ",
                "11 queue/rotational=0 if KERNEL==sdb ATTR{model}==virtual disk",
                "12 run bin/sh=/bin/sh -c 'echo 180 >/sys$DEVPATH/device/timeout' if SUBSYSTEMS==scsi",
                "12 run sys$DEVPATH/device/timeout=/bin/sh -c 'echo 180 >/sys$DEVPATH/device/timeout' \
                 if SUBSYSTEMS==scsi",
            ]
        );
    }

    #[test]
    fn what_udev_would_drop_is_left_out() {
        for text in [
            "ATTR{queue/scheduler}=none\n",
            "ATTR{queue/scheduler}=\"none\n",
            "ATTR{queue/scheduler}=\"none\", nonsense\n",
            "ATTR{queue/scheduler}=\"none\" \\",
            "# ATTR{queue/scheduler}=\"none\"\n",
            "ATTR{queue/scheduler}==\"none\"\n",
            "ATTRS{queue/scheduler}=\"none\"\n",
            "=\n\"\n{\n\\",
            "",
        ] {
            assert_eq!(flat(text), [""; 0], "{text:?}");
        }
    }
}
