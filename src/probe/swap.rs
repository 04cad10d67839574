//! Swap that files ask for: `/etc/fstab`, `.swap` units, zram-generator, the Azure agent.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Gap, SwapGround, SwapSource};
use crate::formats::bytes::decode;
use crate::formats::fstab::{self, FSTAB, names_temporary, unescape};
use crate::formats::unit;
use crate::order::Named;
use crate::root::Root;

use super::noted;
use super::units::Units;

/// Where `.swap` units lie, highest first (man 5 systemd.unit).
const UNITS: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
const SWAP_UNIT: &str = ".swap";
/// Links in directories that are called so pull a unit in.
const PULLS: [&str; 2] = [".wants", ".requires"];
const CONF: &str = ".conf";

/// Without it nobody reads its configuration.
const ZRAM_GENERATOR: &[&str] =
    &["usr/lib/systemd/system-generators/zram-generator", "lib/systemd/system-generators/zram-generator"];
/// Where that configuration lies, highest first (`locate_fragments`,
/// <https://github.com/systemd/zram-generator/blob/v1.2.1/src/config.rs>).
const ZRAM_TOPS: [&str; 4] = ["run", "etc", "usr/local/lib", "usr/lib"];
const ZRAM_CONF: &str = "systemd/zram-generator.conf";
/// What the generator gives where nothing is said.
const ZRAM_PRIORITY: i64 = 100;

/// All of it, fstab's first. `fstab`: its text; `agent`: the Azure agent's configuration, where one runs.
pub fn read(root: &Root, fstab: &str, agent: Option<&str>, gaps: &mut Vec<Gap>) -> Vec<SwapSource> {
    read_beside(root, &Units::open(root, gaps), fstab, agent, gaps)
}

/// The same where the units are listed already.
pub(super) fn read_beside(
    root: &Root,
    listed: &Units<'_>,
    fstab: &str,
    agent: Option<&str>,
    gaps: &mut Vec<Gap>,
) -> Vec<SwapSource> {
    let mut found = of_fstab(fstab);
    found.extend(units(root, listed, gaps));
    found.extend(zram(root, gaps));
    found.extend(agent.and_then(|path| of_agent(root, path, gaps)));
    for source in found.iter_mut().filter(|source| source.on == SwapGround::Storage) {
        settle(source, fstab);
    }
    found
}

/// Where a file lies, or what a name stands for, as far as fstab and names say.
fn settle(source: &mut SwapSource, fstab: &str) {
    if source.what.starts_with("/dev/zram") {
        source.on = SwapGround::Zram;
    } else if names_temporary(&source.what) {
        source.on = SwapGround::AzureTemporary;
    } else if source.what.starts_with('/') && !source.what.starts_with("/dev/") {
        let below = |point: &str| {
            source.what.strip_prefix(point.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
        };
        let entries = fstab::scan(fstab).into_iter().map(|entry| (entry.point(), entry.device.to_owned()));
        let holder =
            entries.filter(|(point, _)| point.starts_with('/') && below(point)).max_by_key(|(p, _)| p.len());
        if holder.as_ref().is_some_and(|(_, device)| names_temporary(&unescape(device))) {
            source.on = SwapGround::AzureTemporary;
        }
        source.holder = holder;
    }
}

/// Lines of type `swap` that are not `noauto` (man 5 fstab, man 8 swapon).
pub(crate) fn of_fstab(text: &str) -> Vec<SwapSource> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
        let (Some(device), Some(_), Some("swap")) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let options = fields.next().unwrap_or_default();
        if device.starts_with('#') || options.split(',').any(|option| option == "noauto") {
            continue;
        }
        found.push(source(FSTAB, &unescape(device), priority(options)));
    }
    found
}

/// `pri=` of swap's options; the last one counts.
fn priority(options: &str) -> Option<i64> {
    let value = options.split(',').rev().find_map(|option| option.trim().strip_prefix("pri="))?;
    value.parse().ok().filter(|priority| *priority >= 0)
}

fn source(from: &str, what: &str, priority: Option<i64>) -> SwapSource {
    let (from, what) = (from.to_owned(), what.to_owned());
    SwapSource { from, what, priority, on: SwapGround::Storage, holder: None }
}

