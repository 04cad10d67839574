//! Every command in turn on a stage with a trap, and what must hold of each.

use std::path::{Path, PathBuf};

use crate::stage::{Stage, Tree, assert_same, differing, is_ours, tree, without_times_of_dirs};

/// How `apply` may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The trap does not concern it.
    Written,
    /// It says what stands in the way, and nothing is written.
    Refused,
    /// One of the two.
    Either,
}

/// What only reads, and how it may end.
type Looks<'a> = &'a [(&'a [&'a str], &'a [i32])];

/// Runs every command and then takes back what was written.
pub(crate) fn gauntlet(what: &str, stage: &Stage, ends: Ends) {
    let looks: Looks<'_> = &[
        (&["detect"], &[0, 2]),
        (&["plan", "--diff"], &[0, 2]),
        (&["verify"], &[0, 1, 2, 3]),
        (&["pending"], &[0, 1, 2]),
    ];
    run_all(what, stage, ends, looks);
}

/// The same with one look only, for traps that all commands meet alike.
pub(crate) fn brief(what: &str, stage: &Stage, ends: Ends) {
    run_all(what, stage, ends, &[(&["detect", "--format", "json"], &[0, 2])]);
}

fn run_all(what: &str, stage: &Stage, ends: Ends, looks: Looks<'_>) {
    // `tests/faults/hostile` counts these lines.
    println!("hostile root: {what}");
    let outside = stage.outside();
    let before = tree(&stage.at("root"));
    for (args, codes) in looks {
        let what = format!("{what}: {}", args.join(" "));
        stage.hvtune(args).judged(&what, codes);
        assert_same(&what, &before, &tree(&stage.at("root")));
    }
    let what = format!("{what}: apply");
    let written = applied(&what, stage, &before, ends);
    if written {
        let once = tree(&stage.at("root"));
        stage.hvtune(&["apply"]).judged(&what, &[0]);
        assert_same(&format!("{what} again"), &once, &tree(&stage.at("root")));
        stage.hvtune(&["revert"]).judged(&what, &[0]);
        let back = changes(&before, &tree(&stage.at("root")));
        assert!(back.iter().all(|path| is_temp(path)), "{what}: revert left {back:?}");
    } else {
        stage.hvtune(&["revert"]).judged(&what, &[0, 2]);
    }
    assert_same(&format!("{what}: outside the root"), &outside, &stage.outside());
}

/// Applies, and tells whether it wrote.
fn applied(what: &str, stage: &Stage, before: &Tree, ends: Ends) -> bool {
    let codes: &[i32] = match ends {
        Ends::Written => &[0],
        Ends::Refused => &[2],
        Ends::Either => &[0, 2],
    };
    let run = stage.hvtune(&["apply"]).judged(what, codes);
    let after = tree(&stage.at("root"));
    let changed = changes(before, &after);
    if run.code == 2 {
        assert!(changed.is_empty(), "{what}: ended with 2, but changed {changed:?}");
        assert!(run.out.is_empty(), "{what}: {}", run.out);
        return false;
    }
    for path in &changed {
        let fresh_dir = !before.contains_key(path) && after.get(path).is_some_and(|thing| thing.is_dir);
        let taken = is_temp(path) && !after.contains_key(path);
        assert!(is_ours(path) || fresh_dir || taken, "{what}: changed {}", path.display());
    }
    let stray = after.keys().find(|path| is_temp(path));
    assert_eq!(stray, None, "{what}: left behind");
    true
}

fn changes(before: &Tree, after: &Tree) -> Vec<PathBuf> {
    differing(&without_times_of_dirs(before.clone()), &without_times_of_dirs(after.clone()))
}

fn is_temp(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.ends_with(".hvtune-new") || path == "etc/.hvtune-journal"
}
