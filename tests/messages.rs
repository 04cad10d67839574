//! Whatever goes wrong is said: by the release binary, once, in the same words whatever the
//! environment asks of a Rust program, with exit code 2 and nothing written.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod release;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SYSCTL: &str = "usr/lib/sysctl.d/90-hvtune.conf";
const TEMPLATE: &str = "etc/hvtune/templates/sysctl.conf.tera";

/// A copy of a fixture: `machine/` and `root/` below one directory.
struct Stage(tempfile::TempDir);

impl Stage {
    fn new(fixture: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
        for half in ["machine", "root"] {
            let copied = Command::new("cp").arg("-a").arg(from.join(half)).arg(dir.path()).status().unwrap();
            assert!(copied.success());
        }
        Self(dir)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The release binary in this directory, so that `root` and `machine` can be named so.
    fn command(&self, args: &[OsString]) -> Command {
        let mut command = Command::new(release::hvtune());
        command.current_dir(self.0.path()).args(args);
        for name in ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"] {
            command.env_remove(name);
        }
        command
    }

    fn does(&self, line: &str) {
        let output = self.command(&words(line)).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// All that lies below, with its content.
    fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut left = vec![self.0.path().to_owned()];
        while let Some(path) = left.pop() {
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let content = if kind.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                Vec::new()
            } else if kind.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_vec()
            } else if kind.is_file() {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            found.insert(path, content);
        }
        found
    }
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect()
}

/// The message, after all that must hold of it in every environment.
#[track_caller]
fn said(stage: &Stage, args: &[OsString], stdout: impl Fn() -> Stdio) -> String {
    let before = stage.content();
    let mut first: Option<String> = None;
    for environment in [
        &[][..],
        &[("RUST_BACKTRACE", "1")],
        &[("RUST_BACKTRACE", "full")],
        &[("RUST_BACKTRACE", "1"), ("RUST_LIB_BACKTRACE", "1")],
    ] {
        for bare in [false, true] {
            let mut command = stage.command(args);
            if bare {
                command.env_remove("HOME").env_remove("LANG");
            }
            let output: Output = command.envs(environment.iter().copied()).stdout(stdout()).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{args:?}, {environment:?}: {}: {said}", output.status);
            let told = String::from_utf8_lossy(&output.stdout);
            let is_json = args.iter().any(|arg| arg == "json");
            // Where JSON is asked for, programs get the same as a document.
            let fits = if is_json { told.contains("\"error\": {") } else { told.is_empty() };
            assert!(fits, "{args:?}: {told}");
            assert_eq!(first.get_or_insert_with(|| said.clone()), &said, "{args:?}, {environment:?}");
            assert!(!said.to_lowercase().contains("backtrace") && !said.contains("panicked"), "{said}");
        }
    }
    let after = stage.content();
    let changed: Vec<_> = after.iter().filter(|(path, content)| before.get(*path) != Some(content)).collect();
    assert!(changed.is_empty() && before.len() == after.len(), "{args:?}: {changed:?}");
    first.unwrap()
}

/// Trouble: one line, from us, that says these words.
#[track_caller]
fn is_one_line(stage: &Stage, line: &str, says: &[&str]) {
    let said = said(stage, &words(line), Stdio::piped);
    assert_eq!(said.lines().count(), 1, "{line}: {said}");
    assert!(said.starts_with("hvtune: ") && said.ends_with('\n'), "{line}: {said}");
    for word in says {
        assert!(said.contains(word), "{line}: {word:?} is not in: {said}");
    }
    let parts: Vec<&str> = said.trim_end().split(": ").collect();
    assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "{line}: said twice: {said}");
}

const HERE: &str = "--root root --machine machine";

