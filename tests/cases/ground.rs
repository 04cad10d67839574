//! Where a case is tried: a copy of a fixture with the case's overlay, and the binary.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A fixture's copy with an overlay on it.
pub(crate) struct Ground {
    dir: TempDir,
}

/// One other writer, as `plan` names it.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    pub(crate) knob: String,
    pub(crate) who: String,
    pub(crate) winner: String,
    pub(crate) value: String,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success(), "copying {}", from.display());
}

impl Ground {
    pub(crate) fn lay(id: &str, fixture: &str) -> Self {
        let base = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ground = Self { dir: tempfile::tempdir().unwrap() };
        for half in ["machine", "root"] {
            copy(&base.join("fixtures").join(fixture).join(half), &ground.path(half));
        }
        let overlay = base.join("tests/cases").join(id).join("overlay");
        if overlay.is_dir() {
            copy(&overlay, ground.dir.path());
        }
        ground
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub(crate) fn read(&self, below: &str) -> String {
        String::from_utf8_lossy(&self.bytes(below)).into_owned()
    }

    pub(crate) fn bytes(&self, below: &str) -> Vec<u8> {
        fs::read(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    pub(crate) fn has(&self, below: &str) -> bool {
        fs::symlink_metadata(self.path(below)).is_ok()
    }

    pub(crate) fn write(&self, below: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn link(&self, below: &str, target: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        drop(fs::remove_file(&path));
        symlink(target, path).unwrap();
    }

    /// Changes a file's text.
    pub(crate) fn edit(&self, below: &str, change: impl Fn(&str) -> String) {
        let before = self.read(below);
        let after = change(&before);
        assert_ne!(before, after, "{below} stayed as it was");
        self.write(below, after);
    }

    /// Gives every line that begins with this another text.
    pub(crate) fn set_line(&self, below: &str, begins: &str, line: &str) {
        self.edit(below, |text| {
            let lines = text.lines().map(|old| if old.starts_with(begins) { line } else { old });
            lines.collect::<Vec<_>>().join("\n") + "\n"
        });
    }

    pub(crate) fn remove(&self, below: &str) {
        let path = self.path(below);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
            Ok(_) => fs::remove_file(path).unwrap(),
            Err(_) => {}
        }
    }

    pub(crate) fn executable(&self, below: &str) {
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Where the capture has a disk, below `machine/sys`.
    pub(crate) fn device(&self, disk: &str) -> String {
        let target = fs::read_link(self.path(&format!("machine/sys/block/{disk}"))).unwrap();
        target.to_str().unwrap().trim_start_matches("../").to_owned()
    }

    pub(crate) fn policy(&self, text: &str) {
        self.write("root/etc/hvtune.toml", text);
    }

    /// Runs the binary on the root with other arguments than the capture's.
    pub(crate) fn bare(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
        command.arg("--root").arg(self.path("root")).args(args);
        command.env("NO_COLOR", "1").env("RUST_BACKTRACE", "1").output().unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let machine = self.path("machine");
        let mut all = vec!["--machine", machine.to_str().unwrap()];
        all.extend(args);
        self.bare(&all)
    }

    pub(crate) fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.run(args).stdout).unwrap()
    }

    pub(crate) fn json(&self, args: &[&str]) -> Json {
        let mut all = vec!["--format", "json"];
        all.extend(args);
        let output = self.run(&all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {said}"))
    }

    pub(crate) fn apply(&self) {
        let output = self.run(&["apply"]);
        assert!(output.status.success(), "apply: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn contenders(&self) -> Vec<Contender> {
        let plan = self.json(&["plan"]);
        let text = |one: &Json, key: &str| one[key].as_str().unwrap().to_owned();
        let of = |one: &Json| Contender {
            knob: text(one, "knob"),
            who: text(one, "who"),
            winner: text(one, "winner"),
            value: one["value"].as_str().map_or_else(|| one["value"].to_string(), str::to_owned),
        };
        plan["contenders"].as_array().unwrap().iter().map(of).collect()
    }

    /// `knob=op value` of everything that is set.
    pub(crate) fn wants(&self) -> Vec<String> {
        let plan = self.json(&["plan"]);
        let of = |one: &Json| {
            let want = &one["want"];
            let value = want["value"].as_str().map_or_else(|| want["value"].to_string(), str::to_owned);
            format!("{}={} {value}", one["knob"].as_str().unwrap(), want["op"].as_str().unwrap())
        };
        plan["settings"].as_array().unwrap().iter().map(of).collect()
    }

    /// The wants of one knob.
    pub(crate) fn want(&self, knob: &str) -> Option<String> {
        let head = format!("{knob}=");
        self.wants().iter().find_map(|want| want.strip_prefix(&head).map(str::to_owned))
    }

    /// `kind - because` of a tunable that is not set.
    pub(crate) fn kind(&self, id: &str) -> String {
        let plan = self.json(&["plan"]);
        let abstained = plan["abstained"].as_array().unwrap().iter().filter(|one| one["id"] == id);
        let of =
            |one: &Json| format!("{} - {}", one["kind"].as_str().unwrap(), one["because"].as_str().unwrap());
        abstained.map(of).collect::<Vec<_>>().join("; ")
    }

    /// One mount of `survive`.
    pub(crate) fn mount(&self, point: &str) -> Json {
        let survey = self.json(&["survive"]);
        let mounts = survey["mounts"].as_array().unwrap();
        mounts.iter().find(|mount| mount["mount"] == point).cloned().unwrap()
    }

    /// Exit code and text of `verify`.
    pub(crate) fn verify(&self) -> (i32, String) {
        let output = self.run(&["verify"]);
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// What dash makes of the two variables in /etc/default/grub and its fragments.
    pub(crate) fn command_line(&self) -> String {
        let script = "set -e; . ./etc/default/grub; for p in ./etc/default/grub.d/*.cfg; do \
                      if [ -e \"$p\" ]; then . \"$p\"; fi; done; \
                      echo \"$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT\"";
        let output =
            Command::new("dash").args(["-c", script]).current_dir(self.path("root")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// An error where something does not hold.
pub(crate) fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Text with every run of white space made one blank.
pub(crate) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
