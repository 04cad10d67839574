//! What is said near a sign and changes what it means: another map's paths, a logout, a disk that went.

use std::collections::BTreeSet;

use super::event::{Event, Log};
use super::scene::{Scene, Transport};
use super::sign::{Cause, LOST, Sign, is_down};
use super::stamp::SECOND;
use super::table::Id;
use crate::order::set;

/// A map's last path fails at most so long before multipathd says that none is left.
const WITH: i64 = 5 * SECOND;
/// An initiator's logout takes at most so long.
const LOGOUT: i64 = 10 * SECOND;

/// Leaves out what befell another map, and sessions that the initiator itself ended.
pub(super) fn leave_out<'a>(log: &'a Log, signs: &mut Vec<Sign<'a>>) {
    without_other_maps(signs);
    without_logouts(log, signs);
}

/// Where a map has lost its last path, those of other maps are no part of it. multipathd calls a map by its name, the
/// kernel by its number: the path that failed just before belongs to both.
fn without_other_maps(signs: &mut Vec<Sign<'_>>) {
    let down = signs.iter().filter(|sign| is_down(sign.event));
    let down = set(down.map(|sign| sign.event.get("map").to_owned()));
    let fails = |event: &Event| event.id == Id::DmFailPath && event.has("map");
    let mut numbers: BTreeSet<String> = BTreeSet::new();
    for (index, sign) in signs.iter().enumerate().filter(|(_, sign)| is_down(sign.event)) {
        let before = signs.iter().take(index).rev().map(|sign| sign.event).find(|event| fails(event));
        let with = before.filter(|event| {
            event.last.until(&sign.event.at).is_some_and(|apart| (-WITH..=WITH).contains(&apart))
        });
        numbers.extend(with.map(|event| event.get("map").to_owned()));
    }
    if numbers.is_empty() {
        return;
    }
    signs.retain(|sign| match sign.event.id {
        Id::DmFailPath => !sign.event.has("map") || numbers.contains(sign.event.get("map")),
        Id::MpathActive => down.contains(sign.event.get("map")),
        _ => true,
    });
}

/// A connection that the initiator shuts down within seconds, with nothing else wrong, was logged out.
fn without_logouts(log: &Log, signs: &mut Vec<Sign<'_>>) {
    let shut = |event: &Event| {
        log.events.iter().any(|shut| {
            shut.id == Id::IscsidShutdown
                && shut.boot == event.boot
                && shut.get("conn") == event.get("conn")
                && shut.line > event.last_line
                && event.last.until(&shut.at).is_some_and(|apart| apart <= LOGOUT)
        })
    };
    let closed = |sign: &Sign<'_>| {
        let closed =
            sign.event.is(&[Id::IscsiConnError, Id::IscsidConnError]) && sign.event.get("code") == "1020";
        (closed && shut(sign.event)) || sign.event.get("host") == "DID_TRANSPORT_DISRUPTED"
    };
    if signs.iter().any(|sign| sign.event.has("code")) && signs.iter().all(closed) {
        signs.clear();
    }
}

/// A disk that could not be flushed when it went, and whose file system fails after that, was taken away.
pub(super) fn taken_away(log: &Log, scene: &Scene, signs: &mut [Sign<'_>]) {
    let by_network =
        signs.iter().any(|sign| matches!(sign.cause, Some(Cause::Iscsi | Cause::Fc | Cause::Multipath)));
    if by_network {
        return;
    }
    for sign in signs.iter_mut().filter(|sign| sign.cause.is_none() && sign.event.is(LOST)) {
        let gone = log.events.iter().any(|event| {
            event.id == Id::ScsiSyncFailed
                && event.boot == sign.event.boot
                && event.line < sign.event.line
                && scene.disk_of(event) == sign.subject
        });
        let served = matches!(scene.transport(&sign.subject), Transport::Iscsi | Transport::PerhapsIscsi);
        if gone && !served {
            sign.cause = Some(Cause::Removed);
        }
    }
}
