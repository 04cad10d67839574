//! Whose rule wins, by the real udev and by the resolver: both are given the same files and the same disk.
//!
//! udev is asked for the event of the SCSI device, then for that of the disk. What it says it
//! writes and runs is done in its order on the stage's files, and what stands there at the end
//! is what the resolver must have foreseen.

use std::fmt::Write;
use std::os::unix::fs::symlink;

use hvtune::facts::{Facts, HyperV, Hypervisor, KernelRelease, Machine};
use hvtune::probe::{disks, writers};
use hvtune::resolve::{Acts, InForce, udev};
use hvtune::root::Root;
use hvtune::tunable::UdevAttr;

use crate::device::{Device, Storvsc};
use crate::stage::{Stage, Suite};

/// What is foreseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Foreseen {
    /// This value, at the end.
    Value(&'static str),
    /// That nobody writes.
    Nobody,
    /// One of several, as a rule is open.
    Open,
}

use Foreseen::{Nobody, Open, Value};

type Files = &'static [(&'static str, &'static [u8])];

pub(crate) const A: &str = "/etc/udev/rules.d/50-a.rules";

struct Conflict {
    title: &'static str,
    device: fn() -> Device,
    attr: UdevAttr,
    files: Files,
    foreseen: Foreseen,
    suites: &'static [Suite],
}

pub(crate) fn storvsc() -> Device {
    Device::storvsc(Storvsc::Scsi)
}

const fn of(
    title: &'static str,
    device: fn() -> Device,
    attr: UdevAttr,
    files: Files,
    foreseen: Foreseen,
) -> Conflict {
    Conflict { title, device, attr, files, foreseen, suites: &Suite::ALL }
}

/// The same where rules look at what rules have written: only 252 writes while it tests.
const fn seen(
    title: &'static str,
    device: fn() -> Device,
    attr: UdevAttr,
    files: Files,
    foreseen: Foreseen,
) -> Conflict {
    Conflict { suites: &[Suite::Bookworm], ..of(title, device, attr, files, foreseen) }
}

