//! Whether an initramfs of this root would bring up a Hyper-V guest.

mod takes;

use crate::facts::{
    BootArg, BootStack, Class, Disk, Drivers, Facts, HyperV, Hypervisor, Initramfs, InstalledKernel, Machine,
    Mount, Origin, Role, Taken,
};
use crate::pattern::parse_pattern;

pub use takes::{Held, Takes, held, outdated, takes};

/// Without these no VMBus disk is there.
const DISKS: &[&str] = &["hv_vmbus", "hv_storvsc"];
/// Azure's sizes with NVMe disks need them besides.
const AZURE: &[&str] = &["nvme", "pci_hyperv"];
/// The network adapter, for a root that a server has.
const NETWORK: &str = "hv_netvsc";
/// How arguments begin that send the initramfs to a server for its root.
const SERVED: [&str; 6] =
    ["netroot=", "nfsroot=", "root=nfs", "root=/dev/nfs", "rd.neednet=1", "iscsi_target_name="];

/// How a driver is wanted.
pub const INCLUDED: &str = "included";

/// What an initramfs of this root, made by its own maker, says of the drivers that the guest needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// All of them are in it, or in the kernel.
    Complete,
    /// These may be missing, and why: an image made elsewhere need not boot on Hyper-V.
    Lacking(Vec<&'static str>, String),
    /// Could not tell.
    Unknown(String),
}

/// The drivers without which a guest on this hypervisor does not find its root, in order of loading.
pub fn needed(facts: &Facts) -> Vec<&'static str> {
    let Some(Hypervisor::HyperV(HyperV { azure, .. })) =
        facts.machine.as_ref().and_then(|machine| machine.hypervisor.as_ref())
    else {
        return Vec::new();
    };
    let mut needed = DISKS.to_vec();
    if *azure == Some(true) {
        needed.extend(AZURE);
    }
    if root_is_served(facts) {
        needed.push(NETWORK);
    }
    let kernels = || facts.system.kernels.iter().flatten();
    let has = |kernel: &InstalledKernel, driver| {
        kernel.built_in.as_ref().is_some_and(|built_in| built_in.contains(&driver))
    };
    needed.retain(|driver| !kernels().all(|kernel| has(kernel, *driver)));
    needed
}

/// Whether the command line of some entry sends the initramfs to a server for its root.
pub fn root_is_served(facts: &Facts) -> bool {
    let boot = &facts.system.boot;
    let asks = |arg: &BootArg| {
        arg.text.as_ref().is_some_and(|arg| SERVED.iter().any(|start| arg.starts_with(start)))
    };
    boot.configured.args.iter().any(asks) || boot.lines.iter().any(|line| line.args.iter().any(asks))
}

/// Whether dracut's image has the queue that gives up on root: for maps, arrays and servers, each part of dracut's
/// brings it along (`dracut_need_initqueue`, <https://github.com/dracut-ng/dracut-ng/blob/106/dracut-init.sh>).
/// `None` = could not tell, as where it is not made for its machine.
pub fn initqueue(facts: &Facts) -> Option<bool> {
    if root_is_served(facts) {
        return Some(true);
    }
    let machine = facts.machine.as_ref()?;
    let mut disks = machine.disks.as_ref()?.iter();
    let queued = |disk: &Disk| {
        matches!(
            disk.class,
            Class::Crypt | Class::Lvm | Class::Md | Class::Iscsi { .. } | Class::Multipath { .. }
        )
    };
    if disks.clone().any(|disk| queued(disk) && disk.roles.contains(&Role::Root)) {
        return Some(true);
    }
    let copies = facts.system.boot.tools.copies.as_ref()?;
    // Older ones give systemd a limit of its own.
    let new = facts.system.writers.sysctl_files.systemd.is_some_and(|version| version >= 231);
    let plain = new && copies.hostonly == Some(true) && copies.systemd == Some(true);
    (plain && machine.origin != Origin::Assumed && !disks.any(queued)).then_some(false)
}

/// Whether root lies on an encrypted map, as far as is known.
pub fn root_is_encrypted(facts: &Facts) -> bool {
    let Some(machine) = &facts.machine else { return false };
    let mounts = machine.mounts.iter().filter(|mount| mount.point == "/");
    mounts.flat_map(Mount::disks).any(|name| is_on_crypt(machine, name, 0))
}

