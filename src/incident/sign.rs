//! Which events are signs of trouble, of what, and on which device.

use super::event::Event;
use super::scene::{Scene, Transport, is_beside};
use super::table::Id;

/// A command that lived as long was held by the host, or not answered.
pub(super) const HELD: i64 = 5;

/// File systems and disks that fail upward.
pub(super) const LOST: &[Id] = &[
    Id::BlockError,
    Id::BufferError,
    Id::Jbd2Abort,
    Id::Ext4Aborted,
    Id::Ext4Ro,
    Id::Ext4Io,
    Id::XfsShutdown,
    Id::XfsError,
    Id::BtrfsRo,
    Id::SwapError,
];
/// Errors of a disk or a file system that was given up: they come as long as anybody asks.
pub(super) const AFTER: &[Id] = &[
    Id::BlockError,
    Id::BufferError,
    Id::ScsiRejecting,
    Id::ScsiFailedAge,
    Id::ScsiOfflined,
    Id::Suppressed,
    Id::Ext4Aborted,
    Id::Ext4Io,
    Id::Jbd2Io,
    Id::XfsError,
];
/// Whether a map has no path, or gives up on its queue.
pub(super) fn is_down(event: &Event) -> bool {
    event.is(&[Id::MpathRecovery, Id::MpathQueueOff, Id::MpathNone])
        || (event.id == Id::MpathActive && event.get("n") == "0")
}

/// What a sign speaks for: the first of several on a device counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    Removed,
    Space,
    Medium,
    Freeze,
    Multipath,
    Iscsi,
    Fc,
    Nvme,
    Errors,
    Silent,
    Boot,
    Paused,
    Unknown,
}

/// An event that is a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign<'a> {
    pub(super) event: &'a Event,
    /// `None` where it only says that something failed.
    pub(super) cause: Option<Cause>,
    /// The disk, or what else it is about; empty for the whole machine.
    pub(super) subject: String,
}

/// Data commands of SCSI: reads, writes, flushes. Others probe, and are refused without harm.
const DATA: [&str; 12] = ["8", "28", "88", "a8", "a", "2a", "8a", "aa", "35", "91", "2e", "8e"];

/// TEST UNIT READY, INQUIRY and REPORT LUNS: they ask for a disk.
const PROBES: [&str; 3] = ["", "12", "a0"];

/// What an event says.
enum Says {
    /// Nothing of trouble.
    Nothing,
    /// That something failed; the reason stands elsewhere.
    Failed,
    /// What happened.
    Of(Cause),
}

impl Says {
    /// Something of trouble, where there is a cause.
    fn perhaps(cause: Option<Cause>) -> Self {
        cause.map_or(Self::Nothing, Self::Of)
    }

    /// That something failed, and the cause where there is one.
    fn failed(cause: Option<Cause>) -> Self {
        cause.map_or(Self::Failed, Self::Of)
    }
}

/// What an event is a sign of; `None` where it is none.
pub(super) fn sign<'a>(event: &'a Event, scene: &Scene) -> Option<Sign<'a>> {
    let disk = scene.disk_of(event);
    let transport = scene.transport(&disk);
    if is_beside(&disk) || event.text.starts_with("sr ") || transport == Transport::Removable {
        return None;
    }
    let cause = match says(event, transport, scene) {
        Says::Nothing => return None,
        Says::Failed => None,
        Says::Of(cause) => Some(cause),
    };
    Some(Sign { event, cause, subject: subject(event, disk) })
}

