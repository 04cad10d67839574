//! Command lines of an image that are another machine's, or lead to no root.

use super::{Pending, Place, Step};
use crate::cmdline::{same_key, split_arg};
use crate::facts::{BootLine, BootStack, Facts};

/// Stacks whose entries pass a kernel all of its arguments.
const WHOLE: &[BootStack] = &[BootStack::GrubBls, BootStack::GrubBlsKernelopts, BootStack::SystemdBoot];

/// What tells the way to the root (man 7 kernel-command-line, man 8 systemd-gpt-auto-generator).
const ROOT: &[&str] = &["root", "mount.usr", "roothash", "usrhash"];

/// A step where an image was given the command line of the machine that built it: kernel-install takes the
/// running one where there is no `/etc/kernel/cmdline`.
pub(super) fn step(facts: &Facts) -> Option<Pending> {
    let boot = &facts.system.boot;
    if facts.running().is_some() || !WHOLE.contains(&boot.stack) {
        return None;
    }
    let wrong = boot.lines.iter().filter_map(|line| Some((line, fault(line)?)));
    let wrong: Vec<(&BootLine, &str)> = wrong.collect();
    let (first, why) = wrong.first()?;
    let because = format!(
        "/{} {why}: the image may not boot; write /etc/kernel/cmdline before a kernel is installed, and make \
         the entries anew",
        first.path
    );
    let mut step = Pending::new(Step::KernelArguments, because, "");
    step.places = wrong
        .iter()
        .map(|(line, _)| Place {
            file: format!("/{}", line.path),
            line: format!("line {}, the whole command line of the kernel", line.line),
        })
        .collect();
    Some(step)
}

/// What is wrong with a line. One with arguments that nobody can tell may be right.
fn fault(line: &BootLine) -> Option<&'static str> {
    let texts = || line.args.iter().filter_map(|arg| arg.text.as_deref());
    if texts().any(|text| text.starts_with("BOOT_IMAGE=")) {
        return Some("has BOOT_IMAGE=, as the command line of a running machine has, not that of an image");
    }
    let known = line.args.iter().all(|arg| arg.text.is_some());
    let leads = texts().any(|text| ROOT.iter().any(|key| same_key(split_arg(text).0, key)));
    (known && !leads)
        .then_some("has no root=, so only a root partition that systemd finds by its type is found")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{BootArg, Holds, LineKind};

    fn line(args: &[Option<&str>]) -> BootLine {
        let arg = |text: Option<&str>| BootArg {
            text: text.map(str::to_owned),
            path: "a".to_owned(),
            line: 1,
            holds: Holds::Yes,
            after_ours: false,
        };
        BootLine {
            path: "a".to_owned(),
            line: 1,
            entry: String::new(),
            kind: LineKind::Entry,
            args: args.iter().copied().map(arg).collect(),
            ours_at: None,
        }
    }

    #[test]
    fn lines_of_other_machines_are_told() {
        for (args, said) in [
            (&[Some("root=UUID=x"), Some("ro")][..], None),
            (&[Some("mount.usr=LABEL=x")], None),
            (&[Some("ro"), None], None),
            (&[Some("BOOT_IMAGE=/vmlinuz"), Some("root=x")], Some("BOOT_IMAGE=")),
            (&[Some("systemd.machine_id=0123")], Some("no root=")),
            (&[], Some("no root=")),
        ] {
            let found = fault(&line(args));
            assert_eq!(found.is_some(), said.is_some(), "{args:?}: {found:?}");
            assert!(found.unwrap_or_default().contains(said.unwrap_or_default()), "{found:?}");
        }
    }
}
