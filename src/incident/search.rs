//! Many texts looked for at once, in one pass (Wu and Manber, "A fast algorithm for multi-pattern searching",
//! 1994): most bytes of a log are never looked at.

/// Which rows of the table a line may be of: one bit each.
pub(super) type Rows = u128;

/// Looks for the texts of the whole table.
#[derive(Debug)]
pub(super) struct Search {
    /// Bytes of the shortest text: so much of each decides.
    window: usize,
    /// How far the window may move on, by its last three bytes.
    shift: Vec<u8>,
    /// The first text of those whose window ends in three bytes, by a number of these.
    first: Vec<u8>,
    texts: Vec<Text>,
}

#[derive(Debug)]
struct Text {
    bytes: &'static [u8],
    row: u32,
    /// The next text with the same end of its window; `NONE` ends.
    next: u8,
}

const NONE: u8 = u8::MAX;
/// Numbers of three bytes: other bytes may have the same, so a text is compared before it counts.
const GRAMS: usize = 1 << 15;
const GRAM: usize = 3;

/// The number of the three bytes before `end`.
fn gram(bytes: &[u8], end: usize) -> Option<usize> {
    match bytes.get(end.checked_sub(GRAM)?..end)? {
        [a, b, c] => Some(((usize::from(*a) << 10) ^ (usize::from(*b) << 5) ^ usize::from(*c)) % GRAMS),
        _ => None,
    }
}

impl Search {
    /// Prepares for texts, each with the row that it stands for.
    pub(super) fn new(of: &[(&'static str, u32)]) -> Self {
        let window = of.iter().map(|(text, _)| text.len()).min().unwrap_or(GRAM).max(GRAM);
        let far = u8::try_from(window + 1 - GRAM).unwrap_or(u8::MAX);
        let mut search = Self {
            window,
            shift: vec![far; GRAMS],
            first: vec![NONE; GRAMS],
            texts: Vec::with_capacity(of.len()),
        };
        for (text, row) in of {
            let bytes = text.as_bytes();
            for end in GRAM..=window {
                let left = u8::try_from(window - end).unwrap_or(u8::MAX);
                let place = gram(bytes, end).and_then(|gram| search.shift.get_mut(gram));
                if let Some(shift) = place {
                    *shift = left.min(*shift);
                }
            }
            let bucket = gram(bytes, window).and_then(|gram| search.first.get_mut(gram));
            if let (Some(first), Ok(at)) = (bucket, u8::try_from(search.texts.len())) {
                let next = std::mem::replace(first, at);
                search.texts.push(Text { bytes, row: *row, next });
            }
        }
        search
    }

    /// The rows of which a text stands in these bytes.
    pub(super) fn rows(&self, bytes: &[u8]) -> Rows {
        let mut rows = 0;
        let mut end = self.window;
        while let Some(gram) = gram(bytes, end) {
            let shift = self.shift.get(gram).copied().unwrap_or(1);
            if shift > 0 {
                end += usize::from(shift);
                continue;
            }
            let rest = bytes.get(end - self.window..).unwrap_or_default();
            let mut next = self.first.get(gram).copied().unwrap_or(NONE);
            while let Some(text) = self.texts.get(usize::from(next)) {
                if rest.starts_with(text.bytes) {
                    rows |= 1 << text.row;
                }
                next = text.next;
            }
            end += 1;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::table;

    #[test]
    fn finds_what_a_plain_search_finds() {
        let texts = [("abcd", 0), ("bcde", 1), ("xyzxyz", 2), ("cdab", 3), ("aaaa", 4)];
        let search = Search::new(&texts);
        for line in ["", "a", "abc", "abcd", "zabcde", "xyzxyxyzxyz", "ccdabcd", "aaaaa", "aabcdaaa"] {
            let plain = texts.iter().filter(|(text, _)| line.contains(text)).map(|(_, row)| 1_u128 << row);
            assert_eq!(search.rows(line.as_bytes()), plain.sum::<u128>(), "{line}");
        }
    }

    #[test]
    fn the_whole_table_fits() {
        let rows = table::all().count();
        let texts = table::all().map(|row| row.has.len()).sum::<usize>();
        assert!(rows <= 128 && texts < usize::from(NONE), "{rows} rows, {texts} texts");
        for row in table::all() {
            assert!(!row.has.is_empty() && row.has.iter().all(|text| text.len() >= 5), "{}", row.name);
        }
    }
}
