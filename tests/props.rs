//! What must hold of every text, every policy and every machine, tried on many.
//!
//! Case counts are small enough for the whole file to end within half a minute in
//! a debug build; `PROPTEST_CASES` multiplies nothing here, edit [`cases`] to go deeper.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;
#[path = "props/machines.rs"]
mod machines;
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

use proptest::test_runner::Config;

/// So many cases, and no file of failures beside the sources.
fn cases(count: u32) -> Config {
    Config { cases: count, failure_persistence: None, ..Config::default() }
}
