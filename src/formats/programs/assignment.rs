//! `KEY=value` files that a shell reads: `/etc/default/ufw`, `/etc/sysconfig/saptune`.

/// One assignment's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// As the shell leaves it.
    Value(String),
    /// It holds something that only a shell can tell: `$`, a backquote, an open quote.
    Open,
}

/// The value that a key has in the end, and its line; `None` where no line gives it one.
pub fn last(text: &str, key: &str) -> Option<(u32, Assigned)> {
    let numbered = (1..).zip(text.lines());
    let mut found = None;
    for (number, line) in numbered {
        let line = line.trim_start_matches([' ', '\t']);
        let line = line.strip_prefix("export ").unwrap_or(line);
        if let Some(value) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')) {
            found = Some((number, word(value)));
        }
    }
    found
}

/// The first word of a shell's text, without its quotes.
fn word(text: &str) -> Assigned {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | ';' | '&' | '|' | '\r' => break,
            '#' if value.is_empty() => break,
            '$' | '`' => return Assigned::Open,
            '\'' => match take_until(&mut chars, '\'') {
                Some(inner) => value.push_str(&inner),
                None => return Assigned::Open,
            },
            '"' => match take_until(&mut chars, '"') {
                Some(inner) if !inner.contains(['$', '`', '\\']) => value.push_str(&inner),
                _ => return Assigned::Open,
            },
            '\\' => match chars.next() {
                Some(c) => value.push(c),
                None => return Assigned::Open,
            },
            c => value.push(c),
        }
    }
    Assigned::Value(value)
}

fn take_until(chars: &mut std::str::Chars<'_>, end: char) -> Option<String> {
    let mut inner = String::new();
    for c in chars.by_ref() {
        if c == end {
            return Some(inner);
        }
        inner.push(c);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_the_shells() {
        for (text, expected) in [
            ("IPT_SYSCTL=/etc/ufw/sysctl.conf\n", "/etc/ufw/sysctl.conf"),
            ("IPT_SYSCTL=/a\n# IPT_SYSCTL=/c\nIPT_SYSCTL=\"/b\" # x\n", "/b"),
            ("  export IPT_SYSCTL='/a'/b;x\n", "/a/b"),
            ("IPT_SYSCTL=\n", ""),
            ("IPT_SYSCTL=/a\\ b\n", "/a b"),
        ] {
            let found = last(text, "IPT_SYSCTL").unwrap().1;
            assert_eq!(found, Assigned::Value(expected.to_owned()), "{text:?}");
        }
        for text in ["IPT_SYSCTL=$HOME/x\n", "IPT_SYSCTL=\"/a\n", "IPT_SYSCTL=`x`\n"] {
            assert_eq!(last(text, "IPT_SYSCTL").unwrap().1, Assigned::Open, "{text:?}");
        }
        assert_eq!(last("IPT_SYSCTL2=x\nIPT_SYSCTL =x\n", "IPT_SYSCTL"), None);
    }
}
