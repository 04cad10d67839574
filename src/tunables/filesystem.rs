//! What a file system does when its storage failed it all the same.

use super::{cannot_tell, fine, not_here, refused};
use crate::facts::{Facts, Mount};
use crate::policy::{Policy, Recovery};
use crate::resolve::fstab::{Standing, standing, unnamed};
use crate::tunable::{Assignment, Decision, Source, Target, Tunable, Value, Want};

const NOT_ASKED: &str = "only with recovery = \"self-heal\"";

/// `fs.errors`
pub static ERRORS: Tunable = Tunable {
    id: "fs.errors",
    title: "An ext4 file system that met an error restarts the guest",
    why: "After a failed write to its journal ext4 takes no more writes until an fsck, however healthy the \
          storage is again: the guest sits read-only until somebody finds it. With errors=panic and \
          kernel.panic it restarts and repairs itself. That is for what no retry cures: it rides out nothing, and \
          where errors are not retried the panic comes within half a second of the first, and the guest restarts \
          into the same trouble. Only ext4, ext3 and ext2 know the option; another file \
          system would refuse to mount with it, so it is written to the lines of /etc/fstab that name these. What \
          the guest does without is left out: Azure's temporary disk, removable and read-only media, loop mounts, \
          what is not mounted at boot.",
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
    let machine = facts.machine.as_ref();
    let (mut needed, mut spare, mut unclear) = (0_usize, Vec::new(), Vec::new());
    for ext in &facts.system.ext {
        match standing(ext, machine) {
            Standing::Needed => needed += 1,
            Standing::Spare(why) => spare.push(format!("{} ({why})", ext.point)),
            Standing::Unclear(why) => unclear.push(format!("{}: {why}", ext.point)),
        }
    }
    let left = if spare.is_empty() { String::new() } else { format!("; left out: {}", spare.join(", ")) };
    let mut decisions = vec![match needed {
        0 if facts.system.ext.is_empty() => not_here("/etc/fstab names no ext4, ext3 or ext2"),
        0 => not_here(format!("/etc/fstab names no ext4, ext3 or ext2 for it{left}")),
        count => Decision::Set {
            what: vec![Assignment::new(Target::Fstab("errors"), Want::Exactly(Value::word("panic")))],
            because: format!("recovery = \"self-heal\"; {count} in /etc/fstab{left}"),
        },
    }];
    decisions.extend(unclear.into_iter().map(|why| cannot_tell("fstab", why)));
    let nameless = machine.map(|machine| unnamed(&facts.system.ext, machine)).unwrap_or_default();
    decisions.extend(by_hand(&nameless));
    if machine.is_none_or(|machine| machine.mounts.is_empty()) && !names_root(facts) {
        decisions.push(cannot_tell("fstab", "it has no line for /, which gets nothing where it is ext4"));
    }
    decisions
}

fn names_root(facts: &Facts) -> bool {
    facts.system.ext.is_empty() || facts.system.ext.iter().any(|ext| ext.point == "/")
}

/// Most that are named one by one.
const SHOWN: usize = 4;

