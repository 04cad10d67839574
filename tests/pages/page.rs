//! A man page as mandoc shows it.

use std::process::Command;

use super::{base, output};

/// A page and its text.
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Page {
    /// One of dist/man.
    pub(crate) fn read(name: &str) -> Self {
        let path = base().join("dist/man").join(name);
        // So wide that no option breaks; three letters struck over each other are one in bold.
        let shown = output(Command::new("mandoc").args(["-T", "ascii", "-O", "width=1000"]).arg(path));
        let mut text = String::new();
        for letter in shown.chars() {
            if letter == '\u{8}' {
                text.pop();
            } else {
                text.push(letter);
            }
        }
        Self { name: name.to_owned(), text }
    }

    /// The lines below a heading.
    pub(crate) fn section(&self, heading: &str) -> Vec<&str> {
        let lines = self.text.lines().skip_while(|line| *line != heading).skip(1);
        lines.take_while(|line| line.is_empty() || line.starts_with(' ')).collect()
    }

    /// The words below a heading, with one space between them.
    pub(crate) fn words(&self, heading: &str) -> String {
        self.section(heading).iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>().join(" ")
    }

    /// What a section explains.
    pub(crate) fn terms(&self, heading: &str) -> Vec<String> {
        self.indented(heading, 7)
    }

    /// What is explained within the explanation of something else.
    pub(crate) fn terms_within(&self, heading: &str) -> Vec<String> {
        let mut terms = self.indented(heading, 14);
        terms.retain(|term| !term.contains(' ') && !term.ends_with(':'));
        terms
    }

    fn indented(&self, heading: &str, by: usize) -> Vec<String> {
        let begins = |line: &&str| line.find(|letter| letter != ' ') == Some(by);
        self.section(heading).into_iter().filter(begins).map(|line| term(line.trim_start())).collect()
    }
}

/// All of a line, or what stands before the column of meanings, where a short term has its own.
fn term(line: &str) -> String {
    match line.split_at_checked(7) {
        Some((term, _)) if term.ends_with(' ') => term.trim_end().to_owned(),
        _ => line.to_owned(),
    }
}
