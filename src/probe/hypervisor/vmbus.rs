//! The devices on the VMBus: Hyper-V's own bus, which nothing else offers to a guest.

use std::collections::BTreeMap;

use crate::facts::{Attribute, Gap, VmbusClass};
use crate::probe::noted;
use crate::root::{Root, link_target};

const DEVICES: &str = "sys/bus/vmbus/devices";

/// What stands on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vmbus {
    /// Devices by class, counted.
    pub devices: BTreeMap<VmbusClass, u32>,
    /// How many of them have a class that is known at all.
    pub known: u32,
}

/// Reads the class of every device on the bus; `Absent` without a bus.
pub(super) fn read(machine: &Root, gaps: &mut Vec<Gap>) -> Attribute<Vmbus> {
    let dir = match noted(gaps, "hypervisor.vmbus", DEVICES, machine.dir(DEVICES)) {
        Attribute::Is(dir) => dir,
        Attribute::Absent => return Attribute::Absent,
        Attribute::Unknown => return Attribute::Unknown,
    };
    let entries = match dir.entries() {
        Ok(entries) => entries,
        Err(error) => {
            gaps.push(Gap::new("hypervisor.vmbus", DEVICES, error.reason()));
            return Attribute::Unknown;
        }
    };
    let mut bus = Vmbus::default();
    for entry in entries {
        // Every entry is a link into sys/devices, whose middle part differs by kernel and firmware.
        let Ok(Some(target)) = dir.read_link(&entry.name) else { continue };
        let device = link_target(DEVICES, &target);
        let path = format!("{device}/class_id");
        let read = machine.dir(&device).and_then(|dir| dir.map_or(Ok(None), |dir| dir.read_text("class_id")));
        if let Attribute::Is(text) = noted(gaps, "hypervisor.vmbus", &path, read) {
            bus.add(&text);
        }
    }
    Attribute::Is(bus)
}

impl Vmbus {
    /// Counts a device by its `class_id`.
    fn add(&mut self, class_id: &str) {
        let class = class_of(class_id);
        self.known += u32::from(class.is_some());
        *self.devices.entry(class.unwrap_or(VmbusClass::Other)).or_default() += 1;
    }
}

/// The class by its GUID: braces around it in the file, none in names; `None` = unknown
/// (include/linux/hyperv.h: <https://github.com/torvalds/linux/blob/v6.12/include/linux/hyperv.h>).
pub fn class_of(class_id: &str) -> Option<VmbusClass> {
    let guid = class_id.trim().trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
    CLASSES.iter().find(|(known, _)| *known == guid).map(|(_, class)| *class)
}

/// Every class id of include/linux/hyperv.h, those that only Windows drives included.
pub const CLASSES: &[(&str, VmbusClass)] = &[
    ("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f", VmbusClass::Scsi),
    ("32412632-86cb-44a2-9b5c-50d1417354f5", VmbusClass::Ide),
    ("2f9bcc4a-0069-4af3-b76b-6fd0be528cda", VmbusClass::FibreChannel),
    ("44c4f61d-4444-4400-9d52-802e27ede19f", VmbusClass::Pci),
    ("f8615163-df3e-46c5-913f-f2d2f965ed0e", VmbusClass::Nic),
    ("525074dc-8985-46e2-8057-a307dc18a502", VmbusClass::Balloon),
    // NetworkDirect
    ("8c2eaf3d-32a7-4b09-ab99-bd1f1c86b501", VmbusClass::Other),
    // key-value pairs, volume snapshots, file copy
    ("a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", VmbusClass::Other),
    ("35fa2e29-ea23-4236-96ae-3a6ebacba440", VmbusClass::Other),
    ("34d14be3-dee4-41c8-9ae7-6b174977c192", VmbusClass::Other),
    // shutdown, time, heartbeat
    ("0e0b6031-5213-4934-818b-38d90ced39db", VmbusClass::Other),
    ("9527e630-d0ae-497b-adce-e80ab0175caf", VmbusClass::Other),
    ("57164f39-9115-4e78-ab55-382f3bd5422d", VmbusClass::Other),
    // video, mouse, keyboard
    ("da0a7802-e377-4aac-8e77-0558eb1073f8", VmbusClass::Other),
    ("cfa8b69e-5b4a-4cc0-b98b-8ba1a1f3f95a", VmbusClass::Other),
    ("f912ad6d-2b17-48ea-bd65-f927a61c7684", VmbusClass::Other),
    // automatic virtual machine activation, remote desktop
    ("f8e65716-3cb3-4a06-9a60-1889c5cccab5", VmbusClass::Other),
    ("3375baf4-9e15-4b30-b765-67acb10d607b", VmbusClass::Other),
    ("276aacf4-ac15-426c-98dd-7521ad3f01fe", VmbusClass::Other),
    ("c376c1c3-d276-48d2-90a9-c04748072c60", VmbusClass::Other),
];

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_behind_their_links_and_counted() {
        let temp = tempfile::tempdir().unwrap();
        let bus = temp.path().join("sys/bus/vmbus/devices");
        std::fs::create_dir_all(&bus).unwrap();
        for (name, class) in [
            ("00000000-0000-8899-0000-000000000000", "{32412632-86cb-44a2-9b5c-50d1417354f5}\n"),
            ("8d1c5a6b-1111-4c07-a9de-000000000001", "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}\n"),
            ("8d1c5a6b-1111-4c07-a9de-000000000002", "{BA6163D9-04a1-4d29-b605-72e2ffb1dc7f}\n"),
            ("8d1c5a6b-1111-4c07-a9de-000000000003", "{11111111-2222-4333-8444-555555555555}\n"),
        ] {
            let device = temp.path().join("sys/devices/LNXSYSTM:00/VMBUS:00").join(name);
            std::fs::create_dir_all(&device).unwrap();
            std::fs::write(device.join("class_id"), class).unwrap();
            let target = format!("../../../devices/LNXSYSTM:00/VMBUS:00/{name}");
            std::os::unix::fs::symlink(target, bus.join(name)).unwrap();
        }
        let root = Root::offline(temp.path()).unwrap();
        let mut gaps = Vec::new();
        let found = read(&root, &mut gaps).into_value().unwrap();
        assert_eq!(gaps, []);
        assert_eq!(found.known, 3);
        let counts: Vec<_> = found.devices.into_iter().collect();
        assert_eq!(counts, [(VmbusClass::Scsi, 2), (VmbusClass::Ide, 1), (VmbusClass::Other, 1)]);
    }

    #[test]
    fn no_bus_is_absent() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::offline(temp.path()).unwrap();
        assert_eq!(read(&root, &mut Vec::new()), Attribute::Absent);
    }
}
