//! Where the files to be judged come from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::stage::{Stage, Suite};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers/samples");

/// The tree of files that every consumer must accept.
pub(crate) fn good() -> PathBuf {
    Path::new(HERE).join("good")
}

/// A file that one consumer must find fault with.
pub(crate) fn bad(name: &str) -> PathBuf {
    Path::new(HERE).join("bad").join(name)
}

/// A file of a tree, `udev/rules.d/90-hvtune.rules`, from `/etc` or from `/usr/lib`.
#[track_caller]
pub(crate) fn file(tree: &Path, below: &str) -> PathBuf {
    let found: Vec<_> = ["etc", "usr/lib"]
        .map(|top| tree.join(top).join(below))
        .into_iter()
        .filter(|path| path.exists())
        .collect();
    assert_eq!(found.len(), 1, "{below} is rendered to one place: {found:?}");
    found.into_iter().next().unwrap()
}

/// What `binary --root ROOT arguments` writes to a Debian root: the tree is at [`Stage::out`].
#[track_caller]
pub(crate) fn written_by(binary: &Path, suite: Suite, arguments: &str) -> Stage {
    let stage = Stage::new(suite);
    let program = stage.out().with_file_name("program");
    fs::copy(binary, program).unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    stage
        .run_outside(&format!(
            "\"$OUT\"/../program --root \"$MERGED\" {arguments} >&2
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
    let stage = written_by(&program, Suite::Trixie, "apply");
    let name = fs::read_to_string(Suite::Trixie.root().join("etc/hostname")).unwrap();
    let conf = file(&stage.out(), "sysctl.d/90-hvtune.conf");
    assert_eq!(fs::read_to_string(conf).unwrap(), format!("apply on {name}"));
}
