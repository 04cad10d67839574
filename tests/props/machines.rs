//! Machines: those of the fixtures, with anything about them changed.

use std::path::Path;
use std::sync::LazyLock;

use hvtune::cmdline::Cmdline;
use hvtune::facts::{
    Attribute, Boot, BootArg, BootStack, Class, Disk, Drivers, Facts, Holds, HyperV, Hypervisor, Initramfs,
    InstalledKernel, KernelRelease, Machine, ModprobeFile, ModprobeLine, ModuleFact, Origin, RuleFile,
    SysctlFile, Taken, Waagent,
};
use hvtune::formats::sysctl::read as sysctl;
use hvtune::formats::udev;
use hvtune::probe::{self, MachineSource};
use hvtune::root::Root;
use proptest::prelude::*;

use crate::fixtures;
use crate::texts::any_text;

/// In memory where that can be.
pub(crate) fn fresh_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).unwrap()
}

/// The facts of every fixture.
static FIXTURES: LazyLock<Vec<Facts>> = LazyLock::new(|| {
    let all = fixtures::all();
    let facts = all.iter().map(|fixture| {
        let machine = Root::offline(&fixture.machine).unwrap();
        let root = Root::offline(&fixture.root()).unwrap();
        probe::probe(&MachineSource::Capture(&machine), &root)
    });
    facts.collect()
});

pub(crate) fn fixtures() -> Vec<Facts> {
    FIXTURES.clone()
}

/// Version, the rest of its name, whether modules are built in, and whether they know our parameters.
type Installed = ((u32, u32, u32), String, Option<bool>, Attribute<bool>);

/// One thing that is changed about a machine.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Hypervisor(Option<Hypervisor>),
    Memory(Option<u64>),
    Cpus(Option<u32>),
    Kernel((u32, u32, u32), String),
    Installed(Vec<Installed>),
    NoKernels,
    Origin(Origin),
    Offline(bool),
    NoDisks,
    Classes(Class),
    Limits(Attribute<u64>, Attribute<u64>, Attribute<u64>, Attribute<Vec<String>>),
    Live(Attribute<u64>, Attribute<i64>, Attribute<bool>),
    Parameter(String),
    Agent(Option<u64>),
    Writers(bool, bool, bool, Option<String>),
    Others(String),
    Stack(BootStack),
    Drivers(Initramfs, Taken, String),
    Arguments(Option<Vec<String>>),
    Cmdline(String),
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..4096_u64, any::<u64>(), Just(u64::MAX), Just(0), Just(128), Just(1024)]
}

fn attribute<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Attribute<T>> {
    let known = value.prop_map(Attribute::Is).boxed();
    prop_oneof![4 => known, 1 => Just(()).prop_map(|()| Attribute::Absent), 1 => Just(()).prop_map(|()| Attribute::Unknown)]
}

fn version() -> impl Strategy<Value = (u32, u32, u32)> {
    let known = [
        (3, 10, 0),
        (3, 16, 85),
        (4, 14, 320),
        (4, 19, 0),
        (5, 0, 0),
        (5, 15, 124),
        (6, 1, 0),
        (6, 17, 0),
        (7, 2, 1),
    ];
    prop_oneof![proptest::sample::select(known.to_vec()), any::<(u32, u32, u32)>()]
}

fn class() -> impl Strategy<Value = Class> {
    let session = any_text().prop_map(|session| Class::Iscsi { session });
    let plain = [
        Class::StorvscScsi,
        Class::StorvscIde,
        Class::StorvscFc,
        Class::NvmeAzureRemote,
        Class::NvmeAzureLocal,
        Class::Nvme,
        Class::Multipath { paths: vec!["sda".to_owned()] },
        Class::Zram,
        Class::Other,
    ];
    prop_oneof![4 => proptest::sample::select(plain.to_vec()), 1 => session]
}

fn schedulers() -> impl Strategy<Value = Vec<String>> {
    let words = ["none", "noop", "mq-deadline", "deadline", "cfq", "bfq", "kyber", "odd\" word"];
    proptest::collection::vec(proptest::sample::select(words.map(str::to_owned).to_vec()), 0..4)
}

fn drivers() -> impl Strategy<Value = Change> {
    let makers = proptest::sample::select(vec![Initramfs::InitramfsTools, Initramfs::Dracut]);
    let all = [Taken::StorageAndNetwork, Taken::Storage, Taken::ThatMachine, Taken::Unknown];
    (makers, proptest::sample::select(all.to_vec()), any_text())
        .prop_map(|(maker, taken, because)| Change::Drivers(maker, taken, because))
}