/// `.swap` units that some target pulls in. A link that is no link to a unit, as to /dev/null, masks.
fn units(root: &Root, listed: &Units<'_>, gaps: &mut Vec<Gap>) -> Vec<SwapSource> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut pulled: BTreeSet<String> = BTreeSet::new();
    for (top, names) in UNITS.iter().filter_map(|top| Some((top, listed.names(top)?))) {
        for name in names {
            if name.ends_with(SWAP_UNIT) {
                files.entry(name.clone()).or_insert_with(|| format!("{top}/{name}"));
            } else if PULLS.iter().any(|ending| name.ends_with(ending)) {
                let below = format!("{top}/{name}");
                let links = noted(gaps, "swaps", &below, root.list(&below)).into_value().unwrap_or_default();
                pulled.extend(links.into_iter().map(|entry| entry.name).filter(|n| n.ends_with(SWAP_UNIT)));
            }
        }
    }
    let mut found = Vec::new();
    for (name, path) in files.into_iter().filter(|(name, _)| pulled.contains(name)) {
        let masked = noted(gaps, "swaps", &path, root.read_link(&path)).into_value();
        if masked.is_some_and(|target| target.ends_with("/dev/null")) {
            continue;
        }
        let Some(bytes) = noted(gaps, "swaps", &path, root.read(&path)).into_value() else { continue };
        let text = decode(&bytes);
        let last = |key: &str| unit::scan(&text, "Swap", key).pop().filter(|value| !value.is_empty());
        let Some(what) = last("What") else {
            gaps.push(Gap::new("swaps", &path, format!("{name} has no What=")));
            continue;
        };
        let said = last("Priority").and_then(|value| value.parse().ok()).filter(|number: &i64| *number >= 0);
        let options = last("Options").unwrap_or_default();
        found.push(source(&path, &what, said.or_else(|| priority(&options))));
    }
    found
}

/// The devices that zram-generator makes swap of. One that hangs on the size of memory is left out:
/// it may not be made.
fn zram(root: &Root, gaps: &mut Vec<Gap>) -> Vec<SwapSource> {
    let there = |path: &str| noted(&mut Vec::new(), "swaps", path, root.kind(path)).value().is_some();
    if !ZRAM_GENERATOR.iter().any(|path| there(path)) {
        return Vec::new();
    }
    let mut texts = Vec::new();
    let mut drop_ins: BTreeMap<String, String> = BTreeMap::new();
    for top in ZRAM_TOPS {
        let path = format!("{top}/{ZRAM_CONF}");
        if texts.is_empty() {
            let bytes = noted(gaps, "swaps", &path, root.read(&path)).into_value();
            texts.extend(bytes.map(|bytes| (path.clone(), decode(&bytes))));
        }
        let dir = format!("{path}.d");
        let entries = noted(gaps, "swaps", &dir, root.list(&dir)).into_value().unwrap_or_default();
        for name in entries.into_iter().map(|entry| entry.name).filter(|name| name.ends_with(CONF)) {
            drop_ins.entry(name.clone()).or_insert_with(|| format!("{dir}/{name}"));
        }
    }
    for path in drop_ins.into_values() {
        let bytes = noted(gaps, "swaps", &path, root.read(&path)).into_value();
        texts.extend(bytes.map(|bytes| (path, decode(&bytes))));
    }
    let mut devices: Named<(String, BTreeMap<String, String>)> = Named::new();
    for (path, text) in &texts {
        for (device, key, value) in parse_zram(text) {
            let entry = devices.or_insert_with(device, || (path.clone(), BTreeMap::new()));
            entry.1.extend(key.map(|key| (key, value)));
        }
    }
    devices.into_iter().filter_map(|(device, (path, keys))| zram_swap(&device, &path, &keys)).collect()
}

