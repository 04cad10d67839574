//! The initramfs made anew, by the program that the root has for it.

use super::{Pending, Plan, Step, in_the_image};
use crate::facts::{BootStack, Copies, Facts, Image, Initramfs};
use crate::initramfs::{Outlook, Takes, needed, outdated, outlook, takes};
use crate::marker::{DRIVER_LISTS, PREMOUNTS, counts_inside};
use crate::plan::{Change, images};
use crate::render::Effect;
use crate::tunable::Target;

/// By which dracut makes an image for each kernel.
const ALL_OF_DRACUT: &str = " --regenerate-all";
/// dracut takes only what the machine that it runs on needs, and a build host has no VMBus: the image
/// would come up without its disks. Without that choice it leaves /etc/modprobe.d out.
const DRACUT_IN_AN_IMAGE: &str = "dracut --force --regenerate-all --no-hostonly --add-drivers";

/// The step where a file of this plan belongs into the initramfs and apply does not see to that, or where an
/// image would not come up with the one that its own program makes.
pub(super) fn after_apply(facts: &Facts, plan: &Plan) -> Vec<Pending> {
    made(facts, plan, options(facts, plan), lists(plan))
}

/// The same where these files have changed since an initramfs was made.
pub(super) fn after(facts: &Facts, plan: &Plan, files: &[&str]) -> Vec<Pending> {
    // No image is older than a file that it does not get, or may not.
    let untaken = |path: &&str| facts.running().is_some() && takes(facts, path) != Takes::Yes;
    let there = plan.unchanged.iter().map(String::as_str).filter(untaken);
    let mut reasons: Vec<String> = Vec::new();
    for path in files.iter().copied().chain(there).filter(|path| counts_inside(path)) {
        let reason = copied(facts, path);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    made(facts, plan, reasons, files.iter().any(|path| DRIVER_LISTS.contains(path)))
}

/// What the initramfs has to do with a file that counts there.
fn copied(facts: &Facts, path: &str) -> String {
    let images: Vec<&Image> = facts.system.boot.images.iter().collect();
    let the = images::named(&images);
    if PREMOUNTS.contains(&path) {
        return match takes(facts, path) {
            Takes::Yes => format!("{the} waits for root, and takes /{path} along when it is made"),
            Takes::No(why) => format!("{the} waits for root, and does not get /{path}: {why}"),
            Takes::Unknown(why) => format!("{the} waits for root, and may not get /{path} ({why})"),
        };
    }
    match takes(facts, path) {
        Takes::Yes => format!("storage modules are loaded from {the}, which holds a copy of modprobe.d"),
        Takes::No(why) => {
            format!("storage modules are loaded from {the}, which does not get /{path}: {why}")
        }
        Takes::Unknown(why) => {
            format!("storage modules are loaded from {the}, which may hold a copy of modprobe.d ({why})")
        }
    }
}

fn made(facts: &Facts, plan: &Plan, mut reasons: Vec<String>, lists: bool) -> Vec<Pending> {
    if lists {
        reasons.push(LISTS.to_owned());
    }
    let lacking = lacking(facts, plan);
    let by_hand = lacking.is_some() && reasons.is_empty() && !dracut(facts);
    reasons.extend(lacking);
    // Made anew as it is configured, it would lack them again.
    if by_hand {
        return vec![Pending::new(Step::Initramfs, reasons.join("; "), "")];
    }
    steps(facts, plan, &reasons)
}

/// The step where an initramfs holds copies of what is taken away, and nobody makes it anew.
pub(super) fn after_revert(facts: &Facts, plan: &Plan) -> Vec<Pending> {
    let mut reasons = Vec::new();
    if plan.remakes.is_empty() {
        reasons.extend(Some(images::copies_left(facts, plan)).filter(|said| !said.is_empty()));
    }
    if lists(plan) {
        reasons.push(LISTS.to_owned());
    }
    steps(facts, plan, &reasons)
}

/// One step; where dracut makes the images one for each, as it gives a name of its own to one that is not told:
/// `initramfs-6.1.img`, which nobody boots where it is called `initrd.img-6.1`.
fn steps(facts: &Facts, plan: &Plan, reasons: &[String]) -> Vec<Pending> {
    if reasons.is_empty() {
        return Vec::new();
    }
    let mut first = step(facts, plan, &reasons.join("; "));
    let images = &facts.system.boot.images;
    if images.is_empty() || !first.command.contains(ALL_OF_DRACUT) {
        return vec![first];
    }
    let start = first.command.replace(ALL_OF_DRACUT, "");
    let command = |image: &Image| format!("{start} /{} {}", image.path, image.kernel);
    let mut steps = Vec::new();
    for image in images {
        let step = if steps.is_empty() {
            first.command = command(image);
            first.clone()
        } else {
            let because = format!("the same for kernel {}", image.kernel);
            let command = command(image);
            Pending::new(Step::Initramfs, in_the_image(facts, &because, &command), command)
        };
        steps.push(step);
    }
    steps
}

const LISTS: &str = "a list of drivers takes effect when the initramfs is made";

fn lists(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| DRIVER_LISTS.contains(&change.path()))
}

/// Why the initramfs has to be made for the options of drivers, or does not get them.
fn options(facts: &Facts, plan: &Plan) -> Vec<String> {
    if !plan.remakes.is_empty() {
        return Vec::new();
    }
    let changed = plan.changes.iter().filter(|change| counts_inside(change.path()));
    let mut reasons: Vec<String> = changed
        .filter(|change| !matches!(change, Change::Conflict { .. }))
        .filter(|change| !(change.takes_away() && matches!(takes(facts, change.path()), Takes::No(_))))
        .map(|change| copied(facts, change.path()))
        .collect();
    for path in images::late(facts, plan) {
        let the = images::named(&outdated(facts, path));
        let what = if PREMOUNTS.contains(&path) {
            "it waits for root"
        } else {
            "storage modules are loaded from it"
        };
        reasons.push(format!("{the} was made before /{path} was written, and {what}"));
    }
    reasons.dedup();
    reasons
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
        // What it is told not to update it makes all the same.
        Some(Initramfs::InitramfsTools) if boot.tools.copies.as_ref().is_some_and(is_off) => {
            Ok("update-initramfs -c -k all".to_owned())
        }
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

fn is_off(copies: &Copies) -> bool {
    copies.held.as_ref().is_some_and(|held| held.ends_with("update_initramfs=no"))
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
