//! The formulas, on small machines: seconds as the lab measured or the kernel's source says.

mod errors;
mod iscsi;

use std::collections::BTreeSet;

use super::*;
use crate::facts::{
    Attribute, Class, Disk, ErrorPolicy, KernelRelease, Limits, Live, Machine, Mount, Role, ScsiTimers,
    Session, Timers, Unit, UnitFile, UnitLine, Watchdog,
};
use crate::policy::Policy;
use crate::tunable::Verdict;
use crate::tunables::systemd::WATCHDOG;

fn disk(name: &str, class: Class) -> Disk {
    Disk {
        name: name.to_owned(),
        path: format!("sys/devices/x/block/{name}"),
        class,
        roles: BTreeSet::new(),
        host: None,
        hctl: name.starts_with("sd").then(|| "0:0:0:0".to_owned()),
        slaves: Vec::new(),
        vendor: String::new(),
        model: String::new(),
        limits: Limits::default(),
        live: Live {
            timeout: Attribute::Is(30),
            io_timeout: Attribute::Is(30_000),
            max_retries: Attribute::Is(5),
            ..Live::default()
        },
    }
}

fn above(name: &str, class: Class, slaves: &[&str]) -> Disk {
    Disk { slaves: slaves.iter().map(|&slave| slave.to_owned()).collect(), ..disk(name, class) }
}

fn iscsi() -> Class {
    Class::Iscsi { session: "session1".to_owned() }
}

fn session(interval: u64, timeout: u64, recovery: i64) -> Session {
    Session {
        recovery_tmo: Attribute::Is(recovery),
        noop_interval: Attribute::Is(interval),
        noop_timeout: Attribute::Is(timeout),
        handling: [15, 30, 30].map(Attribute::Is),
    }
}

/// A machine whose `/data` stands on the first disk named.
fn machine(kernel: &str, mut disks: Vec<Disk>) -> Facts {
    let top = disks.first().map(|disk| disk.name.clone());
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    let machine = Machine {
        kernel: KernelRelease::parse(kernel),
        disks: Some(disks),
        mounts: vec![Mount {
            point: "/data".to_owned(),
            fstype: "ext4".to_owned(),
            read_only: false,
            disk: top.clone(),
            others: Some(Vec::new()),
            device: top,
            options: vec!["rw".to_owned()],
        }],
        sessions: [("session1".to_owned(), session(5, 5, 120))].into(),
        timers: Some(Timers::default()),
        ..Machine::default()
    };
    Facts { machine: Some(machine), ..Facts::default() }
}

fn with(facts: &Facts, change: impl FnOnce(&mut Machine)) -> Facts {
    let mut facts = facts.clone();
    change(facts.machine.as_mut().unwrap());
    facts
}

/// `180`, `ever`, `30+` where a fact is missing, `-` where the trouble cannot befall it.
fn ends(facts: &Facts, trouble: Trouble) -> String {
    let survey = survey(facts, &[], &Policy::default());
    let [standing] = survey.standings.as_slice() else { panic!("{survey:?}") };
    let Some(fate) = standing.fate(trouble, Column::Now) else { return "-".to_owned() };
    let doubt = if fate.unknown.is_empty() { "" } else { "+" };
    fate.at.seconds().map_or_else(|| format!("ever{doubt}"), |seconds| format!("{seconds}{doubt}"))
}

fn three(facts: &Facts) -> [String; 3] {
    [Trouble::Silence, Trouble::PathLoss, Trouble::Errors].map(|trouble| ends(facts, trouble))
}

#[test]
fn storvsc_is_silent_for_ever_where_its_driver_re_arms() {
    for (kernel, class, expected) in [
        ("6.1.0-18-amd64", Class::StorvscScsi, ["ever", "-", "0"]),
        ("3.10.0-1160.el7.x86_64", Class::StorvscIde, ["ever", "-", "10"]),
        ("3.10.33", Class::StorvscScsi, ["35", "-", "10"]),
        ("6.2.0-39-generic", Class::StorvscFc, ["30", "-", "0"]),
        ("6.8.0", Class::StorvscFc, ["ever", "-", "0"]),
        ("x", Class::StorvscScsi, ["30+", "-", "0"]),
    ] {
        assert_eq!(three(&machine(kernel, vec![disk("sda", class)])), expected, "{kernel}");
    }
}

#[test]
fn what_is_not_known_is_a_lower_bound() {
    let base = machine("6.1.0-18-amd64", vec![disk("sdb", iscsi())]);
    let blind = with(&base, |machine| machine.sessions = crate::order::Named::new());
    assert_eq!(three(&blind), ["0+", "0+", "0+"]);
    let half = with(&base, |machine| {
        machine.sessions.get_mut("session1").unwrap().recovery_tmo = Attribute::Unknown;
    });
    assert_eq!(three(&half), ["10+", "0+", "0"]);
    let nothing = with(&base, |machine| machine.disks = None);
    assert_eq!(three(&nothing), ["0+", "0+", "0+"]);
}

