//! Parse, run, exit code.

use std::process::ExitCode;

use hvtune::cli::{self, Asked};
use hvtune::{command, report};

fn main() -> ExitCode {
    let done = cli::parse(std::env::args_os().skip(1)).and_then(|asked| match asked {
        Asked::Run(cli) => command::run(&cli),
        Asked::Print(text) => report::help(&text).map(|()| 0),
    });
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&error);
            ExitCode::from(2)
        }
    }
}
