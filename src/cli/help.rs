//! The help, from the tables.

use super::flags::{FLAGS, Flag, Takes};
use super::verbs::{VERBS, Verb};

/// Of hvtune as a whole.
pub(super) fn of_all() -> String {
    let mut text =
        format!("{}\n\nUsage: hvtune [OPTIONS] <COMMAND>\n\nCommands:\n", env!("CARGO_PKG_DESCRIPTION"));
    let verbs = VERBS.iter().map(|verb| (format!("  {}", verb.name), verb.help));
    columns(&mut text, verbs.chain([("  help".to_owned(), "Show this, or the help of a command")]));
    text.push_str("\nOptions:\n");
    let version = ("  -V, --version".to_owned(), "Show the version");
    columns(&mut text, options(|flag| flag.of.is_empty()).chain([version]));
    text.push_str("\nExit codes: 0 in order; 1 differs, or (revert) something was kept;\n2 trouble, nothing written; 3 (verify) only a reboot is missing.\nverify --only judges what it shows.\n");
    text.push_str("\nhvtune.disable on the kernel command line leaves the boot unit out of that boot.\n");
    text
}

/// Of one command.
pub(super) fn of_verb(verb: &Verb) -> String {
    let word = verb.word.as_ref();
    let usage =
        word.map(|word| if word.needed { format!(" <{}>", word.name) } else { format!(" [{}]", word.name) });
    let mut text =
        format!("{}\n\nUsage: hvtune {} [OPTIONS]{}\n", verb.help, verb.name, usage.unwrap_or_default());
    if let Some(word) = word {
        text.push_str("\nArguments:\n");
        columns(&mut text, [(format!("  <{}>", word.name), word.help)].into_iter());
    }
    text.push_str("\nOptions:\n");
    columns(&mut text, options(|flag| flag.is_of(verb.name)));
    text
}

fn options(shown: impl Fn(&Flag) -> bool) -> impl Iterator<Item = (String, &'static str)> {
    let lines = FLAGS.iter().filter(move |flag| shown(flag)).map(|flag| {
        let short = flag.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        let value = match flag.takes {
            Takes::Nothing(_) => String::new(),
            Takes::Value(name, _) => format!(" <{name}>"),
        };
        (format!("  {short}--{}{value}", flag.long), flag.help)
    });
    lines.chain([("  -h, --help".to_owned(), "Show help")])
}

/// Two columns, the second where the widest entry of the first leaves room.
fn columns(text: &mut String, lines: impl Iterator<Item = (String, &'static str)>) {
    let lines: Vec<(String, &str)> = lines.collect();
    let width = lines.iter().map(|(left, _)| left.len()).max().unwrap_or_default();
    for (left, right) in lines {
        text.push_str(&format!("{left:width$}  {right}\n"));
    }
}
