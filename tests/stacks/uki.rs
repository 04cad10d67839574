//! Unified kernel images: our addon comes beside them, stays as it is, and goes; no image is ever changed, and
//! no addon of anybody else's.

use std::fs;
use std::path::Path;

use hvtune::formats::pe::{Machine, build};
use hvtune::marker::addon;
use hvtune::probe::{MachineSource, probe};
use hvtune::resolve::kernel_arg;
use hvtune::root::Root;

use crate::roots::put;
use crate::{hvtune, ok, tree};

const MACHINE: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const GLOBAL: &str = "boot/efi/loader/addons/zz-hvtune.addon.efi";

/// An image as ukify builds one, but for what it boots.
fn image(line: &str) -> Vec<u8> {
    let sections: &[(&str, &[u8])] = &[
        (".sdmagic", b"#### LoaderInfo: systemd-stub 257.9-1~deb13u1 ####\0"),
        (".osrel", b"ID=debian\nVERSION_ID=13\n"),
        (".cmdline", line.as_bytes()),
        (".linux", b"MZ"),
    ];
    build(Machine::X86_64, b"", sections)
}

fn image_path(kernel: &str) -> String {
    format!("boot/efi/EFI/Linux/{MACHINE}-{kernel}.efi")
}

fn local(kernel: &str) -> String {
    format!("{}.extra.d/zz-hvtune.addon.efi", image_path(kernel))
}

/// Somebody else's addon.
fn addon_of(line: &str) -> Vec<u8> {
    build(Machine::X86_64, b"", &[(".sbat", b"sbat,1\n"), (".cmdline", line.as_bytes())])
}

const ARGS: &str = "root=UUID=0a-1b ro quiet";

/// Debian with images on its ESP, made by kernel-install.
pub(crate) fn lay_out(root: &Path) {
    for (path, text) in [
        ("usr/lib/os-release", "ID=debian\nVERSION_ID=\"13\"\n"),
        ("etc/fstab", "UUID=0a-1b / ext4 defaults 0 1\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/kernel/install.conf", "layout=uki\nuki_generator=ukify\n"),
        ("etc/kernel/cmdline", "root=UUID=0a-1b ro quiet\n"),
        ("boot/efi/loader/loader.conf", "timeout 3\n"),
        ("boot/efi/EFI/systemd/systemd-bootx64.efi", ""),
        ("usr/lib/modules/6.12.74+deb13-amd64/modules.builtin", ""),
        ("usr/lib/systemd/libsystemd-shared-257.so", ""),
        ("usr/lib64/ld-linux-x86-64.so.2", ""),
        ("usr/bin/ukify", ""),
        ("usr/lib/systemd/boot/efi/addonx64.efi.stub", ""),
        (
            "etc/hvtune.toml",
            "stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n",
        ),
    ] {
        put(root, path, text);
    }
    put(root, &image_path("6.12.74+deb13-amd64"), image(ARGS));
}

fn staged() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lay_out(dir.path());
    dir
}

fn adds(root: &Path, path: &str) -> Option<String> {
    fs::read(root.join(path)).ok().map(|bytes| addon::shown(&bytes).unwrap())
}

const OURS: &str = "panic=10\nfsck.repair=yes\n";

/// What our resolver says that each image gives `panic`, ours included.
fn panics(root: &Path) -> Vec<Option<String>> {
    let root = Root::offline(root).unwrap();
    let facts = probe(&MachineSource::Assume { azure: false }, &root);
    kernel_arg::entries(&facts, "panic", Some("10")).into_iter().map(|entry| entry.value).collect()
}

