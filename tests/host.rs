//! The host's half: the script for the host says what `explain host` and `survive` say.
//!
//! The script itself cannot be run here. Its table is made from `src/host.rs` (`BLESS=1` makes it anew), and
//! what it asks for is computed from its own lines and held against the binary's JSON.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

mod fixtures;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use hvtune::host::{Amount, Door, Least, SETTINGS, Setting};
use serde_json::{Value as Json, json};

const BEGIN: &str = "$Settings = @(\n";
const END: &str = ")\n# END settings\n";

fn script() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dist/host/Set-HvtuneHost.ps1")
}

/// The script before its table, the table, and what follows.
fn parts(text: &str) -> (&str, &str, &str) {
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    (before, table, after)
}

fn row(setting: &Setting) -> String {
    let unit = match setting.default {
        Amount::Seconds(_) => "s",
        Amount::Minutes(_) => "min",
        Amount::Word(_) => "",
    };
    let least = match setting.least {
        Least::Budget => "'Budget'".to_owned(),
        Least::BudgetMinutes => "'BudgetMinutes'".to_owned(),
        Least::Is(Amount::Word(word)) => format!("'{word}'"),
        Least::Is(Amount::Seconds(number) | Amount::Minutes(number)) => number.to_string(),
    };
    format!(
        "    @{{ Storage = '{}'; Name = '{}'; Door = '{:?}'; Least = {least}; Unit = '{unit}' }}\n",
        setting.storage, setting.name, setting.door
    )
}

#[test]
fn the_scripts_table_is_made_from_the_one_table() {
    let text = fs::read_to_string(script()).unwrap();
    let (before, table, after) = parts(&text);
    let made: String = SETTINGS.iter().map(row).collect();
    if std::env::var_os("BLESS").is_some() {
        fs::write(script(), format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(table, made, "the table differs (BLESS=1 cargo test --test host makes it anew)");
}

/// `'word'` or a number behind `key = `.
fn field(line: &str, key: &str) -> String {
    let rest = line.split_once(&format!("{key} = ")).unwrap().1;
    let end = rest.find("; ").or_else(|| rest.find(" }")).unwrap();
    rest[..end].trim_matches('\'').to_owned()
}

/// What the script asks for, as its `Get-Least` computes it.
fn asked(table: &str, budget: u64) -> Vec<Json> {
    let row = |line: &str| {
        let least = match field(line, "Least").as_str() {
            "Budget" => json!(budget),
            "BudgetMinutes" => json!(budget.div_ceil(60)),
            other => other.parse::<u64>().map_or(json!(other), |number| json!(number)),
        };
        json!([field(line, "Storage"), field(line, "Name"), least, field(line, "Unit")])
    };
    table.lines().map(row).collect()
}

fn told(rows: &Json) -> Vec<Json> {
    let row = |row: &Json| {
        let unit = row["least"]["unit"].as_str().unwrap_or_default();
        json!([row["storage"], row["setting"], row["least"]["value"], unit])
    };
    rows.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn script_explain_and_survive_ask_for_the_same() {
    let text = fs::read_to_string(script()).unwrap();
    let (_, table, _) = parts(&text);
    let fixture = |name: &str| fixtures::all().into_iter().find(|fixture| fixture.name == name).unwrap();
    let run = |name: &str, args: &[&str]| -> Json {
        let fixture = fixture(name);
        let output = Command::new(env!("CARGO_BIN_EXE_hvtune"))
            .arg("--machine")
            .arg(&fixture.machine)
            .arg("--root")
            .arg(fixture.root())
            .args(args)
            .args(["--format", "json"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    for budget in [30, 180, 181, 3600] {
        let stall = format!("{budget}s");
        let asked = asked(table, budget);
        assert_eq!(asked.len(), SETTINGS.len());
        let explained = run("gen2-onprem", &["--stall", &stall, "explain", "host"]);
        assert_eq!(told(&explained["host"]), asked, "{budget} s");
        let survived = run("gen2-onprem", &["--stall", &stall, "survive"]);
        assert_eq!(told(&survived["host"]), asked, "{budget} s");
        // Nobody sets a host of Azure, and a container has none.
        for name in ["azure-scsi", "container"] {
            assert_eq!(run(name, &["--stall", &stall, "survive"])["host"], json!([]), "{name}");
        }
    }
}

/// Each way to read a setting is also one to set it, and each is written only where it is too low and wanted.
#[test]
fn the_script_knows_every_door() {
    let text = fs::read_to_string(script()).unwrap();
    let (_, _, code) = parts(&text);
    for door in [Door::Vm, Door::Mpio, Door::Disk, Door::Iscsi, Door::Cluster] {
        let name = format!("'{door:?}'");
        for function in ["Get-Now", "Set-Now"] {
            let body = code.split_once(&format!("function {function}(")).unwrap().1;
            let body = body.split_once("\n}\n").unwrap().0;
            assert!(body.contains(&name), "{function} does not know {name}");
        }
    }
    let calls: Vec<&str> = code.lines().filter(|line| line.trim_start().starts_with("Set-Now ")).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let guarded = "if (-not (Test-Enough $Found.Value $Least)) {";
    let inside = code.split_once(guarded).unwrap().1;
    assert!(inside.split_once("Set-Now ").unwrap().0.contains("$Apply -and $PSCmdlet.ShouldProcess("));
    for setting in SETTINGS {
        let named = setting.how.contains(setting.name) || setting.door == Door::Mpio;
        assert!(named, "{} does not name {}", setting.how, setting.name);
    }
    for key in [r"SYSTEM\CurrentControlSet\Services\Disk", r"SYSTEM\CurrentControlSet\Control\Class"] {
        assert!(code.contains(key) && SETTINGS.iter().any(|setting| setting.how.contains(key)), "{key}");
    }
}

/// What is printed can be pasted: no command lowers a default that does for the budget.
#[test]
fn no_printed_command_lowers_a_default_that_does() {
    for budget in [30, 180, 3600] {
        let output = Command::new(env!("CARGO_BIN_EXE_hvtune"))
            .args(["--assume", "hyperv", "--root", env!("CARGO_MANIFEST_DIR"), "--stall"])
            .arg(format!("{budget}s"))
            .args(["explain", "host"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let told: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for setting in SETTINGS {
            let least = setting.least(budget).text();
            let value = least.split(' ').next().unwrap();
            let command = format!("{} {value} ", setting.how);
            let others = SETTINGS.iter().any(|other| {
                other.how == setting.how
                    && other.least(budget) == setting.least(budget)
                    && !other.default_does(budget)
            });
            assert_eq!(
                told.contains(&command),
                !setting.default_does(budget) || others,
                "{command} at {budget} s"
            );
        }
    }
}
