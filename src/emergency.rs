//! A restart out of emergency mode, where nobody is at the console. Pure.
//!
//! A boot that waited for a disk in vain ends in emergency mode, and stays there when the disk comes. `sulogin`
//! asks for root's password there, or says that the account is locked and waits for Enter. Whoever logs in has a
//! shell in its place, whose parent is then the program of systemd's that started it, or, with several consoles,
//! another `sulogin` (<https://github.com/util-linux/util-linux/blob/v2.38/login-utils/sulogin.c>).

use crate::marker::{Standing, body_of, marker_line, standing_of};

/// Restarts within a day before the guest is left in emergency mode: more would mend nothing.
pub const MOST: usize = 10;
/// In seconds.
const DAY: u64 = 86_400;
/// The program that asks for the password.
const SULOGIN: &str = "sulogin";
/// The one that starts it, `systemd-sulogin-shell`, as far as the kernel keeps its name.
const SULOGIN_SHELL: &str = "systemd-sulogin";

/// A process, as `/proc/PID/stat` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The first 15 bytes of its name.
    pub name: String,
    /// The number of its parent.
    pub parent: u32,
}

/// Reads `/proc/PID/stat`. The name stands in parentheses and may hold any character, so the last one counts
/// (man 5 `proc_pid_stat`).
pub fn parse_stat(text: &str) -> Option<Process> {
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let parent = rest.split(' ').nth(1)?;
    Some(Process { pid: pid.parse().ok()?, name: name.to_owned(), parent: parent.parse().ok()? })
}

/// When the machine started, in seconds since 1970: `btime` of `/proc/stat`.
pub fn parse_boot_time(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

/// Why the guest is left in emergency mode; `None` where nothing speaks against a restart.
///
/// `restarts`: the starts of the machine that ended in one, `boot`: this one, in seconds since 1970.
pub fn objection(processes: &[Process], restarts: &[u64], boot: u64) -> Option<String> {
    let asks = |process: &Process| [SULOGIN, SULOGIN_SHELL].contains(&process.name.as_str());
    let is_below =
        |process: &Process| processes.iter().any(|other| other.pid == process.parent && asks(other));
    let somebody = processes.iter().find(|process| !asks(process) && is_below(process));
    if let Some(Process { pid, name, .. }) = somebody {
        return Some(format!("somebody is at the console: process {pid}, {name}"));
    }
    if !processes.iter().any(|process| process.name == SULOGIN) {
        return Some("no sulogin runs, so whether somebody is at the console could not be told".to_owned());
    }
    let recent = recent(restarts, boot).count();
    (recent >= MOST).then(|| format!("{recent} restarts within a day did not help"))
}

/// Those of the last day. What a clock that was set back makes a time to come counts, too.
fn recent(restarts: &[u64], boot: u64) -> impl Iterator<Item = u64> {
    restarts.iter().copied().filter(move |at| at.saturating_add(DAY) > boot)
}

/// What the record says; `None` where it is not ours, or was changed.
pub fn parse_restarts(bytes: &[u8]) -> Option<Vec<u64>> {
    let (_, body) = body_of(bytes).filter(|_| standing_of(Some(bytes)) == Standing::Ours)?;
    std::str::from_utf8(body).ok()?.lines().map(|line| line.parse().ok()).collect()
}

/// The record with one restart more; what is older than a day goes.
pub fn counted(restarts: &[u64], boot: u64) -> Vec<u8> {
    let lines = recent(restarts, boot).chain([boot]).map(|at| format!("{at}\n"));
    let body: String = lines.collect();
    format!("{}{body}", marker_line(body.as_bytes())).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, name: &str, parent: u32) -> Process {
        Process { pid, name: name.to_owned(), parent }
    }

    #[test]
    fn a_process_is_read_as_the_kernel_writes_it() {
        let line = "412 (sulogin) S 409 409 409 1028 409 4194304 132 0 0 0\n";
        assert_eq!(parse_stat(line), Some(process(412, "sulogin", 409)));
        assert_eq!(parse_stat("7 (a) S 1 (b) R 3 0"), Some(process(7, "a) S 1 (b", 3)));
        for bad in ["", "412", "412 (sulogin", "x (a) S 1", "4 (a) S"] {
            assert_eq!(parse_stat(bad), None, "{bad}");
        }
        assert_eq!(parse_boot_time("cpu  1 2\nbtime 1764465245\nprocesses 9\n"), Some(1_764_465_245));
        assert_eq!(parse_boot_time("cpu 1\n"), None);
    }

    #[test]
    fn nobody_at_the_console_and_few_restarts_yet() {
        let waits =
            [process(1, "systemd", 0), process(409, "systemd-sulogin", 1), process(412, "sulogin", 409)];
        let boot = 2_000_000;
        assert_eq!(objection(&waits, &[], boot), None);
        // One for each console, each with a child of its own that asks.
        let several = [waits.to_vec(), vec![process(413, "sulogin", 412)]].concat();
        assert_eq!(objection(&several, &[], boot), None);
        let logged_in = [several, vec![process(500, "bash", 413)]].concat();
        let said = objection(&logged_in, &[], boot);
        assert_eq!(said.as_deref(), Some("somebody is at the console: process 500, bash"));
        let alone = [waits[..2].to_vec(), vec![process(412, "bash", 409)]].concat();
        let said = objection(&alone, &[], boot);
        assert_eq!(said.as_deref(), Some("somebody is at the console: process 412, bash"));
        let said = objection(&waits[..2], &[], boot).unwrap();
        assert!(said.contains("could not be told"), "{said}");
    }

    #[test]
    fn ten_restarts_a_day_are_enough() {
        let waits = [process(412, "sulogin", 1)];
        let boot = 2_000_000;
        let ten: Vec<u64> = (1..=10).map(|round| boot - round * 600).collect();
        let said = objection(&waits, &ten, boot).unwrap();
        assert_eq!(said, "10 restarts within a day did not help");
        assert_eq!(objection(&waits, &ten, boot + DAY), None, "they are of yesterday");
        assert!(objection(&waits, &ten, boot - 3 * DAY).is_some(), "a clock that was set back frees nobody");
        assert_eq!(objection(&waits, &ten[1..], boot), None);
    }

    #[test]
    fn the_record_is_read_back_and_anything_else_is_not_ours() {
        let (old, boot) = (1_000, 2_000_000);
        let bytes = counted(&[old, boot - 600], boot);
        assert_eq!(parse_restarts(&bytes), Some(vec![boot - 600, boot]));
        let edited = String::from_utf8(bytes).unwrap().replace("1999400\n", "");
        assert_eq!(parse_restarts(edited.as_bytes()), None);
        for bad in ["", "2000000\n"] {
            assert_eq!(parse_restarts(bad.as_bytes()), None, "{bad}");
        }
    }
}
