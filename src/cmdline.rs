//! The kernel command line as a value: split, look up, match. Pure.

/// A kernel command line, split into its arguments as the kernel does it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cmdline {
    /// The arguments in order, quotes kept, init's own (after `--`) left out.
    pub args: Vec<String>,
}

impl Cmdline {
    /// Splits at blanks outside double quotes; there is no escape
    /// (lib/cmdline.c `next_arg`: <https://github.com/torvalds/linux/blob/v6.12/lib/cmdline.c>).
    pub fn parse(text: &str) -> Self {
        let mut args = Vec::new();
        let mut arg = String::new();
        let mut quoted = false;
        for c in text.trim_end_matches(['\n', '\0']).chars() {
            match c {
                '"' => {
                    quoted = !quoted;
                    arg.push(c);
                }
                c if c.is_ascii_whitespace() && !quoted => {
                    if !arg.is_empty() {
                        args.push(std::mem::take(&mut arg));
                    }
                }
                c => arg.push(c),
            }
        }
        if !arg.is_empty() {
            args.push(arg);
        }
        if let Some(end) = args.iter().position(|arg| arg == "--") {
            args.truncate(end);
        }
        Self { args }
    }

    /// The last value of a key, as the last one wins; `Some("")` for a bare key.
    /// Dash and underscore are the same in a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.args.iter().rev().find_map(|arg| {
            let (name, value) = split_arg(arg);
            same_key(name, key).then_some(value)
        })
    }

    /// Whether exactly this argument (`key=value` or bare `key`) is in force for its key.
    pub fn holds(&self, arg: &str) -> bool {
        let (key, value) = split_arg(arg);
        self.value(key) == Some(value)
    }

    /// Bytes it takes, with single blanks.
    pub fn bytes(&self) -> usize {
        self.args.iter().map(|arg| arg.len() + 1).sum::<usize>().saturating_sub(1)
    }
}

/// Splits `key=value`, without the quotes around the value or the whole argument.
pub fn split_arg(arg: &str) -> (&str, &str) {
    let arg = arg.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(arg);
    let (key, value) = arg.split_once('=').unwrap_or((arg, ""));
    (key, value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value))
}

/// Whether two keys are the same to the kernel: `-` and `_` are.
pub fn same_key(a: &str, b: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(x, y)| plain(x) == plain(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_the_kernel_does() {
        for (text, args) in [
            (
                "BOOT_IMAGE=/vmlinuz root=LABEL=root ro quiet\n",
                &["BOOT_IMAGE=/vmlinuz", "root=LABEL=root", "ro", "quiet"][..],
            ),
            ("a  b\tc", &["a", "b", "c"]),
            ("dyndbg=\"file x +p\" ro", &["dyndbg=\"file x +p\"", "ro"]),
            ("\"m.p=a b\" ro", &["\"m.p=a b\"", "ro"]),
            ("ro -- init-arg", &["ro"]),
            ("", &[]),
        ] {
            assert_eq!(Cmdline::parse(text).args, args, "{text:?}");
        }
    }

    #[test]
    fn the_last_value_wins_and_dash_is_underscore() {
        let line = Cmdline::parse("nvme-core.io_timeout=30 ro nvme_core.io_timeout=240 \"x.y=a b\"");
        assert_eq!(line.value("nvme_core.io-timeout"), Some("240"));
        assert_eq!(line.value("ro"), Some(""));
        assert_eq!(line.value("x.y"), Some("a b"));
        assert_eq!(line.value("elevator"), None);
        assert!(line.holds("nvme_core.io_timeout=240"));
        assert!(!line.holds("nvme_core.io_timeout=30"));
    }
}
