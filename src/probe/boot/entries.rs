//! What the boot entries that are there pass to their kernels, and what a new kernel inherits.

use crate::facts::{Attribute, Boot, BootArg, BootLine, BootStack, LineKind};
use crate::formats::bls;
use crate::formats::grub::{self, GrubVariable, menu};
use crate::order::Named;

use super::Look;
use super::alive::{MENUS, is_grub};
use super::arguments::{new_kernel, plain};
use super::config::environment;
use super::grub::ENTRIES;
use super::look::ESPS;
use super::stores::{is_of_another, is_ordinary, marked, marked_value, ordinary, place_of_ours};
use super::{listed, oem};
use crate::stores::Store;

/// Who reads the entries of `loader/entries`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// GRUB takes the first `options` line, and knows variables.
    Grub,
    /// systemd-boot joins all of them.
    SystemdBoot,
}

/// Reads them into the boot facts.
pub(super) fn read(look: &mut Look<'_>, boot: &mut Boot) {
    let mut variables = variables(look);
    mark_block(look, boot, &mut variables);
    match boot.stack {
        BootStack::GrubBls | BootStack::GrubBlsKernelopts | BootStack::Ostree | BootStack::Bootc => {
            entries(look, boot, ENTRIES, Reader::Grub, &variables);
            if matches!(boot.stack, BootStack::Ostree | BootStack::Bootc) {
                keep_default(look, boot);
            }
        }
        BootStack::Flatcar => oem::read(look, boot),
        BootStack::SystemdBoot | BootStack::Uki => {
            for esp in ESPS {
                entries(look, boot, &format!("{esp}loader/entries"), Reader::SystemdBoot, &variables);
            }
        }
        stack if is_grub(stack) || stack == BootStack::TransactionalUpdate => menus(look, boot, &variables),
        _ => {}
    }
    inherited(look, boot, &variables);
    doubts(boot);
}

/// Variables of GRUB's script: what the menu sets, and over it the environment block.
fn variables(look: &mut Look<'_>) -> Named<GrubVariable> {
    let mut known = Named::new();
    for path in MENUS {
        if let Some(text) = look.text(path) {
            known.extend(menu::set_in(path, &text));
        }
    }
    known.extend(environment(look));
    known
}

/// Puts the argument that stands for ours into GRUB's environment block, on a stack that has ours there.
fn mark_block(look: &mut Look<'_>, boot: &Boot, variables: &mut Named<GrubVariable>) {
    let Some(file) = boot.stores.iter().find(|file| matches!(file.store, Store::Grubenv(_))) else { return };
    let marked = marked(look, &file.path, file.store);
    let block = marked.and_then(|text| grub::env::parse(&text)).unwrap_or_default();
    let value = block.into_iter().find(|(_, name, _)| name == "kernelopts").map(|(.., value)| value);
    let variable = variables.get_mut("kernelopts").and_then(|variable| variable.text.as_mut());
    if let Some(text) = variable {
        // A full block has no room for one more.
        *text = value.unwrap_or_else(|| marked_value(text));
    }
}

/// GRUB's menus, those on the ESP among them (EL 7).
fn menus(look: &mut Look<'_>, boot: &mut Boot, variables: &Named<GrubVariable>) {
    let mut paths: Vec<String> = MENUS.iter().map(|path| (*path).to_owned()).collect();
    let esp = "boot/efi/EFI";
    let vendors = look.names(esp).unwrap_or_default();
    paths.extend(vendors.iter().map(|vendor| format!("{esp}/{vendor}/grub.cfg")));
    for path in paths {
        match look.read(&path) {
            Attribute::Is(text) => {
                let mut lines = menu::menu_lines(&path, &text, variables);
                for line in &mut lines {
                    line.ours_at = place_of_ours(&mut line.args);
                }
                boot.lines.extend(lines);
            }
            Attribute::Absent => {}
            Attribute::Unknown => boot.doubts.push(format!("{path} could not be read")),
        }
    }
}

