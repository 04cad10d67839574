//! Sections of a page, from text of one form: a paragraph or a term is indented by two, and what belongs to
//! it by four.

use clap_mangen::roff::{Roff, bold, roman};

/// The text below a help's heading.
pub(crate) fn below<'a>(help: &'a str, heading: &str) -> Option<&'a str> {
    help.split("\n\n").find_map(|part| part.strip_prefix(heading)?.strip_prefix(":\n"))
}

/// Terms and what they mean; numbers and theirs; paragraphs.
pub(crate) fn terms(roff: &mut Roff, heading: &str, text: &str) {
    roff.control("SH", [heading]);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_term = lines.peek().is_some_and(|next| next.starts_with("    "));
        if let Some(meaning) = line.strip_prefix("    ") {
            roff.text([roman(meaning)]);
        } else if let Some((number, meaning)) = numbered(line) {
            roff.control("TP", []).text([bold(number)]).text([roman(meaning)]);
        } else if is_term {
            roff.control("TP", []).text([bold(line.trim())]);
        } else {
            roff.control("PP", []).text([roman(line.trim())]);
        }
    }
}

/// `  2  Trouble`
fn numbered(line: &str) -> Option<(&str, &str)> {
    let (number, meaning) = line.trim().split_once("  ")?;
    number.parse::<u8>().ok().map(|_| (number, meaning))
}

/// What somebody wants, and the commands for it.
pub(crate) fn examples(roff: &mut Roff, text: &str) {
    roff.control("SH", ["EXAMPLES"]);
    for (at, line) in text.lines().enumerate() {
        if let Some(command) = line.strip_prefix("    ") {
            code(roff, command);
            continue;
        }
        if at > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(line.trim())]);
    }
}

/// Lines as they are to be typed.
pub(crate) fn code(roff: &mut Roff, text: &str) {
    roff.control("RS", ["4"]).control("nf", []);
    for line in text.lines() {
        roff.text([bold(line)]);
    }
    roff.control("fi", []).control("RE", []);
}

/// Other pages.
pub(crate) fn see_also(roff: &mut Roff, pages: &[(String, &str)]) {
    roff.control("SH", ["SEE ALSO"]);
    for (at, (page, section)) in pages.iter().enumerate() {
        let end = if at + 1 == pages.len() { "" } else { "," };
        roff.text([bold(page), roman(format!("({section}){end}"))]);
    }
}
