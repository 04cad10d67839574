//! The kernel's own watchdogs and its panic.

use super::not_here;
use crate::facts::Facts;
use crate::policy::{Policy, Recovery};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Value, Want};

/// Seconds after which a panicked kernel restarts, where it is to heal itself.
pub(super) const PANIC_SECONDS: i64 = 10;

/// `kernel.hung_task`
pub static HUNG_TASK: Tunable = Tunable {
    id: "kernel.hung_task",
    title: "Hung-task warnings begin after the stall budget and do not run out",
    why: "Every stall beyond 120 s makes the kernel print traces of tasks that merely wait for the disk, ten in \
          all, and then it is silent for good: the one hang that matters goes unreported. With \
          kernel.hung_task_panic a survivable stall even becomes a restart.",
    sources: &[
        Source {
            title: "Linux Documentation/admin-guide/sysctl/kernel.rst, hung_task_timeout_secs",
            url: "https://docs.kernel.org/admin-guide/sysctl/kernel.html#hung-task-timeout-secs",
        },
        Source {
            title: "Linux 6.12 kernel/hung_task.c",
            url: "https://github.com/torvalds/linux/blob/v6.12/kernel/hung_task.c",
        },
    ],
    knobs: &[
        Knob { name: "kernel.hung_task_timeout_secs", accepts: Accepts::Integer { min: 0, max: 2_147_483 } },
        Knob { name: "kernel.hung_task_warnings", accepts: Accepts::Integer { min: -1, max: 2_147_483_647 } },
    ],
    decide: hung_task,
};

fn hung_task(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let looked =
        facts.machine.as_ref().filter(|machine| !machine.is_assumed() && !machine.sysctls.is_empty());
    if looked.is_some_and(|machine| !machine.sysctls.contains_key("kernel.hung_task_timeout_secs")) {
        return vec![not_here("this kernel has no hung-task detector")];
    }
    // A minute beyond the budget, in whole minutes.
    let seconds = (policy.stall + 60).div_ceil(60) * 60;
    let sysctl = |key, pin: &str, otherwise: Want| {
        let want = policy.pin(pin).map_or(otherwise, |pin| Want::Exactly(pin.value.clone()));
        Assignment::new(Target::Sysctl(key), want)
    };
    vec![Decision::Set {
        what: vec![
            sysctl("kernel.hung_task_timeout_secs", "kernel.hung_task_timeout_secs", Want::AtLeast(seconds)),
            sysctl(
                "kernel.hung_task_warnings",
                "kernel.hung_task_warnings",
                Want::Exactly(Value::number(-1)),
            ),
        ],
        because: format!(
            "a stall of {} s is within the budget and no hang; without end, so that a real one is seen",
            policy.stall
        ),
    }]
}

/// `kernel.panic`
pub static PANIC: Tunable = Tunable {
    id: "kernel.panic",
    title: "A kernel that panicked restarts by itself",
    why: "With recovery = \"self-heal\" a guest that did fail is to come back without a hand at the console. \
          The default 0 leaves a panicked guest standing for ever. On Hyper-V the panic path may first wait \
          up to 100 s for the host.",
    sources: &[Source {
        title: "Linux Documentation/admin-guide/sysctl/kernel.rst, panic",
        url: "https://docs.kernel.org/admin-guide/sysctl/kernel.html#panic",
    }],
    knobs: &[Knob { name: "kernel.panic", accepts: Accepts::Integer { min: -1, max: 86_400 } }],
    decide: panic,
};

fn panic(_: &Facts, policy: &Policy) -> Vec<Decision> {
    let set = |value, because: &str| {
        let what = vec![Assignment::new(Target::Sysctl("kernel.panic"), Want::Exactly(value))];
        vec![Decision::Set { what, because: because.to_owned() }]
    };
    match (policy.pin("kernel.panic"), policy.recovery) {
        (Some(pin), _) => set(pin.value.clone(), "pinned by the policy"),
        (None, Recovery::SelfHeal) => set(Value::number(PANIC_SECONDS), "recovery = \"self-heal\""),
        (None, _) => vec![not_here("only with recovery = \"self-heal\"")],
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, guest};
    use super::*;

    #[test]
    fn the_detector_waits_a_minute_longer_than_the_budget() {
        let mut facts = guest("6.1.0-18-amd64", Vec::new());
        for (stall, seconds) in [(180, 240), (300, 360), (200, 300), (30, 120)] {
            let policy = Policy { stall, ..Policy::default() };
            let want = format!(
                "sysctl kernel.hung_task_timeout_secs=at least {seconds}, sysctl kernel.hung_task_warnings=-1"
            );
            assert_eq!(ask(&HUNG_TASK, &facts, &policy), [want], "{stall} s");
        }
        let sysctls = [("vm.swappiness".to_owned(), "60".to_owned())].into();
        facts.machine.as_mut().unwrap().sysctls = sysctls;
        assert_eq!(ask(&HUNG_TASK, &facts, &Policy::default()), ["not-applicable"]);
    }

    #[test]
    fn a_panic_restarts_only_where_the_guest_is_to_heal_itself() {
        let facts = guest("6.1.0-18-amd64", Vec::new());
        let heal = Policy { recovery: Recovery::SelfHeal, ..Policy::default() };
        assert_eq!(ask(&PANIC, &facts, &heal), ["sysctl kernel.panic=10"]);
        assert_eq!(ask(&PANIC, &facts, &Policy::default()), ["not-applicable"]);
    }
}
