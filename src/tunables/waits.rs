//! How long a boot waits for what does not answer yet.

use super::{cannot_tell, fine, not_here};
use crate::facts::{Attribute, DEVICES, Facts, MANAGER, OTHER_DEVICES, SETTING};
use crate::formats::unit::{Span, span};
use crate::policy::{Policy, Recovery};
use crate::resolve::kernel_arg::{self, ABSENT};
use crate::resolve::unit::{self, JOB_TIMEOUT, START_TIMEOUT as START};
use crate::resolve::wanted::EVENT_TIMEOUT;
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Want};
use crate::value::Value;

/// What is added to the budget, in seconds: a boot's own work, and a stall that began before it.
const MARGIN: u64 = 60;
/// Longest wait for anything: a disk that was taken away for good must end somewhere.
pub(super) const DAY: u64 = 86_400;
/// With recovery = "hold", for whatever is not root.
const HOUR: u64 = 3600;
/// What udev gives an event by itself, in seconds.
pub const EVENT: u64 = 180;

/// The budget and a minute, in whole minutes.
pub(super) fn wait(policy: &Policy) -> u64 {
    let minutes = policy.stall.saturating_add(MARGIN).div_ceil(60);
    minutes.saturating_mul(60).min(DAY)
}

/// The same for a disk that is not root: an hour at least, where nothing is to give up.
fn wait_for_data(policy: &Policy) -> u64 {
    if policy.recovery == Recovery::Hold { wait(policy).max(HOUR) } else { wait(policy) }
}

/// Why a wait is as long as it is.
pub(super) fn reason(policy: &Policy, seconds: u64) -> String {
    if seconds > wait(policy) {
        return "recovery = \"hold\"".to_owned();
    }
    format!("the stall budget of {} s and a minute, in whole minutes", policy.stall)
}

fn set(policy: &Policy, target: Target, seconds: u64) -> Vec<Decision> {
    let pin = policy.pin(&target.knob());
    let want = pin.map_or(Want::AtLeast(seconds), |pin| Want::Exactly(pin.value.clone()));
    let because = pin.map_or_else(|| reason(policy, seconds), |_| "pinned by the policy".to_owned());
    vec![Decision::Set { what: vec![Assignment::new(target, want)], because }]
}

/// systemd's version; the decision where there is none of these or it could not be told.
pub(super) fn systemd(facts: &Facts, from: u32, before: &str) -> Result<u32, Decision> {
    match facts.system.writers.sysctl_files.systemd {
        None => Err(cannot_tell(
            "systemd",
            "no library of systemd's was found that tells its version: it is older than 231, or not there",
        )),
        Some(version) if version < from => Err(not_here(format!("systemd {version}: {before}"))),
        Some(version) => Ok(version),
    }
}

/// `boot.device_wait`
pub static DEVICE_WAIT: Tunable = Tunable {
    id: "boot.device_wait",
    title: "A boot waits for a late data disk as long as the stall budget",
    why: "A host that comes back after an outage starts all its guests at once, and a disk may answer minutes \
          late. systemd waits 90 s for a device that /etc/fstab names, 45 s on Fedora; then the mount fails, and \
          with it the boot: emergency mode waits at a console that nobody sees, with a root account that is \
          locked. With nofail the boot goes on, and the disk is never mounted, though nothing is marked as \
          failed. A disk that is there costs no time. One that is gone for good still ends in emergency mode, \
          only later. What a line says itself (x-systemd.device-timeout=) counts over this. Other devices, which \
          systemd names by their place below /sys, are waited for as long as before: not each of them comes on \
          every host.",
    sources: &[
        Source {
            title: "man 5 systemd.unit, JobRunningTimeoutSec=",
            url: "https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#JobTimeoutSec=",
        },
        Source {
            title: "systemd 252 src/core/device.c (device_init)",
            url: "https://github.com/systemd/systemd/blob/v252/src/core/device.c",
        },
    ],
    knobs: &[Knob { name: JOB_TIMEOUT, accepts: Accepts::Integer { min: 45, max: 86_400 } }],
    decide: device_wait,
};

