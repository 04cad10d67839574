//! Other people's sysctl files, line by line, as each of the two programs reads them.

use crate::formats::glob::has_wildcard;

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Line number, from 1.
    pub line: u32,
    /// `-` before the key: failure to set it is ignored.
    pub optional: bool,
    /// The key as a path below `/proc/sys`, wildcards kept: `vm/swappiness`.
    pub key: String,
    /// The key was written with dots, which is the only form that tuned understands.
    pub dotted: bool,
    /// The value; `None` on a line that keeps the key out (`-key` without `=`).
    pub value: Option<String>,
}

impl Line {
    /// Whether the key holds a wildcard, which both programs expand.
    pub fn is_glob(&self) -> bool {
        has_wildcard(&self.key)
    }
}

/// systemd-sysctl's reading, from version 246 on: CR and NUL end a line as LF does, `#` and `;` begin a
/// comment at the start of a line only, and of a key that has dots the dots are slashes
/// (<https://github.com/systemd/systemd/blob/v257/src/sysctl/sysctl.c>, `read_line_full` and `sysctl_normalize`).
pub fn read(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, row) in (1..).zip(text.split('\n')) {
        for part in row.split(['\r', '\0']) {
            let part = part.trim_matches([' ', '\t']);
            if !part.is_empty() && !part.starts_with(['#', ';']) {
                lines.extend(assignment(number, part, |c| matches!(c, ' ' | '\t')));
            }
        }
    }
    lines
}

/// The reading of procps' `sysctl` 4: lines end with LF alone, and C's `isspace` is stripped
/// (<https://gitlab.com/procps-ng/procps/-/blob/v4.0.4/src/sysctl.c>, `parse_setting_line`).
pub fn read_procps(text: &str) -> Vec<Line> {
    let blank = |c: char| matches!(c, ' ' | '\t'..='\r');
    let mut lines = Vec::new();
    for (number, row) in (1..).zip(text.split('\n')) {
        // C's strings end at NUL.
        let row = row.split('\0').next().unwrap_or_default().trim_matches(blank);
        if row.len() > 1 && !row.starts_with(['#', ';']) {
            lines.extend(assignment(number, row, blank));
        }
    }
    lines
}

fn assignment(line: u32, text: &str, blank: impl Fn(char) -> bool) -> Option<Line> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (text.strip_prefix('-').map(|_| text)?, None),
    };
    let (optional, key) = match key.strip_prefix('-') {
        Some(rest) => (value.is_some(), rest),
        None => (false, key),
    };
    let written = key.trim_matches(&blank);
    let (key, dotted) = (path_of(written), !written.contains('/'));
    let value = value.map(|value| value.trim_matches(&blank).to_owned());
    (!key.is_empty()).then_some(Line { line, optional, key, dotted, value })
}

/// The path below `/proc/sys` of a key in either form. Where a dot comes before any slash, dots are
/// slashes and slashes dots; empty parts are left out, as they name nothing.
pub fn path_of(key: &str) -> String {
    let swap = key.find(['.', '/']).is_some_and(|at| key.get(at..=at) == Some("."));
    let path: String = if swap { key.chars().map(super::swapped).collect() } else { key.to_owned() };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

/// The key with dots of a path below `/proc/sys`.
pub fn key_of(path: &str) -> String {
    path.chars().map(super::swapped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[Line]) -> Vec<String> {
        let value = |line: &Line| line.value.clone().map_or("out".to_owned(), |value| format!("={value}"));
        let dash = |line: &Line| if line.optional { "-" } else { "" };
        lines.iter().map(|l| format!("{} {}{} {}", l.line, dash(l), l.key, value(l))).collect()
    }

    #[test]
    fn systemd_and_procps_read_the_same_text_differently() {
        let text = "# a\n ;b\nvm.swappiness = 10 # low\r\n-vm/dirty_ratio=\t5\n-vm.dirty_bytes\nvm.panic\n\
                    vm.a=1\rvm.b=2\nvm.c=3\0vm.d=4\n=5\n/vm//x/ = 6\n.vm.y=7\nnet.ipv4.conf.eth0/1.z=8\nvm.*=9\n- vm.w =\nk";
        assert_eq!(
            shown(&read(text)),
            [
                "3 vm/swappiness =10 # low",
                "4 -vm/dirty_ratio =5",
                "5 vm/dirty_bytes out",
                "7 vm/a =1",
                "7 vm/b =2",
                "8 vm/c =3",
                "8 vm/d =4",
                "10 vm/x =6",
                "11 vm/y =7",
                "12 net/ipv4/conf/eth0.1/z =8",
                "13 vm/* =9",
                "14 -vm/w =",
            ]
        );
        let procps = shown(&read_procps(text));
        assert_eq!(procps[3..6], ["7 vm/a =1\rvm.b=2", "8 vm/c =3", "10 vm/x =6"]);
    }

    #[test]
    fn a_key_is_a_path_in_either_form() {
        for (key, path) in [
            ("vm.swappiness", "vm/swappiness"),
            ("vm/swappiness", "vm/swappiness"),
            ("vm..swappiness", "vm/swappiness"),
            ("net/ipv4/conf/eth0.1/x", "net/ipv4/conf/eth0.1/x"),
        ] {
            assert_eq!(path_of(key), path, "{key}");
        }
        assert_eq!(key_of("net/ipv4/conf/eth0.1/x"), "net.ipv4.conf.eth0/1.x");
    }
}
