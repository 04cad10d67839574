//! The kernel command line: `sysctl.KEY=` and the older arguments that stand for a key.

use super::draft::Draft;
use super::knob::Knob;
use super::{Acts, Moment, Who};
use crate::cmdline::{same_key, split_arg};
use crate::facts::{BootArg, Facts, Holds};
use crate::formats::sysctl::read::path_of;
use crate::resolve::kernel_arg;

/// Arguments of their own that set a key, before those of `sysctl.` are looked at
/// (<https://docs.kernel.org/admin-guide/kernel-parameters.html>).
const ALIASES: &[(&str, &str)] = &[
    ("panic", "kernel/panic"),
    ("hung_task_panic", "kernel/hung_task_panic"),
    ("softlockup_panic", "kernel/softlockup_panic"),
    ("watchdog_thresh", "kernel/watchdog_thresh"),
];

/// The arguments that set the key, in order. Those of the next boot are taken where they are known, those of
/// this boot else. Since 5.8 the kernel writes `sysctl.` arguments just before it starts init
/// (<https://github.com/torvalds/linux/blob/v6.12/fs/proc/proc_sysctl.c>, `do_sysctl_args`).
pub(super) fn read(facts: &Facts, knob: &Knob) -> Vec<Draft> {
    let args = line(facts);
    let because = "the kernel applies its arguments before the first program runs";
    let draft = |arg: &BootArg, key: &str, value: &str| {
        let (path, line) = (arg.path.clone(), arg.line);
        let who = Who::Program { name: "the kernel command line".to_owned(), path, line };
        let draft = Draft::new(who, key, Some(value.to_owned()), Moment::Load, because);
        match &arg.holds {
            Holds::Yes => draft,
            Holds::Maybe(why) => draft.acting(Acts::Maybe(why.clone())),
            Holds::No(why) => draft.acting(Acts::No(why.clone())),
        }
    };
    let mut drafts = Vec::new();
    let split = || args.iter().filter_map(|arg| Some((arg, split_arg(arg.text.as_deref()?))));
    for (arg, (name, value)) in split() {
        let alias = ALIASES.iter().find(|(alias, key)| same_key(alias, name) && *key == knob.path);
        drafts.extend(alias.map(|(_, key)| draft(arg, key, value)));
    }
    for (arg, (name, value)) in split() {
        let Some(key) = name.strip_prefix("sysctl.").or_else(|| name.strip_prefix("sysctl/")) else {
            continue;
        };
        let path = path_of(key);
        if let Some(key) = knob.named(&path) {
            let written = draft(arg, key, value);
            drafts.push(if arg.holds == Holds::Yes { written.acting(known_by(facts)) } else { written });
        }
    }
    drafts
}

/// The next boot's command line, as far as it is known; that of this boot where nothing is known of it.
fn line(facts: &Facts) -> Vec<BootArg> {
    let next = kernel_arg::next_boot(facts);
    let running = facts.machine.as_ref().and_then(|machine| machine.cmdline.as_ref());
    match running {
        Some(running) if next.args.is_empty() && !next.doubts.is_empty() => {
            let arg = |text: &String| BootArg {
                text: Some(text.clone()),
                path: String::new(),
                line: 0,
                holds: Holds::Yes,
                after_ours: false,
            };
            running.args.iter().map(arg).collect()
        }
        _ => next.args,
    }
}

/// Whether the kernel that boots knows `sysctl.` arguments.
fn known_by(facts: &Facts) -> Acts {
    let installed = facts.system.kernels.as_deref().unwrap_or_default();
    let running = facts.machine.as_ref().and_then(|machine| machine.kernel.as_ref());
    let releases = installed.iter().map(|kernel| &kernel.release);
    let mut known: Vec<bool> = releases.map(|release| release.at_least(5, 8)).collect();
    if known.is_empty() {
        known.extend(running.map(|release| release.at_least(5, 8)));
    }
    match (known.contains(&true), known.contains(&false)) {
        (true, false) => Acts::Yes,
        (false, true) => Acts::No("kernels before 5.8 know no such argument".to_owned()),
        _ => Acts::Maybe("it depends on the kernel that boots: 5.8 is the first that knows it".to_owned()),
    }
}
