//! Boot stacks of several distributions, each a small root.

#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::*;
use crate::facts::Initramfs;

type Files<'a> = &'a [(&'a str, &'a str)];

fn stage(files: Files<'_>) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = temp.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    temp
}

fn boot(id: &str, files: Files<'_>) -> (Boot, Vec<Gap>) {
    let temp = stage(files);
    let os = OsRelease { id: id.to_owned(), ..OsRelease::default() };
    let mut gaps = Vec::new();
    let boot = read(&Root::offline(temp.path()).unwrap(), Some(&os), &mut gaps);
    (boot, gaps)
}

const RHGRUB: (&str, &str) =
    ("usr/sbin/grub2-mkconfig", "if [ \"x${GRUB_ENABLE_BLSCFG}\" = \"xtrue\" ]; then\n");
const DEBIAN: (&str, &str) = (
    "usr/sbin/grub-mkconfig",
    "set -e\nif test -f ${sysconfdir}/default/grub ; then\n  . ${sysconfdir}/default/grub\nfi\n\
     for x in ${sysconfdir}/default/grub.d/*.cfg ; do\n",
);
const PLAIN: (&str, &str) = ("usr/sbin/grub2-mkconfig", ". ${sysconfdir}/default/grub\n");
const KERNEL: (&str, &str) = ("boot/vmlinuz-6.1.0", "");

