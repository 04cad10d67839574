//! What the processor says of the hypervisor above it.
//!
//! Leaves 0x40000000 and up belong to the hypervisor, once bit 31 of leaf 1's
//! ECX says that there is one
//! (<https://learn.microsoft.com/en-us/virtualization/hyper-v-on-windows/tlfs/feature-discovery>).

use std::collections::BTreeMap;

use crate::facts::Isolation;

/// Hyper-V's signature. Others that offer its interface to their guests show it too.
pub(super) const MICROSOFT: &str = "Microsoft Hv";

/// Leaf 0x40000003 EBX: the partition manages processors, so it is the root
/// (arch/x86/kernel/cpu/mshyperv.c, `hv_identify_partition_type`:
/// <https://github.com/torvalds/linux/blob/v6.12/arch/x86/kernel/cpu/mshyperv.c>).
const CPU_MANAGEMENT: u32 = 1 << 12;
/// Leaf 0x40000003 EBX: the partition is isolated from its host.
const ISOLATION: u32 = 1 << 22;

/// CPUID leaves: EAX, EBX, ECX, EDX by leaf.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cpuid(pub BTreeMap<u32, [u32; 4]>);

impl Cpuid {
    /// The leaves of the running processor; `None` where there is no such instruction.
    #[cfg(target_arch = "x86_64")]
    pub fn live() -> Option<Self> {
        use std::arch::x86_64::__cpuid;
        let read = |leaf| {
            let regs = __cpuid(leaf);
            (leaf, [regs.eax, regs.ebx, regs.ecx, regs.edx])
        };
        let (_, mut features) = read(1);
        // The top byte is the APIC id of whichever processor this ran on.
        if let Some(ebx) = features.get_mut(1) {
            *ebx &= 0x00ff_ffff;
        }
        let mut leaves = Self(BTreeMap::new());
        leaves.0.extend([(1, features)]);
        if leaves.hypervisor_bit() {
            leaves.0.extend([read(0x4000_0000)]);
            // A largest leaf outside of its range (KVM of old: 0) means that there is none but the first.
            let largest = leaves.0.get(&0x4000_0000).map_or(0, |regs| regs[0]).min(0x4000_000c);
            leaves.0.extend((0x4000_0001..=largest).map(read));
            if leaves.signature().as_deref() == Some(MICROSOFT) {
                leaves.0.extend([read(0x4000_0100)]);
            }
        }
        Some(leaves)
    }

    /// The leaves of the running processor; `None` where there is no such instruction.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn live() -> Option<Self> {
        None
    }

    fn register(&self, leaf: u32, index: usize) -> Option<u32> {
        self.0.get(&leaf)?.get(index).copied()
    }

    /// Whether the processor says that a hypervisor is above it.
    pub fn hypervisor_bit(&self) -> bool {
        self.register(1, 2).is_some_and(|ecx| ecx & 1 << 31 != 0)
    }

    /// The hypervisor's signature, padding removed; `None` where it has none.
    pub fn signature(&self) -> Option<String> {
        self.signature_at(0x4000_0000)
    }

    /// The signature of a hypervisor that offers Hyper-V's interface beside its own, 0x100 further up
    /// (KVM: <https://docs.kernel.org/virt/kvm/x86/cpuid.html>; Xen does the same).
    pub fn second_signature(&self) -> Option<String> {
        self.signature_at(0x4000_0100).filter(|text| known_name(text).is_some())
    }

    fn signature_at(&self, leaf: u32) -> Option<String> {
        let [_, ebx, ecx, edx] = *self.0.get(&leaf)?;
        let bytes: Vec<u8> = [ebx, ecx, edx].into_iter().flat_map(u32::to_le_bytes).collect();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\0');
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    /// Whether this is the partition that owns the hardware, nested or not.
    pub fn is_root_partition(&self) -> bool {
        self.signature().as_deref() == Some(MICROSOFT)
            && self
                .register(0x4000_0003, 1)
                .is_some_and(|ebx| ebx & CPU_MANAGEMENT != 0 && ebx & ISOLATION == 0)
    }

    /// How a Hyper-V guest is isolated from its host; `None` = could not tell.
    pub fn isolation(&self) -> Option<Isolation> {
        if self.signature().as_deref() != Some(MICROSOFT) {
            return None;
        }
        if self.register(0x4000_0003, 1)? & ISOLATION == 0 {
            return Some(Isolation::None);
        }
        match self.register(0x4000_000c, 1)? & 0xf {
            0 => Some(Isolation::None),
            1 => Some(Isolation::Vbs),
            2 => Some(Isolation::Snp),
            3 => Some(Isolation::Tdx),
            _ => None,
        }
    }
}

