//! The facts that guests are compared by, one row each: how one is read, and how it is taken over from
//! another guest. The likely and cheap to change stand first.

use super::chain::stands_on;
use super::subject::Subject;
use crate::attribute::Attribute;
use crate::facts::{Class, Disk, MultipathSetting, Session, Timers};
use crate::resolve::iscsi::session_back;
use crate::resolve::multipath::{Said, said};
use crate::stall::says_given_up;

/// What an aspect is a fact of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The guest, or the mount itself.
    Guest,
    /// Each disk or map below the mount, where those of both guests have their counterparts.
    Disks,
    /// All that the mount stands on, where they have not.
    Chain,
}

/// Disks that are each other's counterparts: the name in the guest that takes, and in the one that gives.
pub(super) type Pairs = [(String, String)];

/// One fact.
#[derive(Debug)]
pub struct Aspect {
    /// What it is called.
    pub name: &'static str,
    /// What moves it; for people, where nothing does.
    pub knob: &'static str,
    pub(super) of: Of,
    /// The values, of each disk its own.
    pub(super) read: fn(&Subject, &str) -> Vec<String>,
    /// Takes it over from another.
    pub(super) take: fn(&mut Subject, &Subject, &str, &Pairs),
}

/// Every fact that the model reads of a mount.
pub const ASPECTS: &[Aspect] = &[
    Aspect {
        name: "device timeout",
        knob: "device/timeout",
        of: Of::Disks,
        read: |subject, _| of_disks(subject, |_, disk| told(&disk.live.timeout)),
        take: |to, from, _, pairs| {
            each(to, from, pairs, |to, from| to.live.timeout = from.live.timeout.clone());
        },
    },
    Aspect {
        name: "request timeout in ms",
        knob: "queue/io_timeout",
        of: Of::Disks,
        read: |subject, _| of_disks(subject, |_, disk| told(&disk.live.io_timeout)),
        take: |to, from, _, pairs| {
            each(to, from, pairs, |to, from| to.live.io_timeout = from.live.io_timeout.clone());
        },
    },
    Aspect {
        name: "retries",
        knob: "max_retries",
        of: Of::Disks,
        read: |subject, _| of_disks(subject, |_, disk| told(&disk.live.max_retries)),
        take: |to, from, _, pairs| {
            each(to, from, pairs, |to, from| to.live.max_retries = from.live.max_retries.clone());
        },
    },
    Aspect {
        name: "iSCSI recovery",
        knob: "node.session.timeo.replacement_timeout",
        of: Of::Disks,
        read: |subject, _| of_sessions(subject, |session| told(&session.recovery_tmo)),
        take: |to, from, _, pairs| {
            sessions(to, from, pairs, |to, from| to.recovery_tmo = from.recovery_tmo.clone());
        },
    },
    Aspect {
        name: "iSCSI ping interval",
        knob: "node.conn[0].timeo.noop_out_interval",
        of: Of::Disks,
        read: |subject, _| of_sessions(subject, |session| told(&session.noop_interval)),
        take: |to, from, _, pairs| {
            sessions(to, from, pairs, |to, from| to.noop_interval = from.noop_interval.clone());
        },
    },
    Aspect {
        name: "iSCSI ping timeout",
        knob: "node.conn[0].timeo.noop_out_timeout",
        of: Of::Disks,
        read: |subject, _| of_sessions(subject, |session| told(&session.noop_timeout)),
        take: |to, from, _, pairs| {
            sessions(to, from, pairs, |to, from| to.noop_timeout = from.noop_timeout.clone());
        },
    },
    Aspect {
        name: "iSCSI error handling (abort, unit reset, target reset)",
        knob: "node.session.err_timeo.*",
        of: Of::Disks,
        read: |subject, _| of_sessions(subject, |session| session.handling.each_ref().map(told).join("/")),
        take: |to, from, _, pairs| {
            sessions(to, from, pairs, |to, from| to.handling.clone_from(&from.handling));
        },
    },
    Aspect {
        name: "iSCSI login",
        knob: "node.conn[0].timeo.login_timeout",
        of: Of::Guest,
        read: |subject, _| vec![session_back(&subject.root()).to_string()],
        take: |to, from, _, _| to.system.iscsi.clone_from(&from.system.iscsi),
    },
    Aspect {
        name: "map without paths",
        knob: "no_path_retry",
        of: Of::Guest,
        read: multipath,
        take: take_multipath,
    },
    Aspect {
        name: "path checker",
        knob: "checker_timeout",
        of: Of::Guest,
        read: multipath,
        take: take_multipath,
    },
    Aspect {
        name: "look at paths",
        knob: "polling_interval",
        of: Of::Guest,
        read: multipath,
        take: take_multipath,
    },
    Aspect {
        name: "panic on hung tasks",
        knob: "kernel.hung_task_panic",
        of: Of::Guest,
        read: sysctl,
        take: take_sysctl,
    },
    Aspect {
        name: "hung-task timeout",
        knob: "kernel.hung_task_timeout_secs",
        of: Of::Guest,
        read: sysctl,
        take: take_sysctl,
    },
    Aspect {
        name: "restart after a panic",
        knob: "kernel.panic",
        of: Of::Guest,
        read: sysctl,
        take: take_sysctl,
    },
    Aspect {
        name: "mount option for errors",
        knob: "errors=",
        of: Of::Guest,
        read: |subject, _| options(subject, is_errors),
        take: |to, from, _, _| take_options(to, from, is_errors),
    },
    Aspect {
        name: "NVMe timeout",
        knob: "nvme_core.io_timeout",
        of: Of::Guest,
        read: parameter,
        take: take_parameter,
    },
    Aspect {
        name: "NVMe abort timeout",
        knob: "nvme_core.admin_timeout",
        of: Of::Guest,
        read: parameter,
        take: take_parameter,
    },
    Aspect {
        name: "NVMe retries",
        knob: "nvme_core.max_retries",
        of: Of::Guest,
        read: parameter,
        take: take_parameter,
    },
    Aspect {
        name: "kernel",
        knob: "the kernel's release",
        of: Of::Guest,
        read: |subject, _| {
            let kernel = subject.machine.kernel.as_ref();
            vec![kernel.map_or(NOT_KNOWN, |kernel| kernel.release.as_str()).to_owned()]
        },
        take: |to, from, _, _| to.machine.kernel.clone_from(&from.machine.kernel),
    },
    Aspect {
        name: "driver",
        knob: "the host's controller",
        of: Of::Disks,
        read: |subject, _| of_disks(subject, |_, disk| disk.class.name().to_owned()),
        take: |to, from, _, pairs| {
            each(to, from, pairs, |to, from| {
                // What others hang on goes with the chain as a whole.
                if !matches!(to.class, Class::Iscsi { .. } | Class::Multipath { .. }) {
                    to.class = from.class.clone();
                }
            });
        },
    },
    Aspect {
        name: "RAID level",
        knob: "the array's making",
        of: Of::Disks,
        read: |subject, _| {
            of_disks(subject, |timers, disk| timers.levels.get(&disk.name).map_or(ABSENT.to_owned(), told))
        },
        take: |to, from, _, pairs| {
            timers(to, from, pairs, |to, from, (ours, theirs)| match from.levels.get(theirs) {
                Some(level) => drop(to.levels.insert(ours.clone(), level.clone())),
                None => drop(to.levels.remove(ours)),
            });
        },
    },
    Aspect {
        name: "disk's state",
        knob: "device/state",
        of: Of::Disks,
        read: |subject, _| {
            of_disks(subject, |timers, disk| {
                timers.scsi.get(&disk.name).map_or(ABSENT.to_owned(), |timers| told(&timers.state))
            })
        },
        take: |to, from, _, pairs| {
            timers(to, from, pairs, |to, from, (ours, theirs)| match from.scsi.get(theirs) {
                Some(timers) => drop(to.scsi.insert(ours.clone(), timers.clone())),
                None => drop(to.scsi.remove(ours)),
            });
        },
    },
    Aspect {
        name: "file system that gave up",
        knob: "fsck",
        of: Of::Guest,
        read: |subject, _| options(subject, says_given_up),
        take: |to, from, _, _| take_options(to, from, says_given_up),
    },
    Aspect {
        name: "file system",
        knob: "mkfs",
        of: Of::Guest,
        read: |subject, _| vec![subject.mount.fstype.clone()],
        take: |to, from, _, _| to.mount.fstype.clone_from(&from.mount.fstype),
    },
    Aspect {
        name: "what it stands on",
        knob: "the disks, with their timers",
        of: Of::Chain,
        read: |subject, _| {
            let whole = stands_on(&subject.machine, &subject.mount);
            vec![whole.split_once(" on ").map_or("", |(_, below)| below).to_owned()]
        },
        take: |to, from, _, _| {
            to.machine.disks.clone_from(&from.machine.disks);
            to.machine.sessions.clone_from(&from.machine.sessions);
            to.machine.timers.clone_from(&from.machine.timers);
            to.mount.disk.clone_from(&from.mount.disk);
            to.mount.others.clone_from(&from.mount.others);
            to.mount.device.clone_from(&from.mount.device);
            for parameter in ["nvme_core.io_timeout", "nvme_core.admin_timeout", "nvme_core.max_retries"] {
                take_parameter(to, from, parameter, &[]);
            }
        },
    },
];

