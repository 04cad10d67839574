//! What a file of ours says now that it did not say before, and why: on other hardware, or by another policy.

use super::text::Text;
use crate::plan::{Change, Plan};

/// The longest line that is shown; a udev rule is longer.
const LONGEST: usize = 60;

/// What one tunable has in a file: its lines, and the reason above them.
#[derive(Debug, PartialEq, Eq)]
struct Block<'a> {
    id: &'a str,
    because: &'a str,
    lines: Vec<&'a str>,
}

pub(super) fn text(plan: &Plan, text: &mut Text) {
    let mut said = Vec::new();
    for change in &plan.changes {
        let (found, body): (&[u8], &[u8]) = match change {
            Change::Replace { artifact, found } => (found, &artifact.body),
            Change::Remove { found, .. } if !plan.revert => (found, &[]),
            _ => continue,
        };
        said.extend(differences(plan, &String::from_utf8_lossy(found), &String::from_utf8_lossy(body)));
    }
    if said.is_empty() {
        return;
    }
    text.heading("What changed, and why");
    for one in said {
        text.hanging(&one, 2, 4);
    }
}

/// Each tunable whose lines are others than before.
fn differences(plan: &Plan, found: &str, body: &str) -> Vec<String> {
    let (before, after) = (blocks(found), blocks(body));
    let mut said = Vec::new();
    let gone = before.iter().filter(|block| after.iter().all(|other| other.id != block.id));
    for block in after.iter().chain(gone) {
        let old: &[&str] = before.iter().find(|other| other.id == block.id).map_or(&[], |block| &block.lines);
        let new: &[&str] = after.iter().find(|other| other.id == block.id).map_or(&[], |block| &block.lines);
        if old == new {
            continue;
        }
        let because = if new.is_empty() { no_longer(plan, block.id) } else { block.because.to_owned() };
        said.push(match (shown(old), shown(new)) {
            (Some(old), Some(new)) => format!("{}: {old} -> {new}: {because}", block.id),
            _ => format!("{}: its rules: {because}", block.id),
        });
    }
    said
}

/// Why nothing is set any more.
fn no_longer(plan: &Plan, id: &str) -> String {
    let verdict = plan.verdicts.iter().find(|verdict| verdict.tunable.id == id);
    verdict.map_or("nothing asks for it any more", |verdict| verdict.decision.because()).to_owned()
}

/// The lines that differ most from a rule: short ones, in a row.
fn shown(lines: &[&str]) -> Option<String> {
    if lines.is_empty() {
        return Some("not set".to_owned());
    }
    lines.iter().all(|line| line.len() <= LONGEST).then(|| lines.join(", "))
}

/// What the tunables have in a file of ours, in the form in which the templates print it; one that has several parts
/// has them in one block.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut at = None;
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let named = comment.split_once(": ").filter(|(id, _)| id.contains('.') && !id.contains(' '));
            if let Some((id, because)) = named {
                let there = blocks.iter().position(|block| block.id == id);
                at = Some(there.unwrap_or(blocks.len()));
                if there.is_none() {
                    blocks.push(Block { id, because, lines: Vec::new() });
                }
            }
        } else if !line.is_empty()
            && !line.starts_with('#')
            && let Some(block) = at.and_then(|at| blocks.get_mut(at))
        {
            block.lines.push(line);
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_with_the_reason() {
        let before = "# hvtune 0.1.0 sha256:0\n# vm.dirty_bytes: 5 % of 4 GiB\n#   https://x\nvm.dirty_bytes = 1\n\
                      # vm.swappiness: swap may stall\nvm.swappiness = 10\n# kernel.panic: as asked\nkernel.panic = 9\n";
        let after = "# hvtune 0.2.0 sha256:1\n# vm.dirty_bytes: 5 % of 8 GiB\n#   https://x\nvm.dirty_bytes = 2\n\
                     # kernel.panic: in other words\nkernel.panic = 9\n# disk.timeout: a. b: slow\nvm.new = 1\n";
        assert_eq!(
            differences(&Plan::default(), before, after),
            [
                "vm.dirty_bytes: vm.dirty_bytes = 1 -> vm.dirty_bytes = 2: 5 % of 8 GiB",
                "disk.timeout: not set -> vm.new = 1: a. b: slow",
                "vm.swappiness: vm.swappiness = 10 -> not set: nothing asks for it any more",
            ]
        );
        assert_eq!(differences(&Plan::default(), before, before), Vec::<String>::new());
    }
}
