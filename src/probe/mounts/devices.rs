//! From a device number or name to the disk that it belongs to.

use std::collections::BTreeMap;

use super::parse::Line;
use crate::facts::{Disk, Gap};
use crate::order::Named;
use crate::probe::disks::{find, resolve, whole_disk};
use crate::root::{Dir, Result, Root};

/// One directory for each btrfs that is mounted, and one for what the kernel can do.
const BTRFS: &str = "sys/fs/btrfs";

/// Looks disks up, each number and map name once.
pub(super) struct Devices<'a> {
    machine: &'a Root,
    /// Sorted by name; `None` where nothing is known.
    disks: Option<&'a [Disk]>,
    /// `sys/dev/block`
    numbers: Option<Dir<'a>>,
    met: BTreeMap<(u32, u32), Option<(usize, String)>>,
    /// Names below /dev/mapper, read when one is asked for.
    maps: Option<BTreeMap<String, usize>>,
    /// Of every btrfs its devices and their disks, read when one is asked for.
    btrfs: Option<Vec<Members>>,
}

/// The devices of one file system by kernel name, and the disk of each; `None` = could not tell.
type Members = Named<Option<String>>;

impl<'a> Devices<'a> {
    pub(super) fn new(machine: &'a Root, disks: Option<&'a [Disk]>) -> Self {
        // Where this fails every number does, and the names are tried.
        let numbers = machine.dir("sys/dev/block").ok().flatten();
        Self { machine, disks, numbers, met: BTreeMap::new(), maps: None, btrfs: None }
    }

    /// The disk or map below a mount and the device itself, by number, else by the name of its source.
    pub(super) fn of_mount(&mut self, line: &Line<'_>, gaps: &mut Vec<Gap>) -> Option<(String, String)> {
        let disks = self.disks?;
        if line.device.0 != 0
            && let Some((at, device)) = self.by_number(line.device)
        {
            return disks.get(at).map(|disk| (disk.name.clone(), device));
        }
        // bcachefs joins its devices with colons.
        let first = line.source.split(':').next().unwrap_or_default();
        self.of_source(first, &format!("mounts.{}", line.point), gaps)
    }

    /// Disks of a file system beyond the one that mount tables name; `None` = could not tell.
    pub(super) fn others(
        &mut self,
        line: &Line<'_>,
        disk: Option<&str>,
        device: Option<&str>,
        gaps: &mut Vec<Gap>,
    ) -> Option<Vec<String>> {
        let (Some(disk), Some(device)) = (disk, device) else { return Some(Vec::new()) };
        let members: Option<Vec<String>> = match line.fstype {
            "btrfs" => self.of_btrfs(device, &format!("mounts.{}.devices", line.point), gaps),
            "bcachefs" => {
                let fact = format!("mounts.{}", line.point);
                let sources = line.source.split(':').skip(1);
                sources.map(|source| self.of_source(source, &fact, gaps).map(|(disk, _)| disk)).collect()
            }
            _ => Some(Vec::new()),
        };
        let mut others: Vec<String> = members?.into_iter().filter(|name| name != disk).collect();
        others.sort_unstable();
        others.dedup();
        Some(others)
    }

    /// The disks of the btrfs that a device belongs to, by `sys/fs/btrfs/UUID/devices`
    /// (`btrfs_sysfs_add_fs_devices`,
    /// <https://github.com/torvalds/linux/blob/v6.12/fs/btrfs/sysfs.c>).
    fn of_btrfs(&mut self, device: &str, fact: &str, gaps: &mut Vec<Gap>) -> Option<Vec<String>> {
        if self.btrfs.is_none() {
            self.btrfs = Some(self.read_btrfs(gaps));
        }
        let found = self.btrfs.iter().flatten().find(|members| members.contains_key(device));
        let Some(members) = found else {
            let why = format!("no file system there has the device {device}");
            gaps.push(Gap::new(fact, BTRFS, why));
            return None;
        };
        members.values().cloned().collect()
    }

