//! Tests on small trees, with text as the kernel prints it.

#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use std::path::Path;

use super::*;
use crate::probe::storage::{self, Storage};
use crate::root::Seen;

const GUID: &str = "f8b3781a-1e82-4818-a1c3-63d806ec15bb";
const VMBUS: &str = "sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00";

/// A tree of a machine, built file by file.
pub(in crate::probe) struct Stage(tempfile::TempDir);

impl Stage {
    pub(in crate::probe) fn new() -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        for dir in ["sys/block", "sys/dev/block", "proc/self"] {
            std::fs::create_dir_all(stage.at(dir)).unwrap();
        }
        stage
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    pub(in crate::probe) fn root(&self) -> Root {
        Root::offline(self.0.path()).unwrap()
    }

    pub(in crate::probe) fn file(&self, path: &str, text: &str) -> &Self {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::fs::write(self.at(path), text).unwrap();
        self
    }

    pub(in crate::probe) fn link(&self, path: &str, target: &str) -> &Self {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, self.at(path)).unwrap();
        self
    }

    /// A disk in sys/block at this path, which is empty so far.
    pub(in crate::probe) fn block(&self, path: &str) -> &Self {
        std::fs::create_dir_all(self.at(path)).unwrap();
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        self.link(&format!("sys/block/{name}"), &format!("../{}", path.strip_prefix("sys/").unwrap()))
    }

    pub(in crate::probe) fn vmbus(&self, guid: &str, class_id: &str) -> &Self {
        self.link(&format!("{VMBUS}/{guid}/subsystem"), "../../../../../../bus/vmbus")
            .file(&format!("{VMBUS}/{guid}/class_id"), &format!("{{{class_id}}}\n"))
            .file(&format!("{VMBUS}/{guid}/device_id"), &format!("{{{guid}}}\n"))
    }

    pub(in crate::probe) fn storvsc(&self, guid: &str, host: u32, lun: u32, name: &str) -> &Self {
        let host_dir = format!("{VMBUS}/{guid}/host{host}");
        let device = format!("{host_dir}/target{host}:0:0/{host}:0:0:{lun}");
        for (file, text) in [("can_queue", "316\n"), ("nr_hw_queues", "2\n"), ("proc_name", "storvsc_host\n")]
        {
            self.file(&format!("{host_dir}/scsi_host/host{host}/{file}"), text);
        }
        for (file, text) in [("vendor", "Msft    \n"), ("model", "Virtual Disk    \n"), ("timeout", "180\n")]
        {
            self.file(&format!("{device}/{file}"), text);
        }
        self.file(&format!("{device}/scsi_disk/{host}:0:0:{lun}/max_retries"), "5\n");
        self.file(&format!("{device}/block/{name}/mq/0/nr_tags"), "316\n");
        for (file, text) in [
            ("scheduler", "[none] mq-deadline\n"),
            ("nr_requests", "316\n"),
            ("rotational", "1\n"),
            ("read_ahead_kb", "4096\n"),
            ("io_timeout", "180000\n"),
        ] {
            self.file(&format!("{device}/block/{name}/queue/{file}"), text);
        }
        self.block(&format!("{device}/block/{name}"))
    }
}

const SCSI: &str = "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f";
const PCI: &str = "44c4f61d-4444-4400-9d52-802e27ede19f";

fn disks(stage: &Stage, azure: bool) -> (Vec<Disk>, Vec<Gap>) {
    let mut gaps = Vec::new();
    let disks = read(&stage.root(), Some(azure), &mut gaps).unwrap();
    (disks, gaps)
}

