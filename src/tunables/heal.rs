//! With recovery = "self-heal": a hang that outlasts the budget ends in a restart.

use super::kernel::{HUNG_TASK, PANIC as RESTART};
use super::next::Next;
use super::{IN_FORCE, boot, cannot_tell, kernels, may_run, not_here, refused};
use crate::facts::{Facts, ServedMount};
use crate::policy::{Policy, Recovery};
use crate::resolve::wanted::{Outcome, outcome};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Value, Want};

const PANIC_KEY: &str = "kernel.hung_task_panic";
const INTERVAL_KEY: &str = "kernel.hung_task_check_interval_secs";
const TIMEOUT_KEY: &str = "kernel.hung_task_timeout_secs";
const RESTART_KEY: &str = "kernel.panic";

/// Seconds between two looks of the detector.
const INTERVAL: u64 = 10;
/// Tasks that must hang at once, where the kernel counts them: a journal and one that waits for it.
const TASKS: u64 = 2;
/// How long `hv_utils` waits for a file system that is being frozen for the host's backup, in seconds
/// (`VSS_FREEZE_TIMEOUT`, <https://github.com/torvalds/linux/blob/v6.12/drivers/hv/hv_snapshot.c>).
const LONGEST_FREEZE: u64 = 15 * 60;
/// Most mounts that are named one by one.
const SHOWN: usize = 3;

/// `kernel.hung_task_panic`
pub static PANIC: Tunable = Tunable {
    id: "kernel.hung_task_panic",
    title: "A hang that outlasts the stall budget restarts the guest",
    why: "A guest that waits for its storage for ever comes back only if the storage does. With recovery = \
          \"self-heal\" it rides out the budget first; a task that then still waits for its disk makes the \
          hung-task detector panic, and kernel.panic restarts the guest, which repairs what it must at boot. \
          errors=panic alone rides out nothing: it panics within half a second of the first error, and restarts \
          into the same trouble. The detector does not see tasks in direct I/O, nor readers that can be killed, so \
          a guest that does nothing else is not restarted. It takes a file system that waits for a server, or that \
          a backup froze, for a hung disk: beside NFS, SMB, FUSE and their like it is refused. From 7.0 on, where \
          the value is a number of tasks, two must hang at once.",
    sources: &[
        Source {
            title: "Linux Documentation/admin-guide/sysctl/kernel.rst, hung_task_panic",
            url: "https://docs.kernel.org/admin-guide/sysctl/kernel.html#hung-task-panic",
        },
        Source {
            title: "Linux 7.2 kernel/hung_task.c (task_is_hung; a number of tasks since commit 9544f9e6947f)",
            url: "https://github.com/torvalds/linux/blob/v7.2/kernel/hung_task.c",
        },
        Source {
            title: "Linux 6.12 drivers/hv/hv_snapshot.c (VSS_FREEZE_TIMEOUT, 15 min)",
            url: "https://github.com/torvalds/linux/blob/v6.12/drivers/hv/hv_snapshot.c",
        },
    ],
    knobs: &[Knob { name: PANIC_KEY, accepts: Accepts::Integer { min: 0, max: 1000 } }],
    decide: panic,
};

fn panic(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let pin = policy.pin(PANIC_KEY).map(|pin| pin.value.clone());
    if pin.is_none() && policy.recovery != Recovery::SelfHeal {
        return vec![not_here("only with recovery = \"self-heal\"")];
    }
    if has_no_detector(facts) {
        return vec![not_here("this kernel has no hung-task detector")];
    }
    let counts = !kernels(facts).is_empty() && !may_run(facts, |kernel| !kernel.at_least(7, 0));
    let seconds = timeout(facts, policy);
    let value = match pin {
        Some(pin) if pin.as_str() != "0" => {
            if pin.as_str() != "1" && !counts {
                return vec![refused(format!(
                    "{pin} is pinned, and kernels before 7.0, of which one may run here, are given 0 or 1"
                ))];
            }
            let because = [served(facts), early(&seconds, policy), stands_still(facts, policy)];
            let because = because.into_iter().flatten().map(|decision| decision.because().to_owned());
            return set(
                PANIC_KEY,
                pin,
                told("pinned by the policy", because.chain(warnings(facts, &seconds))),
            );
        }
        Some(pin) => return set(PANIC_KEY, pin, "pinned by the policy".to_owned()),
        None if counts => Value::number(TASKS),
        None => Value::number(1),
    };
    let against = [served(facts), early(&seconds, policy), stands_still(facts, policy)];
    let against: Vec<Decision> = against.into_iter().flatten().collect();
    if !against.is_empty() {
        return against;
    }
    let after = seconds.value().unwrap_or("so many").to_owned();
    let because = format!(
        "recovery = \"self-heal\": a task that waits for its disk for {after} s, longer than the budget of {} s, restarts \
         the guest",
        policy.stall
    );
    set(PANIC_KEY, value, told(&because, warnings(facts, &seconds)))
}

