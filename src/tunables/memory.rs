//! Swap and dirty memory.

use super::{IN_FORCE, cannot_tell, fine, not_here};
use crate::facts::{Facts, VmbusClass};
use crate::policy::Policy;
use crate::resolve::swap::{First, first};
use crate::resolve::{Chain, InForce, Moment, sysctl};
use crate::tunable::{Accepts, Assignment, Decision, Knob, Source, Target, Tunable, Value, Want};

/// Low enough that anonymous memory stays in RAM while page cache can be dropped, above the
/// 0 that invites the OOM killer.
const SWAPPINESS_VALUE: u64 = 10;

/// `vm.swappiness`
pub static SWAPPINESS: Tunable = Tunable {
    id: "vm.swappiness",
    title: "Less swapping to a disk that may stall",
    why: "A task whose page lies on a stalled swap disk blocks, whatever it does. A low value keeps pages in \
          memory while page cache can go instead. Swap on zram does not stall and wants the kernel's value.",
    sources: &[Source {
        title: "Linux Documentation/admin-guide/sysctl/vm.rst, swappiness",
        url: "https://docs.kernel.org/admin-guide/sysctl/vm.html#swappiness",
    }],
    knobs: &[Knob { name: "vm.swappiness", accepts: Accepts::Integer { min: 0, max: 200 } }],
    decide: swappiness,
};

fn swappiness(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let Some(machine) = facts.machine.as_ref() else {
        return vec![cannot_tell("swaps", "no machine to look at")];
    };
    if let Some(pin) = policy.pin("vm.swappiness") {
        return vec![one(Want::Exactly(pin.value.clone()), "pinned by the policy")];
    }
    let decision = if machine.is_assumed() {
        one(
            Want::AtMost(SWAPPINESS_VALUE),
            "swap of the guest to come is taken to be on disk; without swap it changes nothing",
        )
    } else {
        match first(facts) {
            First::Nothing => not_here("no swap is active, so it would change nothing"),
            First::Safe => {
                fine("swap is only on zram or on the host's local disk, which a SAN does not stall")
            }
            First::SafeBefore(what) => fine(format!(
                "{what} is filled before any swap on a disk that may stall, and wants the kernel's value"
            )),
            // The same words before and after it is active: both boots of a guest write the same bytes.
            First::MayStall => one(Want::AtMost(SWAPPINESS_VALUE), "swap is on a disk that may stall"),
        }
    };
    vec![decision]
}

fn one(want: Want, because: &str) -> Decision {
    Decision::Set {
        what: vec![Assignment::new(Target::Sysctl("vm.swappiness"), want)],
        because: because.to_owned(),
    }
}

const MIB: u64 = 1 << 20;
/// What a disk is taken to drain per second where nobody measured it.
const DRAIN: u64 = 50 * MIB;
/// How long the flush after a stall may take, in seconds.
const DRAIN_SECONDS: u64 = 20;

/// `vm.dirty`
pub static DIRTY: Tunable = Tunable {
    id: "vm.dirty",
    title: "No more dirty memory than the disk drains in twenty seconds",
    why: "By default 20 % of memory may be dirty: minutes of writing on a slow disk. It all goes out when a \
          stall ends and makes the next one, and it is lost if the stall ends in a reset. The limits assume a \
          disk that drains 50 MiB/s (pin vm.dirty_bytes for another) and cap at 15 % of memory; with Dynamic \
          Memory, whose minimum a guest cannot see, pin them by that minimum. They protect buffered writers \
          only: an fsync waits for the disk whatever is set here.",
    sources: &[
        Source {
            title: "Linux Documentation/admin-guide/sysctl/vm.rst, dirty_bytes",
            url: "https://docs.kernel.org/admin-guide/sysctl/vm.html#dirty-bytes",
        },
        Source {
            title: "Linux 6.12 mm/page-writeback.c (domain_dirty_limits)",
            url: "https://github.com/torvalds/linux/blob/v6.12/mm/page-writeback.c",
        },
    ],
    knobs: &[
        Knob { name: "vm.dirty_bytes", accepts: Accepts::Integer { min: 1 << 20, max: 1 << 40 } },
        Knob { name: "vm.dirty_background_bytes", accepts: Accepts::Integer { min: 1 << 20, max: 1 << 40 } },
    ],
    decide: dirty,
};

