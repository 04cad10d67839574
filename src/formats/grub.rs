//! /etc/default/grub and its directory: shell that grub-mkconfig sources.
//!
//! Our fragment is made of a few fixed lines. They are POSIX sh without any program,
//! word splitting or globbing, and none can fail: grub-mkconfig runs under `set -e`,
//! where a failing last command ends it without a word
//! (<https://git.savannah.gnu.org/cgit/grub.git/tree/util/grub-mkconfig.in>).

pub mod env;
mod eval;
pub mod menu;
pub mod words;

use super::{Refusal, lines, only};
use crate::cmdline::split_arg;
use crate::value::Value;

pub use eval::{Files, GrubVariable, Outcome, Shell, evaluate};

/// What one line of our fragment does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Adds an argument to `GRUB_CMDLINE_LINUX_DEFAULT`, unless it is there.
    Add(String),
    /// Takes every argument with this key out of both variables; the key with underscores.
    Drop(String),
}

/// Arguments of every entry, the recovery ones included.
pub const LINUX: &str = "GRUB_CMDLINE_LINUX";
/// Arguments of ordinary entries; they follow those of [`LINUX`].
pub const LINUX_DEFAULT: &str = "GRUB_CMDLINE_LINUX_DEFAULT";

/// Whether a variable of grub-mkconfig's holds arguments of ordinary entries.
fn is_cmdline(variable: &str) -> bool {
    variable == LINUX || variable == LINUX_DEFAULT
}

/// The last line of our fragment: whatever came before, sourcing it ends well.
pub const END: &str = ":";

const ADD_MIDDLE: &str = "*) ;; *) GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT ";
const ADD_TAIL: &str = "\" ;; esac";

/// Walks `$VARIABLE` word by word: `hvtune_r` is what remains, `hvtune_w` the word in
/// front, `hvtune_s` the blank behind it. `hvtune_q` is set inside double quotes, where
/// no word begins; `hvtune_d` while a word is dropped. What stays is gathered in
/// `hvtune_o` as it was. Each turn takes at least one byte, so it ends.
const DROP_HEAD: &str = "hvtune_o=; hvtune_q=; hvtune_d=; while [ -n \"$hvtune_r\" ]; do \
    hvtune_w=\"${hvtune_r%%[[:space:]]*}\"; hvtune_r=\"${hvtune_r#\"$hvtune_w\"}\"; \
    hvtune_s=\"${hvtune_r%\"${hvtune_r#?}\"}\"; hvtune_r=\"${hvtune_r#?}\"; \
    if [ -z \"$hvtune_q\" ]; then case \"$hvtune_w\" in ";
const DROP_TAIL: &str = ") hvtune_d=1 ;; *) hvtune_d= ;; esac; fi; \
    [ -n \"$hvtune_d\" ] || hvtune_o=\"$hvtune_o$hvtune_w$hvtune_s\"; \
    while :; do case \"$hvtune_w\" in *'\"'*) hvtune_w=\"${hvtune_w#*'\"'}\"; \
    if [ -n \"$hvtune_q\" ]; then hvtune_q=; else hvtune_q=1; fi ;; *) break ;; esac; done; done; ";

/// The line that adds an argument, unless it is there already and no later one of its key wins over it
/// (of equal keys the kernel takes the last).
pub fn add_line(arg: &Value) -> String {
    adding(arg.as_str())
}

fn adding(arg: &str) -> String {
    let test = match split_arg(arg) {
        (key, value) if key.len() < arg.len() => {
            let key: String = key.chars().map(either).collect();
            format!(
                "hvtune_r=\" $GRUB_CMDLINE_LINUX_DEFAULT \"; \
                 case \"${{hvtune_r##*[[:space:]]{key}=}}\" in '{value}'[[:space:]]"
            )
        }
        _ => format!("case \" $GRUB_CMDLINE_LINUX_DEFAULT \" in *[[:space:]]'{arg}'[[:space:]]"),
    };
    format!("{test}{ADD_MIDDLE}{arg}{ADD_TAIL}")
}

/// The lines that take every argument with this key away, one per variable, and leave
/// every other byte as it was. Dash and underscore in the key are the same.
pub fn drop_lines(key: &Value) -> [String; 2] {
    [drop_line(LINUX, key.as_str()), drop_line(LINUX_DEFAULT, key.as_str())]
}

fn drop_line(variable: &str, key: &str) -> String {
    let key: String = key.chars().map(either).collect();
    let pattern = format!("{key}|{key}=*|'\"'{key}=*|'\"'{key}'\"'");
    format!("hvtune_r=\"${variable} \"; {DROP_HEAD}{pattern}{DROP_TAIL}{variable}=\"${{hvtune_o% }}\"")
}