/// The drop-in counts for what lies below /dev. The manager's `DefaultDeviceTimeoutSec=` counts for every device, also
/// for those of `hv-fcopy-daemon.service` and its like, which do not come where the host does not offer that service:
/// each boot would wait for them as long.
fn device_wait(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let before = "a drop-in for all devices is read from 239 on; here DefaultTimeoutStartSec counts for them";
    if let Err(decision) = systemd(facts, 239, before) {
        return vec![decision];
    }
    let target = Target::Unit { unit: DEVICES, property: JOB_TIMEOUT };
    let mut decisions = match &facts.system.waits.crypttab {
        Some(Attribute::Is(line)) if policy.pin(JOB_TIMEOUT).is_none() => vec![not_here(format!(
            "etc/crypttab:{line}: systemd waits without limit for a disk that has to be unlocked, and a drop-in \
             for all devices would end that"
        ))],
        Some(Attribute::Unknown) if policy.pin(JOB_TIMEOUT).is_none() => {
            vec![cannot_tell(
                "waits.crypttab",
                "whether a disk has to be unlocked: etc/crypttab could not be read",
            )]
        }
        _ => set(policy, target, wait_for_data(policy)),
    };
    if let Some(seconds) = wait_for_others(facts, policy) {
        let target = Target::Unit { unit: OTHER_DEVICES, property: JOB_TIMEOUT };
        decisions.push(Decision::Set {
            what: vec![Assignment::new(target, Want::Exactly(Value::number(seconds)))],
            because: "as long as before: DefaultTimeoutStartSec would count for them, too".to_owned(),
        });
    }
    decisions
}

/// How long devices that are not below /dev are waited for now, in seconds, where our time for whatever starts would
/// make it longer: before systemd 252 that counts for devices, too.
fn wait_for_others(facts: &Facts, policy: &Policy) -> Option<u64> {
    let raised = !policy.off.contains(START_TIMEOUT.id) && unit::device_setting(facts) == START;
    let said = || unit::chain(facts, OTHER_DEVICES, JOB_TIMEOUT, None).others().next().is_some();
    if !raised || said() {
        return None;
    }
    let now: u64 = unit::chain(facts, MANAGER, START, None).in_force().value()?.parse().ok()?;
    (policy.pin(START).is_some() || now < wait(policy)).then_some(now)
}

/// `boot.start_timeout`
pub static START_TIMEOUT: Tunable = Tunable {
    id: "boot.start_timeout",
    title: "What starts in a stall is not killed before the stall budget is over",
    why: "Whatever says nothing of its own has 90 s to start: mounts, whose journal may have to be replayed from \
          a disk that is slow, swap, and daemons. One that is killed then stays failed, or is started again into \
          the same stall; a mount takes the boot with it into emergency mode. Before systemd 239 every device is \
          waited for as long, too.",
    sources: &[Source {
        title: "man 5 systemd-system.conf, DefaultTimeoutStartSec=",
        url: "https://www.freedesktop.org/software/systemd/man/latest/systemd-system.conf.html#DefaultTimeoutStartSec=",
    }],
    knobs: &[Knob { name: START, accepts: Accepts::Integer { min: 45, max: 86_400 } }],
    decide: start_timeout,
};

fn start_timeout(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    match systemd(facts, 217, "drop-ins of system.conf are read from 217 on") {
        Err(decision) => vec![decision],
        Ok(_) => set(policy, Target::Unit { unit: MANAGER, property: START }, wait(policy)),
    }
}

