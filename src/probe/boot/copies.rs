//! What an initramfs's maker copies of files like ours, and the images that it made.

use crate::facts::{Copies, Image, Initramfs, InstalledKernel};
use crate::formats::initramfs::Setting;

use super::Look;
use super::drivers::{dracut_settings, of, said};
use super::look::setting;
use super::tools::maker;

/// Of Debian's `update-initramfs`, whichever maker it runs.
const UPDATE: &str = "etc/initramfs-tools/update-initramfs.conf";
/// dracut's own parts, a directory each.
const MODULES: &str = "usr/lib/dracut/modules.d";
/// How the part that brings udev's rules says that it takes those below `/etc`: since 103, and since 112
/// (<https://github.com/dracut-ng/dracut-ng/blob/103/modules.d/95udev-rules/module-setup.sh>).
const ETC_RULES: [&str; 2] = ["udevrulesconfdir/*.rules", "udevconfdir/rules.d/*.rules"];
/// The variables by which parts are left out or chosen, and files named.
const CHOICE: [&str; 2] = ["omit_dracutmodules", "dracutmodules"];
const NAMED: [&str; 2] = ["install_items", "install_optional_items"];

/// Reads it; `None` where that maker's rules are not known to us.
pub(super) fn read(look: &mut Look<'_>, named: Initramfs) -> Option<Copies> {
    let held = if named == Initramfs::InitramfsTools { held(look) } else { None };
    let by = maker(look, named);
    let none = Copies {
        by,
        hostonly: None,
        because: String::new(),
        rules: None,
        systemd: None,
        named: Vec::new(),
        held,
    };
    match by {
        Initramfs::InitramfsTools => Some(none),
        Initramfs::Dracut => Some(dracut(look, none)),
        Initramfs::Mkinitcpio | Initramfs::KernelInstall => None,
    }
}

/// Why update-initramfs would make none, or keep the old one too.
fn held(look: &mut Look<'_>) -> Option<String> {
    let text = look.text(UPDATE)?;
    [("update_initramfs", "yes"), ("backup_initramfs", "no")].into_iter().find_map(|(key, usual)| {
        let value = setting(&text, key).filter(|value| value != usual)?;
        Some(format!("{UPDATE} says {key}={value}"))
    })
}

fn dracut(look: &mut Look<'_>, none: Copies) -> Copies {
    let (settings, _) = dracut_settings(look);
    let hostonly = of(&settings, "hostonly");
    let because = hostonly.map_or("dracut takes hostonly=no".to_owned(), said);
    let hostonly =
        hostonly.map_or(Some(false), |setting| Some(["yes", "-h"].contains(&setting.value.as_deref()?)));
    let mut named = Vec::new();
    for setting in NAMED.into_iter().filter_map(|variable| of(&settings, variable)) {
        let items = setting.value.iter().flat_map(|value| value.split_whitespace());
        named.extend(items.map(|item| item.trim_start_matches('/').to_owned()));
    }
    let parts = look.names(MODULES);
    let rules = parts.iter().flatten().find(|part| part.ends_with("udev-rules")).cloned();
    let rules = rules.and_then(|part| look.text(&format!("{MODULES}/{part}/module-setup.sh")));
    Copies {
        hostonly,
        because,
        rules: rules.map(|text| ETC_RULES.iter().any(|line| text.contains(line))),
        systemd: systemd(look, parts.as_deref(), &settings),
        named,
        ..none
    }
}

/// systemd runs in the initramfs where it is installed and nobody left it out.
fn systemd(look: &mut Look<'_>, parts: Option<&[String]>, settings: &[Setting]) -> Option<bool> {
    if CHOICE.into_iter().any(|variable| of(settings, variable).is_some()) {
        return None;
    }
    let part = parts?.iter().any(|part| part.ends_with("systemd"));
    Some(part && look.there("usr/lib/systemd/systemd"))
}

/// The initramfs of each installed kernel, by the names that Debian, Red Hat and SUSE give it.
pub(super) fn images(look: &mut Look<'_>, kernels: &[InstalledKernel]) -> Vec<Image> {
    let names = look.names("boot").unwrap_or_default();
    let mut images = Vec::new();
    // The names go into commands that are printed.
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c);
    for release in kernels.iter().map(|kernel| &kernel.release.release) {
        if !release.chars().all(plain) {
            continue;
        }
        let given = [
            format!("initrd.img-{release}"),
            format!("initramfs-{release}.img"),
            format!("initrd-{release}"),
        ];
        for name in given.into_iter().filter(|name| names.contains(name)) {
            let path = format!("boot/{name}");
            let made = look.root.modified(&path).ok().flatten();
            images.push(Image { path, kernel: release.clone(), made });
        }
    }
    images
}
