//! The tokens of one logical line, before anybody asks what they mean.

use super::lines::BLANKS;
use crate::formats::bytes;

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `==`
    Is,
    /// `!=`
    IsNot,
    /// `+=`
    Add,
    /// `-=`
    Remove,
    /// `=`
    Set,
    /// `:=`
    Final,
}

impl Op {
    const ALL: [(&'static str, Self); 6] = [
        ("==", Self::Is),
        ("!=", Self::IsNot),
        ("+=", Self::Add),
        ("-=", Self::Remove),
        ("=", Self::Set),
        (":=", Self::Final),
    ];

    /// As it is written.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("=", |(text, _)| text)
    }

    /// Whether it compares.
    pub fn is_match(self) -> bool {
        matches!(self, Self::Is | Self::IsNot)
    }
}

/// One token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Raw<'a> {
    /// `ATTR`
    pub(super) key: &'a str,
    /// What stands in its braces, where there are any.
    pub(super) attr: Option<&'a str>,
    /// Its operator.
    pub(super) op: Op,
    /// The value, escapes undone.
    pub(super) value: String,
    /// `i"…"`: compared without regard to case.
    pub(super) any_case: bool,
}

/// All tokens of a line (`parse_line`): blanks and commas between them, none of which is needed.
pub(super) fn split(line: &str) -> Result<Vec<Raw<'_>>, String> {
    let mut tokens = Vec::new();
    let skipped = |text| str::trim_start_matches(text, |c| c == ',' || BLANKS.contains(&c));
    let mut rest = skipped(line);
    while !rest.is_empty() {
        let (token, after) = one(rest)?;
        tokens.push(token);
        rest = skipped(after);
    }
    Ok(tokens)
}

fn one(text: &str) -> Result<(Raw<'_>, &str), String> {
    let cannot = || format!("`{}` is no KEY, operator and quoted value", shown(text));
    let end = key_end(text).ok_or_else(cannot)?;
    let (key, mut rest) = text.split_at_checked(end).ok_or_else(cannot)?;
    let mut attr = None;
    if let Some(inside) = rest.strip_prefix('{') {
        let (name, after) = inside.split_once('}').ok_or_else(cannot)?;
        (attr, rest) = (Some(name), after);
    }
    let rest = rest.trim_start_matches(BLANKS);
    let (sign, op) = Op::ALL.iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(cannot)?;
    let rest = rest.get(sign.len()..).unwrap_or_default().trim_start_matches(BLANKS);
    let (value, any_case, after) = value(rest).ok_or_else(cannot)?;
    Ok((Raw { key, attr, op: *op, value, any_case }, after))
}

/// Where the key ends: at a blank, a brace or an operator.
fn key_end(text: &str) -> Option<usize> {
    let at = text.find(|c| BLANKS.contains(&c) || matches!(c, '=' | '{'))?;
    let head = text.get(..=at)?;
    let early = ["+=", "-=", "!=", ":="].iter().filter_map(|sign| head.find(sign)).min();
    Some(early.unwrap_or(at))
}

/// The value, whether case counts not, and what follows (`udev_rule_parse_value`): in `"…"` only
/// `\"` escapes, in `e"…"` all that C knows.
fn value(text: &str) -> Option<(String, bool, &str)> {
    let quote = text.find('"')?;
    let (prefix, rest) = text.split_at_checked(quote)?;
    let (escaped, any_case) = match prefix {
        "" => (false, false),
        "e" => (true, false),
        "i" => (false, true),
        "ei" | "ie" => (true, true),
        _ => return None,
    };
    let rest = rest.get(1..)?;
    let mut chars = rest.char_indices();
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let value = if escaped { unescape(rest.get(..at)?)? } else { value };
                return Some((value, any_case, rest.get(at + 1..)?));
            }
            '\\' if escaped => {
                chars.next()?;
            }
            '\\' if rest.get(at + 1..)?.starts_with('"') => {
                chars.next();
                value.push('"');
            }
            c => value.push(c),
        }
    }
    None
}

/// `cunescape`; `None` where an escape is none
/// (<https://github.com/systemd/systemd/blob/v257/src/basic/escape.c>).
fn unescape(text: &str) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend(bytes::encode(rest.get(..at)?));
        let mut chars = rest.get(at + 1..)?.chars();
        let c = chars.next()?;
        let digits = |count: usize, radix: u32| {
            let digits = chars.as_str().get(..count)?;
            // A sign would be taken for part of the number.
            digits.chars().all(|c| c.is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok())?
        };
        let mut take = 0;
        match c {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            's' => out.push(b' '),
            '\\' | '"' | '\'' => out.extend(bytes::encode(c.encode_utf8(&mut [0; 4]))),
            'x' => {
                out.push(u8::try_from(digits(2, 16)?).ok().filter(|byte| *byte != 0)?);
                take = 2;
            }
            'u' | 'U' => {
                take = if c == 'u' { 4 } else { 8 };
                let c = char::from_u32(digits(take, 16)?).filter(|c| *c != '\0')?;
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
            '0'..='7' => {
                let octal = rest.get(at + 1..at + 4).filter(|text| text.chars().all(|c| c.is_digit(8)))?;
                out.push(u8::from_str_radix(octal, 8).ok().filter(|byte| *byte != 0)?);
                take = 2;
            }
            _ => return None,
        }
        rest = chars.as_str().get(take..)?;
    }
    out.extend(bytes::encode(rest));
    Some(bytes::decode(&out))
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(line: &str) -> Option<Vec<String>> {
        let one = |raw: &Raw<'_>| {
            let attr = raw.attr.map(|attr| format!("{{{attr}}}")).unwrap_or_default();
            format!("{}{attr}{}{}{}", raw.key, raw.op.text(), if raw.any_case { "i" } else { "" }, raw.value)
        };
        Some(split(line).ok()?.iter().map(one).collect())
    }

    #[test]
    fn tokens_are_split_as_udev_splits_them() {
        for (line, expected) in [
            (
                r#"KERNEL=="sda", ATTR{queue/scheduler}="none""#,
                &["KERNEL==sda", "ATTR{queue/scheduler}=none"][..],
            ),
            (r#",, KERNEL == "sd\"a"ACTION!="x""#, &["KERNEL==sd\"a", "ACTION!=x"]),
            (r#"ATTR{a=b}:="1" RUN+="x=\n" TAG-="y""#, &["ATTR{a=b}:=1", "RUN+=x=\\n", "TAG-=y"]),
            (
                r#"A==e"a\tb\x41\101\\\"" B!=i"x" C==ei"\s" D==ie"y""#,
                &["A==a\tbAA\\\"", "B!=ix", "C==i ", "D==iy"],
            ),
            (r#"="x""#, &["=x"]),
            ("  ,", &[]),
        ] {
            assert_eq!(
                flat(line).as_deref(),
                Some(&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]),
                "{line}"
            );
        }
        for line in [
            r#"KERNEL=="sda" nonsense"#,
            r#"KERNEL=="sda" # comment"#,
            r#"KERNEL=="sda"#,
            "KERNEL==sda",
            r#"KERNEL"sda""#,
            r#"ATTR{x="1""#,
            r#"ATTR {x}="1""#,
            r#"KERNEL==e"\q""#,
            r#"KERNEL==e"\0""#,
            r#"KERNEL==e"\x00""#,
            r#"KERNEL==e"a\"#,
            r#"KERNEL==ee"a""#,
            r#"KERNEL==x"a""#,
            "KERNEL",
        ] {
            assert_eq!(flat(line), None, "{line}");
        }
    }
}
