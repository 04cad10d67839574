//! What holds without us, before anything is set: a file can hold no condition, so a limit that somebody
//! set better than we would is left alone, and one that nobody could tell is not written over.

use super::IN_FORCE;
use crate::facts::{BootStack, Facts, SETTING, WAITS};
use crate::resolve::wanted::{EVENT_TIMEOUT, On, chain};
use crate::resolve::{Chain, InForce, sysctl};
use crate::tunable::{Assignment, Decision, Target, Want};

/// What becomes of one assignment.
enum Baseline {
    /// It stays.
    Keep,
    /// It is not needed: why.
    Already(String),
    /// It would be a step back, or may be: why nobody can tell.
    Untold(String),
    /// Somebody else has the last word, and with our line another one of his: whose, and what.
    Lost(String),
}

/// Takes out of each decision what the next boot has already without us.
pub(super) fn settle(facts: &Facts, decisions: Vec<Decision>) -> Vec<Decision> {
    decisions.into_iter().flat_map(|decision| one(facts, decision)).collect()
}

fn one(facts: &Facts, decision: Decision) -> Vec<Decision> {
    let Decision::Set { what, mut because } = decision else { return vec![decision] };
    let (mut kept, mut already, mut untold) = (Vec::new(), Vec::new(), Vec::new());
    let (mut lost, mut no_loader) = (Vec::new(), Vec::new());
    for assignment in what {
        match baseline(facts, &assignment) {
            Baseline::Keep => kept.push(assignment),
            Baseline::Already(why) => already.push(why),
            // Where no boot loader is, nothing of ours reaches a command line: a step that is left, no doubt of ours.
            Baseline::Untold(why) if has_no_loader(facts, &assignment.target) => {
                no_loader.push(Decision::CannotTell { fact: "boot.stack".to_owned(), because: why });
            }
            Baseline::Untold(why) => untold.push((assignment.target.knob(), why)),
            Baseline::Lost(why) => lost.push((assignment.target.knob(), why)),
        }
    }
    let said = already.join("; ");
    let mut decisions = Vec::new();
    if kept.is_empty() && untold.is_empty() && lost.is_empty() && no_loader.is_empty() {
        return vec![Decision::Fine { because: format!("already right: {said}") }];
    }
    if !kept.is_empty() {
        if !already.is_empty() {
            because.push_str(&format!("; already right: {said}"));
        }
        decisions.push(Decision::Set { what: kept, because });
    }
    decisions.extend(no_loader);
    decisions.extend(untold.into_iter().map(|(knob, why)| Decision::CannotTell {
        fact: format!("{IN_FORCE}{knob}"),
        because: format!(
            "{knob} is left alone, as what would be in force without us could not be told: {why}"
        ),
    }));
    decisions.extend(lost.into_iter().map(|(knob, why)| Decision::CannotTell {
        fact: format!("{IN_FORCE}{knob}"),
        because: format!("{knob} is left alone: {why}"),
    }));
    decisions
}

fn has_no_loader(facts: &Facts, target: &Target) -> bool {
    let none = matches!(facts.system.boot.stack, BootStack::Unrecognised | BootStack::Unknown);
    none && matches!(target, Target::KernelArg(_))
}

/// Whether it is how long a boot waits, which is never shortened.
fn is_wait(target: &Target) -> bool {
    match target {
        Target::Unit { unit, .. } => WAITS.contains(unit) || SETTING.contains(unit),
        Target::KernelArg(key) => matches!(*key, EVENT_TIMEOUT | "rd.retry"),
        Target::Premount(_) => true,
        _ => false,
    }
}

fn baseline(facts: &Facts, assignment: &Assignment) -> Baseline {
    // A rule looks before it writes, and edited lines are looked at one by one.
    let by_file = matches!(assignment.target, Target::Sysctl(_) | Target::ModuleOption { .. });
    if !by_file && !is_wait(&assignment.target) {
        return Baseline::Keep;
    }
    let without = chain(facts, assignment, On::All, None);
    if matches!(assignment.want, Want::Exactly(_)) {
        let lost = without.in_force().value().and_then(|value| loses(facts, assignment, value));
        return lost.map_or(Baseline::Keep, Baseline::Lost);
    }
    match without.in_force() {
        InForce::Known { value, by } if assignment.met_by(&value) => {
            Baseline::Already(told(&without, by, assignment))
        }
        InForce::Known { value, .. } => {
            loses(facts, assignment, &value).map_or(Baseline::Keep, Baseline::Lost)
        }
        // The script looks before it writes.
        InForce::Unknown { .. } if matches!(assignment.target, Target::Premount(_)) => Baseline::Keep,
        InForce::Unknown { candidates, because } => {
            let better = candidates.iter().any(|value| assignment.met_by(value));
            if better || !without.doubts.is_empty() { Baseline::Untold(because) } else { Baseline::Keep }
        }
    }
}

