//! modprobe.d as libkmod takes it apart, with the text that goes to the kernel left whole
//! (<https://github.com/kmod-project/kmod/blob/v34/libkmod/libkmod-config.c>).

/// A line that says something about one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Line number of its beginning, from 1.
    pub line: u32,
    /// Module with underscores.
    pub module: String,
    /// `install` instead of `options`.
    pub install: bool,
    /// What follows the name.
    pub text: String,
}

/// The `options` and `install` lines. A backslash joins lines only right before the line break, and
/// falls away elsewhere; a line without a value is ignored.
pub fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    for (line, said) in joined(text) {
        if said.starts_with('#') {
            continue;
        }
        let (command, rest) = word(&said);
        let (module, text) = word(rest);
        // strtok_r eats one separator behind a word, and all before the next.
        let text = text.strip_prefix([' ', '\t']).unwrap_or(text);
        let install = command == "install";
        if (command == "options" || install) && !module.is_empty() && !text.is_empty() {
            let text = text.replace('\t', " ");
            found.push(Line { line, module: module.replace('-', "_"), install, text });
        }
    }
    found
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    text.split_at(text.find([' ', '\t']).unwrap_or(text.len()))
}

/// Lines with their continuations, each with the number of its first.
fn joined(text: &str) -> Vec<(u32, String)> {
    let mut lines = Vec::new();
    let (mut number, mut began, mut said) = (1, 1, String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' {
            match chars.next() {
                Some('\n') => {
                    number += 1;
                    continue;
                }
                None => break,
                Some(c) => c,
            }
        } else if c == '\n' {
            number += 1;
            lines.push((began, std::mem::take(&mut said)));
            began = number;
            continue;
        } else {
            c
        };
        said.push(c);
    }
    lines.push((began, said));
    lines
}

/// How the kernel reads a parameter (include/linux/moduleparam.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number from 0 to this.
    Unsigned(u64),
    /// `int`
    Int,
    /// `bool`
    Bool,
    /// Anything.
    Text,
}

/// A value as the kernel reads it, numbers in decimal; `None` where it refuses it. `bare`: the
/// parameter stands without `=`.
pub fn read(kind: Kind, value: &str, bare: bool) -> Option<String> {
    match kind {
        Kind::Text => Some(value.to_owned()),
        Kind::Unsigned(most) => {
            let number = unsigned(value.strip_prefix('+').unwrap_or(value))?;
            (number <= most).then(|| number.to_string())
        }
        Kind::Int => {
            let (negative, digits) = match value.strip_prefix('-') {
                Some(digits) => (true, digits),
                None => (false, value.strip_prefix('+').unwrap_or(value)),
            };
            let number = i64::try_from(unsigned(digits)?).ok()?;
            let number = i32::try_from(if negative { -number } else { number }).ok()?;
            Some(number.to_string())
        }
        Kind::Bool if bare => Some("Y".to_owned()),
        Kind::Bool => truth(value).map(|truth| if truth { "Y" } else { "N" }.to_owned()),
    }
}

/// `kstrtoull` with base 0 (lib/kstrtox.c): 0x is hexadecimal, a leading 0 octal; one line break at
/// the end is forgiven.
fn unsigned(text: &str) -> Option<u64> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let hexadecimal = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => (digits, 16),
        _ if text.len() > 1 && text.starts_with('0') => (text, 8),
        _ => (text, 10),
    };
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// `kstrtobool` (lib/kstrtox.c): the first character, or two for on and off.
fn truth(text: &str) -> Option<bool> {
    let mut chars = text.chars();
    match chars.next()? {
        'y' | 'Y' | 't' | 'T' | '1' => Some(true),
        'n' | 'N' | 'f' | 'F' | '0' => Some(false),
        'o' | 'O' => match chars.next()? {
            'n' | 'N' => Some(true),
            'f' | 'F' => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_as_libkmod_does_it() {
        let text = "# comment \\\noptions nvme_core io_timeout=1\noptions nvme-core \\\n  io_timeout=2  b=\"c d\"\r\n\
                    \toptions\thv_storvsc\tx=1\ty=2\noptions a \\x=1\noptions b\ninstall nvme_core /bin/true\n\
                    options c x=1 \\\r\noptions d y=1\nblacklist e\noptions f x=1 \\";
        let flat: Vec<String> = lines(text)
            .into_iter()
            .map(|l| format!("{} {}{} {:?}", l.line, if l.install { "!" } else { "" }, l.module, l.text))
            .collect();
        assert_eq!(
            flat,
            [
                "3 nvme_core \"  io_timeout=2  b=\\\"c d\\\"\\r\"",
                "5 hv_storvsc \"x=1 y=2\"",
                "6 a \"x=1\"",
                "8 !nvme_core \"/bin/true\"",
                "9 c \"x=1 \\r\"",
                "10 d \"y=1\"",
                "12 f \"x=1 \"",
            ]
        );
    }

    #[test]
    fn values_are_read_as_the_kernel_does_it() {
        let byte = Kind::Unsigned(255);
        for (kind, value, expected) in [
            (byte, "240", Some("240")),
            (byte, "0xf0", Some("240")),
            (byte, "0360", Some("240")),
            (byte, "+240", Some("240")),
            (byte, "256", None),
            (byte, "-1", None),
            (byte, "240s", None),
            (byte, "", None),
            (byte, "09", None),
            (byte, "0x", None),
            (Kind::Unsigned(u64::from(u32::MAX)), "4294967295", Some("4294967295")),
            (Kind::Int, "-0x10", Some("-16")),
            (Kind::Int, "2147483648", None),
            (Kind::Bool, "yes", Some("Y")),
            (Kind::Bool, "off", Some("N")),
            (Kind::Bool, "2", None),
            (Kind::Text, "a b", Some("a b")),
        ] {
            assert_eq!(read(kind, value, false).as_deref(), expected, "{kind:?} {value}");
        }
        assert_eq!(read(Kind::Bool, "", true).as_deref(), Some("Y"));
    }
}
