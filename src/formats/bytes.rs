//! Files that are not UTF-8: most of their readers take bytes, so nothing may be lost of them.

/// The character that stands for byte 0x80; the others follow. Code points of the private use area.
const FIRST: u32 = 0xE080;

/// A file's bytes as text. A byte that is no part of UTF-8 becomes one character of its own
/// ([`is_odd`]), so that [`encode`] gives the very bytes back.
pub fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_odd(c) {
                // It would be taken for a byte on the way back.
                let mut buffer = [0; 4];
                text.extend(c.encode_utf8(&mut buffer).bytes().filter_map(stand_in));
            } else {
                text.push(c);
            }
        }
        text.extend(chunk.invalid().iter().copied().filter_map(stand_in));
    }
    text
}

/// The bytes that [`decode`] made this text of.
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(u32::from(c).wrapping_sub(FIRST).wrapping_add(0x80)) {
            Ok(byte) if is_odd(c) => bytes.push(byte),
            _ => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    bytes
}

/// Whether a character stands for a byte that is no part of UTF-8. Readers that want UTF-8
/// (udev, systemd) pass over a line that holds one.
pub fn is_odd(c: char) -> bool {
    (FIRST..FIRST + 0x80).contains(&u32::from(c))
}

fn stand_in(byte: u8) -> Option<char> {
    char::from_u32(FIRST + u32::from(byte) - 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_latin_1_word_keeps_its_bytes() {
        let text = decode(b"# caf\xe9 = 5\n");
        assert!(text.starts_with("# caf") && text.ends_with(" = 5\n") && text.chars().any(is_odd));
        assert_eq!(encode(&text), b"# caf\xe9 = 5\n");
        assert_eq!(decode("plain \u{e9}".as_bytes()), "plain \u{e9}");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(encode(&decode(&bytes)), bytes);
        }

        #[test]
        fn any_text_comes_back(text in "[\u{e000}-\u{e1ff}a-z\u{e9}]{0,16}") {
            prop_assert_eq!(encode(&decode(text.as_bytes())), text.as_bytes());
        }
    }
}
