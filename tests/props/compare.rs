//! The facts that `compare` names: exchanged between two guests they exchange how a mount ends, and none of
//! them can be left out.

use std::cell::Cell;
use std::sync::LazyLock;

use hvtune::compare::{ASPECTS, Aspect, Outcome, Subject, Terms, exchange, explain};
use hvtune::facts::{Attribute, Disk, Facts, KernelRelease, Machine, MultipathSetting, Session};
use hvtune::probe::{self, MachineSource};
use hvtune::root::Root;
use hvtune::stall::{self, Column, Trouble};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::cases;
use crate::fixtures;
use crate::machines::machines;

const TERMS: Terms = Terms { budget: 180, host_holds: 60 };

/// Of every fixture, with the timers that only `survive` and `compare` look at.
static TIMED: LazyLock<Vec<Facts>> = LazyLock::new(|| {
    let all = fixtures::all();
    let facts = all.iter().map(|fixture| {
        let machine = Root::offline(&fixture.machine).unwrap();
        let root = Root::offline(&fixture.root()).unwrap();
        probe::probe_timers(&MachineSource::Capture(&machine), &root)
    });
    facts.filter(|facts| facts.machine.as_ref().is_some_and(|machine| !machine.mounts.is_empty())).collect()
});

fn points(facts: &Facts) -> Vec<String> {
    let mounts = facts.machine.iter().flat_map(|machine| &machine.mounts);
    let mut points: Vec<String> =
        mounts.filter(|mount| !mount.read_only).map(|mount| mount.point.clone()).collect();
    points.sort();
    points.dedup();
    points
}

/// The kinds of trouble of which both are known.
fn known(one: &Outcome, other: &Outcome) -> Vec<Trouble> {
    let is_known = |outcome: &Outcome, trouble| outcome.end(trouble).is_none_or(|end| end.unknown.is_empty());
    Trouble::ALL.into_iter().filter(|trouble| is_known(one, *trouble) && is_known(other, *trouble)).collect()
}

fn same(one: &Outcome, other: &Outcome, troubles: &[Trouble]) -> bool {
    one.then == other.then && troubles.iter().all(|trouble| one.end(*trouble) == other.end(*trouble))
}

/// How a mount of the whole machine ends, asked of the model without the room that is tested.
fn of_the_whole(facts: &Facts, point: &str) -> Vec<(Trouble, stall::Span, bool, Vec<String>)> {
    let standings = stall::standings(facts, TERMS.host_holds);
    let standing = standings.iter().rfind(|standing| standing.mount == point).unwrap();
    let ends = standing.prospects.iter().map(|prospect| {
        let unknown: Vec<String> = prospect.now.unknown.iter().cloned().collect();
        let rides_out = standing.rides_out(prospect.trouble, Column::Now, TERMS.budget).unwrap();
        (prospect.trouble, prospect.now.at, rides_out, unknown)
    });
    ends.collect()
}

