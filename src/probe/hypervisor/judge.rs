//! What the observations mean. Pure.
//!
//! The VMBus decides: the kernel sets it up only in a Hyper-V partition that is
//! not the root. CPUID alone does not, as KVM and Xen show Hyper-V's signature to
//! make Windows guests faster; nor does the vendor's name, which Surface hardware
//! carries too.

use crate::facts::{Arch, Attribute, Evidence, Gap, HyperV, Hypervisor, VmbusClass};
use crate::probe::printable;

use super::cpuid::{Cpuid, MICROSOFT, name_of};
use super::evidence::lines;
use super::{AZURE_TAG, Dmi, Observed};

/// What is under the machine, what that rests on, and why it could not be told.
pub fn judge(seen: &Observed) -> (Option<Hypervisor>, Vec<Evidence>, Vec<Gap>) {
    let mut gaps = Vec::new();
    let hypervisor = verdict(seen).unwrap_or_else(|why| {
        gaps.push(Gap::new("hypervisor", "", why));
        None
    });
    if matches!(hypervisor, Some(Hypervisor::HyperV(_))) && !seen.has_bus() {
        let why = "firmware and processor say Hyper-V, but no device is on the VMBus: is hv_vmbus loaded?";
        gaps.push(Gap::new("hypervisor.vmbus", "sys/bus/vmbus/devices", why));
    }
    (hypervisor, lines(seen), gaps)
}

/// The verdict, or why there is none.
fn verdict(seen: &Observed) -> Result<Option<Hypervisor>, &'static str> {
    if seen.is_wsl() {
        return Ok(Some(Hypervisor::Wsl));
    }
    if let Some((name, _)) = seen.marks.container() {
        return Ok(Some(Hypervisor::Container(printable(name))));
    }
    // A nested root partition has a VMBus, and is a root all the same.
    if seen.cpuid.value().is_some_and(Cpuid::is_root_partition) {
        return Ok(Some(Hypervisor::RootPartition));
    }
    match seen.cpuid.value().and_then(Cpuid::signature) {
        Some(other) if other != MICROSOFT => Ok(Some(Hypervisor::Other(name_of(&other)))),
        _ if seen.has_bus() => Ok(Some(seen.hyperv())),
        Some(_) => seen.microsoft_without_bus().map(Some),
        None => seen.without_signature().map(Some),
    }
}

impl Observed {
    pub(super) fn is_wsl(&self) -> bool {
        let release = self.osrelease.as_deref().unwrap_or_default().to_ascii_lowercase();
        release.contains("microsoft") || release.contains("wsl")
    }

    fn has_bus(&self) -> bool {
        self.vmbus.value().is_some_and(|bus| bus.known > 0)
    }

    /// Hyper-V's signature and no VMBus: a guest whose driver is not loaded, or another
    /// hypervisor that offers Hyper-V's interface.
    fn microsoft_without_bus(&self) -> Result<Hypervisor, &'static str> {
        if let Some(second) = self.cpuid.value().and_then(Cpuid::second_signature) {
            return Ok(Hypervisor::Other(name_of(&second)));
        }
        match &self.dmi {
            Attribute::Is(dmi) if dmi.is_microsoft_vm() => Ok(self.hyperv()),
            Attribute::Is(dmi) if !dmi.vendor.is_empty() && !dmi.is_microsoft() => {
                Ok(Hypervisor::Other(dmi.guest_of().unwrap_or("kvm").to_owned()))
            }
            _ => Err(
                "CPUID shows Hyper-V's signature, but there is neither a VMBus nor firmware that says whose",
            ),
        }
    }

    /// Neither a VMBus nor a signature.
    fn without_signature(&self) -> Result<Hypervisor, &'static str> {
        if self.cpuid.value().is_some_and(|cpuid| !cpuid.hypervisor_bit()) {
            return Ok(Hypervisor::NotVirtual);
        }
        let dmi = self.dmi.value();
        if self.arch == Some(Arch::Aarch64) {
            match self.acpi.value().map(String::as_str) {
                Some("MsHyperV") => return Ok(self.hyperv()),
                Some(id) if !id.is_empty() => return Ok(Hypervisor::Other(name_of(id))),
                _ if dmi.is_some_and(Dmi::is_hyperv_firmware) => return Ok(self.hyperv()),
                _ => {}
            }
        }
        match dmi.and_then(Dmi::guest_of) {
            Some(name) => Ok(Hypervisor::Other(name.to_owned())),
            None if self.cpuid.value().is_some() => {
                Err("CPUID says that there is a hypervisor, but neither it nor the firmware names it")
            }
            None => Err("neither CPUID nor the VMBus nor the firmware says what this runs on"),
        }
    }

    fn hyperv(&self) -> Hypervisor {
        Hypervisor::HyperV(HyperV {
            azure: self.azure(),
            generation: self.generation(),
            isolation: self.cpuid.value().and_then(Cpuid::isolation),
            vmbus: self.vmbus.value().map(|bus| bus.devices.clone()).unwrap_or_default(),
        })
    }

    fn azure(&self) -> Option<bool> {
        Some(self.dmi.value()?.asset_tag.as_deref()? == AZURE_TAG)
    }

    /// UEFI is generation 2; synthetic IDE, or a VMBus without UEFI, is generation 1.
    fn generation(&self) -> Option<u8> {
        let has_ide = self.vmbus.value().is_some_and(|bus| bus.devices.contains_key(&VmbusClass::Ide));
        match self.efi {
            Some(true) => Some(2),
            _ if has_ide => Some(1),
            Some(false) if self.has_bus() => Some(1),
            _ => None,
        }
    }
}

