//! Shell scripts that run once at boot (`rc.local`), as far as their lines are plain.
//!
//! No shell is imitated: a plain `echo VALUE > PATH`, `… | tee PATH` or `sysctl -w KEY=VALUE` is taken at its
//! word, any other line that names a knob is a write whose value nobody knows.

mod words;

use super::PathWrite;
use crate::formats::sysctl::read::path_of;
use words::{Command, commands};

/// What a script gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Its writes, in order.
    pub writes: Vec<PathWrite>,
    /// Lines on which it runs `sysctl` over files: every file, or these.
    pub applies: Vec<Applies>,
}

/// A line that runs `sysctl -p FILE` or `sysctl --system`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applies {
    /// Line number, from 1.
    pub line: u32,
    /// Over which.
    pub files: Files,
}

/// The files that a `sysctl` command applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// The one of `-p`: `/etc/sysctl.conf` unless another is named.
    One(String),
    /// All, with `--system`.
    All,
}

const CONDITIONAL: &str = "it stands inside a condition, a loop or a function";
const UNREAD: &str = "what the line does could not be told";

/// Reads a script. `names` are the texts by which a line names a knob: `vm.swappiness`, `queue/scheduler`.
pub fn read(text: &str, names: &[&str]) -> Script {
    let mut script = Script::default();
    let mut depth = 0_i32;
    for command in commands(text) {
        let first = command.words.first().map(String::as_str).unwrap_or_default();
        let inside = depth > 0 || command.after_other;
        match first {
            "if" | "for" | "while" | "until" | "case" | "{" => depth += 1,
            "fi" | "done" | "esac" | "}" => depth -= 1,
            _ if first.ends_with("()") || command.words.get(1).is_some_and(|word| word == "()") => depth += 1,
            "exit" if !inside => break,
            _ => {}
        }
        take(&command, inside || depth > 0, names, &mut script);
    }
    script
}

fn take(command: &Command, conditional: bool, names: &[&str], script: &mut Script) {
    let maybe = conditional.then_some(CONDITIONAL);
    let write = |target: &str, value: Option<String>| PathWrite {
        line: command.line,
        target: target.to_owned(),
        maybe: maybe.or(value.is_none().then_some(UNREAD)),
        value,
        shown: command.shown.clone(),
    };
    let watched = |text: &str| names.iter().any(|name| text.contains(name));
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["sysctl" | "/sbin/sysctl" | "/usr/sbin/sysctl", arguments @ ..] => {
            script.applies.extend(applies(arguments).map(|files| Applies { line: command.line, files }));
            for (key, value) in arguments.iter().filter_map(|word| word.split_once('=')) {
                let plain = !key.starts_with("--") && !command.open;
                let target = format!("/proc/sys/{}", path_of(key.trim_start_matches('-')));
                if plain {
                    script.writes.push(write(&target, Some(value.to_owned())));
                } else if watched(&command.text()) {
                    script.writes.push(write("", None));
                }
            }
        }
        ["echo", values @ ..] if !command.open && !command.targets.is_empty() => {
            let values: Vec<&str> = values
                .iter()
                .skip_while(|word| ["-n", "-e", "-ne", "-en"].contains(*word))
                .copied()
                .collect();
            for target in &command.targets {
                script.writes.push(write(target, Some(values.join(" "))));
            }
        }
        _ if watched(&command.text()) => script.writes.push(write("", None)),
        _ => {}
    }
}

/// The files that `sysctl` is told to apply, if any.
fn applies(arguments: &[&str]) -> Option<Files> {
    for (at, word) in arguments.iter().enumerate() {
        match *word {
            "--system" => return Some(Files::All),
            "-p" | "-f" | "--load" | "-qp" | "-ep" | "-eqp" | "-qep" => {
                let next = arguments.get(at + 1).filter(|next| !next.starts_with('-'));
                return Some(Files::One((*next.unwrap_or(&"/etc/sysctl.conf")).to_owned()));
            }
            word if word.starts_with("--load=") || word.starts_with("-p/") => {
                let file = word.trim_start_matches("--load=").trim_start_matches("-p");
                return Some(Files::One(file.to_owned()));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["vm.swappiness", "vm/swappiness", "queue/scheduler", "queue/read_ahead_kb"];

    fn told(text: &str) -> Vec<String> {
        let script = read(text, NAMES);
        let write = |w: &PathWrite| {
            let maybe = if w.maybe.is_some() { " maybe" } else { "" };
            format!("{} {}={}{maybe}", w.line, w.target, w.value.as_deref().unwrap_or("?"))
        };
        script.writes.iter().map(write).collect()
    }

    #[test]
    fn plain_lines_are_taken_at_their_word() {
        let text = "#!/bin/sh -e\n# echo 1 > /proc/sys/vm/swappiness\necho 60 > /proc/sys/vm/swappiness\n\
                    echo -n \"none\">/sys/block/sda/queue/scheduler 2>/dev/null || true\n\
                    echo 4096 | sudo tee /sys/block/sda/queue/read_ahead_kb >/dev/null\n\
                    /sbin/sysctl -q -w vm.swappiness=10 vm/dirty_ratio='5'; sysctl -w vm.swappiness=$X\n\
                    /usr/local/bin/tune.sh\nexit 0\necho 1 > /proc/sys/vm/swappiness\n";
        assert_eq!(
            told(text),
            [
                "3 /proc/sys/vm/swappiness=60",
                "4 /sys/block/sda/queue/scheduler=none",
                "5 /sys/block/sda/queue/read_ahead_kb=4096",
                "6 /proc/sys/vm/swappiness=10",
                "6 /proc/sys/vm/dirty_ratio=5",
                "6 =? maybe",
            ]
        );
    }

    #[test]
    fn what_a_shell_would_have_to_tell_is_open() {
        let text = "for d in /sys/block/sd*/queue/scheduler; do\n  echo none > $d\ndone\n\
                    if [ -e /x ]; then echo 5 > /proc/sys/vm/swappiness; fi\n\
                    test -e /x && echo 6 > /proc/sys/vm/swappiness\n\
                    echo $V > /proc/sys/vm/swappiness\necho 7 \\\n > /proc/sys/vm/swappiness\n\
                    printf 8 > /proc/sys/vm/swappiness\ntune() {\n echo 9 > /proc/sys/vm/swappiness\n}\n\
                    if false; then exit 1; fi\necho 10 >> /proc/sys/vm/swappiness\n";
        assert_eq!(
            told(text),
            [
                "1 =? maybe",
                "4 /proc/sys/vm/swappiness=5 maybe",
                "5 /proc/sys/vm/swappiness=6 maybe",
                "6 =? maybe",
                "7 /proc/sys/vm/swappiness=7",
                "9 =? maybe",
                "11 /proc/sys/vm/swappiness=9 maybe",
                "14 /proc/sys/vm/swappiness=10",
            ]
        );
    }

    #[test]
    fn sysctl_over_files_is_found() {
        let applies =
            read("sysctl -p\nsysctl --system\nsysctl -q -p /etc/x.conf\nsysctl -a\n", NAMES).applies;
        let one = |line, file: &str| Applies { line, files: Files::One(file.to_owned()) };
        let all = Applies { line: 2, files: Files::All };
        assert_eq!(applies, [one(1, "/etc/sysctl.conf"), all, one(3, "/etc/x.conf")]);
    }
}
