//! hvtune makes Linux guests on Hyper-V and Azure ride out storage stalls.
//!
//! One way, each stage a function from the last stage's value:
//!
//! ```text
//!  machine facts (live, or --machine DIR)  system facts (--root DIR)   policy
//!           \______________ probe ______________/                        |
//!                             | Facts (+ gaps)                           |
//!                           decide  <------------------------------------+   pure
//!                             | Vec<Verdict>
//!                           render                                           pure
//!                             | Vec<Artifact>
//!                            plan  <-- reads the root                        read-only
//!                             | Plan  -----------------> `plan` prints it
//!                           apply  --> writes the root, then activates       the only writer
//!                             |
//!                           verify = the plan is empty + live read-back      read-only
//! ```
//!
//! `status`, `detect`, `explain`, `plan`, `apply`, `verify` and `survive` are this pipe stopped at
//! different places. A dry run is the plan, printed; there is no dry-run flag.
//!
//! Invariants, each held by clippy or by a test in `tests/tidy.rs`:
//! - no two modules import each other, directly or through others, here or within a room; a room
//!   and its own parts may;
//! - [`facts`], [`initramfs`], [`value`], [`tunable`], [`tunables`], [`host`], [`resolve`], [`stall`], [`render`], [`cmdline`],
//!   [`formats`], [`incident`], [`compare`], [`record`], [`emergency`], [`stacks`] and [`stores`] touch no file, clock, environment or process, so they cannot fail on the
//!   machine's account;
//! - only [`root`] touches files, only [`run`] starts programs, only [`report`] prints;
//! - [`probe`] does not decide, and one unreadable file never fails it: it becomes a gap;
//! - [`tunables`] know no file names and no formats; templates hold no condition;
//! - [`apply`] takes a plan and nothing else;
//! - what was rendered is parsed back and must carry exactly the planned assignments.
//!
//! [`capture`] stands beside the pipe: it records what [`probe`] reads of a machine. [`stores`] finds
//! the kernel command line in the text of a file, and puts arguments in or takes them out.
//!
//! Reading order, in which each module uses only earlier ones:
//! [`attribute`], [`civil`], [`nearest`], [`order`], [`pattern`], [`scale`], [`value`], [`cmdline`], [`formats`], [`stores`], [`facts`], [`initramfs`], [`stacks`], [`marker`], [`record`], [`emergency`]; the two doors, [`root`]
//! and [`run`]; [`policy`], [`tunable`], [`host`], [`resolve`], [`tunables`], [`render`], [`probe`],
//! [`capture`], [`plan`], [`apply`], [`stall`], [`incident`], [`compare`], [`verify`], [`cli`], [`report`], [`command`].

pub mod apply;
pub mod attribute;
pub mod capture;
pub mod civil;
pub mod cli;
pub mod cmdline;
pub mod command;
pub mod compare;
pub mod emergency;
pub mod facts;
pub mod formats;
pub mod host;
pub mod incident;
pub mod initramfs;
pub mod marker;
pub mod nearest;
pub mod order;
#[cfg(fuzzing)]
pub mod parsers;
pub mod pattern;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod record;
pub mod render;
pub mod report;
pub mod resolve;
pub mod root;
pub mod run;
pub mod scale;
mod seeded;
pub mod stacks;
pub mod stall;
pub mod stores;
pub mod tunable;
pub mod tunables;
pub mod value;
pub mod verify;
