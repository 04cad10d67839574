//! Chains of multipath's timers.

use super::*;
use crate::facts::Machine;
use crate::probe::multipath::settings;

const CONF: &str = "etc/multipath.conf";

/// Facts of files, `path` and text, and of one map over a path of this vendor and product.
fn facts(files: &[(&str, &str)], vendor: &str, product: &str) -> Facts {
    let mut facts = Facts::default();
    let mut before = 0;
    for (path, text) in files {
        let entries = crate::formats::multipath::scan(text);
        let most = entries.iter().map(|entry| entry.block).max().unwrap_or(0);
        facts.system.multipath_files.lines.extend(entries.into_iter().map(|entry| MultipathLine {
            path: (*path).to_owned(),
            line: entry.line,
            section: entry.section,
            block: if entry.block == 0 { 0 } else { before + entry.block },
            key: entry.key,
            value: entry.value,
            ours: path.ends_with("/90-hvtune.conf"),
        }));
        before += most;
    }
    facts.system.multipath = settings(&facts.system.multipath_files);
    let disk = |name: &str, class| Disk {
        name: name.to_owned(),
        path: String::new(),
        class,
        roles: std::collections::BTreeSet::new(),
        host: None,
        hctl: None,
        slaves: Vec::new(),
        vendor: vendor.to_owned(),
        model: product.to_owned(),
        limits: crate::facts::Limits::default(),
        live: crate::facts::Live::default(),
    };
    let disks = vec![
        disk("dm-0", Class::Multipath { paths: vec!["sdb".to_owned()] }),
        disk("sdb", Class::Iscsi { session: "session1".to_owned() }),
    ];
    facts.machine = Some(Machine { disks: Some(disks), ..Machine::default() });
    facts
}

fn ends(files: &[(&str, &str)], array: (&str, &str), key: &str) -> String {
    let facts = facts(files, array.0, array.1);
    let map = facts.machine.as_ref().and_then(|machine| machine.disks.as_ref()?.first());
    match chain(&facts, key, map, None).in_force() {
        InForce::Known { value, .. } => value,
        InForce::Unknown { because, candidates } => format!("{because}: {}", candidates.join(" ")),
    }
}

#[test]
fn the_most_particular_wins() {
    let acme = ("ACME", "LUN");
    let device =
        |body: &str| format!("devices {{\n device {{\n vendor A.ME\n product .*\n {body}\n }}\n}}\n");
    let defaults = "defaults {\n no_path_retry 7\n}\n";
    let overrides = "overrides {\n no_path_retry queue\n}\n";
    for (text, expected) in [
        (String::new(), "fail"),
        (defaults.to_owned(), "7"),
        (format!("{}{defaults}", device("no_path_retry 9")), "9"),
        (format!("{overrides}{}{defaults}", device("no_path_retry 9")), "queue"),
        (format!("{overrides}overrides {{\n no_path_retry 3\n no_path_retry soon\n}}\n"), "3"),
        (device("features \"1 queue_if_no_path\""), "queue"),
        (format!("{}{defaults}", device("features \"1 queue_if_no_path\"")), "7"),
        // Two of the same words become one, and only then its feature is looked at.
        (format!("{}{}{defaults}", device("features \"1 queue_if_no_path\""), device("x y")), "queue"),
        ("defaults {\n features \"1 queue_if_no_path\"\n}\noverrides {\n features 0\n}\n".to_owned(), "fail"),
        ("devices {\n device {\n vendor ACME\n no_path_retry 9\n }\n}\n".to_owned(), "fail"),
    ] {
        assert_eq!(ends(&[(CONF, &text)], acme, "no_path_retry"), expected, "{text}");
    }
    let map = "multipaths {\n multipath {\n wwid 3600\n no_path_retry fail\n }\n}\n";
    let said = ends(&[(CONF, &format!("{defaults}{map}"))], acme, "no_path_retry");
    assert_eq!(said, "it counts for the map of its wwid alone: fail 7");
}

#[test]
fn the_built_in_table_outranks_defaults_and_yields_to_sections() {
    let defaults = (CONF, "defaults {\n no_path_retry 7\n}\n");
    assert_eq!(ends(&[defaults], ("LIO-ORG", "disk0"), "no_path_retry"), "12");
    assert_eq!(ends(&[], ("3PARdata", "VV"), "fast_io_fail_tmo"), "10");
    assert_eq!(ends(&[], ("3PARdata", "VV"), "dev_loss_tmo"), "infinity");
    let section = "devices {\n device {\n vendor LIO\n product disk\n no_path_retry 9\n }\n}\n";
    assert_eq!(ends(&[defaults, (CONF, section)], ("LIO-ORG", "disk0"), "no_path_retry"), "9");
    // The same words as the table's entry: its place moves behind the section for LIO.
    let same = "devices {\n device {\n vendor (LIO-ORG|SUSE)\n product .*\n }\n}\n";
    let files = [(CONF, section), ("etc/multipath/conf.d/a.conf", same)];
    assert_eq!(ends(&files, ("LIO-ORG", "disk0"), "no_path_retry"), "12");
    // In some versions' table only.
    assert!(ends(&[], ("SCST_BIO", "x"), "no_path_retry").starts_with("only some versions"));
}

#[test]
fn paths_take_what_is_for_their_protocol() {
    let text = "overrides {\n protocol {\n type scsi:iscsi\n fast_io_fail_tmo 7\n }\n protocol {\n \
                type scsi:fcp\n fast_io_fail_tmo off\n }\n fast_io_fail_tmo 8\n}\n";
    assert_eq!(ends(&[(CONF, text)], ("ACME", "LUN"), "fast_io_fail_tmo"), "7");
    let polling = "defaults {\n polling_interval 30\n max_polling_interval 12\n checker_timeout 0\n}\n";
    assert_eq!(ends(&[(CONF, polling)], ("ACME", "LUN"), "polling_interval"), "12");
    let checker = ends(&[(CONF, polling)], ("ACME", "LUN"), "checker_timeout");
    assert_eq!(checker, "what it writes could not be told: ");
}

#[test]
fn ours_stands_where_its_name_puts_it() {
    let own = "overrides {\n no_path_retry 5\n}\n";
    let ours = Some(Ours { path: OURS, value: "37" });
    for (path, wins) in
        [(CONF, "37"), ("etc/multipath/conf.d/10-a.conf", "37"), ("etc/multipath/conf.d/99-z.conf", "5")]
    {
        let facts = facts(&[(path, own), (OURS, "overrides {\n no_path_retry 99\n}\n")], "ACME", "LUN");
        let chain = chain(&facts, "no_path_retry", None, ours);
        let last = |writer: &&Writer| !matches!(writer.acts, Acts::No(_));
        let last = chain.writers.iter().rfind(last).unwrap();
        assert_eq!(last.value.as_deref(), Some(wins), "{path}");
        assert_eq!(chain.without_ours().value(), Some("5"), "{path}");
    }
}

#[test]
fn what_could_not_be_read_is_a_doubt() {
    let mut facts = facts(&[(CONF, "overrides {\n no_path_retry 5\n}\n")], "ACME", "LUN");
    facts.system.multipath_files.unread =
        vec![crate::facts::UnreadFile { path: "etc/multipath/conf.d".to_owned(), why: "denied".to_owned() }];
    assert!(matches!(chain(&facts, "no_path_retry", None, None).in_force(), InForce::Unknown { .. }));
}
