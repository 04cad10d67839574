//! What a file system does when its storage failed it all the same.

use super::{fine, not_here};
use crate::facts::Facts;
use crate::policy::{Policy, Recovery};
use crate::tunable::{Assignment, Decision, Source, Target, Tunable, Value, Want};

const NOT_ASKED: &str = "only with recovery = \"self-heal\"";

/// `fs.errors`
pub static ERRORS: Tunable = Tunable {
    id: "fs.errors",
    title: "An ext4 file system that met an error restarts the guest",
    why: "After a failed write to its journal ext4 takes no more writes until an fsck, however healthy the \
          storage is again: the guest sits read-only until somebody finds it. With errors=panic and \
          kernel.panic it restarts and repairs itself. Only ext4, ext3 and ext2 know the option; another file \
          system would refuse to mount with it, so it is written to the lines of /etc/fstab that name these.",
    sources: &[
        Source { title: "man 5 ext4, errors=", url: "https://man7.org/linux/man-pages/man5/ext4.5.html" },
        Source {
            title: "Linux 6.12 fs/ext4/super.c (ext4_handle_error)",
            url: "https://github.com/torvalds/linux/blob/v6.12/fs/ext4/super.c",
        },
    ],
    knobs: &[],
    decide: errors,
};

fn errors(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if policy.recovery != Recovery::SelfHeal {
        return vec![not_here(NOT_ASKED)];
    }
    if facts.system.ext.is_empty() {
        return vec![not_here("/etc/fstab names no ext4, ext3 or ext2")];
    }
    let mounts: Vec<&str> = facts.system.ext.iter().map(|ext| ext.mount.as_str()).collect();
    let what = vec![Assignment::new(Target::Fstab("errors"), Want::Exactly(Value::word("panic")))];
    let count = mounts.len();
    vec![Decision::Set { what, because: format!("recovery = \"self-heal\"; {count} in /etc/fstab") }]
}

/// `boot.fsck_repair`
pub static FSCK_REPAIR: Tunable = Tunable {
    id: "boot.fsck_repair",
    title: "fsck at boot repairs without asking",
    why: "After a stall that ended in errors fsck may find what it does not mend by itself, and then waits at the \
          console for an answer. A guest that heals itself answers yes. XFS and btrfs have no such fsck, so the \
          argument does nothing for them.",
    sources: &[Source {
        title: "man 8 systemd-fsck@.service, fsck.repair=",
        url: "https://www.freedesktop.org/software/systemd/man/latest/systemd-fsck@.service.html",
    }],
    knobs: &[],
    decide: fsck_repair,
};

fn fsck_repair(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if policy.recovery != Recovery::SelfHeal {
        return vec![not_here(NOT_ASKED)];
    }
    let mounts = facts.machine.iter().flat_map(|machine| &machine.mounts);
    let mounted = mounts.filter(|mount| matches!(mount.fstype.as_str(), "ext2" | "ext3" | "ext4")).count();
    if mounted == 0 && facts.system.ext.is_empty() {
        return vec![fine(
            "no ext4, ext3 or ext2 is mounted or in /etc/fstab, and no other has a fsck that asks",
        )];
    }
    let what = vec![Assignment::new(Target::KernelArg("fsck.repair"), Want::Exactly(Value::word("yes")))];
    vec![Decision::Set { what, because: "recovery = \"self-heal\"".to_owned() }]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, guest};
    use super::*;
    use crate::facts::ExtMount;

    #[test]
    fn a_guest_heals_itself_only_where_asked_and_only_on_ext() {
        let heal = Policy { recovery: Recovery::SelfHeal, ..Policy::default() };
        let mut facts = guest("6.1.0", Vec::new());
        assert_eq!(ask(&ERRORS, &facts, &heal), ["not-here"]);
        assert_eq!(ask(&FSCK_REPAIR, &facts, &heal), ["fine"]);
        facts.system.ext = vec![ExtMount { mount: "/".to_owned(), errors: Some("remount-ro".to_owned()) }];
        assert_eq!(ask(&ERRORS, &facts, &heal), ["fstab errors=panic"]);
        assert_eq!(ask(&FSCK_REPAIR, &facts, &heal), ["cmdline fsck.repair=yes"]);
        for tunable in [&ERRORS, &FSCK_REPAIR] {
            assert_eq!(ask(tunable, &facts, &Policy::default()), ["not-here"]);
        }
    }
}
