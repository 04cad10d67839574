//! What is known of attributes, properties and constants before any rule has run.

use super::device::{Place, Subject};
use super::parents::{Kind, Node, own};
use super::pattern::{Piece, Text};
use crate::facts::{Arch, Attribute, Class, Disk, Facts, Hypervisor};

/// An attribute: what is known of it, or that the device has none of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// There, as far as known.
    Text(Text),
    /// Not there; a token that looks at it fails, whatever its operator.
    Absent,
}

const SIX: &[Piece] = &[Piece::Lit("0x"), Piece::Hex];

/// An attribute of a device that no rule of ours follows: who it is, what it says of itself.
pub(super) fn attribute(subject: &Subject<'_>, node: &Node, name: &str) -> Found {
    let unknown = || Found::Text(Text::Unknown(format!("the attribute {name}")));
    let disk = subject.disk;
    let said = |text: fn(&Disk) -> &str, width: usize| match disk.map(text) {
        // What could not be printed was made a `?`.
        Some(text) if !text.is_empty() && !text.contains('?') => {
            Found::Text(Text::is(format!("{text:width$}")))
        }
        _ => unknown(),
    };
    match (node.kind, name) {
        (Kind::Own(Place::Scsi), "vendor") => said(|disk| &disk.vendor, 8),
        (Kind::Own(Place::Scsi), "model") => said(|disk| &disk.model, 16),
        (Kind::Own(Place::Scsi), "type") => Found::Text(Text::is("0")),
        (Kind::Nvme, "model") => match (&subject.class, disk) {
            (Class::NvmeAzureRemote, _) => {
                Found::Text(Text::is(format!("{:40}", "MSFT NVMe Accelerator v1.0")))
            }
            (_, Some(_)) => said(|disk| &disk.model, 40),
            _ => unknown(),
        },
        (Kind::Own(Place::Block), "queue/rotational") => match disk.map(|disk| &disk.live.rotational) {
            Some(Attribute::Is(is)) => Found::Text(Text::is(if *is { "1" } else { "0" })),
            Some(Attribute::Absent) => Found::Absent,
            Some(Attribute::Unknown) | None => Found::Text(Text::one_of(&["0", "1"])),
        },
        (Kind::Vmbus, "class_id") => {
            class_id(&subject.class).map_or_else(unknown, |id| Found::Text(Text::is(id)))
        }
        (Kind::Vmbus, "device_id") => match node.kernel.only() {
            Some(guid) => Found::Text(Text::is(format!("{{{guid}}}"))),
            None => Found::Text(Text::like(&[Piece::Lit("{"), Piece::Hex, Piece::Lit("}")])),
        },
        (Kind::Vmbus | Kind::Pci, "vendor" | "device") => Found::Text(Text::like(SIX)),
        (Kind::Unknown, _) => unknown(),
        (kind, name) if lacks(kind, name) => Found::Absent,
        _ => unknown(),
    }
}

/// Whether a kind of device has no attribute of this name, of those that rules like to look at.
fn lacks(kind: Kind, name: &str) -> bool {
    match name {
        "vendor" | "model" => kind != Kind::Own(Place::Scsi),
        "class_id" | "device_id" => kind != Kind::Vmbus,
        "idVendor" | "idProduct" | "bInterfaceClass" | "bInterfaceNumber" | "manufacturer" | "product" => {
            true
        }
        "queue/rotational" | "removable" | "ro" | "size" => {
            !matches!(kind, Kind::Own(Place::Block | Place::Partition))
        }
        _ => matches!(kind, Kind::Plain | Kind::Firmware) && name.contains('/'),
    }
}

/// `class_id` of the VMBus device above a class (include/linux/hyperv.h).
fn class_id(class: &Class) -> Option<&'static str> {
    match class {
        Class::StorvscScsi => Some("{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}"),
        Class::StorvscIde => Some("{32412632-86cb-44a2-9b5c-50d1417354f5}"),
        Class::StorvscFc => Some("{2f9bcc4a-0069-4af3-b76b-6fd0be528cda}"),
        Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme => {
            Some("{44c4f61d-4444-4400-9d52-802e27ede19f}")
        }
        _ => None,
    }
}

