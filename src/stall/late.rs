//! The boot: how late each disk may answer so that the guest comes up by itself.
//!
//! Seconds count from when the boot begins to wait for the disk: the initramfs for root, systemd for all others.
//! A disk may be absent, or there and silent; then udev, which has to read it, gives up too, and so does a mount
//! that is under way. The waits run side by side, and the shortest decides.

mod knobs;

use super::Span;
use crate::facts::{Facts, FstabWait, Hypervisor, Initramfs};
use crate::formats::unit::{self, span};
use crate::initramfs::{initqueue, root_is_encrypted, root_is_served};
use crate::resolve::kernel_arg;
use crate::resolve::wanted::ROOT_WAIT;
use crate::tunable::Verdict;

use knobs::Knobs;
pub use knobs::Wait;

/// A mount or swap that a boot waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Mount point; `swap` for swap.
    pub mount: String,
    /// What is mounted, as `/etc/fstab` says it; empty where it has no line.
    pub device: String,
    /// How late it may be there at all: as the files are, and with the plan.
    pub absent: [Wait; 2],
    /// The same where it is there and does not answer.
    pub silent: [Wait; 2],
}

impl Arrival {
    /// Whether a disk that is so late, absent or silent, is waited for: as the files are, and with the plan.
    pub fn waits_for(&self, budget: u64) -> [bool; 2] {
        [0, 1].map(|at: usize| {
            let both = [self.absent.get(at), self.silent.get(at)];
            both.into_iter().flatten().all(|wait| wait.at.reaches(budget))
        })
    }
}

/// Every mount and swap that a boot waits for: root, then the lines of `/etc/fstab`.
pub(super) fn arrivals(facts: &Facts, verdicts: &[Verdict]) -> Vec<Arrival> {
    let waits = &facts.system.waits;
    let hypervisor = facts.machine.as_ref().and_then(|machine| machine.hypervisor.as_ref());
    // A container does not boot.
    if waits.built_in.is_none() || matches!(hypervisor, Some(Hypervisor::Container(_))) {
        return Vec::new();
    }
    let states = [Knobs::now(facts), Knobs::planned(facts, verdicts)];
    let root = waits.fstab.iter().find(|line| line.point == "/");
    let mut arrivals = Vec::new();
    if !root_is_served(facts) {
        arrivals.push(arrival("/", root, &states, |knobs| of_root(facts, knobs)));
    }
    for line in waits.fstab.iter().filter(|line| line.point != "/") {
        arrivals.push(arrival(&line.point, Some(line), &states, |knobs| match line.point.as_str() {
            "/usr" => of_usr(facts, knobs, line),
            _ => of_line(knobs, line),
        }));
    }
    arrivals
}

fn arrival(
    mount: &str,
    line: Option<&FstabWait>,
    states: &[Knobs; 2],
    of: impl Fn(&Knobs) -> [Wait; 2],
) -> Arrival {
    let [[absent, silent], [later_absent, later_silent]] = states.each_ref().map(of);
    Arrival {
        mount: mount.to_owned(),
        device: line.map_or_else(String::new, |line| line.device.clone()),
        absent: [absent, later_absent],
        silent: [silent, later_silent],
    }
}

/// The shortest of these.
fn shortest(waits: Vec<Wait>, otherwise: &Wait) -> Wait {
    waits.into_iter().min_by_key(|wait| wait.at).unwrap_or_else(|| otherwise.clone())
}

/// Absent, and there but silent, where udev gives up too.
fn both(absent: Wait, knobs: &Knobs, more: Option<Wait>) -> [Wait; 2] {
    let then = absent.then.clone();
    let mut waits = vec![absent.clone(), knobs.event.clone()];
    waits.extend(more);
    let silent = Wait { then, ..shortest(waits, &absent) };
    [absent, silent]
}

const SHELL: &str = "a shell on the console";

/// Root, by what makes the initramfs.
fn of_root(facts: &Facts, knobs: &Knobs) -> [Wait; 2] {
    let by = facts.system.boot.tools.copies.as_ref().map(|copies| copies.by);
    let absent = match by {
        Some(Initramfs::InitramfsTools) => of_initramfs_tools(facts, knobs),
        Some(Initramfs::Dracut) => of_dracut(facts, knobs),
        _ => {
            let maker = facts.system.boot.tools.initramfs.map_or("the initramfs", Initramfs::name);
            Wait::untold(format!("how long {maker} waits for root is not known to hvtune"))
        }
    };
    match by {
        Some(Initramfs::InitramfsTools) => {
            let silent = silent_root(facts, &absent);
            [absent, silent]
        }
        _ => both(absent, knobs, None),
    }
}

