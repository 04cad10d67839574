//! What a line does, and what comes of it.

use super::device::{Place, Subject};
use super::known::Found;
use super::paths::{UNKNOWN, home, names, relative};
use super::pattern::{Answer, Text};
use super::program::{Wanted, Write, writes};
use super::subst::expand;
use super::value::{self, Read};
use super::walk::{At, Event, Run, Said, Walk};
use super::{GOOD_ENOUGH, Planned, base};
use crate::formats::udev::{Key, Op, Term};
use crate::resolve::{Acts, Moment, Who, Writer, mask};
use crate::tunable::UdevAttr;

impl Walk<'_> {
    /// One term that sets something.
    pub(super) fn act(&mut self, event: &mut Event<'_>, at: At<'_>, term: &Term, sure: &Answer) {
        match term.key {
            Key::SetEnv => self.set_env(event, term, sure),
            Key::SetTag if term.op != Op::Remove => {
                event.tags.insert(term.value.clone(), sure.clone());
            }
            Key::SetAttr => self.set_attr(event, at, term, sure),
            Key::Run => self.list(event, at, term, sure),
            Key::RunBuiltin if term.op != Op::Add => clear(event, sure),
            _ => {}
        }
    }

    fn set_env(&self, event: &mut Event<'_>, term: &Term, sure: &Answer) {
        let before = self.property(event, &term.attr);
        let text = self.expanded(event, &term.value);
        let after = match (term.op, before.only()) {
            (Op::Add, _) if term.value.is_empty() => return,
            (Op::Add, Some(before)) if !before.is_empty() => Text::is(format!("{before} {text}")),
            (Op::Add, None) => Text::Unknown(format!("ENV{{{}}}", term.attr)),
            _ if text.contains(UNKNOWN) => Text::Unknown(format!("ENV{{{}}}", term.attr)),
            _ => Text::is(text),
        };
        let after = if *sure == Answer::Yes { after } else { before.or(after) };
        event.env.insert(term.attr.clone(), after);
    }

    fn set_attr(&mut self, event: &Event<'_>, at: At<'_>, term: &Term, sure: &Answer) {
        let value = self.expanded(event, &term.value);
        for way in super::ways(self.subject, self.attr) {
            let sure = sure.clone().and(names(self.subject, event.place, &term.attr, way));
            if sure == Answer::No {
                continue;
            }
            let because = match event.place {
                Place::Block | Place::ScsiDisk => self.because(at.path),
                place => format!("it acts on the event of {}", place.name()),
            };
            let read = value::read_as(self.attr, way, &value);
            return self.record(at.said(term, Moment::Files, because), read, sure);
        }
        // Another attribute of the disk, which a later line may look at.
        let spot = relative(self.subject, event.place, &term.attr);
        if let Some(spot) = spot.filter(|_| *sure != Answer::No && !term.attr.starts_with('[')) {
            let known = *sure == Answer::Yes && !value.contains(UNKNOWN);
            let open = || Text::Unknown(format!("the attribute {}", term.attr));
            self.state.insert(spot, if known { Text::is(value) } else { open() });
        }
    }

    /// What a command writes of the attribute, by whatever name, as it is then read.
    pub(super) fn written_by(&self, event: &Event<'_>, command: &str) -> Vec<(Read, Answer)> {
        self.writes(command, &|name| self.variable(event, name))
    }

    fn writes(&self, command: &str, variable: &dyn Fn(&str) -> Option<String>) -> Vec<(Read, Answer)> {
        let mut found = Vec::new();
        for way in super::ways(self.subject, self.attr) {
            let read = |write: Write| {
                let read = write.value.map_or(Read::Unknown, |value| value::read_as(self.attr, way, &value));
                (read, write.sure)
            };
            found.extend(writes(command, Wanted::Attr(self.subject, way), variable).into_iter().map(read));
        }
        found
    }

    fn because(&self, path: &str) -> String {
        let Some(planned) = self.ours else {
            return "udev reads files in the order of their names".to_owned();
        };
        let later = base(path) > base(planned.ours.path);
        format!("its file is read {} ours", if later { "after" } else { "before" })
    }

    /// `RUN`: put on the list, which `=` clears and `:=` closes.
    fn list(&self, event: &mut Event<'_>, at: At<'_>, term: &Term, sure: &Answer) {
        let sure = sure.clone().and(event.closed.clone().not());
        if sure == Answer::No {
            return;
        }
        if term.op != Op::Add {
            clear(event, &sure);
        }
        if term.op == Op::Final {
            event.closed = event.closed.clone().or(sure.clone());
        }
        if !self.bearing.may_write(term) {
            return;
        }
        let command = self.expanded(event, &term.value);
        if event.runs.iter().any(|run| run.command == command && run.sure == Answer::Yes) {
            return;
        }
        event.runs.push(Run {
            path: at.path.to_owned(),
            line: at.rule.line,
            command,
            shown: term.value.clone(),
            sure,
        });
    }

    pub(super) fn run(&mut self, event: &Event<'_>, run: &Run) {
        for (read, writes) in self.written_by(event, &run.command) {
            let said = Said {
                path: &run.path,
                line: run.line,
                shown: &run.shown,
                moment: event.moment,
                because: "a program of RUN runs after all rules of its event".to_owned(),
            };
            self.record(said, read, run.sure.clone().and(writes));
        }
    }

    /// A line that does not match this device may match another, and still write here by name.
    pub(super) fn elsewhere(&mut self, event: &Event<'_>, at: At<'_>) {
        if event.place != super::MAIN || event.action != "add" {
            return;
        }
        let why = || Answer::Maybe("it does so on events of other devices".to_owned());
        // A name, or a pattern of names, is what could mean this disk.
        let Subject { name, hctl, .. } = self.subject;
        let named = |text: &str| {
            let address = !hctl.is_empty() && text.contains(hctl.as_str());
            address || text.contains(name.as_str()) || text.contains(['*', '?', '['])
        };
        for term in at.rule.terms.iter().filter(|term| self.bearing.may_write(term)) {
            match term.key {
                Key::SetAttr if term.attr.starts_with('[') => {
                    let value = expand(&term.value, |_, _| None);
                    for way in super::ways(self.subject, self.attr) {
                        let sure = names(self.subject, event.place, &term.attr, way).and(why());
                        let read = value::read_as(self.attr, way, &value);
                        self.record(at.said(term, Moment::Files, self.because(at.path)), read, sure);
                    }
                }
                Key::Run | Key::Program | Key::ImportProgram if named(&term.value) => {
                    let command = expand(&term.value, |letter, _| match letter {
                        'S' => Some("/sys".to_owned()),
                        'r' => Some("/dev".to_owned()),
                        _ => None,
                    });
                    let found = self.writes(&command, &|_| None);
                    for (read, _) in found.into_iter().filter(|(_, sure)| *sure == Answer::Yes) {
                        let because = "a program of a rule for other devices".to_owned();
                        self.record(at.said(term, event.moment, because), read, why());
                    }
                }
                _ => {}
            }
        }
    }

    /// Our own rule: it looks before it writes.
    pub(super) fn write_ours(&mut self, event: &Event<'_>, planned: &Planned<'_>) {
        let before = self.read((0, &event.own), self.attr.path(), &mut event.cache.clone(), false);
        let keeps = planned.keeps(match &before {
            Found::Text(text) => Some(text),
            Found::Absent => None,
        });
        let hidden = mask::hidden(self.facts, "udev/rules.d", planned.ours.path);
        let acts = match (hidden, keeps) {
            // Whether it is read or not, it writes nothing.
            (Some(Acts::Maybe(_)) | None, Answer::Yes) => Acts::No(GOOD_ENOUGH.to_owned()),
            (Some(hidden), _) => hidden,
            (None, Answer::No) => Acts::Yes,
            (None, Answer::Maybe(why)) => Acts::Maybe(why),
        };
        let sure = match &acts {
            Acts::Yes => Answer::Yes,
            Acts::No(_) => Answer::No,
            Acts::Maybe(why) => Answer::Maybe(why.clone()),
        };
        self.keep(planned.ours.value, &sure);
        self.writers.push(Writer {
            who: Who::Ours { path: planned.ours.path.to_owned() },
            value: Some(planned.ours.value.to_owned()),
            shown: planned.ours.value.to_owned(),
            moment: Moment::Files,
            acts,
            because: "udev reads files in the order of their names".to_owned(),
        });
    }

    pub(super) fn record(&mut self, said: Said<'_>, read: Read, sure: Answer) {
        let (value, acts) = match (read, sure) {
            (_, Answer::No) => return,
            (Read::Refused(why), _) => (None, Acts::No(why)),
            (Read::Value(value), Answer::Yes) => (Some(value), Acts::Yes),
            (Read::Value(value), Answer::Maybe(why)) => (Some(value), Acts::Maybe(why)),
            (Read::Unknown, Answer::Yes) => (None, Acts::Yes),
            (Read::Unknown, Answer::Maybe(why)) => (None, Acts::Maybe(why)),
        };
        let known = match &acts {
            Acts::Yes => Answer::Yes,
            Acts::Maybe(why) => Answer::Maybe(why.clone()),
            Acts::No(_) => Answer::No,
        };
        match &value {
            Some(value) => self.keep(value, &known),
            None if known != Answer::No => self.forget(),
            None => {}
        }
        self.writers.push(Writer {
            who: Who::Line { path: said.path.to_owned(), line: said.line },
            value,
            shown: said.shown.to_owned(),
            moment: said.moment,
            acts,
            because: said.because,
        });
    }

    /// The attribute has this value now, or may have.
    fn keep(&mut self, value: &str, sure: &Answer) {
        let Some(home) = home(self.subject, self.attr) else { return };
        self.forget_others(sure);
        let now = self.shown(value);
        match sure {
            Answer::Yes => self.state.insert(home, now),
            Answer::No => None,
            Answer::Maybe(_) => {
                let before = self.state.get(&home).cloned();
                let unknown = || Text::Unknown(self.attr.path().to_owned());
                self.state.insert(home, before.unwrap_or_else(unknown).or(now))
            }
        };
    }

    /// Other names of what was written show something new, too.
    fn forget_others(&mut self, sure: &Answer) {
        for way in super::ways(self.subject, self.attr).into_iter().filter(|way| *way != self.attr) {
            if let Some(home) = home(self.subject, way).filter(|_| *sure != Answer::No) {
                self.state.insert(home, Text::Unknown(way.path().to_owned()));
            }
        }
    }

    fn forget(&mut self) {
        self.forget_others(&Answer::Yes);
        if let Some(home) = home(self.subject, self.attr) {
            self.state.insert(home, Text::Unknown(self.attr.path().to_owned()));
        }
    }

    /// A value as the attribute's file shows it: a scheduler in brackets among those on offer.
    fn shown(&self, value: &str) -> Text {
        if self.attr != UdevAttr::Scheduler {
            return Text::is(value);
        }
        let offered = self.subject.disk.and_then(|disk| disk.limits.schedulers.value());
        match offered.filter(|offered| offered.iter().any(|name| name == value)) {
            Some(offered) if offered.len() > 1 => {
                let word = |name: &String| if name == value { format!("[{name}]") } else { name.clone() };
                Text::is(offered.iter().map(word).collect::<Vec<_>>().join(" "))
            }
            _ => Text::Unknown(self.attr.path().to_owned()),
        }
    }
}

/// What stands on the list of `RUN` goes, or may go.
fn clear(event: &mut Event<'_>, sure: &Answer) {
    match sure {
        Answer::Yes => event.runs.clear(),
        Answer::No => {}
        Answer::Maybe(_) => {
            for run in &mut event.runs {
                let why = "a later RUN= may take it off the list".to_owned();
                run.sure = run.sure.clone().and(Answer::Maybe(why));
            }
        }
    }
}
