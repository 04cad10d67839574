//! The completions, in the shells themselves: a line is typed, then the tabulator.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{base, commands, output};

fn completions() -> PathBuf {
    base().join("dist/completions")
}

/// The search path with the program first, as shells complete only what is installed.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_hvtune")).parent().unwrap();
    format!("{}:/usr/local/bin:/usr/bin:/bin", program.display())
}

/// What may follow each line.
fn cases() -> Vec<(&'static str, Vec<String>)> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![
        ("hvtune plan --format ", words(&["text", "json"])),
        ("hvtune verify --format ", words(&["text", "json", "prometheus", "journal"])),
        ("hvtune survive --format ", words(&["text", "json", "html"])),
        ("hvtune --assume ", words(&["hyperv", "azure"])),
        ("hvtune plan --ex", words(&["--exit-code"])),
        ("hvtune ", [commands(), words(&["help"])].concat()),
    ]
}

/// A shell on a terminal of its own, and what it has written there.
struct Typed {
    child: std::process::Child,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Typed {
    fn new(shell: &str, home: &Path) -> Self {
        let mut child = Command::new("script")
            .args(["--quiet", "--flush", "--return", "--command", shell, "/dev/null"])
            .env_clear()
            .envs([("PATH", path().as_str()), ("TERM", "xterm"), ("LC_ALL", "C.UTF-8")])
            .env("HOME", home)
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (child.stdout.take().unwrap(), Arc::clone(&written));
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                to.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Self { child, written }
    }

    fn keys(&mut self, keys: &str) {
        let terminal = self.child.stdin.as_mut().unwrap();
        terminal.write_all(keys.as_bytes()).unwrap();
        terminal.flush().unwrap();
    }

    /// Waits until it is quiet after `is_there` holds of what is visible from byte `from` on.
    #[track_caller]
    fn wait(&self, from: usize, is_there: impl Fn(&str) -> bool) -> (usize, String) {
        let began = Instant::now();
        let mut before = usize::MAX;
        loop {
            let bytes = self.written.lock().unwrap().clone();
            let text = visible(&String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()));
            let late = began.elapsed() > Duration::from_secs(20);
            if (bytes.len() == before && is_there(&text)) || late {
                return (bytes.len(), text);
            }
            before = bytes.len();
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What is listed for a line, without the line and the prompt.
    fn listed(&mut self, from: usize, line: &str, all: &[String]) -> (usize, BTreeSet<String>) {
        self.keys(&format!("{line}\t"));
        let words = |text: &str| -> BTreeSet<String> {
            text.split_whitespace()
                .filter(|word| *word != "READY" && !line.split(' ').any(|typed| typed == *word))
                .map(str::to_owned)
                .collect()
        };
        let (end, text) = self.wait(from, |text| all.iter().all(|word| words(text).contains(word)));
        // Away with the line.
        self.keys("\x15\n");
        let (end, _) = self.wait(end, |text| text.contains("READY"));
        (end, words(&text))
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Text without the terminal's control sequences.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\x1b' => {
                let kind = letters.next();
                if kind == Some('[') {
                    letters.by_ref().find(char::is_ascii_alphabetic);
                } else if kind == Some(']') {
                    letters.by_ref().find(|end| *end == '\x07');
                }
            }
            '\r' => shown.push('\n'),
            '\x07' => {}
            '\x08' => {
                shown.pop();
            }
            other => shown.push(other),
        }
    }
    shown
}

fn check(shell: &str, home: &Path, setup: &str) {
    let mut typed = Typed::new(shell, home);
    typed.keys(setup);
    let (mut end, _) = typed.wait(0, |text| text.contains("\nREADY "));
    for (line, all) in cases() {
        let (next, mut listed) = typed.listed(end, line, &all);
        end = next;
        if !line.contains("--") {
            listed.retain(|word| !word.starts_with('-'));
        }
        assert_eq!(listed, all.into_iter().collect(), "{shell}: {line:?}");
    }
}

#[test]
fn bash_completes() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".local/share/bash-completion/completions");
    fs::create_dir_all(&dir).unwrap();
    fs::copy(completions().join("hvtune.bash"), dir.join("hvtune")).unwrap();
    check(
        "bash --norc --noprofile -i",
        home.path(),
        "stty cols 200; . /usr/share/bash-completion/bash_completion; bind 'set show-all-if-ambiguous on'; \
         bind 'set enable-bracketed-paste off'; PS1='READY '\n",
    );
}

#[test]
fn zsh_completes() {
    let home = tempfile::tempdir().unwrap();
    check(
        "zsh -f -i",
        home.path(),
        &format!(
            "stty cols 200; unsetopt prompt_sp; fpath=({} $fpath); autoload -U compinit; compinit -u -D; \
             zstyle ':completion:*' verbose false; PS1='READY '\n",
            completions().display()
        ),
    );
}

/// fish lists what it would show, with a tabulator before the explanation.
#[test]
fn fish_completes() {
    let home = tempfile::tempdir().unwrap();
    for (line, all) in cases() {
        let script = format!(
            "set fish_complete_path {} $fish_complete_path; complete --do-complete '{line}'",
            completions().display()
        );
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "--command", &script]).env("PATH", path()).env("HOME", home.path());
        let listed = output(&mut fish);
        let listed: BTreeSet<String> =
            listed.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
        assert_eq!(listed, all.into_iter().collect(), "fish: {line:?}");
    }
}
