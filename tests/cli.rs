//! The command line as a contract: exit codes, JSON keys, streams, help.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "cli/edits.rs"]
mod edits;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/others.rs"]
mod others;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn hvtune(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hvtune")).args(args).output().unwrap()
}

/// With the machine and a copy of the root of a fixture.
struct Stage {
    machine: PathBuf,
    root: tempfile::TempDir,
}

impl Stage {
    fn new(name: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let from = fixture(name).join("root/.");
        assert!(Command::new("cp").arg("-a").arg(from).arg(root.path()).status().unwrap().success());
        Self { machine: fixture(name).join("machine"), root }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut all =
            vec!["--machine", self.machine.to_str().unwrap(), "--root", self.root.path().to_str().unwrap()];
        all.extend(args);
        hvtune(&all)
    }

    /// Nobody here makes the boot menu anew, for which an argument of ours would wait.
    fn makes_no_menu(&self) {
        self.write("etc/hvtune.toml", "off = [\"boot.udev_event\"]\n");
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn json(&self, args: &[&str]) -> Json {
        let mut args = args.to_vec();
        args.extend(["--format", "json"]);
        serde_json::from_slice(&self.run(&args).stdout).unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// One line, from us, and nothing on standard output.
#[track_caller]
fn is_trouble(output: &Output, says: &[&str]) {
    let said = stderr(output);
    assert_eq!(code(output), 2, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("hvtune: "), "{said}");
    for word in says {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert!(output.stdout.is_empty());
}

/// What clap says of a wrong word: one error that names it, on standard error alone.
#[track_caller]
fn is_wrong_usage(output: &Output, says: &[&str]) {
    let said = stderr(output);
    assert_eq!(code(output), 2, "{said}");
    assert!(said.starts_with("error: ") && said.matches("error: ").count() == 1, "{said}");
    assert!(said.ends_with("For more information, try '--help'.\n"), "{said}");
    for word in says {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert!(output.stdout.is_empty() && !said.contains('\x1b'), "{said}");
}

#[test]
fn help_into_a_closed_pipe_is_no_trouble_and_onto_a_full_disk_is() {
    for args in [&["--help"][..], &["plan", "--help"], &["--version"]] {
        let to = |stdout: Stdio| {
            Command::new(env!("CARGO_BIN_EXE_hvtune")).args(args).stdout(stdout).output().unwrap()
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let closed = to(writer.into());
        assert_eq!((code(&closed), stderr(&closed).as_str()), (0, ""), "{args:?}");
        let full = to(fs::File::options().write(true).open("/dev/full").unwrap().into());
        is_trouble(&full, &["standard output", "No space left"]);
    }
}

#[test]
fn wrong_usage_is_two() {
    for args in [
        &["frobnicate"][..],
        &["plan", "--format", "yaml"],
        &["plan", "--assume", "vmware"],
        &["plan", "--assume", "hyperv", "--machine", "/tmp"],
        &["plan", "--stall"],
    ] {
        let output = hvtune(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn bad_words_are_one_clear_error() {
    let stage = Stage::new("gen2-onprem");
    is_trouble(&stage.run(&["plan", "--stall", "soon"]), &["--stall soon"]);
    is_trouble(&stage.run(&["plan", "--stall", "1s"]), &["--stall 1s"]);
    is_trouble(&stage.run(&["plan", "--only", "["]), &["--only [", "unclosed character class"]);
    is_trouble(&stage.run(&["plan", "--only", r"\w{1000}{1000}"]), &["--only", "too large"]);
    is_wrong_usage(
        &stage.run(&["plan", "--format", "prometheus"]),
        &["'prometheus'", "[possible values: text, json]"],
    );
    is_wrong_usage(&hvtune(&["plna"]), &["'plna'", "'plan'"]);
    is_wrong_usage(&stage.run(&["plan", "--stal", "9s"]), &["'--stal'", "'--stall'"]);
    is_trouble(&stage.run(&["explain", "disk.sheduler"]), &["disk.sheduler"]);
    is_trouble(&stage.run(&["plan", "--config", "/nonexistent.toml"]), &["/nonexistent.toml"]);
    is_trouble(&hvtune(&["--root", "/nonexistent", "plan"]), &["/nonexistent"]);
    is_trouble(&hvtune(&["--machine", "/nonexistent", "detect"]), &["/nonexistent"]);
}

#[test]
fn a_bad_policy_is_two_and_nothing_is_written() {
    for (text, says) in [
        ("stal = \"180s\"\n", &["etc/hvtune.toml:1", "stall"][..]),
        ("\nrecovery = \"heal\"\n", &["etc/hvtune.toml:2", "self-heal"]),
        ("off = [\"disk.sheduler\"]\n", &["etc/hvtune.toml:1", "disk.scheduler"]),
        ("[set]\n\"vm.swapiness\" = 10\n", &["etc/hvtune.toml:2", "vm.swappiness"]),
        ("[set]\n\"vm.swappiness\" = 1000\n", &["etc/hvtune.toml:2", "200"]),
        ("stall = \n", &["etc/hvtune.toml:1"]),
    ] {
        let stage = Stage::new("gen2-onprem");
        stage.write("etc/hvtune.toml", text);
        is_trouble(&stage.run(&["apply"]), says);
        assert!(!stage.root.path().join("usr/lib/sysctl.d/90-hvtune.conf").exists(), "{text}");
    }
}

#[test]
fn drop_ins_and_stall_have_their_order() {
    let stage = Stage::new("gen2-onprem");
    let stall = |stage: &Stage, args: &[&str]| {
        let mut all = vec!["plan"];
        all.extend(args);
        let plan = stage.json(&all);
        let rows = plan["settings"].as_array().unwrap();
        let row = rows.iter().find(|row| row["knob"] == "kernel.hung_task_timeout_secs").unwrap();
        assert_eq!((&row["want"]["op"], &row["want"]["unit"]), (&">=".into(), &"s".into()));
        row["want"]["value"].as_u64().unwrap()
    };
    assert_eq!(stall(&stage, &[]), 240);
    stage.write("usr/lib/hvtune/10-vendor.toml", "stall = \"120s\"\n");
    assert_eq!(stall(&stage, &[]), 180);
    stage.write("etc/hvtune.toml", "stall = \"4min\"\n");
    assert_eq!(stall(&stage, &[]), 300);
    stage.write("etc/hvtune.toml.d/50-site.toml", "stall = \"600s\"\n");
    assert_eq!(stall(&stage, &[]), 660);
    assert_eq!(stall(&stage, &["--stall", "300s"]), 360);
}

#[test]
fn detect_has_its_keys() {
    let found = Stage::new("azure-scsi").json(&["detect"]);
    assert_eq!(found["schema"], 2);
    assert_eq!(found["hypervisor"]["kind"], "hyperv");
    assert_eq!(found["hypervisor"]["azure"], true);
    assert_eq!(found["hypervisor"]["generation"], 2);
    assert_eq!(found["system"]["os"]["id"], "ubuntu");
    assert_eq!(found["system"]["bootloader"], "debian-grub");
    assert!(found["gaps"].as_array().unwrap().is_empty());
    let disks = found["disks"].as_array().unwrap();
    let disk = |name: &str| disks.iter().find(|disk| disk["name"] == name).unwrap();
    assert_eq!(disk("sda")["class"], "storvsc-scsi");
    assert!(disk("sda")["roles"].as_array().unwrap().contains(&Json::from("root")));
    assert!(disk("sdb")["roles"].as_array().unwrap().contains(&Json::from("azure-temporary")));
}

#[test]
fn machines_that_are_no_guests_are_told() {
    for (name, kind) in [
        ("root-partition", "hyperv-root"),
        ("wsl2", "wsl"),
        ("container", "container"),
        ("kvm-enlightened", "kvm"),
        ("surface", "none"),
    ] {
        let stage = Stage::new(name);
        let found = stage.json(&["detect"]);
        assert_eq!(found["hypervisor"]["kind"], kind, "{name}");
        assert!(!found["hypervisor"]["evidence"].as_array().unwrap().is_empty(), "{name}");
        let applied = stage.run(&["apply"]);
        assert_eq!(code(&applied), 0, "{name}");
        assert!(stderr(&applied).contains("nothing to do"), "{name}: {}", stderr(&applied));
    }
}

#[test]
fn plan_has_its_keys() {
    let plan = Stage::new("iscsi-single").json(&["plan"]);
    let setting =
        plan["settings"].as_array().unwrap().iter().find(|row| row["id"] == "disk.timeout").unwrap();
    for key in ["id", "knob", "target", "because"] {
        assert!(setting[key].is_string(), "{key}");
    }
    assert_eq!(setting["want"], serde_json::json!({"op": ">=", "value": 180, "unit": "s"}));
    assert!(setting["sources"][0].as_str().unwrap().starts_with("https://"));
    let change = &plan["changes"][0];
    assert_eq!(change["action"], "create");
    assert!(change["diff"].as_str().unwrap().starts_with("--- /dev/null\n+++ b/usr/lib/"));
    let abstained = &plan["abstained"][0];
    assert!(abstained["id"].is_string() && abstained["kind"].is_string() && abstained["because"].is_string());
    assert!(plan["contenders"].is_array() && plan["pending"].is_array());
}

#[test]
fn plan_exit_code_tells_whether_anything_would_change() {
    let stage = Stage::new("gen2-onprem");
    stage.makes_no_menu();
    assert_eq!(code(&stage.run(&["plan"])), 0);
    assert_eq!(code(&stage.run(&["plan", "--exit-code"])), 1);
    assert_eq!(code(&stage.run(&["apply"])), 0);
    assert_eq!(code(&stage.run(&["plan", "--exit-code"])), 0);
    assert_eq!(code(&stage.run(&["verify"])), 0);
    assert_eq!(code(&stage.run(&["--stall", "300s", "plan", "--exit-code"])), 1);
    assert_eq!(code(&stage.run(&["--stall", "300s", "verify"])), 1);
}

#[test]
fn an_offline_root_alone_is_not_enough() {
    let stage = Stage::new("gen2-onprem");
    let root = stage.root.path().to_str().unwrap();
    let plan = hvtune(&["--root", root, "plan"]);
    assert_eq!(code(&plan), 0);
    assert!(String::from_utf8_lossy(&plan.stdout).contains("--assume"));
    is_trouble(&hvtune(&["--root", root, "apply"]), &["--assume", "--machine", "nothing was written"]);
    is_trouble(&hvtune(&["--root", root, "reboot-needed"]), &["--assume"]);
    assert_eq!(code(&hvtune(&["--root", root, "--assume", "hyperv", "apply"])), 0);
}

#[test]
fn an_edited_file_of_ours_is_a_conflict_and_kept() {
    let stage = Stage::new("gen2-onprem");
    assert_eq!(code(&stage.run(&["apply"])), 0);
    let path = stage.root.path().join("usr/lib/sysctl.d/90-hvtune.conf");
    let edited = fs::read_to_string(&path).unwrap().replace("vm.swappiness = 10", "vm.swappiness = 1");
    fs::write(&path, &edited).unwrap();
    let plan = stage.json(&["plan"]);
    assert_eq!(plan["changes"][0]["action"], "conflict");
    is_trouble(&stage.run(&["apply"]), &["edited", "nothing was written"]);
    assert_eq!(code(&stage.run(&["verify"])), 1);
    let reverted = stage.run(&["revert", "-q"]);
    assert_eq!(code(&reverted), 1);
    assert!(stderr(&reverted).contains("usr/lib/sysctl.d/90-hvtune.conf: it was edited"));
    assert_eq!(fs::read_to_string(&path).unwrap(), edited);
}

#[test]
fn reboot_needed_is_no_where_nothing_waits_for_a_boot() {
    let stage = Stage::new("gen2-onprem");
    assert_eq!(code(&stage.run(&["apply"])), 0);
    assert_eq!(code(&stage.run(&["reboot-needed"])), 1);
}

#[test]
fn explain_knows_ids_and_knobs() {
    let stage = Stage::new("gen2-onprem");
    let all = stage.json(&["explain"]);
    assert!(all["tunables"].as_array().unwrap().len() >= 15);
    for name in ["disk.timeout", "device/timeout"] {
        let one = stage.json(&["explain", name]);
        assert_eq!(one["id"], "disk.timeout");
        assert_eq!(one["here"][0]["kind"], "already-right");
    }
    let text = String::from_utf8(stage.run(&["explain", "vm.swappiness"]).stdout).unwrap();
    for part in ["Why", "Here", "What would change it", "Sources", "https://"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn only_shows_less_and_decides_the_same() {
    let stage = Stage::new("iscsi-multipath");
    let some = String::from_utf8(stage.run(&["plan", "--only", r"^vm\.\w+"]).stdout).unwrap();
    assert!(some.contains("vm.swappiness") && !some.contains("disk.timeout"), "{some}");
    let all = stage.json(&["plan"]);
    let less = stage.json(&["plan", "--only", "nothing-at-all"]);
    assert_eq!(all["changes"], less["changes"]);
    assert_eq!(less["settings"], Json::Array(Vec::new()));
    let disks = stage.json(&["detect", "--only", "^iscsi$"]);
    assert!(disks["disks"].as_array().unwrap().iter().all(|disk| disk["class"] == "iscsi"));
}

#[test]
fn verify_speaks_prometheus() {
    let stage = Stage::new("gen2-onprem");
    let text = String::from_utf8(stage.run(&["verify", "--format", "prometheus"]).stdout).unwrap();
    assert!(text.contains("hvtune_verify_rows{state=\"differs\"} "), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(line.starts_with("hvtune_") && (value == "+Inf" || value.parse::<u64>().is_ok()), "{line}");
    }
}

#[test]
fn a_replaced_template_must_carry_the_same() {
    let stage = Stage::new("gen2-onprem");
    stage.makes_no_menu();
    let template = "etc/hvtune/templates/sysctl.conf.tera";
    let plain = "# our site's own words\n{% for item in items %}{% for line in item.lines %}\
                 {{ line.key }} = {{ line.value }}\n{% endfor %}{% endfor %}";
    stage.write(template, plain);
    assert_eq!(code(&stage.run(&["apply"])), 0);
    let written = fs::read_to_string(stage.root.path().join("usr/lib/sysctl.d/90-hvtune.conf")).unwrap();
    assert!(written.contains("our site's own words") && written.contains("\nvm.swappiness = 10\n"));
    assert_eq!(code(&stage.run(&["verify"])), 0);
    for (bad, says) in [
        (plain.replace("{{ line.value }}", "1"), "planned"),
        (format!("{plain}vm.swappiness = 10\n"), "planned"),
        (plain.replace("{{ line.key }}", "{{ line.nokey }}"), "nokey"),
        (plain.replace("{% endfor %}{% endfor %}", ""), "template"),
        (format!("{plain}kernel.core_pattern = |/bin/sh\n"), "line"),
    ] {
        stage.write(template, &bad);
        is_trouble(&stage.run(&["plan"]), &["sysctl.conf.tera", says]);
    }
}

#[test]
fn no_rule_fights_the_azure_agent() {
    let stage = Stage::new("azure-scsi");
    let plan = stage.json(&["plan"]);
    let settings = plan["settings"].as_array().unwrap();
    assert!(settings.iter().all(|setting| setting["knob"] != "device/timeout"), "{settings:#?}");
    stage.write("etc/hvtune.toml", "[set]\n\"waagent.root_device_timeout\" = 600\n");
    let before = fs::read_to_string(stage.root.path().join("etc/waagent.conf")).unwrap();
    assert_eq!(code(&stage.run(&["apply"])), 0);
    let after = fs::read_to_string(stage.root.path().join("etc/waagent.conf")).unwrap();
    assert_eq!(after, before.replace("ScsiTimeout=300", "ScsiTimeout=600"));
    assert_eq!(code(&stage.run(&["revert"])), 0);
    assert_eq!(fs::read_to_string(stage.root.path().join("etc/waagent.conf")).unwrap(), before);
}

#[test]
fn survive_answers_and_narrows() {
    let stage = Stage::new("iscsi-single");
    let survey = stage.json(&["survive"]);
    assert_eq!((&survey["schema"], &survey["budget_s"]), (&Json::from(2), &Json::from(180)));
    let mounts = survey["mounts"].as_array().unwrap();
    let data = mounts.iter().find(|mount| mount["mount"] == "/data").unwrap();
    // The incident of the lab: 5 + 5 + 120 s.
    assert_eq!(data["now_s"], 130);
    assert!(data["breaks_first"].as_str().unwrap().contains("replacement_timeout 120"), "{data}");
    assert_eq!(data["stack"], serde_json::json!(["ext4", "sdb", "iSCSI session1"]));
    let root = mounts.iter().find(|mount| mount["mount"] == "/").unwrap();
    assert!(root["now_s"].is_null() && root["breaks_first"].is_null(), "{root}");
    assert_eq!((&root["limit"]["now"], &data["limit"]["now"]), (&false.into(), &true.into()));
    let longer = stage.json(&["survive", "--stall", "300s", "--only", "^/data$"]);
    assert_eq!(longer["budget_s"], 300);
    assert_eq!(longer["mounts"].as_array().unwrap().len(), 1);
    // The root of this stage is a directory, and the journal is that of the running system.
    let journal = stage.run(&["verify", "--format", "journal"]);
    let said = String::from_utf8(journal.stderr).unwrap();
    assert_eq!((journal.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(said.contains("--format journal: it goes to the journal of the running system"), "{said}");
    is_wrong_usage(&stage.run(&["survive", "--format", "prometheus"]), &["'prometheus'", "html]"]);
    is_wrong_usage(&stage.run(&["plan", "--format", "html"]), &["'html'", "[possible values: text, json]"]);
    is_trouble(&stage.run(&["survive", "--only", "("]), &["--only"]);
}

#[test]
fn the_page_fetches_nothing_and_no_string_leaves_its_place() {
    let stage = Stage::new("iscsi-single");
    // A mount point may be any text.
    let machine = tempfile::tempdir().unwrap();
    let from = stage.machine.join(".");
    assert!(Command::new("cp").arg("-a").arg(from).arg(machine.path()).status().unwrap().success());
    let mounts = machine.path().join("proc/self/mountinfo");
    let text =
        fs::read_to_string(&mounts).unwrap().replace(" /data ", " /<script>alert('1\")</script>&amp; ");
    fs::write(&mounts, text).unwrap();
    let root = stage.root.path().to_str().unwrap();
    let args = ["--root", root, "--machine", machine.path().to_str().unwrap(), "survive", "--format", "html"];
    let output = hvtune(&args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("<svg ").count(), 4, "{page}");
    assert!(page.contains("/&lt;script&gt;alert(&#39;1&quot;)&lt;/script&gt;&amp;amp;"), "{page}");
    // Links lead from the summary to a place in the page, and nowhere else.
    assert_eq!(page.matches("href=\"#m").count(), page.matches("href=").count(), "{page}");
    for fetches in ["<script", "src=", "url(", "@import", "http://", "https://", "<link", "<img"] {
        assert!(!page.contains(fetches), "{fetches}");
    }
}

#[test]
fn on_this_very_machine_nothing_is_written() {
    let detected = hvtune(&["detect", "--format", "json"]);
    let found: Json = serde_json::from_slice(&detected.stdout).unwrap();
    if found["hypervisor"]["kind"] == "hyperv" {
        // On a Hyper-V guest apply has work to do; a plan shows it and writes nothing.
        assert_eq!(code(&hvtune(&["plan"])), 0);
        return;
    }
    let applied = hvtune(&["apply"]);
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    assert!(stderr(&applied).contains("nothing to do"));
    assert!(!Path::new("/etc/sysctl.d/90-hvtune.conf").exists());
}