/// What is looked at of a guest is all that the model reads of it.
#[test]
fn a_mount_alone_ends_as_it_does_among_all() {
    let mut seen = 0;
    TestRunner::new(cases(200))
        .run(&machines(), |facts| {
            for point in points(&facts) {
                let outcome = Subject::of(&facts, &point).unwrap().outcome(TERMS);
                let alone: Vec<_> = outcome
                    .ends
                    .into_iter()
                    .map(|end| (end.trouble, end.at, end.rides_out, end.unknown))
                    .collect();
                prop_assert_eq!(alone, of_the_whole(&facts, &point), "{}", point);
            }
            Ok(())
        })
        .unwrap();
    for facts in TIMED.iter() {
        for point in points(facts) {
            let outcome = Subject::of(facts, &point).unwrap().outcome(TERMS);
            assert_eq!(outcome.ends.len(), of_the_whole(facts, &point).len());
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

/// Checks what is named of two mounts; gives how many facts that are, `None` where nothing is.
fn hold(one: &Subject, other: &Subject) -> Result<Option<usize>, TestCaseError> {
    let ends = [one, other].map(|subject| subject.outcome(TERMS));
    let troubles = known(&ends[0], &ends[1]);
    let Some(facts) = explain(one, other, TERMS) else { return Ok(None) };
    let explained = |facts: &[&Aspect]| {
        let [one, other] = exchange(one, other, facts, TERMS).map(|subject| subject.outcome(TERMS));
        same(&one, &ends[1], &troubles) && same(&other, &ends[0], &troubles)
    };
    let names: Vec<&str> = facts.iter().map(|fact| fact.name).collect();
    prop_assert!(
        explained(&facts) || ends.iter().any(|end| end.then.name() == "the kernel panics"),
        "{names:?}"
    );
    for at in 0..facts.len() {
        let mut fewer = facts.clone();
        fewer.remove(at);
        prop_assert!(!explained(&fewer), "{} is not needed of {names:?}", facts[at].name);
    }
    Ok(Some(facts.len()))
}

/// Any two machines at the mount points that they share. Nearly every difference is explained.
#[test]
fn the_named_facts_of_any_two_machines_exchange_how_they_end() {
    let (told, not_told) = (Cell::new(0), Cell::new(0));
    TestRunner::new(cases(250))
        .run(&(machines(), machines()), |(one, other)| {
            for point in points(&one) {
                let (Some(one), Some(other)) = (Subject::of(&one, &point), Subject::of(&other, &point))
                else {
                    continue;
                };
                match hold(&one, &other)? {
                    Some(0) => {}
                    Some(_) => told.set(told.get() + 1),
                    None => not_told.set(not_told.get() + 1),
                }
            }
            Ok(())
        })
        .unwrap();
    let (told, not_told) = (told.get(), not_told.get());
    assert!(told > 50 && not_told == 0, "{told} explained, {not_told} not");
}

/// What is changed of a guest, each by the knob that names it.
#[derive(Debug, Clone)]
enum Edit {
    Timeout(u64),
    IoTimeout(u64),
    Retries(i64),
    Recovery(i64),
    Interval(u64),
    Kernel(&'static str),
    Sysctl(&'static str, u64),
    Errors(&'static str),
    NoPath(&'static str),
}

fn edit() -> impl Strategy<Value = Edit> {
    let keys = ["kernel.hung_task_panic", "kernel.hung_task_timeout_secs", "kernel.panic"];
    let kernels = ["3.10.33", "4.4.0-x", "5.4.0-x", "6.1.0-x", "6.12.1"];
    let numbers = || proptest::sample::select(vec![0_u64, 1, 5, 30, 60, 120, 180, 600]);
    prop_oneof![
        numbers().prop_map(Edit::Timeout),
        numbers().prop_map(|seconds| Edit::IoTimeout(seconds * 1000)),
        proptest::sample::select(vec![-1_i64, 0, 5, 20]).prop_map(Edit::Retries),
        proptest::sample::select(vec![-1_i64, 0, 20, 120, 900]).prop_map(Edit::Recovery),
        numbers().prop_map(Edit::Interval),
        proptest::sample::select(kernels.to_vec()).prop_map(Edit::Kernel),
        (proptest::sample::select(keys.to_vec()), numbers())
            .prop_map(|(key, value)| Edit::Sysctl(key, value)),
        proptest::sample::select(vec!["panic", "remount-ro"]).prop_map(Edit::Errors),
        proptest::sample::select(vec!["queue", "fail", "12", "36"]).prop_map(Edit::NoPath),
    ]
}

fn each_disk(machine: &mut Machine, change: impl Fn(&mut Disk)) {
    machine.disks.iter_mut().flatten().for_each(change);
}

/// Writes over what is there.
fn apply(facts: &mut Facts, edit: &Edit) {
    let setting = |value: &str| MultipathSetting {
        path: "etc/multipath.conf".to_owned(),
        line: 1,
        section: "overrides".to_owned(),
        key: "no_path_retry".to_owned(),
        value: value.to_owned(),
    };
    let machine = facts.machine.as_mut().unwrap();
    let over = |attribute: &mut Attribute<u64>, value: u64| {
        if attribute.value().is_some() {
            *attribute = Attribute::Is(value);
        }
    };
    match edit {
        Edit::Timeout(value) => each_disk(machine, |disk| over(&mut disk.live.timeout, *value)),
        Edit::IoTimeout(value) => each_disk(machine, |disk| over(&mut disk.live.io_timeout, *value)),
        Edit::Retries(value) => each_disk(machine, |disk| {
            if disk.live.max_retries.value().is_some() {
                disk.live.max_retries = Attribute::Is(*value);
            }
        }),
        Edit::Recovery(value) => {
            machine.sessions.values_mut().for_each(|session| session.recovery_tmo = Attribute::Is(*value));
        }
        Edit::Interval(value) => {
            machine.sessions.values_mut().for_each(|session| session.noop_interval = Attribute::Is(*value));
        }
        Edit::Kernel(release) => machine.kernel = KernelRelease::parse(release),
        Edit::Sysctl(key, value) => drop(machine.sysctls.insert((*key).to_owned(), value.to_string())),
        Edit::Errors(word) => {
            for mount in &mut machine.mounts {
                mount.options.retain(|option| !option.starts_with("errors="));
                mount.options.push(format!("errors={word}"));
            }
        }
        Edit::NoPath(value) => facts.system.multipath = vec![setting(value)],
    }
}

/// Exchanges what a knob names between two guests that were one, in the whole of their facts: written
/// apart from the room that is tested.
fn swap(knob: &str, one: &mut Facts, other: &mut Facts) {
    let disks = |facts: &Facts| facts.machine.as_ref().unwrap().disks.clone();
    let before = [disks(one), disks(other)];
    let sessions = |facts: &Facts| facts.machine.as_ref().unwrap().sessions.clone();
    let sessions_before = [sessions(one), sessions(other)];
    let [ours, theirs] = [one.machine.as_mut().unwrap(), other.machine.as_mut().unwrap()];
    let of_disks = |to: &mut Machine, from: &Option<Vec<Disk>>, take: fn(&mut Disk, &Disk)| {
        for (to, from) in to.disks.iter_mut().flatten().zip(from.iter().flatten()) {
            take(to, from);
        }
    };
    let mut live = |take: fn(&mut Disk, &Disk)| {
        of_disks(ours, &before[1], take);
        of_disks(theirs, &before[0], take);
    };
    match knob {
        "device/timeout" => live(|to, from| to.live.timeout = from.live.timeout.clone()),
        "queue/io_timeout" => live(|to, from| to.live.io_timeout = from.live.io_timeout.clone()),
        "max_retries" => live(|to, from| to.live.max_retries = from.live.max_retries.clone()),
        "node.session.timeo.replacement_timeout" | "node.conn[0].timeo.noop_out_interval" => {
            for (to, from) in [(ours, &sessions_before[1]), (theirs, &sessions_before[0])] {
                for (name, session) in from.iter() {
                    let to: &mut Session = to.sessions.get_mut(name).unwrap();
                    if knob.ends_with("replacement_timeout") {
                        to.recovery_tmo = session.recovery_tmo.clone();
                    } else {
                        to.noop_interval = session.noop_interval.clone();
                    }
                }
            }
        }
        "the kernel's release" => std::mem::swap(&mut ours.kernel, &mut theirs.kernel),
        "errors=" => std::mem::swap(&mut ours.mounts, &mut theirs.mounts),
        "no_path_retry" => std::mem::swap(&mut one.system.multipath, &mut other.system.multipath),
        key => {
            assert!(key.starts_with("kernel."), "{key} was not changed");
            let [was, is] = [ours.sysctls.remove(key), theirs.sysctls.remove(key)];
            ours.sysctls.extend(is.map(|value| (key.to_owned(), value)));
            theirs.sysctls.extend(was.map(|value| (key.to_owned(), value)));
        }
    }
}

/// Two guests that were one, of which some facts were changed: what is named was changed, and exchanged in
/// the whole of both it exchanges how the mount ends.
#[test]
fn the_named_facts_were_changed_and_exchange_how_the_mount_ends() {
    let several = Cell::new([0_usize; 4]);
    let edits = || proptest::collection::vec(edit(), 1..5);
    TestRunner::new(cases(400))
        .run(&(0..TIMED.len(), edits(), edits()), |(at, ours, theirs)| {
            let (mut one, mut other) = (TIMED[at].clone(), TIMED[at].clone());
            for edit in &ours {
                apply(&mut one, edit);
            }
            for edit in &theirs {
                apply(&mut other, edit);
            }
            for point in points(&one) {
                let [a, b] = [&one, &other].map(|facts| Subject::of(facts, &point).unwrap());
                let facts = explain(&a, &b, TERMS);
                prop_assert!(facts.is_some(), "{point}");
                hold(&a, &b)?;
                let facts = facts.unwrap_or_default();
                let ends = [&a, &b].map(|subject| subject.outcome(TERMS));
                let (mut swapped, mut back) = (one.clone(), other.clone());
                for fact in &facts {
                    swap(fact.knob, &mut swapped, &mut back);
                }
                let become_each_other = [&swapped, &back].map(|facts| of_the_whole(facts, &point));
                for trouble in known(&ends[0], &ends[1]).into_iter().filter(|_| !facts.is_empty()) {
                    let of = |ends: &[(Trouble, stall::Span, bool, Vec<String>)]| {
                        ends.iter().find(|end| end.0 == trouble).map(|end| (end.1, end.2))
                    };
                    let was = |end: &Outcome| end.end(trouble).map(|end| (end.at, end.rides_out));
                    let names: Vec<&str> = facts.iter().map(|fact| fact.knob).collect();
                    prop_assert_eq!(of(&become_each_other[0]), was(&ends[1]), "{} {:?}", &point, &names);
                    prop_assert_eq!(of(&become_each_other[1]), was(&ends[0]), "{} {:?}", &point, &names);
                }
                let mut counts = several.get();
                counts[facts.len().min(3)] += 1;
                several.set(counts);
            }
            Ok(())
        })
        .unwrap();
    let counts = several.get();
    assert!(counts.iter().all(|count| *count > 10), "by the number of facts: {counts:?}");
}

/// No fact of the table is dead: exchanged alone it changes how some mount of some pair ends.
#[test]
fn every_fact_of_the_table_is_named_somewhere_or_known_to_be_another_guests() {
    let mut named: Vec<&str> = Vec::new();
    let mut note = |one: &Subject, other: &Subject| {
        let facts = explain(one, other, TERMS).unwrap_or_default();
        named.extend(facts.iter().map(|fact| fact.knob));
    };
    for one in TIMED.iter() {
        for other in TIMED.iter() {
            for point in points(one) {
                if let (Some(one), Some(other)) = (Subject::of(one, &point), Subject::of(other, &point)) {
                    note(&one, &other);
                }
            }
        }
    }
    for knob in ["the kernel's release", "device/timeout", "the disks, with their timers"] {
        assert!(ASPECTS.iter().any(|fact| fact.knob == knob) && named.contains(&knob), "{knob}: {named:?}");
    }
}
