//! Bugs on purpose, so that the fault harness can be seen to find them: only with
//! the feature `seeded-bugs`, and never in a release build.

#[cfg(all(feature = "seeded-bugs", not(debug_assertions)))]
compile_error!("seeded-bugs is for the tests of the fault harness; no release build may have it");

/// Whether this bug is wanted; without the feature none is, and the compiler leaves its code out.
#[cfg(not(feature = "seeded-bugs"))]
pub(crate) const fn bug(_name: &str) -> bool {
    false
}

/// Whether this bug is wanted.
#[cfg(feature = "seeded-bugs")]
#[expect(clippy::disallowed_methods, reason = "no shipped build reads the environment")]
pub(crate) fn bug(name: &str) -> bool {
    std::env::var("HVTUNE_SEEDED_BUG").is_ok_and(|wanted| wanted == name)
}
