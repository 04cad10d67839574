//! Where an assignment lands: which file, under which directory, or nowhere that we write.

use super::{Format, Share, shares_of};
use crate::facts::{
    CMDLINE, DEVICES, Facts, Fragment, Initramfs, KARGS, MANAGER, OTHER_DEVICES, WAITS, served,
};
use crate::formats::fstab::FSTAB;
use crate::formats::grub;
use crate::initramfs::reader;
use crate::marker::{BASE_NAME, DEVICE_WAIT, DRIVER_LISTS, PREMOUNTS, addon};
use crate::resolve::sysctl;
use crate::stores::Store;
use crate::tunable::{Assignment, Target, Value, Verdict};

/// Where an assignment takes effect from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Landing {
    /// A modprobe.d option, for kernels in which the module is loadable.
    pub modprobe: bool,
    /// A kernel argument.
    pub cmdline: bool,
}

/// A module option goes to modprobe.d for kernels that load the module, to the command line for
/// kernels that have it built in, and to both where installed kernels differ. Where nobody could
/// tell, the command line is right in every case: the kernel and modprobe both read it.
pub fn landing(facts: &Facts, module: &str) -> Landing {
    let mut landing = Landing::default();
    for kernel in facts.system.kernels.iter().flatten() {
        match kernel.modules.get(module).and_then(|module| module.builtin) {
            Some(false) => landing.modprobe = true,
            Some(true) | None => landing.cmdline = true,
        }
    }
    if landing == Landing::default() {
        // A layer need not hold the kernels that it is laid over.
        landing = Landing { modprobe: facts.system.layer, cmdline: true };
    }
    landing
}

/// Every file that may be rendered, in plan order: one for each format, and one for each service.
pub(super) fn files() -> impl Iterator<Item = (Format, &'static str)> {
    let units = |format: Format| -> Vec<&'static str> {
        match format {
            Format::Unit => served().collect(),
            Format::Waits => WAITS.to_vec(),
            _ => vec![""],
        }
    };
    Format::ALL.into_iter().flat_map(move |format| units(format).into_iter().map(move |unit| (format, unit)))
}

/// The shares of a file: every verdict that puts something into it. `file`: the service of a drop-in.
pub(super) fn shares<'a>(
    verdicts: &'a [Verdict],
    facts: &Facts,
    format: Format,
    file: &str,
) -> Vec<Share<'a>> {
    // On other boot stacks arguments go into files of others, or are named under `pending`.
    let of_arguments = [Format::Grub, Format::Kargs, Format::Cmdline].contains(&format);
    if of_arguments && fragment(facts) != Some(format) {
        return Vec::new();
    }
    shares_of(verdicts, |assignment| match (format, &assignment.target) {
        (Format::Udev, Target::Udev { .. })
        | (Format::Sysctl, Target::Sysctl(_))
        | (Format::Grub, Target::KernelArg(_) | Target::DropKernelArg(_))
        | (Format::Kargs | Format::Cmdline, Target::KernelArg(_))
        | (Format::Multipath, Target::Multipath { .. })
        | (Format::Drivers, Target::Driver(_))
        | (Format::Premount, Target::Premount(_)) => true,
        (Format::Unit | Format::Waits, Target::Unit { unit, .. }) => *unit == file,
        (Format::Modprobe, Target::ModuleOption { module, .. }) => landing(facts, module).modprobe,
        (Format::Grub | Format::Kargs | Format::Cmdline, Target::ModuleOption { module, .. }) => {
            landing(facts, module).cmdline
        }
        _ => false,
    })
}