#[test]
fn a_storvsc_disk_is_read_whole() {
    let stage = Stage::new();
    stage.vmbus(GUID, SCSI).storvsc(GUID, 0, 0, "sda");
    let (disks, gaps) = disks(&stage, true);
    assert_eq!(gaps, []);
    let disk = &disks[0];
    assert_eq!((disk.name.as_str(), &disk.class), ("sda", &Class::StorvscScsi));
    assert_eq!((disk.host.as_deref(), disk.hctl.as_deref()), (Some("host0"), Some("0:0:0:0")));
    assert_eq!((disk.vendor.as_str(), disk.model.as_str()), ("Msft", "Virtual Disk"));
    let limits = Limits {
        can_queue: Attribute::Is(316),
        nr_hw_queues: Attribute::Is(2),
        nr_tags: Attribute::Is(316),
        schedulers: Attribute::Is(vec!["none".into(), "mq-deadline".into()]),
    };
    assert_eq!(disk.limits, limits);
    let live = Live {
        scheduler: Attribute::Is("none".into()),
        nr_requests: Attribute::Is(316),
        timeout: Attribute::Is(180),
        io_timeout: Attribute::Is(180_000),
        read_ahead_kb: Attribute::Is(4096),
        rotational: Attribute::Is(true),
        max_retries: Attribute::Is(5),
    };
    assert_eq!(disk.live, live);
    assert!(disk.roles.is_empty());
}

#[test]
fn the_vmbus_class_decides_not_the_name_of_the_vendor() {
    let stage = Stage::new();
    for (host, (guid, class_id)) in [
        ("a", SCSI),
        ("b", "32412632-86cb-44a2-9b5c-50d1417354f5"),
        ("c", "2f9bcc4a-0069-4af3-b76b-6fd0be528cda"),
        ("d", "f8615163-df3e-46c5-913f-f2d2f965ed0e"),
    ]
    .into_iter()
    .enumerate()
    {
        let host = u32::try_from(host).unwrap();
        stage.vmbus(guid, class_id).storvsc(guid, host, 0, &format!("sd{guid}"));
    }
    stage.storvsc("no-vmbus-device", 9, 0, "sde");
    let (disks, gaps) = disks(&stage, false);
    let classes: Vec<_> = disks.iter().map(|disk| disk.class.name()).collect();
    assert_eq!(classes, ["storvsc-scsi", "storvsc-ide", "storvsc-fc", "other", "other"]);
    assert_eq!(gaps, []);
}

#[test]
fn azures_temporary_disk_is_lun_1_and_only_on_azure() {
    let stage = Stage::new();
    stage.vmbus(GUID, SCSI).storvsc(GUID, 0, 0, "sda").storvsc(GUID, 0, 1, "sdb");
    let temporary = |azure| {
        let all = disks(&stage, azure).0;
        all.iter().map(|disk| disk.roles.contains(&Role::AzureTemporary)).collect::<Vec<_>>()
    };
    assert_eq!(temporary(true), [false, true]);
    assert_eq!(temporary(false), [false, false]);
}

#[test]
fn a_dvd_drive_is_no_disk_of_storvsc_and_loops_are_not_looked_at() {
    let stage = Stage::new();
    stage.vmbus(GUID, SCSI).storvsc(GUID, 0, 2, "sr0");
    for name in ["loop0", "ram0", "zram0"] {
        stage.block(&format!("sys/devices/virtual/block/{name}"));
    }
    let (disks, gaps) = disks(&stage, true);
    let classes: Vec<_> = disks.iter().map(|disk| (disk.name.as_str(), disk.class.name())).collect();
    assert_eq!(classes, [("loop0", "loop"), ("ram0", "other"), ("sr0", "other"), ("zram0", "zram")]);
    assert!(disks.iter().all(|disk| disk.live == Live::default() && disk.limits == Limits::default()));
    assert_eq!(gaps, []);
}

