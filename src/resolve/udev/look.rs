//! What a line looks at.

use std::fmt::Display;
use std::rc::Rc;

use super::device::Place;
use super::known::{self, Found};
use super::parents::{Kind, Node};
use super::paths::relative;
use super::pattern::{Answer, Form, Text, judge, matches};
use super::subst::expand;
use super::walk::{At, Cache, Event, Walk};
use crate::facts::Facts;
use crate::formats::udev::{Key, Op, Rule, Term};
use crate::resolve::Moment;

impl Walk<'_> {
    /// All terms on parents, at one and the same device.
    pub(super) fn parents(&mut self, event: &mut Event<'_>, rule: &Rule, sure: &Answer) -> Answer {
        let nodes = self.nodes(event.place);
        event.nodes = Some(Rc::clone(&nodes));
        let Event { cache, parent, .. } = event;
        let mut answer = Answer::No;
        *parent = None;
        for (at, node) in nodes.iter().enumerate() {
            let terms = rule.terms.iter().filter(|term| term.key.is_of_parents());
            let mut all = Answer::Yes;
            for term in terms {
                let reached = *sure == Answer::Yes && all == Answer::Yes && answer == Answer::No;
                let found = self.parent((at, node), term, cache, reached);
                all = all.and(found);
                if all == Answer::No {
                    break;
                }
            }
            if all == Answer::Yes && answer == Answer::No {
                *parent = Some(at);
            }
            answer = answer.or(all);
            if answer == Answer::Yes {
                break;
            }
        }
        answer
    }

    fn parent(&self, node: (usize, &Node), term: &Term, cache: &mut Cache, reached: bool) -> Answer {
        match term.key {
            Key::Kernels => compare(term, &node.1.kernel, &"KERNELS"),
            Key::Subsystems => compare(term, &node.1.subsystem, &"SUBSYSTEMS"),
            Key::Drivers => compare(term, &node.1.driver, &"DRIVERS"),
            Key::Attrs => self.attribute(node, term, "ATTRS", cache, reached),
            _ => Answer::Maybe("TAGS are not known".to_owned()),
        }
    }

    fn attribute(
        &self,
        node: (usize, &Node),
        term: &Term,
        key: &str,
        cache: &mut Cache,
        reached: bool,
    ) -> Answer {
        let name = term.attr.as_str();
        if name.contains(['$', '%', '[']) {
            return Answer::Maybe(format!("{key}{{{name}}} is not known"));
        }
        let Found::Text(text) = self.read(node, name, cache, reached) else { return Answer::No };
        // Blanks at the end count only where the pattern's first alternative ends in one.
        let first = term.value.split('|').find(|one| !one.is_empty()).unwrap_or_default();
        let blank = |c: char| c.is_ascii_whitespace();
        let text = if first.is_empty() || first.ends_with(blank) { text } else { trimmed(text) };
        compare(term, &text, &format_args!("{key}{{{name}}}"))
    }

    /// Reads an attribute once an event: udev keeps what it has read, whatever is written later
    /// (`sd_device_get_sysattr_value`,
    /// <https://github.com/systemd/systemd/blob/v257/src/libsystemd/sd-device/sd-device.c>).
    pub(super) fn read(&self, node: (usize, &Node), name: &str, cache: &mut Cache, reached: bool) -> Found {
        let key = (node.0, name.to_owned());
        let before = cache.get(&key).cloned();
        if let Some((found, true)) = before {
            return found;
        }
        let now = match node.1.kind {
            Kind::Own(place) => self.own_attribute(place, node.1, name),
            _ => known::attribute(self.subject, node.1, name),
        };
        let found = match (before, now) {
            (Some((Found::Text(before), _)), Found::Text(now)) if before != now => {
                Found::Text(before.or(now))
            }
            (_, now) => now,
        };
        cache.insert(key, (found.clone(), reached));
        found
    }

    /// An attribute of one of the disk's own devices, by whatever path.
    fn own_attribute(&self, place: Place, node: &Node, name: &str) -> Found {
        let Some(spot) = relative(self.subject, place, name) else {
            return Found::Text(Text::Unknown(format!("the attribute {name}")));
        };
        if let Some(text) = self.state.get(&spot) {
            return Found::Text(text.clone());
        }
        let block = format!("block/{}/", self.subject.name);
        let (place, name) = match spot.strip_prefix(&block) {
            Some(name) if place != Place::Partition => (Place::Block, name),
            None if self.subject.is_scsi() && !spot.contains('/') => (Place::Scsi, spot.as_str()),
            _ => (place, name),
        };
        let node = Node { kind: Kind::Own(place), ..node.clone() };
        known::attribute(self.subject, &node, name)
    }

    /// One term that tests the event's device or runs something to test it.
    pub(super) fn test(&mut self, event: &mut Event<'_>, at: At<'_>, term: &Term, sure: &Answer) -> Answer {
        let own = &event.own;
        match term.key {
            Key::Action => {
                Answer::from(matches(&term.value, term.any_case, event.action) == (term.op == Op::Is))
            }
            Key::Devpath => compare(term, &self.property(event, "DEVPATH"), &"DEVPATH"),
            Key::Kernel => compare(term, &own.kernel, &"KERNEL"),
            Key::Subsystem => compare(term, &own.subsystem, &"SUBSYSTEM"),
            Key::Driver => compare(term, &own.driver, &"DRIVER"),
            Key::Name => compare(term, &Text::is(""), &"NAME"),
            Key::Env => {
                compare(term, &self.property(event, &term.attr), &format_args!("ENV{{{}}}", term.attr))
            }
            Key::Const => compare(term, &known::constant(self.facts, &term.attr), &"CONST"),
            Key::Tag => match event.tags.get(&term.value) {
                Some(Answer::Yes) => Answer::from(term.op == Op::Is),
                _ => Answer::Maybe(format!("the tag {} is not known", term.value)),
            },
            Key::Attr => self.attribute((0, own), term, "ATTR", &mut event.cache, *sure == Answer::Yes),
            Key::Test => self.exists(event, term),
            Key::Program | Key::ImportProgram => self.program(event, at, term, sure),
            Key::ImportParent if self.nodes(event.place).len() > 1 => Answer::from(term.op == Op::Is),
            Key::ImportBuiltin | Key::ImportDb | Key::ImportCmdline | Key::ImportFile | Key::ImportParent => {
                Answer::Maybe(format!("IMPORT{{{}}} may find something, or not", term.attr))
            }
            Key::Symlink => Answer::Maybe("SYMLINK is not known".to_owned()),
            Key::Sysctl => Answer::Maybe(format!("SYSCTL{{{}}} is not known", term.attr)),
            _ => Answer::Maybe("RESULT is not known".to_owned()),
        }
    }

    /// A program that runs while the line is gone through.
    fn program(&mut self, event: &Event<'_>, at: At<'_>, term: &Term, sure: &Answer) -> Answer {
        let command = self.expanded(event, &term.value);
        let found = if self.bearing.may_write(term) { self.written_by(event, &command) } else { Vec::new() };
        for (read, writes) in found {
            let because = "the rule runs it while udev goes through the line".to_owned();
            self.record(at.said(term, Moment::Files, because), read, sure.clone().and(writes));
        }
        let program = command.split_ascii_whitespace().next().unwrap_or_default();
        match program.rsplit('/').next() {
            Some("true") => Answer::from(term.op == Op::Is),
            Some("false") => Answer::from(term.op == Op::IsNot),
            _ => Answer::Maybe(format!("it depends on what {program} ends with")),
        }
    }

    /// `TEST`: whether a file is there.
    fn exists(&self, event: &Event<'_>, term: &Term) -> Answer {
        let path = self.expanded(event, &term.value);
        let open = || Answer::Maybe(format!("whether {} is there is not known", term.value));
        let there = match path.as_str() {
            _ if !term.attr.is_empty() => open(),
            "/sys/bus/vmbus" | "/sys/bus/vmbus/" => {
                let vmbus = self.subject.class.is_storvsc();
                if vmbus || compare_const(self.facts) { Answer::Yes } else { open() }
            }
            path if path.starts_with('/') || path.starts_with('[') => open(),
            path => match relative(self.subject, event.place, path) {
                Some(spot) if self.state.contains_key(&spot) => Answer::Yes,
                Some(spot) if spot == format!("block/{}/queue", self.subject.name) => Answer::Yes,
                _ => open(),
            },
        };
        if term.op == Op::IsNot { there.not() } else { there }
    }

    pub(super) fn property(&self, event: &Event<'_>, name: &str) -> Text {
        let set = event.env.get(name).cloned();
        set.unwrap_or_else(|| known::property(self.subject, event.place, event.action, name))
    }

    /// A property as a program finds it in its environment.
    pub(super) fn variable(&self, event: &Event<'_>, name: &str) -> Option<String> {
        if name == "DEVPATH" {
            return Some(self.subject.devpath(event.place));
        }
        if name == "DEVNAME" && event.place == Place::Block {
            return Some(format!("/dev/{}", self.subject.name));
        }
        self.property(event, name).only().map(str::to_owned)
    }

    pub(super) fn expanded(&self, event: &Event<'_>, text: &str) -> String {
        let own = self.subject.sysname(event.place);
        let of_parent = |of: fn(&Node) -> &Text| {
            event
                .parent
                .and_then(|at| event.nodes.as_ref()?.get(at))
                .and_then(|node| of(node).only().map(str::to_owned))
        };
        expand(text, |letter, attr| match letter {
            'k' | 'D' => Some(own.to_owned()),
            'p' => Some(self.subject.devpath(event.place)),
            'N' if event.place == Place::Block => Some(format!("/dev/{own}")),
            'S' => Some("/sys".to_owned()),
            'r' => Some("/dev".to_owned()),
            'n' => self.subject.disk.filter(|_| event.place == Place::Block).map(|disk| {
                let stem = disk.name.trim_end_matches(|c: char| c.is_ascii_digit());
                disk.name.get(stem.len()..).unwrap_or_default().to_owned()
            }),
            'b' => of_parent(|node| &node.kernel),
            'd' => of_parent(|node| &node.driver),
            'E' => self.variable(event, attr),
            's' => match self.read((0, &event.own), attr, &mut event.cache.clone(), false) {
                Found::Text(text) => trimmed(text).only().map(str::to_owned),
                Found::Absent => None,
            },
            _ => None,
        })
    }
}

fn compare_const(facts: &Facts) -> bool {
    known::constant(facts, "virt").only() == Some("microsoft")
}

fn compare(term: &Term, text: &Text, name: &dyn Display) -> Answer {
    let answer = judge(&term.value, term.any_case, text, name);
    if term.op == Op::IsNot { answer.not() } else { answer }
}

fn trimmed(text: Text) -> Text {
    match text {
        Text::Among(forms) => Text::Among(
            forms
                .into_iter()
                .map(|form| match form {
                    Form::Is(text) => Form::Is(text.trim_ascii_end().to_owned()),
                    like @ Form::Like(_) => like,
                })
                .collect(),
        ),
        unknown @ Text::Unknown(_) => unknown,
    }
}
