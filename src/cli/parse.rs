//! Arguments to what they ask for.

use std::ffi::{OsStr, OsString};

use anyhow::{anyhow, bail};
use lexopt::Arg;

use super::flags::{CONFLICTS, FLAGS, Flag, Takes, Typed};
use super::verbs::{VERBS, Verb};
use super::{Asked, Cli, Format, Global, help};

/// Parses the arguments, the program's own name not among them.
///
/// Every error is one line that names the word at fault.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> anyhow::Result<Asked> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut words: Vec<OsString> = Vec::new();
    let mut typed = Typed::default();
    let mut given: Vec<&Flag> = Vec::new();
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        let flag = match arg {
            Arg::Value(word) => {
                words.push(word);
                continue;
            }
            Arg::Short('h') | Arg::Long("help") => return shown(words.first()),
            Arg::Short('V') | Arg::Long("version") => {
                return Ok(Asked::Print(format!("hvtune {}\n", env!("CARGO_PKG_VERSION"))));
            }
            Arg::Short(letter) => FLAGS.iter().find(|flag| flag.short == Some(letter)),
            Arg::Long(name) => FLAGS.iter().find(|flag| flag.long == name),
        };
        let flag = flag.ok_or_else(|| unknown(&arg))?;
        if given.iter().any(|other| other.long == flag.long) {
            bail!("--{} is given twice", flag.long);
        }
        match flag.takes {
            Takes::Nothing(note) => note(&mut typed),
            Takes::Value(_, note) => {
                let value = parser.value()?;
                let wrong = format!("--{} {}", flag.long, value.display());
                note(&mut typed, value).map_err(|must| anyhow!("{wrong}: it {must}"))?;
            }
        }
        given.push(flag);
    }
    let mut words = words.into_iter();
    let Some(first) = words.next() else {
        let names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
        bail!("no command is given: {}; hvtune --help says more", names.join(", "));
    };
    if first == "help" {
        return shown(words.next().as_ref());
    }
    let verb = verb(&first)?;
    typed.word = words.next();
    fits(verb, &given, typed.word.as_deref(), words.next().as_deref())?;
    meant(verb, typed).map(Asked::Run)
}

/// Whether the command takes these flags and words.
fn fits(verb: &Verb, given: &[&Flag], word: Option<&OsStr>, more: Option<&OsStr>) -> anyhow::Result<()> {
    let name = verb.name;
    let too_many = if verb.word.is_some() { more } else { word };
    if let Some(word) = too_many {
        bail!("hvtune {name} does not take `{}`; hvtune {name} --help shows what it takes", word.display());
    }
    if let Some(missing) = verb.word.as_ref().filter(|wanted| wanted.needed && word.is_none()) {
        bail!("hvtune {name} needs {}: {}", missing.name, missing.help);
    }
    if let Some(flag) = given.iter().find(|flag| !flag.is_of(name)) {
        bail!("--{} does not go with {name}; it goes with {}", flag.long, flag.of.join(", "));
    }
    let is_given = |long: &str| given.iter().any(|flag| flag.long == long);
    match CONFLICTS.iter().find(|(one, other)| is_given(one) && is_given(other)) {
        Some((one, other)) => bail!("--{one} and --{other} exclude each other"),
        None => Ok(()),
    }
}

fn meant(verb: &Verb, mut typed: Typed) -> anyhow::Result<Cli> {
    let global = Global {
        root: typed.root.take().unwrap_or_else(|| "/".into()),
        machine: typed.machine.take(),
        assume: typed.assume,
        config: typed.config.take(),
        stall: typed.stall.take(),
        format: typed.format.unwrap_or(Format::Text),
        quiet: typed.quiet,
        verbose: typed.verbose,
    };
    let command = (verb.make)(typed).map_err(|must| anyhow!("the word after {}: it {must}", verb.name))?;
    Ok(Cli { global, command })
}

fn shown(word: Option<&OsString>) -> anyhow::Result<Asked> {
    Ok(Asked::Print(match word {
        Some(word) if word != "help" => help::of_verb(verb(word)?),
        _ => help::of_all(),
    }))
}

