//! Which lines bear on an attribute at all: a machine has thousands of disks, and most lines of most
//! files say nothing of it.

use std::collections::BTreeSet;

use super::pattern::matches;
use crate::facts::RuleFile;
use crate::formats::udev::{Key, Op, Rule, Term};
use crate::tunable::UdevAttr;

/// What of some files bears on an attribute.
#[derive(Debug, Clone)]
pub(super) struct Bearing<'a> {
    attr: UdevAttr,
    /// The end of every name under which it is written.
    name: &'static str,
    /// Attributes that some line looks at.
    tested: BTreeSet<String>,
    /// Whether some line may write it.
    pub(super) writes: bool,
    /// Whether some line may write it from an event of another device of the same disk.
    pub(super) climbs: bool,
    /// Whether lines that bear on it tell events apart, by action.
    actions: Vec<&'a Term>,
}

impl<'a> Bearing<'a> {
    pub(super) fn new(files: &'a [RuleFile], attr: UdevAttr) -> Self {
        let name = match attr.path().rsplit('/').next().unwrap_or_default() {
            // The other name of a SCSI disk's timer.
            "io_timeout" => "timeout",
            name => name,
        };
        let (tested, actions) = (BTreeSet::new(), Vec::new());
        let mut found = Self { attr, name, tested, writes: false, climbs: false, actions };
        for term in files.iter().flat_map(|file| &file.rules.rules).flat_map(|rule| &rule.terms) {
            match term.key {
                Key::Attr | Key::Attrs => {
                    found.tested.insert(term.attr.clone());
                }
                Key::Action => found.actions.push(term),
                _ if found.may_write(term) => {
                    found.writes = true;
                    found.climbs |= term.key != Key::SetAttr || term.attr.contains("../");
                }
                _ => {}
            }
        }
        found
    }

    /// Whether a term may write the attribute, by its words alone.
    pub(super) fn may_write(&self, term: &Term) -> bool {
        match term.key {
            Key::SetAttr => term.attr.ends_with(self.name),
            Key::Run | Key::Program | Key::ImportProgram => {
                let tool = || ["blockdev", "hdparm"].iter().any(|tool| term.value.contains(tool));
                term.value.contains(self.name) || (self.attr == UdevAttr::ReadAheadKb && tool())
            }
            _ => false,
        }
    }

    /// Whether a line must be gone through: it writes, jumps, or leaves something to later lines.
    pub(super) fn counts(&self, rule: &Rule) -> bool {
        rule.goto.is_some()
            || rule.terms.iter().any(|term| match term.key {
                Key::SetEnv | Key::SetTag => true,
                Key::SetAttr => self.may_write(term) || self.tested.contains(&term.attr),
                // What is read once is kept for the event.
                Key::Attr | Key::Attrs => term.attr.ends_with(self.name),
                Key::Run | Key::RunBuiltin => term.op != Op::Add || self.may_write(term),
                _ => self.may_write(term),
            })
    }

    /// Whether some line acts on one kind of event and not on the other.
    pub(super) fn tells_apart(&self, one: &str, other: &str) -> bool {
        self.actions.iter().any(|term| {
            matches(&term.value, term.any_case, one) != matches(&term.value, term.any_case, other)
        })
    }

    /// Whether some line looks at the attribute.
    pub(super) fn is_tested(&self) -> bool {
        self.tested.iter().any(|attr| attr.ends_with(self.name))
    }
}
