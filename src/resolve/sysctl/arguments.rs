//! The kernel command line: `sysctl.KEY=` and the older arguments that stand for a key.

use super::draft::Draft;
use super::knob::Knob;
use super::{Acts, Moment, Who};
use crate::cmdline::split_arg;
use crate::facts::Facts;
use crate::formats::sysctl::read::path_of;

/// Arguments of their own that set a key, before those of `sysctl.` are looked at
/// (<https://docs.kernel.org/admin-guide/kernel-parameters.html>).
const ALIASES: &[(&str, &str)] = &[
    ("panic", "kernel/panic"),
    ("hung_task_panic", "kernel/hung_task_panic"),
    ("softlockup_panic", "kernel/softlockup_panic"),
    ("watchdog_thresh", "kernel/watchdog_thresh"),
];

/// The arguments that set the key, in order. Those of the next boot are taken where they are configured, those of
/// this boot else. Since 5.8 the kernel writes `sysctl.` arguments just before it starts init
/// (<https://github.com/torvalds/linux/blob/v6.12/fs/proc/proc_sysctl.c>, `do_sysctl_args`).
pub(super) fn read(facts: &Facts, knob: &Knob) -> Vec<Draft> {
    let running = facts.machine.as_ref().and_then(|machine| machine.cmdline.as_ref());
    let (args, from) = match (&facts.system.boot.configured, running) {
        (Some(args), _) => (args, "the kernel command line of the next boot"),
        (None, Some(line)) => (&line.args, "the kernel command line"),
        (None, None) => return Vec::new(),
    };
    let because = "the kernel applies its arguments before the first program runs";
    let draft = |key: &str, value: &str| {
        let who = Who::Program { name: from.to_owned(), path: String::new(), line: 0 };
        Draft::new(who, key, Some(value.to_owned()), Moment::Load, because)
    };
    let mut drafts = Vec::new();
    for (name, value) in args.iter().map(|arg| split_arg(arg)) {
        let alias = ALIASES.iter().find(|(alias, key)| *alias == name && *key == knob.path);
        drafts.extend(alias.map(|(_, key)| draft(key, value)));
    }
    for (name, value) in args.iter().map(|arg| split_arg(arg)) {
        let Some(key) = name.strip_prefix("sysctl.").or_else(|| name.strip_prefix("sysctl/")) else {
            continue;
        };
        let path = path_of(key);
        if let Some(key) = knob.named(&path) {
            drafts.push(draft(key, value).acting(known_by(facts)));
        }
    }
    drafts
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
