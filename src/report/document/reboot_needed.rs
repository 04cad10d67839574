//! Whether a reboot is needed.

use serde::Serialize;

use super::Envelope;
use crate::report::Show;

/// What `hvtune reboot-needed` prints.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct RebootNeeded<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// Whether something of hvtune's takes effect at the next boot only.
    reboot_needed: bool,
}

impl<'a> RebootNeeded<'a> {
    pub(in crate::report) fn new(reboot_needed: bool, show: &Show<'a>) -> Self {
        Self { envelope: Envelope::new(show), reboot_needed }
    }
}
