//! Policy text to [`Policy`]; pure.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::{held, within};
use super::key::{Key, named};
use super::{Pin, Policy, PolicyError, Recovery, Subject, parse_duration};
use crate::facts::BootStack;
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
                Key::Image => image(value, policy)?,
                Key::Boot => boot(value, policy)?,
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

fn image(value: &Said<'_>, policy: &mut Policy) -> Result<(), Wrong> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(wrong_type(value, "image", "a table: [image], then hyperv_drivers = true"));
    };
    for (key, at, value) in in_order(table) {
        if key != "hyperv_drivers" {
            let help = hint(key, ["hyperv_drivers"].into_iter());
            return Err(Wrong::new(at, format!("unknown key `{key}` in [image]; {help}")));
        }
        let DeValue::Boolean(wished) = value.get_ref() else {
            return Err(wrong_type(value, "hyperv_drivers", "true or false"));
        };
        policy.hyperv_drivers = *wished;
    }
    Ok(())
}

fn boot(value: &Said<'_>, policy: &mut Policy) -> Result<(), Wrong> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(wrong_type(value, "boot", "a table: [boot], then stack = \"grub-bls\""));
    };
    for (key, at, value) in in_order(table) {
        if key != "stack" {
            let help = hint(key, ["stack"].into_iter());
            return Err(Wrong::new(at, format!("unknown key `{key}` in [boot]; {help}")));
        }
        let DeValue::String(word) = value.get_ref() else {
            return Err(wrong_type(value, "stack", "the name of a boot stack, as in \"grub-bls\""));
        };
        let stack = BootStack::known().find(|stack| stack.name() == word.as_ref());
        policy.boot_stack = Some(stack.ok_or_else(|| {
            let help = hint(word, BootStack::known().map(BootStack::name));
            Wrong::new(value.span().start, format!("`stack`: unknown boot stack `{word}`; {help}"))
        })?);
    }
    Ok(())
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
mod tests;