#[test]
fn wrong_usage() {
    let stage = Stage::new("gen2-onprem");
    for (line, says) in [
        ("plna", &["'plna'", "'plan'"][..]),
        ("frobnicate", &["'frobnicate'"]),
        ("help plna", &["'plna'"]),
        ("apply --dry-run", &["'--dry-run'", "`hvtune plan`"]),
        ("plan --stal 9s", &["'--stal'", "'--stall'"]),
        ("plan -z", &["'-z'"]),
        ("plan --stall", &["--stall <DURATION>"]),
        ("plan --root=", &["--root <DIR>"]),
        ("plan --format xml", &["'xml'", "[possible values: text, json]"]),
        ("plan --format html", &["'html'", "[possible values: text, json]"]),
        ("--format prometheus survive", &["'prometheus'", "[possible values: text, json, html]"]),
        ("plan --assume vmware", &["'vmware'", "hyperv"]),
        ("plan --assume azure --machine machine", &["--assume", "--machine"]),
        ("--machine machine plan --assume azure", &["--assume", "--machine"]),
        ("apply -qv", &["--quiet", "--verbose"]),
        ("apply -q -q", &["--quiet", "multiple times"]),
        ("apply now", &["'now'"]),
        ("detect --diff", &["'--diff'"]),
        ("compare", &["<CAPTURE>..."]),
        ("compare machine --root root", &["'--root'"]),
        ("--assume azure compare machine", &["'--assume'"]),
        ("compare machine --format html", &["'html'", "[possible values: text, json]"]),
        ("capture", &["<DIR>"]),
        ("capture new --root root", &["'--root'"]),
        ("--machine machine capture new", &["'--machine'"]),
    ] {
        let said = said(&stage, &words(line), Stdio::piped);
        assert!(said.starts_with("error: ") && said.matches("error: ").count() == 1, "{line}: {said}");
        for word in says {
            assert!(said.contains(word), "{line}: {word:?} is not in: {said}");
        }
    }
    let mut args = words("plan --only");
    args.push(OsString::from_vec(vec![b'a', 0xff]));
    assert!(said(&stage, &args, Stdio::piped).contains("--only <REGEX>"));
}

#[test]
fn bad_values_of_options() {
    let stage = Stage::new("gen2-onprem");
    stage.write("binary.toml", [0xff, 0xfe]);
    for (line, says) in [
        ("plan --stall soon", &["--stall soon"][..]),
        ("plan --stall 1s", &["--stall 1s", "out of range"]),
        ("plan --stall -5", &["--stall -5"]),
        ("plan --only [", &["--only [", "unclosed character class"]),
        (r"plan --only \w{1000}{1000}", &["--only", "too large"]),
        ("plan --only [é]", &["--only", "Unicode not allowed"]),
        ("explain disk.sheduler", &["disk.sheduler", "did you mean `disk.scheduler`?"]),
        ("plan --config nowhere.toml", &["nowhere.toml", "no such file"]),
        ("plan --config root", &["root", "directory"]),
        ("plan --config binary.toml", &["binary.toml", "UTF-8"]),
    ] {
        is_one_line(&stage, &format!("{HERE} {line}"), says);
    }
}

#[test]
fn bad_roots_and_machines() {
    let stage = Stage::new("gen2-onprem");
    stage.write("file", "");
    for command in [
        "detect",
        "plan",
        "apply",
        "verify",
        "survive",
        "explain",
        "revert",
        "reboot-needed",
        "pending",
        "seal",
    ] {
        is_one_line(&stage, &format!("--root nowhere {command}"), &["nowhere", "no such directory"]);
        is_one_line(
            &stage,
            &format!("--root root --machine nowhere {command}"),
            &["nowhere", "no such directory"],
        );
    }
    // A path of the caller's is not one below a root, which is told with a first slash.
    is_one_line(&stage, "--root usr/nowhere plan", &["--root ./usr/nowhere:"]);
    is_one_line(&stage, "--root root --config etc/nowhere plan", &["reading ./etc/nowhere:"]);
    is_one_line(&stage, "--root file plan", &["file", "directory"]);
    is_one_line(&stage, "--root root --machine file plan", &["file", "directory"]);
    is_one_line(&stage, "compare nowhere", &["nowhere", "no such directory"]);
    is_one_line(&stage, "compare machine file", &["file", "directory"]);
    is_one_line(&stage, "compare root", &["root", "machine.json is missing"]);
    is_one_line(&stage, "capture root", &["root", "not empty"]);
    is_one_line(&stage, "capture file", &["file"]);
    is_one_line(&stage, "capture nowhere/below/that", &["nowhere"]);
}

#[test]
fn a_machine_that_could_not_be_told() {
    let stage = Stage::new("gen2-onprem");
    let says = ["could not tell", "--assume", "--machine"];
    for (command, then) in [
        ("apply", "nothing was written"),
        ("apply --format json", "nothing was written"),
        ("verify", "nothing was verified"),
        ("reboot-needed", ""),
        ("pending", ""),
        ("seal", "nothing was written"),
    ] {
        is_one_line(&stage, &format!("--root root {command}"), &[&says[1..], &[then]].concat());
    }
    // A capture that holds nothing.
    fs::create_dir(stage.0.path().join("empty")).unwrap();
    is_one_line(&stage, "--root root --machine empty apply", &[says[0], "nothing was written"]);
}

