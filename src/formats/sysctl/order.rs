//! Who of several lines writes a key, and when: systemd-sysctl's ordered map, procps' list.

use std::collections::BTreeMap;

use super::read::Line;
use crate::formats::glob::fits_path;

/// One line that concerns the keys that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    /// Its file.
    pub path: &'a str,
    /// The line.
    pub line: &'a Line,
    /// The key that it writes, as a path.
    pub key: &'a str,
    /// What becomes of it.
    pub fate: Fate<'a>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It is written, or a later line of the same key in its stead.
    Writes,
    /// The same value stands for the key already, and its earlier place is kept.
    KeepsEarlier {
        /// That line's file.
        path: &'a str,
        /// That line's number.
        line: u32,
    },
    /// Another line keeps it from being written.
    LeftOut {
        /// That line's file.
        path: &'a str,
        /// That line's number.
        line: u32,
    },
}

/// A line in the map; one that was replaced stays where it stood, to be told of.
struct Item<'a> {
    path: &'a str,
    line: &'a Line,
    fate: Fate<'a>,
    live: bool,
}

/// What systemd-sysctl does with files in reading order, in the order in which it writes. It keeps a map
/// that is ordered by insertion: a line with another value replaces an earlier one of its key and goes to
/// the end, one with an equal value leaves it at its place. A line without a value takes the key out, and
/// a wildcard writes those keys alone that no line names, whichever comes first
/// (<https://github.com/systemd/systemd/blob/v257/src/sysctl/sysctl.c>, `parse_file`, `apply_glob_option_with_prefix`).
pub fn systemd<'a>(files: &[(&'a str, &'a [Line])], wanted: &[&'a str]) -> Vec<Step<'a>> {
    let mut map: Vec<Item<'a>> = Vec::new();
    // Where the entry of a key stands.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for &(path, lines) in files {
        for line in lines {
            let earlier = places.get(line.key.as_str()).and_then(|at| map.get_mut(*at));
            let mut fate = Fate::Writes;
            match earlier {
                Some(item) if item.line.value == line.value => {
                    fate = Fate::KeepsEarlier { path: item.path, line: item.line.line };
                }
                Some(item) => {
                    item.live = false;
                    if line.value.is_none() {
                        item.fate = Fate::LeftOut { path, line: line.line };
                    }
                }
                None => {}
            }
            let live = fate == Fate::Writes;
            if live {
                places.insert(line.key.clone(), map.len());
            }
            map.push(Item { path, line, fate, live });
        }
    }
    let mut steps = Vec::new();
    for item in &map {
        let replaced_glob = item.line.is_glob() && !item.live && item.fate == Fate::Writes;
        if item.line.value.is_some() && !replaced_glob {
            steps.extend(steps_of(item, wanted, |key| map.get(*places.get(key)?)));
        }
    }
    steps
}

