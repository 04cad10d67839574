//! The page of the program, and one for each of its commands.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::described::{PROGRAM, described};
use crate::{DATE, section};

/// What the command line is parsed by, with the values of an option in its sentence.
pub(crate) fn definition() -> Command {
    let mut definition = in_sentences(hvtune::cli::definition()).mut_subcommands(in_sentences);
    definition.build();
    definition
}

fn in_sentences(command: Command) -> Command {
    command.mut_args(|arg| {
        let values = arg.get_possible_values();
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let shown =
            !names.is_empty() && !arg.is_hide_possible_values_set() && arg.get_action().takes_values();
        if !shown {
            return arg;
        }
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.help(format!("{help} [possible values: {}]", names.join(", "))).hide_possible_values(true)
    })
}

/// The commands that have a page; clap's own `help` has none.
pub(crate) fn commands(definition: &Command) -> impl Iterator<Item = &Command> {
    definition.get_subcommands().filter(|command| command.get_name() != "help")
}

/// The page of `command`, which is the program itself or one of its commands.
pub(crate) fn page(program: &Command, command: &Command) -> io::Result<String> {
    let is_program = command.get_name() == program.get_name();
    let version = program.get_version().unwrap_or_default();
    let man = Man::new(command.clone())
        .section("8")
        .date(DATE)
        .source(format!("hvtune {version}"))
        .manual("System Administration");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    let mut roff = Roff::new();
    synopsis(&mut roff, command);
    description(&mut roff, if is_program { PROGRAM } else { described(command.get_name()) });
    roff.to_writer(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut roff = Roff::new();
    if is_program {
        list_of_commands(&mut roff, program);
    }
    rest(&mut roff, program, command);
    roff.to_writer(&mut page)?;
    String::from_utf8(page).map(|page| once(&page)).map_err(io::Error::other)
}

/// clap's own line of usage.
fn synopsis(roff: &mut Roff, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let name = command.get_bin_name().unwrap_or_default();
    let rest = usage.strip_prefix(name).unwrap_or_default();
    roff.control("SH", ["SYNOPSIS"]).text([bold(name), roman(rest)]);
}

fn description(roff: &mut Roff, paragraphs: &[&str]) {
    roff.control("SH", ["DESCRIPTION"]);
    for (at, paragraph) in paragraphs.iter().enumerate() {
        if at > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*paragraph)]);
    }
}

fn list_of_commands(roff: &mut Roff, program: &Command) {
    roff.control("SH", ["COMMANDS"]);
    for command in commands(program) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        roff.control("TP", []);
        roff.text([bold(command.get_name())]);
        roff.text([roman(format!("{about}; see hvtune-{}(8).", command.get_name()))]);
    }
}

/// What stands below the options in the help, and the other pages.
fn rest(roff: &mut Roff, program: &Command, command: &Command) {
    let help = |command: &Command| command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (own, general) = (help(command), help(program));
    let headings = ["Exit status", "Environment", "Files", "Boot units"];
    for heading in headings {
        let of_all = heading != "Boot units" && command.get_name() != "capture";
        let text = section::below(&own, heading)
            .or_else(|| of_all.then(|| section::below(&general, heading)).flatten());
        if let Some(text) = text {
            section::terms(roff, &heading.to_uppercase(), text);
        }
    }
    if let Some(text) = section::below(&own, "Examples") {
        section::examples(roff, text);
    }
    let mut pages: Vec<(String, &str)> = vec![("hvtune.toml".to_owned(), "5")];
    let others = commands(program).filter(|other| other.get_name() != command.get_name());
    pages.extend(others.map(|other| (format!("hvtune-{}", other.get_name()), "8")));
    if command.get_name() != program.get_name() {
        pages.push(("hvtune".to_owned(), "8"));
    }
    pages.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
    section::see_also(roff, &pages);
}

/// Each part brings the same two lines on apostrophes; one is enough.
fn once(page: &str) -> String {
    let preamble: String = page.split_inclusive('\n').take_while(|line| !line.starts_with(".TH")).collect();
    format!("{preamble}{}", page.replace(&preamble, ""))
}
