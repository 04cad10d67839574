//! Text that is safe on a terminal, wrapped, and tables.

/// Columns that text is made for.
const WIDTH: usize = 80;

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

/// Wraps words to the width, every line indented; a longer word stands alone.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.len() + 1 + word.len() > WIDTH {
            lines.push_str(&format_line(&pad, &line));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&printable(word));
    }
    if !line.is_empty() {
        lines.push_str(&format_line(&pad, &line));
    }
    lines
}

fn format_line(pad: &str, line: &str) -> String {
    format!("{pad}{line}\n")
}

/// Columns as wide as their widest cell, two blanks apart; the first row is the head.
pub(super) fn table(rows: &[Vec<String>], indent: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{:<width$}  ", printable(cell)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A name in a column of this width, made safe, and at least one blank behind it, however long it is.
pub(super) fn column(name: &str, width: usize) -> String {
    let name = printable(name);
    let blanks = width.saturating_sub(name.chars().count()).max(1);
    format!("{name}{}", " ".repeat(blanks))
}

/// A section's title on a line of its own, after an empty line unless it is the first.
pub(super) fn heading(text: &mut String, title: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(title);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_reaches_a_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(printable("a\u{9b}2J\u{202e}\u{e9}"), "a\\u{9b}2J\\u{202e}\u{e9}");
        assert_eq!(printable_json("{\n\"a\u{7f}\u{9b}\u{e9}\"}"), "{\n\"a\\u007f\\u009b\u{e9}\"}");
    }

    #[test]
    fn a_name_as_long_as_its_column_keeps_a_blank() {
        assert_eq!(column("vm.dirty", 12), "vm.dirty    ");
        assert_eq!(column("waagent.root_device_timeout", 24), "waagent.root_device_timeout ");
    }

    proptest::proptest! {
        #[test]
        fn columns_never_run_together(
            name in "[!-~\u{e9}\u{1b}]{1,60}", next in "[!-~]{1,20}", width in 0_usize..40,
            rows in proptest::collection::vec(proptest::collection::vec("[!-~\u{e9}\u{202e}]{1,40}", 3), 1..5),
        ) {
            let line = format!("{}{next}", column(&name, width));
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            proptest::prop_assert_eq!(words, [printable(&name), next]);
            for (line, row) in table(&rows, 2).lines().zip(&rows) {
                let cells: Vec<String> = row.iter().map(|cell| printable(cell)).collect();
                proptest::prop_assert_eq!(line.split_whitespace().collect::<Vec<_>>(), cells);
            }
        }
    }

    #[test]
    fn words_wrap_at_the_width() {
        let text = wrapped(&"word ".repeat(40), 4);
        assert!(text.lines().all(|line| line.len() <= WIDTH && line.starts_with("    word")));
        assert_eq!(text.split_whitespace().count(), 40);
    }
}