/// Whether a line of ours would not be the last, and another value than now would come out of it: of equal
/// lines the first place counts, and the last one where another value stands between them.
fn loses(facts: &Facts, assignment: &Assignment, without: &str) -> Option<String> {
    let Target::Sysctl(key) = assignment.target else { return None };
    let ours = assignment.want.value();
    let with = sysctl::planned(facts, key, Some(ours.as_str()));
    let InForce::Known { value, by } = with.in_force() else { return None };
    if assignment.met_by(&value) || value == without {
        return None;
    }
    let who = with.writers.get(by).map_or_else(String::new, |writer| writer.who.name());
    Some(format!("{who} has the last word, and beside a line of ours it would make it {value}"))
}

fn told(chain: &Chain, by: usize, assignment: &Assignment) -> String {
    let knob = assignment.target.knob();
    chain.writers.get(by).map_or_else(String::new, |writer| {
        let value = writer.value.as_deref().unwrap_or_default();
        format!("{knob} is {value} by {}", writer.who.name())
    })
}

#[cfg(test)]
mod tests {
    use super::super::kernel::HUNG_TASK;
    use super::super::memory::{DIRTY, SWAPPINESS};
    use super::super::testing::guest;
    use super::*;
    use crate::facts::{Class, SysctlFile, Unread};
    use crate::formats::sysctl::read::read;
    use crate::policy::Policy;
    use crate::tunable::Tunable;

    fn with(files: &[(&str, &str)]) -> Facts {
        let mut facts = guest("6.1.0-18-amd64", vec![super::super::testing::disk("sda", Class::StorvscScsi)]);
        let file = |(path, text): &(&str, &str)| SysctlFile { path: (*path).to_owned(), lines: read(text) };
        facts.system.writers.sysctl_files.layered = files.iter().map(file).collect();
        facts
    }

    fn decided(tunable: &Tunable, facts: &Facts) -> Vec<String> {
        let show = |a: &Assignment| format!("{}={}", a.target.knob(), a.want.phrase());
        settle(facts, (tunable.decide)(facts, &Policy::default()))
            .iter()
            .map(|decision| match decision {
                Decision::Set { what, .. } => what.iter().map(show).collect::<Vec<_>>().join(" "),
                other => format!("{}: {}", other.kind(), other.because()),
            })
            .collect()
    }

    #[test]
    fn a_better_limit_of_the_administrators_stays() {
        for value in ["600", "0", "0x400", "86400"] {
            let text = format!("kernel.hung_task_timeout_secs = {value}\n");
            let found = decided(&HUNG_TASK, &with(&[("etc/sysctl.d/10-san.conf", &text)]));
            assert_eq!(found, ["kernel.hung_task_warnings=-1"], "{value}");
        }
        let short = with(&[("etc/sysctl.d/10-san.conf", "kernel.hung_task_timeout_secs = 60\n")]);
        assert!(decided(&HUNG_TASK, &short)[0].starts_with("kernel.hung_task_timeout_secs=at least 240"));
    }

    #[test]
    fn what_could_not_be_told_is_not_written_over() {
        let mut facts = with(&[]);
        facts.machine.as_mut().unwrap().swaps = vec![crate::facts::Swap {
            path: "/dev/sda3".to_owned(),
            disk: Some("sda".to_owned()),
            others: Some(Vec::new()),
            priority: None,
        }];
        assert_eq!(decided(&SWAPPINESS, &facts), ["vm.swappiness=at most 10"]);
        let unread = Unread {
            of: "sysctl.d".to_owned(),
            path: "etc/sysctl.d/50-x.conf".to_owned(),
            why: "it is a directory".to_owned(),
        };
        facts.system.writers.unread.push(unread);
        let found = decided(&SWAPPINESS, &facts);
        assert!(found[0].starts_with("unknown: vm.swappiness is left alone"), "{found:?}");
        assert!(found[0].contains("etc/sysctl.d/50-x.conf"), "{found:?}");
    }

    /// An equal value keeps the place of the first line; beside another one of ours the last one counts.
    #[test]
    fn a_line_that_would_lose_and_change_what_wins_is_not_written() {
        let big = "vm.dirty_background_bytes = 5368709120\n";
        let last = format!("vm.dirty_bytes = 10737418240\n{big}");
        let mut facts = with(&[
            ("etc/sysctl.d/00-a.conf", big),
            ("etc/sysctl.d/10-b.conf", "vm.dirty_background_ratio = 1\n"),
            ("etc/sysctl.d/99-z.conf", &last),
        ]);
        facts.machine.as_mut().unwrap().memory = Some(16 << 30);
        let found = decided(&DIRTY, &facts);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("vm.dirty_bytes=") && !found[0].contains("background"), "{found:?}");
        assert!(found[1].starts_with("unknown: vm.dirty_background_bytes is left alone"), "{found:?}");
        assert!(
            found[1].contains("etc/sysctl.d/99-z.conf:2") && found[1].contains("5368709120"),
            "{found:?}"
        );
    }
}
