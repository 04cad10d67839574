//! Kinds of trouble, and how sure a statement is.

/// What befell the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Commands were not answered.
    HostSilent,
    /// Commands were answered at once with errors that may be tried again.
    HostErrorsFast,
    /// The same after the host had held them.
    HostErrorsSlow,
    /// The host took a disk away.
    HostRemovedDisk,
    /// An iSCSI session was gone.
    IscsiPathLoss,
    /// An iSCSI target answered, and its disk late or with errors.
    IscsiSlowErrors,
    /// No path of a map was left.
    MultipathAllPathsDown,
    /// A Fibre Channel path was gone.
    FcPathLoss,
    /// An NVMe controller did not answer in time.
    NvmeTimeout,
    /// The detector of hung tasks ended the machine.
    HungTaskPanic,
    /// A disk that the boot waits for did not come.
    BootDeviceMissing,
    /// The same, with signs of a stall.
    BootInStall,
    /// The medium is bad.
    MediumError,
    /// Something is full.
    OutOfSpace,
    /// A backup froze file systems.
    FreezeByBackup,
    /// The machine did not run.
    VmPaused,
    /// An error of which the log does not say more.
    UnknownIoError,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::HostSilent,
        Self::HostErrorsFast,
        Self::HostErrorsSlow,
        Self::HostRemovedDisk,
        Self::IscsiPathLoss,
        Self::IscsiSlowErrors,
        Self::MultipathAllPathsDown,
        Self::FcPathLoss,
        Self::NvmeTimeout,
        Self::HungTaskPanic,
        Self::BootDeviceMissing,
        Self::BootInStall,
        Self::MediumError,
        Self::OutOfSpace,
        Self::FreezeByBackup,
        Self::VmPaused,
        Self::UnknownIoError,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::HostSilent => "host-silent",
            Self::HostErrorsFast => "host-errors-fast",
            Self::HostErrorsSlow => "host-errors-slow",
            Self::HostRemovedDisk => "host-removed-disk",
            Self::IscsiPathLoss => "iscsi-path-loss",
            Self::IscsiSlowErrors => "iscsi-slow-errors",
            Self::MultipathAllPathsDown => "multipath-all-paths-down",
            Self::FcPathLoss => "fc-path-loss",
            Self::NvmeTimeout => "nvme-timeout",
            Self::HungTaskPanic => "hung-task-panic",
            Self::BootDeviceMissing => "boot-device-missing",
            Self::BootInStall => "boot-in-stall",
            Self::MediumError => "medium-error",
            Self::OutOfSpace => "out-of-space",
            Self::FreezeByBackup => "freeze-by-backup",
            Self::VmPaused => "vm-paused",
            Self::UnknownIoError => "unknown-io-error",
        }
    }

    /// Whether no timer of the storage has a part in it.
    pub fn is_no_stall(self) -> bool {
        matches!(
            self,
            Self::HostRemovedDisk
                | Self::MediumError
                | Self::OutOfSpace
                | Self::FreezeByBackup
                | Self::VmPaused
        )
    }
}

/// How sure a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// It stands in the log.
    Read,
    /// It follows from what stands there, by the rule that is named.
    Follows,
    /// It is likely.
    Likely,
    /// The log does not tell.
    CannotTell,
}

impl Grade {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Follows, Self::Likely, Self::CannotTell];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Follows => "follows",
            Self::Likely => "likely",
            Self::CannotTell => "cannot-tell",
        }
    }
}

/// Whether the default plan would have ridden it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    True,
    /// No.
    False,
    /// Could not tell.
    Unknown,
}

impl Answer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::True, Self::False, Self::Unknown];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        }
    }
}
