//! The files of a root to which arguments of ours go, and where on each command line they stand.

use crate::facts::{Boot, BootArg, StoreFile};
use crate::formats::bls;
use crate::formats::grub::menu;
use crate::stacks::{self, Files, Loader, Need};
use crate::stores::place::KERNEL_CMDLINE;
use crate::stores::{Refusal, Store, place};
use crate::value::Value;

use super::Look;
use super::grub::ENTRIES;
use super::look::ESPS;

/// GRUB's environment blocks, in the order of looking.
pub(super) const GRUBENVS: [&str; 2] = ["boot/grub2/grubenv", "boot/grub/grubenv"];

/// An argument that stands for ours, while their place is looked for.
const OURS: &str = "hvtune.ours";

/// The files of this root's stack, in order. None where a place that the stack needs has no file: what
/// is not mounted is not told from what is not there.
pub(super) fn find(look: &mut Look<'_>, boot: &Boot) -> Vec<StoreFile> {
    // There the entries are made from this file by a program of its own.
    if boot.tools.sdbootutil {
        let written = boot.own().is_none() && boot.by_sdbootutil();
        return if written { one(look, KERNEL_CMDLINE, Store::Plain, Need::Required) } else { Vec::new() };
    }
    let mut found = Vec::new();
    for place in stacks::row(boot.stack).map_or(&[][..], |row| row.places) {
        let files = match place.files {
            Files::One(path, store) => one(look, path, store, place.need),
            Files::Entries(loader) => entries(look, loader),
            Files::Grubenv => grubenv(look),
        };
        if files.is_empty() && place.need == Need::Required {
            return Vec::new();
        }
        found.extend(files);
    }
    found
}

fn one(look: &mut Look<'_>, path: &str, store: Store<'static>, need: Need) -> Vec<StoreFile> {
    let Some(text) = look.text(path) else { return Vec::new() };
    // A variable that is not there is not needed: nothing is made from it.
    let lacks = matches!(store.find(text.as_bytes()), Err(Refusal::Missing { .. }));
    if lacks && matches!(store, Store::Shell(_)) && need == Need::IfPresent {
        return Vec::new();
    }
    vec![StoreFile { path: path.to_owned(), store, problem: None }]
}

/// Whether an entry takes its arguments from GRUB's environment block.
pub(super) fn takes_kernelopts(options: &str) -> bool {
    ["$kernelopts", "${kernelopts}"].iter().any(|variable| options.contains(variable))
}

/// The names of the entries in a directory that somebody boots in earnest.
pub(super) fn ordinary(look: &mut Look<'_>, dir: &str) -> Option<Vec<String>> {
    let mut names = look.names(dir)?;
    // Neither loader reads a hidden one.
    names.retain(|name| name.strip_suffix(".conf").is_some() && !name.starts_with('.'));
    names.sort_unstable();
    Some(names)
}

/// Whether a file is an entry that somebody boots in earnest.
pub(super) fn is_ordinary(name: &str, entry: &bls::Entry) -> bool {
    let other =
        menu::is_rescue(&entry.title) || name.contains("-0-rescue") || entry.linux.contains("memtest");
    !other && !entry.linux.is_empty()
}

/// Whether an entry is that of another installation on the same ESP.
pub(super) fn is_of_another(look: &mut Look<'_>, entry: &bls::Entry) -> bool {
    // "uninitialized" and an empty file are no identity yet.
    let own = look.text("etc/machine-id").map(|text| text.trim().to_owned()).unwrap_or_default();
    own.len() == 32 && !entry.machine_id.is_empty() && entry.machine_id != own
}

fn entries(look: &mut Look<'_>, loader: Loader) -> Vec<StoreFile> {
    let dirs = match loader {
        Loader::Grub => vec![ENTRIES.to_owned()],
        Loader::SystemdBoot => ESPS.iter().map(|esp| format!("{esp}loader/entries")).collect(),
    };
    let mut found = Vec::new();
    for dir in dirs {
        for name in ordinary(look, &dir).unwrap_or_default() {
            let path = format!("{dir}/{name}");
            let Some(text) = look.text(&path) else {
                let problem = Some("it could not be read".to_owned());
                found.push(StoreFile { path, store: Store::Bls, problem });
                continue;
            };
            let entry = bls::parse(&text);
            if !is_ordinary(&name, &entry) || is_of_another(look, &entry) {
                continue;
            }
            let by_block = entry.options.iter().any(|(_, options)| takes_kernelopts(options));
            if loader == Loader::SystemdBoot {
                found.push(StoreFile { path, store: Store::Bls, problem: None });
            } else if !by_block {
                found.push(StoreFile { path, store: Store::Bls, problem: bls::unread_by_grub(&text) });
            }
        }
    }
    found
}

/// GRUB's environment block: its file, that on the ESP where a link leads there, and why it cannot be
/// changed, where that is so.
pub(super) fn block(look: &mut Look<'_>) -> Option<(String, Option<String>)> {
    let path = GRUBENVS.into_iter().find(|path| look.there(path))?;
    let Some(target) = look.root.read_link(path).ok().flatten() else {
        return Some((path.to_owned(), None));
    };
    Some(below_efi(&target).map_or_else(
        || (path.to_owned(), Some(format!("it is a link to {target}: put the file itself there"))),
        |real| (real, None),
    ))
}

fn grubenv(look: &mut Look<'_>) -> Vec<StoreFile> {
    let store = Store::Grubenv("kernelopts");
    let file = block(look).map(|(path, problem)| StoreFile { path, store, problem });
    file.into_iter().collect()
}

/// Where a link of `/boot/grub2` leads, if that is to a vendor's directory on the ESP.
fn below_efi(target: &str) -> Option<String> {
    let rest = target.strip_prefix("../efi/EFI/").or_else(|| target.strip_prefix("/boot/efi/EFI/"))?;
    let path = format!("boot/efi/EFI/{rest}");
    place::is_store(&path).then_some(path)
}

/// A text with an argument in the place where ours stand, or will.
pub(super) fn marked(look: &mut Look<'_>, path: &str, store: Store<'_>) -> Option<String> {
    look.marked(path, store, &Value::word(OURS))
}

/// A variable's value with that argument at its end.
pub(super) fn marked_value(value: &str) -> String {
    if value.is_empty() { OURS.to_owned() } else { format!("{value} {OURS}") }
}

/// Whether an argument is the one that stands for ours.
pub(super) fn is_mark(arg: &BootArg) -> bool {
    arg.text.as_deref() == Some(OURS)
}

/// Takes that argument out again, and says where it stood.
pub(super) fn place_of_ours(args: &mut Vec<BootArg>) -> Option<usize> {
    let at = args.iter().position(is_mark)?;
    args.retain(|arg| !is_mark(arg));
    Some(at)
}
