//! Other live values of a machine.

use hvtune::facts::{Attribute, Machine};

use crate::dice::Dice;

/// One thing that is otherwise on the running machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Sysctl(&'static str, &'static str),
    /// `device/timeout` of every SCSI disk; `None`: it cannot be read.
    Timeout(Option<u64>),
    /// `queue/io_timeout` of every disk that has one, in milliseconds.
    IoTimeout(Option<u64>),
    MaxRetries(i64),
    /// `recovery_tmo` of every session.
    Recovery(Option<i64>),
    /// Interval and timeout of every session's NOPs.
    Noop(Option<u64>, Option<u64>),
}

const SYSCTLS: &[(&str, &[&str])] = &[
    ("kernel.hung_task_timeout_secs", &["0", "30", "120", "600", "86400"]),
    ("kernel.hung_task_panic", &["0", "1", "1"]),
    ("kernel.hung_task_warnings", &["-1", "0", "10"]),
    ("kernel.panic", &["0", "10", "-1"]),
    ("kernel.softlockup_panic", &["0", "1"]),
    ("vm.swappiness", &["0", "1", "60", "100"]),
    ("vm.dirty_bytes", &["0", "67108864"]),
    ("vm.dirty_ratio", &["0", "5", "40"]),
];

impl Change {
    /// None for half of the machines, up to four for the others.
    pub(crate) fn some(dice: &mut Dice) -> Vec<Self> {
        if dice.one_in(2) {
            return Vec::new();
        }
        (0..=dice.below(4)).map(|_| Self::one(dice)).collect()
    }

    fn one(dice: &mut Dice) -> Self {
        let seconds = |dice: &mut Dice| {
            let known = !dice.one_in(6);
            let seconds = dice.of(&[0, 5, 30, 120, 180, 300, 86_400]);
            known.then_some(seconds)
        };
        match dice.below(8) {
            0..3 => {
                let (key, values) = dice.of(SYSCTLS);
                Self::Sysctl(key, dice.of(values))
            }
            3 => Self::Timeout(seconds(dice)),
            4 => Self::IoTimeout(seconds(dice).map(|seconds| seconds * 1000)),
            5 => Self::MaxRetries(dice.of(&[-1, 0, 5])),
            6 => Self::Recovery(if dice.one_in(6) { None } else { Some(dice.of(&[-1, 0, 30, 120, 86_400])) }),
            _ => Self::Noop(seconds(dice), seconds(dice)),
        }
    }

    /// Changes the machine; a file that the kernel does not have stays absent.
    pub(crate) fn make(&self, machine: &mut Machine) {
        fn set<T: Copy>(attribute: &mut Attribute<T>, value: Option<T>) {
            if !matches!(attribute, Attribute::Absent) {
                *attribute = value.map_or(Attribute::Unknown, Attribute::Is);
            }
        }
        match self {
            Self::Sysctl(key, value) => {
                if let Some(now) = machine.sysctls.get_mut(*key) {
                    (*value).clone_into(now);
                }
            }
            Self::Recovery(seconds) => {
                machine.sessions.values_mut().for_each(|session| set(&mut session.recovery_tmo, *seconds));
            }
            Self::Noop(interval, timeout) => {
                for session in machine.sessions.values_mut() {
                    set(&mut session.noop_interval, *interval);
                    set(&mut session.noop_timeout, *timeout);
                }
            }
            Self::Timeout(_) | Self::IoTimeout(_) | Self::MaxRetries(_) => {
                for disk in machine.disks.iter_mut().flatten() {
                    match self {
                        Self::Timeout(seconds) => set(&mut disk.live.timeout, *seconds),
                        Self::IoTimeout(millis) => set(&mut disk.live.io_timeout, *millis),
                        Self::MaxRetries(retries) => set(&mut disk.live.max_retries, Some(*retries)),
                        _ => {}
                    }
                }
            }
        }
    }
}
