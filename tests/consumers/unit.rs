//! The boot units as systemd judges them: they parse, and the one that writes may do little.

use std::path::Path;

use crate::stage::{Stage, Suite};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dist/hvtune.service");
const ACTIVATING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dist/hvtune-activate.service");

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
        stage.copy("/etc/systemd/system/hvtune.service", Path::new(UNIT));
        stage.copy("/etc/systemd/system/hvtune-activate.service", Path::new(ACTIVATING));
        stage.copy("/usr/sbin/hvtune", Path::new("/bin/true"));
        let ran = stage.run(
            "chmod 755 /usr/sbin/hvtune; systemd-analyze verify --man=no hvtune.service hvtune-activate.service 2>&1",
        );
        assert_eq!(ran.ok().stdout, "", "{suite:?}");
    }
}
