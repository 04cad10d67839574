//! Going through the rules for one event, as udev does: line by line, term by term.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::bearing::Bearing;
use super::device::{Place, Subject};
use super::known::Found;
use super::parents::{Node, nodes, own};
use super::pattern::{Answer, Text};
use super::{Planned, base};
use crate::facts::{Facts, RuleFile};
use crate::formats::udev::{Key, Rule, Term};
use crate::order::Named;
use crate::resolve::{Moment, Writer};
use crate::tunable::UdevAttr;

/// What is asked of the rules, and what they have done so far: it lasts from event to event.
#[derive(Debug, Clone)]
pub(super) struct Walk<'a> {
    pub(super) facts: &'a Facts,
    pub(super) subject: &'a Subject<'a>,
    pub(super) attr: UdevAttr,
    pub(super) ours: Option<&'a Planned<'a>>,
    /// Which lines bear on the attribute.
    pub(super) bearing: &'a Bearing<'a>,
    /// Whether something was written on an event of the SCSI device.
    pub(super) writers_of_scsi: bool,
    /// The devices met so far, each with those above it.
    pub(super) met: BTreeMap<Place, Rc<[Node]>>,
    /// Attributes as rules left them, by spot.
    pub(super) state: Named<Text>,
    /// Who wrote the attribute, in order.
    pub(super) writers: Vec<Writer>,
}

/// What udev has read in an event, by device and name, and whether it surely has.
pub(super) type Cache = BTreeMap<(usize, String), (Found, bool)>;

/// One event.
pub(super) struct Event<'a> {
    pub(super) place: Place,
    pub(super) action: &'a str,
    /// The device.
    pub(super) own: Node,
    /// The device and those above it, once a line has looked at parents.
    pub(super) nodes: Option<Rc<[Node]>>,
    pub(super) cache: Cache,
    pub(super) env: Named<Text>,
    pub(super) tags: Named<Answer>,
    /// Which of the nodes the last line that looked at parents stopped at.
    pub(super) parent: Option<usize>,
    pub(super) runs: Vec<Run>,
    /// Whether `RUN:=` has closed the list.
    pub(super) closed: Answer,
    /// What the programs are counted as.
    pub(super) moment: Moment,
}

/// A command that runs after the rules.
pub(super) struct Run {
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) command: String,
    pub(super) shown: String,
    pub(super) sure: Answer,
}

/// Where a line stands.
#[derive(Clone, Copy)]
pub(super) struct At<'f> {
    pub(super) path: &'f str,
    pub(super) rule: &'f Rule,
}

/// What is told of a write.
pub(super) struct Said<'s> {
    pub(super) path: &'s str,
    pub(super) line: u32,
    pub(super) shown: &'s str,
    pub(super) moment: Moment,
    pub(super) because: String,
}

impl<'f> At<'f> {
    /// What is told of one of its terms.
    pub(super) fn said<'s>(self, term: &'s Term, moment: Moment, because: String) -> Said<'s>
    where
        'f: 's,
    {
        Said { path: self.path, line: self.rule.line, shown: &term.value, moment, because }
    }
}

impl<'a> Walk<'a> {
    /// Before the first event.
    pub(super) fn new(
        facts: &'a Facts,
        subject: &'a Subject<'a>,
        bearing: &'a Bearing<'a>,
        (attr, ours): (UdevAttr, Option<&'a Planned<'a>>),
    ) -> Self {
        let (met, state) = (BTreeMap::new(), Named::new());
        Self { facts, subject, attr, ours, bearing, writers_of_scsi: false, met, state, writers: Vec::new() }
    }

    /// Goes through all files for one event of one device.
    pub(super) fn event(&mut self, files: &[RuleFile], place: Place, action: &str, moment: Moment) {
        let mut event = Event {
            place,
            action,
            own: own(self.subject, place),
            nodes: None,
            cache: Cache::new(),
            env: Named::new(),
            tags: Named::new(),
            parent: None,
            runs: Vec::new(),
            closed: Answer::No,
            moment,
        };
        let mut ours = self.ours.filter(|_| place == super::MAIN && super::ours_acts(self.attr, action));
        for file in files {
            if let Some(planned) = ours.filter(|planned| base(&file.path) >= base(planned.ours.path)) {
                ours = None;
                self.write_ours(&event, planned);
            }
            self.file(&mut event, file);
        }
        if let Some(planned) = ours {
            self.write_ours(&event, planned);
        }
        for run in std::mem::take(&mut event.runs) {
            self.run(&event, &run);
        }
    }

    /// The device of an event and those above it.
    pub(super) fn nodes(&mut self, place: Place) -> Rc<[Node]> {
        Rc::clone(self.met.entry(place).or_insert_with(|| nodes(self.subject, place).into()))
    }

    fn file(&mut self, event: &mut Event<'_>, file: &RuleFile) {
        // Until which line it is open whether lines are reached, and why.
        let mut open: Option<(usize, String)> = None;
        let cut = file.rules.cut.map(|line| {
            format!(
                "line {line} is longer than udev's buffer, and its versions keep more or less of the file"
            )
        });
        let mut next = 0;
        while let Some(rule) = file.rules.rules.get(next) {
            let at = At { path: &file.path, rule };
            if !self.bearing.counts(rule) {
                next += 1;
                continue;
            }
            let mut reached = match &open {
                Some((until, why)) if next < *until => Answer::Maybe(why.clone()),
                _ => Answer::Yes,
            };
            for why in rule.since.map(str::to_owned).into_iter().chain(cut.clone()) {
                reached = reached.and(Answer::Maybe(why));
            }
            let matched = self.line(event, at, reached);
            next += 1;
            if let Some(target) = rule.goto {
                match matched {
                    Answer::Yes => {
                        for rule in file.rules.rules.get(next..target).unwrap_or_default() {
                            self.elsewhere(event, At { path: &file.path, rule });
                        }
                        next = target;
                    }
                    Answer::Maybe(_) => {
                        let until = open.map_or(target, |(until, _)| until.max(target));
                        let why = format!("line {} may jump over it", rule.line);
                        open = Some((until, why));
                    }
                    Answer::No => {}
                }
            }
        }
    }

    /// Goes through one line; whether all of it matched.
    fn line(&mut self, event: &mut Event<'_>, at: At<'_>, reached: Answer) -> Answer {
        let mut sure = reached;
        let mut parents_done = false;
        for term in &at.rule.terms {
            if term.key.is_of_parents() {
                if !parents_done {
                    parents_done = true;
                    let found = self.parents(event, at.rule, &sure);
                    sure = sure.and(found);
                }
            } else if term.key < Key::Other {
                let found = self.test(event, at, term, &sure);
                sure = sure.and(found);
            } else {
                self.act(event, at, term, &sure);
            }
            if sure == Answer::No {
                self.elsewhere(event, at);
                return sure;
            }
        }
        sure
    }
}
