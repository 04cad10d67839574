//! Kernel arguments on a boot stack that we do not write: which, and where they go.

use super::{Pending, Place, Plan, SDBOOTUTIL, Step, addon, in_the_image, menu_command};
use crate::cmdline::{same_key, split_arg};
use crate::facts::{BootStack, Facts, Fragment, Holds};
use crate::render;
use crate::resolve::kernel_arg;
use crate::tunable::{Target, Value};

const DEFAULT_GRUB: &str = "/etc/default/grub";
const CMDLINE: &str = "/etc/kernel/cmdline";

pub(super) fn step(facts: &Facts, plan: &Plan) -> Option<Pending> {
    let boot = &facts.system.boot;
    // A fragment of ours adds and takes away.
    if boot.own() == Some(Fragment::GrubD) && facts.writes_arguments() {
        return None;
    }
    let (mut add, remove) = wanted(facts, plan);
    if facts.writes_arguments() {
        // apply puts them there; what others wrote is theirs to take out.
        add.clear();
    }
    if add.is_empty() && remove.is_empty() {
        return None;
    }
    let places = places(facts, &add);
    let command = command(facts, &add, &remove);
    let parts = [("add at the end", &add), ("remove", &remove)];
    let parts = parts.iter().filter(|(_, args)| !args.is_empty());
    let asked: Vec<String> = parts.map(|(what, args)| format!("{what} {}", args.join(" "))).collect();
    let mut because = format!("boot stack {}: {}", boot.stack.name(), asked.join("; "));
    if facts.system.layer {
        because = format!("a layer holds no boot loader's configuration; {because}");
    } else if let Some(why) = boot.uki.as_ref().and_then(|uki| uki.by_hand.as_ref()) {
        because.push_str(&format!("; hvtune leaves it to you: {why}"));
    } else {
        because.push_str(elsewhere(facts));
    }
    let because = in_the_image(facts, &because, &command);
    Some(Pending { step: Step::KernelArguments, because, add, remove, places, command })
}

/// Where the arguments of a stack are that has no file for them here.
fn elsewhere(facts: &Facts) -> &'static str {
    let live = facts.running().is_some();
    match facts.system.boot.stack {
        BootStack::Ostree if !live => {
            "; an image of ostree's holds none, each deployment has its own: give them to the deployment \
             (ostree admin deploy --karg-append=), or run hvtune on the machine"
        }
        BootStack::Bootc if !facts.system.boot.is_written() => {
            "; they belong into the image, as /usr is not to be written on this machine"
        }
        _ => "",
    }
}

/// The arguments to add, and those to take away as they stand there: nothing else finds them.
fn wanted(facts: &Facts, plan: &Plan) -> (Vec<String>, Vec<String>) {
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for (_, assignment, _) in plan.settings() {
        match &assignment.target {
            Target::DropKernelArg(key) => remove.extend(spellings(facts, key)),
            Target::ModuleOption { module, .. } if !render::landing(facts, module).cmdline => {}
            _ => add.extend(render::kernel_arg(assignment)),
        }
    }
    let line = facts.running().and_then(|machine| machine.cmdline.as_ref());
    // Where no boot entry can be read, what this boot has came from somewhere.
    let has = |arg: &String| line.is_some_and(|line| line.holds(arg));
    let there = |arg: &String| kernel_arg::held(facts, arg).unwrap_or_else(|| has(arg));
    // An addon is made whole, in the place of the one before.
    if facts.system.boot.stack != BootStack::Uki || add.iter().all(there) {
        add.retain(|arg| !there(arg));
    }
    (add, remove)
}

/// Every argument of a key: as configured, as the boot entries have it, and as on the running command line.
fn spellings(facts: &Facts, key: &str) -> Vec<String> {
    let boot = &facts.system.boot;
    let entries = boot.lines.iter().flat_map(|line| &line.args);
    let there = boot.configured.args.iter().chain(entries).filter(|arg| !matches!(arg.holds, Holds::No(_)));
    let line = facts.machine.as_ref().and_then(|machine| machine.cmdline.as_ref());
    let running = line.iter().flat_map(|line| &line.args);
    let mut found: Vec<String> = Vec::new();
    for arg in there.filter_map(|arg| arg.text.as_ref()).chain(running) {
        if same_key(split_arg(arg).0, key) && !found.contains(arg) {
            found.push(arg.clone());
        }
    }
    found
}

fn place(file: &str, line: impl Into<String>) -> Place {
    Place { file: file.to_owned(), line: line.into() }
}

