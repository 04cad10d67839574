//! What the configuration of the initramfs's maker says of drivers.

use crate::facts::{Attribute, Drivers, Initramfs, Taken, Undone};
use crate::formats::initramfs::{Setting, list, read as take, undecided, words};
use crate::marker::{BASE_NAME, is_ours};
use crate::order::Named;

use super::Look;
use super::tools::maker;

/// initramfs-tools: its own file, the drop-ins of packages, those of the administrator, which hide a package's of
/// the same name, and what packages have to say at the end
/// (<https://salsa.debian.org/kernel-team/initramfs-tools>, `mkinitramfs`).
const CONF: &str = "etc/initramfs-tools/initramfs.conf";
const DROP_INS: &str = "etc/initramfs-tools/conf.d";
const VENDOR_DROP_INS: &str = "usr/share/initramfs-tools/conf.d";
const HOOKS: &str = "usr/share/initramfs-tools/conf-hooks.d";
/// Its lists of modules: the administrator's, and those of packages.
const MODULES: &str = "etc/initramfs-tools/modules";
const VENDOR_MODULES: &str = "usr/share/initramfs-tools/modules.d";
/// dracut: its own file, then drop-ins by name, of which `/etc` hides the vendor's
/// (<https://github.com/dracut-ng/dracut-ng/blob/106/dracut.sh>, `dropindirs_sort`).
const DRACUT: &str = "etc/dracut.conf";
const DRACUT_DROP_INS: [&str; 2] = ["usr/lib/dracut/dracut.conf.d", "etc/dracut.conf.d"];

/// A module that stands for those that ours names.
const OURS: &str = "hvtune_ours";

/// Reads it; `None` where that maker's is not known to us.
pub(super) fn read(look: &mut Look<'_>, named: Initramfs) -> Option<Drivers> {
    match maker(look, named) {
        Initramfs::InitramfsTools => Some(initramfs_tools(look)),
        Initramfs::Dracut => Some(dracut(look)),
        Initramfs::Mkinitcpio | Initramfs::KernelInstall => None,
    }
}

/// The names in a directory that its reader takes. `unlisted`: directories that could not be listed.
fn names(look: &mut Look<'_>, dir: &str, takes: fn(&str) -> bool, unlisted: &mut Vec<String>) -> Vec<String> {
    let Some(mut names) = look.names(dir) else {
        unlisted.push(dir.to_owned());
        return Vec::new();
    };
    names.retain(|name| takes(name));
    names.sort_unstable();
    names
}

/// The text of a file, `None` where it is not there; where it could not be read nothing is known from then on.
fn text(look: &mut Look<'_>, path: &str, settings: &mut Vec<Setting>) -> Option<String> {
    let read = look.read(path);
    if read == Attribute::Unknown {
        undecided(path, settings);
    }
    read.into_value()
}

/// Takes a file's assignments up.
fn settle(look: &mut Look<'_>, path: &str, settings: &mut Vec<Setting>) {
    let text = text(look, path, settings).unwrap_or_default();
    take(path, &text, settings);
}

/// As `maybe_add_conf` of mkinitramfs takes them.
fn is_conf(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain)
        && !name.contains(".dpkg-")
}

fn initramfs_tools(look: &mut Look<'_>) -> Drivers {
    let (mut settings, mut unlisted) = (Vec::new(), Vec::new());
    let own = names(look, DROP_INS, |_| true, &mut unlisted);
    let mut vendor = names(look, VENDOR_DROP_INS, is_conf, &mut unlisted);
    vendor.retain(|name| !own.contains(name));
    let hooks = names(look, HOOKS, |_| true, &mut unlisted);
    let own = own.into_iter().filter(|name| is_conf(name)).collect();
    settle(look, CONF, &mut settings);
    for (dir, names) in [(VENDOR_DROP_INS, vendor), (DROP_INS, own), (HOOKS, hooks)] {
        for name in names {
            settle(look, &format!("{dir}/{name}"), &mut settings);
        }
    }
    let mut lists = vec![MODULES.to_owned()];
    let vendor = names(look, VENDOR_MODULES, |_| true, &mut unlisted);
    lists.extend(vendor.into_iter().map(|name| format!("{VENDOR_MODULES}/{name}")));
    let mut named = Vec::new();
    for path in lists {
        let text = text(look, &path, &mut settings).filter(|text| !is_ours(&path, text.as_bytes()));
        named.extend(list(&text.unwrap_or_default()));
    }
    for dir in &unlisted {
        undecided(dir, &mut settings);
    }
    let (taken, because) = match of(&settings, "MODULES") {
        None => (Taken::StorageAndNetwork, "initramfs-tools takes MODULES=most".to_owned()),
        Some(setting) => match setting.value.as_deref() {
            Some("most") => (Taken::StorageAndNetwork, said(setting)),
            Some("netboot") => (Taken::Network, said(setting)),
            Some("dep") => (Taken::ThatMachine, said(setting)),
            Some("list") => (Taken::OnlyNamed, said(setting)),
            _ => (Taken::Unknown, said(setting)),
        },
    };
    let (left_out, left_out_by) = (Vec::new(), String::new());
    Drivers { by: Initramfs::InitramfsTools, taken, because, named, left_out, left_out_by, undone: None }
}

