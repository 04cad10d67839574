//! Block devices: what each is, what it may, what it is set to.
//!
//! Classified from sysfs alone: a device is what its ancestors are, never what it
//! calls itself, as pass-through disks and Fibre Channel LUNs carry their array's
//! name and some arrays call a LUN "Virtual Disk" too. A machine may have
//! thousands of disks, so what they share is read once and each costs one
//! directory handle.

pub(crate) mod above;
pub(crate) mod attrs;
mod nvme;
pub(crate) mod path;

use std::collections::BTreeSet;

use crate::facts::{Attribute, Class, Disk, Gap, Limits, Live, Role, is_leg};
use crate::root::{Dir, Entry, Root};

use above::{Above, Bus};
use attrs::Reader;
use nvme::Controllers;
use path::{Scsi, split_last};
pub(crate) use path::{resolve, whole_disk};

/// Where sysfs keeps devices that stand on no hardware.
const VIRTUAL: &str = "sys/devices/virtual/block/";

/// The place of a disk in a list sorted by name.
pub(crate) fn find(disks: &[Disk], name: &str) -> Option<usize> {
    disks.binary_search_by(|disk| disk.name.as_str().cmp(name)).ok()
}

/// Reads every whole disk and map, sorted by name; `None` where they could not be listed.
/// `azure`: whether it is on Azure, where a controller's identity tells the temporary disk.
pub fn read(machine: &Root, azure: Option<bool>, gaps: &mut Vec<Gap>) -> Option<Vec<Disk>> {
    let listed = machine.dir("sys/block").and_then(|dir| {
        let Some(dir) = dir else { return Ok(None) };
        let names = dir.entries()?;
        Ok(Some((dir, names)))
    });
    let (dir, names) = match listed {
        Ok(Some(listed)) => listed,
        other => {
            let why = other.err().map_or_else(|| "it is not there".to_owned(), |error| error.reason());
            gaps.push(Gap { fact: "disks".to_owned(), path: "sys/block".to_owned(), why });
            return None;
        }
    };
    let mut probe = Probe {
        machine,
        names: &names,
        azure,
        above: Above::new(machine, azure),
        controllers: Controllers::new(machine),
        gaps,
    };
    let mut disks = Vec::with_capacity(names.len());
    disks.extend(names.iter().map(|entry| probe.disk(&dir, &entry.name)));
    Some(disks)
}

struct Probe<'a, 'root> {
    machine: &'root Root,
    /// All of sys/block, sorted.
    names: &'a [Entry],
    /// Whether it is on Azure; `None` = could not tell.
    azure: Option<bool>,
    above: Above<'root>,
    controllers: Controllers<'root>,
    gaps: &'a mut Vec<Gap>,
}

impl Probe<'_, '_> {
    fn disk(&mut self, block: &Dir<'_>, name: &str) -> Disk {
        let why = match block.read_link(name) {
            Ok(Some(target)) => {
                let path = resolve("sys/block", &target);
                let mut disk = blank(name, String::new());
                self.fill(&mut disk, path);
                return disk;
            }
            Ok(None) => "not a link into sys/devices".to_owned(),
            Err(error) => error.reason(),
        };
        let path = format!("sys/block/{name}");
        self.gaps.push(Gap { fact: format!("disks.{name}"), path: path.clone(), why });
        blank(name, path)
    }

    fn fill(&mut self, disk: &mut Disk, path: String) {
        let scsi = Scsi::of(&path);
        disk.host = scsi.map(|scsi| scsi.host.to_owned());
        disk.hctl = scsi.map(|scsi| scsi.hctl.to_owned());
        let stem = disk.name.trim_end_matches(|c: char| c.is_ascii_digit());
        match (stem, scsi) {
            ("loop", _) if path.starts_with(VIRTUAL) => disk.class = Class::Loop,
            ("zram", _) if path.starts_with(VIRTUAL) => disk.class = Class::Zram,
            // Of no use to anybody here, and a machine can have dozens.
            ("loop" | "zram" | "ram" | "sr" | "fd", _) => {}
            (_, Some(scsi)) => self.scsi(disk, &scsi),
            _ => self.fill_other(disk, &path),
        }
        disk.path = path;
    }

