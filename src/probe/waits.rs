//! What a boot waits for: systemd's configuration, udev's, fstab's, that of initramfs-tools.

use crate::facts::{
    Attribute, DEVICES, DropIn, FstabWait, Gap, Hides, Initramfs, LAYERS, MANAGER, Mask, OsRelease, System,
    Unit, UnitLine, UnreadFile, Waits,
};
use crate::formats::fstab::{self, Entry};
use crate::formats::{bytes, unit};
use crate::marker::BASE_NAME;
use crate::marker::DEVICE_WAIT;
use crate::root::Root;

use super::noted;
use super::units::{Units, file};

/// What systemd is built with, and with Fedora's change of release 38
/// (<https://fedoraproject.org/wiki/Changes/Shorter_Shutdown_Timer>), in seconds.
const BUILT_IN: u64 = 90;
const FEDORA: u64 = 45;
/// udev.conf has the key since 240, and drop-ins since 256.
const UDEV_DROP_INS: u32 = 256;
const UDEV_CONF: &str = "udev/udev.conf";
const EVENT_TIMEOUT: &str = "event_timeout";
const CONF: &str = ".conf";
/// The program that initramfs-tools starts first.
const INIT: &str = "usr/share/initramfs-tools/init";
/// Where Debian's installer writes the device to resume from.
const RESUME: &str = "etc/initramfs-tools/conf.d/resume";

/// systemd's manager and all devices, each as if it were a unit; and files that take the place of ours.
pub(super) fn units(root: &Root, listed: &Units<'_>, gaps: &mut Vec<Gap>) -> (Vec<Unit>, Vec<Mask>) {
    let devices = listed.template(DEVICES, gaps);
    let manager = manager(root, listed, gaps);
    let masks = [
        mask(&devices, &format!("systemd/system/{DEVICES}.d"), DEVICE_WAIT),
        mask(&manager, &format!("systemd/{MANAGER}.d"), BASE_NAME),
    ];
    (vec![devices, manager], masks.into_iter().flatten().collect())
}

/// `system.conf` of the first directory that has one, and its drop-ins of all.
fn manager(root: &Root, listed: &Units<'_>, gaps: &mut Vec<Gap>) -> Unit {
    let mut unit = Unit { name: MANAGER.to_owned(), ..Unit::default() };
    for top in tops() {
        let path = format!("{top}/systemd/{MANAGER}");
        match root.read(&path) {
            Ok(None) => continue,
            Ok(Some(found)) => unit.fragment = Some(file(&path, &found)),
            Err(error) => unit.unread.push(UnreadFile { path, why: error.reason() }),
        }
        break;
    }
    let mut found: Vec<DropIn> = Vec::new();
    for (rank, top) in tops().enumerate() {
        listed.take_dir(&mut unit, &mut found, &format!("{top}/systemd"), &format!("{MANAGER}.d"), rank);
    }
    Units::settle(&mut unit, found);
    gaps.extend(unit.unread.iter().map(|unread| Gap::new("units", &unread.path, &unread.why)));
    unit
}

/// Directories of configuration that are there at the next boot; `/lib` is none of systemd's manager.
fn tops() -> impl Iterator<Item = &'static str> {
    LAYERS.into_iter().filter(|top| !["run", "lib"].contains(top))
}

/// The file of our name among the drop-ins that is read in place of ours.
fn mask(unit: &Unit, below: &str, own: &str) -> Option<Mask> {
    let ends = format!("/{below}/{own}.conf");
    let is_own = |drop_in: &&DropIn| {
        drop_in.file.path.ends_with(&ends) && drop_in.replaced_by.is_none() && !drop_in.file.ours
    };
    let by = unit.drop_ins.iter().find(is_own)?;
    let unread = unit.unread.iter().any(|unread| unread.path == by.file.path);
    let how = match (by.masks, unread) {
        (true, _) => Hides::Masked,
        (_, true) => Hides::Unread,
        _ => Hides::Replaced,
    };
    Some(Mask { below: below.to_owned(), by: by.file.path.clone(), how })
}

/// What systemd and udev wait for. `systemd`: its version, where known.
pub(super) fn read(
    root: &Root,
    os: Option<&OsRelease>,
    fstab: &str,
    systemd: Option<u32>,
    gaps: &mut Vec<Gap>,
) -> Waits {
    let mut waits = Waits {
        built_in: Some(built_in(os)),
        fstab: fstab_waits(fstab),
        rootdelay_sleeps: Attribute::Absent,
        resume: Attribute::Absent,
        ..Waits::default()
    };
    udev(root, systemd, &mut waits, gaps);
    waits
}

