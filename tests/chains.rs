//! Chains of sysctl keys and of block devices' attributes, from real files to the value in force.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use hvtune::facts::Facts;
use hvtune::probe::{MachineSource, probe};
use hvtune::resolve::{Acts, Chain, InForce, Ours, programs, sysctl};
use hvtune::root::Root;

const OURS: &str = "etc/sysctl.d/90-hvtune.conf";
const VENDOR: &str = "usr/lib/sysctl.d/90-hvtune.conf";

/// The facts of a root with these files; `-> x` makes a link, `#!` a file that may be executed.
fn facts(files: &[(&str, &str)]) -> Facts {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    facts_of_bytes(&files)
}

fn facts_of_bytes(files: &[(&str, &[u8])]) -> Facts {
    let dir = tempfile::tempdir().unwrap();
    for (path, body) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if let Some(target) = body.strip_prefix(b"-> ") {
            symlink(std::str::from_utf8(target).unwrap(), path).unwrap();
            continue;
        }
        fs::write(&path, body).unwrap();
        if body.starts_with(b"#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    facts_below(dir.path())
}

fn facts_below(dir: &Path) -> Facts {
    probe(&MachineSource::Assume { azure: false }, &Root::offline(dir).unwrap())
}

/// Everybody but the kernel: who, what, and a mark where it may or does not act.
fn told(chain: &Chain) -> Vec<String> {
    let writer = |w: &hvtune::resolve::Writer| {
        let mark = match &w.acts {
            Acts::Yes => "",
            Acts::Maybe(_) => " maybe",
            Acts::No(_) => " no",
        };
        format!("{}={}{mark}", w.who.name(), w.value.as_deref().unwrap_or("?"))
    };
    chain.writers.iter().filter(|w| w.who.name() != "the kernel's default").map(writer).collect()
}

fn value(chain: &Chain) -> String {
    match chain.in_force() {
        InForce::Known { value, .. } => value,
        InForce::Unknown { candidates, .. } => format!("one of {}", candidates.join(" ")),
    }
}

fn ours(value: &str) -> Ours<'_> {
    Ours { path: OURS, value }
}

#[test]
fn the_kernel_alone() {
    let facts = facts(&[]);
    for (key, expected) in [
        ("vm.swappiness", "60"),
        ("vm.dirty_ratio", "20"),
        ("vm.dirty_bytes", "0"),
        ("kernel.hung_task_timeout_secs", "120"),
        ("kernel.hung_task_warnings", "10"),
        ("kernel.hung_task_panic", "0"),
        ("kernel.panic", "0"),
        ("kernel.watchdog_thresh", "10"),
    ] {
        assert_eq!(value(&sysctl::chain(&facts, key, None)), expected, "{key}");
    }
    assert!(matches!(
        sysctl::chain(&facts, "kernel.panic_on_oops", None).in_force(),
        InForce::Unknown { .. }
    ));
    assert_eq!(sysctl::chain(&facts, "net.core.somaxconn", None).doubts.len(), 1);
}

#[test]
fn names_order_files_across_directories() {
    let facts = facts(&[
        ("usr/lib/sysctl.d/99-vendor.conf", "vm.swappiness = 60\n"),
        ("etc/sysctl.d/10-admin.conf", "vm.swappiness = 5\n"),
    ]);
    let chain = sysctl::chain(&facts, "vm.swappiness", Some(ours("10")));
    assert_eq!(
        told(&chain),
        ["etc/sysctl.d/10-admin.conf:1=5", "hvtune=10", "usr/lib/sysctl.d/99-vendor.conf:1=60"]
    );
    assert_eq!(value(&chain), "60");
}

