//! The command line: types and help, no behaviour.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Makes a Linux guest on Hyper-V or Azure ride out storage stalls, for good
#[derive(Debug, Parser)]
#[command(name = "hvtune", version, max_term_width = 80, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 in order; 1 differs; 2 trouble, nothing written;\n\
                        3 (verify) only a reboot is missing.")]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Take this directory for the root: an image
    #[arg(long, global = true, value_name = "DIR", default_value = "/", hide_default_value = true)]
    pub root: PathBuf,
    /// Take the machine from this capture
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "assume")]
    pub machine: Option<PathBuf>,
    /// Take the machine for such a guest, sizes unknown
    #[arg(long, global = true, value_name = "hyperv|azure", hide_possible_values = true)]
    pub assume: Option<Assume>,
    /// Read this policy file, and no other
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The stall budget: the longest silence to ride out
    #[arg(long, global = true, value_name = "DURATION")]
    pub stall: Option<String>,
    /// How to print: text, json, prometheus, html
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    pub format: Format,
    /// Print less: no messages but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more: reasons and sources
    #[arg(short, long, global = true)]
    pub verbose: bool,
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
    /// For a textfile collector (verify only)
    Prometheus,
    /// One page for a change ticket (survive only)
    Html,
}

/// A pattern that shows less.
#[derive(Debug, Args)]
pub struct Only {
    /// Show only ids, knobs, disks and mounts that match
    #[arg(long, value_name = "REGEX")]
    pub only: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the machine: hypervisor, storage, kernels, boot loader
    Detect(Only),
    /// Show what apply would change
    Plan {
        /// Print the changes as unified diffs
        #[arg(long)]
        diff: bool,
        /// Exit with 1 when anything would change
        #[arg(long)]
        exit_code: bool,
        /// What to show.
        #[command(flatten)]
        only: Only,
    },
    /// Write the files, then make live what can be made live
    Apply {
        /// Write the files only
        #[arg(long)]
        no_activate: bool,
        /// Early in boot: files only
        #[arg(long)]
        early: bool,
    },
    /// Check files and live values, and say which layer deviates
    Verify(Only),
    /// Show how long mounts survive a stall, and what breaks first
    Survive(Only),
    /// Show the catalogue, or one entry: value here, why, sources
    Explain {
        /// An id or a knob, such as disk.timeout or vm.swappiness
        id: Option<String>,
        /// What to show.
        #[command(flatten)]
        only: Only,
    },
    /// Remove what apply wrote
    Revert {
        /// Remove the files only
        #[arg(long)]
        no_activate: bool,
    },
    /// Exit 0 if a reboot is needed, 1 if not, 2 if it cannot be told
    RebootNeeded,
    /// Record this machine into a new directory, for --machine
    Capture {
        /// A directory that does not exist yet, or is empty
        dir: PathBuf,
    },
}