const CONFLICTS: &[Conflict] = &[
    of("a guard that lets the disk through", storvsc, UdevAttr::Scheduler, &[(A,
        b"SUBSYSTEM!=\"block\", GOTO=\"end\"\nKERNEL==\"sd*[!0-9]\", ATTR{queue/scheduler}=\"none\"\nLABEL=\"end\"\n")], Value("none")),
    of("a guard that skips the disk", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"sd*\", GOTO=\"end\"\nATTR{queue/scheduler}=\"none\"\nLABEL=\"end\"\n")], Nobody),
    of("a guard whose label is missing", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"sd*\", GOTO=\"end\"\nATTR{queue/scheduler}=\"none\"\nLABEL=\"END\"\n")], Value("none")),
    of("a label on a line that udev drops", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"sd*\", GOTO=\"end\"\nATTR{queue/scheduler}=\"none\"\nLABEL=\"end\" x\n")], Value("none")),
    of("other devices by !=", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL!=\"sd*\", ATTR{queue/scheduler}=\"a\"\nSUBSYSTEM!=\"block\", ATTR{queue/scheduler}=\"b\"\n")], Nobody),
    of("partitions only", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"sd[a-z][0-9]\", ATTR{queue/scheduler}=\"a\"\nENV{DEVTYPE}==\"partition\", ATTR{queue/scheduler}=\"b\"\n")], Nobody),
    of("lines that udev drops", storvsc, UdevAttr::Scheduler, &[(A,
        b"ATTR{queue/scheduler}=\"ok\"\nKERNEL=\"sda\", ATTR{queue/scheduler}=\"a\"\nATTR{queue/scheduler}-=\"b\"\n\
          ATTR{queue/scheduler}=\"c\" # x\nBUS==\"scsi\", ATTR{queue/scheduler}=\"d\"\nATTR{queue/scheduler}=e\"\\q\"\n\
          ATTR{queue/scheduler}=\"f\", ENV{DEVTYPE}=\"x\"\nATTR{queue/scheduler}=i\"g\"\n")], Value("ok")),
    of("a program of RUN after a later rule", storvsc, UdevAttr::Timeout, &[
        (A, b"SUBSYSTEM==\"block\", RUN+=\"/bin/sh -c 'echo 300 > /sys$env{DEVPATH}/device/timeout'\"\n"),
        ("/etc/udev/rules.d/99-z.rules", b"SUBSYSTEM==\"block\", ATTR{device/timeout}=\"60\"\n")], Value("300")),
    of("RUN= takes earlier programs off", storvsc, UdevAttr::Timeout, &[(A,
        b"SUBSYSTEM==\"block\", RUN+=\"/bin/sh -c 'echo 300 > /sys$env{DEVPATH}/device/timeout'\"\n\
          SUBSYSTEM==\"block\", RUN=\"/bin/true\"\n")], Nobody),
    of("RUN:= closes the list", storvsc, UdevAttr::Timeout, &[(A,
        b"SUBSYSTEM==\"block\", RUN:=\"/bin/sh -c 'echo 60 > $sys$devpath/device/timeout'\"\n\
          SUBSYSTEM==\"block\", RUN+=\"/bin/sh -c 'echo 70 > $sys$devpath/device/timeout'\"\n")], Value("60")),
    of("a program that runs while the line is matched", storvsc, UdevAttr::Timeout, &[(A,
        b"SUBSYSTEM==\"block\", PROGRAM=\"/bin/sh -c 'echo 30 > /sys/%p/device/timeout'\"\n")], Value("30")),
    of("the SCSI device's program comes before the disk's rules", storvsc, UdevAttr::Timeout, &[
        ("/etc/udev/rules.d/10-z.rules", b"SUBSYSTEM==\"block\", ATTR{device/timeout}=\"60\"\n"),
        (A, b"ACTION==\"add\", SUBSYSTEM==\"scsi\", RUN+=\"/bin/sh -c 'echo 300 > /sys$DEVPATH/timeout'\"\n")], Value("60")),
    of("all keys at one and the same parent", storvsc, UdevAttr::Scheduler, &[(A,
        b"SUBSYSTEMS==\"vmbus\", DRIVERS==\"hv_storvsc\", ATTR{queue/scheduler}=\"a\"\n\
          SUBSYSTEMS==\"scsi\", DRIVERS==\"hv_storvsc\", ATTR{queue/scheduler}=\"b\"\n")], Value("a")),
    of("attributes of a parent", Device::iscsi, UdevAttr::Timeout, &[(A,
        b"SUBSYSTEM==\"block\", ATTRS{vendor}==\"VMware*\", ATTRS{model}==\"Virtual disk*\", ATTR{device/timeout}=\"180\"\n\
          SUBSYSTEM==\"block\", ATTRS{vendor}==\"IET*\", ATTRS{model}==\"VIRTUAL-DISK\", ATTR{device/timeout}=\"90\"\n")], Value("90")),
    of("open-vm-tools' rule", Device::iscsi, UdevAttr::Timeout, &[("/usr/lib/udev/rules.d/99-vmware-scsi-udev.rules",
        b"ACTION==\"add\", SUBSYSTEMS==\"scsi\", ENV{DEVTYPE}==\"scsi_device\", ATTRS{vendor}==\"VMware*\", ATTRS{model}==\"Virtual disk*\", ATTR{timeout}=\"180\"\n")], Nobody),
    of("alternatives and an empty one", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"vd*|sd*|nvme*\", ENV{X}==\"|y\", ATTR{queue/scheduler}=\"a\"\nENV{DEVTYPE}==\"|x\", ATTR{queue/scheduler}=\"b\"\n")], Open),
    of("alternatives", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"vd*|sd[!b-z]|nvme*\", ATTR{queue/scheduler}=\"a\"\nKERNEL==\"vda|sdb\", ATTR{queue/scheduler}=\"b\"\n")], Value("a")),
    of("without regard to case", storvsc, UdevAttr::Scheduler, &[(A,
        b"ATTR{device/model}==i\"virtual disk\", ATTR{queue/scheduler}=\"a\"\nATTR{device/model}==\"virtual disk\", ATTR{queue/scheduler}=\"b\"\n")], Open),
    of("bytes that are no UTF-8", storvsc, UdevAttr::Scheduler, &[(A,
        b"# caf\xe9\nKERNEL==\"caf\xe9\", ATTR{queue/scheduler}=\"a\"\nENV{X}=\"\xe9\", ATTR{queue/scheduler}=\"b\"\nENV{X}==\"\xe9\", ATTR{queue/scheduler}=\"c\"\n")], Value("c")),
    of("a file of the same name above", storvsc, UdevAttr::Scheduler, &[
        ("/usr/lib/udev/rules.d/50-a.rules", b"ATTR{queue/scheduler}=\"a\"\n"), (A, b"KERNEL==\"vda\", ATTR{queue/scheduler}=\"b\"\n")], Nobody),
    of("names count, not directories", storvsc, UdevAttr::Scheduler, &[
        ("/usr/lib/udev/rules.d/60-b.rules", b"KERNEL==\"sd*\", ATTR{queue/scheduler}=\"vendor\"\n"),
        (A, b"KERNEL==\"sd*\", ATTR{queue/scheduler}=\"admin\"\n")], Value("vendor")),
    of("lines that go on, CR, NUL and a byte order mark", storvsc, UdevAttr::Scheduler, &[(A,
        b"\xef\xbb\xbfATTR{queue/scheduler}=\"a\"\r\nKERNEL==\"sd*\", \\\r\n # x\r\n ATTR{queue/scheduler}=\"b\"\r\n\
          KERNEL==\"sd*\",\0ATTR{queue/scheduler}=\"c\"\0KERNEL==\"x\", ATTR{queue/scheduler}=\"d\"\rKERNEL==\"sd*\", \\\n")], Value("c")),
    of("a variable of the same file", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"sd*\", ENV{WANT}=\"a\"\nENV{WANT}!=\"a\", ATTR{queue/scheduler}=\"b\"\nENV{WANT}==\"?*\", ATTR{queue/scheduler}=\"$env{WANT}\"\n")], Value("a")),
    of("tokens in their own order", storvsc, UdevAttr::Scheduler, &[(A,
        b"ATTR{queue/scheduler}=\"$env{WANT}\", ENV{WANT}=\"a\", KERNEL==\"sd*\"\nATTR{queue/scheduler}=\"b\", KERNEL==\"vd*\"\n")], Value("a")),
    seen("an attribute that an earlier rule wrote", Device::iscsi, UdevAttr::Timeout, &[(A,
        b"SUBSYSTEM==\"block\", ATTR{device/timeout}=\"60\"\nSUBSYSTEM==\"block\", ATTR{device/timeout}!=\"60\", ATTR{device/timeout}=\"70\"\n")], Value("60")),
    seen("an attribute that was read before it was written", Device::iscsi, UdevAttr::Timeout, &[(A,
        b"SUBSYSTEM==\"block\", ATTR{device/timeout}==\"30\", ATTR{device/timeout}=\"60\"\n\
          SUBSYSTEM==\"block\", ATTR{device/timeout}==\"30\", ATTR{device/timeout}=\"70\"\n\
          SUBSYSTEM==\"block\", ATTRS{timeout}==\"70\", ATTR{device/timeout}=\"80\"\n\
          ACTION==\"add\", SUBSYSTEM==\"block\", ATTR{device/timeout}==\"80\", ATTR{device/timeout}=\"90\"\n")], Value("80")),
    of("an attribute that is not there fits nothing", storvsc, UdevAttr::Scheduler, &[(A,
        b"ATTRS{idVendor}!=\"1\", ATTR{queue/scheduler}=\"a\"\n")], Nobody),
    of("by subsystem and name", storvsc, UdevAttr::Scheduler, &[(A,
        b"KERNEL==\"sda\", ATTR{[block/sda]queue/scheduler}=\"a\"\n")], Value("a")),
    of("through a link and a star", storvsc, UdevAttr::Scheduler, &[(A,
        b"SUBSYSTEM==\"block\", ATTR{*/scheduler}=\"a\"\nACTION==\"add\", SUBSYSTEM==\"scsi\", ATTR{block/*/queue/scheduler}=\"b\"\n")], Value("a")),
    of("rotational and how long blanks count", storvsc, UdevAttr::Scheduler, &[(A,
        b"ATTR{queue/rotational}==\"1\", ATTR{device/vendor}==\"Msft\", ATTR{queue/scheduler}=\"a\"\n\
          ATTR{device/vendor}==\"Msft \", ATTR{queue/scheduler}=\"b\"\nATTR{device/vendor}==\"Msft    \", ATTR{queue/scheduler}=\"c\"\n")], Value("c")),
];