/// The files of one `loader/entries`.
fn entries(look: &mut Look<'_>, boot: &mut Boot, dir: &str, reader: Reader, variables: &Named<GrubVariable>) {
    let Some(names) = ordinary(look, dir) else {
        return boot.doubts.push(format!("{dir} could not be listed"));
    };
    for name in names {
        let path = format!("{dir}/{name}");
        let Some(text) = look.text(&path) else {
            boot.doubts.push(format!("{path} could not be read"));
            continue;
        };
        let mut entry = bls::parse(&text);
        if !is_ordinary(&name, &entry) || is_of_another(look, &entry) {
            continue;
        }
        let is_store = boot.stores.iter().any(|file| file.path == path);
        if is_store && let Some(marked) = marked(look, &path, Store::Bls) {
            entry.options = bls::parse(&marked).options;
        } else if boot.by_sdbootutil() {
            // Ours are there once it has made the entry anew.
            entry.options = bls::parse(&look.whole(&path)).options;
        }
        let used = if reader == Reader::Grub { 1 } else { entry.options.len() };
        let args = entry.options.iter().take(used).flat_map(|(line, text)| match reader {
            Reader::Grub => menu::args_of(&path, *line, text, variables, true),
            Reader::SystemdBoot => plain(&path, *line, text),
        });
        let mut args: Vec<BootArg> = args.collect();
        let ours_at = place_of_ours(&mut args);
        let line = entry.options.first().map_or(1, |(line, _)| *line);
        let title = if entry.title.is_empty() { name } else { entry.title };
        boot.lines.push(BootLine { path, line, entry: title, kind: LineKind::Entry, args, ours_at });
    }
}

/// Leaves the entry of the deployment that is booted next, where it is told by its number: those before it
/// keep the arguments that they were made with
/// (<https://ostreedev.github.io/ostree/deployment/>).
fn keep_default(look: &mut Look<'_>, boot: &mut Boot) {
    let mut number = |line: &BootLine| -> Option<u64> {
        let text = look.text(&line.path)?;
        bls::parse(&text).version.parse().ok()
    };
    let numbers: Option<Vec<u64>> = boot.lines.iter().map(&mut number).collect();
    let Some(numbers) = numbers else { return };
    let Some(last) = numbers.iter().max() else { return };
    let mut numbered = numbers.iter();
    boot.lines.retain(|_| numbered.next() == Some(last));
}

/// What a kernel that is installed later gets.
fn inherited(look: &mut Look<'_>, boot: &mut Boot, variables: &Named<GrubVariable>) {
    match boot.stack {
        BootStack::GrubBlsKernelopts => {
            let mut args = menu::args_of(ENTRIES, 0, "$kernelopts $tuned_params", variables, true);
            let ours_at = place_of_ours(&mut args);
            boot.lines.push(new_kernel("boot/grub2/grubenv", args, ours_at));
        }
        BootStack::GrubBls | BootStack::SystemdBoot => {
            // kernel-install asks them in this order, and then the running kernel.
            for path in ["etc/kernel/cmdline", "usr/lib/kernel/cmdline"] {
                match look.read(path) {
                    Attribute::Is(text) => {
                        let is_store = boot.stores.iter().any(|file| file.path == path);
                        let marked = marked(look, path, Store::Plain).filter(|_| is_store);
                        let text = marked.unwrap_or(text);
                        let lines =
                            (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('#'));
                        let args = lines.flat_map(|(number, line)| plain(path, number, line));
                        let mut args: Vec<BootArg> = args.collect();
                        let mut ours_at = place_of_ours(&mut args);
                        if boot.tools.cmdline_d {
                            ours_at = listed::cmdline(look, boot, &mut args).or(ours_at);
                        }
                        return boot.lines.push(new_kernel(path, args, ours_at));
                    }
                    Attribute::Absent => {}
                    Attribute::Unknown => return boot.doubts.push(format!("{path} could not be read")),
                }
            }
        }
        BootStack::Bootc => listed::kargs(look, boot),
        _ => {}
    }
}

/// Command lines that no file of the root shows.
fn doubts(boot: &mut Boot) {
    match boot.stack {
        BootStack::Nullboot => {
            boot.doubts.push(
                "nullboot's images carry their own command line, which no file of the root changes"
                    .to_owned(),
            );
        }
        BootStack::Unrecognised | BootStack::Unknown => {
            boot.doubts.push(format!("no boot loader was recognised: {}", boot.because));
        }
        _ => {}
    }
}
