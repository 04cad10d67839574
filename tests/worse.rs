//! Law 1, never worse: with our files no mount, swap or watched service lasts shorter than without
//! them, in any kind of trouble, and no limit that somebody set better than we would is weakened.
//!
//! Every fixture as it is, then as many generated systems as `HVTUNE_WORSE_CASES` says (4,000; 10,000
//! with `HVTUNE_FULL=1`): a fixture with up to eight other writers, other live values and another
//! policy. What is in force at the next boot is read from the files by readers of the test's own
//! ([`limits`]), before and after the plan's files are laid over them; what the mounts survive is asked
//! of the stall model, with the plan and without.
//!
//! A failure prints one small system for each kind of fault: writers are taken away one by one for as
//! long as the fault stays. `HVTUNE_WORSE_CASE=N` tries one system again.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests set the stage, and tell what they tried"
)]

#[path = "worse/boot.rs"]
mod boot;
#[path = "worse/case.rs"]
mod case;
#[path = "worse/dice.rs"]
mod dice;
mod fixtures;
#[path = "worse/ground.rs"]
mod ground;
#[path = "worse/judge.rs"]
mod judge;
#[path = "worse/kernel.rs"]
mod kernel;
#[path = "worse/limits.rs"]
mod limits;
#[path = "worse/live.rs"]
mod live;
#[path = "worse/services.rs"]
mod services;
#[path = "worse/storage.rs"]
mod storage;
#[path = "worse/sysctls.rs"]
mod sysctls;
#[path = "worse/teeth.rs"]
mod teeth;
#[path = "worse/writers.rs"]
mod writers;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use case::Case;
use judge::{Bench, Fault};

/// So many kinds of fault are made small and shown in full.
const SHOWN: usize = 60;

/// What is found: by kind of fault, how often, and the case with the fewest writers.
type Found = BTreeMap<String, (u64, Case)>;

fn note(found: &Mutex<Found>, case: &Case, faults: Vec<Fault>) {
    let mut found = found.lock().unwrap();
    for fault in faults {
        let seen = found.entry(fault.kind).or_insert_with(|| (0, case.clone()));
        seen.0 += 1;
        if case.size() < seen.1.size() {
            seen.1 = case.clone();
        }
    }
}

/// The kinds of fault, each with the smallest system that shows it.
fn tell(found: &Found) -> String {
    let mut bench = Bench::default();
    let mut told = String::new();
    for (kind, (count, case)) in found.iter().take(SHOWN) {
        let small = case.clone().shrunk(|case| bench.judge(case).iter().any(|fault| fault.kind == *kind));
        let faults = bench.judge(&small);
        let text = faults.iter().find(|fault| fault.kind == *kind).map_or("", |fault| &fault.text);
        told.push_str(&format!("\n== {kind} ({count} times)\n   {text}\n{small}"));
    }
    for (kind, (count, case)) in found.iter().skip(SHOWN) {
        told.push_str(&format!("\n== {kind} ({count} times), case {}", case.number));
    }
    told
}

#[track_caller]
fn none(found: &Found, tried: u64) {
    println!("{tried} systems tried, {} kinds of fault", found.len());
    assert!(found.is_empty(), "worse with the plan than without, {} kinds: {}", found.len(), tell(found));
}

#[test]
fn no_fixture_is_worse_off() {
    let found = Mutex::new(Found::new());
    let mut bench = Bench::default();
    let mut tried = 0;
    for case in case::fixtures() {
        note(&found, &case, bench.judge(&case));
        tried += 1;
    }
    none(&found.into_inner().unwrap(), tried);
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: no number")))
}

#[test]
fn no_generated_system_is_worse_off() {
    let only = number("HVTUNE_WORSE_CASE");
    let count = if std::env::var_os("HVTUNE_FULL").is_some() { 10_000 } else { 4_000 };
    let numbers = only.map_or(0..number("HVTUNE_WORSE_CASES").unwrap_or(count), |one| one..one + 1);
    let next = AtomicU64::new(numbers.start);
    let found = Mutex::new(Found::new());
    let (planned, compared) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut bench = Bench::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    let case = Case::generated(number);
                    note(&found, &case, bench.judge(&case));
                }
                planned.fetch_add(bench.planned, Ordering::Relaxed);
                compared.fetch_add(bench.compared, Ordering::Relaxed);
            });
        }
    });
    let tried = numbers.end - numbers.start;
    let (planned, compared) = (planned.into_inner(), compared.into_inner());
    println!("{planned} of {tried} with a plan, {compared} limits compared");
    none(&found.into_inner().unwrap(), tried);
    // A plan for nearly all, and limits to compare, or nothing was tried.
    assert!(
        only.is_some() || (planned * 10 > tried * 8 && compared > tried * 5),
        "{planned} of {tried}, {compared}"
    );
}