/// A root that is silent holds up the initramfs of initramfs-tools: what looks for a label or a UUID reads every
/// disk, and waits in the kernel until that one answers; it needs nothing of udev's. Silences of 60 s and of 250 s
/// were waited out, with 30 s for a root that is absent. Of a root that is named by its path that is not known.
fn silent_root(facts: &Facts, absent: &Wait) -> Wait {
    let tagged =
        |value: &str| ["LABEL=", "UUID=", "PARTLABEL=", "PARTUUID="].iter().any(|tag| value.starts_with(tag));
    if root_argument(facts).is_some_and(|value| tagged(&value)) {
        return Wait { at: Span::Forever, then: absent.then.clone(), ..Wait::by("the read of the disk", "") };
    }
    let untold = "how long a silent disk holds up the initramfs".to_owned();
    Wait { unknown: absent.unknown.clone().or(Some(untold)), ..absent.clone() }
}

/// `root=` of the running kernel, or of an image's menu where all entries agree.
fn root_argument(facts: &Facts) -> Option<String> {
    if let Some(line) = facts.machine.as_ref().and_then(|machine| machine.cmdline.as_ref()) {
        return line.value("root").map(str::to_owned);
    }
    let entries = kernel_arg::entries(facts, "root", None);
    let mut values = entries.into_iter().filter(|entry| !entry.new_kernels).map(|entry| entry.value);
    let first = values.next()??;
    values.all(|value| value.as_ref() == Some(&first)).then_some(first)
}

/// `local_device_setup` of scripts/local, and `wait_for_source` of cryptsetup's script, which takes a quarter.
fn of_initramfs_tools(facts: &Facts, knobs: &Knobs) -> Wait {
    let mut wait = knobs.root.clone();
    wait.then = match knobs.panic {
        Some(seconds) => format!("a restart after {seconds} s"),
        None => SHELL.to_owned(),
    };
    if root_is_encrypted(facts)
        && let Span::Seconds(seconds) = wait.at
    {
        let tries = if seconds <= ROOT_WAIT { 45 } else { (seconds / 4).max(20) };
        wait.at = Span::Seconds(tries + 5);
    }
    wait
}

/// dracut waits for root without end, unless its image has the queue that gives up.
fn of_dracut(facts: &Facts, knobs: &Knobs) -> Wait {
    let then = if knobs.dracut_restarts { "a restart" } else { "an emergency shell" }.to_owned();
    match initqueue(facts) {
        Some(false) => Wait { at: Span::Forever, then, ..Wait::by("rd.timeout", "0") },
        Some(true) => Wait { then, ..knobs.retry.clone() },
        None => {
            let untold = "whether dracut's image gives up on root".to_owned();
            Wait { then, unknown: knobs.retry.unknown.clone().or(Some(untold)), ..knobs.retry.clone() }
        }
    }
}

/// `/usr`, which the initramfs mounts: by dracut with systemd's own wait, as no file of the root counts there.
fn of_usr(facts: &Facts, knobs: &Knobs, line: &FstabWait) -> [Wait; 2] {
    let by = facts.system.boot.tools.copies.as_ref().map(|copies| copies.by);
    if by == Some(Initramfs::InitramfsTools) {
        return of_root(facts, knobs);
    }
    let seconds = facts.system.waits.built_in.unwrap_or(0);
    let then = "an emergency shell".to_owned();
    let knob = Wait::by("systemd in the initramfs", &seconds.to_string());
    let wait = own(line.device_timeout.as_deref(), DEVICE_OPTION)
        .unwrap_or(Wait { at: Span::Seconds(seconds), ..knob });
    both(Wait { then, ..wait }, knobs, None)
}

const DEVICE_OPTION: &str = "x-systemd.device-timeout";
const MOUNT_OPTION: &str = "x-systemd.mount-timeout";

/// What a line says itself; 0 is no limit.
fn own(value: Option<&str>, knob: &str) -> Option<Wait> {
    let value = value?;
    let at = match span(value)? {
        unit::Span::Infinity | unit::Span::Micros(0) => Span::Forever,
        unit::Span::Micros(micros) => Span::Seconds(micros / 1_000_000),
    };
    Some(Wait { at, ..Wait::by(knob, value) })
}

/// What the timer of `boot.emergency_restart` does with a boot that ended there.
pub const RESTART: &str = "a restart out of emergency mode";

/// A line of fstab that systemd mounts.
fn of_line(knobs: &Knobs, line: &FstabWait) -> [Wait; 2] {
    let then = match (line.nofail, line.point.as_str(), line.netdev) {
        (true, ..) => "goes on, never mounted",
        (_, "swap", _) | (_, _, true) => "goes on without it",
        _ if knobs.emergency_restarts => RESTART,
        _ => "emergency mode",
    };
    let device = if knobs.device_is_last { None } else { own(line.device_timeout.as_deref(), DEVICE_OPTION) };
    let absent = Wait { then: then.to_owned(), ..device.unwrap_or_else(|| knobs.device.clone()) };
    let mount = own(line.mount_timeout.as_deref(), MOUNT_OPTION).unwrap_or_else(|| knobs.start.clone());
    both(absent, knobs, Some(mount))
}
