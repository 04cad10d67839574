//! Small roots, one for each way in which a distribution keeps its kernel arguments: the files that decide
//! how it boots, and nothing else. Composed from each distribution's own boot entries and defaults.

use std::fs;
use std::path::Path;

pub(crate) use images::{bootc, flatcar, suse_bls};

#[path = "images.rs"]
mod images;

/// What has read a root's command line after apply, besides ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// `grub-emu` of GRUB 2.14, in `tests/consumers/loader.rs`.
    Grub,
    /// `bootctl` and `kernel-install` of three releases, in `tests/consumers/bootctl.rs`.
    Bootctl,
    /// Whoever reads TOML of bootc's schema, in `tests/stacks/own.rs`.
    Schema,
    /// Nobody but the test of this fixture.
    Nobody,
    /// `grub-mkconfig` of two releases, in `tests/consumers/other_menus.rs`.
    Mkconfig,
}

/// A root's files, and which of them hold arguments.
pub(crate) struct Made {
    pub(crate) name: &'static str,
    /// The distributions that it stands for.
    pub(crate) stands_for: &'static str,
    pub(crate) reader: Reader,
    pub(crate) files: Vec<(String, String)>,
    /// Files that must carry our arguments after apply.
    pub(crate) stores: Vec<String>,
    /// Where a kernel that is installed later gets its arguments: this file's line, or GRUB's `$kernelopts`.
    pub(crate) inherits: Option<&'static str>,
}

const MACHINE: &str = "0123456789abcdef0123456789abcdef";

pub(crate) const EL_ARGS: &str =
    "root=/dev/mapper/rl-root ro crashkernel=1G-64G:256M rd.lvm.lv=rl/root rhgb quiet";

fn release(id: &str, like: &str, version: &str) -> String {
    format!("ID=\"{id}\"\nID_LIKE=\"{like}\"\nVERSION_ID=\"{version}\"\nPRETTY_NAME=\"{id} {version}\"\n")
}

fn block(lines: &str) -> String {
    let text = format!("# GRUB Environment Block\n{lines}");
    format!("{text:#<1024}")
}

/// An entry of EL's or Fedora's: `/boot` is a partition of its own.
pub(crate) fn el_entry(kernel: &str, options: &str) -> (String, String) {
    let text = format!(
        "title Linux ({kernel})\nversion {kernel}\nlinux /vmlinuz-{kernel}\n\
         initrd /initramfs-{kernel}.img $tuned_initrd\noptions {options}\ngrub_users $grub_users\n\
         grub_arg --unrestricted\ngrub_class kernel\n"
    );
    (format!("boot/loader/entries/{MACHINE}-{kernel}.conf"), text)
}

fn kernel(files: &mut Vec<(String, String)>, release: &str) {
    files.push((format!("boot/vmlinuz-{release}"), String::new()));
    files.push((format!("boot/initramfs-{release}.img"), String::new()));
    files.push((format!("usr/lib/modules/{release}/modules.builtin"), String::new()));
}

fn el(
    id: &str,
    version: &str,
    defaults: &str,
    grubenv: &str,
    entries: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut files = vec![
        ("usr/lib/os-release".to_owned(), release(id, "rhel fedora", version)),
        ("etc/fstab".to_owned(), "/dev/mapper/rl-root / xfs defaults 0 0\n".to_owned()),
        ("etc/default/grub".to_owned(), defaults.to_owned()),
        ("boot/grub2/grub.cfg".to_owned(), "insmod blscfg\nblscfg\n".to_owned()),
        ("boot/grub2/grubenv".to_owned(), block(grubenv)),
        ("usr/sbin/grub2-mkconfig".to_owned(), "#!/bin/sh\n. /etc/default/grub\n".to_owned()),
    ];
    for (release, options) in entries {
        kernel(&mut files, release);
        files.push(el_entry(release, options));
    }
    let (path, text) = el_entry("0-rescue-0123456789abcdef0123456789abcdef", EL_ARGS);
    files.push((path, text.replace("title Linux", "title Linux rescue")));
    files
}

fn defaults(args: &str) -> String {
    format!(
        "GRUB_TIMEOUT=5\nGRUB_DISTRIBUTOR=\"$(sed 's, release .*$,,g' /etc/system-release)\"\nGRUB_DEFAULT=saved\n\
         GRUB_DISABLE_SUBMENU=true\nGRUB_CMDLINE_LINUX=\"{args}\" # ours\nGRUB_DISABLE_RECOVERY=\"true\"\n\
         GRUB_ENABLE_BLSCFG=true\n"
    )
}