#[test]
fn where_it_could_not_be_told_the_temporary_disk_is_not_said_to_be_none() {
    let stage = Stage::new();
    stage.vmbus(GUID, SCSI).storvsc(GUID, 0, 0, "sda").storvsc(GUID, 0, 1, "sdb");
    let roles = |stage: &Stage, azure| {
        let disks = read(&stage.root(), azure, &mut Vec::new()).unwrap();
        disks.iter().map(|d| d.roles.iter().map(|r| r.name()).collect()).collect::<Vec<String>>()
    };
    assert_eq!(roles(&stage, None), ["", "perhaps-azure-temporary"]);
    std::fs::remove_file(stage.at(&format!("{VMBUS}/{GUID}/device_id"))).unwrap();
    assert_eq!(roles(&stage, Some(true)), ["", "perhaps-azure-temporary"]);
    assert_eq!(roles(&stage, Some(false)), ["", ""]);
}

#[test]
fn a_session_makes_a_disk_iscsi_whatever_carries_it() {
    for proc_name in [Some("iscsi_tcp\n"), Some("iser\n"), Some("qla4xxx\n"), None] {
        let stage = Stage::new();
        let host = "sys/devices/pci0000:00/0000:00:05.0/host3";
        stage.file(&format!("{host}/scsi_host/host3/can_queue"), "113\n");
        if let Some(name) = proc_name {
            stage.file(&format!("{host}/scsi_host/host3/proc_name"), name);
        }
        stage.block(&format!("{host}/session1/target3:0:0/3:0:0:1/block/sdb"));
        let (disks, gaps) = disks(&stage, false);
        assert_eq!(disks[0].class, Class::Iscsi { session: "session1".to_owned() }, "{proc_name:?}");
        assert_eq!(disks[0].limits.can_queue, Attribute::Is(113));
        assert_eq!(gaps, []);
    }
}

#[test]
fn sticks_and_cards_are_removable_and_disks_of_the_host_are_not_asked() {
    let stage = Stage::new();
    let usb = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host4/target4:0:0/4:0:0:0";
    let sata = "sys/devices/pci0000:00/0000:00:1f.2/ata1/host5/target5:0:0/5:0:0:0";
    stage.block(&format!("{usb}/block/sdb")).block(&format!("{sata}/block/sdc"));
    stage.file(&format!("{sata}/block/sdc/removable"), "0\n");
    let card = "sys/devices/pci0000:00/mmc_host/mmc0/mmc0:1/block/mmcblk0";
    stage.block(card).file(&format!("{card}/removable"), "1\n");
    stage.vmbus(GUID, SCSI).storvsc(GUID, 0, 0, "sda");
    stage.file(&format!("{VMBUS}/{GUID}/host0/target0:0:0/0:0:0:0/block/sda/removable"), "1\n");
    let (disks, gaps) = disks(&stage, false);
    let removable: Vec<_> =
        disks.iter().map(|d| (d.name.as_str(), d.roles.contains(&Role::Removable))).collect();
    assert_eq!(removable, [("mmcblk0", true), ("sda", false), ("sdb", true), ("sdc", false)]);
    assert_eq!(gaps, []);
}

#[test]
fn nvme_is_told_by_its_model_below_the_controller_and_through_the_head() {
    let stage = Stage::new();
    let remote = format!("{VMBUS}/{GUID}/pci0001:00/0001:00:00.0/nvme/nvme0");
    let local = "sys/devices/pci0000:00/0000:00:05.0/nvme/nvme1";
    stage.vmbus(GUID, PCI);
    stage
        .file(&format!("{remote}/model"), "MSFT NVMe Accelerator v1.0\n")
        .block(&format!("{remote}/nvme0n1"));
    stage.file(&format!("{remote}/nvme0n1/queue/io_timeout"), "30000\n");
    stage.file(&format!("{local}/model"), "Microsoft NVMe Direct Disk v2            \n");
    stage.block(&format!("{local}/nvme1c1n1"));
    let subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys1";
    stage.block(&format!("{subsystem}/nvme1n1"));
    stage.link(&format!("{subsystem}/nvme1"), &format!("../../../../../{local}"));
    stage.link(&format!("{subsystem}/subsystem"), "../../../../class/nvme-subsystem");
    let (disks, gaps) = disks(&stage, false);
    let seen: Vec<_> = disks.iter().map(|disk| (disk.name.as_str(), disk.class.name())).collect();
    let local = "nvme-azure-local";
    assert_eq!(seen, [("nvme0n1", "nvme-azure-remote"), ("nvme1c1n1", local), ("nvme1n1", local)]);
    assert_eq!(disks[0].live.io_timeout, Attribute::Is(30000));
    assert_eq!(disks[0].live.timeout, Attribute::Absent);
    assert_eq!(
        (disks[2].slaves.as_slice(), disks[2].model.as_str()),
        (&["nvme1c1n1".to_owned()][..], "Microsoft NVMe Direct Disk v2")
    );
    assert!(disks[2].roles.contains(&Role::AzureTemporary));
    assert_eq!(gaps, []);
}

