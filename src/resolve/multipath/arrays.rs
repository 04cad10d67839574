//! What is said of arrays: multipath's built-in table, and the `device` sections over it.

use crate::facts::{Facts, MultipathLine};
use crate::formats::multipath::{queues, reads};
use crate::pattern::parse_pattern;

/// See its head.
const TABLE: &str = include_str!("arrays.tsv");

/// An entry for arrays whose vendor and product match.
#[derive(Debug, Clone)]
pub(super) struct Array<'a> {
    pub(super) vendor: &'a str,
    pub(super) product: &'a str,
    revision: Option<&'a str>,
    /// What the built-in table says of each of [`KEYS`].
    table: [Option<&'a str>; 3],
    /// Whether every version that is known has it so.
    pub(super) sure: bool,
    lines: Vec<&'a MultipathLine>,
    values: Vec<(&'a str, String)>,
    /// The `device` sections that it was made of.
    pub(super) blocks: Vec<u32>,
}

const KEYS: [&str; 3] = ["no_path_retry", "fast_io_fail_tmo", "dev_loss_tmo"];

/// The built-in table, in its order.
pub(super) fn built_in() -> impl Iterator<Item = Array<'static>> {
    let said = |text: &'static str| Some(text).filter(|text| *text != "-");
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
        let mut fields = line.split('\t');
        let (vendor, product) = (fields.next()?, fields.next()?);
        let table = [said(fields.next()?), said(fields.next()?), said(fields.next()?)];
        let sure = fields.next()? == "both";
        let (lines, values, blocks) = (Vec::new(), Vec::new(), Vec::new());
        Some(Array { vendor, product, revision: None, table, sure, lines, values, blocks })
    })
}

/// All entries; the later outranks the earlier (`find_hwe`). Sections with the same words are one,
/// with what the later says counting, at the later's place, a built-in entry among them
/// (`factorize_hwtable`, <https://github.com/opensvc/multipath-tools/blob/master/libmultipath/config.c>).
pub(super) fn all(facts: &Facts) -> Vec<Array<'_>> {
    let mut arrays: Vec<Array<'_>> = built_in().collect();
    for own in sections(facts) {
        let same = |other: &Array<'_>| {
            (other.vendor, other.product, other.revision) == (own.vendor, own.product, own.revision)
        };
        let merged = match arrays.iter().position(same) {
            Some(at) => arrays.remove(at).under(own),
            None => own,
        };
        arrays.push(merged);
    }
    arrays
}

/// The `device` sections that are valid, in reading order.
fn sections(facts: &Facts) -> Vec<Array<'_>> {
    let lines = &facts.system.multipath_files.lines;
    let mut sections: Vec<Array<'_>> = Vec::new();
    let mut blocks: Vec<u32> = lines
        .iter()
        .filter(|line| line.section == "devices" && line.block > 0)
        .map(|line| line.block)
        .collect();
    blocks.dedup();
    for block in blocks {
        let own: Vec<&MultipathLine> =
            lines.iter().filter(|line| line.section == "devices" && line.block == block).collect();
        let last = |key: &str| own.iter().rev().find(|line| line.key == key).map(|line| line.value.as_str());
        // One without them is dropped.
        let (Some(vendor), Some(product)) = (last("vendor"), last("product")) else { continue };
        let revision = last("revision");
        let value = |key: &'static str| {
            let mut found = own.iter().rev().filter(|line| line.key == key);
            Some((key, found.find_map(|line| reads("devices", key, &line.value))?))
        };
        let values = KEYS.iter().filter_map(|key| value(key)).collect();
        let (table, sure, blocks) = ([None; 3], true, vec![block]);
        sections.push(Array { vendor, product, revision, table, sure, lines: own, values, blocks });
    }
    sections
}

