//! Parse, run, exit code.

use std::process::ExitCode;

use hvtune::{cli, command, report};

// RUSTFLAGS in the environment replaces the flags of .cargo/config.toml, and `cargo install` from a
// registry does not read that file at all: the binary would be dynamic without a word.
#[cfg(all(
    target_os = "linux",
    not(debug_assertions),
    not(target_feature = "crt-static"),
    not(feature = "dynamic")
))]
compile_error!(
    "this release would not be static, as the flags of .cargo/config.toml are not in use: \
     add `-C target-feature=+crt-static` to RUSTFLAGS, or build with `--features dynamic` \
     for a binary that needs the C library of the machine it runs on"
);

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let done = match cli::parse(&args) {
        Ok(cli) => command::run(&cli),
        Err(error) => report::usage(&error, &cli::asked(&args)),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&error, &cli::asked(&args));
            ExitCode::from(2)
        }
    }
}