/// Every file of dracut's in the order of reading, as if ours were among them; and the file that stands in its
/// place, where one does.
pub(super) fn dracut_settings(look: &mut Look<'_>) -> (Vec<Setting>, Option<String>) {
    let (mut settings, mut unlisted) = (Vec::new(), Vec::new());
    let own = format!("{BASE_NAME}.conf");
    // Ours has no path here.
    let mut files: Named<String> = Named::new();
    files.insert(own.clone(), String::new());
    for dir in DRACUT_DROP_INS {
        for name in names(look, dir, |name| name.strip_suffix(".conf").is_some(), &mut unlisted) {
            let path = format!("{dir}/{name}");
            if name != own || !look.text(&path).is_some_and(|text| is_ours(&path, text.as_bytes())) {
                files.insert(name, path);
            }
        }
    }
    let hidden = files.get(&own).filter(|path| !path.is_empty()).cloned();
    for path in std::iter::once(DRACUT.to_owned()).chain(files.into_values()) {
        // A link that leads nowhere takes a name too, and says nothing.
        match path.as_str() {
            "" => take("", &format!("add_drivers+=\" {OURS} \""), &mut settings),
            path => settle(look, path, &mut settings),
        }
    }
    for dir in &unlisted {
        undecided(dir, &mut settings);
    }
    (settings, hidden)
}

fn dracut(look: &mut Look<'_>) -> Drivers {
    let (settings, hidden) = dracut_settings(look);
    let value = |variable: &str| of(&settings, variable)?.value.as_deref();
    let mut named = Vec::new();
    for variable in ["drivers", "add_drivers", "force_drivers"] {
        named.extend(words(value(variable).unwrap_or_default()));
    }
    named.retain(|module| module != OURS);
    // dracut drops what is named otherwise from the list of those to leave out, and makes `_` of the first `-`.
    let omitted = value("omit_drivers").unwrap_or_default().replacen('-', "_", 1);
    let mut left_out: Vec<String> = omitted.split_whitespace().map(str::to_owned).collect();
    left_out.retain(|module| !named.contains(module));
    let left_out_by = of(&settings, "omit_drivers").map(said).unwrap_or_default();
    let (taken, because) = dracut_takes(&settings);
    let undone = undone(&settings, hidden);
    Drivers { by: Initramfs::Dracut, taken, because, named, left_out, left_out_by, undone }
}

fn dracut_takes(settings: &[Setting]) -> (Taken, String) {
    if let Some(setting) =
        settings.iter().find(|one| one.value.is_none() && !one.variable.starts_with("install"))
    {
        return (Taken::Unknown, said(setting));
    }
    if let Some(setting) = of(settings, "drivers").filter(|setting| setting.value.as_deref() != Some("")) {
        return (Taken::OnlyNamed, said(setting));
    }
    match of(settings, "hostonly") {
        Some(setting) if matches!(setting.value.as_deref(), Some("yes" | "-h")) => {
            (Taken::ThatMachine, said(setting))
        }
        Some(setting) => (Taken::Storage, said(setting)),
        None => (Taken::Storage, "dracut takes hostonly=no".to_owned()),
    }
}

/// What becomes of ours, which was read among the others.
fn undone(settings: &[Setting], hidden: Option<String>) -> Option<Undone> {
    if let Some(path) = hidden {
        return Some(Undone::Certainly(format!("{path} is read in its place")));
    }
    let setting = of(settings, "add_drivers")?;
    match &setting.value {
        None => Some(Undone::Perhaps(said(setting))),
        Some(value) if value.contains(OURS) => None,
        Some(_) => Some(Undone::Certainly(said(setting))),
    }
}

pub(super) fn of<'s>(settings: &'s [Setting], variable: &str) -> Option<&'s Setting> {
    settings.iter().find(|setting| setting.variable == variable)
}

pub(super) fn said(setting: &Setting) -> String {
    match &setting.value {
        Some(value) => format!("{} says {}={}", setting.origin, setting.variable, value.trim()),
        None => {
            format!("{} sets {} to what only a shell that runs can tell", setting.origin, setting.variable)
        }
    }
}
