//! What a command that udev runs writes into attributes and sysctl keys.

use super::base;
use super::device::Subject;
use super::paths::{UNKNOWN, is_node, is_path};
use super::pattern::Answer;
use super::shell::{Command, commands, said};
use crate::tunable::UdevAttr;

/// Something that a command writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    /// What it writes; `None` where that is not known.
    pub(super) value: Option<String>,
    /// Whether it does.
    pub(super) sure: Answer,
}

/// What is asked of a command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// Writes to an attribute of a disk.
    Attr(&'a Subject<'a>, UdevAttr),
    /// Writes to a sysctl key, with dots.
    Sysctl(&'a str),
}

/// Words of a command line, as udev splits it before it runs it: quotes of both kinds, no escapes
/// (`udev_event_spawn`, <https://github.com/systemd/systemd/blob/v257/src/udev/udev-spawn.c>).
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in command.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_ascii_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What a command writes of what is asked for. `variable` knows the device's properties, which a
/// program finds in its environment.
pub(super) fn writes(
    command: &str,
    wanted: Wanted<'_>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<Write> {
    let mut words = words(command);
    while let Some(first) = words.first() {
        // Programs that run another one.
        let wraps = ["env", "nice", "ionice", "setsid", "nohup", "sudo", "busybox", "timeout", "systemd-run"];
        if !wraps.contains(&base(first)) {
            break;
        }
        words.remove(0);
        while words.first().is_some_and(|word| {
            word.starts_with('-')
                || word.contains('=')
                || word.chars().all(|c| c.is_ascii_digit() || c == '.')
        }) {
            words.remove(0);
        }
    }
    let Some(program) = words.first() else { return Vec::new() };
    if is_shell(program) {
        let script = words.iter().skip_while(|word| !is_script_option(word)).nth(1);
        if let Some(script) = script {
            return commands(script, variable).iter().flat_map(|command| of(command, wanted)).collect();
        }
    }
    of(&Command { words, ..Command::default() }, wanted)
}

fn is_shell(program: &str) -> bool {
    ["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"].contains(&base(program))
}

fn is_script_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

/// What one simple command writes.
fn of(command: &Command, wanted: Wanted<'_>) -> Vec<Write> {
    let program = command.words.first().map_or("", |program| base(program));
    let text = |words: Option<Vec<String>>| words.map(|words| words.join(" "));
    let mut found = Vec::new();
    let mut add = |answer: Answer, value: Option<String>| {
        let condition = || Answer::Maybe("the command has a condition of its own".to_owned());
        let sure = if command.conditional { answer.and(condition()) } else { answer };
        if sure != Answer::No {
            found.push(Write { value: value.filter(|value| !value.contains(UNKNOWN)), sure });
        }
    };
    for path in &command.outputs {
        add(is_file(path, wanted), text(said(command)));
    }
    let rest = command.words.get(1..).unwrap_or_default();
    match (program, wanted) {
        ("tee", _) => {
            for path in rest.iter().filter(|word| !word.starts_with('-')) {
                add(is_file(path, wanted), (!command.input.is_empty()).then(|| command.input.join(" ")));
            }
        }
        ("blockdev", Wanted::Attr(subject, UdevAttr::ReadAheadKb)) => {
            for (option, value) in rest.iter().zip(rest.iter().skip(1)) {
                if matches!(option.as_str(), "--setra" | "--setfra") {
                    add(any_node(rest, subject), half(value));
                }
            }
        }
        ("hdparm", Wanted::Attr(subject, UdevAttr::ReadAheadKb)) => {
            for (at, word) in rest.iter().enumerate() {
                let value = word.strip_prefix("-a").map(|own| {
                    if own.is_empty() { rest.get(at + 1).map_or("", String::as_str) } else { own }
                });
                if let Some(value) = value.filter(|value| value.starts_with(|c: char| c.is_ascii_digit())) {
                    add(any_node(rest, subject), half(value));
                }
            }
        }
        ("sysctl", Wanted::Sysctl(key)) => {
            for (name, value) in rest.iter().filter_map(|word| word.split_once('=')) {
                add(is_key(name, key), Some(value.trim().to_owned()));
            }
        }
        ("echo" | "printf" | "test" | "[" | "cat" | "sh" | "logger" | "ls", _) => {}
        // Another program that is given the path.
        (program, _) => {
            for path in rest.iter().filter(|word| word.starts_with('/')) {
                let maybe = || Answer::Maybe(format!("{program} is given its path, and may write it"));
                add(is_file(path, wanted).and(maybe()), None);
            }
        }
    }
    found
}

