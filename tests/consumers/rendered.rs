//! Where the files to be judged come from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::{Stage, Suite};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A hand-written file that one consumer must find fault with.
pub(crate) fn bad(name: &str) -> PathBuf {
    Path::new(HERE).join("tests/consumers/bad").join(name)
}

/// What is rendered for the machine of a fixture; `tests/golden.rs` holds it to that.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(HERE).join("fixtures").join(name).join("expect/files")
}

/// Every file of this name that any fixture's machine gets.
pub(crate) fn of_all_fixtures(below: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(Path::new(HERE).join("fixtures")).unwrap();
    let mut found: Vec<_> = names
        .map(|entry| fixture(entry.unwrap().file_name().to_str().unwrap()))
        .flat_map(|tree| places(&tree, below))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no fixture gets {below}");
    found
}

fn places(tree: &Path, below: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = ["etc", "usr/lib"].map(|top| tree.join(top).join(below)).into();
    found.retain(|path| path.exists());
    found
}

/// A file of a tree, `udev/rules.d/90-hvtune.rules`, from `/etc` or from `/usr/lib`.
#[track_caller]
pub(crate) fn file(tree: &Path, below: &str) -> PathBuf {
    let found = places(tree, below);
    assert_eq!(found.len(), 1, "{below} is rendered to one place: {found:?}");
    found.into_iter().next().unwrap()
}

/// What hvtune writes to a Debian root that has these files besides its own.
#[track_caller]
pub(crate) fn hvtune(suite: Suite, arguments: &str, files: &[(&str, &str)]) -> Stage {
    written_by(Path::new(env!("CARGO_BIN_EXE_hvtune")), suite, arguments, files, &[])
}

/// The same, for an image into which no iSCSI session and no multipath map will come.
#[track_caller]
pub(crate) fn hvtune_without_initiators(suite: Suite, arguments: &str) -> Stage {
    let tools = ["etc/iscsi/iscsid.conf", "sbin/iscsid", "sbin/multipathd"];
    written_by(Path::new(env!("CARGO_BIN_EXE_hvtune")), suite, arguments, &[], &tools)
}

/// What `binary --root ROOT arguments` writes to a root with some files more and some fewer; the tree
/// is at [`Stage::out`].
#[track_caller]
fn written_by(
    binary: &Path,
    suite: Suite,
    arguments: &str,
    files: &[(&str, &str)],
    without: &[&str],
) -> Stage {
    let stage = Stage::new(suite);
    for (path, body) in files {
        stage.put(path, body);
    }
    let program = stage.out().with_file_name("program");
    // By a process of its own: while this one forks elsewhere, a file that it has open for writing is
    // inherited, and cannot be run.
    let copied = Command::new("cp").arg(binary).arg(program).status().unwrap();
    assert!(copied.success(), "{}", binary.display());
    let without = without.join(" ");
    stage
        .run_outside(&format!(
            "cd \"$MERGED\" && rm -f {without}
             \"$OUT\"/../program --root \"$MERGED\" {arguments} >&2
             cp -a \"$UPPER\"/. \"$OUT\""
        ))
        .ok();
    stage
}

#[test]
fn a_program_that_writes_to_a_root_is_seen_to() {
    let temp = tempfile::tempdir().unwrap();
    let program = temp.path().join("program");
    let script = "#!/bin/sh\necho \"$3 on $(cat \"$2/etc/hostname\")\" >\"$2/etc/sysctl.d/90-hvtune.conf\"\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let stage = written_by(&program, Suite::Trixie, "apply", &[], &[]);
    let name = fs::read_to_string(Suite::Trixie.root().join("etc/hostname")).unwrap();
    let conf = file(&stage.out(), "sysctl.d/90-hvtune.conf");
    assert_eq!(fs::read_to_string(conf).unwrap(), format!("apply on {name}"));
}
