//! What `survive` foresees.

use serde::Serialize;

use super::host::Host;
use super::late::Late;
use super::{Envelope, Keys, Scalar, host};
use crate::report::survive::{breaks, is_shown, late};
use crate::report::{Show, shown};
#[cfg(feature = "schema")]
use crate::stall::Trouble;
use crate::stall::{Column, Fate, INCURABLE, Prospect, Span, Standing, Survey, Timer};

/// What `hvtune survive` prints: how long each mount and swap survives trouble with its storage, by the timers
/// of each layer below it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(in crate::report) struct Survive<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    /// The stall that is asked about, in seconds.
    budget_s: u64,
    /// How long the host is taken to hold a command before it answers with an error, in seconds.
    host_holds_s: u64,
    /// Every writable mount on storage, then every swap on storage.
    mounts: Vec<Mounted<'a>>,
    /// Services that systemd kills when they wait for their disk too long.
    services: Vec<Service<'a>>,
    /// What a boot waits for: root, then each line of `/etc/fstab` on a block device.
    boot: Vec<Late<'a>>,
    /// Answers of the host that no retry cures: they fail at once, whatever is set.
    incurable: Vec<Uncured>,
    /// What else ends or lengthens a stall, in sentences.
    notes: &'a [String],
    /// What the host must be given; empty where it is nobody's to set.
    host: Vec<Host>,
}

impl<'a> Survive<'a> {
    pub(in crate::report) fn new(survey: &'a Survey, show: &Show<'a>) -> Self {
        let mut keys = Keys::default();
        let mounts = survey.standings.iter().filter(|standing| is_shown(standing, show.only));
        let services = survey.services.iter().filter(|service| shown(show.only, &[&service.unit]));
        Self {
            envelope: Envelope::new(show),
            budget_s: survey.budget,
            host_holds_s: survey.host_holds,
            mounts: mounts.map(|standing| Mounted::new(standing, &mut keys)).collect(),
            services: services
                .map(|service| Service {
                    key: keys.key(&["service", &service.unit]),
                    unit: &service.unit,
                    path: &service.path,
                    lasts: Lasts::new(&service.watches.map(|watch| Length::of_span(watch.fires))),
                })
                .collect(),
            boot: survey
                .arrivals
                .iter()
                .filter(|arrival| late::is_shown(arrival, show))
                .map(|arrival| Late::new(arrival, &mut keys))
                .collect(),
            incurable: INCURABLE
                .iter()
                .map(|kind| Uncured {
                    key: keys.key(&["incurable", kind.answer]),
                    answer: kind.answer,
                    errno: kind.errno,
                })
                .collect(),
            notes: &survey.notes,
            host: host::rows(survey.host, survey.budget, &mut keys),
        }
    }
}

/// How long something lasts.
struct Length {
    seconds: Option<u64>,
    limit: Option<bool>,
    at_least: bool,
}

impl Length {
    fn of_span(span: Span) -> Self {
        Self { seconds: span.seconds(), limit: Some(span != Span::Forever), at_least: false }
    }

    fn of(fate: Option<&Fate>) -> Self {
        let untold = Self { seconds: None, limit: None, at_least: false };
        let Some(fate) = fate else { return untold };
        match (fate.at, fate.unknown.is_empty()) {
            (Span::Seconds(0), false) => untold,
            (Span::Seconds(_), false) => Self { at_least: true, ..Self::of_span(fate.at) },
            (at, _) => Self::of_span(at),
        }
    }
}

/// The same in three states of the machine: as it is, with what apply makes live, after the next boot.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "States_of_{T}"))]
struct States<T> {
    /// As the machine is.
    now: T,
    /// With what apply makes live.
    after_apply: T,
    /// With the whole plan, after the next boot.
    after_reboot: T,
}

impl<T> States<T> {
    fn new([now, after_apply, after_reboot]: [T; 3]) -> Self {
        Self { now, after_apply, after_reboot }
    }
}

