//! Kernel arguments on every boot stack whose files are edited: they come, they stay as they are, what
//! others write in between stays, a kernel that is added has them, and revert takes out just ours.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "stacks/own.rs"]
mod own;
#[path = "stacks/readme.rs"]
mod readme;
#[path = "stacks/refused.rs"]
mod refused;
#[path = "stacks/roots.rs"]
mod roots;
#[path = "stacks/support.rs"]
mod support;
#[path = "stacks/uki.rs"]
mod uki;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use roots::{Made, boot_entry, el_entry, put};

/// What the program said of a root, and how it ended.
fn hvtune(root: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.arg("--root").arg(root).args(["--assume", "hyperv"]).args(args);
    let output = command.env_remove("COLUMNS").env("RUST_BACKTRACE", "1").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[track_caller]
fn ok(root: &Path, args: &[&str]) -> String {
    let (code, text) = hvtune(root, args);
    assert_eq!(code, 0, "{args:?}: {text}");
    text
}

/// Every file below a root.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(top: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(top, &path, found);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

const OURS: &str = " panic=10";
/// What goes with it where root is ext4.
const REPAIR: &str = " fsck.repair=yes";

/// A text without what apply adds.
fn bare(text: &str) -> String {
    text.replace(OURS, "").replace(REPAIR, "")
}

/// What another tool does to a file: its own argument goes behind all others.
fn theirs(path: &str, text: &str) -> String {
    if path.ends_with("oem/grub.cfg") {
        return format!("{text}set linux_append=\"$linux_append their=1\"\n");
    }
    if path.ends_with("grubenv") {
        let text = text.replacen("\nkernelopts=", "\nkernelopts=their=1 ", 1);
        return text.get(..1024).unwrap().to_owned();
    }
    let lines = text.lines().map(|line| {
        let variable =
            if text.contains("splash=") { "GRUB_CMDLINE_LINUX_DEFAULT" } else { "GRUB_CMDLINE_LINUX" };
        if path == "etc/default/grub" && line.starts_with(&format!("{variable}=\"")) {
            let end = line.rfind('"').unwrap();
            return format!("{} their=1{}\n", &line[..end], &line[end..]);
        }
        let is_line = path == "etc/kernel/cmdline" || line.starts_with("options");
        if is_line { format!("{line} their=1\n") } else { format!("{line}\n") }
    });
    lines.collect()
}

/// The entry that a kernel gets which is installed now.
fn new_entry(made: &Made, root: &Path) -> Option<(String, String)> {
    let line = match made.inherits {
        Some(path) => fs::read_to_string(root.join(path)).unwrap().trim_end().to_owned(),
        None if made.name == "el8" => "$kernelopts $tuned_params".to_owned(),
        None => return None,
    };
    Some(if made.name == "systemd-boot" { boot_entry("6.99", &line) } else { el_entry("6.99.x86_64", &line) })
}

/// What hvtune leaves to the menu's own program.
fn after_revert(root: &Path, path: &str) -> Vec<u8> {
    fs::read(root.join(path)).unwrap()
}

/// grub2-mkconfig, as far as the test needs it.
fn make_menu(root: &Path) {
    let path = "boot/grub2/grub.cfg";
    let menu = fs::read_to_string(root.join(path)).unwrap();
    put(root, path, menu.replace(" quiet", " quiet mitigations=auto panic=10"));
}

fn has_ours(text: &str) -> bool {
    text.split([' ', '\n', '"', '#']).any(|word| word == OURS.trim() || word == "kernelopts=panic=10")
}

fn live_through(made: &Made) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let before = tree(root);
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();

    ok(root, &["apply"]);
    for (path, _) in &made.files {
        let expected = made.stores.contains(path);
        assert_eq!(has_ours(&read(path)), expected, "{}: {path}: {}", made.name, read(path));
    }
    if made.name == "suse" {
        // The menu is made by the program of the target.
        let (code, text) = hvtune(root, &["verify"]);
        assert!(code == 1 && text.contains("made anew"), "{text}");
        make_menu(root);
    }
    let (code, text) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{}: {text}", made.name);

    let applied = tree(root);
    ok(root, &["apply"]);
    assert_eq!(tree(root), applied, "{}: a second apply changes nothing", made.name);

    // Another tool adds its own, and a kernel is installed.
    let mut expected = before.clone();
    for path in &made.stores {
        let was = String::from_utf8(before[path].clone()).unwrap();
        expected.insert(path.clone(), theirs(path, &was).into_bytes());
        put(root, path, theirs(path, &read(path)));
    }
    let entry = new_entry(made, root);
    if let Some((path, text)) = &entry {
        put(root, path, text);
        expected.insert(path.clone(), bare(text).into_bytes());
        assert!(text.contains(OURS) || made.name == "el8", "{}: {text}", made.name);
    }
    // It has ours from where we put them: nothing is wrong, and nothing is left to do.
    let (code, text) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{}: {text}", made.name);
    let installed = tree(root);
    ok(root, &["apply"]);
    assert_eq!(tree(root), installed, "{}: a later kernel needs no apply", made.name);
    let (code, text) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{}: {text}", made.name);

    ok(root, &["revert"]);
    if made.name == "suse" {
        let menu = after_revert(root, "boot/grub2/grub.cfg");
        expected.insert("boot/grub2/grub.cfg".to_owned(), menu);
    }
    let after = tree(root);
    for (path, text) in &expected {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(shown(&after[path]), shown(text), "{}: {path}", made.name);
    }
    assert_eq!(after.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{}", made.name);
}

#[test]
fn ours_come_and_go_and_all_else_stays() {
    for made in roots::all() {
        live_through(&made);
    }
}

/// A kernel that is installed between apply and revert, without another apply.
#[test]
fn an_entry_that_inherited_ours_loses_it_at_revert() {
    for made in roots::all().into_iter().filter(|made| made.inherits.is_some()) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        made.lay_out(root);
        ok(root, &["apply"]);
        let (path, text) = new_entry(&made, root).unwrap();
        put(root, &path, &text);
        ok(root, &["revert"]);
        assert_eq!(fs::read_to_string(root.join(&path)).unwrap(), bare(&text), "{}", made.name);
    }
}

