//! A machine after apply and the next boot: every value is as planned.

use hvtune::facts::{Attribute, Machine};
use hvtune::plan::Plan;
use hvtune::render::kernel_arg;
use hvtune::tunable::{Assignment, Target, UdevAttr, Want};

pub(crate) fn all(machine: &mut Machine, plan: &Plan) {
    for (_, assignment, _) in plan.settings() {
        one(machine, assignment);
    }
}

fn number<T: std::str::FromStr>(want: &Want) -> Attribute<T> {
    want.value().as_str().parse().map_or(Attribute::Unknown, Attribute::Is)
}

fn one(machine: &mut Machine, assignment: &Assignment) {
    let want = &assignment.want;
    match &assignment.target {
        Target::Sysctl(key) => {
            machine.sysctls.insert((*key).to_owned(), want.value().to_string());
        }
        Target::Udev { select, attr } => {
            for disk in machine.disks.iter_mut().flatten().filter(|disk| select.takes(disk)) {
                match attr {
                    UdevAttr::Timeout => disk.live.timeout = number(want),
                    UdevAttr::IoTimeout => disk.live.io_timeout = number(want),
                    UdevAttr::MaxRetries => disk.live.max_retries = number(want),
                    UdevAttr::NrRequests => disk.live.nr_requests = number(want),
                    UdevAttr::ReadAheadKb => disk.live.read_ahead_kb = number(want),
                    UdevAttr::Scheduler => {
                        disk.live.scheduler = Attribute::Is(want.value().to_string());
                    }
                }
            }
        }
        Target::ModuleOption { module, option } => {
            machine.parameters.insert(format!("{module}.{option}"), want.value().to_string());
            add(machine, assignment);
        }
        Target::KernelArg(_) => add(machine, assignment),
        Target::DropKernelArg(key) => {
            if let Some(line) = &mut machine.cmdline {
                line.args.retain(|arg| arg.split('=').next() != Some(*key));
            }
        }
        Target::Iscsi("node.session.timeo.replacement_timeout") => {
            machine.sessions.values_mut().for_each(|session| session.recovery_tmo = number(want));
        }
        Target::Iscsi("node.conn[0].timeo.noop_out_timeout") => {
            machine.sessions.values_mut().for_each(|session| session.noop_timeout = number(want));
        }
        Target::Fstab(_) => {
            for mount in machine.mounts.iter_mut().filter(|mount| mount.fstype == "ext4") {
                mount.options.retain(|option| !option.starts_with("errors="));
                mount.options.push(format!("errors={}", want.value()));
            }
        }
        Target::Iscsi(_)
        | Target::Waagent(_)
        | Target::Multipath { .. }
        | Target::Unit { .. }
        | Target::Driver(_)
        | Target::Premount(_) => {}
    }
}

fn add(machine: &mut Machine, assignment: &Assignment) {
    if let (Some(line), Some(arg)) = (&mut machine.cmdline, kernel_arg(assignment)) {
        line.args.push(arg);
    }
}
