//! The boot units as systemd judges them: they parse, and the one that writes may do little.

use std::path::{Path, PathBuf};

use crate::stage::{Stage, Suite};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dist/hvtune.service");

/// Every unit that is shipped.
fn all() -> Vec<PathBuf> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist");
    let entries = std::fs::read_dir(dist).unwrap().map(|entry| entry.unwrap().path());
    let unit = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "service" || kind == "timer");
    entries.filter(unit).collect()
}

/// The exposure that `systemd-analyze security` gives, in tenths.
fn exposure(suite: Suite, unit: &Path) -> u32 {
    let stage = Stage::new(suite);
    stage.copy("/etc/systemd/system/hvtune.service", unit);
    let ran = stage
        .run("systemd-analyze security --offline=yes --no-pager /etc/systemd/system/hvtune.service 2>&1");
    let said = ran.ok().stdout;
    let (_, figure) = said.split_once("exposure level for hvtune.service: ").expect(&said);
    let figure = figure.split_whitespace().next().unwrap_or_default();
    figure.replace('.', "").parse().expect(&said)
}

#[test]
fn the_writing_unit_may_do_little() {
    let temp = tempfile::tempdir().unwrap();
    let bare = temp.path().join("bare.service");
    let whole = std::fs::read_to_string(UNIT).unwrap();
    let kept = ["[", "DefaultDependencies", "Type", "ExecStart"];
    let lines = whole.lines().filter(|line| kept.iter().any(|start| line.starts_with(start)));
    std::fs::write(&bare, lines.collect::<Vec<_>>().join("\n")).unwrap();
    for suite in Suite::ALL {
        let (ours, bare) = (exposure(suite, Path::new(UNIT)), exposure(suite, &bare));
        println!("{suite:?}: exposure {ours} tenths, {bare} without a sandbox");
        assert!(ours <= 15, "{suite:?}: {ours} tenths");
        assert!(bare > 80, "{suite:?}: what is measured is not the sandbox: {bare} tenths");
    }
}

#[test]
fn systemd_reads_every_line_of_them() {
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        let units = all();
        assert_eq!(units.len(), 8);
        for unit in &units {
            let name = unit.file_name().unwrap().to_str().unwrap();
            stage.copy(&format!("/etc/systemd/system/{name}"), unit);
        }
        stage.copy("/usr/sbin/hvtune", Path::new("/bin/true"));
        let ran = stage.run(
            "chmod 755 /usr/sbin/hvtune; cd /etc/systemd/system; systemd-analyze verify --man=no hvtune* 2>&1",
        );
        assert_eq!(ran.ok().stdout, "", "{suite:?}");
    }
}

/// What writes files may do more than what only looks.
#[test]
fn what_looks_may_do_as_little() {
    for suite in Suite::ALL {
        for unit in all().iter().filter(|unit| unit.to_str().unwrap().ends_with(".service")) {
            let name = unit.file_name().unwrap().to_str().unwrap();
            let figure = exposure(suite, unit);
            println!("{suite:?}: {name}: exposure {figure} tenths");
            let most = if name == "hvtune-activate.service" { 65 } else { 20 };
            assert!(figure <= most, "{suite:?}: {name}: {figure} tenths");
        }
    }
}
