//! Kernel arguments.

use super::kernel::PANIC_SECONDS;
use super::{cannot_tell, fine, kernels, not_here, refused};
use crate::cmdline::{same_key, split_arg};
use crate::facts::{Facts, Initramfs};
use crate::policy::{Policy, Recovery};
use crate::resolve::kernel_arg::{self, ABSENT};
use crate::resolve::{Acts, InForce};
use crate::tunable::{Assignment, Decision, Source, Target, Tunable, Value, Want};

/// `boot.elevator`
pub static ELEVATOR: Tunable = Tunable {
    id: "boot.elevator",
    title: "elevator= where the kernel knows it, gone where it only warns",
    why: "On the legacy request path elevator=noop holds from the first disk on, before udev runs. Kernels from \
          5.0 on print that it has no effect, so there it misleads whoever reads the command line.",
    sources: &[Source {
        title: "Linux 6.12 block/elevator.c (elevator_setup)",
        url: "https://github.com/torvalds/linux/blob/v6.12/block/elevator.c",
    }],
    knobs: &[],
    decide: elevator,
};

/// Some disk offers `noop`, or, where no disk can be asked, all kernels are too old for anything else.
fn legacy(facts: &Facts) -> bool {
    let machine = facts.machine.as_ref();
    let mut offers = machine
        .iter()
        .flat_map(|machine| machine.disks.iter().flatten())
        .filter_map(|disk| disk.limits.schedulers.value())
        .peekable();
    if offers.peek().is_some() {
        return offers.any(|names| names.iter().any(|name| name == "noop"));
    }
    let kernels = kernels(facts);
    !kernels.is_empty() && kernels.iter().all(|kernel| !kernel.at_least(4, 0))
}

/// Whether every kernel that may run is at least 5.0, where the legacy path is gone.
fn all_modern(facts: &Facts) -> bool {
    let kernels = kernels(facts);
    !kernels.is_empty() && kernels.iter().all(|kernel| kernel.at_least(5, 0))
}

/// Whether the next boot has an argument of this key, as far as others give it; `None` = nobody can tell.
pub(super) fn present(facts: &Facts, key: &str) -> Option<bool> {
    let chain = kernel_arg::chain(facts, key, None);
    // Whatever may be there is worth taking away.
    if chain.others().any(|writer| writer.value.is_some() && !matches!(writer.acts, Acts::No(_))) {
        return Some(true);
    }
    if chain.in_force().value() == Some(ABSENT) {
        return Some(false);
    }
    let running = facts.machine.as_ref().and_then(|m| m.cmdline.as_ref())?;
    running.args.iter().any(|arg| same_key(split_arg(arg).0, key)).then_some(true)
}

