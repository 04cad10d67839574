//! Parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use hvtune::{cli::Cli, command, report};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            report::usage(&error);
            return ExitCode::from(code);
        }
    };
    match command::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&error);
            ExitCode::from(2)
        }
    }
}