const ABSENT: &str = "absent";
const NOT_KNOWN: &str = "not known";

fn told<T: ToString>(attribute: &Attribute<T>) -> String {
    match attribute {
        Attribute::Is(value) => value.to_string(),
        Attribute::Absent => ABSENT.to_owned(),
        Attribute::Unknown => NOT_KNOWN.to_owned(),
    }
}

/// A value of each disk below the mount, in the order of the chain.
fn of_disks(subject: &Subject, value: fn(&Timers, &Disk) -> String) -> Vec<String> {
    let none = Timers::default();
    let timers = subject.machine.timers.as_ref().unwrap_or(&none);
    let disks = subject.links().into_iter();
    disks
        .map(|link| subject.disk(&link.name).map_or(NOT_KNOWN.to_owned(), |disk| value(timers, disk)))
        .collect()
}

fn each(to: &mut Subject, from: &Subject, pairs: &Pairs, take: fn(&mut Disk, &Disk)) {
    for (ours, theirs) in pairs {
        if let (Some(to), Some(from)) = (to.disk_mut(ours), from.disk(theirs)) {
            take(to, from);
        }
    }
}

fn session_of<'a>(subject: &'a Subject, disk: &str) -> Option<&'a str> {
    match subject.disk(disk).map(|disk| &disk.class) {
        Some(Class::Iscsi { session }) => Some(session),
        _ => None,
    }
}

