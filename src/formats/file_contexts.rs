//! `SELinux`'s `file_contexts`: which label a path has, as libselinux reads it
//! (<https://github.com/SELinuxProject/selinux/blob/main/libselinux/src/label_file.c>).
//!
//! A path without a pattern's characters that stands there in full comes before every pattern; of
//! several that match the last counts, and `.local` stands behind `.homedirs`, that behind the
//! policy's own. A pattern is a regular expression for the whole path.

use super::iscsi::is_blank;
use crate::pattern::parse_within;

/// The longest pattern that libselinux takes, in bytes.
const LONGEST: usize = 4096;
/// Memory for one pattern.
const BYTES: usize = 64 << 10;
/// Patterns that are tried on one path: a policy has a few dozen that begin as a path of ours does.
const TRIED: usize = 256;
/// Instead of a label: none is to be set.
const NONE: &str = "<<none>>";

/// What an entry is for: the letter of `ls -l`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--`
    File,
    /// `-d`
    Dir,
}

#[derive(Debug)]
struct Spec {
    pattern: String,
    /// The letter; `None` is any.
    letter: Option<char>,
    context: String,
    /// The path, where it is none but one.
    exact: Option<String>,
    /// What every path that matches begins with.
    start: String,
}

/// The labels of a policy.
#[derive(Debug, Default)]
pub struct Contexts {
    specs: Vec<Spec>,
    /// The administrator's, then the distribution's: one path stands for another, the last line first.
    substitutes: [Vec<(String, String)>; 2],
}

/// The name of the policy that `/etc/selinux/config` says; `None` where `SELinux` is switched off.
pub fn parse_config(text: &str) -> Option<String> {
    let mut name = "targeted";
    for line in text.lines() {
        // This one stands at the line's beginning (`selinux_getenforcemode`).
        if let Some(mode) = line.strip_prefix("SELINUX=")
            && starts_with_word(mode.trim_start_matches(is_blank), "disabled")
        {
            return None;
        }
        let line = line.trim_start_matches(is_blank);
        if starts_with_word(line, "SELINUXTYPE=") {
            name = line
                .split_at("SELINUXTYPE=".len())
                .1
                .trim_matches(|c: char| c.is_whitespace() || c.is_control());
        }
    }
    Some(name.to_owned()).filter(|name| !name.is_empty() && !name.starts_with('.') && !name.contains('/'))
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

impl Contexts {
    /// Adds a file's entries, in the order in which libselinux reads the files. Like it, refuses the file
    /// for one line that is none.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        for (number, line) in text.lines().enumerate() {
            if let Some(spec) = parse_line(line).map_err(|why| format!("line {}: {why}", number + 1))? {
                self.specs.push(spec);
            }
        }
        Ok(())
    }

    /// Takes a file of substitutes: `.subs` of the administrator, or `.subs_dist` of the distribution.
    pub fn substitute(&mut self, text: &str, of_distribution: bool) {
        let pairs = text
            .lines()
            .filter(|line| !line.trim_start_matches(is_blank).starts_with('#'))
            .filter_map(|line| {
                let mut words = words(line);
                Some((words.next()?.to_owned(), words.next()?.to_owned()))
            });
        let [own, distribution] = &mut self.substitutes;
        *(if of_distribution { distribution } else { own }) = pairs.collect();
    }

    /// The label of a path that begins with a slash; `None` where none is to be set, or nothing is known of
    /// it. The error says what could not be understood.
    pub fn label(&self, path: &str, kind: Kind) -> Result<Option<&str>, String> {
        let mut path = path.to_owned();
        for pairs in &self.substitutes {
            path = substituted(pairs, &path).unwrap_or(path);
        }
        let fits = |spec: &&Spec| {
            let letter = match kind {
                Kind::File => '-',
                Kind::Dir => 'd',
            };
            spec.letter.is_none_or(|own| own == letter)
        };
        let fitting = || self.specs.iter().rev().filter(fits);
        if let Some(spec) = fitting().find(|spec| spec.exact.as_ref() == Some(&path)) {
            return Ok(spec.label());
        }
        let patterns = fitting().filter(|spec| spec.exact.is_none() && path.starts_with(&spec.start));
        for (tried, spec) in patterns.enumerate() {
            if tried == TRIED {
                return Err(format!("more than {TRIED} patterns are like {path}"));
            }
            if spec.takes(&path)? {
                return Ok(spec.label());
            }
        }
        Ok(None)
    }
}

