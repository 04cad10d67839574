//! Policy text to [`Policy`]; pure.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::{held, within};
use super::key::{Key, named};
use super::{Pin, Policy, PolicyError, Recovery, Subject, parse_duration};
use crate::nearest::hint;
use crate::value::{Accepts, Knob, Value};

/// Takes files, path and text each, in order; key by key the last word counts.
pub fn parse(files: &[(String, String)], subjects: &[Subject]) -> Result<Policy, PolicyError> {
    let mut policy = Policy::default();
    for (path, text) in files {
        let file = File { path, text, subjects };
        file.read(&mut policy).map_err(|wrong| wrong.at(&file))?;
    }
    // Only now is it known what is switched off in the end.
    for pin in &policy.set {
        let mut owners = owners(subjects, &pin.knob).peekable();
        let Some(&first) = owners.peek() else { continue };
        if owners.all(|subject| policy.off.contains(subject.id)) {
            let (path, line) = pin.origin.rsplit_once(':').unwrap_or((&pin.origin, ""));
            return Err(PolicyError::Said {
                path: path.to_owned(),
                line: line.parse().unwrap_or(1),
                why: format!("{} is pinned, but {} is switched off; drop one of the two", pin.knob, first.id),
            });
        }
    }
    Ok(policy)
}

fn owners<'a>(subjects: &'a [Subject], knob: &'a str) -> impl Iterator<Item = &'a Subject> {
    subjects.iter().filter(move |subject| subject.knobs.iter().any(|k| k.name == knob))
}

/// What is wrong, and at which byte.
struct Wrong {
    at: usize,
    why: String,
}

impl Wrong {
    fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }

    fn at(self, file: &File<'_>) -> PolicyError {
        PolicyError::Said { path: file.path.to_owned(), line: file.line(self.at), why: self.why }
    }
}

struct File<'a> {
    path: &'a str,
    text: &'a str,
    subjects: &'a [Subject],
}

type Said<'a> = Spanned<DeValue<'a>>;

impl File<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
    }

    fn read(&self, policy: &mut Policy) -> Result<(), Wrong> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            Wrong::new(at, error.message().trim().replace('\n', "; "))
        })?;
        for (key, at, value) in in_order(table.get_ref()) {
            let known = named(key).map_err(|known| {
                let why = format!("unknown key `{key}`; {}", hint(key, known.iter().copied()));
                Wrong::new(at, why)
            })?;
            match known {
                Key::Stall => policy.stall = duration(key, value, within)?,
                Key::HostHolds => policy.host_holds = duration(key, value, held)?,
                Key::Recovery => policy.recovery = recovery(value)?,
                Key::Off => policy.off = self.off(value)?.into_iter().collect(),
                Key::Set => {
                    let DeValue::Table(set) = value.get_ref() else {
                        return Err(wrong_type(value, key, "a table: [set], then one line per knob"));
                    };
                    self.set("", set, policy)?;
                }
            }
        }
        Ok(())
    }

    fn off(&self, value: &Said<'_>) -> Result<Vec<String>, Wrong> {
        let expected = "a list of ids, as in [\"disk.read_ahead\"]";
        let DeValue::Array(ids) = value.get_ref() else {
            return Err(wrong_type(value, "off", expected));
        };
        let known = || self.subjects.iter().map(|subject| subject.id);
        let mut off = Vec::new();
        for id in ids {
            let DeValue::String(name) = id.get_ref() else { return Err(wrong_type(id, "off", expected)) };
            if !known().any(|known| known == name.as_ref()) {
                let help = match owners(self.subjects, name).next() {
                    Some(owner) => format!("it is a knob of `{}`", owner.id),
                    None => hint(name, known()),
                };
                return Err(Wrong::new(id.span().start, format!("unknown id `{name}` in `off`; {help}")));
            }
            off.push(name.to_string());
        }
        Ok(off)
    }

    /// `[set]`, in which `vm.swappiness` without quotes is a table within a table.
    fn set(&self, prefix: &str, table: &DeTable<'_>, policy: &mut Policy) -> Result<(), Wrong> {
        for (key, at, value) in in_order(table) {
            let name = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            if let DeValue::Table(inner) = value.get_ref() {
                self.set(&name, inner, policy)?;
                continue;
            }
            let knobs = self.knobs(&name);
            let Some(first) = knobs.first() else {
                let known = self.subjects.iter().flat_map(|subject| {
                    std::iter::once(subject.id).chain(subject.knobs.iter().map(|knob| knob.name))
                });
                return Err(Wrong::new(at, format!("unknown knob `{name}`; {}", hint(&name, known))));
            };
            let given = given(&name, first, value)?;
            // A knob may serve several tunables; one that takes the value is enough.
            let value = knobs
                .iter()
                .find_map(|knob| accept(knob, &given).ok())
                .map_or_else(|| accept(first, &given), Ok)
                .map_err(|why| Wrong::new(value.span().start, format!("`{name}`: {why}")))?;
            let origin = format!("{}:{}", self.path, self.line(at));
            policy.set.push(Pin { knob: first.name.to_owned(), value, origin });
        }
        Ok(())
    }

    /// The knobs of this name; an id stands for its first one.
    fn knobs(&self, name: &str) -> Vec<&'static Knob> {
        let by_id = self.subjects.iter().find(|subject| subject.id == name).and_then(|t| t.knobs.first());
        let name = by_id.map_or(name, |knob| knob.name);
        let rest = self.subjects.iter().flat_map(|subject| subject.knobs).filter(|k| k.name == name);
        by_id.into_iter().chain(rest).collect()
    }
}

