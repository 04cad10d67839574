//! One mount of one guest, with all that the model reads of it and nothing else.

use super::chain::{Link, find, links, timed};
use super::outcome::{Outcome, Terms};
use crate::facts::{Class, Disk, Facts, Machine, Mount, System, Timers};
use crate::stall;

/// One mount of one guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The machine, with this mount alone.
    pub(super) machine: Machine,
    /// What the root says of timers.
    pub(super) system: System,
    /// Sysctl keys that could not be read.
    pub(super) unread: Vec<String>,
    /// The mount.
    pub(super) mount: Mount,
}

/// The keys of which it must be known whether they could be read.
pub(super) const WATCHED: [&str; 3] =
    ["kernel.hung_task_panic", "kernel.hung_task_timeout_secs", "kernel.panic"];

/// Which of the keys that end a stall could not be read.
pub(super) fn unread(facts: &Facts) -> Vec<String> {
    let keys =
        WATCHED.iter().filter(|key| facts.gaps.iter().any(|gap| gap.fact == **key || gap.fact == "sysctl"));
    keys.map(|key| (*key).to_owned()).collect()
}

/// What is mounted at a point for writing; of several the last, which hides the others.
pub(super) fn mounted<'a>(machine: &'a Machine, point: &str) -> Option<&'a Mount> {
    machine.mounts.iter().rfind(|mount| mount.point == point && !mount.read_only)
}

impl Subject {
    /// What is mounted at a point; `None` where nothing is that could be written.
    pub fn of(facts: &Facts, point: &str) -> Option<Self> {
        let machine = facts.machine.as_ref()?;
        let mount = mounted(machine, point)?;
        let chain = links(machine, mount);
        let below = |name: &str| chain.iter().any(|link| link.name == name);
        let disks = machine.disks.as_ref().map(|disks| {
            let below = disks.iter().filter(|disk| below(&disk.name));
            below.cloned().collect::<Vec<Disk>>()
        });
        let mut sessions = machine.sessions.clone();
        let used = |session: &str| {
            let of = |disk: &Disk| matches!(&disk.class, Class::Iscsi { session: own } if own == session);
            disks.iter().flatten().any(of)
        };
        sessions.retain(used);
        let timers = machine.timers.as_ref().map(|timers| {
            let mut kept =
                Timers { scsi: timers.scsi.clone(), levels: timers.levels.clone(), ..Timers::default() };
            kept.scsi.retain(below);
            kept.levels.retain(below);
            kept
        });
        let (iscsi, multipath) = (facts.system.iscsi.clone(), facts.system.multipath.clone());
        Some(Self {
            machine: Machine {
                origin: machine.origin,
                kernel: machine.kernel.clone(),
                disks,
                sysctls: machine.sysctls.clone(),
                parameters: machine.parameters.clone(),
                sessions,
                timers,
                ..Machine::default()
            },
            system: System { iscsi, multipath, ..System::default() },
            unread: unread(facts),
            mount: mount.clone(),
        })
    }

    /// How each kind of trouble with its storage ends.
    pub fn outcome(&self, terms: Terms) -> Outcome {
        let machine = Machine { mounts: vec![self.mount.clone()], ..self.machine.clone() };
        let facts = Facts { machine: Some(machine), system: self.system.clone(), gaps: Vec::new() };
        let standings = stall::standings(&facts, terms.host_holds);
        let outcome = standings
            .first()
            .map(|standing| Outcome::of(standing, &self.mount, &self.machine.sysctls, &self.unread, terms));
        outcome.unwrap_or_default()
    }

    /// Its root alone, which the timers of daemons hang on.
    pub(super) fn root(&self) -> Facts {
        Facts { machine: None, system: self.system.clone(), gaps: Vec::new() }
    }

    /// The disks and maps below it whose timers count.
    pub(super) fn links(&self) -> Vec<Link> {
        timed(links(&self.machine, &self.mount))
    }

    pub(super) fn disk(&self, name: &str) -> Option<&Disk> {
        find(&self.machine, name)
    }

    pub(super) fn disk_mut(&mut self, name: &str) -> Option<&mut Disk> {
        self.machine.disks.iter_mut().flatten().find(|disk| disk.name == name)
    }
}