impl Spec {
    fn label(&self) -> Option<&str> {
        Some(self.context.as_str()).filter(|context| *context != NONE)
    }

    /// The pattern stands between `^` and `$` as it is; a dot is any character.
    fn takes(&self, path: &str) -> Result<bool, String> {
        let pattern = &self.pattern;
        let of = |why: String| format!("the pattern {}: {why}", pattern.escape_default());
        if pattern.len() >= LONGEST {
            return Err(of("it is too long".to_owned()));
        }
        let compiled = parse_within(&format!("(?s)^{pattern}$"), BYTES).map_err(of)?;
        Ok(compiled.is_match(path.as_bytes()))
    }
}

/// Words as `isspace` parts them.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(is_blank).filter(|word| !word.is_empty())
}

fn parse_line(line: &str) -> Result<Option<Spec>, &'static str> {
    let line = line.trim_start_matches(is_blank);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut words = words(line);
    let (pattern, second) = (words.next().unwrap_or_default(), words.next().ok_or("a label is missing")?);
    let (letter, context) = match words.next() {
        Some(context) => (Some(letter(second).ok_or("no file has this type")?), context),
        None => (None, second),
    };
    if ![pattern, context].iter().all(|word| word.is_ascii()) {
        return Err("it is not ASCII");
    }
    let (exact, start) = plain(pattern);
    Ok(Some(Spec { pattern: pattern.to_owned(), letter, context: context.to_owned(), exact, start }))
}

fn letter(word: &str) -> Option<char> {
    let letter = word.strip_prefix('-')?;
    let known = ["-", "b", "c", "d", "l", "p", "s"];
    known.contains(&letter).then(|| letter.chars().next()).flatten()
}

/// The path that a pattern without special characters is, and how every path begins that it matches.
fn plain(pattern: &str) -> (Option<String>, String) {
    let mut start = String::new();
    let mut rest = pattern.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next() {
                Some(escaped) if ".^$?*+|[({])}-_,".contains(escaped) => start.push(escaped),
                _ => return (None, cut(start, pattern, false)),
            },
            '?' | '*' | '{' => return (None, cut(start, pattern, true)),
            '.' | '^' | '$' | '+' | '|' | '[' | '(' | ']' | ')' | '}' => {
                return (None, cut(start, pattern, false));
            }
            other => start.push(other),
        }
    }
    (Some(start.clone()), start)
}

/// The beginning, without the last character where that may be missing; nothing where another branch may
/// begin otherwise.
fn cut(mut start: String, pattern: &str, optional: bool) -> String {
    let mut depth = 0_i32;
    let mut set = false;
    let mut escaped = false;
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => set = true,
            ']' => set = false,
            '(' if !set => depth += 1,
            ')' if !set => depth -= 1,
            '|' if depth <= 0 => return String::new(),
            _ => {}
        }
    }
    if optional {
        start.pop();
    }
    start
}

