//! Labels of `SELinux` that apply sets in a root with a policy, whatever stands in that policy. That they are
//! libselinux's own is shown in `tests/consumers/labels.rs`. Runs as root.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

const RULES: &str = "usr/lib/udev/rules.d/90-hvtune.rules";
const CONTEXTS: &str = "etc/selinux/targeted/contexts/files/file_contexts";
const POLICY: &str = "/.*\tsystem_u:object_r:default_t:s0\n/usr(/.*)?\tsystem_u:object_r:usr_t:s0\n\
                      /usr/lib/udev/rules\\.d(/.*)?\tsystem_u:object_r:udev_rules_t:s0\n\
                      /var/lib(/.*)?\tsystem_u:object_r:var_lib_t:s0\n";

struct Root(tempfile::TempDir);

impl Root {
    /// With a policy of this text.
    fn with(policy: &str) -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        root.put("etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
        root.put(CONTEXTS, policy);
        root
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a command to its exit code; what it prints as a document.
    #[track_caller]
    fn run(&self, command: &str, code: i32) -> Json {
        let mut hvtune = Command::new(env!("CARGO_BIN_EXE_hvtune"));
        hvtune.arg("--root").arg(self.0.path()).args(["--assume", "hyperv", "--format", "json"]);
        let output = hvtune.args(command.split(' ')).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{command}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn label(&self, path: &str) -> Option<String> {
        let mut label = [0_u8; 256];
        let length = rustix::fs::getxattr(self.0.path().join(path), "security.selinux", &mut label).ok()?;
        Some(String::from_utf8(label[..length].to_vec()).unwrap())
    }
}

/// Why a relabel is pending, where one is.
fn relabel(document: &Json) -> Option<String> {
    let steps = document["pending"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == "relabel")?;
    assert!(step["command"].is_null(), "nothing is to be run on the host of an image: {step}");
    Some(step["because"].as_str().unwrap().to_owned())
}

#[test]
fn what_is_made_has_the_label_of_its_path() {
    for command in ["apply", "apply --layer"] {
        let root = Root::with(POLICY);
        assert_eq!(relabel(&root.run(command, 0)), None);
        let of = |path: &str| root.label(path).unwrap_or_default();
        assert_eq!(of(RULES), "system_u:object_r:udev_rules_t:s0\0");
        assert_eq!(of("usr/lib/udev/rules.d"), "system_u:object_r:udev_rules_t:s0\0");
        assert_eq!(of("usr/lib/sysctl.d"), "system_u:object_r:usr_t:s0\0");
        let record = if command == "apply" {
            "var/lib/hvtune/made-directories"
        } else {
            "usr/lib/hvtune/made-directories"
        };
        assert!(of(record).ends_with("_t:s0\0"), "{command}: {}", of(record));
        assert_eq!(relabel(&root.run("pending", 1)), None);
        root.run("revert", 0);
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_label_and_a_wrong_one_is_named() {
    let root = Root::with(POLICY);
    root.run("apply", 0);
    let other = "unconfined_u:object_r:udev_rules_t:s0\0";
    let set = |label: &str| {
        let path = root.0.path().join(RULES);
        rustix::fs::setxattr(path, "security.selinux", label.as_bytes(), rustix::fs::XattrFlags::empty())
            .unwrap();
    };
    set(other);
    root.put("etc/hvtune.toml", "stall = \"300s\"\n[set]\n\"queue/read_ahead_kb\" = 4096\n");
    root.run("apply", 0);
    assert_eq!(root.label(RULES).as_deref(), Some(other));
    // The type is what a policy goes by.
    assert_eq!(relabel(&root.run("pending", 1)), None);
    set("system_u:object_r:unlabeled_t:s0\0");
    let because = relabel(&root.run("pending", 1)).unwrap();
    assert!(because.contains(RULES) && because.contains("/.autorelabel"), "{because}");
}

#[test]
fn without_a_policy_nothing_is_labelled_or_pending() {
    for (config, policy) in [
        ("SELINUX=disabled\nSELINUXTYPE=targeted\n", Some(POLICY)),
        ("SELINUX=enforcing\nSELINUXTYPE=other\n", Some(POLICY)),
        ("SELINUX=enforcing\nSELINUXTYPE=../targeted\n", Some(POLICY)),
        ("", None),
    ] {
        let root = Root::with(policy.unwrap_or_default());
        root.put("etc/selinux/config", config);
        assert_eq!(relabel(&root.run("apply", 0)), None, "{config}");
        assert_eq!(root.label(RULES), None, "{config}");
    }
}

/// What cannot be read or understood takes bounded time, and is said.
#[test]
fn a_policy_that_cannot_be_understood_is_a_pending_relabel() {
    let heavy = "/usr/lib/(a{1,200}){1,200}.*\tx\n".repeat(50_000);
    let many = "/usr/.*(a|b)*c\tx\n".repeat(100_000);
    let large = format!("# {}\n", "x".repeat(5 << 20));
    for (policy, says) in [
        (heavy.as_str(), "too large"),
        (many.as_str(), "more than"),
        (large.as_str(), "larger than"),
        ("/usr\n", "line 1"),
        ("/usr/(?=x).*\tx\n", "the pattern"),
    ] {
        let root = Root::with(policy);
        let began = Instant::now();
        let because = relabel(&root.run("apply", 0)).unwrap();
        assert!(because.contains(says), "{because}");
        assert!(began.elapsed() < Duration::from_secs(20), "{says}: {:?}", began.elapsed());
        assert!(root.0.path().join(RULES).is_file());
    }
}

#[test]
fn no_policy_outside_of_the_root_is_read() {
    let outside = tempfile::tempdir().unwrap();
    let policy = outside.path().join("policy");
    fs::write(&policy, "/.*\tsystem_u:object_r:canary_t:s0\n").unwrap();
    for link in [policy.clone(), Path::new("../".repeat(20).as_str()).join(policy.strip_prefix("/").unwrap())]
    {
        let root = Root::with("");
        fs::remove_file(root.0.path().join(CONTEXTS)).unwrap();
        symlink(&link, root.0.path().join(CONTEXTS)).unwrap();
        root.run("apply", 0);
        assert_eq!(root.label(RULES), None, "{}", link.display());
    }
}
