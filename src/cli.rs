//! The command line: what was typed, and what it means; no behaviour.
//!
//! Two tables, of commands and of flags, hold every word of it; the parser, the help and
//! the hints for misspelt words all come from them.

mod flags;
mod help;
mod parse;
mod verbs;

use std::path::PathBuf;

pub use parse::parse;

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// A command.
    Run(Cli),
    /// This text, and nothing else.
    Print(String),
}

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
}

/// Kinds of machine that can be assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assume {
    /// A Hyper-V guest
    Hyperv,
    /// A guest on Azure
    Azure,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug)]
pub struct Only {
    /// Show only ids, knobs, disks and mounts that match
    pub only: Option<String>,
}

/// The commands.
#[derive(Debug)]
pub enum Command {
    /// Show the machine.
    Detect(Only),
    /// Show what apply would change.
    Plan {
        /// Print the changes as unified diffs.
        diff: bool,
        /// Exit with 1 when anything would change.
        exit_code: bool,
        /// What to show.
        only: Only,
    },
    /// Write the files, then make live what can be made live.
    Apply {
        /// Write the files only.
        no_activate: bool,
        /// Early in boot: files only.
        early: bool,
    },
    /// Check files and live values.
    Verify(Only),
    /// Show how long mounts survive a stall.
    Survive(Only),
    /// Show the catalogue, or one entry.
    Explain {
        /// An id or a knob.
        id: Option<String>,
        /// What to show.
        only: Only,
    },
    /// Remove what apply wrote.
    Revert {
        /// Remove the files only.
        no_activate: bool,
    },
    /// Tell by the exit code whether a reboot is needed.
    RebootNeeded,
    /// Record this machine.
    Capture {
        /// The directory to record into.
        dir: PathBuf,
    },
}