fn says(event: &Event, transport: Transport, scene: &Scene) -> Says {
    match event.id {
        Id::IscsiRecoveryTimeout | Id::IscsiPingTimeout | Id::IscsiConnError | Id::IscsidConnError => {
            Says::Of(Cause::Iscsi)
        }
        Id::NvmeReset if event.get("what") == "completion polled" => Says::Nothing,
        Id::NvmeAbort | Id::NvmeReset | Id::NvmeDead | Id::NvmeLost => Says::Of(Cause::Nvme),
        Id::NvmeStatus => Says::perhaps(nvme_status(event)),
        Id::DmQueueTimeout | Id::MpathQueueOff | Id::MpathRecovery | Id::MpathNone | Id::MpathActive => {
            Says::Of(Cause::Multipath)
        }
        Id::DmFailPath if event.get("what") == "Failing" => Says::Of(Cause::Multipath),
        Id::FcRport => Says::Of(Cause::Fc),
        Id::StorvscStatus => Says::perhaps(storvsc(event, scene)),
        Id::ScsiSense | Id::ScsiAddSense => Says::perhaps(sense(event)),
        Id::ScsiFailedAge => failed(event, transport),
        Id::ScsiWindow if event.number("secs").is_some_and(|secs| secs >= 90) => Says::Of(Cause::Errors),
        Id::StorvscSetup | Id::PvscsiAbort | Id::MptAbort => Says::Of(Cause::Silent),
        Id::AtaTimeout if event.has("cmd") && !event.get("cmd").contains("PACKET") => {
            Says::perhaps(scene.is_frozen(event.get("port")).then_some(Cause::Silent))
        }
        Id::BlockError => block(event, scene.has_refused(&scene.disk_of(event))),
        // Somebody asked for it.
        Id::XfsShutdown if event.has("user") || event.text.contains("xfs_fs_goingdown") => Says::Nothing,
        Id::ScsiOfflined
        | Id::ScsiMediumAccess
        | Id::ScsiRejecting
        | Id::BufferError
        | Id::Jbd2Abort
        | Id::Jbd2Io
        | Id::Ext4Aborted
        | Id::Ext4Ro
        | Id::XfsError
        | Id::XfsShutdown
        | Id::SwapError
        | Id::MdFail
        | Id::HungTask
        | Id::PanicHung
        | Id::SystemdWatchdog => Says::Failed,
        Id::Ext4Io | Id::BtrfsRo => Says::failed(lost(event)),
        Id::JournaldBad if ["Read-only file system", "Input/output error"].contains(&event.get("why")) => {
            Says::Failed
        }
        Id::ThinMode if !event.has("mode") => Says::Nothing,
        Id::ThinMode | Id::Nospace => Says::Of(Cause::Space),
        Id::HvVss if event.get("op") == "CHECK HOT BACKUP" || is_refused(event) => Says::Nothing,
        Id::HvVss | Id::AzureFreeze | Id::QgaFreeze | Id::HvVssTimeout => Says::Of(Cause::Freeze),
        Id::Lockup => Says::Of(Cause::Paused),
        Id::PanicAny => panic(event),
        Id::SystemdDevice if is_other_device(event) => Says::Nothing,
        Id::SystemdDevice | Id::DracutTimeout | Id::InitramfsAlert => Says::Of(Cause::Boot),
        _ => Says::Nothing,
    }
}

/// The disk, or what else an event is about.
fn subject(event: &Event, disk: String) -> String {
    let named = match event.id {
        Id::IscsiRecoveryTimeout | Id::IscsiPingTimeout | Id::IscsiConnError | Id::IscsidConnError => "iscsi",
        Id::DmQueueTimeout
        | Id::MpathQueueOff
        | Id::MpathRecovery
        | Id::MpathNone
        | Id::MpathActive
        | Id::DmFailPath => "multipath",
        Id::FcRport => "fc",
        Id::StorvscStatus | Id::StorvscSetup => event.get("dev"),
        Id::ThinMode => event.get("pool"),
        Id::Nospace => "space",
        Id::HvVss | Id::AzureFreeze | Id::QgaFreeze | Id::HvVssTimeout => "freeze",
        Id::Lockup => "cpu",
        Id::SystemdDevice | Id::DracutTimeout | Id::InitramfsAlert => "boot",
        Id::HungTask | Id::PanicHung | Id::PanicAny | Id::SystemdWatchdog => "",
        Id::AtaTimeout => return format!("ata{}", event.get("port")),
        _ => return disk,
    };
    named.to_owned()
}

/// What a file system knows of its failure.
fn lost(event: &Event) -> Option<Cause> {
    match [event.get("err"), event.get("errno")].concat().as_str() {
        "3" | "-28" => Some(Cause::Space),
        "7" => Some(Cause::Medium),
        _ => None,
    }
}

/// A freeze that did not succeed is undone at once by the daemon.
fn is_refused(event: &Event) -> bool {
    event.text.starts_with("FREEZE of ") || (event.get("op") == "FREEZE" && event.get("rc") == "failed")
}

