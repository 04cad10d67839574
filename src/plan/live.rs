//! What a plan can make live at once on the running machine.

use super::{DiskTrigger, Live, Plan, SessionWrite, SysctlWrite};
use crate::facts::{Facts, Machine};
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
                live.sessions.extend(sessions(machine, assignment));
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
        let scsi_disk = match (&disk.hctl, attr) {
            (Some(hctl), UdevAttr::MaxRetries) => Some(format!("sys/class/scsi_disk/{hctl}")),
            _ => None,
        };
        match triggers.iter_mut().find(|trigger| trigger.name == disk.name) {
            Some(known) => {
                known.queue |= queue;
                known.scsi_disk = known.scsi_disk.take().or(scsi_disk);
            }
            None => triggers.push(DiskTrigger {
                name: disk.name.clone(),
                path: disk.path.clone(),
                scsi_disk,
                queue,
            }),
        }
    }
}

/// The sessions that hold I/O for less than is wanted; those of paths are multipathd's.
fn sessions(machine: &Machine, assignment: &Assignment) -> Vec<SessionWrite> {
    let differs = machine.sessions.iter().filter(|(name, session)| {
        let now = session.recovery_tmo.value().copied();
        now.is_some_and(|now| !assignment.met_by(&now.to_string())) && !machine.serves_paths(name)
    });
    // The kernel takes `off` for ever, and refuses -1
    // (<https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_transport_iscsi.c>).
    let value = assignment.want.value().to_string();
    let value = if value.starts_with('-') { "off".to_owned() } else { value };
    differs.map(|(name, _)| SessionWrite { session: name.clone(), value: value.clone() }).collect()
}
