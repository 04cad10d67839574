//! Runs of `apply` that are killed, refused and crowded: whatever happens, every file is the old one or
//! the new one as a whole, and the next run ends with all new ones and nothing beside them.
//!
//! strace breaks the calls, so that the very program runs that is shipped. A sample of each sweep runs
//! by default; `tests/faults/run` sets `HVTUNE_FULL` and runs all. Every sweep prints its figure.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests set the stage, and tell their figures"
)]

#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/errors.rs"]
mod errors;
#[path = "faults/full.rs"]
mod full;
#[path = "faults/ground.rs"]
mod ground;
#[path = "faults/keep.rs"]
mod keep;
#[path = "faults/kill.rs"]
mod kill;
#[path = "confine/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod stage;
