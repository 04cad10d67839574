//! Parsers behind a file: what is read of a root or a capture, through the door that reads it.
//!
//! The first byte of an input chooses the file, the rest is its content; the other files
//! stay as they are laid out here. The trees lie in memory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use hvtune::facts::{Arch, Attribute, WATCHED};
use hvtune::plan::state;
use hvtune::probe;
use hvtune::root::Root;
use tempfile::TempDir;

use crate::Target;

/// Files with what they hold where an input does not replace it.
type Files = &'static [(&'static str, &'static str)];

/// A tree that inputs are written into.
fn tree(files: Files, links: &[(&str, &str)], look: fn(&Root)) -> Target {
    let memory = Path::new("/dev/shm");
    let dir = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).unwrap();
    for (path, text) in files {
        put(&dir, path, text.as_bytes());
    }
    for (path, target) in links {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }
    let at = dir.path().to_owned();
    Box::new(move |bytes| {
        let Some((first, content)) = bytes.split_first() else { return };
        let (path, text) = files[usize::from(*first) % files.len()];
        put(&dir, path, content);
        look(&Root::offline(&at).unwrap());
        put(&dir, path, text.as_bytes());
    })
}

fn put(dir: &TempDir, path: &str, bytes: &[u8]) {
    let path = dir.path().join(path);
    if fs::write(&path, bytes).is_err() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

pub fn os() -> Target {
    const FILES: Files = &[
        ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        ("usr/lib/udev/rules.d/90-hvtune.rules", ""),
        ("etc/sysctl.d/90-hvtune.conf", ""),
        ("usr/bin/sh", ""),
    ];
    tree(FILES, &[], |root| {
        let mut gaps = Vec::new();
        let _ = probe::os::read_release(root, &mut gaps);
        let units = probe::units::read(root, WATCHED, &mut gaps);
        let _ = probe::os::read_ours(root, &units, &mut gaps);
        let _ = probe::os::read_arch(root, &mut gaps);
    })
}

pub fn modules() -> Target {
    const FILES: Files = &[
        ("usr/lib/modules/6.1.0/modules.builtin", "kernel/drivers/nvme/host/nvme-core.ko\n"),
        ("usr/lib/modules/6.1.0/modules.builtin.modinfo", "scsi_mod.parm=scan:sync\0"),
        ("usr/lib/modules/6.1.0/kernel/drivers/scsi/hv_storvsc.ko", ""),
    ];
    tree(FILES, &[], |root| drop(probe::modules::read(root, &mut Vec::new())))
}

pub fn kernel() -> Target {
    const FILES: Files = &[
        ("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n"),
        ("proc/cmdline", "root=/dev/sda1 ro quiet\n"),
        ("proc/meminfo", "MemTotal: 4028440 kB\n"),
        ("proc/sys/vm/swappiness", "60\n"),
        ("sys/devices/system/cpu/present", "0-7\n"),
        ("sys/module/nvme_core/parameters/io_timeout", "30\n"),
        ("etc/fstab", "/dev/sda2 none swap sw 0 0\n"),
        ("machine.json", "{\"schema\": 1, \"arch\": \"x86_64\"}"),
    ];
    tree(FILES, &[], |root| {
        let mut gaps = Vec::new();
        let text = probe::kernel::read_osrelease(root, &mut gaps);
        let _ = probe::kernel::release(text.as_deref(), &mut gaps);
        let _ = probe::kernel::read_cmdline(root, &mut gaps);
        let _ = probe::kernel::read_cpus(root, &mut gaps);
        let _ = probe::kernel::read_sysctls(root, &mut gaps);
        let _ = probe::kernel::read_parameters(root, &mut gaps);
        let _ = probe::memory::read_total(root, &mut gaps);
        let fstab = probe::memory::read_fstab(root, &mut gaps);
        let _ = probe::swap::read(root, &fstab, None, &mut gaps);
        let _ = probe::memory::parse_ext(&fstab);
        let _ = probe::Identity::read(root, &mut gaps);
    })
}

pub fn mounts() -> Target {
    const FILES: Files = &[
        ("proc/self/mountinfo", "30 1 8:2 / / rw - ext4 /dev/sda2 rw\n"),
        ("proc/swaps", "Filename Type Size Used Priority\n/swap file 1 1 -2\n"),
    ];
    tree(FILES, &[], |root| {
        let swaps = probe::mounts::read(root, None, &mut Vec::new()).swaps;
        assert!(swaps.len() <= 32);
    })
}

pub fn disks() -> Target {
    macro_rules! below {
        ($name:literal) => {
            concat!("sys/devices/v/host0/target0:0:0/0:0:0:0/", $name)
        };
    }
    const FILES: Files = &[
        (below!("block/sda/queue/scheduler"), "[mq-deadline] none\n"),
        (below!("block/sda/queue/nr_requests"), "256\n"),
        (below!("block/sda/queue/rotational"), "1\n"),
        (below!("block/sda/queue/read_ahead_kb"), "128\n"),
        (below!("block/sda/queue/io_timeout"), "180000\n"),
        (below!("block/sda/mq/0/nr_tags"), "256\n"),
        (below!("block/sda/dev"), "8:0\n"),
        (below!("vendor"), "Msft    \n"),
        (below!("model"), "Virtual Disk    \n"),
        (below!("timeout"), "180\n"),
        (below!("state"), "running\n"),
        (below!("scsi_disk/0:0:0:0/max_retries"), "5\n"),
        ("sys/devices/v/class_id", "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}\n"),
        ("sys/devices/v/host0/scsi_host/host0/can_queue", "1024\n"),
        ("sys/devices/v/host0/scsi_host/host0/proc_name", "storvsc_host\n"),
        ("sys/devices/virtual/block/dm-0/dm/uuid", "mpath-3600\n"),
        ("sys/devices/virtual/block/dm-0/dm/name", "mpatha\n"),
    ];
    let links = [
        ("sys/block/sda", "../devices/v/host0/target0:0:0/0:0:0:0/block/sda"),
        ("sys/block/dm-0", "../devices/virtual/block/dm-0"),
        (below!("block/sda/device"), "../../../0:0:0:0"),
        ("sys/devices/virtual/block/dm-0/slaves/sda", "../../../../v/host0/target0:0:0/0:0:0:0/block/sda"),
    ];
    tree(FILES, &links, |root| drop(probe::storage::read(root, Some(true), &mut Vec::new())))
}

pub fn hypervisor() -> Target {
    const FILES: Files = &[
        ("sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n"),
        ("sys/class/dmi/id/product_name", "Virtual Machine\n"),
        ("sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n"),
        ("sys/firmware/acpi/tables/FACP", ""),
        ("sys/bus/vmbus/devices/a/class_id", "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}\n"),
        ("proc/1/environ", "container=lxc\0"),
        ("proc/self/mountinfo", "30 1 8:2 / / rw - ext4 /dev/sda2 rw\n"),
        ("proc/self/cgroup", "0::/\n"),
        ("proc/version", "Linux version 6.1.0\n"),
    ];
    tree(FILES, &[], |root| {
        for arch in [Arch::X86_64, Arch::Aarch64] {
            let cpuid = Attribute::Unknown;
            let seen = probe::hypervisor::observe(root, Some(arch), cpuid, Some("6.1.0"), &mut Vec::new());
            let _ = probe::hypervisor::judge(&seen);
        }
    })
}

pub fn sessions() -> Target {
    const FILES: Files = &[
        ("sys/devices/platform/host3/session1/iscsi_session/session1/recovery_tmo", "120\n"),
        ("sys/devices/platform/host3/session1/iscsi_session/session1/targetname", "iqn.x:y\n"),
        ("sys/devices/platform/host3/session1/iscsi_session/session1/state", "LOGGED_IN\n"),
        ("etc/iscsi/iscsid.conf", "node.session.timeo.replacement_timeout = 120\n"),
        ("etc/iscsi/nodes/iqn.x:y/192.0.2.1,3260,1/default", "node.conn[0].timeo.noop_out_timeout = 5\n"),
    ];
    let links = [(
        "sys/class/iscsi_session/session1",
        "../../devices/platform/host3/session1/iscsi_session/session1",
    )];
    tree(FILES, &links, |root| {
        let mut gaps = Vec::new();
        let _ = probe::iscsi::read_sessions(root, &mut gaps);
        let _ = probe::iscsi::read_files(root, &mut gaps);
    })
}

pub fn services() -> Target {
    const FILES: Files = &[
        ("usr/lib/systemd/system/systemd-journald.service", "[Service]\nWatchdogSec=3min\n"),
        ("etc/systemd/system/systemd-journald.service.d/x.conf", "[Service]\nWatchdogSec=\n"),
        ("etc/multipath.conf", "defaults {\n polling_interval 5\n}\n"),
        ("etc/multipath/conf.d/x.conf", "overrides {\n no_path_retry fail\n}\n"),
        ("etc/multipath/conf.d/90-hvtune.conf", ""),
    ];
    tree(FILES, &[], |root| {
        let mut gaps = Vec::new();
        let units = probe::units::read(root, &["systemd-journald.service"], &mut gaps);
        let _ = probe::services::watchdogs(&units);
        let _ = probe::multipath::read(root, &mut gaps);
        let _ = probe::services::read_vss_daemon(root, &mut gaps);
    })
}

pub fn writers() -> Target {
    const FILES: Files = &[
        ("etc/sysctl.d/50-x.conf", "vm.swappiness = 60\n"),
        ("etc/udev/rules.d/50-x.rules", "ATTR{queue/scheduler}=\"none\"\n"),
        ("etc/modprobe.d/50-x.conf", "options hv_storvsc storvsc_ringbuffer_size=1\n"),
        ("etc/waagent.conf", "OS.RootDeviceScsiTimeout=300\n"),
        ("etc/tuned/active_profile", "virtual-guest\n"),
        ("etc/sysctl.conf", ""),
        ("etc/modprobe.d/50-y.conf", "install nvme_core /bin/true\n"),
        ("etc/tmpfiles.d/50-x.conf", "w /sys/block/sda/queue/scheduler - - - - none\n"),
        ("etc/rc.local", "#!/bin/sh\necho none >/sys/block/sda/queue/scheduler\nsysctl -p\n"),
        ("etc/sysfs.conf", "block/sda/queue/scheduler = none\n"),
        ("usr/lib/tuned/virtual-guest/tuned.conf", "[main]\ninclude=x\n[sysctl]\nvm.swappiness=30\n"),
        ("usr/lib/tuned/x/tuned.conf", "[variables]\na=1\n[vm]\ndirty_ratio=${a}\n"),
        ("etc/tuned/tuned-main.conf", "reapply_sysctl = 1\n"),
        ("etc/sysconfig/saptune", "NOTE_APPLY_ORDER=\"n\"\n"),
        ("etc/saptune/extra/n.conf", "[sysctl]\nvm.swappiness = 10\n"),
        ("etc/ufw/ufw.conf", "ENABLED=yes\n"),
        ("etc/default/ufw", "IPT_SYSCTL=/etc/sysctl.conf\n"),
    ];
    tree(FILES, &[], |root| {
        let mut gaps = Vec::new();
        let _ = probe::writers::read(root, &mut gaps);
        let _ = probe::modprobe::read(root, &mut gaps);
    })
}

pub fn boot() -> Target {
    const FILES: Files = &[
        ("etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet\"\n"),
        ("etc/default/grub.d/50-x.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT x\"\n"),
        ("etc/kernel/install.conf", "layout=bls\n"),
        ("etc/sysconfig/bootloader", "LOADER_TYPE=\"grub2\"\n"),
        ("usr/sbin/grub-mkconfig", "#!/bin/sh\n"),
        ("usr/sbin/update-grub", "#!/bin/sh\n"),
        ("boot/grub/grub.cfg", "menuentry 'x' {\n}\n"),
        ("boot/loader/entries/x.conf", "linux /vmlinuz-1\noptions $kernelopts ro\n"),
        ("boot/grub/grubenv", "# GRUB Environment Block\nkernelopts=quiet\n"),
        ("etc/kernel/cmdline", "root=/dev/sda1 ro\n"),
    ];
    tree(FILES, &[], |root| drop(probe::boot::read(root, None, &[], None, &mut Vec::new())))
}

/// Records of ours: whatever they say, only what is ours comes of it. The marker is added, as its
/// hash is no input that an engine finds.
pub fn state() -> Target {
    const FILES: Files = &[("var/lib/hvtune/edits", ""), ("var/lib/hvtune/made-directories", "")];
    let check = tree(FILES, &[], |root| {
        for entry in state::edits(root).unwrap_or_default() {
            assert!(!entry.path.contains("..") && !entry.ours.contains('\n'), "{entry:?}");
        }
        for directory in state::made_directories(root).unwrap_or_default() {
            assert!(!directory.starts_with('/') && !directory.contains(".."), "{directory}");
        }
    });
    Box::new(move |bytes| {
        check(bytes);
        let Some((first, content)) = bytes.split_first() else { return };
        let mut marked = vec![*first];
        marked.extend(hvtune::marker::marker_line(content).into_bytes());
        marked.extend(content);
        check(&marked);
    })
}
