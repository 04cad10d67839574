//! Other people's files for multipath, open-iscsi and systemd, in the oddest shapes that they take:
//! what our own readers make of them is what the daemons themselves make of them.

use std::collections::BTreeMap;
use std::fs;

use hvtune::facts::{Facts, MultipathFiles};
use hvtune::probe;
use hvtune::root::Root;

use crate::stage::{Stage, Suite};

/// Settings by section and key, the last of each.
type Settings = BTreeMap<String, String>;

const MULTIPATH: &[&str] = &[
    "defaults {\n no_path_retry \"queue\"\n}\n",
    "defaults\n{\n no_path_retry queue\n}\n",
    "overrides\n{\n no_path_retry queue\n}\n",
    "overrides {\n no_path_retry fail\n}\noverrides {\n no_path_retry 12\n}\n",
    "defaults {\n no_path_retry -3\n}\n",
    "defaults {\n no_path_retry 0\n}\n",
    "defaults {\n no_path_retry 5 # x\n no_path_retry soon\n}\n",
    "defaults {\n no_path_retry 5 7\n}\n",
    "defaults {\n no_path_retry 5x\n}\n",
    "defaults {\n no_path_retry\n no_path_retry 9\n}\n",
    "defaults {\n no_path_retry \"queue\n}\n",
    "defaults {\n foo {\n no_path_retry queue\n }\n no_path_retry 7\n}\n",
    "defaults { no_path_retry queue }\n",
    "defaults {\n no_path_retry queue }\n checker_timeout 4\n}\n",
    "defaults {\n no_path_retry\u{e9}queue\n}\n",
    "defaults {\n no_path_retry Queue\n}\n",
    "defaults {\n no_path_retry \" 6 \"\n}\n",
    "defaults {\n no_path_retry 99999999999\n}\n",
    "defaults {\r\n no_path_retry queue\r\n}\r\n",
    "\u{feff}defaults {\n no_path_retry 8\n}\n",
    "}\ndefaults {\n no_path_retry 8!x\n",
    "overrides {\n checker_timeout 7\n no_path_retry 3\n}\n",
    "overrides {\n fast_io_fail_tmo off\n dev_loss_tmo infinity\n}\n",
    "overrides {\n protocol {\n type \"scsi:iscsi\"\n fast_io_fail_tmo 7\n }\n fast_io_fail_tmo 8\n}\n",
    "defaults {\n polling_interval 10\n checker_timeout 9x\n fast_io_fail_tmo 0\n dev_loss_tmo 60x\n}\n",
    "defaults {\n polling_interval 30\n max_polling_interval 10\n}\n",
    "defaults {\n max_polling_interval 12\n}\n",
    "devices {\n device {\n vendor ACME\n product X\n no_path_retry queue\n }\n device {\n vendor ACME\n product X\n fast_io_fail_tmo off\n }\n}\n",
    "devices {\n device {\n vendor ACME\n no_path_retry queue\n }\n}\n",
    "devices {\n device {\n vendor \"ACME\"\n product \"X\"\n features \"1 queue_if_no_path\"\n }\n device {\n vendor ACME\n product X\n no_path_retry 3\n }\n}\n",
    "multipaths {\n multipath {\n wwid \"3600\"\n no_path_retry 4\n }\n}\n",
    "blacklist {\n device {\n vendor ACME\n no_path_retry 4\n }\n}\ndefaults {\n no_path_retry 2\n}\n",
];

const KEYS: &[&str] =
    &["no_path_retry", "fast_io_fail_tmo", "dev_loss_tmo", "checker_timeout", "polling_interval"];

/// What `multipath -t` prints of our keys, but for arrays that are not ACME's.
fn shown(printed: &str) -> Settings {
    let mut settings = Settings::new();
    let mut open: Vec<&str> = Vec::new();
    let mut acme = false;
    for line in printed.lines() {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "{"] if !line.starts_with(char::is_whitespace) => open = vec![name],
            [name, "{"] => open.push(name),
            ["}"] => {
                open.pop();
            }
            ["vendor", vendor, ..] => acme = vendor.contains("ACME"),
            [key, value] if KEYS.contains(key) => {
                let section = if open.last() == Some(&"protocol") { "protocol" } else { open[0] };
                if section != "blacklist" && (section != "devices" || acme) {
                    settings.insert(format!("{section}/{key}"), value.trim_matches('"').to_owned());
                }
            }
            _ => {}
        }
    }
    settings
}

fn read_multipath(files: &[(&str, &[u8])]) -> MultipathFiles {
    let temp = tempfile::tempdir().unwrap();
    for (path, body) in files {
        let path = temp.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
    }
    probe::multipath::read(&Root::offline(temp.path()).unwrap(), &mut Vec::new())
}

