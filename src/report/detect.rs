//! What `detect` shows.

use regex::bytes::Regex;

use super::screen::Screen;
use super::shown;
use super::text::{Cell, Text};
use crate::facts::{Disk, Evidence, Facts, HyperV, Hypervisor, Machine};
use crate::stall;

pub(super) fn is_shown(disk: &Disk, only: Option<&Regex>) -> bool {
    shown(only, &[&disk.name, disk.class.name()])
}

pub(super) fn hyperv(machine: &Machine) -> Option<&HyperV> {
    match machine.hypervisor.as_ref()? {
        Hypervisor::HyperV(guest) => Some(guest),
        _ => None,
    }
}

pub(super) fn text(facts: &Facts, verbose: bool, only: Option<&Regex>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    if only.is_none() {
        hypervisor_text(facts, &mut text);
        system_text(facts, &mut text);
    }
    disks_text(facts, verbose, only, &mut text);
    given_up_text(facts, &mut text);
    if only.is_none() {
        gaps_text(facts, &mut text);
    }
    text.into_string()
}

fn hypervisor_text(facts: &Facts, text: &mut Text) {
    let Some(machine) = &facts.machine else {
        text.para("machine: unknown (an offline root does not tell)", 0);
        return;
    };
    let mut line = machine.hypervisor.as_ref().map_or("could not tell", Hypervisor::kind).to_owned();
    if let Some(guest) = hyperv(machine) {
        let azure = match guest.azure {
            Some(true) => ", Azure",
            Some(false) => ", not Azure",
            None => ", Azure or not: could not tell",
        };
        line.push_str(azure);
        if let Some(generation) = guest.generation {
            line.push_str(&format!(", generation {generation}"));
        }
        if let Some(isolation) = guest.isolation {
            line.push_str(&format!(", isolation {}", isolation.name()));
        }
    }
    text.hanging(&format!("hypervisor: {line}"), 0, 2);
    let cells = |seen: &Evidence| {
        [&seen.from, &seen.found, &seen.means].map(|cell| Cell::from(cell.as_str())).to_vec()
    };
    let rows: Vec<Vec<Cell>> = machine.evidence.iter().map(cells).collect();
    text.table(&[], &rows, 2);
}

fn system_text(facts: &Facts, text: &mut Text) {
    let system = &facts.system;
    let machine = facts.machine.as_ref();
    let unknown = || "could not tell".to_owned();
    text.heading("system:");
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.into(), value.into()]);
    row("distribution", system.os.as_ref().map_or_else(unknown, |os| os.pretty_name.clone()));
    if let Some(kernel) = machine.and_then(|machine| machine.kernel.as_ref()) {
        row("running kernel", kernel.release.clone());
    }
    let kernels = system.kernels.as_ref().map_or_else(unknown, |kernels| match kernels.as_slice() {
        [] => "none".to_owned(),
        some => some.iter().map(|kernel| kernel.release.release.clone()).collect::<Vec<_>>().join(", "),
    });
    row("installed kernels", kernels);
    row("boot loader", format!("{} ({})", system.boot.stack.name(), system.boot.because));
    if let Some(cpus) = machine.and_then(|machine| machine.cpus) {
        row("processors", cpus.to_string());
    }
    if let Some(memory) = machine.and_then(|machine| machine.memory) {
        row("memory", format!("{} MiB", memory >> 20));
    }
    row("also writes", writers(facts));
    text.table(&[], &rows, 2);
}

/// Programs that write the same knobs, in words.
fn writers(facts: &Facts) -> String {
    let writers = &facts.system.writers;
    let mut names = Vec::new();
    if let Some(agent) = &writers.waagent {
        names.push(match agent.scsi_timeout {
            Some(seconds) => format!("waagent (device/timeout of every sd disk = {seconds} s)"),
            None => "waagent (leaves device/timeout alone)".to_owned(),
        });
    }
    names.extend(writers.tuned.iter().map(|profile| format!("tuned ({profile})")));
    for (there, name) in [
        (writers.saptune, "saptune"),
        (writers.azure_vm_utils, "azure-vm-utils"),
        (writers.multipath, "multipath-tools"),
        (writers.iscsi, "open-iscsi"),
    ] {
        if there {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() { "none found".to_owned() } else { names.join(", ") }
}

/// Only where there is something to say.
fn given_up_text(facts: &Facts, text: &mut Text) {
    let found: Vec<_> = facts.machine.iter().flat_map(stall::given_up).collect();
    if found.is_empty() {
        return;
    }
    text.heading("file systems:");
    for mount in found {
        text.hanging(&format!("{}: {}; {}", mount.mount, mount.found, mount.because), 2, 4);
    }
}

fn disks_text(facts: &Facts, verbose: bool, only: Option<&Regex>, text: &mut Text) {
    let Some(machine) = &facts.machine else { return };
    text.heading("disks:");
    let Some(disks) = &machine.disks else {
        text.para(if machine.is_assumed() { "not looked at (--assume)" } else { "could not tell" }, 2);
        return;
    };
    let head = ["NAME", "CLASS", "ROLES", "SCHEDULER", "NR_REQUESTS", "TIMEOUT", "MAX DEPTH"];
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let silent = |disk: &Disk| {
        only.is_none() && !verbose && disk.roles.is_empty() && matches!(disk.class.name(), "loop" | "zram")
    };
    let hidden = disks.iter().filter(|disk| silent(disk)).count();
    for disk in disks.iter().filter(|disk| is_shown(disk, only) && !silent(disk)) {
        rows.push(disk_row(disk).into_iter().map(Cell::from).collect());
    }
    text.table(&head, &rows, 2);
    if hidden > 0 {
        text.para(&format!("and {hidden} loop and zram devices (-v shows them)"), 2);
    }
}

fn disk_row(disk: &Disk) -> Vec<String> {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let seconds = disk.live.timeout.value().map(|seconds| format!("{seconds} s"));
    let millis = disk.live.io_timeout.value().map(|ms| format!("{} s", ms / 1000));
    vec![
        disk.name.clone(),
        disk.class.name().to_owned(),
        or_dash(
            (!disk.roles.is_empty())
                .then(|| disk.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",")),
        ),
        or_dash(disk.live.scheduler.value().cloned()),
        or_dash(disk.live.nr_requests.value().map(u64::to_string)),
        or_dash(seconds.or(millis)),
        or_dash(disk.limits.nr_tags.value().or(disk.limits.can_queue.value()).map(u64::to_string)),
    ]
}

fn gaps_text(facts: &Facts, text: &mut Text) {
    if facts.gaps.is_empty() {
        return;
    }
    text.heading("could not be read:");
    for gap in &facts.gaps {
        text.hanging(&format!("{}: {}: {}", gap.fact, gap.path, gap.why), 2, 4);
    }
}