fn is_on_crypt(machine: &Machine, name: &str, depth: u32) -> bool {
    let disk = machine.disks.iter().flatten().find(|disk| disk.name == name);
    disk.is_some_and(|disk| {
        disk.class == Class::Crypt
            || (depth < 8 && disk.slaves.iter().any(|slave| is_on_crypt(machine, slave, depth + 1)))
    })
}

/// Seconds that dracut's queue gives root without a word of anybody's: half a minute until 2014, by the age of
/// systemd, which comes with it (<https://github.com/dracutdevs/dracut/blob/049/modules.d/98dracut-systemd/dracut-initqueue.sh>).
pub fn queue_waits(facts: &Facts) -> u64 {
    let newer = facts.system.writers.sysctl_files.systemd.is_some_and(|version| version >= 231);
    if newer { 180 } else { 30 }
}

/// The outlook where an image is built; `None` where the question does not arise: on a running machine, whose
/// initramfs has brought it up, without a kernel, and where the initramfs comes with an image made elsewhere.
pub fn outlook(facts: &Facts) -> Option<Outlook> {
    let boot = &facts.system.boot;
    let comes_with_an_image = matches!(boot.stack, BootStack::Bootc | BootStack::Ostree | BootStack::Flatcar);
    if !facts.for_image() || comes_with_an_image || facts.system.kernels.iter().flatten().next().is_none() {
        return None;
    }
    let needed = needed(facts);
    if needed.is_empty() {
        return facts.machine.as_ref()?.hypervisor.as_ref().map(|_| Outlook::Complete);
    }
    let Some(maker) = boot.tools.initramfs else {
        return Some(Outlook::Unknown("no program that makes one was found here".to_owned()));
    };
    let Some(drivers) = &boot.tools.drivers else {
        return Some(Outlook::Unknown(format!("what {} takes is not known to hvtune", maker.name())));
    };
    if drivers.taken == Taken::Unknown {
        return Some(Outlook::Unknown(drivers.because.clone()));
    }
    let Some(left_out) = left_out(drivers, &needed) else {
        return Some(Outlook::Unknown(drivers.left_out_by.clone()));
    };
    let because = if left_out.is_empty() { &drivers.because } else { &drivers.left_out_by };
    let is_missing = |driver: &&str| left_out.contains(driver) || !holds(drivers, driver);
    let missing: Vec<&str> = needed.into_iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Some(Outlook::Complete);
    }
    let unread = facts.system.kernels.iter().flatten().find(|kernel| kernel.built_in.is_none());
    Some(match unread {
        Some(kernel) => Outlook::Unknown(format!(
            "which drivers kernel {} has built in could not be read",
            kernel.release.release
        )),
        None => Outlook::Lacking(missing, because.clone()),
    })
}

/// Those of these drivers that are left out; `None` where a pattern is none that we understand.
fn left_out(drivers: &Drivers, needed: &[&'static str]) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    for pattern in &drivers.left_out {
        let pattern = parse_pattern(&format!("^(?:{pattern})$")).ok()?;
        found.extend(needed.iter().filter(|driver| pattern.is_match(driver.as_bytes())));
    }
    Some(found)
}

/// Whether the initramfs holds a driver that nothing leaves out. A module brings those along that it needs: any of Hyper-V's the bus.
fn holds(drivers: &Drivers, driver: &str) -> bool {
    let named = drivers.named.iter().any(|module| {
        module == driver || (driver == "hv_vmbus" && (module.starts_with("hv_") || module == "pci_hyperv"))
    });
    named
        || match drivers.taken {
            Taken::StorageAndNetwork => true,
            Taken::Storage => driver != NETWORK,
            Taken::Network => !["hv_storvsc", "nvme"].contains(&driver),
            Taken::ThatMachine | Taken::OnlyNamed | Taken::Unknown => false,
        }
}

/// Whose configuration takes a list of ours: that of dracut or of initramfs-tools; `None` where nobody's does.
pub fn reader(facts: &Facts) -> Option<Initramfs> {
    facts.system.boot.tools.drivers.as_ref().map(|drivers| drivers.by)
}