/// `boot.udev_event`
pub static UDEV_EVENT: Tunable = Tunable {
    id: "boot.udev_event",
    title: "udev does not give a silent disk up before the stall budget is over",
    why: "udev reads every new disk to tell what is on it. A disk that is there and does not answer holds that \
          up; after 180 s the worker is killed, and the event ends without the names by which /etc/fstab finds \
          the disk. It is not tried again: the disk is never mounted, even when it answers a second later. The \
          argument counts in the initramfs, too.",
    sources: &[
        Source {
            title: "man 7 kernel-command-line, udev.event_timeout=",
            url: "https://www.freedesktop.org/software/systemd/man/latest/kernel-command-line.html",
        },
        Source {
            title: "systemd 252 src/udev/udevd.c (on_event_timeout)",
            url: "https://github.com/systemd/systemd/blob/v252/src/udev/udevd.c",
        },
    ],
    knobs: &[Knob { name: EVENT_TIMEOUT, accepts: Accepts::Integer { min: 180, max: 86_400 } }],
    decide: udev_event,
};

/// What the command line of the next boot says without us; `None` where that could not be told.
pub(super) fn argument(facts: &Facts, key: &str) -> Option<String> {
    kernel_arg::chain(facts, key, None).in_force().value().map(str::to_owned)
}

fn udev_event(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if let Err(decision) = systemd(facts, 233, "it spells the argument otherwise") {
        return vec![decision];
    }
    let target = Target::KernelArg(EVENT_TIMEOUT);
    let seconds = wait_for_data(policy);
    if policy.pin(EVENT_TIMEOUT).is_none() {
        let waits = &facts.system.waits;
        // Whoever says less is raised.
        let nobody = argument(facts, EVENT_TIMEOUT).as_deref() == Some(ABSENT) && waits.udev.is_empty();
        if seconds <= EVENT && nobody && waits.udev_unread.is_empty() {
            return vec![fine(format!("udev gives an event {EVENT} s by itself"))];
        }
        if let Some(unread) = waits.udev_unread.first() {
            return vec![cannot_tell("udev.conf", unread.said())];
        }
        // The argument has the last word over the file, and must not shorten it.
        let longer = |line: &&crate::facts::UnitLine| match span(&line.value) {
            Some(Span::Infinity) => true,
            Some(Span::Micros(micros)) => micros / 1_000_000 >= seconds,
            None => false,
        };
        if let Some(line) = waits.udev.last().filter(longer) {
            return vec![fine(format!("{}:{} says {}={}", line.section, line.line, line.key, line.value))];
        }
    }
    set(policy, target, seconds)
}

/// `boot.settings_timeout`
pub static SETTINGS_TIMEOUT: Tunable = Tunable {
    id: "boot.settings_timeout",
    title: "What applies settings at boot is not killed before the stall budget is over",
    why: "sysctl files, lists of modules and the journal on disk are each taken up by a service that runs once. \
          Its own file gives it 90 s, and one that waits for a stalled disk longer is killed: its settings are \
          not applied in this boot, and nobody tries again. The guest comes up degraded, and hvtune's own sysctl \
          values are missing as well.",
    sources: &[Source {
        title: "systemd 257 units/systemd-sysctl.service.in (TimeoutSec=90s)",
        url: "https://github.com/systemd/systemd/blob/v257/units/systemd-sysctl.service.in",
    }],
    knobs: &[Knob { name: START_OF_ONE, accepts: Accepts::Integer { min: 45, max: 86_400 } }],
    decide: settings_timeout,
};

const START_OF_ONE: &str = "TimeoutStartSec";