/// The kernel takes dash and underscore in a key for the same.
fn either(c: char) -> String {
    match c {
        '-' | '_' => "[_-]".to_owned(),
        c => c.to_string(),
    }
}

/// Strict: every edit of a fragment of ours, in order. Every line is one of the fixed
/// ones; a `Drop` is the pair of its lines; the last line is [`END`].
pub fn parse(text: &str) -> Result<Vec<Edit>, Refusal> {
    let mut said = lines(text)?;
    match said.pop() {
        Some((_, END)) => {}
        Some((number, _)) => return Err(Refusal::new(number, "the last line must be `:`")),
        None => return Err(Refusal::new(1, "no `:` as the last line")),
    }
    let mut edits = Vec::new();
    let mut rest = said.into_iter();
    while let Some((number, line)) = rest.next() {
        if let Some(arg) = added(line) {
            edits.push(Edit::Add(arg.to_owned()));
            continue;
        }
        let Some(key) = dropped(line) else {
            return Err(Refusal::new(number, "not one of the lines that a fragment of ours holds"));
        };
        let other = drop_line(LINUX_DEFAULT, &key);
        if rest.next().is_none_or(|(_, line)| line != other) {
            let why = format!("the line that drops {key} from {LINUX_DEFAULT} does not follow");
            return Err(Refusal::new(number, why));
        }
        edits.push(Edit::Drop(key));
    }
    Ok(edits)
}

fn added(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(ADD_MIDDLE)?;
    let arg = rest.strip_suffix(ADD_TAIL)?;
    (is_argument(arg) && adding(arg) == line).then_some(arg)
}

/// The key of a line that drops one from [`LINUX`].
fn dropped(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(DROP_HEAD)?;
    let (pattern, _) = rest.split_once('|')?;
    let key = pattern.replace("[_-]", "_");
    (only(&key, "_.") && drop_line(LINUX, &key) == line).then_some(key)
}