#[test]
fn limits_of_others_are_read() {
    let hung = facts(&[(
        "etc/sysctl.d/60-k.conf",
        "kernel.hung_task_timeout_secs = 0\nkernel.hung_task_panic = 1\n",
    )]);
    assert_eq!(value(&sysctl::chain(&hung, "kernel.hung_task_timeout_secs", None)), "0");
    let larger = facts(&[("etc/sysctl.d/10-san.conf", "kernel.hung_task_timeout_secs = 600\n")]);
    assert_eq!(value(&sysctl::chain(&larger, "kernel.hung_task_timeout_secs", None)), "600");
    let low = facts(&[(
        "etc/sysctl.d/10-db.conf",
        "vm.dirty_bytes = 67108864\nvm.dirty_background_bytes = 16777216\n",
    )]);
    assert_eq!(value(&sysctl::chain(&low, "vm.dirty_bytes", None)), "67108864");
    assert_eq!(value(&sysctl::chain(&low, "vm.dirty_background_bytes", None)), "16777216");
    assert_eq!(value(&sysctl::chain(&low, "vm.dirty_ratio", None)), "0");
}

#[test]
fn a_pair_zeroes_its_other_half() {
    let late = facts(&[("etc/sysctl.d/99-x.conf", "vm.dirty_ratio = 40\n")]);
    let chain = sysctl::chain(&late, "vm.dirty_bytes", Some(ours("268435456")));
    assert_eq!(told(&chain), ["hvtune=268435456", "etc/sysctl.d/99-x.conf:1=0"]);
    assert_eq!(chain.writers.last().unwrap().shown, "vm.dirty_ratio = 40");
    // An equal value keeps its early place, so the late file does not act; by hand it does.
    let equal = facts(&[
        ("etc/sysctl.d/10-x.conf", "vm.dirty_ratio = 20\n"),
        ("etc/sysctl.d/99-x.conf", "vm.dirty_ratio = 20\n"),
    ]);
    let chain = sysctl::chain(&equal, "vm.dirty_bytes", Some(ours("268435456")));
    assert_eq!(value(&chain), "268435456");
    assert_eq!(value(&sysctl::by_hand(&equal, "vm.dirty_bytes", Some(ours("268435456")))), "0");
    // And ours can be the one that keeps an early place.
    let same = facts(&[("etc/sysctl.d/10-x.conf", "vm.dirty_bytes = 8192\nvm.dirty_ratio = 20\n")]);
    assert_eq!(value(&sysctl::chain(&same, "vm.dirty_bytes", Some(ours("8192")))), "0");
}

#[test]
fn odd_lines_are_read_as_systemd_reads_them() {
    let facts = facts_of_bytes(&[
        ("usr/lib/systemd/libsystemd-shared-252.so", b""),
        (
            "etc/sysctl.d/10-a.conf",
            b"# caf\xe9\r\n-vm/swappiness = 0x10 # low\r\nvm.dirty_r* = 30\nvm.dirty_ratio\n",
        ),
        ("etc/sysctl.d/20-b.conf", b"vm.dirty_background_ratio = 5\0vm.dirty_background_ratio = 6\n"),
        ("etc/sysctl.d/30-c.conf", b"kernel.panic = 5\n-kernel.panic\nkernel.watchdog_thresh =\n"),
    ]);
    assert_eq!(value(&sysctl::chain(&facts, "vm.swappiness", None)), "16");
    assert_eq!(value(&sysctl::chain(&facts, "vm.dirty_ratio", None)), "30");
    assert_eq!(value(&sysctl::chain(&facts, "vm.dirty_background_ratio", None)), "6");
    assert_eq!(value(&sysctl::chain(&facts, "kernel.panic", None)), "0");
    assert_eq!(value(&sysctl::chain(&facts, "kernel.watchdog_thresh", None)), "10");
    assert_eq!(facts.gaps.iter().filter(|gap| gap.fact.starts_with("writers")).count(), 0);
    // Of an unknown version nobody can say whether it knows the dash.
    let unknown = facts_of_bytes(&[("etc/sysctl.d/10-a.conf", b"-vm.swappiness = 16\n")]);
    assert_eq!(value(&sysctl::chain(&unknown, "vm.swappiness", None)), "one of 16 60");
}