fn verb(word: &OsStr) -> anyhow::Result<&'static Verb> {
    VERBS.iter().find(|verb| word == verb.name).ok_or_else(|| {
        let near = nearest(&word.to_string_lossy(), VERBS.iter().map(|verb| verb.name));
        let hint = near.map_or(String::new(), |name| format!(", did you mean {name}?"));
        anyhow!("there is no command `{}`{hint}; hvtune --help lists them", word.display())
    })
}

fn unknown(arg: &Arg<'_>) -> anyhow::Error {
    let (name, near) = match arg {
        Arg::Long(name) => (format!("--{name}"), nearest(name, FLAGS.iter().map(|flag| flag.long))),
        Arg::Short(letter) => (format!("-{letter}"), None),
        Arg::Value(word) => (word.display().to_string(), None),
    };
    let hint = near.map_or(String::new(), |name| format!(", did you mean --{name}?"));
    anyhow!("there is no option {name}{hint}; hvtune --help lists them")
}

/// A known word that is near enough to be meant.
fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let distance = |other: &&str| strsim::damerau_levenshtein(word, other);
    known.min_by_key(distance).filter(|near| distance(near) <= 1 + word.len() / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Command;

    fn asked(line: &str) -> Result<Asked, String> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        parse(words.map(OsString::from)).map_err(|error| format!("{error:#}"))
    }

    fn cli(line: &str) -> Cli {
        match asked(line) {
            Ok(Asked::Run(cli)) => cli,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        for line in ["--root /mnt -q plan --diff --only=x", "plan --only x --diff --root=/mnt --quiet"] {
            let cli = cli(line);
            assert_eq!(cli.global.root.to_str(), Some("/mnt"));
            assert!(cli.global.quiet && !cli.global.verbose);
            let Command::Plan { diff: true, exit_code: false, only } = cli.command else { panic!("{line}") };
            assert_eq!(only.only.as_deref(), Some("x"));
        }
        let Command::Capture { dir } = cli("capture -- -dir").command else { panic!() };
        assert_eq!(dir.to_str(), Some("-dir"));
        assert_eq!(cli("plan").global.root.to_str(), Some("/"));
        assert_eq!(cli("verify --format prometheus").global.format, Format::Prometheus);
    }

    #[test]
    fn every_flag_works_with_every_command_that_it_names_and_no_other() {
        for flag in FLAGS {
            let value = match (flag.long, &flag.takes) {
                (_, Takes::Nothing(_)) => "",
                ("format", _) => "json",
                ("assume", _) => "azure",
                _ => "/x",
            };
            for verb in VERBS {
                let word = if verb.word.is_some() { "word" } else { "" };
                let line = format!("{} {word} --{} {value}", verb.name, flag.long);
                assert_eq!(asked(&line).is_ok(), flag.is_of(verb.name), "{line}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, says) in [
            ("", "no command is given: detect, plan, "),
            ("explian", "no command `explian`, did you mean explain?"),
            ("help explian", "did you mean explain?"),
            ("plan --stal 3", "no option --stal, did you mean --stall?"),
            ("plan -z", "no option -z"),
            ("plan --stall", "--stall"),
            ("plan --diff=yes", "--diff"),
            ("plan --format xml", "--format xml: it must be one of text, json, prometheus, html"),
            ("plan --root=", "--root : it must be a path"),
            ("plan -q -q", "--quiet is given twice"),
            ("plan -qv", "--quiet and --verbose exclude each other"),
            ("plan --machine /x --assume azure", "--machine and --assume exclude"),
            ("detect --diff", "--diff does not go with detect; it goes with plan"),
            ("plan now", "hvtune plan does not take `now`"),
            ("explain one two", "hvtune explain does not take `two`"),
            ("capture", "hvtune capture needs DIR"),
        ] {
            let error = asked(line).unwrap_err();
            assert!(error.contains(says) && error.lines().count() == 1, "{line}: {error}");
        }
    }

    #[test]
    fn help_is_found_from_everywhere() {
        let text = |line| match asked(line) {
            Ok(Asked::Print(text)) => text,
            other => panic!("{line}: {other:?}"),
        };
        for line in ["--help", "-h", "help", "help help"] {
            assert!(text(line).contains("reboot-needed"), "{line}");
        }
        for line in ["plan --help", "help plan", "--root / plan -h"] {
            assert!(text(line).contains("--exit-code"), "{line}");
        }
        assert!(text("--version").starts_with("hvtune "));
    }
}