fn zram_swap(device: &str, path: &str, keys: &BTreeMap<String, String>) -> Option<SwapSource> {
    let get = |key: &str| keys.get(key).map(String::as_str);
    let limited =
        ["host-memory-limit", "memory-limit"].iter().any(|key| get(key).is_some_and(|v| v != "none"));
    let is_swap = get("mount-point").is_none() && get("fs-type").is_none_or(|kind| kind == "swap");
    if limited || !is_swap || get("zram-size") == Some("0") {
        return None;
    }
    let said = get("swap-priority").and_then(|value| value.parse().ok()).unwrap_or(ZRAM_PRIORITY);
    let priority = Some(said).filter(|number| *number >= 0);
    Some(SwapSource { on: SwapGround::Zram, ..source(path, &format!("/dev/{device}"), priority) })
}

/// Device, key and value of each line in a section `[zramN]`; the section's own line has no key.
fn parse_zram(text: &str) -> Vec<(String, Option<String>, String)> {
    let mut found = Vec::new();
    let mut device = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let number = |name: &str| name.strip_prefix("zram").is_some_and(|n| n.parse::<u64>().is_ok());
            device = Some(name.trim().to_owned()).filter(|name| number(name));
            found.extend(device.clone().map(|device| (device, None, String::new())));
        } else if let (Some(device), Some((key, value))) = (&device, line.split_once('=')) {
            found.push((device.clone(), Some(key.trim().to_owned()), value.trim().to_owned()));
        }
    }
    found
}

