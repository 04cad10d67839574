//! A knob's writers in the order in which they act, and what comes out.

/// Who writes a knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The kernel, the driver or the daemon by itself: its built-in value.
    BuiltIn(&'static str),
    /// A line of a file, below the root.
    Line {
        /// The file.
        path: String,
        /// Line number, from 1.
        line: u32,
    },
    /// A program: `waagent`, `tuned profile virtual-guest`; with the file and line that makes it write.
    Program {
        /// Its name, as people know it.
        name: String,
        /// The file, below the root; empty where no file says so.
        path: String,
        /// Line number, from 1; 0 where the file as a whole says so.
        line: u32,
    },
    /// hvtune, by the file at this path.
    Ours {
        /// The file, below the root.
        path: String,
    },
}

impl Who {
    /// The name in JSON and text: `etc/sysctl.d/99-x.conf:3`, `waagent (etc/waagent.conf:7)`, `hvtune`.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(what) => (*what).to_owned(),
            // The file as a whole says so.
            Self::Line { path, line: 0 } => path.clone(),
            Self::Line { path, line } => format!("{path}:{line}"),
            Self::Program { name, path, .. } if path.is_empty() => name.clone(),
            Self::Program { name, path, line: 0 } => format!("{name} ({path})"),
            Self::Program { name, path, line } => format!("{name} ({path}:{line})"),
            Self::Ours { .. } => "hvtune".to_owned(),
        }
    }
}

/// When a writer acts. The order of the variants is the order in time; within one moment the
/// writers stand in their consumer's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before anybody: the built-in value.
    BuiltIn,
    /// When the kernel starts or a module is loaded: arguments and module options.
    Load,
    /// When the knob's own consumer reads its files: systemd-sysctl, udev's rules, systemd, multipathd, iscsid.
    Files,
    /// After the rules of an event: programs of udev's `RUN`.
    AfterRules,
    /// Once, later in the boot: tmpfiles.d, sysfsutils, ufw, rc.local.
    Service,
    /// A daemon that writes when it starts: tuned, saptune.
    Daemon,
    /// A daemon that writes again and again: waagent.
    Always,
}

/// Whether a writer acts on this knob here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acts {
    /// It does.
    Yes,
    /// It may; why that could not be decided.
    Maybe(String),
    /// It does not, though it seems to: masked, replaced, kept out; why.
    No(String),
}

/// Somebody who writes a knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Who.
    pub who: Who,
    /// What it writes, as the consumer reads it; for a program whose value is not known, what it runs.
    pub value: Option<String>,
    /// What stands in the file, where a person should see that instead: `vm.dirty_ratio = 40`.
    pub shown: String,
    /// When.
    pub moment: Moment,
    /// Whether.
    pub acts: Acts,
    /// Why it acts when it does, in one clause, for people.
    pub because: String,
}

impl Writer {
    /// Whether hvtune writes this.
    pub fn is_ours(&self) -> bool {
        matches!(self.who, Who::Ours { .. })
    }

    /// A writer that surely acts is one that may.
    pub(super) fn doubt(&mut self, why: &str) {
        if self.acts == Acts::Yes {
            self.acts = Acts::Maybe(why.to_owned());
        }
    }
}

/// All writers of one knob, on one device where it is a device's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// In the order in which they act.
    pub writers: Vec<Writer>,
    /// What could not be read or understood, and may hide a writer: one sentence each.
    pub doubts: Vec<String>,
}

/// The value that a chain ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InForce {
    /// This one; the index of its writer.
    Known {
        /// The value.
        value: String,
        /// Index into [`Chain::writers`].
        by: usize,
    },
    /// One of several, or nobody knows.
    Unknown {
        /// Why it could not be told.
        because: String,
        /// The values that are possible as far as the writers are known, last to act first.
        candidates: Vec<String>,
    },
}

impl InForce {
    /// The value, where it is known.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }
}

impl Chain {
    /// What comes out with everybody in the chain.
    pub fn in_force(&self) -> InForce {
        self.ending(|_| true)
    }

    /// What comes out without us.
    pub fn without_ours(&self) -> InForce {
        self.ending(|writer| !writer.is_ours())
    }

    /// Everybody but us and the built-in value.
    pub fn others(&self) -> impl Iterator<Item = &Writer> {
        self.writers.iter().filter(|writer| !writer.is_ours() && !matches!(writer.who, Who::BuiltIn(_)))
    }

