//! Which swap is used first, and whether what it lies on can stall.
//!
//! The kernel fills the area of the highest priority before it touches the next; an area without
//! a priority of its own gets one below 0
//! (<https://docs.kernel.org/admin-guide/mm/index.html>; man 2 swapon).

use crate::facts::{Class, Disk, Facts, HyperV, Hypervisor, Machine, Role, Swap, SwapGround, SwapSource};

/// What becomes of a page that is swapped out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// There is no swap, and none is asked for.
    Nothing,
    /// Every area is memory or the host's own local disk.
    Safe,
    /// Areas that may stall are there, but this one, which cannot, is filled before them.
    SafeBefore(String),
    /// What is used first lies on a disk that may stall, or on one that could not be told.
    MayStall,
}

/// One area: its priority, and whether it is known not to stall.
struct Area<'a> {
    what: &'a str,
    priority: Option<i64>,
    safe: bool,
}

/// Looks at the swap in use, and at what files ask for that is not in use yet.
pub fn first(facts: &Facts) -> First {
    let Some(machine) = &facts.machine else { return First::Nothing };
    let mut areas: Vec<Area<'_>> = machine.swaps.iter().map(|swap| active(machine, swap)).collect();
    let in_use = |source: &SwapSource| machine.swaps.iter().any(|swap| swap.path == source.what);
    let more = facts.system.swaps.iter().filter(|source| !in_use(source)).map(|s| configured(machine, s));
    // Once swap is in use, what is asked for and is not there makes nothing safe.
    let more = more.filter(|area| machine.swaps.is_empty() || !area.safe);
    areas.extend(more);
    judge(&areas)
}

fn judge(areas: &[Area<'_>]) -> First {
    let Some(top) = areas.iter().filter_map(|area| area.priority).max() else {
        return match areas {
            [] => First::Nothing,
            some if some.iter().all(|area| area.safe) => First::Safe,
            _ => First::MayStall,
        };
    };
    if areas.iter().all(|area| area.safe) {
        return First::Safe;
    }
    // Of areas whose priority the kernel gives, nobody knows beforehand which comes first.
    let is_first = |area: &&Area<'_>| area.priority.map_or(top < 0, |priority| priority == top);
    match areas.iter().filter(is_first).find(|area| !area.safe) {
        Some(_) => First::MayStall,
        None => First::SafeBefore(
            areas.iter().find(|area| area.priority == Some(top)).map_or(String::new(), |a| a.what.to_owned()),
        ),
    }
}

fn active<'a>(machine: &Machine, swap: &'a Swap) -> Area<'a> {
    let disks: Vec<Option<&Disk>> = swap.disks().map(|name| disk(machine, name)).collect();
    let known = swap.disk.is_some() && swap.others.is_some();
    let safe = known && !disks.is_empty() && disks.iter().all(|disk| disk.is_some_and(cannot_stall));
    Area { what: &swap.path, priority: swap.priority, safe: safe || swap.path.starts_with("/dev/zram") }
}

fn configured<'a>(machine: &Machine, source: &'a SwapSource) -> Area<'a> {
    let safe = match source.on {
        SwapGround::Zram => true,
        SwapGround::AzureTemporary => is_azure(machine),
        SwapGround::Storage => on_safe_disk(machine, source),
    };
    Area { what: &source.what, priority: source.priority, safe }
}

/// By the name of its device, or of the one that holds its file; else by what is mounted there now.
fn on_safe_disk(machine: &Machine, source: &SwapSource) -> bool {
    let device = match (&source.holder, source.what.starts_with("/dev/")) {
        (Some((_, holder)), _) => Some(holder.as_str()),
        (None, true) => Some(source.what.as_str()),
        (None, false) => None,
    };
    if let Some(named) = device.and_then(|device| by_name(machine, device)) {
        return cannot_stall(named);
    }
    let holds = |point: &str| {
        source.what.strip_prefix(point.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    };
    let is_file = source.what.starts_with('/') && !source.what.starts_with("/dev/");
    let mounts = machine.mounts.iter().filter(|mount| is_file && holds(&mount.point));
    let mount = mounts.max_by_key(|mount| mount.point.len());
    // Where fstab's own is not mounted there yet, what is there now tells nothing.
    let expected = |point: &str| source.holder.as_ref().is_none_or(|(planned, _)| planned == point);
    mount.filter(|mount| expected(&mount.point)).is_some_and(|mount| {
        let disks: Vec<Option<&Disk>> = mount.disks().map(|name| disk(machine, name)).collect();
        mount.others.is_some() && !disks.is_empty() && disks.iter().all(|disk| disk.is_some_and(cannot_stall))
    })
}

/// zram is memory; Azure's temporary disk is the host's own.
fn cannot_stall(disk: &Disk) -> bool {
    disk.class == Class::Zram || disk.roles.contains(&Role::AzureTemporary)
}

fn disk<'a>(machine: &'a Machine, name: &str) -> Option<&'a Disk> {
    machine.disks.iter().flatten().find(|disk| disk.name == name)
}

/// The disk of a plain kernel name below /dev, a partition's too.
pub(super) fn by_name<'a>(machine: &'a Machine, device: &str) -> Option<&'a Disk> {
    let name = device.strip_prefix("/dev/")?;
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = stem.strip_suffix('p').filter(|whole| whole.ends_with(|c: char| c.is_ascii_digit()));
    disk(machine, name).or_else(|| disk(machine, numbered.unwrap_or(stem)))
}

/// Whether the machine is known to be on Azure.
pub(super) fn is_azure(machine: &Machine) -> bool {
    matches!(machine.hypervisor, Some(Hypervisor::HyperV(HyperV { azure: Some(true), .. })))
}
