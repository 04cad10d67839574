//! What the clocks of a log do: how late its lines were read, and where the wall clock was set.

use super::case::Case;
use super::event::{Event, Log};
use super::stamp::{Moment, SECOND, Wall};
use super::table::Id;

/// A reader of the kernel's log that is later than this waited for something.
const LATE: i64 = 2 * SECOND;

/// The clocks of a log.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Events that were read late: boot, line, by how much.
    late: Vec<(u32, u64, i64)>,
    /// The least difference of stamp and uptime of each boot, with a stamp of its form.
    offsets: Vec<(u32, i64, Wall)>,
    steps: usize,
    sleeps: usize,
}

impl Clock {
    pub(super) fn new(log: &Log) -> Self {
        let mut clock = Self::default();
        // From the end: what is read late is so against a later line, else the clock was set.
        for event in log.events.iter().rev() {
            clock.steps += usize::from(event.is(&[Id::ClockStep, Id::ClockSystemd]));
            clock.sleeps += usize::from(event.id == Id::Suspend);
            for at in [&event.last, &event.at] {
                clock.look(event, at);
            }
        }
        clock
    }

    fn look(&mut self, event: &Event, at: &Moment) {
        let (Some(wall), Some(up)) = (&at.wall, at.up) else { return };
        let difference = wall.local() - up;
        match self.offsets.iter_mut().find(|(boot, ..)| *boot == event.boot) {
            None => self.offsets.push((event.boot, difference, wall.clone())),
            Some((_, least, _)) if difference - *least > LATE => {
                self.late.push((event.boot, event.line, difference - *least));
            }
            Some((_, least, _)) => *least = difference.min(*least),
        }
    }

    /// Whether lines of a case were read late.
    pub(super) fn is_late(&self, case: &Case<'_>) -> bool {
        let (first, last) = case.lines();
        let stepped = self.steps > 0;
        !stepped
            && self.late.iter().any(|(boot, line, _)| *boot == case.boot && (first..=last).contains(line))
    }

    /// The time of day of an uptime.
    pub(super) fn time_of_day(&self, boot: u32, up: i64) -> Option<String> {
        let (_, least, wall) = self.offsets.iter().find(|(of, ..)| *of == boot)?;
        // Stamps are cut to the second: half of one is what they lack on average.
        Some(wall.later(least + up - wall.local() + SECOND / 2).time_of_day())
    }

    /// What is to be said of it.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let most = self.late.iter().map(|(.., by)| *by / SECOND).max();
        if let Some(by) = most.filter(|_| self.steps == 0) {
            notes.push(format!(
                "lines were read up to {by} s late, so the uptime counts and not their stamps"
            ));
        }
        if self.steps > 0 {
            notes.push("the clock was set: a jump of the stamps there is no gap".to_owned());
        }
        if self.sleeps > 0 {
            notes.push("the machine slept in between".to_owned());
        }
        notes
    }
}
