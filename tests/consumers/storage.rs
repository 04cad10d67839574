//! Drop-ins for multipath and systemd, and open-iscsi's records, read by the programs themselves.

use std::path::Path;
use std::process::Command;

use crate::rendered::{file, fixture, hvtune, of_all_fixtures};
use crate::stage::{Stage, Suite};

const MULTIPATH: &str = "multipath/conf.d/90-hvtune.conf";

/// What multipath makes of the file: `section/key=value`, and whatever it complains of.
pub(crate) fn multipath_reads(suite: Suite, conf: &Path) -> (Vec<String>, String) {
    let stage = Stage::new(suite);
    stage.copy("/etc/multipath/conf.d/90-hvtune.conf", conf);
    let ran = stage.run("multipath -t").ok();
    let mut section = String::new();
    let mut found = Vec::new();
    for line in ran.stdout.lines() {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "{"] if !line.starts_with(char::is_whitespace) => (*name).clone_into(&mut section),
            [key, value] => found.push(format!("{section}/{key}={}", value.trim_matches('"'))),
            _ => {}
        }
    }
    (found, ran.stderr)
}

#[test]
fn multipath_takes_every_line() {
    let wanted =
        ["overrides/no_path_retry=43", "overrides/fast_io_fail_tmo=5", "defaults/checker_timeout=30"];
    for suite in Suite::ALL {
        let (found, said) = multipath_reads(suite, &file(&fixture("iscsi-multipath"), MULTIPATH));
        assert_eq!(said, "", "{suite:?}");
        for setting in wanted {
            assert!(found.iter().any(|line| line == setting), "{suite:?}: {setting} is not in {found:#?}");
        }
    }
}

#[test]
fn multipath_finds_fault_with_a_key_of_another_section() {
    let temp = tempfile::tempdir().unwrap();
    let bad = temp.path().join("bad.conf");
    std::fs::write(&bad, "overrides {\n    checker_timeout 30\n}\n").unwrap();
    for suite in Suite::ALL {
        let (found, said) = multipath_reads(suite, &bad);
        assert!(said.contains("invalid keyword"), "{suite:?}: {said}");
        assert!(!found.iter().any(|line| line == "overrides/checker_timeout=30"), "{suite:?}");
    }
}

/// A record as open-iscsi itself writes it, edited, read back by it, reverted.
#[test]
fn open_iscsi_reads_what_was_edited_and_gets_its_file_back() {
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        let program = stage.out().with_file_name("program");
        // By a process of its own: a file that is open for writing here cannot be run there.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_hvtune")).arg(program).status().unwrap();
        assert!(copied.success());
        let ran = stage.run_outside(
            "in_root() { chroot \"$MERGED\" \"$@\"; }
             node='iscsiadm -m node -T iqn.2024-01.example:data -p 192.0.2.10:3260'
             in_root $node -o new >&2
             in_root $node -o update -n node.session.auth.password -v secretword >&2
             mkdir -p \"$MERGED\"/etc/iscsi \"$MERGED\"/var/lib/iscsi
             files() { find \"$MERGED\"/etc/iscsi \"$MERGED\"/var/lib/iscsi -type f 2>/dev/null | sort; }
             before=$(files | xargs -d '\\n' sha256sum; files | xargs -d '\\n' stat -c '%a %u %g')
             \"$OUT\"/../program --root \"$MERGED\" --assume hyperv apply >&2
             in_root $node -o show | grep -e replacement_timeout -e initial_login_retry_max
             files | xargs -d '\\n' grep -h '^node.session.auth.password ='
             grep -e '^node.session.timeo.replacement_timeout' \"$MERGED\"/etc/iscsi/iscsid.conf
             \"$OUT\"/../program --root \"$MERGED\" --assume hyperv revert >&2
             after=$(files | xargs -d '\\n' sha256sum; files | xargs -d '\\n' stat -c '%a %u %g')
             [ \"$before\" = \"$after\" ] && echo same || printf '%s\\n' \"$before\" \"$after\"",
        );
        let said = ran.ok().stdout;
        for line in [
            "node.session.timeo.replacement_timeout = 180",
            "node.session.initial_login_retry_max = 16",
            "node.session.auth.password = secretword",
            "same",
        ] {
            assert!(said.lines().any(|found| found == line), "{suite:?}: {line} is not in\n{said}");
        }
    }
}

const UNIT: &str = "systemd-journald.service";

/// What systemd says of a drop-in for journald, or `clean`.
pub(crate) fn drop_in_faults(suite: Suite, conf: &Path) -> String {
    let stage = Stage::new(suite);
    stage.copy(&format!("/usr/lib/systemd/system/{UNIT}.d/90-hvtune.conf"), conf);
    let ran =
        stage.run(&format!("systemd-analyze verify --man=no {UNIT} 2>&1 | grep 90-hvtune || echo clean"));
    ran.ok().stdout
}

#[test]
fn systemd_takes_every_drop_in() {
    let below = format!("systemd/system/{UNIT}.d/90-hvtune.conf");
    let temp = tempfile::tempdir().unwrap();
    let bad = temp.path().join("bad.conf");
    std::fs::write(&bad, "[Service]\nWatchdogSec=soon\n").unwrap();
    for suite in Suite::ALL {
        for conf in of_all_fixtures(&below).iter().take(2) {
            assert_eq!(drop_in_faults(suite, conf), "clean\n", "{suite:?}: {}", conf.display());
        }
        assert!(drop_in_faults(suite, &bad).contains("Failed to parse"), "{suite:?}");
    }
}

#[test]
fn an_image_gets_them_from_its_own_packages() {
    for suite in Suite::ALL {
        let image = hvtune(suite, "--assume hyperv apply", &[]);
        file(&image.out(), MULTIPATH);
        file(&image.out(), "systemd/system/systemd-journald.service.d/90-hvtune.conf");
    }
}

/// libmount's reading of the fstab that a guest gets which is to heal itself.
#[test]
fn mount_reads_the_option_where_it_is_known_and_nowhere_else() {
    let fstab = fixture("self-heal").join("etc/fstab");
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        stage.copy("/etc/fstab", &fstab);
        let ran = stage.run("findmnt --fstab --raw --noheadings --output TARGET,FSTYPE,OPTIONS").ok();
        let wanted = [
            "/ ext4 errors=panic",
            "/boot/efi vfat umask=0077",
            "/data ext4 defaults,nofail,errors=panic",
            "/logs xfs defaults",
            "none swap sw",
        ];
        assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), wanted, "{suite:?}: {}", ran.stderr);
    }
}