/// The agent's swap file on the disk that it mounts
/// (<https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/daemon/resourcedisk/default.py>).
fn of_agent(root: &Root, path: &str, gaps: &mut Vec<Gap>) -> Option<SwapSource> {
    let bytes = noted(gaps, "swaps", path, root.read(path)).into_value()?;
    let text = decode(&bytes);
    let get = |wanted: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut pairs = lines.filter_map(|line| line.split_once('='));
        let value = pairs.rfind(|(key, _)| key.trim() == wanted)?.1;
        Some(value.split('#').next()?.trim_matches(['"', ' ', '\t', '\r']).to_owned())
    };
    let on = |key: &str| get(key).as_deref() == Some("y");
    let size: u64 = get("ResourceDisk.SwapSizeMB")?.parse().ok()?;
    if size == 0 || !on("ResourceDisk.Format") || !on("ResourceDisk.EnableSwap") {
        return None;
    }
    let point = get("ResourceDisk.MountPoint").unwrap_or_else(|| "/mnt/resource".to_owned());
    let what = format!("{}/swapfile", point.trim_end_matches('/'));
    Some(SwapSource { on: SwapGround::AzureTemporary, ..source(path, &what, None) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    fn found(fstab: &str, files: &[(&str, &str)]) -> Vec<String> {
        let (_dir, root) = laid_out(files);
        let mut gaps = Vec::new();
        let agent = files.iter().map(|(path, _)| *path).find(|path| path.ends_with("waagent.conf"));
        let found = read(&root, fstab, agent, &mut gaps);
        assert_eq!(gaps, []);
        let show = |s: SwapSource| {
            let priority = s.priority.map_or("-".to_owned(), |priority| priority.to_string());
            format!("{} {} {priority} {:?}", s.from.rsplit('/').next().unwrap_or_default(), s.what, s.on)
        };
        found.into_iter().map(show).collect()
    }

    #[test]
    fn swap_of_fstab() {
        for (fstab, wanted) in [
            ("", vec![]),
            (
                "UUID=1 / ext4 errors=remount-ro 0 1\nUUID=2 none swap sw 0 0\n",
                vec!["fstab UUID=2 - Storage"],
            ),
            ("LABEL=swap none swap\n", vec!["fstab LABEL=swap - Storage"]),
            ("#UUID=2 none swap sw 0 0\n# /dev/sda2 none swap sw\n", vec![]),
            ("/dev/sda2 none swap noauto,sw 0 0\n", vec![]),
            ("/dev/sda2 none swap sw,pri=5 0 0\n", vec!["fstab /dev/sda2 5 Storage"]),
            ("/dev/zram0 none swap defaults,pri=100 0 0\n", vec!["fstab /dev/zram0 100 Zram"]),
            ("/mnt/swapfile none swap sw 0 0\n", vec!["fstab /mnt/swapfile - Storage"]),
            ("/my\\040swap none swap sw 0 0\n", vec!["fstab /my swap - Storage"]),
            (
                "/dev/disk/cloud/azure_resource-part1 /mnt auto defaults 0 2\n/mnt/swap none swap sw\n",
                vec!["fstab /mnt/swap - AzureTemporary"],
            ),
            (
                "/dev/disk/cloud/azure_resource-part1 /mnt auto defaults 0 2\nUUID=b /mnt/data ext4 defaults\n\
                 /mnt/data/swap none swap sw\n",
                vec!["fstab /mnt/data/swap - Storage"],
            ),
        ] {
            assert_eq!(found(fstab, &[]), wanted, "{fstab}");
        }
    }

    #[test]
    fn swap_units_count_where_something_pulls_them_in() {
        let unit = "[Swap]\nWhat=/dev/vg/swap\nPriority=7\n";
        let wanted = "etc/systemd/system/swap.target.wants";
        assert_eq!(found("", &[("etc/systemd/system/dev-vg-swap.swap", unit)]), [""; 0]);
        assert_eq!(
            found(
                "",
                &[
                    ("etc/systemd/system/dev-vg-swap.swap", unit),
                    (&format!("{wanted}/dev-vg-swap.swap"), "-> ../dev-vg-swap.swap"),
                    (
                        "usr/lib/systemd/system/swapfile.swap",
                        "[Swap]\nWhat=/swapfile\nOptions=discard,pri=3\n"
                    ),
                    (&format!("{wanted}/swapfile.swap"), "-> /usr/lib/systemd/system/swapfile.swap"),
                    ("usr/lib/systemd/system/off.swap", "[Swap]\nWhat=/off\n"),
                    ("etc/systemd/system/off.swap", "-> /dev/null"),
                    (&format!("{wanted}/off.swap"), "-> /usr/lib/systemd/system/off.swap"),
                ]
            ),
            ["dev-vg-swap.swap /dev/vg/swap 7 Storage", "swapfile.swap /swapfile 3 Storage"]
        );
    }

    #[test]
    fn zram_is_made_where_the_generator_is_there_and_asked() {
        let generator = ("usr/lib/systemd/system-generators/zram-generator", "");
        let conf = ("usr/lib/systemd/zram-generator.conf", "[zram0]\nzram-size = ram / 2\n");
        assert_eq!(found("", &[conf]), [""; 0]);
        assert_eq!(found("", &[generator, conf]), ["zram-generator.conf /dev/zram0 100 Zram"]);
        let etc = |text: &str| found("", &[generator, conf, ("etc/systemd/zram-generator.conf", text)]);
        assert_eq!(etc("# none\n"), [""; 0]);
        assert_eq!(etc("[zram1]\nswap-priority=5\n"), ["zram-generator.conf /dev/zram1 5 Zram"]);
        for off in ["zram-size = 0", "mount-point = /x", "fs-type = ext4", "host-memory-limit = 2048"] {
            assert_eq!(etc(&format!("[zram0]\n{off}\n")), [""; 0], "{off}");
        }
        let drop_in = ("etc/systemd/zram-generator.conf.d/a.conf", "[zram0]\nswap-priority = 9\n");
        assert_eq!(found("", &[generator, conf, drop_in]), ["zram-generator.conf /dev/zram0 9 Zram"]);
    }

    #[test]
    fn the_agents_swap_lies_on_the_temporary_disk() {
        let agent = |text: &str| found("", &[("etc/waagent.conf", text)]);
        let all = "ResourceDisk.Format=y\nResourceDisk.EnableSwap=y\nResourceDisk.SwapSizeMB=2048\n";
        assert_eq!(agent(all), ["waagent.conf /mnt/resource/swapfile - AzureTemporary"]);
        assert_eq!(
            agent(&format!("{all}ResourceDisk.MountPoint=/mnt\n")),
            ["waagent.conf /mnt/swapfile - AzureTemporary"]
        );
        assert_eq!(agent(&all.replace("2048", "0")), [""; 0]);
        assert_eq!(agent(&all.replace("Format=y", "Format=n")), [""; 0]);
        assert_eq!(agent(&format!("{all}ResourceDisk.EnableSwap=n\n")), [""; 0]);
    }
}
