//! The table of facts, and what is said of small guests.

use std::collections::BTreeSet;

use super::*;
use crate::facts::{Attribute, Class, Disk, KernelRelease, Limits, Live, Machine, Mount};
use crate::stall::{Span, Trouble};

const TERMS: Terms = Terms { budget: 180, host_holds: 60 };

fn disk(name: &str, class: Class, slaves: &[&str], timeout: Attribute<u64>) -> Disk {
    Disk {
        name: name.to_owned(),
        path: format!("sys/devices/x/block/{name}"),
        class,
        roles: BTreeSet::new(),
        host: None,
        hctl: None,
        slaves: slaves.iter().map(|&slave| slave.to_owned()).collect(),
        vendor: String::new(),
        model: String::new(),
        limits: Limits::default(),
        live: Live { timeout, max_retries: Attribute::Is(5), ..Live::default() },
    }
}

/// A guest whose root stands on the first disk.
fn guest(name: &str, kernel: &str, mut disks: Vec<Disk>) -> Guest {
    let top = disks.first().map(|disk| disk.name.clone());
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    let mount = Mount {
        point: "/".to_owned(),
        fstype: "ext4".to_owned(),
        read_only: false,
        disk: top.clone(),
        others: Some(Vec::new()),
        device: top,
        options: vec!["rw".to_owned()],
    };
    let machine = Machine {
        kernel: KernelRelease::parse(kernel),
        disks: Some(disks),
        mounts: vec![mount],
        ..Machine::default()
    };
    Guest { name: name.to_owned(), facts: Facts { machine: Some(machine), ..Facts::default() } }
}

fn plain(name: &str, kernel: &str, timeout: Attribute<u64>) -> Guest {
    guest(name, kernel, vec![disk("sda", Class::StorvscScsi, &[], timeout)])
}

fn named(contrast: &Contrast) -> Vec<&str> {
    contrast.facts.iter().map(|fact| fact.knob).collect()
}

#[test]
fn every_fact_has_a_name_and_a_knob_of_its_own() {
    let names: BTreeSet<&str> = ASPECTS.iter().map(|fact| fact.name).collect();
    let knobs: BTreeSet<&str> = ASPECTS.iter().map(|fact| fact.knob).collect();
    assert_eq!((names.len(), knobs.len()), (ASPECTS.len(), ASPECTS.len()));
}

#[test]
fn the_guest_that_lasts_longest_is_what_others_are_compared_with() {
    let guests = [
        plain("a", "3.10.33", Attribute::Is(30)),
        plain("b", "3.10.33", Attribute::Is(180)),
        plain("c", "3.10.33", Attribute::Is(60)),
        plain("d", "3.10.33", Attribute::Is(180)),
    ];
    let told = compare(&guests, TERMS);
    let [difference] = told.differences.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (difference.point.as_str(), difference.longest.as_slice()),
        ("/", &["b".into(), "d".into()][..])
    );
    let others: Vec<(&str, Span, &str)> = difference
        .contrasts
        .iter()
        .map(|one| {
            assert_eq!(named(one), ["device/timeout"]);
            (
                one.guests[0].as_str(),
                one.outcome.end(Trouble::Silence).unwrap().at,
                one.facts[0].here.as_str(),
            )
        })
        .collect();
    assert_eq!(others, [("a", Span::Seconds(35), "30"), ("c", Span::Seconds(65), "60")]);
    assert_eq!(told.groups.len(), 3);
}

/// A map that adds nothing stands between, and the disk below has its counterpart all the same.
#[test]
fn disks_are_matched_through_maps_that_add_nothing() {
    let lvm = disk("dm-0", Class::Lvm, &["sda"], Attribute::Absent);
    let below = disk("sda", Class::StorvscScsi, &[], Attribute::Is(180));
    let told =
        compare(&[plain("a", "3.10.33", Attribute::Is(30)), guest("b", "3.10.33", vec![lvm, below])], TERMS);
    let contrast = &told.differences[0].contrasts[0];
    assert_eq!(named(contrast), ["device/timeout"]);
    assert_eq!((contrast.facts[0].here.as_str(), contrast.facts[0].there.as_str()), ("30", "180"));
    assert_eq!(told.groups[1].mounts[0].on, "ext4 on lvm on storvsc-scsi");
}

/// A disk without counterpart goes with all that the mount stands on.
#[test]
fn another_kind_of_disk_is_one_fact() {
    let virtio = guest("b", "6.1.0", vec![disk("vda", Class::Virtio, &[], Attribute::Absent)]);
    let told = compare(&[plain("a", "6.1.0", Attribute::Is(180)), virtio], TERMS);
    let contrast = &told.differences[0].contrasts[0];
    assert_eq!(named(contrast), ["the disks, with their timers"]);
    let values = [&contrast.facts[0].here, &contrast.facts[0].there].map(String::as_str);
    assert!(values.contains(&"virtio") && values.contains(&"storvsc-scsi"), "{values:?}");
}

#[test]
fn what_is_unknown_is_said_and_never_explained() {
    let unread = plain("b", "3.10.33", Attribute::Unknown);
    let told = compare(&[plain("a", "3.10.33", Attribute::Is(180)), unread.clone()], TERMS);
    let difference = &told.differences[0];
    assert_eq!(difference.longest, ["a"]);
    assert_eq!(difference.untold[0].facts, ["disks.sda.timeout"]);
    assert!(difference.contrasts.is_empty(), "{difference:?}");
    // Where it is so of all, there is nothing to compare.
    let other = Guest { name: "c".to_owned(), ..unread.clone() };
    assert_eq!(compare(&[unread, other], TERMS).differences, []);
}

/// A switch that may be on and could not be read is not taken for off.
#[test]
fn a_panic_that_could_not_be_read_is_unknown() {
    let mut doubtful = plain("b", "6.1.0", Attribute::Is(180));
    doubtful.facts.gaps.push(crate::facts::Gap::new("kernel.hung_task_panic", "proc/sys", "not permitted"));
    let told = compare(&[plain("a", "6.1.0", Attribute::Is(180)), doubtful], TERMS);
    let difference = &told.differences[0];
    assert_eq!(difference.untold[0].facts, ["kernel.hung_task_panic"]);
    assert!(difference.contrasts.is_empty(), "{difference:?}");
}

#[test]
fn a_guest_without_a_mount_is_no_trouble() {
    let nothing = Guest { name: "a".to_owned(), facts: Facts::default() };
    let told = compare(&[nothing, plain("b", "6.1.0", Attribute::Is(180))], TERMS);
    assert!(told.differences.is_empty() && told.groups.len() == 2 && told.groups[0].mounts.is_empty());
}

/// A ring of maps ends, and nothing is said of it but that it is not known.
#[test]
fn a_ring_of_maps_ends() {
    let ring = |name| {
        let one = disk("dm-0", Class::Lvm, &["dm-1", "dm-1"], Attribute::Absent);
        guest(name, "6.1.0", vec![one, disk("dm-1", Class::Crypt, &["dm-0", "dm-0"], Attribute::Absent)])
    };
    let told = compare(&[ring("a"), plain("b", "6.1.0", Attribute::Is(180))], TERMS);
    assert!(told.differences[0].contrasts.is_empty(), "{told:?}");
    assert_eq!(told.differences[0].untold[0].guests, ["a"]);
}
