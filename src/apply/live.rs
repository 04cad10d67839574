//! Live values: sysctl keys written directly, disks reached through their rules.

use std::time::Duration;

use super::Step;
use crate::plan::{DiskTrigger, Plan};
use crate::render::Effect;
use crate::root::Root;
use crate::run;

/// udevd answers at once or not at all.
const UDEVADM_DEADLINE: Duration = Duration::from_secs(30);
/// How long a disk with I/O in flight is watched for progress, in all.
const WATCH: u32 = 10;
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// Writes every key that differs; a key that is refused is a step that failed, never an end.
pub(super) fn sysctls(plan: &Plan, root: &Root) -> Vec<Step> {
    plan.live
        .sysctls
        .iter()
        .map(|write| {
            let what = format!("{} = {}", write.key, write.value);
            let path = format!("proc/sys/{}", write.key.replace('.', "/"));
            match root.write_attribute(&path, &write.value) {
                Ok(()) => Step::done(what),
                Err(error) => Step::failed(what, &error),
            }
        })
        .collect()
}

/// Writes every attribute that differs; a session that is down refuses.
pub(super) fn attributes(plan: &Plan, root: &Root) -> Vec<Step> {
    plan.live
        .attributes
        .iter()
        .map(|write| {
            let what = format!("{} = {}", write.what, write.value);
            match root.write_attribute(&write.path, &write.value) {
                Ok(()) => Step::done(what),
                Err(error) => Step::failed(what, &error),
            }
        })
        .collect()
}

/// Makes udevd read its rules, then sends a change event to the disks that differ, and to no other.
pub(super) fn udev(plan: &Plan, root: &Root) -> Vec<Step> {
    let changed = plan.changes.iter().any(|change| change.effect() == Some(Effect::ReloadUdev));
    if !changed && plan.live.disks.is_empty() {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if let Err(error) = run::run("udevadm", &["control", "--reload"], UDEVADM_DEADLINE) {
        let problem = format!("{error}; they apply when udevd starts");
        return vec![Step::failed("udev rules could not be reloaded", &problem)];
    }
    steps.push(Step::done("udev rules reloaded"));
    let mut devices = Vec::new();
    for disk in &plan.live.disks {
        // A queue attribute's write waits for all I/O in flight: during a stall it would hang
        // udev's worker (block/blk-sysfs.c freezes the queue).
        if disk.queue && stalled(root, disk) {
            let problem = "a command is stalled; left alone until its next change event or boot";
            steps.push(Step::failed(format!("{} tuned", disk.name), &problem));
            continue;
        }
        devices.push(format!("/{}", disk.path));
        steps.push(Step::done(format!("{} tuned", disk.name)));
    }
    if devices.is_empty() {
        return steps;
    }
    let mut args = vec!["trigger", "--action=change", "--settle"];
    args.extend(devices.iter().map(String::as_str));
    if let Err(error) = run::run("udevadm", &args, UDEVADM_DEADLINE) {
        steps.push(Step::failed("change events sent", &error));
    }
    steps
}

/// Makes systemd and multipathd read their files anew, where one of ours changed.
pub(super) fn daemons(plan: &Plan) -> Vec<Step> {
    let changed = |effect| plan.changes.iter().any(|change| change.effect() == Some(effect));
    let mut steps = Vec::new();
    for (effect, what, program, argument) in [
        (
            Effect::ReloadUnits,
            "systemd's units reloaded (a service takes its watchdog when it starts next)",
            "systemctl",
            "daemon-reload",
        ),
        (Effect::ReloadMultipath, "multipathd reconfigured", "multipathd", "reconfigure"),
    ] {
        if changed(effect) {
            steps.push(match run::run(program, &[argument], UDEVADM_DEADLINE) {
                Ok(_) => Step::done(what),
                Err(error) => Step::failed(what, &format!("{error}; the file takes effect when it starts")),
            });
        }
    }
    steps
}

/// Commands in flight and none completed over a second: a busy disk completes some.
fn stalled(root: &Root, disk: &DiskTrigger) -> bool {
    let read = || -> Option<Progress> {
        let text = root.dir(&disk.path).ok()??.read_text("stat").ok()??;
        parse_stat(&text)
    };
    let Some(first) = read() else { return false };
    if first.in_flight == 0 {
        return false;
    }
    for _ in 0..WATCH {
        std::thread::sleep(WATCH_EVERY);
        match read() {
            Some(now) if now.in_flight > 0 && now.completed == first.completed => {}
            _ => return false,
        }
    }
    true
}

/// What a disk's `stat` says of progress.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    completed: u64,
    in_flight: u64,
}

/// Fields 1, 5 and 9 of `/sys/block/X/stat`: reads and writes completed, I/O in flight
/// (<https://docs.kernel.org/block/stat.html>).
pub(crate) fn parse_stat(text: &str) -> Option<Progress> {
    let numbers: Vec<u64> = text.split_ascii_whitespace().map_while(|field| field.parse().ok()).collect();
    Some(Progress {
        completed: numbers.first()?.saturating_add(*numbers.get(4)?),
        in_flight: *numbers.get(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_of_a_disk() {
        let text = "    8372     1345   556654     5134     3431     2265   131434     3652        2     4532     8786\n";
        assert_eq!(parse_stat(text), Some(Progress { completed: 8372 + 3431, in_flight: 2 }));
        assert_eq!(parse_stat("1 2 3\n"), None);
        assert_eq!(parse_stat(""), None);
    }
}