impl Dmi {
    /// Any machine of Microsoft's: a guest, or hardware.
    fn is_microsoft(&self) -> bool {
        self.vendor == "Microsoft Corporation"
    }

    pub(super) fn is_microsoft_vm(&self) -> bool {
        self.is_microsoft() && self.product == "Virtual Machine"
    }

    /// Hyper-V's UEFI firmware: arm64 guests have no CPUID to tell it by (systemd asks the same).
    fn is_hyperv_firmware(&self) -> bool {
        self.is_microsoft() && self.version.starts_with("Hyper-V")
    }

    /// The hypervisor that the firmware's names give away (systemd's `dmi_vendor_table`).
    pub(super) fn guest_of(&self) -> Option<&'static str> {
        const NAMES: &[(&str, &str)] = &[
            ("KVM", "kvm"),
            ("OpenStack", "kvm"),
            ("KubeVirt", "kvm"),
            ("Amazon EC2", "amazon"),
            ("QEMU", "qemu"),
            ("VMware", "vmware"),
            ("VMW", "vmware"),
            ("innotek GmbH", "virtualbox"),
            ("VirtualBox", "virtualbox"),
            ("Xen", "xen"),
            ("Bochs", "bochs"),
            ("Parallels", "parallels"),
            ("BHYVE", "bhyve"),
            ("Apple Virtualization", "apple"),
            ("Google Compute Engine", "google"),
        ];
        let names = |text: &str| NAMES.iter().find(|(start, _)| text.starts_with(start));
        names(&self.product).or_else(|| names(&self.vendor)).map(|(_, name)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Marks, Vmbus};
    use super::*;
    use crate::facts::Isolation;

    /// A processor whose hypervisor spells `first` (and `second`, 0x100 up), with these privileges in leaf 3.
    fn cpuid(first: &str, second: &str, privileges: u32) -> Attribute<Cpuid> {
        let spell = |text: &str| {
            let mut bytes = [0_u8; 12];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            [0x4000_000c, word(0), word(4), word(8)]
        };
        let leaves = [
            (0x1, [0, 0, 0x80 << 24, 0]),
            (0x4000_0000, spell(first)),
            (0x4000_0003, [0, privileges, 0, 0]),
            (0x4000_000c, [0, 2, 0, 0]),
            (0x4000_0100, spell(second)),
        ];
        Attribute::Is(Cpuid(leaves.into()))
    }

    fn bare_metal() -> Attribute<Cpuid> {
        Attribute::Is(Cpuid([(1, [0; 4])].into()))
    }

    fn dmi(vendor: &str, product: &str, version: &str, tag: &str) -> Attribute<Dmi> {
        let [vendor, product, version] = [vendor, product, version].map(str::to_owned);
        Attribute::Is(Dmi { vendor, product, version, asset_tag: Some(tag.to_owned()) })
    }

    fn bus(classes: &[VmbusClass]) -> Attribute<Vmbus> {
        let mut bus = Vmbus::default();
        for class in classes {
            *bus.devices.entry(*class).or_default() += 1;
            bus.known += 1;
        }
        Attribute::Is(bus)
    }

