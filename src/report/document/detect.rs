//! What `detect` sees.

mod disk;

use std::collections::BTreeMap;

use serde::Serialize;

use self::disk::Disk;
use super::{Envelope, Keys};
use crate::facts::{self, Facts};
#[cfg(feature = "schema")]
use crate::facts::{Arch, Isolation};
use crate::report::Show;
use crate::report::detect::{hyperv, is_shown};
use crate::stall;

/// What `hvtune detect` prints: the machine, and the system on its root.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct Detect<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// What the machine runs under.
    hypervisor: Hypervisor<'a>,
    /// What only a running machine knows; null where there is none to look at.
    machine: Option<Machine<'a>>,
    /// Every disk and map; null where they were not looked at, or could not be listed.
    disks: Option<Vec<Disk<'a>>>,
    /// Mounted file systems on block devices; null where there is no machine to look at.
    mounts: Option<Vec<Mounted<'a>>>,
    /// File systems that take no more writes, or may not; null as above.
    given_up: Option<Vec<GivenUp>>,
    /// Active swap; null as above.
    swaps: Option<Vec<Swap<'a>>>,
    /// What the root knows.
    system: System<'a>,
    /// What could not be read, in reading order.
    gaps: Vec<Gap<'a>>,
}

impl<'a> Detect<'a> {
    pub(in crate::report) fn new(facts: &'a Facts, show: &Show<'a>) -> Self {
        let mut keys = Keys::default();
        let machine = facts.machine.as_ref();
        let disks = machine.and_then(|machine| machine.disks.as_ref());
        let gap = |gap: &'a facts::Gap, keys: &mut Keys| Gap {
            key: keys.key(&["gap", &gap.fact]),
            fact: &gap.fact,
            path: &gap.path,
            why: &gap.why,
        };
        Self {
            envelope: Envelope::new(show),
            hypervisor: Hypervisor::new(machine, &mut keys),
            machine: machine.map(Machine::new),
            disks: disks.map(|disks| {
                let shown = disks.iter().filter(|disk| is_shown(disk, show.only));
                shown.map(|disk| Disk::new(disk, &mut keys)).collect()
            }),
            mounts: machine.map(|machine| mounts(machine, &mut keys)),
            given_up: machine.map(|machine| given_up(machine, &mut keys)),
            swaps: machine.map(|machine| swaps(machine, &mut keys)),
            system: System::new(facts),
            gaps: facts.gaps.iter().map(|one| gap(one, &mut keys)).collect(),
        }
    }
}

/// What the machine runs under.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Hypervisor<'a> {
    /// `hyperv`, `none`, `hyperv-root`, `wsl`, `container`, or another hypervisor's name; null where it could not
    /// be told.
    kind: Option<&'a str>,
    /// Whether the guest is on Azure; null where that could not be told, and on anything but Hyper-V.
    azure: Option<bool>,
    /// 1 (BIOS) or 2 (UEFI); null as above.
    generation: Option<u8>,
    /// Which kind of confidential virtual machine it is; null as above.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("enum" = [
            Some(Isolation::None.name()), Some(Isolation::Vbs.name()), Some(Isolation::Snp.name()),
            Some(Isolation::Tdx.name()), None::<&str>
        ]))
    )]
    isolation: Option<&'static str>,
    /// The kind was given (`--assume`), and the machine was not looked at.
    assumed: bool,
    /// What this rests on, in the order looked at; null where there is no machine to look at.
    evidence: Option<Vec<Evidence<'a>>>,
}

impl<'a> Hypervisor<'a> {
    fn new(machine: Option<&'a facts::Machine>, keys: &mut Keys) -> Self {
        let guest = machine.and_then(hyperv);
        let evidence = |seen: &'a facts::Evidence, keys: &mut Keys| Evidence {
            key: keys.key(&["evidence", &seen.from]),
            from: &seen.from,
            found: &seen.found,
            means: &seen.means,
        };
        Self {
            kind: machine.and_then(|machine| machine.hypervisor.as_ref()).map(facts::Hypervisor::kind),
            azure: guest.and_then(|guest| guest.azure),
            generation: guest.and_then(|guest| guest.generation),
            isolation: guest.and_then(|guest| guest.isolation).map(facts::Isolation::name),
            assumed: machine.is_some_and(facts::Machine::is_assumed),
            evidence: machine
                .map(|machine| machine.evidence.iter().map(|seen| evidence(seen, keys)).collect()),
        }
    }
}

/// One observation.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Evidence<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// Where it was made.
    from: &'a str,
    /// What was found there.
    found: &'a str,
    /// What that speaks for.
    means: &'a str,
}

/// What only a running machine knows.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Machine<'a> {
    /// The processor architecture.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("enum" = [
            Some(Arch::X86_64.name()), Some(Arch::Aarch64.name()), Some(Arch::Other.name()), None::<&str>
        ]))
    )]
    arch: Option<&'static str>,
    /// Processors that are there; null where they could not be counted.
    cpus: Option<u32>,
    /// Memory, in bytes; null where it could not be told.
    memory: Option<u64>,
    /// The release of the running kernel; null where none runs, or it could not be told.
    kernel: Option<&'a str>,
    /// Live values below /proc/sys, by key; a key that the kernel lacks is absent.
    sysctls: &'a BTreeMap<String, String>,
    /// Live values of module parameters, by `module.parameter`.
    parameters: &'a BTreeMap<String, String>,
}

