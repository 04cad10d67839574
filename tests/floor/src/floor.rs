//! The job of `hvtune plan`, written by hand for one kind of machine: the floor
//! against which hvtune's cost is measured.
//!
//!     floor ROOT MACHINE
//!
//! It looks for every file that hvtune looks for on a Debian guest with storvsc
//! disks, reads all that are there, decides by a few comparisons, renders the
//! files by `format!`, compares them with what stands in the root and prints a
//! summary. What it leaves out is what hvtune is there for: reasons, sources,
//! other machines, templates, confinement, and a look before each open.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::fs::{self, Access, AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MARKS: &[&str] = &["run/.containerenv", ".dockerenv"];
const MARK_TEXTS: &[&str] = &["run/systemd/container", "proc/1/environ"];
const DMI: &[&str] = &["sys_vendor", "product_name", "product_version", "chassis_asset_tag"];
const VM: &[&str] =
    &["swappiness", "dirty_bytes", "dirty_background_bytes", "dirty_ratio", "dirty_background_ratio"];
const KERNEL: &[&str] = &[
    "hung_task_timeout_secs",
    "hung_task_check_interval_secs",
    "hung_task_warnings",
    "hung_task_panic",
    "panic",
];
const STORVSC: &[&str] =
    &["storvsc_ringbuffer_size", "storvsc_vcpus_per_sub_channel", "ring_avail_percent_lowater"];
const QUEUE: &[&str] = &["scheduler", "nr_requests", "rotational", "read_ahead_kb", "io_timeout"];
/// Whose presence tells the boot loader, the architecture and other writers.
const PRESENT: &[&str] = &[
    "ostree/repo",
    "sysroot/ostree/repo",
    "usr/lib/bootc",
    "usr/bin/bootc",
    "usr/sbin/transactional-update",
    "boot/efi/EFI/Linux",
    "efi/EFI/Linux",
    "boot/EFI/Linux",
    "boot/efi/EFI/systemd",
    "efi/EFI/systemd",
    "boot/EFI/systemd",
    "usr/sbin/new-kernel-pkg",
    "usr/sbin/grub2-mkconfig",
    "usr/sbin/saptune",
    "etc/multipath.conf",
    "usr/sbin/multipathd",
    "sbin/multipathd",
    "etc/iscsi/iscsid.conf",
    "usr/sbin/iscsid",
    "sbin/iscsid",
    "etc/hvtune.toml.d",
    "usr/lib/hvtune",
    "etc/hvtune/templates",
];
const LOADER_DIRS: &[&str] = &["lib64", "lib", "usr/lib64", "usr/lib"];
const LOADERS: &[&str] =
    &["ld-linux-x86-64.so.2", "ld-musl-x86_64.so.1", "ld-linux-aarch64.so.1", "ld-musl-aarch64.so.1"];
const TEXTS: &[&str] = &[
    "etc/hvtune.toml",
    "etc/os-release",
    "etc/kernel/install.conf",
    "usr/lib/kernel/install.conf",
    "etc/sysconfig/bootloader",
    "etc/default/grub",
    "usr/sbin/grub-mkconfig",
    "etc/waagent.conf",
    "etc/tuned/active_profile",
    "etc/sysctl.conf",
];
const TOPS: &[&str] = &["etc", "run", "usr/local/lib", "usr/lib"];
const OWNERS: &[(&str, &str)] = &[("udev/rules.d", ".rules"), ("sysctl.d", ".conf"), ("modprobe.d", ".conf")];
const KNOBS: &[&str] = &["queue/", "timeout", "max_retries", "vm.", "kernel.", "hv_storvsc", "nvme_core"];
/// Every path that a file of hvtune's can have; the first with the first body is what would be written.
const OURS: &[&str] = &[
    "usr/lib/sysctl.d/90-hvtune.conf",
    "etc/sysctl.d/90-hvtune.conf",
    "etc/udev/rules.d/90-hvtune.rules",
    "usr/lib/udev/rules.d/90-hvtune.rules",
    "etc/modprobe.d/90-hvtune.conf",
    "usr/lib/modprobe.d/90-hvtune.conf",
    "etc/default/grub.d/90-hvtune.cfg",
];

