//! Every root of the tests, as an image: nothing outside of it is opened, so nothing of the machine that builds an
//! image, its command line least of all, can reach a boot entry.

use std::path::Path;
use std::process::Command;

use crate::stage::WIDE;
use crate::{fixtures, roots, stays_below, traced_at};

fn tried(name: &str, lay_out: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    std::fs::create_dir(&root).unwrap();
    lay_out(&root);
    for command in ["apply", "pending", "revert"] {
        let (run, calls) = traced_at(&root, &["--assume", "hyperv", command]);
        let what = format!("{name}: {command}");
        run.judged(&what, &[0, 1, 2, 3]);
        stays_below(&what, &calls, std::slice::from_ref(&root));
    }
}

#[test]
fn no_fixture_is_left() {
    for fixture in fixtures::all() {
        tried(&fixture.name, |root| {
            let copied = Command::new("cp").arg("-a").arg(fixture.root().join(".")).arg(root).status();
            assert!(copied.unwrap().success());
        });
    }
}

#[test]
fn no_boot_stack_is_left() {
    let mut files = 0;
    for made in roots::all().into_iter().chain(roots::with_own_file()).chain([roots::suse_bls(false)]) {
        tried(made.name, |root| {
            made.lay_out(root);
            let policy = root.join("etc/hvtune.toml");
            std::fs::write(policy, WIDE).unwrap();
        });
        files += made.stores.len();
    }
    assert!(files > 15, "{files}");
}
