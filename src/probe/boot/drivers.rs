//! What the configuration of the initramfs's maker says of drivers.

use crate::facts::{Drivers, Initramfs, Taken, Undone};
use crate::formats::initramfs::{Setting, list, read, words};
use crate::marker::{BASE_NAME, body_of};
use crate::order::Named;

use super::Look;

/// initramfs-tools: its own file, then those of packages and of the administrator
/// (<https://salsa.debian.org/kernel-team/initramfs-tools>, `mkinitramfs`).
const DEBIAN: &str = "etc/initramfs-tools";
const DEBIAN_VENDOR: &str = "usr/share/initramfs-tools";
/// dracut: its own file, then drop-ins by name, of which `/etc` hides the vendor's
/// (<https://github.com/dracut-ng/dracut-ng/blob/106/dracut.sh>, `dropindirs_sort`).
const DRACUT: &str = "etc/dracut.conf";
const DRACUT_DROP_INS: [&str; 2] = ["usr/lib/dracut/dracut.conf.d", "etc/dracut.conf.d"];

/// A module that stands for those that ours names.
const OURS: &str = "hvtune_ours";

/// Reads it; `None` where that maker's is not known to us.
pub(super) fn drivers(look: &mut Look<'_>, maker: Option<Initramfs>) -> Option<Drivers> {
    match maker? {
        Initramfs::InitramfsTools => Some(initramfs_tools(look)),
        Initramfs::Dracut => Some(dracut(look)),
        Initramfs::Mkinitcpio | Initramfs::KernelInstall => None,
    }
}

/// The text of a file that is not ours.
fn others(look: &mut Look<'_>, path: &str) -> Option<String> {
    look.text(path).filter(|text| body_of(text.as_bytes()).is_none())
}

fn initramfs_tools(look: &mut Look<'_>) -> Drivers {
    let mut settings = Vec::new();
    let mut files = vec![format!("{DEBIAN}/initramfs.conf")];
    let own = look.named(&format!("{DEBIAN}/conf.d"), "", "");
    let vendor = look.named(&format!("{DEBIAN_VENDOR}/conf.d"), "", "");
    let vendor = vendor.into_iter().filter(|name| !own.contains(name));
    files.extend(vendor.map(|name| format!("{DEBIAN_VENDOR}/conf.d/{name}")));
    files.extend(own.iter().map(|name| format!("{DEBIAN}/conf.d/{name}")));
    files.retain(|path| !path.contains(".dpkg-"));
    for path in files {
        if let Some(text) = look.text(&path) {
            read(&path, &text, &mut settings);
        }
    }
    let lists = look.named(&format!("{DEBIAN_VENDOR}/modules.d"), "", "");
    let lists = lists.into_iter().map(|name| format!("{DEBIAN_VENDOR}/modules.d/{name}"));
    let mut named = Vec::new();
    for path in [format!("{DEBIAN}/modules")].into_iter().chain(lists) {
        named.extend(others(look, &path).map(|text| list(&text)).unwrap_or_default());
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
    Drivers { taken, because, named, left_out: Vec::new(), left_out_by: String::new(), undone: None }
}

fn dracut(look: &mut Look<'_>) -> Drivers {
    let own = format!("{BASE_NAME}.conf");
    let ours = format!("add_drivers+=\" {OURS} \"");
    let mut files: Named<String> = Named::new();
    files.insert(own.clone(), String::new());
    for dir in DRACUT_DROP_INS {
        for name in look.named(dir, "", ".conf") {
            let path = format!("{dir}/{name}");
            let is_ours = look.text(&path).is_some_and(|text| body_of(text.as_bytes()).is_some());
            if name != own || !is_ours {
                files.insert(name, path);
            }
        }
    }
    let hidden = files.get(&own).filter(|path| !path.is_empty()).cloned();
    let mut settings = Vec::new();
    for path in std::iter::once(DRACUT.to_owned()).chain(files.into_values()) {
        // A link to /dev/null takes a name too, and says nothing.
        let text = if path.is_empty() { ours.clone() } else { look.text(&path).unwrap_or_default() };
        read(&path, &text, &mut settings);
    }
    let undone = match (hidden, of(&settings, "add_drivers")) {
        (Some(path), _) => Some(Undone::Certainly(format!("{path} is read in its place"))),
        (None, Some(setting)) => match &setting.value {
            None => Some(Undone::Perhaps(said(setting))),
            Some(value) if value.contains(OURS) => None,
            Some(_) => Some(Undone::Certainly(said(setting))),
        },
        (None, None) => None,
    };
    let all = |variables: &[&str]| -> Vec<String> {
        let values = variables.iter().filter_map(|variable| of(&settings, variable)?.value.as_deref());
        values.flat_map(words).filter(|module| module != OURS).collect()
    };
    let named = all(&["drivers", "add_drivers", "force_drivers"]);
    // dracut drops what is named otherwise from the list of those to leave out.
    let left_out = all(&["omit_drivers"]).into_iter().filter(|module| !named.contains(module)).collect();
    let left_out_by = of(&settings, "omit_drivers").map(said).unwrap_or_default();
    let undecided = settings.iter().find(|setting| setting.value.is_none());
    let only = of(&settings, "drivers").filter(|setting| setting.value.as_deref() != Some(""));
    let (taken, because) = match (undecided.or(only), of(&settings, "hostonly")) {
        (Some(setting), _) if setting.value.is_none() => (Taken::Unknown, said(setting)),
        (Some(setting), _) => (Taken::OnlyNamed, said(setting)),
        (None, Some(setting)) if setting.value.as_deref() == Some("yes") => {
            (Taken::ThatMachine, said(setting))
        }
        (None, Some(setting)) => (Taken::Storage, said(setting)),
        (None, None) => (Taken::Storage, "dracut takes hostonly=no".to_owned()),
    };
    Drivers { taken, because, named, left_out, left_out_by, undone }
}

fn of<'s>(settings: &'s [Setting], variable: &str) -> Option<&'s Setting> {
    settings.iter().find(|setting| setting.variable == variable)
}

fn said(setting: &Setting) -> String {
    match &setting.value {
        Some(value) => format!("{} says {}={}", setting.origin, setting.variable, value.trim()),
        None => {
            format!("{} sets {} to what only a shell that runs can tell", setting.origin, setting.variable)
        }
    }
}
