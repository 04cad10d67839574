//! One line of a log: its stamp, who speaks, and what is said.
//!
//! The form is found anew for each line, as consoles and merged files mix them: journalctl's texts, dmesg's
//! with either clock, RFC 3164 and 5424, serial consoles, and lines without any stamp.

use super::stamp::{SECOND, Wall, fraction, number};

/// A line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Split<'a> {
    pub(super) wall: Option<Wall>,
    /// Microseconds since the start, where the line says it.
    pub(super) up: Option<i64>,
    /// Microseconds since the line before (`dmesg -d`, `-e`), where that is all that is said.
    pub(super) delta: Option<i64>,
    /// `kernel`, `iscsid`; empty where nobody is named.
    pub(super) speaker: &'a str,
    /// What is said.
    pub(super) said: &'a str,
    /// The same with what was taken for the speaker: some old files name none.
    pub(super) whole: &'a str,
    /// Whether the line began with a stamp.
    pub(super) stamped: bool,
}

/// Takes a line apart.
pub(super) fn split(line: &str) -> Split<'_> {
    let line = line.trim_start_matches(['\0', '\u{feff}', '\u{1e}']).trim_end();
    let line = of_talos(line);
    let (line, has_priority) = without_priority(line);
    if let Some(split) = has_priority.then(|| syslog_5424(line)).flatten() {
        return split;
    }
    if let Some(rest) = line.strip_prefix('[')
        && let Some(split) = bracket(rest)
    {
        return split;
    }
    if let Some(split) = kmsg(line) {
        return split;
    }
    if let Some((wall, rest)) = Wall::parse(line) {
        let is_dmesg = rest.starts_with(' ') && wall.text().contains(',');
        let rest = rest.trim_start();
        if let Some(inner) = of_container(rest) {
            let inner = split(inner);
            return Split { wall: inner.wall.clone().or(Some(wall)), stamped: true, ..inner };
        }
        let split = if is_dmesg { named(rest) } else { of_host(rest) };
        return Split { wall: Some(wall), stamped: true, ..split };
    }
    Split { stamped: line.starts_with("-- "), ..named(facility(line)) }
}

/// The line that begins with a wall clock's stamp a little further on: behind a file's name (`grep`), a number, a
/// container's name.
pub(super) fn behind(line: &str) -> Option<Split<'_>> {
    const FAR: usize = 64;
    let places = line.bytes().take(FAR).enumerate().filter(|(_, c)| matches!(c, b' ' | b':' | b'|' | b'\t'));
    let mut rests = places.filter_map(|(place, _)| line.get(place + 1..));
    rests.find(|rest| Wall::parse(rest.trim_start_matches('[')).is_some()).map(split)
}

/// `10.5.0.4: kern:    info: [2024-05-13T14:00:00.123Z]: ` (talosctl dmesg).
fn of_talos(line: &str) -> &str {
    let level = line.split_once(": kern:").filter(|(node, _)| node.len() < 64 && !node.contains(' '));
    level.and_then(|(_, rest)| rest.split_once(": [")).map_or(line, |(level, rest)| {
        let stamp = line.len() - rest.len() - 1;
        if level.len() < 12 { line.get(stamp..).unwrap_or(line) } else { line }
    })
}

/// `stdout F ` behind the stamp of a container's line (CRI).
fn of_container(rest: &str) -> Option<&str> {
    ["stdout F ", "stderr F ", "stdout P ", "stderr P "].iter().find_map(|stream| rest.strip_prefix(stream))
}

/// `<6>` before a line.
fn without_priority(line: &str) -> (&str, bool) {
    let stripped =
        line.strip_prefix('<').and_then(|rest| number(rest, 3)).and_then(|(_, rest)| rest.strip_prefix('>'));
    stripped.map_or((line, false), |rest| (rest, true))
}

/// `kern  :info  : ` before a line (`dmesg -x`).
fn facility(line: &str) -> &str {
    let known = ["kern", "user", "daemon", "syslog", "auth", "local"];
    let Some((first, rest)) = line.split_once(':') else { return line };
    let Some((level, after)) = rest.split_once(':') else { return line };
    let is_word = |word: &str| word.len() < 9 && word.trim_end().bytes().all(|c| c.is_ascii_alphanumeric());
    if known.iter().any(|name| first.starts_with(name)) && is_word(first) && is_word(level) {
        after.trim_start()
    } else {
        line
    }
}

