//! What has to follow that hvtune does not do by itself.
//!
//! A command is given only where it is known to do what is meant on this root, and to
//! leave everything else as it is; programs that drop other values of a key (grubby,
//! perl-bootloader) are never named. Everywhere else the step says which file, which
//! place in it, and which arguments.

mod addon;
mod arguments;
mod initramfs;
mod layer;
mod left;
mod lines;

use super::Plan;
use crate::facts::{BootStack, Facts};
use crate::render::Effect;
use crate::root::Unlabelled;
use crate::stores::Store;
use crate::tunable::Target;
pub use left::left;

/// The kinds of pending step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Files of the plan have to be written.
    Apply,
    /// Arguments that somebody has to put on the kernel command line.
    KernelArguments,
    /// The boot menu has to be made anew.
    BootMenu,
    /// The initramfs has to be made anew.
    Initramfs,
    /// Files that a layer cannot hold have to be written where it has become part of a system.
    NotInLayer,
    /// Files have to be given their labels of `SELinux`.
    Relabel,
    /// What hangs on a machine has to be decided where it runs.
    FirstBoot,
    /// The machine has to be restarted.
    Reboot,
}

impl Step {
    /// All of them, in the order in which they are taken.
    pub const ALL: [Self; 8] = [
        Self::Apply,
        Self::KernelArguments,
        Self::NotInLayer,
        Self::BootMenu,
        Self::Initramfs,
        Self::Relabel,
        Self::FirstBoot,
        Self::Reboot,
    ];

    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::KernelArguments => "kernel-arguments",
            Self::BootMenu => "boot-menu",
            Self::Initramfs => "initramfs",
            Self::NotInLayer => "not-in-layer",
            Self::Relabel => "relabel",
            Self::FirstBoot => "first-boot",
            Self::Reboot => "reboot",
        }
    }
}

impl Step {
    /// What somebody has to do, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Apply => "write the files",
            Self::KernelArguments => "write the kernel arguments",
            Self::BootMenu => "make the boot menu anew",
            Self::Initramfs => "make the initramfs anew",
            Self::NotInLayer => "write what the layer does not hold",
            Self::Relabel => "label the files for SELinux",
            Self::FirstBoot => "decide at the first boot",
            Self::Reboot => "restart",
        }
    }
}

/// One pending step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What kind.
    pub step: Step,
    /// Why it is needed, and what to heed.
    pub because: String,
    /// Kernel arguments to add, as they are written.
    pub add: Vec<String>,
    /// Kernel arguments to take away, as they stand there.
    pub remove: Vec<String>,
    /// Where somebody has to write them: in all of these places, in this order.
    pub places: Vec<Place>,
    /// The command that does the step, after the places are written; empty where there is none to give.
    pub command: String,
}

/// A place for kernel arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the target's own root has it.
    pub file: String,
    /// Where in it, in words.
    pub line: String,
}

impl Pending {
    fn new(step: Step, because: impl Into<String>, command: impl Into<String>) -> Self {
        let (because, command) = (because.into(), command.into());
        Self { step, because, add: Vec::new(), remove: Vec::new(), places: Vec::new(), command }
    }
}

/// The steps after this plan, in the order in which they are taken.
pub(super) fn list(facts: &Facts, plan: &Plan) -> Vec<Pending> {
    let mut steps = Vec::new();
    steps.extend(arguments::step(facts, plan));
    steps.extend(layer::step(facts, plan));
    steps.extend(lines::step(facts));
    let effects: Vec<Effect> = plan.changes.iter().filter_map(super::Change::effect).collect();
    if plan.remakes_menu() && (facts.files_only() || plan.menu.is_none()) {
        let because = if facts.system.boot.by_sdbootutil() {
            "sdbootutil puts the arguments into the boot entries when it makes them anew"
        } else {
            "the menu takes the arguments up when it is made anew"
        };
        steps.push(menu_step(facts, because));
    }
    steps.extend(initramfs::after_apply(facts, plan));
    let restarts = [Effect::BootMenu, Effect::BootEntries, Effect::Initramfs]
        .iter()
        .any(|effect| effects.contains(effect));
    // What counts in a boot only does so in whichever comes next.
    let waits = |target: &Target| {
        matches!(target, Target::KernelArg(_) | Target::DropKernelArg(_) | Target::ModuleOption { .. })
            && !target.is_of_a_boot()
    };
    let needs = plan.settings().any(|(_, assignment, _)| waits(&assignment.target))
        || plan.changes.iter().any(super::Change::takes_away);
    if needs && (restarts || !steps.is_empty()) && facts.running().is_some() {
        let mut because = "kernel arguments and module options take effect at the next boot".to_owned();
        let boot = &facts.system.boot;
        let entries = boot.stores.iter().any(|file| file.store == Store::Bls);
        if entries && !boot.kernel_cmdline && effects.contains(&Effect::BootEntries) {
            because.push_str(
                "; restart before a kernel is installed: without /etc/kernel/cmdline it gets the running \
                 kernel's command line",
            );
        }
        steps.push(Pending::new(Step::Reboot, because, "systemctl reboot"));
    }
    steps
}