/// How long something lasts, in the three states.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Lasts {
    /// Seconds, as the machine is; null where there is no limit, and where it could not be told.
    now_s: Option<u64>,
    /// Seconds, with what apply makes live; null as above.
    after_apply_s: Option<u64>,
    /// Seconds, with the whole plan, after the next boot; null as above.
    after_reboot_s: Option<u64>,
    /// Whether it ever ends; null where that could not be told.
    limit: States<Option<bool>>,
    /// Whether the seconds are a lower bound, as something could not be read.
    at_least: States<bool>,
}

impl Lasts {
    fn new(lengths: &[Length; 3]) -> Self {
        let [now_s, after_apply_s, after_reboot_s] = lengths.each_ref().map(|length| length.seconds);
        Self {
            now_s,
            after_apply_s,
            after_reboot_s,
            limit: States::new(lengths.each_ref().map(|length| length.limit)),
            at_least: States::new(lengths.each_ref().map(|length| length.at_least)),
        }
    }
}

/// A mount or a swap.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Mount"))]
struct Mounted<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The mount point, or the path of the swap.
    mount: &'a str,
    /// The type of the file system; `swap`.
    fstype: &'a str,
    /// From the file system down to the host, one layer each.
    stack: &'a [String],
    /// Disks and maps below it, by name.
    disks: &'a [String],
    /// How long it survives silence of the storage.
    #[serde(flatten)]
    lasts: Lasts,
    /// Facts that could not be read and that these lengths hang on.
    could_not_tell: States<Vec<&'a str>>,
    /// What gives up first in a silence, as the machine is; null where nothing does.
    breaks_first: Option<String>,
    /// What follows when input and output fail.
    then: &'a str,
    /// Why no setting cures errors of the host here; null where one does.
    errors_uncured_because: Option<&'a str>,
    /// Why the plan does not bring it to the budget; null where it does.
    short_because: Option<&'a str>,
    /// What else is to be known: errors met, how it repairs.
    notes: &'a [String],
    /// Each kind of trouble that can befall it.
    troubles: Vec<Befalls<'a>>,
}

impl<'a> Mounted<'a> {
    fn new(standing: &'a Standing, keys: &mut Keys) -> Self {
        let key = keys.key(&["mount", &standing.mount]);
        let fates = Column::ALL.map(|column| standing.stall(column));
        Self {
            mount: &standing.mount,
            fstype: &standing.fstype,
            stack: &standing.stack,
            disks: &standing.disks,
            lasts: Lasts::new(&fates.map(Length::of)),
            could_not_tell: States::new(fates.map(|fate| match fate {
                Some(fate) => unknown(fate),
                None => vec!["how a silence of its storage ends"],
            })),
            breaks_first: fates[0].and_then(breaks),
            then: &standing.follows,
            errors_uncured_because: standing.uncured.as_deref(),
            short_because: standing.short.as_deref(),
            notes: &standing.notes,
            troubles: standing.prospects.iter().map(|prospect| Befalls::new(prospect, &key, keys)).collect(),
            key,
        }
    }
}

fn unknown(fate: &Fate) -> Vec<&str> {
    fate.unknown.iter().map(String::as_str).collect()
}

/// One kind of trouble with the storage of a mount.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Trouble"))]
struct Befalls<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// Which kind: no command is answered; one unit answers none; the way to the storage is cut; errors come at
    /// once; errors come after the host has held the command.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = Trouble::ALL.map(Trouble::name))))]
    trouble: &'static str,
    /// How it ends, in the three states.
    #[serde(flatten)]
    ends: States<Ends<'a>>,
}

impl<'a> Befalls<'a> {
    fn new(prospect: &'a Prospect, mount: &str, keys: &mut Keys) -> Self {
        Self {
            key: keys.key(&[mount, prospect.trouble.name()]),
            trouble: prospect.trouble.name(),
            ends: States::new(Column::ALL.map(|column| Ends::new(prospect.at(column)))),
        }
    }
}

