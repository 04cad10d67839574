//! Where guests differ, and by what: each against one that lasts longest.

use std::collections::BTreeMap;

use super::Guest;
use super::aspect::{ASPECTS, Aspect};
use super::chain::form;
use super::explain::explain;
use super::group::{Seen, in_order};
use super::outcome::{Outcome, Terms};
use super::subject::Subject;

/// One fact of two guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is called.
    pub name: &'static str,
    /// What moves it.
    pub knob: &'static str,
    /// The value where the mount ends otherwise.
    pub here: String,
    /// The value where it lasts longest.
    pub there: String,
}

/// Guests whose mount ends otherwise than where it lasts longest, by the same facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contrast {
    /// Their names.
    pub guests: Vec<String>,
    /// How it ends there.
    pub outcome: Outcome,
    /// The fewest facts that explain it; empty where those that are compared do not.
    pub facts: Vec<Fact>,
}

/// Guests of which it could not be told how the mount ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// Their names.
    pub guests: Vec<String>,
    /// The facts that could not be read.
    pub facts: Vec<String>,
}

/// A mount point at which guests differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The mount point.
    pub point: String,
    /// The guests where it lasts longest; the others are compared with the first.
    pub longest: Vec<String>,
    /// How it ends there.
    pub outcome: Outcome,
    /// Those that end otherwise.
    pub contrasts: Vec<Contrast>,
    /// Those of which it could not be told.
    pub untold: Vec<Untold>,
}

/// Guests whose mount is the same to the model.
struct Alike {
    guests: Vec<String>,
    subject: Subject,
    outcome: Outcome,
}

/// Every mount point of more than one guest at which some differ.
pub(super) fn differences(guests: &[Guest], looked: &[Vec<Seen>], terms: Terms) -> Vec<Difference> {
    let mut points: BTreeMap<String, usize> = BTreeMap::new();
    for seen in looked.iter().flatten() {
        *points.entry(seen.standing.mount.clone()).or_insert(0) += 1;
    }
    let shared = points.into_iter().filter(|(_, guests)| *guests > 1).map(|(point, _)| point).collect();
    let ordered = in_order(shared, |point: &String| point);
    ordered.iter().filter_map(|point| at(point, guests, looked, terms)).collect()
}

/// Guests with their mount at this point, those together that are the same to the model.
fn gathered(point: &str, guests: &[Guest], looked: &[Vec<Seen>]) -> Vec<Alike> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut all: Vec<Alike> = Vec::new();
    for (guest, seen) in guests.iter().zip(looked) {
        let Some(seen) = seen.iter().find(|seen| seen.standing.mount == point) else { continue };
        let Some(subject) = Subject::of(&guest.facts, point) else { continue };
        let mut values = vec![form(&subject.links())];
        values.extend(ASPECTS.iter().map(|fact| (fact.read)(&subject, fact.knob).join(",")));
        values.extend(seen.outcome.unknown());
        let place = *places.entry(values.join("\n")).or_insert(all.len());
        if let Some(alike) = all.get_mut(place) {
            alike.guests.push(guest.name.clone());
        } else {
            let (guests, outcome) = (vec![guest.name.clone()], seen.outcome.clone());
            all.push(Alike { guests, subject, outcome });
        }
    }
    all
}

fn at(point: &str, guests: &[Guest], looked: &[Vec<Seen>], terms: Terms) -> Option<Difference> {
    let all = gathered(point, guests, looked);
    let mut longest = all.first()?;
    for alike in &all {
        if alike.outcome.rank() > longest.outcome.rank() {
            longest = alike;
        }
    }
    let mut difference = Difference {
        point: point.to_owned(),
        longest: Vec::new(),
        outcome: longest.outcome.clone(),
        contrasts: Vec::new(),
        untold: Vec::new(),
    };
    for alike in &all {
        difference.add(alike, longest, terms);
    }
    // Of guests that are all untold the table says it.
    let told = longest.outcome.unknown().is_empty();
    let untold = !difference.untold.is_empty() && told;
    (!difference.contrasts.is_empty() || untold).then_some(difference)
}

impl Difference {
    fn add(&mut self, alike: &Alike, longest: &Alike, terms: Terms) {
        let unknown = alike.outcome.unknown();
        if !unknown.is_empty() {
            match self.untold.iter_mut().find(|untold| untold.facts == unknown) {
                Some(untold) => untold.guests.extend(alike.guests.iter().cloned()),
                None => self.untold.push(Untold { guests: alike.guests.clone(), facts: unknown }),
            }
        }
        let same = alike.outcome.is_like(&longest.outcome, &alike.outcome.comparable(&longest.outcome));
        if same && (alike.outcome.unknown().is_empty() || std::ptr::eq(alike, longest)) {
            self.longest.extend(alike.guests.iter().cloned());
        }
        if same {
            return;
        }
        let named = explain(&alike.subject, &longest.subject, terms).unwrap_or_default();
        let fact = |aspect: &&Aspect| Fact {
            name: aspect.name,
            knob: aspect.knob,
            here: shown((aspect.read)(&alike.subject, aspect.knob)),
            there: shown((aspect.read)(&longest.subject, aspect.knob)),
        };
        let facts: Vec<Fact> = named.iter().map(fact).collect();
        let (guests, outcome) = (alike.guests.clone(), alike.outcome.clone());
        let is_here = |contrast: &&mut Contrast| contrast.outcome == outcome && contrast.facts == facts;
        match self.contrasts.iter_mut().find(is_here) {
            Some(contrast) => contrast.guests.extend(guests),
            None => self.contrasts.push(Contrast { guests, outcome, facts }),
        }
    }
}

/// The values of all disks in one: those that lack the attribute left out where others have it.
fn shown(values: Vec<String>) -> String {
    let mut different: Vec<String> = Vec::new();
    for value in values {
        if !different.contains(&value) {
            different.push(value);
        }
    }
    if different.len() > 1 {
        different.retain(|value| value != "absent");
    }
    different.join(", ")
}
