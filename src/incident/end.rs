//! What ended a trouble: the return that nothing follows.

use std::collections::BTreeSet;

use super::case::Case;
use super::event::{Event, Log};
use super::sign::{Cause, LOST, is_down};
use super::stamp::{Moment, SECOND};
use super::table::Id;
use crate::order::set;

/// A process that does not wait in the kernel is gone within this.
const AT_ONCE: i64 = 2 * SECOND;

/// The end of a trouble.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) at: &'a Moment,
    pub(super) line: u64,
    pub(super) text: &'a str,
}

impl<'a> End<'a> {
    /// The first time an event comes after a line. Of its repeats only the last has a line of its own.
    fn after(event: &'a Event, line: u64) -> Option<Self> {
        let text = event.text.as_str();
        if event.line > line {
            return Some(Self { at: &event.at, line: event.line, text });
        }
        (event.last_line > line).then_some(Self { at: &event.last, line: event.last_line, text })
    }
}

/// The line that shows that the trouble was over.
pub(super) fn ended<'a>(log: &'a Log, case: &Case<'_>) -> Option<End<'a>> {
    match case.cause {
        Cause::Iscsi => sessions_are_back(log, case),
        Cause::Multipath => maps_are_back(log, case),
        Cause::Fc => {
            let down = last(case, &|event| event.id == Id::FcRport && !event.has("what"));
            first_after(log, case, down, &|event| event.id == Id::FcBack)
        }
        Cause::Nvme => controllers_are_back(log, case),
        Cause::Silent => silence_is_over(log, case),
        Cause::Freeze => first_after(log, case, None, &|event| {
            event.get("op") == "THAW" || event.get("op2") == "thaw" || event.has("thaw")
        }),
        _ => None,
    }
}

/// The last line of the events that show the trouble on.
fn last(case: &Case<'_>, is_on: &dyn Fn(&Event) -> bool) -> Option<u64> {
    case.events().filter(|event| is_on(event)).map(|event| event.last_line).max()
}

/// The first event of a kind after a line; without one after the first sign of the trouble.
fn first_after<'a>(
    log: &'a Log,
    case: &Case<'_>,
    line: Option<u64>,
    ends: &dyn Fn(&Event) -> bool,
) -> Option<End<'a>> {
    let line = line.unwrap_or(case.lines().0);
    let events = log.events.iter().filter(|event| event.boot == case.boot && ends(event));
    events.filter_map(|event| End::after(event, line)).min_by_key(|end| end.line)
}

/// The last of the returns, where everything that was lost has returned.
fn every<'a>(lost: BTreeSet<&str>, back: &dyn Fn(&str) -> Option<End<'a>>) -> Option<End<'a>> {
    let ends: Option<Vec<End<'a>>> = lost.into_iter().map(back).collect();
    ends?.into_iter().max_by_key(|end| end.line)
}

/// Every controller that did not answer has its queues again, and none was removed.
fn controllers_are_back<'a>(log: &'a Log, case: &Case<'_>) -> Option<End<'a>> {
    const LOSES: &[Id] = &[Id::NvmeAbort, Id::NvmeReset, Id::NvmeDead, Id::NvmeLost];
    if case.all(LOSES).any(|event| event.has("gone")) {
        return None;
    }
    let lost = set(case.all(LOSES).map(|event| event.get("ctrl")));
    every(lost, &|ctrl| {
        let down = last(case, &|event| event.is(LOSES) && event.get("ctrl") == ctrl);
        first_after(log, case, down, &|event| event.id == Id::NvmeBack && event.get("ctrl") == ctrl)
    })
}

/// Every connection that was lost is operational again, and none was lost after that.
fn sessions_are_back<'a>(log: &'a Log, case: &Case<'_>) -> Option<End<'a>> {
    const LOSES: &[Id] = &[Id::IscsiConnError, Id::IscsidConnError, Id::IscsiPingTimeout];
    let lost = set(case.all(LOSES).map(|event| event.get("conn")));
    if lost.is_empty() {
        let down = last(case, &|event| event.id == Id::IscsiRecoveryTimeout);
        return first_after(log, case, down, &|event| event.id == Id::IscsidBack);
    }
    every(lost, &|conn| {
        let session = conn.split(':').next();
        let down = last(case, &|event| match event.id {
            Id::IscsiRecoveryTimeout => Some(event.get("session")) == session,
            _ => event.is(LOSES) && event.get("conn") == conn,
        });
        first_after(log, case, down, &|event| event.id == Id::IscsidBack && event.get("conn") == conn)
    })
}

/// Every map that had no path has one again, and keeps it. A path's number does not say whose it is: it counts where
/// no other map lost one.
fn maps_are_back<'a>(log: &'a Log, case: &Case<'_>) -> Option<End<'a>> {
    let down = maps_down(case);
    let is_other = |event: &Event| event.id == Id::MpathActive && !down.contains(event.get("map"));
    let alone = !log.events.iter().any(is_other);
    let nameless = |event: &Event| {
        alone
            && (event.id == Id::MpathReinstated
                || (event.id == Id::DmFailPath && event.get("what") == "Reinstating"))
    };
    let named = |event: &Event| {
        event.id == Id::MpathBack
            || (event.id == Id::MpathChecker && event.get("state") == "up")
            || (event.id == Id::MpathActive && event.get("n") != "0")
    };
    if down.is_empty() {
        return first_after(log, case, None, &|event| alone && (named(event) || nameless(event)));
    }
    every(down, &|map| {
        let last_down = last(case, &|event| is_down(event) && event.get("map") == map);
        first_after(log, case, last_down, &|event| {
            nameless(event) || (named(event) && event.get("map") == map)
        })
    })
}

/// The maps that had no path.
pub(super) fn maps_down<'a>(case: &Case<'a>) -> BTreeSet<&'a str> {
    case.events().filter(|event| is_down(event)).map(|event| event.get("map")).collect()
}

/// Every port that was reset answers; or what waited for the disk could go on.
fn silence_is_over<'a>(log: &'a Log, case: &Case<'_>) -> Option<End<'a>> {
    let failed = case.first(LOST).is_some();
    let is_done = |event: &Event, port: &str| {
        event.id == Id::AtaTimeout && event.has("done") && event.get("port") == port
    };
    let is_on = |event: &Event| event.id == Id::AtaTimeout && !event.has("done");
    let ports: BTreeSet<&str> =
        case.events().filter(|event| is_on(event)).map(|event| event.get("port")).collect();
    let port = every(ports, &|port| {
        let down = last(case, &|event| is_on(event) && event.get("port") == port);
        first_after(log, case, down, &|event| is_done(event, port) && !failed)
    });
    let watched = case.first(&[Id::SystemdWatchdog]).is_some();
    let journal = || {
        first_after(log, case, None, &|event| {
            watched && event.id == Id::JournaldBad && event.text.starts_with("File ")
        })
    };
    port.or_else(journal).or_else(|| let_go(log, case))
}

/// The end of a service that could not be killed at once: what it waited for in the kernel has answered. The journal
/// has lines in the order in which they were read, so this one may stand before that of the watchdog.
fn let_go<'a>(log: &'a Log, case: &Case<'_>) -> Option<End<'a>> {
    let killed = case.first(&[Id::SystemdWatchdog])?;
    let exit = log.events.iter().find(|event| {
        let is_its = event.id == Id::SystemdExit && event.get("unit") == killed.get("unit");
        let waited = killed.at.until(&event.at).is_some_and(|waited| waited > AT_ONCE);
        is_its && waited && event.boot == case.boot
    })?;
    Some(End { at: &exit.at, line: exit.line, text: &exit.text })
}
