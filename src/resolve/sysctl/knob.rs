//! What the kernel does with a value written to a key.

use super::{Acts, Moment, Who, Writer};
use crate::formats::number::parse_kernel_integer;
use crate::formats::sysctl::read::path_of;

/// A key and what is known of it.
#[derive(Debug)]
pub(super) struct Knob {
    /// As a path below `/proc/sys`.
    pub(super) path: String,
    /// The other member of an exclusive pair, as a path.
    pub(super) counterpart: Option<&'static str>,
}

/// What a write leaves of the key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// This value.
    Is(String),
    /// What was there, and why.
    Nothing(String),
}

/// Key, the kernel's default where every kernel has the same, and the least and the greatest value that it takes
/// (<https://github.com/torvalds/linux/blob/v6.12/mm/page-writeback.c>, `mm/vmscan.c`, `kernel/hung_task.c`,
/// `kernel/panic.c`, `kernel/watchdog.c`). A byte limit is no less than two pages.
const KEYS: &[(&str, Option<&str>, i128, i128)] = &[
    ("vm/swappiness", Some("60"), 0, 200),
    ("vm/dirty_ratio", Some("20"), 0, 100),
    ("vm/dirty_background_ratio", Some("10"), 0, 100),
    ("vm/dirty_bytes", Some("0"), 8192, i64::MAX as i128),
    ("vm/dirty_background_bytes", Some("0"), 1, i64::MAX as i128),
    ("vm/dirty_expire_centisecs", Some("3000"), 0, INT),
    ("vm/dirty_writeback_centisecs", Some("500"), 0, INT),
    ("vm/dirtytime_expire_seconds", Some("43200"), 0, INT),
    ("kernel/hung_task_timeout_secs", Some("120"), 0, i64::MAX as i128),
    ("kernel/hung_task_check_interval_secs", Some("0"), 0, i64::MAX as i128),
    ("kernel/hung_task_warnings", Some("10"), -1, INT),
    ("kernel/hung_task_panic", Some("0"), 0, INT),
    ("kernel/hung_task_all_cpu_backtrace", Some("0"), 0, 1),
    ("kernel/hung_task_check_count", None, 0, INT),
    ("kernel/panic", Some("0"), -INT, INT),
    ("kernel/panic_on_oops", None, -INT, INT),
    ("kernel/panic_on_warn", Some("0"), 0, 1),
    ("kernel/panic_print", Some("0"), 0, i64::MAX as i128),
    ("kernel/panic_on_rcu_stall", Some("0"), 0, 1),
    ("kernel/panic_on_io_nmi", Some("0"), -INT, INT),
    ("kernel/panic_on_unrecovered_nmi", Some("0"), -INT, INT),
    ("kernel/softlockup_panic", Some("0"), 0, 1),
    ("kernel/watchdog_thresh", Some("10"), 0, 60),
];

const INT: i128 = i32::MAX as i128;

/// Pairs of which the kernel zeroes one as the other is written.
const PAIRS: &[(&str, &str)] =
    &[("vm/dirty_bytes", "vm/dirty_ratio"), ("vm/dirty_background_bytes", "vm/dirty_background_ratio")];

impl Knob {
    /// A key with dots; `None` for one that is not known here.
    pub(super) fn of(key: &str) -> Option<Self> {
        let path = path_of(key);
        entry(&path)?;
        let other = |(bytes, ratio): &(&'static str, &'static str)| match path.as_str() {
            name if name == *bytes => Some(*ratio),
            name if name == *ratio => Some(*bytes),
            _ => None,
        };
        let counterpart = PAIRS.iter().find_map(other);
        Some(Self { path, counterpart })
    }

    /// The keys whose writers matter.
    pub(super) fn wanted(&self) -> Vec<&str> {
        std::iter::once(self.path.as_str()).chain(self.counterpart).collect()
    }

    /// The key that a path below `/proc/sys` is, where it is one that matters.
    pub(super) fn named(&self, path: &str) -> Option<&str> {
        self.wanted().into_iter().find(|wanted| *wanted == path)
    }

    /// The kernel's own value.
    pub(super) fn built_in(&self) -> Option<Writer> {
        let value = entry(&self.path)?.1?.to_owned();
        Some(Writer {
            who: Who::BuiltIn("the kernel's default"),
            shown: value.clone(),
            value: Some(value),
            moment: Moment::BuiltIn,
            acts: Acts::Yes,
            because: "nobody set it".to_owned(),
        })
    }

    /// What is left of this key when a value is written to one of [`Knob::wanted`].
    pub(super) fn effect(&self, written: &str, value: &str) -> Effect {
        let Some(number) = parse_kernel_integer(value) else {
            return Effect::Nothing("the kernel takes it for no number and refuses it".to_owned());
        };
        let range = entry(written).map(|(_, _, least, most)| (*least, *most));
        if range.is_some_and(|(least, most)| number < least || number > most) {
            return Effect::Nothing(format!("the kernel refuses {number} here"));
        }
        if written == self.path {
            return Effect::Is(number.to_string());
        }
        // Its handler compares with the value before, and that is 0 wherever bytes are set.
        if written == "vm/dirty_ratio" && number == 0 {
            return Effect::Nothing("a ratio of 0 changes nothing where bytes are set".to_owned());
        }
        Effect::Is("0".to_owned())
    }
}

fn entry(path: &str) -> Option<&'static (&'static str, Option<&'static str>, i128, i128)> {
    KEYS.iter().find(|(key, ..)| *key == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_leaves_what_the_kernel_makes_of_it() {
        let is = |value: &str| Some(value.to_owned());
        for (key, written, value, expected) in [
            ("vm.swappiness", "vm/swappiness", "0x0A # low", is("10")),
            ("vm.swappiness", "vm/swappiness", "201", None),
            ("vm.swappiness", "vm/swappiness", "-1", None),
            ("vm.swappiness", "vm/swappiness", "", None),
            ("vm.dirty_bytes", "vm/dirty_bytes", "0", None),
            ("vm.dirty_bytes", "vm/dirty_bytes", "4096", None),
            ("vm.dirty_bytes", "vm/dirty_ratio", "20", is("0")),
            ("vm.dirty_bytes", "vm/dirty_ratio", "0", None),
            ("vm.dirty_background_bytes", "vm/dirty_background_ratio", "0", is("0")),
            ("vm.dirty_ratio", "vm/dirty_bytes", "67108864", is("0")),
            ("vm.dirty_ratio", "vm/dirty_bytes", "0", None),
            ("kernel.hung_task_warnings", "kernel/hung_task_warnings", "-1", is("-1")),
        ] {
            let effect = match Knob::of(key).unwrap().effect(written, value) {
                Effect::Is(value) => Some(value),
                Effect::Nothing(_) => None,
            };
            assert_eq!(effect, expected, "{key}: {written} = {value}");
        }
    }
}