/// The name of a hypervisor by its signature: ours where it is known, else the signature itself, in lower case.
pub(super) fn name_of(signature: &str) -> String {
    known_name(signature).map_or_else(
        || signature.chars().filter(char::is_ascii_graphic).collect::<String>().to_ascii_lowercase(),
        str::to_owned,
    )
}

/// As in systemd's table (src/basic/virt.c, `vm_table`:
/// <https://github.com/systemd/systemd/blob/v257/src/basic/virt.c>).
fn known_name(signature: &str) -> Option<&'static str> {
    Some(match signature {
        "KVMKVMKVM" | "Linux KVM Hv" => "kvm",
        "VMwareVMware" => "vmware",
        "XenVMMXenVMM" => "xen",
        "TCGTCGTCGTCG" => "qemu",
        "bhyve bhyve " => "bhyve",
        "ACRNACRNACRN" => "acrn",
        "VBoxVBoxVBox" => "virtualbox",
        " prl hyperv " | " prl hyperv" | " lrpepyh  vr" => "parallels",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf that spells a signature, as hypervisors lay it out.
    fn spell(text: &str) -> [u32; 4] {
        let mut bytes = [0_u8; 12];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        [0x4000_000c, word(0), word(4), word(8)]
    }

    #[test]
    fn signatures_are_spelled_ebx_ecx_edx() {
        // As read on a KVM guest.
        let leaves = [
            (1, [0x00a0_0f11, 0x0002_0800, 0xfffa_3203, 0x178b_fbff]),
            (0x4000_0000, [0x4000_0001, 0x4b4d_564b, 0x564b_4d56, 0x4d]),
        ];
        let cpuid = Cpuid(leaves.into());
        assert!(cpuid.hypervisor_bit());
        assert_eq!(cpuid.signature().as_deref(), Some("KVMKVMKVM"));
        assert_eq!(cpuid.isolation(), None);
        let none = Cpuid([(1, [0, 0, 1 << 31, 0]), (0x4000_0000, [0; 4])].into());
        assert_eq!(none.signature(), None);
    }

    #[test]
    fn names_follow_signatures() {
        for (signature, name) in [
            ("KVMKVMKVM", "kvm"),
            ("VMwareVMware", "vmware"),
            ("bhyve bhyve ", "bhyve"),
            ("TCGTCGTCGTCG", "qemu"),
            ("SRE\u{1b}[2JSRE", "sre[2jsre"),
        ] {
            assert_eq!(name_of(signature), name, "{signature:?}");
        }
    }

    #[test]
    fn isolation_and_the_root_partition_are_told_by_ebx() {
        for (privileges, config, isolation, root) in [
            (0x0000_8e07, 0, Some(Isolation::None), false),
            (0x002b_b9ff, 0, Some(Isolation::None), true),
            (0x0040_0000, 1, Some(Isolation::Vbs), false),
            (0x0040_1000, 2, Some(Isolation::Snp), false),
            (0x0040_0000, 0x33, Some(Isolation::Tdx), false),
            (0x0040_0000, 9, None, false),
        ] {
            let cpuid = Cpuid(
                [
                    (0x4000_0000, spell(MICROSOFT)),
                    (0x4000_0003, [0, privileges, 0, 0]),
                    (0x4000_000c, [0, config, 0, 0]),
                ]
                .into(),
            );
            assert_eq!(cpuid.isolation(), isolation, "{privileges:#x}");
            assert_eq!(cpuid.is_root_partition(), root, "{privileges:#x}");
        }
    }

    #[test]
    fn a_second_signature_counts_only_where_it_is_known() {
        let with = |text: &str| {
            Cpuid([(0x4000_0000, spell(MICROSOFT)), (0x4000_0100, spell(text))].into()).second_signature()
        };
        assert_eq!(with("KVMKVMKVM").as_deref(), Some("KVMKVMKVM"));
        assert_eq!(with("whatever"), None);
        assert_eq!(with(""), None);
    }
}
