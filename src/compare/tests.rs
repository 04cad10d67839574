//! The table of facts, and what is said of guests.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_fact_has_a_name_and_a_knob_of_its_own() {
    let names: BTreeSet<&str> = ASPECTS.iter().map(|fact| fact.name).collect();
    let knobs: BTreeSet<&str> = ASPECTS.iter().map(|fact| fact.knob).collect();
    assert_eq!((names.len(), knobs.len()), (ASPECTS.len(), ASPECTS.len()));
}
