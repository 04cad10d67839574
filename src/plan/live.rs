//! What a plan can make live at once on the running machine.

use super::{AttributeWrite, DiskTrigger, Live, Plan, SysctlWrite};
use crate::facts::{Disk, Facts, Machine};
use crate::resolve::device::would_write;
use crate::tunable::{Assignment, Target, UdevAttr};

/// What differs on the running machine and can be changed at once.
pub(super) fn live(facts: &Facts, plan: &Plan) -> Live {
    let mut live = Live::default();
    let Some(machine) = facts.running() else { return live };
    for (_, assignment, _) in plan.settings() {
        match assignment.target {
            Target::Sysctl(key) => {
                let differs = machine.sysctls.get(key).is_some_and(|now| !assignment.met_by(now));
                if differs {
                    live.sysctls.push(SysctlWrite { key, value: assignment.want.value().to_string() });
                }
            }
            Target::Iscsi("node.session.timeo.replacement_timeout") => {
                live.attributes.extend(sessions(machine, assignment));
            }
            Target::Udev { select, attr: UdevAttr::MaxRetries } => {
                let disks = machine.disks.iter().flatten().filter(|disk| select.takes(disk));
                live.attributes.extend(disks.filter_map(|disk| retries(disk, assignment)));
            }
            Target::Udev { attr, .. } => trigger(machine, assignment, attr, &mut live.disks),
            _ => {}
        }
    }
    live
}

fn trigger(machine: &Machine, assignment: &Assignment, attr: UdevAttr, triggers: &mut Vec<DiskTrigger>) {
    let Target::Udev { select, .. } = assignment.target else { return };
    for disk in machine.disks.iter().flatten().filter(|disk| select.takes(disk)) {
        if !would_write(disk, assignment, attr) {
            continue;
        }
        let queue = attr.path().starts_with("queue/");
        match triggers.iter_mut().find(|trigger| trigger.name == disk.name) {
            Some(known) => known.queue |= queue,
            None => triggers.push(DiskTrigger { name: disk.name.clone(), path: disk.path.clone(), queue }),
        }
    }
}

/// A write of `max_retries`. The rule writes it only when a disk is found, so a running machine gets it here.
fn retries(disk: &Disk, assignment: &Assignment) -> Option<AttributeWrite> {
    let hctl = disk.hctl.as_ref().filter(|_| would_write(disk, assignment, UdevAttr::MaxRetries))?;
    Some(AttributeWrite {
        what: format!("{} max_retries", disk.name),
        path: format!("sys/class/scsi_disk/{hctl}/max_retries"),
        value: assignment.want.value().to_string(),
    })
}

/// The sessions that hold I/O for less than is wanted; those of paths are multipathd's.
fn sessions(machine: &Machine, assignment: &Assignment) -> Vec<AttributeWrite> {
    let differs = machine.sessions.iter().filter(|(name, session)| {
        let now = session.recovery_tmo.value().copied();
        now.is_some_and(|now| !assignment.met_by(&now.to_string())) && !machine.serves_paths(name)
    });
    // The kernel takes `off` for ever, and refuses -1
    // (<https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_transport_iscsi.c>).
    let value = assignment.want.value().to_string();
    let value = if value.starts_with('-') { "off".to_owned() } else { value };
    let write = |name: &String| AttributeWrite {
        what: format!("{name} recovery_tmo"),
        path: format!("sys/class/iscsi_session/{name}/recovery_tmo"),
        value: value.clone(),
    };
    differs.map(|(name, _)| write(name)).collect()
}
