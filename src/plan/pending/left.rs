//! What is left to do where a plan was applied: by an image's build, and by its first boot.

use super::{Pending, Plan, Step, and_more, arguments, initramfs, layer, lines, menu_step, relabel};
use crate::facts::Facts;
use crate::marker::known_paths;
use crate::plan::change::effect_of;
use crate::plan::{Change, state};
use crate::render::Effect;
use crate::root::{Kind, Result, Root};
use crate::tunable::Decision;

/// The steps that are left, in the order in which they are taken. `stale_menu`: the boot menu does not have what
/// it is made from; `reboot`: something waits for the next boot of the running system.
pub fn left(facts: &Facts, plan: &Plan, root: &Root, stale_menu: bool, reboot: bool) -> Result<Vec<Pending>> {
    if plan.standstill.is_some() {
        return Ok(Vec::new());
    }
    let mut steps = Vec::new();
    steps.extend(not_written(facts, plan));
    steps.extend(arguments::step(facts, plan));
    steps.extend(layer::step(facts, plan));
    steps.extend(lines::step(facts));
    if stale_menu {
        steps.push(menu_step(facts, "the menu that is there does not pass the arguments"));
    }
    let older = older_images(plan, root)?;
    steps.extend(initramfs::after(facts, plan, &older));
    let mut ours = known_paths();
    ours.extend(state::made_directories(root)?);
    steps.extend(relabel(facts, &root.unlabelled(&ours)?));
    steps.extend(undecided(facts, plan));
    if reboot {
        steps.push(Pending::new(
            Step::Reboot,
            "something of ours comes with the next boot",
            "systemctl reboot",
        ));
    }
    Ok(steps)
}

fn not_written(facts: &Facts, plan: &Plan) -> Option<Pending> {
    let first = plan.changes.first()?;
    let more = and_more(plan.changes.len());
    let because = match first {
        Change::Conflict { path, why } => format!("/{path}{more}: {why}"),
        _ => format!("/{}{more}: not as planned; hvtune apply writes what is planned", first.path()),
    };
    let command = if facts.files_only() || facts.system.layer { "" } else { "hvtune apply" };
    Some(Pending::new(Step::Apply, because, command))
}

/// Files of ours that belong into an initramfs, where one below `/boot` is not younger than they are.
fn older_images<'p>(plan: &'p Plan, root: &Root) -> Result<Vec<&'p str>> {
    let belongs = |path: &&str| effect_of(path) == Effect::Initramfs;
    let planned = plan.unchanged.iter().map(String::as_str);
    let ours: Vec<&str> = planned.filter(|path| path.contains("90-hvtune")).filter(belongs).collect();
    if ours.is_empty() {
        return Ok(ours);
    }
    let mut oldest = None;
    for entry in root.list("boot")?.unwrap_or_default() {
        let image = ["initrd", "initramfs"].iter().any(|start| entry.name.starts_with(start));
        if image && entry.kind == Kind::File {
            let made = root.written_at(&format!("boot/{}", entry.name))?;
            oldest = match oldest {
                Some(oldest) if made > oldest => Some(oldest),
                _ => Some(made),
            };
        }
    }
    let mut older = Vec::new();
    for path in ours {
        if oldest.flatten() <= root.written_at(path)? {
            older.push(path);
        }
    }
    Ok(older)
}

/// What no image knows of its machine.
fn undecided(facts: &Facts, plan: &Plan) -> Option<Pending> {
    if facts.running().is_some() {
        return None;
    }
    let open = plan.verdicts.iter().filter_map(|verdict| match &verdict.decision {
        Decision::CannotTell { because, .. } => Some(format!("{} ({because})", verdict.tunable.id)),
        _ => None,
    });
    let open: Vec<String> = open.collect();
    let because = format!(
        "{}; hvtune.service decides where the machine runs, at each boot, where it is enabled",
        open.join(", ")
    );
    (!open.is_empty()).then(|| Pending::new(Step::FirstBoot, because, ""))
}
