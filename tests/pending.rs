//! What is left to be done by hand: a command that is printed is one that may be pasted.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// With the machine and a copy of the root of a fixture, and a policy that adds kernel arguments.
struct Stage {
    machine: PathBuf,
    root: tempfile::TempDir,
}

impl Stage {
    fn new(name: &str) -> Self {
        let stage = Self::plain(name);
        stage.put("etc/hvtune.toml", "recovery = \"self-heal\"\n");
        stage
    }

    /// The same with the fixture's own policy.
    fn plain(name: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let from = fixture(name).join("root/.");
        assert!(Command::new("cp").arg("-a").arg(from).arg(root.path()).status().unwrap().success());
        Self { machine: fixture(name).join("machine"), root }
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        let path = self.root.path().join(path);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    fn run(&self, args: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_hvtune"))
            .arg("--machine")
            .arg(&self.machine)
            .arg("--root")
            .arg(self.root.path())
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn pending(&self, command: &str) -> Vec<Json> {
        let document: Json = serde_json::from_str(&self.run(&[command, "--format", "json"])).unwrap();
        document["pending"].as_array().unwrap().clone()
    }

    /// The step of a kind in the plan.
    fn step(&self, kind: &str) -> Json {
        let steps = self.pending("plan");
        steps.iter().find(|step| step["step"] == kind).unwrap_or_else(|| panic!("{steps:?}")).clone()
    }

    fn has(&self, program: &str) -> bool {
        ["usr/bin", "usr/sbin"]
            .iter()
            .any(|directory| self.root.path().join(directory).join(program).exists())
    }
}

fn harmless(command: &str) -> bool {
    let known = [
        "update-grub",
        "update-initramfs -u -k all",
        "mkinitcpio -P",
        "grub2-mkconfig -o /boot/grub2/grub.cfg",
    ];
    let dracut = concat!(
        r#"^dracut --force( --regenerate-all)? --no-hostonly --add-drivers "hv_vmbus hv_storvsc""#,
        r"( --install /etc/modprobe\.d/90-hvtune\.conf)?( /boot/[a-z0-9._-]+ [a-z0-9._-]+)?$"
    );
    known.contains(&command) || regex::Regex::new(dracut).unwrap().is_match(command)
}

#[test]
fn every_command_of_every_fixture_is_harmless_and_its_program_there() {
    let mut commands = 0;
    let names =
        fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in names.filter(|name| fixture(name).join("machine").is_dir()) {
        let stage = Stage::new(&name);
        for command in ["plan", "apply", "revert"] {
            for step in stage.pending(command) {
                let Some(said) = step["command"].as_str() else { continue };
                commands += 1;
                assert!(harmless(said), "{name}: {command}: {said}");
                assert!(stage.has(said.split(' ').next().unwrap()), "{name}: {command}: {said}");
            }
        }
    }
    assert!(commands > 30, "only {commands}");
}

/// kernelopts holds root= as well: a command with the shell's own variable in it would wipe it.
#[test]
fn grubenv_is_a_place_and_no_command() {
    let stage = Stage::new("azure-scsi");
    for path in ["etc/default/grub.d", "usr/sbin/grub-mkconfig", "boot/grub", "etc/os-release"] {
        stage.remove(path);
    }
    stage.put("usr/lib/os-release", "ID=mariner\n");
    stage.put("boot/grub2/grub.cfg", "linux /boot/vmlinuz $kernelopts\n");
    let step = stage.step("kernel-arguments");
    assert_eq!(step["command"], Json::Null);
    assert_eq!(step["places"][0]["file"], "/boot/grub2/grubenv");
    assert!(step["add"].as_array().unwrap().contains(&"panic=10".into()), "{step}");
    assert!(stage.run(&["plan"]).contains("/boot/grub2/grubenv: the variable kernelopts"));
}

/// grubby takes other values of a key away with its own, and is not everywhere.
#[test]
fn grubby_is_never_named() {
    for name in ["rhel7", "el9-bls"] {
        assert!(!Stage::new(name).run(&["plan"]).contains("grubby"), "{name}");
    }
    let step = Stage::new("rhel7").step("kernel-arguments");
    assert_eq!(step["command"], "grub2-mkconfig -o /boot/grub2/grub.cfg");
    assert_eq!(step["places"][0]["file"], "/etc/default/grub");
    // What grubby would write is written: in all of its places, and in those alone that are there.
    let stage = Stage::new("el9-bls");
    let edited = |stage: &Stage| {
        assert!(stage.pending("plan").iter().all(|step| step["step"] != "kernel-arguments"));
        let document: Json = serde_json::from_str(&stage.run(&["plan", "--format", "json"])).unwrap();
        let changes = document["changes"].as_array().unwrap().clone();
        let edits = changes.into_iter().filter(|change| change["action"] == "edit");
        edits.map(|change| change["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let name = "00000000000000000000000000000001-5.14.0-570.12.1.el9_6.x86_64";
    let entry = format!("boot/loader/entries/{name}.conf");
    assert_eq!(edited(&stage), ["etc/default/grub", &*entry, "etc/kernel/cmdline"]);
    stage.remove("etc/kernel/cmdline");
    assert_eq!(edited(&stage), ["etc/default/grub", &*entry]);
}

/// systemd 252 has no such verb, Debian 13 no kernels where it looks.
#[test]
fn systemd_boot_has_places_and_no_kernel_install() {
    let stage = Stage::new("gen2-onprem");
    for path in ["boot/grub", "usr/sbin/grub-mkconfig", "usr/sbin/update-grub"] {
        stage.remove(path);
    }
    stage.put("boot/efi/EFI/systemd/systemd-bootx64.efi", "");
    stage.put("boot/efi/loader/loader.conf", "timeout 3\n");
    let step = stage.step("kernel-arguments");
    assert_eq!(step["command"], Json::Null);
    assert_eq!(step["places"].as_array().unwrap().len(), 1, "{step}");
    assert!(!stage.run(&["plan"]).contains("kernel-install add-all"));
}

/// By the program that is there, not by the distribution's name.
#[test]
fn the_initramfs_is_made_by_what_is_there() {
    let stage = Stage::plain("gen2-pinned");
    stage.run(&["apply", "--no-activate"]);
    let command = |stage: &Stage| {
        let steps = stage.pending("revert");
        stage.run(&["apply", "--no-activate"]);
        let step = steps.iter().find(|step| step["step"] == "initramfs").unwrap();
        step["command"].as_str().unwrap_or("none").to_owned()
    };
    assert_eq!(command(&stage), "update-initramfs -u -k all");
    stage.remove("usr/sbin/update-initramfs");
    assert_eq!(command(&stage), "none");
    stage.put("usr/bin/dracut", "");
    let dracut = command(&stage);
    assert!(dracut.starts_with("dracut --force --no-hostonly --add-drivers"), "{dracut}");
    assert!(dracut.contains(" /boot/initrd.img-"), "the image that boots is the one that is made: {dracut}");
}
