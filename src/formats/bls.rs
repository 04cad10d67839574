//! Boot entries of `loader/entries`
//! (<https://uapi-group.org/specifications/specs/boot_loader_specification/>).

/// An entry, as far as it names a kernel and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// `title`
    pub title: String,
    /// `version`: of ostree's entries, the one with the greatest number is booted.
    pub version: String,
    /// `linux`; empty where the entry starts something else.
    pub linux: String,
    /// `machine-id`: of the installation that the entry belongs to; empty where it does not say.
    pub machine_id: String,
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
            "version" => value.clone_into(&mut entry.version),
            "linux" => value.clone_into(&mut entry.linux),
            "machine-id" => value.clone_into(&mut entry.machine_id),
            "options" => entry.options.push((number, value.to_owned())),
            _ => {}
        }
    }
    entry
}

/// Why GRUB would not see what is appended to the entry's first `options` line, where that is so. A line
/// without a value ends the entry; to Red Hat's GRUB a key goes on to the first blank, over a tab; and `#`
/// begins a comment, as in any script of GRUB's
/// (<https://github.com/rhboot/grub2/blob/rhel-9-main/grub-core/commands/blscfg.c>, `read_entry`).
pub fn unread_by_grub(text: &str) -> Option<String> {
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start_matches([' ', '\t']);
        if line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once(' ').or_else(|| line.split_once('\t')) else {
            return Some(format!(
                "line {number} has no value, and ends the entry for GRUB: take the line out"
            ));
        };
        if key.split('\t').next() != Some("options") {
            continue;
        }
        if key != "options" {
            return Some(format!(
                "line {number} has a tab behind options, which not every GRUB reads: put a blank there"
            ));
        }
        let comment = value.split([' ', '\t']).any(|word| word.starts_with('#'));
        let why =
            format!("line {number} has a #, and GRUB reads nothing behind it: take it out, and what follows");
        return comment.then_some(why);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grub_reads_less_than_others() {
        for (text, line) in [
            ("title x\n\noptions root=a\n", Some(2)),
            ("title x\nlinux\noptions root=a\n", Some(2)),
            ("title x\noptions\troot=a ro\n", Some(2)),
            ("options root=a # ro\n", Some(1)),
            ("options root=a #ro\n", Some(1)),
            ("# x\n  # y\ntitle x\n \toptions root=a#b ro\n\n", None),
            ("title\tx\noptions   root=a\n", None),
        ] {
            let why = unread_by_grub(text);
            let start = line.map(|line| format!("line {line} "));
            assert_eq!(why.is_some(), start.is_some(), "{text:?}: {why:?}");
            assert!(why.unwrap_or_default().starts_with(&start.unwrap_or_default()), "{text:?}");
        }
    }

    #[test]
    fn an_entry_is_read() {
        let text = "# x\ntitle Rocky Linux (5.14)\nlinux\t/vmlinuz-5.14\r\noptions  root=/dev/x ro \noptions quiet\noption no\n";
        let entry = parse(text);
        assert_eq!((entry.title.as_str(), entry.linux.as_str()), ("Rocky Linux (5.14)", "/vmlinuz-5.14"));
        assert_eq!(entry.options, [(4, "root=/dev/x ro".to_owned()), (5, "quiet".to_owned())]);
    }
}
