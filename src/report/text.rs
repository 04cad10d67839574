//! Text that is safe on a terminal: paragraphs, tables and headings that keep to its width.

use clap::builder::styling::{AnsiColor, Style};

use super::screen::Screen;

/// A blank at which no line is broken: between a number and its unit.
pub(super) const GLUE: char = '\u{a0}';
/// Blanks between two columns.
const GAP: usize = 2;
/// The least that a column is narrowed to before its words stand on lines of their own.
const LEAST: usize = 12;

/// Whether a character moves a terminal's cursor, turns the direction of writing, or does not show.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Escapes what steers a terminal; letters of other scripts stay.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    safe
}

/// The same for a JSON document, by JSON's own escapes. What is left of such characters after
/// serialisation stands within strings, line ends apart.
pub(super) fn printable_json(document: &str) -> String {
    let mut safe = String::with_capacity(document.len());
    for c in document.chars() {
        if steers(c) && c != '\n' {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Directories of a root that paths in messages begin with.
const BELOW_ROOT: &[&str] = &["etc/", "usr/", "lib/", "run/", "boot/", "var/", "proc/", "sys/", "efi/"];

/// A word, made safe; a path below the root as the root's own system calls it, with its first slash.
fn word_shown(word: &str) -> String {
    let bare = word.trim_start_matches(['(', '"', '`']);
    let word = printable(word);
    if BELOW_ROOT.iter().any(|dir| bare.starts_with(dir)) {
        let before = word.len().saturating_sub(printable(bare).len());
        let (open, path) = word.split_at(before);
        return format!("{open}/{path}");
    }
    word
}

fn width_of(text: &str) -> usize {
    text.chars().count()
}

/// The words of a text in lines of this width; a longer word stands alone.
pub(super) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_ascii_whitespace().map(word_shown) {
        match lines.last_mut() {
            Some(line) if width_of(line) + 1 + width_of(&word) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// The words of a command of ours, whose quoted words hold blanks.
fn shell_words(command: &str) -> Vec<&str> {
    let mut quoted = None;
    let ends = |c: char| {
        match quoted {
            None if c == '"' || c == '\'' => quoted = Some(c),
            Some(quote) if quote == c => quoted = None,
            _ => {}
        }
        c == ' ' && quoted.is_none()
    };
    command.split(ends).filter(|word| !word.is_empty()).collect()
}

/// A text on one line, its paths with their first slash.
pub(super) fn on_one_line(text: &str) -> String {
    lines(text, usize::MAX).concat()
}

/// What a piece of text means; colour repeats what its words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tone {
    /// Nothing of its own.
    #[default]
    Plain,
    /// A heading.
    Head,
    /// In order.
    Good,
    /// To be looked at soon.
    Care,
    /// Not in order.
    Bad,
    /// Beside the point.
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Head => Style::new().bold(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Care => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// A cell of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// A text in the making, for one screen.
#[derive(Debug)]
pub(super) struct Text {
    screen: Screen,
    text: String,
}

impl Text {
    pub(super) fn new(screen: Screen) -> Self {
        Self { screen, text: String::new() }
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// An empty line, unless the text begins here.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A section's title on a line of its own, after an empty line unless it is the first.
    pub(super) fn heading(&mut self, title: &str) {
        self.gap();
        self.toned(title, 0, Tone::Head);
    }

    /// A paragraph, every line indented.
    pub(super) fn para(&mut self, text: &str, indent: usize) {
        self.toned(text, indent, Tone::Plain);
    }

    pub(super) fn toned(&mut self, text: &str, indent: usize, tone: Tone) {
        for line in lines(text, self.screen.width.saturating_sub(indent)) {
            self.push(indent, &[(line, tone)]);
        }
    }

    /// A paragraph whose further lines are indented more than its first.
    pub(super) fn hanging(&mut self, text: &str, indent: usize, more: usize) {
        let width = self.screen.width;
        let mut said = lines(text, width.saturating_sub(indent));
        if said.len() > 1 {
            // The first line as it is; what follows is broken anew, as it has less room.
            let rest = said.split_off(1).join(" ");
            said.extend(lines(&rest, width.saturating_sub(more)));
        }
        for (at, line) in said.into_iter().enumerate() {
            self.push(if at == 0 { indent } else { more }, &[(line, Tone::Plain)]);
        }
    }

    /// A command to paste: broken between its words, each line but the last ending in a backslash.
    pub(super) fn command(&mut self, command: &str, indent: usize) {
        let room = self.screen.width.saturating_sub(indent + 2);
        let mut lines: Vec<String> = Vec::new();
        for word in shell_words(command) {
            match lines.last_mut() {
                Some(line) if width_of(line) + 1 + width_of(word) <= room => *line = format!("{line} {word}"),
                _ => lines.push(word.to_owned()),
            }
        }
        let more = " ".repeat(indent + 2);
        self.line(&format!("{}{}", " ".repeat(indent), lines.first().map_or("", String::as_str)));
        for line in lines.iter().skip(1) {
            self.text.truncate(self.text.trim_end().len());
            self.text.push_str(" \\\n");
            self.line(&format!("{more}{line}"));
        }
    }

    /// A line as it is: a drawing, a line of a file.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(&printable(line));
        self.text.push('\n');
    }

    /// A time and what happens then, whose further lines stand below what happens.
    pub(super) fn timer(&mut self, mark: &str, when: &str, what: &str) {
        const LABEL: usize = 15;
        let said = lines(what, self.screen.width.saturating_sub(LABEL));
        for (at, line) in said.into_iter().enumerate() {
            let label = if at == 0 { format!("  {mark} {when:>9}  ") } else { " ".repeat(LABEL) };
            self.push(0, &[(label, Tone::Plain), (line, Tone::Plain)]);
        }
    }

    /// Rows in columns as wide as their widest cell. Where that is wider than the screen, cells are
    /// broken between words; a word that is too long for its column gets a line of its own.
    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<Cell>], indent: usize) {
        let head: Vec<Cell> = head.iter().map(|name| Cell::new(*name, Tone::Faint)).collect();
        let heads = (!head.is_empty()).then_some(&head).into_iter();
        let all: Vec<&Vec<Cell>> = heads.chain(rows).collect();
        let widths = widths(&all, self.screen.width.saturating_sub(indent));
        for row in all {
            self.row(row, &widths, indent);
        }
    }

    /// A table that rows and other text make up together: the columns are those of all the rows.
    pub(super) fn columns(&self, rows: &[Vec<Cell>], indent: usize) -> Vec<usize> {
        widths(&rows.iter().collect::<Vec<_>>(), self.screen.width.saturating_sub(indent))
    }

    /// One row in columns that [`Text::columns`] gave.
    pub(super) fn row(&mut self, row: &[Cell], widths: &[usize], indent: usize) {
        let broken: Vec<Vec<String>> =
            row.iter().zip(widths).map(|(cell, width)| lines(&cell.text, *width)).collect();
        let fits = |(said, width): (&Vec<String>, &usize)| said.iter().all(|line| width_of(line) <= *width);
        let misfits: Vec<usize> = broken
            .iter()
            .zip(widths)
            .enumerate()
            .filter(|(_, pair)| !fits(*pair))
            .map(|(at, _)| at)
            .collect();
        let room = self.screen.width.saturating_sub(indent);
        let taken = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        match misfits.as_slice() {
            _ if taken > room => self.stacked(row, indent),
            [] => self.grid(row, &broken, widths, indent),
            [0] => {
                let tone = row.first().map_or(Tone::Plain, |cell| cell.tone);
                self.toned(row.first().map_or("", |cell| &cell.text), indent, tone);
                let mut rest = broken;
                if let Some(first) = rest.first_mut() {
                    first.clear();
                }
                self.grid(row, &rest, widths, indent);
            }
            _ => self.stacked(row, indent),
        }
    }

    fn grid(&mut self, row: &[Cell], broken: &[Vec<String>], widths: &[usize], indent: usize) {
        let height = broken.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            let mut pieces = Vec::new();
            for ((cell, said), width) in row.iter().zip(broken).zip(widths) {
                let piece = said.get(at).cloned().unwrap_or_default();
                let blanks = (width + GAP).saturating_sub(width_of(&piece));
                pieces.push((piece, cell.tone));
                pieces.push((" ".repeat(blanks), Tone::Plain));
            }
            self.push(indent, &pieces);
        }
    }

    /// The first cell, and what belongs to it below.
    fn stacked(&mut self, row: &[Cell], indent: usize) {
        for (at, cell) in row.iter().enumerate() {
            self.toned(&cell.text, if at == 0 { indent } else { indent + 4 }, cell.tone);
        }
    }

    /// One line of pieces, blanks at its end left out.
    fn push(&mut self, indent: usize, pieces: &[(String, Tone)]) {
        let last = pieces.iter().rposition(|(piece, _)| !piece.trim().is_empty());
        let Some(last) = last else { return };
        self.text.push_str(&" ".repeat(indent));
        for (at, (piece, tone)) in pieces.iter().enumerate().take(last + 1) {
            let piece = if at == last { piece.trim_end() } else { piece };
            let piece = &piece.replace(GLUE, " ");
            if self.screen.colour && *tone != Tone::Plain && !piece.is_empty() {
                let style = tone.style();
                self.text.push_str(&format!("{style}{piece}{style:#}"));
            } else {
                self.text.push_str(piece);
            }
        }
        self.text.push('\n');
    }
}

/// Whether a row ends in one word that has no room behind the first cell: it stands below that one, and
/// the other rows keep their columns.
fn ends_too_long(row: &[Cell], room: usize) -> bool {
    let [first, last] = row else { return false };
    let word = last.text.trim();
    !word.contains(' ') && width_of(&first.text) + GAP + width_of(word) + 1 > room
}

/// The width of each column: its widest cell, narrowed from the widest on until all fit.
fn widths(rows: &[&Vec<Cell>], room: usize) -> Vec<usize> {
    let short: Vec<&Vec<Cell>> = rows.iter().copied().filter(|row| !ends_too_long(row, room)).collect();
    let rows = if short.is_empty() { rows } else { &short };
    let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let whole = |cell: &Cell| lines(&cell.text, usize::MAX).first().map_or(0, |line| width_of(line));
    let longest = |cell: &Cell| lines(&cell.text, 0).iter().map(|word| width_of(word)).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(|at| cells(at).map(whole).max().unwrap_or(0)).collect();
    let mut least: Vec<usize> = (0..columns).map(|at| cells(at).map(longest).max().unwrap_or(0)).collect();
    let gaps = GAP * columns.saturating_sub(1);
    let over = |widths: &[usize]| (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
    // A first column of single words is not broken: a long word stands above its row, where that leaves the
    // rest whole.
    let left = room.saturating_sub(gaps + widths.iter().skip(1).sum::<usize>());
    let words = widths.first().zip(least.first()).is_some_and(|(whole, word)| word * 2 > *whole);
    if words && over(&widths) > 0 && left >= LEAST {
        let fitting = cells(0).filter(|cell| longest(cell) <= left).map(|cell| whole(cell).min(left)).max();
        for first in [widths.first_mut(), least.first_mut()].into_iter().flatten() {
            *first = fitting.unwrap_or(0).max(LEAST);
        }
    }
    while over(&widths) > 0 {
        // First where words can be broken between; then the first column, whose word goes above.
        let can = (0..columns).filter(|at| widths.get(*at) > least.get(*at));
        let narrowed = can.max_by_key(|at| widths.get(*at).copied());
        let Some(width) = narrowed.and_then(|at| widths.get_mut(at)) else { break };
        *width -= 1;
    }
    let over = over(&widths);
    if let Some(first) = widths.first_mut() {
        *first = first.saturating_sub(over).max(LEAST.min(*first));
    }
    widths
}

#[cfg(test)]
mod tests;