/// A property that the kernel or well-known rules give a device before anybody's own.
pub(super) fn property(subject: &Subject<'_>, place: Place, action: &str, name: &str) -> Text {
    let unknown = || Text::Unknown(format!("ENV{{{name}}}"));
    let own = own(subject, place);
    let known = matches!(subject.disk, Some(disk) if !disk.name.is_empty());
    match name {
        "ACTION" => Text::is(action),
        "SUBSYSTEM" => own.subsystem,
        "DRIVER" => own.driver,
        "DEVPATH" if known && place != Place::Partition && place != Place::Bdi => {
            Text::is(subject.devpath(place))
        }
        "DEVPATH" => Text::like(&[Piece::Lit("/devices/"), Piece::Any]),
        "DEVTYPE" => Text::is(match place {
            Place::Scsi => "scsi_device",
            Place::Block => "disk",
            Place::Partition => "partition",
            Place::ScsiDisk | Place::Bdi => "",
        }),
        "DEVNAME" if place == Place::Block && known => Text::is(format!("/dev/{}", subject.name)),
        "ID_VENDOR" | "ID_MODEL" if place == Place::Block => identity(subject, name).unwrap_or_else(unknown),
        "ID_BUS" if subject.is_scsi() => Text::one_of(&["scsi", "ata", ""]),
        "ID_TYPE" if subject.is_scsi() => Text::one_of(&["disk", "generic", ""]),
        "DM_MULTIPATH_DEVICE_PATH" => match subject.disk {
            Some(disk) if !disk.is_path() => Text::one_of(&["0", ""]),
            _ => Text::one_of(&["0", "1", ""]),
        },
        "DM_UUID" => match &subject.class {
            Class::Multipath { .. } => Text::like(&[Piece::Lit("mpath-"), Piece::Any]),
            Class::Lvm => Text::like(&[Piece::Lit("LVM-"), Piece::Any]),
            Class::Crypt => Text::like(&[Piece::Lit("CRYPT-"), Piece::Any]),
            _ if subject.name.starts_with("dm-") => unknown(),
            _ => Text::is(""),
        },
        name if name.starts_with("DM_") && !is_map(subject) => Text::is(""),
        name if name.starts_with("MD_") && subject.class != Class::Md => Text::is(""),
        name if ["ID_USB_", "ID_CDROM", "ID_DRIVE_"].iter().any(|begin| name.starts_with(begin)) => {
            Text::is("")
        }
        _ => unknown(),
    }
}

fn is_map(subject: &Subject<'_>) -> bool {
    matches!(subject.class, Class::Multipath { .. } | Class::Lvm | Class::Crypt)
        || subject.name.starts_with("dm-")
}

/// What `scsi_id` makes of vendor and model, or nothing where it has not run
/// (<https://github.com/systemd/systemd/blob/v257/src/udev/scsi_id/scsi_id.c>).
fn identity(subject: &Subject<'_>, name: &str) -> Option<Text> {
    let disk = subject.disk.filter(|_| subject.is_scsi())?;
    let said = if name == "ID_VENDOR" { &disk.vendor } else { &disk.model };
    let plain = |c: char| c.is_ascii_alphanumeric() || "#+-.:=@_ ".contains(c);
    let sound = !said.is_empty() && said.chars().all(plain) && disk.vendor != "ATA";
    let words: Vec<&str> = said.split_ascii_whitespace().collect();
    sound.then(|| Text::one_of(&[&words.join("_"), ""]))
}

/// `CONST{virt}` and `CONST{arch}`.
pub(super) fn constant(facts: &Facts, name: &str) -> Text {
    let unknown = || Text::Unknown(format!("CONST{{{name}}}"));
    let machine = facts.machine.as_ref();
    match name {
        "virt" => match machine.and_then(|machine| machine.hypervisor.as_ref()) {
            Some(Hypervisor::HyperV(_)) => Text::is("microsoft"),
            Some(Hypervisor::NotVirtual) => Text::is("none"),
            _ => unknown(),
        },
        "arch" => match machine.and_then(|machine| machine.arch).or(facts.system.arch) {
            Some(Arch::X86_64) => Text::is("x86-64"),
            Some(Arch::Aarch64) => Text::is("arm64"),
            _ => unknown(),
        },
        _ => unknown(),
    }
}
