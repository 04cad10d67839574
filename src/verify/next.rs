//! What holds at the next boot: whether the file is as planned, and who has the last word.

use super::{Layer, State};
use crate::facts::Facts;
use crate::formats::fstab::FSTAB;
use crate::initramfs::{Takes, outdated, takes};
use crate::marker::{DRIVER_LISTS, PREMOUNTS, addon, counts_inside};
use crate::plan::{Change, Plan, argument};
use crate::render::{home, landing};
use crate::resolve::kernel_arg;
use crate::resolve::wanted::{On, Outcome, chain, outcome};
use crate::stacks::makes_menu;
use crate::stores::place::is_store;
use crate::tunable::{Assignment, Target};

/// Where a setting stands for the next boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) state: State,
    pub(super) layer: Layer,
    /// The value that the next boot gets, where it is known.
    pub(super) found: Option<String>,
    pub(super) because: String,
}

impl Next {
    /// Nobody can tell, and why.
    pub(super) fn unknown(because: impl Into<String>) -> Self {
        Self::new(State::Unknown, Layer::Shadowed, None, because)
    }

    fn new(state: State, layer: Layer, found: Option<String>, because: impl Into<String>) -> Self {
        Self { state, layer, found, because: because.into() }
    }
}

/// Judges a setting on one device, record, or in its one place.
pub(super) fn next(facts: &Facts, plan: &Plan, assignment: &Assignment, on: On<'_>) -> Next {
    if let Some(why) = file_differs(facts, plan, assignment, on) {
        return Next::new(State::Differs, Layer::File, None, why);
    }
    let file = home(facts, &assignment.target);
    let ends = outcome(&chain(facts, assignment, on, file.as_deref()), assignment);
    match (ends, file) {
        (Outcome::Holds(value), Some(file)) => menu(facts, plan, assignment)
            .or_else(|| initramfs(facts, plan, assignment, &file))
            .unwrap_or_else(|| Next::new(State::Ok, Layer::File, Some(value), "")),
        // Nobody of ours wrote it, and it is there.
        (Outcome::Holds(value), None) => Next::new(State::Ok, Layer::File, Some(value), ""),
        (Outcome::Overridden { who, value, shown, because }, Some(_)) => {
            let because = format!("{who} says {shown}: {because}");
            Next::new(State::Overridden, Layer::Shadowed, Some(value), because)
        }
        (Outcome::Overridden { value, .. }, None) => {
            let why = "hvtune does not write this place; `hvtune plan` says what to do by hand";
            Next::new(State::ByHand, Layer::File, Some(value), why)
        }
        (Outcome::Unknown(because), _) => Next::unknown(because),
    }
}

/// Where a menu is made from the configuration that carries our argument, the one that is there must have it too.
fn menu(facts: &Facts, plan: &Plan, assignment: &Assignment) -> Option<Next> {
    let (key, wanted) = argument(facts, assignment)?;
    // Entries that stand for themselves are no menu that was made; a kernel that is installed later counts.
    if facts.writes_arguments() && !makes_menu(&facts.system.boot) {
        let entries = kernel_arg::entries(facts, &key, Some(&wanted)).into_iter();
        let mut later = entries.filter(|entry| entry.new_kernels && entry.value.as_ref() != Some(&wanted));
        let found = later.next()?;
        let because = format!("{} gives a kernel that is installed later another value", found.entry);
        let state = if found.value.is_none() { State::Unknown } else { State::Overridden };
        return Some(Next::new(state, Layer::Shadowed, found.value, because));
    }
    let entries = kernel_arg::entries(facts, &key, None);
    let made_before = entries
        .into_iter()
        .filter(|entry| !entry.new_kernels)
        .find(|entry| entry.value.as_ref().is_none_or(|value| *value != wanted))?;
    let because = format!("{} was made before: the boot menu has to be made anew", made_before.entry);
    let by_us = plan.stale_menu && plan.menu.is_some();
    let state = match made_before.value {
        None => State::Unknown,
        Some(_) if by_us => State::Differs,
        Some(_) => State::ByHand,
    };
    Some(Next::new(state, Layer::File, made_before.value, because))
}

/// A module of the disks is loaded from the initramfs, and it waits for root: what we say must be in the copy that
/// it holds.
fn initramfs(facts: &Facts, plan: &Plan, assignment: &Assignment, file: &str) -> Option<Next> {
    let inside = matches!(assignment.target, Target::ModuleOption { .. } | Target::Premount(_));
    if !(inside && counts_inside(file)) || facts.files_only() {
        return None;
    }
    let at = |state, because: String| Some(Next::new(state, Layer::File, None, because));
    match takes(facts, file) {
        Takes::Yes => {
            let image = outdated(facts, file).into_iter().next()?;
            let because =
                format!("/{} was made before /{file} was written: it has to be made anew", image.path);
            let by_us = plan.remakes.iter().any(|remake| remake.path == image.path);
            at(if by_us { State::Differs } else { State::ByHand }, because)
        }
        _ if facts.running().is_none() => None,
        Takes::No(why) => at(State::ByHand, format!("the initramfs does not get /{file}: {why}")),
        Takes::Unknown(why) => {
            at(State::Unknown, format!("whether the initramfs holds /{file} could not be told: {why}"))
        }
    }
}

/// Why the file that should carry an assignment does not.
fn file_differs(facts: &Facts, plan: &Plan, assignment: &Assignment, on: On<'_>) -> Option<String> {
    let on_line = |path: &str| {
        ["/grub.d/", "/kargs.d/", "/cmdline.d/"].iter().any(|dir| path.contains(dir))
            || is_store(path)
            || addon::is_path(path)
    };
    let concerns = |path: &str| match (&assignment.target, on) {
        (Target::Iscsi(_), On::Record(record)) => path == record,
        (Target::Iscsi(_), _) => path.ends_with("/iscsid.conf"),
        (Target::Udev { .. }, _) => path.contains("/rules.d/"),
        (Target::Sysctl(_), _) => path.contains("/sysctl.d/"),
        (Target::ModuleOption { module, .. }, _) => {
            let landing = landing(facts, module);
            (landing.modprobe && path.contains("/modprobe.d/")) || (landing.cmdline && on_line(path))
        }
        (Target::KernelArg(_), _) => on_line(path),
        (Target::DropKernelArg(_), _) => path.contains("/grub.d/"),
        (Target::Waagent(_), _) => path.ends_with("/waagent.conf"),
        (Target::Fstab(_), _) => path == FSTAB,
        (Target::Driver(_), _) => DRIVER_LISTS.contains(&path),
        (Target::Premount(_), _) => PREMOUNTS.contains(&path),
        (Target::Multipath { .. }, _) => path.contains("/multipath/"),
        (Target::Unit { unit, .. }, _) => path.contains(&format!("/{unit}.d/")),
    };
    let change = plan.changes.iter().find(|change| concerns(change.path()))?;
    Some(match change {
        Change::Create(artifact) => format!("{} is missing; hvtune apply writes it", artifact.path),
        Change::Replace { artifact, .. } => {
            format!("{} is not as planned; hvtune apply writes it", artifact.path)
        }
        Change::Remove { path, .. } => format!("{path} is no longer wanted; hvtune apply removes it"),
        Change::Edit { path, .. } => format!("{path} is not as planned; hvtune apply edits it"),
        Change::Conflict { path, why } => format!("{path}: {why}"),
    })
}
