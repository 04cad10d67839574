//! What `detect` shows.

use regex::bytes::Regex;

use super::shown;
use super::text::{heading, printable, table, wrapped};
use crate::facts::{Disk, Facts, HyperV, Hypervisor, Machine};
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
    let mut text = String::new();
    if only.is_none() {
        hypervisor_text(facts, &mut text);
        system_text(facts, &mut text);
    }
    disks_text(facts, verbose, only, &mut text);
    given_up_text(facts, &mut text);
    if only.is_none() {
        gaps_text(facts, &mut text);
    }
    text
}

fn hypervisor_text(facts: &Facts, text: &mut String) {
    let Some(machine) = &facts.machine else {
        text.push_str("machine: unknown (an offline root does not tell)\n");
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
    text.push_str(&format!("hypervisor: {}\n", printable(&line)));
    let rows: Vec<Vec<String>> = machine
        .evidence
        .iter()
        .map(|seen| vec![seen.from.clone(), seen.found.clone(), seen.means.clone()])
        .collect();
    text.push_str(&table(&rows, 2));
}

fn system_text(facts: &Facts, text: &mut String) {
    let system = &facts.system;
    let machine = facts.machine.as_ref();
    let unknown = || "could not tell".to_owned();
    heading(text, "system:");
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
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
    row("other writers", writers(facts));
    text.push_str(&table(&rows, 2));
}

/// Programs that write the same knobs, in words.
fn writers(facts: &Facts) -> String {
    let writers = &facts.system.writers;
    let mut names = Vec::new();
    if let Some(agent) = &writers.waagent {
        names.push(match agent.scsi_timeout {
            Some(seconds) => format!("waagent (sd timeouts {seconds} s)"),
            None => "waagent (sd timeouts off)".to_owned(),
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
fn given_up_text(facts: &Facts, text: &mut String) {
    let found: Vec<_> = facts.machine.iter().flat_map(stall::given_up).collect();
    if found.is_empty() {
        return;
    }
    heading(text, "file systems:");
    for mount in found {
        text.push_str(&wrapped(
            &format!("{}: {}; {}", printable(&mount.mount), mount.found, mount.because),
            2,
        ));
    }
}

fn disks_text(facts: &Facts, verbose: bool, only: Option<&Regex>, text: &mut String) {
    let Some(machine) = &facts.machine else { return };
    heading(text, "disks:");
    let Some(disks) = &machine.disks else {
        text.push_str(if machine.is_assumed() {
            "  not looked at (--assume)\n"
        } else {
            "  could not tell\n"
        });
        return;
    };
    let head = ["name", "class", "roles", "scheduler", "nr_requests", "timeout", "takes"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let silent = |disk: &Disk| {
        only.is_none() && !verbose && disk.roles.is_empty() && matches!(disk.class.name(), "loop" | "zram")
    };
    let hidden = disks.iter().filter(|disk| silent(disk)).count();
    for disk in disks.iter().filter(|disk| is_shown(disk, only) && !silent(disk)) {
        rows.push(disk_row(disk));
    }
    text.push_str(&table(&rows, 2));
    if hidden > 0 {
        text.push_str(&format!("  and {hidden} loop and zram devices (-v shows them)\n"));
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

fn gaps_text(facts: &Facts, text: &mut String) {
    if facts.gaps.is_empty() {
        return;
    }
    heading(text, "could not be read:");
    for gap in &facts.gaps {
        text.push_str(&wrapped(&format!("{}: {}: {}", gap.fact, gap.path, gap.why), 2));
    }
}