/// A table's pairs as they stand in the file, with the byte at which each key begins.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t str, usize, &'t Said<'i>)> {
    let mut pairs: Vec<(&str, usize, &Said<'_>)> = Vec::new();
    for (key, value) in table {
        let start = key.span().start;
        let at = pairs.partition_point(|&(_, other, _)| other < start);
        pairs.insert(at, (key.get_ref().as_ref(), start, value));
    }
    pairs
}

fn wrong_type(value: &Said<'_>, key: &str, expected: &str) -> Wrong {
    Wrong::new(value.span().start, format!("`{key}` is {expected}; found {}", value.get_ref().type_str()))
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn duration(
    key: &str,
    value: &Said<'_>,
    within: impl FnOnce(u64) -> Result<u64, String>,
) -> Result<u64, Wrong> {
    let seconds = match value.get_ref() {
        DeValue::String(text) => parse_duration(text),
        DeValue::Integer(_) => integer(value.get_ref())
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| "a duration is a positive number of seconds".to_owned()),
        _ => return Err(wrong_type(value, key, "a duration, as in \"180s\"")),
    };
    seconds.and_then(within).map_err(|why| Wrong::new(value.span().start, format!("`{key}`: {why}")))
}

fn recovery(value: &Said<'_>) -> Result<Recovery, Wrong> {
    let DeValue::String(word) = value.get_ref() else {
        return Err(wrong_type(
            value,
            "recovery",
            "a word: \"default\", \"hold\", \"self-heal\" or \"fail-fast\"",
        ));
    };
    named(word).map_err(|known| {
        let help = hint(word, known.iter().copied());
        Wrong::new(value.span().start, format!("`recovery`: unknown `{word}`; {help}"))
    })
}

/// The text of a `[set]` value.
fn given(name: &str, knob: &Knob, value: &Said<'_>) -> Result<String, Wrong> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(_) => integer(value.get_ref())
            .map(|number| number.to_string())
            .ok_or_else(|| Wrong::new(value.span().start, format!("`{name}`: the number is too large"))),
        other => {
            let why = format!("`{name}` takes {}; found {}", phrase(knob.accepts), other.type_str());
            Err(Wrong::new(value.span().start, why))
        }
    }
}