#[test]
fn maps_and_arrays_name_what_they_stand_on() {
    let stage = Stage::new();
    stage.vmbus(GUID, SCSI).storvsc(GUID, 0, 0, "sda").storvsc(GUID, 0, 1, "sdb");
    let device = |lun: u32, name: &str| {
        format!(
            "../../../../../{}/{GUID}/host0/target0:0:0/0:0:0:{lun}/block/{name}",
            VMBUS.strip_prefix("sys/devices/").map(|v| format!("devices/{v}")).unwrap()
        )
    };
    for (name, uuid, slaves) in [
        ("dm-0", "mpath-3600\n", &[("sdb", device(1, "sdb")), ("sda", device(0, "sda"))][..]),
        ("dm-1", "part1-mpath-3600\n", &[("dm-0", "../../dm-0".to_owned())]),
        ("dm-2", "LVM-abc\n", &[("sda3", device(0, "sda/sda3")), ("sda2", device(0, "sda/sda2"))]),
        ("dm-3", "CRYPT-LUKS2-x\n", &[("dm-2", "../../dm-2".to_owned())]),
        ("dm-4", "", &[]),
    ] {
        let path = format!("sys/devices/virtual/block/{name}");
        stage.block(&path).file(&format!("{path}/dm/uuid"), uuid);
        for (slave, target) in slaves {
            stage.link(&format!("{path}/slaves/{slave}"), target);
        }
    }
    stage.block("sys/devices/virtual/block/md127");
    let (disks, gaps) = disks(&stage, false);
    let seen: Vec<_> = disks.iter().map(|disk| (disk.class.name(), disk.slaves.join(" "))).collect();
    for (at, (class, slaves)) in [
        ("multipath", "sda sdb"),
        ("other", "dm-0"),
        ("lvm", "sda"),
        ("crypt", "dm-2"),
        ("other", ""),
        ("md", ""),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!((seen[at].0, seen[at].1.as_str()), (class, slaves), "{at}");
    }
    assert_eq!(disks[0].class, Class::Multipath { paths: vec!["sda".into(), "sdb".into()] });
    assert_eq!(gaps, []);
}

#[test]
fn virtio_is_told_by_its_bus_and_what_is_unreadable_is_a_gap() {
    let stage = Stage::new();
    let virtio = "sys/devices/pci0000:00/0000:00:04.0/virtio1";
    stage
        .link(&format!("{virtio}/subsystem"), "../../../../bus/virtio")
        .block(&format!("{virtio}/block/vda"));
    stage.link("sys/block/vdb", "../devices/gone/block/vdb");
    std::fs::create_dir(stage.at("sys/block/vdc")).unwrap();
    let (disks, gaps) = disks(&stage, false);
    let classes: Vec<_> = disks.iter().map(|disk| disk.class.name()).collect();
    assert_eq!(classes, ["virtio", "other", "other"]);
    let facts: Vec<_> = gaps.iter().map(|gap| (gap.fact.as_str(), gap.path.as_str())).collect();
    assert_eq!(facts, [("disks.vdb", "sys/devices/gone/block/vdb"), ("disks.vdc", "sys/block/vdc")]);
}

