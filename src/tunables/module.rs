//! Module options. Where they land is decided per kernel by `render`.

use super::nvme::{AZURE_IO_TIMEOUT, any_local};
use super::requests::ring_for;
use super::waits::{DAY, reason, wait};
use super::{fine, not_here, refused};
use crate::facts::{Attribute, Class, Disk, Facts, Role};
use crate::policy::{Policy, Recovery};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Value, Want};

/// `module.storvsc_ring`
pub static STORVSC_RING: Tunable = Tunable {
    id: "module.storvsc_ring",
    title: "A storvsc ring large enough for the queue depth that was asked for",
    why: "The ring bounds how many commands a VMBus disk takes: 316 with 128 KiB and up to four processors. It \
          is memory per channel and direction, so it grows only where the policy pins disk.nr_requests beyond \
          it.",
    sources: &[Source {
        title: "Linux 6.12 drivers/scsi/storvsc_drv.c (storvsc_ringbuffer_size)",
        url: "https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/storvsc_drv.c",
    }],
    knobs: &[Knob {
        name: "hv_storvsc.storvsc_ringbuffer_size",
        accepts: Accepts::Integer { min: 131_072, max: 4_194_304 },
    }],
    decide: storvsc_ring,
};

fn option(module: &'static str, option: &'static str, want: Want, because: String) -> Vec<Decision> {
    let target = Target::ModuleOption { module, option };
    vec![Decision::Set { what: vec![Assignment::new(target, want)], because }]
}

/// A reason not to set an option that some installed kernel is known to lack.
fn lacking(facts: &Facts, module: &str, parameter: &str) -> Option<Decision> {
    let lacks = facts.system.kernels.iter().flatten().find(|kernel| {
        let known = kernel.modules.get(module).and_then(|module| module.parameters.value());
        known.is_some_and(|parameters| !parameters.contains(parameter))
    })?;
    Some(refused(format!("kernel {} does not know {module}.{parameter}", lacks.release.release)))
}

fn storvsc_ring(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let (module, name) = ("hv_storvsc", "storvsc_ringbuffer_size");
    let number = |knob| policy.pin(knob).and_then(|pin| pin.value.as_str().parse::<u64>().ok());
    if let Some(bytes) = number("hv_storvsc.storvsc_ringbuffer_size") {
        if !bytes.is_multiple_of(4096) {
            return vec![refused(format!(
                "the policy asks for a ring of {bytes} bytes; it must be a multiple of 4096"
            ))];
        }
        return lacking(facts, module, name).map_or_else(
            || option(module, name, Want::Exactly(Value::number(bytes)), "pinned by the policy".to_owned()),
            |no| vec![no],
        );
    }
    let with_scheduler = policy.pin("queue/scheduler").is_some_and(|pin| pin.value.as_str() != "none");
    let legacy = facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten()).any(|disk| {
        disk.limits.schedulers.value().is_some_and(|names| names.iter().any(|name| name == "noop"))
    });
    let Some(depth) = number("queue/nr_requests").filter(|_| !with_scheduler && !legacy) else {
        return vec![fine("the driver's own ring is right unless a deeper queue is pinned")];
    };
    match ring_for(facts, depth) {
        Ok(None) => vec![fine(format!("the driver's own ring takes the {depth} commands that are pinned"))],
        Err(most) => vec![refused(format!(
            "no ring takes the {depth} commands that are pinned; the largest takes {most}"
        ))],
        Ok(Some(bytes)) => lacking(facts, module, name).map_or_else(
            || {
                let because =
                    format!("nr_requests is pinned to {depth}, which takes a ring of {} KiB", bytes >> 10);
                option(module, name, Want::Exactly(Value::number(bytes)), because)
            },
            |no| vec![no],
        ),
    }
}