#[test]
fn bad_policies() {
    for (text, says) in [
        (&b"stal = \"180s\"\n"[..], &["etc/hvtune.toml:1", "stall"][..]),
        (b"\nrecovery = \"heal\"\n", &["etc/hvtune.toml:2", "self-heal"]),
        (b"off = [\"disk.sheduler\"]\n", &["etc/hvtune.toml:1", "disk.scheduler"]),
        (b"[set]\n\"vm.swapiness\" = 10\n", &["etc/hvtune.toml:2", "vm.swappiness"]),
        (b"[set]\n\"vm.swappiness\" = 1000\n", &["etc/hvtune.toml:2", "200"]),
        (b"stall = \n", &["etc/hvtune.toml:1"]),
        (b"stall = \"\xff\"\n", &["etc/hvtune.toml", "UTF-8"]),
    ] {
        let stage = Stage::new("gen2-onprem");
        stage.write("root/etc/hvtune.toml", text);
        for command in ["plan", "apply", "verify", "revert"] {
            is_one_line(&stage, &format!("{HERE} {command}"), says);
        }
    }
}

#[test]
fn bad_templates() {
    let plain = "{% for item in items %}{% for line in item.lines %}{{ line.key }} = {{ line.value }}\n\
                 {% endfor %}{% endfor %}";
    let stage = Stage::new("gen2-onprem");
    for (text, says) in [
        (plain.replace("{{ line.value }}", "1"), "planned"),
        (plain.replace("{{ line.key }}", "{{ line.nokey }}"), "nokey"),
        (plain.replace("{% endfor %}{% endfor %}", ""), "template"),
        (format!("{plain}kernel.core_pattern = |/bin/sh\n"), "line"),
        (format!("{{% if true %}}{plain}{{% endif %}}"), "if"),
    ] {
        stage.write(&format!("root/{TEMPLATE}"), text);
        for command in ["plan", "apply", "verify"] {
            is_one_line(&stage, &format!("{HERE} {command}"), &["sysctl.conf.tera", says]);
        }
    }
}

#[test]
fn files_that_are_not_ours_to_write() {
    let stage = Stage::new("gen2-onprem");
    stage.does(&format!("{HERE} apply"));
    let path = stage.0.path().join("root").join(SYSCTL);
    let edited = fs::read_to_string(&path).unwrap().replace("vm.swappiness = 10", "vm.swappiness = 1");
    stage.write(&format!("root/{SYSCTL}"), edited);
    is_one_line(&stage, &format!("{HERE} apply"), &[SYSCTL, "edited", "nothing was written"]);
    // `revert` takes back all else, which is a result; the file is named as long as it is there.
    for _ in 0..2 {
        let output = stage.command(&words(&format!("{HERE} revert"))).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.starts_with("hvtune: ") && said.contains(SYSCTL) && said.contains("edited"), "{said}");
        assert!(path.exists());
    }
    let stage = Stage::new("iscsi-single");
    let conf = stage.0.path().join("root/etc/iscsi/iscsid.conf");
    fs::rename(&conf, conf.with_extension("real")).unwrap();
    std::os::unix::fs::symlink("iscsid.real", &conf).unwrap();
    is_one_line(&stage, &format!("{HERE} apply"), &["iscsid.conf", "link"]);
}

#[test]
fn a_result_that_cannot_be_printed() {
    let stage = Stage::new("gen2-onprem");
    let full = || fs::File::options().write(true).open("/dev/full").unwrap().into();
    for line in ["detect", "plan", "verify", "survive", "explain", "--help", "--version"] {
        let line = if line.starts_with('-') { line.to_owned() } else { format!("{HERE} {line}") };
        let said = said(&stage, &words(&line), full);
        assert!(said.starts_with("hvtune: ") && said.contains("standard output"), "{line}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn the_judged_binary_is_a_release() {
    let program = release::hvtune();
    assert!(program.components().any(|part| part.as_os_str() == OsStr::new("release")), "{program:?}");
    let version = Command::new(program).arg("--version").output().unwrap();
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        concat!("hvtune ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