    fn fill_other(&mut self, disk: &mut Disk, path: &str) {
        if path::parse_nvme(&disk.name).is_some() {
            return self.nvme(disk, path);
        }
        if path.starts_with(VIRTUAL) {
            return self.stacked(disk, path);
        }
        let above = split_last(path).map_or("", |(above, _)| above);
        if self.above.bus(above, self.gaps) == Bus::Virtio {
            disk.class = Class::Virtio;
        }
        self.plain(disk, path);
    }

    fn scsi(&mut self, disk: &mut Disk, scsi: &Scsi<'_>) {
        let host = self.above.host(scsi, self.gaps);
        // Only the iSCSI transport makes sessions, over TCP, RDMA (iSER) or an adapter of its own
        // (`iscsi_add_session`,
        // <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_transport_iscsi.c>).
        disk.class = match scsi.session {
            Some(session) => Class::Iscsi { session: session.to_owned() },
            None => host.bus.scsi_class(),
        };
        disk.roles.extend(match (self.azure, host.bus.is_azure_temporary(scsi.lun())) {
            (Some(true), Some(true)) => Some(Role::AzureTemporary),
            (Some(true), None) | (None, Some(true) | None) => Some(Role::PerhapsTemporary),
            (Some(false), _) | (_, Some(false)) => None,
        });
        disk.limits.can_queue = host.can_queue.clone();
        disk.limits.nr_hw_queues = host.nr_hw_queues.clone();
        let Some(dir) = open(self.machine, scsi.device_dir, &disk.name, self.gaps) else { return };
        let mut reader = Reader::new(&dir, ("disks", &disk.name), self.gaps);
        disk.vendor = reader.printable("vendor", "vendor");
        disk.model = reader.printable("model", "model");
        disk.live.timeout = reader.number("timeout", "timeout");
        let file = format!("scsi_disk/{}/max_retries", scsi.hctl);
        disk.live.max_retries = reader.number(&file, "max_retries");
        let at = format!("block/{}/", disk.name);
        if disk.class == Class::Other && is_removable(&mut reader, scsi.device_dir, &at) {
            disk.roles.insert(Role::Removable);
        }
        reader.queue(&at, &mut disk.limits, &mut disk.live);
        if host.nr_tags == Attribute::Unknown {
            host.nr_tags = reader.number(&format!("{at}mq/0/nr_tags"), "nr_tags");
        }
        disk.limits.nr_tags = host.nr_tags.clone();
    }

    fn nvme(&mut self, disk: &mut Disk, path: &str) {
        let namespace = self.controllers.namespace(&disk.name, path, self.gaps);
        if namespace.class == Class::NvmeAzureLocal {
            disk.roles.insert(Role::AzureTemporary);
        }
        disk.class = namespace.class;
        disk.model = namespace.model;
        // Kernels without hidden path devices have none of these names.
        disk.slaves = namespace.paths.into_iter().filter(|path| self.is_disk(path)).collect();
        disk.slaves.sort_unstable();
        self.plain(disk, path);
    }

    /// Device-mapper, md, and whatever else stands on other block devices.
    fn stacked(&mut self, disk: &mut Disk, path: &str) {
        let Some(dir) = open(self.machine, path, &disk.name, self.gaps) else { return };
        disk.slaves = self.slaves(&dir, &disk.name);
        let mut reader = Reader::new(&dir, ("disks", &disk.name), self.gaps);
        if disk.name.starts_with("dm-") {
            // Whoever made the map wrote its kind before its identity
            // (<https://docs.kernel.org/admin-guide/abi-stable.html>, dm/uuid).
            let uuid = reader.text("dm/uuid", "class");
            disk.class = dm_class(uuid.value().map_or("", String::as_str), &disk.slaves);
            let is_leg = |name: Attribute<String>| name.value().is_some_and(|name| is_leg(name));
            if disk.class == Class::Lvm && is_leg(reader.text("dm/name", "name")) {
                disk.roles.insert(Role::Member);
            }
        } else if disk.name.starts_with("md") {
            disk.class = Class::Md;
        }
        read_plain(&mut reader, &mut disk.limits, &mut disk.live);
    }