#[track_caller]
fn verified(root: &Path) {
    let (code, text) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn it_comes_and_goes_and_all_else_stays() {
    let dir = staged();
    let root = dir.path();
    let before = tree(root);
    let said = ok(root, &["plan", "--diff"]);
    assert!(
        said.contains(&format!("+++ b/{GLOBAL}\n@@ -0,0 +1,2 @@\n+panic=10\n+fsck.repair=yes\n")),
        "{said}"
    );
    assert_eq!(tree(root), before);
    ok(root, &["apply"]);
    assert_eq!(adds(root, GLOBAL).as_deref(), Some(OURS));
    assert!(fs::read(root.join(GLOBAL)).unwrap()[64..].starts_with(b"# hvtune "));
    verified(root);
    let applied = tree(root);
    ok(root, &["apply"]);
    assert_eq!(tree(root), applied, "a second apply changes nothing");

    // Others add theirs, and a kernel is installed.
    let mut expected = before;
    for (path, bytes) in [
        ("boot/efi/loader/addons/50-site.addon.efi".to_owned(), addon_of("their=1")),
        (format!("{}.extra.d/base.addon.efi", image_path("6.12.74+deb13-amd64")), addon_of("base=1")),
        (image_path("6.99"), image(ARGS)),
    ] {
        put(root, &path, &bytes);
        expected.insert(path, bytes);
    }
    verified(root);
    let installed = tree(root);
    ok(root, &["apply"]);
    assert_eq!(tree(root), installed, "a later kernel needs no apply");
    assert_eq!(panics(root), vec![Some("10".to_owned()); 3]);
    ok(root, &["revert"]);
    assert_eq!(tree(root), expected);
}

/// What was made for it goes with it.
#[test]
fn directories_that_were_made_go_with_it() {
    let dir = staged();
    let root = dir.path();
    fs::remove_file(root.join("boot/efi/loader/loader.conf")).unwrap();
    fs::remove_dir(root.join("boot/efi/loader")).unwrap();
    ok(root, &["apply"]);
    assert!(root.join(GLOBAL).exists());
    ok(root, &["revert"]);
    assert!(!root.join("boot/efi/loader").exists() && !root.join("var").exists());
}

/// Where another addon would have the last word, ours goes beside the image, too, and stays no longer than
/// that is so.
#[test]
fn beside_an_image_where_another_addon_would_win() {
    let kernel = "6.12.74+deb13-amd64";
    let beside = format!("{}.extra.d/base.addon.efi", image_path(kernel));
    for theirs in [&*beside, "boot/efi/loader/addons/zzz-site.addon.efi"] {
        let dir = staged();
        let root = dir.path();
        put(root, &image_path("6.1"), image(ARGS));
        put(root, theirs, addon_of("panic=3"));
        ok(root, &["apply"]);
        assert_eq!(adds(root, GLOBAL).as_deref(), Some(OURS));
        assert_eq!(adds(root, &local(kernel)).as_deref(), Some(OURS), "{theirs}");
        let global = theirs.contains("loader");
        assert_eq!(root.join(local("6.1")).exists(), global);
        let later = if global { "3" } else { "10" };
        assert_eq!(panics(root), [Some("10"), Some("10"), Some(later)].map(|value| value.map(str::to_owned)));
        let (code, text) = hvtune(root, &["verify"]);
        assert_eq!((code, text.contains("installed later")), (i32::from(global), global), "{text}");
        // The same value is no other.
        put(root, theirs, addon_of("panic=10"));
        ok(root, &["apply"]);
        assert!(!root.join(local(kernel)).exists() && root.join(GLOBAL).exists());
        verified(root);
    }
}

/// An addon behind ours, beside the image: it wins, is named, and is not fought over.
#[test]
fn who_comes_behind_ours_is_named() {
    let dir = staged();
    let root = dir.path();
    let theirs = format!("{}.extra.d/zzz.addon.efi", image_path("6.12.74+deb13-amd64"));
    put(root, &theirs, addon_of("panic=3"));
    let said = ok(root, &["plan"]);
    assert!(said.contains("zzz.addon.efi") && said.contains("panic=3"), "{said}");
    ok(root, &["apply"]);
    let (code, text) = hvtune(root, &["verify"]);
    assert!(code == 1 && text.contains("zzz.addon.efi"), "{text}");
}

#[test]
fn what_is_not_ours_as_we_wrote_it_is_kept() {
    let foreign = addon_of("panic=10");
    let dir = staged();
    let root = dir.path();
    ok(root, &["apply"]);
    let mut edited = fs::read(root.join(GLOBAL)).unwrap();
    let at = edited.windows(8).position(|window| window == b"panic=10").unwrap();
    edited[at + 6] = b'2';
    for (bytes, why, kept) in [(foreign, "somebody else's", 0), (edited, "edited since", 1)] {
        let dir = staged();
        let root = dir.path();
        put(root, GLOBAL, &bytes);
        let before = tree(root);
        let (code, text) = hvtune(root, &["apply"]);
        assert!(code == 2 && text.contains(why) && text.contains(GLOBAL), "{code} {text}");
        assert_eq!(tree(root), before);
        let (code, _) = hvtune(root, &["verify"]);
        assert_eq!(code, 1);
        let (code, text) = hvtune(root, &["revert"]);
        assert_eq!((code, text.contains(GLOBAL)), (kept, kept == 1), "{text}");
        assert_eq!(tree(root), before);
    }
    let dir = staged();
    let root = dir.path();
    fs::create_dir_all(root.join("boot/efi/loader/addons")).unwrap();
    std::os::unix::fs::symlink("/etc/fstab", root.join(GLOBAL)).unwrap();
    let (code, text) = hvtune(root, &["apply"]);
    assert!(code == 2 && text.contains(GLOBAL), "{code} {text}");
}

#[test]
fn another_policy_makes_it_anew_and_none_takes_it_away() {
    let dir = staged();
    let root = dir.path();
    let before = tree(root);
    ok(root, &["apply"]);
    put(
        root,
        "etc/hvtune.toml",
        "stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n[set]\n\"kernel.panic\" = 30\n",
    );
    let (code, text) = hvtune(root, &["verify"]);
    assert!(code == 1 && text.contains(GLOBAL), "{text}");
    ok(root, &["apply"]);
    assert_eq!(adds(root, GLOBAL).as_deref(), Some("panic=30\nfsck.repair=yes\n"));
    put(root, "etc/hvtune.toml", "stall = 120\n");
    ok(root, &["apply"]);
    assert!(!root.join(GLOBAL).exists());
    put(root, "etc/hvtune.toml", &before["etc/hvtune.toml"]);
    ok(root, &["revert"]);
    assert_eq!(tree(root), before);
}

/// A signed image: the step is told with its command, and nothing of it is written.
#[test]
fn beside_a_signed_image_it_is_a_step_by_hand() {
    let dir = staged();
    let root = dir.path();
    let path = image_path("6.12.74+deb13-amd64");
    put(root, &path, signed(image(ARGS)));
    let said = ok(root, &["plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&said).unwrap();
    let steps = plan["pending"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == "kernel-arguments").unwrap();
    let output = "/boot/efi/loader/addons/zz-hvtune-signed.addon.efi";
    assert_eq!(step["places"][0]["file"], output);
    assert_eq!(
        step["command"],
        format!(
            "ukify build --stub=/usr/lib/systemd/boot/efi/addonx64.efi.stub \
             --cmdline=\"panic=10 fsck.repair=yes\" --secureboot-private-key=db.key \
             --secureboot-certificate=db.crt --output={output}"
        )
    );
    assert!(step["because"].as_str().unwrap().contains("is signed"), "{step}");
    ok(root, &["apply"]);
    assert!(!root.join("boot/efi/loader/addons").exists());
    let (code, text) = hvtune(root, &["verify"]);
    assert!(code == 1 && text.contains("by hand"), "{text}");
    // Somebody does it.
    put(root, output.trim_start_matches('/'), signed(addon_of("panic=10 fsck.repair=yes")));
    verified(root);
    let said = ok(root, &["plan"]);
    assert!(!said.contains("ukify"), "{said}");
}

/// The same with a directory entry that names a signature.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = 128 + 24 + 144;
    let end = u32::try_from(bytes.len()).unwrap();
    bytes[at..at + 4].copy_from_slice(&end.to_le_bytes());
    bytes[at + 4] = 8;
    bytes.extend([0; 8]);
    bytes
}