fn open(dir: &OwnedFd, path: &str, flags: OFlags) -> Result<Option<OwnedFd>> {
    match fs::openat(dir, path, flags | OFlags::CLOEXEC, Mode::empty()) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(format!("{path}: {errno}").into()),
    }
}

fn directory(dir: &OwnedFd, path: &str) -> Result<Option<OwnedFd>> {
    open(dir, path, OFlags::PATH | OFlags::DIRECTORY)
}

/// A file's text; one read where it fits a page, as sysfs gives a value in one piece.
fn text(dir: &OwnedFd, path: &str) -> Result<Option<String>> {
    let Some(fd) = open(dir, path, OFlags::RDONLY)? else { return Ok(None) };
    let mut page = [0; 4096];
    let count = rustix::io::read(&fd, &mut page)?;
    let mut bytes = page[..count].to_vec();
    if count == page.len() {
        std::io::Read::read_to_end(&mut std::fs::File::from(fd), &mut bytes)?;
    }
    Ok(Some(String::from_utf8(bytes)?))
}

fn texts(dir: &OwnedFd, path: &str, names: &[&str]) -> Result<Vec<String>> {
    let Some(dir) = directory(dir, path)? else { return Ok(Vec::new()) };
    names.iter().map(|name| Ok(text(&dir, name)?.unwrap_or_default())).collect()
}

