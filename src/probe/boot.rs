//! How the root boots, so that a kernel argument lands where the next kernel finds it.
//!
//! The first hit wins, most particular first; every answer names what it rests
//! on. `/boot` and the ESP may be unmounted, in an image build above all: what
//! is missing there makes the stack unknown, not absent.

mod alive;
mod arguments;
mod config;
mod copies;
mod drivers;
mod entries;
mod grub;
mod listed;
pub(crate) mod look;
mod oem;
mod stores;
mod tools;
mod uki;

use crate::facts::{Boot, BootStack, Gap, InstalledKernel, OsRelease};
use crate::formats::edit::Owned;
use crate::root::Root;

pub(crate) use look::FACT;
use look::Look;

/// A stack and why it was taken for that.
type Hit = (BootStack, String);

/// In this order.
const STACKS: &[fn(&mut Look<'_>) -> Option<Hit>] = &[
    ostree,
    flatcar,
    transactional,
    alive::nullboot,
    uki,
    systemd_boot,
    suse,
    grub::bls,
    grub::azurelinux,
    grub::debian,
    grub::mkconfig,
];

/// Stacks that take a new kernel's arguments from `/etc/kernel/cmdline`, where it is there.
const BY_CMDLINE: &[BootStack] = &[
    BootStack::GrubBls,
    BootStack::GrubBlsKernelopts,
    BootStack::SystemdBoot,
    BootStack::TransactionalUpdate,
    BootStack::Uki,
];

/// Reads the boot stack, what GRUB's defaults hold, and what the entries pass.
///
/// `record`: arguments of ours that earlier runs put there; every file is read as if they were not.
/// `secure_boot`: whether the machine's firmware starts what is signed only; `None`: nobody knows.
pub fn read(
    root: &Root,
    os: Option<&OsRelease>,
    record: &[Owned],
    secure_boot: Option<bool>,
    gaps: &mut Vec<Gap>,
) -> Boot {
    let mut look = Look::new(root, os, record, gaps);
    let hit = STACKS.iter().find_map(|stack| stack(&mut look)).unwrap_or_else(|| nothing(&mut look));
    complete(&mut look, hit, secure_boot)
}

/// The same for a stack that the policy names, whatever else looks alive.
pub fn read_as(
    root: &Root,
    os: Option<&OsRelease>,
    record: &[Owned],
    secure_boot: Option<bool>,
    stack: BootStack,
    gaps: &mut Vec<Gap>,
) -> Boot {
    let mut look = Look::new(root, os, record, gaps);
    let hit = (stack, "the policy says so: stack under [boot]".to_owned());
    let mut boot = complete(&mut look, hit, secure_boot);
    boot.unsure = None;
    boot
}

fn complete(look: &mut Look<'_>, (stack, because): Hit, secure_boot: Option<bool>) -> Boot {
    let others = alive::others(look, stack);
    let tools = tools::read(look, stack);
    let mut boot = Boot { stack, because, ..Boot::default() };
    boot.menu = tools::menu(look, &tools);
    boot.tools = tools;
    boot.kernel_cmdline = BY_CMDLINE.contains(&stack) && look.there("etc/kernel/cmdline");
    boot.unsure = alive::unsure(look, stack, &others);
    if !others.is_empty() {
        let also: Vec<String> =
            others.iter().map(|(other, why)| format!("{} ({why})", other.name())).collect();
        boot.because.push_str(&format!("; it may boot by another: {}", also.join(", ")));
    }
    boot.others = others;
    boot.listed = listed::own(look, &boot);
    boot.stores = stores::find(look, &boot);
    boot.menu_older = tools::menu_older(look, &boot);
    entries::read(look, &mut boot);
    if stack == BootStack::Uki {
        uki::read(look, &mut boot, secure_boot);
    }
    if alive::is_grub(stack) || stack == BootStack::TransactionalUpdate {
        boot.configured = config::read(look, stack);
    }
    boot
}

/// Reads which initramfs images are there, and what their maker's rules and configuration say of files; of
/// drivers too where that is asked.
pub fn read_initramfs(
    root: &Root,
    boot: &mut Boot,
    kernels: &[InstalledKernel],
    drivers: bool,
    gaps: &mut Vec<Gap>,
) {
    let mut look = Look::new(root, None, &[], gaps);
    boot.images = copies::images(&mut look, kernels);
    let Some(maker) = boot.tools.initramfs else { return };
    boot.tools.copies = copies::read(&mut look, maker);
    boot.tools.drivers = if drivers { drivers::read(&mut look, maker) } else { None };
}

#[expect(clippy::unnecessary_wraps, reason = "every look at a stack answers with an Option")]
fn hit(stack: BootStack, because: impl Into<String>) -> Option<Hit> {
    Some((stack, because.into()))
}

/// bootc's own directory comes with its package too, so on a root that boots by
/// entries of its own, and knows no ostree, it does not count.
fn ostree(look: &mut Look<'_>) -> Option<Hit> {
    let booted = look.root.is_live() && look.there("run/ostree-booted");
    let repo = ["ostree/repo", "sysroot/ostree/repo"].into_iter().find(|path| look.there(path));
    let from = if booted { Some("run/ostree-booted") } else { repo };
    let tool = ["usr/lib/bootc", "usr/bin/bootc"].into_iter().find(|path| look.there(path));
    match (tool, from) {
        (Some(tool), Some(from)) => hit(BootStack::Bootc, format!("{tool} and {from}")),
        (None, Some(from)) => hit(BootStack::Ostree, from),
        (Some("usr/lib/bootc"), None)
            if look.names("boot/loader/entries").is_some_and(|names| names.is_empty()) =>
        {
            if alive::menu(look).is_some() {
                None
            } else {
                hit(BootStack::Bootc, "usr/lib/bootc, and no boot entries of the root's own")
            }
        }
        _ => None,
    }
}

fn flatcar(look: &mut Look<'_>) -> Option<Hit> {
    if look.os?.id == "flatcar" { hit(BootStack::Flatcar, "os-release ID=flatcar") } else { None }
}

fn transactional(look: &mut Look<'_>) -> Option<Hit> {
    let id = look.os.map_or("", |os| &os.id);
    if ["sle-micro", "sl-micro", "opensuse-microos"].contains(&id) {
        return hit(BootStack::TransactionalUpdate, format!("os-release ID={id}"));
    }
    let tool = "usr/sbin/transactional-update";
    if look.there(tool) && look.text("etc/fstab").is_some_and(|fstab| root_is_read_only(&fstab)) {
        return hit(BootStack::TransactionalUpdate, format!("{tool}, and / is read-only in etc/fstab"));
    }
    None
}

/// Whether fstab mounts `/` read-only (man 5 fstab).
pub(crate) fn root_is_read_only(fstab: &str) -> bool {
    let lines = fstab.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut mounts = lines.map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    mounts.any(|fields| {
        matches!(fields.as_slice(), [_, "/", _, options, ..] if options.split(',').any(|option| option == "ro"))
    })
}

/// A unified kernel image on an ESP.
fn uki_image(look: &mut Look<'_>) -> Option<String> {
    look::ESPS.iter().find_map(|esp| {
        let dir = format!("{esp}EFI/Linux");
        let image = look.named(&dir, "", ".efi").into_iter().next()?;
        Some(format!("{dir}/{image}"))
    })
}

fn uki(look: &mut Look<'_>) -> Option<Hit> {
    if let Some(image) = uki_image(look) {
        return hit(BootStack::Uki, image);
    }
    if let Some((path, layout)) = look.install_layout()
        && layout == "uki"
    {
        return hit(BootStack::Uki, format!("{path} says layout=uki"));
    }
    // What the package kernel-uki-virt installs, where there is no plain kernel beside it.
    let kernels = look.names("usr/lib/modules").unwrap_or_default();
    let mut holding = |file: &str| {
        kernels.iter().map(|name| format!("usr/lib/modules/{name}/{file}")).find(|path| look.there(path))
    };
    let image = holding("vmlinuz-virt.efi")?;
    if holding("vmlinuz").is_none() { hit(BootStack::Uki, image) } else { None }
}

/// Beside a GRUB menu only where it has something to boot, and GRUB's own loader is not what the
/// firmware finds.
fn systemd_boot(look: &mut Look<'_>) -> Option<Hit> {
    let menu = alive::menu(look).is_some();
    for esp in look::ESPS {
        let conf = format!("{esp}loader/loader.conf");
        let loaders = look.names(&format!("{esp}EFI/systemd")).unwrap_or_default();
        if let Some(loader) = loaders.first()
            && look.there(&conf)
        {
            if menu && !alive::systemd_boot_is_first(look, esp) {
                continue;
            }
            return hit(BootStack::SystemdBoot, format!("{conf} and {esp}EFI/systemd/{loader}"));
        }
    }
    let (path, layout) = look.install_layout()?;
    if layout == "bls" && !menu {
        return hit(BootStack::SystemdBoot, format!("{path} says layout=bls, and there is no GRUB menu"));
    }
    None
}

/// perl-bootloader's choice; with BLS entries it keeps the arguments in /etc/kernel/cmdline,
/// as it does for systemd-boot (<https://github.com/openSUSE/perl-bootloader>).
fn suse(look: &mut Look<'_>) -> Option<Hit> {
    let path = "etc/sysconfig/bootloader";
    let text = look.text(path)?;
    let loader = look::setting(&text, "LOADER_TYPE")?;
    let because = format!("{path} says LOADER_TYPE={loader}");
    match &*loader {
        "grub2" | "grub2-efi" => hit(BootStack::SuseGrub, because),
        "systemd-boot" | "grub2-bls" => hit(BootStack::SystemdBoot, because),
        "" => None,
        _ => hit(BootStack::Unrecognised, because),
    }
}

/// No stack that we know.
fn nothing(look: &mut Look<'_>) -> Hit {
    let Some(names) = look.names("boot") else {
        return (BootStack::Unknown, "boot could not be listed".to_owned());
    };
    match names.iter().find(|name| look::is_kernel(name)) {
        Some(kernel) => (
            BootStack::Unrecognised,
            format!("boot/{kernel} is there, but the configuration of no known boot loader"),
        ),
        None => (BootStack::Unknown, "boot holds no kernel: it may not be mounted".to_owned()),
    }
}

#[cfg(test)]
mod tests;
