//! The boot menu that is there: whether it passes our arguments.

use super::Plan;
use crate::facts::{Facts, LineKind};
use crate::render::landing;
use crate::resolve::kernel_arg::{self, ABSENT};
use crate::stacks::makes_menu;
use crate::tunable::{Assignment, Target};

/// The key of the argument that an assignment stands for, and its value.
pub fn argument(facts: &Facts, assignment: &Assignment) -> Option<(String, String)> {
    match &assignment.target {
        Target::KernelArg(key) => Some(((*key).to_owned(), assignment.want.value().to_string())),
        Target::DropKernelArg(key) => Some(((*key).to_owned(), ABSENT.to_owned())),
        Target::ModuleOption { module, option } if landing(facts, module).cmdline => {
            Some((format!("{module}.{option}"), assignment.want.value().to_string()))
        }
        _ => None,
    }
}

/// Whether every entry of the menu that is there passes an assignment's argument as it is wanted; `None` where it
/// stands for none. Without an entry there is no menu yet.
fn in_menu(facts: &Facts, assignment: &Assignment) -> Option<bool> {
    let (key, wanted) = argument(facts, assignment)?;
    let entries = kernel_arg::entries(facts, &key, None);
    let mut made = entries.iter().filter(|entry| !entry.new_kernels).peekable();
    Some(made.peek().is_some() && made.all(|entry| entry.value.as_ref() == Some(&wanted)))
}

/// Whether a menu that is made from our arguments does not have them, or is not there.
pub fn menu_is_stale(facts: &Facts, plan: &Plan) -> bool {
    let made = facts.writes_arguments() && makes_menu(&facts.system.boot);
    made && plan.settings().any(|(_, assignment, _)| in_menu(facts, assignment) == Some(false))
}

/// Whether the running system has such a menu, made before the file that it takes our arguments from was written: a
/// run that makes no menu wrote it. One that was made later lacks them for another reason, and made anew it would
/// lack them again.
pub(super) fn remakes_stale(facts: &Facts, plan: &Plan) -> bool {
    let boot = &facts.system.boot;
    let entries = boot.lines.iter().any(|line| line.kind != LineKind::NewKernel);
    let live = !facts.files_only() && facts.running().is_some();
    live && entries && boot.menu_older == Some(true) && menu_is_stale(facts, plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{BootArg, BootLine, BootStack, Holds, HyperV, Hypervisor, Machine, Origin};
    use crate::tunable::{Decision, Value, Verdict, Want};

    /// A running Debian guest whose one entry passes an argument, and whether its menu is the older.
    fn guest(argument: &str, older: Option<bool>) -> Facts {
        let machine = Machine {
            origin: Origin::Live,
            hypervisor: Some(Hypervisor::HyperV(HyperV::default())),
            ..Machine::default()
        };
        let mut facts = Facts { machine: Some(machine), ..Facts::default() };
        let text = Some(argument.to_owned());
        let path = "boot/grub/grub.cfg".to_owned();
        let arg = BootArg { text, path: path.clone(), line: 1, holds: Holds::Yes, after_ours: false };
        let boot = &mut facts.system.boot;
        boot.stack = BootStack::DebianGrub;
        boot.menu_older = older;
        let entry = "Debian".to_owned();
        boot.lines =
            vec![BootLine { path, line: 1, entry, kind: LineKind::Menu, args: vec![arg], ours_at: None }];
        facts
    }

    fn plan() -> Plan {
        let what = vec![Assignment::new(Target::KernelArg("panic"), Want::Exactly(Value::word("10")))];
        let decision = Decision::Set { what, because: String::new() };
        Plan {
            verdicts: vec![Verdict { tunable: &crate::tunables::boot::PANIC, decision }],
            ..Plan::default()
        }
    }

    #[test]
    fn a_menu_is_made_anew_once() {
        for (argument, older, stale, made) in [
            ("panic=10", Some(true), false, false),
            ("panic=1", Some(true), true, true),
            ("quiet", Some(true), true, true),
            // Made since, it lacks the argument for another reason: no boot would end the making anew.
            ("quiet", Some(false), true, false),
            ("quiet", None, true, false),
        ] {
            let facts = guest(argument, older);
            assert_eq!(menu_is_stale(&facts, &plan()), stale, "{argument} {older:?}");
            assert_eq!(remakes_stale(&facts, &plan()), made, "{argument} {older:?}");
        }
        let mut image = guest("quiet", Some(true));
        image.system.offline = true;
        assert!(menu_is_stale(&image, &plan()) && !remakes_stale(&image, &plan()));
    }
}