/// RFC 5424 behind its priority: version, stamp, host, application, process, message's id, data, message.
fn syslog_5424(line: &str) -> Option<Split<'_>> {
    let rest = line.strip_prefix("1 ")?;
    let (wall, rest) = match rest.strip_prefix("- ") {
        Some(rest) => (None, rest),
        None => Wall::parse(rest).map(|(wall, rest)| (Some(wall), rest.trim_start()))?,
    };
    let mut words = rest.splitn(5, ' ');
    let (_host, speaker) = (words.next()?, words.next()?);
    let (_process, _id) = (words.next()?, words.next()?);
    let said = without_data(words.next().unwrap_or_default()).trim_start_matches('\u{feff}');
    let (up, said) = uptime(said).map_or((None, said), |(up, said)| (Some(up), said));
    Some(Split { wall, up, speaker: without_pid(speaker), said, whole: said, stamped: true, delta: None })
}

/// Takes the structured data off: `-`, or elements in brackets, in whose quoted values a bracket may stand.
fn without_data(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('-') {
        return rest.trim_start();
    }
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => return text.get(at..).unwrap_or_default().trim_start(),
            _ => {}
        }
    }
    ""
}

/// Behind a bracket: an uptime, a wall clock, a minute, a difference.
fn bracket(rest: &str) -> Option<Split<'_>> {
    if let Some((up, rest)) = inner_uptime(rest) {
        let rest = thread(rest).trim_start();
        // journalctl's short-monotonic names host and speaker; dmesg names neither.
        let split = match rest.split_once(' ') {
            Some((host, after)) if !host.contains(':') && names_speaker(after) => of_host(rest),
            _ => named(rest),
        };
        return Some(Split { up: Some(up), stamped: true, ..split });
    }
    let trimmed = rest.trim_start();
    if let Some(difference) = trimmed.strip_prefix('+') {
        let (seconds, after) = number(difference, 9)?;
        let (micros, _, after) = fraction(after.strip_prefix('.')?);
        let said = after.strip_prefix(']')?.trim_start();
        return Some(Split { delta: Some(seconds * SECOND + micros), stamped: true, ..named(said) });
    }
    let (wall, rest) = Wall::parse(trimmed)?;
    let said = rest.split_once(']')?.1.trim_start_matches(':').trim_start();
    Some(Split { wall: Some(wall), stamped: true, ..named(thread(said)) })
}

/// `[ 123.456789] ` at the beginning, and what follows.
fn uptime(text: &str) -> Option<(i64, &str)> {
    let (up, rest) = inner_uptime(text.strip_prefix('[')?)?;
    Some((up, thread(rest).trim_start()))
}

fn inner_uptime(rest: &str) -> Option<(i64, &str)> {
    let (seconds, rest) = number(rest.trim_start_matches(' '), 10)?;
    let (micros, digits, rest) = fraction(rest.strip_prefix('.')?);
    let close = rest.find(']')?;
    let between = rest.get(..close)?;
    // A processor behind it, or the difference to the line before.
    let fits = digits >= 3 && between.len() < 24 && !between.contains('[');
    let plain =
        between.trim().is_empty() || between.starts_with('@') || between.trim_start().starts_with('<');
    (fits && plain).then_some((seconds * SECOND + micros, rest.get(close + 1..)?))
}

/// Takes `[T123]` or `[C1]` off: the thread or processor that printed it.
fn thread(rest: &str) -> &str {
    let inner = rest.trim_start().strip_prefix('[').and_then(|inner| inner.split_once(']'));
    match inner {
        Some((who, after)) if matches!(who.trim().as_bytes(), [b'T' | b'C', digits @ ..] if digits.iter().all(u8::is_ascii_digit)) => {
            after
        }
        _ => rest,
    }
}

/// `/dev/kmsg`'s own form: `6,339,5140900,-;text`.
fn kmsg(line: &str) -> Option<Split<'_>> {
    let (head, said) = line.split_once(';')?;
    let mut parts = head.split(',');
    let mut count = || number(parts.next()?, 20).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value);
    let (_, _, up) = (count()?, count()?, count()?);
    Some(Split { up: Some(up), stamped: true, ..named(said) })
}

