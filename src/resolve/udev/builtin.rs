//! What the kernel sets by itself.

use super::device::Subject;
use crate::facts::{Class, Facts, KernelRelease};
use crate::resolve::{Acts, Moment, Who, Writer};
use crate::tunable::UdevAttr;

/// The value that the kernel or the driver gives a disk when it is found, where that is known: 180 s
/// of storvsc and 30 s of any other SCSI disk, 30 s of a queue, 128 KiB of read-ahead before 6.17,
/// five retries. Schedulers and numbers of requests depend on the machine.
pub(super) fn value(facts: &Facts, subject: &Subject<'_>, attr: UdevAttr) -> Option<Writer> {
    let machine = facts.machine.as_ref();
    let kernel = machine.and_then(|machine| machine.kernel.as_ref());
    let (who, value) = match attr {
        UdevAttr::Timeout if subject.class.is_storvsc() => ("hv_storvsc", storvsc(facts, kernel)?),
        UdevAttr::Timeout if subject.is_scsi() => ("the kernel", "30"),
        UdevAttr::MaxRetries if subject.is_scsi() => ("the kernel", "5"),
        UdevAttr::IoTimeout if subject.class.is_storvsc() => {
            ("hv_storvsc", if storvsc(facts, kernel)? == "180" { "180000" } else { "30000" })
        }
        UdevAttr::IoTimeout if matches!(subject.class, Class::Multipath { .. }) => return None,
        UdevAttr::IoTimeout => ("the kernel", "30000"),
        UdevAttr::ReadAheadKb if kernel.is_some_and(|kernel| !kernel.at_least(6, 17)) => {
            ("the kernel", "128")
        }
        _ => return None,
    };
    Some(Writer {
        who: Who::BuiltIn(who),
        value: Some(value.to_owned()),
        shown: value.to_owned(),
        moment: Moment::BuiltIn,
        acts: Acts::Yes,
        because: "it is what the disk is found with".to_owned(),
    })
}

/// storvsc has had 180 s since 3.17, and in Red Hat's 3.10
/// (<https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/storvsc_drv.c>, `storvsc_device_configure`).
fn storvsc(facts: &Facts, running: Option<&KernelRelease>) -> Option<&'static str> {
    let long = |kernel: &KernelRelease| kernel.at_least(3, 17) || kernel.is_el7();
    let value = |long: bool| if long { "180" } else { "30" };
    let installed = facts.system.kernels.as_deref().unwrap_or_default();
    let mut all = installed.iter().map(|kernel| &kernel.release).chain(running).map(long);
    let first = all.next()?;
    all.all(|other| other == first).then(|| value(first))
}
