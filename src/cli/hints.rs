//! Which help was asked for, and what a word of another program is called here.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Error};

use super::definition;

/// Words of other programs, and the words of ours.
const FOREIGN: &[(&[&str], &str)] = &[
    (&["check", "test"], "`hvtune verify` checks files and live values"),
    (&["diff"], "`hvtune plan --diff` shows the changes as a diff"),
    (&["list"], "`hvtune explain` lists the settings"),
    (&["show", "info"], "`hvtune status` shows what holds here"),
    (&["undo", "rollback"], "`hvtune revert` takes back what apply wrote"),
    (&["dry-run", "--dry-run", "-n"], "`hvtune plan` shows what apply would do, and writes nothing"),
    (&["--json"], "`--format json` prints JSON"),
    (&["--yes", "-y"], "hvtune asks no questions; leave it out"),
];

/// The error, with the help of the command where `-h` stands before it, and with a hint where the wrong word
/// is one of another program.
pub(super) fn told(args: &[OsString], error: Error) -> Error {
    match error.kind() {
        ErrorKind::DisplayHelp => help(args).unwrap_or(error),
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument => translated(error),
        _ => error,
    }
}

/// The help of the command that is named anywhere in the arguments.
fn help(args: &[OsString]) -> Option<Error> {
    // The same flag, but one that lets the parser go on.
    let flag = Arg::new("help").short('h').long("help").help("Print help").action(ArgAction::SetTrue);
    let lenient = definition().ignore_errors(true).disable_help_flag(true).arg(flag.global(true));
    match lenient.try_get_matches_from(args) {
        Ok(matches) => definition().try_get_matches_from([matches.subcommand_name()?, "--help"]).err(),
        Err(help) => Some(help),
    }
}

fn translated(mut error: Error) -> Error {
    let wrong = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg].into_iter().find_map(|kind| {
        match error.get(kind) {
            Some(ContextValue::String(word)) => Some(word.clone()),
            _ => None,
        }
    });
    let known = FOREIGN.iter().find(|(words, _)| words.iter().any(|word| wrong.as_deref() == Some(word)));
    if let Some((_, ours)) = known {
        for similar in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg] {
            error.remove(similar);
        }
        let tip = vec![StyledStr::from(*ours)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tip));
    }
    error
}
