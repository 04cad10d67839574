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

/// Lenient: every assignment that systemd-sysctl would take. Exclusions (`-key`
/// without a value) and lines that are none are left out, keys with wildcards kept
/// (<https://github.com/systemd/systemd/blob/v257/src/sysctl/sysctl.c>).
pub fn scan(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (optional, key) = match key.strip_prefix('-') {
            Some(key) => (true, key),
            None => (false, key),
        };
        let key = dotted(key.trim());
        if !key.is_empty() {
            entries.push(Entry { line: number, optional, key, value: value.trim().to_owned() });
        }
    }
    entries
}

/// The key with dots between its parts. The first separator decides which of `.` and `/`
/// separates; the other is then part of a name and stands for its counterpart.
fn dotted(key: &str) -> String {
    let key = key.trim_start_matches('/');
    match key.find(['.', '/']).and_then(|at| key.get(at..=at)) {
        Some("/") => key.chars().map(swapped).collect(),
        _ => key.to_owned(),
    }
}

fn swapped(c: char) -> char {
    match c {
        '.' => '/',
        '/' => '.',
        other => other,
    }
}

/// One write as a reader of all files finally does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective<'a> {
    /// The file that it comes from.
    pub path: &'a str,
    /// The assignment there.
    pub entry: &'a Entry,
}

/// What systemd-sysctl writes, in its order, from files in reading order. It keeps an
/// ordered map: a later line with an equal value leaves the earlier one at its place,
/// one with another value replaces it and moves to the end. That matters for pairs that
/// exclude each other, such as `vm.dirty_ratio` and `vm.dirty_bytes`
/// (<https://github.com/systemd/systemd/blob/v257/src/sysctl/sysctl.c>, `parse_file`).
pub fn effective<'a>(files: &[(&'a str, &'a [Entry])]) -> Vec<Effective<'a>> {
    let mut writes: Vec<Effective<'a>> = Vec::new();
    for &(path, entries) in files {
        for entry in entries {
            let earlier = writes.iter().position(|write| write.entry.key == entry.key);
            match earlier {
                Some(at) if writes.get(at).is_some_and(|w| w.entry.value == entry.value) => continue,
                Some(at) => drop(writes.remove(at)),
                None => {}
            }
            writes.push(Effective { path, entry });
        }
    }
    writes
}

/// What `sysctl --system` of procps leaves in force, in its order: every line is written
/// when read, `etc/sysctl.conf` after all other files whatever its place in `files`
/// (<https://man7.org/linux/man-pages/man8/sysctl.8.html>).
pub fn effective_procps<'a>(files: &[(&'a str, &'a [Entry])]) -> Vec<Effective<'a>> {
    let last = |path: &str| path.trim_start_matches('/') == "etc/sysctl.conf";
    let (late, early): (Vec<_>, Vec<_>) = files.iter().copied().partition(|(path, _)| last(path));
    let mut writes: Vec<Effective<'a>> = Vec::new();
    for (path, entries) in early.into_iter().chain(late) {
        for entry in entries {
            writes.retain(|write| write.entry.key != entry.key);
            writes.push(Effective { path, entry });
        }
    }
    writes
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

    #[test]
    fn others_lines_are_read_as_systemd_does() {
        let text = "# a\n ; b\nvm.swappiness=60\n  -vm.dirty_ratio =\t 20  \r\nvm/dirty_bytes = 5\n\
                    net/ipv4/conf/eth0.100/rp_filter = 1\nnet.ipv4.conf.eth0/100.rp_filter=2\n\
                    -net.ipv4.conf.lo.rp_filter\nnonsense\n=3\nnet.ipv4.conf.*.rp_filter = 2\n\
                    kernel.core_pattern=|/bin/x a=b";
        assert_eq!(
            scan(text),
            [
                entry(3, false, "vm.swappiness", "60"),
                entry(4, true, "vm.dirty_ratio", "20"),
                entry(5, false, "vm.dirty_bytes", "5"),
                entry(6, false, "net.ipv4.conf.eth0/100.rp_filter", "1"),
                entry(7, false, "net.ipv4.conf.eth0/100.rp_filter", "2"),
                entry(11, false, "net.ipv4.conf.*.rp_filter", "2"),
                entry(12, false, "kernel.core_pattern", "|/bin/x a=b"),
            ]
        );
    }

    fn order(writes: &[Effective<'_>]) -> Vec<String> {
        writes.iter().map(|w| format!("{} {}={}", w.path, w.entry.key, w.entry.value)).collect()
    }

    #[test]
    fn an_equal_later_value_keeps_the_early_place() {
        let first = scan("vm.dirty_ratio=20\n");
        let ours = scan("vm.dirty_bytes=268435456\n");
        for (value, systemd, procps) in [
            (
                "20",
                ["10 vm.dirty_ratio=20", "60 vm.dirty_bytes=268435456"],
                ["60 vm.dirty_bytes=268435456", "99 vm.dirty_ratio=20"],
            ),
            (
                "30",
                ["60 vm.dirty_bytes=268435456", "99 vm.dirty_ratio=30"],
                ["60 vm.dirty_bytes=268435456", "99 vm.dirty_ratio=30"],
            ),
        ] {
            let last = scan(&format!("vm.dirty_ratio={value}\n"));
            let files = [("10", &first[..]), ("60", &ours[..]), ("99", &last[..])];
            assert_eq!(order(&effective(&files)), systemd, "{value}");
            assert_eq!(order(&effective_procps(&files)), procps, "{value}");
        }
    }

    #[test]
    fn sysctl_conf_comes_last_for_procps_alone() {
        let conf = scan("vm.swappiness=60\n");
        let ours = scan("vm.swappiness=10\n");
        let files = [("etc/sysctl.conf", &conf[..]), ("etc/sysctl.d/90-hvtune.conf", &ours[..])];
        assert_eq!(order(&effective(&files)), ["etc/sysctl.d/90-hvtune.conf vm.swappiness=10"]);
        assert_eq!(order(&effective_procps(&files)), ["etc/sysctl.conf vm.swappiness=60"]);
    }
}
