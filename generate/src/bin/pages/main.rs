//! Man pages and completions, from the definition that parses the command line and the types that parse the
//! policy file: `pages DIR` writes `DIR/man` and `DIR/completions`.

mod command;
mod completion;
mod described;
mod policy;
mod section;

use std::error::Error;
use std::fs;
use std::path::Path;

use clap_complete::Shell;

/// The date that the pages carry; it changes with the version.
const DATE: &str = "2026-11-28";

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args_os().nth(1).ok_or("usage: pages DIR")?;
    let (man, completions) = (Path::new(&target).join("man"), Path::new(&target).join("completions"));
    for made in [&man, &completions] {
        fs::create_dir_all(made)?;
    }
    let definition = command::definition();
    fs::write(man.join("hvtune.8"), command::page(&definition, &definition)?)?;
    for command in command::commands(&definition) {
        let name = format!("hvtune-{}.8", command.get_name());
        fs::write(man.join(name), command::page(&definition, command)?)?;
    }
    fs::write(man.join("hvtune.toml.5"), policy::page()?)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let (name, text) = completion::of(shell)?;
        fs::write(completions.join(name), text)?;
    }
    Ok(())
}
