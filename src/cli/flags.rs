//! Every flag: its names, its value, the commands that take it, its line of help.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::{Assume, Format};

/// What was typed, before all of it is there.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) root: Option<PathBuf>,
    pub(super) machine: Option<PathBuf>,
    pub(super) assume: Option<Assume>,
    pub(super) config: Option<PathBuf>,
    pub(super) stall: Option<String>,
    pub(super) format: Option<Format>,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) only: Option<String>,
    pub(super) diff: bool,
    pub(super) exit_code: bool,
    pub(super) no_activate: bool,
    pub(super) early: bool,
    /// The one word that a command may take.
    pub(super) word: Option<OsString>,
}

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    /// After two dashes.
    pub(super) long: &'static str,
    /// After one.
    pub(super) short: Option<char>,
    /// The commands that take it; empty: all.
    pub(super) of: &'static [&'static str],
    /// Its line of help.
    pub(super) help: &'static str,
    /// What follows it, and how it is noted.
    pub(super) takes: Takes,
}

/// What follows a flag.
#[derive(Debug)]
pub(super) enum Takes {
    /// Nothing: a switch.
    Nothing(fn(&mut Typed)),
    /// A value, which the help calls so; the error says what it must be.
    Value(&'static str, fn(&mut Typed, OsString) -> Result<(), String>),
}

impl Flag {
    /// Whether a command takes it.
    pub(super) fn is_of(&self, verb: &str) -> bool {
        self.of.is_empty() || self.of.contains(&verb)
    }
}

/// Flags that exclude each other.
pub(super) const CONFLICTS: [(&str, &str); 2] = [("machine", "assume"), ("quiet", "verbose")];

const ASSUME: [(&str, Assume); 2] = [("hyperv", Assume::Hyperv), ("azure", Assume::Azure)];

const FORMATS: [(&str, Format); 4] = [
    ("text", Format::Text),
    ("json", Format::Json),
    ("prometheus", Format::Prometheus),
    ("html", Format::Html),
];

/// In the order of the help: those of some commands first.
pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "diff",
        short: None,
        of: &["plan"],
        help: "Print the changes as unified diffs",
        takes: Takes::Nothing(|typed| typed.diff = true),
    },
    Flag {
        long: "exit-code",
        short: None,
        of: &["plan"],
        help: "Exit with 1 when anything would change",
        takes: Takes::Nothing(|typed| typed.exit_code = true),
    },
    Flag {
        long: "no-activate",
        short: None,
        of: &["apply", "revert"],
        help: "Change the files only",
        takes: Takes::Nothing(|typed| typed.no_activate = true),
    },
    Flag {
        long: "early",
        short: None,
        of: &["apply"],
        help: "Early in boot: files only",
        takes: Takes::Nothing(|typed| typed.early = true),
    },
    Flag {
        long: "only",
        short: None,
        of: &["detect", "plan", "verify", "survive", "explain"],
        help: "Show only ids, knobs, disks and mounts that match",
        takes: Takes::Value("REGEX", |typed, given| text(&mut typed.only, given)),
    },
    Flag {
        long: "root",
        short: None,
        of: &[],
        help: "Take this directory for the root: an image",
        takes: Takes::Value("DIR", |typed, given| path(&mut typed.root, given)),
    },
    Flag {
        long: "machine",
        short: None,
        of: &[],
        help: "Take the machine from this capture",
        takes: Takes::Value("DIR", |typed, given| path(&mut typed.machine, given)),
    },
    Flag {
        long: "assume",
        short: None,
        of: &[],
        help: "Take the machine for such a guest, sizes unknown",
        takes: Takes::Value("hyperv|azure", |typed, given| choice(&mut typed.assume, &ASSUME, &given)),
    },
    Flag {
        long: "config",
        short: None,
        of: &[],
        help: "Read this policy file, and no other",
        takes: Takes::Value("FILE", |typed, given| path(&mut typed.config, given)),
    },
    Flag {
        long: "stall",
        short: None,
        of: &[],
        help: "The stall budget: the longest silence to ride out",
        takes: Takes::Value("DURATION", |typed, given| text(&mut typed.stall, given)),
    },
    Flag {
        long: "format",
        short: None,
        of: &[],
        help: "How to print: text, json, prometheus, html",
        takes: Takes::Value("FORMAT", |typed, given| choice(&mut typed.format, &FORMATS, &given)),
    },
    Flag {
        long: "quiet",
        short: Some('q'),
        of: &[],
        help: "Print less: no messages but errors",
        takes: Takes::Nothing(|typed| typed.quiet = true),
    },
    Flag {
        long: "verbose",
        short: Some('v'),
        of: &[],
        help: "Print more: reasons and sources",
        takes: Takes::Nothing(|typed| typed.verbose = true),
    },
];

fn path(place: &mut Option<PathBuf>, given: OsString) -> Result<(), String> {
    if given.is_empty() {
        return Err("must be a path".to_owned());
    }
    *place = Some(given.into());
    Ok(())
}

fn text(place: &mut Option<String>, given: OsString) -> Result<(), String> {
    *place = Some(given.into_string().map_err(|_| "must be UTF-8".to_owned())?);
    Ok(())
}

fn choice<T: Copy>(place: &mut Option<T>, known: &[(&str, T)], given: &OsStr) -> Result<(), String> {
    *place = known.iter().find(|(name, _)| given == *name).map(|&(_, meant)| meant);
    if place.is_some() {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(|&(name, _)| name).collect();
    Err(format!("must be one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::verbs::VERBS;

    #[test]
    fn no_name_stands_twice_and_every_command_named_exists() {
        for (index, flag) in FLAGS.iter().enumerate() {
            let others = || FLAGS.iter().skip(index + 1);
            assert!(others().all(|other| other.long != flag.long), "--{}", flag.long);
            assert!(flag.short.is_none() || others().all(|other| other.short != flag.short), "{}", flag.long);
            assert!(!["help", "version"].contains(&flag.long));
            for verb in flag.of {
                assert!(VERBS.iter().any(|known| known.name == *verb), "--{}: {verb}", flag.long);
            }
        }
        for (one, other) in CONFLICTS {
            for name in [one, other] {
                assert!(FLAGS.iter().any(|flag| flag.long == name), "{name}");
            }
        }
    }

    #[test]
    fn the_help_of_a_choice_names_every_word() {
        let flag = |long: &str| FLAGS.iter().find(|flag| flag.long == long).unwrap();
        assert!(FORMATS.iter().all(|(name, _)| flag("format").help.contains(name)));
        let Takes::Value(value, _) = flag("assume").takes else { panic!("a switch") };
        assert_eq!(value.split('|').collect::<Vec<_>>(), ASSUME.map(|(name, _)| name));
    }
}
