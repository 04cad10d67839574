//! What a key of multipath.conf comes to.

use crate::facts::Facts;

/// multipathd looks at paths this often, in seconds, unless it is told otherwise
/// (man 5 multipath.conf, `polling_interval`).
const POLLING_INTERVAL: u64 = 5;

/// What a key of multipath.conf comes to, for every map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// This value, whatever the array is.
    Is(String),
    /// This value at most times: the hardware table or a section for one array or map may say
    /// otherwise. `None` is the built-in default.
    Unless(Option<String>),
}

/// Looks a key up as libmultipath does: `overrides` before sections of arrays, those before the
/// built-in table, that before `defaults` (man 5 multipath.conf).
pub fn said(facts: &Facts, key: &str) -> Said {
    let of = |section: &str| {
        let mut found = facts.system.multipath.iter().rev();
        found
            .find(|setting| setting.key == key && setting.section == section)
            .map(|setting| setting.value.clone())
    };
    // A map's own section, and one for its transport, outrank the overrides; one that says the same changes nothing.
    let otherwise = |value: &str| {
        let mut own = facts.system.multipath.iter().filter(|setting| setting.key == key);
        own.any(|setting| {
            ["multipaths", "protocol"].contains(&setting.section.as_str()) && setting.value != value
        })
    };
    match of("overrides") {
        Some(value) if !otherwise(&value) => Said::Is(value),
        Some(value) => Said::Unless(Some(value)),
        None => Said::Unless(of("defaults")),
    }
}

/// Seconds between two looks at the paths.
pub fn polling_interval(facts: &Facts) -> u64 {
    let (Said::Is(value) | Said::Unless(Some(value))) = said(facts, "polling_interval") else {
        return POLLING_INTERVAL;
    };
    value.parse().ok().filter(|seconds| *seconds > 0).unwrap_or(POLLING_INTERVAL)
}

/// How long multipathd takes at most to use a path again that works again, in seconds.
///
/// It looks at a failed path every `polling_interval`; the interval doubles, up to `max_polling_interval`,
/// for paths that work only. The first look may find the answer of a checker that was sent before, and
/// that is "down" (`libcheck_check`); the checker that the second one sends is asked a second later
/// (`check_path`). 10.1 s were seen with an interval of 5 s
/// (<https://github.com/opensvc/multipath-tools/blob/0.9.4/multipathd/main.c>,
/// <https://github.com/opensvc/multipath-tools/blob/0.9.4/libmultipath/checkers/tur.c>; 0.11 alike).
pub fn path_back(facts: &Facts) -> u64 {
    polling_interval(facts).saturating_mul(2).saturating_add(1)
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
        let own = facts(&[("overrides", key, "36"), ("multipaths", key, "fail")]);
        assert_eq!(said(&own, key), Said::Unless(Some("36".to_owned())));
        let same = facts(&[("overrides", key, "36"), ("multipaths", key, "36")]);
        assert_eq!(said(&same, key), Said::Is("36".to_owned()));
    }

    #[test]
    fn a_polling_interval_is_a_positive_number_of_seconds() {
        assert_eq!(polling_interval(&facts(&[("defaults", "polling_interval", "10")])), 10);
        assert_eq!(polling_interval(&facts(&[("defaults", "polling_interval", "0")])), 5);
        assert_eq!(path_back(&facts(&[("defaults", "polling_interval", "10")])), 21);
    }
}
