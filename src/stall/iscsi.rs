//! The timers of a disk of the kernel's iSCSI initiator.

use super::fate::{Fate, Span, Timer};
use super::timers::{known, timeout_of, timer};
use super::view::View;
use super::{Trouble, errors};
use crate::facts::{Attribute, Disk, KernelRelease, Session};

/// What open-iscsi gives a session for abort, logical unit reset and target reset
/// (<https://github.com/open-iscsi/open-iscsi/blob/master/etc/iscsid.conf>).
const ISCSI_HANDLING: [u64; 3] = [15, 30, 30];
/// How long iscsid takes to log in anew to a target that answers: 2.1 s were seen in the lab.
const RELOGIN: u64 = 2;
/// How long error handling waits for TEST UNIT READY: `eh_timeout` as the kernel sets it
/// (`SCSI_DEFAULT_EH_TIMEOUT`, <https://github.com/torvalds/linux/blob/v6.12/include/scsi/scsi_device.h>).
const EH_TIMEOUT: u64 = 10;

/// The kernel's iSCSI initiator
/// (<https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/libiscsi.c>,
/// <https://github.com/open-iscsi/open-iscsi/blob/master/README>, 8.).
pub(super) fn fate(view: View<'_>, disk: &Disk, name: &str, trouble: Trouble) -> Fate {
    let Some(session) = view.machine.sessions.get(name) else {
        return Fate::at_least(0, format!("iscsi.{name}"));
    };
    match trouble {
        Trouble::Errors => errors::scsi(view, disk, trouble),
        // A target that holds a command longer than the disk's timer is a silent one.
        Trouble::ErrorsHeld => {
            let errors = errors::scsi(view, disk, trouble);
            let silent = disk.live.timeout.value().is_none_or(|timeout| *timeout <= view.host_holds);
            let unit = || fate(view, disk, name, Trouble::Unit);
            if silent { errors.or_sooner(unit()) } else { errors }
        }
        Trouble::PathLoss => dropped(name, session, 0, Vec::new()),
        Trouble::Unit => {
            let unanswered = handling(session).min(EH_TIMEOUT);
            let then = "one silent unit of a target that answers: error handling begins";
            silent(disk, name, session, unanswered + RELOGIN + EH_TIMEOUT, then)
        }
        Trouble::Silence => match nop(name, session) {
            Err(fact) => unanswered(view, disk, name, session, None)
                .without(Some(fact))
                .or_sooner(Fate::at_least(0, format!("iscsi.{name}.noop"))),
            Ok(answer) => unanswered(view, disk, name, session, answer),
        },
    }
}

fn of_session(name: &str, knob: &str, value: String, fires: Span, then: &str) -> Timer {
    Timer { layer: name.to_owned(), knob: knob.to_owned(), value, fires, then: then.to_owned() }
}

/// When the missing answer to a NOP drops the session; `None` where no NOPs are sent.
fn nop(name: &str, session: &Session) -> Result<Option<Timer>, String> {
    let interval = known(&session.noop_interval, format!("iscsi.{name}.recv_tmo"))?;
    let timeout = known(&session.noop_timeout, format!("iscsi.{name}.ping_tmo"))?;
    if interval == 0 || timeout == 0 {
        return Ok(None);
    }
    let value = format!("{interval} + {timeout}");
    let then = "no answer to a NOP, the session drops";
    Ok(Some(of_session(name, "noop_out_*", value, Span::Seconds(interval.saturating_add(timeout)), then)))
}

/// What happens to I/O when the session is gone: it waits `recovery_tmo`, then it fails
/// (`session_recovery_timedout`,
/// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_transport_iscsi.c>).
fn dropped(name: &str, session: &Session, at: u64, mut timers: Vec<Timer>) -> Fate {
    let knob = "node.session.timeo.replacement_timeout";
    let recovery = match known(&session.recovery_tmo, format!("iscsi.{name}.recovery_tmo")) {
        Ok(recovery) => recovery,
        Err(fact) => return Fate::at_least(at, fact),
    };
    let Ok(seconds) = u64::try_from(recovery) else {
        timers.push(of_session(name, knob, recovery.to_string(), Span::Forever, "I/O waits for the session"));
        return Fate::forever(timers);
    };
    let fires = Span::Seconds(at).plus(seconds);
    timers.push(of_session(name, knob, seconds.to_string(), fires, "recovery gives up, I/O fails"));
    Fate::ends(timers)
}

