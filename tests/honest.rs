//! Law 2, never a false ok: after a good `apply`, one thing is broken, and `verify` must neither call
//! that row ok nor exit with 0.
//!
//! One test for each kind of knob, each with its table of breaks, on an offline root by the binary and on
//! a live one by the library (a captured machine that is taken for the running one, and that obeys what
//! was planned). Every line that fails is named. Before the breaks the control: the row is ok where
//! nothing is broken.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "honest/breaks.rs"]
mod breaks;
#[path = "honest/edited.rs"]
mod edited;
mod fixtures;
#[path = "worse/ground.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod ground;
#[path = "honest/kernel_args.rs"]
mod kernel_args;
#[path = "honest/obey.rs"]
mod obey;
#[path = "honest/own.rs"]
mod own;
#[path = "honest/stage.rs"]
mod stage;
