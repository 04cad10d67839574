//! A Debian root to run one consumer in, thrown away with the process.
//!
//! `tests/roots` makes the roots; a stage lays its own files over one and runs
//! a script inside, in private mount, PID, network, IPC and UTS namespaces.
//! Nothing is written to the root or to the host: writes go to a tmpfs that
//! ends with the namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The Debian releases whose programs judge the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    /// systemd 252, procps 4.0.2, kmod 30, GRUB 2.06, kernels 6.1 generic and cloud.
    Bookworm,
    /// systemd 257, procps 4.0.4, kmod 34, GRUB 2.12, kernel 6.12 cloud.
    Trixie,
    /// dracut 106 in the place of initramfs-tools, kernel 6.12 cloud.
    Dracut,
    /// dracut of sid, 112 or later.
    DracutSid,
    /// dracut 059, kernel 6.1 cloud.
    DracutBookworm,
    /// systemd of sid, and GRUB 2.14 as a program of its own.
    Sid,
    /// Programs that read the examples of `dist/`: cloud-init, ansible, lintian, rpm.
    Tools,
}

impl Suite {
    /// Those whose programs judge every file.
    pub(crate) const ALL: [Self; 2] = [Self::Bookworm, Self::Trixie];

    fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Dracut => "dracut",
            Self::DracutSid => "dracut-sid",
            Self::DracutBookworm => "dracut-bookworm",
            Self::Sid => "sid",
            Self::Tools => "tools",
        }
    }

    /// The root of this release; the first caller may wait for it to be built.
    pub(crate) fn root(self) -> &'static Path {
        static BOOKWORM: OnceLock<PathBuf> = OnceLock::new();
        static TRIXIE: OnceLock<PathBuf> = OnceLock::new();
        static DRACUT: OnceLock<PathBuf> = OnceLock::new();
        static DRACUT_SID: OnceLock<PathBuf> = OnceLock::new();
        static DRACUT_BOOKWORM: OnceLock<PathBuf> = OnceLock::new();
        static SID: OnceLock<PathBuf> = OnceLock::new();
        static TOOLS: OnceLock<PathBuf> = OnceLock::new();
        let cell = match self {
            Self::Bookworm => &BOOKWORM,
            Self::Trixie => &TRIXIE,
            Self::Dracut => &DRACUT,
            Self::DracutSid => &DRACUT_SID,
            Self::DracutBookworm => &DRACUT_BOOKWORM,
            Self::Sid => &SID,
            Self::Tools => &TOOLS,
        };
        cell.get_or_init(|| make_root(self.name()))
    }

    /// The installed kernels, in the order of their names.
    pub(crate) fn kernels(self) -> Vec<String> {
        let modules = self.root().join("usr/lib/modules");
        let mut names: Vec<String> = fs::read_dir(&modules)
            .unwrap_or_else(|error| panic!("{}: {error}", modules.display()))
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert!(!names.is_empty(), "no kernel in {}", modules.display());
        names
    }
}

fn make_root(suite: &str) -> PathBuf {
    must_be_root();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roots");
    let made = Command::new(script).arg(suite).stderr(Stdio::inherit()).output().expect("tests/roots starts");
    assert!(made.status.success(), "tests/roots {suite}: {}", made.status);
    PathBuf::from(text(&made.stdout).trim_end())
}

fn must_be_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "the consumer tests must run as root: they mount and chroot in namespaces of their own \
         (`tests/run --fast` leaves them out)"
    );
}

/// What a script printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The same, where anything but success is a fault of the stage.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// One root with files laid over it.
#[derive(Debug)]
pub(crate) struct Stage {
    suite: Suite,
    temp: TempDir,
}

impl Stage {
    pub(crate) fn new(suite: Suite) -> Self {
        let temp = tempfile::tempdir().expect("a temporary directory");
        for name in ["files", "top", "out"] {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        Self { suite, temp }
    }

    /// Where a directory of the stage lies on the host before the run.
    pub(crate) fn dir(&self, inside: &str) -> PathBuf {
        let path = self.temp.path().join("files").join(inside.trim_start_matches('/'));
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{inside}: {error}"));
        path
    }

    pub(crate) fn put(&self, inside: &str, body: impl AsRef<[u8]>) {
        let (dir, name) = inside.rsplit_once('/').expect("an absolute path");
        fs::write(self.dir(dir).join(name), body).unwrap_or_else(|error| panic!("{inside}: {error}"));
    }

    /// Lays a file of the host into the stage.
    #[track_caller]
    pub(crate) fn copy(&self, inside: &str, from: &Path) {
        let body = fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        self.put(inside, body);
    }

    /// Runs a bash script in a chroot of the stage.
    pub(crate) fn run(&self, script: &str) -> Ran {
        self.play(script, "inside")
    }

    /// Runs a bash script beside the stage: `$MERGED` is its root, `$UPPER` what was written to it,
    /// `$OUT` the directory [`Stage::out`].
    pub(crate) fn run_outside(&self, script: &str) -> Ran {
        self.play(script, "outside")
    }

    /// What a script left in `$OUT`; it lasts as long as the stage.
    pub(crate) fn out(&self) -> PathBuf {
        self.temp.path().join("out")
    }

    fn play(&self, script: &str, place: &str) -> Ran {
        let root = self.suite.root();
        let Output { status, stdout, stderr } = Command::new("timeout")
            .args(["--kill-after=5", "300", "unshare", "--mount", "--propagation=private"])
            .args(["--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts", "--"])
            .args(["bash", "-c", include_str!("stage.sh"), "stage"])
            .args([root, &self.temp.path().join("files"), &self.temp.path().join("top")])
            .args([script, place])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .expect("timeout starts");
        let code = status.code().expect("timeout is not killed");
        assert!(code != 124 && code != 137, "no end after 300 s: {script}");
        Ran { code, stdout: text(&stdout), stderr: text(&stderr) }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_host_and_the_root_are_out_of_reach() {
    let stage = Stage::new(Suite::Trixie);
    stage.put("/etc/motd", "laid over\n");
    let ran = stage.run("cat /etc/motd; echo mine >/etc/hostname; mknod /dev/b8 b 8 0; echo $$").ok();
    assert_eq!(ran.stdout, "laid over\n1\n");
    let root = Suite::Trixie.root();
    assert_ne!(fs::read_to_string(root.join("etc/hostname")).unwrap(), "mine\n");
    assert!(!root.join("dev/b8").exists());
    assert!(!Path::new("/dev/b8").exists());
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(" stage "));
}

#[test]
fn a_script_that_fails_says_so() {
    let ran = Stage::new(Suite::Trixie).run("echo out; echo err >&2; false | true; echo not reached");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (1, "out\n", "err\n"));
}
