//! From a device number or name to the disk that it belongs to.

use std::collections::BTreeMap;

use super::parse::Line;
use crate::facts::{Disk, Gap};
use crate::probe::disks::{find, resolve, whole_disk};
use crate::root::{Dir, Root};

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
}

impl<'a> Devices<'a> {
    pub(super) fn new(machine: &'a Root, disks: Option<&'a [Disk]>) -> Self {
        // Where this fails every number does, and the names are tried.
        let numbers = machine.dir("sys/dev/block").ok().flatten();
        Self { machine, disks, numbers, met: BTreeMap::new(), maps: None }
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
