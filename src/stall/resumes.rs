//! When I/O goes on after the trouble is over.

use super::Trouble;
use super::view::{DEEPEST, View};
use crate::facts::Class;
use crate::resolve::iscsi::session_back;
use crate::resolve::multipath::path_back;

/// How long after the end of the trouble I/O to all of these disks goes on at the latest, in seconds, on
/// a machine that has time for its daemons; `None` where that is not known.
pub(super) fn within(view: View<'_>, disks: &[&str], trouble: Trouble) -> Option<u64> {
    match trouble {
        Trouble::Silence | Trouble::PathLoss => all(view, disks.iter().copied(), 0),
        Trouble::Unit | Trouble::Errors | Trouble::ErrorsHeld => None,
    }
}

/// The last of them; no disk is no answer.
fn all<'a>(view: View<'_>, names: impl Iterator<Item = &'a str>, depth: usize) -> Option<u64> {
    let each: Option<Vec<u64>> = names.map(|name| storey(view, name, depth)).collect();
    each?.into_iter().max()
}

fn storey(view: View<'_>, name: &str, depth: usize) -> Option<u64> {
    let disk = view.disk(name).filter(|_| depth < DEEPEST)?;
    match &disk.class {
        // The command that waits is the one that is answered.
        Class::StorvscScsi | Class::StorvscIde | Class::StorvscFc => Some(0),
        Class::Iscsi { .. } => Some(session_back(view.facts)),
        // Which path is back first is not known.
        Class::Multipath { paths } => {
            let path = all(view, paths.iter().map(String::as_str), depth + 1)?;
            Some(path.saturating_add(path_back(view.facts)))
        }
        Class::Nvme | Class::NvmeAzureRemote | Class::NvmeAzureLocal => None,
        _ => all(view, disk.slaves.iter().map(String::as_str), depth + 1),
    }
}
