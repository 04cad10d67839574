//! Every JSON document of every fixture is what `dist/schema/` promises, by a real validator.
//!
//! The schemas are made from the types that print; `BLESS=1 cargo test --test schema` makes them anew.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;
#[path = "schema/promised.rs"]
mod promised;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fixtures::Fixture;
use jsonschema::Validator;
use promised::PROMISED;
use serde_json::{Value as Json, json};

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    base().join("dist/schema")
}

fn schema(name: &str) -> Json {
    let path = folder().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The same, with no room for keys of which it does not speak.
fn closed(schema: &mut Json) {
    match schema {
        Json::Object(fields) => {
            fields.values_mut().for_each(closed);
            if fields.get("properties").is_some_and(Json::is_object)
                && !fields.contains_key("additionalProperties")
            {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Json::Array(items) => items.iter_mut().for_each(closed),
        _ => {}
    }
}

fn validator(name: &str) -> Validator {
    let mut schema = schema(name);
    closed(&mut schema);
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// What is run, to what ends: arguments and the schema of what they print.
const RUNS: [(&[&str], &str); 20] = [
    (&["status"], "status"),
    (&["detect"], "detect"),
    (&["plan"], "plan"),
    (&["verify"], "verify"),
    (&["survive"], "survive"),
    (&["explain"], "explain"),
    (&["explain", "disk.timeout"], "explain-one"),
    (&["explain", "queue/scheduler"], "explain-one"),
    (&["explain", "host"], "explain-host"),
    (&["reboot-needed"], "reboot-needed"),
    (&["postmortem", "--log", "tests/incident/i02-iscsi-link-flap/log"], "postmortem"),
    (&["postmortem", "--log", "tests/incident/z01-checkpoint-no-trouble/log"], "postmortem"),
    (&["explain", "no.such"], "error"),
    (&["pending"], "pending"),
    (&["apply"], "apply"),
    (&["pending"], "pending"),
    (&["verify"], "verify"),
    (&["status"], "status"),
    (&["seal"], "seal"),
    (&["revert"], "revert"),
];

fn hvtune(args: &[&str]) -> Output {
    let hvtune =
        Command::new(env!("CARGO_BIN_EXE_hvtune")).args(args).env("SOURCE_DATE_EPOCH", "951782400").output();
    hvtune.unwrap()
}

/// Each document of a fixture, with the name of its schema, on a copy of its root.
fn documents(fixture: &Fixture) -> Vec<(&'static str, Json)> {
    let copy = tempfile::tempdir().unwrap();
    let status = Command::new("cp").arg("-a").arg(fixture.root().join(".")).arg(copy.path()).status();
    assert!(status.unwrap().success());
    let place = ["--root", copy.path().to_str().unwrap(), "--machine", fixture.machine.to_str().unwrap()];
    let document = |(args, schema): (&[&str], &'static str)| {
        let output = hvtune(&[&place[..], args, &["--format", "json"]].concat());
        let told: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{} {args:?}: {error}: {}", fixture.name, String::from_utf8_lossy(&output.stderr))
        });
        assert_eq!(told["command"], args[0], "{}", fixture.name);
        // An error is one by its exit code and by its document, or by neither.
        assert_eq!(output.status.code() == Some(2), told.get("error").is_some(), "{} {args:?}", fixture.name);
        (if told.get("error").is_some() { "error" } else { schema }, told)
    };
    let mut all: Vec<(&'static str, Json)> = RUNS.into_iter().map(document).collect();
    all.push(("compare", compared(fixture)));
    all
}

/// The fixture's machine beside two others, one that gives up soon and one of which not all is known.
fn compared(fixture: &Fixture) -> Json {
    let others = ["vanilla310", "iscsi-multipath"].into_iter().filter(|other| *other != fixture.name);
    let base = base().join("fixtures");
    let others: Vec<PathBuf> = others.map(|other| base.join(other).join("machine")).collect();
    let machines = others.iter().chain([&fixture.machine]).map(|path| path.to_str().unwrap());
    let args: Vec<&str> = ["compare", "--format", "json"].into_iter().chain(machines).collect();
    let output = hvtune(&args);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}: {}",
        fixture.name,
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["command"], "compare");
    told
}

/// Every value of a key, wherever it stands.
fn all<'a>(document: &'a Json, key: &str, found: &mut Vec<&'a Json>) {
    match document {
        Json::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|value| all(value, key, found));
        }
        Json::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

