//! Stacks that read a directory of argument files, of which one is ours.

use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::roots::{self, put};
use crate::{hvtune, ok, tree};

/// The arguments of a file of `kargs.d`, as bootc declares it: two keys, both lists of texts, and no other
/// (<https://github.com/bootc-dev/bootc/blob/main/crates/lib/src/bootc_kargs.rs>).
fn kargs(text: &str) -> Result<Vec<String>, String> {
    let table = DeTable::parse(text).map_err(|error| error.to_string())?;
    let mut kargs = Vec::new();
    for (key, value) in table.get_ref() {
        let DeValue::Array(items) = value.get_ref() else { return Err(format!("{key:?}: no array")) };
        let texts: Vec<String> =
            items.iter().filter_map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
        match key.get_ref().as_ref() {
            _ if texts.len() < items.len() => return Err(format!("{key:?}: no texts")),
            "kargs" => kargs = texts,
            "match-architectures" => {}
            other => return Err(format!("unknown field `{other}`")),
        }
    }
    Ok(kargs)
}

/// In the build of an image; on a machine that was booted from one `/usr` is read-only.
#[test]
fn a_bootc_image_gets_a_file_that_bootc_takes() {
    let made = roots::bootc();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    let before = tree(root);
    ok(root, &["apply"]);
    let text = fs::read_to_string(root.join(&made.stores[0])).unwrap();
    assert_eq!(kargs(&text), Ok(vec!["panic=10".to_owned()]));
    assert!(!text.contains("match-architectures"), "{text}");
    assert!(text.starts_with("# hvtune "), "{text}");
    // Another key would be refused by bootc, and by the test.
    assert_eq!(kargs(&format!("{text}other = []\n")), Err("unknown field `other`".to_owned()));
    let (code, said) = hvtune(root, &["verify"]);
    assert_eq!(code, 0, "{said}");
    let applied = tree(root);
    ok(root, &["apply"]);
    assert_eq!(tree(root), applied);
    // A later file has the last word.
    put(root, "usr/lib/bootc/kargs.d/95-x.toml", "kargs = [\"panic=3\"]\n");
    let (code, said) = hvtune(root, &["verify"]);
    assert!(code == 1 && said.contains("95-x.toml") && said.contains("panic=3"), "{said}");
    fs::remove_file(root.join("usr/lib/bootc/kargs.d/95-x.toml")).unwrap();
    ok(root, &["revert"]);
    assert_eq!(tree(root), before);
}

#[test]
fn somebody_elses_file_in_its_place_is_kept() {
    let made = roots::bootc();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    put(root, &made.stores[0], "kargs = [\"panic=1\"]\n");
    let before = tree(root);
    let (code, said) = hvtune(root, &["apply"]);
    assert!(code == 2 && said.contains(&made.stores[0]), "{code}: {said}");
    assert_eq!(tree(root), before);
}

/// What sdbootutil does to an entry, in our own words: the options are those of `/etc/kernel/cmdline` and
/// behind them those of `cmdline.d` (`create_boot_options`, <https://github.com/openSUSE/sdbootutil>). The
/// program itself is in no distribution that the tests can have.
fn update_all_entries(root: &Path) {
    let mut options = fs::read_to_string(root.join("etc/kernel/cmdline")).unwrap().trim().to_owned();
    let mut listed: Vec<_> = fs::read_dir(root.join("etc/kernel/cmdline.d"))
        .map(|dir| dir.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    listed.sort();
    for path in listed {
        let text = fs::read_to_string(path).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            options += &format!(" {line}");
        }
    }
    for entry in fs::read_dir(root.join("boot/efi/loader/entries")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let set = |line: &str| {
            if line.starts_with("options") { format!("options    {options}\n") } else { format!("{line}\n") }
        };
        fs::write(&path, text.lines().map(set).collect::<String>()).unwrap();
    }
}

#[test]
fn entries_of_sdbootutil_are_made_from_ours() {
    for made in [roots::suse_bls(true), roots::suse_bls(false)] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        made.lay_out(root);
        let before = tree(root);
        let said = ok(root, &["apply"]);
        assert!(said.contains("sdbootutil update-all-entries"), "{said}");
        let ours = fs::read_to_string(root.join(&made.stores[0])).unwrap();
        assert!(ours.split(['\n', ' ']).any(|word| word == "panic=10"), "{ours}");
        // Nothing but what sdbootutil reads is written; until it ran, the next boot is without ours.
        let changed = tree(root).into_iter().filter(|(path, bytes)| before.get(path) != Some(bytes));
        let changed = changed.map(|(path, _)| path).filter(|path| !path.contains("hvtune"));
        let edited = made.stores.iter().filter(|path| !path.contains("hvtune"));
        assert_eq!(changed.collect::<Vec<_>>(), edited.cloned().collect::<Vec<_>>(), "{}", made.name);
        let (code, said) = hvtune(root, &["verify"]);
        assert!(code == 1 && said.contains("made anew"), "{}: {code}: {said}", made.name);
        update_all_entries(root);
        let (code, said) = hvtune(root, &["verify"]);
        assert_eq!(code, 0, "{}: {said}", made.name);
        let applied = tree(root);
        ok(root, &["apply"]);
        assert_eq!(tree(root), applied, "{}", made.name);
        let said = ok(root, &["revert"]);
        assert!(said.contains("sdbootutil update-all-entries"), "{said}");
        update_all_entries(root);
        assert_eq!(tree(root), before, "{}", made.name);
    }
}

/// Without a whole command line beside it, sdbootutil would make entries from what the machine that it runs
/// on was booted with.
#[test]
fn an_incomplete_command_line_is_not_built_upon() {
    let made = roots::suse_bls(true);
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    made.lay_out(root);
    put(root, "etc/kernel/cmdline", "quiet\n");
    let before = tree(root);
    let (code, said) = hvtune(root, &["apply"]);
    assert!(code == 2 && said.contains("etc/kernel/cmdline") && said.contains("no root="), "{code}: {said}");
    assert_eq!(tree(root), before);
    fs::remove_file(root.join("etc/kernel/cmdline")).unwrap();
    let said = ok(root, &["apply"]);
    assert!(!root.join("etc/kernel/cmdline.d").exists(), "{said}");
    assert!(said.contains("panic=10") && !said.contains("update-all-entries"), "{said}");
}
