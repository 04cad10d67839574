//! What a key will hold with the plan, for tunables that hang on another's value.

use super::baseline;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::resolve::{Chain, InForce, sysctl};
use crate::tunable::{Assignment, Decision, Target, Tunable, Value};

/// What a key holds at the next boot with the line that a tunable gives it, and who gave it.
#[derive(Debug)]
pub(super) struct Next {
    /// Everybody who writes it, we among them.
    pub(super) chain: Chain,
    /// The running kernel's value, where we do not change it.
    pub(super) live: Option<String>,
}

impl Next {
    /// Of a sysctl key, with the decisions of the tunable that holds it.
    pub(super) fn of(facts: &Facts, policy: &Policy, tunable: &Tunable, key: &'static str) -> Self {
        let switched_off = policy.off.contains(tunable.id);
        let decide = || baseline::settle(facts, (tunable.decide)(facts, policy));
        let decisions = if switched_off { Vec::new() } else { decide() };
        let is_key = |assignment: &Assignment| assignment.target == Target::Sysctl(key);
        let ours = decisions.iter().find_map(|decision| match decision {
            Decision::Set { what, .. } => what.iter().find(|assignment| is_key(assignment)),
            _ => None,
        });
        let value = ours.map(|assignment| assignment.want.value());
        let live = facts.machine.as_ref().and_then(|machine| machine.sysctls.get(key)).cloned();
        Self {
            chain: sysctl::planned(facts, key, value.as_ref().map(Value::as_str)),
            live: live.filter(|_| ours.is_none()),
        }
    }

    /// The value, where it is known.
    pub(super) fn value(&self) -> Option<&str> {
        match self.chain.in_force() {
            InForce::Known { by, .. } => self.chain.writers.get(by)?.value.as_deref(),
            InForce::Unknown { .. } => None,
        }
    }

    /// Who gives it; why it is not known, where it is not.
    pub(super) fn by(&self) -> String {
        match self.chain.in_force() {
            InForce::Known { by, .. } => match self.chain.writers.get(by) {
                Some(writer) if writer.is_ours() => "the policy".to_owned(),
                Some(writer) => writer.who.name(),
                None => String::new(),
            },
            InForce::Unknown { because, .. } => because,
        }
    }
}
