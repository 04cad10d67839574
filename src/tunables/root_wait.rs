//! How long the initramfs waits for root.

use super::waits::{DAY, argument, reason, wait};
use super::{boot, cannot_tell, fine, not_here};
use crate::facts::{Attribute, Facts, Initramfs};
use crate::formats::premount::SPREAD;
use crate::initramfs::{initqueue, queue_waits, root_is_encrypted, root_is_served};
use crate::policy::{Policy, Recovery};
use crate::resolve::kernel_arg::{self, ABSENT};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Value, Want};

const ROOTDELAY: &str = "ROOTDELAY";
const RETRY: &str = "rd.retry";
/// cryptsetup's script takes a quarter of the time for the disk below (`wait_for_source`).
const QUARTER: u64 = 4;

/// `boot.root_wait`
pub static ROOT_WAIT: Tunable = Tunable {
    id: "boot.root_wait",
    title: "The initramfs waits for a late root disk as long as the stall budget",
    why: "The initramfs of Debian and Ubuntu gives root 30 s, then it opens a shell on a console that nobody \
          sees. A disk that comes later changes nothing until somebody types exit there. A script of ours \
          makes it wait longer, and only where root is not there yet; rootdelay= would make every boot of \
          Debian's sleep. With recovery = \"self-heal\" a guest restarts after a wait in vain, so the script makes each \
          wait longer by up to a minute, other seconds at each boot: not all guests of a host read their kernels in \
          the same second. dracut waits without end, unless its image brings up maps, arrays or servers: then it \
          gives up after rd.retry, 180 s by itself. An array of which a disk is missing for good is started \
          after two thirds of that.",
    sources: &[
        Source {
            title: "man 7 initramfs-tools, rootdelay and boot scripts",
            url: "https://manpages.debian.org/bookworm/initramfs-tools-core/initramfs-tools.7.en.html",
        },
        Source {
            title: "initramfs-tools scripts/local (local_device_setup)",
            url: "https://salsa.debian.org/kernel-team/initramfs-tools/-/blob/master/scripts/local",
        },
        Source {
            title: "man 7 dracut.cmdline, rd.retry=",
            url: "https://man7.org/linux/man-pages/man7/dracut.cmdline.7.html",
        },
    ],
    knobs: &[
        Knob { name: ROOTDELAY, accepts: Accepts::Integer { min: 30, max: 345_600 } },
        Knob { name: RETRY, accepts: Accepts::Integer { min: 180, max: 86_400 } },
    ],
    decide: root_wait,
};

fn root_wait(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if root_is_served(facts) {
        return vec![not_here("a server has the root")];
    }
    let seconds = if policy.recovery == Recovery::Hold { DAY } else { wait(policy) };
    let tools = &facts.system.boot.tools;
    match (tools.copies.as_ref().map(|copies| copies.by), tools.initramfs) {
        (Some(Initramfs::InitramfsTools), _) => vec![by_script(facts, policy, seconds)],
        (Some(Initramfs::Dracut), _) => vec![by_queue(facts, policy, seconds)],
        (_, Some(maker)) => {
            let why = format!("how long {} waits for root is not known to hvtune", maker.name());
            vec![cannot_tell("initramfs", why)]
        }
        _ => vec![cannot_tell("initramfs", "no program that makes an initramfs was found here")],
    }
}

fn set(policy: &Policy, target: Target, want: Want, because: String) -> Decision {
    let pin = policy.pin(&target.knob());
    let because = if pin.is_some() { "pinned by the policy".to_owned() } else { because };
    let want = pin.map_or(want, |pin| Want::Exactly(pin.value.clone()));
    Decision::Set { what: vec![Assignment::new(target, want)], because }
}

/// initramfs-tools.
fn by_script(facts: &Facts, policy: &Policy, seconds: u64) -> Decision {
    if let Some(untold) = resumes_elsewhere(facts) {
        return untold;
    }
    let mut because = reason(policy, seconds);
    let mut wanted = seconds;
    if root_is_encrypted(facts) {
        wanted = seconds.saturating_mul(QUARTER);
        because.push_str("; four times that, as the script for an encrypted root takes a quarter");
    }
    let target = Target::Premount(ROOTDELAY);
    // What is taken from the command line is not to be missed.
    let mut decision = match removable(facts, policy) {
        Some(given) => set(policy, target, Want::Exactly(Value::number(wanted.max(given))), because),
        None => set(policy, target, Want::AtLeast(wanted), because),
    };
    if let (Decision::Set { what, .. }, Recovery::SelfHeal) = (&mut decision, policy.recovery) {
        let spread = Want::Exactly(Value::number(APART));
        what.push(Assignment::new(Target::Premount(SPREAD), spread));
    }
    decision
}

/// Seconds over which guests are spread that restart after a wait in vain.
const APART: u64 = 60;

