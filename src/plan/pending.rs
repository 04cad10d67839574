//! What has to follow that hvtune does not do by itself, with the exact command.

use super::Plan;
use crate::facts::{BootStack, Facts};
use crate::render::{Effect, kernel_arg, landing};
use crate::tunable::Target;

/// The kinds of pending step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Arguments that somebody has to put on the kernel command line.
    KernelArguments,
    /// The boot menu has to be made anew.
    BootMenu,
    /// The initramfs has to be made anew.
    Initramfs,
    /// The machine has to be restarted.
    Reboot,
}

impl Step {
    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::KernelArguments => "kernel-arguments",
            Self::BootMenu => "boot-menu",
            Self::Initramfs => "initramfs",
            Self::Reboot => "reboot",
        }
    }
}

/// One pending step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What kind.
    pub step: Step,
    /// Why it is needed.
    pub because: String,
    /// The command that does it; empty where there is none to give.
    pub command: String,
}

/// The steps after this plan, in the order in which they are taken.
pub(super) fn list(facts: &Facts, plan: &Plan) -> Vec<Pending> {
    let mut steps = Vec::new();
    steps.extend(arguments(facts, plan));
    let effects: Vec<Effect> = plan.changes.iter().filter_map(super::Change::effect).collect();
    if effects.contains(&Effect::BootMenu) && facts.files_only() {
        steps.push(Pending {
            step: Step::BootMenu,
            because: "the image's own boot loader step takes the fragment up; hvtune runs nothing in an offline root"
                .to_owned(),
            command: "update-grub".to_owned(),
        });
    }
    if effects.contains(&Effect::Initramfs) {
        steps.push(Pending {
            step: Step::Initramfs,
            because: "storage modules are loaded from the initramfs, which holds a copy of modprobe.d"
                .to_owned(),
            command: initramfs_command(facts).to_owned(),
        });
    }
    let restarts = [Effect::BootMenu, Effect::Initramfs].iter().any(|effect| effects.contains(effect));
    if (restarts || !steps.is_empty()) && facts.running().is_some() {
        steps.push(Pending {
            step: Step::Reboot,
            because: "kernel arguments and module options take effect at the next boot".to_owned(),
            command: "systemctl reboot".to_owned(),
        });
    }
    steps
}

/// What stays after our files are gone.
pub(super) fn after_revert(facts: &Facts, plan: &Plan) -> Vec<Pending> {
    let effects: Vec<Effect> = plan.changes.iter().filter_map(super::Change::effect).collect();
    let mut steps = Vec::new();
    if effects.contains(&Effect::BootMenu) && facts.files_only() {
        steps.push(Pending {
            step: Step::BootMenu,
            because: "the menu may still carry our arguments".to_owned(),
            command: "update-grub".to_owned(),
        });
    }
    // initramfs-tools and newer dracut copy /etc/udev/rules.d and modprobe.d into the initramfs.
    if effects.contains(&Effect::Initramfs) || effects.contains(&Effect::ReloadUdev) {
        steps.push(Pending {
            step: Step::Initramfs,
            because: "the initramfs may still hold a copy of our files".to_owned(),
            command: initramfs_command(facts).to_owned(),
        });
    }
    if !effects.is_empty() && facts.running().is_some() {
        steps.push(Pending {
            step: Step::Reboot,
            because: "values that are live stay until the next boot".to_owned(),
            command: "systemctl reboot".to_owned(),
        });
    }
    steps
}

fn initramfs_command(facts: &Facts) -> &'static str {
    let debian = facts.system.os.as_ref().is_some_and(|os| os.is_like(&["debian", "ubuntu"]));
    if debian { "update-initramfs -u -k all" } else { "dracut --force --regenerate-all" }
}

/// On a boot stack that we do not write: the arguments and the command that puts them there.
fn arguments(facts: &Facts, plan: &Plan) -> Option<Pending> {
    let stack = facts.system.boot.stack;
    if stack == BootStack::DebianGrub {
        return None;
    }
    let mut add = Vec::new();
    let mut drop = Vec::new();
    for (_, assignment, _) in plan.settings() {
        match &assignment.target {
            Target::DropKernelArg(key) => drop.push((*key).to_owned()),
            Target::ModuleOption { module, .. } if !landing(facts, module).cmdline => {}
            _ => add.extend(kernel_arg(assignment)),
        }
    }
    let line = facts.running().and_then(|machine| machine.cmdline.as_ref());
    add.retain(|arg| line.is_none_or(|line| !line.holds(arg)));
    if add.is_empty() && drop.is_empty() {
        return None;
    }
    let parts = [("add", &add), ("remove", &drop)];
    let parts = parts.iter().filter(|(_, args)| !args.is_empty());
    let asked: Vec<String> = parts.map(|(what, args)| format!("{what} {}", args.join(" "))).collect();
    let because = format!("boot stack {}: {}", stack.name(), asked.join("; "));
    Some(Pending { step: Step::KernelArguments, because, command: command(stack, &add, &drop) })
}

/// Each stack's own way, by persistence of the kernel command line.
fn command(stack: BootStack, add: &[String], drop: &[String]) -> String {
    let added = add.join(" ");
    let each = |flag: &str, args: &[String]| {
        let flagged: Vec<String> = args.iter().map(|arg| format!(" {flag}{arg}")).collect();
        flagged.concat()
    };
    let quoted = |flag: &str, args: &[String]| match args {
        [] => String::new(),
        args => format!(" {flag}\"{}\"", args.join(" ")),
    };
    match stack {
        BootStack::GrubMkconfig | BootStack::GrubBlsKernelopts | BootStack::GrubBls => {
            format!("grubby --update-kernel=ALL{}{}", quoted("--remove-args=", drop), quoted("--args=", add))
        }
        BootStack::Ostree => {
            format!(
                "rpm-ostree kargs{}{}",
                each("--append-if-missing=", add),
                each("--delete-if-present=", drop)
            )
        }
        BootStack::Bootc => {
            format!("bootc loader-entries set-options-for-source --source hvtune --options \"{added}\"")
        }
        BootStack::SuseGrub => {
            let del = each("--del-option ", drop);
            format!("update-bootloader{del}{} && update-bootloader --config", each("--add-option ", add))
        }
        BootStack::TransactionalUpdate => {
            format!(
                "transactional-update run update-bootloader{} && transactional-update --continue grub.cfg",
                each("--add-option ", add)
            )
        }
        BootStack::Flatcar => {
            format!("append `set linux_append=\"$linux_append {added}\"` to /oem/grub.cfg")
        }
        BootStack::SystemdBoot => {
            format!("add {added} to the complete line in /etc/kernel/cmdline, then kernel-install add-all")
        }
        BootStack::Uki => {
            format!("ukify build --stub=addonx64.efi.stub --cmdline=\"{added}\" --output=90-hvtune.addon.efi")
        }
        BootStack::AzureLinuxGrubD => {
            format!(
                "write {added} to /etc/default/grub.d/90-hvtune.cfg, then grub2-mkconfig -o /boot/grub2/grub.cfg"
            )
        }
        BootStack::AzureLinuxGrubenv => {
            format!("grub2-editenv - set kernelopts=\"$kernelopts {added}\"")
        }
        BootStack::DebianGrub | BootStack::Nullboot | BootStack::Unrecognised | BootStack::Unknown => {
            String::new()
        }
    }
}
