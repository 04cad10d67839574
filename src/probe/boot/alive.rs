//! More than one mark: a menu that exists, a loader that is installed, what the firmware finds.
//!
//! Programs and configuration stay behind when a machine changes its boot loader, so where two
//! look alive, both are named and nothing is claimed.

use crate::facts::BootStack;
use crate::formats::bls;

use super::look::ESPS;
use super::{Hit, Look, STACKS, hit, uki_image};

/// GRUB's menus, in the order of looking.
pub(super) const MENUS: [&str; 2] = ["boot/grub/grub.cfg", "boot/grub2/grub.cfg"];

/// The menu that exists.
pub(super) fn menu(look: &mut Look<'_>) -> Option<&'static str> {
    MENUS.into_iter().find(|path| look.there(path))
}

/// A menu on the ESP, where EL 7 and 8 have it on machines with UEFI.
fn vendor_menu(look: &mut Look<'_>) -> Option<String> {
    let vendors = look.names("boot/efi/EFI").unwrap_or_default();
    vendors.into_iter().map(|vendor| format!("boot/efi/EFI/{vendor}/grub.cfg")).find(|path| look.there(path))
}

/// Whether a stack is one of GRUB's.
pub(super) fn is_grub(stack: BootStack) -> bool {
    matches!(
        stack,
        BootStack::SuseGrub
            | BootStack::GrubBlsKernelopts
            | BootStack::GrubBls
            | BootStack::GrubMkconfig
            | BootStack::AzureLinuxGrubD
            | BootStack::AzureLinuxGrubenv
            | BootStack::DebianGrub
    )
}

/// nullboot copies sealed images of the kernel to the ESP, and has shim boot them
/// (<https://github.com/canonical/nullboot/blob/main/efibootmgr/kernel.go>).
pub(super) fn nullboot(look: &mut Look<'_>) -> Option<Hit> {
    let tool = ["usr/bin/nullbootctl", "usr/sbin/nullbootctl"].into_iter().find(|path| look.there(path))?;
    for dir in ESPS.iter().map(|esp| format!("{esp}EFI/ubuntu")).chain(["usr/lib/linux".to_owned()]) {
        if let Some(image) = look.named(&dir, "kernel.efi-", "").first() {
            return hit(BootStack::Nullboot, format!("{tool} and {dir}/{image}"));
        }
    }
    None
}

/// Entries of systemd-boot's own that load a kernel; GRUB reads those of /boot, too.
fn entry(look: &mut Look<'_>, esp: &str) -> Option<String> {
    let dir = format!("{esp}loader/entries");
    let names = look.named(&dir, "", ".conf");
    names
        .into_iter()
        .map(|name| format!("{dir}/{name}"))
        .find(|path| look.text(path).is_some_and(|text| !bls::parse(&text).linux.is_empty()))
}

/// Whether systemd-boot comes before a GRUB that is there, too: it has something to boot, and the
/// firmware's fallback is it, or GRUB has no loader on the ESP.
pub(super) fn systemd_boot_is_first(look: &mut Look<'_>, esp: &str) -> bool {
    if entry(look, esp).is_none() {
        return false;
    }
    let fallback = look.named(&format!("{esp}EFI/BOOT"), "", ".efi");
    let is_it = |name: &String| {
        name.to_ascii_lowercase().starts_with("boot")
            && look.holds(&format!("{esp}EFI/BOOT/{name}"), b"LoaderInfo: systemd-boot")
    };
    fallback.iter().any(is_it) || grub_loader(look).is_none()
}

/// GRUB's own loader on an ESP.
fn grub_loader(look: &mut Look<'_>) -> Option<String> {
    for esp in ESPS {
        for vendor in look.names(&format!("{esp}EFI")).unwrap_or_default() {
            let dir = format!("{esp}EFI/{vendor}");
            if let Some(loader) = look.named(&dir, "grub", ".efi").first() {
                return Some(format!("{dir}/{loader}"));
            }
        }
    }
    None
}

/// systemd-boot, installed and with something to boot.
fn systemd_boot(look: &mut Look<'_>) -> Option<String> {
    ESPS.iter().find_map(|esp| {
        let dir = format!("{esp}EFI/systemd");
        let loader = look.named(&dir, "systemd-boot", ".efi").into_iter().next()?;
        let entry = entry(look, esp)?;
        Some(format!("{dir}/{loader} and {entry}"))
    })
}

/// Other loaders that look alive beside a stack.
pub(super) fn others(look: &mut Look<'_>, stack: BootStack) -> Vec<Hit> {
    let alone = [BootStack::Nullboot, BootStack::Uki, BootStack::SystemdBoot];
    if !is_grub(stack) && !alone.contains(&stack) || look.text("etc/sysconfig/bootloader").is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Some(path) = menu(look).filter(|_| !is_grub(stack)) {
        // systemd-boot may start GRUB's menu; nobody starts it by itself.
        let of_grub = STACKS.iter().rev().find_map(|hit| hit(look).filter(|(other, _)| is_grub(*other)));
        let other = of_grub.map_or(BootStack::Unrecognised, |(other, _)| other);
        found.push((other, path.to_owned()));
    }
    if stack != BootStack::Nullboot {
        found.extend(nullboot(look));
    }
    if stack != BootStack::Uki {
        found.extend(uki_image(look).map(|image| (BootStack::Uki, image)));
    }
    if stack != BootStack::SystemdBoot {
        found.extend(systemd_boot(look).map(|why| (BootStack::SystemdBoot, why)));
    }
    found
}

/// What leaves the answer open.
pub(super) fn unsure(look: &mut Look<'_>, stack: BootStack, others: &[Hit]) -> Option<String> {
    if let Some((other, why)) = others.first() {
        let name = other.name();
        return Some(format!("the machine may boot by {name} instead of {}: {why}", stack.name()));
    }
    if is_grub(stack) && menu(look).is_none() && vendor_menu(look).is_none() {
        let [one, two] = MENUS;
        return Some(format!(
            "neither {one} nor {two} is there, so whether GRUB boots this root is not known"
        ));
    }
    None
}
