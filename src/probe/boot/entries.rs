//! What the boot entries that are there pass to their kernels, and what a new kernel inherits.

use toml::de::{DeTable, DeValue};

use crate::cmdline::Cmdline;
use crate::facts::{Attribute, Boot, BootArg, BootLine, BootStack, Holds, LineKind};
use crate::formats::bls;
use crate::formats::grub::{self, GrubVariable, menu};
use crate::order::Named;

use super::alive::{MENUS, is_grub};
use super::config::environment;
use super::grub::ENTRIES;
use super::look::ESPS;
use super::stores::{is_of_another, is_ordinary, marked, marked_value, ordinary, place_of_ours};
use super::{Look, uki_image};
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
        }
        BootStack::SystemdBoot | BootStack::Uki => {
            for esp in ESPS {
                entries(look, boot, &format!("{esp}loader/entries"), Reader::SystemdBoot, &variables);
            }
        }
        stack if is_grub(stack) || stack == BootStack::TransactionalUpdate => menus(look, boot, &variables),
        _ => {}
    }
    inherited(look, boot, &variables);
    doubts(look, boot);
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

/// Arguments in a file that nothing is expanded in.
fn plain(path: &str, line: u32, text: &str) -> Vec<BootArg> {
    let argument = |text: String| BootArg {
        text: Some(text),
        path: path.to_owned(),
        line,
        holds: Holds::Yes,
        after_ours: true,
    };
    Cmdline::parse(text).args.into_iter().map(argument).collect()
}

/// The command line of a kernel that is installed later.
fn inherited(look: &mut Look<'_>, boot: &mut Boot, variables: &Named<GrubVariable>) {
    match boot.stack {
        BootStack::GrubBlsKernelopts => {
            let args = menu::args_of(ENTRIES, 0, "$kernelopts $tuned_params", variables, true);
            boot.lines.push(new_kernel("boot/grub2/grubenv", args));
        }
        BootStack::GrubBls | BootStack::SystemdBoot | BootStack::Uki => {
            // kernel-install asks them in this order, and then the running kernel.
            for path in ["etc/kernel/cmdline", "usr/lib/kernel/cmdline"] {
                match look.read(path) {
                    Attribute::Is(text) => {
                        let is_store = boot.stores.iter().any(|file| file.path == path);
                        let marked = marked(look, path, Store::Plain).filter(|_| is_store);
                        let text = marked.unwrap_or(text);
                        let lines =
                            (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('#'));
                        let args = lines.flat_map(|(number, line)| plain(path, number, line)).collect();
                        return boot.lines.push(new_kernel(path, args));
                    }
                    Attribute::Absent => {}
                    Attribute::Unknown => return boot.doubts.push(format!("{path} could not be read")),
                }
            }
        }
        BootStack::Bootc => kargs(look, boot),
        _ => {}
    }
}

fn new_kernel(path: &str, mut args: Vec<BootArg>) -> BootLine {
    let ours_at = place_of_ours(&mut args);
    BootLine {
        path: path.to_owned(),
        line: 1,
        entry: String::new(),
        kind: LineKind::NewKernel,
        args,
        ours_at,
    }
}

/// A file of bootc's `kargs.d` (<https://bootc-dev.github.io/bootc/building/kernel-arguments.html>).
#[derive(Debug, Default, PartialEq, Eq)]
struct Kargs {
    kargs: Vec<String>,
    match_architectures: Option<Vec<String>>,
}

/// `None` where bootc would not take it: an unknown key, a value of another type, no `kargs`.
fn parse_kargs(text: &str) -> Option<Kargs> {
    let table = DeTable::parse(text).ok()?;
    let mut file = Kargs::default();
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "kargs" => file.kargs = strings(value.get_ref())?,
            "match-architectures" => file.match_architectures = Some(strings(value.get_ref())?),
            _ => return None,
        }
    }
    table.get_ref().contains_key("kargs").then_some(file)
}

fn strings(value: &DeValue<'_>) -> Option<Vec<String>> {
    let DeValue::Array(items) = value else { return None };
    let mut strings = Vec::new();
    for item in items {
        let DeValue::String(string) = item.get_ref() else { return None };
        strings.push(string.to_string());
    }
    Some(strings)
}

/// The arguments that a bootc image brings.
fn kargs(look: &mut Look<'_>, boot: &mut Boot) {
    let dir = "usr/lib/bootc/kargs.d";
    let mut args = Vec::new();
    for name in look.named(dir, "", ".toml") {
        let path = format!("{dir}/{name}");
        let Some(text) = look.text(&path) else {
            boot.doubts.push(format!("{path} could not be read"));
            continue;
        };
        let Some(file) = parse_kargs(&text) else {
            boot.doubts.push(format!("{path} is not what bootc takes for arguments"));
            continue;
        };
        let holds = match &file.match_architectures {
            None => Holds::Yes,
            Some(names) => Holds::Maybe(format!("{path} is for {}", names.join(" and "))),
        };
        let found = file.kargs.iter().flat_map(|text| plain(&path, 0, text));
        args.extend(found.map(|arg| BootArg { holds: holds.clone(), ..arg }));
    }
    boot.lines.push(new_kernel(dir, args));
}

/// Command lines that no file of the root shows.
fn doubts(look: &mut Look<'_>, boot: &mut Boot) {
    match boot.stack {
        BootStack::Uki => {
            let image = uki_image(look).unwrap_or_else(|| "the unified kernel image".to_owned());
            boot.doubts.push(format!("{image} carries its own command line, which is not read"));
            for addon in addons(look) {
                boot.doubts.push(format!("{addon} adds arguments, which are not read"));
            }
        }
        BootStack::Nullboot => {
            boot.doubts.push(
                "nullboot's images carry their own command line, which no file of the root changes"
                    .to_owned(),
            );
        }
        BootStack::Flatcar => {
            boot.doubts.push("Flatcar's menu lies on partitions of its own, which are not read".to_owned());
        }
        BootStack::Unrecognised | BootStack::Unknown => {
            boot.doubts.push(format!("no boot loader was recognised: {}", boot.because));
        }
        _ => {}
    }
}

/// Addons of systemd-stub on the ESP, for all images and for one (man 7 systemd-stub).
fn addons(look: &mut Look<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for esp in ESPS {
        let mut dirs = vec![format!("{esp}loader/addons")];
        let images = look.named(&format!("{esp}EFI/Linux"), "", ".efi.extra.d");
        dirs.extend(images.iter().map(|image| format!("{esp}EFI/Linux/{image}")));
        for dir in dirs {
            found.extend(look.named(&dir, "", ".addon.efi").into_iter().map(|name| format!("{dir}/{name}")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kargs_are_what_bootc_takes() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (text, found) in [
            ("kargs = [\"quiet\", \"a=b\"]\n", Some((names(&["quiet", "a=b"]), None))),
            (
                "kargs = []\nmatch-architectures = [\"x86_64\"]\n",
                Some((names(&[]), Some(names(&["x86_64"])))),
            ),
            ("kargs = \"quiet\"\n", None),
            ("kargs = [1]\n", None),
            ("kargs = []\nother = 1\n", None),
            ("match-architectures = []\n", None),
            ("kargs = [\n", None),
        ] {
            let found = found.map(|(kargs, match_architectures)| Kargs { kargs, match_architectures });
            assert_eq!(parse_kargs(text), found, "{text}");
        }
    }
}