#[test]
fn nvme_is_reset_at_the_second_expiry() {
    let base = machine("6.12.0", vec![disk("nvme0n1", Class::NvmeAzureRemote)]);
    let known = with(&base, |machine| {
        machine.parameters.insert("nvme_core.max_retries".to_owned(), "5".to_owned());
    });
    assert_eq!(three(&known), ["60", "-", "0"]);
    assert_eq!(three(&base), ["60", "-", "0+"]);
    let old = with(&known, |machine| {
        machine.disks.as_mut().unwrap()[0].live.io_timeout = Attribute::Absent;
        machine.parameters.insert("nvme_core.io_timeout".to_owned(), "255".to_owned());
    });
    // The abort expires before the command does once more.
    assert_eq!(ends(&old, Trouble::Silence), "315");
    let patient = with(&old, |machine| {
        machine.parameters.insert("nvme_core.admin_timeout".to_owned(), "255".to_owned());
    });
    assert_eq!(ends(&patient, Trouble::Silence), "510");
}

#[test]
fn arrays_fail_with_the_member_they_cannot_spare() {
    let slow = |name: &str, seconds: u64| {
        let mut slow = disk(name, Class::StorvscScsi);
        slow.live.timeout = Attribute::Is(seconds);
        slow
    };
    let array = above("md0", Class::Md, &["sda", "sdb", "sdc"]);
    let base = machine("3.10.33", vec![array, slow("sda", 10), slow("sdb", 20), slow("sdc", 40)]);
    for (level, expected) in [
        ("raid0", "15"),
        ("linear", "15"),
        ("raid5", "25"),
        ("raid10", "25"),
        ("raid6", "45"),
        ("raid1", "45"),
    ] {
        let facts = with(&base, |machine| {
            let levels = &mut machine.timers.as_mut().unwrap().levels;
            levels.insert("md0".to_owned(), Attribute::Is(level.to_owned()));
        });
        assert_eq!(ends(&facts, Trouble::Silence), expected, "{level}");
    }
    assert_eq!(ends(&base, Trouble::Silence), "15+");
}

#[test]
fn a_file_system_over_several_disks_lives_as_long_as_the_first_of_them() {
    let disks = vec![disk("sda", Class::StorvscScsi), disk("sdb", iscsi())];
    let alone = machine("6.1.0-18-amd64", disks);
    assert_eq!(three(&alone), ["ever", "-", "0"]);
    let over = |others: Option<&[&str]>| {
        with(&alone, |machine| {
            machine.mounts[0].fstype = "btrfs".to_owned();
            machine.mounts[0].others =
                others.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        })
    };
    assert_eq!(three(&over(Some(&["sdb"]))), ["130", "120", "0"]);
    assert_eq!(three(&over(Some(&["sdb", "gone"]))), ["0+", "0+", "0+"]);
    assert_eq!(three(&over(None)), ["0+", "-", "0+"]);
    let survey = survey(&over(Some(&["sdb"])), &[], &Policy::default());
    assert_eq!(survey.standings[0].disks, ["sda", "sdb"]);
}

