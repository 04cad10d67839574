//! `hvtune leave-emergency`: a restart out of emergency mode.

use std::time::Duration;

use crate::cli::Global;
use crate::emergency::{self, Process};
use crate::facts::EMERGENCY;
use crate::marker::RESTARTS;
use crate::report;
use crate::root::{self, Op, Root};
use crate::run;

const SYSTEMCTL: &str = "systemctl";
const DEADLINE: Duration = Duration::from_secs(30);

/// Counts a restart and asks systemd for it; 1 where the guest is left as it is.
pub(super) fn leave(global: &Global) -> anyhow::Result<u8> {
    let root = Root::live()?;
    let state = run::run(SYSTEMCTL, &["show", "--property=ActiveState", EMERGENCY], DEADLINE)?;
    if state.trim() != "ActiveState=active" {
        report::message(global.quiet, "this machine is not in emergency mode; nothing was done");
        return Ok(1);
    }
    let boot = root.read_text("proc/stat")?.and_then(|text| emergency::parse_boot_time(&text));
    let boot = boot.ok_or_else(|| anyhow::anyhow!("reading /proc/stat: no btime; nothing was done"))?;
    let restarts = match root.read(RESTARTS)? {
        None => Vec::new(),
        Some(bytes) => emergency::parse_restarts(&bytes).ok_or_else(|| {
            anyhow::anyhow!(
                "/{RESTARTS} is not as hvtune wrote it, so restarts cannot be counted; nothing was done"
            )
        })?,
    };
    if let Some(why) = emergency::objection(&processes(&root)?, &restarts, boot) {
        report::message(global.quiet, &format!("the guest stays in emergency mode: {why}"));
        return Ok(1);
    }
    // What cannot be counted is not begun.
    let bytes = emergency::counted(&restarts, boot);
    root.begin()?.commit(&[Op::Write { path: RESTARTS.to_owned(), mode: 0o644, bytes }])?;
    report::message(global.quiet, "nobody is at the console in emergency mode: restarting");
    run::run(SYSTEMCTL, &["--no-block", "reboot"], DEADLINE)?;
    Ok(0)
}

/// Everything that runs; what ends meanwhile is left out. One that cannot be told may be somebody's shell.
fn processes(root: &Root) -> anyhow::Result<Vec<Process>> {
    let mut found = Vec::new();
    let all = root.list("proc")?.into_iter().flatten();
    for entry in all.filter(|entry| entry.name.bytes().all(|byte| byte.is_ascii_digit())) {
        let path = format!("proc/{}/stat", entry.name);
        let bytes = match root.read(&path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(root::Error::Io { said, .. }) if said.raw_os_error() == Some(ENDED) => continue,
            Err(error) => return Err(error.into()),
        };
        let process = emergency::parse_stat(&String::from_utf8_lossy(&bytes));
        let untold =
            || anyhow::anyhow!("reading /{path}: it is not as the kernel writes it; nothing was done");
        found.push(process.ok_or_else(untold)?);
    }
    Ok(found)
}

/// The kernel's answer to a read about a process that ended since the open (`ESRCH`).
const ENDED: i32 = rustix::io::Errno::SRCH.raw_os_error();
