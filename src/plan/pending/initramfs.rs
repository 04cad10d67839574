//! The initramfs made anew, by the program that the root has for it.

use super::{Pending, Plan, Step, in_the_image};
use crate::facts::{BootStack, Facts, Initramfs};
use crate::plan::Change;
use crate::render::Effect;

/// dracut takes only what the machine that it runs on needs, and a build host has no VMBus: the image
/// would come up without its disks. Without that choice it leaves /etc/modprobe.d out.
const DRACUT_IN_AN_IMAGE: &str =
    "dracut --force --regenerate-all --no-hostonly --add-drivers \"hv_vmbus hv_storvsc\"";

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
        Some(Initramfs::Dracut) if image => Ok(dracut_in_an_image(plan)),
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

fn dracut_in_an_image(plan: &Plan) -> String {
    let written = plan.changes.iter().find(|change| {
        let comes = matches!(change, Change::Create(_) | Change::Replace { .. });
        comes && change.effect() == Some(Effect::Initramfs) && change.path().starts_with("etc/")
    });
    match written {
        Some(change) => format!("{DRACUT_IN_AN_IMAGE} --install /{}", change.path()),
        None => DRACUT_IN_AN_IMAGE.to_owned(),
    }
}
