//! The kernel command line as a value: split, look up, match, and change in place. Pure.

mod line;

pub use line::{Fault, LIMIT, Limit, Line};

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
        let args = args(text.trim_end_matches(['\n', '\0']));
        Self { args: args.into_iter().map(|(_, arg)| arg.to_owned()).collect() }
    }

    /// The last value of a key, as the last one wins; `Some("")` for a bare key.
    /// Dash and underscore are the same in a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.args.iter().rev().find_map(|arg| value_of(arg, key))
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

/// The kernel's own arguments, each with the place of its first byte; what follows `--` is init's.
fn args(text: &str) -> Vec<(usize, &str)> {
    let mut found = tokens(text);
    found.truncate(found.iter().position(|(_, token)| is_end(token)).unwrap_or(found.len()));
    found
}

/// Whether the kernel stops here and leaves the rest to init.
fn is_end(token: &str) -> bool {
    token == "--" || token == "\"--\""
}

/// All that stands between blanks, each with the place of its first byte.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut quoted) = (None, false);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        quoted ^= c == '"';
        let is_over = at == text.len() || (is_blank(c) && !quoted);
        if !is_over {
            start = start.or(Some(at));
        } else if let Some(start) = start.take() {
            found.extend(text.get(start..at).map(|token| (start, token)));
        }
    }
    found
}

/// What the kernel takes for a blank, among ASCII.
fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

/// The value that an argument gives this key.
fn value_of<'a>(arg: &'a str, key: &str) -> Option<&'a str> {
    let (name, value) = split_arg(arg);
    same_key(name, key).then_some(value)
}

/// Whether every value of a key counts, and not only the last
/// (<https://docs.kernel.org/admin-guide/kernel-parameters.html>, dracut.cmdline(7), systemd(1)).
pub fn accumulates(key: &str) -> bool {
    const LISTS: &[&str] = &[
        "acpi_osi",
        "console",
        "crashkernel",
        "dyndbg",
        "earlycon",
        "earlyprintk",
        "hugepages",
        "hugepagesz",
        "ifname",
        "initcall_blacklist",
        "ip",
        "memmap",
        "modprobe.blacklist",
        "nameserver",
        "pci",
        "systemd.mask",
        "systemd.setenv",
        "systemd.wants",
        "video",
    ];
    key.starts_with("rd.") || LISTS.iter().any(|list| same_key(key, list))
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
            ("ro \"--\" init-arg", &["ro"]),
            ("a=\"b c", &["a=\"b c"]),
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
