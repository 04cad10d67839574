//! NVMe namespaces: which controller they belong to, and what that calls itself.

use super::attrs::Reader;
use super::path::{parse_nvme, resolve, split_last};
use crate::facts::{Attribute, Class, Gap};
use crate::order::Named;
use crate::probe::noted;
use crate::root::Root;

/// Native-multipath heads live here, away from the controllers that serve them
/// (<https://docs.kernel.org/admin-guide/nvme-multipath.html>).
const SUBSYSTEMS: &str = "sys/devices/virtual/nvme-subsystem/";

/// What a namespace's parent directory, a controller or a subsystem, says.
#[derive(Debug, Clone, Default)]
struct Parent {
    model: String,
    /// It is reached over a network, whose timers are others (`ctrl_loss_tmo`, `fast_io_fail_tmo`), or that could not
    /// be told.
    may_be_fabric: bool,
    /// Instance numbers of a subsystem's controllers.
    controllers: Vec<u32>,
}

/// The controllers and subsystems met so far, by path: one Azure controller serves all remote disks.
#[derive(Debug)]
pub(super) struct Controllers<'root> {
    machine: &'root Root,
    met: Named<Parent>,
}

/// What a namespace is.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) class: Class,
    pub(super) model: String,
    /// What the paths of a head would be called; not all of them need exist.
    pub(super) paths: Vec<String>,
}

impl<'root> Controllers<'root> {
    pub(super) fn new(machine: &'root Root) -> Self {
        Self { machine, met: Named::new() }
    }

    /// Looks up a namespace by name and resolved path.
    pub(super) fn namespace(&mut self, name: &str, path: &str, gaps: &mut Vec<Gap>) -> Namespace {
        let above = split_last(path).map_or("", |(above, _)| above);
        let machine = self.machine;
        let parent = self.met.or_insert_with(above.to_owned(), || {
            if path.starts_with(SUBSYSTEMS) {
                return read_subsystem(machine, above, name, gaps);
            }
            let may_be_fabric = may_be_fabric(machine, above, name, gaps);
            Parent { model: read_model(machine, above, name, gaps), may_be_fabric, controllers: Vec::new() }
        });
        let paths = match parse_nvme(name) {
            Some((subsystem, None, namespace)) => {
                parent.controllers.iter().map(|c| format!("nvme{subsystem}c{c}n{namespace}")).collect()
            }
            _ => Vec::new(),
        };
        let class = match class_of(&parent.model) {
            // Azure's are on PCI.
            Class::Nvme if parent.may_be_fabric => Class::Other,
            class => class,
        };
        Namespace { class, model: parent.model.clone(), paths }
    }
}

/// The class by the model, which Azure's own rules go by
/// (<https://github.com/Azure/azure-vm-utils/blob/main/udev/80-azure-disk.rules>).
fn class_of(model: &str) -> Class {
    match model {
        "MSFT NVMe Accelerator v1.0" => Class::NvmeAzureRemote,
        "Microsoft NVMe Direct Disk" | "Microsoft NVMe Direct Disk v2" => Class::NvmeAzureLocal,
        _ => Class::Nvme,
    }
}

/// Whether a controller says that it is reached over TCP, RDMA or Fibre Channel. Kernels without the attribute have PCI
/// only.
fn may_be_fabric(machine: &Root, controller: &str, name: &str, gaps: &mut Vec<Gap>) -> bool {
    let path = format!("{controller}/transport");
    match noted(gaps, &format!("disks.{name}.transport"), &path, machine.read(&path)) {
        Attribute::Is(transport) => !transport.starts_with(b"pcie"),
        Attribute::Absent => false,
        Attribute::Unknown => true,
    }
}

fn read_model(machine: &Root, dir: &str, name: &str, gaps: &mut Vec<Gap>) -> String {
    match machine.dir(dir) {
        Ok(Some(open)) => Reader::new(&open, ("disks", name), gaps).printable("model", "model"),
        Ok(None) => String::new(),
        Err(error) => {
            gaps.push(Gap { fact: format!("disks.{name}.model"), path: dir.to_owned(), why: error.reason() });
            String::new()
        }
    }
}

/// Follows the links `nvmeN` of a subsystem to its controllers. They are one
/// device, so the first model found is everybody's.
fn read_subsystem(machine: &Root, path: &str, name: &str, gaps: &mut Vec<Gap>) -> Parent {
    let mut parent = Parent::default();
    let found = machine.dir(path).and_then(|dir| {
        let Some(dir) = dir else { return Ok(()) };
        for entry in dir.entries()? {
            let Some(instance) = entry.name.strip_prefix("nvme").and_then(|rest| rest.parse().ok()) else {
                continue;
            };
            let Some(target) = dir.read_link(&entry.name)? else { continue };
            parent.controllers.push(instance);
            if parent.model.is_empty() {
                let controller = resolve(path, &target);
                parent.may_be_fabric = may_be_fabric(machine, &controller, name, gaps);
                parent.model = read_model(machine, &controller, name, gaps);
            }
        }
        Ok(())
    });
    if let Err(error) = found {
        gaps.push(Gap { fact: format!("disks.{name}.slaves"), path: path.to_owned(), why: error.reason() });
    }
    parent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_says_how_it_is_reached() {
        let (_dir, root) = crate::root::laid_out(&[
            ("sys/a/transport", "pcie\n"),
            ("sys/b/transport", "tcp\n"),
            ("sys/d/transport/x", ""),
        ]);
        let mut gaps = Vec::new();
        let mut told = |path| may_be_fabric(&root, path, "nvme0n1", &mut gaps);
        assert_eq!(["sys/a", "sys/b", "sys/c", "sys/d"].map(&mut told), [false, true, false, true]);
        assert_eq!(gaps.len(), 1, "{gaps:?}");
    }

    #[test]
    fn only_azures_exact_models_are_azures() {
        assert_eq!(class_of("MSFT NVMe Accelerator v1.0"), Class::NvmeAzureRemote);
        assert_eq!(class_of("Microsoft NVMe Direct Disk"), Class::NvmeAzureLocal);
        assert_eq!(class_of("Microsoft NVMe Direct Disk v2"), Class::NvmeAzureLocal);
        assert_eq!(class_of("MSFT NVMe Accelerator v2.0"), Class::Nvme);
        assert_eq!(class_of("Samsung SSD 980"), Class::Nvme);
        assert_eq!(class_of(""), Class::Nvme);
    }
}