#[test]
fn every_document_of_every_fixture_is_as_promised() {
    let names: BTreeSet<&str> = RUNS.iter().map(|(_, schema)| *schema).chain(["compare"]).collect();
    let validators: BTreeMap<&str, Validator> = names.iter().map(|name| (*name, validator(name))).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for fixture in fixtures::all() {
        for (name, document) in documents(&fixture) {
            let faults: Vec<String> = validators[name]
                .iter_errors(&document)
                .map(|fault| format!("{}: {fault}", fault.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{} {name}: {faults:#?}", fixture.name);
            assert_eq!(document["schema"], 2);
            let mut keys = Vec::new();
            all(&document, "key", &mut keys);
            let different: BTreeSet<&str> = keys.iter().map(|key| key.as_str().unwrap()).collect();
            assert_eq!(
                different.len(),
                keys.len(),
                "{} {name}: two rows have one key: {keys:?}",
                fixture.name
            );
            *seen.entry(name).or_default() += 1;
        }
    }
    for name in names {
        assert!(seen.get(name).is_some_and(|times| *times > 20), "{name}: {seen:?}");
    }
}

/// No limit, and not known, are two things, and neither is 0.
#[test]
fn what_never_ends_is_told_from_what_could_not_be_told() {
    let (mut endless, mut untold, mut bounds) = (0, 0, 0);
    for fixture in fixtures::all() {
        let documents = documents(&fixture);
        let (_, survey) = documents.iter().find(|(name, _)| *name == "survive").unwrap();
        for mount in survey["mounts"].as_array().unwrap() {
            for state in ["now", "after_apply", "after_reboot"] {
                let seconds = &mount[format!("{state}_s")];
                let because = mount["could_not_tell"][state].as_array().unwrap();
                let at_least = mount["at_least"][state].as_bool().unwrap();
                match mount["limit"][state].as_bool() {
                    Some(true) => assert!(seconds.is_u64() && (at_least != because.is_empty()), "{mount}"),
                    Some(false) => assert!(seconds.is_null() && !at_least, "{mount}"),
                    None => assert!(seconds.is_null() && !because.is_empty(), "{mount}"),
                }
                endless += usize::from(mount["limit"][state] == false);
                untold += usize::from(mount["limit"][state].is_null());
                bounds += usize::from(at_least);
            }
        }
    }
    assert!(endless > 20 && untold + bounds > 0, "{endless} endless, {untold} untold, {bounds} lower bounds");
}

/// The validator has teeth: each way to break a good document is seen.
#[test]
fn a_wrong_document_is_refused() {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "iscsi-single").unwrap();
    for (name, document) in documents(&fixture) {
        let validator = validator(name);
        let refused =
            |what: &str, document: &Json| assert!(!validator.is_valid(document), "{name}: {what} is taken");
        for key in document.as_object().unwrap().keys() {
            let mut less = document.clone();
            less.as_object_mut().unwrap().remove(key);
            refused(key, &less);
            let mut odd = document.clone();
            odd[key] = json!([[0.5]]);
            refused(key, &odd);
        }
        let mut more = document.clone();
        more["one_more"] = json!(1);
        refused("one more key", &more);
        if name == "verify" {
            let mut prose = document.clone();
            prose["rows"][0]["expected"] = json!("at least 180");
            refused("a want in words", &prose);
            prose = document.clone();
            prose["rows"][0]["state"] = json!("fine");
            refused("a state that is none", &prose);
        }
    }
}

/// The part of a schema that a reference means, null left out.
fn meant<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    if let Some(name) = schema["$ref"].as_str() {
        return meant(root, &root["$defs"][name.strip_prefix("#/$defs/").unwrap()]);
    }
    let some = |choice: &&Json| choice["type"] != "null";
    schema["anyOf"]
        .as_array()
        .and_then(|any| any.iter().find(some))
        .map_or(schema, |choice| meant(root, choice))
}

/// Whether a key must be there: `disks[].name`.
fn is_promised(root: &Json, path: &str) -> bool {
    let mut at = root;
    path.split('.').all(|step| {
        let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        at = meant(root, at);
        let required = at["required"].as_array().is_some_and(|keys| keys.contains(&json!(name)));
        at = meant(root, &at["properties"][name]);
        if is_list {
            at = &at["items"];
        }
        required && at.is_object()
    })
}

#[test]
fn every_promised_key_must_be_there() {
    let head = [
        "schema",
        "tool_version",
        "command",
        "host_kind",
        "time",
        "root",
        "policy.stall_s",
        "policy.host_holds_s",
        "policy.recovery",
        "policy.off[]",
        "policy.set[].knob",
        "policy.set[].value",
        "policy.set[].origin",
    ];
    for name in RUNS.iter().map(|(_, name)| *name).chain(["compare"]).filter(|name| *name != "error") {
        let schema = schema(name);
        let own = PROMISED.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, keys)| keys);
        for path in head.iter().chain(own) {
            assert!(is_promised(&schema, path), "{name}: {path}");
        }
        assert!(!is_promised(&schema, "schema.x") && !is_promised(&schema, "policy.sets[]"), "{name}");
    }
    for path in ["schema", "tool_version", "command", "error.message", "error.causes[]"] {
        assert!(is_promised(&schema("error"), path), "{path}");
    }
}

