//! Every command: its name, its word, its line of help.

use std::ffi::OsString;

use super::flags::Typed;
use super::{Command, Only};

/// One command.
#[derive(Debug)]
pub(super) struct Verb {
    /// As typed.
    pub(super) name: &'static str,
    /// Its line of help.
    pub(super) help: &'static str,
    /// The word that it takes.
    pub(super) word: Option<Word>,
    /// What was typed becomes the command; the error says what its word must be.
    pub(super) make: fn(Typed) -> Result<Command, String>,
}

/// A word after the command's name.
#[derive(Debug)]
pub(super) struct Word {
    /// What stands for it in the help.
    pub(super) name: &'static str,
    /// Whether the command needs it.
    pub(super) needed: bool,
    /// Its line of help.
    pub(super) help: &'static str,
}

/// In the order of the help: that of the pipe.
pub(super) const VERBS: &[Verb] = &[
    Verb {
        name: "detect",
        help: "Show the machine: hypervisor, storage, kernels, boot loader",
        word: None,
        make: |typed| Ok(Command::Detect(only(typed))),
    },
    Verb {
        name: "plan",
        help: "Show what apply would change",
        word: None,
        make: |typed| Ok(Command::Plan { diff: typed.diff, exit_code: typed.exit_code, only: only(typed) }),
    },
    Verb {
        name: "apply",
        help: "Write the files, then make live what can be made live",
        word: None,
        make: |typed| Ok(Command::Apply { no_activate: typed.no_activate, early: typed.early }),
    },
    Verb {
        name: "verify",
        help: "Check files and live values, and say which layer deviates",
        word: None,
        make: |typed| Ok(Command::Verify(only(typed))),
    },
    Verb {
        name: "survive",
        help: "Show how long mounts survive a stall, and what breaks first",
        word: None,
        make: |typed| Ok(Command::Survive(only(typed))),
    },
    Verb {
        name: "explain",
        help: "Show the catalogue, or one entry: value here, why, sources",
        word: Some(Word {
            name: "ID",
            needed: false,
            help: "An id or a knob, such as disk.timeout or vm.swappiness",
        }),
        make: |mut typed| {
            let id = typed.word.take().map(OsString::into_string).transpose();
            Ok(Command::Explain { id: id.map_err(|_| "must be UTF-8".to_owned())?, only: only(typed) })
        },
    },
    Verb {
        name: "revert",
        help: "Take back what apply wrote; exit 1 if edits since are kept",
        word: None,
        make: |typed| Ok(Command::Revert { no_activate: typed.no_activate }),
    },
    Verb {
        name: "reboot-needed",
        help: "Exit 0 if a reboot is needed, 1 if not, 2 if it cannot be told",
        word: None,
        make: |_| Ok(Command::RebootNeeded),
    },
    Verb {
        name: "capture",
        help: "Record this machine into a new directory, for --machine",
        word: Some(Word {
            name: "DIR",
            needed: true,
            help: "A directory that does not exist yet, or is empty",
        }),
        make: |typed| Ok(Command::Capture { dir: typed.word.unwrap_or_default().into() }),
    },
];

fn only(typed: Typed) -> Only {
    Only { only: typed.only }
}
