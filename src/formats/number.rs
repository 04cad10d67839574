//! Numbers as the kernel reads them from a file of `/proc/sys` or sysfs.

/// The longest number that `proc_get_long` looks at, in bytes.
const LONGEST: usize = 20;

/// The first number of a text written to a file of `/proc/sys`, as `proc_get_long` takes it: blanks before
/// it are skipped, `0x` and a leading 0 choose the base, and a blank, a tab or a line end must follow;
/// `None` where the kernel refuses it (`EINVAL`). What follows the blank is not looked at where the key
/// holds one number (<https://github.com/torvalds/linux/blob/v6.12/kernel/sysctl.c>).
pub fn parse_kernel_integer(text: &str) -> Option<i128> {
    let text = text.trim_start_matches(|c: char| matches!(c, ' ' | '\t'..='\r'));
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, text),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let hex = hex.filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    let (radix, body) = match hex {
        Some(rest) => (16, rest),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let end = body.find(|c: char| !c.is_digit(radix)).unwrap_or(body.len());
    let (number, rest) = body.split_at(end);
    let taken = text.len() - rest.len();
    if number.is_empty() || taken > LONGEST || !(rest.is_empty() || rest.starts_with([' ', '\t', '\n'])) {
        return None;
    }
    let number = u64::from_str_radix(number, radix).ok().map(i128::from)?;
    Some(if negative { -number } else { number })
}

/// A whole number written to an attribute of sysfs, as `kstrtol` takes it in base 10: one sign, digits, one
/// line end at most.
pub fn parse_attribute_integer(text: &str) -> Option<i128> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<i64>().ok().map(i128::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_kernel_does() {
        for (text, expected) in [
            ("10", Some(10)),
            ("10\n", Some(10)),
            (" \t10 # of 100", Some(10)),
            ("10#", None),
            ("-1", Some(-1)),
            ("-", None),
            ("+1", None),
            ("0x1F4", Some(500)),
            ("0x", None),
            ("010", Some(8)),
            ("08", None),
            ("0", Some(0)),
            ("10%", None),
            ("1.5", None),
            ("", None),
            ("\n", None),
            ("\"60\"", None),
            ("10\r", None),
            ("18446744073709551615", Some(18_446_744_073_709_551_615)),
            ("18446744073709551616", None),
            ("000000000000000000010", None),
            ("4096 8192", Some(4096)),
        ] {
            assert_eq!(parse_kernel_integer(text), expected, "{text:?}");
        }
        for (text, expected) in [
            ("4096", Some(4096)),
            ("4096\n", Some(4096)),
            ("+5", Some(5)),
            ("-1", Some(-1)),
            (" 5", None),
            ("5 ", None),
            ("0x10", None),
            ("5\r", None),
            ("", None),
        ] {
            assert_eq!(parse_attribute_integer(text), expected, "{text:?}");
        }
    }
}
