//! The fewest facts that explain why two mounts end differently.

use super::aspect::{ASPECTS, Aspect, Of};
use super::chain::alike;
use super::outcome::{Outcome, Terms};
use super::subject::Subject;
use crate::stall::Trouble;

/// Two mounts that end differently.
struct Pair<'a> {
    one: &'a Subject,
    other: &'a Subject,
    /// Disks that are each other's counterparts; none where the chains have different forms.
    pairs: Vec<(String, String)>,
    /// The same the other way round.
    back: Vec<(String, String)>,
    /// How the two end.
    ends: [Outcome; 2],
    /// The kinds of trouble of which both ends are known.
    troubles: Vec<Trouble>,
    terms: Terms,
}

impl<'a> Pair<'a> {
    fn new(one: &'a Subject, other: &'a Subject, terms: Terms) -> Self {
        let (ours, theirs) = (one.links(), other.links());
        let pairs: Vec<(String, String)> = if alike(&ours, &theirs) {
            ours.into_iter().zip(theirs).map(|(ours, theirs)| (ours.name, theirs.name)).collect()
        } else {
            Vec::new()
        };
        let back = pairs.iter().map(|(ours, theirs)| (theirs.clone(), ours.clone())).collect();
        let ends = [one, other].map(|subject| subject.outcome(terms));
        let troubles = ends[0].comparable(&ends[1]);
        Self { one, other, pairs, back, ends, troubles, terms }
    }

    fn is_same(&self) -> bool {
        self.ends[0].is_like(&self.ends[1], &self.troubles)
    }

    /// Whether the two with these facts exchanged between them have exchanged their ends.
    fn is_explained_by(&self, facts: &[&Aspect]) -> bool {
        let [one, other] = self.exchanged(facts);
        one.outcome(self.terms).is_like(&self.ends[1], &self.troubles)
            && other.outcome(self.terms).is_like(&self.ends[0], &self.troubles)
    }

    fn exchanged(&self, facts: &[&Aspect]) -> [Subject; 2] {
        let (mut one, mut other) = (self.one.clone(), self.other.clone());
        for fact in facts {
            (fact.take)(&mut one, self.other, fact.knob, &self.pairs);
            (fact.take)(&mut other, self.one, fact.knob, &self.back);
        }
        [one, other]
    }

    /// One fact where one is enough, else two, else as many as none can be left out of; the first in the
    /// table's order. `None` where not even all together are enough.
    fn fewest(&self, facts: &[&'static Aspect]) -> Option<Vec<&'static Aspect>> {
        if !self.is_explained_by(facts) {
            return None;
        }
        if let Some(fact) = facts.iter().find(|fact| self.is_explained_by(&[*fact])) {
            return Some(vec![*fact]);
        }
        for (at, first) in facts.iter().enumerate() {
            let mut behind = facts.iter().skip(at + 1);
            if let Some(second) = behind.find(|second| self.is_explained_by(&[*first, *second])) {
                return Some(vec![*first, *second]);
            }
        }
        Some(self.reduced(facts.to_vec()))
    }

    /// Leaves out whatever can be, the unlikely first, until nothing can.
    fn reduced(&self, mut facts: Vec<&'static Aspect>) -> Vec<&'static Aspect> {
        let mut before = usize::MAX;
        while facts.len() < before {
            before = facts.len();
            for at in (0..facts.len()).rev() {
                let mut fewer = facts.clone();
                fewer.remove(at);
                if self.is_explained_by(&fewer) {
                    facts = fewer;
                }
            }
        }
        facts
    }
}

/// The facts of two mounts that differ, in the table's order: those of disks one by one where each disk
/// has its counterpart in the other's chain, else the chain as one.
pub fn differing(one: &Subject, other: &Subject) -> Vec<&'static Aspect> {
    let by_disk = alike(&one.links(), &other.links());
    rows(one, other, by_disk)
}

fn rows(one: &Subject, other: &Subject, by_disk: bool) -> Vec<&'static Aspect> {
    let counts = |fact: &&Aspect| match fact.of {
        Of::Guest => (fact.read)(one, fact.knob) != (fact.read)(other, fact.knob),
        Of::Disks => by_disk && (fact.read)(one, fact.knob) != (fact.read)(other, fact.knob),
        Of::Chain => !by_disk,
    };
    ASPECTS.iter().filter(counts).collect()
}

/// The two with these facts exchanged between them.
pub fn exchange(one: &Subject, other: &Subject, facts: &[&Aspect], terms: Terms) -> [Subject; 2] {
    Pair::new(one, other, terms).exchanged(facts)
}

/// The fewest facts that explain why two mounts end differently: exchanged between the two they exchange
/// how these end, both ways, and without any one of them they do not. Empty where both end alike, of what
/// is known of both; `None` where the facts in the table do not explain it.
pub fn explain(one: &Subject, other: &Subject, terms: Terms) -> Option<Vec<&'static Aspect>> {
    let pair = Pair::new(one, other, terms);
    if pair.is_same() {
        return Some(Vec::new());
    }
    let by_disk = !pair.pairs.is_empty() && alike(&one.links(), &other.links());
    let fine = pair.fewest(&rows(one, other, by_disk));
    // Disks that have their counterparts, and still something about the whole of them.
    fine.or_else(|| by_disk.then(|| pair.fewest(&rows(one, other, false)))?)
}