impl<'a> Machine<'a> {
    fn new(machine: &'a facts::Machine) -> Self {
        Self {
            arch: machine.arch.map(facts::Arch::name),
            cpus: machine.cpus,
            memory: machine.memory,
            kernel: machine.kernel.as_ref().map(|kernel| kernel.release.as_str()),
            sysctls: &machine.sysctls,
            parameters: &machine.parameters,
        }
    }
}

/// A mounted file system.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Mount"))]
struct Mounted<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The mount point.
    mount: &'a str,
    /// The type of the file system.
    fstype: &'a str,
    /// The disk or map it stands on; null where it could not be told.
    disk: Option<&'a str>,
    /// Whether it is mounted read-only.
    read_only: bool,
}

fn mounts<'a>(machine: &'a facts::Machine, keys: &mut Keys) -> Vec<Mounted<'a>> {
    let mount = |mount: &'a facts::Mount| Mounted {
        key: keys.key(&["mount", &mount.point]),
        mount: &mount.point,
        fstype: &mount.fstype,
        disk: mount.disk.as_deref(),
        read_only: mount.read_only,
    };
    machine.mounts.iter().map(mount).collect()
}

/// A file system that takes no more writes, or may not.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct GivenUp {
    /// A name that no other row of this document has.
    key: String,
    /// The mount point.
    mount: String,
    /// What was found: `emergency_ro`, `3 errors`.
    found: String,
    /// What that means, and what to do.
    because: String,
}

fn given_up(machine: &facts::Machine, keys: &mut Keys) -> Vec<GivenUp> {
    let mount = |mount: stall::GivenUp| GivenUp {
        key: keys.key(&["given-up", &mount.mount]),
        mount: mount.mount,
        found: mount.found,
        because: mount.because,
    };
    stall::given_up(machine).into_iter().map(mount).collect()
}

/// An active swap area.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Swap<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// Its device or file.
    path: &'a str,
    /// The disk or map it stands on; null where it could not be told.
    disk: Option<&'a str>,
}

fn swaps<'a>(machine: &'a facts::Machine, keys: &mut Keys) -> Vec<Swap<'a>> {
    let swap = |swap: &'a facts::Swap| Swap {
        key: keys.key(&["swap", &swap.path]),
        path: &swap.path,
        disk: swap.disk.as_deref(),
    };
    machine.swaps.iter().map(swap).collect()
}

/// What the root knows.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct System<'a> {
    /// The distribution; null where it could not be told.
    os: Option<Os<'a>>,
    /// The processor architecture that it is for; null where it could not be told.
    arch: Option<&'static str>,
    /// The root is not that of the running machine.
    offline: bool,
    /// How it boots, by name.
    bootloader: &'static str,
    /// What that rests on.
    bootloader_because: &'a str,
    /// Installed kernels by release, oldest first; null where they could not be listed.
    kernels: Option<Vec<&'a str>>,
    /// The Azure Linux agent; null where none starts at boot.
    waagent: Option<Waagent>,
    /// The udev rules of azure-vm-utils are in force.
    azure_vm_utils: bool,
    /// The active profile of tuned; null where tuned is not configured.
    tuned: Option<&'a str>,
    /// saptune is installed.
    saptune: bool,
    /// multipath-tools is installed or configured.
    multipath: bool,
    /// open-iscsi is installed or configured.
    iscsi: bool,
    /// Files of hvtune's, by path below the root.
    ours: Vec<&'a str>,
}

/// A distribution, by its os-release.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Os<'a> {
    /// `ID`
    id: &'a str,
    /// `VERSION_ID`
    version_id: &'a str,
    /// Its name for people.
    pretty_name: &'a str,
}

/// The Azure Linux agent.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Waagent {
    /// The timeout that it writes to every SCSI disk, in seconds; null where it writes none.
    scsi_timeout_s: Option<u64>,
}

impl<'a> System<'a> {
    fn new(facts: &'a Facts) -> Self {
        let system = &facts.system;
        let writers = &system.writers;
        Self {
            os: system.os.as_ref().map(|os| Os {
                id: &os.id,
                version_id: &os.version_id,
                pretty_name: &os.pretty_name,
            }),
            arch: system.arch.map(facts::Arch::name),
            offline: system.offline,
            bootloader: system.boot.stack.name(),
            bootloader_because: &system.boot.because,
            kernels: system
                .kernels
                .as_ref()
                .map(|kernels| kernels.iter().map(|kernel| kernel.release.release.as_str()).collect()),
            waagent: writers.waagent.as_ref().map(|agent| Waagent { scsi_timeout_s: agent.scsi_timeout }),
            azure_vm_utils: writers.azure_vm_utils,
            tuned: writers.tuned.as_deref(),
            saptune: writers.saptune,
            multipath: writers.multipath,
            iscsi: writers.iscsi,
            ours: system.ours.iter().map(|file| file.path.as_str()).collect(),
        }
    }
}

/// A fact that could not be read.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Gap<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// Which fact.
    fact: &'a str,
    /// The path that was tried, below its root.
    path: &'a str,
    /// The reason.
    why: &'a str,
}
