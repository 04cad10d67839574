//! What a boot waits for: systemd's configuration, udev's, fstab's, that of initramfs-tools.

use crate::facts::{
    Attribute, DEVICES, DropIn, EMERGENCY, EMERGENCY_SERVICE, FstabWait, Gap, Hides, Initramfs, LAYERS,
    MANAGER, Mask, OTHER_DEVICES, OsRelease, RESTART_TIMER, System, Unit, UnitLine, UnreadFile, Waits,
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
const CRYPTTAB: &str = "etc/crypttab";
/// The program that initramfs-tools starts first.
const INIT: &str = "usr/share/initramfs-tools/init";
/// Where Debian's installer writes the device to resume from.
const RESUME: &str = "etc/initramfs-tools/conf.d/resume";

/// systemd's manager and all devices, each as if it were a unit, and what belongs to emergency mode; and files that
/// take the place of ours.
pub(super) fn units(root: &Root, listed: &Units<'_>, gaps: &mut Vec<Gap>) -> (Vec<Unit>, Vec<Mask>) {
    let devices = [DEVICES, OTHER_DEVICES].map(|name| listed.template(name, gaps));
    let manager = manager(root, listed, gaps);
    let emergency = [EMERGENCY, EMERGENCY_SERVICE, RESTART_TIMER];
    let emergency: Vec<Unit> = emergency.iter().filter_map(|name| listed.read(name, gaps)).collect();
    let target = emergency.iter().find(|unit| unit.name == EMERGENCY);
    let masks = [
        mask(&manager, &format!("systemd/{MANAGER}.d"), BASE_NAME),
        target.and_then(|target| mask(target, &format!("systemd/system/{EMERGENCY}.d"), BASE_NAME)),
    ];
    let masks = masks.into_iter().flatten();
    let of_devices = |unit: &Unit| mask(unit, &format!("systemd/system/{}.d", unit.name), DEVICE_WAIT);
    let masks = devices.iter().filter_map(of_devices).chain(masks).collect();
    (devices.into_iter().chain([manager]).chain(emergency).collect(), masks)
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
    waits.crypttab = match noted(gaps, "waits.crypttab", CRYPTTAB, root.read(CRYPTTAB)) {
        Attribute::Is(found) => first_entry(&bytes::decode(&found)).map(Attribute::Is),
        Attribute::Absent => None,
        Attribute::Unknown => Some(Attribute::Unknown),
    };
    waits
}

/// The line of the first entry (man 5 crypttab).
fn first_entry(crypttab: &str) -> Option<u32> {
    let entry = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    (1..).zip(crypttab.lines()).find(|(_, line)| entry(line)).map(|(number, _)| number)
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
    let as_environment = systemd.is_some_and(|version| version < UDEV_DROP_INS);
    if !as_environment {
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
            Ok(Some(found)) => {
                waits.udev.extend(event_timeout(&path, &bytes::decode(&found), as_environment));
            }
            Err(error) => unread(waits, gaps, path, error.reason()),
        }
    }
}

fn unread(waits: &mut Waits, gaps: &mut Vec<Gap>, path: String, why: String) {
    gaps.push(Gap::new("waits.udev", &path, &why));
    waits.udev_unread.push(UnreadFile { path, why });
}

