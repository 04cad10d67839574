//! What the configuration of initramfs-tools and dracut says of drivers.

use super::*;
use crate::facts::{Drivers, Initramfs, Taken, Undone};

fn drivers_of(root: &Root, maker: Initramfs, gaps: &mut Vec<Gap>) -> Drivers {
    let mut boot = Boot::default();
    boot.tools.initramfs = Some(maker);
    read_initramfs(root, &mut boot, &[], true, gaps);
    boot.tools.drivers.unwrap()
}

fn read(maker: Initramfs, files: Files<'_>) -> Drivers {
    let temp = stage(files);
    drivers_of(&Root::offline(temp.path()).unwrap(), maker, &mut Vec::new())
}

/// A list as we write it.
fn ours(body: &str) -> String {
    format!("{}{body}", crate::marker::marker_line(body.as_bytes()))
}

#[test]
fn the_last_word_on_modules_counts() {
    let of = |files: Files<'_>| {
        let found = read(Initramfs::InitramfsTools, files);
        (found.taken, found.because, found.named.join(" "))
    };
    let conf = ("etc/initramfs-tools/initramfs.conf", "MODULES=most\n");
    let says = |taken, because: &str, named: &str| (taken, because.to_owned(), named.to_owned());
    let default = "initramfs-tools takes MODULES=most";
    assert_eq!(of(&[]), says(Taken::StorageAndNetwork, default, ""));
    let own = ("etc/initramfs-tools/conf.d/a", "MODULES=dep\n");
    let because = "etc/initramfs-tools/conf.d/a:1 says MODULES=dep";
    assert_eq!(of(&[conf, own]), says(Taken::ThatMachine, because, ""));
    // A name of the administrator's hides the package's, even one whose file is left out.
    let package = ("usr/share/initramfs-tools/conf.d/a", "MODULES=list\n");
    assert_eq!(of(&[conf, package, own]), says(Taken::ThatMachine, because, ""));
    for left_out in ["a~", ".a", "a.dpkg-old"] {
        let path = format!("etc/initramfs-tools/conf.d/{left_out}");
        let because = "etc/initramfs-tools/initramfs.conf:1 says MODULES=most";
        assert_eq!(of(&[conf, (&path, "MODULES=dep\n")]), says(Taken::StorageAndNetwork, because, ""));
    }
    let hook = ("usr/share/initramfs-tools/conf-hooks.d/z", "MODULES=netboot\n");
    let because = "usr/share/initramfs-tools/conf-hooks.d/z:1 says MODULES=netboot";
    assert_eq!(of(&[conf, hook]), says(Taken::Network, because, ""));
    let list = ours("hv_storvsc\n");
    let lists: Files<'_> = &[
        ("etc/initramfs-tools/modules", "# x\nhv-vmbus\n"),
        ("usr/share/initramfs-tools/modules.d/90-hvtune", &list),
        ("usr/share/initramfs-tools/modules.d/x", "nvme\n"),
    ];
    assert_eq!(of(lists), says(Taken::StorageAndNetwork, default, "hv_vmbus nvme"));
}

#[test]
fn dracut_reads_one_file_of_a_name_in_order() {
    let of = |files: Files<'_>| {
        let found = read(Initramfs::Dracut, files);
        (found.taken, found.because)
    };
    let vendor = ("usr/lib/dracut/dracut.conf.d/50-x.conf", "hostonly=\"yes\"\n");
    let says = |taken, because: &str| (taken, because.to_owned());
    assert_eq!(of(&[]), says(Taken::Storage, "dracut takes hostonly=no"));
    let because = "usr/lib/dracut/dracut.conf.d/50-x.conf:1 says hostonly=yes";
    assert_eq!(of(&[vendor, ("etc/dracut.conf", "hostonly=no\n")]), says(Taken::ThatMachine, because));
    let hides = ("etc/dracut.conf.d/50-x.conf", "-> /dev/null");
    assert_eq!(of(&[vendor, hides]), says(Taken::Storage, "dracut takes hostonly=no"));
    assert_eq!(
        of(&[("etc/dracut.conf.d/x.CONF", "hostonly=yes\n")]),
        says(Taken::Storage, "dracut takes hostonly=no")
    );
    let because = "etc/dracut.conf:1 says drivers=ext4";
    assert_eq!(of(&[("etc/dracut.conf", "drivers=\" ext4 \"\n")]), says(Taken::OnlyNamed, because));
    let because = "etc/dracut.conf:1 sets MODULES to what only a shell that runs can tell";
    assert_eq!(of(&[("etc/dracut.conf", ". /etc/other\n")]), says(Taken::Unknown, because));
}

