//! What holds without us, before anything is set: a file can hold no condition, so a limit that somebody
//! set better than we would is left alone, and one that nobody could tell is not written over.

use super::IN_FORCE;
use crate::facts::Facts;
use crate::resolve::wanted::{On, chain};
use crate::resolve::{Chain, InForce};
use crate::tunable::{Assignment, Decision, Target, Want};

/// What becomes of one assignment.
enum Baseline {
    /// It stays.
    Keep,
    /// It is not needed: why.
    Already(String),
    /// It would be a step back, or may be: why nobody can tell.
    Untold(String),
}

/// Takes out of each decision what the next boot has already without us.
pub(super) fn settle(facts: &Facts, decisions: Vec<Decision>) -> Vec<Decision> {
    decisions.into_iter().flat_map(|decision| one(facts, decision)).collect()
}

fn one(facts: &Facts, decision: Decision) -> Vec<Decision> {
    let Decision::Set { what, mut because } = decision else { return vec![decision] };
    let (mut kept, mut already, mut untold) = (Vec::new(), Vec::new(), Vec::new());
    for assignment in what {
        match baseline(facts, &assignment) {
            Baseline::Keep => kept.push(assignment),
            Baseline::Already(why) => already.push(why),
            Baseline::Untold(why) => untold.push((assignment.target.knob(), why)),
        }
    }
    let said = already.join("; ");
    let mut decisions = Vec::new();
    if kept.is_empty() && untold.is_empty() {
        return vec![Decision::Fine { because: format!("already right: {said}") }];
    }
    if !kept.is_empty() {
        if !already.is_empty() {
            because.push_str(&format!("; already right: {said}"));
        }
        decisions.push(Decision::Set { what: kept, because });
    }
    decisions.extend(untold.into_iter().map(|(knob, why)| Decision::CannotTell {
        fact: format!("{IN_FORCE}{knob}"),
        because: format!(
            "{knob} is left alone, as what would be in force without us could not be told: {why}"
        ),
    }));
    decisions
}

fn baseline(facts: &Facts, assignment: &Assignment) -> Baseline {
    // A rule looks before it writes, and edited lines are looked at one by one.
    let by_file = matches!(assignment.target, Target::Sysctl(_) | Target::ModuleOption { .. });
    if !by_file || matches!(assignment.want, Want::Exactly(_)) {
        return Baseline::Keep;
    }
    let without = chain(facts, assignment, On::All, None);
    match without.in_force() {
        InForce::Known { value, by } if assignment.met_by(&value) => {
            Baseline::Already(told(&without, by, assignment))
        }
        InForce::Known { .. } => Baseline::Keep,
        InForce::Unknown { candidates, because } => {
            let better = candidates.iter().any(|value| assignment.met_by(value));
            if better || !without.doubts.is_empty() { Baseline::Untold(because) } else { Baseline::Keep }
        }
    }
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
    use super::super::memory::SWAPPINESS;
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
}