/// Where each stack keeps its arguments; every place, so that the next kernel has them too.
fn places(facts: &Facts, add: &[String]) -> Vec<Place> {
    let boot = &facts.system.boot;
    let linux = || place(DEFAULT_GRUB, "the value of GRUB_CMDLINE_LINUX, where there is such a line");
    let default = || {
        let line = "the value of GRUB_CMDLINE_LINUX_DEFAULT; of GRUB_CMDLINE_LINUX where there is \
                    no such line";
        place(DEFAULT_GRUB, line)
    };
    // One that is not there must not be made from these alone: it would lack root=.
    let cmdline = boot.kernel_cmdline.then(|| place(CMDLINE, "its one line"));
    let entries = |directory: &str| {
        let line = "the first options line of every entry but the rescue one";
        place(&format!("{directory}/*.conf"), line)
    };
    let grubenv = || {
        let line = "the variable kernelopts; grub2-editenv lists the value and sets it \
                    as a whole, an editor would break the file, which has exactly 1024 bytes";
        place("/boot/grub2/grubenv", line)
    };
    match boot.stack {
        BootStack::GrubBls => [linux(), entries("/boot/loader/entries")].into_iter().chain(cmdline).collect(),
        BootStack::GrubBlsKernelopts => vec![linux(), grubenv()],
        BootStack::AzureLinuxGrubenv => vec![grubenv()],
        // sdbootutil makes the entries from it.
        BootStack::SystemdBoot | BootStack::TransactionalUpdate if boot.tools.sdbootutil => {
            cmdline.into_iter().collect()
        }
        BootStack::SystemdBoot => {
            [entries("loader/entries of the ESP or of /boot")].into_iter().chain(cmdline).collect()
        }
        BootStack::GrubMkconfig | BootStack::SuseGrub | BootStack::TransactionalUpdate => vec![default()],
        BootStack::Uki => addon::places(facts, add),
        BootStack::Bootc => vec![bootc(add)],
        BootStack::Flatcar => vec![flatcar(add)],
        BootStack::DebianGrub | BootStack::AzureLinuxGrubD => vec![fragment(add)],
        BootStack::Ostree | BootStack::Nullboot | BootStack::Unrecognised | BootStack::Unknown => Vec::new(),
    }
}

/// A layer has none of ours.
fn fragment(add: &[String]) -> Place {
    let line = if add.is_empty() {
        "the lines that set GRUB_CMDLINE_LINUX_DEFAULT".to_owned()
    } else {
        let add = add.join(" ");
        format!("a new file with this line: GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT {add}\"")
    };
    place("/etc/default/grub.d/*.cfg", line)
}

/// An image's own arguments (<https://bootc-dev.github.io/bootc/building/kernel-arguments.html>).
fn bootc(add: &[String]) -> Place {
    let quoted: Vec<String> = add.iter().map(|arg| format!("\"{arg}\"")).collect();
    let line = if add.is_empty() {
        "the kargs array that names them, in the build of the container image".to_owned()
    } else {
        format!(
            "in the build of the container image, a new file with this line: kargs = [{}]",
            quoted.join(", ")
        )
    };
    place("/usr/lib/bootc/kargs.d/*.toml", line)
}

/// <https://www.flatcar.org/docs/latest/setup/customization/other-settings/>
fn flatcar(add: &[String]) -> Place {
    let line = if add.is_empty() {
        "the lines that set linux_append".to_owned()
    } else {
        format!("a new last line: set linux_append=\"$linux_append {}\"", add.join(" "))
    };
    place("/oem/grub.cfg", line)
}

/// What takes the places up; on ostree alone it takes the arguments themselves.
fn command(facts: &Facts, add: &[String], remove: &[String]) -> String {
    let boot = &facts.system.boot;
    let live = facts.running().is_some();
    match boot.stack {
        BootStack::DebianGrub
        | BootStack::AzureLinuxGrubD
        | BootStack::GrubMkconfig
        | BootStack::SuseGrub => menu_command(facts).unwrap_or_default(),
        BootStack::SystemdBoot | BootStack::TransactionalUpdate
            if live && boot.tools.sdbootutil && boot.kernel_cmdline =>
        {
            SDBOOTUTIL.to_owned()
        }
        // Of no effect where sdbootutil keeps the entries.
        BootStack::TransactionalUpdate if live && !boot.tools.sdbootutil => {
            "transactional-update --continue grub.cfg".to_owned()
        }
        BootStack::Uki => addon::command(facts, add).unwrap_or_default(),
        BootStack::Ostree if live && boot.tools.rpm_ostree => kargs(add, remove).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Both options compare whole arguments, and leave other values of a key alone
/// (<https://github.com/coreos/rpm-ostree/blob/main/man/rpm-ostree.xml>).
fn kargs(add: &[String], remove: &[String]) -> Option<String> {
    let mut command = "rpm-ostree kargs".to_owned();
    for (flag, args) in [("--append-if-missing", add), ("--delete-if-present", remove)] {
        for arg in args {
            // Somebody else's spelling may hold what a shell would read otherwise.
            command.push_str(&format!(" {flag}={}", Value::new(arg).ok()?.as_str()));
        }
    }
    Some(command)
}