/// Whether the running kernel was looked at and knows no detector.
fn has_no_detector(facts: &Facts) -> bool {
    let looked =
        facts.machine.as_ref().filter(|machine| !machine.is_assumed() && !machine.sysctls.is_empty());
    looked.is_some_and(|machine| !machine.sysctls.contains_key(TIMEOUT_KEY))
}

fn set(key: &'static str, value: Value, because: String) -> Vec<Decision> {
    vec![Decision::Set { what: vec![Assignment::new(Target::Sysctl(key), Want::Exactly(value))], because }]
}

fn told(because: &str, warnings: impl IntoIterator<Item = String>) -> String {
    let warnings: Vec<String> = warnings.into_iter().collect();
    if warnings.is_empty() {
        because.to_owned()
    } else {
        format!("{because}. Beware: {}", warnings.join(". "))
    }
}

fn timeout(facts: &Facts, policy: &Policy) -> Next {
    Next::of(facts, policy, &HUNG_TASK, TIMEOUT_KEY)
}

/// Why the detector would not wait for the budget, or would not look at all.
fn early(seconds: &Next, policy: &Policy) -> Option<Decision> {
    let budget = policy.stall;
    let beyond = Want::AtLeast(budget.saturating_add(1));
    match outcome(&seconds.chain, &Assignment::new(Target::Sysctl(TIMEOUT_KEY), beyond)) {
        Outcome::Holds(value) if value == "0" => Some(refused(format!(
            "{TIMEOUT_KEY} is 0 by {}, so the detector looks at nothing and no hang ends in a restart; take that \
             away, or pin the key",
            seconds.by()
        ))),
        Outcome::Holds(_) => {
            let live = seconds.live.as_deref().and_then(|live| live.trim().parse::<u64>().ok());
            let short = live.filter(|live| (1..=budget).contains(live))?;
            Some(refused(format!(
                "{TIMEOUT_KEY} is {short} on the running system and larger only from the next boot on: a panic \
                 now would cut the budget of {budget} s short"
            )))
        }
        Outcome::Overridden { value, .. } => Some(refused(format!(
            "{TIMEOUT_KEY} is {value} by {}, so a restart would cut the budget of {budget} s short",
            seconds.by()
        ))),
        Outcome::Unknown(why) => Some(cannot_tell(
            &format!("{IN_FORCE}{TIMEOUT_KEY}"),
            format!("whether the detector waits for the budget could not be told: {why}"),
        )),
    }
}

/// Why a kernel that panicked would not restart.
fn stands_still(facts: &Facts, policy: &Policy) -> Option<Decision> {
    let next = Next::of(facts, policy, &RESTART, RESTART_KEY);
    match next.value() {
        Some("0") => Some(refused(format!(
            "{RESTART_KEY} is 0 by {}, so a guest that panicked would stand still until somebody resets it",
            next.by()
        ))),
        Some(_) => None,
        None => Some(cannot_tell(
            &format!("{IN_FORCE}{RESTART_KEY}"),
            format!("whether a guest that panicked restarts could not be told: {}", next.by()),
        )),
    }
}

