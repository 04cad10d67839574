//! What a multipath map does when its last path is gone.

use super::Trouble;
use super::fate::{Fate, Span, Timer};
use super::view::View;
use crate::facts::{Disk, Facts};

/// multipathd looks at paths this often, in seconds, unless it is told otherwise
/// (man 5 multipath.conf, `polling_interval`).
pub(crate) const POLLING_INTERVAL: u64 = 5;

/// What a key of multipath.conf comes to, for every map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// This value, whatever the array is.
    Is(String),
    /// This value at most times: the hardware table or a section for one array or map may say
    /// otherwise. `None` is the built-in default.
    Unless(Option<String>),
}

/// Looks a key up as libmultipath does: `overrides` before sections of arrays, those before the
/// built-in table, that before `defaults` (man 5 multipath.conf).
pub(crate) fn said(facts: &Facts, key: &str) -> Said {
    let of = |section: &str| {
        let mut found = facts.system.multipath.iter().rev();
        found
            .find(|setting| setting.key == key && setting.section == section)
            .map(|setting| setting.value.clone())
    };
    match of("overrides") {
        Some(value) => Said::Is(value),
        None => Said::Unless(of("defaults")),
    }
}

/// Seconds between two looks at the paths.
pub(crate) fn polling_interval(facts: &Facts) -> u64 {
    let (Said::Is(value) | Said::Unless(Some(value))) = said(facts, "polling_interval") else {
        return POLLING_INTERVAL;
    };
    value.parse().ok().filter(|seconds| *seconds > 0).unwrap_or(POLLING_INTERVAL)
}

/// How long a map without a path queues I/O, by a value of `no_path_retry`: so many looks
/// (`set_no_path_retry`,
/// <https://github.com/opensvc/multipath-tools/blob/master/libmultipath/structs_vec.c>).
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
        Trouble::PathLoss | Trouble::Errors => last,
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
    use crate::facts::MultipathSetting;

    fn facts(settings: &[(&str, &str, &str)]) -> Facts {
        let mut facts = Facts::default();
        facts.system.multipath = settings
            .iter()
            .map(|(section, key, value)| MultipathSetting {
                path: "etc/multipath.conf".to_owned(),
                line: 1,
                section: (*section).to_owned(),
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        facts
    }

    #[test]
    fn overrides_are_sure_and_defaults_are_not() {
        let key = "no_path_retry";
        assert_eq!(said(&facts(&[]), key), Said::Unless(None));
        let defaults = facts(&[("defaults", key, "queue"), ("devices", key, "12")]);
        assert_eq!(said(&defaults, key), Said::Unless(Some("queue".to_owned())));
        let both = facts(&[("overrides", key, "fail"), ("overrides", key, "36"), ("defaults", key, "queue")]);
        assert_eq!(said(&both, key), Said::Is("36".to_owned()));
    }

    #[test]
    fn looks_are_seconds() {
        assert_eq!(window("queue", 5), Some(Span::Forever));
        assert_eq!(window("fail", 5), Some(Span::Seconds(0)));
        assert_eq!(window("36", 5), Some(Span::Seconds(180)));
        assert_eq!(window("soon", 5), None);
        assert_eq!(polling_interval(&facts(&[("defaults", "polling_interval", "10")])), 10);
        assert_eq!(polling_interval(&facts(&[("defaults", "polling_interval", "0")])), 5);
    }
}
