//! What a tunable is, and what it may say of a machine.
//!
//! A tunable's description is constant data; its condition and value are a plain
//! function of facts and policy. It knows no file names and no formats: where an
//! assignment lands is `render`'s business.

mod assignment;

use crate::facts::Facts;
use crate::policy::Policy;

pub use crate::value::{Accepts, Knob, Value};
pub use assignment::{Assignment, Guard, Select, Target, UdevAttr, Want, Wanted};

/// Something that can be set, with its reasons.
#[derive(Debug)]
pub struct Tunable {
    /// Stable id, dotted lower case.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Why it matters in a storage stall, in a few sentences.
    pub why: &'static str,
    /// Where that is written; at least one.
    pub sources: &'static [Source],
    /// What an administrator may pin under `[set]`.
    pub knobs: &'static [Knob],
    /// Condition and value; pure.
    pub decide: fn(&Facts, &Policy) -> Vec<Decision>,
}

/// One place where a claim can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub title: &'static str,
    /// Where it is.
    pub url: &'static str,
}

/// What a tunable says of this machine; one per class of disk, or one in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Set these, in this order.
    Set {
        /// The assignments.
        what: Vec<Assignment>,
        /// Why here.
        because: String,
    },
    /// The kernel (or another keeper) is right already.
    Fine {
        /// Why.
        because: String,
    },
    /// It does not apply here.
    NotHere {
        /// Why.
        because: String,
    },
    /// A fact is missing.
    CannotTell {
        /// Which fact.
        fact: String,
        /// What is known of why.
        because: String,
    },
    /// What the policy asks for cannot be had here.
    Refused {
        /// Why, with the number that counts.
        because: String,
    },
}

impl Decision {
    /// The kind's name in JSON and text.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Set { .. } => "set",
            Self::Fine { .. } => "already-right",
            Self::NotHere { .. } => "not-applicable",
            Self::CannotTell { .. } => "unknown",
            Self::Refused { .. } => "refused",
        }
    }

    /// Its reason.
    pub fn because(&self) -> &str {
        match self {
            Self::Set { because, .. }
            | Self::Fine { because }
            | Self::NotHere { because }
            | Self::CannotTell { because, .. }
            | Self::Refused { because } => because,
        }
    }
}

/// A tunable and one of its decisions here.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whose.
    pub tunable: &'static Tunable,
    /// What it says.
    pub decision: Decision,
}