#[test]
fn a_disk_or_file_system_that_gave_up_is_dead_now() {
    let base = machine("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
    let offline = with(&base, |machine| {
        let state = Attribute::Is("offline".to_owned());
        let timers = ScsiTimers { state, ..ScsiTimers::default() };
        machine.timers.as_mut().unwrap().scsi.insert("sda".to_owned(), timers);
    });
    assert_eq!(ends(&offline, Trouble::Silence), "0");
    let aborted = with(&base, |machine| machine.mounts[0].options.push("emergency_ro".to_owned()));
    assert_eq!(ends(&aborted, Trouble::Silence), "0");
    let survey = survey(&aborted, &[], &Policy::default());
    assert_eq!(survey.standings[0].stall(Column::AfterReboot).unwrap().at, Span::Forever);
}

#[test]
fn a_detector_that_panics_ends_every_mount() {
    let base = machine("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
    let set = |timeout: &str, panic: &str| {
        with(&base, |machine| {
            let keys = [("kernel.hung_task_timeout_secs", timeout), ("kernel.hung_task_panic", panic)];
            machine.sysctls.extend(keys.map(|(key, value)| (key.to_owned(), value.to_owned())));
        })
    };
    assert_eq!(three(&set("120", "1")), ["120", "-", "0"]);
    assert_eq!(three(&set("120", "0")), ["ever", "-", "0"]);
    assert_eq!(three(&set("0", "1")), ["ever", "-", "0"]);
}

#[test]
fn a_ring_of_maps_and_a_missing_disk_end() {
    let ring = vec![above("dm-0", Class::Lvm, &["dm-1"]), above("dm-1", Class::Lvm, &["dm-0"])];
    assert_eq!(ends(&machine("6.1.0", ring), Trouble::Silence), "0+");
    assert_eq!(ends(&machine("6.1.0", vec![above("dm-0", Class::Crypt, &["gone"])]), Trouble::Silence), "0+");
}

#[test]
fn a_running_service_keeps_the_watchdog_it_started_with() {
    let mut facts = machine("6.1.0", vec![disk("sda", Class::StorvscScsi)]);
    let unit = "systemd-journald.service";
    let watchdog = Watchdog { unit: unit.to_owned(), seconds: 180, with_ours: 180, path: String::new() };
    facts.system.watchdogs = vec![watchdog];
    let line = UnitLine {
        line: 1,
        section: "Service".to_owned(),
        key: "WatchdogSec".to_owned(),
        value: "3min".to_owned(),
    };
    let fragment = Some(UnitFile { lines: vec![line], ..UnitFile::default() });
    facts.system.units = vec![Unit { name: unit.to_owned(), fragment, ..Unit::default() }];
    let tunable = &WATCHDOG;
    let decision = (tunable.decide)(&facts, &Policy::default()).remove(0);
    let survey = survey(&facts, &[Verdict { tunable, decision }], &Policy::default());
    let fires: Vec<_> = survey.services[0].watches.iter().map(|watch| watch.fires.seconds()).collect();
    assert_eq!(fires, [Some(180), Some(180), Some(360)]);
}

#[test]
fn a_file_system_that_gave_up_is_named() {
    let found = |facts: &Facts| -> Vec<String> {
        let rows = crate::verify::given_up(facts);
        assert!(rows.iter().all(|row| row.state == crate::verify::State::Differs));
        rows.iter()
            .map(|row| format!("{} {}", row.target, row.found.as_deref().unwrap_or_default()))
            .collect()
    };
    let mut facts = machine("6.1.0", vec![disk("sda", Class::StorvscScsi)]);
    assert_eq!(found(&facts), [""; 0]);
    // Still shown as `rw`.
    let policy = ErrorPolicy { ext4_errors: Attribute::Is(3), ..ErrorPolicy::default() };
    let machine = facts.machine.as_mut().unwrap();
    machine.timers.as_mut().unwrap().errors.insert("sda".to_owned(), policy);
    assert_eq!(found(&facts), ["/data 3 errors"]);
    let machine = facts.machine.as_mut().unwrap();
    machine.mounts[0].options.push("emergency_ro".to_owned());
    assert_eq!(found(&facts), ["/data emergency_ro"]);
}

#[test]
fn a_restart_that_heals_is_told_from_a_machine_that_stands_still() {
    let base = machine("6.1.0-18-amd64", vec![disk("sda", Class::StorvscScsi)]);
    let set = |panic: &str, interval: &str, retries: i64| {
        with(&base, |machine| {
            let keys = [
                ("kernel.hung_task_timeout_secs", "240"),
                ("kernel.hung_task_panic", "1"),
                ("kernel.hung_task_check_interval_secs", interval),
                ("kernel.panic", panic),
            ];
            machine.sysctls.extend(keys.map(|(key, value)| (key.to_owned(), value.to_owned())));
            let disks = machine.disks.iter_mut().flatten();
            disks.for_each(|disk| disk.live.max_retries = Attribute::Is(retries));
        })
    };
    // A storm that is ridden out ends in the panic as silence does; one that is not has ended before.
    assert_eq!(three(&set("10", "10", -1)), ["240", "-", "240"]);
    assert_eq!(three(&set("10", "10", 5)), ["240", "-", "0"]);
    let told = |facts: &Facts| {
        let survey = survey(facts, &[], &Policy::default());
        let fate = survey.standings[0].stall(Column::Now).unwrap().clone();
        (fate.restarts, fate.by.unwrap().then)
    };
    let (restarts, then) = told(&set("10", "10", -1));
    assert!(restarts && then.ends_with("at 250 s at the latest, and restarts after 10 s"), "{then}");
    let (restarts, then) = told(&set("-1", "0", -1));
    assert!(restarts && then.ends_with("at 480 s at the latest, and restarts at once"), "{then}");
    let (restarts, then) = told(&set("0", "1000", -1));
    assert!(
        !restarts && then.ends_with("at 480 s at the latest, and stands still for ever (kernel.panic is 0)")
    );
    assert!(
        !survey(&set("10", "10", 5), &[], &Policy::default()).standings[0]
            .fate(Trouble::Errors, Column::Now)
            .unwrap()
            .restarts
    );
}
