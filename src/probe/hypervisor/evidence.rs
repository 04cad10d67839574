//! The observations in words, in a fixed order.

use crate::facts::{Arch, Attribute, Evidence, VmbusClass};
use crate::probe::printable;

use super::cpuid::{MICROSOFT, name_of};
use super::{AZURE_TAG, Dmi, Observed, Vmbus};

/// One line per observation.
pub(super) fn lines(seen: &Observed) -> Vec<Evidence> {
    let mut lines = Vec::new();
    if let Some(release) = &seen.osrelease {
        let means = if seen.is_wsl() { "WSL2" } else { "" };
        say(&mut lines, "proc/sys/kernel/osrelease", release, means);
    }
    if let Some((name, from)) = seen.marks.container() {
        say(&mut lines, from, name, "a container");
    } else if seen.marks.left_over() {
        let means = "left over from a container image: / is a file system of its own";
        say(&mut lines, ".dockerenv", "there", means);
    }
    cpuid(&mut lines, seen);
    match &seen.acpi {
        Attribute::Is(id) if id.is_empty() => {
            say(&mut lines, "acpi FADT", "no hypervisor id", "no hypervisor, or one without a name");
        }
        Attribute::Is(id) => say(&mut lines, "acpi FADT", id, &name_of(id)),
        Attribute::Absent | Attribute::Unknown => {}
    }
    dmi(&mut lines, &seen.dmi);
    bus(&mut lines, &seen.vmbus);
    match seen.efi {
        Some(true) => say(&mut lines, "sys/firmware/efi", "there", "booted by UEFI"),
        Some(false) => say(&mut lines, "sys/firmware/efi", "absent", "not booted by UEFI"),
        None => {}
    }
    lines
}

fn say(lines: &mut Vec<Evidence>, from: &str, found: &str, means: &str) {
    lines.push(Evidence { from: from.to_owned(), found: printable(found), means: printable(means) });
}

fn cpuid(lines: &mut Vec<Evidence>, seen: &Observed) {
    let Attribute::Is(cpuid) = &seen.cpuid else {
        if seen.arch == Some(Arch::X86_64) {
            say(lines, "cpuid", "not read", "");
        }
        return;
    };
    if !cpuid.hypervisor_bit() {
        say(lines, "cpuid 0x1", "hypervisor bit clear", "no hypervisor");
        return;
    }
    say(lines, "cpuid 0x1", "hypervisor bit set", "a hypervisor");
    match cpuid.signature() {
        Some(text) if text == MICROSOFT => {
            say(lines, "cpuid 0x40000000", &text, "Hyper-V, or one that offers its interface");
        }
        Some(text) => say(lines, "cpuid 0x40000000", &text, &name_of(&text)),
        None => say(lines, "cpuid 0x40000000", "no signature", ""),
    }
    if cpuid.is_root_partition() {
        say(lines, "cpuid 0x40000003", "may manage processors", "the root partition");
    }
    if let Some(isolation) = cpuid.isolation() {
        say(lines, "cpuid 0x40000003", &format!("isolation {}", isolation.name()), "");
    }
    if let Some(text) = cpuid.second_signature() {
        let means = format!("{} with Hyper-V's interface", name_of(&text));
        say(lines, "cpuid 0x40000100", &text, &means);
    }
}

fn dmi(lines: &mut Vec<Evidence>, dmi: &Attribute<Dmi>) {
    let dmi = match dmi {
        Attribute::Is(dmi) => dmi,
        Attribute::Absent => return say(lines, "sys/class/dmi/id", "absent", ""),
        Attribute::Unknown => return,
    };
    let found =
        [&dmi.vendor, &dmi.product, &dmi.version].map(|text| if text.is_empty() { "-" } else { text });
    let means = match (dmi.is_microsoft_vm(), dmi.guest_of()) {
        (true, _) => "a Hyper-V guest",
        (false, Some(name)) => name,
        (false, None) if dmi.vendor == "Microsoft Corporation" => "Microsoft's hardware says so too",
        (false, None) => "",
    };
    say(lines, "sys/class/dmi/id", &found.join(", "), means);
    match dmi.asset_tag.as_deref() {
        Some(AZURE_TAG) => say(lines, "sys/class/dmi/id/chassis_asset_tag", AZURE_TAG, "Azure"),
        // The text may be an inventory number: nobody needs it.
        Some(_) => say(lines, "sys/class/dmi/id/chassis_asset_tag", "another tag", "not Azure"),
        None => {}
    }
}

fn bus(lines: &mut Vec<Evidence>, bus: &Attribute<Vmbus>) {
    let from = "sys/bus/vmbus/devices";
    match bus {
        Attribute::Is(bus) if bus.known > 0 => {
            let count = |(class, count): (&VmbusClass, &u32)| format!("{count} {}", class_name(*class));
            let counts: Vec<_> = bus.devices.iter().map(count).collect();
            say(lines, from, &counts.join(", "), "a Hyper-V guest");
        }
        Attribute::Is(_) => say(lines, from, "no device of a known class", ""),
        Attribute::Absent => say(lines, from, "absent", "no VMBus, or its driver is not loaded"),
        Attribute::Unknown => {}
    }
}

fn class_name(class: VmbusClass) -> &'static str {
    match class {
        VmbusClass::Scsi => "SCSI",
        VmbusClass::Ide => "IDE",
        VmbusClass::FibreChannel => "Fibre Channel",
        VmbusClass::Pci => "PCI",
        VmbusClass::Nic => "network",
        VmbusClass::Balloon => "memory",
        VmbusClass::Other => "other",
    }
}
