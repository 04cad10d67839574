//! A setting of the plan among everybody who writes the same knob, and how that ends at the next boot.

use super::{Acts, Chain, InForce, Moment, Ours, Who, Writer};
use super::{
    device, iscsi, kernel_arg, mask, module_option, multipath, programs, sysctl, udev, unit, waagent,
};
use crate::facts::{Class, Disk, Facts, Role, Undone};
use crate::formats::premount::SPREAD;
use crate::formats::unit::{Span, span};
use crate::tunable::{Assignment, Target, UdevAttr};

/// On what a knob is turned, where there is more than one of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On<'a> {
    /// The one place that there is, or any device of the class.
    All,
    /// This disk.
    Disk(&'a Disk),
    /// Sessions that log in by the node record at this path.
    Record(&'a str),
}

/// Where an assignment is looked at: each disk that it takes, each node record, or the one place.
pub fn places<'a>(facts: &'a Facts, assignment: &Assignment) -> Vec<On<'a>> {
    match &assignment.target {
        Target::Udev { select, attr } => {
            let disks = facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten());
            let takes = |disk: &&Disk| select.takes(disk) && device::now(disk, assignment, *attr).is_some();
            let found: Vec<On<'_>> = disks.filter(takes).map(On::Disk).collect();
            if found.is_empty() { vec![On::All] } else { found }
        }
        Target::Iscsi(_) => {
            let records = facts.system.iscsi.records.iter();
            let conf = facts.system.iscsi.conf.iter().map(|_| On::All);
            conf.chain(records.map(|record| On::Record(&record.path))).collect()
        }
        _ => vec![On::All],
    }
}

/// The kernel's own number of retries (`SD_MAX_RETRIES`,
/// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/sd.h>).
pub const KERNEL_RETRIES: &str = "5";

/// Running disks that are tried for ever and must not be, as something goes on without them: what they are
/// part of showed after our rule had written. Where somebody else's line says so it is his to mend.
pub fn to_put_back<'a>(facts: &'a Facts, assignment: &Assignment) -> Vec<&'a Disk> {
    let Target::Udev { select, attr: UdevAttr::MaxRetries } = assignment.target else { return Vec::new() };
    let disks = facts.running().into_iter().flat_map(|machine| machine.disks.iter().flatten());
    let ours = |disk: &&Disk| {
        let shared = disk.is_path() || disk.roles.contains(&Role::Member);
        let ever = disk.live.max_retries.value() == Some(&-1);
        let others = || of_attribute(facts, disk, UdevAttr::MaxRetries).in_force().value() == Some("-1");
        disk.class.name() == select.name() && shared && ever && !others()
    };
    disks.filter(ours).collect()
}

/// Everybody who writes the knob of an assignment; `home`: the file that carries our value, `None` where
/// nothing of ours does.
pub fn chain(facts: &Facts, assignment: &Assignment, on: On<'_>, home: Option<&str>) -> Chain {
    let value = assignment.want.value();
    let ours = home.map(|path| Ours { path, value: value.as_str() });
    match &assignment.target {
        Target::Sysctl(key) => sysctl::chain(facts, key, ours),
        Target::Udev { select, attr } => {
            let planned = ours.map(|ours| udev::Planned { ours, want: &assignment.want });
            let (chain, name) = match on {
                On::Disk(disk) => {
                    let extra = at_probe(facts, disk, *attr);
                    (udev::chain(facts, disk, *attr, planned, extra), disk.name.as_str())
                }
                _ => (udev::chain_of_class(facts, *select, *attr, planned, Vec::new()), ""),
            };
            with_programs(facts, looked(facts, chain), name, *attr)
        }
        Target::ModuleOption { module, option } => {
            masked(facts, "modprobe.d", module_option::chain(facts, module, option, ours))
        }
        Target::KernelArg(key) => argument(facts, key, kernel_arg::chain(facts, key, ours)),
        Target::DropKernelArg(key) => {
            let chain = match home {
                Some(path) => kernel_arg::removal(facts, key, path),
                None => kernel_arg::chain(facts, key, None),
            };
            argument(facts, key, chain)
        }
        Target::Iscsi(key) => {
            let (of, ours) = match on {
                On::Record(path) => (iscsi::Of::Record(path), ours.map(|ours| Ours { path, ..ours })),
                _ => (iscsi::Of::Discovery, ours),
            };
            // A line that does is not edited.
            let there = iscsi::chain(facts, key, of, None);
            let does = there.in_force().value().is_some_and(|value| assignment.met_by(value));
            if does { there } else { iscsi::chain(facts, key, of, ours) }
        }
        Target::Multipath { key, .. } => multipath::chain(facts, key, None, ours),
        Target::Unit { unit: name, property } => unit::chain(facts, name, property, ours),
        // The edited line is the one that counts in its file; nobody else makes a wait longer by chance.
        Target::Waagent(_) | Target::Fstab(_) | Target::Premount(SPREAD) => alone(ours),
        Target::Driver(_) => driver(facts, alone(ours)),
        Target::Premount(key) => premount(facts, key, ours),
    }
}

