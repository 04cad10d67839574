//! How a mount ends: the answer of the model that two guests are compared by.

use std::collections::BTreeMap;

use crate::facts::Mount;
use crate::stall::{Column, Span, Standing, Trouble, panics_on_errors};

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The stall, in seconds.
    pub budget: u64,
    /// How long the host holds a command before it answers with an error, in seconds.
    pub host_holds: u64,
}

/// How one kind of trouble ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Which kind.
    pub trouble: Trouble,
    /// When input and output fail; at least then where something is unknown.
    pub at: Span,
    /// Whether a stall of the budget's length is ridden out.
    pub rides_out: bool,
    /// The end is a panic after which the guest comes back by itself.
    pub restarts: bool,
    /// Facts that could not be read and that this hangs on.
    pub unknown: Vec<String>,
}

/// What a failed write does to the whole guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Then {
    /// The file system gives up, and the guest runs on.
    #[default]
    RunsOn,
    /// The kernel panics and stands still.
    StandsStill,
    /// The kernel panics and restarts.
    Restarts,
    /// The kernel panics, and what it does then could not be read.
    Untold,
}

impl Then {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RunsOn, Self::StandsStill, Self::Restarts, Self::Untold];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::RunsOn => "the guest runs on",
            Self::StandsStill => "the kernel panics and stands still",
            Self::Restarts => "the kernel panics and restarts",
            Self::Untold => "the kernel panics",
        }
    }
}

/// How a mount ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Each kind of trouble that can befall it.
    pub ends: Vec<End>,
    /// What a failed write does to the whole guest.
    pub then: Then,
}

impl Outcome {
    pub(super) fn of(
        standing: &Standing,
        mount: &Mount,
        sysctls: &BTreeMap<String, String>,
        unread: &[String],
        terms: Terms,
    ) -> Self {
        let mut ends = Vec::with_capacity(standing.prospects.len());
        for prospect in &standing.prospects {
            let (trouble, fate) = (prospect.trouble, &prospect.now);
            let rides_out = standing.rides_out(trouble, Column::Now, terms.budget).unwrap_or(false);
            let mut unknown: Vec<String> = fate.unknown.iter().cloned().collect();
            // Where the detector may panic and nobody could see, the model takes it for off.
            unknown.extend(unread.iter().filter(|key| key.starts_with("kernel.hung_task")).cloned());
            ends.push(End { trouble, at: fate.at, rides_out, restarts: fate.restarts, unknown });
        }
        let panics = panics_on_errors(&mount.fstype, &mount.options);
        let then = match sysctls.get("kernel.panic").map(String::as_str) {
            _ if !panics => Then::RunsOn,
            Some("0") => Then::StandsStill,
            Some(_) => Then::Restarts,
            None => Then::Untold,
        };
        Self { ends, then }
    }

    /// How one kind of trouble ends; `None` where it cannot befall the mount.
    pub fn end(&self, trouble: Trouble) -> Option<&End> {
        self.ends.iter().find(|end| end.trouble == trouble)
    }

    /// Whether one kind of trouble is known to end so, or cannot befall it.
    fn is_known(&self, trouble: Trouble) -> bool {
        self.end(trouble).is_none_or(|end| end.unknown.is_empty())
    }

    /// The facts that could not be read, each once.
    pub(super) fn unknown(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for fact in self.ends.iter().flat_map(|end| &end.unknown) {
            if !all.contains(fact) {
                all.push(fact.clone());
            }
        }
        if self.then == Then::Untold {
            all.push("kernel.panic".to_owned());
        }
        all
    }

    /// The kinds of trouble of which both are known.
    pub(super) fn comparable(&self, other: &Self) -> Vec<Trouble> {
        let known = |trouble: &Trouble| self.is_known(*trouble) && other.is_known(*trouble);
        Trouble::ALL.into_iter().filter(known).collect()
    }

    /// Whether both end alike, of these kinds of trouble; what could not be read is like nothing.
    pub(super) fn is_like(&self, other: &Self, troubles: &[Trouble]) -> bool {
        let told = self.then != Then::Untold && other.then != Then::Untold;
        troubles.iter().all(|trouble| self.end(*trouble) == other.end(*trouble))
            && (!told || self.then == other.then)
    }

    /// How long it lasts, to be compared: what is known before what is not, then silence, then errors, then
    /// whether the guest runs on.
    pub(super) fn rank(&self) -> (bool, Span, Span, bool) {
        let soonest = |errors: bool| {
            let ends = self.ends.iter().filter(|end| end.trouble.is_errors() == errors);
            ends.map(|end| end.at).min().unwrap_or(Span::Forever)
        };
        (self.unknown().is_empty(), soonest(false), soonest(true), self.then == Then::RunsOn)
    }
}