const LINUX: &str = "crashkernel=1G-64G:256M rd.lvm.lv=rl/root rhgb quiet";

/// EL 8: entries take `$kernelopts` from GRUB's environment block; one was flattened by grubby.
pub(crate) fn el8() -> Made {
    let kernelopts = "$kernelopts $tuned_params";
    let entries = [("4.18.0-553.el8.x86_64", kernelopts), ("4.18.0-477.el8.x86_64", EL_ARGS)];
    let grubenv =
        format!("saved_entry={MACHINE}-4.18.0-553.el8.x86_64\nkernelopts={EL_ARGS} \nboot_success=0\n");
    let flat = el_entry("4.18.0-477.el8.x86_64", "").0;
    Made {
        name: "el8",
        stands_for: "EL 8: RHEL, Rocky, Alma, Oracle",
        reader: Reader::Grub,
        files: el("rocky", "8.10", &defaults(LINUX), &grubenv, &entries),
        stores: vec!["etc/default/grub".to_owned(), "boot/grub2/grubenv".to_owned(), flat],
        inherits: None,
    }
}

/// EL 9: entries with arguments of their own, and `/etc/kernel/cmdline` for those to come.
pub(crate) fn el9() -> Made {
    let options = format!("{EL_ARGS} $tuned_params");
    let entries = [("5.14.0-570.el9.x86_64", &*options), ("5.14.0-503.el9.x86_64", &*options)];
    let mut files = el("rocky", "9.6", &defaults(LINUX), "saved_entry=x\n", &entries);
    files.push(("etc/kernel/cmdline".to_owned(), format!("{EL_ARGS}\n")));
    let mut stores = vec!["etc/default/grub".to_owned()];
    stores.extend(entries.map(|(release, _)| el_entry(release, "").0));
    stores.push("etc/kernel/cmdline".to_owned());
    Made {
        name: "el9",
        stands_for: "EL 9: the same",
        reader: Reader::Grub,
        files,
        stores,
        inherits: Some("etc/kernel/cmdline"),
    }
}

/// A cloud image of EL 10's: no `GRUB_CMDLINE_LINUX` line and no `/etc/kernel/cmdline`.
pub(crate) fn el10() -> Made {
    let entries = [("6.12.0-55.el10.x86_64", EL_ARGS)];
    let defaults = "GRUB_TIMEOUT=1\nGRUB_ENABLE_BLSCFG=true\n";
    let files = el("rhel", "10.0", defaults, "", &entries);
    Made {
        name: "el10",
        stands_for: "EL 10: the same; cloud images",
        reader: Reader::Grub,
        files,
        stores: vec![el_entry(entries[0].0, "").0],
        inherits: None,
    }
}

/// Fedora, with its own values on every line.
pub(crate) fn fedora() -> Made {
    let entries = [("6.14.11-200.fc41.x86_64", "root=UUID=0a-1b ro rootflags=subvol=root rhgb quiet ")];
    let mut files = el("fedora", "41", &defaults("rootflags=subvol=root rhgb quiet"), "", &entries);
    let line = "root=UUID=0a-1b ro rootflags=subvol=root rhgb quiet \n";
    files.push(("etc/kernel/cmdline".to_owned(), line.to_owned()));
    let stores =
        vec!["etc/default/grub".to_owned(), el_entry(entries[0].0, "").0, "etc/kernel/cmdline".to_owned()];
    Made {
        name: "fedora",
        stands_for: "Fedora",
        reader: Reader::Grub,
        files,
        stores,
        inherits: Some("etc/kernel/cmdline"),
    }
}

/// Azure Linux 2: one menu that is not made anew, with `$kernelopts` as its last word.
pub(crate) fn azurelinux2() -> Made {
    let menu = "set timeout=0\nset bootprefix=/boot\nload_env -f /boot/grub2/grubenv\n\
                set rootdevice=PARTUUID=0123\nmenuentry \"CBL-Mariner\" {\n\
                \tlinux /boot/vmlinuz-5.15.186.1-1.cm2 root=$rootdevice rd.auto=1 lockdown=integrity $kernelopts\n\
                \tinitrd /boot/initrd.img-5.15.186.1-1.cm2\n}\n";
    let block = block("kernelopts=console=tty0 console=ttyS0 sysctl.kernel.unprivileged_bpf_disabled=1\n");
    let files = [
        ("usr/lib/os-release", release("mariner", "", "2.0")),
        ("etc/fstab", "PARTUUID=0123 / ext4 defaults 0 1\n".to_owned()),
        ("etc/default/grub", "GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX=\"rd.auto=1\"\n".to_owned()),
        ("boot/grub2/grub.cfg", menu.to_owned()),
        ("boot/grub2/grubenv", block),
        ("boot/vmlinuz-5.15.186.1-1.cm2", String::new()),
        ("boot/initrd.img-5.15.186.1-1.cm2", String::new()),
        ("usr/lib/modules/5.15.186.1-1.cm2/modules.builtin", String::new()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text)).to_vec();
    Made {
        name: "azurelinux2",
        stands_for: "Azure Linux 2",
        reader: Reader::Grub,
        files,
        stores: vec!["boot/grub2/grubenv".to_owned()],
        inherits: None,
    }
}

