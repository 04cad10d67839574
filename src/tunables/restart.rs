//! What brings a guest back by itself that did not come up.

use super::waits::systemd;
use super::{boot, cannot_tell, not_here, refused};
use crate::facts::{
    EMERGENCY as EMERGENCY_TARGET, EMERGENCY_SERVICE, Facts, Initramfs, RESTART_TIMER, Unit, UnitFile, WANTS,
};
use crate::policy::{Policy, Recovery};
use crate::resolve::kernel_arg::{self, ABSENT};
use crate::tunable::{Assignment, Decision, Source, Target, Tunable, Value, Want};

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

/// `boot.emergency_restart`
pub static EMERGENCY_RESTART: Tunable = Tunable {
    id: "boot.emergency_restart",
    title: "A boot that ended in emergency mode restarts where nobody is at the console",
    why: "A boot that waited for a disk in vain ends in emergency mode, and stays there when the disk comes. A timer \
          that emergency mode starts then restarts the guest after 5 to 6 minutes, so that it tries again; not all \
          guests of a host do so in the same second. It does nothing while somebody is logged in at the console, \
          and after 10 restarts within a day, so a wrong line in /etc/fstab ends in emergency mode as before. Only \
          with recovery = \"self-heal\", and where hvtune's package is installed, which has the timer. Where boots \
          that failed are counted (greenboot, tries of systemd-boot), a few in one stall may bring an older \
          deployment up.",
    sources: &[
        Source {
            title: "man 7 systemd.special, emergency.target",
            url: "https://www.freedesktop.org/software/systemd/man/latest/systemd.special.html#emergency.target",
        },
        Source {
            title: "systemd 252 src/sulogin-shell/sulogin-shell.c (start_default_target)",
            url: "https://github.com/systemd/systemd/blob/v252/src/sulogin-shell/sulogin-shell.c",
        },
    ],
    knobs: &[],
    decide: emergency_restart,
};

fn emergency_restart(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if policy.recovery != Recovery::SelfHeal {
        return vec![not_here(ONLY)];
    }
    let unit = |name: &str| facts.system.units.iter().find(|unit| unit.name == name);
    let (Some(target), Some(service)) = (unit(EMERGENCY_TARGET), unit(EMERGENCY_SERVICE)) else {
        return vec![not_here("no emergency.target and emergency.service of systemd's were found")];
    };
    let Some(timer) = unit(RESTART_TIMER) else {
        return vec![not_here(format!("{RESTART_TIMER}, which hvtune's package has, is not installed"))];
    };
    for unit in [target, service, timer] {
        if let Some(by) = &unit.masked {
            return vec![refused(format!("{by} masks {}", unit.name))];
        }
        if let Some(unread) = unit.unread.first() {
            return vec![cannot_tell("units", unread.said())];
        }
    }
    // What somebody else has there may restart the guest already, or wait for somebody in another way.
    if let Some(by) = runs_other(service) {
        return vec![refused(format!("{by} says what emergency mode runs"))];
    }
    let target = Target::Unit { unit: EMERGENCY_TARGET, property: WANTS };
    let what = vec![Assignment::new(target, Want::Exactly(Value::word(RESTART_TIMER)))];
    vec![Decision::Set { what, because: "recovery = \"self-heal\"".to_owned() }]
}

/// The file of an administrator's that says what a unit runs.
fn runs_other(unit: &Unit) -> Option<&str> {
    let runs = |file: &&UnitFile| file.lines.iter().any(|line| line.key == "ExecStart");
    let own = unit.fragment.as_ref().filter(|file| !VENDORS.iter().any(|top| file.path.starts_with(top)));
    let drop_ins = unit.drop_ins.iter().filter(|one| one.replaced_by.is_none()).map(|one| &one.file);
    own.into_iter().chain(drop_ins).find(runs).map(|file| file.path.as_str())
}

const VENDORS: [&str; 2] = ["usr/lib/", "lib/"];

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
    use crate::facts::{DropIn, UnitLine, UnreadFile};

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
    fn emergency_mode_restarts_where_the_timer_is() {
        let mut facts = by(Initramfs::Dracut);
        let line = |key: &str| UnitLine { key: key.to_owned(), ..UnitLine::default() };
        let file = |path: &str| UnitFile {
            path: path.to_owned(),
            lines: vec![line("ExecStart")],
            ..UnitFile::default()
        };
        let unit = |name: &str| Unit {
            name: name.to_owned(),
            fragment: Some(file(&format!("usr/lib/systemd/system/{name}"))),
            ..Unit::default()
        };
        facts.system.units = vec![unit(EMERGENCY_TARGET), unit(EMERGENCY_SERVICE)];
        assert_eq!(ask(&EMERGENCY_RESTART, &facts, &heal()), ["not-applicable"]);
        facts.system.units.push(unit(RESTART_TIMER));
        let set = ["unit:emergency.target Wants=hvtune-emergency.timer"];
        assert_eq!(ask(&EMERGENCY_RESTART, &facts, &heal()), set);
        assert_eq!(ask(&EMERGENCY_RESTART, &facts, &Policy::default()), ["not-applicable"]);
        for at in 0..3 {
            let mut masked = facts.clone();
            masked.system.units[at].masked = Some("etc/systemd/system/x".to_owned());
            assert_eq!(ask(&EMERGENCY_RESTART, &masked, &heal()), ["refused"], "{at}");
            let mut unread = facts.clone();
            let why = "Permission denied".to_owned();
            unread.system.units[at].unread.push(UnreadFile { path: "etc/x".to_owned(), why });
            assert_eq!(ask(&EMERGENCY_RESTART, &unread, &heal()), ["unknown"], "{at}");
        }
        let mut replaced = facts.clone();
        replaced.system.units[1].fragment = Some(file("etc/systemd/system/emergency.service"));
        assert_eq!(ask(&EMERGENCY_RESTART, &replaced, &heal()), ["refused"]);
        let drop_in =
            DropIn { file: file("etc/systemd/system/emergency.service.d/x.conf"), ..DropIn::default() };
        facts.system.units[1].drop_ins.push(drop_in);
        assert_eq!(ask(&EMERGENCY_RESTART, &facts, &heal()), ["refused"]);
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
