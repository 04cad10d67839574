//! Devices as the kernel shows them below `/sys`: the ancestors with their
//! subsystem and driver links, `uevent` files and attributes. Paths and values
//! follow Linux 6.1 to 6.12 on Hyper-V generation 2 and Azure.
//!
//! Most tests lay them out as plain files, as umockdev 0.17 refuses a device that
//! has no subsystem, and iSCSI's `session1` has none; `mock.rs` asks again under umockdev.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const VMBUS: &str = "/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00";

/// The storage classes of `VMBus` that `hv_storvsc` serves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Storvsc {
    Scsi,
    Ide,
    FibreChannel,
}

impl Storvsc {
    fn class_id(self) -> &'static str {
        match self {
            Self::Scsi => "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}",
            Self::Ide => "{32412632-86cb-44a2-9b5c-50d1417354f5}",
            Self::FibreChannel => "{2f9bcc4a-0069-4af3-b76b-6fd0be528cda}",
        }
    }
}

/// One directory below `/sys`; a link is `(name, target)`, the target from `/sys`.
#[derive(Debug, Clone)]
struct Node {
    path: String,
    uevent: String,
    links: Vec<(&'static str, String)>,
    attrs: Vec<(&'static str, String)>,
}

/// A device and its ancestors; the last node is the one that udev is asked about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Device {
    nodes: Vec<Node>,
    overrides: Vec<(String, String)>,
    not_hyperv: bool,
}

impl Device {
    /// Adds a device below the last one, or, for a path from `/devices`, there.
    fn node(mut self, path: &str) -> Self {
        let path = match self.nodes.last() {
            Some(parent) if !path.starts_with('/') => format!("{}/{path}", parent.path),
            _ => path.to_owned(),
        };
        self.nodes.push(Node { path, uevent: String::new(), links: Vec::new(), attrs: Vec::new() });
        self
    }

    fn last(&mut self) -> &mut Node {
        self.nodes.last_mut().expect("a node")
    }

    fn subsystem(self, from_sys: &str) -> Self {
        self.link("subsystem", from_sys)
    }

    fn driver(self, bus: &str, name: &str) -> Self {
        self.link("driver", &format!("bus/{bus}/drivers/{name}"))
    }

    fn link(mut self, name: &'static str, from_sys: &str) -> Self {
        self.last().links.push((name, from_sys.to_owned()));
        self
    }

    fn has(mut self, attr: &'static str, value: &str) -> Self {
        self.last().attrs.push((attr, value.to_owned()));
        self
    }

    /// A property that udev knows before our rules run: the kernel's, or an earlier rule's.
    pub(crate) fn property(mut self, key: &str, value: &str) -> Self {
        let line = format!("{key}={value}\n");
        self.last().uevent.push_str(&line);
        self
    }

    /// The same device in a guest of another hypervisor: there is no VMBus.
    pub(crate) fn elsewhere(mut self) -> Self {
        self.not_hyperv = true;
        self
    }

    /// Gives an attribute of the device another value; `device/timeout` follows the link.
    pub(crate) fn with(mut self, attr: &str, value: &str) -> Self {
        self.overrides.push((attr.to_owned(), value.to_owned()));
        self
    }

    fn block(self, name: &str, minor: u32) -> Self {
        let parent = self.nodes.last().map(|node| node.path.trim_start_matches('/').to_owned());
        let device = self.node(&format!("block/{name}")).block_node(name, 8, minor, "disk");
        match parent {
            Some(path) => device.link("device", &path),
            None => device,
        }
    }

    fn block_node(self, name: &str, major: u32, minor: u32, devtype: &str) -> Self {
        self.subsystem("class/block")
            .property("MAJOR", &major.to_string())
            .property("MINOR", &minor.to_string())
            .property("DEVNAME", name)
            .property("DEVTYPE", devtype)
    }