/// Azure Linux 4, which comes from Fedora: entries, and a menu that has `$kernelopts` for those that want it.
pub(crate) fn azurelinux4() -> Made {
    let entries = [("6.18.5-1.azl4.x86_64", "root=UUID=0a-1b ro console=ttyS0 $tuned_params")];
    let mut files = el("azurelinux", "4.0", "GRUB_TIMEOUT=0\nGRUB_ENABLE_BLSCFG=true\n", "", &entries);
    let menu = files.iter_mut().find(|(path, _)| path.ends_with("grub.cfg")).unwrap();
    let fallback = "if [ -z \"${kernelopts}\" ]; then\n  set kernelopts=\"root=UUID=0a-1b ro \"\nfi\n";
    menu.1 = format!("insmod blscfg\n{fallback}blscfg\n");
    Made {
        name: "azurelinux4",
        stands_for: "Azure Linux 4",
        reader: Reader::Grub,
        files,
        stores: vec![el_entry(entries[0].0, "").0],
        inherits: None,
    }
}

/// SUSE's GRUB: one menu, made by grub2-mkconfig.
pub(crate) fn suse() -> Made {
    let menu = "### BEGIN /etc/grub.d/10_linux ###\nmenuentry 'SLES 15-SP5' {\n\
                \tlinux /boot/vmlinuz-5.14.21-default root=UUID=0a-1b splash=silent quiet\n\
                \tinitrd /boot/initrd-5.14.21-default\n}\n";
    let defaults = "# YaST and update-bootloader read and write this.\nGRUB_DISTRIBUTOR=\nGRUB_DEFAULT=saved\n\
                    GRUB_CMDLINE_LINUX=\"\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"splash=silent quiet mitigations=auto\"\n\
                    GRUB_TIMEOUT=8\n";
    let files = [
        ("usr/lib/os-release", release("sles", "suse", "15.5")),
        ("etc/fstab", "UUID=0a-1b / btrfs defaults 0 0\n".to_owned()),
        ("etc/sysconfig/bootloader", "LOADER_TYPE=\"grub2\"\n".to_owned()),
        ("etc/default/grub", defaults.to_owned()),
        ("boot/grub2/grub.cfg", menu.to_owned()),
        ("boot/vmlinuz-5.14.21-default", String::new()),
        ("boot/initrd-5.14.21-default", String::new()),
        ("usr/sbin/grub2-mkconfig", "#!/bin/sh\n. /etc/default/grub\n".to_owned()),
        ("usr/lib/modules/5.14.21-default/modules.builtin", String::new()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text)).to_vec();
    Made {
        name: "suse",
        stands_for: "SLES 15, Leap with GRUB",
        reader: Reader::Mkconfig,
        files,
        stores: vec!["etc/default/grub".to_owned()],
        inherits: None,
    }
}

/// Azure Linux 3: its `/etc/default/grub` reads fragments, of which one is ours.
pub(crate) fn azurelinux3() -> Made {
    let menu = "### BEGIN /etc/grub.d/10_linux ###\nmenuentry 'Azure Linux' {\n\
                \tlinux /boot/vmlinuz-6.6.1-1.azl3 root=PARTUUID=0123 ro quiet $kernelopts\n\
                \tinitrd /boot/initramfs-6.6.1-1.azl3.img\n}\n";
    let defaults = "GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX=\"quiet\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"\\$kernelopts\"\n\
                    for x in /etc/default/grub.d/*.cfg; do\n\tif [ -e \"$x\" ]; then . \"$x\"; fi\ndone\n";
    let files = [
        ("usr/lib/os-release", release("azurelinux", "", "3.0")),
        ("etc/fstab", "PARTUUID=0123 / ext4 defaults 0 1\n".to_owned()),
        ("etc/default/grub", defaults.to_owned()),
        ("boot/grub2/grub.cfg", menu.to_owned()),
        ("boot/grub2/grubenv", block("kernelopts=\n")),
        ("boot/vmlinuz-6.6.1-1.azl3", String::new()),
        ("boot/initramfs-6.6.1-1.azl3.img", String::new()),
        ("usr/sbin/grub2-mkconfig", "#!/bin/sh\n. /etc/default/grub\n".to_owned()),
        ("usr/lib/modules/6.6.1-1.azl3/modules.builtin", String::new()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text)).to_vec();
    let stores = vec!["etc/default/grub.d/90-hvtune.cfg".to_owned()];
    Made {
        name: "azurelinux3",
        stands_for: "Azure Linux 3",
        reader: Reader::Mkconfig,
        files,
        stores,
        inherits: None,
    }
}