#[test]
fn no_sysfs_is_not_no_disks() {
    let empty = tempfile::tempdir().unwrap();
    let mut gaps = Vec::new();
    let storage = storage::read(&Root::offline(empty.path()).unwrap(), None, &mut gaps);
    assert_eq!(storage, Storage::default());
    assert_eq!(gaps.iter().map(|gap| gap.fact.as_str()).collect::<Vec<_>>(), ["disks", "mounts"]);
}

/// A capture holds what was read, so it must tell the same.
#[test]
fn what_was_read_is_enough_to_read_it_again() {
    let stage = Stage::new();
    stage.vmbus(GUID, SCSI).storvsc(GUID, 0, 0, "sda").storvsc(GUID, 0, 1, "sdb");
    let host = "sys/devices/platform/host3";
    stage.link("sys/class/iscsi_session/session1", "../../devices/x");
    let lun = format!("{host}/session1/target3:0:0/3:0:0:1");
    stage.block(&format!("{lun}/block/sdc")).file(&format!("{lun}/timeout"), "30\n");
    let dm = "sys/devices/virtual/block/dm-0";
    stage.block(dm).file(&format!("{dm}/dm/uuid"), "LVM-x\n").file(&format!("{dm}/dm/name"), "vg-data\n");
    stage.link(&format!("{dm}/slaves/sdc1"), &format!("../../../../platform/{}/block/sdc/sdc1", &lun[21..]));
    let controller = "sys/devices/pci0000:00/nvme/nvme0";
    let subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys0";
    stage.file(&format!("{controller}/model"), "Other\n").block(&format!("{controller}/nvme0c0n1"));
    stage.file(&format!("{controller}/nvme0c0n1/queue/io_timeout"), "30000\n");
    stage
        .block(&format!("{subsystem}/nvme0n1"))
        .file(&format!("{subsystem}/nvme0n1/queue/rotational"), "0\n");
    stage.link(&format!("{subsystem}/nvme0"), "../../../pci0000:00/nvme/nvme0");
    stage.link("sys/dev/block/8:1", "../../devices/x/block/sda/sda1");
    let btrfs = "sys/fs/btrfs/0/devices";
    stage.link(&format!("{btrfs}/dm-0"), "../../../../devices/virtual/block/dm-0");
    stage.link(&format!("{btrfs}/sdb2"), "../../../../devices/x/block/sdb/sdb2");
    let mounts = "29 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 29 0:9 / /srv rw - btrfs /dev/mapper/vg-data rw\n";
    stage.file("proc/self/mountinfo", mounts).file("proc/swaps", "Filename\n/dev/sdb1 partition 1 0 -2\n");

    let (machine, mut gaps) = (stage.root(), Vec::new());
    machine.record();
    let first = storage::read(&machine, Some(true), &mut gaps);
    let capture = Stage(tempfile::tempdir().unwrap());
    for (path, seen) in machine.take_trail() {
        match seen {
            Seen::File(bytes) => capture.file(&path, std::str::from_utf8(&bytes).unwrap()),
            Seen::Link(target) => capture.link(&path, &target),
            Seen::Dir | Seen::Unreadable(_) => &capture,
        };
    }
    let second = storage::read(&capture.root(), Some(true), &mut gaps);
    assert_eq!(first, second);
    assert_eq!(gaps, []);
    assert_eq!(first.mounts[1].others, Some(vec!["sdb".to_owned()]));
    let seen = first.disks.unwrap();
    let seen: Vec<_> = seen.iter().map(|disk| (disk.class.name(), disk.slaves.join(" "))).collect();
    assert_eq!(seen[0], ("lvm", "sdc".to_owned()));
    assert_eq!(seen[2], ("nvme", "nvme0c0n1".to_owned()));
    assert_eq!(seen[5].0, "iscsi");
}
