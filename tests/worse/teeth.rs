//! That the checks can fail: systems on which a right plan is known, seen with a wrong one.
//!
//! By hand, with a bug on purpose in the order of values (`src/seeded.rs`), each of these must fail:
//! ```text
//! HVTUNE_SEEDED_BUG=scale cargo test --features seeded-bugs --test worse off_is_kept
//! ```
//! `tests/faults/teeth scale` does the same, and first without the bug.

use hvtune::policy::Policy;

use crate::case::Case;
use crate::fixtures;
use crate::ground::{Content, Writer};
use crate::judge::Bench;

/// The pings of the data disk's session are off in its record, which is longer than any number.
fn pings_are_off() -> Case {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "iscsi-single").unwrap();
    let path = "etc/iscsi/nodes/iqn.2024-01.example:data/192.0.2.10,3260,1/default";
    let record = std::fs::read_to_string(fixture.root().join(path)).unwrap();
    let off = record.replace("noop_out_timeout = 5", "noop_out_timeout = 0");
    assert_ne!(off, record);
    let writers = vec![Writer { path: path.to_owned(), content: Content::File(off.into_bytes()) }];
    let policy = Policy::default();
    Case { number: 0, fixture, live: false, writers, changes: Vec::new(), policy }
}

#[test]
fn off_is_kept() {
    let faults = Bench::default().judge(&pings_are_off());
    let faults: Vec<_> = faults.iter().filter(|fault| fault.kind.contains("noop_out")).collect();
    assert!(faults.is_empty(), "{faults:?}");
}
