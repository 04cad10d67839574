//! The ground: a root on which one `apply` changes fifteen files, and what stands there before and after.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::stage::{PROGRAM, Run, Tree, WIDE, differing, tree, without_times_of_dirs};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/iscsi-single");
const NODES: &str = "etc/iscsi/nodes/iqn.2024-01.example:data";

/// Whether everything is wanted, as `tests/faults/run` does, or a sample.
pub(crate) fn is_full() -> bool {
    std::env::var_os("HVTUNE_FULL").is_some()
}

/// Everything, or so many, spread evenly.
pub(crate) fn sample<T>(all: Vec<T>, count: usize) -> Vec<T> {
    let step = if is_full() { 1 } else { all.len().div_ceil(count).max(1) };
    all.into_iter().step_by(step).collect()
}

/// What `apply` starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Nothing of ours: files and directories are made, those of others edited.
    Fresh,
    /// All of ours, by another policy: every file is replaced.
    Applied,
}

/// Which set of files stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Set {
    Old,
    New,
    /// Whole files, some old and some new.
    Mixed,
    /// A file that is neither.
    Torn(PathBuf),
}

/// The n-th call of a name, as strace counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) nth: usize,
    /// The line that strace printed.
    pub(crate) line: String,
}

#[derive(Debug)]
pub(crate) struct Ground {
    dir: TempDir,
    old: Tree,
    new: Tree,
    /// The files that differ between the two.
    pub(crate) changed: Vec<PathBuf>,
}

impl Ground {
    pub(crate) fn new(start: Start) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).unwrap();
        let mut ground = Self { dir, old: Tree::new(), new: Tree::new(), changed: Vec::new() };
        ground.copy(&Path::new(FIXTURE).join("root"), "root");
        for last in 11..=13 {
            let record = ground.at("root").join(NODES);
            let copied = record.join(format!("192.0.2.{last},3260,1"));
            fs::create_dir(&copied).unwrap();
            fs::copy(record.join("192.0.2.10,3260,1/default"), copied.join("default")).unwrap();
        }
        let other = WIDE.replace("1024", "1000").replace("[set]", "[set]\n\"kernel.panic\" = 77");
        if start == Start::Applied {
            let raised = format!("stall = \"900s\"\n{other}");
            fs::write(ground.at("policy.toml"), &raised).unwrap();
            fs::write(ground.at("old-policy.toml"), raised).unwrap();
            ground.apply(&[]).judged("the old state", &[0]);
        }
        fs::write(ground.at("policy.toml"), WIDE).unwrap();
        ground.copy(&ground.at("root"), "before");
        ground.old = now(&ground.at("root"));
        ground.apply(&[]).judged("the new state", &[0]);
        ground.new = now(&ground.at("root"));
        let differ = differing(&ground.old, &ground.new);
        ground.changed = differ.into_iter().filter(|path| !ground.new[path].is_dir).collect();
        assert!(ground.changed.len() >= 12, "{:?}", ground.changed);
        ground
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn copy(&self, from: &Path, to: &str) {
        let done = Command::new("cp").arg("-a").arg(from).arg(self.at(to)).status().unwrap();
        assert!(done.success(), "cp -a {}", from.display());
    }

    /// Puts the old state back.
    pub(crate) fn reset(&self) {
        self.reset_to("before");
    }

    /// Puts back a state that was kept.
    pub(crate) fn reset_to(&self, kept: &str) {
        fs::remove_dir_all(self.at("root")).unwrap();
        self.copy(&self.at(kept), "root");
    }

    /// Keeps the present state under a name.
    pub(crate) fn keep(&self, name: &str) {
        self.copy(&self.at("root"), name);
    }

    pub(crate) fn apply(&self, wrapper: &[&str]) -> Run {
        Run::of(&mut self.command(wrapper, "apply"))
    }

    pub(crate) fn command(&self, wrapper: &[&str], command: &str) -> Command {
        let mut run = Command::new("timeout");
        run.args(["--kill-after=1", "60"]).args(wrapper).arg(PROGRAM);
        run.arg("--root").arg(self.at("root")).arg("--machine").arg(Path::new(FIXTURE).join("machine"));
        run.arg("--config").arg(self.at("policy.toml")).arg(command).stdin(Stdio::null());
        run
    }

    /// Applies with one call broken, in strace's words: `signal=KILL:when=3`.
    pub(crate) fn broken(&self, name: &str, how: &str) -> Run {
        let (trace, inject) = (format!("trace={name}"), format!("inject={name}:{how}"));
        let log = self.at("broken");
        // Not by seccomp: strace delivers no signal then.
        let wrapper = ["strace", "-f", "-qq", "-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject];
        self.apply(&wrapper)
    }

    /// The calls of an `apply` from the present state, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let log = self.at("calls");
        let wrapper = ["strace", "-f", "-qq", "-e", "signal=none", "-o", log.to_str().unwrap()];
        self.apply(&wrapper).judged("traced", &[0]);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut calls = Vec::new();
        for line in fs::read_to_string(log).unwrap().lines() {
            let Some((name, _)) = line.split_once(' ').and_then(|(_, call)| call.trim().split_once('('))
            else {
                continue;
            };
            let nth = counts.entry(name.to_owned()).or_default();
            *nth += 1;
            // strace starts the program by the first, and nothing is left to break after the last.
            if !matches!(name, "execve" | "exit_group") {
                calls.push(Call { name: name.to_owned(), nth: *nth, line: line.to_owned() });
            }
        }
        calls
    }

    /// The calls from the journal on.
    pub(crate) fn writing(&self) -> Vec<Call> {
        let calls = self.calls();
        let is_journal = |call: &Call| call.line.contains(".hvtune-journal") && call.line.contains("O_CREAT");
        let first = calls.iter().position(is_journal).expect("a journal is made");
        calls.into_iter().skip(first).collect()
    }

    /// Which set stands there now.
    pub(crate) fn set(&self) -> Set {
        let present = now(&self.at("root"));
        let (mut old, mut new) = (0, 0);
        for path in &self.changed {
            let found = present.get(path);
            if found == self.new.get(path) {
                new += 1;
            } else if found == self.old.get(path) {
                old += 1;
            } else {
                return Set::Torn(path.clone());
            }
        }
        match (old, new) {
            (_, 0) => Set::Old,
            (0, _) => Set::New,
            _ => Set::Mixed,
        }
    }

    /// A run that nobody disturbs ends with the new state and nothing beside it.
    pub(crate) fn completes(&self, what: &str) {
        self.apply(&[]).judged(what, &[0]);
        let differ = differing(&self.new, &now(&self.at("root")));
        assert!(differ.is_empty(), "{what}: after the next run: {differ:?}");
    }
}

fn now(root: &Path) -> Tree {
    let mut tree = without_times_of_dirs(tree(root));
    for thing in tree.values_mut() {
        thing.mtime = (0, 0);
    }
    tree
}
