//! Hostile roots and captures, and machines that refuse to be written to.
//!
//! Whatever stands in a root or a capture, a run ends by itself with 0 or 2 (of
//! `verify`, 1 and 3 too), never with a panic; what lies outside of the root keeps
//! every byte, mode and time; and what ended with 2 wrote nothing. Every row of
//! every table goes through all commands. Runs as root, in directories of its own
//! and private mount namespaces; the host is not written to. With `HVTUNE_FULL` set the races run
//! as long as `tests/faults/hostile` says.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests set the stage, and tell their figures"
)]

#[path = "confine/conflicts.rs"]
mod conflicts;
#[path = "confine/gauntlet.rs"]
mod gauntlet;
#[path = "confine/limits.rs"]
mod limits;
#[path = "confine/mounts.rs"]
mod mounts;
#[path = "confine/others.rs"]
mod others;
#[path = "confine/output.rs"]
mod output;
#[path = "confine/races.rs"]
mod races;
#[path = "confine/reads.rs"]
mod reads;
#[path = "confine/stage.rs"]
mod stage;
#[path = "confine/strings.rs"]
mod strings;
#[path = "confine/writes.rs"]
mod writes;
