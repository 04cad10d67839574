//! In what the number of a knob is counted.

/// What a knob's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// Units of 1,024 bytes.
    Kibibytes,
    /// Things, per cent, or no number at all.
    Plain,
}

impl Unit {
    /// The unit of a knob, by its name in JSON and text (the kernel's admin-guide/sysctl, open-iscsi's
    /// iscsid.conf, `multipath.conf(5)`, `systemd.service(5)`).
    pub fn of(knob: &str) -> Self {
        match knob {
            "device/timeout"
            | "kernel.hung_task_timeout_secs"
            | "kernel.hung_task_check_interval_secs"
            | "kernel.panic"
            | "panic"
            | "nvme_core.io_timeout"
            | "node.session.timeo.replacement_timeout"
            | "node.conn[0].timeo.noop_out_interval"
            | "node.conn[0].timeo.noop_out_timeout"
            | "fast_io_fail_tmo"
            | "dev_loss_tmo"
            | "checker_timeout"
            | "WatchdogSec"
            | "OS.RootDeviceScsiTimeout" => Self::Seconds,
            "queue/io_timeout" => Self::Milliseconds,
            "vm.dirty_bytes" | "vm.dirty_background_bytes" | "hv_storvsc.storvsc_ringbuffer_size" => {
                Self::Bytes
            }
            "queue/read_ahead_kb" => Self::Kibibytes,
            _ => Self::Plain,
        }
    }

    /// Its symbol; `None` where there is none.
    pub fn symbol(self) -> Option<&'static str> {
        match self {
            Self::Seconds => Some("s"),
            Self::Milliseconds => Some("ms"),
            Self::Bytes => Some("B"),
            Self::Kibibytes => Some("KiB"),
            Self::Plain => None,
        }
    }
}
