//! Files that hold nothing but kernel arguments: bootc's `kargs.d`
//! (<https://bootc-dev.github.io/bootc/building/kernel-arguments.html>) and the `cmdline.d` that openSUSE's
//! sdbootutil reads (<https://github.com/openSUSE/sdbootutil>).

use toml::de::{DeTable, DeValue};

use super::{Refusal, lines};
use crate::value::Value;

const FIRST: &str = "kargs = [";
const LAST: &str = "]";

/// A file of `kargs.d`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kargs {
    /// The arguments, each as it stands.
    pub kargs: Vec<String>,
    /// The architectures that it is for; `None`: all.
    pub match_architectures: Option<Vec<String>>,
}

/// As bootc reads it; `None` where it would not take it: an unknown key, a value of another type, no `kargs`.
pub fn read_kargs(text: &str) -> Option<Kargs> {
    let table = DeTable::parse(text).ok()?;
    let mut file = Kargs::default();
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "kargs" => file.kargs = strings(value.get_ref())?,
            "match-architectures" => file.match_architectures = Some(strings(value.get_ref())?),
            _ => return None,
        }
    }
    table.get_ref().contains_key("kargs").then_some(file)
}

fn strings(value: &DeValue<'_>) -> Option<Vec<String>> {
    let DeValue::Array(items) = value else { return None };
    let mut strings = Vec::new();
    for item in items {
        let DeValue::String(string) = item.get_ref() else { return None };
        strings.push(string.to_string());
    }
    Some(strings)
}

/// The lines of `kargs.d` that carry these arguments.
pub fn kargs_lines(args: &[String]) -> Vec<String> {
    args.iter().map(|arg| format!("    \"{arg}\",")).collect()
}

/// Strict: one array, an argument a line, and bootc reads the same in it.
pub fn parse_kargs(text: &str) -> Result<Vec<String>, Refusal> {
    let said = lines(text)?;
    let [(_, FIRST), middle @ .., (_, LAST)] = said.as_slice() else {
        return Err(Refusal::new(1, format!("not one array from `{FIRST}` to `{LAST}`")));
    };
    let mut args = Vec::new();
    for (number, line) in middle {
        let arg = line.trim_start().strip_prefix('"').and_then(|rest| rest.strip_suffix("\","));
        args.push(argument(*number, arg.unwrap_or_default())?);
    }
    match read_kargs(text) {
        Some(Kargs { kargs, match_architectures: None }) if kargs == args => Ok(args),
        _ => Err(Refusal::new(1, "bootc would read something else in it")),
    }
}

/// Strict: an argument a line.
pub fn parse_cmdline(text: &str) -> Result<Vec<String>, Refusal> {
    lines(text)?.into_iter().map(|(number, line)| argument(number, line)).collect()
}

fn argument(number: u32, text: &str) -> Result<String, Refusal> {
    match Value::new(text) {
        Ok(arg) => Ok(arg.to_string()),
        Err(why) => Err(Refusal::new(number, format!("no argument of ours: {why}"))),
    }
}

/// The lines of `cmdline.d` as sdbootutil reads them, numbered from 1: without comments, and without a last
/// line that has no end.
pub fn read_cmdline(text: &str) -> Vec<(u32, &str)> {
    let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    (1..).zip(whole.lines()).filter(|(_, line)| !line.trim_start().starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn kargs_are_what_bootc_takes() {
        for (text, found) in [
            ("kargs = [\"quiet\", \"a=b\"]\n", Some((names(&["quiet", "a=b"]), None))),
            (
                "kargs = []\nmatch-architectures = [\"x86_64\"]\n",
                Some((names(&[]), Some(names(&["x86_64"])))),
            ),
            ("kargs = \"quiet\"\n", None),
            ("kargs = [1]\n", None),
            ("kargs = []\nother = 1\n", None),
            ("match-architectures = []\n", None),
            ("kargs = [\n", None),
        ] {
            let found = found.map(|(kargs, match_architectures)| Kargs { kargs, match_architectures });
            assert_eq!(read_kargs(text), found, "{text}");
        }
    }

    #[test]
    fn only_what_bootc_reads_in_the_same_way_is_ours() {
        let text = "# a\nkargs = [\n\n# b\n    \"panic=10\",\n    \"quiet\",\n]\n";
        assert_eq!(parse_kargs(text), Ok(names(&["panic=10", "quiet"])));
        assert_eq!(read_kargs(text).unwrap().kargs, names(&["panic=10", "quiet"]));
        assert_eq!(kargs_lines(&names(&["a=1"])), ["    \"a=1\","]);
        for text in [
            "",
            "kargs = [\n",
            "kargs = [\"a\"]\n",
            "kargs = [\n\"a b\",\n]\n",
            "kargs = [\n\"a\"\n]\n",
            "kargs = [\n\"a\\u0041\",\n]\n",
            "kargs = [\n\"a\",\n]\nmatch-architectures = [\n]\n",
            "kargs = [\n\"a\",\n]",
        ] {
            assert!(parse_kargs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_of_cmdline_d_are_those_that_sdbootutil_takes() {
        assert_eq!(parse_cmdline("# a\n\npanic=10\nquiet\n"), Ok(names(&["panic=10", "quiet"])));
        for text in ["a b\n", "a", "a=\"b\"\n", " a\n"] {
            assert!(parse_cmdline(text).is_err(), "{text}");
        }
        assert_eq!(read_cmdline("# a\n # b\na b\nc"), [(3, "a b")]);
        assert_eq!(read_cmdline("a"), []);
    }
}
