//! Small machines to ask tunables about.

use super::*;
use crate::facts::{
    Attribute, BootArg, BootStack, Class, Copies, Holds, Initramfs, InstalledKernel, Limits, Live, Origin,
};
use crate::policy::Pin;
use crate::tunable::{Assignment, Value};

pub(super) fn disk(name: &str, class: Class) -> Disk {
    Disk {
        name: name.to_owned(),
        path: format!("sys/devices/x/block/{name}"),
        class,
        roles: std::collections::BTreeSet::new(),
        host: Some("host0".to_owned()),
        hctl: Some("0:0:0:0".to_owned()),
        slaves: Vec::new(),
        vendor: String::new(),
        model: String::new(),
        limits: Limits {
            can_queue: Attribute::Is(316),
            nr_hw_queues: Attribute::Is(4),
            nr_tags: Attribute::Is(316),
            schedulers: Attribute::Is(vec!["none".to_owned(), "mq-deadline".to_owned()]),
        },
        live: Live {
            scheduler: Attribute::Is("none".to_owned()),
            nr_requests: Attribute::Is(316),
            timeout: Attribute::Is(180),
            ..Live::default()
        },
    }
}

pub(super) fn guest(kernel: &str, disks: Vec<Disk>) -> Facts {
    let release = KernelRelease::parse(kernel).unwrap();
    let machine = Machine {
        hypervisor: Some(Hypervisor::HyperV(HyperV { azure: Some(false), ..HyperV::default() })),
        cpus: Some(4),
        memory: Some(8 << 30),
        kernel: Some(release.clone()),
        disks: Some(disks),
        ..Machine::default()
    };
    let mut facts = Facts { machine: Some(machine), ..Facts::default() };
    facts.system.cluster = Attribute::Absent;
    facts.system.kernels = Some(vec![InstalledKernel {
        release,
        modules: crate::order::Named::new(),
        built_in: Some(Vec::new()),
    }]);
    facts
}

pub(super) fn assumed(kernel: &str) -> Facts {
    let mut facts = guest(kernel, Vec::new());
    if let Some(machine) = facts.machine.as_mut() {
        *machine =
            Machine { origin: Origin::Assumed, hypervisor: machine.hypervisor.clone(), ..Machine::default() };
    }
    facts
}

pub(super) fn pinned(pins: &[(&str, &str)]) -> Policy {
    let set = pins
        .iter()
        .map(|(knob, value)| Pin {
            knob: (*knob).to_owned(),
            value: Value::new(value).unwrap(),
            origin: "etc/hvtune.toml:1".to_owned(),
        })
        .collect();
    Policy { set, ..Policy::default() }
}

/// `kind knob=want` of every decision, for short tables.
pub(super) fn ask(tunable: &Tunable, facts: &Facts, policy: &Policy) -> Vec<String> {
    let show = |a: &Assignment| format!("{} {}={}", a.place(), a.target.knob(), a.want.phrase());
    (tunable.decide)(facts, policy)
        .iter()
        .map(|decision| match decision {
            Decision::Set { what, .. } => what.iter().map(show).collect::<Vec<_>>().join(", "),
            other => other.kind().to_owned(),
        })
        .collect()
}

/// Debian's GRUB and systemd 252, with an initramfs that this program made for this machine.
pub(super) fn image_by(maker: Initramfs, disks: Vec<Disk>) -> Facts {
    let mut facts = guest("6.1.0-18-amd64", disks);
    facts.system.boot.stack = BootStack::DebianGrub;
    facts.system.boot.tools.initramfs = Some(maker);
    facts.system.boot.tools.copies = Some(Copies {
        by: maker,
        hostonly: Some(true),
        because: String::new(),
        rules: None,
        systemd: Some(true),
        named: Vec::new(),
        held: None,
    });
    facts.system.writers.sysctl_files.systemd = Some(252);
    facts
}

/// An argument that the next boot gets by the administrator's file.
pub(super) fn given(arg: &str) -> BootArg {
    BootArg {
        text: Some(arg.to_owned()),
        path: "etc/default/grub".to_owned(),
        line: 1,
        holds: Holds::Yes,
        after_ours: false,
    }
}

/// The same machine with such an argument.
pub(super) fn with_arg(mut facts: Facts, arg: &str) -> Facts {
    facts.system.boot.configured.args.push(given(arg));
    facts
}