#[test]
fn the_administrators_file_takes_the_place_of_ours() {
    for (path, body, expected) in [
        (OURS, "-> /dev/null", "60"),
        (OURS, "", "60"),
        (OURS, "vm.swappiness = 40\n", "40"),
        ("run/sysctl.d/90-hvtune.conf", "vm.swappiness = 40\n", "40"),
    ] {
        let facts = facts(&[(path, body)]);
        let chain = sysctl::chain(&facts, "vm.swappiness", Some(Ours { path: VENDOR, value: "10" }));
        assert_eq!(value(&chain), expected, "{body}");
        let mine = chain.writers.iter().find(|writer| writer.is_ours()).unwrap();
        assert!(matches!(&mine.acts, Acts::No(why) if why.contains(path)), "{mine:?}");
    }
    // What stands below ours is not read once ours is there.
    let facts = facts(&[(VENDOR, "vm.swappiness = 40\n")]);
    assert_eq!(value(&sysctl::chain(&facts, "vm.swappiness", Some(ours("10")))), "10");
    assert_eq!(value(&sysctl::chain(&facts, "vm.swappiness", None)), "40");
}

#[test]
fn masks_are_found_for_every_kind() {
    let facts = facts(&[
        ("etc/udev/rules.d/90-hvtune.rules", "-> /dev/null"),
        ("etc/modprobe.d/90-hvtune.conf", "options x y=1\n"),
        ("run/systemd/system/systemd-journald.service.d/90-hvtune.conf", "-> /dev/null"),
    ]);
    let masks: Vec<String> =
        facts.system.writers.masks.iter().map(|m| format!("{} {} {:?}", m.below, m.by, m.how)).collect();
    assert_eq!(
        masks,
        [
            "udev/rules.d etc/udev/rules.d/90-hvtune.rules Masked",
            "systemd/system/systemd-journald.service.d \
             run/systemd/system/systemd-journald.service.d/90-hvtune.conf Masked",
            "modprobe.d etc/modprobe.d/90-hvtune.conf Replaced",
        ]
    );
}

#[test]
fn what_cannot_be_read_leaves_no_sure_value() {
    let facts = facts(&[("etc/sysctl.d/50-dir.conf/x", ""), ("etc/sysctl.d/10-a.conf", "vm.swappiness=1\n")]);
    let chain = sysctl::chain(&facts, "vm.swappiness", None);
    assert_eq!(chain.doubts.len(), 1, "{:?}", chain.doubts);
    assert!(matches!(chain.in_force(), InForce::Unknown { .. }));
}

#[test]
fn sysctl_conf_is_read_at_boot_through_a_link_alone() {
    let conf = ("etc/sysctl.conf", "vm.swappiness=60\n");
    let linked = facts(&[conf, ("etc/sysctl.d/99-sysctl.conf", "-> ../sysctl.conf")]);
    let chain = sysctl::chain(&linked, "vm.swappiness", Some(ours("10")));
    assert_eq!(told(&chain), ["hvtune=10", "etc/sysctl.d/99-sysctl.conf:1=60"]);
    let alone = facts(&[conf]);
    assert_eq!(value(&sysctl::chain(&alone, "vm.swappiness", Some(ours("10")))), "10");
    assert_eq!(value(&sysctl::by_hand(&alone, "vm.swappiness", Some(ours("10")))), "60");
}

#[test]
fn arguments_come_before_every_file() {
    let grub = |line: &str| format!("GRUB_CMDLINE_LINUX_DEFAULT=\"{line}\"\n");
    let facts = facts(&[
        ("usr/lib/modules/6.1.0-1-amd64/modules.builtin", ""),
        ("usr/sbin/grub-mkconfig", "for x in /etc/default/grub.d/*.cfg\n"),
        ("boot/grub/grub.cfg", "menuentry 'Debian' {\n\tlinux /vmlinuz-6.1.0-1-amd64 root=/dev/sda1\n}\n"),
        ("etc/default/grub", &grub("sysctl.vm.swappiness=5 sysctl/kernel/panic=30 panic=-1")),
    ]);
    assert_eq!(value(&sysctl::chain(&facts, "vm.swappiness", None)), "5");
    assert_eq!(value(&sysctl::chain(&facts, "vm.swappiness", Some(ours("10")))), "10");
    assert_eq!(value(&sysctl::chain(&facts, "kernel.panic", None)), "30");
}