const ENTRY: &str = "title AlmaLinux\noptions root=UUID=x ro\n";
const KERNELOPTS: &str = "title CentOS\noptions $kernelopts $tuned_params\n";
const LOOP: &str = "GRUB_CMDLINE_LINUX=\"\"\nfor i in /etc/default/grub.d/*.cfg; do . $i; done\n";
/// Distribution, files, the stack, and a word of the reason.
const CASES: &[(&str, Files<'static>, BootStack, &str)] = &[
    (
        "fedora",
        &[("usr/lib/bootc/kargs.d/a.toml", ""), ("ostree/repo/config", "")],
        BootStack::Bootc,
        "usr/lib/bootc and ostree/repo",
    ),
    ("fedora", &[("usr/lib/bootc/kargs.d/a.toml", "")], BootStack::Bootc, "no boot entries"),
    (
        "fedora",
        &[("usr/lib/bootc/x", ""), ("boot/loader/entries/a.conf", ENTRY), RHGRUB],
        BootStack::GrubBls,
        "a.conf",
    ),
    ("fedora", &[("sysroot/ostree/repo/config", "")], BootStack::Ostree, "sysroot/ostree/repo"),
    ("flatcar", &[], BootStack::Flatcar, "ID=flatcar"),
    ("sl-micro", &[], BootStack::TransactionalUpdate, "ID=sl-micro"),
    (
        "sles",
        &[
            ("usr/sbin/transactional-update", ""),
            ("etc/fstab", "#UUID=x / btrfs rw 0 0\nUUID=x / btrfs ro,noatime 0 0\n"),
        ],
        BootStack::TransactionalUpdate,
        "read-only",
    ),
    ("rhel", &[("boot/efi/EFI/Linux/a.efi", ""), RHGRUB], BootStack::Uki, "boot/efi/EFI/Linux/a.efi"),
    ("rhel", &[("etc/kernel/install.conf", "layout=uki\n")], BootStack::Uki, "layout=uki"),
    ("rhel", &[("usr/lib/modules/5.14.0/vmlinuz-virt.efi", "")], BootStack::Uki, "vmlinuz-virt.efi"),
    (
        "arch",
        &[("efi/loader/loader.conf", ""), ("efi/EFI/systemd/systemd-bootx64.efi", "")],
        BootStack::SystemdBoot,
        "efi/loader/loader.conf",
    ),
    ("debian", &[("etc/kernel/install.conf", "layout=bls\n")], BootStack::SystemdBoot, "layout=bls"),
    (
        "sles",
        &[("etc/sysconfig/bootloader", "LOADER_TYPE=\"grub2-efi\"\n"), PLAIN],
        BootStack::SuseGrub,
        "grub2-efi",
    ),
    (
        "opensuse-tumbleweed",
        &[("etc/sysconfig/bootloader", "LOADER_TYPE=\"grub2-bls\"\n")],
        BootStack::SystemdBoot,
        "grub2-bls",
    ),
    (
        "centos",
        &[
            RHGRUB,
            ("etc/default/grub", "GRUB_ENABLE_BLSCFG=true\n"),
            ("boot/loader/entries/a.conf", KERNELOPTS),
        ],
        BootStack::GrubBlsKernelopts,
        "$kernelopts",
    ),
    ("almalinux", &[RHGRUB, ("boot/loader/entries/a.conf", ENTRY)], BootStack::GrubBls, "knows BLS"),
    (
        "centos",
        &[PLAIN, ("usr/sbin/new-kernel-pkg", ""), ("etc/default/grub", ""), KERNEL],
        BootStack::GrubMkconfig,
        "grub2-mkconfig",
    ),
    (
        "rhel",
        &[RHGRUB, ("etc/default/grub", "GRUB_ENABLE_BLSCFG=false\n"), KERNEL],
        BootStack::GrubMkconfig,
        "grub2-mkconfig",
    ),
    ("azurelinux", &[("etc/default/grub", LOOP)], BootStack::AzureLinuxGrubD, "sources etc/default/grub.d"),
    (
        "mariner",
        &[("boot/grub2/grub.cfg", "load_env -f $bootprefix/mariner.cfg\nlinux $kernelopts\n")],
        BootStack::AzureLinuxGrubenv,
        "kernelopts",
    ),
    ("ubuntu", &[DEBIAN], BootStack::DebianGrub, "grub-mkconfig"),
    ("alpine", &[KERNEL], BootStack::Unrecognised, "boot/vmlinuz-6.1.0"),
];

#[test]
fn every_stack_is_told_by_its_evidence() {
    for (id, files, stack, because) in CASES {
        let (boot, gaps) = boot(id, files);
        assert_eq!(boot.stack, *stack, "{id} {files:?}: {}", boot.because);
        assert!(boot.because.contains(because), "{id}: {}", boot.because);
        assert_eq!(gaps, [], "{id}");
    }
}

#[test]
fn what_is_not_mounted_is_unknown() {
    for (id, files) in [
        ("debian", &[][..]),
        ("almalinux", &[RHGRUB]),
        ("centos", &[PLAIN, ("usr/sbin/new-kernel-pkg", ""), ("etc/default/grub", "")]),
        ("rhel", &[("etc/default/grub", "GRUB_ENABLE_BLSCFG=true\n")]),
        ("azurelinux", &[("etc/default/grub", "# /etc/default/grub.d is not sourced\n")]),
    ] {
        let (boot, _) = boot(id, files);
        assert_eq!(boot.stack, BootStack::Unknown, "{id}: {}", boot.because);
        assert!(boot.because.contains("mounted"), "{id}: {}", boot.because);
    }
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let (boot, gaps) =
        boot("almalinux", &[RHGRUB, ("etc/default/grub/x", ""), ("boot/loader/entries/a.conf", "")]);
    assert_eq!(boot.stack, BootStack::GrubBls);
    assert_eq!(boot.configured, None);
    assert!(gaps.iter().all(|gap| gap.path == "etc/default/grub"), "{gaps:?}");
}

#[test]
fn arguments_of_others_are_found_and_ours_left_out() {
    let (boot, _) = boot(
        "ubuntu",
        &[
            DEBIAN,
            (
                "etc/default/grub",
                "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash\"\nGRUB_CMDLINE_LINUX=\"\"\n#GRUB_CMDLINE_LINUX=\"x\"\n",
            ),
            (
                "etc/default/grub.d/50-cloudimg-settings.cfg",
                "GRUB_CMDLINE_LINUX_DEFAULT=\"console=tty1 console=ttyS0\"\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX rootdelay=300\"\n",
            ),
            ("etc/default/grub.d/90-hvtune.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"ours\"\n"),
            ("etc/default/grub.d/95-site.cfg", "GRUB_CMDLINE_LINUX_DEFAULT+=\" nvme_core.io_timeout=240\"\n"),
            (
                "etc/default/grub.d/99-late.cfg",
                "# x\nGRUB_CMDLINE_LINUX_DEFAULT=\"${GRUB_CMDLINE_LINUX_DEFAULT} late\"\n",
            ),
            ("etc/default/grub.d/README", "GRUB_CMDLINE_LINUX_DEFAULT=\"no\"\n"),
        ],
    );
    assert_eq!(
        boot.configured.unwrap(),
        ["rootdelay=300", "console=tty1", "console=ttyS0", "nvme_core.io_timeout=240", "late"]
    );
    assert_eq!(boot.later_fragments, ["etc/default/grub.d/99-late.cfg"]);
}

#[test]
fn fragments_count_only_where_they_are_sourced() {
    let (boot, _) = boot(
        "almalinux",
        &[
            RHGRUB,
            ("boot/loader/entries/a.conf", ""),
            ("etc/default/grub", "GRUB_CMDLINE_LINUX=\"console=ttyS0\"\n"),
            ("etc/default/grub.d/99-late.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"late\"\n"),
        ],
    );
    assert_eq!(boot.configured.unwrap(), ["console=ttyS0"]);
    assert_eq!(boot.later_fragments, [""; 0]);
}

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
