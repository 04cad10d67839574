//! Which value is in force: for a knob, everybody who writes it, in the order in which
//! they act, and the value that comes out.
//!
//! Pure, and asked by all: decide takes from it what holds without us, plan and apply the
//! other writers by name, verify who wins, survive the values of the next boot. It imports
//! facts, formats and the types of `tunable`; each of its files knows one kind of knob and
//! that consumer's own order. What nobody could read or decide is a doubt, and a chain with
//! a doubt has no sure answer.

pub mod chain;
pub mod device;
pub mod fstab;
pub mod iscsi;
pub mod kernel_arg;
mod mask;
pub mod module_option;
pub mod multipath;
pub mod programs;
pub mod swap;
pub mod sysctl;
pub mod udev;
pub mod unit;
pub mod waagent;
pub mod wanted;

pub use chain::{Acts, Chain, InForce, Moment, Who, Writer};

/// What hvtune writes, or would write: as planned, not as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ours<'a> {
    /// The file that carries it, below the root.
    pub path: &'a str,
    /// The value.
    pub value: &'a str,
}

/// The last name of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
