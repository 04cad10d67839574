//! open-iscsi's `iscsid.conf` and node records: `key = value` lines
//! (`idbm_recinfo_config` in <https://github.com/open-iscsi/open-iscsi/blob/master/usr/idbm.c>).
//!
//! Its reader has rules that cost settings without a word: a blank must stand before the `=`
//! (`key=5` is passed over), a last line without its end is not read, nothing behind a value is
//! a comment, and a value that begins with no digit is the number 0.

use super::fgets;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Line number, from 1.
    pub line: u32,
    /// Key: `node.session.timeo.replacement_timeout`.
    pub key: &'a str,
    /// Value as written, to the end of the line.
    pub value: &'a str,
}

/// The bytes that open-iscsi reads a line into; the rest of a longer one is read as the next line.
const BUFFER: usize = 2048;

/// Every line that open-iscsi takes for a setting; the last of a key counts.
pub fn scan(text: &str) -> Vec<Entry<'_>> {
    let pieces = fgets(text, BUFFER).into_iter();
    pieces.filter_map(|(line, piece)| reads(piece).map(|(key, value)| Entry { line, key, value })).collect()
}

/// The key and value of one line with its end, as open-iscsi reads them. What follows the key's
/// last character is dropped unseen, so of `key=5` the sign is lost, and `key==5` is a setting.
pub(crate) fn reads(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_suffix('\n').filter(|line| !line.contains('\0'))?.trim_matches(is_blank);
    if line.starts_with('#') {
        return None;
    }
    let (key, rest) = line.split_at(line.find(|c| c == '=' || is_blank(c))?);
    let rest = rest.get(1..)?.trim_start_matches(is_blank);
    let value = rest.strip_prefix('=')?.trim_start_matches(is_blank);
    (!value.is_empty()).then_some((key, value))
}

/// A value as open-iscsi's numbers are read: `strtoul`, then 32 bits with a sign
/// (`idbm_rec_update_param`, `TYPE_INT`). Whatever follows the digits is no matter.
pub fn number(value: &str) -> i32 {
    let text = value.trim_start_matches(is_blank);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    // What has more digits than fit is all ones, whatever its sign.
    let whole = match digits.parse::<u64>() {
        Ok(number) if negative => number.wrapping_neg(),
        Ok(number) => number,
        Err(_) if digits.is_empty() => 0,
        Err(_) => u64::MAX,
    };
    let [a, b, c, d, ..] = whole.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// C's `isspace`, by which open-iscsi finds words: a no-break space is none.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// What looks like a setting in a file of `key = value` lines, whether or not its reader takes it:
/// the shape of a line of ours in somebody else's file.
pub(crate) fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_matches(is_blank);
    if line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let key = key.trim_end_matches(is_blank);
    (!key.is_empty() && !key.contains(is_blank)).then_some((key, value.trim_start_matches(is_blank)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_record() {
        let text = "# BEGIN RECORD 2.1.8\nnode.name = iqn.2024-01.example:data\n\
                    node.session.timeo.replacement_timeout = 120\n  node.conn[0].timeo.noop_out_interval\t=5\r\n\
                    iface.hwaddress = <empty>\n# node.x = 1\nnonsense\n= 3\na b = 4\nnode.y\u{a0}= 5\n\
                    # END RECORD\n";
        let settings: Vec<_> =
            scan(text).iter().map(|e| format!("{} {}={}", e.line, e.key, e.value)).collect();
        assert_eq!(
            settings,
            [
                "2 node.name=iqn.2024-01.example:data",
                "3 node.session.timeo.replacement_timeout=120",
                "4 node.conn[0].timeo.noop_out_interval=5",
                "5 iface.hwaddress=<empty>",
            ]
        );
    }

    /// What iscsiadm of Debian 12 and 13 (2.1.8, 2.1.11) shows of such a record.
    #[test]
    fn what_the_reader_passes_over() {
        let value = |text: &str| scan(text).last().map(|entry| entry.value.to_owned());
        for (text, expected) in [
            ("k = 86400  # raised\n", Some("86400  # raised")),
            ("k=55\n", None),
            ("k= 55\n", None),
            ("k =55\n", Some("55")),
            ("k==55\n", Some("55")),
            ("k = 55", None),
            ("k = 55\nk =\n", Some("55")),
            ("k = 55\nk = off\n", Some("off")),
            ("k = 55\r\n", Some("55")),
            ("# d\u{e9}\n \tk = 77\n", Some("77")),
            ("k\u{b}=\u{c}66\n", Some("66")),
            ("k = 5\0\n", None),
        ] {
            assert_eq!(value(text).as_deref(), expected, "{text:?}");
        }
        // The rest of a line that is too long is a line.
        assert_eq!(value(&format!("#{}k = 66\n", "0".repeat(2046))).as_deref(), Some("66"));
        assert_eq!(value(&format!("#{}k = 66\n", "0".repeat(2045))), None);
    }

    #[test]
    fn numbers_are_read_as_c_does() {
        for (value, expected) in [
            ("86400  # raised", 86_400),
            ("-1", -1),
            ("+5", 5),
            ("off", 0),
            ("", 0),
            ("0x10", 0),
            ("4294967295", -1),
            ("4294967297", 1),
            ("99999999999999999999", -1),
            ("5s", 5),
        ] {
            assert_eq!(number(value), expected, "{value:?}");
        }
    }
}
