//! Boot stacks of several distributions, each a small root.

#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::*;
use crate::facts::{BootArg, Holds, LineKind};

mod drivers;
mod listed;
mod tools;
mod uki;

type Files<'a> = &'a [(&'a str, &'a str)];

fn stage(files: Files<'_>) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = temp.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("-> ") {
            Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            None => std::fs::write(path, text).unwrap(),
        }
    }
    temp
}

fn boot(id: &str, files: Files<'_>) -> (Boot, Vec<Gap>) {
    let temp = stage(files);
    let os = OsRelease { id: id.to_owned(), ..OsRelease::default() };
    let mut gaps = Vec::new();
    let boot = read(&Root::offline(temp.path()).unwrap(), Some(&os), &[], None, &mut gaps);
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

const MENU: (&str, &str) = (
    "boot/grub/grub.cfg",
    "menuentry 'Debian' {\n\tlinux\t/boot/vmlinuz-6.1 root=UUID=x ro quiet\n}\n\
     menuentry 'Debian (recovery mode)' {\n\tlinux\t/boot/vmlinuz-6.1 root=UUID=x ro single\n}\n",
);
const NULLBOOT: (&str, &str) = ("usr/bin/nullbootctl", "");
const IMAGE: (&str, &str) = ("boot/efi/EFI/ubuntu/kernel.efi-6.8-azure-fde", "");
const SDBOOT: (&str, &str) = ("boot/efi/EFI/systemd/systemd-bootx64.efi", "");
const GRUBX64: (&str, &str) = ("boot/efi/EFI/debian/grubx64.efi", "");
const TYPE1: (&str, &str) = (
    "boot/efi/loader/entries/x-6.1.conf",
    "title Debian\nlinux /x/6.1/linux\noptions root=UUID=x ro\noptions a=1\n",
);
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
    ("ubuntu", &[DEBIAN, MENU], BootStack::DebianGrub, "grub-mkconfig"),
    ("ubuntu", &[DEBIAN, NULLBOOT, IMAGE], BootStack::Nullboot, "kernel.efi-6.8-azure-fde"),
    ("ubuntu", &[DEBIAN, MENU, NULLBOOT], BootStack::DebianGrub, "grub-mkconfig"),
    ("debian", &[DEBIAN, SDBOOT, ("boot/efi/loader/loader.conf", "")], BootStack::SystemdBoot, "loader.conf"),
    // Leftovers: nothing to boot, or the firmware's fallback is GRUB's.
    (
        "debian",
        &[DEBIAN, MENU, SDBOOT, ("boot/efi/loader/loader.conf", "")],
        BootStack::DebianGrub,
        "grub-mkconfig",
    ),
    (
        "debian",
        &[DEBIAN, MENU, SDBOOT, ("boot/efi/loader/loader.conf", ""), TYPE1, GRUBX64],
        BootStack::DebianGrub,
        "may boot by another: systemd-boot",
    ),
    (
        "debian",
        &[
            DEBIAN,
            MENU,
            SDBOOT,
            ("boot/efi/loader/loader.conf", ""),
            TYPE1,
            GRUBX64,
            ("boot/efi/EFI/BOOT/BOOTX64.EFI", "MZ#### LoaderInfo: systemd-boot 257 ####"),
        ],
        BootStack::SystemdBoot,
        "may boot by another: debian-grub",
    ),
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

/// `path:line arg`, `?` before what may be, `!` before what is gone, `+` behind files after ours.
fn shown(args: &[BootArg]) -> Vec<String> {
    let one = |arg: &BootArg| {
        let mark = match arg.holds {
            Holds::Yes => "",
            Holds::Maybe(_) => "?",
            Holds::No(_) => "!",
        };
        let late = if arg.after_ours { "+" } else { "" };
        let name = arg.path.rsplit('/').next().unwrap();
        format!("{mark}{name}{late}:{} {}", arg.line, arg.text.as_deref().unwrap_or("*"))
    };
    args.iter().map(one).collect()
}

#[test]
fn two_loaders_that_look_alive_are_said_to_be_two() {
    for (files, others) in [
        (&[DEBIAN, MENU][..], &[][..]),
        (&[DEBIAN, MENU, NULLBOOT, IMAGE], &[BootStack::DebianGrub]),
        (&[DEBIAN, MENU, SDBOOT, TYPE1, GRUBX64], &[BootStack::SystemdBoot]),
        (&[DEBIAN, MENU, SDBOOT], &[]),
        (&[RHGRUB, ("boot/grub2/grub.cfg", "blscfg\n"), ("boot/loader/entries/a.conf", ENTRY)], &[]),
        (
            &[
                RHGRUB,
                ("boot/grub2/grub.cfg", "blscfg\n"),
                ("boot/loader/entries/a.conf", ENTRY),
                ("boot/efi/EFI/Linux/a.efi", ""),
            ],
            &[BootStack::GrubBls],
        ),
    ] {
        let (boot, _) = boot("debian", files);
        let found: Vec<BootStack> = boot.others.iter().map(|(other, _)| *other).collect();
        assert_eq!(found, others, "{files:?}: {}", boot.because);
        assert_eq!(boot.unsure.is_some(), !others.is_empty(), "{files:?}");
    }
    let (boot, _) = boot("debian", &[DEBIAN]);
    assert_eq!(boot.stack, BootStack::DebianGrub);
    assert!(boot.unsure.unwrap().contains("neither boot/grub/grub.cfg"));
}

#[test]
fn what_cannot_be_read_is_a_gap_and_a_doubt() {
    let (boot, gaps) =
        boot("almalinux", &[RHGRUB, ("etc/default/grub/x", ""), ("boot/loader/entries/a.conf", "")]);
    assert_eq!(boot.stack, BootStack::GrubBls);
    assert_eq!(boot.configured.doubts, ["etc/default/grub could not be read"]);
    assert!(gaps.iter().all(|gap| gap.path == "etc/default/grub"), "{gaps:?}");
}

#[test]
fn arguments_of_others_are_found_and_ours_left_out() {
    let ours = "GRUB_CMDLINE_LINUX_DEFAULT=\"ours\"\n";
    let ours = format!("{}{ours}", crate::marker::marker_line(ours.as_bytes()));
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
            ("etc/default/grub.d/90-hvtune.cfg", &ours),
            ("etc/default/grub.d/95-site.cfg", ". /etc/site.conf\nGRUB_CMDLINE_LINUX_DEFAULT+=\" $MORE\"\n"),
            ("etc/site.conf", "MORE=nvme_core.io_timeout=240\n"),
            ("bin/sh", "-> bash"),
            (
                "etc/default/grub.d/99-late.cfg",
                "# x\nGRUB_CMDLINE_LINUX_DEFAULT=\"${GRUB_CMDLINE_LINUX_DEFAULT} late\"\n",
            ),
            ("etc/default/grub.d/README", "GRUB_CMDLINE_LINUX_DEFAULT=\"no\"\n"),
        ],
    );
    let config = boot.configured;
    assert_eq!(config.doubts, [""; 0]);
    assert_eq!(
        shown(&config.args),
        [
            "!grub:1 quiet",
            "!grub:1 splash",
            "50-cloudimg-settings.cfg:2 rootdelay=300",
            "50-cloudimg-settings.cfg:1 console=tty1",
            "50-cloudimg-settings.cfg:1 console=ttyS0",
            "site.conf+:1 nvme_core.io_timeout=240",
            "99-late.cfg+:2 late",
        ]
    );
    assert_eq!((config.ours_at, config.reads_ours, config.ours), (5, true, Holds::Yes));
}