/// What udev says it does, in its order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Writes(String, String),
    Runs(String),
}

pub(crate) fn deeds(stdout: &str, stderr: &str) -> Vec<Deed> {
    let mut found = Vec::new();
    for line in stderr.lines().filter(|line| line.contains(".rules:") || line.contains("skipping execution"))
    {
        let after = |mark: &str, end: &str| line.split_once(mark)?.1.strip_suffix(end);
        let write = after(" ATTR '", "'").and_then(|rest| rest.split_once("' writing '"));
        let write =
            write.or_else(|| after("skipping writing ATTR{", "\".").and_then(|rest| rest.split_once("}=\"")));
        if let Some((path, value)) = write {
            found.push(Deed::Writes(path.to_owned(), value.to_owned()));
        } else if let Some(command) =
            after("Running PROGRAM '", "'").or_else(|| after("Running PROGRAM=\"", "\""))
        {
            found.push(Deed::Runs(command.to_owned()));
        }
    }
    for line in stdout.lines() {
        let run = line.strip_prefix("run: '").and_then(|rest| rest.strip_suffix('\''));
        let run = run.or_else(|| line.trim_start().strip_prefix("RUN{program} : "));
        found.extend(run.map(|run| Deed::Runs(run.to_owned())));
    }
    found
}