/// What to do for file systems that no line of fstab names. What the root's superblock says of errors is
/// known, of the others it is not read.
fn by_hand(nameless: &[&Mount]) -> Vec<Decision> {
    let device = |mount: &Mount| {
        mount.device.as_deref().map_or("its device".to_owned(), |device| format!("/dev/{device}"))
    };
    let (root, others): (Vec<&Mount>, Vec<&Mount>) = nameless.iter().partition(|mount| mount.point == "/");
    let mut decisions: Vec<Decision> = root.iter().map(|root| refused(format!(
        "/ is {} and not in /etc/fstab as that, so no line can carry the option and an error there restarts \
         nothing. By hand: tune2fs -e panic {}, or rootflags=errors=panic on the kernel command line",
        root.fstype, device(root)
    ))).collect();
    if !others.is_empty() {
        let mut these: Vec<String> =
            others.iter().take(SHOWN).map(|mount| format!("{} ({})", mount.point, device(mount))).collect();
        if others.len() > SHOWN {
            these.push(format!("{} more", others.len() - SHOWN));
        }
        decisions.push(cannot_tell(
            "superblock",
            format!(
                "mounted and not in /etc/fstab as ext4, ext3 or ext2: {}; what they do about an error their \
             superblocks say (tune2fs -l), and tune2fs -e panic changes it",
                these.join(", ")
            ),
        ));
    }
    decisions
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
    use crate::facts::{ExtMount, Origin};

    fn line(point: &str) -> ExtMount {
        let (mount, point) = (point.to_owned(), point.to_owned());
        ExtMount { device: "UUID=a".to_owned(), mount, point, ..ExtMount::default() }
    }

    #[test]
    fn a_guest_heals_itself_only_where_asked_and_only_on_ext() {
        let heal = Policy { recovery: Recovery::SelfHeal, ..Policy::default() };
        let mut facts = guest("6.1.0", Vec::new());
        assert_eq!(ask(&ERRORS, &facts, &heal), ["not-applicable"]);
        assert_eq!(ask(&FSCK_REPAIR, &facts, &heal), ["already-right"]);
        facts.system.ext = vec![line("/")];
        assert_eq!(ask(&ERRORS, &facts, &heal), ["fstab errors=panic"]);
        assert_eq!(ask(&FSCK_REPAIR, &facts, &heal), ["cmdline fsck.repair=yes"]);
        for tunable in [&ERRORS, &FSCK_REPAIR] {
            assert_eq!(ask(tunable, &facts, &Policy::default()), ["not-applicable"]);
        }
    }

    #[test]
    fn a_root_without_a_line_is_said() {
        let heal = Policy { recovery: Recovery::SelfHeal, ..Policy::default() };
        let mut facts = guest("6.1.0", Vec::new());
        facts.machine.as_mut().unwrap().origin = Origin::Captured;
        facts.machine.as_mut().unwrap().mounts = vec![Mount {
            point: "/".to_owned(),
            fstype: "ext4".to_owned(),
            read_only: false,
            disk: None,
            others: Some(Vec::new()),
            device: Some("sda2".to_owned()),
            options: vec!["rw".to_owned()],
        }];
        facts.system.ext = vec![line("/data")];
        assert_eq!(ask(&ERRORS, &facts, &heal), ["fstab errors=panic", "refused"]);
        let because = (ERRORS.decide)(&facts, &heal).remove(1).because().to_owned();
        assert!(because.starts_with("/ is ext4 and not in /etc/fstab"), "{because}");
        assert!(because.contains("tune2fs -e panic /dev/sda2, or rootflags=errors=panic"), "{because}");
        facts.system.ext.push(line("/"));
        assert_eq!(ask(&ERRORS, &facts, &heal), ["fstab errors=panic"]);
        let machine = facts.machine.as_mut().unwrap();
        let srv =
            Mount { point: "/srv".to_owned(), device: Some("sdc1".to_owned()), ..machine.mounts[0].clone() };
        machine.mounts.push(srv);
        assert_eq!(ask(&ERRORS, &facts, &heal), ["fstab errors=panic", "unknown"]);
        let because = (ERRORS.decide)(&facts, &heal).remove(1).because().to_owned();
        assert!(because.contains("ext2: /srv (/dev/sdc1);"), "{because}");
        // Of an image nobody knows what its root will be.
        facts.machine.as_mut().unwrap().mounts.clear();
        facts.system.ext.remove(1);
        assert_eq!(ask(&ERRORS, &facts, &heal), ["fstab errors=panic", "unknown"]);
    }

    #[test]
    fn what_is_left_out_is_named_with_the_reason() {
        let heal = Policy { recovery: Recovery::SelfHeal, ..Policy::default() };
        let mut facts = guest("6.1.0", Vec::new());
        let stick = ExtMount { spare: Some("not mounted at boot (noauto)"), ..line("/stick") };
        let odd = ExtMount { odd: true, ..line("/odd") };
        facts.system.ext = vec![line("/"), stick, odd];
        assert_eq!(ask(&ERRORS, &facts, &heal), ["fstab errors=panic", "unknown"]);
        let because = (ERRORS.decide)(&facts, &heal).remove(0).because().to_owned();
        assert!(because.ends_with("; left out: /stick (not mounted at boot (noauto))"), "{because}");
        facts.system.ext.truncate(2);
        facts.system.ext.remove(0);
        assert_eq!(ask(&ERRORS, &facts, &heal)[0], "not-applicable");
    }
}