    fn queue(self, scheduler: &str, nr_requests: &str) -> Self {
        self.has("queue/scheduler", scheduler)
            .has("queue/nr_requests", nr_requests)
            .has("queue/read_ahead_kb", "128")
            .has("queue/max_sectors_kb", "512")
            .has("queue/rotational", "1")
            .has("queue/io_timeout", "30000")
    }

    fn scsi_host(self, host: u32) -> Self {
        self.node(&format!("host{host}")).subsystem("bus/scsi").property("DEVTYPE", "scsi_host")
    }

    fn scsi_device(self, address: &str, vendor: &str, model: &str, timeout: &str) -> Self {
        let (target, _) = address.rsplit_once(':').expect("host:channel:id:lun");
        self.node(&format!("target{target}"))
            .subsystem("bus/scsi")
            .property("DEVTYPE", "scsi_target")
            .node(address)
            .subsystem("bus/scsi")
            .driver("scsi", "sd")
            .property("DEVTYPE", "scsi_device")
            .has("vendor", &format!("{vendor:8}"))
            .has("model", &format!("{model:16}"))
            .has("timeout", timeout)
            .has("eh_timeout", "10")
            .has("queue_depth", "2048")
            .has("state", "running")
    }

    fn vmbus(self, instance: &str, driver: &str, class_id: &str) -> Self {
        self.node(VMBUS)
            .subsystem("bus/acpi")
            .driver("acpi", "hv_vmbus")
            .node(instance)
            .subsystem("bus/vmbus")
            .driver("vmbus", driver)
            .has("class_id", class_id)
            .has("device_id", &format!("{{{instance}}}"))
    }

    fn storvsc_lun(class: Storvsc) -> Self {
        Self::default()
            .vmbus("f8b3781a-1e82-4818-a1c3-63d806ec15bb", "hv_storvsc", class.class_id())
            .scsi_host(0)
            .scsi_device("0:0:0:0", "Msft", "Virtual Disk", "180")
            .has("scsi_disk/0:0:0:0/max_retries", "5")
    }

    /// A disk before Linux 5.10.
    pub(crate) fn storvsc_of_old() -> Self {
        let mut device = Self::storvsc(Storvsc::Scsi);
        device
            .nodes
            .iter_mut()
            .for_each(|node| node.attrs.retain(|(name, _)| !name.ends_with("max_retries")));
        device
    }

    /// The second logical unit of Azure's own controller, or the disk of a generation 1 guest's second IDE
    /// channel: the temporary disk.
    pub(crate) fn azure_temporary(generation: u8) -> Self {
        let (instance, class, address) = match generation {
            1 => ("00000000-0001-8899-0000-000000000000", Storvsc::Ide, "0:0:0:0"),
            _ => ("f8b3781a-1e82-4818-a1c3-63d806ec15bb", Storvsc::Scsi, "0:0:0:1"),
        };
        let retries =
            if generation == 1 { "scsi_disk/0:0:0:0/max_retries" } else { "scsi_disk/0:0:0:1/max_retries" };
        Self::default()
            .vmbus(instance, "hv_storvsc", class.class_id())
            .scsi_host(0)
            .scsi_device(address, "Msft", "Virtual Disk", "180")
            .has(retries, "5")
            .block("sdb", 16)
            .queue("[none] mq-deadline", "256")
    }

    /// The firmware's word for Azure.
    pub(crate) fn on_azure(mut self) -> Self {
        let tag = Self::default()
            .node("/devices/virtual/dmi/id")
            .subsystem("class/dmi")
            .has("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77")
            .node("/class/dmi")
            .link("id", "devices/virtual/dmi/id");
        self.nodes.splice(0..0, tag.nodes);
        self
    }

    /// A map on `sda2`, which LVM gave this name.
    pub(crate) fn map_on_partition(name: &'static str) -> Self {
        Self::default()
            .node("/devices/virtual/block/dm-0")
            .block_node("dm-0", 253, 0, "disk")
            .has("dm/name", name)
            .has("slaves/sda2/uevent", "")
    }

