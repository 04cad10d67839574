//! `/etc/sysfs.conf` and `/etc/sysfs.d/*.conf` of sysfsutils: an init script reads them, or since version 2.1.1-9
//! of the Debian package `update-sysfs`.

use super::PathWrite;

/// What one file gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SysfsConf {
    /// Its writes, in order.
    pub writes: Vec<PathWrite>,
    /// The line at which the script gives up, so that nothing after it and no later file is read.
    pub stops: Option<u32>,
}

/// The program that reads the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The init script, in shell.
    Script,
    /// `/usr/sbin/update-sysfs`, in Perl.
    Update,
}

/// Reads a file: `#` begins a comment anywhere, a line is `attribute = value` with the attribute below `/sys`,
/// wildcards allowed; `mode` and `owner` lines write nothing. The script takes one word as value, a carriage
/// return with it, and needs no sign; `update-sysfs` takes all that follows the last sign. A line that is
/// neither ends both (<https://salsa.debian.org/debian/sysfsutils/-/tree/master/debian>).
pub fn read(text: &str, reader: Reader) -> SysfsConf {
    let mut conf = SysfsConf::default();
    for (number, row) in (1..).zip(text.split('\n')) {
        let row = row.split('#').next().unwrap_or_default();
        let shown = row.trim_matches(is_space);
        if shown.is_empty() {
            continue;
        }
        let write = match reader {
            Reader::Script => by_script(row),
            Reader::Update => by_update(shown),
        };
        match write {
            Some((attribute, value)) if !attribute.is_empty() => conf.writes.push(PathWrite {
                line: number,
                target: format!("/sys/{attribute}"),
                value: Some(value.to_owned()),
                shown: shown.to_owned(),
                maybe: None,
            }),
            Some(_) => {}
            None => {
                conf.stops = Some(number);
                return conf;
            }
        }
    }
    conf
}

/// Attribute and value; no attribute where the line writes nothing.
fn by_script(row: &str) -> Option<(&str, &str)> {
    match words(row).as_slice() {
        ["mode" | "owner", _, _, ..] => Some(("", "")),
        [attribute, value] => Some((attribute, value)),
        _ => None,
    }
}

fn by_update(row: &str) -> Option<(&str, &str)> {
    let (attribute, value) = row.rsplit_once('=')?;
    let (attribute, value) = (attribute.trim_matches(is_space), value.trim_matches(is_space));
    if attribute.is_empty() || value.is_empty() {
        return None;
    }
    let other = attribute.starts_with("mode") || attribute.starts_with("owner");
    Some(if other { ("", "") } else { (attribute, value) })
}

/// C's `isspace`, which sed's class is.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// The words that the script's loop sees: the sign between the attribute and its value gone.
fn words(row: &str) -> Vec<&str> {
    // The shell splits at its own separators; a carriage return stays in the value.
    let shell = |c: char| matches!(c, ' ' | '\t');
    let split = row.split_once('=').map(|(before, after)| {
        (before.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>(), after)
    });
    match split {
        Some((mut before, after)) if (1..=2).contains(&before.len()) => {
            before.extend(after.trim_start_matches(is_space).split(shell).filter(|word| !word.is_empty()));
            before
        }
        _ => row.split(shell).filter(|word| !word.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, reader: Reader) -> (Vec<String>, Option<u32>) {
        let conf = read(text, reader);
        let write = |w: PathWrite| format!("{} {}={}", w.line, w.target, w.value.unwrap_or_default());
        (conf.writes.into_iter().map(write).collect(), conf.stops)
    }

    #[test]
    fn lines_are_read_as_either_program_does() {
        let text = "# x\n\nblock/sda/queue/read_ahead_kb = 4096 # KiB\n\tblock/sd*/queue/scheduler=none\n\
                    mode power/state = 0660\nowner power/state = root:power\n\
                    block/sdc/queue/nr_requests = 64\r\n";
        let expected = |last: &str| {
            let two = ["3 /sys/block/sda/queue/read_ahead_kb=4096", "4 /sys/block/sd*/queue/scheduler=none"];
            let last = format!("7 /sys/block/sdc/queue/nr_requests={last}");
            (two.into_iter().map(str::to_owned).chain([last]).collect::<Vec<_>>(), None)
        };
        assert_eq!(told(text, Reader::Script), expected("64\r"));
        assert_eq!(told(text, Reader::Update), expected("64"));
        assert_eq!(told("a = 1 2\nb = 3\n", Reader::Script), (vec![], Some(1)));
        assert_eq!(told("a = 1 2\n", Reader::Update), (vec!["1 /sys/a=1 2".to_owned()], None));
        assert_eq!(told("b 3\n", Reader::Script), (vec!["1 /sys/b=3".to_owned()], None));
        assert_eq!(told("b 3\na = 1\n", Reader::Update), (vec![], Some(1)));
    }
}
