//! Recording a machine: what probing reads, as a tree for `--machine`.
//!
//! A capture holds exactly the files and links that were read, at their own
//! paths, and `machine.json` for what stands in no file. It is a fixture and a
//! bug report, so names and numbers that tell who or where the machine is are
//! taken out before anything is written; see [`scrub`].

pub mod archive;
mod identifier;
mod scrub;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use crate::facts::{Facts, Gap};
use crate::probe::{Identity, MACHINE_JSON, MachineSource, read_machine, timers};
use crate::root::{Error, Result, Root, Seen, Trail, read_file};

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

/// Probes the running machine and writes what was read below `place`, which must be new or empty; to one file, which
/// must be new, where its name ends in [`archive::ENDING`].
pub fn capture(machine: &Root, place: &Path) -> Result<Captured> {
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
    if is_one_file(place) {
        let bytes = archive::pack(&tree).map_err(|error| Error::Archive {
            doing: "packing",
            path: place.display().to_string(),
            why: error.to_string(),
        })?;
        Root::write_new_file(place, &bytes)?;
    } else {
        Root::write_new_tree(place, &tree)?;
    }
    Ok(captured)
}

/// Whether a name is one of a capture in one file.
fn is_one_file(place: &Path) -> bool {
    place.as_os_str().as_encoded_bytes().ends_with(archive::ENDING.as_bytes())
}

/// Opens a capture, whichever form it has; an archive is unpacked into a directory that goes with what is returned.
pub fn open(place: &Path) -> Result<Root> {
    match Root::offline(place) {
        Err(Error::Io { said, .. }) if said.kind() == ErrorKind::NotADirectory => {}
        other => return other,
    }
    let bytes = read_file(place, archive::LIMIT)?;
    let none = |why: String| Error::Archive {
        doing: "reading",
        path: place.display().to_string(),
        why: format!("{why}; a capture is a directory or a tar archive that `hvtune capture` made"),
    };
    let tree = archive::unpack(&bytes).map_err(|error| none(error.to_string()))?;
    if !tree.contains_key(MACHINE_JSON) {
        return Err(none(format!("{MACHINE_JSON} is missing in it")));
    }
    Root::unpacked(&tree, place)
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