fn stack() -> impl Strategy<Value = BootStack> {
    let some = [BootStack::DebianGrub, BootStack::GrubBls, BootStack::SystemdBoot, BootStack::Unknown];
    proptest::sample::select(some.to_vec())
}

fn arguments() -> impl Strategy<Value = Vec<String>> {
    let words = [
        "elevator=noop",
        "scsi_mod.use_blk_mq=1",
        "dm-mod.use_blk_mq=Y",
        "quiet",
        "panic=1",
        "nvme_core.io_timeout=1",
    ];
    let any = prop_oneof![proptest::sample::select(words.map(str::to_owned).to_vec()), any_text()];
    proptest::collection::vec(any, 0..5)
}

fn hypervisor() -> impl Strategy<Value = Option<Hypervisor>> {
    let guest = |azure| Hypervisor::HyperV(HyperV { azure, ..HyperV::default() });
    prop_oneof![
        4 => any::<Option<bool>>().prop_map(move |azure| Some(guest(azure))),
        1 => any_text().prop_map(|name| Some(Hypervisor::Other(name))),
        1 => Just(None),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let installed = (version(), any_text(), any::<Option<bool>>(), attribute(any::<bool>()));
    let limits = (attribute(number()), attribute(number()), attribute(number()), attribute(schedulers()));
    let writers = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::option::of(any_text()));
    prop_oneof![
        hypervisor().prop_map(Change::Hypervisor),
        proptest::option::of(number()).prop_map(Change::Memory),
        any::<Option<u32>>().prop_map(Change::Cpus),
        (version(), any_text()).prop_map(|(version, text)| Change::Kernel(version, text)),
        proptest::collection::vec(installed, 0..4).prop_map(Change::Installed),
        Just(Change::NoKernels),
        proptest::sample::select(vec![Origin::Live, Origin::Captured, Origin::Assumed])
            .prop_map(Change::Origin),
        any::<bool>().prop_map(Change::Offline),
        Just(Change::NoDisks),
        class().prop_map(Change::Classes),
        limits.prop_map(|(a, b, c, d)| Change::Limits(a, b, c, d)),
        (attribute(number()), attribute(any::<i64>()), attribute(any::<bool>()))
            .prop_map(|(a, b, c)| Change::Live(a, b, c)),
        any_text().prop_map(Change::Parameter),
        number().prop_map(|parameter| Change::Parameter(parameter.to_string())),
        proptest::option::of(number()).prop_map(Change::Agent),
        writers.prop_map(|(a, b, c, d)| Change::Writers(a, b, c, d)),
        any_text().prop_map(Change::Others),
        stack().prop_map(Change::Stack),
        drivers(),
        proptest::option::of(arguments()).prop_map(Change::Arguments),
        any_text().prop_map(Change::Cmdline),
    ]
}

/// A fixture's facts with some of them changed.
pub(crate) fn machines() -> impl Strategy<Value = Facts> {
    let some = (0..FIXTURES.len(), proptest::collection::vec(change(), 0..6));
    some.prop_map(|(at, changes)| {
        let mut facts = FIXTURES[at].clone();
        for change in changes {
            apply(&mut facts, change);
        }
        facts
    })
}

fn release((major, minor, patch): (u32, u32, u32), text: &str) -> KernelRelease {
    KernelRelease { version: (major, minor, patch), release: format!("{major}.{minor}.{patch}-{text}") }
}

fn each_disk(facts: &mut Facts, change: impl Fn(&mut Disk)) {
    facts.machine.iter_mut().flat_map(|machine| machine.disks.iter_mut().flatten()).for_each(change);
}