    /// `sda` behind the Hyper-V storage driver.
    pub(crate) fn storvsc(class: Storvsc) -> Self {
        Self::storvsc_lun(class).block("sda", 0).queue("[mq-deadline] none", "256")
    }

    /// `sda1` on that disk.
    pub(crate) fn storvsc_partition() -> Self {
        let name = "sda1";
        Self::storvsc(Storvsc::Scsi).node(name).block_node(name, 8, 1, "partition").has("size", "8192")
    }

    /// The SCSI device below that disk, `DEVTYPE=scsi_device`.
    pub(crate) fn storvsc_scsi_device() -> Self {
        Self::storvsc_lun(Storvsc::Scsi)
    }

    /// The `scsi_disk` class device of that disk, which holds `max_retries`.
    pub(crate) fn storvsc_scsi_disk() -> Self {
        Self::storvsc_lun(Storvsc::Scsi)
            .node("scsi_disk/0:0:0:0")
            .subsystem("class/scsi_disk")
            .has("max_retries", "5")
            .has("max_medium_access_timeouts", "2")
    }

    /// `sdb` on an iSCSI session of this guest. `session1` has a uevent file and no subsystem.
    pub(crate) fn iscsi() -> Self {
        Self::default()
            .node("/devices/platform/host3")
            .subsystem("bus/scsi")
            .property("DEVTYPE", "scsi_host")
            .node("session1")
            .scsi_device("3:0:0:1", "IET", "VIRTUAL-DISK", "30")
            .block("sdb", 16)
            .queue("[mq-deadline] none", "226")
    }

    fn azure_nvme(model: &str) -> Self {
        Self::default()
            .vmbus("00000001-0000-8899-0000-000000000000", "hv_pci", "{44c4f61d-4444-4400-9d52-802e27ede19f}")
            .node("pci7a3f:00/7a3f:00:00.0")
            .subsystem("bus/pci")
            .driver("pci", "nvme")
            .node("nvme/nvme0")
            .subsystem("class/nvme")
            .property("MAJOR", "240")
            .property("MINOR", "0")
            .property("DEVNAME", "nvme0")
            .has("model", model)
            .has("transport", "pcie")
    }

    fn namespace(self) -> Self {
        let name = "nvme0n1";
        let controller = self.nodes.last().unwrap().path.trim_start_matches('/').to_owned();
        self.node(name)
            .block_node(name, 259, 0, "disk")
            .link("device", &controller)
            .queue("[none] mq-deadline", "1023")
    }

    /// A remote (network) disk of an Azure VM with the `NVMe` interface.
    pub(crate) fn azure_nvme_remote() -> Self {
        Self::azure_nvme("MSFT NVMe Accelerator v1.0").namespace()
    }

    /// A local disk of such a VM.
    pub(crate) fn azure_nvme_local() -> Self {
        Self::azure_nvme("Microsoft NVMe Direct Disk v2").namespace()
    }

    /// The remote disk where native `NVMe` multipath makes a head: no PCI parent, no `io_timeout`.
    pub(crate) fn azure_nvme_remote_head() -> Self {
        let name = "nvme0n1";
        let subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0";
        Self::default()
            .node(&format!("/{subsystem}"))
            .subsystem("class/nvme-subsystem")
            .has("model", "MSFT NVMe Accelerator v1.0")
            .node(name)
            .block_node(name, 259, 0, "disk")
            .link("device", subsystem)
            .has("queue/scheduler", "none")
            .has("queue/read_ahead_kb", "128")
    }

