//! What the linker leaves out of the shipped binary.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to a build script by its environment")]

use std::env;

/// A release aborts on a panic, so nothing ever reads the tables for unwinding: an eighth of the file.
/// Only where rustc links with its own lld; a script with INSERT adds to its built-in layout
/// (<https://lld.llvm.org/ELF/linker_script.html>).
fn main() {
    println!("cargo::rerun-if-changed=build/no-unwind-tables.ld");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let lld = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ARCH", "x86_64");
    if !lld || !is("PROFILE", "release") {
        return;
    }
    let Ok(here) = env::var("CARGO_MANIFEST_DIR") else { return };
    println!("cargo::rustc-link-arg-bins=-Wl,--script={here}/build/no-unwind-tables.ld");
    println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
}
