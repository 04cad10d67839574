//! The release binary, for the tests that judge what is shipped.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value as Json;

/// That of `HVTUNE_RELEASE_BIN`, or one that is built here.
pub(crate) fn hvtune() -> &'static Path {
    static HVTUNE: LazyLock<PathBuf> = LazyLock::new(|| match std::env::var_os("HVTUNE_RELEASE_BIN") {
        Some(path) => path.into(),
        None => built(&[], "hvtune"),
    });
    &HVTUNE
}

/// Builds for release, where `cargo build --release` builds, and gives a program's path.
pub(crate) fn built(options: &[&str], program: &str) -> PathBuf {
    let package = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let target = package[0]["target_directory"].as_str().unwrap();
    let build =
        ["build", "--release", "--quiet", "--message-format=json-render-diagnostics", "--target-dir", target];
    cargo(&[&build, options].concat())
        .iter()
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .find(|path| path.file_name() == Some(OsStr::new(program)))
        .expect("cargo names what it built")
}

/// What cargo prints as JSON, line by line.
fn cargo(args: &[&str]) -> Vec<Json> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO")).current_dir(base).args(args).output().unwrap();
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
