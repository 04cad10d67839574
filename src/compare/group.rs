//! Guests that end alike, together.

use std::collections::BTreeMap;

use super::Guest;
use super::chain::stands_on;
use super::outcome::{Outcome, Terms};
use super::subject::{mounted, unread};
use crate::facts::Facts;
use crate::order::by_name;
use crate::stall::{self, Column, Standing};

/// One mount of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it stands on: `ext4 on storvsc-scsi`.
    pub on: String,
    /// The model's answer; its three states are the same one.
    pub standing: Standing,
    /// How it ends.
    pub outcome: Outcome,
    /// Whether it outlasts the budget, as `survive` tells it; `None` where that could not be told.
    pub survives: Option<bool>,
}

/// Guests whose kernel and mounts are alike, and end alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their names, in the order in which they were given.
    pub guests: Vec<String>,
    /// The kernel's release; `None` where it could not be told.
    pub kernel: Option<String>,
    /// The mounts, the root first, then by name.
    pub mounts: Vec<Seen>,
}

/// The root first, then by name.
pub(super) fn in_order<T>(items: Vec<T>, point: fn(&T) -> &str) -> Vec<T> {
    by_name(items, |item| match point(item) {
        "/" => (String::new(), 0),
        point => (point.to_owned(), 1),
    })
}

/// Every writable mount on storage.
pub(super) fn look(facts: &Facts, terms: Terms) -> Vec<Seen> {
    let Some(machine) = &facts.machine else { return Vec::new() };
    let unread = unread(facts);
    let mut seen: Vec<Seen> = Vec::new();
    // What is mounted over another hides it, and comes later.
    for standing in stall::standings(facts, terms.host_holds).into_iter().rev() {
        let Some(mount) = mounted(machine, &standing.mount).filter(|_| standing.fstype != "swap") else {
            continue;
        };
        if seen.iter().any(|seen| seen.standing.mount == standing.mount) {
            continue;
        }
        let outcome = Outcome::of(&standing, mount, &machine.sysctls, &unread, terms);
        let lasts = standing.survives(Column::Now, terms.budget);
        let survives = (lasts || outcome.unknown().is_empty()).then_some(lasts);
        seen.push(Seen { on: stands_on(machine, mount), standing, outcome, survives });
    }
    in_order(seen, |seen| &seen.standing.mount)
}

/// Puts together what is alike.
pub(super) fn groups(guests: &[Guest], looked: Vec<Vec<Seen>>) -> Vec<Group> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (guest, mounts) in guests.iter().zip(looked) {
        let kernel = guest.facts.machine.as_ref().and_then(|machine| machine.kernel.as_ref());
        let kernel = kernel.map(|kernel| kernel.release.clone());
        let mut print = vec![format!("{kernel:?}")];
        print.extend(mounts.iter().map(alike));
        let place = *places.entry(print.join("\n")).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.guests.push(guest.name.clone()),
            None => groups.push(Group { guests: vec![guest.name.clone()], kernel, mounts }),
        }
    }
    groups
}

/// What makes two mounts alike in a table. Names of disks are left out.
fn alike(seen: &Seen) -> String {
    let ends = seen.outcome.ends.iter();
    let ends =
        ends.map(|end| format!("{:?}{:?}{}{}", end.trouble, end.at, end.restarts, end.unknown.is_empty()));
    let ends = ends.collect::<Vec<_>>().join(",");
    format!("{} {} {:?} {:?} {ends}", seen.standing.mount, seen.on, seen.survives, seen.outcome.then)
}