    fn ending(&self, counts: impl Fn(&Writer) -> bool) -> InForce {
        let mut candidates = Vec::new();
        let mut undecided: Option<&str> = None;
        for (by, writer) in self.writers.iter().enumerate().rev().filter(|(_, writer)| counts(writer)) {
            let why = match &writer.acts {
                Acts::No(_) => continue,
                Acts::Yes => None,
                Acts::Maybe(why) => Some(why.as_str()),
            };
            match (&writer.value, why) {
                (Some(value), None) if undecided.is_none() && self.doubts.is_empty() => {
                    return InForce::Known { value: value.clone(), by };
                }
                (Some(value), _) => candidates.push(value.clone()),
                (None, _) => {}
            }
            undecided = undecided.or(why);
            if writer.value.is_none() {
                undecided = undecided.or(Some("what it writes could not be told"));
            }
            if why.is_none() && writer.value.is_some() {
                break;
            }
        }
        candidates.dedup();
        // However an undecided writer acts, the value is the same.
        if let ([only], true) = (candidates.as_slice(), self.doubts.is_empty() && undecided.is_some())
            && let Some(by) = self.settled(only, &counts)
        {
            return InForce::Known { value: only.clone(), by };
        }
        let because = self.doubts.first().map(String::as_str).or(undecided);
        InForce::Unknown { because: because.unwrap_or("nobody is known to set it").to_owned(), candidates }
    }

    /// The last writer that surely acts, where it writes this value and every one after it does too.
    fn settled(&self, value: &str, counts: impl Fn(&Writer) -> bool) -> Option<usize> {
        let acting = self.writers.iter().enumerate().rev();
        let mut acting = acting.filter(|(_, writer)| counts(writer) && !matches!(writer.acts, Acts::No(_)));
        acting
            .find_map(|(by, writer)| {
                if writer.value.as_deref() != Some(value) {
                    return Some(None);
                }
                (writer.acts == Acts::Yes).then_some(Some(by))
            })
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(value: &str, acts: Acts) -> Writer {
        Writer {
            who: Who::Line { path: format!("etc/{value}"), line: 1 },
            value: Some(value.to_owned()),
            shown: value.to_owned(),
            moment: Moment::Files,
            acts,
            because: String::new(),
        }
    }

    fn maybe() -> Acts {
        Acts::Maybe("its match could not be decided".to_owned())
    }

    fn ends(writers: Vec<Writer>) -> InForce {
        Chain { writers, doubts: Vec::new() }.in_force()
    }

    #[test]
    fn the_last_that_surely_acts_decides() {
        let known = |value: &str, by| InForce::Known { value: value.to_owned(), by };
        assert_eq!(ends(vec![writer("1", Acts::Yes), writer("2", Acts::Yes)]), known("2", 1));
        assert_eq!(ends(vec![writer("1", Acts::Yes), writer("2", Acts::No("masked".into()))]), known("1", 0));
        assert_eq!(ends(vec![writer("1", Acts::Yes), writer("1", maybe())]), known("1", 0));
        let InForce::Unknown { candidates, because } =
            ends(vec![writer("1", Acts::Yes), writer("2", maybe())])
        else {
            panic!("an undecided writer leaves no sure value")
        };
        assert_eq!(
            (candidates, because.as_str()),
            (vec!["2".into(), "1".into()], "its match could not be decided")
        );
    }

    #[test]
    fn a_doubt_leaves_no_sure_value() {
        let chain = Chain {
            writers: vec![writer("1", Acts::Yes)],
            doubts: vec!["etc/sysctl.d/99-x.conf could not be read".to_owned()],
        };
        assert!(matches!(chain.in_force(), InForce::Unknown { .. }));
        assert!(matches!(ends(Vec::new()), InForce::Unknown { candidates, .. } if candidates.is_empty()));
    }

    #[test]
    fn without_us_the_others_decide() {
        let ours = Writer { who: Who::Ours { path: String::new() }, ..writer("9", Acts::Yes) };
        let chain = Chain { writers: vec![writer("1", Acts::Yes), ours], doubts: Vec::new() };
        assert_eq!(chain.in_force().value(), Some("9"));
        assert_eq!(chain.without_ours().value(), Some("1"));
        assert_eq!(chain.others().count(), 1);
    }
}