/// What becomes of our list of drivers, where another file takes its place or undoes it.
fn driver(facts: &Facts, mut chain: Chain) -> Chain {
    let undone = facts.system.boot.tools.drivers.as_ref().and_then(|drivers| drivers.undone.as_ref());
    for writer in &mut chain.writers {
        match undone {
            Some(Undone::Certainly(why)) => writer.acts = Acts::No(why.clone()),
            Some(Undone::Perhaps(why)) => writer.acts = Acts::Maybe(why.clone()),
            None => {}
        }
    }
    chain
}

/// How long initramfs-tools waits for root, without a word of anybody's, in seconds (`local_device_setup` of
/// scripts/local).
pub const ROOT_WAIT: u64 = 30;

/// Who says how long initramfs-tools waits for root: the command line, and then our script, which lets a longer
/// wait be.
fn premount(facts: &Facts, key: &str, ours: Option<Ours<'_>>) -> Chain {
    let mut chain =
        argument(facts, &key.to_ascii_lowercase(), kernel_arg::chain(facts, &key.to_ascii_lowercase(), None));
    let mut longest = ROOT_WAIT;
    for writer in &mut chain.writers {
        // What is no number is passed over, and less than half a minute is no wait.
        let seconds = writer.value.as_ref().and_then(|value| value.split('.').next()?.parse::<u64>().ok());
        if writer.value.is_some() {
            let seconds = seconds.unwrap_or(ROOT_WAIT).max(ROOT_WAIT);
            longest = longest.max(seconds);
            writer.value = Some(seconds.to_string());
            if let Who::BuiltIn(_) = writer.who {
                writer.who = Who::BuiltIn("initramfs-tools");
                writer.shown = format!("{seconds} s");
            }
        }
    }
    let longer = ours.is_some_and(|ours| ours.value.parse::<u64>().is_ok_and(|own| own < longest));
    let own = ours.filter(|_| !longer);
    // Whatever stands on a line that nobody could read, the script makes it no shorter than ours.
    if own.is_some() {
        chain.doubts.clear();
    }
    chain.writers.extend(alone(own).writers);
    chain
}

/// The chain with our file hidden, where one of the same name hides it.
fn masked(facts: &Facts, below: &str, mut chain: Chain) -> Chain {
    for writer in &mut chain.writers {
        if let Who::Ours { path } = &writer.who
            && let Some(acts) = mask::hidden(facts, below, path)
        {
            writer.acts = acts;
        }
    }
    chain
}

/// A rule of ours looks before it writes. Whatever it finds, what it leaves is good enough.
fn looked(facts: &Facts, mut chain: Chain) -> Chain {
    for writer in &mut chain.writers {
        let Who::Ours { path } = &writer.who else { continue };
        if matches!(writer.acts, Acts::Maybe(_)) && mask::hidden(facts, "udev/rules.d", path).is_none() {
            writer.acts = Acts::Yes;
        }
    }
    chain
}

/// The chain of an attribute of a disk without us: rules, programs, agents.
pub fn of_attribute(facts: &Facts, disk: &Disk, attr: UdevAttr) -> Chain {
    with_programs(facts, udev::chain(facts, disk, attr, None, at_probe(facts, disk, attr)), &disk.name, attr)
}

/// The chain of a timer of the sessions that log in by this record, without us.
pub fn of_record(facts: &Facts, key: &str, path: &str) -> Chain {
    iscsi::chain(facts, key, iscsi::Of::Record(path), None)
}

