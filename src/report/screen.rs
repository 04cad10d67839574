//! The screen that text is made for: its width, and whether it takes colour.
#![expect(clippy::disallowed_methods, reason = "this is part of the printing module")]

use terminal_size::{Width, terminal_size_of};

/// Columns where nobody says how many there are.
const WIDTH: usize = 80;
/// Fewer columns than these hold no table.
const LEAST: usize = 40;
/// Longer lines are hard to read.
const MOST: usize = 120;

/// What a text may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// Columns.
    pub(super) width: usize,
    /// Whether colour is wanted: on a terminal, unless `NO_COLOR` or `CLICOLOR` forbids it.
    pub(super) colour: bool,
}

impl Screen {
    /// Of standard output: the terminal's own width, else that of `COLUMNS`, else 80.
    pub(super) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let terminal = terminal_size_of(&stdout).map(|(Width(width), _)| usize::from(width));
        let choice = anstream::AutoStream::choice(&stdout);
        Self {
            width: bounded(terminal.or_else(columns)).unwrap_or(WIDTH),
            colour: choice != anstream::ColorChoice::Never,
        }
    }

    /// The width of standard error, for messages; nothing where neither a terminal nor COLUMNS says it, as in a
    /// journal, where a message is one line.
    pub(super) fn of_messages() -> Option<usize> {
        let terminal = terminal_size_of(std::io::stderr()).map(|(Width(width), _)| usize::from(width));
        bounded(terminal.or_else(columns))
    }
}

/// The width that the environment asks for.
fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.trim().parse().ok()
}

fn bounded(width: Option<usize>) -> Option<usize> {
    width.filter(|width| *width > 0).map(|width| width.clamp(LEAST, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_one_that_can_be_read() {
        assert_eq!(bounded(None), None);
        assert_eq!(bounded(Some(0)), None);
        assert_eq!(bounded(Some(7)), Some(LEAST));
        assert_eq!(bounded(Some(60)), Some(60));
        assert_eq!(bounded(Some(400)), Some(MOST));
    }
}