/// The assignment of it that counts in one file. `section` is the file, as it has none of its own. With drop-ins the
/// file is read as those of units: quotes are part of a value, and what is no span is passed over
/// (`manager_parse_udev_config`, <https://github.com/systemd/systemd/blob/v257/src/udev/udevd.c>). Before, it was read
/// as an environment file: without quotes, and the last one counts, whatever it is (`udev_parse_config_full`).
fn event_timeout(path: &str, text: &str, as_environment: bool) -> Option<UnitLine> {
    let line = |(number, line): (u32, &str)| {
        let (key, value) = line.trim().split_once('=')?;
        let value = value.trim();
        let value = if as_environment { value.trim_matches(['"', '\'']) } else { value }.to_owned();
        (key.trim() == EVENT_TIMEOUT).then(|| UnitLine {
            line: number,
            section: path.to_owned(),
            key: EVENT_TIMEOUT.to_owned(),
            value,
        })
    };
    let is_span = |line: &UnitLine| unit::span(&line.value).is_some();
    let lines = (1..).zip(text.lines()).filter_map(line);
    if as_environment { lines.last().filter(is_span) } else { lines.filter(is_span).last() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    #[test]
    fn an_init_that_sleeps_is_told_by_its_lines() {
        let debian = "if [ \"$ROOTDELAY\" ]; then\n\tsleep \"$ROOTDELAY\"\nfi\n";
        let ubuntu = "rootdelay=*)\n\tROOTDELAY=\"${x#rootdelay=}\"\n\t;;\n";
        assert!(sleeps(debian) && !sleeps(ubuntu));
    }

    #[test]
    fn a_disk_to_unlock_is_told_from_a_comment() {
        let text = "# <target name>\t<source device>\n\n  home UUID=a none luks\n";
        assert_eq!((first_entry(text), first_entry("# home UUID=a none\n \n")), (Some(3), None));
    }

    #[test]
    fn a_disk_to_resume_from_is_named_or_not() {
        for (text, expected) in [
            ("RESUME=UUID=a\n", Some("UUID=a")),
            ("RESUME=\"LABEL=swap\"\n", Some("LABEL=swap")),
            ("RESUME=none\n", None),
            ("RESUME=auto\n", None),
            ("RESUME=\n", None),
            ("# RESUME=UUID=a\n", None),
        ] {
            assert_eq!(resume(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn fedora_builds_systemd_with_a_shorter_wait() {
        let release = |id: &str, version: &str| OsRelease {
            id: id.to_owned(),
            version_id: version.to_owned(),
            ..OsRelease::default()
        };
        for (id, version, seconds) in [("fedora", "37", 90), ("fedora", "38", 45), ("rhel", "9.6", 90)] {
            assert_eq!(built_in(Some(&release(id, version))), seconds, "{id} {version}");
        }
        assert_eq!(built_in(None), 90);
    }

    #[test]
    fn what_a_boot_waits_for_is_on_block_devices() {
        let text = "UUID=a / ext4 defaults 0 1\n/dev/sdb /my\\040data xfs nofail,_netdev,x-systemd.device-timeout=5min 0 0\n\
                    LABEL=s none swap sw 0 0\ntmpfs /tmp tmpfs x 0 0\nnas:/x /x nfs x 0 0\n/dev/sdc /c ext4 noauto 0 0\n\
                    /dev/sdd /d ext4 x-systemd.automount 0 0\n/e /f none bind 0 0\n";
        let show = |line: &FstabWait| {
            format!(
                "{} {} {} {} {:?}",
                line.device, line.point, line.nofail, line.netdev, line.device_timeout
            )
        };
        let found: Vec<String> = fstab_waits(text).iter().map(show).collect();
        assert_eq!(
            found,
            [
                "UUID=a / false false None",
                "/dev/sdb /my data true true Some(\"5min\")",
                "LABEL=s swap false false None",
            ]
        );
    }

    #[test]
    fn udevs_files_are_read_in_their_order() {
        let files = [
            ("etc/udev/udev.conf", "#event_timeout=1\nevent_timeout=\"5min\"\n"),
            ("usr/lib/udev/udev.conf.d/10-a.conf", "event_timeout=7\n"),
            ("etc/udev/udev.conf.d/10-a.conf", "event_timeout=9\n"),
        ];
        let read_of = |files: &[(&str, &str)], systemd| {
            let (_dir, root) = laid_out(files);
            let (mut waits, mut gaps) = (Waits::default(), Vec::new());
            udev(&root, systemd, &mut waits, &mut gaps);
            assert!(gaps.is_empty());
            waits.udev.iter().map(|line| format!("{} {}", line.section, line.value)).collect::<Vec<_>>()
        };
        assert_eq!(read_of(&files, Some(252)), ["etc/udev/udev.conf 5min"]);
        assert_eq!(read_of(&files, Some(256)), ["etc/udev/udev.conf.d/10-a.conf 9"]);
        let later = [("etc/udev/udev.conf", "event_timeout=5min\nevent_timeout=soon\n")];
        assert!(read_of(&later, Some(252)).is_empty());
        assert_eq!(read_of(&later, Some(256)), ["etc/udev/udev.conf 5min"]);
    }

    #[test]
    fn the_managers_settings_are_those_of_its_file_and_drop_ins() {
        let (_dir, root) = laid_out(&[
            ("etc/systemd/system.conf", "[Manager]\nDefaultTimeoutStartSec=2min\n"),
            ("usr/lib/systemd/system.conf", "[Manager]\nDefaultTimeoutStartSec=1\n"),
            ("usr/lib/systemd/system.conf.d/50-a.conf", "[Manager]\nDefaultTimeoutStartSec=3min\n"),
            ("etc/systemd/system.conf.d/90-hvtune.conf", "-> /dev/null"),
            ("usr/lib/systemd/system/dev-.device.d/20-x.conf", "[Unit]\nJobRunningTimeoutSec=5min\n"),
        ]);
        let mut gaps = Vec::new();
        let (found, masks) = units(&root, &Units::open(&root, &mut gaps), &mut gaps);
        let by: Vec<&str> = masks.iter().map(|mask| mask.by.as_str()).collect();
        assert_eq!(by, ["etc/systemd/system.conf.d/90-hvtune.conf"]);
        let mut facts = crate::facts::Facts::default();
        facts.system.units = found;
        facts.system.waits.built_in = Some(90);
        let ends = |facts: &crate::facts::Facts, unit, property| {
            let chain = crate::resolve::unit::chain(facts, unit, property, None);
            chain.in_force().value().map(str::to_owned)
        };
        assert_eq!(ends(&facts, MANAGER, "DefaultTimeoutStartSec").as_deref(), Some("180"));
        assert_eq!(ends(&facts, DEVICES, "JobRunningTimeoutSec").as_deref(), Some("300"));
        // Of itself a device is waited for as long as whatever starts, until 252.
        facts.system.units.first_mut().unwrap().drop_ins.clear();
        assert_eq!(ends(&facts, DEVICES, "JobRunningTimeoutSec").as_deref(), Some("180"));
        facts.system.writers.sysctl_files.systemd = Some(252);
        assert_eq!(ends(&facts, DEVICES, "JobRunningTimeoutSec").as_deref(), Some("90"));
    }

    #[test]
    fn what_systemd_makes_of_its_own_settings() {
        let ends = |files: &[(&str, &str)], property| {
            let (_dir, root) = laid_out(files);
            let mut gaps = Vec::new();
            let mut facts = crate::facts::Facts::default();
            facts.system.units = units(&root, &Units::open(&root, &mut gaps), &mut gaps).0;
            facts.system.waits.built_in = Some(90);
            crate::resolve::unit::chain(&facts, MANAGER, property, None).in_force().value().map(str::to_owned)
        };
        let zero =
            [("etc/systemd/system.conf", "[Manager]\nDefaultTimeoutStartSec=0\nDefaultDeviceTimeoutSec=0\n")];
        assert_eq!(ends(&zero, "DefaultTimeoutStartSec").as_deref(), Some("infinity"));
        assert_eq!(ends(&zero, "DefaultDeviceTimeoutSec").as_deref(), Some("1"), "nobody waits at all");
        let broken = [
            ("etc/systemd/system.conf.d/50-a.conf", "[Manager\nDefaultLimitNOFILE=1024\n"),
            ("etc/systemd/system.conf.d/90-b.conf", "[Manager]\nDefaultTimeoutStartSec=3min\n"),
        ];
        assert_eq!(ends(&broken, "DefaultTimeoutStartSec"), None, "it reads none behind a broken one");
        assert_eq!(ends(&broken[1..], "DefaultTimeoutStartSec").as_deref(), Some("180"));
    }
}