    fn slaves(&mut self, dir: &Dir<'_>, disk: &str) -> Vec<String> {
        let path = format!("{}/slaves", dir.path());
        let mut slaves = BTreeSet::new();
        let read = self.machine.dir(&path).and_then(|below| {
            let Some(below) = below else { return Ok(()) };
            for entry in below.entries()? {
                let Some(target) = below.read_link(&entry.name)? else { continue };
                let target = resolve(&path, &target);
                // A partition's directory lies in its disk's.
                let whole = target.rsplit('/').take(2).find(|name| self.is_disk(name));
                slaves.insert(whole.unwrap_or(&entry.name).to_owned());
            }
            Ok(())
        });
        if let Err(error) = read {
            self.gaps.push(Gap { fact: format!("disks.{disk}.slaves"), path, why: error.reason() });
        }
        slaves.into_iter().collect()
    }

    fn plain(&mut self, disk: &mut Disk, path: &str) {
        let Some(dir) = open(self.machine, path, &disk.name, self.gaps) else { return };
        let mut reader = Reader::new(&dir, ("disks", &disk.name), self.gaps);
        if disk.class == Class::Other && is_removable(&mut reader, path, "") {
            disk.roles.insert(Role::Removable);
        }
        read_plain(&mut reader, &mut disk.limits, &mut disk.live);
    }

    fn is_disk(&self, name: &str) -> bool {
        self.names.binary_search_by(|entry| entry.name.as_str().cmp(name)).is_ok()
    }
}

/// A disk on USB, whatever it calls itself, or one whose medium can be taken out
/// (<https://docs.kernel.org/admin-guide/abi-stable.html>, removable). Disks of classes that we look after
/// are neither and are not asked.
fn is_removable(reader: &mut Reader<'_, '_>, path: &str, at: &str) -> bool {
    let on_usb =
        |part: &str| part.strip_prefix("usb").is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    path.split('/').any(on_usb)
        || reader.number(&format!("{at}removable"), "removable") == Attribute::Is(1_u8)
}

/// The queue of a device that is not SCSI, so has none of its attributes.
fn read_plain(reader: &mut Reader<'_, '_>, limits: &mut Limits, live: &mut Live) {
    limits.can_queue = Attribute::Absent;
    limits.nr_hw_queues = Attribute::Absent;
    live.timeout = Attribute::Absent;
    live.max_retries = Attribute::Absent;
    limits.nr_tags = reader.number("mq/0/nr_tags", "nr_tags");
    reader.queue("", limits, live);
}

/// Opens a directory that a disk's link led to.
fn open<'root>(machine: &'root Root, path: &str, disk: &str, gaps: &mut Vec<Gap>) -> Option<Dir<'root>> {
    let why = match machine.dir(path) {
        Ok(Some(dir)) => return Some(dir),
        Ok(None) => "it is not there".to_owned(),
        Err(error) => error.reason(),
    };
    gaps.push(Gap { fact: format!("disks.{disk}"), path: path.to_owned(), why });
    None
}

fn dm_class(uuid: &str, slaves: &[String]) -> Class {
    match uuid.split_once('-') {
        Some(("mpath", _)) => Class::Multipath { paths: slaves.to_vec() },
        Some(("LVM", _)) => Class::Lvm,
        Some(("CRYPT", _)) => Class::Crypt,
        _ => Class::Other,
    }
}

pub(in crate::probe) fn blank(name: &str, path: String) -> Disk {
    Disk {
        name: name.to_owned(),
        path,
        class: Class::Other,
        roles: BTreeSet::new(),
        host: None,
        hctl: None,
        slaves: Vec::new(),
        vendor: String::new(),
        model: String::new(),
        limits: Limits::default(),
        live: Live::default(),
    }
}

#[cfg(test)]
pub(in crate::probe) mod tests;
