//! What must be refused: one clear line that names the file and says what to do, exit 2, nothing written.

use std::fs;
use std::path::Path;

use crate::roots::{Made, UNREAD, azurelinux2, el8, el9, flatcar, put, systemd_boot};
use crate::{hvtune, tree};

/// Changes a file of the root.
fn with(root: &Path, path: &str, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(root.join(path)).unwrap();
    put(root, path, change(&text));
}

fn refused(made: &Made, path: &str, why: &str, spoil: impl Fn(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    spoil(root);
    let before = tree(root);
    let (code, text) = hvtune(root, &["apply"]);
    assert_eq!(code, 2, "{}: {path}: {why}: {text}", made.name);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("hvtune: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(path) && lines[0].contains(why), "{}: {text}", made.name);
    assert_eq!(tree(root), before, "{}: {path}: {why}", made.name);
    // What was refused in a plan is told there, too, and is a reason for its exit code.
    let (code, plan) = hvtune(root, &["plan", "--exit-code"]);
    assert!(code == 1 && plan.contains("conflict"), "{}: {code}: {plan}", made.name);
}

#[test]
fn a_file_that_is_not_one_plain_value_is_refused() {
    let el9 = el9();
    let entry = el9.stores[1].clone();
    for (value, why) in [
        ("GRUB_CMDLINE_LINUX=\"$X quiet\"", "double quotes"),
        ("GRUB_CMDLINE_LINUX='quiet'", "double quotes"),
        ("GRUB_CMDLINE_LINUX=\"quiet\"\nGRUB_CMDLINE_LINUX+=\" x\"", "double quotes"),
        ("GRUB_CMDLINE_LINUX=\"quiet \\\nx\"", "double quotes"),
        ("GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"b\"", "second"),
    ] {
        let defaults = format!("{value}\nGRUB_ENABLE_BLSCFG=true\n");
        refused(&el9, "etc/default/grub", why, |root| put(root, "etc/default/grub", &defaults));
    }
    refused(&el9, &entry, "no options line", |root| {
        with(root, &entry, |text| text.replace("options ", "# options "));
    });
    refused(&el9, &entry, "second options line", |root| {
        with(root, &entry, |text| text.replace("grub_class", "options quiet\ngrub_class"));
    });
    for (change, why) in UNREAD {
        refused(&el9, &entry, why, |root| with(root, &entry, change));
    }
    refused(&el9, &entry, "bytes", |root| {
        with(root, &entry, |text| text.replace("rhgb", &"long=1 ".repeat(300)));
    });
    refused(&el9, "etc/kernel/cmdline", "no root=", |root| put(root, "etc/kernel/cmdline", "quiet\n"));
    refused(&el9, "etc/kernel/cmdline", "second line", |root| {
        put(root, "etc/kernel/cmdline", "root=/dev/x\nquiet\n");
    });
    refused(&el9, &entry, "link", |root| {
        fs::rename(root.join(&entry), root.join("boot/real")).unwrap();
        std::os::unix::fs::symlink("../../real", root.join(&entry)).unwrap();
    });
}

#[test]
fn a_block_that_grub_would_not_read_is_refused() {
    for made in [el8(), azurelinux2()] {
        let path = "boot/grub2/grubenv";
        refused(&made, path, "1024", |root| with(root, path, |text| text.trim_end_matches('#').to_owned()));
        refused(&made, path, "Environment Block", |root| {
            with(root, path, |text| text.replace("GRUB E", "GRUB_E"));
        });
        refused(&made, path, "kernelopts", |root| {
            with(root, path, |text| text.replace("\nkernelopts=", "\nkernel_ops="));
        });
        refused(&made, path, "room", |root| {
            with(root, path, |text| {
                let text = text.trim_end_matches('#');
                format!("{text}x={}\n", "y".repeat(1024 - text.len() - 3))
            });
        });
        refused(&made, path, "link", |root| {
            fs::rename(root.join(path), root.join("boot/block")).unwrap();
            std::os::unix::fs::symlink("../block", root.join(path)).unwrap();
        });
    }
}

/// A link to the ESP, as on EL 8 with UEFI, is followed there.
#[test]
fn a_block_on_the_esp_is_edited_there() {
    let (made, real) = (el8(), "boot/efi/EFI/rocky/grubenv");
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let path = root.join("boot/grub2/grubenv");
    put(root, real, fs::read(&path).unwrap());
    let before = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("../efi/EFI/rocky/grubenv", &path).unwrap();
    assert_eq!(hvtune(root, &["apply"]).0, 0);
    assert!(fs::read_to_string(root.join(real)).unwrap().contains(" panic=10\n"));
    let (code, text) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{text}");
    assert!(path.is_symlink() && hvtune(root, &["revert"]).0 == 0);
    assert_eq!(fs::read(root.join(real)).unwrap(), before);
}

/// More than one loader that may boot the root: nobody knows which line counts.
#[test]
fn two_live_stacks_are_refused() {
    let made = systemd_boot();
    refused(&made, "boot/efi/loader/entries", "may boot by", |root| put(root, "boot/grub/grub.cfg", TWO));
}

const TWO: &str = "menuentry x {\n linux /vmlinuz root=/dev/x\n}\n";

/// Which of two it is can be said in the policy, and nothing that is no boot stack.
#[test]
fn the_policy_names_the_stack() {
    let made = systemd_boot();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    put(root, "boot/grub/grub.cfg", TWO);
    let before = tree(root);
    let policy = |stack: &str| {
        put(
            root,
            "etc/hvtune.toml",
            format!(
                "stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n[boot]\nstack = \"{stack}\"\n"
            ),
        );
    };
    policy("systemd-boto");
    let written = tree(root);
    let (code, text) = hvtune(root, &["apply"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("unknown boot stack `systemd-boto`; did you mean `systemd-boot`?"), "{text}");
    assert_eq!(tree(root), written);

    policy("systemd-boot");
    let (code, text) = hvtune(root, &["apply"]);
    assert_eq!(code, 0, "{text}");
    let after = tree(root);
    for path in &made.stores {
        let text = String::from_utf8(after[path].clone()).unwrap();
        assert!(text.contains(" panic=10"), "{path}: {text}");
    }
    assert_eq!(after["boot/grub/grub.cfg"], TWO.as_bytes());
    let (code, text) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{text}");
    let (_, text) = hvtune(root, &["detect"]);
    assert!(text.contains("the policy says so"), "{text}");
    assert_eq!(hvtune(root, &["revert"]).0, 0);
    for path in &made.stores {
        assert_eq!(tree(root)[path], before[path], "{path}");
    }

    // One that has no files here gets nothing.
    policy("grub-bls");
    let (code, text) = hvtune(root, &["apply"]);
    assert!(code == 0 && text.contains("panic=10"), "{code}: {text}");
    for path in &made.stores {
        assert_eq!(tree(root)[path], before[path], "{path}");
    }
}

#[test]
fn a_script_of_grubs_that_may_not_run_on_is_refused() {
    let (made, path) = (flatcar(), "oem/grub.cfg");
    for (text, why) in [
        ("set x=\"a\nb\"\n", "not closed"),
        ("if [ -n \"$x\" ]; then\n", "not closed"),
        ("if [ -n \"$x\" ]; then return; fi\n", "may end here"),
        ("if true; then\nset linux_append=\"$linux_append a\" # hvtune\nfi\n", "under a condition"),
        ("set linux_append=\"$linux_append a\" # hvtune\nset linux_append=\"\" # hvtune\n", "second"),
    ] {
        refused(&made, path, why, |root| put(root, path, text));
    }
}

/// What is not mounted is not known, and not taken for absent: the arguments are printed.
#[test]
fn what_is_not_mounted_is_not_written_to() {
    let cases: [(Made, &str, &str); 3] = [
        (flatcar(), "oem", "the OEM partition may not be mounted"),
        (el9(), "boot", "boot may not be mounted"),
        (systemd_boot(), "boot", "may not be mounted"),
    ];
    for (made, gone, why) in cases {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        made.lay_out(root);
        fs::remove_dir_all(root.join(gone)).unwrap();
        fs::create_dir(root.join(gone)).unwrap();
        let before = tree(root);
        let (code, text) = hvtune(root, &["plan"]);
        assert!(code == 0 && text.contains("panic=10"), "{}: {text}", made.name);
        let (code, text) = hvtune(root, &["apply"]);
        assert_eq!(code, 0, "{}: {text}", made.name);
        let after = tree(root);
        // errors= of fstab is none of the boot loader's.
        for (path, bytes) in before.iter().filter(|(path, _)| *path != "etc/fstab") {
            assert_eq!(&after[path], bytes, "{}: {path}", made.name);
        }
        assert!(after.keys().all(|path| !path.starts_with(gone)), "{}", made.name);
        let (code, text) = hvtune(root, &["verify"]);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == 1 && words.contains(why), "{}: {code}: {words}", made.name);
    }
}

/// Early boot runs before `/boot`, the ESP and Flatcar's partition are mounted: what was put there stays ours.
#[test]
fn what_is_out_of_sight_stays_ours() {
    let commands: [&[&str]; 3] = [&["apply", "--early"], &["apply"], &["revert"]];
    for (made, gone) in [(flatcar(), "oem"), (el9(), "boot"), (systemd_boot(), "boot")] {
        for command in commands {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path();
            made.lay_out(root);
            let what = format!("{}: {command:?}", made.name);
            let before = tree(root);
            assert_eq!(hvtune(root, &["apply"]).0, 0, "{what}");
            let written = tree(root);
            fs::rename(root.join(gone), root.join("away")).unwrap();
            fs::create_dir(root.join(gone)).unwrap();
            let (code, text) = hvtune(root, command);
            let reverts = command == ["revert"];
            assert_eq!(code, i32::from(reverts), "{what}: {text}");
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words.contains("it may hold arguments of ours"), reverts, "{what}: {text}");
            fs::remove_dir(root.join(gone)).unwrap();
            fs::rename(root.join("away"), root.join(gone)).unwrap();
            if command.contains(&"--early") {
                assert_eq!(tree(root), written, "{what}");
            }
            if !reverts {
                assert_eq!(hvtune(root, &["apply"]).0, 0, "{what}");
                assert_eq!(tree(root), written, "{what}");
            }
            let (code, text) = hvtune(root, &["revert"]);
            assert_eq!(code, 0, "{what}: {text}");
            assert_eq!(tree(root), before, "{what}");
        }
    }
}

/// kernel-install gives a kernel the command line of the machine that it runs on, or none, where an image has
/// no `/etc/kernel/cmdline`.
#[test]
fn an_image_with_the_line_of_another_machine_is_told() {
    for (made, put_there, said) in [
        (el9(), "BOOT_IMAGE=(hd0,gpt2)/vmlinuz root=UUID=ff ro", "has BOOT_IMAGE="),
        (systemd_boot(), "systemd.machine_id=0123456789abcdef0123456789abcdef", "has no root="),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        made.lay_out(root);
        let (_, text) = hvtune(root, &["plan"]);
        assert!(!text.contains("the image may not boot"), "{}: {text}", made.name);
        let entry = made.stores.iter().find(|path| path.contains("loader/entries")).unwrap();
        with(root, entry, |text| {
            let set = |line: &str| {
                let options = line.starts_with("options");
                if options { format!("options {put_there}\n") } else { format!("{line}\n") }
            };
            text.lines().map(set).collect()
        });
        // `pending` has it too, as long as nobody mended it.
        for command in ["plan", "pending"] {
            let (_, text) = hvtune(root, &[command]);
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in [said, "the image may not boot", &format!("/{entry}")] {
                assert!(words.contains(part), "{}: {command}: {part}: {words}", made.name);
            }
        }
    }
}

/// A deployment's arguments are no image's.
#[test]
fn an_image_of_ostrees_gets_no_argument() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    put(root, "usr/lib/os-release", "ID=fedora\nVERSION_ID=41\n");
    put(root, "sysroot/ostree/repo/config", "[core]\nmode=bare\n");
    put(root, "usr/bin/rpm-ostree", "");
    put(root, "usr/lib/modules/6.14.11-200.fc41.x86_64/modules.builtin", "");
    put(
        root,
        "etc/hvtune.toml",
        "stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n",
    );
    let (code, text) = hvtune(root, &["apply"]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && words.contains("add at the end panic=10"), "{code}: {words}");
    assert!(words.contains("each deployment has its own") && !words.contains("rpm-ostree kargs"), "{words}");
    assert!(!root.join("boot").exists());
}
