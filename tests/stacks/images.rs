//! Roots whose arguments are not where a package manager puts kernels: Flatcar, bootc, openSUSE's with entries.

use super::{Made, Reader, release};

/// Flatcar on Azure: GRUB's script of the OEM partition, which its menu reads first.
pub(crate) fn flatcar() -> Made {
    let oem = "# Flatcar GRUB settings\n\nset oem_id=\"azure\"\nset linux_append=\"flatcar.autologin\"\n\n\
               # Azure only has a serial console.\nserial --unit=0 --speed=115200 --word=8 --parity=no\n\n\
               if [ \"$grub_cpu\" = arm64 ]; then\n  set linux_console=\"console=tty1 console=ttyAMA0,115200n8\"\n\
               else\n  set linux_console=\"console=tty1 console=ttyS0,115200n8 earlyprintk=ttyS0,115200\"\nfi\n";
    let files = [
        ("usr/lib/os-release", release("flatcar", "coreos", "4230.2.0")),
        ("etc/fstab", String::new()),
        ("oem/grub.cfg", oem.to_owned()),
        ("oem/oem-release", "ID=azure\n".to_owned()),
        ("boot/flatcar/vmlinuz-a", String::new()),
        ("usr/lib/modules/6.6.88-flatcar/modules.builtin", String::new()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text)).to_vec();
    Made {
        name: "flatcar",
        stands_for: "Flatcar",
        reader: Reader::Grub,
        files,
        stores: vec!["oem/grub.cfg".to_owned()],
        inherits: None,
    }
}

/// An image of bootc's: no boot entry yet, and one file of arguments of the distribution's.
pub(crate) fn bootc() -> Made {
    let files = [
        ("usr/lib/os-release", release("rhel", "fedora", "9.6")),
        (
            "usr/lib/bootc/kargs.d/10-console.toml",
            "kargs = [\"console=tty0\", \"console=ttyS0\"]\n".to_owned(),
        ),
        ("usr/lib/bootc/install/00-rhel.toml", "[install.filesystem.root]\ntype = \"xfs\"\n".to_owned()),
        ("usr/bin/bootc", String::new()),
        ("usr/lib/modules/5.14.0-570.el9.x86_64/modules.builtin", String::new()),
        ("usr/lib/modules/5.14.0-570.el9.x86_64/vmlinuz", String::new()),
    ];
    Made {
        name: "bootc",
        stands_for: "image mode of RHEL, Fedora and CentOS (bootc), in the build of the image",
        reader: Reader::Schema,
        files: files.map(|(path, text)| (path.to_owned(), text)).to_vec(),
        stores: vec!["usr/lib/bootc/kargs.d/90-hvtune.toml".to_owned()],
        inherits: None,
    }
}

/// openSUSE's with boot entries, which sdbootutil makes. `listed`: it is one that reads `cmdline.d`.
pub(crate) fn suse_bls(listed: bool) -> Made {
    let args = "root=UUID=0a-1b splash=silent quiet rootflags=subvol=@/.snapshots/1/snapshot";
    let path = format!("boot/efi/loader/entries/opensuse-tumbleweed-{SUSE_KERNEL}-1.conf");
    let entry = format!(
        "# Boot Loader Specification type#1 entry\ntitle      openSUSE Tumbleweed\nversion    1@{SUSE_KERNEL}\n\
         sort-key   opensuse-tumbleweed\noptions    {args}\n\
         linux      /opensuse-tumbleweed/{SUSE_KERNEL}/linux-0123\ninitrd     /opensuse-tumbleweed/{SUSE_KERNEL}/initrd-0123\n"
    );
    let script = if listed { "for i in /etc/kernel/cmdline.d/*; do :; done\n" } else { "" };
    let files = [
        ("usr/lib/os-release", release("opensuse-tumbleweed", "opensuse suse", "20260820")),
        ("etc/fstab", "UUID=0a-1b / btrfs defaults 0 0\n".to_owned()),
        ("etc/sysconfig/bootloader", "LOADER_TYPE=\"grub2-bls\"\n".to_owned()),
        ("etc/kernel/cmdline", format!("{args}\n")),
        ("boot/efi/EFI/opensuse/grub.efi", String::new()),
        (&*path, entry),
        ("usr/bin/sdbootutil", format!("#!/bin/bash\n{script}")),
        ("usr/lib/modules/6.16.1-1-default/modules.builtin", String::new()),
    ];
    let own = "etc/kernel/cmdline.d/90-hvtune.conf";
    Made {
        name: if listed { "suse-bls" } else { "suse-bls-before-2026" },
        stands_for: if listed {
            "openSUSE, SLES 16 with grub2-bls or systemd-boot"
        } else {
            "the same, with sdbootutil from before March 2026"
        },
        reader: Reader::Nobody,
        files: files.map(|(path, text)| (path.to_owned(), text)).to_vec(),
        stores: vec![if listed { own } else { "etc/kernel/cmdline" }.to_owned()],
        inherits: None,
    }
}

const SUSE_KERNEL: &str = "6.16.1-1-default";