/// Why nobody can tell.
fn untold(facts: &Facts, keys: &[&'static str]) -> Option<String> {
    keys.iter().find(|key| present(facts, key).is_none()).map(|key| {
        match kernel_arg::chain(facts, key, None).in_force() {
            InForce::Unknown { because, .. } => because,
            InForce::Known { .. } => "the next boot's command line could not be told".to_owned(),
        }
    })
}

fn elevator(facts: &Facts, _: &Policy) -> Vec<Decision> {
    if legacy(facts) {
        let want = Want::Exactly(Value::word("noop"));
        return vec![Decision::Set {
            what: vec![Assignment::new(Target::KernelArg("elevator"), want)],
            because: "the legacy request path obeys it from the first disk on".to_owned(),
        }];
    }
    if kernels(facts).is_empty() {
        return vec![cannot_tell(
            "kernels",
            "no installed kernel was found, so whether elevator= works is unknown",
        )];
    }
    drop_dead(facts, &["elevator"])
}

/// Takes arguments away that no installed kernel obeys.
fn drop_dead(facts: &Facts, keys: &[&'static str]) -> Vec<Decision> {
    let held = |key: &&'static str| present(facts, key) == Some(true);
    let found: Vec<&'static str> = keys.iter().copied().filter(held).collect();
    if found.is_empty() {
        return vec![match untold(facts, keys) {
            Some(why) => cannot_tell("boot.configured", why),
            None => not_here(format!("{} is not on the command line", keys.join(" or "))),
        }];
    }
    if !all_modern(facts) {
        return vec![fine(format!("{} stays: a kernel before 5.0 may obey it", found.join(" and ")))];
    }
    let remove = |key| Assignment::new(Target::DropKernelArg(key), Want::Exactly(Value::word("absent")));
    vec![Decision::Set {
        what: found.iter().copied().map(remove).collect(),
        because: "no installed kernel obeys it any more: the legacy request path went with 5.0".to_owned(),
    }]
}

/// `boot.use_blk_mq`
pub static USE_BLK_MQ: Tunable = Tunable {
    id: "boot.use_blk_mq",
    title: "use_blk_mq= removed where no kernel reads it",
    why: "scsi_mod.use_blk_mq and dm_mod.use_blk_mq choose the request path of kernels 3.17 to 4.20. From 5.0 on \
          blk-mq is the only path: the first is an unknown parameter, the second is read by nobody.",
    sources: &[Source {
        title: "Linux 4.20 drivers/scsi/Kconfig (SCSI_MQ_DEFAULT), gone in 5.0",
        url: "https://github.com/torvalds/linux/blob/v4.20/drivers/scsi/Kconfig",
    }],
    knobs: &[],
    decide: use_blk_mq,
};

fn use_blk_mq(facts: &Facts, _: &Policy) -> Vec<Decision> {
    drop_dead(facts, &["scsi_mod.use_blk_mq", "dm_mod.use_blk_mq"])
}

/// `boot.panic`
pub static PANIC: Tunable = Tunable {
    id: "boot.panic",
    title: "A panic in early boot restarts, too",
    why: "kernel.panic holds only once sysctl files were applied; a guest that panics before that, because the \
          root did not come, would stand for ever. An initramfs of initramfs-tools that waited for root in vain \
          restarts by it, too, in place of a shell. Only with recovery = \"self-heal\".",
    sources: &[Source {
        title: "Linux Documentation/admin-guide/kernel-parameters.txt, panic=",
        url: "https://docs.kernel.org/admin-guide/kernel-parameters.html",
    }],
    knobs: &[],
    decide: panic,
};

fn panic(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if policy.recovery != Recovery::SelfHeal {
        return vec![not_here("only with recovery = \"self-heal\"")];
    }
    let value = policy.pin("kernel.panic").map_or(Value::number(PANIC_SECONDS), |pin| pin.value.clone());
    let by = facts.system.boot.tools.copies.as_ref().map(|copies| copies.by);
    if value.as_str() == "0" && by != Some(Initramfs::Dracut) {
        return vec![refused(
            "kernel.panic is pinned to 0, and an initramfs of initramfs-tools that waited for root in vain halts the \
             machine with panic=0",
        )];
    }
    vec![given(facts, vec![("panic", value)])]
}

/// Arguments that self-heal asks for: all of them or none.
pub(super) fn given(facts: &Facts, args: Vec<(&'static str, Value)>) -> Decision {
    // What we wrote is kept as it is; elsewhere it is somebody's step, asked for until it is done.
    let by_hand = !facts.writes_arguments();
    let held =
        |(key, value): &(&str, Value)| kernel_arg::held(facts, &format!("{key}={value}")) == Some(true);
    if by_hand && args.iter().all(held) {
        let named: Vec<String> = args.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return fine(format!("every boot entry, and what a new kernel inherits, has {}", named.join(" ")));
    }
    let set = |(key, value)| Assignment::new(Target::KernelArg(key), Want::Exactly(value));
    Decision::Set {
        what: args.into_iter().map(set).collect(),
        because: "recovery = \"self-heal\"".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, assumed, disk, given, guest};
    use super::*;
    use crate::cmdline::Cmdline;
    use crate::facts::{Attribute, BootArg, BootLine, BootStack, Class, Holds, LineKind};

    fn configured(kernel: &str, args: &[&str]) -> Facts {
        let mut facts = guest(kernel, vec![disk("sda", Class::StorvscScsi)]);
        facts.system.boot.stack = BootStack::DebianGrub;
        facts.system.boot.configured.args = args.iter().map(|&arg| given(arg)).collect();
        facts
    }

    /// What nobody could read is not said to be absent, whatever the running line says.
    #[test]
    fn a_line_that_nobody_could_read_is_not_told() {
        let policy = Policy::default();
        let mut facts = configured("6.1.0-18-amd64", &["quiet"]);
        facts.machine.as_mut().unwrap().cmdline = Some(Cmdline::parse("ro quiet"));
        assert_eq!(ask(&ELEVATOR, &facts, &policy), ["not-applicable"]);
        let mut unread = facts.clone();
        unread.system.boot.configured.doubts.push("etc/default/grub could not be read".to_owned());
        assert_eq!(ask(&ELEVATOR, &unread, &policy), ["unknown"]);
        unread.machine.as_mut().unwrap().cmdline = Some(Cmdline::parse("ro elevator=noop"));
        assert_eq!(ask(&ELEVATOR, &unread, &policy), ["cmdline-remove elevator=absent"]);
        let mut opaque = facts;
        let holds = Holds::Maybe("a shell".to_owned());
        opaque.system.boot.configured.args.push(BootArg { text: None, holds, ..given("") });
        assert_eq!(ask(&ELEVATOR, &opaque, &policy), ["unknown"]);
    }

    #[test]
    fn elevator_is_set_where_obeyed_and_dropped_where_dead() {
        let policy = Policy::default();
        let mut old = configured("3.16.0-11-amd64", &["quiet"]);
        let noop = Attribute::Is(vec!["noop".to_owned(), "cfq".to_owned()]);
        old.machine.as_mut().unwrap().disks.as_mut().unwrap().first_mut().unwrap().limits.schedulers = noop;
        assert_eq!(ask(&ELEVATOR, &old, &policy), ["cmdline elevator=noop"]);
        let dead = configured("6.1.0-18-amd64", &["quiet", "elevator=noop"]);
        assert_eq!(ask(&ELEVATOR, &dead, &policy), ["cmdline-remove elevator=absent"]);
        assert_eq!(ask(&ELEVATOR, &configured("6.1.0", &["quiet"]), &policy), ["not-applicable"]);
        assert_eq!(ask(&ELEVATOR, &assumed("6.1.0"), &policy), ["unknown"]);
        assert_eq!(ask(&ELEVATOR, &assumed("3.16.0"), &policy), ["cmdline elevator=noop"]);
    }

    #[test]
    fn use_blk_mq_stays_for_kernels_that_obey_it() {
        let policy = Policy::default();
        let args = ["scsi-mod.use_blk_mq=1", "dm_mod.use_blk_mq=y"];
        assert_eq!(
            ask(&USE_BLK_MQ, &configured("6.1.0", &args), &policy),
            ["cmdline-remove scsi_mod.use_blk_mq=absent, cmdline-remove dm_mod.use_blk_mq=absent"]
        );
        assert_eq!(ask(&USE_BLK_MQ, &configured("4.19.0", &args), &policy), ["already-right"]);
    }

    #[test]
    fn panic_is_for_self_heal() {
        let facts = configured("6.1.0", &[]);
        let heal = Policy { recovery: Recovery::SelfHeal, ..Policy::default() };
        assert_eq!(ask(&PANIC, &facts, &heal), ["cmdline panic=10"]);
        assert_eq!(ask(&PANIC, &facts, &Policy::default()), ["not-applicable"]);
        let zero = Policy {
            recovery: Recovery::SelfHeal,
            ..super::super::testing::pinned(&[("kernel.panic", "0")])
        };
        assert_eq!(ask(&PANIC, &facts, &zero), ["refused"], "it would halt the machine");
        let mut entries = facts;
        entries.system.boot.stack = BootStack::GrubBls;
        let line = |args: &[&str]| BootLine {
            path: "boot/loader/entries/a.conf".to_owned(),
            line: 1,
            entry: String::new(),
            kind: LineKind::Entry,
            ours_at: None,
            args: args.iter().map(|arg| given(arg)).collect(),
        };
        entries.system.boot.lines = vec![line(&["panic=10"]), line(&["quiet"])];
        assert_eq!(ask(&PANIC, &entries, &heal), ["cmdline panic=10"]);
        entries.system.boot.lines = vec![line(&["panic=10"]), line(&["panic=5", "panic=10"])];
        assert_eq!(ask(&PANIC, &entries, &heal), ["already-right"]);
    }
}
