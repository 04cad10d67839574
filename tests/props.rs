//! What must hold of every text, every policy and every machine, tried on many.
//!
//! The cases are the same in every run, and few enough for half a minute in a debug build, so that a change
//! is judged by what it changes. `HVTUNE_FULL=1` tries forty times as many, and others in each run.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "props/compare.rs"]
mod compare;
mod fixtures;
#[path = "props/machines.rs"]
mod machines;
#[path = "props/never.rs"]
mod never;
#[path = "props/patterns.rs"]
mod patterns;
#[path = "props/plans.rs"]
mod plans;
#[path = "confine/stage.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod stage;
#[path = "props/templates.rs"]
mod templates;
#[path = "props/texts.rs"]
mod texts;
#[path = "props/writers.rs"]
mod writers;

use proptest::test_runner::{Config, RngSeed};

/// So many cases, and no file of failures beside the sources.
fn cases(count: u32) -> Config {
    let full = std::env::var_os("HVTUNE_FULL").is_some();
    let (cases, rng_seed) = if full { (count * 40, RngSeed::Random) } else { (count, RngSeed::Fixed(30)) };
    Config { cases, rng_seed, failure_persistence: None, ..Config::default() }
}