/// What an administrator had before us is his, in entries and in what new kernels get.
#[test]
fn an_argument_that_was_there_is_not_ours() {
    let made = roots::el9();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let [path, other] = [&made.stores[1], &made.stores[2]];
    let his = fs::read_to_string(root.join(path)).unwrap().replace(" rhgb", " panic=10 rhgb");
    put(root, path, &his);
    let was = tree(root);
    ok(root, &["apply"]);
    assert_eq!(fs::read_to_string(root.join(path)).unwrap(), his);
    assert!(has_ours(&fs::read_to_string(root.join(other)).unwrap()));
    ok(root, &["apply"]);
    ok(root, &["revert"]);
    assert_eq!(tree(root), was);
}

/// Another value stays where it is, and whoever has the last word is named.
#[test]
fn another_value_stays_and_the_winner_is_named() {
    let made = roots::el8();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let grubenv = |extra: &str| {
        let text = &made.files.iter().find(|(path, _)| path.ends_with("grubenv")).unwrap().1;
        let text = text.replace("boot_success=0\n", extra);
        format!("{:#<1024}", text.trim_end_matches('#'))
    };
    // tuned's own come after ours on this stack.
    put(root, "boot/grub2/grubenv", grubenv("tuned_params=panic=7\n"));
    let plan = ok(root, &["plan"]);
    assert!(plan.contains("/boot/grub2/grubenv:4") && plan.contains("panic=7"), "{plan}");
    ok(root, &["apply"]);
    let (code, text) = hvtune(root, &["verify"]);
    assert!(code == 1 && text.contains("panic=7"), "{text}");
    let block = fs::read_to_string(root.join("boot/grub2/grubenv")).unwrap();
    assert!(block.contains("tuned_params=panic=7\n") && block.len() == 1024, "{block}");
}

/// Where somebody puts another value behind ours, verify says so, and says it of new kernels, too.
#[test]
fn a_value_behind_ours_is_no_ok() {
    let made = roots::el9();
    for path in [&made.stores[1], &made.stores[3]] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        made.lay_out(root);
        ok(root, &["apply"]);
        let text = fs::read_to_string(root.join(path)).unwrap();
        put(root, path, text.replace(OURS, " panic=10 panic=3"));
        let (code, said) = hvtune(root, &["verify"]);
        assert!(code == 1 && said.contains('3'), "{path}: {code} {said}");
        // It is not fought over.
        ok(root, &["apply"]);
        assert!(fs::read_to_string(root.join(path)).unwrap().contains(" panic=10 panic=3"), "{path}");
        ok(root, &["revert"]);
        assert!(fs::read_to_string(root.join(path)).unwrap().contains(" panic=3"), "{path}");
    }
}