fn dirty(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let number = |knob| policy.pin(knob).and_then(|pin| pin.value.as_str().parse::<u64>().ok());
    let pinned = number("vm.dirty_bytes");
    let background = number("vm.dirty_background_bytes");
    if let Some(limit) = pinned {
        return vec![pair(limit, background.unwrap_or(limit / 4), "pinned by the policy".to_owned())];
    }
    let Some(memory) = facts.machine.as_ref().and_then(|machine| machine.memory) else {
        return vec![cannot_tell(
            "memory",
            "the limit depends on the size of memory; give a capture with --machine, or pin vm.dirty_bytes",
        )];
    };
    let now = match (limit_without_us(facts, "vm.dirty_bytes", memory), background) {
        (Ok(now), _) => now,
        (Err(why), _) => return vec![cannot_tell(&format!("{IN_FORCE}vm.dirty_bytes"), why)],
    };
    let drained = DRAIN * DRAIN_SECONDS;
    if let (Some(who), None) = (now.by_file.as_ref().filter(|_| now.bytes <= drained), background) {
        return vec![fine(format!("already right: {who} keeps dirty memory to {} MiB", now.bytes / MIB))];
    }
    if now.bytes <= drained && background.is_none() {
        let grows = if may_grow(facts) {
            "; that is its size now: Dynamic Memory, where it is on, may make it larger, and 20 % of that more \
             (pin vm.dirty_bytes then)"
        } else {
            ""
        };
        return vec![fine(format!(
            "the kernel's 20 % of {} MiB is no more than a disk of 50 MiB/s drains in {DRAIN_SECONDS} s{grows}",
            memory / MIB
        ))];
    }
    let limit = (8 * DRAIN).min(memory.saturating_mul(15) / 100).min(drained);
    let because = format!(
        "{} MiB of dirty memory would take a disk of 50 MiB/s {} s to drain",
        now.bytes / MIB,
        now.bytes / DRAIN
    );
    let starts = match limit_without_us(facts, "vm.dirty_background_bytes", memory) {
        Ok(starts) => starts,
        Err(why) => return vec![cannot_tell(&format!("{IN_FORCE}vm.dirty_background_bytes"), why)],
    };
    // Somebody has it written out sooner than we would.
    if background.is_none() && starts.by_file.is_some() && starts.bytes <= limit / 4 {
        return vec![Decision::Set { what: vec![assign("vm.dirty_bytes", limit)], because }];
    }
    vec![pair(limit, background.unwrap_or(limit / 4), because)]
}

/// How much memory may be dirty at the next boot without us.
struct Limit {
    bytes: u64,
    /// Who says so, where it is not the kernel's own value.
    by_file: Option<String>,
}

/// The limit of a pair of keys: the number of bytes where that is set, else the share of memory.
fn limit_without_us(facts: &Facts, key: &str, memory: u64) -> Result<Limit, String> {
    let told = |key: &str| match sysctl::chain(facts, key, None) {
        chain if chain.in_force().value().is_none() => match chain.in_force() {
            InForce::Unknown { because, .. } => Err(because),
            InForce::Known { .. } => Err(String::new()),
        },
        chain => Ok(chain),
    };
    let number =
        |chain: &Chain| chain.in_force().value().and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
    let who = |chain: &Chain| {
        match chain.in_force() {
            InForce::Known { by, .. } => {
                chain.writers.get(by).filter(|writer| writer.moment > Moment::BuiltIn)
            }
            InForce::Unknown { .. } => None,
        }
        .map(|writer| writer.who.name())
    };
    let bytes = told(key)?;
    if number(&bytes) > 0 {
        return Ok(Limit { bytes: number(&bytes), by_file: who(&bytes) });
    }
    let share = told(&key.replace("_bytes", "_ratio"))?;
    Ok(Limit { bytes: memory / 100 * number(&share), by_file: who(&share) })
}

/// Whether the host may add memory while the guest runs: by the device through which it does. Whether it
/// is told to, a guest cannot see.
fn may_grow(facts: &Facts) -> bool {
    let guest = facts.machine.as_ref().and_then(super::hyperv);
    guest.is_some_and(|guest| guest.vmbus.contains_key(&VmbusClass::Balloon))
}

/// Both in one family and in this order: a ratio that was set before is replaced, and background stays below.
fn pair(limit: u64, background: u64, because: String) -> Decision {
    let background = assign("vm.dirty_background_bytes", background.min(limit / 2));
    Decision::Set { what: vec![background, assign("vm.dirty_bytes", limit)], because }
}