/// How long the steps of error handling may take, where none of them ends the session.
fn handling(session: &Session) -> u64 {
    steps(session).into_iter().fold(0, u64::saturating_add)
}

fn steps(session: &Session) -> [u64; 3] {
    let [abort, unit, target] = &session.handling;
    let [usual_abort, usual_unit, usual_target] = ISCSI_HANDLING;
    let known = |step: &Attribute<u64>, usual| step.value().copied().unwrap_or(usual);
    [known(abort, usual_abort), known(unit, usual_unit), known(target, usual_target)]
}

/// A target that answers nothing at all, a login no more than a command.
///
/// Either a NOP drops the session, or the abort that begins error handling does when it is not answered
/// (`iscsi_eh_abort`); the resets after it fail at once, and the last of them, `iscsi_eh_session_reset`,
/// waits for a login or for the end of the recovery. Since 5.16 the disk comes back with its session even
/// then; before, error handling may have taken it offline for good, as the disk was not yet marked as one
/// whose transport is gone (`session_recovery_timedout`). A NOP that comes first gives every command back.
fn unanswered(view: View<'_>, disk: &Disk, name: &str, session: &Session, answer: Option<Timer>) -> Fate {
    let at = |timer: &Timer| timer.fires.seconds().unwrap_or(u64::MAX);
    let timeout = match timeout_of(disk) {
        Ok(timeout) => timeout,
        Err(fact) => return Fate::at_least(0, fact),
    };
    let begins = timeout.saturating_mul(if answer.is_some() { 2 } else { 1 });
    if let Some(answer) = answer.clone().filter(|answer| at(answer) <= begins) {
        return dropped(name, session, at(&answer), vec![answer]);
    }
    let [abort, ..] = steps(session);
    let gives_up = begins.saturating_add(abort).min(answer.as_ref().map_or(u64::MAX, at));
    let knob = "node.session.err_timeo.abort_timeout";
    let then = "no answer to the abort, the session drops";
    let drops = match answer.filter(|answer| at(answer) == gives_up) {
        Some(answer) => answer,
        None => of_session(name, knob, abort.to_string(), Span::Seconds(gives_up), then),
    };
    let begun = timer(disk, "device/timeout", &timeout, begins, "error handling begins");
    let fate = dropped(name, session, gives_up, vec![begun, drops]);
    let returns = view.machine.kernel.as_ref().is_some_and(KernelRelease::iscsi_disk_returns);
    if returns { fate } else { fate.for_good() }
}

/// One unit of a target that answers for the others: the first expiry is passed over where NOPs are sent
/// (`iscsi_eh_cmd_timed_out`; one more, where the command went out a tick after it was made), then error
/// handling takes its steps for `seconds`, in vain.
///
/// The target is logged in to anew, and after each step that it says it has taken the unit has
/// `eh_timeout` to say that it is ready. Where the target says so for it, sd lets all begin anew until
/// `max_medium_access_timeouts` (`sd_eh_action`,
/// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/sd.c>). What a target does is not known
/// before, and this is the soonest.
fn silent(disk: &Disk, name: &str, session: &Session, seconds: u64, then: &str) -> Fate {
    let timeout = match timeout_of(disk) {
        Ok(seconds) => seconds,
        Err(fact) => return Fate::at_least(0, fact),
    };
    let sends_nops = matches!(nop(name, session), Ok(Some(_)) | Err(_));
    let begins = timeout.saturating_mul(if sends_nops { 2 } else { 1 });
    let failed = "error handling has failed, the disk goes offline";
    Fate::ends(vec![
        timer(disk, "device/timeout", &timeout, begins, then),
        timer(disk, "device/timeout", &timeout, begins.saturating_add(seconds), failed),
    ])
    .for_good()
}
