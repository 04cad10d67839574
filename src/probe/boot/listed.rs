//! Directories of argument files, of which one may be ours: bootc's `kargs.d`, sdbootutil's `cmdline.d`.

use crate::facts::{Attribute, Boot, BootArg, BootStack, CMDLINE, Fragment, Holds, KARGS};
use crate::formats::arguments::{read_cmdline, read_kargs};
use crate::marker::{BASE_NAME, body_of};
use crate::stores::Store;
use crate::stores::place::KERNEL_CMDLINE;

use super::Look;
use super::arguments::{new_kernel, plain};

/// The directory of this stack in which a file of ours counts. On a running system bootc's is part of an
/// image that nobody can write; sdbootutil takes what is in its own behind a command line that has the root.
pub(super) fn own(look: &mut Look<'_>, boot: &Boot) -> Option<Fragment> {
    match boot.stack {
        BootStack::Bootc => {
            let booted = look.root.is_live() && look.there("run/ostree-booted");
            (!booted).then_some(Fragment::Kargs)
        }
        BootStack::SystemdBoot if boot.tools.cmdline_d => {
            let whole = look.text(KERNEL_CMDLINE)?;
            Store::Plain.find(whole.as_bytes()).is_ok().then_some(Fragment::Cmdline)
        }
        _ => None,
    }
}

/// The files of a directory in their order, as paths; `None`: the place of ours, which may not be there yet.
fn files(look: &mut Look<'_>, dir: &str, ending: &str, ours: &str) -> Vec<Option<String>> {
    let mut names = look.named(dir, "", ending);
    names.retain(|name| !name.starts_with('.'));
    if !names.iter().any(|name| name == ours) {
        names.push(ours.to_owned());
        names.sort_unstable();
    }
    let mut files = Vec::new();
    for name in names {
        let path = format!("{dir}/{name}");
        let is_ours = name == ours && look.text(&path).is_none_or(|text| body_of(text.as_bytes()).is_some());
        files.push((!is_ours).then_some(path));
    }
    files
}

/// The arguments that a bootc image brings.
pub(super) fn kargs(look: &mut Look<'_>, boot: &mut Boot) {
    let (mut args, mut ours_at) = (Vec::new(), None);
    for path in files(look, KARGS, ".toml", &format!("{BASE_NAME}.toml")) {
        let Some(path) = path else {
            ours_at = boot.own().map(|_| args.len());
            continue;
        };
        let Some(text) = look.text(&path) else {
            boot.doubts.push(format!("{path} could not be read"));
            continue;
        };
        let Some(file) = read_kargs(&text) else {
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
    boot.lines.push(new_kernel(KARGS, args, ours_at));
}

/// What sdbootutil puts behind `/etc/kernel/cmdline`: the vendor's files, then the administrator's.
pub(super) fn cmdline(look: &mut Look<'_>, boot: &mut Boot, args: &mut Vec<BootArg>) -> Option<usize> {
    let mut ours_at = None;
    let ours = format!("{BASE_NAME}.conf");
    let here = files(look, CMDLINE, "", &ours);
    let hidden = |name: &str| here.contains(&Some(format!("{CMDLINE}/{name}")));
    let vendor = "usr/kernel/cmdline.d";
    let mut vendors = look.named(vendor, "", "");
    vendors.retain(|name| !name.starts_with('.') && !hidden(name) && *name != ours);
    let all = vendors.into_iter().map(|name| Some(format!("{vendor}/{name}"))).chain(here);
    for path in all.collect::<Vec<_>>() {
        let Some(path) = path else {
            ours_at = boot.own().map(|_| args.len());
            continue;
        };
        match look.read(&path) {
            Attribute::Is(text) => {
                args.extend(
                    read_cmdline(&text).into_iter().flat_map(|(line, text)| plain(&path, line, text)),
                );
            }
            _ => boot.doubts.push(format!("{path} could not be read")),
        }
    }
    ours_at
}
