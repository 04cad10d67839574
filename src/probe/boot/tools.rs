//! Which programs the root has for making boot files, and the menu that they made.

use crate::facts::{Boot, BootStack, BootTools, Fragment, Initramfs};

use super::Look;
use super::config::OURS;
use super::grub::DEFAULTS;
use super::look::setting;

/// What stands in every menu that grub-mkconfig made, and in no stub that leads to one
/// (<https://git.savannah.gnu.org/cgit/grub.git/tree/util/grub-mkconfig.in>).
const GENERATED: &str = "### BEGIN /etc/grub.d/";
/// Where vendors keep a directory each.
const ESP: &str = "boot/efi/EFI";

/// What the stack has no use for is not looked for.
pub(super) fn read(look: &mut Look<'_>, stack: BootStack) -> BootTools {
    let uses = |stacks: &[BootStack]| stacks.contains(&stack);
    let update_grub = uses(&[BootStack::DebianGrub]) && installed(look, "update-grub");
    let generates = uses(MENUS) && !update_grub;
    let by_entry = uses(&[BootStack::SystemdBoot, BootStack::TransactionalUpdate]);
    BootTools {
        initramfs: initramfs(look),
        drivers: None,
        copies: None,
        update_grub,
        mkconfig: ["grub2-mkconfig", "grub-mkconfig"]
            .into_iter()
            .find(|name| generates && installed(look, name)),
        rpm_ostree: uses(&[BootStack::Ostree]) && installed(look, "rpm-ostree"),
        sdbootutil: by_entry && installed(look, "sdbootutil"),
        cmdline_d: by_entry && reads_cmdline_d(look),
    }
}

/// Stacks whose menu is made by the name of its file.
const MENUS: &[BootStack] =
    &[BootStack::DebianGrub, BootStack::GrubMkconfig, BootStack::SuseGrub, BootStack::AzureLinuxGrubD];

pub(super) fn installed(look: &mut Look<'_>, name: &str) -> bool {
    ["usr/sbin", "usr/bin"].into_iter().any(|directory| look.there(&format!("{directory}/{name}")))
}

/// Whether sdbootutil, which is a script, names the directory
/// (<https://github.com/openSUSE/sdbootutil/commit/ff5ea17>).
fn reads_cmdline_d(look: &mut Look<'_>) -> bool {
    let script = ["usr/bin/sdbootutil", "usr/sbin/sdbootutil"].into_iter().find_map(|path| look.text(path));
    script.is_some_and(|script| script.contains("/etc/kernel/cmdline.d"))
}

/// kernel-install's own choice counts first (man 5 kernel-install.conf), then what is installed.
fn initramfs(look: &mut Look<'_>) -> Option<Initramfs> {
    let chosen = ["etc/kernel/install.conf", "usr/lib/kernel/install.conf"]
        .into_iter()
        .find_map(|path| setting(&look.text(path)?, "initrd_generator"));
    match chosen.as_deref() {
        None | Some("" | "dracut" | "initramfs-tools" | "mkinitcpio") => {}
        Some("none") => return None,
        Some(_) => return Some(Initramfs::KernelInstall),
    }
    [
        ("update-initramfs", Initramfs::InitramfsTools),
        ("dracut", Initramfs::Dracut),
        ("mkinitcpio", Initramfs::Mkinitcpio),
        ("mkosi-initrd", Initramfs::KernelInstall),
    ]
    .into_iter()
    .find(|(name, _)| installed(look, name))
    .map(|(_, builder)| builder)
}

/// Whose program makes an initramfs: newer Debian packages of dracut bring one by the name of update-initramfs.
pub(super) fn maker(look: &mut Look<'_>, named: Initramfs) -> Initramfs {
    let renamed = named == Initramfs::InitramfsTools && !installed(look, "mkinitramfs");
    if renamed && installed(look, "dracut") { Initramfs::Dracut } else { named }
}

/// The menu that the generator made.
pub(super) fn menu(look: &mut Look<'_>, tools: &BootTools) -> Option<String> {
    tools.mkconfig?;
    let mut places = vec!["boot/grub2/grub.cfg".to_owned(), "boot/grub/grub.cfg".to_owned()];
    let vendors = look.names(ESP).unwrap_or_default();
    places.extend(vendors.into_iter().map(|vendor| format!("{ESP}/{vendor}/grub.cfg")));
    places.retain(|path| look.text(path).is_some_and(|text| text.contains(GENERATED)));
    match places.as_slice() {
        [only] if is_plain(only) => Some(only.clone()),
        _ => None,
    }
}

/// Whether the menu is older than the file that it takes our arguments from.
pub(super) fn menu_older(look: &Look<'_>, boot: &Boot) -> Option<bool> {
    let written = |path: &str| look.root.modified(path).ok().flatten();
    let menu = match boot.stack {
        BootStack::DebianGrub => Some("boot/grub/grub.cfg"),
        _ => boot.menu.as_deref(),
    };
    let stores = boot.stores.iter().map(|file| file.path.as_str()).filter(|path| *path == DEFAULTS);
    let fragment = (boot.own() == Some(Fragment::GrubD)).then_some(OURS);
    let newest = stores.chain(fragment).filter_map(written).max()?;
    Some(written(menu?)? < newest)
}

/// A name of the ESP goes into a command that is printed.
fn is_plain(path: &str) -> bool {
    path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}
