//! hvtune.

fn main() {}