#[test]
fn multipath_conf_is_read_as_multipath_does() {
    let mut bodies: Vec<Vec<u8>> = MULTIPATH.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(b"# caf\xe9\ndefaults {\n no_path_retry\xa0queue\n}\n".to_vec());
    bodies.push(format!("defaults {{\n#{} no_path_retry 66\n}}\n", "0".repeat(1022)).into_bytes());
    bodies.push(format!("defaults {{\n#{} no_path_retry 66\n}}\n", "0".repeat(1021)).into_bytes());
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (number, body) in bodies.iter().enumerate() {
            stage.put(&format!("/stage/{number:03}"), body);
        }
        let ran = stage.run(
            "for conf in /stage/*; do cp $conf /etc/multipath.conf; echo \"# ${conf##*/}\"; multipath -t 2>/dev/null; done",
        );
        let printed = ran.ok().stdout;
        // What holds where nobody says anything.
        let silent = Settings::from([
            ("defaults/fast_io_fail_tmo".to_owned(), "5".to_owned()),
            ("defaults/polling_interval".to_owned(), "5".to_owned()),
        ]);
        let mut compared = 0;
        for part in printed.split("# ").skip(1) {
            let (number, printed) = part.split_once('\n').unwrap();
            let body = &bodies[number.parse::<usize>().unwrap()];
            let files = read_multipath(&[("etc/multipath.conf", body)]);
            let mut ours = silent.clone();
            for setting in probe::multipath::settings(&files) {
                // A section without vendor and product is dropped by the chain, not by the reader.
                let complete = |key: &str| {
                    files.lines.iter().any(|line| line.section == setting.section && line.key == key)
                };
                let dropped = setting.section == "devices" && !(complete("vendor") && complete("product"));
                if KEYS.contains(&setting.key.as_str()) && !dropped {
                    ours.insert(format!("{}/{}", setting.section, setting.key), setting.value);
                }
            }
            let said = String::from_utf8_lossy(body);
            let mut theirs = shown(printed);
            // An unset checker_timeout is not printed, and 0 is not set.
            ours.retain(|key, value| key != "defaults/checker_timeout" || value != "0");
            theirs.entry("defaults/polling_interval".to_owned()).or_insert_with(|| "5".to_owned());
            assert_eq!(ours, theirs, "{suite:?}: {said}");
            compared += 1;
        }
        assert_eq!(compared, bodies.len(), "{suite:?}");
    }
}

/// Drop-ins come after multipath.conf, by name; another ending is nobody's.
#[test]
fn drop_ins_of_multipath_are_read_in_its_order() {
    let overrides = |value: u32| format!("overrides {{\n no_path_retry {value}\n}}\n").into_bytes();
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("etc/multipath.conf", overrides(1)),
        ("etc/multipath/conf.d/10-a.conf", overrides(2)),
        ("etc/multipath/conf.d/9-b.conf", overrides(3)),
        ("etc/multipath/conf.d/Z.conf", overrides(4)),
        ("etc/multipath/conf.d/z.conf.bak", overrides(5)),
        ("etc/multipath/conf.d/.hidden.conf", overrides(6)),
    ];
    let views: Vec<(&str, &[u8])> = files.iter().map(|(path, body)| (*path, body.as_slice())).collect();
    let ours = probe::multipath::settings(&read_multipath(&views));
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (path, body) in &files {
            stage.put(&format!("/{path}"), body);
        }
        let theirs = shown(&stage.run("multipath -t 2>/dev/null").ok().stdout);
        let last = ours.iter().rfind(|setting| setting.key == "no_path_retry").map(|setting| &setting.value);
        assert_eq!(last, theirs.get("overrides/no_path_retry"), "{suite:?}");
    }
}

/// The arrays that both versions have are in our table as they print them.
#[test]
fn the_table_of_arrays_is_multipaths() {
    let table = include_str!("../../src/resolve/multipath/arrays.tsv");
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    for suite in Suite::ALL {
        let version = if suite == Suite::Bookworm { "0.9.4" } else { "0.11.1" };
        let printed = Stage::new(suite).run("multipath -t 2>/dev/null").ok().stdout;
        let devices =
            printed.split("\ndevices {\n").nth(1).unwrap().split("\n}\n").next().unwrap().to_owned();
        let mut printed = Vec::new();
        for device in devices.split("\tdevice {\n").skip(1) {
            let said = |key: &str| {
                let line = device.lines().find_map(|line| line.trim().strip_prefix(&format!("{key} ")));
                line.map_or("-".to_owned(), |value| value.trim_matches('"').to_owned())
            };
            let row = ["vendor", "product", "no_path_retry", "fast_io_fail_tmo", "dev_loss_tmo"].map(said);
            if row[2..].iter().any(|value| value != "-") {
                printed.push(row.to_vec());
            }
        }
        let known = rows.iter().filter(|row| row[5] == "both" || row[5] == version);
        let known: Vec<Vec<String>> =
            known.map(|row| row[..5].iter().map(|field| (*field).to_owned()).collect()).collect();
        assert_eq!(known, printed, "{suite:?}");
    }
}