/// What initramfs-tools waits for, where that makes the initramfs.
pub(super) fn of_initramfs(root: &Root, system: &mut System, gaps: &mut Vec<Gap>) {
    let by = system.boot.tools.copies.as_ref().map(|copies| copies.by);
    if by != Some(Initramfs::InitramfsTools) {
        return;
    }
    let mut text = |path: &str| match noted(gaps, "waits.initramfs", path, root.read(path)) {
        Attribute::Is(found) => Attribute::Is(bytes::decode(&found)),
        Attribute::Absent => Attribute::Absent,
        Attribute::Unknown => Attribute::Unknown,
    };
    system.waits.rootdelay_sleeps = match text(INIT) {
        Attribute::Is(init) => Attribute::Is(sleeps(&init)),
        Attribute::Absent => Attribute::Absent,
        Attribute::Unknown => Attribute::Unknown,
    };
    system.waits.resume = match text(RESUME) {
        Attribute::Is(conf) => resume(&conf).map_or(Attribute::Absent, Attribute::Is),
        other => other,
    };
}

fn built_in(os: Option<&OsRelease>) -> u64 {
    let shorter =
        |os: &OsRelease| os.id == "fedora" && os.version_id.parse::<u32>().is_ok_and(|version| version >= 38);
    if os.is_some_and(shorter) { FEDORA } else { BUILT_IN }
}

/// Whether that `init` sleeps for `rootdelay=`: Debian's does, Ubuntu's only waits as long where there is need.
fn sleeps(init: &str) -> bool {
    let line = |line: &str| line.trim_start().starts_with("sleep ") && line.contains("ROOTDELAY");
    init.lines().any(line)
}

/// The value of `RESUME`; none where it names no device.
fn resume(text: &str) -> Option<String> {
    let value = |line: &str| {
        line.trim().strip_prefix("RESUME=").map(|value| value.trim_matches(['"', '\'']).to_owned())
    };
    text.lines().filter_map(value).next_back().filter(|value| !matches!(value.as_str(), "" | "none" | "auto"))
}

/// `event_timeout` of udev.conf and its drop-ins.
fn udev(root: &Root, systemd: Option<u32>, waits: &mut Waits, gaps: &mut Vec<Gap>) {
    let mut paths = vec![format!("etc/{UDEV_CONF}")];
    if systemd.is_none_or(|version| version >= UDEV_DROP_INS) {
        let mut names: crate::order::Named<String> = crate::order::Named::new();
        for top in tops() {
            let dir = format!("{top}/{UDEV_CONF}.d");
            match root.list(&dir) {
                Ok(entries) => {
                    for entry in entries.into_iter().flatten().filter(|entry| entry.name.ends_with(CONF)) {
                        names.or_insert_with(entry.name.clone(), || format!("{dir}/{}", entry.name));
                    }
                }
                Err(error) => unread(waits, gaps, dir, error.reason()),
            }
        }
        paths.extend(names.into_values());
    }
    for path in paths {
        match root.read(&path) {
            Ok(None) => {}
            Ok(Some(found)) => waits.udev.extend(event_timeout(&path, &bytes::decode(&found))),
            Err(error) => unread(waits, gaps, path, error.reason()),
        }
    }
}

fn unread(waits: &mut Waits, gaps: &mut Vec<Gap>, path: String, why: String) {
    gaps.push(Gap::new("waits.udev", &path, &why));
    waits.udev_unread.push(UnreadFile { path, why });
}

/// The last assignment of it in one file. `section` is the file, as it has none of its own.
fn event_timeout(path: &str, text: &str) -> Option<UnitLine> {
    let line = |(number, line): (u32, &str)| {
        let (key, value) = line.trim().split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        (key.trim() == EVENT_TIMEOUT).then(|| UnitLine {
            line: number,
            section: path.to_owned(),
            key: EVENT_TIMEOUT.to_owned(),
            value,
        })
    };
    (1..).zip(text.lines()).filter_map(line).filter(|line| unit::span(&line.value).is_some()).last()
}

/// What systemd mounts at boot from block devices, by the lines of fstab.
fn fstab_waits(text: &str) -> Vec<FstabWait> {
    let entries = fstab::scan(text).into_iter().chain(fstab::scan_odd(text));
    entries.filter(is_waited_for).map(|entry| fstab_wait(&entry)).collect()
}

fn is_waited_for(entry: &Entry<'_>) -> bool {
    let swap = entry.fstype == "swap";
    let device = entry.device.trim_start_matches('"');
    let tagged =
        ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "ID="].iter().any(|tag| device.starts_with(tag));
    let block = tagged || (device.starts_with("/dev/") && !device.starts_with("/dev/loop"));
    let later = ["noauto", "x-systemd.automount", "bind", "rbind"].iter().any(|name| entry.has(name));
    block && !later && !fstab::is_served(entry.fstype) && (swap || entry.mount.starts_with('/'))
}

fn fstab_wait(entry: &Entry<'_>) -> FstabWait {
    let after = |name: &str| {
        let value = |option: &&str| option.strip_prefix(name).map(str::to_owned);
        entry.options.iter().rev().find_map(value)
    };
    let swap = entry.fstype == "swap";
    FstabWait {
        device: fstab::unescape(entry.device).into_owned(),
        point: if swap { "swap".to_owned() } else { entry.point() },
        fstype: entry.fstype.to_owned(),
        nofail: entry.has("nofail"),
        netdev: entry.has("_netdev"),
        device_timeout: after("x-systemd.device-timeout="),
        mount_timeout: after("x-systemd.mount-timeout="),
    }
}
