//! The command line: what may be typed, and what it means; no behaviour.
//!
//! Parsing, help, errors and hints are clap's, from the types below. An option that several
//! commands take may stand before the command or behind it.

mod before;
mod below;
mod hints;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, Resettable, TypedValueParser};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

/// A command and its options.
#[derive(Debug)]
pub struct Cli {
    /// What applies to every command.
    pub global: Global,
    /// What to do.
    pub command: Command,
}

/// Options of every command.
#[derive(Debug)]
pub struct Global {
    /// The directory to take for the root.
    pub root: PathBuf,
    /// A capture to take the machine from.
    pub machine: Option<PathBuf>,
    /// The machine to assume, sizes unknown.
    pub assume: Option<Assume>,
    /// The one policy file to read.
    pub config: Option<PathBuf>,
    /// The stall budget, as typed.
    pub stall: Option<String>,
    /// How to print.
    pub format: Format,
    /// No messages but errors.
    pub quiet: bool,
    /// Reasons and sources, too.
    pub verbose: bool,
    /// Whether the root is an image layer.
    pub layer: Layer,
}

/// Whether the root is written, or looked at, as an image layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// `--layer`.
    Yes,
    /// A command that takes `--layer`, without it.
    No,
    /// As it was written last.
    AsWritten,
}

/// The arguments, as clap sees them at the top.
#[derive(Debug, Parser)]
#[command(name = "hvtune", bin_name = "hvtune", no_binary_name = true, version, about, max_term_width = 80)]
#[command(after_help = below::GENERAL)]
struct Typed {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    messages: Messages,
    #[command(subcommand)]
    command: Option<Command>,
}

// No doc comment on the next four: where a command takes them in, it would become that command's help.

// Options of every command but those of `ALONE`.
#[derive(Debug, Default, Args)]
struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    how: How,
}

// What is looked at; `compare` is told that by the captures themselves.
#[derive(Debug, Default, Args)]
struct Place {
    /// Work on the image mounted at DIR; the build host is not looked at [default: /]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one
    #[arg(long, value_name = "CAPTURE", conflicts_with = "assume")]
    machine: Option<PathBuf>,
    /// Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)
    #[arg(long, value_name = "hyperv|azure", hide_possible_values = true)]
    assume: Option<Assume>,
}

// By which policy, and how it is printed.
#[derive(Debug, Default, Args)]
struct How {
    /// Read this policy file and no other
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The longest storage stall to ride out, such as 90s or 5min [default: the policy's, else 180s]
    #[arg(long, value_name = "DURATION", value_parser = utf8(), allow_negative_numbers = true)]
    stall: Option<String>,
    /// How to print [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = one_of(Format::value_variants()))]
    format: Option<Format>,
}

// Options of every command.
#[derive(Debug, Args)]
struct Messages {
    /// Print no messages but errors
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Print reasons and sources, too
    #[arg(short, long)]
    verbose: bool,
}

/// Kinds of machine that can be assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Assume {
    /// A Hyper-V guest
    Hyperv,
    /// A guest on Azure
    Azure,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs; carries a schema number
    Json,
    /// For a textfile collector
    Prometheus,
    /// Entries of the journal, with fields of their own
    Journal,
    /// One page for a change ticket
    Html,
}

/// A pattern that shows less.
#[derive(Debug, Args)]
pub struct Only {
    /// Show only settings, disks and mounts whose name matches
    #[arg(long, value_name = "REGEX", value_parser = utf8())]
    pub only: Option<String>,
}

/// Files for an image layer.
#[derive(Debug, Args)]
pub struct Layered {
    /// Write an image layer: files of hvtune's own below /usr, and nothing else (with --root)
    #[arg(long)]
    pub layer: bool,
}

