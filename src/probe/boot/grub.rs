//! GRUB's four ways: BLS entries, Azure Linux, Debian, and the plain menu generator.

use crate::facts::{Attribute, BootStack};
use crate::formats::grub;

use super::look::{is_kernel, setting};
use super::{Hit, Look, hit};

const DEFAULTS: &str = "etc/default/grub";
const FRAGMENTS: &str = "etc/default/grub.d";
const OURS: &str = "90-hvtune.cfg";
const ENTRIES: &str = "boot/loader/entries";
/// Red Hat's generator; it knows BLS entries since release 8.
const GRUB2_MKCONFIG: &str = "usr/sbin/grub2-mkconfig";
const GRUB_MKCONFIG: &str = "usr/sbin/grub-mkconfig";

/// A file of shell assignments: path and text.
pub(super) type Source = (String, String);

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

/// The fragments that are sourced here, ours left out, sorted; `None` = could not tell.
pub(super) fn fragments(look: &mut Look<'_>, stack: BootStack) -> Option<Vec<Source>> {
    if !matches!(stack, BootStack::DebianGrub | BootStack::AzureLinuxGrubD) {
        return Some(Vec::new());
    }
    let names = look.names(FRAGMENTS)?;
    let others = names
        .into_iter()
        .filter(|name| name.strip_suffix(".cfg").is_some() && name != OURS && !name.starts_with('.'));
    others
        .map(|name| format!("{FRAGMENTS}/{name}"))
        .map(|path| Some((path.clone(), look.text(&path)?)))
        .collect()
}

/// Those that come after ours and assign the same variable anew.
pub(super) fn later(fragments: &[Source]) -> Vec<String> {
    let ours = format!("{FRAGMENTS}/{OURS}");
    let assigns = |text: &str| {
        text.lines()
            .any(|line| !line.trim_start().starts_with('#') && line.contains("GRUB_CMDLINE_LINUX_DEFAULT="))
    };
    let later = fragments.iter().filter(|(path, text)| *path > ours && assigns(text));
    later.map(|(path, _)| path.clone()).collect()
}

/// The arguments that others configured, in the order in which a normal entry has them;
/// `None` where a file could not be read.
pub(super) fn configured(look: &mut Look<'_>, fragments: Option<Vec<Source>>) -> Option<Vec<String>> {
    let mut sources: Vec<Source> = match look.read(DEFAULTS) {
        Attribute::Is(text) => vec![(DEFAULTS.to_owned(), text)],
        Attribute::Absent => Vec::new(),
        Attribute::Unknown => return None,
    };
    sources.extend(fragments?);
    let texts: Vec<(&str, &str)> =
        sources.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let (args, opaque) = grub::configured(&texts);
    // What a shell would have to be run for is not known.
    (!opaque).then_some(args)
}
