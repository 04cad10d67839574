//! A stage: a root, the machine beside it, and a host that nobody may touch.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use tempfile::TempDir;

/// Stands in every file of the host; seen in any output it tells of a read outside the root.
pub(crate) const CANARY: &str = "canary-of-the-host";
/// The installed kernel of the fixture.
pub(crate) const KERNEL: &str = "usr/lib/modules/6.1.0-51-cloud-amd64";
/// A policy that asks for a file of every format.
pub(crate) const WIDE: &str =
    "recovery = \"self-heal\"\n[set]\n\"queue/scheduler\" = \"none\"\n\"queue/nr_requests\" = 1024\n";
/// The files that [`WIDE`] asks for, in plan order.
pub(crate) const WRITTEN: [&str; 4] = [
    "usr/lib/udev/rules.d/90-hvtune.rules",
    "usr/lib/sysctl.d/90-hvtune.conf",
    "usr/lib/modprobe.d/90-hvtune.conf",
    "etc/default/grub.d/90-hvtune.cfg",
];
/// Where the directories made are remembered.
pub(crate) const STATE: &str = "var/lib/hvtune/made-directories";

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/gen2-onprem");
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_hvtune");

/// One thing in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, i64),
    owner: (u32, u32),
    device: u64,
    /// Bytes of a file, target of a link.
    pub(crate) content: Vec<u8>,
    pub(crate) is_dir: bool,
}

/// Everything below a directory, itself included, by path.
pub(crate) type Tree = BTreeMap<PathBuf, Thing>;

pub(crate) fn tree(top: &Path) -> Tree {
    let mut found = Tree::new();
    let mut todo = vec![top.to_owned()];
    while let Some(path) = todo.pop() {
        let about = fs::symlink_metadata(&path).unwrap();
        let kind = about.file_type();
        let content = if kind.is_file() {
            fs::read(&path).unwrap()
        } else if kind.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            Vec::new()
        };
        if kind.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let special = kind.is_char_device() || kind.is_block_device();
        let thing = Thing {
            mode: about.mode(),
            mtime: (about.mtime(), about.mtime_nsec()),
            owner: (about.uid(), about.gid()),
            device: if special { about.rdev() } else { 0 },
            content,
            is_dir: kind.is_dir(),
        };
        found.insert(path.strip_prefix(top).unwrap().to_owned(), thing);
    }
    found
}

/// The same without what staging a file and taking it away again changes: directories' times.
pub(crate) fn without_times_of_dirs(mut tree: Tree) -> Tree {
    for thing in tree.values_mut().filter(|thing| thing.is_dir) {
        thing.mtime = (0, 0);
    }
    tree
}

/// What differs, by path, for messages.
pub(crate) fn differing(before: &Tree, after: &Tree) -> Vec<PathBuf> {
    let paths = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path)));
    paths.filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

pub(crate) fn assert_same(what: &str, before: &Tree, after: &Tree) {
    let changed = differing(before, after);
    assert!(changed.is_empty(), "{what}: changed {changed:?}");
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// What must hold of every run, whatever it met; `codes` are those that it may end with.
    pub(crate) fn judged(self, what: &str, codes: &[i32]) -> Self {
        assert!(
            codes.contains(&self.code),
            "{what}: exit code {}, not one of {codes:?}: {self:?}",
            self.code
        );
        for (stream, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            assert!(!text.contains("panicked at"), "{what}: a panic: {text}");
            assert!(!text.contains(CANARY), "{what}: {stream} shows what only the host holds: {text}");
            let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
            let steers = |c: char| (c.is_control() && c != '\n') || turns(c);
            let odd = text.chars().find(|c| steers(*c));
            assert_eq!(odd, None, "{what}: {stream} could move a terminal's cursor: {text:?}");
        }
        if self.code == 2 {
            let one = self.err.starts_with("hvtune: ") && self.err.lines().count() == 1;
            assert!(one && self.err.ends_with('\n'), "{what}: not one line on stderr: {:?}", self.err);
        }
        self
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success(), "cp -a {}", from.display());
}

#[derive(Debug)]
pub(crate) struct Stage {
    dir: TempDir,
    /// A capture; the fixture's own until [`Stage::copy_machine`].
    machine: PathBuf,
    /// Whether `--config` names a policy outside the root, which leaves the root's own unread.
    pub(crate) config: bool,
}

