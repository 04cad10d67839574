//! Arguments as the files of a boot stack hold them.

use crate::cmdline::Cmdline;
use crate::facts::{BootArg, BootLine, Holds, LineKind};

/// Arguments in a file that nothing is expanded in.
pub(super) fn plain(path: &str, line: u32, text: &str) -> Vec<BootArg> {
    let argument = |text: String| BootArg {
        text: Some(text),
        path: path.to_owned(),
        line,
        holds: Holds::Yes,
        after_ours: true,
    };
    Cmdline::parse(text).args.into_iter().map(argument).collect()
}

/// The command line of a kernel that is installed later.
pub(super) fn new_kernel(path: &str, args: Vec<BootArg>, ours_at: Option<usize>) -> BootLine {
    BootLine {
        path: path.to_owned(),
        line: 1,
        entry: String::new(),
        kind: LineKind::NewKernel,
        args,
        ours_at,
    }
}
