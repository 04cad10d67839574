//! The model judges the catalogue: what a knob of the guest can save, the plan saves.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use hvtune::facts::{Attribute, Facts, Hypervisor, Role};
use hvtune::plan;
use hvtune::policy::{Policy, Recovery};
use hvtune::probe::{self, MachineSource};
use hvtune::render::{self, Templates};
use hvtune::root::Root;
use hvtune::stall::{self, Column, Span, Survey, Trouble};
use hvtune::tunables;
use proptest::prelude::*;

use fixtures::Fixture;

fn facts(fixture: &Fixture) -> (Facts, Root) {
    let machine = Root::offline(&fixture.machine).unwrap();
    let root = Root::offline(&fixture.root()).unwrap();
    (probe::probe_timers(&MachineSource::Capture(&machine), &root), root)
}

fn survey(facts: &Facts, root: &Root, policy: &Policy) -> Survey {
    let verdicts = tunables::decide(facts, policy);
    let artifacts = render::render(&verdicts, facts, &Templates::new()).unwrap();
    let plan = plan::plan(facts, verdicts, artifacts, root).unwrap();
    stall::survey(facts, &plan.verdicts, policy)
}

/// What no knob of the guest can save, or nothing may: fixture, mount (`*` for all), and a word of the reason.
const LOST: &[(&str, &str, &str)] = &[("azure-nvme", "/scratch", "local disk"), ("cluster", "*", "cluster")];

#[test]
fn after_the_plan_every_mount_of_every_guest_survives_the_budget() {
    for stall in [10, 60, 120, 180, 240, 300, 3600, 86_400] {
        for fixture in fixtures::all() {
            let name = &fixture.name;
            let (facts, root) = facts(&fixture);
            let guest = facts.machine.as_ref().and_then(|machine| machine.hypervisor.as_ref());
            if !matches!(guest, Some(Hypervisor::HyperV(_))) {
                continue;
            }
            let survey = survey(&facts, &root, &Policy { stall, ..Policy::default() });
            assert!(!survey.standings.is_empty(), "{name}");
            for standing in &survey.standings {
                let fate = standing.weakest(Column::AfterReboot).unwrap();
                let lost = LOST
                    .iter()
                    .find(|(at, mount, _)| *at == name && (*mount == "*" || *mount == standing.mount));
                match (lost, &standing.short) {
                    (Some((_, _, word)), Some(why)) => assert!(why.contains(word), "{name}: {why}"),
                    (Some(_), None) => {
                        assert!(standing.survives(Column::AfterReboot, stall), "{name} {}", standing.mount);
                    }
                    (None, short) => assert!(
                        standing.survives(Column::AfterReboot, stall) && short.is_none(),
                        "{name} {} at {stall} s: {:?}, {short:?}",
                        standing.mount,
                        fate.at
                    ),
                }
            }
            for service in &survey.services {
                assert!(service.watches[2].fires.covers(stall), "{name}: {}", service.unit);
            }
        }
    }
}

/// A fixture's facts with their timers changed.
fn machines() -> impl Strategy<Value = (Facts, usize)> {
    let all: Vec<Facts> = fixtures::all().iter().map(|fixture| facts(fixture).0).collect();
    let seconds = || prop_oneof![Just(0_u64), Just(5), Just(30), Just(180), 0..100_000_u64];
    let known = (0..4_u8).prop_map(|n| n > 0);
    let change = (seconds(), seconds(), seconds(), seconds(), known, any::<bool>());
    (0..all.len(), change).prop_map(move |(at, (disk, noop, recovery, hung, known, panic))| {
        let mut facts = all[at].clone();
        let attribute = |value: u64| if known { Attribute::Is(value) } else { Attribute::Unknown };
        let machine = facts.machine.as_mut().unwrap();
        for disk_of in machine.disks.iter_mut().flatten() {
            disk_of.live.timeout = attribute(disk);
            if disk_of.live.io_timeout != Attribute::Absent {
                disk_of.live.io_timeout = attribute(disk * 1000);
            }
        }
        for session in machine.sessions.values_mut() {
            session.noop_interval = attribute(noop);
            session.noop_timeout = attribute(noop / 2);
            session.recovery_tmo =
                if known { Attribute::Is(i64::try_from(recovery).unwrap() - 1) } else { Attribute::Unknown };
        }
        for (key, value) in [("hung_task_timeout_secs", hung), ("hung_task_panic", u64::from(panic))] {
            machine.sysctls.insert(format!("kernel.{key}"), value.to_string());
        }
        (facts, at)
    })
}