fn substituted(pairs: &[(String, String)], path: &str) -> Option<String> {
    pairs.iter().rev().find_map(|(from, to)| {
        let rest =
            path.strip_prefix(from.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        let rest = if to == "/" { rest.trim_start_matches('/') } else { rest };
        Some(format!("{to}{rest}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts(texts: &[&str]) -> Contexts {
        let mut contexts = Contexts::default();
        for text in texts {
            contexts.add(text).unwrap();
        }
        contexts
    }

    fn file(contexts: &Contexts, path: &str) -> String {
        contexts.label(path, Kind::File).unwrap().unwrap_or("-").to_owned()
    }

    #[test]
    fn the_last_pattern_counts_and_a_whole_path_before_all() {
        let policy = contexts(&[
            "# policy\n/.* default\n/etc(/.*)? etc\n/etc/udev(/.*)? udev\n/etc/passwd -- passwd\n/etc/p.* later\n",
            "/home/[^/]+ -d home\n/etc/udev/rules\\.d/90-hvtune\\.rules exact\n",
            "/etc/udev/rules.* local\n",
        ]);
        for (path, label) in [
            ("/etc/udev/x", "udev"),
            ("/etc/passwd", "passwd"),
            ("/etc/passwd-", "later"),
            ("/etc/udev/rules.d/1", "local"),
            ("/etc/udev/rules.d/90-hvtune.rules", "exact"),
            ("/etc", "etc"),
            ("/srv", "default"),
            ("/home/a", "default"),
        ] {
            assert_eq!(file(&policy, path), label, "{path}");
        }
        assert_eq!(policy.label("/home/a", Kind::Dir), Ok(Some("home")));
        assert_eq!(policy.label("/etc/passwd", Kind::Dir), Ok(Some("later")));
        assert_eq!(policy.label("", Kind::Dir), Ok(None));
    }

    #[test]
    fn none_is_no_label_and_an_optional_letter_may_be_missing() {
        let policy = contexts(&["/a.* a\n/ab?c b\n/proc/.* <<none>>\n/x|/yz z\n"]);
        assert_eq!([file(&policy, "/ac"), file(&policy, "/abc")], ["b", "b"]);
        assert_eq!(policy.label("/proc/1", Kind::File), Ok(None));
        // Each branch has one anchor.
        assert_eq!([file(&policy, "/xx"), file(&policy, "/q/yz")], ["z", "z"]);
    }

    #[test]
    fn substitutes_are_taken_from_the_last_line_and_once_each() {
        let mut policy = contexts(&["/lib(/.*)? lib\n/usr(/.*)? usr\n/ root\n/b one\n"]);
        policy.substitute("/usr/lib /lib\n# /usr /x\n/lib32 /usr/lib\n", true);
        policy.substitute("/a /b\n/a/c /lib32\n/m /\n", false);
        for (path, label) in [
            ("/usr/lib/udev", "lib"),
            ("/usr/libexec", "usr"),
            ("/lib32/x", "usr"),
            ("/a", "one"),
            ("/a/c/d", "usr"),
            ("/m/b", "one"),
            ("/m", "root"),
        ] {
            assert_eq!(file(&policy, path), label, "{path}");
        }
    }

    /// A vertical tab parts words, and a no-break space does not.
    #[test]
    fn words_are_parted_as_by_isspace() {
        let mut contexts = Contexts::default();
        contexts.add("\u{b}/etc/x\u{b}--\u{c}system_u:object_r:a_t:s0\n").unwrap();
        assert_eq!(contexts.label("/etc/x", Kind::File), Ok(Some("system_u:object_r:a_t:s0")));
        assert!(Contexts::default().add("\u{a0}/etc/x system_u:object_r:a_t:s0\n").is_err());
    }

    #[test]
    fn a_line_that_is_none_refuses_the_file() {
        for (text, why) in [
            ("/a a\n/b\n", "line 2: a label is missing"),
            ("/a -x a\n", "line 1: no file has this type"),
            ("/a --- a\n", "line 1: no file has this type"),
            ("/\u{e4} a\n", "line 1: it is not ASCII"),
        ] {
            assert_eq!(Contexts::default().add(text), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_said_where_it_counts() {
        let policy = contexts(&["/.* any\n/etc/(?!x).* not\n/usr/(a{1000}){1000} big\n"]);
        assert_eq!(file(&policy, "/srv"), "any");
        assert!(policy.label("/etc/y", Kind::File).unwrap_err().contains("/etc/(?!x).*"));
        assert!(policy.label("/usr/a", Kind::File).unwrap_err().contains("too large"));
        let many = "/etc/.*x a\n".repeat(TRIED + 1);
        assert!(contexts(&[&many]).label("/etc/y", Kind::File).unwrap_err().contains("more than"));
    }

    #[test]
    fn the_configuration_names_the_policy() {
        for (text, name) in [
            ("SELINUX=enforcing\nSELINUXTYPE=mls \r\n", Some("mls")),
            ("# SELINUX=disabled\nselinuxtype= default\n", Some("default")),
            ("SELINUX= Disabled\nSELINUXTYPE=mls\n", None),
            ("", Some("targeted")),
            ("SELINUXTYPE=../../etc\n", None),
            ("SELINUXTYPE=a/b\n", None),
        ] {
            assert_eq!(parse_config(text).as_deref(), name, "{text:?}");
        }
    }
}