#[test]
fn ufw_loads_its_file() {
    let conf = ("etc/ufw/sysctl.conf", "vm/swappiness=60\n");
    let default = ("etc/default/ufw", "IPT_SYSCTL=/etc/ufw/sysctl.conf\n");
    let on = facts(&[conf, default, ("etc/ufw/ufw.conf", "ENABLED=yes\n")]);
    let chain = sysctl::chain(&on, "vm.swappiness", Some(ours("10")));
    assert_eq!(told(&chain), ["hvtune=10", "ufw (etc/ufw/sysctl.conf:1)=60 maybe"]);
    let off = facts(&[conf, default, ("etc/ufw/ufw.conf", "ENABLED=no\n")]);
    assert_eq!(value(&sysctl::chain(&off, "vm.swappiness", Some(ours("10")))), "10");
    let open =
        facts(&[conf, ("etc/default/ufw", "IPT_SYSCTL=$HOME/x\n"), ("etc/ufw/ufw.conf", "ENABLED=yes\n")]);
    assert_eq!(sysctl::chain(&open, "vm.swappiness", None).doubts.len(), 1);
    let elsewhere = facts(&[
        ("etc/sysctl.conf", "vm.swappiness=7\n"),
        ("etc/default/ufw", "IPT_SYSCTL='/etc/sysctl.conf'\n"),
        ("etc/ufw/ufw.conf", "ENABLED=yes\n"),
    ]);
    assert_eq!(told(&sysctl::chain(&elsewhere, "vm.swappiness", None)), ["ufw (etc/sysctl.conf:1)=7 maybe"]);
}

#[test]
fn programs_that_write_once_are_named() {
    let facts = facts(&[
        (
            "etc/rc.local",
            "#!/bin/sh\necho 60 > /proc/sys/vm/swappiness\necho 64 > /sys/block/sda/queue/nr_requests\n",
        ),
        (
            "etc/tmpfiles.d/disk.conf",
            "w /proc/sys/vm/swappiness - - - - 60\nw /sys/block/sd?/queue/read_ahead_kb - - - - 4096\n",
        ),
        ("etc/sysfs.conf", "block/sda/queue/read_ahead_kb = 8192\n"),
    ]);
    let chain = sysctl::chain(&facts, "vm.swappiness", Some(ours("10")));
    assert_eq!(
        told(&chain),
        ["hvtune=10", "tmpfiles.d (etc/tmpfiles.d/disk.conf:1)=60 maybe", "boot script (etc/rc.local:2)=60"]
    );
    assert_eq!(value(&chain), "60");
    let of = |disk: &str, attribute: &str| {
        let (writers, doubts) = programs::of_attribute(&facts, disk, attribute);
        told(&Chain { writers, doubts })
    };
    assert_eq!(
        of("sda", "queue/read_ahead_kb"),
        ["tmpfiles.d (etc/tmpfiles.d/disk.conf:2)=4096 maybe", "sysfsutils (etc/sysfs.conf:1)=8192"]
    );
    assert_eq!(of("sdb", "queue/read_ahead_kb").len(), 1);
    assert_eq!(of("sda", "queue/nr_requests"), ["boot script (etc/rc.local:3)=64"]);
    assert_eq!(of("nvme0n1", "queue/nr_requests"), [""; 0]);
}

#[test]
fn a_script_that_may_not_run_does_not_act() {
    let body = "echo 60 > /proc/sys/vm/swappiness\n";
    let plain = facts(&[("etc/rc.local", body)]);
    assert_eq!(told(&sysctl::chain(&plain, "vm.swappiness", None)), ["boot script (etc/rc.local:1)=60 no"]);
    let script = format!("#!/bin/sh\n{body}");
    let masked = facts(&[("etc/rc.local", &script), ("etc/systemd/system/rc-local.service", "-> /dev/null")]);
    assert_eq!(told(&sysctl::chain(&masked, "vm.swappiness", None)), ["boot script (etc/rc.local:2)=60 no"]);
    let unit = "[Unit]\nConditionFileIsExecutable=/etc/rc.d/rc.local\n";
    let other = facts(&[("etc/rc.local", &script), ("usr/lib/systemd/system/rc-local.service", unit)]);
    assert_eq!(told(&sysctl::chain(&other, "vm.swappiness", None)), [""; 0]);
    let again =
        facts(&[("etc/rc.local", "#!/bin/sh\nsysctl --system\n"), ("etc/sysctl.conf", "vm.swappiness=7\n")]);
    assert_eq!(value(&sysctl::chain(&again, "vm.swappiness", Some(ours("10")))), "7");
}

