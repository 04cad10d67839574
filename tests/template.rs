//! A template's life: what is pending in an image, `seal` before it is cloned, and a clone on other hardware.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

/// A copy of a fixture's root.
struct Image {
    root: tempfile::TempDir,
}

impl Image {
    fn new(name: &str, policy: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let from = fixture(name).root().join(".");
        assert!(Command::new("cp").arg("-a").arg(from).arg(root.path()).status().unwrap().success());
        let image = Self { root };
        image.put("etc/hvtune.toml", policy);
        image
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, machine: &[&str], args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
        command.arg("--root").arg(self.root.path()).args(machine).args(args).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, machine: &[&str], args: &[&str]) -> String {
        let output = self.run(machine, args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
        let words = String::from_utf8(output.stdout).unwrap();
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The steps that are left, by kind, with their reasons; the exit code agrees.
    fn left(&self, args: &[&str]) -> BTreeMap<String, String> {
        let output = self.run(HYPERV, &[args, &["pending", "--format", "json"]].concat());
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        let steps = document["pending"].as_array().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(!steps.is_empty())), "{steps:?}");
        let text = |step: &Json, key: &str| step[key].as_str().unwrap().to_owned();
        steps.iter().map(|step| (text(step, "step"), text(step, "because"))).collect()
    }

    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut found, mut todo) = (BTreeMap::new(), vec![self.root.path().to_owned()]);
        while let Some(next) = todo.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    todo.push(entry.path());
                } else if kind.is_file() {
                    let name = entry.path().strip_prefix(self.root.path()).unwrap().to_owned();
                    found.insert(name, fs::read(entry.path()).unwrap());
                }
            }
        }
        found
    }
}

const HYPERV: &[&str] = &["--assume", "hyperv"];
/// Asks for module options and a kernel argument.
const WIDE: &str = "recovery = \"self-heal\"\n[set]\n\"queue/nr_requests\" = 1024\n";

fn fixture(name: &str) -> fixtures::Fixture {
    fixtures::all().into_iter().find(|fixture| fixture.name == name).unwrap()
}

fn kinds(left: &BTreeMap<String, String>) -> Vec<&str> {
    left.keys().map(String::as_str).collect()
}