    /// `vda` of QEMU.
    pub(crate) fn virtio() -> Self {
        let device = "devices/pci0000:00/0000:00:04.0/virtio1";
        Self::default()
            .node("/devices/pci0000:00/0000:00:04.0")
            .subsystem("bus/pci")
            .driver("pci", "virtio-pci")
            .node("virtio1")
            .subsystem("bus/virtio")
            .driver("virtio", "virtio_blk")
            .node("block/vda")
            .block_node("vda", 254, 0, "disk")
            .link("device", device)
            .queue("[mq-deadline] none", "256")
    }

    /// A SATA disk, no part of Hyper-V; `ata1` has a uevent file and no subsystem.
    pub(crate) fn ahci() -> Self {
        Self::default()
            .node("/devices/pci0000:00/0000:00:1f.2")
            .subsystem("bus/pci")
            .driver("pci", "ahci")
            .node("ata1")
            .scsi_host(0)
            .scsi_device("0:0:0:0", "ATA", "QEMU HARDDISK", "30")
            .block("sda", 0)
            .queue("[mq-deadline] none", "32")
    }

    /// A map of device-mapper multipath, with what `10-dm.rules` has found out.
    pub(crate) fn multipath_map() -> Self {
        Self::default()
            .node("/devices/virtual/block/dm-0")
            .block_node("dm-0", 253, 0, "disk")
            .property("DM_NAME", "mpatha")
            .property("DM_UUID", "mpath-360000000000000000e00000000010001")
            .has("dm/name", "mpatha")
            .has("dm/uuid", "mpath-360000000000000000e00000000010001")
            .queue("[mq-deadline] none", "256")
    }

    /// The path of the device below `/sys`, from `/devices`.
    pub(crate) fn path(&self) -> &str {
        &self.nodes.last().expect("a node").path
    }

    /// The same for umockdev; `None` where an ancestor has no subsystem, which it refuses.
    pub(crate) fn umockdev(&self) -> Option<String> {
        let described: Option<Vec<String>> = self.nodes.iter().map(Node::umockdev).collect();
        Some(described?.join("\n"))
    }

    /// Lays the files out below `sys`.
    pub(crate) fn lay_out(&self, sys: &Path) {
        if !self.not_hyperv {
            fs::create_dir_all(sys.join("bus/vmbus")).unwrap();
        }
        for node in &self.nodes {
            node.lay_out(sys);
        }
        let event = sys.join(self.path().trim_start_matches('/'));
        for (attr, value) in &self.overrides {
            fs::write(event.join(attr), format!("{value}\n")).expect("the attribute's directory exists");
        }
    }
}

impl Node {
    /// In the format of umockdev-record: path, uevent properties, attributes, links.
    fn umockdev(&self) -> Option<String> {
        let (_, subsystem) = self.links.iter().find(|(name, _)| *name == "subsystem")?;
        let subsystem = subsystem.rsplit('/').next()?;
        let mut text = format!("P: {}\nE: SUBSYSTEM={subsystem}\n", self.path);
        for line in self.uevent.lines() {
            text.push_str(&format!("E: {line}\n"));
        }
        for (attr, value) in &self.attrs {
            text.push_str(&format!("A: {attr}={value}\\n\n"));
        }
        let up = "../".repeat(self.path.trim_start_matches('/').split('/').count());
        for (name, target) in self.links.iter().filter(|(name, _)| *name != "subsystem") {
            text.push_str(&format!("L: {name}={up}{target}\n"));
        }
        Some(text)
    }

    fn lay_out(&self, sys: &Path) {
        let here = sys.join(self.path.trim_start_matches('/'));
        fs::create_dir_all(&here).unwrap();
        fs::write(here.join("uevent"), &self.uevent).unwrap();
        for (name, target) in &self.links {
            fs::create_dir_all(sys.join(target)).unwrap();
            let up = "../".repeat(self.path.trim_start_matches('/').split('/').count());
            symlink(format!("{up}{target}"), here.join(name)).unwrap();
        }
        for (attr, value) in &self.attrs {
            let file = here.join(attr);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("{value}\n")).unwrap();
        }
    }
}
