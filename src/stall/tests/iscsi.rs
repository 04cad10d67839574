//! In-guest iSCSI, with a map over it and without.

use super::*;

#[test]
fn iscsi_ends_as_the_lab_measured() {
    let base = machine("6.1.0-18-amd64", vec![disk("sdb", iscsi())]);
    let of = |interval, timeout, recovery, disk: u64| {
        with(&base, |machine| {
            machine.sessions.insert("session1".to_owned(), session(interval, timeout, recovery));
            machine.disks.as_mut().unwrap()[0].live.timeout = Attribute::Is(disk);
        })
    };
    // 131 s measured: 5 + 5 + 120, where the disk's own timer does not come sooner.
    assert_eq!(three(&of(5, 5, 120, 30)), ["130", "120", "0"]);
    // A NOP that nobody answers gives all commands back, and comes before the disk's timer here too.
    assert_eq!(three(&of(5, 5, 120, 10)), ["130", "120", "0"]);
    assert_eq!(three(&of(5, 5, 300, 180)), ["310", "300", "0"]);
    // Without NOPs error handling begins at the first expiry, and its abort drops the session, which is
    // then waited for: 3 + 4 + 20 and one expiry more were 30.2 s with short timers.
    assert_eq!(three(&of(0, 0, 120, 180)), ["315", "120", "0"]);
    assert_eq!(three(&of(0, 0, -1, 180)), ["ever", "ever", "0"]);
    assert_eq!(three(&of(5, 5, -1, 180)), ["ever", "ever", "0"]);
    assert_eq!(three(&of(5, 5, 0, 180)), ["10", "0", "0"]);
}

/// 31.3 s measured with a timeout of 3 s, and 43.7 s with one of 10 s.
#[test]
fn one_silent_unit_of_a_target_that_answers_is_offline_sooner() {
    let base = machine("6.1.0-18-amd64", vec![disk("sdb", iscsi())]);
    let of = |interval, disk: u64| {
        let facts = with(&base, |machine| {
            machine.sessions.insert("session1".to_owned(), session(interval, 5, 120));
            machine.disks.as_mut().unwrap()[0].live.timeout = Attribute::Is(disk);
        });
        ends(&facts, Trouble::Unit)
    };
    // 2 × 3 + 10 + 2 + 10.
    assert_eq!(of(5, 3), "28");
    assert_eq!(of(5, 10), "42");
    assert_eq!(of(5, 180), "382");
    assert_eq!(of(0, 180), "202");
    let disk_of_the_host = machine("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
    assert_eq!(ends(&disk_of_the_host, Trouble::Unit), "-");
}

#[test]
fn a_map_waits_after_its_last_path() {
    let paths = ["sdb".to_owned(), "sdc".to_owned()];
    let map = Disk { slaves: paths.to_vec(), ..disk("dm-0", Class::Multipath { paths: paths.to_vec() }) };
    let volume = above("dm-1", Class::Lvm, &["dm-0"]);
    let base = machine("6.8.0", vec![volume, map, disk("sdb", iscsi()), disk("sdc", iscsi())]);
    let said = |value: &str, section: &str| {
        let mut facts = with(&base, |machine| {
            machine.sessions.insert("session1".to_owned(), session(5, 5, 5));
        });
        facts.system.multipath = vec![crate::facts::MultipathSetting {
            path: "etc/multipath.conf".to_owned(),
            line: 1,
            section: section.to_owned(),
            key: "no_path_retry".to_owned(),
            value: value.to_owned(),
        }];
        facts
    };
    assert_eq!(three(&said("36", "overrides")), ["195", "185", "180"]);
    assert_eq!(three(&said("queue", "overrides")), ["ever", "ever", "ever"]);
    // Paths that went offline for good are no paths to come back: 30 + 15 + 5 without NOPs before 5.16,
    // 2 × 30 + 22 where their unit alone is silent.
    let unpinged = |kernel| {
        let facts = with(&said("36", "overrides"), |machine| {
            machine.sessions.insert("session1".to_owned(), session(0, 0, 5));
            machine.kernel = KernelRelease::parse(kernel);
        });
        ends(&facts, Trouble::Silence)
    };
    assert_eq!([unpinged("5.10.0"), unpinged("6.1.0")], ["50", "210"]);
    assert_eq!(ends(&said("36", "overrides"), Trouble::Unit), "82");
    assert_eq!(three(&said("fail", "overrides")), ["15", "5", "0"]);
    // The built-in table of arrays outranks the defaults, so nothing is sure.
    assert_eq!(three(&said("queue", "defaults")), ["15+", "5+", "0+"]);
}

/// 10.4 s were measured of a map whose paths are looked at every 5 s, and 1.8 s of a disk without a map.
#[test]
fn a_map_goes_on_later_than_its_sessions() {
    let resumes = |facts: &Facts, trouble| {
        let survey = survey(facts, &[], &Policy::default());
        survey.standings[0].fate(trouble, Column::Now).and_then(|fate| fate.resumes_within)
    };
    let paths = ["sdb".to_owned(), "sdc".to_owned()];
    let map = Disk { slaves: paths.to_vec(), ..disk("dm-0", Class::Multipath { paths: paths.to_vec() }) };
    let volume = above("dm-1", Class::Lvm, &["dm-0"]);
    let mapped = machine("6.8.0", vec![volume, map, disk("sdb", iscsi()), disk("sdc", iscsi())]);
    // A login that began just before the end, and two looks and a second.
    assert_eq!(resumes(&mapped, Trouble::Silence), Some(32 + 2 * 5 + 1));
    assert_eq!(resumes(&mapped, Trouble::PathLoss), Some(43));
    assert_eq!(resumes(&mapped, Trouble::Errors), None);
    let alone = machine("6.8.0", vec![disk("sdb", iscsi())]);
    assert_eq!(resumes(&alone, Trouble::Silence), Some(32));
    let unknown = with(&mapped, |machine| machine.disks.as_mut().unwrap().retain(|disk| disk.name != "sdc"));
    assert_eq!(resumes(&unknown, Trouble::Silence), None);
    let of_the_host = machine("6.8.0", vec![disk("sda", Class::StorvscScsi)]);
    assert_eq!(resumes(&of_the_host, Trouble::Silence), Some(0));
    // The map counts until a path is in use again: 37 looks are 190 s, 44 are 225, and 180 + 43 are needed.
    let outlasts = |looks: &str| {
        let mut facts = with(&mapped, |machine| {
            machine.sessions.insert("session1".to_owned(), session(5, 5, 5));
            machine.disks.iter_mut().flatten().for_each(|disk| disk.live.timeout = Attribute::Is(90));
        });
        facts.system.multipath = vec![crate::facts::MultipathSetting {
            path: "etc/multipath.conf".to_owned(),
            line: 1,
            section: "overrides".to_owned(),
            key: "no_path_retry".to_owned(),
            value: looks.to_owned(),
        }];
        survey(&facts, &[], &Policy::default()).standings[0].survives(Column::Now, 180)
    };
    assert_eq!([outlasts("37"), outlasts("44"), outlasts("queue")], [false, true, true]);
    let dead = with(&of_the_host, |machine| machine.mounts[0].options.push("emergency_ro".to_owned()));
    assert_eq!(resumes(&dead, Trouble::Silence), None);
}
