//! Boot entries of `loader/entries`
//! (<https://uapi-group.org/specifications/specs/boot_loader_specification/>).

/// An entry, as far as it names a kernel and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// `title`
    pub title: String,
    /// `linux`; empty where the entry starts something else.
    pub linux: String,
    /// Every `options` line: its number, from 1, and its text.
    pub options: Vec<(u32, String)>,
}

/// Reads an entry. A key ends at the first blank; `#` begins a comment at the start of a line.
pub fn parse(text: &str) -> Entry {
    let mut entry = Entry::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let value = value.trim();
        match key {
            "title" => value.clone_into(&mut entry.title),
            "linux" => value.clone_into(&mut entry.linux),
            "options" => entry.options.push((number, value.to_owned())),
            _ => {}
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read() {
        let text = "# x\ntitle Rocky Linux (5.14)\nlinux\t/vmlinuz-5.14\r\noptions  root=/dev/x ro \noptions quiet\noption no\n";
        let entry = parse(text);
        assert_eq!((entry.title.as_str(), entry.linux.as_str()), ("Rocky Linux (5.14)", "/vmlinuz-5.14"));
        assert_eq!(entry.options, [(4, "root=/dev/x ro".to_owned()), (5, "quiet".to_owned())]);
    }
}
