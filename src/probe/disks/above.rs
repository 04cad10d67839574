//! What stands above a disk: the bus that it hangs on, its SCSI host. Read once
//! each and shared, as a thousand disks may hang below one controller.

use super::attrs::Reader;
use super::path::{Scsi, split_last};
use crate::facts::{Attribute, Class, Gap, VmbusClass};
use crate::order::Named;
use crate::root::{Dir, Root};

/// The instance GUID by which Azure presents the OS, temporary and CD disks of a
/// generation 2 machine; the temporary disk is LUN 1
/// (<https://github.com/Azure/WALinuxAgent/blob/master/config/66-azure-storage.rules>).
const AZURE_FABRIC: &str = "{f8b3781a-1e82-4818-a1c3-63d806ec15bb}";
/// Likewise of a generation 1 machine: the second IDE channel.
const AZURE_GEN1_RESOURCE: &str = "{00000000-0001-";

/// The first ancestor that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bus {
    /// A VMBus device.
    Vmbus {
        /// Its class; `None` = could not tell.
        class: Option<VmbusClass>,
        /// `device_id`, lower case; `None` where it was not asked for or could not be read.
        device_id: Option<String>,
    },
    /// A virtio device.
    Virtio,
    /// Neither up to the top.
    Neither,
}

impl Bus {
    /// The class of a SCSI disk below it.
    pub(super) fn scsi_class(&self) -> Class {
        match self {
            Self::Vmbus { class: Some(VmbusClass::Scsi), .. } => Class::StorvscScsi,
            Self::Vmbus { class: Some(VmbusClass::Ide), .. } => Class::StorvscIde,
            Self::Vmbus { class: Some(VmbusClass::FibreChannel), .. } => Class::StorvscFc,
            Self::Vmbus { .. } | Self::Neither => Class::Other,
            Self::Virtio => Class::Virtio,
        }
    }

    /// Whether the disk at this logical unit is Azure's temporary one, on a machine of Azure's:
    /// elsewhere the same identities mean nothing. `None` = could not tell.
    pub(super) fn is_azure_temporary(&self, lun: &str) -> Option<bool> {
        let Self::Vmbus { class, device_id } = self else { return Some(false) };
        match (device_id, class) {
            (Some(id), _) => Some(id.starts_with(AZURE_GEN1_RESOURCE) || (id == AZURE_FABRIC && lun == "1")),
            (None, Some(VmbusClass::Ide)) => None,
            (None, Some(VmbusClass::Scsi)) if lun == "1" => None,
            _ => Some(false),
        }
    }
}

/// The class of a VMBus device by its `class_id`, which is printed in braces
/// (<https://github.com/torvalds/linux/blob/v6.12/include/linux/hyperv.h>, `HV_SCSI_GUID` and on).
pub(crate) fn parse_class_id(text: &str) -> Option<VmbusClass> {
    let guid = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if guid.len() != 36 {
        return None;
    }
    Some(match guid.to_ascii_lowercase().as_str() {
        "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f" => VmbusClass::Scsi,
        "32412632-86cb-44a2-9b5c-50d1417354f5" => VmbusClass::Ide,
        "2f9bcc4a-0069-4af3-b76b-6fd0be528cda" => VmbusClass::FibreChannel,
        "44c4f61d-4444-4400-9d52-802e27ede19f" => VmbusClass::Pci,
        _ => VmbusClass::Other,
    })
}

/// What all disks of one SCSI host share.
#[derive(Debug)]
pub(super) struct Host {
    /// What it hangs on.
    pub(super) bus: Bus,
    /// `can_queue`
    pub(super) can_queue: Attribute<u64>,
    /// `nr_hw_queues`
    pub(super) nr_hw_queues: Attribute<u64>,
    /// Tags of hardware queue 0, once a disk told them: one tag set serves the whole
    /// host (`scsi_mq_setup_tags`,
    /// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_lib.c>).
    pub(super) nr_tags: Attribute<u64>,
}

/// The ancestors met so far, by path.
#[derive(Debug)]
pub(super) struct Above<'root> {
    buses: Buses<'root>,
    hosts: Named<Host>,
}

impl<'root> Above<'root> {
    /// `azure`: `device_id`s are looked at unless it is known not to be, as they are random elsewhere.
    pub(super) fn new(machine: &'root Root, azure: Option<bool>) -> Self {
        Self { buses: Buses { machine, azure, met: Named::new() }, hosts: Named::new() }
    }

    /// The host of a SCSI disk.
    pub(super) fn host(&mut self, scsi: &Scsi<'_>, gaps: &mut Vec<Gap>) -> &mut Host {
        let buses = &mut self.buses;
        self.hosts.or_insert_with(scsi.host_dir.to_owned(), || read_host(buses, scsi, gaps))
    }

    /// The bus that a directory is on, itself included.
    pub(super) fn bus(&mut self, dir: &str, gaps: &mut Vec<Gap>) -> Bus {
        self.buses.of(dir, gaps)
    }
}