#[test]
fn what_is_left_out_is_what_nobody_names() {
    let found = read(
        Initramfs::Dracut,
        &[
            ("etc/dracut.conf", "omit_drivers+=\" hv-vmbus nvme i2o_.* \"\n"),
            ("etc/dracut.conf.d/a.conf", "force_drivers+=\" nvme \"\n"),
        ],
    );
    assert_eq!((found.named.join(" "), found.left_out.join(" ")), ("nvme".into(), "hv_vmbus i2o_.*".into()));
    assert_eq!(found.left_out_by, "etc/dracut.conf:1 says omit_drivers=hv-vmbus nvme i2o_.*");
}

#[test]
fn a_list_of_ours_that_does_not_count_is_told() {
    let list = ours("add_drivers+=\" hv_vmbus \"\n");
    let own = ("usr/lib/dracut/dracut.conf.d/90-hvtune.conf", list.as_str());
    let undone = |other: (&str, &str)| {
        let found = read(Initramfs::Dracut, &[own, other]);
        assert!(!found.named.contains(&"hv_vmbus".to_owned()), "{other:?}: ours is not the root's");
        found.undone
    };
    let certainly = |why: &str| Some(Undone::Certainly(why.to_owned()));
    assert_eq!(undone(("etc/x", "")), None);
    assert_eq!(undone(("etc/dracut.conf.d/10-a.conf", "add_drivers=\" a \"\n")), None);
    assert_eq!(
        undone(("etc/dracut.conf.d/95-a.conf", "add_drivers=\" a \"\n")),
        certainly("etc/dracut.conf.d/95-a.conf:1 says add_drivers=a")
    );
    for body in ["# other\n", "-> /dev/null"] {
        assert_eq!(
            undone(("etc/dracut.conf.d/90-hvtune.conf", body)),
            certainly("etc/dracut.conf.d/90-hvtune.conf is read in its place")
        );
    }
    assert!(matches!(undone(("etc/dracut.conf.d/95-a.conf", ". x\n")), Some(Undone::Perhaps(_))));
}

/// Newer Debian packages of dracut bring an update-initramfs of their own.
#[test]
fn the_name_of_the_program_does_not_say_whose_configuration_counts() {
    let dracut = ("usr/bin/dracut", "");
    assert_eq!(read(Initramfs::InitramfsTools, &[dracut]).by, Initramfs::Dracut);
    let both = &[dracut, ("usr/sbin/mkinitramfs", "")];
    assert_eq!(read(Initramfs::InitramfsTools, both).by, Initramfs::InitramfsTools);
}

/// A file or directory that could not be read leaves the matter open, whatever the others say.
#[test]
fn what_could_not_be_read_is_not_known() {
    for (maker, file) in [
        (Initramfs::Dracut, "etc/dracut.conf.d"),
        (Initramfs::Dracut, "etc/dracut.conf.d/50-x.conf"),
        (Initramfs::Dracut, "etc/dracut.conf"),
        (Initramfs::InitramfsTools, "etc/initramfs-tools/conf.d"),
        (Initramfs::InitramfsTools, "etc/initramfs-tools/conf.d/a"),
        (Initramfs::InitramfsTools, "etc/initramfs-tools/modules"),
        (Initramfs::InitramfsTools, "usr/share/initramfs-tools/modules.d"),
    ] {
        let temp = stage(&[("etc/initramfs-tools/initramfs.conf", "MODULES=most\n")]);
        let path = temp.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // No reader takes a looping link.
        std::os::unix::fs::symlink(path.file_name().unwrap(), &path).unwrap();
        let mut gaps = Vec::new();
        let found = drivers_of(&Root::offline(temp.path()).unwrap(), maker, &mut gaps);
        assert_eq!(found.taken, Taken::Unknown, "{file}: {gaps:?}");
        assert!(gaps.iter().any(|gap| gap.path == file), "{file}: {gaps:?}");
    }
}
