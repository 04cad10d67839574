//! The waits of a boot in one state: as the files and the machine are, or with the plan.

use crate::facts::{DEVICES, EMERGENCY, Facts, MANAGER, RESTART_TIMER, WANTS};
use crate::formats::unit::{self, span};
use crate::initramfs::{outdated, queue_waits};
use crate::marker::PREMOUNTS;
use crate::render::home;
use crate::resolve::unit::{self as units, JOB_TIMEOUT, START_TIMEOUT};
use crate::resolve::wanted::{self, EVENT_TIMEOUT, On};
use crate::resolve::{Chain, InForce, Ours, Who, kernel_arg};
use crate::stall::Span;
use crate::tunable::{Assignment, Decision, Target, Verdict, Want};

const ROOTDELAY: &str = "ROOTDELAY";
const RETRY: &str = "rd.retry";
/// What udev gives an event without a word of anybody's, in seconds.
const EVENT: u64 = 180;
/// Since then a worker has some seconds more than its event, to kill what it runs itself
/// (<https://github.com/systemd/systemd/pull/30532>; 257 was seen to wait so long).
const SPARED: u32 = 256;
const MORE: u64 = 10;
/// What the line of fstab becomes: a drop-in of the device.
const OF_LINE: &str = "50-device-timeout.conf";

/// How long something is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// From when the boot begins to wait; a lower bound where something could not be told.
    pub at: Span,
    /// What could not be told.
    pub unknown: Option<String>,
    /// The knob that ends it.
    pub knob: String,
    /// The knob's value; empty where nobody gives one.
    pub value: String,
    /// What happens then.
    pub then: String,
}

impl Wait {
    pub(super) fn by(knob: &str, value: &str) -> Self {
        let (knob, value) = (knob.to_owned(), value.to_owned());
        Self { at: Span::Seconds(0), unknown: None, knob, value, then: String::new() }
    }

    /// Whether nothing at all is known of it.
    pub fn is_untold(&self) -> bool {
        self.unknown.is_some() && self.at == Span::Seconds(0)
    }

    pub(super) fn untold(why: String) -> Self {
        Self { unknown: Some(why), ..Self::by("", "") }
    }
}

/// All of them.
pub(super) struct Knobs {
    /// For a device that no line and no unit says anything of.
    pub(super) device: Wait,
    /// What is said of all devices is read after what a line says of its own.
    pub(super) device_is_last: bool,
    /// For a mount or a swap that is under way.
    pub(super) start: Wait,
    /// udev's for a disk that it reads.
    pub(super) event: Wait,
    /// initramfs-tools' for root.
    pub(super) root: Wait,
    /// dracut's.
    pub(super) retry: Wait,
    /// Seconds after which an initramfs that gave up restarts the guest.
    pub(super) panic: Option<u64>,
    /// Whether dracut restarts the guest in place of a shell, by both of its arguments.
    pub(super) dracut_restarts: bool,
    /// Whether emergency mode restarts the guest where nobody is at the console.
    pub(super) emergency_restarts: bool,
}

/// What is said by us: in the files that are there, or in those of the plan.
enum Said<'a> {
    Now,
    Planned(&'a [Verdict]),
}

impl Knobs {
    pub(super) fn now(facts: &Facts) -> Self {
        Self::of(facts, &Said::Now)
    }

    pub(super) fn planned(facts: &Facts, verdicts: &[Verdict]) -> Self {
        Self::of(facts, &Said::Planned(verdicts))
    }