/// Whether a speaker stands here: `kernel: `, `iscsid[12]: `, `Hyper-V VSS[741]: `.
fn names_speaker(text: &str) -> bool {
    text.starts_with("kernel:")
        || speaker(text)
            .is_some_and(|(name, _)| text.get(name.len()..).is_some_and(|rest| rest.starts_with('[')))
}

/// Behind host and stamp.
fn of_host(rest: &str) -> Split<'_> {
    let (host, after) = rest.split_once(' ').unwrap_or((rest, ""));
    // A line that has no host begins with its speaker.
    let after = if host.ends_with(':') && !after.is_empty() { rest } else { after.trim_start() };
    let level = after.split_once(' ').filter(|(word, _)| is_level(word));
    named(level.map_or(after, |(_, rest)| rest))
}

/// busybox: `kern.err` before the speaker.
fn is_level(word: &str) -> bool {
    let is_known = |facility: &str| ["kern", "user", "daemon", "syslog", "auth"].contains(&facility);
    word.split_once('.')
        .is_some_and(|(facility, level)| is_known(facility) && level.len() < 8 && !level.contains(':'))
}

/// What is left: a speaker or none, the kernel's own uptime, the message.
fn named(text: &str) -> Split<'_> {
    if let Some((up, said)) = uptime(text) {
        return Split { up: Some(up), speaker: "kernel", said, whole: said, ..Split::default() };
    }
    match speaker(text) {
        Some((name, said)) => {
            let (up, said) = uptime(said).map_or((None, said), |(up, said)| (Some(up), said));
            Split {
                up,
                speaker: name,
                said,
                whole: if up.is_some() { said } else { text },
                ..Split::default()
            }
        }
        None => Split { said: text, whole: text, ..Split::default() },
    }
}

/// A speaker's name, and what it says. A blank may stand in a name whose process is told, and in those of Hyper-V's
/// daemons, which EL 7 starts without it.
fn speaker(text: &str) -> Option<(&str, &str)> {
    let end = text.find(": ").or_else(|| text.ends_with(':').then(|| text.len() - 1))?;
    let (name, said) = text.split_at_checked(end)?;
    let bare = without_pid(name);
    let has_pid = bare.len() < name.len() || bare.starts_with("Hyper-V ");
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"_.-/@():+".contains(&c) || (has_pid && c == b' ');
    let is_name =
        !bare.is_empty() && bare.len() <= 48 && bare.bytes().all(fits) && bare.split(' ').count() <= 3;
    is_name.then(|| (bare, said.strip_prefix(':').unwrap_or(said).strip_prefix(' ').unwrap_or_default()))
}

