//! The text of a line without what a terminal or an unclosed file put around it.

/// So much of a message is matched: the kernel's are shorter, and a pattern takes its time for each byte.
const MATCHED: usize = 2 << 10;

/// As much of a message as is matched.
pub(super) fn beginning(text: &str) -> &[u8] {
    let bytes = text.as_bytes();
    bytes.get(..MATCHED).unwrap_or(bytes)
}

/// Without what stands before a line's text: zeros, and a console's colours.
pub(super) fn bare(mut piece: &[u8]) -> &[u8] {
    loop {
        piece = match piece {
            [0x1b, b'[', rest @ ..] => {
                let end = rest.iter().position(u8::is_ascii_alphabetic).map_or(rest.len(), |end| end + 1);
                rest.get(end..).unwrap_or_default()
            }
            [0 | 0x1b, rest @ ..] => rest,
            _ => return piece,
        };
    }
}

/// Without a console's colours and other marks.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.find(char::is_ascii_alphabetic);
            }
            c if c.is_control() && c != '\t' => {}
            c => plain.push(c),
        }
    }
    plain
}
