//! Guests side by side: what each survives as it is, and the fewest facts that explain a difference.
//!
//! Pure; the stall model asked anew. The facts that are compared stand in one table ([`ASPECTS`]). Each is
//! copied from one guest into the other, and the model is asked again: a set of facts explains a difference
//! where both guests, with these exchanged between them, have exchanged how their mount ends, and no fact
//! can be left out of it. What hangs on a fact that could not be read is not explained but said.

mod aspect;
mod chain;
mod difference;
mod explain;
mod group;
mod outcome;
mod subject;

use crate::facts::Facts;

pub use aspect::{ASPECTS, Aspect};
pub use chain::stands_on;
pub use difference::{Contrast, Difference, Fact, Untold};
pub use explain::{differing, exchange, explain};
pub use group::{Group, Seen};
pub use outcome::{End, Outcome, Terms, Then};
pub use subject::Subject;

/// One guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// How it is called, other than all others.
    pub name: String,
    /// What its capture says.
    pub facts: Facts,
}

/// Guests beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The stall asked about, and how long the host holds a command.
    pub terms: Terms,
    /// How many guests there are.
    pub guests: usize,
    /// Guests that end alike together, in the order in which the first of each was named.
    pub groups: Vec<Group>,
    /// Mount points where guests differ: the root first, then by name.
    pub differences: Vec<Difference>,
}

/// Compares guests as they are.
pub fn compare(guests: &[Guest], terms: Terms) -> Comparison {
    let looked: Vec<Vec<Seen>> = guests.iter().map(|guest| group::look(&guest.facts, terms)).collect();
    let differences = difference::differences(guests, &looked, terms);
    let groups = group::groups(guests, looked);
    Comparison { terms, guests: guests.len(), groups, differences }
}

#[cfg(test)]
mod tests;