/// What an attribute holds after both events; `None` where nobody has written it.
fn happens(conflict: &Conflict, suite: Suite) -> Option<String> {
    let device = (conflict.device)();
    let block = device.path();
    let scsi = block.rsplit_once("/block/").map(|(scsi, _)| scsi);
    let mut done = String::new();
    let stage = laid_out(conflict, suite);
    for path in scsi.into_iter().chain([block]) {
        let ran = stage.run(&format!(
            "export SYSTEMD_LOG_LEVEL=debug SYSTEMD_DEVICE_VERIFY_SYSFS=0
             {done}
             echo begin; echo begin >&2
             udevadm test --action=add '/sys{path}'"
        ));
        let said = ran.ok();
        let last =
            |text: &str| text.rsplit_once("begin\n").map_or(String::new(), |(_, last)| last.to_owned());
        for deed in deeds(&last(&said.stdout), &last(&said.stderr)) {
            match deed {
                Deed::Writes(file, value) => {
                    writeln!(done, "[ ! -e '{file}' ] || printf %s '{value}' >'{file}'").unwrap();
                }
                Deed::Runs(command) => {
                    writeln!(done, "xargs env DEVPATH='{path}' <<'END' >/dev/null\n{command}\nEND").unwrap();
                }
            }
        }
    }
    let file = match conflict.attr {
        UdevAttr::Timeout => "device/timeout",
        attr => attr.path(),
    };
    let ran = laid_out(conflict, suite).run(&format!(
        "file='/sys{block}/{file}'; printf untouched >\"$file\"; {{ :\n{done}}} >/dev/null 2>&1; cat \"$file\""
    ));
    let left = ran.ok().stdout.trim_end().to_owned();
    (left != "untouched").then_some(left)
}

fn laid_out(conflict: &Conflict, suite: Suite) -> Stage {
    let stage = Stage::new(suite);
    let device = (conflict.device)();
    device.lay_out(&stage.dir("/sys"));
    let (_, name) = device.path().rsplit_once('/').unwrap();
    // `[block/sda]` is looked up here.
    symlink(format!("../..{}", device.path()), stage.dir("/sys/class/block").join(name)).unwrap();
    symlink(format!("..{}", device.path()), stage.dir("/sys/block").join(name)).unwrap();
    // Nothing but the conflict's own files.
    for (path, bytes) in conflict.files {
        stage.put(path, bytes);
    }
    hide(&stage, suite);
    stage
}

/// Hides the distribution's rules behind empty files of their names.
pub(crate) fn hide(stage: &Stage, suite: Suite) {
    for below in ["usr/lib/udev/rules.d", "lib/udev/rules.d", "etc/udev/rules.d"] {
        let Ok(entries) = std::fs::read_dir(suite.root().join(below)) else { continue };
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            stage.put(&format!("/run/udev/rules.d/{name}"), "");
        }
    }
}

fn foresee(conflict: &Conflict) -> (InForce, Vec<String>) {
    let stage = laid_out(conflict, Suite::Bookworm);
    let root = Root::offline(&stage.dir("/")).unwrap();
    let mut gaps = Vec::new();
    let writers = writers::read(&root, &mut gaps);
    let disks = disks::read(&root, Some(false), &mut gaps).unwrap();
    let disk = disks.first().unwrap().clone();
    let machine = Machine {
        hypervisor: Some(Hypervisor::HyperV(HyperV::default())),
        kernel: KernelRelease::parse("6.1.0"),
        disks: Some(disks),
        ..Machine::default()
    };
    let mut facts = Facts { machine: Some(machine), ..Facts::default() };
    facts.system.writers = writers;
    let chain = udev::chain(&facts, &disk, conflict.attr, None, Vec::new());
    let acting = chain.others().filter(|writer| !matches!(writer.acts, Acts::No(_)));
    let values = acting.map(|writer| writer.value.clone().unwrap_or_default()).collect();
    (chain.in_force(), values)
}

#[test]
fn the_resolver_foresees_what_udev_does() {
    let mut faults = Vec::new();
    for conflict in CONFLICTS {
        let (in_force, writers) = foresee(conflict);
        let foreseen = match (&in_force, writers.as_slice()) {
            (_, []) => Nobody,
            (InForce::Known { value, .. }, _) => match conflict.foreseen {
                Value(expected) if expected == value => Value(expected),
                _ => Value("another"),
            },
            (InForce::Unknown { .. }, _) => Open,
        };
        if foreseen != conflict.foreseen {
            faults.push(format!("{}: {in_force:?} {writers:?}", conflict.title));
        }
        for &suite in conflict.suites {
            let happens = happens(conflict, suite);
            let right = match (conflict.foreseen, &happens) {
                (Value(value), Some(happens)) => value == happens,
                (Open, Some(happens)) => writers.contains(happens),
                (Nobody | Open, None) => true,
                _ => false,
            };
            println!("{}, {suite:?}: foreseen {:?}, happens {happens:?}", conflict.title, conflict.foreseen);
            if !right {
                faults.push(format!("{}: {suite:?} leaves {happens:?}", conflict.title));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}
