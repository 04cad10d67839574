//! Installed kernels, and what each says of the modules that have parameters for us.
//!
//! Whether a driver is built in differs by kernel flavour (Debian's cloud kernel
//! has `nvme_core` built in, the generic one does not), and modprobe.d does nothing
//! for a built-in one; so every installed kernel is asked, by its own files
//! (<https://docs.kernel.org/kbuild/kbuild.html#modules-builtin>).

use std::collections::BTreeSet;

use object::{Object, ObjectSection};

use crate::facts::{Attribute, Gap, InstalledKernel, KernelRelease, ModuleFact};
use crate::order::Named;
use crate::order::set;
use crate::root::{CONFIG_LIMIT, Dir, Kind, Root};

use super::{BOOT_DRIVERS, MODULES, noted};

/// Where kernels are installed: merged `/usr` first.
const DIRS: &[&str] = &["usr/lib/modules", "lib/modules"];
/// A module, and the descriptions of all built-in parameters, are smaller than this by far.
const MODULE_LIMIT: usize = 8 << 20;
/// Suffixes of modules whose parameters cannot be read without unpacking.
const COMPRESSED: &[&str] = &[".xz", ".zst", ".gz"];

/// Every installed kernel, oldest first; empty where none is installed, `None` = could not tell.
pub fn read(root: &Root, gaps: &mut Vec<Gap>) -> Option<Vec<InstalledKernel>> {
    let mut kernels = Vec::new();
    let mut told = true;
    for path in DIRS {
        let entries = noted(gaps, "kernels", path, root.list(path));
        told &= entries != Attribute::Unknown;
        for entry in entries.into_value().unwrap_or_default() {
            if entry.kind == Kind::Dir {
                let Some(kernel) = read_kernel(root, path, &entry.name, gaps) else { continue };
                let place = kernels.partition_point(|other: &InstalledKernel| other.release < kernel.release);
                kernels.insert(place, kernel);
            }
        }
        if !kernels.is_empty() {
            break;
        }
    }
    (told || !kernels.is_empty()).then_some(kernels)
}

/// A kernel, where the directory holds one: removed kernels leave directories behind.
fn read_kernel(root: &Root, parent: &str, name: &str, gaps: &mut Vec<Gap>) -> Option<InstalledKernel> {
    let path = format!("{parent}/{name}");
    let fact = format!("kernels.{name}");
    let dir = noted(gaps, &fact, &path, root.dir(&path)).into_value()?;
    let list = format!("{path}/modules.builtin");
    let builtin = noted(gaps, &fact, &list, root.read_at_most(&list, CONFIG_LIMIT));
    if builtin == Attribute::Absent {
        let mut there = |name| noted(gaps, &fact, &path, dir.kind(name)).value().is_some();
        if !there("modules.dep") && !there("kernel") {
            return None;
        }
        gaps.push(Gap::new(&fact, &list, "absent"));
    }
    let Some(release) = KernelRelease::parse(name) else {
        gaps.push(Gap::new(&fact, &path, "its name does not start with a version"));
        return None;
    };
    let builtin = builtin.into_value().map(|bytes| parse_builtin(&String::from_utf8_lossy(&bytes)));
    let mut kernel = Kernel { root, path, fact, builtin, modinfo: None };
    let mut modules = Named::new();
    modules.extend(MODULES.iter().map(|module| ((*module).to_owned(), kernel.module(module, gaps))));
    let of = |names: &BTreeSet<String>| {
        BOOT_DRIVERS.iter().filter(|driver| names.contains(**driver)).copied().collect()
    };
    Some(InstalledKernel { release, modules, built_in: kernel.builtin.as_ref().map(of) })
}

/// An installed kernel while its modules are looked up.
struct Kernel<'root> {
    root: &'root Root,
    path: String,
    fact: String,
    /// Names of built-in modules, with underscores; `None` = could not tell.
    builtin: Option<BTreeSet<String>>,
    /// Parameters of built-in modules, read once a built-in one is met.
    modinfo: Option<Attribute<Parameters>>,
}

/// Parameters by module.
type Parameters = Named<BTreeSet<String>>;