/// `iscsid[12]` without its process; `(systemd)` without its parentheses.
fn without_pid(name: &str) -> &str {
    let bare = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
    match bare {
        Some((bare, pid)) if pid.bytes().all(|c| c.is_ascii_digit()) => bare,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamped::looks_stamped;
    use super::*;

    fn told(line: &str) -> (String, Option<i64>, &str, &str) {
        assert!(looks_stamped(line.as_bytes()) || !split(line).stamped, "{line}");
        let split = split(line);
        (split.wall.map(|wall| wall.text()).unwrap_or_default(), split.up, split.speaker, split.said)
    }

    /// A line, and its stamp, uptime, speaker and message.
    type Row = (&'static str, &'static str, Option<i64>, &'static str, &'static str);

    const LINES: [Row; 26] = [
        (
            "апр 21 13:59:39 colo-srv-3 kernel: Aborting journal on device drbd1000-8.",
            "Apr 21 13:59:39",
            None,
            "kernel",
            "Aborting journal on device drbd1000-8.",
        ),
        (
            "Aug  1 07:46:06 localhost kernel: [ 2873.633314] hv_storvsc vmbus_0_1: cmd 0x2a",
            "Aug  1 07:46:06",
            Some(2_873_633_314),
            "kernel",
            "hv_storvsc vmbus_0_1: cmd 0x2a",
        ),
        (
            "<6>Aug  1 07:46:06 localhost kernel: sd 0:0:0:0: x",
            "Aug  1 07:46:06",
            None,
            "kernel",
            "sd 0:0:0:0: x",
        ),
        ("Aug  1 07:46:06 host [ 2873.633314] x", "Aug  1 07:46:06", Some(2_873_633_314), "kernel", "x"),
        (
            "Jan  1 00:00:06 box kern.err kernel: [    6.100000] x",
            "Jan  1 00:00:06",
            Some(6_100_000),
            "kernel",
            "x",
        ),
        (
            "Oct 31 01:00:03.314000 web03 Hyper-V VSS[741]: VSS: op=FREEZE: succeeded",
            "Oct 31 01:00:03.314000",
            None,
            "Hyper-V VSS",
            "VSS: op=FREEZE: succeeded",
        ),
        (
            "<6>1 2026-02-27T04:11:52.842999+08:00 storage01 kernel - - - [145729.842999] sd 1:0:0:10: x",
            "2026-02-27T04:11:52.842999+08:00",
            Some(145_729_842_999),
            "kernel",
            "sd 1:0:0:10: x",
        ),
        (
            "<30>1 2026-02-27T04:11:52Z h iscsid 7 ID [a@1 b=\"c ] d\"][e@2] x y",
            "2026-02-27T04:11:52Z",
            None,
            "iscsid",
            "x y",
        ),
        (
            "2026-05-04T11:33:18.000000+02:00 cp1 kernel: [412877.250000] sd 19:0:0:0: x",
            "2026-05-04T11:33:18.000000+02:00",
            Some(412_877_250_000),
            "kernel",
            "sd 19:0:0:0: x",
        ),
        (
            "2026-03-29T01:58:42+0100 delph1 kernel: INFO: task x",
            "2026-03-29T01:58:42+0100",
            None,
            "kernel",
            "INFO: task x",
        ),
        ("Sun 2026-03-29 01:58:42 CEST h kernel: x", "Sun 2026-03-29 01:58:42 CEST", None, "kernel", "x"),
        (
            "2026-03-29T01:58:42,123456+01:00 nvme nvme0: x",
            "2026-03-29T01:58:42,123456+01:00",
            None,
            "",
            "nvme nvme0: x",
        ),
        (
            "[Sat Dec 20 08:03:28 2025]  connection1:0: detected conn error (1022)",
            "Sat Dec 20 08:03:28 2025",
            None,
            "connection1:0",
            "detected conn error (1022)",
        ),
        (
            "[  265.311275] nvme nvme1: I/O 775 QID 2 timeout, aborting",
            "",
            Some(265_311_275),
            "",
            "nvme nvme1: I/O 775 QID 2 timeout, aborting",
        ),
        ("[  265.311275][   T12] EXT4-fs (sda): x", "", Some(265_311_275), "", "EXT4-fs (sda): x"),
        ("[  265.311275@3] x", "", Some(265_311_275), "", "x"),
        ("[  265.311275 <    0.000012>] x", "", Some(265_311_275), "", "x"),
        ("<3>[  265.311275] x", "", Some(265_311_275), "", "x"),
        (
            "[   12.400000] localhost systemd[1]: Starting dracut initqueue hook...",
            "",
            Some(12_400_000),
            "systemd",
            "Starting dracut initqueue hook...",
        ),
        ("[   12.400000] localhost kernel: sd 0:0:0:0: x", "", Some(12_400_000), "kernel", "sd 0:0:0:0: x"),
        ("[   12.400000] systemd-journald[63]: x", "", Some(12_400_000), "systemd-journald", "x"),
        ("6,339,5140900,-;NET: Registered", "", Some(5_140_900), "NET", "Registered"),
        ("kern  :err   : x y", "", None, "", "x y"),
        (
            "2026-03-07 21:11:18.336246  Info  fsfreeze mount :[SWAP] ",
            "2026-03-07 21:11:18.336246",
            None,
            "",
            "fsfreeze mount :[SWAP]",
        ),
        ("[  OK  ] Started Foo.", "", None, "", "[  OK  ] Started Foo."),
        ("ubled.target - Multi-User System.", "", None, "", "ubled.target - Multi-User System."),
    ];

    #[test]
    fn each_form_is_taken_apart() {
        for (line, wall, up, speaker, said) in LINES {
            let wall = wall.to_owned();
            assert_eq!(told(line), (wall, up, speaker, said), "{line}");
        }
        // What was taken for a speaker is kept.
        assert_eq!(split("[Sat Dec 20 08:03:28 2025]  connection1:0: x").whole, "connection1:0: x");
        assert_eq!(split("[  +5.100000] x").delta, Some(5_100_000));
    }
}