/// How a kind of trouble ends.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Ends<'a> {
    /// When input and output fail, or the machine with them: seconds from the beginning of the trouble; null where
    /// there is no limit, and where it could not be told.
    survives_s: Option<u64>,
    /// Whether it ever fails; null where that could not be told.
    limit: Option<bool>,
    /// Whether the seconds are a lower bound, as something could not be read.
    at_least: bool,
    /// Whether the end is a restart by which the guest comes back by itself.
    restarts: bool,
    /// Facts that could not be read and that the answer hangs on.
    could_not_tell: Vec<&'a str>,
    /// The timer that decides; null where none does.
    breaks: Option<TimerRow<'a>>,
    /// Every timer on the way, by the time at which it fires.
    timers: Vec<TimerRow<'a>>,
    /// Where the trouble is over before: how many seconds after its end input and output go on at the latest; null
    /// where that is not known.
    resumes_within_s: Option<u64>,
}

impl<'a> Ends<'a> {
    fn new(fate: &'a Fate) -> Self {
        let Length { seconds, limit, at_least } = Length::of(Some(fate));
        Self {
            survives_s: seconds,
            limit,
            at_least,
            restarts: fate.restarts,
            could_not_tell: unknown(fate),
            breaks: fate.by.as_ref().map(TimerRow::new),
            timers: fate.timers.iter().map(TimerRow::new).collect(),
            resumes_within_s: fate.resumes_within,
        }
    }
}

/// A timer, and what it does.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Timer"))]
struct TimerRow<'a> {
    /// Who holds it: a disk, a session, a map, the kernel.
    layer: &'a str,
    /// The knob that moves it; null where none does.
    knob: Option<&'a str>,
    /// The value of the knob in this state, in the knob's own unit; null where it could not be read.
    value: Option<Scalar>,
    /// When it fires: seconds from the beginning of the trouble; null where it never does.
    fires_s: Option<u64>,
    /// Whether it ever fires.
    limit: bool,
    /// What happens then.
    then: &'a str,
}

impl<'a> TimerRow<'a> {
    fn new(timer: &'a Timer) -> Self {
        Self {
            layer: &timer.layer,
            knob: Some(timer.knob.as_str()).filter(|knob| !matches!(*knob, "" | "-")),
            value: Scalar::some(&timer.value),
            fires_s: timer.fires.seconds(),
            limit: timer.fires != Span::Forever,
            then: &timer.then,
        }
    }
}

/// A service with a watchdog.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Service<'a> {
    /// A name that no other row of this document has.
    key: String,
    /// The service: `systemd-journald.service`.
    unit: &'a str,
    /// The file that sets its watchdog, below the root.
    path: &'a str,
    /// How long it may wait before systemd kills it, from its last sign of life.
    #[serde(flatten)]
    lasts: Lasts,
}

/// An answer of the host that no retry cures.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Answer"))]
struct Uncured {
    /// A name that no other row of this document has.
    key: String,
    /// What the host says.
    answer: &'static str,
    /// The error that a program gets.
    errno: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_a_lower_bound_and_not_known_are_three_things() {
        let fate = |at, unknown: &[&str]| Fate {
            at,
            by: None,
            gone: Span::Forever,
            restarts: false,
            unknown: unknown.iter().map(|fact| (*fact).to_owned()).collect(),
            timers: Vec::new(),
            resumes_within: None,
        };
        for (at, unknown, told) in [
            (Span::Seconds(30), &[][..], (Some(30), Some(true), false)),
            (Span::Seconds(0), &[], (Some(0), Some(true), false)),
            (Span::Seconds(30), &["x"], (Some(30), Some(true), true)),
            (Span::Seconds(0), &["x"], (None, None, false)),
            (Span::Forever, &[], (None, Some(false), false)),
            (Span::Forever, &["x"], (None, Some(false), false)),
        ] {
            let Length { seconds, limit, at_least } = Length::of(Some(&fate(at, unknown)));
            assert_eq!((seconds, limit, at_least), told, "{at:?} {unknown:?}");
        }
        let Length { seconds, limit, .. } = Length::of(None);
        assert_eq!((seconds, limit), (None, None));
    }
}