fn steps_of<'a, 'm>(
    item: &Item<'a>,
    wanted: &[&'a str],
    named: impl Fn(&str) -> Option<&'m Item<'a>>,
) -> Vec<Step<'a>>
where
    'a: 'm,
{
    let Item { path, line, fate, .. } = *item;
    if !line.is_glob() {
        let keys = wanted.iter().filter(|key| **key == line.key);
        return keys.map(|key| Step { path, line, key, fate }).collect();
    }
    let keys = wanted.iter().filter(|key| fits_path(&line.key, key));
    keys.map(|key| {
        let fate = match named(key) {
            Some(item) => Fate::LeftOut { path: item.path, line: item.line.line },
            None => fate,
        };
        Step { path, line, key, fate }
    })
    .collect()
}

/// What procps' `sysctl` 4 does with files in reading order: every line in turn, a wildcard for those keys
/// alone that no line names, wherever it stands
/// (<https://gitlab.com/procps-ng/procps/-/blob/v4.0.4/src/sysctl.c>, `write_setting_list`).
pub fn procps<'a>(files: &[(&'a str, &'a [Line])], wanted: &[&'a str]) -> Vec<Step<'a>> {
    let lines = files.iter().flat_map(|&(path, lines)| lines.iter().map(move |line| (path, line)));
    let items: Vec<Item<'a>> =
        lines.map(|(path, line)| Item { path, line, fate: Fate::Writes, live: true }).collect();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        places.entry(item.line.key.clone()).or_insert(at);
    }
    let writing = items.iter().filter(|item| item.line.value.is_some());
    writing
        .flat_map(|item| steps_of(item, wanted, |key| places.get(key).and_then(|at| items.get(*at))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::sysctl::read::read;

    const KEYS: &[&str] = &["vm/dirty_bytes", "vm/dirty_ratio", "vm/swappiness"];

    fn told(steps: &[Step<'_>]) -> Vec<String> {
        let step = |step: &Step<'_>| {
            let value = step.line.value.as_deref().unwrap_or_default();
            let fate = match &step.fate {
                Fate::Writes => String::new(),
                Fate::KeepsEarlier { path, line } => format!(" kept at {path}:{line}"),
                Fate::LeftOut { path, line } => format!(" out by {path}:{line}"),
            };
            format!("{}:{} {}={value}{fate}", step.path, step.line.line, step.key)
        };
        steps.iter().map(step).collect()
    }

    fn both(texts: &[&str]) -> (Vec<String>, Vec<String>) {
        let lines: Vec<Vec<Line>> = texts.iter().map(|text| read(text)).collect();
        let names = ["10", "60", "99"];
        let files: Vec<(&str, &[Line])> = names.into_iter().zip(lines.iter().map(Vec::as_slice)).collect();
        (told(&systemd(&files, KEYS)), told(&procps(&files, KEYS)))
    }

    #[test]
    fn an_equal_value_keeps_its_early_place() {
        let (systemd, procps) = both(&["vm.dirty_ratio=20\n", "vm.dirty_bytes=5\n", "vm/dirty_ratio = 20\n"]);
        assert_eq!(
            systemd,
            ["10:1 vm/dirty_ratio=20", "60:1 vm/dirty_bytes=5", "99:1 vm/dirty_ratio=20 kept at 10:1"]
        );
        assert_eq!(procps, ["10:1 vm/dirty_ratio=20", "60:1 vm/dirty_bytes=5", "99:1 vm/dirty_ratio=20"]);
        let (systemd, _) = both(&["vm.dirty_ratio=20\n", "vm.dirty_bytes=5\n", "vm.dirty_ratio=30\n"]);
        assert_eq!(
            systemd,
            ["10:1 vm/dirty_ratio=20", "60:1 vm/dirty_bytes=5", "99:1 vm/dirty_ratio=30"],
            "a replaced line is still told of"
        );
    }

    #[test]
    fn a_line_without_a_value_takes_the_key_out() {
        let (systemd, procps) = both(&["vm.swappiness=5\n", "-vm.swappiness\n", "vm.sw*=7\n"]);
        assert_eq!(systemd, ["10:1 vm/swappiness=5 out by 60:1", "99:1 vm/swappiness=7 out by 60:1"]);
        assert_eq!(procps, ["10:1 vm/swappiness=5", "99:1 vm/swappiness=7 out by 10:1"]);
        let (systemd, _) = both(&["-vm.swappiness\n", "vm.swappiness=5\n"]);
        assert_eq!(systemd, ["60:1 vm/swappiness=5"]);
        // Without a value a wildcard keeps nothing out but the same wildcard.
        let (systemd, _) = both(&["vm.sw*=7\n", "-vm.*\n"]);
        assert_eq!(systemd, ["10:1 vm/swappiness=7"]);
        let (systemd, _) = both(&["vm.sw*=7\n", "-vm.sw*\n"]);
        assert_eq!(systemd, ["10:1 vm/swappiness=7 out by 60:1"]);
    }

    #[test]
    fn a_wildcard_leaves_named_keys_alone() {
        let (systemd, procps) = both(&["vm.swappiness=5\n", "vm.*=7\n"]);
        let expected = [
            "10:1 vm/swappiness=5",
            "60:1 vm/dirty_bytes=7",
            "60:1 vm/dirty_ratio=7",
            "60:1 vm/swappiness=7 out by 10:1",
        ];
        assert_eq!(systemd, expected);
        assert_eq!(procps, expected);
    }
}
