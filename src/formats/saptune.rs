//! saptune's notes: sections with tags, `key = value` lines.

/// One line of a section that sets a knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Line number, from 1.
    pub line: u32,
    /// `sysctl` or `block`.
    pub section: String,
    /// Tags of the section, joined by `:`; empty where it has none.
    pub tags: String,
    /// Key: `vm.dirty_bytes`, `IO_SCHEDULER`.
    pub key: String,
    /// `=`, `<`, `>`, …
    pub operator: String,
    /// Value, without quotes; empty where the note leaves the knob alone.
    pub value: String,
}

/// The lines of the sections `sysctl` and `block`
/// (<https://github.com/SUSE/saptune/blob/main/txtparser/ini.go>, `ParseINI`).
pub fn read(text: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let (mut section, mut tags) = (String::new(), String::new());
    for (line, row) in (1..).zip(text.lines()) {
        let row = uncommented(row.trim()).trim();
        if let Some(header) = row.strip_prefix('[') {
            let header = header.strip_suffix(']').unwrap_or(header);
            let (name, rest) = header.split_once(':').unwrap_or((header, ""));
            (section, tags) = (name.to_owned(), rest.to_owned());
        } else if matches!(section.as_str(), "sysctl" | "block")
            && let Some((key, operator, value)) = setting(row)
        {
            let (section, tags) = (section.clone(), tags.clone());
            settings.push(Setting { line, section, tags, key, operator, value });
        }
    }
    settings
}

/// The line without its comment: `#` at the start, or a blank, `#` and anything but a second `#`.
fn uncommented(row: &str) -> &str {
    if row.starts_with('#') {
        return "";
    }
    let begins = |(at, _): &(usize, char)| {
        let mut after = row.get(*at..).unwrap_or_default().chars();
        after.next().is_some_and(char::is_whitespace)
            && after.next() == Some('#')
            && after.next().is_some_and(|c| c != '#')
    };
    row.char_indices().find(begins).and_then(|(at, _)| row.get(..at)).unwrap_or(row)
}

fn setting(row: &str) -> Option<(String, String, String)> {
    let at = row.find(['<', '=', '>'])?;
    let (key, rest) = row.split_at_checked(at)?;
    let end = rest.find(|c| !matches!(c, '<' | '=' | '>')).unwrap_or(rest.len());
    let (operator, value) = rest.split_at_checked(end)?;
    let key = key.trim_end();
    let known = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
    let value = value.trim_start().trim_start_matches(['"', '\'']).trim_end_matches(['"', '\'']);
    (!key.is_empty() && key.chars().all(known))
        .then(|| (key.to_owned(), operator.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read() {
        let text = "# vm.x=1\n[version]\nVERSION=1\n[sysctl]\n# a = b\nvm.dirty_bytes=629145600 # 600 MB\nkernel/x=1\n\
                    vm.dirty_background_bytes = \"314572800\"\n[sysctl:csp=azure:os=15-*]\nvm.swappiness > 5\nvm.y =\n\
                    [block]\nIO_SCHEDULER=noop, none\n[limits]\nx=1\n";
        let told: Vec<String> = read(text)
            .iter()
            .map(|s| format!("{} {}:{} {} {} {}", s.line, s.section, s.tags, s.key, s.operator, s.value))
            .collect();
        assert_eq!(
            told,
            [
                "6 sysctl: vm.dirty_bytes = 629145600",
                "8 sysctl: vm.dirty_background_bytes = 314572800",
                "10 sysctl:csp=azure:os=15-* vm.swappiness > 5",
                "11 sysctl:csp=azure:os=15-* vm.y = ",
                "13 block: IO_SCHEDULER = noop, none",
            ]
        );
    }
}
