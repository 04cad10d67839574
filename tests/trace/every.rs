//! Every root of the tests, as an image: nothing outside of it is opened, so nothing of the machine that builds an
//! image, its command line least of all, can reach a boot entry.

use std::path::Path;

use crate::stage::{WIDE, copy};
use crate::{fixtures, roots, stays_below, traced_at};

/// Whether all was done, and nothing refused.
fn tried(name: &str, lay_out: impl FnOnce(&Path)) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    lay_out(&root);
    let mut done = true;
    for command in ["apply", "pending", "revert"] {
        let (run, calls) = traced_at(&root, &["--assume", "hyperv", command]);
        let what = format!("{name}: {command}");
        done &= run.judged(&what, &[0, 1, 2, 3]).code != 2;
        stays_below(&what, &calls, std::slice::from_ref(&root));
    }
    done
}

#[test]
fn no_fixture_is_left() {
    let refused: Vec<String> = fixtures::all()
        .into_iter()
        .filter(|fixture| !tried(&fixture.name, |root| copy(&fixture.root(), root)))
        .map(|fixture| fixture.name)
        .collect();
    assert_eq!(refused, [] as [String; 0]);
}

#[test]
fn no_boot_stack_is_left() {
    for made in roots::every() {
        let done = tried(made.name, |root| {
            made.lay_out(root);
            roots::put(root, "etc/hvtune.toml", WIDE);
        });
        assert!(done, "{}", made.name);
    }
}
