//! The device of an event and those above it, as udev's rules see them.

use super::device::{Place, Subject};
use super::pattern::{Form, Piece, Text};
use crate::facts::Class;

/// A device and, in a list, those above it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// `KERNEL`
    pub(super) kernel: Text,
    /// `SUBSYSTEM`; empty where it has none.
    pub(super) subsystem: Text,
    /// `DRIVER`; empty where none is bound.
    pub(super) driver: Text,
    /// What kind of device it is, for its attributes.
    pub(super) kind: Kind,
}

/// What kind of device a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of the disk's own.
    Own(Place),
    /// A SCSI target, a host, an iSCSI session.
    Plain,
    /// A VMBus device.
    Vmbus,
    /// A PCI device.
    Pci,
    /// An NVMe controller or subsystem.
    Nvme,
    /// Firmware's and other devices without attributes of interest.
    Firmware,
    /// Any other.
    Unknown,
}

const ADDRESS: &[Piece] = &[
    Piece::Digits,
    Piece::Lit(":"),
    Piece::Digits,
    Piece::Lit(":"),
    Piece::Digits,
    Piece::Lit(":"),
    Piece::Digits,
];
const NUMBERS: &[Piece] = &[Piece::Digits, Piece::Lit(":"), Piece::Digits];

/// The device of an event, then all above it.
pub(super) fn nodes(subject: &Subject<'_>, place: Place) -> Vec<Node> {
    let mut nodes = vec![own(subject, place)];
    match place {
        Place::Bdi => return nodes,
        Place::Partition => nodes.push(own(subject, Place::Block)),
        Place::Scsi | Place::ScsiDisk | Place::Block => {}
    }
    if subject.is_scsi() && place != Place::Scsi {
        nodes.push(own(subject, Place::Scsi));
    }
    if subject.disk.is_none() {
        nodes.extend(above_class(&subject.class));
        return nodes;
    }
    let above = subject.above.strip_prefix("/devices/").unwrap_or_default();
    let above = if subject.is_scsi() { above.rsplit_once('/').map_or("", |(above, _)| above) } else { above };
    let parts = above.split('/').rev().filter(|part| !part.is_empty());
    nodes.extend(parts.filter_map(|part| parent(part, &subject.class)));
    nodes
}

pub(super) fn own(subject: &Subject<'_>, place: Place) -> Node {
    let (subsystem, driver) = match place {
        // The driver comes to the device after its first event.
        Place::Scsi => ("scsi", Text::one_of(&["sd", ""])),
        Place::ScsiDisk => ("scsi_disk", Text::is("")),
        Place::Bdi => ("bdi", Text::is("")),
        Place::Block | Place::Partition => ("block", Text::is("")),
    };
    let kernel = match (place, subject.disk) {
        (Place::Bdi, _) => Text::like(NUMBERS),
        (Place::Partition, Some(disk)) if !disk.name.starts_with("sd") => {
            Text::like(if disk.name.starts_with("nvme") { NVME_PARTITION } else { &[Piece::Any] })
        }
        (Place::Partition, _) => Text::like(SD_PARTITION),
        (Place::Scsi | Place::ScsiDisk, Some(_)) => Text::is(&subject.hctl),
        (Place::Scsi | Place::ScsiDisk, None) => Text::like(ADDRESS),
        (Place::Block, Some(_)) => Text::is(&subject.name),
        (Place::Block, None) => Text::like(match &subject.class {
            Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme => NVME,
            Class::Multipath { .. } => &[Piece::Lit("dm-"), Piece::Digits],
            _ => &[Piece::Lit("sd"), Piece::Letters],
        }),
    };
    // Above another device its driver is there already.
    Node { kernel, subsystem: Text::is(subsystem), driver, kind: Kind::Own(place) }
}

const SD_PARTITION: &[Piece] = &[Piece::Lit("sd"), Piece::Letters, Piece::Digits];
const NVME: &[Piece] = &[Piece::Lit("nvme"), Piece::Digits, Piece::Lit("n"), Piece::Digits];
const NVME_PARTITION: &[Piece] =
    &[Piece::Lit("nvme"), Piece::Digits, Piece::Lit("n"), Piece::Digits, Piece::Lit("p"), Piece::Digits];

fn node(kernel: Text, subsystem: &str, driver: Text, kind: Kind) -> Node {
    Node { kernel, subsystem: Text::is(subsystem), driver, kind }
}