/// A time of the last change, in so many seconds from now.
fn touch(path: &Path, seconds: i64) {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { SystemTime::now() - by } else { SystemTime::now() + by };
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn what_is_left_goes_step_by_step() {
    let image = Image::new("gen2-onprem", WIDE);
    let menu = |args: &str| format!("menuentry 'x' {{\n\tlinux /vmlinuz root=UUID=a ro {args}\n}}\n");
    image.put("boot/grub/grub.cfg", &menu(""));
    image.put("boot/initrd.img-6.1.0-51-cloud-amd64", "");
    let left = image.left(&[]);
    assert!(left["apply"].contains("90-hvtune") && left["apply"].contains("hvtune apply"), "{left:?}");
    image.ok(HYPERV, &["apply"]);
    touch(&image.at("boot/initrd.img-6.1.0-51-cloud-amd64"), -60);
    let left = image.left(&[]);
    assert_eq!(kinds(&left), ["boot-menu", "first-boot", "initramfs"], "{left:?}");
    assert!(left["first-boot"].contains("vm.dirty"), "{left:?}");
    // The build makes the initramfs, then the menu; another kernel's initramfs is older.
    touch(&image.at("boot/initrd.img-6.1.0-51-cloud-amd64"), 60);
    assert_eq!(kinds(&image.left(&[])), ["boot-menu", "first-boot"]);
    image.put("boot/grub/grub.cfg", &menu("panic=10 udev.event_timeout=240 systemd.crash_reboot=yes"));
    assert_eq!(kinds(&image.left(&[])), ["first-boot"]);
    image.put("boot/initrd.img-6.1.0-50-cloud-amd64", "");
    touch(&image.at("boot/initrd.img-6.1.0-50-cloud-amd64"), -60);
    assert_eq!(kinds(&image.left(&[])), ["first-boot", "initramfs"]);
    fs::remove_file(image.at("boot/initrd.img-6.1.0-50-cloud-amd64")).unwrap();
    // Nothing is left open where the policy leaves it out.
    let id = image.left(&[])["first-boot"].clone();
    let ids: Vec<&str> = id.split("), ").map(|part| part.split(' ').next().unwrap()).collect();
    image.put("etc/hvtune.toml", &format!("off = {ids:?}\n{WIDE}"));
    assert_eq!(image.left(&[]), BTreeMap::new());
    assert_eq!(image.ok(HYPERV, &["pending"]), "Nothing is left to do.");
    assert_eq!(image.ok(HYPERV, &["pending", "-q"]), "");
}

#[test]
fn what_a_layer_does_not_hold_is_left() {
    let image = Image::new("iscsi-multipath", WIDE);
    image.ok(HYPERV, &["apply", "--layer"]);
    // It is looked at as it was written.
    let left = image.left(&[]);
    assert!(left["not-in-layer"].contains("iscsi.recovery"), "{left:?}");
    assert!(left["kernel-arguments"].contains("panic=10") && !left.contains_key("apply"), "{left:?}");
    image.ok(HYPERV, &["revert"]);
    assert!(image.left(&[]).contains_key("apply"));
}

#[test]
fn a_machine_that_is_no_guest_has_nothing_left() {
    let image = Image::new("surface", "");
    let machine = fixture("surface").machine;
    let output = image.run(&["--machine", machine.to_str().unwrap()], &["pending"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let before = image.files();
    image.ok(&["--machine", machine.to_str().unwrap()], &["seal"]);
    assert_eq!(image.files(), before);
}

/// What depends on the machine goes, what serves every machine of the kind stays, and nothing else is touched.
#[test]
fn seal_leaves_what_serves_every_machine_of_the_kind() {
    let mut forgot = 0;
    for fixture in fixtures::all() {
        let machine = ["--machine", fixture.machine.to_str().unwrap()];
        let image = Image::new(&fixture.name, "");
        image.ok(&machine, &["apply"]);
        let applied = image.files();
        image.ok(&machine, &["seal"]);
        let sealed = image.files();
        for (path, bytes) in &applied {
            let ours = bytes.starts_with(b"# hvtune ") || bytes.starts_with(b"#!/bin/sh\n# hvtune ");
            let same = sealed.get(path) == Some(bytes);
            assert!(ours || same || is_edited(&sealed, path), "{}: {}", fixture.name, path.display());
            forgot += usize::from(!same);
        }
        let new: Vec<&PathBuf> = sealed.keys().filter(|path| !applied.contains_key(*path)).collect();
        assert!(new.is_empty(), "{}: {new:?}", fixture.name);
        image.ok(&machine, &["seal"]);
        assert_eq!(differing(&sealed, &image.files()), [] as [PathBuf; 0], "{}: a second run", fixture.name);
        // Its boot has the last word again; rules for classes that this machine has not are kept.
        image.ok(&machine, &["apply"]);
        let decided = image.files();
        image.ok(&machine, &["apply"]);
        assert_eq!(differing(&decided, &image.files()), [] as [PathBuf; 0], "{}", fixture.name);
        image.ok(&machine, &["revert"]);
    }
    assert!(forgot > 10, "{forgot}");
}

fn differing(one: &BTreeMap<PathBuf, Vec<u8>>, other: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<PathBuf> {
    let all = one.keys().chain(other.keys().filter(|path| !one.contains_key(*path)));
    all.filter(|path| one.get(*path) != other.get(*path)).cloned().collect()
}

/// A file of others that has lines of ours is given back in part; its record says which.
fn is_edited(sealed: &BTreeMap<PathBuf, Vec<u8>>, path: &Path) -> bool {
    sealed.contains_key(path)
        && ["etc/iscsi", "etc/fstab", "boot", "etc/kernel"].iter().any(|top| path.starts_with(top))
}

#[test]
fn on_other_hardware_the_early_unit_decides_again_and_says_why() {
    let image = Image::new("gen2-onprem", "");
    let [one, other] = ["gen2-onprem", "disks-256"].map(|name| fixture(name).machine);
    let [one, other] = [["--machine", one.to_str().unwrap()], ["--machine", other.to_str().unwrap()]];
    image.ok(&one, &["apply"]);
    let said = image.ok(&one, &["seal"]);
    assert!(said.contains("What changed, and why") && said.contains("-> not set"), "{said}");
    let said = image.ok(&other, &["apply", "--early"]);
    assert!(said.contains("What changed, and why") && said.contains("not set -> vm."), "{said}");
    // Without seal in between it decides as well.
    let said = image.ok(&one, &["apply", "--early"]);
    assert!(said.contains("What changed, and why"), "{said}");
    assert_eq!(image.ok(&one, &["apply", "--early"]).matches("What changed").count(), 0);
}

#[test]
fn a_file_that_somebody_edited_is_kept_by_seal() {
    let image = Image::new("gen2-onprem", "");
    let machine = fixture("gen2-onprem").machine;
    let machine = ["--machine", machine.to_str().unwrap()];
    image.ok(&machine, &["apply"]);
    let path = "usr/lib/sysctl.d/90-hvtune.conf";
    let edited = fs::read_to_string(image.at(path)).unwrap() + "vm.swappiness = 3\n";
    image.put(path, &edited);
    let output = image.run(&machine, &["seal"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(path) && said.contains("edited"), "{said}");
    assert_eq!(fs::read_to_string(image.at(path)).unwrap(), edited);
}

/// cloud-init runs what is executable in clean.d by its name alone, and takes 0 for success.
#[test]
fn the_hook_of_cloud_init_seals() {
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/cloud-init/clean.d/90-hvtune");
    let text = fs::read_to_string(&hook).unwrap();
    assert_eq!(text.lines().last(), Some("exec /usr/sbin/hvtune seal"));
    let there = Path::new("/usr/sbin/hvtune").exists();
    if !there {
        // Where hvtune was taken away it does nothing.
        assert_eq!(Command::new(&hook).status().unwrap().code(), Some(0));
    }
}