/// `module.nvme_io_timeout`
pub static NVME_IO_TIMEOUT: Tunable = Tunable {
    id: "module.nvme_io_timeout",
    title: "The root disk waits from the first command on, before udev runs",
    why: "The udev rule reaches a disk only once udev runs; a stall in early boot meets the driver's 30 s. The \
          module's option holds from the probe on, but for every NVMe disk of the guest, so it is set only \
          where the root is an Azure remote disk, or a disk's paths are hidden from udev, and no local disk is there.",
    sources: &[
        Source {
            title: "Linux 6.12 drivers/nvme/host/core.c (io_timeout)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/nvme/host/core.c",
        },
        Source {
            title: "Microsoft: Azure NVMe for Linux",
            url: "https://learn.microsoft.com/en-us/azure/virtual-machines/nvme-linux",
        },
    ],
    knobs: &[Knob { name: "nvme_core.io_timeout", accepts: Accepts::Integer { min: 1, max: 4_294_967 } }],
    decide: nvme_io_timeout,
};

fn nvme_io_timeout(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let (module, name) = ("nvme_core", "io_timeout");
    if let Some(pin) = policy.pin("nvme_core.io_timeout") {
        return option(module, name, Want::Exactly(pin.value.clone()), "pinned by the policy".to_owned());
    }
    let disks = || facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten());
    let is_hidden = disks().any(Disk::is_hidden);
    let on_remote = |disk: &Disk| disk.class == Class::NvmeAzureRemote && disk.roles.contains(&Role::Root);
    if !is_hidden && !disks().any(on_remote) {
        return vec![not_here("the root is not known to be on an Azure remote NVMe disk")];
    }
    if facts.system.writers.azure_vm_utils && !is_hidden {
        return vec![fine("azure-vm-utils brings its rule into the initramfs")];
    }
    if any_local(facts) {
        return vec![fine(
            "a local NVMe disk is there, which must keep 30 s; the udev rule tells them apart",
        )];
    }
    if disks().any(|disk| disk.live.io_timeout == Attribute::Absent && disk.class == Class::NvmeAzureRemote) {
        return vec![refused(
            "this kernel has no queue/io_timeout; nvme_core.io_timeout there is a single byte",
        )];
    }
    let (least, because) = if is_hidden {
        (60, "the paths of an NVMe multipath disk are hidden from udev, so that no rule reaches them")
    } else {
        (AZURE_IO_TIMEOUT, "the root is an Azure remote disk and no local disk is there")
    };
    let want = Want::AtLeast(policy.stall.max(least));
    lacking(facts, module, name).map_or_else(|| option(module, name, want, because.to_owned()), |no| vec![no])
}

/// What the driver gives a controller by itself, in seconds.
const ADMIN: u64 = 60;

/// `module.nvme_admin_timeout`
pub static NVME_ADMIN_TIMEOUT: Tunable = Tunable {
    id: "module.nvme_admin_timeout",
    title: "An NVMe controller that is silent at boot is waited for as long as the stall budget",
    why: "A controller answers admin commands before a disk of it appears. One that is silent for 60 s then is \
          disabled: its disks never come, even when it answers a second later, as nobody probes it again. A \
          controller that answers costs no time.",
    sources: &[Source {
        title: "Linux 6.12 drivers/nvme/host/pci.c (nvme_timeout) and core.c (admin_timeout)",
        url: "https://github.com/torvalds/linux/blob/v6.12/drivers/nvme/host/pci.c",
    }],
    knobs: &[Knob { name: "nvme_core.admin_timeout", accepts: Accepts::Integer { min: 1, max: 4_294_967 } }],
    decide: nvme_admin_timeout,
};