fn apply(facts: &mut Facts, change: Change) {
    let mut nobody = Machine::default();
    let machine = facts.machine.as_mut().unwrap_or(&mut nobody);
    let system = &mut facts.system;
    match change {
        Change::Hypervisor(hypervisor) => machine.hypervisor = hypervisor,
        Change::Memory(memory) => machine.memory = memory,
        Change::Cpus(cpus) => machine.cpus = cpus,
        Change::Kernel(version, text) => machine.kernel = Some(release(version, &text)),
        Change::Installed(kernels) => {
            let kernel = |(version, text, builtin, knows): Installed| {
                let parameters = match knows {
                    Attribute::Is(true) => {
                        Attribute::Is(["io_timeout", "storvsc_ringbuffer_size"].map(str::to_owned).into())
                    }
                    Attribute::Is(false) => Attribute::Is([].into()),
                    Attribute::Absent => Attribute::Absent,
                    Attribute::Unknown => Attribute::Unknown,
                };
                let module =
                    |name: &str| (name.to_owned(), ModuleFact { builtin, parameters: parameters.clone() });
                let modules = ["hv_storvsc", "nvme_core", "scsi_mod"].map(module).into();
                InstalledKernel { release: release(version, &text), modules, built_in: Some(Vec::new()) }
            };
            system.kernels = Some(kernels.into_iter().map(kernel).collect());
        }
        Change::NoKernels => system.kernels = None,
        Change::Origin(Origin::Assumed) => {
            *machine = Machine {
                origin: Origin::Assumed,
                hypervisor: machine.hypervisor.take(),
                ..Machine::default()
            };
        }
        Change::Origin(origin) => machine.origin = origin,
        Change::Offline(offline) => system.offline = offline,
        Change::NoDisks => machine.disks = None,
        Change::Classes(class) => each_disk(facts, |disk| disk.class = class.clone()),
        Change::Limits(can_queue, queues, tags, schedulers) => each_disk(facts, |disk| {
            disk.limits.can_queue = can_queue.clone();
            disk.limits.nr_hw_queues = queues.clone();
            disk.limits.nr_tags = tags.clone();
            disk.limits.schedulers = schedulers.clone();
        }),
        Change::Live(value, retries, rotational) => each_disk(facts, |disk| {
            disk.live.nr_requests = value.clone();
            disk.live.timeout = value.clone();
            disk.live.io_timeout = value.clone();
            disk.live.read_ahead_kb = value.clone();
            disk.live.max_retries = retries.clone();
            disk.live.rotational = rotational.clone();
        }),
        Change::Parameter(text) => {
            machine.parameters.insert("hv_storvsc.ring_avail_percent_lowater".to_owned(), text);
        }
        Change::Agent(scsi_timeout) => {
            system.writers.waagent =
                Some(Waagent { scsi_timeout, path: "etc/waagent.conf".to_owned(), ..Waagent::default() });
        }
        Change::Writers(iscsi, multipath, azure_vm_utils, tuned) => {
            system.writers.iscsi = iscsi;
            system.writers.multipath = multipath;
            system.writers.azure_vm_utils = azure_vm_utils;
            system.writers.tuned = tuned;
        }
        Change::Others(text) => others(facts, &text),
        Change::Stack(stack) => system.boot.stack = stack,
        Change::Drivers(maker, taken, because) => {
            system.boot.tools.initramfs = Some(maker);
            let (named, left_out) = (vec![because.clone()], vec!["nvme".to_owned()]);
            system.boot.tools.drivers = Some(Drivers {
                by: maker,
                taken,
                left_out_by: because.clone(),
                because,
                named,
                left_out,
                undone: None,
            });
        }
        Change::Arguments(arguments) => configured(&mut system.boot, arguments),
        Change::Cmdline(text) => machine.cmdline = Some(Cmdline::parse(&text)),
    }
}

/// What /etc/default/grub gives; `None`: nobody can tell.
fn configured(boot: &mut Boot, arguments: Option<Vec<String>>) {
    let line = |(text, line)| BootArg {
        text: Some(text),
        path: "etc/default/grub".to_owned(),
        line,
        holds: Holds::Yes,
        after_ours: false,
    };
    match arguments {
        Some(arguments) => boot.configured.args = arguments.into_iter().zip(1..).map(line).collect(),
        None => boot.configured.doubts.push("etc/default/grub could not be read".to_owned()),
    }
}

/// Other writers whose files, keys and values hold anything.
fn others(facts: &mut Facts, text: &str) {
    let path = format!("etc/99-{text}");
    let writers = &mut facts.system.writers;
    let lines = sysctl::read(&format!("vm.swappiness={text}"));
    writers.sysctl_files.layered.push(SysctlFile { path: path.clone(), lines });
    let program = text.len() % 2 == 1;
    let rule = if program {
        format!("RUN+=\"/bin/sh -c 'echo {text} >/sys/block/sda/queue/scheduler'\"")
    } else {
        format!("ATTR{{queue/scheduler}}=\"{text}\"")
    };
    writers.rule_files.push(RuleFile { path: path.clone(), rules: udev::read(&rule) });
    let (module, text_of) = ("nvme_core".to_owned(), format!("io_timeout={text}"));
    let line = ModprobeLine { line: 1, module, install: false, text: text_of };
    let file = ModprobeFile { path: path.clone(), lines: vec![line], ..ModprobeFile::default() };
    facts.system.modprobe.push(file);
    let given =
        BootArg { text: Some(text.to_owned()), path, line: 1, holds: Holds::Yes, after_ours: program };
    facts.system.boot.configured.args.push(given);
}