    const VM: (&str, &str) = ("Microsoft Corporation", "Virtual Machine");

    fn gen2() -> Observed {
        Observed {
            arch: Some(Arch::X86_64),
            osrelease: Some("6.1.0-18-cloud-amd64".to_owned()),
            marks: Marks::default(),
            cpuid: cpuid(MICROSOFT, "", 0x8e07),
            acpi: Attribute::Absent,
            dmi: dmi(VM.0, VM.1, "Hyper-V UEFI Release v4.1", "8350-4206"),
            vmbus: bus(&[VmbusClass::Scsi, VmbusClass::Nic]),
            efi: Some(true),
        }
    }

    fn arm64() -> Observed {
        Observed {
            arch: Some(Arch::Aarch64),
            cpuid: Attribute::Absent,
            acpi: Attribute::Is("MsHyperV".to_owned()),
            ..gen2()
        }
    }

    fn hyperv(azure: Option<bool>, generation: u8, isolation: Option<Isolation>) -> String {
        format!("azure {azure:?} generation {:?} isolation {isolation:?}", Some(generation))
    }

    #[track_caller]
    fn expect(name: &str, seen: &Observed, verdict: Option<&str>, gaps: usize) {
        let (hypervisor, evidence, found_gaps) = judge(seen);
        let told = hypervisor.as_ref().map(|hypervisor| match hypervisor {
            Hypervisor::HyperV(hyperv) => format!(
                "azure {:?} generation {:?} isolation {:?}",
                hyperv.azure, hyperv.generation, hyperv.isolation
            ),
            other => other.kind().to_owned(),
        });
        assert_eq!(told.as_deref(), verdict, "{name}: {evidence:#?}");
        assert_eq!(found_gaps.len(), gaps, "{name}: {found_gaps:#?}");
        assert!(!evidence.is_empty(), "{name}");
    }

    #[test]
    fn guests_of_hyperv() {
        let no = Some(Isolation::None);
        let gen1 = Observed {
            dmi: dmi(VM.0, VM.1, "7.0", "0542-9364"),
            vmbus: bus(&[VmbusClass::Ide, VmbusClass::Scsi]),
            efi: Some(false),
            ..gen2()
        };
        let azure = Observed { dmi: dmi(VM.0, VM.1, "7.0", AZURE_TAG), ..gen1.clone() };
        let untold = Observed { dmi: Attribute::Absent, efi: None, ..gen1.clone() };
        let snp = Observed { cpuid: cpuid(MICROSOFT, "", 0x0040_1000), ..gen2() };
        let no_cpuid = Observed { cpuid: Attribute::Unknown, ..gen2() };
        let stand_in = Observed { cpuid: cpuid("", "", 0), ..gen2() };
        for (name, seen, verdict) in [
            ("generation 2", gen2(), hyperv(Some(false), 2, no)),
            ("generation 1", gen1, hyperv(Some(false), 1, no)),
            ("azure", azure, hyperv(Some(true), 1, no)),
            ("no firmware tables", untold, hyperv(None, 1, no)),
            ("confidential", snp, hyperv(Some(false), 2, Some(Isolation::Snp))),
            ("cpuid not read", no_cpuid, hyperv(Some(false), 2, None)),
            ("a hypervisor without a name", stand_in, hyperv(Some(false), 2, None)),
            ("arm64", arm64(), hyperv(Some(false), 2, None)),
            (
                "arm64, not root",
                Observed { acpi: Attribute::Unknown, ..arm64() },
                hyperv(Some(false), 2, None),
            ),
        ] {
            expect(name, &seen, Some(&verdict), 0);
        }
    }

    #[test]
    fn guests_whose_bus_is_not_up_leave_a_gap() {
        let off = Attribute::Absent;
        let x86 = Observed { vmbus: off.clone(), ..gen2() };
        expect("x86", &x86, Some(&hyperv(Some(false), 2, Some(Isolation::None))), 1);
        let arm = Observed { vmbus: off.clone(), ..arm64() };
        expect("arm64 by ACPI", &arm, Some(&hyperv(Some(false), 2, None)), 1);
        let arm = Observed { vmbus: off, acpi: Attribute::Unknown, ..arm64() };
        expect("arm64 by DMI", &arm, Some(&hyperv(Some(false), 2, None)), 1);
    }

