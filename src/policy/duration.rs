//! Durations as people write them.

/// Shortest and longest stall budget in seconds: below lies ordinary load, above no storage comes back.
const STALL: std::ops::RangeInclusive<u64> = 10..=86_400;

/// Seconds of `180s`, `3min`, `2m30s`, `1h`, `180`.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let bad = || format!("`{text}` is no duration; write 180s, 3min, 2m30s or 1h");
    let mut seconds: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(span(rest, |c| c.is_ascii_digit()));
        let after = after.trim_start();
        let (unit, after) = after.split_at(span(after, |c| c.is_ascii_alphabetic()));
        let number: u64 = number.parse().map_err(|_| bad())?;
        let factor = match unit {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            // A bare number stands alone.
            "" if after.is_empty() && seconds == 0 => 1,
            _ => return Err(bad()),
        };
        seconds = number.checked_mul(factor).and_then(|part| seconds.checked_add(part)).ok_or_else(bad)?;
        rest = after.trim_start();
    }
    Ok(seconds)
}

fn span(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// A stall budget in seconds, within its bounds; what `stall` and `--stall` take.
pub fn parse_stall(text: &str) -> Result<u64, String> {
    within(parse_duration(text)?)
}

/// Refuses a stall budget outside of its bounds.
pub(super) fn within(seconds: u64) -> Result<u64, String> {
    if STALL.contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!("a stall budget of {seconds} s is out of range: {} s to {} s", STALL.start(), STALL.end()))
}

/// Refuses a time for which no host holds a command.
pub(super) fn held(seconds: u64) -> Result<u64, String> {
    if (1..=3600).contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!("a host that holds a command for {seconds} s is out of range: 1 s to 3600 s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("180s", 180),
            ("180", 180),
            ("3min", 180),
            ("2m30s", 150),
            ("2 min 30 s", 150),
            ("1h", 3600),
            ("1h1m1s", 3661),
            (" 0s ", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            " ",
            "s",
            "-3s",
            "3 parrots",
            "30ms",
            "3.5s",
            "3m30",
            "30 3m",
            "99999999999999999999",
            "6148914691236517205h",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_budget_has_bounds() {
        assert_eq!(parse_stall("10s"), Ok(10));
        assert_eq!(parse_stall("24h"), Ok(86_400));
        for text in ["9s", "86401", "0"] {
            assert!(parse_stall(text).unwrap_err().contains("10 s to 86400 s"), "{text}");
        }
    }
}