/// Where a file goes: `/usr/lib` in a layer and in an image, so that the administrator's file of the same name
/// replaces it whole; `/etc` on a live host, where the format has no vendor directory, and where a
/// file of ours stands there already.
pub(super) fn path(format: Format, facts: &Facts, unit: &str) -> String {
    let below_unit = format!("systemd/system/{unit}.d");
    let (directory, extension) = match format {
        Format::Udev => ("udev/rules.d", "rules"),
        Format::Sysctl => return sysctl::home(facts),
        Format::Modprobe => ("modprobe.d", "conf"),
        Format::Grub => return format!("etc/default/grub.d/{BASE_NAME}.cfg"),
        Format::Kargs => return format!("{KARGS}/{BASE_NAME}.toml"),
        Format::Cmdline => return format!("{CMDLINE}/{BASE_NAME}.conf"),
        Format::Multipath => return format!("etc/multipath/conf.d/{BASE_NAME}.conf"),
        Format::Waits if unit == MANAGER => ("systemd/system.conf.d", "conf"),
        Format::Unit | Format::Waits => (below_unit.as_str(), "conf"),
        Format::Premount => {
            let [host, image] = PREMOUNTS;
            let there = facts.system.ours.iter().any(|file| file.path == host);
            let place = if facts.system.layer || (facts.for_image() && !there) { image } else { host };
            return place.to_owned();
        }
        Format::Drivers => {
            let [host, image, debian] = DRIVER_LISTS;
            let there = facts.system.ours.iter().any(|file| file.path == host);
            let place = match reader(facts) {
                Some(Initramfs::Dracut) if facts.system.layer || (facts.for_image() && !there) => image,
                Some(Initramfs::Dracut) => host,
                _ => debian,
            };
            return place.to_owned();
        }
    };
    let name = if [DEVICES, OTHER_DEVICES].contains(&unit) { DEVICE_WAIT } else { BASE_NAME };
    let in_etc = format!("etc/{directory}/{name}.{extension}");
    let ours_there = facts.system.ours.iter().any(|file| file.path == in_etc);
    if facts.system.layer || (facts.for_image() && !ours_there) {
        return format!("usr/lib/{directory}/{name}.{extension}");
    }
    in_etc
}

/// The file of ours that carries an assignment, or the file of others in which it is edited; `None` where
/// nothing of ours does, as on a boot stack whose command line we do not write, or where a layer cannot hold
/// it. A module's option may go to two: the command line has the last word.
pub fn home(facts: &Facts, target: &Target) -> Option<String> {
    home_anywhere(facts, target).filter(|path| facts.takes(path))
}

fn home_anywhere(facts: &Facts, target: &Target) -> Option<String> {
    let own = || fragment(facts).map(|format| path(format, facts, ""));
    let grub = || own().filter(|_| facts.system.boot.own() == Some(Fragment::GrubD));
    // The first file that the next boot takes them from.
    let store = || {
        let files = &facts.system.boot.stores;
        let file = files.iter().find(|file| !matches!(file.store, Store::Shell(_))).or(files.first());
        file.map(|file| file.path.clone()).or_else(|| {
            let uki = facts.system.boot.uki.as_ref().filter(|uki| uki.by_hand.is_none())?;
            let (esp, _) = uki.images.first()?.split_once("EFI/Linux/")?;
            Some(format!("{}/{}", addon::global_dir(esp), addon::NAME))
        })
    };
    match target {
        Target::Udev { .. } => Some(path(Format::Udev, facts, "")),
        Target::Sysctl(_) => Some(path(Format::Sysctl, facts, "")),
        Target::Multipath { .. } => Some(path(Format::Multipath, facts, "")),
        Target::Unit { unit, .. } if WAITS.contains(unit) => Some(path(Format::Waits, facts, unit)),
        Target::Unit { unit, .. } => Some(path(Format::Unit, facts, unit)),
        Target::Premount(_) => Some(path(Format::Premount, facts, "")),
        Target::KernelArg(_) => own().or_else(store),
        Target::DropKernelArg(_) => grub(),
        Target::ModuleOption { module, .. } => match landing(facts, module) {
            Landing { cmdline: true, .. } => own().or_else(store),
            Landing { cmdline: false, .. } => Some(path(Format::Modprobe, facts, "")),
        },
        Target::Iscsi(_) => facts.system.iscsi.conf.as_ref().map(|conf| conf.path.clone()),
        Target::Waagent(_) => facts.system.writers.waagent.as_ref().map(|agent| agent.path.clone()),
        Target::Fstab(_) => Some(FSTAB.to_owned()),
        Target::Driver(_) => Some(path(Format::Drivers, facts, "")),
    }
}