const BASE: &str = "[vm]\ndirty_bytes = 40%\n[disk]\nreadahead=>4096\n[sysctl]\nvm.swappiness=10\n";
const GUEST: &str =
    "[main]\ninclude=throughput-performance\n[vm]\ndirty_bytes = 30%\n[sysctl]\nvm.swappiness = 30\n";

fn with_tuned(more: &[(&str, &str)]) -> Facts {
    let mut files = vec![
        ("usr/sbin/tuned", ""),
        ("usr/lib/tuned/throughput-performance/tuned.conf", BASE),
        ("usr/lib/tuned/virtual-guest/tuned.conf", GUEST),
    ];
    files.extend(more);
    facts(&files)
}

#[test]
fn tuned_applies_its_profile_and_then_the_files_of_etc() {
    let chosen = with_tuned(&[("etc/tuned/active_profile", "virtual-guest\n")]);
    let guest = "tuned profile virtual-guest (usr/lib/tuned/virtual-guest/tuned.conf:6)=30";
    let chain = sysctl::chain(&chosen, "vm.swappiness", Some(ours("10")));
    assert_eq!(told(&chain), ["hvtune=10", guest, "hvtune=10"]);
    assert_eq!((value(&chain), chain.without_ours().value()), ("10".to_owned(), Some("30")));
    // A vendor's file is not applied again.
    let chain = sysctl::chain(&chosen, "vm.swappiness", Some(Ours { path: VENDOR, value: "10" }));
    assert_eq!(told(&chain), ["hvtune=10", guest]);
    // The ratio of the profile takes the bytes away, until ours are applied again.
    assert_eq!(value(&sysctl::chain(&chosen, "vm.dirty_bytes", Some(ours("8192")))), "8192");
    assert_eq!(value(&sysctl::chain(&chosen, "vm.dirty_ratio", None)), "30");
}

#[test]
fn tuned_that_has_not_chosen_leaves_no_sure_value() {
    for more in [&[("etc/tuned/active_profile", "")][..], &[]] {
        let facts = with_tuned(more);
        let chain = sysctl::chain(&facts, "vm.swappiness", Some(Ours { path: VENDOR, value: "10" }));
        assert_eq!(value(&chain), "one of 30 10", "{more:?}");
    }
    let none = with_tuned(&[("etc/tuned/active_profile", ""), ("etc/tuned/profile_mode", "manual\n")]);
    assert_eq!(value(&sysctl::chain(&none, "vm.swappiness", Some(ours("10")))), "10");
}