/// Consoles, ports, chips and network cards, which a unit may wait for as for a disk.
fn is_other_device(event: &Event) -> bool {
    let name = [event.get("unit"), event.get("dev")].concat();
    let others = ["sys-", "/sys/", "dev-tty", "/dev/tty", "dev-hvc", "/dev/hvc", "dev-tpm", "/dev/tpm"];
    let ports = ["dev-virtio", "/dev/virtio", "dev-vmbus", "/dev/vmbus", "dev-rtc", "/dev/rtc"];
    others.iter().chain(&ports).any(|start| name.starts_with(start))
}

/// A panic that the storage has a part in.
fn panic(event: &Event) -> Says {
    let text = event.get("text");
    let by_file_system =
        ["EXT4-fs", "EXT3-fs", "XFS", "BTRFS", "btrfs"].iter().any(|name| text.contains(name));
    match text.contains("Unable to mount root") {
        true => Says::Of(Cause::Boot),
        false if by_file_system => Says::Failed,
        false => Says::Nothing,
    }
}

/// An error of the host for a command that reads, writes or flushes.
fn storvsc(event: &Event, scene: &Scene) -> Option<Cause> {
    let raw = [event.get("srb"), event.get("srb2")].concat();
    let raw = u8::from_str_radix(&raw, 16).unwrap_or(0);
    let status = raw & 0x3f;
    // The sense is valid, and stands in a line of its own: that one decides.
    if raw & 0x80 != 0 && scene.has_sense {
        return None;
    }
    let command = event.get("cmd").trim_start_matches('0');
    // Whether a disk is still there is asked at every detach: nobody lost anything by the answer.
    if status == 0x20 && !PROBES.contains(&command) {
        return Some(Cause::Removed);
    }
    DATA.contains(&command).then_some(Cause::Errors)
}

fn sense(event: &Event) -> Option<Cause> {
    if event.id == Id::ScsiAddSense {
        return event.get("text").contains("Space allocation failed").then_some(Cause::Space);
    }
    match event.get("key") {
        "Medium Error" | "Hardware Error" | "Data Protect" | "0x3" | "0x4" | "0x7" => Some(Cause::Medium),
        "Aborted Command" | "Not Ready" | "0xb" | "0x2" => Some(Cause::Errors),
        _ => None,
    }
}

/// A command that failed, by what its driver says.
fn failed(event: &Event, transport: Transport) -> Says {
    let age = event.number("age").unwrap_or(0);
    Says::failed(match event.get("host") {
        // The sense decides.
        "DID_OK" | "0x00" if age < HELD => return Says::Nothing,
        "DID_NO_CONNECT" | "0x01" | "DID_BAD_TARGET" | "0x04" => match transport {
            Transport::Iscsi | Transport::PerhapsIscsi => None,
            _ => Some(Cause::Removed),
        },
        "DID_TIME_OUT" | "0x03" | "DID_ABORT" | "0x05" => Some(Cause::Silent),
        "DID_MEDIUM_ERROR" | "0x13" => Some(Cause::Medium),
        "DID_ALLOC_FAILURE" | "0x12" => Some(Cause::Space),
        "DID_TRANSPORT_DISRUPTED"
        | "0x0e"
        | "DID_TRANSPORT_FAILFAST"
        | "0x0f"
        | "DID_TRANSPORT_MARGINAL"
        | "0x14" => None,
        "DID_NEXUS_FAILURE" | "0x11" => Some(Cause::Unknown),
        _ => Some(Cause::Errors),
    })
}

/// An error of the block layer. Before 4.20 it does not say of what: a disk that refused unknown commands is not asked
/// for them again, and nothing failed.
fn block(event: &Event, refused: bool) -> Says {
    let discards = (refused && !event.has("op"))
        || ["0x3", "0x9", "3", "9"].contains(&event.get("op"))
        || ["DISCARD", "WRITE_ZEROES"].contains(&event.get("opname"));
    Says::failed(match event.get("kind") {
        "critical target" if discards => return Says::Nothing,
        // Reading ahead is nobody's loss.
        _ if event.get("flags").starts_with("80700") => return Says::Nothing,
        "critical medium" => Some(Cause::Medium),
        "critical space allocation" => Some(Cause::Space),
        "critical nexus" | "reservation conflict" => Some(Cause::Unknown),
        _ => None,
    })
}

/// Status of a command by its type: 2 is the medium, 3 the way to it.
fn nvme_status(event: &Event) -> Option<Cause> {
    match event.get("sct").trim_start_matches('0') {
        "2" => Some(Cause::Medium),
        "3" => Some(Cause::Nvme),
        _ => None,
    }
}
