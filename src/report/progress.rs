//! A word on steps that take seconds: one line that comes and goes on a terminal, a message elsewhere.
#![expect(clippy::disallowed_methods, reason = "this is part of the printing module")]

use std::io::{IsTerminal as _, Write as _};

/// What is being done now.
#[derive(Debug)]
pub struct Progress {
    quiet: bool,
    terminal: bool,
    /// Whether a line stands on the terminal that is to go.
    shown: bool,
}

impl Progress {
    /// Nothing is being done yet; `quiet`: nothing will be said.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), shown: false }
    }

    /// A step begins.
    pub fn doing(&mut self, what: &str) {
        self.done();
        if self.quiet {
            return;
        }
        if self.terminal {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "hvtune: {what} ...").and_then(|()| stderr.flush());
            self.shown = true;
        } else {
            super::message(false, what);
        }
    }

    /// Nothing is being done any more.
    pub fn done(&mut self) {
        if std::mem::take(&mut self.shown) {
            // To the first column, and the line away.
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}
