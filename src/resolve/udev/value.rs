//! What the kernel makes of a text that is written into an attribute.

use super::paths::UNKNOWN;
use crate::formats::number::parse_attribute_integer;
use crate::tunable::UdevAttr;

/// What comes of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// The attribute has this value.
    Value(String),
    /// The kernel refuses it; why.
    Refused(String),
    /// Not known.
    Unknown,
}

/// The largest number of retries that `scsi_disk` takes.
const MAX_RETRIES: i64 = 5;

/// Reads a text as the kernel does: `queue_var_store` and `queue_io_timeout_store` (block/blk-sysfs.c),
/// `elv_iosched_store` (block/elevator.c), `sdev_store_timeout` (`drivers/scsi/scsi_sysfs.c`),
/// `max_retries_store` (drivers/scsi/sd.c); <https://github.com/torvalds/linux/blob/v6.12/>.
pub(super) fn read(attr: UdevAttr, text: &str) -> Read {
    if text.contains(UNKNOWN) {
        return Read::Unknown;
    }
    let refused = || Read::Refused(format!("the kernel refuses `{text}`"));
    match attr {
        UdevAttr::Scheduler => match text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']) {
            "" => refused(),
            name => Read::Value(name.chars().take(15).collect()),
        },
        // `sscanf` takes the number that a text begins with; without one it sets what it finds in memory.
        UdevAttr::Timeout => {
            let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let number: Option<i64> = digits.get(..end).and_then(|digits| digits.parse().ok());
            match number.filter(|number| i32::try_from(*number).is_ok()) {
                Some(number) if text.starts_with('-') => Read::Value((-number).to_string()),
                Some(number) => Read::Value(number.to_string()),
                None => Read::Unknown,
            }
        }
        UdevAttr::MaxRetries => match whole(text, true).filter(|number| *number <= MAX_RETRIES) {
            Some(number) => Read::Value(number.to_string()),
            None => refused(),
        },
        UdevAttr::NrRequests | UdevAttr::ReadAheadKb | UdevAttr::IoTimeout => {
            match whole(text, false).filter(|number| u32::try_from(*number).is_ok()) {
                // Fewer requests than 4 are made 4 (`BLKDEV_MIN_RQ`).
                Some(number) if attr == UdevAttr::NrRequests => Read::Value(number.max(4).to_string()),
                Some(0) if attr == UdevAttr::IoTimeout => refused(),
                Some(number) => Read::Value(number.to_string()),
                None => refused(),
            }
        }
    }
}

/// What writing a text by one name leaves under another: a SCSI disk's `device/timeout` and its
/// `queue/io_timeout` are one timer of the queue, in seconds and in milliseconds.
pub(super) fn read_as(wanted: UdevAttr, written: UdevAttr, text: &str) -> Read {
    let read = read(written, text);
    let scaled = |scale: fn(i64) -> i64| match &read {
        Read::Value(value) => {
            value.parse().map_or(Read::Unknown, |number| Read::Value(scale(number).to_string()))
        }
        other => other.clone(),
    };
    match (wanted, written) {
        (UdevAttr::Timeout, UdevAttr::IoTimeout) => scaled(|milliseconds| milliseconds / 1000),
        (UdevAttr::IoTimeout, UdevAttr::Timeout) => scaled(|seconds| seconds.saturating_mul(1000)),
        _ => read,
    }
}

/// `kstrtoul`, `kstrtoint`: decimal digits after at most one sign, then at most one line end.
fn whole(text: &str, signed: bool) -> Option<i64> {
    let number = parse_attribute_integer(text).filter(|_| signed || !text.starts_with('-'))?;
    i64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_kernel_reads_them() {
        use UdevAttr::{IoTimeout, MaxRetries, NrRequests, ReadAheadKb, Scheduler, Timeout};
        for (attr, text, expected) in [
            (Scheduler, " none\n", Some("none")),
            (Scheduler, "", None),
            (NrRequests, "1024", Some("1024")),
            (NrRequests, "+8\n", Some("8")),
            (NrRequests, "1", Some("4")),
            (NrRequests, "0x10", None),
            (NrRequests, "10 ", None),
            (ReadAheadKb, "0", Some("0")),
            (ReadAheadKb, "-1", None),
            (ReadAheadKb, "4294967296", None),
            (IoTimeout, "0", None),
            (IoTimeout, "240000", Some("240000")),
            (Timeout, "180", Some("180")),
            (Timeout, " 180s", Some("180")),
            (Timeout, "0180", Some("180")),
            (Timeout, "-1", Some("-1")),
            (MaxRetries, "-1", Some("-1")),
            (MaxRetries, "5\n", Some("5")),
            (MaxRetries, "6", None),
        ] {
            let found = match read(attr, text) {
                Read::Value(value) => Some(value),
                Read::Refused(_) => None,
                Read::Unknown => panic!("{text}"),
            };
            assert_eq!(found.as_deref(), expected, "{attr:?} {text:?}");
        }
        assert_eq!(read(Timeout, "x"), Read::Unknown);
        assert_eq!(read(Scheduler, &format!("a{UNKNOWN}")), Read::Unknown);
    }
}
