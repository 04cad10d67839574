//! Our own rule among others, what hides it, and what the kernel has by itself.

use super::*;

fn planned<'a>(value: &'a str, want: &'a Want) -> Planned<'a> {
    Planned { ours: Ours { path: "usr/lib/udev/rules.d/90-hvtune.rules", value }, want }
}

#[test]
fn ours_stands_at_its_name_and_looks_before_it_writes() {
    let (disk, want) = (iscsi(), Want::AtLeast(180));
    let ours = planned("180", &want);
    let rule = |value: &str| format!("SUBSYSTEM==\"block\", ATTR{{device/timeout}}=\"{value}\"\n");
    let ends = |files: &[(&str, &str)]| {
        let chain = chain(&facts(files), &disk, UdevAttr::Timeout, Some(ours), Vec::new());
        (flat(&chain), chain.in_force().value().map(str::to_owned))
    };
    let some = |writers: &[&str], value: &str| {
        (writers.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>(), Some(value.to_owned()))
    };
    assert_eq!(ends(&[]), some(&["hvtune 180"], "180"));
    assert_eq!(
        ends(&[("usr/lib/udev/rules.d/10-a.rules", &rule("300"))]),
        some(&["1 300", "hvtune 180!"], "300")
    );
    assert_eq!(ends(&[("etc/udev/rules.d/10-a.rules", &rule("30"))]), some(&["1 30", "hvtune 180"], "180"));
    assert_eq!(
        ends(&[("usr/lib/udev/rules.d/99-a.rules", &rule("30"))]),
        some(&["hvtune 180", "1 30"], "30")
    );
    // A program of the SCSI device's event is there before the disk's rules.
    let run = "ACTION==\"add\", SUBSYSTEM==\"scsi\", RUN+=\"/bin/sh -c 'echo 300 > /sys$env{DEVPATH}/timeout; \
               echo 300 > /sys$env{DEVPATH}/eh_timeout'\"\n";
    assert_eq!(ends(&[("etc/udev/rules.d/99-scsi.rules", run)]), some(&["1 300", "hvtune 180!"], "300"));
}

#[test]
fn an_open_rule_leaves_ours_open_where_it_could_be_better() {
    let (disk, want) = (iscsi(), Want::AtLeast(180));
    let rule = "ENV{X}==\"1\", SUBSYSTEM==\"block\", ATTR{device/timeout}=\"300\"\n";
    let chain = chain(
        &facts(&[("etc/udev/rules.d/10-a.rules", rule)]),
        &disk,
        UdevAttr::Timeout,
        Some(planned("180", &want)),
        Vec::new(),
    );
    assert_eq!(flat(&chain), ["1 300?", "hvtune 180?"]);
    assert_eq!(chain.in_force().value(), None);
}

#[test]
fn further_events_count_where_they_change_the_value() {
    let (disk, want) = (iscsi(), Want::Exactly(crate::tunable::Value::word("none")));
    let with = |rule: &str, attr, ours| {
        flat(&chain(&facts(&[("etc/udev/rules.d/99-a.rules", rule)]), &disk, attr, ours, Vec::new()))
    };
    let ours =
        Some(Planned { ours: Ours { path: "etc/udev/rules.d/90-hvtune.rules", value: "none" }, want: &want });
    let add = "ACTION==\"add\", SUBSYSTEM==\"block\", ATTR{queue/scheduler}=\"bfq\"\n";
    assert_eq!(with(add, UdevAttr::Scheduler, ours), ["hvtune none", "1 bfq", "hvtune none?"]);
    let both = "ACTION==\"add|change\", SUBSYSTEM==\"block\", ATTR{queue/scheduler}=\"bfq\"\n";
    assert_eq!(with(both, UdevAttr::Scheduler, ours), ["hvtune none", "1 bfq"]);
    let change = "ACTION==\"change\", SUBSYSTEM==\"block\", ATTR{queue/scheduler}=\"bfq\"\n";
    assert_eq!(with(change, UdevAttr::Scheduler, ours), ["hvtune none", "1 bfq?"]);
    let want = Want::AtLeast(180);
    let bind = "SUBSYSTEM==\"scsi\", ATTR{timeout}=\"30\"\n";
    assert_eq!(with(bind, UdevAttr::Timeout, Some(planned("180", &want))), ["1 30", "hvtune 180", "1 30?"]);
}

