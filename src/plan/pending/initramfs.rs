//! The initramfs made anew, by the program that the root has for it.

use super::{Pending, Plan, Step, in_the_image};
use crate::facts::{BootStack, Facts, Initramfs};
use crate::initramfs::{Outlook, needed, outlook};
use crate::marker::DRIVER_LISTS;
use crate::plan::Change;
use crate::render::Effect;
use crate::tunable::Target;

/// dracut takes only what the machine that it runs on needs, and a build host has no VMBus: the image
/// would come up without its disks. Without that choice it leaves /etc/modprobe.d out.
const DRACUT_IN_AN_IMAGE: &str = "dracut --force --regenerate-all --no-hostonly --add-drivers";

/// The step where a file of this plan belongs into the initramfs, or where an image would not come up with the
/// one that its own program makes.
pub(super) fn after_apply(facts: &Facts, plan: &Plan) -> Option<Pending> {
    let belong = |change: &&Change| change.effect() == Some(Effect::Initramfs);
    let changed: Vec<&str> = plan.changes.iter().filter(belong).map(Change::path).collect();
    after(facts, plan, &changed)
}

/// The same where these files have changed since an initramfs was made.
pub(super) fn after(facts: &Facts, plan: &Plan, files: &[&str]) -> Option<Pending> {
    let changed = |lists: bool| files.iter().any(|path| DRIVER_LISTS.contains(path) == lists);
    let mut reasons = Vec::new();
    if changed(false) {
        let why = "storage modules are loaded from the initramfs, which holds a copy of modprobe.d";
        reasons.push(why.to_owned());
    }
    if changed(true) {
        reasons.push("a list of drivers takes effect when the initramfs is made".to_owned());
    }
    let lacking = lacking(facts, plan);
    let by_hand = lacking.is_some() && reasons.is_empty() && !dracut(facts);
    reasons.extend(lacking);
    let because = (!reasons.is_empty()).then(|| reasons.join("; "))?;
    // Made anew as it is configured, it would lack them again.
    if by_hand { Some(Pending::new(Step::Initramfs, because, "")) } else { Some(step(facts, plan, &because)) }
}

/// Why an image of this root need not come up on Hyper-V, where nothing of this plan sees to that.
fn lacking(facts: &Facts, plan: &Plan) -> Option<String> {
    let told = |driver: &'static str| plan.settings().any(|(_, a, _)| a.target == Target::Driver(driver));
    match outlook(facts)? {
        Outlook::Lacking(mut missing, why) => {
            missing.retain(|driver| !told(driver));
            let drivers = (!missing.is_empty()).then(|| missing.join(", "))?;
            Some(format!(
                "this image may not boot on Hyper-V: an initramfs made on another machine need not hold \
                 {drivers}, as {why}; `hyperv_drivers = true` in [image] of /etc/hvtune.toml sees to it"
            ))
        }
        Outlook::Complete | Outlook::Unknown(_) => None,
    }
}

fn dracut(facts: &Facts) -> bool {
    facts.system.boot.tools.initramfs == Some(Initramfs::Dracut)
}

pub(super) fn step(facts: &Facts, plan: &Plan, because: &str) -> Pending {
    match command(facts, plan) {
        Ok(command) => Pending::new(Step::Initramfs, in_the_image(facts, because, &command), command),
        Err(why) => Pending::new(Step::Initramfs, format!("{because}; {why}"), ""),
    }
}

/// The command, or what to do where none is known to be right.
fn command(facts: &Facts, plan: &Plan) -> Result<String, String> {
    let boot = &facts.system.boot;
    match boot.stack {
        BootStack::Bootc | BootStack::Ostree | BootStack::Flatcar => {
            return Err("it comes with the image: build the image with the file in it".to_owned());
        }
        BootStack::Uki => {
            return Err("it is inside the kernel image: build that anew, as it was built before".to_owned());
        }
        BootStack::TransactionalUpdate if facts.files_only() => {
            return Err("make it anew in the image's own build".to_owned());
        }
        BootStack::TransactionalUpdate => return Ok("transactional-update --continue initrd".to_owned()),
        BootStack::Unknown => {
            return Err(format!("{}; make it anew where /boot is mounted", boot.because));
        }
        _ => {}
    }
    let image = facts.for_image();
    match boot.tools.initramfs {
        Some(Initramfs::InitramfsTools) => Ok("update-initramfs -u -k all".to_owned()),
        // The name that the boot entry asks for is kernel-install's business.
        Some(Initramfs::Dracut) if boot.stack == BootStack::SystemdBoot => Err(by_kernel_install()),
        Some(Initramfs::Dracut) if image => Ok(dracut_in_an_image(facts, plan)),
        Some(Initramfs::Dracut) => Ok("dracut --force --regenerate-all".to_owned()),
        Some(Initramfs::Mkinitcpio) if image => {
            Err("mkinitcpio looks at the machine that it runs on: make it anew in the image's own build, \
                 with hv_vmbus and hv_storvsc in MODULES of /etc/mkinitcpio.conf"
                .to_owned())
        }
        Some(Initramfs::Mkinitcpio) => Ok("mkinitcpio -P".to_owned()),
        Some(Initramfs::KernelInstall) => Err(by_kernel_install()),
        None => Err("no program that makes one was found here; make it anew if there is one".to_owned()),
    }
}

fn by_kernel_install() -> String {
    "kernel-install makes it: install the kernel's package again".to_owned()
}

fn dracut_in_an_image(facts: &Facts, plan: &Plan) -> String {
    let written = plan.changes.iter().find(|change| {
        let comes = matches!(change, Change::Create(_) | Change::Replace { .. });
        comes && change.effect() == Some(Effect::Initramfs) && change.path().starts_with("etc/modprobe.d/")
    });
    let drivers = needed(facts);
    // Where it could not be told whether this is a Hyper-V guest, they do no harm.
    let drivers = if drivers.is_empty() { vec!["hv_vmbus", "hv_storvsc"] } else { drivers };
    let command = format!("{DRACUT_IN_AN_IMAGE} \"{}\"", drivers.join(" "));
    match written {
        Some(change) => format!("{command} --install /{}", change.path()),
        None => command,
    }
}