/// What a module's option makes of an attribute when the driver finds the disk: `nvme_core.io_timeout`, in
/// seconds, is each NVMe disk's `queue/io_timeout`, in milliseconds.
fn at_probe(facts: &Facts, disk: &Disk, attr: UdevAttr) -> Vec<Writer> {
    let nvme = matches!(disk.class, Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme);
    if attr != UdevAttr::IoTimeout || !nvme {
        return Vec::new();
    }
    let millis = |mut writer: Writer| {
        let seconds = writer.value.as_ref().and_then(|value| value.parse::<u64>().ok());
        writer.value = seconds.map(|seconds| seconds.saturating_mul(1000).to_string());
        writer.moment = Moment::Load;
        writer
    };
    let options = module_option::chain(facts, "nvme_core", "io_timeout", None);
    options.others().cloned().map(millis).collect()
}

/// Programs that write after udev's rules, the Azure agent last: it writes again and again.
fn with_programs(facts: &Facts, mut chain: Chain, disk: &str, attr: UdevAttr) -> Chain {
    programs::join(facts, disk, attr.path(), &mut chain);
    if attr == UdevAttr::Timeout && (disk.is_empty() || disk.starts_with("sd")) {
        chain.writers.extend(waagent::writers(facts));
    }
    chain
}

/// Programs that put arguments on the line behind everybody else's.
fn argument(facts: &Facts, key: &str, mut chain: Chain) -> Chain {
    let (writers, doubts) = programs::of_argument(facts, key);
    chain.writers.extend(writers);
    if key == EVENT_TIMEOUT {
        for writer in &mut chain.writers {
            read_span(writer);
        }
    }
    chain.doubts.extend(doubts);
    chain
}

/// udev's argument is a span of time; 0 is one that is over at once.
pub const EVENT_TIMEOUT: &str = "udev.event_timeout";

/// The chain of an argument that the running kernel was given, or was not.
pub fn running(key: &str, value: &str) -> Chain {
    let mut writer = Writer {
        who: Who::Line { path: "proc/cmdline".to_owned(), line: 1 },
        value: Some(value.to_owned()),
        shown: value.to_owned(),
        moment: Moment::Load,
        acts: Acts::Yes,
        because: "the running kernel was given it".to_owned(),
    };
    if key == EVENT_TIMEOUT {
        read_span(&mut writer);
    }
    Chain { writers: vec![writer], doubts: Vec::new() }
}

fn read_span(writer: &mut Writer) {
    let Some(value) = writer.value.as_ref().filter(|value| *value != kernel_arg::ABSENT) else { return };
    match span(value) {
        Some(Span::Infinity) => writer.value = Some("infinity".to_owned()),
        Some(Span::Micros(micros)) => writer.value = Some((micros / 1_000_000).to_string()),
        None => writer.acts = Acts::No("udev refuses it".to_owned()),
    }
}

fn alone(ours: Option<Ours<'_>>) -> Chain {
    let writer = |ours: Ours<'_>| Writer {
        who: Who::Ours { path: ours.path.to_owned() },
        value: Some(ours.value.to_owned()),
        shown: ours.value.to_owned(),
        moment: Moment::Files,
        acts: Acts::Yes,
        because: "the last line of the key counts, and that is ours".to_owned(),
    };
    Chain { writers: ours.map(writer).into_iter().collect(), doubts: Vec::new() }
}

/// How a setting ends at the next boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With a value that does.
    Holds(String),
    /// With a value that does not, as somebody else has the last word, or nobody's file of ours is read.
    Overridden {
        /// Who: his name as in a plan.
        who: String,
        /// The value that comes out.
        value: String,
        /// What stands there.
        shown: String,
        /// Why he does, in one clause.
        because: String,
    },
    /// Nobody can tell, and why.
    Unknown(String),
}

