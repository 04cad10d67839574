//! What a multipath map does when its last path is gone.

use super::Trouble;
use super::fate::{Fate, Span, Timer};
use super::view::View;
use crate::facts::Disk;
use crate::resolve::multipath::{Said, polling_interval, said};

/// How long a map without a path queues I/O, by a value of `no_path_retry`: so many times the shortest
/// interval of looks, however far apart they are by then, in seconds that are counted down one a round of
/// the checkers (`enter_recovery_mode`, `retry_count_tick`,
/// <https://github.com/opensvc/multipath-tools/blob/0.9.4/libmultipath/structs_vec.c>; 0.11 alike).
fn window(value: &str, interval: u64) -> Option<Span> {
    match value {
        "queue" => Some(Span::Forever),
        "fail" => Some(Span::Seconds(0)),
        number => Some(Span::Seconds(number.parse::<u64>().ok()?.saturating_mul(interval))),
    }
}

/// When the checker has found every path silent: after `checker_timeout`, which is the disk's own
/// timeout where nobody set it (man 5 multipath.conf).
fn checked(view: View<'_>, disk: &Disk, paths: &[String]) -> Fate {
    let set = match said(view.facts, "checker_timeout") {
        Said::Is(value) | Said::Unless(Some(value)) => value.parse::<u64>().ok(),
        Said::Unless(None) => None,
    };
    let timeout = |path: &String| view.disk(path).and_then(|path| path.live.timeout.value().copied());
    let Some(seconds) = set.or_else(|| paths.iter().filter_map(timeout).max()) else {
        return Fate::at_least(0, "multipath.checker_timeout");
    };
    let (layer, knob) = (disk.name.clone(), "checker_timeout".to_owned());
    let then = "multipathd takes the paths out of use".to_owned();
    Fate::ends(vec![Timer { layer, knob, value: seconds.to_string(), fires: Span::Seconds(seconds), then }])
}

/// The fate of a map, from that of its last path.
pub(super) fn fate(view: View<'_>, disk: &Disk, last: Fate, paths: &[String], trouble: Trouble) -> Fate {
    let interval = polling_interval(view.facts);
    let (value, sure) = match said(view.facts, "no_path_retry") {
        Said::Is(value) => (value, true),
        Said::Unless(value) => (value.unwrap_or_else(|| "fail".to_owned()), false),
    };
    let known = window(&value, interval);
    let waits = if sure { known } else { Some(Span::Seconds(0)) };
    let mut fate = match trouble {
        Trouble::Silence | Trouble::Unit => last.or_sooner(checked(view, disk, paths)),
        Trouble::PathLoss | Trouble::Errors | Trouble::ErrorsHeld => last,
    };
    let fires = fate.at.then(waits.unwrap_or(Span::Seconds(0)));
    if !sure || known.is_none() {
        fate.unknown.insert("multipath.no_path_retry (the array's own entry may set it)".to_owned());
    }
    let names = view.machine.timers.as_ref().map(|timers| &timers.maps);
    let layer = names.and_then(|names| names.get(&disk.name)).unwrap_or(&disk.name);
    let then = match fires {
        Span::Forever => "the map queues I/O until a path is back",
        Span::Seconds(_) => "the map stops queueing, I/O fails",
    };
    let timer = |fires, then: &str| Timer {
        layer: layer.clone(),
        knob: "no_path_retry".to_owned(),
        value: value.clone(),
        fires,
        then: then.to_owned(),
    };
    let stops = timer(fires, then);
    fate.keep(vec![stops.clone()]);
    let offline_at = fate.gone;
    (fate.at, fate.by) = (fires, (fires != Span::Forever).then_some(stops));
    // Nobody takes a path back that went offline for good, so queueing on is waiting in vain.
    if offline_at < fires {
        let offline = fate.timers.iter().find(|timer| timer.fires == offline_at).cloned();
        (fate.at, fate.by) = (offline_at, offline);
    }
    fate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_seconds() {
        assert_eq!(window("queue", 5), Some(Span::Forever));
        assert_eq!(window("fail", 5), Some(Span::Seconds(0)));
        assert_eq!(window("36", 5), Some(Span::Seconds(180)));
        assert_eq!(window("soon", 5), None);
    }
}