impl Command {
    fn layer(&self) -> Layer {
        match self {
            Self::Plan { layered, .. } | Self::Apply { layered, .. } | Self::Pending { layered }
                if layered.layer =>
            {
                Layer::Yes
            }
            Self::Plan { .. } | Self::Apply { .. } => Layer::No,
            _ => Layer::AsWritten,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show on one screen what survives, what differs, and what to do next
    Status,
    /// Show the machine: hypervisor, disks, kernels, boot loader
    Detect(Only),
    /// Show what apply would change
    Plan {
        /// Show the changes to files as unified diffs
        #[arg(long)]
        diff: bool,
        /// Exit with 1 if anything would change
        #[arg(long)]
        exit_code: bool,
        /// Where to.
        #[command(flatten)]
        layered: Layered,
        /// What to show.
        #[command(flatten)]
        only: Only,
    },
    /// Write the files, then set what can be set without a reboot
    Apply {
        /// Change files only; set nothing on the running system
        #[arg(long)]
        no_activate: bool,
        /// For the boot unit: files only, before udev and sysctl read them
        #[arg(long)]
        early: bool,
        /// Where to.
        #[command(flatten)]
        layered: Layered,
    },
    /// Check that files and live values are as planned
    Verify(Only),
    /// Show how long mounts survive a storage stall, and what breaks first
    Survive(Only),
    /// Show all settings, or one: its value here, why, and sources
    Explain {
        /// A setting's id, what it sets (such as vm.swappiness), or `host`
        #[arg(value_parser = utf8())]
        id: Option<String>,
        /// What to show.
        #[command(flatten)]
        only: Only,
    },
    /// Take back what apply wrote
    Revert {
        /// Change files only; set nothing on the running system
        #[arg(long)]
        no_activate: bool,
    },
    /// Tell by the exit code whether a reboot is needed
    RebootNeeded,
    /// List what build, first boot or a reboot has to do still
    Pending {
        /// Where to.
        #[command(flatten)]
        layered: Layered,
    },
    /// Make a template ready to be cloned: forget what depends on this machine
    Seal,
    /// Tell from a log what happened, and whether the plan would have held
    Postmortem {
        /// The log: journalctl's or dmesg's text, the journal as JSON, a syslog file, a console; - is
        /// standard input [default: kern.log, messages or syslog below /var/log]
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
    },
    /// Show guests side by side, and which facts explain a difference
    Compare {
        /// What `hvtune capture` made, directory or .tar, one for each guest
        #[arg(required = true, value_name = "CAPTURE")]
        captures: Vec<PathBuf>,
    },
    /// Restart out of emergency mode where nobody is at the console
    LeaveEmergency,
    /// Record this machine in a directory or a .tar, for --machine and compare
    Capture {
        /// A directory that does not exist yet, or is empty; a new file where the name ends in .tar
        dir: PathBuf,
    },
}

/// The commands that are about this very machine and print no result.
const ALONE: [&str; 2] = ["capture", "leave-emergency"];

/// The command that looks at recorded machines, and takes no other.
const COMPARE: &str = "compare";

/// Before the command, where it is not known yet what that prints.
const ANY_FORMAT: &str =
    "How to print; prometheus and journal with verify, html with survive and postmortem [default: text]";

/// The command line as clap knows it: each command with exactly the options that it takes.
pub fn definition() -> clap::Command {
    let definition = Typed::command().mut_arg("format", |arg| arg.help(ANY_FORMAT));
    definition.mut_subcommands(|command| {
        let formats = formats_of(command.get_name());
        let below = below::of(command.get_name());
        let printed =
            |command: clap::Command| command.mut_arg("format", |arg| arg.value_parser(one_of(formats)));
        let command = match command.get_name() {
            name if ALONE.contains(&name) => command,
            COMPARE => printed(How::augment_args(command)),
            _ => printed(Options::augment_args(command)),
        };
        let command = Messages::augment_args(command).after_help(below);
        match command.get_name() {
            "postmortem" => command.mut_arg("stall", |arg| {
                let help = "The longest storage stall to ride out, such as 90s or 5min; --budget is the same \
                            [default: the policy's, else 180s]";
                arg.alias("budget").help(help)
            }),
            "plan" | "apply" | "verify" | "revert" | "pending" | "seal" => {
                command.mut_arg("quiet", |arg| arg.help("Print nothing but errors"))
            }
            _ => command,
        }
    })
}

/// What a command can print, the default first.
fn formats_of(command: &str) -> &'static [Format] {
    match command {
        "verify" => &[Format::Text, Format::Json, Format::Prometheus, Format::Journal],
        "survive" | "postmortem" => &[Format::Text, Format::Json, Format::Html],
        _ => &[Format::Text, Format::Json],
    }
}

/// Parses the arguments, the program's own name not among them.
///
/// The error is also how clap hands over the help and the version when they are asked for.
pub fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut definition = definition();
    let matches = definition.try_get_matches_from_mut(args).map_err(|error| hints::told(args, error))?;
    before::fits(&definition, &matches).map_err(|error| hints::told(args, error))?;
    meant(&matches).map_err(|error| error.format(&mut definition))
}