/// Judges what a chain ends in.
pub fn outcome(chain: &Chain, assignment: &Assignment) -> Outcome {
    match chain.in_force() {
        InForce::Known { value, .. } if assignment.met_by(&value) => Outcome::Holds(value),
        InForce::Known { by, value } => {
            let Some(writer) = chain.writers.get(by) else { return Outcome::Unknown(String::new()) };
            let because = hidden(chain).unwrap_or_else(|| writer.because.clone());
            Outcome::Overridden { who: writer.who.name(), value, shown: writer.shown.clone(), because }
        }
        InForce::Unknown { candidates, because } => {
            let all = !candidates.is_empty() && candidates.iter().all(|value| assignment.met_by(value));
            let likely = candidates.into_iter().next();
            match (likely, hidden(chain)) {
                (Some(value), _) if all && chain.doubts.is_empty() && told(chain) => Outcome::Holds(value),
                // Whatever comes out, ours is not it.
                (likely, Some(why)) => {
                    let value = likely.unwrap_or_else(|| "not known".to_owned());
                    Outcome::Overridden {
                        who: "somebody else".to_owned(),
                        shown: value.clone(),
                        value,
                        because: why,
                    }
                }
                _ => Outcome::Unknown(because),
            }
        }
    }
}

/// Whether every writer that may have the last word is known to write something.
fn told(chain: &Chain) -> bool {
    let from = chain.writers.iter().rposition(|writer| writer.acts == Acts::Yes && writer.value.is_some());
    let after = chain.writers.iter().skip(from.unwrap_or(0));
    from.is_some() && after.filter(|writer| !matches!(writer.acts, Acts::No(_))).all(|w| w.value.is_some())
}

/// Why our file does not act, where it does not.
fn hidden(chain: &Chain) -> Option<String> {
    chain.writers.iter().filter(|writer| writer.is_ours()).find_map(|writer| match &writer.acts {
        Acts::No(why) if why != udev::GOOD_ENOUGH => Some(why.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunable::{Value, Want};

    fn writer(ours: bool, value: Option<&str>, acts: Acts) -> Writer {
        let path = "etc/sysctl.d/x.conf".to_owned();
        Writer {
            who: if ours { Who::Ours { path } } else { Who::Line { path, line: 1 } },
            value: value.map(str::to_owned),
            shown: value.unwrap_or("a program").to_owned(),
            moment: Moment::Files,
            acts,
            because: "its file is read later".to_owned(),
        }
    }

    fn ends(writers: Vec<Writer>) -> Outcome {
        let assignment = Assignment::new(Target::Sysctl("kernel.hung_task_timeout_secs"), Want::AtLeast(240));
        outcome(&Chain { writers, doubts: Vec::new() }, &assignment)
    }

    #[test]
    fn the_last_word_is_judged_on_the_knobs_scale() {
        let ours = || writer(true, Some("240"), Acts::Yes);
        let maybe = || Acts::Maybe("its match could not be decided".to_owned());
        assert_eq!(ends(vec![ours()]), Outcome::Holds("240".to_owned()));
        assert_eq!(ends(vec![ours(), writer(false, Some("0"), Acts::Yes)]), Outcome::Holds("0".to_owned()));
        assert!(matches!(
            ends(vec![ours(), writer(false, Some("30"), Acts::Yes)]),
            Outcome::Overridden { .. }
        ));
        assert!(matches!(ends(vec![ours(), writer(false, Some("30"), maybe())]), Outcome::Unknown(_)));
        assert_eq!(ends(vec![ours(), writer(false, Some("600"), maybe())]), Outcome::Holds("600".to_owned()));
        assert!(matches!(ends(vec![ours(), writer(false, None, maybe())]), Outcome::Unknown(_)));
    }

    #[test]
    fn a_file_that_is_not_read_is_said_to_be_hidden() {
        let masked = writer(true, Some("240"), Acts::No("etc/x masks it".to_owned()));
        let Outcome::Overridden { because, .. } = ends(vec![writer(false, Some("30"), Acts::Yes), masked])
        else {
            panic!("a masked file decides nothing")
        };
        assert_eq!(because, "etc/x masks it");
    }

    #[test]
    fn words_are_compared_as_they_are() {
        let assignment = Assignment::new(Target::KernelArg("panic"), Want::Exactly(Value::number(10)));
        let chain =
            Chain { writers: vec![writer(true, Some("10"), Acts::Yes)], doubts: vec!["x".to_owned()] };
        assert_eq!(outcome(&chain, &assignment), Outcome::Unknown("x".to_owned()));
    }
}