/// The same wait is given to the disk to resume from: one that is gone would cost every boot as much.
fn resumes_elsewhere(facts: &Facts) -> Option<Decision> {
    let waits = &facts.system.waits;
    let told = |what: &str| {
        let lines = waits.fstab.iter().any(|line| line.point == "swap" && line.device == what);
        lines || facts.machine.iter().flat_map(|machine| &machine.swaps).any(|swap| swap.path == what)
    };
    let gone = |from: &str, what: &str| {
        cannot_tell(
            "resume",
            format!(
                "{from} has the initramfs resume from {what}, which no line of /etc/fstab has as swap: if it is gone, \
                 every boot would wait for it as long as for root"
            ),
        )
    };
    match &waits.resume {
        Attribute::Unknown => {
            Some(cannot_tell("resume", "from what the initramfs resumes could not be read"))
        }
        Attribute::Is(what) if !told(what) => Some(gone("etc/initramfs-tools/conf.d/resume", what)),
        _ => {
            let chain = kernel_arg::chain(facts, "resume", None);
            let what = chain.in_force().value().filter(|what| *what != ABSENT)?.to_owned();
            (!told(&what)).then(|| gone("the command line", &what))
        }
    }
}

/// dracut.
fn by_queue(facts: &Facts, policy: &Policy, seconds: u64) -> Decision {
    let because = match initqueue(facts) {
        Some(false) => {
            return fine("dracut made its image for this machine, and waits for root without end there");
        }
        Some(true) => reason(policy, seconds),
        None => format!(
            "{}; it counts where dracut's image brings up maps, arrays or servers, which could not be told",
            reason(policy, seconds)
        ),
    };
    let waits = queue_waits(facts);
    // Whoever says less is raised.
    let nobody = argument(facts, RETRY).as_deref() == Some(ABSENT);
    if seconds <= waits && nobody && policy.pin(RETRY).is_none() {
        return fine(format!("dracut waits {waits} s by itself"));
    }
    set(policy, Target::KernelArg(RETRY), Want::AtLeast(seconds), because)
}

/// `boot.rootdelay`
pub static ROOTDELAY_ARGUMENT: Tunable = Tunable {
    id: "boot.rootdelay",
    title: "rootdelay= gone where it makes every boot sleep",
    why: "Debian's initramfs sleeps for as long as rootdelay= says, at every boot, whether root is there or not; \
          older guides for Azure ask for 300 s of it. The script of boot.root_wait waits as long, and only where \
          root is not there yet. Ubuntu's initramfs does not sleep, so there the argument stays.",
    sources: &[
        Source {
            title: "initramfs-tools init",
            url: "https://salsa.debian.org/kernel-team/initramfs-tools/-/blob/master/init",
        },
        Source {
            title: "Microsoft: prepare a Debian VHD for Azure",
            url: "https://learn.microsoft.com/en-us/azure/virtual-machines/linux/debian-create-upload-vhd",
        },
    ],
    knobs: &[],
    decide: rootdelay,
};

/// The seconds of `rootdelay=` that are taken away, as they only cost time.
fn removable(facts: &Facts, policy: &Policy) -> Option<u64> {
    if policy.off.contains(ROOTDELAY_ARGUMENT.id)
        || facts.system.waits.rootdelay_sleeps != Attribute::Is(true)
    {
        return None;
    }
    let chain = kernel_arg::chain(facts, "rootdelay", None);
    let given = chain.in_force().value().filter(|value| *value != ABSENT)?.to_owned();
    given.split('.').next()?.parse().ok()
}

