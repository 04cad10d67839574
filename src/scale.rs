//! The order of a knob's values, each read as its consumer reads it.
//!
//! "At least" and "at most" are decided here and nowhere else: 0, -1, `off`, `queue` and
//! `infinity` stand where the kernel or the daemon puts them, which is seldom where a
//! plain number would.

use crate::seeded;

/// How the values of a knob are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Numbers as they are; a negative one is below 0.
    Number,
    /// 0 switches the timer off, so it is longer than any number (`hung_task_timeout_secs`,
    /// iSCSI's pings, `WatchdogSec`).
    ZeroIsForever,
    /// A negative number has no limit (`replacement_timeout`, `max_retries`, `hung_task_warnings`).
    NegativeIsForever,
    /// 0 sets nothing: another knob holds the limit (`vm.dirty_bytes`).
    ZeroIsUnset,
    /// multipath's `no_path_retry`: `fail` is 0, `queue` has no limit.
    Retries,
    /// multipath's `fast_io_fail_tmo` and `dev_loss_tmo`, and systemd's spans: `off` and `infinity` have no limit.
    Timeout,
    /// Words, which have no order.
    Words,
}

/// What a knob's number counts, by the knob's name in JSON and text: `s`, `ms`, `bytes`, `KiB`, or nothing
/// but a number.
pub fn unit(knob: &str) -> Option<&'static str> {
    Some(match knob {
        "device/timeout"
        | "nvme_core.io_timeout"
        | "nvme_core.admin_timeout"
        | "kernel.hung_task_timeout_secs"
        | "kernel.hung_task_check_interval_secs"
        | "kernel.panic"
        | "panic"
        | "node.session.timeo.replacement_timeout"
        | "node.conn[0].timeo.noop_out_interval"
        | "node.conn[0].timeo.noop_out_timeout"
        | "fast_io_fail_tmo"
        | "dev_loss_tmo"
        | "checker_timeout"
        | "WatchdogSec"
        | "JobRunningTimeoutSec"
        | "DefaultTimeoutStartSec"
        | "TimeoutStartSec"
        | "udev.event_timeout"
        | "ROOTDELAY"
        | "OS.RootDeviceScsiTimeout" => "s",
        "queue/io_timeout" => "ms",
        "queue/read_ahead_kb" => "KiB",
        "vm.dirty_bytes" | "vm.dirty_background_bytes" | "hv_storvsc.storvsc_ringbuffer_size" => "bytes",
        _ => return None,
    })
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// At this number.
    At(i64),
    /// Beyond all numbers.
    Forever,
}

impl Scale {
    /// The scale of a knob, by its name in JSON and text.
    pub fn of(knob: &str) -> Self {
        match knob {
            "kernel.hung_task_timeout_secs"
            | "node.conn[0].timeo.noop_out_interval"
            | "node.conn[0].timeo.noop_out_timeout"
            | "WatchdogSec" => Self::ZeroIsForever,
            "kernel.hung_task_warnings" | "node.session.timeo.replacement_timeout" | "max_retries" => {
                Self::NegativeIsForever
            }
            "vm.dirty_bytes" | "vm.dirty_background_bytes" => Self::ZeroIsUnset,
            "no_path_retry" => Self::Retries,
            "fast_io_fail_tmo"
            | "dev_loss_tmo"
            | "JobRunningTimeoutSec"
            | "DefaultTimeoutStartSec"
            | "TimeoutStartSec"
            | "udev.event_timeout" => Self::Timeout,
            "queue/scheduler"
            | "elevator"
            | "fsck.repair"
            | "errors"
            | "rd.emergency"
            | "systemd.crash_reboot" => Self::Words,
            _ => Self::Number,
        }
    }

    /// Where a value stands; `None` where it is none of the knob's, or where no order is known.
    pub fn position(self, value: &str) -> Option<Position> {
        let value = value.trim();
        let number = || value.parse::<i64>().ok();
        let forever_where = |is: bool, number: i64| if is { Position::Forever } else { Position::At(number) };
        match self {
            Self::Number => number().map(Position::At),
            Self::ZeroIsForever if value == "infinity" => Some(Position::Forever),
            Self::ZeroIsForever if seeded::bug("scale") => number().map(Position::At),
            Self::ZeroIsForever => number().map(|number| forever_where(number == 0, number)),
            Self::NegativeIsForever if value == "off" => Some(Position::Forever),
            Self::NegativeIsForever => number().map(|number| forever_where(number < 0, number)),
            Self::ZeroIsUnset => number().filter(|number| *number != 0).map(Position::At),
            Self::Retries => match value {
                "queue" => Some(Position::Forever),
                "fail" => Some(Position::At(0)),
                _ => number().filter(|number| *number >= 0).map(Position::At),
            },
            Self::Timeout => match value {
                "off" | "infinity" => Some(Position::Forever),
                _ => number().map(Position::At),
            },
            Self::Words => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A knob that takes a time or a size says in what; every other one is a plain number or a word.
    #[test]
    fn a_name_that_tells_its_unit_has_that_unit() {
        for knob in crate::tunables::CATALOGUE.iter().flat_map(|tunable| tunable.knobs) {
            let unit = unit(knob.name);
            let name = knob.name.to_lowercase();
            for (part, told) in [("_secs", "s"), ("timeout", "s"), ("_kb", "KiB"), ("_bytes", "bytes")] {
                let is_milli = knob.name == "queue/io_timeout";
                assert!(!name.contains(part) || is_milli || unit == Some(told), "{}", knob.name);
            }
        }
        assert_eq!((unit("queue/io_timeout"), unit("WatchdogSec")), (Some("ms"), Some("s")));
        assert_eq!((unit("vm.swappiness"), unit("max_retries")), (None, None));
    }

    #[test]
    fn off_is_where_the_consumer_puts_it() {
        use Position::{At, Forever};
        for (knob, value, expected) in [
            ("kernel.hung_task_timeout_secs", "0", Some(Forever)),
            ("kernel.hung_task_timeout_secs", "600\n", Some(At(600))),
            ("kernel.hung_task_warnings", "-1", Some(Forever)),
            ("node.session.timeo.replacement_timeout", "-1", Some(Forever)),
            ("node.session.timeo.replacement_timeout", "0", Some(At(0))),
            ("node.conn[0].timeo.noop_out_timeout", "0", Some(Forever)),
            ("WatchdogSec", "infinity", Some(Forever)),
            ("vm.dirty_bytes", "0", None),
            ("no_path_retry", "queue", Some(Forever)),
            ("no_path_retry", "fail", Some(At(0))),
            ("fast_io_fail_tmo", "off", Some(Forever)),
            ("device/timeout", "0", Some(At(0))),
            ("queue/scheduler", "none", None),
        ] {
            assert_eq!(Scale::of(knob).position(value), expected, "{knob} = {value}");
        }
        assert!(Forever > At(i64::MAX));
    }
}