    fn of(facts: &Facts, said: &Said<'_>) -> Self {
        let start = said.property(facts, MANAGER, START_TIMEOUT);
        let (mut device, mut of_devices) = (said.property(facts, DEVICES, JOB_TIMEOUT), JOB_TIMEOUT);
        let by = winner(&device);
        // Nobody says anything of devices.
        if matches!(by, Some(Who::BuiltIn(_))) {
            of_devices = units::device_setting(facts);
            device = said.property(facts, MANAGER, of_devices);
        }
        let device_is_last = match by {
            Some(Who::Line { path, .. }) => path.rsplit('/').next().is_some_and(|name| name > OF_LINE),
            _ => false,
        };
        let panic = said.argument(facts, "panic");
        let panic = panic.in_force().value().and_then(|value| value.parse::<u64>().ok());
        let is = |key, wanted: &[&str]| {
            said.argument(facts, key).in_force().value().is_some_and(|value| wanted.contains(&value))
        };
        Self {
            device: waited(&device, of_devices, 0),
            device_is_last,
            start: waited(&start, START_TIMEOUT, 0),
            event: event(facts, &said.argument(facts, EVENT_TIMEOUT)),
            root: waited(&said.root(facts), ROOTDELAY, 0),
            retry: waited(&said.argument(facts, RETRY), RETRY, queue_waits(facts)),
            panic: panic.filter(|seconds| *seconds > 0),
            // Truth as dracut reads it (`getargbool`).
            dracut_restarts: is("rd.shell", &["0", "no", "off"]) && is("rd.emergency", &["reboot"]),
            emergency_restarts: has_timer(facts)
                && said.property(facts, EMERGENCY, WANTS).in_force().value() == Some(RESTART_TIMER),
        }
    }
}

impl Said<'_> {
    fn set<'v>(verdicts: &'v [Verdict], target: &Target) -> Option<&'v Assignment> {
        let set = verdicts.iter().filter_map(|verdict| match &verdict.decision {
            Decision::Set { what, .. } => Some(what),
            _ => None,
        });
        set.flatten().find(|assignment| assignment.target == *target)
    }

    /// The file of ours, and what it says of a property.
    fn of_unit(&self, facts: &Facts, name: &'static str, property: &'static str) -> Option<(String, String)> {
        match self {
            Self::Planned(verdicts) => {
                let target = Target::Unit { unit: name, property };
                let assignment = Self::set(verdicts, &target)?;
                Some((home(facts, &target)?, assignment.want.value().to_string()))
            }
            Self::Now => {
                let unit = facts.system.units.iter().find(|unit| unit.name == name)?;
                let ours = unit.drop_ins.iter().find(|d| d.file.ours && d.replaced_by.is_none())?;
                let line = ours.file.lines.iter().find(|line| line.key == property)?;
                Some((ours.file.path.clone(), line.value.clone()))
            }
        }
    }

    fn property(&self, facts: &Facts, name: &'static str, property: &'static str) -> Chain {
        let own = self.of_unit(facts, name, property);
        units::chain(facts, name, property, own.as_ref().map(|(path, value)| Ours { path, value }))
    }

    /// Of the running machine its own line counts, whatever the next boot gets.
    fn argument(&self, facts: &Facts, key: &'static str) -> Chain {
        let target = Target::KernelArg(key);
        let nothing = Assignment::new(target.clone(), Want::AtLeast(0));
        match self {
            Self::Planned(verdicts) => match Self::set(verdicts, &target) {
                Some(assignment) => {
                    wanted::chain(facts, assignment, On::All, home(facts, &target).as_deref())
                }
                None => wanted::chain(facts, &nothing, On::All, None),
            },
            Self::Now => {
                let line = facts.machine.as_ref().and_then(|machine| machine.cmdline.as_ref());
                match line {
                    Some(line) => wanted::running(key, line.value(key).unwrap_or(kernel_arg::ABSENT)),
                    None => {
                        of_menu(facts, key).unwrap_or_else(|| wanted::chain(facts, &nothing, On::All, None))
                    }
                }
            }
        }
    }

    fn root(&self, facts: &Facts) -> Chain {
        let target = Target::Premount(ROOTDELAY);
        let planned = match self {
            Self::Planned(verdicts) => Self::set(verdicts, &target).cloned(),
            Self::Now => {
                // What the image was made without is not there yet.
                let ours = facts.system.ours.iter().find(|file| PREMOUNTS.contains(&file.path.as_str()));
                let ours = ours.filter(|file| outdated(facts, &file.path).is_empty());
                let said = ours.and_then(|file| file.writes.iter().find(|(name, _)| name == ROOTDELAY));
                let seconds = said.and_then(|(_, value)| value.parse().ok());
                seconds.map(|seconds| Assignment::new(target.clone(), Want::AtLeast(seconds)))
            }
        };
        let nothing = Assignment::new(target.clone(), Want::AtLeast(0));
        let home = planned.as_ref().and_then(|_| home(facts, &target));
        wanted::chain(facts, planned.as_ref().unwrap_or(&nothing), On::All, home.as_deref())
    }
}

