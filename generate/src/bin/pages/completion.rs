//! Completions, with what clap_complete gets wrong for options before the command mended.

use std::io;

use clap_complete::{Shell, generate};

/// Name and text of a shell's completions.
pub(crate) fn of(shell: Shell) -> io::Result<(&'static str, String)> {
    let mut written = Vec::new();
    generate(shell, &mut hvtune::cli::definition(), "hvtune", &mut written);
    let text = String::from_utf8(written).map_err(io::Error::other)?;
    match shell {
        // Without -A, options of the first level are offered behind the command, too: `plan --format html`.
        Shell::Zsh => {
            let (old, new) = (
                "_arguments \"${_arguments_options[@]}\" :",
                "_arguments \"${_arguments_options[@]}\" -A '-*' :",
            );
            Ok(("_hvtune", mended(&text, old, new)?))
        }
        // argparse refuses an option that still lacks its value, which is the one to complete.
        Shell::Fish => {
            let parse = "    argparse -s (__fish_hvtune_global_optspecs) -- $cmd 2>/dev/null\n";
            let again = "    or argparse -s (__fish_hvtune_global_optspecs) -- $cmd value 2>/dev/null\n";
            Ok(("hvtune.fish", mended(&text, parse, &format!("{parse}{again}"))?))
        }
        _ => Ok(("hvtune.bash", text)),
    }
}

/// The first `old` replaced, which must be there.
fn mended(text: &str, old: &str, new: &str) -> io::Result<String> {
    let mended = text.replacen(old, new, 1);
    if mended == text {
        return Err(io::Error::other(format!("clap_complete writes no {old:?} any more")));
    }
    Ok(mended)
}
