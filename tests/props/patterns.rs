//! udev compares by patterns only, so a number's comparison is one.

use hvtune::render::at_least_pattern;
use proptest::prelude::*;

use crate::cases;

/// fnmatch of what the patterns are made of: alternatives, `*`, one range in brackets.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.split('|').any(|alternative| glob(alternative.as_bytes(), text.as_bytes()))
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|taken| glob(rest, &text[taken..])),
        ([b'[', low, b'-', high, b']', rest @ ..], [c, after @ ..]) => {
            (low..=high).contains(&c) && glob(rest, after)
        }
        ([p, rest @ ..], [c, after @ ..]) => p == c && p.is_ascii_digit() && glob(rest, after),
        _ => false,
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn the_pattern_is_the_comparison(
        number in prop_oneof![0..200_u64, any::<u64>(), any::<u32>().prop_map(u64::from), (0..20_u32).prop_map(|e| 10_u64.saturating_pow(e))],
        other in any::<u64>(),
        near in -3..=3_i64,
    ) {
        let pattern = at_least_pattern(number);
        let long = pattern.len() > 700;
        prop_assert!(!long || number > u64::from(u32::MAX), "no line of ours holds it: {pattern}");
        for candidate in [other, other % 1000, number.saturating_add_signed(near), number, u64::MAX, 0] {
            prop_assert_eq!(matches(&pattern, &candidate.to_string()), candidate >= number, "{} >= {}: {}", candidate, number, pattern);
        }
    }

    /// What is no number of the kernel's own writing is never taken for a large one.
    #[test]
    fn no_other_text_is_at_least_anything(number in 1..1_000_000_u64, text in "[-+ a-z]{1,3}[0-9]{0,8}|0[0-9]{1,8}|") {
        prop_assert!(!matches(&at_least_pattern(number), &text), "{:?} >= {}", text, number);
    }
}
