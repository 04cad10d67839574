//! The programs that make boot files, and the menu that they made.

use super::*;
use crate::facts::Initramfs;

#[test]
fn tools_are_what_is_installed() {
    let tools = |id: &str, files: &[(&str, &str)]| boot(id, files).0.tools;
    let (sbin, bin) = (("usr/sbin/update-initramfs", ""), ("usr/bin/dracut", ""));
    // Not by the distribution's name.
    assert_eq!(tools("debian", &[bin]).initramfs, Some(Initramfs::Dracut));
    assert_eq!(tools("fedora", &[sbin, bin]).initramfs, Some(Initramfs::InitramfsTools));
    assert_eq!(tools("arch", &[("usr/bin/mkinitcpio", "")]).initramfs, Some(Initramfs::Mkinitcpio));
    assert_eq!(tools("debian", &[]), crate::facts::BootTools::default());
    let chosen = |text| ("etc/kernel/install.conf", text);
    for (text, builder) in [
        ("initrd_generator=mkosi-initrd\n", Some(Initramfs::KernelInstall)),
        ("initrd_generator=none\n", None),
        ("initrd_generator=dracut\n", Some(Initramfs::Dracut)),
        ("layout=bls\n", Some(Initramfs::Dracut)),
    ] {
        assert_eq!(tools("fedora", &[bin, chosen(text)]).initramfs, builder, "{text}");
    }
    let grub = &[DEBIAN, ("usr/sbin/update-grub", "")];
    assert!(tools("debian", grub).update_grub && tools("debian", grub).mkconfig.is_none());
    assert_eq!(tools("debian", &[DEBIAN]).mkconfig, Some("grub-mkconfig"));
    assert!(tools("fedora", &[("ostree/repo/config", ""), ("usr/bin/rpm-ostree", "")]).rpm_ostree);
    let bls = ("etc/sysconfig/bootloader", "LOADER_TYPE=grub2-bls\n");
    let suse = boot("opensuse", &[bls, ("usr/bin/sdbootutil", ""), ("etc/kernel/cmdline", "root=x")]).0;
    assert!(suse.tools.sdbootutil && suse.kernel_cmdline);
}

/// On UEFI machines of EL 7 the menu is on the ESP; from EL 8 on the ESP has a stub that leads to it.
#[test]
fn the_menu_is_the_one_that_was_generated() {
    const DEFAULTS: (&str, &str) = ("etc/default/grub", "");
    const MADE: &str = "### BEGIN /etc/grub.d/00_header ###\n";
    const STUB: &str = "configfile $prefix/grub.cfg\n";
    let old = ("usr/sbin/new-kernel-pkg", "");
    let menu = |files: &[(&'static str, &'static str)]| {
        boot("centos", &[&[PLAIN, DEFAULTS, KERNEL, old], files].concat()).0.menu
    };
    let esp = "boot/efi/EFI/centos/grub.cfg";
    assert_eq!(menu(&[(esp, MADE)]).as_deref(), Some(esp));
    assert_eq!(menu(&[(esp, STUB), ("boot/grub2/grub.cfg", MADE)]).as_deref(), Some("boot/grub2/grub.cfg"));
    assert_eq!(menu(&[(esp, MADE), ("boot/grub2/grub.cfg", MADE)]), None);
    assert_eq!(menu(&[(esp, STUB)]), None);
    assert_eq!(menu(&[("boot/efi/EFI/a b/grub.cfg", MADE)]), None);
}
