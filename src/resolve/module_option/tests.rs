//! modprobe.d, the command line, and kernels that have the module built in.

use super::*;
use crate::facts::{Attribute, BootArg, BootStack, Holds, InstalledKernel, ModuleFact};

const USR: &str = "usr/lib/modprobe.d/90-hvtune.conf";

fn kernel(release: &str, builtin: bool) -> InstalledKernel {
    let module = ModuleFact { builtin: Some(builtin), parameters: Attribute::Unknown };
    InstalledKernel {
        release: KernelRelease::parse(release).unwrap(),
        modules: crate::order::Named::from([("nvme_core".to_owned(), module)]),
        built_in: Some(Vec::new()),
    }
}

/// A file of one text of options; `!` before it: an `install` line.
fn file(path: &str, text: &str) -> ModprobeFile {
    let line = |(text, line): (&str, u32)| ModprobeLine {
        line,
        module: "nvme_core".to_owned(),
        install: text.starts_with('!'),
        text: text.trim_start_matches('!').to_owned(),
    };
    let lines = text.lines().zip(1..).map(line).collect();
    ModprobeFile { path: path.to_owned(), lines, ..ModprobeFile::default() }
}

fn facts(kernels: Vec<InstalledKernel>, files: &[(&str, &str)], cmdline: &[&str]) -> Facts {
    let mut facts = Facts::default();
    facts.system.kernels = Some(kernels);
    facts.system.modprobe = files.iter().map(|(path, text)| file(path, text)).collect();
    let boot = &mut facts.system.boot;
    boot.stack = BootStack::DebianGrub;
    boot.configured.reads_ours = true;
    boot.configured.ours_at = cmdline.len();
    let given = |text: &&str| BootArg {
        text: Some((*text).to_owned()),
        path: "etc/default/grub".to_owned(),
        line: 1,
        holds: Holds::Yes,
        after_ours: false,
    };
    boot.configured.args = cmdline.iter().map(given).collect();
    facts
}

fn ends(facts: &Facts, ours: Option<(&str, &str)>) -> Option<String> {
    let ours = ours.map(|(path, value)| Ours { path, value });
    chain(facts, "nvme_core", "io_timeout", ours).in_force().value().map(str::to_owned)
}

#[test]
fn names_decide_and_the_command_line_comes_last() {
    let modern = || vec![kernel("6.1.0", false)];
    for (files, cmdline, expected) in [
        (&[("etc/modprobe.d/10-a.conf", "io_timeout=30")][..], &[][..], "240"),
        (&[("usr/lib/modprobe.d/99-x.conf", "io_timeout=30")], &[], "30"),
        (&[("run/modprobe.d/99-x.conf", "io-timeout=0x1e multipath=N")], &[], "30"),
        (&[], &["nvme_core.io_timeout=31"], "31"),
        (&[("etc/modprobe.d/90-hvtune.conf", "")], &["quiet"], "none"),
        (&[("etc/modprobe.d/90-hvtune.conf", "io_timeout=20")], &[], "20"),
        (&[("lib/modprobe.d/90-hvtune.conf", "io_timeout=20")], &[], "240"),
    ] {
        let facts = facts(modern(), files, cmdline);
        let found = ends(&facts, Some((USR, "240"))).unwrap_or_else(|| "none".to_owned());
        assert_eq!(found, expected, "{files:?} {cmdline:?}");
    }
    let mut with_ours = facts(modern(), &[("etc/modprobe.d/90-hvtune.conf", "io_timeout=1")], &[]);
    with_ours.system.modprobe[0].ours = true;
    assert_eq!(ends(&with_ours, None), None, "what we wrote is not anybody's");
    let both = facts(modern(), &[], &["nvme_core.io_timeout=31"]);
    assert_eq!(ends(&both, Some(("etc/default/grub.d/90-hvtune.cfg", "240"))).as_deref(), Some("240"));
}

#[test]
fn a_module_that_is_built_in_sees_the_command_line_alone() {
    let files = [("etc/modprobe.d/10-a.conf", "io_timeout=30")];
    let builtin = facts(vec![kernel("6.1.0-cloud", true)], &files, &["nvme_core.io_timeout=31"]);
    assert_eq!(ends(&builtin, None).as_deref(), Some("31"));
    let alone = facts(vec![kernel("6.1.0-cloud", true)], &files, &[]);
    let found = chain(&alone, "nvme_core", "io_timeout", None);
    assert!(matches!(found.writers[0].acts, Acts::No(_)), "{found:?}");
    let mixed = facts(vec![kernel("6.1.0", false), kernel("6.1.0-cloud", true)], &files, &[]);
    assert_eq!(ends(&mixed, None), None);
    let agreed = facts(
        vec![kernel("6.1.0", false), kernel("6.1.0-cloud", true)],
        &files,
        &["nvme_core.io_timeout=30"],
    );
    assert_eq!(ends(&agreed, None).as_deref(), Some("30"));
}

#[test]
fn a_value_counts_as_the_kernel_reads_it() {
    let last = [("etc/modprobe.d/99.conf", "io_timeout=300")];
    assert_eq!(ends(&facts(vec![kernel("6.1.0", false)], &last, &[]), None).as_deref(), Some("300"));
    // A byte before 4.15.
    assert_eq!(ends(&facts(vec![kernel("4.14.0", false)], &last, &[]), None), None);
    let refused =
        facts(vec![kernel("4.14.0", true)], &[], &["nvme_core.io_timeout=240", "nvme_core.io_timeout=300"]);
    assert_eq!(ends(&refused, None).as_deref(), Some("240"), "a built-in module keeps what it had");
    let octal = [("etc/modprobe.d/99.conf", "io_timeout=0360")];
    assert_eq!(ends(&facts(vec![kernel("6.1.0", false)], &octal, &[]), None).as_deref(), Some("240"));
}

#[test]
fn what_hides_an_option_is_a_doubt() {
    let modern = || vec![kernel("6.1.0", false)];
    let install = facts(modern(), &[("etc/modprobe.d/10-a.conf", "!/bin/true")], &[]);
    let found = chain(&install, "nvme_core", "io_timeout", Some(Ours { path: USR, value: "240" }));
    assert_eq!(found.doubts, ["etc/modprobe.d/10-a.conf:1 runs a command instead of loading nvme_core"]);
    let open = facts(modern(), &[("etc/modprobe.d/10-a.conf", "multipath=\"N")], &[]);
    assert_eq!(ends(&open, Some((USR, "240"))), None);
    let mut unread = facts(modern(), &[("etc/modprobe.d/10-a.conf", "")], &[]);
    unread.system.modprobe[0].unread = Some("etc/modprobe.d/10-a.conf could not be read: no".to_owned());
    assert_eq!(ends(&unread, Some((USR, "240"))), None);
    let mut masked = unread.clone();
    masked.system.modprobe.insert(0, file("etc/modprobe.d/10-a.conf", ""));
    masked.system.modprobe[1].path = "usr/lib/modprobe.d/10-a.conf".to_owned();
    assert_eq!(ends(&masked, Some((USR, "240"))).as_deref(), Some("240"));
}