/// A value of the session of each disk below the mount that has one.
fn of_sessions(subject: &Subject, value: fn(&Session) -> String) -> Vec<String> {
    let links = subject.links();
    let names = links.iter().filter_map(|link| session_of(subject, &link.name));
    names.map(|name| subject.machine.sessions.get(name).map_or(NOT_KNOWN.to_owned(), value)).collect()
}

fn sessions(to: &mut Subject, from: &Subject, pairs: &Pairs, take: fn(&mut Session, &Session)) {
    for (ours, theirs) in pairs {
        let Some(from) = session_of(from, theirs).and_then(|name| from.machine.sessions.get(name)) else {
            continue;
        };
        let Some(name) = session_of(to, ours).map(str::to_owned) else { continue };
        if let Some(to) = to.machine.sessions.get_mut(&name) {
            take(to, from);
        }
    }
}

fn timers(
    to: &mut Subject,
    from: &Subject,
    pairs: &Pairs,
    take: fn(&mut Timers, &Timers, &(String, String)),
) {
    let none = Timers::default();
    let from = from.machine.timers.as_ref().unwrap_or(&none);
    let to = to.machine.timers.get_or_insert_with(Timers::default);
    for pair in pairs {
        take(to, from, pair);
    }
}

fn multipath(subject: &Subject, knob: &str) -> Vec<String> {
    let own = || "multipathd's own value".to_owned();
    vec![match said(&subject.root(), knob) {
        Said::Is(value) => value,
        Said::Unless(value) => format!("{}, unless said of the array", value.unwrap_or_else(own)),
    }]
}

fn take_multipath(to: &mut Subject, from: &Subject, knob: &str, _: &Pairs) {
    to.system.multipath.retain(|setting| setting.key != knob);
    let theirs = from.system.multipath.iter().filter(|setting| setting.key == knob);
    to.system.multipath.extend(theirs.cloned().collect::<Vec<MultipathSetting>>());
}

fn sysctl(subject: &Subject, knob: &str) -> Vec<String> {
    let missing = if subject.unread.iter().any(|key| key == knob) { NOT_KNOWN } else { ABSENT };
    vec![subject.machine.sysctls.get(knob).cloned().unwrap_or_else(|| missing.to_owned())]
}

fn take_sysctl(to: &mut Subject, from: &Subject, knob: &str, _: &Pairs) {
    match from.machine.sysctls.get(knob) {
        Some(value) => drop(to.machine.sysctls.insert(knob.to_owned(), value.clone())),
        None => drop(to.machine.sysctls.remove(knob)),
    }
    to.unread.retain(|key| key != knob);
    to.unread.extend(from.unread.iter().filter(|key| *key == knob).cloned());
}

fn parameter(subject: &Subject, knob: &str) -> Vec<String> {
    vec![subject.machine.parameters.get(knob).cloned().unwrap_or_else(|| ABSENT.to_owned())]
}

fn take_parameter(to: &mut Subject, from: &Subject, knob: &str, _: &Pairs) {
    match from.machine.parameters.get(knob) {
        Some(value) => drop(to.machine.parameters.insert(knob.to_owned(), value.clone())),
        None => drop(to.machine.parameters.remove(knob)),
    }
}

fn is_errors(option: &str) -> bool {
    option.starts_with("errors=")
}

fn options(subject: &Subject, wanted: fn(&str) -> bool) -> Vec<String> {
    let named: Vec<&str> = subject.mount.options.iter().map(String::as_str).filter(|o| wanted(o)).collect();
    vec![if named.is_empty() { ABSENT.to_owned() } else { named.join(",") }]
}

fn take_options(to: &mut Subject, from: &Subject, wanted: fn(&str) -> bool) {
    to.mount.options.retain(|option| !wanted(option));
    to.mount.options.extend(from.mount.options.iter().filter(|option| wanted(option)).cloned());
}
