//! What a result is about, and how it is shown.

use regex::bytes::Regex;

use super::Job;
use crate::cli::Global;
use crate::facts::Hypervisor;
use crate::policy::Policy;
use crate::report::{About, Show};

/// What is shown of a job, and how.
pub(super) struct Shown<'a> {
    pub(super) global: &'a Global,
    pub(super) command: &'static str,
    pub(super) only: Option<Regex>,
    pub(super) about: About,
}

impl<'a> Shown<'a> {
    pub(super) fn new(global: &'a Global, command: &'static str, only: Option<Regex>, job: &Job) -> Self {
        Self { global, command, only, about: about(global, job) }
    }

    pub(super) fn show(&self) -> Show<'_> {
        let Global { format, quiet, verbose, .. } = *self.global;
        let (only, about) = (self.only.as_ref(), &self.about);
        Show { command: self.command, format, quiet, verbose, only, about }
    }
}

/// Where no machine is looked at.
pub(super) fn nobody(global: &Global, policy: Policy) -> About {
    let root = global.root.display().to_string();
    About { hypervisor: None, azure: None, name: None, kernel: None, os: None, root, policy }
}

/// Of the machine and the root that a job is about.
pub(super) fn about(global: &Global, job: &Job) -> About {
    let machine = job.facts.machine.as_ref();
    let hypervisor = machine.and_then(|machine| machine.hypervisor.as_ref());
    let named = if job.root.is_live() { "proc/sys/kernel/hostname" } else { "etc/hostname" };
    let name = job.root.read_text(named).ok().flatten();
    About {
        hypervisor: hypervisor.map(|hypervisor| hypervisor.kind().to_owned()),
        azure: match hypervisor {
            Some(Hypervisor::HyperV(guest)) => guest.azure,
            _ => None,
        },
        name: name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        kernel: machine.and_then(|machine| machine.kernel.as_ref()).map(|kernel| kernel.release.clone()),
        os: job.facts.system.os.as_ref().map(|os| os.pretty_name.clone()),
        root: global.root.display().to_string(),
        policy: job.policy.clone(),
    }
}
