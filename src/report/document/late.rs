//! What a boot waits for.

use serde::Serialize;

use super::{Keys, Scalar};
use crate::stall::{Arrival, Span, Wait};

/// A mount or swap that a boot waits for: how late its disk may answer so that the guest comes up by itself.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Late<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The mount point; `swap` for swap.
    mount: &'a str,
    /// What is mounted, as `/etc/fstab` says it; null where it has no line.
    device: Option<&'a str>,
    /// A disk that is not there at all.
    absent: Before<GivesUp<'a>>,
    /// A disk that is there and does not answer.
    silent: Before<GivesUp<'a>>,
}

impl<'a> Late<'a> {
    pub(super) fn new(arrival: &'a Arrival, keys: &mut Keys) -> Self {
        let both = |[now, after_reboot]: &'a [Wait; 2]| Before {
            now: GivesUp::new(now),
            after_reboot: GivesUp::new(after_reboot),
        };
        Self {
            key: keys.key(&["boot", &arrival.mount, &arrival.device]),
            mount: &arrival.mount,
            device: Some(arrival.device.as_str()).filter(|device| !device.is_empty()),
            absent: both(&arrival.absent),
            silent: both(&arrival.silent),
        }
    }
}

/// The same in two states: as the machine and its files are, with the whole plan.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Boots_of_{T}"))]
struct Before<T> {
    /// As the machine and its files are.
    now: T,
    /// With the whole plan.
    after_reboot: T,
}

/// Who gives up on a disk at boot, when, and what then.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct GivesUp<'a> {
    /// Seconds from when the boot begins to wait; null where there is no limit, and where it could not be told.
    waits_s: Option<u64>,
    /// Whether it ever gives up; null where that could not be told.
    limit: Option<bool>,
    /// Whether the seconds are a lower bound, as something could not be read.
    at_least: bool,
    /// What could not be told; null where all could.
    could_not_tell: Option<&'a str>,
    /// The knob that ends it; null where it is not known.
    knob: Option<&'a str>,
    /// Its value; null where nobody gives one.
    value: Option<Scalar>,
    /// What happens then.
    then: &'a str,
}

impl<'a> GivesUp<'a> {
    fn new(wait: &'a Wait) -> Self {
        let untold = wait.is_untold();
        Self {
            waits_s: wait.at.seconds().filter(|_| !untold),
            limit: (!untold).then_some(wait.at != Span::Forever),
            at_least: wait.unknown.is_some() && !untold,
            could_not_tell: wait.unknown.as_deref(),
            knob: Some(wait.knob.as_str()).filter(|knob| !knob.is_empty()),
            value: Scalar::some(&wait.value),
            then: &wait.then,
        }
    }
}
