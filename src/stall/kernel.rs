//! Timers that watch the whole machine: the hung-task detector, systemd's watchdogs.

use super::fate::{Fate, Span, Timer};
use super::view::View;
use crate::facts::Facts;
use crate::host::{self, AZURE_SECONDS};

/// Whether a stall makes the kernel panic, and when: the detector takes a task that waits for its
/// disk for a hung one, also one whose command is tried again and again
/// (<https://docs.kernel.org/admin-guide/sysctl/kernel.html>, `hung_task_panic`). It counts from the look that
/// first finds the task waiting, so it fires up to one interval later; with no interval, one timeout
/// (`watchdog`, <https://github.com/torvalds/linux/blob/v6.12/kernel/hung_task.c>).
pub(super) fn panic(view: View<'_>) -> Option<Fate> {
    let number = |key: &str| view.machine.sysctls.get(key)?.parse::<u64>().ok();
    let seconds = number("kernel.hung_task_timeout_secs").filter(|seconds| *seconds > 0)?;
    number("kernel.hung_task_panic").filter(|panic| *panic > 0)?;
    let interval = number("kernel.hung_task_check_interval_secs").filter(|interval| *interval > 0);
    let latest = seconds.saturating_add(interval.map_or(seconds, |interval| interval.min(seconds)));
    let timer = Timer {
        layer: "kernel".to_owned(),
        knob: "kernel.hung_task_timeout_secs".to_owned(),
        value: seconds.to_string(),
        fires: Span::Seconds(seconds),
        then: format!(
            "hung_task_panic: the kernel panics, at {latest} s at the latest, and {}",
            after_panic(view)
        ),
    };
    let restarts = view.machine.sysctls.get("kernel.panic").is_some_and(|seconds| seconds != "0");
    Some(Fate::ends(vec![timer]).restarting(restarts))
}

/// What a panicked kernel does.
pub(super) fn after_panic(view: View<'_>) -> String {
    match view.machine.sysctls.get("kernel.panic").map(String::as_str) {
        Some("0") => "stands still for ever (kernel.panic is 0)".to_owned(),
        Some(seconds) if seconds.starts_with('-') => "restarts at once".to_owned(),
        Some(seconds) => format!("restarts after {seconds} s"),
        None => "does what kernel.panic says, which could not be read".to_owned(),
    }
}

/// How long systemd waits for a service's sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Its watchdog; for ever where it has none. It counts from the last sign of life, which a service
    /// on sd-event gives after half to three quarters of it (`arm_watchdog`,
    /// <https://github.com/systemd/systemd/blob/v252/src/libsystemd/sd-event/sd-event.c>), so a stall that
    /// begins just before the next is cut short after a quarter of it.
    pub fires: Span,
}

/// A service that a stall of its disk can cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `systemd-journald.service`
    pub unit: String,
    /// The file that sets its watchdog, below the root.
    pub path: String,
    /// In the three states.
    pub watches: [Watch; 3],
}

/// Services with a watchdog. A service that waits for its disk gives no sign of life, and is
/// aborted when its watchdog expires (man 5 systemd.service, `WatchdogSec=`).
pub(super) fn services(states: [&Facts; 3]) -> Vec<Service> {
    let watch = |facts: &Facts, unit: &str| {
        let watchdog = facts.system.watchdogs.iter().find(|watchdog| watchdog.unit == unit);
        let seconds = watchdog.map_or(0, |watchdog| watchdog.with_ours);
        Watch { fires: if seconds == 0 { Span::Forever } else { Span::Seconds(seconds) } }
    };
    let now = states[0].system.watchdogs.iter();
    let service = |unit: &str, path: &str| Service {
        unit: unit.to_owned(),
        path: path.to_owned(),
        watches: states.map(|facts| watch(facts, unit)),
    };
    now.map(|watchdog| service(&watchdog.unit, &watchdog.path)).collect()
}

/// What else ends a stall badly, or makes one.
pub(super) fn notes(facts: &Facts, budget: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if host::is_azure(facts) == Some(true) && budget > AZURE_SECONDS {
        notes.push(format!(
            "Azure restarts a guest that has been without its storage for {AZURE_SECONDS} s: against such an outage \
             a budget above that buys nothing"
        ));
    }
    let Some(machine) = &facts.machine else { return notes };
    let number = |key: &str| machine.sysctls.get(key).and_then(|value| value.parse::<u64>().ok());
    if number("kernel.softlockup_panic").is_some_and(|panic| panic > 0) {
        let seconds = number("kernel.watchdog_thresh").map_or(20, |thresh| thresh.saturating_mul(2));
        notes.push(format!(
            "kernel.softlockup_panic is set: a pause of the whole guest beyond {seconds} s, as in a live migration, \
             panics the kernel"
        ));
    }
    if facts.system.vss_daemon {
        notes.push(
            "hv_vss_daemon is installed: a backup of the host freezes every writable file system first, and a \
             mount that is stalled then keeps all others frozen for up to 15 min"
                .to_owned(),
        );
    }
    if facts.system.snapshot_extension {
        notes.push(
            "Azure Backup's extension VMSnapshotLinux is installed: a backup freezes every writable file system \
             first, and a mount that is stalled then keeps all others frozen until the extension gives up, or \
             until the guest is reset where it does not"
                .to_owned(),
        );
    }
    if let Some(seconds) = facts.system.writers.waagent.as_ref().and_then(|agent| agent.scsi_timeout) {
        notes.push(format!("waagent writes {seconds} s to every sd disk's device/timeout, again every 30 s"));
    }
    notes
}