fn assign(key: &'static str, bytes: u64) -> Assignment {
    Assignment::new(Target::Sysctl(key), Want::Exactly(Value::number(bytes)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, assumed, disk, guest, pinned};
    use super::*;
    use crate::facts::{Class, Hypervisor, Role, Swap, SwapGround, SwapSource};

    fn area(path: &str, on: &str, priority: i64) -> Swap {
        let (path, disk) = (path.to_owned(), Some(on.to_owned()));
        Swap { path, disk, others: Some(Vec::new()), priority: Some(priority) }
    }

    fn with_swap(swaps: &[Swap]) -> Facts {
        let mut temporary = disk("sdb", Class::StorvscScsi);
        temporary.roles.insert(Role::AzureTemporary);
        let disks = vec![disk("sda", Class::StorvscScsi), temporary, disk("zram0", Class::Zram)];
        let mut facts = guest("6.1.0-18-amd64", disks);
        facts.machine.as_mut().unwrap().swaps = swaps.to_vec();
        facts
    }

    fn swapping(path: &str, on: &str) -> Facts {
        with_swap(&[area(path, on, -2)])
    }

    fn asked(what: &str, priority: Option<i64>, on: SwapGround) -> SwapSource {
        SwapSource { from: "etc/fstab".to_owned(), what: what.to_owned(), priority, on, holder: None }
    }

    #[test]
    fn swappiness_looks_at_where_swap_lies() {
        let policy = Policy::default();
        let none = guest("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
        assert_eq!(
            ask(&SWAPPINESS, &swapping("/dev/sda3", "sda"), &policy),
            ["sysctl vm.swappiness=at most 10"]
        );
        assert_eq!(ask(&SWAPPINESS, &swapping("/dev/zram0", "zram0"), &policy), ["already-right"]);
        assert_eq!(ask(&SWAPPINESS, &none, &policy), ["not-applicable"]);
        let mut early = none.clone();
        early.system.swaps = vec![asked("UUID=b", None, SwapGround::Storage)];
        assert_eq!(ask(&SWAPPINESS, &early, &policy), ["sysctl vm.swappiness=at most 10"]);
        assert_eq!(ask(&SWAPPINESS, &none, &pinned(&[("vm.swappiness", "1")])), ["sysctl vm.swappiness=1"]);
        assert_eq!(
            ask(&SWAPPINESS, &assumed("6.1.0-18-amd64"), &policy),
            ["sysctl vm.swappiness=at most 10"]
        );
    }

    #[test]
    fn the_swap_that_is_used_first_decides() {
        let disk = |priority| area("/dev/sda3", "sda", priority);
        let zram = |priority| area("/dev/zram0", "zram0", priority);
        let local = |priority| area("/mnt/swapfile", "sdb", priority);
        let set = "sysctl vm.swappiness=at most 10";
        let lost = Swap { disk: None, ..disk(-2) };
        let several = Swap { others: None, ..local(-2) };
        for (swaps, want) in [
            (vec![disk(-2), zram(100)], "already-right"),
            (vec![zram(5), disk(10)], set),
            (vec![zram(10), disk(10)], set),
            (vec![local(-2), disk(-3)], "already-right"),
            (vec![disk(-2), local(-3)], set),
            (vec![local(-2)], "already-right"),
            (vec![lost], set),
            (vec![several], set),
        ] {
            assert_eq!(ask(&SWAPPINESS, &with_swap(&swaps), &Policy::default()), [want], "{swaps:?}");
        }
    }

    #[test]
    fn swap_that_files_ask_for_counts_before_it_is_active() {
        let zram = asked("/dev/zram0", Some(100), SwapGround::Zram);
        let disk = |priority| asked("UUID=b", priority, SwapGround::Storage);
        let local = asked("/mnt/swapfile", None, SwapGround::AzureTemporary);
        let set = "sysctl vm.swappiness=at most 10";
        for (sources, want) in [
            (vec![zram.clone()], "already-right"),
            (vec![disk(None), zram.clone()], "already-right"),
            (vec![disk(Some(200)), zram.clone()], set),
            // Not on Azure, so that is no temporary disk.
            (vec![local], set),
        ] {
            let mut facts = with_swap(&[]);
            facts.system.swaps.clone_from(&sources);
            assert_eq!(ask(&SWAPPINESS, &facts, &Policy::default()), [want], "{sources:?}");
        }
        // What is asked for and is not there makes nothing safe.
        let mut facts = with_swap(&[area("/dev/sda3", "sda", -2)]);
        facts.system.swaps = vec![zram];
        assert_eq!(ask(&SWAPPINESS, &facts, &Policy::default()), [set]);
    }

    #[test]
    fn dirty_limits_follow_memory() {
        let policy = Policy::default();
        let with = |memory: Option<u64>| {
            let mut facts = guest("6.1.0-18-amd64", Vec::new());
            facts.machine.as_mut().unwrap().memory = memory;
            facts
        };
        let set = "sysctl vm.dirty_background_bytes=104857600, sysctl vm.dirty_bytes=419430400";
        for (memory, want) in [(Some(2 << 30), "already-right"), (Some(64 << 30), set), (None, "unknown")] {
            assert_eq!(ask(&DIRTY, &with(memory), &policy), [want], "{memory:?}");
        }
        let mut grows = with(Some(1 << 30));
        let because = |facts: &Facts| (DIRTY.decide)(facts, &policy).remove(0).because().to_owned();
        assert!(!because(&grows).contains("Dynamic Memory"));
        if let Some(Hypervisor::HyperV(guest)) = &mut grows.machine.as_mut().unwrap().hypervisor {
            guest.vmbus.insert(VmbusClass::Balloon, 1);
        }
        assert!(because(&grows).contains("Dynamic Memory"));
        let pins = pinned(&[("vm.dirty_bytes", "134217728")]);
        let set = "sysctl vm.dirty_background_bytes=33554432, sysctl vm.dirty_bytes=134217728";
        assert_eq!(ask(&DIRTY, &with(None), &pins), [set]);
    }
}