/// Another value in the policy takes the place of the old one, which leaves nothing behind.
#[test]
fn a_changed_policy_changes_the_argument() {
    for made in roots::all() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        made.lay_out(root);
        let before = tree(root);
        ok(root, &["apply"]);
        put(
            root,
            "etc/hvtune.toml",
            "stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n[set]\n\"kernel.panic\" = 30\n",
        );
        ok(root, &["apply"]);
        for path in &made.stores {
            let text = fs::read_to_string(root.join(path)).unwrap();
            assert!(text.contains("panic=30") && !text.contains("panic=10"), "{}: {path}: {text}", made.name);
        }
        put(root, "etc/hvtune.toml", "stall = 120\n");
        ok(root, &["apply"]);
        for path in &made.stores {
            assert_eq!(fs::read(root.join(path)).unwrap(), before[path], "{}: {path}", made.name);
        }
    }
}

/// Its own file of a directory that the distribution's defaults read.
#[test]
fn azure_linux_3_has_a_fragment() {
    let made = roots::azurelinux3();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let before = tree(root);
    let said = ok(root, &["apply"]);
    assert!(said.contains("grub2-mkconfig -o /boot/grub2/grub.cfg"), "{said}");
    assert!(fs::read_to_string(root.join(&made.stores[0])).unwrap().contains("panic=10"));
    let (code, text) = hvtune(root, &["verify"]);
    assert!(code == 1 && text.contains("made anew"), "{text}");
    let path = "boot/grub2/grub.cfg";
    let menu = String::from_utf8(before[path].clone()).unwrap();
    put(root, path, menu.replace("$kernelopts", "$kernelopts panic=10 fsck.repair=yes"));
    let (code, text) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{text}");
    put(root, path, &menu);
    ok(root, &["revert"]);
    assert_eq!(tree(root), before);
}

/// FAT, which an ESP is: no file has two names, and before Linux 6.0 no two are exchanged.
#[test]
fn on_a_file_system_without_links_the_same_is_written() {
    for made in roots::all() {
        let dir = tempfile::tempdir().unwrap();
        let (root, log) = (dir.path().join("root"), dir.path().join("log"));
        fs::create_dir(&root).unwrap();
        made.lay_out(&root);
        ok(&root, &["apply"]);
        // Files are there by now, and none is new.
        put(
            &root,
            "etc/hvtune.toml",
            "stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n[set]\n\"kernel.panic\" = 30\n",
        );
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", "trace=renameat2,linkat"]);
        command.args(["-e", "inject=renameat2:error=EINVAL", "-e", "inject=linkat:error=EPERM"]);
        command.arg(env!("CARGO_BIN_EXE_hvtune")).arg("--root").arg(&root);
        let output = command.args(["--assume", "hyperv", "apply"]).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", made.name);
        assert!(fs::read_to_string(&log).unwrap().contains("linkat("), "{}: no link was tried", made.name);
        for path in &made.stores {
            let text = fs::read_to_string(root.join(path)).unwrap();
            assert!(text.contains("panic=30") && !text.contains("panic=10"), "{}: {path}: {text}", made.name);
        }
        let strays = tree(&root).into_keys().filter(|path| path.contains("hvtune-"));
        assert_eq!(strays.collect::<Vec<_>>(), Vec::<String>::new(), "{}", made.name);
    }
}

/// Another installation on the same ESP has entries of its own, with the machine's identity in them.
#[test]
fn entries_of_another_installation_are_left_alone() {
    let made = roots::systemd_boot();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let other = "ffffffffffffffffffffffffffffffff";
    let (_, text) = boot_entry("6.1", "root=UUID=ff ro");
    let path = format!("boot/efi/loader/entries/{other}-6.1.conf");
    put(root, &path, text.replace("0123456789abcdef0123456789abcdef", other));
    let before = fs::read(root.join(&path)).unwrap();
    ok(root, &["apply"]);
    assert_eq!(fs::read(root.join(&path)).unwrap(), before);
    let (code, said) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{said}");
}

/// A variable that is only in a comment is one that is not there, and not needed.
#[test]
fn a_variable_in_a_comment_is_not_there() {
    let made = roots::el9();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let defaults = "#GRUB_CMDLINE_LINUX=\"quiet\"\nGRUB_ENABLE_BLSCFG=true\n";
    put(root, "etc/default/grub", defaults);
    ok(root, &["apply"]);
    assert_eq!(fs::read_to_string(root.join("etc/default/grub")).unwrap(), defaults);
    assert!(has_ours(&fs::read_to_string(root.join(&made.stores[1])).unwrap()));
}