fn read_host(buses: &mut Buses<'_>, scsi: &Scsi<'_>, gaps: &mut Vec<Gap>) -> Host {
    let above = split_last(scsi.host_dir).map_or("", |(above, _)| above);
    let mut host = Host {
        bus: buses.of(above, gaps),
        can_queue: Attribute::Absent,
        nr_hw_queues: Attribute::Absent,
        nr_tags: Attribute::Unknown,
    };
    // sys/class/scsi_host/hostN leads here.
    let path = format!("{}/scsi_host/{}", scsi.host_dir, scsi.host);
    match buses.machine.dir(&path) {
        Ok(Some(dir)) => {
            let mut reader = Reader::new(&dir, ("hosts", scsi.host), gaps);
            host.can_queue = reader.number("can_queue", "can_queue");
            host.nr_hw_queues = reader.number("nr_hw_queues", "nr_hw_queues");
        }
        Ok(None) => {}
        Err(error) => {
            gaps.push(Gap { fact: format!("hosts.{}", scsi.host), path, why: error.reason() });
            host.can_queue = Attribute::Unknown;
            host.nr_hw_queues = Attribute::Unknown;
        }
    }
    host
}

#[derive(Debug)]
struct Buses<'root> {
    machine: &'root Root,
    azure: Option<bool>,
    met: Named<Bus>,
}

impl Buses<'_> {
    /// Walks up from `dir` to the first ancestor that decides. Never a fixed path:
    /// VMBus hangs below ACPI in one kernel and below the platform bus in the next.
    fn of(&mut self, dir: &str, gaps: &mut Vec<Gap>) -> Bus {
        let mut passed = Vec::new();
        let mut at = dir;
        let found = loop {
            if let Some(bus) = self.met.get(at) {
                break bus.clone();
            }
            let Some((above, _)) = split_last(at).filter(|(above, _)| above.starts_with("sys/devices"))
            else {
                break Bus::Neither;
            };
            passed.push(at);
            if let Some(bus) = self.look(at, gaps) {
                break bus;
            }
            at = above;
        };
        for path in passed {
            self.met.insert(path.to_owned(), found.clone());
        }
        found
    }

    fn look(&self, dir: &str, gaps: &mut Vec<Gap>) -> Option<Bus> {
        let looked = self.machine.dir(dir).and_then(|open| {
            let Some(open) = open else { return Ok(None) };
            Ok(open.read_link("subsystem")?.map(|target| (open, target)))
        });
        let (open, target) = match looked {
            Ok(found) => found?,
            Err(error) => {
                let path = format!("{dir}/subsystem");
                gaps.push(Gap { fact: "disks.bus".to_owned(), path, why: error.reason() });
                return None;
            }
        };
        if target.ends_with("/bus/virtio") {
            return Some(Bus::Virtio);
        }
        target.ends_with("/bus/vmbus").then(|| self.vmbus(&open, gaps))
    }

    fn vmbus(&self, dir: &Dir<'_>, gaps: &mut Vec<Gap>) -> Bus {
        let instance = split_last(dir.path()).map_or(dir.path(), |(_, last)| last);
        let mut reader = Reader::new(dir, ("vmbus", instance), gaps);
        let class = reader.parsed("class_id", "class", "a class in braces", parse_class_id);
        if class == Attribute::Absent {
            reader.gap("class_id", "class", "it is not there".to_owned());
        }
        let class = class.value().copied();
        let asked = self.azure != Some(false);
        let device_id = if asked { reader.text("device_id", "device_id") } else { Attribute::Unknown };
        let device_id = device_id.value().map(|id| id.trim().to_ascii_lowercase());
        Bus::Vmbus { class, device_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_ids_are_read_in_braces() {
        for (text, class) in [
            ("{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}\n", Some(VmbusClass::Scsi)),
            ("{32412632-86cb-44a2-9b5c-50d1417354f5}", Some(VmbusClass::Ide)),
            ("{2F9BCC4A-0069-4AF3-B76B-6FD0BE528CDA}", Some(VmbusClass::FibreChannel)),
            ("{44c4f61d-4444-4400-9d52-802e27ede19f}", Some(VmbusClass::Pci)),
            ("{f8615163-df3e-46c5-913f-f2d2f965ed0e}", Some(VmbusClass::Other)),
            ("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(parse_class_id(text), class, "{text}");
        }
    }

    #[test]
    fn azures_temporary_disk_is_told_by_controller_and_lun() {
        let below = |id: &str, lun| {
            Bus::Vmbus { class: None, device_id: Some(id.to_owned()) }.is_azure_temporary(lun)
        };
        assert_eq!(below(AZURE_FABRIC, "1"), Some(true));
        assert_eq!(below(AZURE_FABRIC, "0"), Some(false));
        assert_eq!(below("{00000000-0001-8899-0000-000000000000}", "0"), Some(true));
        assert_eq!(below("{00000000-0000-8899-0000-000000000000}", "0"), Some(false));
        assert_eq!(below("{f8b3781b-1e82-4818-a1c3-63d806ec15bb}", "1"), Some(false));
        assert_eq!(Bus::Virtio.is_azure_temporary("1"), Some(false));
        let blind = |class, lun| Bus::Vmbus { class: Some(class), device_id: None }.is_azure_temporary(lun);
        assert_eq!(blind(VmbusClass::Scsi, "1"), None);
        assert_eq!(blind(VmbusClass::Scsi, "0"), Some(false));
        assert_eq!(blind(VmbusClass::Ide, "0"), None);
        assert_eq!(blind(VmbusClass::FibreChannel, "1"), Some(false));
    }
}