/// The file of our own that takes kernel arguments on this boot stack, where it reads a directory of such.
fn fragment(facts: &Facts) -> Option<Format> {
    facts.system.boot.own().map(|directory| match directory {
        Fragment::GrubD => Format::Grub,
        Fragment::Kargs => Format::Kargs,
        Fragment::Cmdline => Format::Cmdline,
    })
}

/// The same, where it can stand alone on a line.
pub(super) fn plain_arg(assignment: &Assignment) -> Option<String> {
    let arg = kernel_arg(assignment)?;
    Value::new(&arg).is_ok().then_some(arg)
}

/// The kernel argument that an assignment stands for: `key=value`.
pub fn kernel_arg(assignment: &Assignment) -> Option<String> {
    match &assignment.target {
        Target::KernelArg(key) => Some(format!("{key}={}", assignment.want.value())),
        Target::ModuleOption { module, option } => {
            Some(format!("{module}.{option}={}", assignment.want.value()))
        }
        _ => None,
    }
}

/// What an assignment does to the command line.
pub(super) fn edit(assignment: &Assignment) -> grub::Edit {
    match kernel_arg(assignment) {
        Some(arg) => grub::Edit::Add(arg),
        None => grub::Edit::Drop(assignment.target.knob()),
    }
}

/// The fragment's lines for an edit.
pub(super) fn edit_lines(edit: &grub::Edit) -> Vec<String> {
    match edit {
        grub::Edit::Add(arg) => Value::new(arg).map(|arg| vec![grub::add_line(&arg)]).unwrap_or_default(),
        grub::Edit::Drop(key) => {
            Value::new(key).map(|key| grub::drop_lines(&key).to_vec()).unwrap_or_default()
        }
    }
}

/// The line by which a maker takes a driver more.
pub(super) fn driver_line(maker: Option<Initramfs>, driver: &str) -> String {
    match maker {
        Some(Initramfs::Dracut) => format!("add_drivers+=\" {driver} \""),
        _ => driver.to_owned(),
    }
}

/// Section, key and value of an assignment to multipath.conf.
pub(super) fn multipath_setting(assignment: &Assignment) -> Option<(&'static str, &'static str, String)> {
    match assignment.target {
        Target::Multipath { section, key } => Some((section, key, assignment.want.value().to_string())),
        _ => None,
    }
}

/// Their lines, neighbours of a section within one pair of braces.
pub(super) fn multipath_lines(settings: &[(&str, &str, String)]) -> Vec<String> {
    let mut lines = Vec::new();
    for section in settings.chunk_by(|one, next| one.0 == next.0) {
        lines.extend(section.first().map(|(name, ..)| format!("{name} {{")));
        lines.extend(section.iter().map(|(_, key, value)| format!("    {key} {value}")));
        lines.push("}".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Programs, Tuned, Writers};

    #[test]
    fn with_tuned_installed_a_sysctl_file_goes_to_etc() {
        let mut facts = Facts::default();
        assert_eq!(path(Format::Sysctl, &facts, ""), "usr/lib/sysctl.d/90-hvtune.conf");
        let programs = Programs { tuned: Some(Tuned::default()), ..Programs::default() };
        facts.system.writers = Writers { programs, ..Writers::default() };
        assert_eq!(path(Format::Sysctl, &facts, ""), "etc/sysctl.d/90-hvtune.conf");
        assert_eq!(path(Format::Udev, &facts, ""), "usr/lib/udev/rules.d/90-hvtune.rules");
    }
}
