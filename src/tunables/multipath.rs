//! How long a multipath map waits for a path to come back.

use super::{There, not_here, per_class, refused, timers_without_us};
use crate::facts::{Class, Disk, Facts};
use crate::policy::{Policy, Recovery};
use crate::resolve::Who;
use crate::resolve::iscsi::session_back;
use crate::resolve::multipath::{
    Longest, chain, has_the_last_word, longest_without_us, path_back, polling_interval,
};
use crate::scale::Scale;
use crate::tunable::{Accepts, Assignment, Decision, Knob, Select, Source, Target, Tunable, Value, Want};

/// How long the checker may wait for a path, in seconds: without it multipathd takes the disk's own
/// timeout, which waagent sets to 300.
const CHECKER_TIMEOUT: u64 = 30;
/// How long I/O may stick to a dropped session, in seconds; multipathd's own default, written so that no
/// entry of an array holds it longer.
const FAST_IO_FAIL: u64 = 5;

/// `multipath.queueing`
pub static QUEUEING: Tunable = Tunable {
    id: "multipath.queueing",
    title: "A map without a path queues I/O for the whole stall budget",
    why: "When the last path of a map fails, no_path_retry decides: unset, most arrays get `fail`, and every \
          write fails at once, whatever the paths' own timers say. The paths themselves must fail fast, so \
          that another is tried; multipathd writes fast_io_fail_tmo over the replacement timeout of every \
          iSCSI session that it uses. The values stand in `overrides`, as the built-in table of arrays \
          outranks `defaults`.",
    sources: &[
        Source {
            title: "multipath-tools: multipath.conf(5), no_path_retry, overrides",
            url: "https://github.com/opensvc/multipath-tools/blob/master/multipath/multipath.conf.5.in",
        },
        Source {
            title: "multipath-tools: libmultipath/discovery.c (fast_io_fail_tmo into recovery_tmo)",
            url: "https://github.com/opensvc/multipath-tools/blob/master/libmultipath/discovery.c",
        },
    ],
    knobs: &[
        Knob { name: "no_path_retry", accepts: Accepts::Integer { min: 1, max: 100_000 } },
        Knob { name: "fast_io_fail_tmo", accepts: Accepts::Integer { min: 1, max: 3600 } },
        Knob { name: "checker_timeout", accepts: Accepts::Integer { min: 1, max: 3600 } },
    ],
    decide: queueing,
};

fn queueing(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    let nobody = "no multipath map, and multipath-tools is not installed";
    per_class(facts, &[Select::Multipath], nobody, |_, there| {
        if matches!(there, There::Seen(_)) && !facts.system.writers.multipath {
            return vec![not_here("maps are there, but multipath-tools is not in this root")];
        }
        vec![set(facts, policy)]
    })
}

fn set(facts: &Facts, policy: &Policy) -> Decision {
    // A path must be back and in use before the last look: the count goes on until then. One look more, as
    // the first may come at once.
    let back = back(facts);
    let needed = policy.stall.saturating_add(back).div_ceil(polling_interval(facts)) + 1;
    let looks = needed.max(looks_of_a_slow_checker(facts));
    let pin = policy.pin("no_path_retry");
    let hold = pin.is_none() && policy.recovery == Recovery::Hold;
    let retry = match pin {
        Some(pin) => Want::Exactly(pin.value.clone()),
        None if hold => Want::Exactly(Value::word("queue")),
        None => Want::Exactly(Value::number(looks)),
    };
    let (retry, looks) = match cut_short(facts, &retry).filter(|_| pin.is_none()) {
        None => (retry, format!("{looks} looks")),
        Some(Longest { who: Who::Program { .. }, value, .. }) if value != "queue" => {
            let looks = format!("{value} looks, as many as the table of arrays has for one that is here");
            (Value::new(&value).map_or(retry, Want::Exactly), looks)
        }
        Some(longest) => {
            return refused(format!(
                "{} keeps an array's I/O longer ({}), which an override would cut short; add no_path_retry where it \
                 is missing there",
                longest.who.name(),
                longest.shown
            ));
        }
    };
    let because = if hold {
        "recovery = \"hold\": a map without a path queues without limit".to_owned()
    } else {
        let (interval, stall) = (polling_interval(facts), policy.stall);
        format!(
            "{looks}, {interval} s apart, outlast a stall of {stall} s and {back} s until a path is used again"
        )
    };
    let because = because + hint(facts);
    let counts = has_the_last_word(facts, "no_path_retry", retry.value().as_str());
    let mut what = vec![setting("overrides", "no_path_retry", retry)];
    what.extend(timer(facts, policy, "overrides", "fast_io_fail_tmo", FAST_IO_FAIL));
    // No array has one of its own, and no other section takes it. Where a map's own section may say how long
    // it queues, a path that is given up sooner could end it sooner.
    if counts || policy.pin("checker_timeout").is_some() {
        what.extend(timer(facts, policy, "defaults", "checker_timeout", CHECKER_TIMEOUT));
    }
    Decision::Set { what, because }
}