    fn read_btrfs(&self, gaps: &mut Vec<Gap>) -> Vec<Members> {
        let mut all = Vec::new();
        let listed = self.machine.list(BTRFS).unwrap_or_else(|error| {
            gaps.push(Gap::new("mounts.btrfs", BTRFS, error.reason()));
            None
        });
        for entry in listed.into_iter().flatten() {
            let path = format!("{BTRFS}/{}/devices", entry.name);
            match self.read_members(&path) {
                Ok(members) => all.push(members),
                Err(error) => gaps.push(Gap::new("mounts.btrfs", &path, error.reason())),
            }
        }
        all
    }

    fn read_members(&self, path: &str) -> Result<Members> {
        let mut members = Members::new();
        let Some(dir) = self.machine.dir(path)? else { return Ok(members) };
        for entry in dir.entries()? {
            let target = dir.read_link(&entry.name)?.map(|target| resolve(path, &target));
            // A partition's directory lies in its disk's.
            let disk = target.and_then(|target| {
                let at = target.rsplit('/').take(2).find_map(|name| find(self.disks?, name))?;
                Some(self.disks?.get(at)?.name.clone())
            });
            members.insert(entry.name, disk);
        }
        Ok(members)
    }

    /// The disk or map that a name below /dev stands for, and the device's own name; other names are
    /// no devices.
    pub(super) fn of_source(
        &mut self,
        source: &str,
        fact: &str,
        gaps: &mut Vec<Gap>,
    ) -> Option<(String, String)> {
        let disks = self.disks?;
        let name = source.strip_prefix("/dev/")?;
        let found = match name.strip_prefix("mapper/") {
            Some(map) => self.by_map_name(map),
            None => by_name(disks, name),
        };
        if let Some(disk) = found.and_then(|at| disks.get(at)) {
            let device = if name.starts_with("mapper/") { disk.name.clone() } else { name.replace('/', "!") };
            return Some((disk.name.clone(), device));
        }
        let why = "it names no disk or map in sys/block".to_owned();
        gaps.push(Gap { fact: fact.to_owned(), path: source.trim_start_matches('/').to_owned(), why });
        None
    }

    fn by_number(&mut self, number: (u32, u32)) -> Option<(usize, String)> {
        if let Some(met) = self.met.get(&number) {
            return met.clone();
        }
        let found = self.follow(number);
        self.met.insert(number, found.clone());
        found
    }

    fn follow(&self, (major, minor): (u32, u32)) -> Option<(usize, String)> {
        let target = self.numbers.as_ref()?.read_link(&format!("{major}:{minor}")).ok()??;
        let path = resolve("sys/dev/block", &target);
        // A partition's directory lies in its disk's.
        let at = path.rsplit('/').take(2).find_map(|name| find(self.disks?, name))?;
        Some((at, path.rsplit('/').next().unwrap_or_default().to_owned()))
    }

    fn by_map_name(&mut self, name: &str) -> Option<usize> {
        if self.maps.is_none() {
            self.maps = Some(self.read_map_names());
        }
        self.maps.as_ref()?.get(name).copied()
    }

    fn read_map_names(&self) -> BTreeMap<String, usize> {
        let disks = self.disks.unwrap_or_default().iter().enumerate();
        let maps = disks.filter(|(_, disk)| disk.name.starts_with("dm-"));
        let name = |disk: &Disk| self.machine.dir(&disk.path).ok()??.read_text("dm/name").ok()?;
        let mut names = BTreeMap::new();
        names.extend(maps.filter_map(|(at, disk)| Some((name(disk)?, at))));
        names
    }
}

/// A kernel name as /dev has it; sysfs writes `!` for its slashes.
fn by_name(disks: &[Disk], name: &str) -> Option<usize> {
    let name = name.replace('/', "!");
    find(disks, &name).or_else(|| find(disks, whole_disk(&name)?))
}