/// Whether the timer is there to be started: a drop-in of ours may outlive the package.
fn has_timer(facts: &Facts) -> bool {
    let mut units = facts.system.units.iter();
    units.any(|unit| unit.name == RESTART_TIMER && unit.masked.is_none())
}

/// Of an image the entries of its menu count, where all of them give the same.
fn of_menu(facts: &Facts, key: &'static str) -> Option<Chain> {
    let entries = kernel_arg::entries(facts, key, None);
    let mut values = entries.iter().filter(|entry| !entry.new_kernels).map(|entry| entry.value.as_deref());
    let first = values.next()??;
    values.all(|value| value == Some(first)).then(|| wanted::running(key, first))
}

fn winner(chain: &Chain) -> Option<Who> {
    match chain.in_force() {
        InForce::Known { by, .. } => chain.writers.get(by).map(|writer| writer.who.clone()),
        InForce::Unknown { .. } => None,
    }
}

/// What a chain ends in; `otherwise`: where nobody gives it.
fn waited(chain: &Chain, knob: &str, otherwise: u64) -> Wait {
    let read = |value: &str| match span(value) {
        Some(unit::Span::Infinity) => Span::Forever,
        Some(unit::Span::Micros(micros)) => Span::Seconds(micros / 1_000_000),
        None => Span::Seconds(otherwise),
    };
    match chain.in_force() {
        InForce::Known { value, .. } => {
            let shown = if value == kernel_arg::ABSENT { "" } else { value.as_str() };
            Wait { at: read(&value), ..Wait::by(knob, shown) }
        }
        InForce::Unknown { candidates, because } => {
            let least = candidates.iter().map(|value| read(value)).min();
            let at = least.unwrap_or(Span::Seconds(otherwise));
            Wait { at, unknown: Some(because), ..Wait::by(knob, "") }
        }
    }
}

/// udev's argument, else its file, else its own time.
fn event(facts: &Facts, argument: &Chain) -> Wait {
    let waits = &facts.system.waits;
    let said = waits.udev.last().and_then(|line| match span(&line.value)? {
        unit::Span::Infinity => Some(EVENT.max(86_400)),
        unit::Span::Micros(micros) => Some(micros / 1_000_000),
    });
    let mut wait = waited(argument, EVENT_TIMEOUT, said.unwrap_or(EVENT));
    if argument.in_force().value() == Some(kernel_arg::ABSENT)
        && let Some(unread) = waits.udev_unread.first()
    {
        wait.unknown = wait.unknown.or_else(|| Some(unread.said()));
        wait.at = Span::Seconds(0);
    }
    let spared = facts.system.writers.sysctl_files.systemd.is_some_and(|version| version >= SPARED);
    match wait.at {
        Span::Seconds(seconds) if spared && wait.unknown.is_none() => {
            wait.at = Span::Seconds(seconds.saturating_add(MORE));
        }
        _ => {}
    }
    wait
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{DropIn, Unit, UnitFile, UnitLine};

    #[test]
    fn emergency_mode_restarts_where_the_timer_is() {
        let line = UnitLine {
            section: "Unit".to_owned(),
            key: WANTS.to_owned(),
            value: RESTART_TIMER.to_owned(),
            ..UnitLine::default()
        };
        let path = format!("etc/systemd/system/{EMERGENCY}.d/90-hvtune.conf");
        let file = UnitFile { path, ours: true, lines: vec![line], ..UnitFile::default() };
        let unit = |name: &str| Unit { name: name.to_owned(), ..Unit::default() };
        let target = Unit { drop_ins: vec![DropIn { file, ..DropIn::default() }], ..unit(EMERGENCY) };
        let restarts = |units: Vec<Unit>| {
            let mut facts = Facts::default();
            facts.system.units = units;
            Knobs::now(&facts).emergency_restarts
        };
        assert!(restarts(vec![target.clone(), unit(RESTART_TIMER)]));
        assert!(!restarts(vec![unit(EMERGENCY), unit(RESTART_TIMER)]), "nobody wants it");
        assert!(!restarts(vec![target.clone()]), "the package is gone");
        let masked = Some("etc/systemd/system/hvtune-emergency.timer".to_owned());
        assert!(!restarts(vec![target, Unit { masked, ..unit(RESTART_TIMER) }]));
    }
}