#[test]
fn a_profile_is_read_with_its_sections() {
    let site = "[main]\ninclude=virtual-guest\n[disk]\nelevator=mq-deadline\nreadahead=>4096\n\
                [sysctl]\nkernel.hung_task_timeout_secs=30\nvm.swappiness=>60\n[bootloader]\ncmdline=+a=1 elevator=noop\n";
    let main = "reapply_sysctl = 0\n";
    let files = [
        ("etc/tuned/active_profile", "site\n"),
        ("etc/tuned/site/tuned.conf", site),
        ("etc/tuned/tuned-main.conf", main),
    ];
    let facts = with_tuned(&files);
    let chain = sysctl::chain(&facts, "kernel.hung_task_timeout_secs", Some(ours("240")));
    assert_eq!(told(&chain), ["hvtune=240", "tuned profile site (etc/tuned/site/tuned.conf:7)=30"]);
    assert_eq!(value(&sysctl::chain(&facts, "vm.swappiness", Some(ours("10")))), "60");
    assert_eq!(value(&sysctl::chain(&facts, "vm.swappiness", Some(ours("80")))), "80");
    let (writers, doubts) = programs::of_attribute(&facts, "sda", "queue/read_ahead_kb");
    let site = "tuned profile site (etc/tuned/site/tuned.conf";
    assert_eq!(told(&Chain { writers, doubts }), [format!("{site}:5)=4096 maybe")]);
    let mut chain = Chain::default();
    programs::join(&facts, "sda", "queue/scheduler", &mut chain);
    assert_eq!(told(&chain), [format!("{site}:4)=mq-deadline")]);
    let (writers, _) = programs::of_argument(&facts, "elevator");
    assert_eq!(told(&Chain { writers, doubts: Vec::new() }), [format!("{site}:10)=noop")]);
    // Without the profile that it includes tuned refuses the whole, which only it can say.
    let alone = facts_of_bytes(&files.map(|(path, text)| (path, text.as_bytes())));
    let chain = sysctl::chain(&alone, "kernel.hung_task_timeout_secs", Some(ours("240")));
    assert_eq!(value(&chain), "one of 30 240");
}

/// A disk belongs to the first unit that takes it, and maps and arrays are disks, too.
#[test]
fn of_several_units_the_first_keeps_a_disk() {
    let site = "[disk]\ndevices=sd*\nelevator=bfq\n[data]\ntype=disk\ndevices=sda,dm-*\nelevator=none\n";
    let files = [("etc/tuned/active_profile", "site\n"), ("etc/tuned/site/tuned.conf", site)];
    let facts = with_tuned(&files);
    for (disk, expected) in [("sda", "3)=bfq"), ("dm-0", "7)=none"), ("sr0", "")] {
        let (writers, doubts) = programs::of_attribute(&facts, disk, "queue/scheduler");
        let told = told(&Chain { writers, doubts }).join(", ");
        let site = if expected.is_empty() { "" } else { "tuned profile site (etc/tuned/site/tuned.conf:" };
        assert_eq!(told, format!("{site}{expected}"), "{disk}");
    }
}

/// The queue has a name of its own for the timer of a SCSI disk.
#[test]
fn a_timer_has_two_names() {
    let line = "w /sys/block/sdb/queue/io_timeout - - - - 30000\n";
    let facts = facts(&[("etc/tmpfiles.d/timeout.conf", line)]);
    let (writers, doubts) = programs::of_attribute(&facts, "sdb", "device/timeout");
    assert_eq!(told(&Chain { writers, doubts }), ["tmpfiles.d (etc/tmpfiles.d/timeout.conf:1)=30 maybe"]);
}

#[test]
fn saptune_applies_its_notes() {
    let facts = facts(&[
        ("usr/sbin/saptune", ""),
        ("etc/sysconfig/saptune", "TUNE_FOR_NOTES=\"\"\nNOTE_APPLY_ORDER=\"941735 2578899\"\n"),
        (
            "var/lib/saptune/working/notes/2578899",
            "[sysctl]\nvm.dirty_bytes=629145600\n[sysctl:csp=aws]\nvm.swappiness=1\n[block]\nIO_SCHEDULER=noop, none\nNRREQ=1024\n",
        ),
        ("etc/saptune/override/2578899", "[sysctl]\nvm.dirty_bytes=1048576\n"),
    ]);
    let note = "saptune note 2578899 (var/lib/saptune/working/notes/2578899";
    assert_eq!(
        told(&sysctl::chain(&facts, "vm.dirty_bytes", Some(ours("8192")))),
        ["hvtune=8192".to_owned(), format!("{note}:2)=1048576")]
    );
    assert_eq!(told(&sysctl::chain(&facts, "vm.swappiness", None)), [format!("{note}:4)=1 maybe")]);
    let of = |attribute: &str| {
        let (writers, doubts) = programs::of_attribute(&facts, "sda", attribute);
        told(&Chain { writers, doubts })
    };
    assert_eq!(of("queue/nr_requests"), [format!("{note}:7)=1024")]);
    assert_eq!(of("queue/scheduler"), [format!("{note}:6)=? maybe")]);
}
