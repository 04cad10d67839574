//! How much memory the machine has.

use crate::facts::Gap;
use crate::root::Root;

use super::needed;

const MEMINFO: &str = "proc/meminfo";

/// `MemTotal` in bytes.
pub fn read_total(machine: &Root, gaps: &mut Vec<Gap>) -> Option<u64> {
    let text = needed(gaps, "memory", MEMINFO, machine.read_text(MEMINFO))?;
    let total = parse_total(&text);
    if total.is_none() {
        gaps.push(Gap::new("memory", MEMINFO, "no MemTotal in kB"));
    }
    total
}

/// The `MemTotal:` line, kB to bytes (man 5 `proc_meminfo`: the unit is KiB, whatever it is called).
fn parse_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_meminfo_counts() {
        let text = "MemTotal:       24683656 kB\nMemFree:        22164088 kB\nMemAvailable:   23921640 kB\n";
        assert_eq!(parse_total(text), Some(24_683_656 * 1024));
        for text in
            ["", "MemFree: 1 kB\n", "MemTotal: x kB\n", "MemTotal: 5\n", "MemTotal: 99999999999999999999 kB"]
        {
            assert_eq!(parse_total(text), None, "{text}");
        }
    }
}