impl Kernel<'_> {
    fn module(&mut self, module: &str, gaps: &mut Vec<Gap>) -> ModuleFact {
        if self.builtin.as_ref().is_some_and(|names| names.contains(module)) {
            return ModuleFact { builtin: Some(true), parameters: self.builtin_parameters(module, gaps) };
        }
        let parameters = self.loadable(module, gaps);
        let builtin = match (&self.builtin, &parameters) {
            // Neither listed as built in nor found, with no list to say that it is not.
            (None, Attribute::Absent) => return ModuleFact::default(),
            _ => Some(false),
        };
        ModuleFact { builtin, parameters }
    }

    /// `modules.builtin.modinfo` exists since Linux 5.2; without it nothing in the root tells.
    fn builtin_parameters(&mut self, module: &str, gaps: &mut Vec<Gap>) -> Attribute<BTreeSet<String>> {
        let modinfo = self.modinfo.get_or_insert_with(|| {
            let path = format!("{}/modules.builtin.modinfo", self.path);
            match noted(gaps, &self.fact, &path, self.root.read_at_most(&path, MODULE_LIMIT)) {
                Attribute::Is(bytes) => Attribute::Is(parse_builtin_modinfo(&bytes)),
                Attribute::Absent | Attribute::Unknown => Attribute::Unknown,
            }
        });
        match modinfo {
            Attribute::Is(all) => Attribute::Is(all.get(module).cloned().unwrap_or_default()),
            Attribute::Absent | Attribute::Unknown => Attribute::Unknown,
        }
    }

    /// Parameters of a loadable module; `Absent` where there is no such module.
    fn loadable(&self, module: &str, gaps: &mut Vec<Gap>) -> Attribute<BTreeSet<String>> {
        let Some((below, file)) = place_of(module) else { return Attribute::Unknown };
        let path = format!("{}/{below}", self.path);
        let dir: Dir<'_> = match noted(gaps, &self.fact, &path, self.root.dir(&path)) {
            Attribute::Is(dir) => dir,
            Attribute::Absent => return Attribute::Absent,
            Attribute::Unknown => return Attribute::Unknown,
        };
        let path = format!("{path}/{file}");
        match dir.kind(file) {
            Ok(Some(_)) => {
                let bytes = noted(gaps, &self.fact, &path, self.root.read_at_most(&path, MODULE_LIMIT));
                let Attribute::Is(bytes) = bytes else { return Attribute::Unknown };
                return parse_modinfo(&bytes).map_or_else(
                    |why| {
                        gaps.push(Gap::new(&self.fact, &path, why));
                        Attribute::Unknown
                    },
                    Attribute::Is,
                );
            }
            Ok(None) => {}
            Err(_) => return Attribute::Unknown,
        }
        let packed = |suffix: &&str| !matches!(dir.kind(&format!("{file}{suffix}")), Ok(None));
        if COMPRESSED.iter().any(packed) { Attribute::Unknown } else { Attribute::Absent }
    }
}

/// Where a module's file stands, below the kernel's directory.
fn place_of(module: &str) -> Option<(&'static str, &'static str)> {
    Some(match module {
        "hv_storvsc" => ("kernel/drivers/scsi", "hv_storvsc.ko"),
        "scsi_mod" => ("kernel/drivers/scsi", "scsi_mod.ko"),
        "nvme_core" => ("kernel/drivers/nvme/host", "nvme-core.ko"),
        _ => return None,
    })
}

/// Names in `modules.builtin`: `kernel/drivers/nvme/host/nvme-core.ko` is `nvme_core`.
pub(crate) fn parse_builtin(text: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let file = line.trim().rsplit('/').next().unwrap_or_default();
        file.strip_suffix(".ko").map(|name| name.replace('-', "_"))
    };
    set(text.lines().filter_map(name))
}

/// Parameters in `modules.builtin.modinfo`: NUL-terminated `MODULE.KEY=VALUE`.
pub(crate) fn parse_builtin_modinfo(bytes: &[u8]) -> Parameters {
    let mut all = Parameters::new();
    for entry in bytes.split(|&byte| byte == 0) {
        let Some((module, entry)) = std::str::from_utf8(entry).ok().and_then(|text| text.split_once('.'))
        else {
            continue;
        };
        if let Some(name) = parameter_of(entry) {
            all.or_insert_with(module.replace('-', "_"), Default::default).insert(name.to_owned());
        }
    }
    all
}

/// Parameters in a module's `.modinfo` section: NUL-terminated `KEY=VALUE`.
pub(crate) fn parse_modinfo(module: &[u8]) -> Result<BTreeSet<String>, String> {
    let file = object::File::parse(module).map_err(|error| format!("no kernel module: {error}"))?;
    let section = file.section_by_name(".modinfo").ok_or("no kernel module: it has no .modinfo section")?;
    let bytes = section.data().map_err(|error| format!("no kernel module: {error}"))?;
    let entries = bytes.split(|&byte| byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
    Ok(set(entries.filter_map(parameter_of).map(str::to_owned)))
}

/// The parameter that `parm=NAME:description` or `parmtype=NAME:type` tells of.
fn parameter_of(entry: &str) -> Option<&str> {
    let rest = entry.strip_prefix("parm=").or_else(|| entry.strip_prefix("parmtype="))?;
    rest.split_once(':').map(|(name, _)| name)
}

#[cfg(test)]
mod tests;
