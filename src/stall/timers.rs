//! The timers that a disk holds itself.

use std::fmt::Display;

use super::fate::{Span, Timer};
use crate::facts::{Attribute, Disk};

/// One timer of a disk.
pub(super) fn timer(
    disk: &Disk,
    knob: &str,
    value: &dyn Display,
    fires: u64,
    then: impl Into<String>,
) -> Timer {
    Timer {
        layer: disk.name.clone(),
        knob: knob.to_owned(),
        value: value.to_string(),
        fires: Span::Seconds(fires),
        then: then.into(),
    }
}

/// A number that must be known to say anything, or the fact's name.
pub(super) fn known<T: Copy>(attribute: &Attribute<T>, fact: String) -> Result<T, String> {
    attribute.value().copied().ok_or(fact)
}

/// What the kernel gives a command to a SCSI disk, or the fact's name.
pub(super) fn timeout_of(disk: &Disk) -> Result<u64, String> {
    known(&disk.live.timeout, format!("disks.{}.timeout", disk.name))
}
