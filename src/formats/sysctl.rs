//! sysctl.d files (man 5 sysctl.d).

pub mod order;
pub mod read;

use super::{Refusal, lines, only};

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Line number, from 1.
    pub line: u32,
    /// Failure to set it is ignored (`-` before the key).
    pub optional: bool,
    /// Key with dots.
    pub key: String,
    /// Value.
    pub value: String,
}

/// Strict: every assignment, in order.
pub fn parse(text: &str) -> Result<Vec<Entry>, Refusal> {
    lines(text)?.into_iter().map(|(number, line)| strict(number, line)).collect()
}

fn strict(number: u32, line: &str) -> Result<Entry, Refusal> {
    let (optional, rest) = match line.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let Some((key, value)) = rest.split_once(" = ") else {
        return Err(Refusal::new(number, "not of the form `key = value`"));
    };
    if !is_key(key) {
        return Err(Refusal::new(number, format!("`{key}` is no sysctl key of ours: words joined by dots")));
    }
    if !is_numbers(value) && !only(value, "_.,:=@/+-") {
        return Err(Refusal::new(number, format!("`{value}` is neither numbers nor one word")));
    }
    Ok(Entry { line: number, optional, key: key.to_owned(), value: value.to_owned() })
}

/// `[a-z0-9_-]+([.][A-Za-z0-9_-]+)+`, and no dash in front: that one is a mark.
fn is_key(key: &str) -> bool {
    let Some((first, rest)) = key.split_once('.') else { return false };
    !key.starts_with('-')
        && only(first, "_-")
        && !first.contains(|c: char| c.is_ascii_uppercase())
        && rest.split('.').all(|part| only(part, "_-"))
}

/// `-?[0-9]+( -?[0-9]+)*`
fn is_numbers(value: &str) -> bool {
    value.split(' ').all(|number| {
        let digits = number.strip_prefix('-').unwrap_or(number);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Dots and slashes exchanged: of a key's path the key with dots, and the other way round.
fn swapped(c: char) -> char {
    match c {
        '.' => '/',
        '/' => '.',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: u32, optional: bool, key: &str, value: &str) -> Entry {
        Entry { line, optional, key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn our_own_lines_parse() {
        let text = "# hvtune 0.1.0 sha256:0123456789abcdef\n\nvm.swappiness = 10\n\
                    -kernel.hung_task_timeout_secs = 240\nnet.ipv4.tcp_rmem = 4096 -1 6291456\n\
                    kernel.core_pattern = core.%e\n";
        let refusal = parse(text).unwrap_err();
        assert_eq!(refusal.line, 6, "{refusal}");
        let text = text.rsplit_once("kernel.core").unwrap().0;
        assert_eq!(
            parse(text).unwrap(),
            [
                entry(3, false, "vm.swappiness", "10"),
                entry(4, true, "kernel.hung_task_timeout_secs", "240"),
                entry(5, false, "net.ipv4.tcp_rmem", "4096 -1 6291456"),
            ]
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "vm.swappiness=10\n",
            "vm.swappiness = \n",
            "vm.swappiness =  10\n",
            " vm.swappiness = 10\n",
            "vm.swappiness = 10 \n",
            "vm.swappiness = a b\n",
            "vm/swappiness = 10\n",
            "swappiness = 10\n",
            "vm. = 10\n",
            "Vm.x = 10\n",
            "net.ipv4.conf.*.x = 1\n",
            "--vm.x = 1\n",
            "-vm.x\n",
            "; vm.x = 1\n",
            "vm.x = $(reboot)\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