    #[test]
    fn parents_containers_and_hardware_are_no_guests() {
        let root = Observed { cpuid: cpuid(MICROSOFT, "", 0x002b_b9ff), vmbus: Attribute::Absent, ..gen2() };
        let nested = Observed { vmbus: bus(&[VmbusClass::Scsi]), ..root.clone() };
        let wsl = Observed {
            osrelease: Some("5.15.167.4-microsoft-standard-WSL2".to_owned()),
            dmi: Attribute::Absent,
            ..gen2()
        };
        let marks = Marks { docker: true, own_root: Some(false), ..Marks::default() };
        let surface = Observed {
            cpuid: bare_metal(),
            dmi: dmi("Microsoft Corporation", "Surface Pro 7", "", ""),
            vmbus: Attribute::Absent,
            ..gen2()
        };
        for (name, seen, verdict) in [
            ("root partition", root, "hyperv-root"),
            ("nested root partition", nested, "hyperv-root"),
            ("WSL2", wsl, "wsl"),
            ("a container on Azure", Observed { marks, ..gen2() }, "container"),
            ("Surface", surface, "none"),
        ] {
            expect(name, &seen, Some(verdict), 0);
        }
    }

    #[test]
    fn guests_of_others() {
        let kvm = Observed {
            cpuid: cpuid(MICROSOFT, "KVMKVMKVM", 0),
            dmi: dmi("QEMU", "Standard PC (Q35 + ICH9, 2009)", "pc-q35-7.2", ""),
            vmbus: Attribute::Absent,
            ..gen2()
        };
        let hidden = Observed { cpuid: cpuid(MICROSOFT, "", 0), ..kvm.clone() };
        let renamed = Observed { dmi: dmi("Contoso", "Cloud", "", ""), ..hidden.clone() };
        let vmware = Observed {
            cpuid: cpuid("VMwareVMware", "", 0),
            dmi: dmi("VMware, Inc.", "VMware Virtual Platform", "None", ""),
            ..kvm.clone()
        };
        let emulated = Observed { cpuid: cpuid("KVMKVMKVM", "", 0), ..gen2() };
        let bare = Observed { cpuid: cpuid("KVMKVMKVM", "", 0), dmi: Attribute::Absent, ..kvm.clone() };
        let tcg = Observed { cpuid: cpuid("TCGTCGTCGTCG", "", 0), ..kvm.clone() };
        let arm = Observed {
            acpi: Attribute::Is(String::new()),
            dmi: kvm.dmi.clone(),
            vmbus: Attribute::Absent,
            ..arm64()
        };
        for (name, seen, verdict) in [
            ("KVM with Hyper-V's interface", kvm, "kvm"),
            ("the same, its own signature hidden", hidden, "qemu"),
            ("the same, firmware renamed", renamed, "kvm"),
            ("VMware", vmware, "vmware"),
            ("KVM with a VMBus of its own", emulated, "kvm"),
            ("KVM without firmware tables", bare, "kvm"),
            ("QEMU without KVM", tcg, "qemu"),
            ("arm64 KVM", arm, "qemu"),
        ] {
            expect(name, &seen, Some(verdict), 0);
        }
    }

    #[test]
    fn what_cannot_be_told_has_a_reason() {
        let off = Observed { dmi: Attribute::Absent, vmbus: Attribute::Absent, ..gen2() };
        let arm = Observed {
            acpi: Attribute::Is(String::new()),
            dmi: Attribute::Absent,
            vmbus: off.vmbus.clone(),
            ..arm64()
        };
        expect("Hyper-V's signature alone", &off, None, 1);
        expect("a nameless hypervisor", &Observed { cpuid: cpuid("", "", 0), ..off.clone() }, None, 1);
        expect("nothing read", &Observed { cpuid: Attribute::Unknown, ..off }, None, 1);
        expect("arm64 without a word", &arm, None, 1);
    }

    #[test]
    fn a_hostile_name_is_made_printable() {
        let marks = Marks { systemd: Some("lxc\u{1b}[2J".to_owned()), ..Marks::default() };
        let (hypervisor, evidence, _) = judge(&Observed { marks, ..gen2() });
        assert_eq!(hypervisor, Some(Hypervisor::Container("lxc?[2J".to_owned())));
        assert!(evidence.iter().all(|line| line.found.chars().all(|c| !c.is_control())));
    }
}