fn nvme_admin_timeout(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let (module, name) = ("nvme_core", "admin_timeout");
    let disks = || facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten());
    let waited = |class: &Class| matches!(class, Class::NvmeAzureRemote | Class::Nvme);
    let pin = policy.pin("nvme_core.admin_timeout");
    if pin.is_none() {
        if !disks().any(|disk| waited(&disk.class)) {
            return vec![not_here("no NVMe disk but such as die with the host")];
        }
        // Where it is so old that the other timer cannot be set on a disk, both are single bytes.
        if disks().any(|disk| waited(&disk.class) && disk.live.io_timeout == Attribute::Absent) {
            return vec![refused(
                "this kernel has no queue/io_timeout; nvme_core.admin_timeout there is a single byte",
            )];
        }
    }
    let seconds = if policy.recovery == Recovery::Hold { DAY } else { wait(policy) };
    if seconds <= ADMIN && pin.is_none() {
        return vec![fine(format!("the driver waits {ADMIN} s by itself"))];
    }
    let (want, because) = match pin {
        Some(pin) => (Want::Exactly(pin.value.clone()), "pinned by the policy".to_owned()),
        None => (Want::AtLeast(seconds), reason(policy, seconds)),
    };
    lacking(facts, module, name).map_or_else(|| option(module, name, want, because), |no| vec![no])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, disk, guest, pinned};
    use super::*;
    use crate::facts::ModuleFact;

    #[test]
    fn the_ring_grows_only_for_a_pinned_depth() {
        let facts = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        for (pins, want) in [
            (vec![], "already-right"),
            (vec![("queue/nr_requests", "300")], "already-right"),
            (vec![("queue/nr_requests", "1024")], "module hv_storvsc.storvsc_ringbuffer_size=524288"),
            (vec![("queue/nr_requests", "1024"), ("queue/scheduler", "mq-deadline")], "already-right"),
            (vec![("queue/nr_requests", "60000")], "refused"),
            (vec![("hv_storvsc.storvsc_ringbuffer_size", "262145")], "refused"),
        ] {
            assert_eq!(ask(&STORVSC_RING, &facts, &pinned(&pins)), [want], "{pins:?}");
        }
    }

    #[test]
    fn an_option_that_a_kernel_lacks_is_refused() {
        let mut facts = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        let without = ModuleFact {
            builtin: Some(false),
            parameters: Attribute::Is(["logging_level".to_owned()].into()),
        };
        let kernel = facts.system.kernels.as_mut().unwrap().first_mut().unwrap();
        kernel.modules.insert("hv_storvsc".to_owned(), without);
        assert_eq!(ask(&STORVSC_RING, &facts, &pinned(&[("queue/nr_requests", "1024")])), ["refused"]);
    }

    #[test]
    fn a_controller_is_waited_for_where_disks_of_it_outlive_the_host() {
        let facts = |class| guest("6.12.74-cloud-amd64", vec![disk("nvme0n1", class)]);
        let (policy, hold) = (Policy::default(), Policy { recovery: Recovery::Hold, ..Policy::default() });
        for (class, policy, expected) in [
            (Class::NvmeAzureRemote, &policy, "module nvme_core.admin_timeout=at least 240"),
            (Class::Nvme, &hold, "module nvme_core.admin_timeout=at least 86400"),
            (Class::NvmeAzureLocal, &policy, "not-applicable"),
            (Class::StorvscScsi, &policy, "not-applicable"),
        ] {
            assert_eq!(ask(&NVME_ADMIN_TIMEOUT, &facts(class), policy), [expected]);
        }
        let pin = pinned(&[("nvme_core.admin_timeout", "90")]);
        let mut old = facts(Class::NvmeAzureRemote);
        assert_eq!(ask(&NVME_ADMIN_TIMEOUT, &old, &pin), ["module nvme_core.admin_timeout=90"]);
        let first = old.machine.as_mut().unwrap().disks.as_mut().unwrap().first_mut().unwrap();
        first.live.io_timeout = Attribute::Absent;
        assert_eq!(ask(&NVME_ADMIN_TIMEOUT, &old, &policy), ["refused"]);
    }

    #[test]
    fn nvme_waits_from_the_probe_on_where_no_local_disk_would_too() {
        let mut root = disk("nvme0n1", Class::NvmeAzureRemote);
        root.roles.insert(Role::Root);
        let local = disk("nvme1n1", Class::NvmeAzureLocal);
        let policy = Policy::default();
        let alone = guest("6.12.74-cloud-amd64", vec![root.clone()]);
        assert_eq!(ask(&NVME_IO_TIMEOUT, &alone, &policy), ["module nvme_core.io_timeout=at least 240"]);
        assert_eq!(ask(&NVME_IO_TIMEOUT, &guest("6.12.74", vec![root, local]), &policy), ["already-right"]);
        let path = guest("6.12.74-cloud-amd64", vec![disk("nvme0c1n1", Class::Nvme)]);
        assert_eq!(ask(&NVME_IO_TIMEOUT, &path, &policy), ["module nvme_core.io_timeout=at least 180"]);
        let scsi = guest("6.12.74", vec![disk("sda", Class::StorvscScsi)]);
        assert_eq!(ask(&NVME_IO_TIMEOUT, &scsi, &policy), ["not-applicable"]);
    }
}
