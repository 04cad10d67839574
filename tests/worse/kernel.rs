//! How the kernel reads a number that is written to one of its files.

/// A number as `/proc/sys` takes it: blanks, a sign, then decimal, octal after 0 or hexadecimal after
/// 0x; only a blank or nothing may follow, and what comes after that blank is passed over
/// (`proc_get_long`, <https://github.com/torvalds/linux/blob/v6.12/kernel/sysctl.c>).
pub(crate) fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let word = text.split_ascii_whitespace().next()?;
    let (negative, digits) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    let (digits, base) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i64::from_str_radix(digits, base).ok()?;
    Some(if negative { -number } else { number })
}

#[test]
fn numbers_as_the_kernel_reads_them() {
    for (text, expected) in [
        ("0x258", Some(600)),
        ("0600", Some(384)),
        (" 300 and more", Some(300)),
        ("-1", Some(-1)),
        ("600s", None),
        ("", None),
        ("99999999999999999999", None),
    ] {
        assert_eq!(number(text.as_bytes()), expected, "{text}");
    }
}
