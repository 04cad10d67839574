//! What must be refused: one clear line that names the file and says what to do, exit 2, nothing written.

use std::fs;
use std::path::Path;

use crate::roots::{Made, UNREAD, azurelinux2, el8, el9, put, systemd_boot};
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
    refused(&made, "boot/efi/loader/entries", "may boot by", |root| {
        put(root, "boot/grub/grub.cfg", "menuentry x {\n linux /vmlinuz root=/dev/x\n}\n");
    });
}