impl Stage {
    /// A copy of the fixture's root, and a host; in memory where that can be, as every run flushes.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        Self::below(if memory.is_dir() { memory } else { Path::new("/tmp") })
    }

    pub(crate) fn below(dir: &Path) -> Self {
        let euid = rustix::process::geteuid();
        assert!(euid.is_root(), "run as root: this makes device nodes, mounts and other people's files");
        let dir = tempfile::tempdir_in(dir).unwrap();
        let stage = Self { dir, machine: Path::new(FIXTURE).join("machine"), config: true };
        copy(&Path::new(FIXTURE).join("root"), &stage.at("root"));
        stage.furnish_host();
        fs::write(stage.at("policy.toml"), WIDE).unwrap();
        stage
    }

    /// Makes the capture one that traps can be set in.
    pub(crate) fn copy_machine(&mut self) {
        let machine = self.at("machine");
        copy(&self.machine, &machine);
        self.machine = machine;
    }

    /// Names under which something would be read or written, were the host reached.
    fn furnish_host(&self) {
        let said = format!("PRETTY_NAME=\"{CANARY}\"\n{CANARY} = 1\n");
        let named =
            ["canary", "os-release", "hvtune.toml", "default/grub", "10-canary.conf", "10-canary.rules"];
        let ours =
            ["90-hvtune.conf", "90-hvtune.rules", "rules.d/10-canary.rules", "default/grub.d/10-x.cfg"];
        for name in named.into_iter().chain(ours) {
            self.put(&format!("host/{name}"), &said);
        }
        for (name, mode) in [("host", 0o700), ("host/default", 0o711), ("host/canary", 0o600)] {
            fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    pub(crate) fn machine(&self) -> &Path {
        &self.machine
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn root(&self, path: &str) -> PathBuf {
        self.at("root").join(path)
    }

    /// Writes a file of the stage, with its directories.
    pub(crate) fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Everything that no run may change: the stage without its root.
    pub(crate) fn outside(&self) -> Tree {
        let mut all = Tree::new();
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let name = entry.unwrap().file_name();
            if name != "root" {
                let below = tree(&self.dir.path().join(&name));
                all.extend(below.into_iter().map(|(path, thing)| (Path::new(&name).join(path), thing)));
            }
        }
        all
    }

    pub(crate) fn hvtune(&self, args: &[&str]) -> Run {
        self.wrapped(&[], args)
    }

    /// Runs the program on the root and the machine, within ten seconds, below another command.
    pub(crate) fn wrapped(&self, wrapper: &[&str], args: &[&str]) -> Run {
        Run::of(&mut self.command(wrapper, args))
    }

    pub(crate) fn command(&self, wrapper: &[&str], args: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=1", "60"]).args(wrapper).arg(PROGRAM);
        command.arg("--root").arg(self.at("root")).arg("--machine").arg(&self.machine);
        if self.config {
            command.arg("--config").arg(self.at("policy.toml"));
        }
        // A document says when it was made.
        command.args(args).stdin(Stdio::null()).env("SOURCE_DATE_EPOCH", "0");
        command
    }

    /// Makes the policy another one, so that every file of ours is to be replaced.
    pub(crate) fn other_policy(&self) {
        let text = WIDE.replace("1024", "1000").replace("[set]", "[set]\n\"kernel.panic\" = 77");
        fs::write(self.at("policy.toml"), text).unwrap();
    }
}

impl Run {
    /// Runs a command to its end; streams that it was not given elsewhere are kept.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        // A byte that is none of UTF-8 could steer a terminal of eight bits.
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Something that stands where another thing is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    /// Links to the host's directory: absolute, and climbing by `..`.
    HostDir,
    ClimbToDir,
    /// Links to a file there.
    HostFile,
    ClimbToFile,
    Dangling,
    Loop,
    /// A second name of a file there.
    HardLink,
    Fifo,
    /// `/dev/zero`, by its numbers.
    Zero,
    Block,
    Socket,
    Dir,
    /// 2 MiB of text.
    Big,
    NotText,
}

impl Trap {
    /// Sets the trap in place of what stands there.
    pub(crate) fn set(self, stage: &Stage, path: &Path) {
        let gone = match fs::symlink_metadata(path) {
            Ok(about) if about.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => fs::create_dir_all(path.parent().unwrap()),
        };
        gone.unwrap();
        let climbing = |to: PathBuf| Path::new(&"../".repeat(30)).join(to.strip_prefix("/").unwrap());
        let node = |kind, device| mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), device).unwrap();
        match self {
            Self::HostDir => symlink(stage.at("host"), path).unwrap(),
            Self::ClimbToDir => symlink(climbing(stage.at("host")), path).unwrap(),
            Self::HostFile => symlink(stage.at("host/canary"), path).unwrap(),
            Self::ClimbToFile => symlink(climbing(stage.at("host/canary")), path).unwrap(),
            Self::Dangling => symlink("nowhere", path).unwrap(),
            Self::Loop => symlink(path.file_name().unwrap(), path).unwrap(),
            Self::HardLink => fs::hard_link(stage.at("host/canary"), path).unwrap(),
            Self::Fifo => node(FileType::Fifo, 0),
            Self::Zero => node(FileType::CharacterDevice, makedev(1, 5)),
            Self::Block => node(FileType::BlockDevice, makedev(7, 250)),
            Self::Socket => node(FileType::Socket, 0),
            Self::Dir => fs::create_dir(path).unwrap(),
            Self::Big => fs::write(path, "# filler\n".repeat((2 << 20) / 9 + 1)).unwrap(),
            Self::NotText => fs::write(path, b"a = \xff\xfe\x00\x80\nID=\xc3\x28\n").unwrap(),
        }
    }
}

/// Whether a path is of a name that only we use.
pub(crate) fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let ours =
        name == "90-hvtune" || ["90-hvtune.", "10-hvtune."].iter().any(|start| name.starts_with(start));
    ours || path == Path::new(STATE)
}

/// The temporary name beside a target.
pub(crate) fn temp_of(target: &str) -> String {
    let (dir, name) = target.rsplit_once('/').unwrap();
    format!("{dir}/.{name}.hvtune-new")
}