fn names(dir: &OwnedFd, path: &str) -> Result<Vec<String>> {
    let Some(fd) = open(dir, path, OFlags::RDONLY | OFlags::DIRECTORY)? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in Dir::new(fd)? {
        let name = entry?.file_name().to_str()?.to_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Where a link of sysfs leads: all climb to `sys` and come down again.
fn target(dir: &OwnedFd, name: &str) -> Result<String> {
    let target = fs::readlinkat(dir, name, Vec::new())?.into_string()?;
    Ok(format!("sys/{}", target.trim_start_matches("../")))
}

#[derive(Default)]
struct Machine {
    is_guest: bool,
    memory: u64,
    disks: Vec<Disk>,
    mounts: usize,
    swaps: usize,
    sysctls: Vec<String>,
}

#[derive(Default)]
struct Disk {
    name: String,
    is_scsi: bool,
    can_queue: u64,
    requests: u64,
    timeout: u64,
    scheduler: String,
    model: String,
}

/// What the disks of one SCSI host share.
#[derive(Clone)]
struct Host {
    path: String,
    is_scsi: bool,
    can_queue: u64,
}

fn host(machine: &OwnedFd, path: &str, name: &str) -> Result<Host> {
    let bus = path.rsplit_once('/').ok_or("no bus")?.0;
    let bus = directory(machine, bus)?.ok_or("no bus")?;
    let on_vmbus = target(&bus, "subsystem")?.ends_with("bus/vmbus");
    let class = text(&bus, "class_id")?.unwrap_or_default();
    let limits = texts(machine, &format!("{path}/scsi_host/{name}"), &["can_queue", "nr_hw_queues"])?;
    let can_queue = limits.first().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    let is_scsi = on_vmbus && class.starts_with("{ba6163d9-");
    Ok(Host { path: path.to_owned(), is_scsi, can_queue })
}

fn disks(machine: &OwnedFd) -> Result<Vec<Disk>> {
    let block = directory(machine, "sys/block")?.ok_or("no sys/block")?;
    let mut hosts: Vec<Host> = Vec::new();
    let mut disks = Vec::new();
    for name in names(&block, ".")? {
        let path = target(&block, &name)?;
        let device = path.rsplitn(3, '/').nth(2).ok_or("no device")?;
        let (above, hctl) = device.rsplit_once('/').ok_or("no address")?;
        let (above, _) = above.rsplit_once('/').ok_or("no host")?;
        let known = hosts.iter().find(|host| host.path == above).cloned();
        let first = known.is_none();
        let host = match known {
            Some(host) => host,
            None => host(machine, above, above.rsplit('/').next().unwrap_or_default())?,
        };
        let dir = directory(machine, device)?.ok_or("no device")?;
        let read = |path: &str| text(&dir, path).map(Option::unwrap_or_default);
        let (_vendor, model) = (read("vendor")?, read("model")?);
        let timeout = read("timeout")?.trim().parse().unwrap_or_default();
        let _retries = read(&format!("scsi_disk/{hctl}/max_retries"))?;
        let mut queue = Vec::new();
        for attribute in QUEUE {
            queue.push(read(&format!("block/{name}/queue/{attribute}"))?);
        }
        if first {
            read(&format!("block/{name}/mq/0/nr_tags"))?;
            hosts.push(host.clone());
        }
        let requests = queue[1].trim().parse().unwrap_or_default();
        let scheduler = queue.swap_remove(0);
        let (is_scsi, can_queue) = (host.is_scsi, host.can_queue);
        disks.push(Disk { name, is_scsi, can_queue, requests, timeout, scheduler, model });
    }
    Ok(disks)
}

fn machine(dir: &OwnedFd) -> Result<Machine> {
    let signature = text(dir, "machine.json")?.unwrap_or_default();
    text(dir, "proc/sys/kernel/osrelease")?;
    let mut contained =
        MARKS.iter().any(|path| fs::accessat(dir, *path, Access::EXISTS, AtFlags::empty()).is_ok());
    for path in MARK_TEXTS {
        contained |= text(dir, path)?.is_some_and(|text| text.contains("container="));
    }
    let dmi = texts(dir, "sys/class/dmi/id", DMI)?;
    if let Some(bus) = directory(dir, "sys/bus/vmbus/devices")? {
        for name in names(&bus, ".")? {
            let path = target(&bus, &name)?;
            text(dir, &format!("{path}/class_id"))?;
        }
    }
    text(dir, "sys/firmware/efi/fw_platform_size")?;
    let disks = disks(dir)?;
    let mountinfo = text(dir, "proc/self/mountinfo")?.unwrap_or_default();
    let mut mounts = 0;
    if let Some(numbers) = directory(dir, "sys/dev/block")? {
        for number in mountinfo.lines().filter_map(|line| line.split(' ').nth(2)) {
            mounts += usize::from(!number.starts_with("0:") && target(&numbers, number).is_ok());
        }
    }
    let swaps = text(dir, "proc/swaps")?.unwrap_or_default().lines().skip(1).count();
    text(dir, "sys/devices/system/cpu/present")?;
    let memory = text(dir, "proc/meminfo")?.unwrap_or_default();
    let memory = memory.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    text(dir, "proc/cmdline")?;
    let mut sysctls = texts(dir, "proc/sys/vm", VM)?;
    sysctls.extend(texts(dir, "proc/sys/kernel", KERNEL)?);
    texts(dir, "sys/module/hv_storvsc/parameters", STORVSC)?;
    texts(dir, "sys/module/nvme_core/parameters", &["io_timeout", "multipath"])?;
    directory(dir, "sys/module/scsi_mod/parameters")?;
    let is_guest = !contained
        && dmi.first().is_some_and(|vendor| vendor.trim() == "Microsoft Corporation")
        && signature.contains("0x40000000");
    Ok(Machine { is_guest, memory: memory.unwrap_or_default() * 1024, disks, mounts, swaps, sysctls })
}

/// What stands in the root that matters: how many kernels, and how many lines of others.
fn root(dir: &OwnedFd) -> Result<(usize, usize)> {
    let mut found = 0;
    for path in PRESENT {
        found += usize::from(fs::accessat(dir, *path, Access::EXISTS, AtFlags::empty()).is_ok());
    }
    for below in LOADER_DIRS {
        for name in LOADERS {
            let path = format!("{below}/{name}");
            found += usize::from(fs::accessat(dir, path, Access::EXISTS, AtFlags::empty()).is_ok());
        }
    }
    for path in TEXTS {
        found +=
            usize::from(text(dir, path)?.is_some_and(|text| KNOBS.iter().any(|knob| text.contains(knob))));
    }
    names(dir, "etc/default/grub.d")?;
    let kernels = names(dir, "usr/lib/modules")?;
    for name in &kernels {
        let kernel = directory(dir, &format!("usr/lib/modules/{name}"))?.ok_or("no kernel")?;
        fs::accessat(&kernel, "vmlinuz-virt.efi", Access::EXISTS, AtFlags::empty()).ok();
        let builtin = text(&kernel, "modules.builtin")?.unwrap_or_default();
        found += builtin.lines().filter(|line| line.ends_with("/hv_storvsc.ko")).count();
        for module in ["hv_storvsc.ko", "scsi_mod.ko"] {
            let path = format!("kernel/drivers/scsi/{module}");
            if let Some(fd) = open(&kernel, &path, OFlags::RDONLY)? {
                std::io::Read::read_to_end(&mut std::fs::File::from(fd), &mut Vec::new())?;
            }
        }
        text(&kernel, "modules.builtin.modinfo")?;
    }
    fs::readlinkat(dir, "lib", Vec::new()).ok();
    for (below, ending) in OWNERS {
        for top in TOPS {
            let Some(layer) = directory(dir, &format!("{top}/{below}"))? else { continue };
            for name in names(&layer, ".")?.iter().filter(|name| name.ends_with(ending)) {
                let text = text(&layer, name)?.unwrap_or_default();
                found += text.lines().filter(|line| KNOBS.iter().any(|knob| line.contains(knob))).count();
            }
        }
    }
    Ok((kernels.len(), found))
}

fn render(machine: &Machine) -> String {
    let (bytes, background) = (400 << 20, 100 << 20);
    let slow = machine.memory / 5 / (50 << 20);
    format!(
        "# Written by floor.\n\
         # To replace this file, put one of the same name in /etc/sysctl.d.\n\n\
         # vm.dirty: 20 % of {} MiB would take a disk of 50 MiB/s {slow} s to drain\n\
         -vm.dirty_background_bytes = {background}\n-vm.dirty_bytes = {bytes}\n\n\
         # kernel.hung_task: a stall of 180 s is within the budget and no hang\n\
         -kernel.hung_task_timeout_secs = 240\n-kernel.hung_task_warnings = -1\n",
        machine.memory >> 20
    )
}

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let (Some(at), Some(capture)) = (args.next(), args.next()) else {
        return Err("usage: floor ROOT MACHINE".into());
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let at = fs::openat(CWD, at, flags, Mode::empty())?;
    let capture = fs::openat(CWD, capture, flags, Mode::empty())?;
    let machine = machine(&capture)?;
    let (kernels, others) = root(&at)?;
    if !machine.is_guest {
        return Err("not a Hyper-V guest".into());
    }
    let mut body = Some(render(&machine));
    let mut out = String::from("files:\n");
    for path in OURS {
        let wanted = body.take();
        let action = match (text(&at, path)?, wanted) {
            (None, None) => continue,
            (None, Some(_)) => "create",
            (Some(found), Some(wanted)) if found == wanted => "unchanged",
            (Some(_), Some(_)) => "replace",
            (Some(_), None) => "remove",
        };
        writeln!(out, "  {action}  {path}")?;
    }
    writeln!(out, "\nsettings:\n{}", render(&machine))?;
    writeln!(
        out,
        "{} mounts, {} swaps, {kernels} kernels, {others} lines of others",
        machine.mounts, machine.swaps
    )?;
    writeln!(out, "now: {}", machine.sysctls.join(" ").replace('\n', ""))?;
    let fine = |disk: &&Disk| disk.is_scsi && disk.timeout >= 180 && disk.requests >= disk.can_queue;
    writeln!(out, "{} disks are fine", machine.disks.iter().filter(fine).count())?;
    for disk in machine.disks.iter().filter(|disk| !fine(disk)) {
        writeln!(out, "{} ({}): {}", disk.name, disk.model.trim(), disk.scheduler.trim())?;
    }
    std::io::stdout().write_all(out.as_bytes())?;
    Ok(())
}
