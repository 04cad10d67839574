//! The table of messages: what each says, who says it, where it is written and which timer it tells of.
//!
//! Patterns are for the message alone, after stamp, host and speaker are taken off; named groups are its
//! fields. `has` are texts of which every such message holds one: what holds none is never matched.

mod answers;
mod around;
mod failures;
mod timers;

/// Speakers of kernel lines.
pub(super) const KERNEL: &[&str] = &["kernel"];
/// Whoever says it.
pub(super) const ANY: &[&str] = &[];

/// One kind of message.
#[derive(Debug)]
pub(super) struct Message {
    /// By what the judge knows it.
    pub(super) id: Id,
    /// Its name in reports.
    pub(super) name: &'static str,
    /// Who says it; empty for anybody. A line without a speaker may be anybody's.
    pub(super) who: &'static [&'static str],
    /// One of these stands in each.
    pub(super) has: &'static [&'static str],
    /// The whole of it.
    pub(super) pattern: &'static str,
    /// Where it is written.
    pub(super) source: &'static str,
    /// Which versions say it so.
    pub(super) versions: &'static str,
    /// What it means.
    pub(super) means: &'static str,
    /// The timer that it tells of; empty where there is none.
    pub(super) timer: &'static str,
}

/// All of them: what is more exact stands before what is less.
pub(super) fn all() -> impl Iterator<Item = &'static Message> {
    [timers::ROWS, answers::ROWS, failures::ROWS, around::ROWS].into_iter().flatten()
}

/// The kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    IscsiRecoveryTimeout,
    IscsiPingTimeout,
    ScsiWindow,
    ScsiFailedAge,
    ScsiOfflined,
    ScsiMediumAccess,
    NvmeAbort,
    NvmeReset,
    NvmeDead,
    NvmeLost,
    DmQueueTimeout,
    MpathQueueOff,
    MpathRecovery,
    SystemdWatchdog,
    SystemdExit,
    HungTask,
    PanicHung,
    PanicAny,
    SystemdDevice,
    DracutTimeout,
    InitramfsAlert,
    SystemdStart,
    HungLast,
    PanicRestart,
    DracutBegin,
    InitramfsBegin,
    SystemdExpect,
    StorvscStatus,
    StorvscSetup,
    ScsiSense,
    ScsiParamChanged,
    ScsiAddSense,
    IscsiConnError,
    IscsidConnError,
    IscsidBack,
    IscsidConnect,
    IscsidLogout,
    IscsidShutdown,
    DmFailPath,
    MpathActive,
    MpathChecker,
    FcRport,
    NvmeStatus,
    PvscsiAbort,
    MptAbort,
    AtaTimeout,
    NvmeBack,
    MpathBack,
    MpathReinstated,
    MpathNone,
    FcBack,
    BlockError,
    ScsiRejecting,
    ScsiSyncFailed,
    BufferError,
    BlockCapacity,
    SwapError,
    Suppressed,
    Jbd2Abort,
    Jbd2Io,
    Ext4Aborted,
    Ext4Ro,
    Ext4Io,
    Ext4Count,
    Ext4Recover,
    XfsShutdown,
    XfsError,
    BtrfsRo,
    BtrfsErrs,
    MdFail,
    ThinMode,
    Nospace,
    Mounted,
    HvVss,
    HvVssTimeout,
    AzureFreeze,
    QgaFreeze,
    ClockStep,
    ClockSystemd,
    Lockup,
    LostKmsg,
    JournaldBad,
    Fold,
    BootMark,
    HvShutdown,
    Emergency,
    Nfs,
    ScsiHost,
    ScsiVendor,
    ScsiAttached,
    UsbGone,
    Hypervisor,
    KernelRelease,
    Trace,
    Suspend,
    Shutdown,
}