/// Sectors of 512 bytes as KiB.
fn half(sectors: &str) -> Option<String> {
    sectors.parse::<u64>().ok().map(|sectors| (sectors / 2).to_string())
}

fn any_node(words: &[String], subject: &Subject<'_>) -> Answer {
    words.iter().fold(Answer::No, |answer, word| answer.or(is_node(subject, word)))
}

fn is_file(path: &str, wanted: Wanted<'_>) -> Answer {
    match wanted {
        Wanted::Attr(subject, attr) => is_path(subject, path, attr),
        Wanted::Sysctl(key) => match path.strip_prefix("/proc/sys/") {
            Some(name) => Answer::from(name.replace('/', ".") == key),
            None => Answer::No,
        },
    }
}

/// Whether two ways of writing a sysctl's name are one: the first of `/` and `.` separates.
pub(super) fn is_key(name: &str, key: &str) -> Answer {
    if name.contains(UNKNOWN) {
        return Answer::Maybe("the name of the key is not known".to_owned());
    }
    let slashes = name.find('/').unwrap_or(usize::MAX) < name.find('.').unwrap_or(usize::MAX);
    Answer::from(if slashes { name.replace('/', ".") == key } else { name == key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunable::Select;

    #[test]
    fn words_are_split_as_udev_splits_them() {
        assert_eq!(
            words("/bin/sh -c 'echo \"a b\" > x' \"\" c"),
            ["/bin/sh", "-c", "echo \"a b\" > x", "", "c"]
        );
    }

    #[test]
    fn sysctl_keys_are_found() {
        let flat = |command: &str| {
            let found = writes(command, Wanted::Sysctl("vm.swappiness"), &|_| None);
            found.into_iter().map(|write| write.value.unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(flat("/usr/sbin/sysctl -q -w vm.swappiness=1 vm/swappiness=2 vm.x=3"), ["1", "2"]);
        assert_eq!(flat("sh -c 'echo 5 > /proc/sys/vm/swappiness'"), ["5"]);
    }

    #[test]
    fn read_ahead_is_given_in_sectors() {
        let subject = Subject::of_class(Select::StorvscScsi);
        let name = &subject.name;
        let wanted = Wanted::Attr(&subject, UdevAttr::ReadAheadKb);
        let flat = |command: &str| {
            let found = writes(command, wanted, &|_| None);
            found
                .into_iter()
                .map(|write| (write.value.unwrap_or_default(), write.sure == Answer::Yes))
                .collect::<Vec<_>>()
        };
        let one = |value: &str, sure| vec![(value.to_owned(), sure)];
        assert_eq!(flat(&format!("/sbin/blockdev --setra 8192 /dev/{name}")), one("4096", true));
        assert_eq!(flat(&format!("/sbin/hdparm -a64 /dev/{name}")), one("32", true));
        assert_eq!(flat(&format!("nice -n 5 /sbin/hdparm -q -a 64 /dev/{name}")), one("32", true));
        assert_eq!(flat("/sbin/blockdev --setra 8192 /dev/sda"), one("4096", false));
        assert_eq!(flat("/sbin/blockdev --setra 8192 /dev/vda"), []);
        assert_eq!(flat("/usr/bin/tune /sys/block/sda/queue/read_ahead_kb"), one("", false));
        assert_eq!(
            flat(&format!("/bin/sh -c 'echo 64 > /sys/block/{name}/queue/read_ahead_kb'")),
            one("64", true)
        );
    }
}
