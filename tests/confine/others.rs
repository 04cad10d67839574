//! Files of other programs: those that are none, and those that name a file outside of the root.

use hvtune::probe::{boot, writers};
use hvtune::root::Root;

use crate::gauntlet::{Ends, brief};
use crate::stage::{Stage, Trap};

const TRAPS: [Trap; 6] = [Trap::Fifo, Trap::Zero, Trap::Dir, Trap::Loop, Trap::HostFile, Trap::ClimbToFile];

/// Where every program that writes our knobs is installed and told to.
fn furnished() -> Stage {
    let stage = Stage::new();
    for (path, text) in FILES {
        stage.put(&format!("root/{path}"), text);
    }
    stage
}

const FILES: [(&str, &str); 15] = [
    ("etc/tmpfiles.d/50-x.conf", "w /sys/block/sda/queue/scheduler - - - - none\n"),
    ("etc/rc.local", "#!/bin/sh\nsysctl -p /etc/x.conf\n"),
    ("etc/sysfs.conf", "block/sda/queue/scheduler = none\n"),
    ("etc/sysfs.d/x.conf", "block/sda/queue/scheduler = none\n"),
    ("etc/ufw/ufw.conf", "ENABLED=yes\n"),
    ("etc/default/ufw", "IPT_SYSCTL=/etc/ufw/sysctl.conf\n"),
    ("etc/ufw/sysctl.conf", "vm/swappiness=60\n"),
    ("etc/tuned/active_profile", "x\n"),
    ("etc/tuned/tuned-main.conf", "reapply_sysctl = 1\n"),
    ("usr/lib/tuned/x/tuned.conf", "[sysctl]\nvm.swappiness=60\n"),
    ("etc/sysconfig/saptune", "NOTE_APPLY_ORDER=\"n\"\n"),
    ("etc/saptune/extra/n.conf", "[sysctl]\nvm.swappiness = 60\n"),
    ("boot/loader/entries/x.conf", "linux /vmlinuz\noptions quiet\n"),
    ("boot/grub/grubenv", "# GRUB Environment Block\n"),
    ("etc/systemd/system/systemd-journald.service.d/x.conf", "[Service]\nWatchdogSec=9\n"),
];

#[test]
fn a_file_of_another_program_that_is_none() {
    for (path, _) in FILES {
        let stage = furnished();
        for trap in TRAPS {
            trap.set(&stage, &stage.root(path));
            brief(&format!("{trap:?} at {path}"), &stage, Ends::Written);
        }
    }
}

/// What a file of the root says of another file: where it says so, its text with `NAME` for the name, and
/// what the named file holds.
const NAMING: [(&str, &str, &str); 7] = [
    ("etc/default/ufw", "IPT_SYSCTL=NAME\n", "vm/swappiness=77\n"),
    ("etc/tuned/tuned-main.conf", "profile_dirs = NAME.d\n", "[sysctl]\nvm.swappiness=77\n"),
    ("etc/tuned/active_profile", "NAME.d/x\n", "[sysctl]\nvm.swappiness=77\n"),
    ("usr/lib/tuned/x/tuned.conf", "[variables]\ninclude=NAME\n[sysctl]\nvm.swappiness=${a}\n", "a=77\n"),
    ("usr/lib/tuned/x/tuned.conf", "[main]\ninclude=NAME.d/x\n", "[sysctl]\nvm.swappiness=77\n"),
    ("etc/sysconfig/saptune", "NOTE_APPLY_ORDER=\"NAME\"\n", "[sysctl]\nvm.swappiness = 77\n"),
    ("etc/default/grub", ". NAME\n", "GRUB_CMDLINE_LINUX=panic=77\n"),
];

/// All that is read of the root's programs and of its boot loader.
fn seen(stage: &Stage) -> String {
    let root = Root::offline(&stage.at("root")).unwrap();
    let mut gaps = Vec::new();
    format!("{:?} {:?}", writers::read(&root, &mut gaps), boot::read(&root, None, &[], None, &mut gaps))
}

/// A name in a file is one of the root's: what has that name outside makes no difference.
#[test]
fn names_in_files_lead_nowhere_outside() {
    let mut inside = 0;
    for (path, text, named) in NAMING {
        let stage = furnished();
        let absolute = stage.at("leak").to_str().unwrap().to_owned();
        for name in [absolute, "/../leak".to_owned(), "../../../../../leak".to_owned()] {
            stage.put(&format!("root/{path}"), text.replace("NAME", &name));
            let before = seen(&stage);
            let put = |below: &str| {
                for end in ["", ".conf", ".d/tuned.conf", ".d/x/tuned.conf"] {
                    stage.put(&format!("{below}leak{end}"), named);
                }
            };
            put("");
            assert_eq!(seen(&stage), before, "{path}: {name} was read outside of the root");
            // The same name inside is read, so that the line above says something.
            let below = if name.contains("..") {
                "root/".to_owned()
            } else {
                format!("root{}", name.replace("leak", ""))
            };
            put(&below);
            inside += usize::from(seen(&stage) != before);
            for end in ["", ".conf"] {
                std::fs::remove_file(stage.at(&format!("{below}leak{end}"))).unwrap();
                std::fs::remove_file(stage.at(&format!("leak{end}"))).unwrap();
            }
            std::fs::remove_dir_all(stage.at(&format!("{below}leak.d"))).unwrap();
            std::fs::remove_dir_all(stage.at("leak.d")).unwrap();
        }
    }
    assert!(inside >= 11, "{inside} names were followed inside of the root");
}