/// What is known of arguments that could not be carried out.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// The command, where they name one.
    pub command: Option<String>,
    /// How to print.
    pub format: Format,
}

/// Takes from arguments, wrong as they may be, which command was meant and how to print.
///
/// clap ends at the first error, so what follows that is looked at by itself.
pub fn asked(args: &[OsString]) -> Asked {
    let mut definition = definition().ignore_errors(true);
    let mut asked = Asked { command: None, format: Format::Text };
    for from in 0..args.len() {
        let Ok(matches) = definition.try_get_matches_from_mut(args[from..].to_vec()) else { continue };
        let behind = matches.subcommand();
        let format = |matches: &clap::ArgMatches| matches.try_get_one("format").ok().flatten().copied();
        let typed = format(&matches).or_else(|| behind.and_then(|(_, behind)| format(behind)));
        asked.format = typed.unwrap_or(asked.format);
        asked.command = asked.command.or_else(|| behind.map(|(name, _)| name.to_owned()));
    }
    asked
}

/// What stands behind the command and what stands before it, together.
fn meant(matches: &clap::ArgMatches) -> Result<Cli, clap::Error> {
    let Typed { options: before, messages, command } = Typed::from_arg_matches(matches)?;
    let (mut behind, mut more) = (Options::default(), None);
    if let Some((name, matches)) = matches.subcommand() {
        more = Some(Messages::from_arg_matches(matches)?);
        match name {
            name if ALONE.contains(&name) => {}
            COMPARE => behind.how = How::from_arg_matches(matches)?,
            _ => behind = Options::from_arg_matches(matches)?,
        }
    }
    let either = |is: fn(&Messages) -> bool| is(&messages) || more.as_ref().is_some_and(is);
    let global = Global {
        root: behind.place.root.or(before.place.root).unwrap_or_else(|| "/".into()),
        machine: behind.place.machine.or(before.place.machine),
        assume: behind.place.assume.or(before.place.assume),
        config: behind.how.config.or(before.how.config),
        stall: behind.how.stall.or(before.how.stall),
        format: behind.how.format.or(before.how.format).unwrap_or(Format::Text),
        quiet: either(|messages| messages.quiet),
        verbose: either(|messages| messages.verbose),
        layer: command.as_ref().map_or(Layer::AsWritten, Command::layer),
    };
    Ok(Cli { global, command: command.unwrap_or(Command::Status) })
}

/// A value that is text, whose error names it.
fn utf8() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().try_map(|value| value.into_string().map_err(|_| "it is not UTF-8"))
}

/// One of these formats, by name; a line of help each would double the length of the help.
fn one_of(formats: &[Format]) -> impl TypedValueParser<Value = Format> {
    let names = formats.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(names.map(|name| name.help(Resettable::Reset)))
        .try_map(|name| Format::from_str(&name, false))
}

#[cfg(test)]
mod tests;