/// Usage errors too, wherever the format stands; without it, none is a document.
#[test]
fn an_error_is_a_document_where_json_is_asked_for() {
    let validator = validator("error");
    for (line, command, says, cause) in [
        ("plan --bogus --format json", "plan", "unexpected argument '--bogus'", None),
        ("--bogus plan --format=json", "plan", "unexpected argument '--bogus'", None),
        ("--format json pln", "", "unrecognized subcommand 'pln'", Some("'plan'")),
        ("survive --format json --only", "survive", "--only <REGEX>", None),
        ("detect --format json --root /no/such", "detect", "/no/such", None),
        ("--stall soon --format json verify", "verify", "--stall soon", None),
        ("--format json capture /x", "capture", "--format", None),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let output = hvtune(&args);
        assert_eq!(output.status.code(), Some(2), "{line}");
        let told: Json =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(validator.is_valid(&told), "{line}: {told}");
        assert_eq!(told["command"].as_str().unwrap_or_default(), command, "{line}: {told}");
        assert!(told["error"]["message"].as_str().unwrap().contains(says), "{line}: {told}");
        assert!(
            cause.is_none_or(|cause| told["error"]["causes"].to_string().contains(cause)),
            "{line}: {told}"
        );
        assert!(!output.stderr.is_empty(), "{line}");
    }
    for line in ["plan --bogus", "--bogus --format text plan", "plan --format", "explain no.such"] {
        let output = hvtune(&line.split(' ').collect::<Vec<_>>());
        assert!(output.status.code() == Some(2) && output.stdout.is_empty(), "{line}");
    }
}

#[test]
fn the_time_is_that_of_source_date_epoch_or_now() {
    let time = |epoch: Option<&str>| {
        let mut hvtune = Command::new(env!("CARGO_BIN_EXE_hvtune"));
        hvtune.args(["explain", "--format", "json", "--root", env!("CARGO_MANIFEST_DIR")]);
        hvtune.env_remove("SOURCE_DATE_EPOCH").envs(epoch.map(|epoch| ("SOURCE_DATE_EPOCH", epoch)));
        let told: Json = serde_json::from_slice(&hvtune.output().unwrap().stdout).unwrap();
        told["time"].as_str().unwrap().to_owned()
    };
    assert_eq!(time(Some("951782400")), "2000-02-29T00:00:00Z");
    let date = |ago: &str| {
        let date = Command::new("date").args(["-u", "-d", ago, "+%FT%TZ"]).output().unwrap();
        String::from_utf8(date.stdout).unwrap().trim().to_owned()
    };
    for epoch in [None, Some("yesterday"), Some("-1"), Some("999999999999999")] {
        let (before, said, after) = (date("1 second ago"), time(epoch), date("1 second"));
        assert!(before <= said && said <= after, "{epoch:?}: {before} {said} {after}");
    }
}

/// The schemas in the tree are what the types say, and each document has one.
#[test]
fn the_schemas_are_current() {
    let made = tempfile::tempdir().unwrap();
    let generator = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--bin", "schemas", "--manifest-path"])
        .arg(base().join("generate/Cargo.toml"))
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .arg("--")
        .arg(made.path())
        .output()
        .unwrap();
    assert!(generator.status.success(), "{}", String::from_utf8_lossy(&generator.stderr));
    let files = |dir: &Path| -> BTreeMap<String, String> {
        let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap());
        let read = |entry: fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        };
        entries.map(read).collect()
    };
    let made = files(made.path());
    assert!(made.len() >= 12, "{:?}", made.keys());
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(folder()).unwrap();
        for (name, text) in &made {
            fs::write(folder().join(name), text).unwrap();
        }
    }
    assert!(
        files(&folder()) == made,
        "dist/schema is not current (BLESS=1 cargo test --test schema makes it anew)"
    );
}
