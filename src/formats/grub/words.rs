//! A command of GRUB's own script language, split into its words.
//!
//! grub-mkconfig copies the configured arguments into the menu as they are, and what the kernel
//! gets is what GRUB's parser makes of them there
//! (<https://git.savannah.gnu.org/cgit/grub.git/tree/grub-core/script/yylex.l>).

/// Stands for text that nobody can tell.
pub const UNKNOWN: char = '\u{e000}';
/// Stands where the arguments of our fragment come in.
pub const OURS: char = '\u{e001}';

/// A character, with the number of the source that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The character.
    pub c: char,
    /// Its source.
    pub from: usize,
}

/// A text's characters, all from one source; what stands for something else in them is taken out.
pub fn cells(text: &str, from: usize) -> impl Iterator<Item = Cell> + '_ {
    text.chars().filter(|c| !matches!(*c, UNKNOWN | OURS)).map(move |c| Cell { c, from })
}

/// A word, as GRUB passes it on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrubWord {
    /// Its characters, quotes taken away.
    pub cells: Vec<Cell>,
    /// Why it may not be part of the command: something before it ends the command.
    pub beyond: Option<&'static str>,
}

impl GrubWord {
    /// The text, in quotes where it holds a blank, as GRUB hands it to the kernel; `None` where
    /// some of it is not known.
    pub fn text(&self) -> Option<String> {
        let text: String = self.cells.iter().map(|cell| cell.c).collect();
        if text.contains(UNKNOWN) {
            return None;
        }
        Some(if text.contains([' ', '\t']) { format!("\"{text}\"") } else { text })
    }
}

/// What a variable of GRUB's expands to.
pub trait Variables {
    /// The characters; `from`: the source of the `$`.
    fn expand(&mut self, name: &str, from: usize) -> Vec<Cell>;
}

/// The words of a command. Unquoted variables are split, as GRUB does it.
pub fn words(cells: &[Cell], variables: &mut dyn Variables) -> Vec<GrubWord> {
    let mut splitter = Splitter { cells, at: 0, words: Vec::new(), word: None, beyond: None };
    splitter.run(variables);
    splitter.words
}

struct Splitter<'a> {
    cells: &'a [Cell],
    at: usize,
    words: Vec<GrubWord>,
    word: Option<Vec<Cell>>,
    beyond: Option<&'static str>,
}

impl Splitter<'_> {
    fn next(&mut self) -> Option<Cell> {
        let cell = self.cells.get(self.at).copied();
        self.at += 1;
        cell
    }

    fn peek(&self) -> Option<char> {
        self.cells.get(self.at).map(|cell| cell.c)
    }

    fn push(&mut self, cell: Cell) {
        self.word.get_or_insert_default().push(cell);
    }

    fn end(&mut self) {
        if let Some(cells) = self.word.take() {
            self.words.push(GrubWord { cells, beyond: self.beyond });
        }
    }

    fn run(&mut self, variables: &mut dyn Variables) {
        let mut double = false;
        while let Some(cell) = self.next() {
            match cell.c {
                '\\' => match self.next() {
                    Some(next) if next.c == '\n' => {}
                    Some(next) if !double || matches!(next.c, '$' | '"' | '\\') => self.push(next),
                    Some(next) => {
                        self.push(cell);
                        self.push(next);
                    }
                    None => self.push(cell),
                },
                '"' => {
                    double = !double;
                    self.word.get_or_insert_default();
                }
                '$' => self.variable(cell, double, variables),
                _ if double => self.push(cell),
                '\'' => {
                    self.word.get_or_insert_default();
                    while let Some(cell) = self.next().filter(|cell| cell.c != '\'') {
                        self.push(cell);
                    }
                }
                // The kernel's own parser takes these for blanks, too (lib/cmdline.c).
                ' ' | '\t' | '\r' | '\x0b' | '\x0c' => self.end(),
                '\n' => self.ends("it stands behind a line break, which ends the command in GRUB's menu"),
                ';' => self.ends("it stands behind a ;, which ends the command in GRUB's menu"),
                '|' | '&' | '<' | '>' => self.ends("it stands behind a sign that GRUB's menu cannot hold"),
                '#' if self.word.is_none() => self.ends("it stands behind a #, a comment in GRUB's menu"),
                _ => self.push(cell),
            }
        }
        self.end();
    }

    fn ends(&mut self, why: &'static str) {
        self.end();
        self.beyond.get_or_insert(why);
    }

    fn variable(&mut self, dollar: Cell, double: bool, variables: &mut dyn Variables) {
        let braced = self.peek() == Some('{');
        self.at += usize::from(braced);
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
            self.at += 1;
        }
        if name.is_empty() {
            return self.push(dollar);
        }
        if braced && self.peek() == Some('}') {
            self.at += 1;
        }
        for cell in variables.expand(&name, dollar.from) {
            if cell.c.is_ascii_whitespace() && !double { self.end() } else { self.push(cell) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tuned;

    impl Variables for Tuned {
        fn expand(&mut self, name: &str, from: usize) -> Vec<Cell> {
            match name {
                "tuned_params" => cells("a=1 b=2", from).collect(),
                "empty" => Vec::new(),
                _ => vec![Cell { c: UNKNOWN, from }],
            }
        }
    }

    #[test]
    fn words_are_split_as_grub_does_it() {
        for (text, expected) in [
            ("ro  quiet\tx=1", "ro|quiet|x=1"),
            (r#"dyndbg="file x +p" ro"#, r#""dyndbg=file x +p"|ro"#),
            (r"a=\$b 'c d' e\ f", r#"a=$b|"c d"|"e f""#),
            ("ro $tuned_params quiet", "ro|a=1|b=2|quiet"),
            ("x=${tuned_params}y \"$tuned_params\"", "x=a=1|b=2y|\"a=1 b=2\""),
            ("ro $empty quiet", "ro|quiet"),
            ("ro $other quiet", "ro|?|quiet"),
            ("ro\r quiet", "ro|quiet"),
            ("ro ; quiet", "ro|!quiet"),
            ("ro\n quiet x#y", "ro|!quiet|!x#y"),
            ("ro # quiet", "ro|!quiet"),
            ("\"\" a", "|a"),
        ] {
            let found: Vec<String> = words(&cells(text, 0).collect::<Vec<_>>(), &mut Tuned)
                .into_iter()
                .map(|word| {
                    let beyond = if word.beyond.is_some() { "!" } else { "" };
                    format!("{beyond}{}", word.text().unwrap_or_else(|| "?".to_owned()))
                })
                .collect();
            assert_eq!(found.join("|"), expected, "{text:?}");
        }
    }
}
