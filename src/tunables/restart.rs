//! What brings a guest back by itself that did not come up.

use super::waits::systemd;
use super::{boot, cannot_tell, not_here, refused};
use crate::facts::{Facts, Initramfs};
use crate::policy::{Policy, Recovery};
use crate::resolve::kernel_arg::{self, ABSENT};
use crate::tunable::{Decision, Source, Tunable, Value};

const ONLY: &str = "only with recovery = \"self-heal\"";
const SHELL: &str = "rd.shell";
const EMERGENCY: &str = "rd.emergency";

/// `boot.dracut_emergency`
pub static DRACUT_EMERGENCY: Tunable = Tunable {
    id: "boot.dracut_emergency",
    title: "An initramfs of dracut that gave up restarts in place of a shell",
    why: "dracut that waited for root in vain opens a shell on a console that nobody sees, and a disk that comes \
          later changes nothing. With rd.shell=0 and rd.emergency=reboot it restarts and tries again. Each needs \
          the other: rd.shell=0 alone halts the guest or turns it off, rd.emergency=reboot alone does nothing. \
          boot.root_wait comes first, so that a round is as long as the stall budget. Where restarts are counted \
          (greenboot, tries of systemd-boot), three in one stall may bring an older deployment up. Only with \
          recovery = \"self-heal\".",
    sources: &[
        Source {
            title: "man 7 dracut.cmdline, rd.shell= and rd.emergency=",
            url: "https://man7.org/linux/man-pages/man7/dracut.cmdline.7.html",
        },
        Source {
            title: "dracut modules.d/98dracut-systemd/dracut-emergency.sh",
            url: "https://github.com/dracutdevs/dracut/blob/059/modules.d/98dracut-systemd/dracut-emergency.sh",
        },
    ],
    knobs: &[],
    decide: dracut_emergency,
};

fn dracut_emergency(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if policy.recovery != Recovery::SelfHeal {
        return vec![not_here(ONLY)];
    }
    match facts.system.boot.tools.copies.as_ref().map(|copies| copies.by) {
        Some(Initramfs::Dracut) => {}
        Some(other) => return vec![not_here(format!("{} makes the initramfs", other.name()))],
        None => return vec![cannot_tell("initramfs", "what makes the initramfs could not be told")],
    }
    let pair = [(SHELL, "0"), (EMERGENCY, "reboot")];
    // One without the other would halt the guest, so both are ours or nothing is.
    for (key, value) in pair {
        match kernel_arg::chain(facts, key, None).in_force().value() {
            Some(found) if found == ABSENT || found == value => {}
            Some(found) => {
                return vec![refused(format!(
                    "{key}={found} is on the command line; with it the other of the two could halt the guest"
                ))];
            }
            None => {
                return vec![cannot_tell(
                    "boot.configured",
                    format!("whether {key} is on the command line could not be told"),
                )];
            }
        }
    }
    vec![boot::given(facts, pair.map(|(key, value)| (key, Value::word(value))).to_vec())]
}

/// `boot.crash_reboot`
pub static CRASH_REBOOT: Tunable = Tunable {
    id: "boot.crash_reboot",
    title: "A systemd that crashed restarts the guest",
    why: "Where a page of PID 1 cannot be read any more, the kernel sends it SIGBUS, and it stops for ever: no \
          service is started again, and the kernel does not panic, so kernel.panic never counts. With \
          systemd.crash_reboot=yes the guest restarts after 10 s. Only with recovery = \"self-heal\".",
    sources: &[
        Source {
            title: "man 1 systemd, systemd.crash_reboot",
            url: "https://www.freedesktop.org/software/systemd/man/latest/systemd.html#systemd.crash_reboot",
        },
        Source {
            title: "systemd 252 src/core/main.c (crash, freeze_or_exit_or_reboot)",
            url: "https://github.com/systemd/systemd/blob/v252/src/core/main.c",
        },
    ],
    knobs: &[],
    decide: crash_reboot,
};

fn crash_reboot(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if policy.recovery != Recovery::SelfHeal {
        return vec![not_here(ONLY)];
    }
    match systemd(facts, 227, "the argument is known from 227 on") {
        Err(decision) => vec![decision],
        Ok(_) => vec![boot::given(facts, vec![("systemd.crash_reboot", Value::word("yes"))])],
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, image_by, with_arg};
    use super::*;

    fn by(maker: Initramfs) -> Facts {
        image_by(maker, Vec::new())
    }

    fn heal() -> Policy {
        Policy { recovery: Recovery::SelfHeal, ..Policy::default() }
    }

    #[test]
    fn dracut_gets_both_or_nothing() {
        let facts = by(Initramfs::Dracut);
        assert_eq!(ask(&DRACUT_EMERGENCY, &facts, &Policy::default()), ["not-applicable"]);
        let both = "cmdline rd.shell=0, cmdline rd.emergency=reboot";
        assert_eq!(ask(&DRACUT_EMERGENCY, &facts, &heal()), [both]);
        assert_eq!(ask(&DRACUT_EMERGENCY, &by(Initramfs::InitramfsTools), &heal()), ["not-applicable"]);
        for (arg, expected) in [
            ("rd.shell=1", "refused"),
            ("rd.emergency=halt", "refused"),
            ("rd.shell", "refused"),
            ("rd.shell=0", both),
        ] {
            let other = with_arg(facts.clone(), arg);
            assert_eq!(ask(&DRACUT_EMERGENCY, &other, &heal()), [expected], "{arg}");
        }
        let mut untold = facts;
        untold.system.boot.configured.doubts.push("etc/default/grub could not be read".to_owned());
        assert_eq!(ask(&DRACUT_EMERGENCY, &untold, &heal()), ["unknown"]);
    }

    #[test]
    fn a_crash_of_systemd_restarts() {
        let mut facts = by(Initramfs::Dracut);
        assert_eq!(ask(&CRASH_REBOOT, &facts, &heal()), ["cmdline systemd.crash_reboot=yes"]);
        assert_eq!(ask(&CRASH_REBOOT, &facts, &Policy::default()), ["not-applicable"]);
        facts.system.writers.sysctl_files.systemd = None;
        assert_eq!(ask(&CRASH_REBOOT, &facts, &heal()), ["unknown"]);
    }
}