const ISCSI: &[&[u8]] = &[
    b"K = 86400  # raised, see ticket\n",
    b"K=55\n",
    b"K= 55\n",
    b"K =55\n",
    b"K==55\n",
    b"K = 55",
    b"K = 55\nK =\n",
    b"K = 55\nK = off\n",
    b"K = -1\n",
    b"K = 55\r\n",
    b"# d\xe9lai\n \tK = 77 \xe9\n",
    b"K = 99999999999999999999\n",
    b"K = 0x10\n",
    b"K = +5\n",
    b"K = 55\nK\t=\t66\n",
    b"K\x0b=\x0c66\n",
    b"#K = 5\n# K = 6\n",
    b"\n",
];

/// Records in every shape, by iscsiadm's own showing and by the chain of the record.
#[test]
fn records_are_read_as_iscsiadm_does() {
    const KEY: &str = "node.session.timeo.replacement_timeout";
    let head = "node.name = iqn.2024-01.example:data\nnode.tpgt = -1\nnode.conn[0].address = 192.0.2.10\n\
                node.conn[0].port = 3260\n";
    let replaced = |body: &[u8]| {
        let mut bytes = head.as_bytes().to_vec();
        for &byte in body {
            if byte == b'K' { bytes.extend(KEY.bytes()) } else { bytes.push(byte) }
        }
        bytes
    };
    let mut bodies: Vec<Vec<u8>> = ISCSI.iter().map(|body| replaced(body)).collect();
    bodies.push(replaced(format!("#{}K = 66\n", "0".repeat(2046)).as_bytes()));
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (number, body) in bodies.iter().enumerate() {
            stage.put(&format!("/stage/{number:03}"), body);
        }
        let ran = stage.run(
            "for body in /stage/*; do
                 for top in /etc/iscsi /var/lib/iscsi; do
                     mkdir -p $top/nodes/iqn.2024-01.example:data
                     cp $body $top/nodes/iqn.2024-01.example:data/192.0.2.10,3260
                 done
                 iscsiadm -m node -T iqn.2024-01.example:data -p 192.0.2.10:3260 -o show 2>/dev/null |
                     sed -n 's/^node.session.timeo.replacement_timeout = //p'
             done",
        );
        let shown = ran.ok().stdout;
        let theirs: Vec<&str> = shown.lines().collect();
        assert_eq!(theirs.len(), bodies.len(), "{suite:?}: {shown}");
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("etc/iscsi/nodes/iqn.2024-01.example:data");
        fs::create_dir_all(&dir).unwrap();
        for (body, theirs) in bodies.iter().zip(theirs) {
            fs::write(dir.join("192.0.2.10,3260"), body).unwrap();
            let mut facts = Facts::default();
            facts.system.iscsi =
                probe::iscsi::read_files(&Root::offline(temp.path()).unwrap(), &mut Vec::new());
            let path = facts.system.iscsi.records[0].path.clone();
            let of = hvtune::resolve::iscsi::Of::Record(&path);
            let chain = hvtune::resolve::iscsi::chain(&facts, KEY, of, None);
            assert_eq!(chain.in_force().value(), Some(theirs), "{suite:?}: {}", body.escape_ascii());
        }
    }
}

const JOURNALD: &str = "systemd-journald.service";

/// Files over journald's own unit, each with a body.
type Over<'a> = &'a [(&'a str, &'a [u8])];

