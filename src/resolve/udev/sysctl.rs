//! Rules that write sysctl keys, whatever device they are for.

use super::paths::UNKNOWN;
use super::pattern::Answer;
use super::program::{Wanted, is_key, writes};
use super::subst::expand;
use crate::facts::Facts;
use crate::formats::udev::Key;
use crate::resolve::{Acts, Moment, Who, Writer};

/// Rules that write a key of `/proc/sys` by `SYSCTL{…}=` or a program, in the order in which udev reads
/// them. On which device's event they act, and whether there is such a device, is not looked at:
/// each is open, and acts when devices come, at boot and later.
pub fn sysctl_writers(facts: &Facts, key: &str) -> Vec<Writer> {
    let mut found = Vec::new();
    for file in &facts.system.writers.rule_files {
        for rule in &file.rules.rules {
            for term in &rule.terms {
                let value = expand(&term.value, |_, _| None);
                let written = match term.key {
                    Key::SetSysctl if is_key(&term.attr, key) == Answer::Yes => vec![(value, Moment::Files)],
                    Key::Run | Key::Program | Key::ImportProgram => {
                        let moment = if term.key == Key::Run { Moment::AfterRules } else { Moment::Files };
                        let all = writes(&value, Wanted::Sysctl(key), &|_| None).into_iter();
                        all.map(|write| (write.value.unwrap_or(UNKNOWN.to_string()), moment)).collect()
                    }
                    _ => Vec::new(),
                };
                found.extend(written.into_iter().map(|(value, moment)| Writer {
                    who: Who::Line { path: file.path.clone(), line: rule.line },
                    value: Some(value).filter(|value| !value.contains(UNKNOWN)),
                    shown: term.value.clone(),
                    moment,
                    acts: Acts::Maybe("it acts on events of a device that may come or not".to_owned()),
                    because: "udev's rules act whenever their device comes".to_owned(),
                }));
            }
        }
    }
    found
}
