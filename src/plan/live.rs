//! What a plan can make live at once on the running machine.

use super::Plan;
use crate::facts::{Disk, Facts, Machine};
use crate::resolve::device::would_write;
use crate::resolve::wanted::{KERNEL_RETRIES, to_put_back};
use crate::tunable::{Assignment, Target, UdevAttr};

/// What can be made live.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Keys whose live value differs, in order.
    pub sysctls: Vec<SysctlWrite>,
    /// Attributes that differ and that no event brings: `recovery_tmo` of sessions, `max_retries` of disks.
    pub attributes: Vec<AttributeWrite>,
    /// Disks of which an attribute differs.
    pub disks: Vec<DiskTrigger>,
}

/// One `/proc/sys` value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysctlWrite {
    /// Key with dots.
    pub key: &'static str,
    /// The value to write.
    pub value: String,
}

/// An attribute below `/sys` to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeWrite {
    /// For people: `session1 recovery_tmo`, `sda max_retries`.
    pub what: String,
    /// Below the root.
    pub path: String,
    /// As the kernel takes it.
    pub value: String,
}

/// A disk to which a change event is sent, so that the rules reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskTrigger {
    /// Kernel name.
    pub name: String,
    /// Its directory: `sys/devices/…/block/sda`.
    pub path: String,
    /// Whether a queue attribute is to be written, which waits for all I/O in flight.
    pub queue: bool,
}

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
                let takes =
                    |disk: &&Disk| select.takes(disk) && would_write(disk, assignment, UdevAttr::MaxRetries);
                let disks = machine.disks.iter().flatten().filter(takes);
                let value = assignment.want.value();
                live.attributes.extend(disks.filter_map(|disk| retries(disk, value.as_str())));
                let back = to_put_back(facts, assignment).into_iter();
                live.attributes.extend(back.filter_map(|disk| retries(disk, KERNEL_RETRIES)));
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
fn retries(disk: &Disk, value: &str) -> Option<AttributeWrite> {
    let hctl = disk.hctl.as_ref()?;
    Some(AttributeWrite {
        what: format!("{} max_retries", disk.name),
        path: format!("sys/class/scsi_disk/{hctl}/max_retries"),
        value: value.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Attribute, Class, HyperV, Hypervisor, Limits, Live as Values, Origin, Role};
    use crate::plan::Plan;
    use crate::policy::Policy;
    use crate::tunables::decide;
    use crate::verify::{State, verify};

    fn disk(name: &str, hctl: &str, role: Option<Role>, retries: i64) -> Disk {
        Disk {
            name: name.to_owned(),
            path: format!("sys/devices/x/block/{name}"),
            class: Class::StorvscScsi,
            roles: role.into_iter().collect(),
            host: None,
            hctl: Some(hctl.to_owned()),
            slaves: Vec::new(),
            vendor: String::new(),
            model: String::new(),
            limits: Limits::default(),
            live: Values { max_retries: Attribute::Is(retries), ..Values::default() },
        }
    }

    #[test]
    fn a_disk_alone_gets_its_value_and_a_member_gets_the_kernels_back() {
        let mut facts = Facts::default();
        facts.system.cluster = Attribute::Absent;
        facts.machine = Some(Machine {
            origin: Origin::Live,
            hypervisor: Some(Hypervisor::HyperV(HyperV::default())),
            disks: Some(vec![
                disk("sda", "0:0:0:0", None, 5),
                disk("sdb", "0:0:0:1", Some(Role::Member), 5),
                disk("sdc", "0:0:0:2", Some(Role::Member), -1),
                disk("sdd", "0:0:0:3", Some(Role::Path), -1),
            ]),
            ..Machine::default()
        });
        let plan = Plan { verdicts: decide(&facts, &Policy::default()), ..Plan::default() };
        let live = live(&facts, &plan);
        let written: Vec<String> = live
            .attributes
            .iter()
            .map(|write| format!("{} {} {}", write.what, write.path, write.value))
            .collect();
        assert_eq!(
            written,
            [
                "sda max_retries sys/class/scsi_disk/0:0:0:0/max_retries -1",
                "sdc max_retries sys/class/scsi_disk/0:0:0:2/max_retries 5",
                "sdd max_retries sys/class/scsi_disk/0:0:0:3/max_retries 5",
            ]
        );
        let rows = verify(&facts, &plan);
        let differ: Vec<&str> = rows
            .iter()
            .filter(|row| row.knob == "max_retries" && row.state == State::Differs)
            .map(|row| row.target.as_str())
            .collect();
        assert!(differ.ends_with(&["sdc", "sdd"]), "{differ:?}");
    }
}
