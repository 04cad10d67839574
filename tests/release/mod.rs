//! The release binary, for the tests that judge what is shipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// That of `HVTUNE_RELEASE_BIN`, or one that `tests/release/build` builds.
pub(crate) fn hvtune() -> &'static Path {
    static HVTUNE: LazyLock<PathBuf> = LazyLock::new(|| {
        let base = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(base.join("tests/release/build"))
            .env("CARGO", env!("CARGO"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "tests/release/build: {}", output.status);
        String::from_utf8(output.stdout).unwrap().trim_end().into()
    });
    &HVTUNE
}
