//! One system to try: a fixture, other writers, other live values, a policy.

use std::fmt;

use hvtune::policy::{self, Policy, Recovery};
use hvtune::root::Root;
use hvtune::tunables;

use crate::dice::Dice;
use crate::fixtures::{self, Fixture};
use crate::ground::Writer;
use crate::live::Change;
use crate::writers;

/// A system, and what the administrator asks for.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Its number among the generated ones; of a fixture as it is, the fixture's.
    pub(crate) number: u64,
    pub(crate) fixture: Fixture,
    /// The root is the running machine's own, so that files go to /etc; else an image is made.
    pub(crate) live: bool,
    pub(crate) writers: Vec<Writer>,
    pub(crate) changes: Vec<Change>,
    pub(crate) policy: Policy,
}

/// Machines that are no Hyper-V guests: nothing is planned for them, so they are tried seldom.
const NO_GUESTS: &[&str] = &["container", "kvm-enlightened", "root-partition", "surface", "wsl2"];
/// A machine of many disks takes as long as fifty others.
const LARGE: &str = "disks-256";
/// Machines that have what few have, so that they are tried oftener than others.
const RARE: &[&str] = &["azure-nvme-plain", "iscsi-multipath", "iscsi-single"];

/// Every fixture with the policy of its own root, as an image and as a running machine.
pub(crate) fn fixtures() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, fixture) in fixtures::all().into_iter().enumerate() {
        let root = Root::offline(&fixture.root()).unwrap();
        let policy = policy::read(&root, None, &tunables::subjects()).unwrap();
        for live in [false, true] {
            let number = u64::try_from(number).unwrap();
            let (writers, changes) = (Vec::new(), Vec::new());
            let (fixture, policy) = (fixture.clone(), policy.clone());
            cases.push(Case { number, fixture, live, writers, changes, policy });
        }
    }
    cases
}

impl Case {
    /// The system of this number, always the same.
    pub(crate) fn generated(number: u64) -> Self {
        let mut dice = Dice::new(number);
        let mut all = fixtures::all();
        if dice.one_in(4) {
            all.retain(|fixture| RARE.contains(&fixture.name.as_str()));
        }
        let fixture = loop {
            let fixture = &all[dice.below(all.len())];
            let seldom = NO_GUESTS.contains(&fixture.name.as_str()) || fixture.name == LARGE;
            if !seldom || dice.one_in(40) {
                break fixture.clone();
            }
        };
        let stall = dice.of(&[30, 60, 120, 180, 180, 200, 300, 600]);
        let recovery = match dice.below(20) {
            0 => Recovery::SelfHeal,
            1..6 => Recovery::Hold,
            _ => Recovery::Default,
        };
        let live = dice.one_in(2);
        let writers = writers::some(&mut dice, &fixture);
        let changes = Change::some(&mut dice);
        let policy = Policy { stall, recovery, ..Policy::default() };
        Self { number, fixture, live, writers, changes, policy }
    }

    /// How much of it is not the fixture's.
    pub(crate) fn size(&self) -> usize {
        self.writers.len() + self.changes.len()
    }

    /// The least of it that still shows the fault: one thing after the other is taken away.
    pub(crate) fn shrunk(mut self, mut shows: impl FnMut(&Self) -> bool) -> Self {
        let fits = |case: &Self, shows: &mut dyn FnMut(&Self) -> bool| shows(case).then(|| case.clone());
        for at in (0..self.writers.len()).rev() {
            let mut less = self.clone();
            less.writers.remove(at);
            self = fits(&less, &mut shows).unwrap_or(self);
        }
        for at in (0..self.changes.len()).rev() {
            let mut less = self.clone();
            less.changes.remove(at);
            self = fits(&less, &mut shows).unwrap_or(self);
        }
        let plain = Self { policy: Policy::default(), ..self.clone() };
        fits(&plain, &mut shows).unwrap_or(self)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.live { "running machine" } else { "image" };
        let recovery = self.policy.recovery;
        let (name, number) = (&self.fixture.name, self.number);
        writeln!(out, "   case {number}: {name}, {kind}, stall {} s, {recovery:?}", self.policy.stall)?;
        self.writers.iter().try_for_each(|writer| writer.fmt(out))?;
        self.changes.iter().try_for_each(|change| writeln!(out, "   live: {change:?}"))
    }
}
