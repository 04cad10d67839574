//! The examples of `dist/` for cloud-init and Ansible, used by those programs themselves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::stage::{Ran, Stage, Suite};

fn dist(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(path)
}

/// Lays a directory of `dist/` into the stage, as it is.
fn lay(stage: &Stage, from: &str, to: &str) {
    let mut found = 0;
    for entry in fs::read_dir(dist(from)).unwrap_or_else(|error| panic!("{from}: {error}")) {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let (from, to) = (format!("{from}/{name}"), format!("{to}/{name}"));
        if entry.path().is_dir() {
            lay(stage, &from, &to);
        } else {
            stage.copy(&to, &entry.path());
        }
        found += 1;
    }
    assert!(found > 0, "{from} is empty");
}

/// The parts of vendor-data beside it, each as a file of its own: `cloud-init schema` looks into no archive.
const PARTS: &str = r#"python3 - <<'X'
import yaml
for part in yaml.safe_load(open("/examples/vendor-data.yaml")):
    name = "vendor-part.yaml" if part["type"] == "text/cloud-config" else part["filename"]
    open(f"/examples/{name}", "w").write(part["content"])
X
mv /examples/vendor-data.yaml /examples/archive"#;

#[test]
fn cloud_init_finds_no_fault_with_user_data_and_vendor_data() {
    let stage = Stage::new(Suite::Tools);
    lay(&stage, "cloud-init", "/examples");
    let checked = |stage: &Stage| {
        let check =
            "for file in /examples/*.yaml; do cloud-init schema -c $file || echo BAD $file; done 2>&1";
        stage.run(&format!("{PARTS}\n{check}")).ok().stdout
    };
    let said = checked(&stage);
    assert_eq!((said.matches("Valid schema").count(), said.contains("BAD")), (2, false), "{said}");
    // The check has teeth: a key that does not exist.
    let text = fs::read_to_string(dist("cloud-init/user-data.yaml")).unwrap();
    stage.put("/examples/user-data.yaml", text.replace("runcmd:", "runcmds:"));
    let said = checked(&stage);
    assert!(said.contains("BAD /examples/user-data.yaml"), "{said}");
}

/// The commands and the policy of the examples are hvtune's: a guest does them one by one, in the order of
/// cloud-init's own configuration.
#[test]
fn a_guest_does_what_the_user_data_says() {
    let stage = Stage::new(Suite::Tools);
    lay(&stage, "cloud-init", "/examples");
    stage.copy("/usr/sbin/hvtune", Path::new(env!("CARGO_BIN_EXE_hvtune")));
    let ran = stage.run(&format!(
        "{PARTS}\n{}",
        r#"chmod 755 /usr/sbin/hvtune
        python3 - <<'X'
import os, subprocess, yaml
config = yaml.safe_load(open("/etc/cloud/cloud.cfg"))
order = sum((config[f"cloud_{stage}_modules"] for stage in ("init", "config", "final")), [])
order = [module if isinstance(module, str) else module[0] for module in order]
said = {"write-files", "runcmd", "bootcmd", "scripts-vendor", "power-state-change"}
assert order.index("bootcmd") < order.index("write-files") < order.index("scripts-vendor"), order
user = yaml.safe_load(open("/examples/user-data.yaml"))
vendor = yaml.safe_load(open("/examples/vendor-part.yaml"))
vendor["scripts-vendor"] = [line.split()[1:] for line in open("/examples/hvtune") if line.startswith("exec ")]
for name, data in ("user-data", user), ("vendor-data", vendor):
    assert {key.replace("_", "-") for key in data} <= said | {"power-state"}, data
    for module in order:
        if module == "write-files":
            for file in data["write_files"]:
                os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
                open(file["path"], "w").write(file["content"])
        for command in data.get(module, []) if module in ("runcmd", "bootcmd", "scripts-vendor") else []:
            done = subprocess.run([command[0], "--assume", "hyperv", *command[1:]], capture_output=True, text=True)
            print(name, command[1:], done.returncode, done.stderr)
    if "power_state" in data:
        condition = data["power_state"]["condition"]
        print(condition[1:], subprocess.run(condition, capture_output=True).returncode)
X
        hvtune --assume hyperv verify -q; echo "verify $?"
        find /etc/udev /usr/lib/udev -name '*hvtune*'"#,
    ));
    let ran = ran.ok();
    for line in ["user-data ['apply'] 0", "vendor-data ['apply'] 0"] {
        assert!(ran.stdout.contains(line), "{line}: {}{}", ran.stdout, ran.stderr);
    }
    let needed = ran.stdout.lines().find(|line| line.starts_with("['reboot-needed'] "));
    assert!(needed.is_some_and(|line| line.ends_with(" 0") || line.ends_with(" 1")), "{}", ran.stdout);
    assert!(ran.stdout.contains("hvtune.rules") && ran.stdout.contains("verify 0"), "{}", ran.stdout);
}