fn settings_timeout(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let seconds = wait(policy);
    let pin = policy.pin(START_OF_ONE);
    let target = |unit| Target::Unit { unit, property: START_OF_ONE };
    let want = || pin.map_or(Want::AtLeast(seconds), |pin| Want::Exactly(pin.value.clone()));
    // Without a line of its own such a service is waited for without end (man 5 systemd.service, oneshot).
    let ends = |unit: &&'static str| {
        let says = unit::chain(facts, unit, START_OF_ONE, None);
        says.others().next().is_some()
    };
    let what: Vec<Assignment> =
        SETTING.iter().copied().filter(ends).map(|unit| Assignment::new(target(unit), want())).collect();
    if what.is_empty() {
        return vec![not_here("no service of systemd's that applies settings has a limit of its own")];
    }
    let because = pin.map_or_else(|| reason(policy, seconds), |_| "pinned by the policy".to_owned());
    vec![Decision::Set { what, because }]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, guest, pinned, with_arg};
    use super::*;
    use crate::facts::{BootStack, DropIn, Unit, UnitFile, UnitLine};

    fn with(systemd: Option<u32>) -> Facts {
        let mut facts = guest("6.1.0-18-amd64", Vec::new());
        facts.system.writers.sysctl_files.systemd = systemd;
        facts.system.boot.stack = BootStack::DebianGrub;
        facts
    }

    #[test]
    fn the_budget_and_a_minute_in_whole_minutes() {
        for (stall, seconds) in [(10, 120), (180, 240), (181, 300), (300, 360), (86_400, 86_400)] {
            assert_eq!(wait(&Policy { stall, ..Policy::default() }), seconds, "{stall}");
        }
        let hold = Policy { recovery: Recovery::Hold, ..Policy::default() };
        assert_eq!((wait(&hold), wait_for_data(&hold)), (240, 3600));
    }

    #[test]
    fn each_release_gets_what_it_reads() {
        let policy = Policy::default();
        let device = "unit:dev-.device JobRunningTimeoutSec=at least 240";
        let start = "unit:system.conf DefaultTimeoutStartSec=at least 240";
        let event = "cmdline udev.event_timeout=at least 240";
        for (systemd, expected) in [
            (Some(257), [device, start, event]),
            (Some(237), ["not-applicable", start, event]),
            (None, ["unknown"; 3]),
        ] {
            let facts = with(systemd);
            let tunables = [&DEVICE_WAIT, &START_TIMEOUT, &UDEV_EVENT];
            let found: Vec<String> =
                tunables.iter().flat_map(|tunable| ask(tunable, &facts, &policy)).collect();
            assert_eq!(found, expected, "{systemd:?}");
        }
        let pin = pinned(&[(JOB_TIMEOUT, "600")]);
        assert_eq!(ask(&DEVICE_WAIT, &with(Some(252)), &pin), ["unit:dev-.device JobRunningTimeoutSec=600"]);
    }

    #[test]
    fn devices_that_are_no_disks_keep_their_wait() {
        let of = |systemd: u32, lines: &[&str]| {
            let mut facts = with(Some(systemd));
            let line = |value: &&str| UnitLine {
                section: "Manager".to_owned(),
                key: START.to_owned(),
                value: (*value).to_owned(),
                ..UnitLine::default()
            };
            let file = UnitFile { lines: lines.iter().map(line).collect(), ..UnitFile::default() };
            let manager = Unit { name: MANAGER.to_owned(), fragment: Some(file), ..Unit::default() };
            let others = Unit { name: OTHER_DEVICES.to_owned(), ..Unit::default() };
            facts.system.waits.built_in = Some(90);
            facts.system.units = vec![manager, others];
            facts
        };
        let disks = "unit:dev-.device JobRunningTimeoutSec=at least 240";
        let as_before = |seconds: u32| format!("unit:sys-.device JobRunningTimeoutSec={seconds}");
        let policy = Policy::default();
        for (systemd, lines, expected) in [
            (251, &[][..], Some(90)),
            (239, &[], Some(90)),
            (251, &["20"], Some(20)),
            (251, &["5min"], None),
            (251, &["infinity"], None),
            (252, &[], None),
        ] {
            let found = ask(&DEVICE_WAIT, &of(systemd, lines), &policy);
            let expected: Vec<String> =
                std::iter::once(disks.to_owned()).chain(expected.map(as_before)).collect();
            assert_eq!(found, expected, "{systemd} {lines:?}");
        }
        let off = Policy { off: [START_TIMEOUT.id.to_owned()].into(), ..Policy::default() };
        assert_eq!(ask(&DEVICE_WAIT, &of(251, &[]), &off), [disks]);
        // A pin may be longer than what is there.
        let pin = pinned(&[(START, "600")]);
        assert_eq!(ask(&DEVICE_WAIT, &of(251, &["5min"]), &pin), [disks.to_owned(), as_before(300)]);
        let mut said = of(251, &[]);
        let line = UnitLine {
            section: "Unit".to_owned(),
            key: JOB_TIMEOUT.to_owned(),
            value: "10".to_owned(),
            ..UnitLine::default()
        };
        let file = UnitFile { lines: vec![line], ..UnitFile::default() };
        said.system.units[1].drop_ins = vec![DropIn { file, ..DropIn::default() }];
        assert_eq!(ask(&DEVICE_WAIT, &said, &policy), [disks]);
    }

    #[test]
    fn the_wait_for_a_disk_to_unlock_is_not_cut_short() {
        let policy = Policy::default();
        let mut facts = with(Some(252));
        facts.system.waits.crypttab = Some(Attribute::Is(3));
        assert_eq!(ask(&DEVICE_WAIT, &facts, &policy), ["not-applicable"]);
        facts.system.waits.crypttab = Some(Attribute::Unknown);
        assert_eq!(ask(&DEVICE_WAIT, &facts, &policy), ["unknown"]);
        let pin = pinned(&[(JOB_TIMEOUT, "600")]);
        assert_eq!(ask(&DEVICE_WAIT, &facts, &pin), ["unit:dev-.device JobRunningTimeoutSec=600"]);
    }

    #[test]
    fn the_argument_for_devices_counts_since_254() {
        for (systemd, expected) in [(253, None), (254, Some("600"))] {
            let mut facts = with_arg(with(Some(systemd)), "systemd.default_device_timeout_sec=600");
            facts.system.units = vec![Unit { name: MANAGER.to_owned(), ..Unit::default() }];
            let chain = unit::chain(&facts, MANAGER, unit::DEVICE_TIMEOUT, None);
            assert_eq!(chain.in_force().value(), expected, "{systemd}");
        }
    }

    #[test]
    fn what_applies_settings_gets_the_budget_where_its_own_file_says_less() {
        let line = |value: &str| UnitLine {
            line: 1,
            section: "Service".to_owned(),
            key: "TimeoutSec".to_owned(),
            value: value.to_owned(),
        };
        let unit = |name: &str, lines: Vec<UnitLine>| Unit {
            name: name.to_owned(),
            fragment: Some(UnitFile {
                path: format!("usr/lib/systemd/system/{name}"),
                lines,
                ..UnitFile::default()
            }),
            ..Unit::default()
        };
        let mut facts = with(Some(252));
        let policy = Policy::default();
        assert_eq!(ask(&SETTINGS_TIMEOUT, &facts, &policy), ["not-applicable"]);
        facts.system.units = vec![
            unit("systemd-sysctl.service", vec![line("90s")]),
            unit("systemd-modules-load.service", Vec::new()),
        ];
        let set = |value: &str| [format!("unit:systemd-sysctl.service TimeoutStartSec={value}")];
        assert_eq!(ask(&SETTINGS_TIMEOUT, &facts, &policy), set("at least 240"));
        assert_eq!(ask(&SETTINGS_TIMEOUT, &facts, &pinned(&[("TimeoutStartSec", "600")])), set("600"));
    }

    #[test]
    fn udev_is_told_only_where_its_own_time_is_shorter() {
        let facts = with(Some(252));
        let short = Policy { stall: 120, ..Policy::default() };
        assert_eq!(ask(&UDEV_EVENT, &facts, &short), ["already-right"]);
        // Somebody who says less is raised, also to less than udev's own.
        let less = with_arg(facts.clone(), "udev.event_timeout=20");
        assert_eq!(ask(&UDEV_EVENT, &less, &short), ["cmdline udev.event_timeout=at least 180"]);
        let mut longer = facts;
        let line = |value: &str| UnitLine { value: value.to_owned(), ..UnitLine::default() };
        for (value, expected) in
            [("10min", "already-right"), ("60", "cmdline udev.event_timeout=at least 240")]
        {
            longer.system.waits.udev = vec![line(value)];
            assert_eq!(ask(&UDEV_EVENT, &longer, &Policy::default()), [expected], "{value}");
        }
    }
}