#[test]
fn a_file_of_somebody_else_at_our_place_counts() {
    let theirs = "GRUB_CMDLINE_LINUX_DEFAULT=\"elevator=noop\"\n";
    let (boot, _) = boot("debian", &[DEBIAN, MENU, ("etc/default/grub.d/90-hvtune.cfg", theirs)]);
    assert_eq!(shown(&boot.configured.args), ["90-hvtune.cfg+:1 elevator=noop"]);
    assert!(!boot.configured.reads_ours && matches!(boot.configured.ours, Holds::No(_)));
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
    assert_eq!(shown(&boot.configured.args), ["grub+:1 console=ttyS0"]);
    assert!(!boot.configured.reads_ours);
}

/// Kind, title and arguments of the lines.
fn lines(boot: &Boot) -> Vec<String> {
    let kind = |kind| match kind {
        LineKind::Menu => "menu",
        LineKind::Entry => "entry",
        LineKind::NewKernel => "new",
    };
    boot.lines.iter().map(|l| format!("{} {}: {}", kind(l.kind), l.entry, shown(&l.args).join(" "))).collect()
}

#[test]
fn every_entry_that_is_there_is_read() {
    let grubenv = format!(
        "{:#<1024}",
        "# GRUB Environment Block\nkernelopts=root=/dev/x ro panic=10\ntuned_params=a=1\n"
    );
    for (id, files, expected) in [
        (
            "debian",
            &[DEBIAN, MENU][..],
            &["menu Debian: grub.cfg+:2 root=UUID=x grub.cfg+:2 ro grub.cfg+:2 quiet"][..],
        ),
        (
            "rocky",
            &[
                RHGRUB,
                (
                    "boot/loader/entries/a.conf",
                    "title A\nlinux /vmlinuz-1\noptions root=/dev/x ro $tuned_params\noptions b=1\n",
                ),
                ("boot/loader/entries/b-0-rescue.conf", "title B\nlinux /vmlinuz-0\noptions root=/dev/x\n"),
                ("boot/grub2/grubenv", &grubenv),
                ("etc/kernel/cmdline", "# x\nroot=/dev/x ro\n"),
            ],
            &[
                "entry A: a.conf+:3 root=/dev/x a.conf+:3 ro grubenv+:3 a=1",
                "new : cmdline+:2 root=/dev/x cmdline+:2 ro",
            ],
        ),
        (
            "centos",
            &[
                RHGRUB,
                (
                    "boot/loader/entries/a.conf",
                    "title A\nlinux /vmlinuz-1\noptions $kernelopts $tuned_params\n",
                ),
                ("boot/grub2/grubenv", &grubenv),
            ],
            &[
                "entry A: grubenv+:2 root=/dev/x grubenv+:2 ro grubenv+:2 panic=10 grubenv+:3 a=1",
                "new : grubenv+:2 root=/dev/x grubenv+:2 ro grubenv+:2 panic=10 grubenv+:3 a=1",
            ],
        ),
        (
            "debian",
            &[
                SDBOOT,
                ("boot/efi/loader/loader.conf", ""),
                TYPE1,
                ("usr/lib/kernel/cmdline", "root=UUID=y\n"),
            ],
            &[
                "entry Debian: x-6.1.conf+:3 root=UUID=x x-6.1.conf+:3 ro x-6.1.conf+:4 a=1",
                "new : cmdline+:1 root=UUID=y",
            ],
        ),
        (
            "fedora",
            &[
                ("usr/lib/bootc/kargs.d/10-a.toml", "kargs = [\"a=1\", \"b c=2\"]\n"),
                ("usr/lib/bootc/kargs.d/20-b.toml", "kargs = [\"d\"]\nmatch-architectures = [\"x86_64\"]\n"),
            ],
            &["new : 10-a.toml+:0 a=1 10-a.toml+:0 b 10-a.toml+:0 c=2 ?20-b.toml+:0 d"],
        ),
    ] {
        let (boot, gaps) = boot(id, files);
        assert_eq!(lines(&boot), expected, "{files:?}");
        assert_eq!((boot.doubts, gaps), (vec![], vec![]), "{files:?}");
    }
}

#[test]
fn a_command_line_that_nobody_reads_is_a_doubt() {
    let addon = ("boot/efi/EFI/Linux/a.efi.extra.d/x.addon.efi", "");
    for (files, doubts) in [
        (&[("boot/efi/EFI/Linux/a.efi", ""), addon][..], 1),
        (&[NULLBOOT, IMAGE], 1),
        (&[KERNEL], 1),
        (&[("usr/lib/bootc/kargs.d/a.toml", "args = 1\n")], 1),
    ] {
        let (boot, _) = boot("x", files);
        assert_eq!(boot.doubts.len(), doubts, "{files:?}: {:?}", boot.doubts);
    }
}