const UNITS: &[Over<'_>] = &[
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=77\nWatchdogSec=\nWatchdogSec=soon\n")],
    &[
        ("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=1\n"),
        ("usr/lib/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=2\n"),
    ],
    &[
        ("etc/systemd-.service.d/50-a.conf", b"[Service]\nWatchdogSec=1\n"),
        ("usr/lib/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=2\n"),
    ],
    &[
        ("etc/systemd-.service.d/50-a.conf", b"[Service]\nWatchdogSec=1\n"),
        ("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=2\n"),
    ],
    &[
        ("etc/service.d/60-b.conf", b"[Service]\nWatchdogSec=3\n"),
        ("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=2\n"),
    ],
    &[
        ("etc/service.d/50-a.conf", b"[Service]\nWatchdogSec=3\n"),
        ("usr/lib/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=2\n"),
    ],
    &[
        ("usr/local/lib/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=3\n"),
        ("usr/lib/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=2\n"),
    ],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=5\nx=\xe9\nWatchdogSec=6\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=5\n# \xe9\nWatchdogSec=6\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=5\n[Service\nWatchdogSec=6\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=5\\\n  # x\n  min\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\rWatchdogSec=5\r\nWatchdogSec = 8\r\n")],
    &[("etc/OWN.d/50-a.conf", b"\xef\xbb\xbf[Service]\nWatchdogSec=9\n")],
    &[("etc/OWN.d/50-a.conf", b"[Unit]\nWatchdogSec=9\n[X]\nWatchdogSec=9\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=1.5h 20\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=1w 2d\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=.5min\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=3. 1\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=5 x\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=5000000us\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=infinity\n")],
    &[("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=0\n")],
    &[("etc/OWN.d/50-a.conf.bak", b"[Service]\nWatchdogSec=0\n")],
    &[
        ("etc/OWN.d/50-a.conf", b"[Service]\nWatchdogSec=9\n"),
        ("etc/OWN.d/.60.conf", b"[Service]\nWatchdogSec=4\n"),
    ],
];

/// What systemd's own dry run of a boot says of journald's watchdog, and what the chain says.
#[test]
fn drop_ins_are_read_as_systemd_does() {
    let place = |path: &str| {
        let (top, rest) = ["usr/local/lib/", "usr/lib/", "etc/"]
            .iter()
            .find_map(|top| Some((top, path.strip_prefix(top)?)))
            .expect("a known directory");
        format!("{top}systemd/system/{}", rest.replace("OWN", JOURNALD))
    };
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (number, over) in UNITS.iter().enumerate() {
            for (path, body) in *over {
                stage.put(&format!("/stage/{number:03}/{}", place(path)), body);
            }
        }
        let ran = stage.run_outside(&format!(
            "mount -t proc proc \"$MERGED/proc\"; mount -t sysfs sys \"$MERGED/sys\"
             mount -t cgroup2 cgroup \"$MERGED/sys/fs/cgroup\"; mount --bind /dev \"$MERGED/dev\"
             mkdir -p \"$MERGED/run/systemd\"; chroot \"$MERGED\" chown -R nobody /run; chmod 1777 \"$MERGED/tmp\"
             for over in \"$MERGED\"/stage/*; do
                 rm -rf \"$MERGED\"/etc/systemd/system/*.service.d \"$MERGED\"/etc/systemd/system/service.d
                 rm -rf \"$MERGED\"/usr/lib/systemd/system/{JOURNALD}.d \"$MERGED\"/usr/local/lib/systemd
                 cp -r \"$over\"/. \"$MERGED\"/
                 chroot \"$MERGED\" runuser -u nobody -- env XDG_RUNTIME_DIR=/tmp timeout 60 \
                     /lib/systemd/systemd --test --system 2>/dev/null |
                     awk '/Unit {JOURNALD}:/ {{ own = 1 }} own && /WatchdogSec:/ {{ sub(/.*: /, \"\"); print; exit }}' ||
                     true
             done"
        ));
        let shown = ran.ok().stdout;
        let theirs: Vec<&str> = shown.lines().collect();
        assert_eq!(theirs.len(), UNITS.len(), "{suite:?}: {shown}");
        let base = fs::read(suite.root().join(format!("usr/lib/systemd/system/{JOURNALD}"))).unwrap();
        for (over, theirs) in UNITS.iter().zip(theirs) {
            let temp = tempfile::tempdir().unwrap();
            let unit = format!("usr/lib/systemd/system/{JOURNALD}");
            let all = over.iter().map(|(path, body)| (place(path), *body)).chain([(unit, base.as_slice())]);
            for (path, body) in all {
                let path = temp.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, body).unwrap();
            }
            let mut facts = Facts::default();
            let root = Root::offline(temp.path()).unwrap();
            facts.system.units = probe::units::read(&root, &[JOURNALD], &mut Vec::new());
            let chain = hvtune::resolve::unit::chain(&facts, JOURNALD, "WatchdogSec", None);
            let wanted = match theirs {
                "infinity" => "infinity".to_owned(),
                span => hvtune::formats::unit::seconds(span).unwrap().to_string(),
            };
            let said: Vec<_> =
                over.iter().map(|(path, body)| format!("{path}: {}", body.escape_ascii())).collect();
            assert_eq!(chain.in_force().value(), Some(wanted.as_str()), "{suite:?}: {said:?}");
        }
    }
}