/// `[A-Za-z0-9_.-]+(=[A-Za-z0-9_.,:/@+-]+)?`: nothing that the shell, GRUB's own
/// script or the kernel's parser takes for anything but itself.
pub fn is_argument(arg: &str) -> bool {
    let (key, value) = split_arg(arg);
    only(key, "_.-") && (arg == key || (only(value, "_.,:/@+-") && arg.len() == key.len() + 1 + value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::new(text).unwrap()
    }

    fn fragment(edits: &[Edit]) -> String {
        let mut text = "# hvtune 0.1.0 sha256:0123456789abcdef\n\n# why\n".to_owned();
        for edit in edits {
            match edit {
                Edit::Add(arg) => text.extend([add_line(&value(arg)).as_str(), "\n"]),
                Edit::Drop(key) => {
                    text.extend(drop_lines(&value(key)).iter().flat_map(|line| [line.as_str(), "\n"]));
                }
            }
        }
        text + ":\n"
    }

    #[test]
    fn our_own_fragments_parse() {
        let edits = [
            Edit::Drop("elevator".to_owned()),
            Edit::Drop("scsi_mod.use_blk_mq".to_owned()),
            Edit::Add("nvme_core.io_timeout=240".to_owned()),
            Edit::Add("fsck.mode=auto".to_owned()),
            Edit::Add("ro".to_owned()),
        ];
        assert_eq!(parse(&fragment(&edits)), Ok(edits.to_vec()));
        assert_eq!(parse(&fragment(&[])), Ok(vec![]));
        assert_eq!(parse(&fragment(&[Edit::Drop("a-b".to_owned())])), Ok(vec![Edit::Drop("a_b".to_owned())]));
    }

    #[test]
    fn anything_else_is_refused() {
        let add = add_line(&value("a=1"));
        let [one, two] = drop_lines(&value("a"));
        for text in [
            String::new(),
            "# only a comment\n".to_owned(),
            format!("{add}\n"),
            format!(":\n{add}\n"),
            format!(":\n{add}\n:\n"),
            format!("{one}\n:\n"),
            format!("{two}\n{one}\n:\n"),
            format!("{one}\n{add}\n{two}\n:\n"),
            format!("{}\n:\n", add.replace("a=1", "a=$(id)")),
            format!("{}\n:\n", add.replacen("a=1", "a=2", 1)),
            format!("{add}; reboot\n:\n"),
            format!("{}\n{two}\n:\n", one.replace("while :; do", "while :; do reboot;")),
            format!("{}\n:\n", add_line(&value("a@b"))),
            format!("{}\n:\n", add_line(&value("=1"))),
            "GRUB_CMDLINE_LINUX=\"\"\n:\n".to_owned(),
            "reboot\n:\n".to_owned(),
        ] {
            assert!(parse(&text).is_err(), "{text}");
        }
    }

    /// Sources the fragment in a real shell as grub-mkconfig does, and gives both variables back.
    #[expect(clippy::disallowed_methods, reason = "the shell itself is what is tested against")]
    fn sourced(shell: &str, fragment: &str, linux: &str, default: &str) -> Option<(String, String)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("90-hvtune.cfg");
        std::fs::write(&path, fragment).unwrap();
        let script =
            "set -e; . \"$1\"; printf '%s\\n%s' \"$GRUB_CMDLINE_LINUX\" \"$GRUB_CMDLINE_LINUX_DEFAULT\"";
        let output = std::process::Command::new(shell)
            .args(["-c", script, shell])
            .arg(&path)
            .env("GRUB_CMDLINE_LINUX", linux)
            .env("GRUB_CMDLINE_LINUX_DEFAULT", default)
            .current_dir("/")
            .output()
            .ok()?;
        assert!(output.status.success(), "{shell}: {output:?}");
        assert_eq!(output.stderr, b"", "{shell}");
        let text = String::from_utf8(output.stdout).unwrap();
        let (linux, default) = text.split_once('\n').unwrap();
        Some((linux.to_owned(), default.to_owned()))
    }

    #[test]
    fn a_shell_drops_exactly_the_word() {
        let text = fragment(&[Edit::Drop("use_q".to_owned())]);
        for (before, after) in [
            ("", ""),
            ("use_q", ""),
            ("use_q=1", ""),
            ("use-q=1 use_q=2", ""),
            ("quiet splash", "quiet splash"),
            ("quiet use_q=noop splash", "quiet splash"),
            ("quiet  splash use_q=noop", "quiet  splash"),
            ("use_q use_q=a quiet\tuse_q=b\tro", "quiet\tro"),
            ("use_queue=1 reuse_q=1 x.use_q=1 use_q.x=1", "use_queue=1 reuse_q=1 x.use_q=1 use_q.x=1"),
            ("dyndbg=\"file a use_q=1 +p\" use_q=2 ro", "dyndbg=\"file a use_q=1 +p\" ro"),
            ("use_q=\"a b\" ro", "ro"),
            ("\"use_q=a b\" ro", "ro"),
            ("\"use_q\" ro", "ro"),
            (
                "a=* b=/e?c c=[x] d=\\ e=\\* f=$HOME `id` $(id) use_q ~",
                "a=* b=/e?c c=[x] d=\\ e=\\* f=$HOME `id` $(id) ~",
            ),
            (" lead use_q=1  trail ", " lead  trail "),
            ("caf\u{e9} use_q=1 \u{2014}", "caf\u{e9} \u{2014}"),
            ("open=\"a use_q=1", "open=\"a use_q=1"),
        ] {
            for shell in ["dash", "bash", "sh"] {
                let expected = (after.to_owned(), "use_qq".to_owned());
                if let Some(found) = sourced(shell, &text, before, "use_qq use_q=3") {
                    assert_eq!(found, expected, "{shell}: {before:?}");
                }
            }
        }
    }

    #[test]
    fn a_shell_adds_once() {
        let text = fragment(&[Edit::Add("nvme_core.io_timeout=240".to_owned())]);
        let ours = "nvme_core.io_timeout=240";
        for (before, after) in [
            ("quiet", format!("quiet {ours}")),
            (ours, ours.to_owned()),
            ("nvme_core.io_timeout=2400", format!("nvme_core.io_timeout=2400 {ours}")),
            ("a=* b=\"c d\"", format!("a=* b=\"c d\" {ours}")),
            ("", format!(" {ours}")),
            ("nvme-core.io_timeout=240\tquiet", "nvme-core.io_timeout=240\tquiet".to_owned()),
            (
                "nvme_core.io_timeout=240 nvme-core.io_timeout=30 ro",
                format!("nvme_core.io_timeout=240 nvme-core.io_timeout=30 ro {ours}"),
            ),
            ("nvme_core.io_timeout=30 nvme_core.io_timeout=240", format!("nvme_core.io_timeout=30 {ours}")),
        ] {
            for shell in ["dash", "bash", "sh"] {
                if let Some(found) = sourced(shell, &(text.clone() + &text), "x", before) {
                    assert_eq!(found, ("x".to_owned(), after.clone()), "{shell}: {before:?}");
                }
            }
        }
    }
}