fn rootdelay(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    match boot::present(facts, "rootdelay") {
        Some(false) => return vec![not_here("rootdelay is not on the command line")],
        None => {
            return vec![cannot_tell(
                "boot.configured",
                "whether rootdelay is on the command line could not be told",
            )];
        }
        Some(true) => {}
    }
    match facts.system.waits.rootdelay_sleeps {
        Attribute::Is(true) => {}
        Attribute::Unknown => {
            return vec![cannot_tell(
                "waits.initramfs",
                "whether the initramfs sleeps for it could not be read",
            )];
        }
        _ => {
            return vec![fine(
                "this initramfs does not sleep for it: it only waits as long where there is need",
            )];
        }
    }
    let writes = |decision: &Decision| matches!(decision, Decision::Set { .. });
    let replaced = !policy.off.contains(ROOT_WAIT.id)
        && removable(facts, policy).is_some()
        && root_wait(facts, policy).iter().any(writes);
    if !replaced {
        return vec![fine("it stays, though every boot sleeps for it: boot.root_wait is not set here")];
    }
    let what = Assignment::new(Target::DropKernelArg("rootdelay"), Want::Exactly(Value::word("absent")));
    let because =
        "every boot sleeps for it, whether root is there or not; boot.root_wait waits as long in its place";
    vec![Decision::Set { what: vec![what], because: because.to_owned() }]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, disk, image_by, pinned, with_arg};
    use super::*;
    use crate::facts::{Class, FstabWait, Role};

    fn by(maker: Initramfs, class: Class) -> Facts {
        let mut root = disk("sda", class);
        root.roles.insert(Role::Root);
        let mut facts = image_by(maker, vec![root]);
        facts.system.waits.rootdelay_sleeps = Attribute::Is(true);
        facts.system.waits.resume = Attribute::Absent;
        facts
    }

    #[test]
    fn initramfs_tools_waits_by_a_script() {
        let facts = by(Initramfs::InitramfsTools, Class::StorvscScsi);
        let policy = Policy::default();
        assert_eq!(ask(&ROOT_WAIT, &facts, &policy), ["initramfs ROOTDELAY=at least 240"]);
        let hold = Policy { recovery: Recovery::Hold, ..policy.clone() };
        assert_eq!(ask(&ROOT_WAIT, &facts, &hold), ["initramfs ROOTDELAY=at least 86400"]);
        let heal = Policy { recovery: Recovery::SelfHeal, ..policy.clone() };
        assert_eq!(ask(&ROOT_WAIT, &facts, &heal), ["initramfs ROOTDELAY=at least 240, initramfs SPREAD=60"]);
        assert_eq!(ask(&ROOT_WAIT, &facts, &pinned(&[(ROOTDELAY, "90")])), ["initramfs ROOTDELAY=90"]);
        assert_eq!(ask(&ROOTDELAY_ARGUMENT, &facts, &policy), ["not-applicable"]);
    }

    #[test]
    fn a_disk_to_resume_from_that_may_be_gone_is_not_waited_for() {
        let mut facts = by(Initramfs::InitramfsTools, Class::StorvscScsi);
        facts.system.waits.resume = Attribute::Is("UUID=a".to_owned());
        let policy = Policy::default();
        assert_eq!(ask(&ROOT_WAIT, &facts, &policy), ["unknown"]);
        facts.system.waits.fstab =
            vec![FstabWait { device: "UUID=a".to_owned(), point: "swap".to_owned(), ..FstabWait::default() }];
        assert_eq!(ask(&ROOT_WAIT, &facts, &policy), ["initramfs ROOTDELAY=at least 240"]);
        assert_eq!(ask(&ROOT_WAIT, &with_arg(facts, "resume=UUID=b"), &policy), ["unknown"]);
    }

    #[test]
    fn an_argument_that_makes_every_boot_sleep_goes_and_its_wait_stays() {
        let policy = Policy::default();
        let debian = |arg: &str| with_arg(by(Initramfs::InitramfsTools, Class::StorvscScsi), arg);
        for (arg, wait) in [("rootdelay=300", 300), ("rootdelay=30", 240)] {
            assert_eq!(ask(&ROOT_WAIT, &debian(arg), &policy), [format!("initramfs ROOTDELAY={wait}")]);
            let removed = ["cmdline-remove rootdelay=absent"];
            assert_eq!(ask(&ROOTDELAY_ARGUMENT, &debian(arg), &policy), removed);
        }
        let off = |id: &str| Policy { off: [id.to_owned()].into(), ..Policy::default() };
        assert_eq!(ask(&ROOTDELAY_ARGUMENT, &debian("rootdelay=300"), &off(ROOT_WAIT.id)), ["already-right"]);
        let kept = ask(&ROOT_WAIT, &debian("rootdelay=300"), &off(ROOTDELAY_ARGUMENT.id));
        assert_eq!(kept, ["initramfs ROOTDELAY=at least 240"], "and what is longer already is left alone");
        let mut ubuntu = debian("rootdelay=300");
        ubuntu.system.waits.rootdelay_sleeps = Attribute::Is(false);
        assert_eq!(ask(&ROOTDELAY_ARGUMENT, &ubuntu, &policy), ["already-right"]);
    }

    #[test]
    fn dracut_is_told_only_where_it_gives_up() {
        let policy = Policy::default();
        assert_eq!(ask(&ROOT_WAIT, &by(Initramfs::Dracut, Class::StorvscScsi), &policy), ["already-right"]);
        let mut lvm = by(Initramfs::Dracut, Class::Lvm);
        lvm.system.writers.sysctl_files.systemd = None;
        assert_eq!(
            ask(&ROOT_WAIT, &lvm, &Policy { stall: 60, ..policy.clone() }),
            ["cmdline rd.retry=at least 120"]
        );
        lvm.system.writers.sysctl_files.systemd = Some(252);
        assert_eq!(ask(&ROOT_WAIT, &lvm, &policy), ["cmdline rd.retry=at least 240"]);
        let short = Policy { stall: 60, ..policy.clone() };
        assert_eq!(ask(&ROOT_WAIT, &lvm, &short), ["already-right"]);
        let less = with_arg(lvm.clone(), "rd.retry=8");
        assert_eq!(
            ask(&ROOT_WAIT, &less, &short),
            ["cmdline rd.retry=at least 120"],
            "who says less is raised"
        );
        let mut generic = by(Initramfs::Dracut, Class::StorvscScsi);
        generic.system.boot.tools.copies.as_mut().unwrap().hostonly = Some(false);
        assert_eq!(ask(&ROOT_WAIT, &generic, &policy), ["cmdline rd.retry=at least 240"]);
        assert_eq!(ask(&ROOT_WAIT, &by(Initramfs::Mkinitcpio, Class::StorvscScsi), &policy), ["unknown"]);
    }
}
