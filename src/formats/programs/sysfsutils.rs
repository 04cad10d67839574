//! `/etc/sysfs.conf` and `/etc/sysfs.d/*.conf`, as Debian's init script of sysfsutils reads them.

use super::PathWrite;

/// What one file gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SysfsConf {
    /// Its writes, in order.
    pub writes: Vec<PathWrite>,
    /// The line at which the script gives up, so that nothing after it and no later file is read.
    pub stops: Option<u32>,
}

/// Reads a file: `#` begins a comment anywhere, a line is `attribute = value` with one word as value and
/// the attribute below `/sys`, wildcards allowed; `mode` and `owner` lines write nothing. A line that is
/// neither ends the script (<https://salsa.debian.org/debian/sysfsutils/-/blob/master/debian/sysfsutils.init>).
pub fn read(text: &str) -> SysfsConf {
    let mut conf = SysfsConf::default();
    for (number, row) in (1..).zip(text.split('\n')) {
        let row = row.split('#').next().unwrap_or_default();
        if row.trim_matches(is_space).is_empty() {
            continue;
        }
        let words = words(row);
        match words.as_slice() {
            ["mode" | "owner", _, _, ..] => {}
            [attribute, value] => conf.writes.push(PathWrite {
                line: number,
                target: format!("/sys/{attribute}"),
                value: Some((*value).to_owned()),
                shown: row.trim_matches(is_space).to_owned(),
                maybe: None,
            }),
            _ => {
                conf.stops = Some(number);
                return conf;
            }
        }
    }
    conf
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

    fn told(text: &str) -> (Vec<String>, Option<u32>) {
        let conf = read(text);
        let write = |w: PathWrite| format!("{} {}={}", w.line, w.target, w.value.unwrap_or_default());
        (conf.writes.into_iter().map(write).collect(), conf.stops)
    }

    #[test]
    fn lines_are_read_as_the_script_does() {
        let text = "# x\n\nblock/sda/queue/read_ahead_kb = 4096 # KiB\n\tblock/sd*/queue/scheduler=none\n\
                    mode power/state = 0660\nowner power/state = root:power\nblock/sdb/queue/nr_requests 64\n\
                    block/sdc/queue/nr_requests = 64\r\n";
        assert_eq!(
            told(text),
            (
                vec![
                    "3 /sys/block/sda/queue/read_ahead_kb=4096".to_owned(),
                    "4 /sys/block/sd*/queue/scheduler=none".to_owned(),
                    "7 /sys/block/sdb/queue/nr_requests=64".to_owned(),
                    "8 /sys/block/sdc/queue/nr_requests=64\r".to_owned(),
                ],
                None
            )
        );
        assert_eq!(told("a = 1 2\nb = 3\n"), (vec![], Some(1)));
        assert_eq!(told("b = 3\na\nc = 3\n"), (vec!["1 /sys/b=3".to_owned()], Some(2)));
    }
}
