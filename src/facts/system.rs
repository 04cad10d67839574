//! What the root knows, as plain data.

use std::collections::BTreeSet;

use super::{
    Arch, Attribute, Boot, IscsiFiles, KernelRelease, Mask, ModprobeFile, MultipathFiles, MultipathSetting,
    Programs, ServedMount, SysctlFiles, Unit, Unread, Waits, Watchdog,
};
use crate::formats::udev::Rules;
use crate::order::Named;

/// What the root knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    /// The root is not that of the running machine.
    pub offline: bool,
    /// It is made to be laid over a system, or to become part of one: files of ours below `/usr` alone.
    pub layer: bool,
    /// Of the distribution.
    pub os: Option<OsRelease>,
    /// Processor architecture, by the dynamic loader's name.
    pub arch: Option<Arch>,
    /// Installed kernels, oldest first; `None` = could not tell.
    pub kernels: Option<Vec<InstalledKernel>>,
    /// How it boots.
    pub boot: Boot,
    /// Other writers of the same knobs.
    pub writers: Writers,
    /// Everybody's modprobe.d files, in libkmod's order.
    pub modprobe: Vec<ModprobeFile>,
    /// open-iscsi's settings.
    pub iscsi: IscsiFiles,
    /// Timers of multipath.conf and its drop-ins, in reading order, each as multipathd takes it.
    pub multipath: Vec<MultipathSetting>,
    /// The lines of multipath.conf and its drop-ins that these were made of.
    pub multipath_files: MultipathFiles,
    /// systemd's units that matter here and are installed: those of [`super::WATCHED`], the Azure agent's; and
    /// those of [`super::WAITS`], which are none but are read alike.
    pub units: Vec<Unit>,
    /// Services of [`super::WATCHED`] that are installed.
    pub watchdogs: Vec<Watchdog>,
    /// What a boot waits for.
    pub waits: Waits,
    /// The file that makes this a node of a cluster, which shares disks and fences by their errors.
    pub cluster: Attribute<String>,
    /// `hv_vss_daemon` is installed: a backup of the host freezes every file system.
    pub vss_daemon: bool,
    /// Azure Backup's extension is there: it freezes every file system, as `hv_vss_daemon` does.
    pub snapshot_extension: bool,
    /// Swap that files ask for: early in boot none is active yet.
    pub swaps: Vec<SwapSource>,
    /// File systems of `/etc/fstab` that are ext4, ext3 or ext2.
    pub ext: Vec<ExtMount>,
    /// File systems of `/etc/fstab` of which a server answers.
    pub served: Vec<ServedMount>,
    /// Files that carry our marker.
    pub ours: Vec<OwnFile>,
}

/// An ext4, ext3 or ext2 file system of `/etc/fstab`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtMount {
    /// What is mounted, as written.
    pub device: String,
    /// Where it is mounted, as written.
    pub mount: String,
    /// The same as the kernel shows it, escapes undone.
    pub point: String,
    /// What `errors=` says; without it the superblock decides.
    pub errors: Option<String>,
    /// Why the guest does not stand or fall with it, where the line itself says so.
    pub spare: Option<&'static str>,
    /// Its line is none that we edit: without options, or ended as on Windows.
    pub odd: bool,
}

/// Swap that some file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapSource {
    /// Which file, below the root.
    pub from: String,
    /// Device or file, as written.
    pub what: String,
    /// Its priority; `None` = the kernel gives one below 0.
    pub priority: Option<i64>,
    /// What it is known to lie on.
    pub on: SwapGround,
    /// Where its file lies, by fstab: the mount point, and the device as written.
    pub holder: Option<(String, String)>,
}

/// What configured swap is known to lie on, by what files say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwapGround {
    /// Compressed memory.
    Zram,
    /// Azure's temporary disk, where the machine is on Azure.
    AzureTemporary,
    /// Files do not say, or some other disk.
    Storage,
}

/// A file of ours found in the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Its path below the root, no leading slash.
    pub path: String,
    /// The attributes that its rules write, by class of disk; empty for other formats.
    pub writes: BTreeSet<(String, String)>,
    /// When it was written, as [`super::Image::made`] says it.
    pub written: Option<i64>,
}

/// `os-release`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    /// `ID`
    pub id: String,
    /// `ID_LIKE`, split.
    pub id_like: Vec<String>,
    /// `VERSION_ID`
    pub version_id: String,
    /// `PRETTY_NAME`, made printable; `NAME`, else `ID` and `VERSION_ID`, where there is none.
    pub pretty_name: String,
}

impl OsRelease {
    /// Whether it is one of these distributions or made from one, by `ID` and `ID_LIKE`.
    pub fn is_like(&self, names: &[&str]) -> bool {
        [&self.id].into_iter().chain(&self.id_like).any(|id| names.contains(&id.as_str()))
    }
}

/// A kernel below `/usr/lib/modules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledKernel {
    /// Its release.
    pub release: KernelRelease,
    /// Per module of [`crate::probe::MODULES`]: built in, loadable, absent, or could not tell.
    pub modules: Named<ModuleFact>,
    /// Those of [`crate::probe::BOOT_DRIVERS`] that are built in; `None` = could not tell.
    pub built_in: Option<Vec<&'static str>>,
}

/// What an installed kernel says of one module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleFact {
    /// Built into the kernel image; `None` = could not tell.
    pub builtin: Option<bool>,
    /// Its parameters; `Unknown` where a compressed module hides them.
    pub parameters: Attribute<BTreeSet<String>>,
}

/// Other writers of the knobs that we set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writers {
    /// The Azure Linux agent, where one is installed that starts at boot, or may.
    pub waagent: Option<Waagent>,
    /// Its configuration, where nobody reads it.
    pub idle_waagent: Option<IdleAgent>,
    /// azure-vm-utils' `80-azure-disk.rules` is in force.
    pub azure_vm_utils: bool,
    /// tuned's active profile, where tuned is configured.
    pub tuned: Option<String>,
    /// saptune is installed.
    pub saptune: bool,
    /// multipath-tools is configured or installed.
    pub multipath: bool,
    /// `/etc/multipath.conf` is there, without which some distributions do not start multipathd.
    pub multipath_conf: bool,
    /// open-iscsi is configured or installed.
    pub iscsi: bool,
    /// Everybody else's rules files that may write a knob of ours, in the order in which udev reads them.
    pub rule_files: Vec<RuleFile>,
    /// Sysctl files with all that decides over them.
    pub sysctl_files: SysctlFiles,
    /// Programs that write to `/proc/sys` and `/sys`.
    pub programs: Programs,
    /// Files that take the place of ours.
    pub masks: Vec<Mask>,
    /// Files that could not be read and may hold a writer.
    pub unread: Vec<Unread>,
}

/// waagent.conf, as far as it holds a timer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waagent {
    /// `OS.RootDeviceScsiTimeout`: seconds it writes to every sd disk; `None` = switched off.
    pub scsi_timeout: Option<u64>,
    /// Its file, below the root.
    pub path: String,
    /// The line that says so, from 1; 0 where none does.
    pub line: u32,
    /// The value as written, where one is.
    pub shown: String,
    /// Why it could not be told whether an agent starts, or what its file says.
    pub doubt: Option<String>,
}

/// A waagent.conf without an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdleAgent {
    /// The file, below the root.
    pub path: String,
    /// Why no agent would read it.
    pub why: String,
}

/// One of somebody else's udev rules files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// File, below the root.
    pub path: String,
    /// Its lines, as udev reads them.
    pub rules: Rules,
}