/// The value, where the knob takes it.
fn accept(knob: &Knob, given: &str) -> Result<Value, String> {
    let refuse = || Err(format!("`{given}` is not {}", phrase(knob.accepts)));
    match knob.accepts {
        Accepts::Integer { min, max } => match given.trim().parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(Value::number(number)),
            _ => refuse(),
        },
        Accepts::Word(words) if words.contains(&given) => Value::new(given),
        Accepts::Word(_) => refuse(),
    }
}

fn phrase(accepts: Accepts) -> String {
    match accepts {
        Accepts::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Accepts::Word(words) => format!("one of {}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWAP: Subject = Subject {
        id: "memory.swappiness",
        knobs: &[Knob { name: "vm.swappiness", accepts: Accepts::Integer { min: 0, max: 200 } }],
    };
    const QUEUE: Subject = Subject {
        id: "disk.scheduler",
        knobs: &[
            Knob { name: "queue/scheduler", accepts: Accepts::Word(&["none", "mq-deadline"]) },
            Knob { name: "queue/nr_requests", accepts: Accepts::Integer { min: 4, max: 10_000 } },
        ],
    };
    const NVME: Subject = Subject {
        id: "nvme.scheduler",
        knobs: &[Knob { name: "queue/scheduler", accepts: Accepts::Word(&["none", "kyber"]) }],
    };

    fn read(texts: &[&str]) -> Result<Policy, String> {
        let files: Vec<(String, String)> =
            (1..).zip(texts).map(|(n, text)| (format!("etc/{n}.toml"), (*text).to_owned())).collect();
        parse(&files, &[SWAP, QUEUE, NVME]).map_err(|error| error.to_string())
    }

    fn pins(policy: &Policy) -> Vec<String> {
        policy.set.iter().map(|pin| format!("{}={} {}", pin.knob, pin.value, pin.origin)).collect()
    }

    #[test]
    fn a_whole_policy() {
        let policy = read(&["# mine\nstall = \"5min\"\nrecovery = \"self-heal\"\noff = []\n\n[set]\n\
             \"vm.swappiness\" = 10\n\"disk.scheduler\" = \"none\"\n\"queue/nr_requests\" = \"0256\"\n\
             \"nvme.scheduler\" = \"kyber\"\n"])
        .unwrap();
        assert_eq!((policy.stall, policy.recovery), (300, Recovery::SelfHeal));
        assert_eq!(
            pins(&policy),
            [
                "vm.swappiness=10 etc/1.toml:7",
                "queue/scheduler=none etc/1.toml:8",
                "queue/nr_requests=256 etc/1.toml:9",
                "queue/scheduler=kyber etc/1.toml:10",
            ]
        );
        assert_eq!(policy.pin("queue/scheduler").map(|pin| pin.value.as_str()), Some("kyber"));
    }

    #[test]
    fn a_later_file_wins_key_by_key() {
        let first = "stall = 60\noff = [\"memory.swappiness\"]\n[set]\n\"queue/nr_requests\" = 64\n";
        let second = "off = [\"nvme.scheduler\"]\nset.vm.swappiness = 0x0A\n";
        let policy = read(&[first, second]).unwrap();
        assert_eq!(policy.stall, 60);
        assert_eq!(policy.off.iter().collect::<Vec<_>>(), ["nvme.scheduler"]);
        assert_eq!(pins(&policy), ["queue/nr_requests=64 etc/1.toml:4", "vm.swappiness=10 etc/2.toml:2"]);
    }

    const WRONG: &[(&str, &str)] = &[
        ("\nstal = 1\n", "etc/1.toml:2: unknown key `stal`; did you mean `stall`?"),
        ("x = 1\n", "etc/1.toml:1: unknown key `x`; known are host_holds, off, recovery, set, stall"),
        ("stall = true\n", "etc/1.toml:1: `stall` is a duration, as in \"180s\"; found boolean"),
        ("stall = 5\n", "etc/1.toml:1: `stall`: a stall budget of 5 s is out of range: 10 s to 86400 s"),
        (
            "host_holds = \"2h\"\n",
            "etc/1.toml:1: `host_holds`: a host that holds a command for 7200 s is out of range: 1 s to 3600 s",
        ),
        (
            "host_holds = 0\n",
            "etc/1.toml:1: `host_holds`: a host that holds a command for 0 s is out of range: 1 s to 3600 s",
        ),
        ("stall = -5\n", "etc/1.toml:1: `stall`: a duration is a positive number of seconds"),
        (
            "stall = \"3 parrots\"\n",
            "etc/1.toml:1: `stall`: `3 parrots` is no duration; write 180s, 3min, 2m30s or 1h",
        ),
        (
            "recovery = \"selfheal\"\n",
            "etc/1.toml:1: `recovery`: unknown `selfheal`; did you mean `self-heal`?",
        ),
        (
            "recovery = 1\n",
            "etc/1.toml:1: `recovery` is a word: \"default\", \"hold\", \"self-heal\" or \"fail-fast\"; found integer",
        ),
        (
            "off = [\n  \"disk.schedular\",\n]\n",
            "etc/1.toml:2: unknown id `disk.schedular` in `off`; did you mean `disk.scheduler`?",
        ),
        (
            "off = [\"vm.swappiness\"]\n",
            "etc/1.toml:1: unknown id `vm.swappiness` in `off`; it is a knob of `memory.swappiness`",
        ),
        (
            "off = \"disk.scheduler\"\n",
            "etc/1.toml:1: `off` is a list of ids, as in [\"disk.read_ahead\"]; found string",
        ),
        ("set = 1\n", "etc/1.toml:1: `set` is a table: [set], then one line per knob; found integer"),
        (
            "[set]\n\"vm.swapiness\" = 1\n",
            "etc/1.toml:2: unknown knob `vm.swapiness`; did you mean `vm.swappiness`?",
        ),
        (
            "[set]\nvm.swappiness = 201\n",
            "etc/1.toml:2: `vm.swappiness`: `201` is not a whole number from 0 to 200",
        ),
        (
            "[set]\nvm.swappiness = true\n",
            "etc/1.toml:2: `vm.swappiness` takes a whole number from 0 to 200; found boolean",
        ),
        (
            "[set]\nvm.swappiness = 1.5\n",
            "etc/1.toml:2: `vm.swappiness` takes a whole number from 0 to 200; found float",
        ),
        (
            "[set]\n\"queue/scheduler\" = \"noop\"\n",
            "etc/1.toml:2: `queue/scheduler`: `noop` is not one of none, mq-deadline",
        ),
        (
            "[set]\nvm.swappiness = 99999999999999999999\n",
            "etc/1.toml:2: `vm.swappiness`: the number is too large",
        ),
        (
            "off = [\"memory.swappiness\"]\n[set]\nvm.swappiness = 1\n",
            "etc/1.toml:3: vm.swappiness is pinned, but memory.swappiness is switched off; drop one of the two",
        ),
    ];

    #[test]
    fn a_wrong_word_is_named_with_its_place_and_the_right_one() {
        for (text, message) in WRONG {
            assert_eq!(read(&[text]), Err((*message).to_owned()), "{text}");
        }
    }

    #[test]
    fn broken_toml_is_named_with_its_line() {
        for text in ["\nstall = \n", "stall = 60\nstall = 70\n", "a\nb"] {
            let message = read(&[text]).unwrap_err();
            assert!(message.starts_with("etc/1.toml:"), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
        assert!(read(&["stall = 60\nstall = 70\n"]).unwrap_err().starts_with("etc/1.toml:2: "));
    }

    #[test]
    fn a_shared_knob_is_off_only_with_all_its_owners() {
        let set = "[set]\n\"queue/scheduler\" = \"none\"\n";
        assert!(read(&["off = [\"disk.scheduler\"]\n", set]).is_ok());
        assert!(read(&["off = [\"disk.scheduler\", \"nvme.scheduler\"]\n", set]).is_err());
    }
}
