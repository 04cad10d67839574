//! Options that stand before the command, held to what that command takes.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Error};

/// Refuses an option before the command as clap refuses it behind: one that the command does not
/// take, a value that it does not take, one given twice, one that excludes another.
pub(super) fn fits(definition: &Command, matches: &ArgMatches) -> Result<(), Error> {
    let Some((name, behind)) = matches.subcommand() else { return Ok(()) };
    let Some(command) = definition.find_subcommand(name) else { return Ok(()) };
    for before in definition.get_arguments().filter(|arg| is_typed(matches, arg)) {
        let Some(own) = command.get_arguments().find(|arg| arg.get_id() == before.get_id()) else {
            let word = format!("--{}", before.get_long().unwrap_or_default());
            return Err(refusal(command, ErrorKind::UnknownArgument, word, []));
        };
        if is_typed(behind, own) {
            let twice = (ContextKind::PriorArg, ContextValue::String(own.to_string()));
            return Err(refusal(command, ErrorKind::ArgumentConflict, own.to_string(), [twice]));
        }
        let mut typed = command.get_arguments().filter(|other| is_typed(behind, other));
        if let Some(other) = typed.find(|other| exclude(command, own, other)) {
            let prior = (ContextKind::PriorArg, ContextValue::String(other.to_string()));
            return Err(refusal(command, ErrorKind::ArgumentConflict, own.to_string(), [prior]));
        }
        value_fits(command, own, matches)?;
    }
    Ok(())
}

/// Whether two options exclude each other, whichever of them says so.
fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let names = |one, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|excluded| excluded.get_id() == other.get_id())
    };
    names(one, other) || names(other, one)
}

/// Whether the value is among those that the command lists, if it lists any.
fn value_fits(command: &Command, own: &Arg, matches: &ArgMatches) -> Result<(), Error> {
    let known: Vec<String> =
        own.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let typed = matches.get_raw(own.get_id().as_str()).into_iter().flatten();
    let mut wrong = typed.filter(|value| known.iter().all(|name| *value != name.as_str()));
    match wrong.next() {
        Some(value) if own.get_action().takes_values() && !known.is_empty() => {
            let value = ContextValue::String(value.to_string_lossy().into_owned());
            let values = ContextValue::Strings(known.clone());
            let context = [(ContextKind::InvalidValue, value), (ContextKind::ValidValue, values)];
            Err(refusal(command, ErrorKind::InvalidValue, own.to_string(), context))
        }
        _ => Ok(()),
    }
}

fn is_typed(matches: &ArgMatches, arg: &Arg) -> bool {
    matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// An error in clap's own words, with the usage of the command.
fn refusal<const N: usize>(
    command: &Command,
    kind: ErrorKind,
    arg: String,
    context: [(ContextKind, ContextValue); N],
) -> Error {
    let mut error = Error::new(kind).with_cmd(command);
    error.insert(ContextKind::InvalidArg, ContextValue::String(arg));
    for (kind, value) in context {
        error.insert(kind, value);
    }
    error
}
