//! How trouble ends: after how long, by which timer, and how sure that is.

use std::collections::BTreeSet;

use super::Trouble;
use crate::order::set;

/// How long something lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// So many seconds.
    Seconds(u64),
    /// For ever.
    Forever,
}

impl Span {
    /// Longer by so many seconds.
    #[must_use]
    pub fn plus(self, more: u64) -> Self {
        match self {
            Self::Seconds(seconds) => Self::Seconds(seconds.saturating_add(more)),
            Self::Forever => Self::Forever,
        }
    }

    /// One after the other.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        match next {
            Self::Seconds(seconds) => self.plus(seconds),
            Self::Forever => Self::Forever,
        }
    }

    /// Whether a stall of this length is survived: what ends at its last second is lost.
    pub fn covers(self, budget: u64) -> bool {
        self > Self::Seconds(budget)
    }

    /// Whether it lasts at least as long.
    pub fn reaches(self, budget: u64) -> bool {
        self >= Self::Seconds(budget)
    }

    /// The seconds; `None` for ever.
    pub fn seconds(self) -> Option<u64> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Forever => None,
        }
    }
}

/// One timer, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Who holds it: a disk, a session, a map, the kernel.
    pub layer: String,
    /// The knob that moves it.
    pub knob: String,
    /// The knob's value in this state; empty where it could not be read.
    pub value: String,
    /// After how long it fires, from the beginning of the trouble.
    pub fires: Span,
    /// What happens then.
    pub then: String,
}

/// How one kind of trouble ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// When I/O fails, or the machine with it; at least then where something is unknown.
    pub at: Span,
    /// The timer that decides, where one does.
    pub by: Option<Timer>,
    /// When the device is gone for good, so that no end of the trouble brings it back.
    pub gone: Span,
    /// The end is a panic after which the kernel restarts, so that the guest comes back by itself.
    pub restarts: bool,
    /// Facts that could not be read and that the answer hangs on.
    pub unknown: BTreeSet<String>,
    /// Every timer on the way, by the time at which it fires.
    pub timers: Vec<Timer>,
    /// Where the trouble is over before: how long after its end I/O goes on at the latest, in seconds;
    /// `None` where that is not known.
    pub resumes_within: Option<u64>,
}

impl Fate {
    /// Whether nothing is known of the end but that it may be at once.
    pub fn is_untold(&self) -> bool {
        self.at == Span::Seconds(0) && !self.unknown.is_empty()
    }

    /// Nothing ends it; the timers, if any, only re-arm.
    pub(super) fn forever(timers: Vec<Timer>) -> Self {
        Self {
            at: Span::Forever,
            by: None,
            gone: Span::Forever,
            restarts: false,
            unknown: BTreeSet::new(),
            timers,
            resumes_within: None,
        }
    }

    /// How long the timer that decides goes on after the trouble, in seconds: a map counts until a path is
    /// in use again.
    pub(super) fn counts_on(&self) -> u64 {
        let map = self.by.as_ref().is_some_and(|timer| timer.knob == "no_path_retry");
        self.resumes_within.filter(|_| map).unwrap_or(0)
    }

    /// Whether a stall of this length is ridden out, of this kind of trouble.
    pub(super) fn rides_out(&self, trouble: Trouble, budget: u64) -> bool {
        let needed = budget.saturating_add(self.counts_on());
        self.at.covers(needed) || (trouble == Trouble::PathLoss && self.at.reaches(needed))
    }

    /// The last of these timers decides.
    pub(super) fn ends(timers: Vec<Timer>) -> Self {
        let by = timers.last().cloned();
        let at = by.as_ref().map_or(Span::Forever, |timer| timer.fires);
        let by = by.filter(|_| at != Span::Forever);
        let unknown = BTreeSet::new();
        Self { at, by, gone: Span::Forever, restarts: false, unknown, timers, resumes_within: None }
    }

    /// The same, and the device does not come back from it.
    #[must_use]
    pub(super) fn for_good(self) -> Self {
        Self { gone: self.at, ..self }
    }

    /// Not before then, and a fact is missing to say more.
    pub(super) fn at_least(seconds: u64, fact: impl Into<String>) -> Self {
        Self {
            at: Span::Seconds(seconds),
            by: None,
            gone: Span::Forever,
            restarts: false,
            unknown: set([fact.into()]),
            timers: Vec::new(),
            resumes_within: None,
        }
    }

    /// The same, and the guest comes back by itself.
    #[must_use]
    pub(super) fn restarting(self, restarts: bool) -> Self {
        Self { restarts, ..self }
    }

    /// The same with one more fact missing.
    #[must_use]
    pub(super) fn without(mut self, fact: Option<String>) -> Self {
        self.unknown.extend(fact);
        self
    }

    /// Whichever comes first; all timers are kept.
    #[must_use]
    pub(super) fn or_sooner(self, other: Self) -> Self {
        let (mut first, second) = if other.at < self.at { (other, self) } else { (self, other) };
        // What is unknown of the later one matters too: it may come sooner than known.
        first.unknown.extend(second.unknown);
        first.gone = first.gone.min(second.gone);
        first.keep(second.timers);
        first
    }

    /// Whichever comes last.
    #[must_use]
    pub(super) fn or_later(self, other: Self) -> Self {
        let (mut last, first) = if other.at > self.at { (other, self) } else { (self, other) };
        last.unknown.extend(first.unknown);
        last.gone = last.gone.max(first.gone);
        last.keep(first.timers);
        last
    }

    pub(super) fn keep(&mut self, timers: Vec<Timer>) {
        for timer in timers {
            if !self.timers.contains(&timer) {
                let at = self.timers.partition_point(|other| other.fires <= timer.fires);
                self.timers.insert(at, timer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(at: Span, name: &str) -> Fate {
        let timer = Timer {
            layer: name.to_owned(),
            knob: String::new(),
            value: String::new(),
            fires: at,
            then: String::new(),
        };
        Fate::ends(vec![timer])
    }

    #[test]
    fn the_sooner_decides_and_nothing_is_forgotten() {
        let both = fate(Span::Seconds(30), "a").or_sooner(fate(Span::Seconds(10), "b"));
        assert_eq!((both.at, both.by.unwrap().layer), (Span::Seconds(10), "b".to_owned()));
        assert_eq!(both.timers.len(), 2);
        let both = fate(Span::Forever, "a").or_later(Fate::at_least(5, "x"));
        assert_eq!((both.at, both.by), (Span::Forever, None));
        assert_eq!(both.unknown, BTreeSet::from(["x".to_owned()]));
    }

    #[test]
    fn for_ever_is_longer_than_any_time() {
        assert!(Span::Forever > Span::Seconds(u64::MAX));
        assert_eq!(Span::Seconds(u64::MAX).plus(5), Span::Seconds(u64::MAX));
        assert_eq!(Span::Seconds(5).then(Span::Forever), Span::Forever);
        assert!(Span::Seconds(181).covers(180) && !Span::Seconds(180).covers(180));
    }
}