#[test]
fn a_file_of_our_name_replaces_ours() {
    let (disk, want) = (iscsi(), Want::AtLeast(180));
    let mut facts = facts(&[]);
    facts.system.writers.masks = vec![Mask {
        below: "udev/rules.d".to_owned(),
        by: "etc/udev/rules.d/90-hvtune.rules".to_owned(),
        how: Hides::Masked,
    }];
    let chain = chain(&facts, &disk, UdevAttr::Timeout, Some(planned("180", &want)), Vec::new());
    assert_eq!((flat(&chain), chain.in_force().value()), (vec!["hvtune 180!".to_owned()], Some("30")));
}

#[test]
fn a_file_that_could_not_be_read_is_a_doubt() {
    let mut facts = facts(&[]);
    facts.system.writers.unread.push(Unread {
        of: "udev/rules.d".to_owned(),
        path: "etc/udev/rules.d/99-x.rules".to_owned(),
        why: "permission denied".to_owned(),
    });
    let chain = chain(&facts, &storvsc(), UdevAttr::Timeout, None, Vec::new());
    assert_eq!(chain.in_force().value(), None);
    assert!(chain.doubts[0].starts_with("etc/udev/rules.d/99-x.rules could not be read"));
}

#[test]
fn the_kernels_own_values_are_known_where_they_are() {
    let value = |disk: &Disk, attr, release: &str| {
        let mut facts = facts(&[]);
        facts.machine.as_mut().unwrap().kernel = KernelRelease::parse(release);
        chain(&facts, disk, attr, None, Vec::new()).in_force().value().map(str::to_owned)
    };
    let mut path = iscsi();
    path.roles.insert(Role::Path);
    for (disk, attr, release, expected) in [
        (storvsc(), UdevAttr::Timeout, "6.1.0", Some("180")),
        (storvsc(), UdevAttr::Timeout, "3.10.0", Some("30")),
        (storvsc(), UdevAttr::Timeout, "3.10.0-1160.el7.x86_64", Some("180")),
        (path, UdevAttr::Timeout, "6.1.0", Some("30")),
        (storvsc(), UdevAttr::ReadAheadKb, "6.1.0", Some("128")),
        (storvsc(), UdevAttr::ReadAheadKb, "6.17.0", None),
        (storvsc(), UdevAttr::MaxRetries, "6.1.0", Some("5")),
        (storvsc(), UdevAttr::IoTimeout, "6.1.0", Some("180000")),
        (disk(Class::NvmeAzureRemote, NVME), UdevAttr::IoTimeout, "6.1.0", Some("30000")),
        (disk(Class::NvmeAzureRemote, NVME), UdevAttr::Timeout, "6.1.0", None),
        (storvsc(), UdevAttr::Scheduler, "6.1.0", None),
        (storvsc(), UdevAttr::NrRequests, "6.1.0", None),
    ] {
        assert_eq!(value(&disk, attr, release).as_deref(), expected, "{attr:?} {release} {}", disk.name);
    }
}

#[test]
fn sysctl_keys_are_written_by_rules_too() {
    let text = "SYSCTL{vm/swappiness}=\"1\"\nSYSCTL{vm.swappiness}=\"2\"\nRUN+=\"/sbin/sysctl -w vm.swappiness=3\"\n\
                SYSCTL{vm.dirty_bytes}=\"4\"\nSYSCTL{vm.swappiness}==\"5\"\n";
    let found = sysctl_writers(&facts(&[("etc/udev/rules.d/50-x.rules", text)]), "vm.swappiness");
    let flat: Vec<_> = found.iter().map(|writer| writer.value.as_deref().unwrap_or("-")).collect();
    assert_eq!(flat, ["1", "2", "3"]);
}

/// Rules that many distributions carry, on as many disks as a machine may have: no more than a moment.
#[test]
fn thousands_of_disks_cost_little() {
    let rules = "ACTION!=\"add|change\", GOTO=\"end\"\n".to_owned()
        + &"SUBSYSTEM==\"block\", KERNEL==\"vd*|mmcblk*\", ATTRS{vendor}==\"x\", ATTR{queue/scheduler}=\"bfq\"\n".repeat(20)
        + "LABEL=\"end\"\n";
    let facts = facts(&[("etc/udev/rules.d/50-x.rules", &rules)]);
    let disk = storvsc();
    for _ in 0..4096 {
        assert_eq!(chain(&facts, &disk, UdevAttr::Scheduler, None, Vec::new()).writers.len(), 0);
    }
}