/// What stays after our files are gone.
pub(super) fn after_revert(facts: &Facts, plan: &Plan) -> Vec<Pending> {
    let effects: Vec<Effect> = plan.changes.iter().filter_map(super::Change::effect).collect();
    let mut steps = Vec::new();
    steps.extend(addon::left(facts));
    if plan.remakes_menu() && (facts.files_only() || plan.menu.is_none()) {
        steps.push(menu_step(facts, "the menu may still carry our arguments"));
    }
    steps.extend(initramfs::after_revert(facts, plan));
    if !effects.is_empty() && facts.running().is_some() {
        let because = "values that are live stay until the next boot";
        steps.push(Pending::new(Step::Reboot, because, "systemctl reboot"));
    }
    steps
}

/// What was made without its label: a system that enforces a policy may not let it be read.
pub fn relabel(facts: &Facts, unlabelled: &[Unlabelled]) -> Option<Pending> {
    let first = unlabelled.first()?;
    let more = and_more(unlabelled.len());
    let how = if facts.system.layer {
        "label them where the layer becomes part of an image"
    } else if facts.files_only() {
        "label them in the image's build, with setfiles or the builder's own option for it; or have its first boot \
         label everything, for which it wants an empty file /.autorelabel"
    } else {
        ""
    };
    let because = format!("/{}{more}: {}", first.path, first.why);
    let because = if how.is_empty() { because } else { format!("{because}; {how}") };
    let paths: Vec<String> = unlabelled.iter().map(|one| format!("/{}", one.path)).collect();
    // An addon's path has the name of somebody's image in it.
    let plain = |path: &String| path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@".contains(c));
    let is_command = how.is_empty() && paths.iter().all(plain);
    let command = if is_command { format!("restorecon {}", paths.join(" ")) } else { String::new() };
    Some(Pending::new(Step::Relabel, because, command))
}

/// What is said behind the first of so many.
fn and_more(count: usize) -> String {
    if count > 1 { format!(" and {} more", count - 1) } else { String::new() }
}

/// What was said so far, and where the command has to run: on the build host it would do nothing, or
/// something to the host.
fn in_the_image(facts: &Facts, because: &str, command: &str) -> String {
    let image = !command.is_empty() && facts.files_only();
    if image { format!("{because}; run this inside the image, not on its host") } else { because.to_owned() }
}

/// Debian's fragment waits for the menu.
fn menu_step(facts: &Facts, because: &str) -> Pending {
    let command = menu_command(facts).unwrap_or_default();
    Pending::new(Step::BootMenu, in_the_image(facts, because, &command), command)
}

/// What makes openSUSE's boot entries anew.
const SDBOOTUTIL: &str = "sdbootutil update-all-entries";

/// The command that makes the boot menu, where the root has the program and, for the plain
/// generator, the very menu that it made before.
fn menu_command(facts: &Facts) -> Option<String> {
    let boot = &facts.system.boot;
    if boot.by_sdbootutil() && boot.kernel_cmdline {
        return Some(SDBOOTUTIL.to_owned());
    }
    if boot.stack == BootStack::DebianGrub && boot.tools.update_grub {
        return Some("update-grub".to_owned());
    }
    Some(format!("{} -o /{}", boot.tools.mkconfig?, boot.menu.as_ref()?))
}

#[cfg(test)]
mod tests;