/// A directory of a disk's path, where it is a device.
fn parent(part: &str, class: &Class) -> Option<Node> {
    let is_numbers = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == ':');
    let numbered = |stem: &str| {
        part.strip_prefix(stem)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
    };
    let kernel = Text::is(part);
    let none = || Text::is("");
    let is_guid = part.len() == 36 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let scsi = class.is_storvsc() || matches!(class, Class::Iscsi { .. });
    Some(match part {
        // Directories of a class or a bus are no devices.
        "block" | "nvme" | "scsi_disk" | "virtual" | "nvme-subsystem" | "bdi" => return None,
        "platform" => node(kernel, "", none(), Kind::Firmware),
        _ if is_guid => node(kernel, "vmbus", vmbus_driver(class), Kind::Vmbus),
        _ if numbered("host") || part.strip_prefix("target").is_some_and(is_numbers) => {
            node(kernel, "scsi", none(), Kind::Plain)
        }
        _ if numbered("session") || numbered("ata") || part.starts_with("rport-") => {
            node(kernel, "", none(), Kind::Plain)
        }
        _ if numbered("nvme") => node(kernel, "nvme", none(), Kind::Nvme),
        _ if numbered("nvme-subsys") => node(kernel, "nvme-subsystem", none(), Kind::Nvme),
        _ if part.starts_with("pci") => node(kernel, "", none(), Kind::Firmware),
        _ if part.contains('.') && part.contains(':') && !scsi => {
            node(kernel, "pci", pci_driver(class), Kind::Pci)
        }
        _ if part.starts_with("VMBUS:") || part.starts_with("MSFT") => bus(kernel),
        _ if part.starts_with("LNXSY") || part.starts_with("ACPI") || part.starts_with("PNP") => {
            node(kernel, "acpi", Text::one_of(&["", "pci_root"]), Kind::Firmware)
        }
        _ if part.starts_with("device:") => node(kernel, "acpi", none(), Kind::Firmware),
        part => {
            let unknown = |what| Text::Unknown(format!("the {what} of {part}"));
            let (subsystem, driver) = (unknown("subsystem"), unknown("driver"));
            Node { kernel, subsystem, driver, kind: Kind::Unknown }
        }
    })
}

fn bus(kernel: Text) -> Node {
    let driver = Text::one_of(&["hv_vmbus", "vmbus", ""]);
    Node { kernel, subsystem: Text::one_of(&["acpi", "platform"]), driver, kind: Kind::Firmware }
}

fn vmbus_driver(class: &Class) -> Text {
    match class {
        Class::StorvscScsi | Class::StorvscIde | Class::StorvscFc => Text::is("hv_storvsc"),
        _ => Text::one_of(&["hv_pci", ""]),
    }
}

fn pci_driver(class: &Class) -> Text {
    match class {
        Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme => Text::is("nvme"),
        _ => Text::Unknown("the driver of a PCI device".to_owned()),
    }
}

/// What stands above any disk of a class.
fn above_class(class: &Class) -> Vec<Node> {
    let none = || Text::is("");
    let plain = |shape, subsystem| node(Text::like(shape), subsystem, none(), Kind::Plain);
    let target = plain(
        &[
            Piece::Lit("target"),
            Piece::Digits,
            Piece::Lit(":"),
            Piece::Digits,
            Piece::Lit(":"),
            Piece::Digits,
        ],
        "scsi",
    );
    let host = plain(&[Piece::Lit("host"), Piece::Digits], "scsi");
    let guid = node(Text::like(&[Piece::Hex]), "vmbus", vmbus_driver(class), Kind::Vmbus);
    let firmware = || {
        let names = Text::Among(vec![
            Form::Like(&[Piece::Lit("LNXSY"), Piece::Any]),
            Form::Like(&[Piece::Lit("ACPI"), Piece::Any]),
            Form::Like(&[Piece::Lit("PNP"), Piece::Any]),
            Form::Like(&[Piece::Lit("device:"), Piece::Hex]),
        ]);
        node(names, "acpi", Text::one_of(&["", "pci_root"]), Kind::Firmware)
    };
    let vmbus = || [guid.clone(), bus(Text::like(&[Piece::Lit("VMBUS:"), Piece::Hex])), firmware()];
    let mut nodes = Vec::new();
    match class {
        Class::StorvscScsi | Class::StorvscIde | Class::StorvscFc => {
            nodes.extend([target, host]);
            nodes.extend(vmbus());
        }
        Class::Iscsi { .. } => {
            let session = plain(&[Piece::Lit("session"), Piece::Digits], "");
            nodes.extend([target, session, host, node(Text::is("platform"), "", none(), Kind::Firmware)]);
        }
        Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme => {
            nodes.push(node(Text::like(&[Piece::Lit("nvme"), Piece::Digits]), "nvme", none(), Kind::Nvme));
            let address = &[Piece::Hex, Piece::Lit(":"), Piece::Hex, Piece::Lit(":"), Piece::Any];
            nodes.push(node(Text::like(address), "pci", pci_driver(class), Kind::Pci));
            let root = &[Piece::Lit("pci"), Piece::Hex, Piece::Lit(":"), Piece::Hex];
            nodes.push(node(Text::like(root), "", none(), Kind::Firmware));
            nodes.extend(vmbus());
        }
        _ => {}
    }
    nodes
}