fn setting(section: &'static str, key: &'static str, want: Want) -> Assignment {
    Assignment::new(Target::Multipath { section, key }, want)
}

/// A path's timer, in seconds; `None` where somebody's own line lets the path hold I/O longer: the map lasts as much
/// longer then.
fn timer(
    facts: &Facts,
    policy: &Policy,
    section: &'static str,
    key: &'static str,
    usual: u64,
) -> Option<Assignment> {
    if let Some(pin) = policy.pin(key) {
        return Some(setting(section, key, Want::Exactly(pin.value.clone())));
    }
    let usual = Value::number(usual);
    let stands = |value: &str| Scale::of(key).position(value);
    let longer = longest_without_us(facts, key).is_some_and(|longest| {
        matches!(longest.who, Who::Line { .. }) && stands(&longest.value) > stands(usual.as_str())
    });
    (!longer).then(|| setting(section, key, Want::Exactly(usual)))
}

/// How long after a stall a map goes on at the latest, in seconds.
fn back(facts: &Facts) -> u64 {
    let disks = facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten());
    let iscsi = &facts.system.iscsi;
    let sessions =
        iscsi.conf.is_some() || disks.into_iter().any(|disk| matches!(disk.class, Class::Iscsi { .. }));
    path_back(facts).saturating_add(if sessions { session_back(facts) } else { 0 })
}

/// Where nobody sets `checker_timeout`, multipathd waits for a silent path as long as the path's own timer.
/// With ours it gives the path up sooner, and the map has to make up for it: the looks that take as long
/// as both did.
fn looks_of_a_slow_checker(facts: &Facts) -> u64 {
    if chain(facts, "checker_timeout", None, None).in_force().value().is_some() {
        return 0;
    }
    let disks = || facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten());
    let longest = |disk: &Disk| {
        timers_without_us(facts, disk).into_iter().chain(disk.live.timeout.value().copied()).max()
    };
    let Some(timer) = disks().filter(|disk| disk.is_path()).filter_map(longest).max() else { return 0 };
    let window =
        longest_without_us(facts, "no_path_retry").and_then(|longest| longest.value.parse::<u64>().ok());
    let made_up = timer.saturating_sub(CHECKER_TIMEOUT).div_ceil(polling_interval(facts));
    if timer > CHECKER_TIMEOUT { made_up + window.unwrap_or(0) + 1 } else { 0 }
}

/// What keeps the drop-in from being read: Debian's initramfs hook copies multipath.conf alone, and the
/// unit of Red Hat's distributions has `ConditionPathExists=/etc/multipath.conf`
/// (<https://github.com/opensvc/multipath-tools/blob/master/multipathd/multipathd.service.in>).
fn hint(facts: &Facts) -> &'static str {
    let Some(os) = &facts.system.os else { return "" };
    if os.is_like(&["debian", "ubuntu"]) {
        "; from the start of multipathd in the root on, as the initramfs leaves drop-ins out"
    } else if os.is_like(&["rhel", "fedora", "centos"]) && !facts.system.writers.multipath_conf {
        "; multipathd starts only where there is an /etc/multipath.conf: mpathconf --enable"
    } else {
        ""
    }
}

