//! GRUB's four ways: BLS entries, Azure Linux, Debian, and the plain menu generator.

use crate::facts::BootStack;

use super::look::{is_kernel, setting};
use super::{Hit, Look, hit};

pub(super) const DEFAULTS: &str = "etc/default/grub";
pub(super) const FRAGMENTS: &str = "etc/default/grub.d";
pub(super) const ENTRIES: &str = "boot/loader/entries";
/// Red Hat's generator; it knows BLS entries since release 8.
const GRUB2_MKCONFIG: &str = "usr/sbin/grub2-mkconfig";
const GRUB_MKCONFIG: &str = "usr/sbin/grub-mkconfig";

/// BLS entries. Unless `GRUB_ENABLE_BLSCFG` says otherwise they are on where grubby's old
/// new-kernel-pkg is gone (`10_linux_bls` of Red Hat's GRUB).
pub(super) fn bls(look: &mut Look<'_>) -> Option<Hit> {
    let wish = look.text(DEFAULTS).and_then(|text| setting(&text, "GRUB_ENABLE_BLSCFG"));
    let why = match wish.as_deref() {
        Some("true") => format!("{DEFAULTS} says GRUB_ENABLE_BLSCFG=true"),
        None if !look.there("usr/sbin/new-kernel-pkg")
            && look.text(GRUB2_MKCONFIG).is_some_and(|text| text.contains("BLSCFG")) =>
        {
            format!("{GRUB2_MKCONFIG} knows BLS entries")
        }
        _ => return None,
    };
    let Some(names) = look.names(ENTRIES) else {
        return hit(BootStack::Unknown, format!("{why}, but {ENTRIES} could not be listed"));
    };
    let entries: Vec<_> = names.iter().filter(|name| name.strip_suffix(".conf").is_some()).collect();
    let Some(first) = entries.first() else {
        return hit(BootStack::Unknown, format!("{why}, but {ENTRIES} has none: boot may not be mounted"));
    };
    for name in &entries {
        let path = format!("{ENTRIES}/{name}");
        if look.text(&path).is_some_and(|text| options(&text).contains("$kernelopts")) {
            return hit(BootStack::GrubBlsKernelopts, format!("{why}, and {path} takes $kernelopts"));
        }
    }
    hit(BootStack::GrubBls, format!("{why}, and there is {ENTRIES}/{first}"))
}

/// The options lines of a boot entry.
fn options(entry: &str) -> String {
    entry.lines().filter_map(|line| line.trim().strip_prefix("options")).collect()
}

/// Azure Linux' own /etc/default/grub sources the fragments at its end; where somebody replaced
/// it, or before release 3, the arguments are in grubenv.
pub(super) fn azurelinux(look: &mut Look<'_>) -> Option<Hit> {
    let id = &look.os?.id;
    if id != "azurelinux" && id != "mariner" {
        return None;
    }
    let sources = |text: &str| {
        text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("default/grub.d"))
    };
    if look.text(DEFAULTS).is_some_and(|text| sources(&text)) {
        return hit(
            BootStack::AzureLinuxGrubD,
            format!("os-release ID={id}, and {DEFAULTS} sources {FRAGMENTS}"),
        );
    }
    let menu = "boot/grub2/grub.cfg";
    match look.text(menu) {
        Some(text) if text.contains("kernelopts") => {
            hit(BootStack::AzureLinuxGrubenv, format!("os-release ID={id}, and {menu} takes kernelopts"))
        }
        Some(_) => {
            hit(BootStack::Unrecognised, format!("os-release ID={id}, but {menu} takes no kernelopts"))
        }
        None => {
            hit(BootStack::Unknown, format!("os-release ID={id}, but no {menu}: boot may not be mounted"))
        }
    }
}

/// Debian's patch to grub-mkconfig, Ubuntu's too (default-grub-d.patch: <https://bugs.launchpad.net/bugs/901600>).
pub(super) fn debian(look: &mut Look<'_>) -> Option<Hit> {
    if look.text(GRUB_MKCONFIG)?.contains("default/grub.d") {
        return hit(BootStack::DebianGrub, format!("{GRUB_MKCONFIG} sources {FRAGMENTS}"));
    }
    None
}

/// A menu made from /etc/default/grub and nothing else.
pub(super) fn mkconfig(look: &mut Look<'_>) -> Option<Hit> {
    let tool = [GRUB2_MKCONFIG, GRUB_MKCONFIG].into_iter().find(|path| look.there(path))?;
    if !look.there(DEFAULTS) {
        return None;
    }
    if look.names("boot").unwrap_or_default().iter().any(|name| is_kernel(name)) {
        return hit(BootStack::GrubMkconfig, format!("{tool} and {DEFAULTS}"));
    }
    hit(BootStack::Unknown, format!("{tool} and {DEFAULTS}, but no kernel in boot: it may not be mounted"))
}
