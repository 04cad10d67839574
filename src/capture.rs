//! Recording a machine: what probing reads, as a tree for `--machine`.
//!
//! A capture holds exactly the files and links that were read, at their own
//! paths, and `machine.json` for what stands in no file. It is a fixture and a
//! bug report, so names and numbers that tell who or where the machine is are
//! taken out before anything is written; see [`scrub`].

mod identifier;
mod scrub;

use std::collections::BTreeMap;
use std::path::Path;

use crate::facts::{Facts, Gap};
use crate::probe::{Identity, MACHINE_JSON, MachineSource, read_machine, timers};
use crate::root::{Result, Root, Seen, Trail};

pub use scrub::scrub;

/// Files outside of `sys` and `proc` that tell a container.
const MARKS: &[&str] = &["run/systemd/container", "run/.containerenv", ".dockerenv"];

/// What a capture holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Captured {
    /// Files written, `machine.json` included.
    pub files: usize,
    /// Links written.
    pub links: usize,
    /// What could not be read, and so is missing in it.
    pub gaps: Vec<Gap>,
}

/// Probes the running machine and writes what was read below `dir`, which must be new or empty.
pub fn capture(machine: &Root, dir: &Path) -> Result<Captured> {
    let mut captured = Captured::default();
    machine.record();
    let seen = read_machine(&MachineSource::Live(machine), &mut captured.gaps);
    let mut facts = Facts { machine: seen, gaps: std::mem::take(&mut captured.gaps), ..Facts::default() };
    timers::complete(machine, &mut facts);
    captured.gaps = facts.gaps;
    let mut tree = scrub(&of_the_machine(machine.take_trail()));
    let unreadable = unreadable(&tree);
    let json = Identity::live().to_json(rustix::param::page_size(), unreadable);
    tree.insert(MACHINE_JSON.to_owned(), Seen::File(json.into_bytes()));
    for seen in tree.values() {
        match seen {
            Seen::File(_) => captured.files += 1,
            Seen::Link(_) => captured.links += 1,
            Seen::Dir | Seen::Unreadable(_) => {}
        }
    }
    Root::write_new_tree(dir, &tree)?;
    Ok(captured)
}

/// What the machine could not read, so that it stays unknown and does not become absent.
fn unreadable(tree: &Trail) -> BTreeMap<String, String> {
    let reason = |(path, seen): (&String, &Seen)| match seen {
        Seen::Unreadable(why) => Some((path.clone(), why.clone())),
        _ => None,
    };
    let mut unreadable = BTreeMap::new();
    unreadable.extend(tree.iter().filter_map(reason));
    unreadable
}

/// What was read of the machine; the system half is not part of a capture.
fn of_the_machine(mut trail: Trail) -> Trail {
    let wanted = |path: &str| {
        let below = |top: &&str| path.starts_with(*top);
        ["sys/", "proc/", "run/udev/data/"].iter().any(below) || MARKS.contains(&path)
    };
    trail.retain(wanted);
    trail
}