const PLAYBOOK: &str = "- hosts: localhost
  connection: local
  gather_facts: false
  roles:
    - role: hvtune
      vars:
        hvtune_binary: /program
        hvtune_arguments: ['--assume', 'hyperv']
        hvtune_policy: |
          stall = \"200s\"
";

/// A play: its recap, and all that it said.
fn play(ran: &Ran, name: &str) -> (String, String) {
    let (_, rest) = ran.stdout.split_once(&format!("=== {name}\n")).unwrap_or_else(|| {
        panic!("{name}: {}{}", ran.stdout, ran.stderr);
    });
    let text = rest.split_once("=== ").map_or(rest, |(text, _)| text).to_owned();
    let recap = text.lines().find(|line| line.contains("ok=")).unwrap_or_else(|| panic!("{name}: {text}"));
    (recap.to_owned(), text)
}

#[test]
fn the_role_is_clean_and_its_second_run_changes_nothing() {
    let stage = Stage::new(Suite::Tools);
    lay(&stage, "ansible", "/play");
    stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
    stage.put("/play/test.yml", PLAYBOOK);
    let ran = stage.run(
        r#"cd /play; export HOME=/tmp ANSIBLE_LOCAL_TEMP=/tmp/a ANSIBLE_NOCOLOR=1 LC_ALL=C.UTF-8
        ansible-lint --offline roles guests.yml >/tmp/lint 2>&1; echo "lint $?"
        play() { echo "=== $1"; shift; ansible-playbook -i localhost, test.yml "$@" 2>&1 || echo "FAILED $?"; }
        install -m 755 /program /usr/sbin/hvtune
        before=$(find /etc /usr/lib -name '*hvtune*')
        play foreseen --check --diff
        [ "$before" = "$(find /etc /usr/lib -name '*hvtune*')" ] && echo "nothing written" >&2
        play first
        play second
        play seen --check --diff
        echo "=== hvtune"
        printf 'stall = "200s"\n' >/etc/hvtune.toml
        hvtune --assume hyperv verify -q; echo "verify $?"
        hvtune --assume hyperv revert -q
        hvtune --assume hyperv plan --diff
        cat /tmp/lint >&2"#,
    );
    let ran = ran.ok();
    assert!(ran.stdout.starts_with("lint 0\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing written"), "{}", ran.stderr);
    let changed = |name: &str| {
        let (recap, text) = play(&ran, name);
        assert!(recap.contains("failed=0") && !text.contains("FAILED"), "{name}: {text}");
        let (_, rest) = recap.split_once("changed=").unwrap();
        rest.split(' ').next().unwrap().parse::<u32>().unwrap()
    };
    // The policy and the plan, which the second time are as they should be.
    assert_eq!([changed("foreseen"), changed("first"), changed("second"), changed("seen")], [2, 2, 0, 0]);
    // What check mode shows is what hvtune shows.
    let (_, foreseen) = play(&ran, "foreseen");
    let (_, own) = ran.stdout.split_once("=== hvtune\n").unwrap();
    let added = own.lines().filter(|line| line.starts_with('+') && line.len() > 8);
    let missing: Vec<&str> = added
        .clone()
        .filter(|line| !foreseen.contains(&line.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    assert!(added.count() > 20 && missing.is_empty(), "{missing:#?}\n{foreseen}");
    assert!(own.starts_with("verify 0\n") || own.starts_with("verify 3\n"), "{own}");
}
