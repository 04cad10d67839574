//! The templates of `dist/packer`, read by Packer itself, and Azure Image Builder's by what its documentation
//! asks of one. `tests/lab/packer` runs the one for QEMU.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

fn dist(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(path)
}

/// How Packer ended, and all that it said.
fn packer(args: &[&str], file: &Path) -> (bool, String) {
    let output = Command::new("packer")
        .args(args)
        .arg(file)
        .current_dir(dist("packer"))
        .env("CHECKPOINT_DISABLE", "1")
        .env("PACKER_CONFIG_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("packer is installed (tests/run does)");
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

const TEMPLATES: [(&str, &[&str]); 3] = [
    ("qemu.pkr.hcl", &["-var", "image_checksum=none"]),
    ("hyperv-iso.pkr.hcl", &[]),
    ("azure-arm.pkr.hcl", &[]),
];

#[test]
fn packer_finds_no_fault() {
    let dir = tempfile::tempdir().unwrap();
    for (name, more) in TEMPLATES {
        let file = dist(&format!("packer/{name}"));
        let (passed, said) = packer(&["fmt", "-check", "-diff"], &file);
        assert!(passed, "{name}: {said}");
        let args = [&["validate", "-var", "hvtune=/bin/true"], more].concat();
        let (passed, said) = packer(&args, &file);
        assert!(passed, "{name}: {said}");
        // The check has teeth.
        let broken = fs::read_to_string(&file).unwrap().replace("inline ", "inlines ");
        let copy = dir.path().join(name);
        fs::write(&copy, broken).unwrap();
        let (passed, said) = packer(&args, &copy);
        assert!(!passed && said.contains("inlines"), "{name}: {said}");
    }
}

/// The commands in the templates name files that are there, and never the directory: each stands alone.
#[test]
fn the_commands_name_one_template_each() {
    let mut named = BTreeSet::new();
    for (name, _) in TEMPLATES {
        let text = fs::read_to_string(dist(&format!("packer/{name}"))).unwrap();
        let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   packer ")).collect();
        assert_eq!(commands.len(), 2, "{name}: {commands:?}");
        for command in commands {
            let file = command.split_whitespace().last().unwrap();
            let wanted = if command.starts_with("build ") { name } else { "plugins.pkr.hcl" };
            assert_eq!(file, wanted, "{name}: {command}");
            assert!(dist(&format!("packer/{file}")).is_file(), "{name}: {command}");
            named.insert(file.to_owned());
        }
    }
    let files = fs::read_dir(dist("packer")).unwrap().map(|entry| entry.unwrap().file_name());
    let files = files.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".pkr.hcl"));
    assert_eq!(named, files.collect());
}

/// Every build ends with the gate, of the machine that is to come.
#[test]
fn every_template_has_its_gate() {
    let azure = ("azure-image-builder/template.json", "azure");
    let packers = [
        ("packer/qemu.pkr.hcl", "hyperv"),
        ("packer/hyperv-iso.pkr.hcl", "hyperv"),
        ("packer/azure-arm.pkr.hcl", "azure"),
    ];
    for (name, kind) in packers.into_iter().chain([azure]) {
        let text = fs::read_to_string(dist(name)).unwrap();
        let at = |verb: &str| {
            text.find(&format!("hvtune --assume {kind} {verb}")).unwrap_or_else(|| panic!("{name}: {verb}"))
        };
        assert!(at("apply") < at("verify"), "{name}");
    }
}

/// <https://learn.microsoft.com/azure/virtual-machines/linux/image-builder-json>: a step has a type, and of
/// `inline` and `scriptUri` exactly one; a file that is fetched has its checksum.
#[test]
fn azure_image_builder_gets_whole_steps() {
    let template: Json =
        serde_json::from_str(&fs::read_to_string(dist("azure-image-builder/template.json")).unwrap())
            .unwrap();
    let properties = &template["resources"][0]["properties"];
    let steps = [&properties["customize"], &properties["validate"]["inVMValidations"]];
    let mut seen = 0;
    for step in steps.iter().flat_map(|steps| steps.as_array().unwrap()) {
        match step["type"].as_str().unwrap() {
            "Shell" => assert!(step["inline"].is_array() != step["scriptUri"].is_string(), "{step}"),
            "File" => assert!(step["sourceUri"].is_string() && step["sha256Checksum"].is_string(), "{step}"),
            other => panic!("{other}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 3);
    assert_eq!(properties["validate"]["continueDistributeOnFailure"], false);
}