/// File systems whose servers would be taken for hung disks.
fn served(facts: &Facts) -> Option<Decision> {
    let mounted = facts.machine.iter().flat_map(|machine| &machine.served);
    let mut found: Vec<&ServedMount> = Vec::new();
    for mount in mounted.chain(&facts.system.served) {
        if !found.iter().any(|known| known.point == mount.point) {
            found.push(mount);
        }
    }
    let named: Vec<String> =
        found.iter().take(SHOWN).map(|mount| format!("{} ({})", mount.point, mount.fstype)).collect();
    let more = found.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!found.is_empty()).then(|| {
        refused(format!(
            "a server answers for {}{more}, and one that is silent looks like a hung disk: a restart would heal \
             nothing. Pin {PANIC_KEY} to have it all the same",
            named.join(", ")
        ))
    })
}

/// What may make a restart where there was no need, or keep one from happening.
fn warnings(facts: &Facts, seconds: &Next) -> Vec<String> {
    let mut warnings = Vec::new();
    let after = seconds.value().and_then(|value| value.parse::<u64>().ok()).filter(|after| *after > 0);
    let shown = after.map_or_else(|| "that".to_owned(), |after| format!("{after} s"));
    if facts.system.vss_daemon && after.is_none_or(|after| after < LONGEST_FREEZE) {
        warnings.push(format!(
            "a backup of the host freezes file systems by hv_vss_daemon, for seconds as a rule and for up to \
             {LONGEST_FREEZE} s; a freeze longer than {shown} restarts the guest"
        ));
    }
    if facts.system.snapshot_extension {
        warnings.push(format!(
            "Azure Backup's extension VMSnapshotLinux freezes file systems; a freeze longer than {shown} restarts \
             the guest"
        ));
    }
    if boot::present(facts, "crashkernel") == Some(true) {
        warnings.push(
            "crashkernel= is there for kdump: where it is loaded, a panic starts its kernel first, which writes to \
             the same disk; if it hangs there, nothing restarts the guest"
                .to_owned(),
        );
    }
    warnings
}

/// `kernel.hung_task_check_interval_secs`
pub static CHECK_INTERVAL: Tunable = Tunable {
    id: "kernel.hung_task_check_interval",
    title: "The hung-task detector looks every ten seconds",
    why: "The detector counts from the look that first finds a task waiting, and by default it looks once per \
          timeout: a restart meant for 240 s comes anywhere between 240 s and 480 s. A look every ten seconds \
          brings it within ten seconds, and costs one walk over the tasks. Kernels before 4.19 have no such key.",
    sources: &[
        Source {
            title: "Linux Documentation/admin-guide/sysctl/kernel.rst, hung_task_check_interval_secs",
            url: "https://docs.kernel.org/admin-guide/sysctl/kernel.html#hung-task-check-interval-secs",
        },
        Source {
            title: "Linux 4.19 commit a2e514453861, kernel/hung_task.c (watchdog)",
            url: "https://git.kernel.org/linus/a2e514453861dd39b53b7a50b6771bd3f9852078",
        },
    ],
    knobs: &[Knob { name: INTERVAL_KEY, accepts: Accepts::Integer { min: 0, max: 2_147_483 } }],
    decide: check_interval,
};

