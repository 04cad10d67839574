//! Under what the machine runs: the observations. What they mean is [`judge`]'s business.

mod cpuid;
mod evidence;
mod judge;
pub(crate) mod marks;
mod vmbus;

use crate::facts::{Arch, Attribute, Gap};
use crate::root::Root;

use super::noted;

pub use cpuid::Cpuid;
pub use judge::judge;
pub use marks::Marks;
pub use vmbus::{CLASSES, Vmbus, class_of};

/// Azure's chassis asset tag, the same in every guest
/// (<https://github.com/canonical/cloud-init/blob/24.4/cloudinit/sources/azure/identity.py>).
pub const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

const DMI: &str = "sys/class/dmi/id";
const FACP: &str = "sys/firmware/acpi/tables/FACP";
const EFI: &str = "sys/firmware/efi";

/// Everything that the verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Processor architecture.
    pub arch: Option<Arch>,
    /// The running kernel's release string.
    pub osrelease: Option<String>,
    /// Marks of a container.
    pub marks: Marks,
    /// The processor's word; `Absent` where the architecture has none.
    pub cpuid: Attribute<Cpuid>,
    /// The hypervisor's id in ACPI's FADT, padding removed; empty on bare metal. Read on arm64 only.
    pub acpi: Attribute<String>,
    /// What the firmware says of the machine.
    pub dmi: Attribute<Dmi>,
    /// The devices on the VMBus; `Absent` without a bus.
    pub vmbus: Attribute<Vmbus>,
    /// Booted by UEFI; `None` = could not tell.
    pub efi: Option<bool>,
}

/// Names that the firmware gives; empty where it gives none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dmi {
    /// `sys_vendor`
    pub vendor: String,
    /// `product_name`
    pub product: String,
    /// `product_version`
    pub version: String,
    /// `chassis_asset_tag`; `None` = could not be read.
    pub asset_tag: Option<String>,
}

/// Reads everything that the verdict rests on.
pub fn observe(
    machine: &Root,
    arch: Option<Arch>,
    cpuid: Attribute<Cpuid>,
    osrelease: Option<&str>,
    gaps: &mut Vec<Gap>,
) -> Observed {
    Observed {
        arch,
        osrelease: osrelease.map(str::to_owned),
        marks: marks::read(machine, gaps),
        cpuid,
        acpi: if arch == Some(Arch::Aarch64) { read_acpi(machine, gaps) } else { Attribute::Absent },
        dmi: read_dmi(machine, gaps),
        vmbus: vmbus::read(machine, gaps),
        efi: read_efi(machine, gaps),
    }
}

fn read_dmi(machine: &Root, gaps: &mut Vec<Gap>) -> Attribute<Dmi> {
    let dir = match noted(gaps, "hypervisor.dmi", DMI, machine.dir(DMI)) {
        Attribute::Is(dir) => dir,
        Attribute::Absent => return Attribute::Absent,
        Attribute::Unknown => return Attribute::Unknown,
    };
    let mut read = |name: &str| {
        let path = format!("{DMI}/{name}");
        match noted(gaps, "hypervisor.dmi", &path, dir.read_text(name)) {
            Attribute::Is(text) => Some(text.trim().to_owned()),
            Attribute::Absent => Some(String::new()),
            Attribute::Unknown => None,
        }
    };
    Attribute::Is(Dmi {
        vendor: read("sys_vendor").unwrap_or_default(),
        product: read("product_name").unwrap_or_default(),
        version: read("product_version").unwrap_or_default(),
        asset_tag: read("chassis_asset_tag"),
    })
}

fn read_acpi(machine: &Root, gaps: &mut Vec<Gap>) -> Attribute<String> {
    match noted(gaps, "hypervisor.acpi", FACP, machine.read(FACP)) {
        Attribute::Is(table) => Attribute::Is(parse_fadt(&table)),
        Attribute::Absent => Attribute::Absent,
        Attribute::Unknown => Attribute::Unknown,
    }
}

/// The `Hypervisor Vendor Identity` of the FADT: 8 bytes at offset 268, since ACPI 6.0
/// (<https://uefi.org/specs/ACPI/6.5/05_ACPI_Software_Programming_Model.html>).
pub(crate) fn parse_fadt(table: &[u8]) -> String {
    let id = table.get(268..276).unwrap_or_default();
    String::from_utf8_lossy(id).trim_matches(['\0', ' ']).to_owned()
}

/// The file tells it as the directory does, and stands in a capture, which holds no empty directory.
fn read_efi(machine: &Root, gaps: &mut Vec<Gap>) -> Option<bool> {
    let size = format!("{EFI}/fw_platform_size");
    if noted(gaps, "hypervisor.efi", &size, machine.read(&size)).value().is_some() {
        return Some(true);
    }
    match noted(gaps, "hypervisor.efi", EFI, machine.kind(EFI)) {
        Attribute::Is(_) => Some(true),
        Attribute::Absent => Some(false),
        Attribute::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fadt_names_the_hypervisor_at_its_end() {
        let mut table = vec![0_u8; 276];
        assert_eq!(parse_fadt(&table), "");
        table[268..].copy_from_slice(b"MsHyperV");
        assert_eq!(parse_fadt(&table), "MsHyperV");
        table[268..].copy_from_slice(b"QEMU\0\0\0\0");
        assert_eq!(parse_fadt(&table), "QEMU");
        assert_eq!(parse_fadt(b"FACP"), "");
    }
}
