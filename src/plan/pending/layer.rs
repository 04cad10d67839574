//! What a layer cannot hold: settings whose files lie below `/etc`.

use super::{Pending, Plan, Step};
use crate::facts::Facts;
use crate::render::home;
use crate::tunable::Target;

/// The settings that no file of the layer carries; kernel arguments are a step of their own.
pub(super) fn step(facts: &Facts, plan: &Plan) -> Option<Pending> {
    if !facts.system.layer {
        return None;
    }
    let mut left: Vec<String> = Vec::new();
    for (verdict, assignment, _) in plan.settings() {
        let arguments = matches!(
            assignment.target,
            Target::KernelArg(_) | Target::DropKernelArg(_) | Target::ModuleOption { .. }
        );
        if arguments || home(facts, &assignment.target).is_some() {
            continue;
        }
        let said = format!("{} ({})", verdict.tunable.id, assignment.place());
        if !left.contains(&said) {
            left.push(said);
        }
    }
    let left = (!left.is_empty()).then(|| left.join(", "))?;
    let because = format!(
        "{left}: files of others, or below /etc, which a layer does not touch; hvtune.service writes them at each \
         boot, where the system that takes the layer has it enabled"
    );
    Some(Pending::new(Step::NotInLayer, because, ""))
}
