//! How a release is linked: static, or not built.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod release;

use std::path::Path;
use std::process::{Command, Output};

/// With flags in the environment, which replace those of `.cargo/config.toml`.
fn checked_with(flags: &str, options: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .args(["check", "--release", "--bin", "hvtune", "--quiet", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("linkage"))
        .args(options)
        .output()
        .unwrap()
}

#[test]
fn a_release_that_would_not_be_static_is_built_only_where_that_is_wanted() {
    let refused = checked_with("-Copt-level=3", &[]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(101), "{said}");
    for way in ["would not be static", "-C target-feature=+crt-static", "--features dynamic"] {
        assert!(said.contains(way), "{way:?} is not in: {said}");
    }
    let wanted = checked_with("-Copt-level=3", &["--features", "dynamic"]);
    assert!(wanted.status.success(), "{}", String::from_utf8_lossy(&wanted.stderr));
}

#[test]
fn the_release_needs_no_loader_and_no_library() {
    let output = Command::new("readelf").args(["-lWd"]).arg(release::hvtune()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("LOAD"), "{said}");
    for needs in ["INTERP", "NEEDED"] {
        assert!(!said.contains(needs), "{said}");
    }
}