/// An entry as kernel-install writes one for systemd-boot.
pub(crate) fn boot_entry(kernel: &str, options: &str) -> (String, String) {
    let text = format!(
        "# Boot Loader Specification type#1 entry\ntitle      Debian GNU/Linux 13 (trixie)\nversion    {kernel}\n\
         machine-id {MACHINE}\nsort-key   debian\noptions    {options}\n\
         linux      /{MACHINE}/{kernel}/linux\ninitrd     /{MACHINE}/{kernel}/initrd.img\n"
    );
    (format!("boot/efi/loader/entries/{MACHINE}-{kernel}.conf"), text)
}

/// Debian with systemd-boot on its ESP.
pub(crate) fn systemd_boot() -> Made {
    let args = format!("root=UUID=0a-1b ro quiet systemd.machine_id={MACHINE}");
    let entry = boot_entry("6.12.74+deb13-amd64", &args);
    let files = [
        ("usr/lib/os-release", release("debian", "", "13")),
        ("etc/fstab", "UUID=0a-1b / ext4 defaults 0 1\n".to_owned()),
        ("etc/machine-id", format!("{MACHINE}\n")),
        ("etc/kernel/cmdline", "root=UUID=0a-1b ro quiet\n".to_owned()),
        ("boot/efi/loader/loader.conf", "timeout 3\n".to_owned()),
        ("boot/efi/EFI/systemd/systemd-bootx64.efi", String::new()),
        ("usr/lib/modules/6.12.74+deb13-amd64/modules.builtin", String::new()),
    ];
    let mut files = files.map(|(path, text)| (path.to_owned(), text)).to_vec();
    let stores = vec![entry.0.clone(), "etc/kernel/cmdline".to_owned()];
    files.push(entry);
    Made {
        name: "systemd-boot",
        stands_for: "systemd-boot with kernel-install",
        reader: Reader::Bootctl,
        files,
        stores,
        inherits: Some("etc/kernel/cmdline"),
    }
}

/// Those with a file of our own in a directory that is read.
pub(crate) fn with_own_file() -> Vec<Made> {
    vec![azurelinux3(), bootc(), suse_bls(true)]
}

/// What is done to an entry, and a word of what is said of it then.
pub(crate) type Unread = (fn(&str) -> String, &'static str);

/// What some GRUB does not read in an entry, and what is said of it (tests/consumers/loader.rs).
pub(crate) const UNREAD: [Unread; 3] = [
    (|text| text.replace("options ", "\noptions "), "ends the entry"),
    (|text| text.replace("options ", "options\t"), "tab"),
    (|text| text.replace(" rhgb", " # rhgb"), "#"),
];

/// Those whose arguments go to files of others.
pub(crate) fn all() -> Vec<Made> {
    vec![el8(), el9(), el10(), fedora(), azurelinux2(), azurelinux4(), flatcar(), suse(), systemd_boot()]
}

/// All of them.
pub(crate) fn every() -> impl Iterator<Item = Made> {
    all().into_iter().chain(with_own_file()).chain([suse_bls(false)])
}

/// Writes a file below a root.
pub(crate) fn put(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap_or_else(|error| panic!("{path}: {error}"));
}

impl Made {
    /// Lays the files out, with a policy that asks for arguments.
    pub(crate) fn lay_out(&self, root: &Path) {
        for (path, text) in &self.files {
            put(root, path, text);
        }
        put(root, "usr/lib/systemd/libsystemd-shared-252.so", "");
        put(root, "usr/lib64/ld-linux-x86-64.so.2", "");
        put(
            root,
            "etc/hvtune.toml",
            "stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n",
        );
    }
}