fn check_interval(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if let Some(pin) = policy.pin(INTERVAL_KEY) {
        return set(INTERVAL_KEY, pin.value.clone(), "pinned by the policy".to_owned());
    }
    if policy.recovery != Recovery::SelfHeal {
        return vec![not_here("only with recovery = \"self-heal\"")];
    }
    let panics = |decision: &Decision| matches!(decision, Decision::Set { .. });
    if policy.off.contains(PANIC.id) || !panic(facts, policy).iter().any(panics) {
        return vec![not_here(format!("only beside {PANIC_KEY}, which is not set here"))];
    }
    let machine = facts.machine.as_ref();
    let known = machine.is_some_and(|machine| machine.sysctls.contains_key(INTERVAL_KEY));
    if !known && kernels(facts).iter().any(|kernel| !kernel.at_least(4, 19)) {
        return vec![not_here(
            "kernels before 4.19 look once per timeout: the restart may come that much later",
        )];
    }
    let because = "the restart comes within ten seconds of its time";
    set(INTERVAL_KEY, Value::number(INTERVAL), because.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, given, guest, pinned};
    use super::*;
    use crate::facts::SysctlFile;
    use crate::formats::sysctl::read::read;

    const SET: &str = "sysctl kernel.hung_task_panic=1";

    fn heal() -> Policy {
        Policy { recovery: Recovery::SelfHeal, ..Policy::default() }
    }

    fn with_file(path: &str, text: &str) -> Facts {
        let mut facts = guest("6.1.0-18-amd64", Vec::new());
        let file = SysctlFile { path: path.to_owned(), lines: read(text) };
        facts.system.writers.sysctl_files.layered = vec![file];
        facts
    }

    fn because(facts: &Facts, policy: &Policy) -> String {
        let said: Vec<String> = panic(facts, policy).iter().map(|d| d.because().to_owned()).collect();
        said.join(" | ")
    }

    #[test]
    fn a_hang_restarts_only_where_the_guest_is_to_heal_itself() {
        let facts = guest("6.1.0-18-amd64", Vec::new());
        assert_eq!(ask(&PANIC, &facts, &heal()), [SET]);
        assert_eq!(ask(&CHECK_INTERVAL, &facts, &heal()), ["sysctl kernel.hung_task_check_interval_secs=10"]);
        for recovery in [Recovery::Default, Recovery::Hold] {
            let policy = Policy { recovery, ..Policy::default() };
            assert_eq!(ask(&PANIC, &facts, &policy), ["not-applicable"]);
            assert_eq!(ask(&CHECK_INTERVAL, &facts, &policy), ["not-applicable"]);
        }
        assert!(because(&facts, &heal()).contains("for 240 s"), "{}", because(&facts, &heal()));
        let longer = Policy { stall: 300, ..heal() };
        assert!(because(&facts, &longer).contains("for 360 s"));
    }

    #[test]
    fn a_kernel_that_counts_is_told_to_wait_for_two() {
        let two = "sysctl kernel.hung_task_panic=2";
        let mut facts = guest("7.2.13", Vec::new());
        assert_eq!(ask(&PANIC, &facts, &heal()), [two]);
        assert_eq!(ask(&PANIC, &guest("6.19.2", Vec::new()), &heal()), [SET]);
        // Where an older one may boot too, what both take.
        let older = guest("6.1.0", Vec::new()).system.kernels.unwrap_or_default();
        facts.system.kernels.as_mut().unwrap().extend(older);
        assert_eq!(ask(&PANIC, &facts, &heal()), [SET]);
        assert_eq!(ask(&PANIC, &facts, &pinned(&[(PANIC_KEY, "3")])), ["refused"]);
        let three = "sysctl kernel.hung_task_panic=3";
        assert_eq!(ask(&PANIC, &guest("7.2.13", Vec::new()), &pinned(&[(PANIC_KEY, "3")])), [three]);
        let mut older = guest("4.18.0", Vec::new());
        assert_eq!(ask(&CHECK_INTERVAL, &older, &heal()), ["not-applicable"]);
        older.system.kernels.as_mut().unwrap().extend(guest("6.1.0", Vec::new()).system.kernels.unwrap());
        assert_eq!(ask(&CHECK_INTERVAL, &older, &heal()), ["not-applicable"]);
        // Red Hat's 4.18 may have it: then the running kernel shows it.
        let keys = [TIMEOUT_KEY, INTERVAL_KEY].map(|key| (key.to_owned(), "120".to_owned()));
        older.machine.as_mut().unwrap().sysctls = keys.into();
        let set = ["sysctl kernel.hung_task_check_interval_secs=10"];
        assert_eq!(ask(&CHECK_INTERVAL, &older, &heal()), set);
    }

    #[test]
    fn a_server_that_is_silent_is_no_reason_to_restart() {
        let mount =
            |point: &str, fstype: &str| ServedMount { point: point.to_owned(), fstype: fstype.to_owned() };
        let mut facts = guest("6.1.0", Vec::new());
        facts.machine.as_mut().unwrap().served = vec![mount("/srv", "nfs4")];
        facts.system.served = vec![mount("/srv", "nfs4"), mount("/win", "cifs")];
        assert_eq!(ask(&PANIC, &facts, &heal()), ["refused"]);
        assert_eq!(ask(&CHECK_INTERVAL, &facts, &heal()), ["not-applicable"]);
        let said = because(&facts, &heal());
        assert!(said.starts_with("a server answers for /srv (nfs4), /win (cifs), and"), "{said}");
        let pin = Policy { recovery: Recovery::SelfHeal, ..pinned(&[(PANIC_KEY, "1")]) };
        assert_eq!(ask(&PANIC, &facts, &pin), [SET]);
        let said = because(&facts, &pin);
        assert!(said.starts_with("pinned by the policy. Beware: a server answers for /srv"), "{said}");
        assert_eq!(because(&facts, &pinned(&[(PANIC_KEY, "0")])), "pinned by the policy");
    }

    #[test]
    fn a_detector_that_would_cut_the_budget_short_does_not_panic() {
        let later = with_file("etc/sysctl.d/99-z.conf", "kernel.hung_task_timeout_secs = 60\n");
        assert_eq!(ask(&PANIC, &later, &heal()), ["refused"]);
        let said = because(&later, &heal());
        assert!(said.contains("is 60 by etc/sysctl.d/99-z.conf:1, so a restart would cut"), "{said}");
        let earlier = with_file("etc/sysctl.d/10-z.conf", "kernel.hung_task_timeout_secs = 60\n");
        assert_eq!(ask(&PANIC, &earlier, &heal()), [SET]);
        let off = with_file("etc/sysctl.d/10-z.conf", "kernel.hung_task_timeout_secs = 0\n");
        assert_eq!(ask(&PANIC, &off, &heal()), ["refused"]);
        assert!(because(&off, &heal()).contains("is 0 by etc/sysctl.d/10-z.conf:1"));
        // Ours switched off, or pinned too low.
        let facts = guest("6.1.0", Vec::new());
        let off = Policy { off: ["kernel.hung_task".to_owned()].into(), ..heal() };
        assert_eq!(ask(&PANIC, &facts, &off), ["refused"]);
        let low = Policy { recovery: Recovery::SelfHeal, ..pinned(&[(TIMEOUT_KEY, "30")]) };
        assert_eq!(ask(&PANIC, &facts, &low), ["refused"]);
        assert!(because(&facts, &low).contains("is 30 by the policy"), "{}", because(&facts, &low));
        // A longer one is kept, and the restart comes then.
        let mut longer = with_file("etc/sysctl.d/10-z.conf", "kernel.hung_task_timeout_secs = 600\n");
        assert!(because(&longer, &heal()).contains("for 600 s"), "{}", because(&longer, &heal()));
        // Only the file says so yet.
        longer.machine.as_mut().unwrap().sysctls = [(TIMEOUT_KEY.to_owned(), "30".to_owned())].into();
        assert_eq!(ask(&PANIC, &longer, &heal()), ["refused"]);
    }

    #[test]
    fn a_kernel_that_would_stand_still_does_not_panic() {
        let still = with_file("etc/sysctl.d/99-z.conf", "kernel.panic = 0\n");
        assert_eq!(ask(&PANIC, &still, &heal()), ["refused"]);
        let said = because(&still, &heal());
        assert!(said.starts_with("kernel.panic is 0 by etc/sysctl.d/99-z.conf:1"), "{said}");
        let off = Policy { off: ["kernel.panic".to_owned()].into(), ..heal() };
        assert_eq!(ask(&PANIC, &guest("6.1.0", Vec::new()), &off), ["refused"]);
    }

    #[test]
    fn a_freeze_and_a_dump_are_warned_of() {
        let mut facts = guest("6.1.0", Vec::new());
        assert!(!because(&facts, &heal()).contains("Beware"));
        facts.system.vss_daemon = true;
        let said = because(&facts, &heal());
        assert!(said.ends_with("up to 900 s; a freeze longer than 240 s restarts the guest"), "{said}");
        // Longer than the driver waits for any freeze.
        let patient = Policy { stall: 900, ..heal() };
        assert!(!because(&facts, &patient).contains("Beware"), "{}", because(&facts, &patient));
        facts.system.snapshot_extension = true;
        assert!(because(&facts, &patient).contains("VMSnapshotLinux"));
        facts.system.boot.stack = crate::facts::BootStack::DebianGrub;
        facts.system.boot.configured.args = vec![given("crashkernel=256M")];
        assert_eq!(ask(&PANIC, &facts, &heal()), [SET]);
        assert!(because(&facts, &heal()).contains("crashkernel= is there for kdump"));
    }
}