/// Somebody else's value that lets I/O wait longer than this would.
fn cut_short(facts: &Facts, retry: &Want) -> Option<Longest> {
    let stands = |value: &str| Scale::of("no_path_retry").position(value);
    let ours = stands(retry.value().as_str())?;
    longest_without_us(facts, "no_path_retry")
        .filter(|longest| stands(&longest.value).is_some_and(|at| at > ours))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, disk, guest, pinned};
    use super::*;
    use crate::facts::{Class, MultipathLine};

    /// A map over two paths of this vendor and product, and settings `section key value`, each in a
    /// section of its own.
    fn mapped_over(vendor: &str, product: &str, settings: &[(&str, &str, &str)]) -> Facts {
        let map = disk("dm-0", Class::Multipath { paths: vec!["sdb".to_owned()] });
        let mut path = disk("sdb", Class::Iscsi { session: "session1".to_owned() });
        (path.vendor, path.model) = (vendor.to_owned(), product.to_owned());
        let mut facts = guest("6.8.0", vec![map, path]);
        facts.system.writers.multipath = true;
        let line = |section: &str, block: u32, key: &str, value: &str| MultipathLine {
            path: "etc/multipath.conf".to_owned(),
            line: 3,
            section: section.to_owned(),
            block,
            key: key.to_owned(),
            value: value.to_owned(),
            ours: false,
        };
        let mut lines = Vec::new();
        for (at, (section, key, value)) in (1..).zip(settings) {
            let names: &[(&str, &str)] = match *section {
                "devices" => &[("vendor", "ACME"), ("product", "LUN")],
                "multipaths" => &[("wwid", "3600")],
                _ => &[],
            };
            let block = if names.is_empty() { 0 } else { at };
            lines.extend(names.iter().map(|(key, value)| line(section, block, key, value)));
            lines.push(line(section, block, key, value));
        }
        facts.system.multipath_files.lines = lines;
        facts.system.multipath = crate::probe::multipath::settings(&facts.system.multipath_files);
        facts
    }

    fn mapped(settings: &[(&str, &str, &str)]) -> Facts {
        mapped_over("ACME", "LUN", settings)
    }

    /// Where a map's own section may say how long it queues.
    fn without_checker(retry: &str) -> String {
        wanted(retry).trim_end_matches(", multipath checker_timeout=30").to_owned()
    }

    fn wanted(retry: &str) -> String {
        format!("multipath no_path_retry={retry}, multipath fast_io_fail_tmo=5, multipath checker_timeout=30")
    }

    #[test]
    fn what_keeps_the_drop_in_from_being_read_is_said() {
        let mut facts = mapped(&[]);
        let mut said = |id: &str, conf: bool| {
            facts.system.os = Some(crate::facts::OsRelease { id: id.to_owned(), ..Default::default() });
            facts.system.writers.multipath_conf = conf;
            hint(&facts)
        };
        assert!(said("debian", true).contains("initramfs"));
        assert!(said("rhel", false).contains("mpathconf --enable"));
        assert_eq!((said("rhel", true), said("sles", false)), ("", ""));
    }

    #[test]
    fn the_map_waits_for_the_budget() {
        let policy = Policy::default();
        // 180 s, 32 s for a login and 11 s for two looks, and one look more.
        assert_eq!(ask(&QUEUEING, &mapped(&[]), &policy), [wanted("46")]);
        let slow = mapped(&[("defaults", "polling_interval", "30")]);
        assert_eq!(ask(&QUEUEING, &slow, &Policy { stall: 200, ..policy.clone() }), [wanted("11")]);
        let hold = Policy { recovery: Recovery::Hold, ..policy.clone() };
        assert_eq!(ask(&QUEUEING, &mapped(&[]), &hold), [wanted("queue")]);
        assert_eq!(ask(&QUEUEING, &mapped(&[]), &pinned(&[("no_path_retry", "12")])), [wanted("12")]);
        assert_eq!(ask(&QUEUEING, &guest("6.8.0", Vec::new()), &policy), ["not-applicable"]);
    }

    #[test]
    fn nobodys_longer_wait_is_cut_short() {
        let policy = Policy::default();
        for (section, value, expected) in [
            ("devices", "queue", "refused".to_owned()),
            ("defaults", "60", "refused".to_owned()),
            ("overrides", "queue", "refused".to_owned()),
            ("devices", "12", wanted("46")),
            ("defaults", "fail", wanted("46")),
            // A map's own section outranks any override.
            ("multipaths", "queue", without_checker("46")),
            // What is none of its values is no value.
            ("defaults", "Queue", wanted("46")),
            ("protocol", "queue", wanted("46")),
        ] {
            let facts = mapped(&[(section, "no_path_retry", value)]);
            assert_eq!(ask(&QUEUEING, &facts, &policy), [expected], "{section} {value}");
        }
    }

    #[test]
    fn a_path_that_somebody_lets_hold_longer_does() {
        let policy = Policy::default();
        let without = |key: &str| wanted("46").replace(key, "");
        for (section, key, value, expected) in [
            ("defaults", "checker_timeout", "120", without(", multipath checker_timeout=30")),
            ("defaults", "checker_timeout", "20", wanted("46")),
            ("overrides", "fast_io_fail_tmo", "off", without(", multipath fast_io_fail_tmo=5")),
            ("devices", "fast_io_fail_tmo", "60", without(", multipath fast_io_fail_tmo=5")),
            ("overrides", "fast_io_fail_tmo", "3", wanted("46")),
        ] {
            let found = ask(&QUEUEING, &mapped(&[(section, key, value)]), &policy);
            assert_eq!(found, [expected], "{section} {key} {value}");
        }
        let pins = pinned(&[("fast_io_fail_tmo", "5"), ("checker_timeout", "30")]);
        let both = [("defaults", "checker_timeout", "120"), ("overrides", "fast_io_fail_tmo", "off")];
        assert_eq!(ask(&QUEUEING, &mapped(&both), &pins), [wanted("46")]);
    }

    #[test]
    fn a_feature_that_queues_for_ever_is_not_cut_short() {
        let policy = Policy::default();
        let queues = "1 queue_if_no_path";
        for section in ["defaults", "devices", "overrides"] {
            let facts = mapped(&[(section, "features", queues)]);
            assert_eq!(ask(&QUEUEING, &facts, &policy), ["refused"], "{section}");
        }
        // no_path_retry wins over it, wherever it stands.
        for section in ["defaults", "overrides"] {
            let facts = mapped(&[("overrides", "features", queues), (section, "no_path_retry", "12")]);
            assert_eq!(ask(&QUEUEING, &facts, &policy), [wanted("46")], "{section}");
        }
        // A section for another array leaves this one's alone, but the other may come.
        let facts = mapped_over("OTHER", "LUN", &[("devices", "features", queues)]);
        assert_eq!(ask(&QUEUEING, &facts, &policy), ["refused"]);
    }

    #[test]
    fn an_array_keeps_the_longer_wait_of_the_built_in_table() {
        let short = Policy { stall: 1, ..Policy::default() };
        for (vendor, expected) in [("LIO-ORG", "12"), ("ACME", "10")] {
            let facts = mapped_over(vendor, "disk0", &[]);
            assert_eq!(ask(&QUEUEING, &facts, &short), [wanted(expected)], "{vendor}");
        }
    }

    #[test]
    fn an_array_that_queues_by_the_built_in_table_is_not_cut_short() {
        let policy = Policy::default();
        for (vendor, product, own, expected) in [
            ("NETAPP", "LUN C-Mode", "no_path_retry", "refused".to_owned()),
            ("LIO-ORG", "disk0", "no_path_retry", wanted("46")),
            ("ACME", "LUN", "no_path_retry", wanted("46")),
            // Of an array whose name is not known, the table tells nothing.
            ("", "", "no_path_retry", wanted("46")),
        ] {
            assert_eq!(ask(&QUEUEING, &mapped_over(vendor, product, &[]), &policy), [expected], "{vendor}");
            // Whoever sets less in overrides outranks the table.
            let facts = mapped_over(vendor, product, &[("overrides", own, "12")]);
            assert_eq!(ask(&QUEUEING, &facts, &policy), [wanted("46")], "{vendor}");
        }
    }
}