/// Any, and those that meet a number that something ships with or ends at.
fn budgets() -> impl Strategy<Value = u64> {
    prop_oneof![10..=86_400_u64, prop::sample::select(vec![10, 60, 120, 180, 300, 86_400])]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 300, failure_persistence: None, ..Default::default() })]

    /// Whatever the timers are: who is short of the budget says why, who is not says nothing, what is
    /// not known is named, and no plan makes a mount end sooner than the budget that it survived.
    #[test]
    fn whoever_is_short_says_why((facts, _) in machines(), stall in budgets(), hold in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::offline(dir.path()).unwrap();
        let recovery = if hold { Recovery::Hold } else { Recovery::Default };
        let policy = Policy { stall, recovery, ..Policy::default() };
        let survey = survey(&facts, &root, &policy);
        let again = stall::survey(&facts, &tunables::decide(&facts, &policy), &policy);
        prop_assert_eq!(&again.standings.len(), &survey.standings.len());
        let guest = facts.machine.as_ref().and_then(|machine| machine.hypervisor.as_ref());
        let is_guest = matches!(guest, Some(Hypervisor::HyperV(_)));
        for standing in &survey.standings {
            let (now, later) =
                (standing.weakest(Column::Now).unwrap(), standing.weakest(Column::AfterReboot).unwrap());
            prop_assert_eq!(standing.survives(Column::AfterReboot, stall), standing.short.is_none(), "{:?}", standing);
            for prospect in &standing.prospects {
                for column in Column::ALL {
                    let fate = prospect.at(column);
                    let explained = fate.at == Span::Forever || fate.by.is_some() || !fate.unknown.is_empty();
                    prop_assert!(explained, "{:?}", fate);
                    prop_assert!(fate.timers.is_sorted_by_key(|timer| timer.fires), "{:?}", fate);
                }
            }
            let local = standing.disks.iter().any(|name| {
                let machine = facts.machine.as_ref().unwrap();
                let disk = machine.disks.iter().flatten().find(|disk| disk.name == *name);
                disk.is_some_and(|disk| disk.roles.contains(&Role::AzureTemporary))
            });
            let known = later.unknown.is_empty() && now.unknown.is_empty();
            if is_guest && known && !local {
                // These have a reason of their own, which is told.
                let kept = facts.system.writers.waagent.is_some() || facts.system.cluster.value().is_some();
                let saved = standing.survives(Column::AfterReboot, stall) || kept;
                prop_assert!(saved, "{} {:?} {:?}", standing.mount, later, standing.short);
            }
        }
    }
}

#[test]
fn errors_are_waited_out_unless_the_policy_fails_fast() {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "gen2-onprem").unwrap();
    let (facts, root) = facts(&fixture);
    let errors = |recovery| {
        let survey = survey(&facts, &root, &Policy { recovery, ..Policy::default() });
        let root_disk = survey.standings.into_iter().find(|standing| standing.mount == "/").unwrap();
        root_disk.fate(Trouble::Errors, Column::AfterReboot).unwrap().at
    };
    assert_eq!(errors(Recovery::Default), Span::Forever);
    assert_eq!(errors(Recovery::Hold), Span::Forever);
    assert_eq!(errors(Recovery::FailFast), Span::Seconds(0));
}

/// Silence that outlasts the budget ends in a restart by the panic where the guest is to heal itself, and
/// nowhere else; never within the budget.
#[test]
fn a_hang_ends_in_a_restart_only_where_the_guest_is_to_heal_itself() {
    for fixture in fixtures::all() {
        let name = &fixture.name;
        let (facts, root) = facts(&fixture);
        for (recovery, stall) in [
            (Recovery::Default, 180),
            (Recovery::Hold, 180),
            (Recovery::SelfHeal, 30),
            (Recovery::SelfHeal, 180),
            (Recovery::SelfHeal, 600),
        ] {
            let policy = Policy { stall, recovery, ..Policy::default() };
            let verdicts = tunables::decide(&facts, &policy);
            let panics = verdicts.iter().any(|verdict| {
                verdict.tunable.id == "kernel.hung_task_panic" && verdict.decision.kind() == "set"
            });
            let guest = facts.machine.as_ref().and_then(|machine| machine.hypervisor.as_ref());
            let is_guest = matches!(guest, Some(Hypervisor::HyperV(_)));
            let heals = recovery == Recovery::SelfHeal && is_guest && name != "self-heal-nfs";
            assert_eq!(panics, heals, "{name}, {recovery:?}");
            let survey = survey(&facts, &root, &policy);
            for standing in &survey.standings {
                for column in [Column::AfterApply, Column::AfterReboot] {
                    let fate = standing.stall(column).unwrap();
                    let seconds = (stall + 60).div_ceil(60) * 60;
                    // A detector that is switched off on the running system comes with the next boot.
                    let ends = heals && column == Column::AfterReboot;
                    let at_most = if ends { Span::Seconds(seconds) } else { Span::Forever };
                    assert!(fate.at <= at_most, "{name} {} {column:?}: {fate:?}", standing.mount);
                    let by_panic = fate.by.as_ref().is_some_and(|timer| timer.layer == "kernel");
                    assert_eq!(fate.restarts, by_panic, "{name}: {fate:?}");
                    assert!(!by_panic || (heals && fate.at == Span::Seconds(seconds)), "{name}: {fate:?}");
                }
            }
        }
    }
}