impl<'a> Array<'a> {
    /// This entry with a later one of the same words over it.
    fn under(self, later: Self) -> Self {
        let mut lines = self.lines;
        lines.extend(later.lines);
        let mut values = later.values;
        let earlier = self.values.into_iter().filter(|(key, _)| values.iter().all(|(other, _)| other != key));
        let earlier: Vec<_> = earlier.collect();
        values.extend(earlier);
        let (table, sure) = (self.table, self.sure && later.sure);
        let blocks = [self.blocks, later.blocks].concat();
        let mut merged = Self { table, sure, lines, values, blocks, ..later };
        // Only where two become one is the feature looked at here.
        let features = merged.lines.iter().rev().find(|line| line.key == "features");
        if merged.value("no_path_retry").is_none() && features.is_some_and(|line| queues(&line.value)) {
            merged.values.push(("no_path_retry", "queue".to_owned()));
        }
        merged
    }

    /// What it says of a key, as multipathd takes it.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let written = self.values.iter().find(|(own, _)| *own == key).map(|(_, value)| value.as_str());
        let table = || KEYS.iter().zip(self.table).find(|(own, _)| **own == key)?.1;
        written.or_else(table)
    }

    /// The line that says so; `None` where that is the built-in table.
    pub(super) fn line(&self, key: &str) -> Option<&'a MultipathLine> {
        self.values.iter().find(|(own, _)| *own == key)?;
        let mut own = self.lines.iter().rev().filter(|line| {
            line.key == key && reads("devices", key, &line.value).is_some()
                || key == "no_path_retry" && line.key == "features"
        });
        own.next().copied()
    }

    /// Whether nobody wrote it.
    pub(super) fn is_built_in(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether it is for an array of this vendor and product; `None` where that could not be told.
    pub(super) fn takes(&self, array: Option<(&str, &str)>) -> Option<bool> {
        let (vendor, product) =
            array.filter(|(vendor, product)| !vendor.is_empty() && !product.is_empty())?;
        let matches = [matches(self.vendor, vendor), matches(self.product, product)];
        match (matches, self.revision) {
            ([Some(false), _] | [_, Some(false)], _) => Some(false),
            ([Some(true), Some(true)], None) => Some(true),
            _ => None,
        }
    }
}

/// Whether an extended regular expression of POSIX finds its match; `None` where it is one that we
/// may read differently than the C library does.
fn matches(pattern: &str, text: &str) -> Option<bool> {
    // A sign of repetition with nothing to repeat is passed over.
    let pattern = pattern.trim_start_matches(['*', '+', '?']);
    let mut escaped = false;
    let odd = |c: char| {
        let odd = (escaped && c.is_ascii_alphanumeric()) || matches!(c, '{' | '}');
        escaped = c == '\\' && !escaped;
        odd
    };
    let is_odd = pattern.chars().any(odd) || pattern.contains("(?");
    let sets = || pattern.split('[').skip(1).filter_map(|part| part.split(']').next());
    if is_odd || sets().any(|set| set.contains('\\')) {
        return None;
    }
    Some(parse_pattern(pattern).ok()?.is_match(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let arrays: Vec<_> = built_in().collect();
        assert!(
            arrays.len() > 100 && arrays.iter().filter(|array| array.sure).count() > 95,
            "{}",
            arrays.len()
        );
        for array in &arrays {
            assert!(
                matches(array.vendor, "x").is_some() && matches(array.product, "x").is_some(),
                "{array:?}"
            );
            assert!(KEYS.iter().any(|key| array.value(key).is_some()), "{array:?}");
            for (key, value) in KEYS.iter().zip(array.table) {
                let read = value.and_then(|value| reads("devices", key, value));
                assert_eq!(read.as_deref(), value, "{array:?}");
            }
        }
    }

    #[test]
    fn patterns_are_those_of_posix() {
        for (pattern, text, expected) in [
            ("^(LIO-ORG|SUSE)", "LIO-ORG", Some(true)),
            ("LUN", "LUN C-Mode", Some(true)),
            ("^LUN$", "LUN C-Mode", Some(false)),
            ("*", "anything", Some(true)),
            ("", "anything", Some(true)),
            (".*", "x", Some(true)),
            ("S[23568]", "S5", Some(true)),
            ("a\\.b", "a.b", Some(true)),
            ("a\\d", "a1", None),
            ("[\\d]", "1", None),
            ("a{2}", "aa", None),
            ("(", "x", None),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern}");
        }
    }
}
