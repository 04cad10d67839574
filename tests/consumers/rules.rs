//! Which lines of other people's rules udev takes, and which it drops.

use std::fmt::Write;

use hvtune::formats::udev::{Key, Rule, read};

use crate::chains::{A, Deed, deeds, hide, storvsc};
use crate::stage::{Stage, Suite};

/// Lines, each with a write of its own put to its end where `&` does not say where; which of them udev
/// takes is what the reader says it takes. `?` before those on which versions differ.
const LINES: &[&str] = &[
    r#"KERNEL=="sd*""#,
    r#"KERNEL="sda""#,
    r#"KERNEL+="sda""#,
    r#"KERNEL{x}=="sd*""#,
    r#"ACTION=="add""#,
    r#"ACTION:="add""#,
    r#"DRIVER!="x""#,
    r#"ATTR{}=="1""#,
    r#"ATTR=="1""#,
    r#"ATTR{x}-="1""#,
    r#"ATTR{hvx}+="1""#,
    r#"ATTR{hvx}:="1""#,
    r#"ATTRS{x}="1""#,
    r#"ENV{X}="1""#,
    r#"ENV{X}-="1""#,
    r#"ENV{X}:="1""#,
    r#"ENV{DEVTYPE}="disk""#,
    r#"ENV{DEVNAME}="disk""#,
    r#"ENV="x""#,
    r#"CONST{arch}!="x""#,
    r#"CONST{foo}!="x""#,
    r#"TAG+="t""#,
    r#"TAG-="t""#,
    r#"TAG:="t""#,
    r#"SYMLINK+="t""#,
    r#"?SYMLINK-="t""#,
    r#"NAME="%k""#,
    r#"NAME="""#,
    r#"NAME="x""#,
    r#"OWNER="nobodyatall""#,
    r#"OWNER=="root""#,
    r#"GROUP-="disk""#,
    r#"MODE="x""#,
    r#"MODE+="0600""#,
    r#"SECLABEL{x}="y""#,
    r#"SECLABEL="y""#,
    r#"OPTIONS+="watch""#,
    r#"OPTIONS="nothing""#,
    r#"OPTIONS="link_priority=x""#,
    r#"OPTIONS="link_priority=-5""#,
    r#"OPTIONS="log_level=x""#,
    r#"OPTIONS=="watch""#,
    r#"RUN+="/bin/true""#,
    r#"RUN-="/bin/true""#,
    r#"RUN=="/bin/true""#,
    r#"RUN{program}+="/bin/true""#,
    r#"RUN{builtin}+="kmod load x""#,
    r#"RUN{builtin}+="nothing""#,
    r#"RUN{x}+="/bin/true""#,
    r#"RUN{}+="/bin/true""#,
    r#"IMPORT{db}!="X""#,
    r#"IMPORT{x}="X""#,
    r#"IMPORT="X""#,
    r#"IMPORT{builtin}!="nothing""#,
    r#"PROGRAM="/bin/true""#,
    r#"PROGRAM-="/bin/true""#,
    r#"PROGRAM{x}="/bin/true""#,
    r#"RESULT!="x""#,
    r#"RESULT="x""#,
    r#"TEST{0444}=="uevent""#,
    r#"TEST{x}=="uevent""#,
    r#"TEST="uevent""#,
    r#"GOTO+="end""#,
    r#"GOTO{x}="end""#,
    r#"LABEL=="end""#,
    r#"LABEL="end""#,
    r#"GOTO="nowhere""#,
    r#"SYSCTL{x.y}!="1""#,
    r#"SYSCTL="1""#,
    r#"SUBSYSTEM=="bus""#,
    r#"BUS!="x""#,
    r#"SYSFS{x}!="1""#,
    r#"WAIT_FOR="x""#,
    r#"kernel!="x""#,
    r#"?KERNEL==i"SDA""#,
    r#"?KERNEL==ie"SD\x41""#,
    r#"ATTR{hvx}=i"1""#,
    r#"TEST==i"uevent""#,
    r#"KERNEL==e"sd\x61""#,
    r#"KERNEL==e"sd\q""#,
    r#"KERNEL==x"sda""#,
    "KERNEL==sda",
    "KERNEL=='sda'",
    r#"KERNEL=="sda" ;"#,
    r#"KERNEL = = "sda""#,
    r#"  KERNEL   ==  "sda"  "#,
    r#",, , KERNEL=="sda""#,
    r#"&, KERNEL=="sda" # comment"#,
    r#"&KERNEL=="sda""#,
    "&, x",
    "&,,,",
    r#"#, KERNEL=="sda""#,
    "\u{feff}KERNEL==\"sda\"",
    "\u{a0}KERNEL==\"sda\"",
    "\u{c}KERNEL==\"sda\"",
];

#[test]
fn the_reader_takes_the_lines_that_udev_takes() {
    let mut text = String::new();
    for (number, line) in LINES.iter().enumerate() {
        let write = format!("ATTR{{hv{number}}}=\"1\"");
        let line = line.trim_start_matches('?');
        match line.split_once('&') {
            Some(("", after)) => writeln!(text, "{write}{after}").unwrap(),
            _ => writeln!(text, "{line}, {write}").unwrap(),
        }
    }
    let found = read(&text);
    let number = |attr: &str| attr.strip_prefix("hv").and_then(|number| number.parse::<usize>().ok());
    let taken = |rule: &Rule| rule.of(Key::SetAttr).find_map(|term| number(&term.attr));
    // Those that are read, but do not match this disk.
    let fits = |number: &usize| !LINES[*number].contains(r#"=="bus""#);
    let ours: Vec<(usize, bool)> =
        found.rules.iter().filter_map(|rule| Some((taken(rule)?, rule.since.is_some()))).collect();
    for (suite, older) in [(Suite::Bookworm, true), (Suite::Trixie, false)] {
        let stage = Stage::new(suite);
        let device = storvsc();
        device.lay_out(&stage.dir("/sys"));
        stage.put(A, &text);
        hide(&stage, suite);
        let ran = stage.run(&format!(
            "export SYSTEMD_LOG_LEVEL=debug SYSTEMD_DEVICE_VERIFY_SYSFS=0; udevadm test --action=add /sys{}",
            device.path()
        ));
        let udevs: Vec<usize> = deeds("", &ran.ok().stderr)
            .into_iter()
            .filter_map(|deed| match deed {
                Deed::Writes(path, _) => number(path.rsplit('/').next()?),
                Deed::Runs(_) => None,
            })
            .collect();
        let expected: Vec<usize> = ours
            .iter()
            .filter(|(_, since)| !(older && *since))
            .map(|(number, _)| *number)
            .filter(fits)
            .collect();
        let shown = |numbers: &[usize]| numbers.iter().map(|number| LINES[*number]).collect::<Vec<_>>();
        assert_eq!(shown(&udevs), shown(&expected), "{suite:?}");
        assert!(udevs.len() > 30 && LINES.len() - udevs.len() > 40, "{suite:?}: {}", udevs.len());
    }
    // What one version takes and another drops is marked so.
    let marked: Vec<usize> = ours.iter().filter(|(_, since)| *since).map(|(number, _)| *number).collect();
    let wanted: Vec<usize> = (0..LINES.len()).filter(|number| LINES[*number].starts_with('?')).collect();
    assert_eq!(marked, wanted);
}

/// A line that is too long: 252 keeps what stands before it, 257 nothing, so nothing is claimed of either.
#[test]
fn a_line_that_is_too_long_costs_more_than_itself() {
    let rule = |value: &str| format!("KERNEL==\"sda\", ATTR{{queue/scheduler}}=\"{value}\"\n");
    let long = |bytes: usize| format!("#{}\n", "x".repeat(bytes - 1));
    for (bytes, cut) in [(16 * 1024 - 1, false), (16 * 1024, true)] {
        let text = rule("a") + &long(bytes) + &rule("b");
        assert_eq!(read(&text).cut.is_some(), cut, "{bytes}");
        for (suite, expected) in [(Suite::Bookworm, Some("a")), (Suite::Trixie, None)] {
            let stage = Stage::new(suite);
            let device = storvsc();
            device.lay_out(&stage.dir("/sys"));
            stage.put(A, &text);
            hide(&stage, suite);
            let ran = stage.run(&format!(
                "export SYSTEMD_LOG_LEVEL=debug SYSTEMD_DEVICE_VERIFY_SYSFS=0; udevadm test --action=add /sys{}",
                device.path()
            ));
            let last = deeds("", &ran.ok().stderr).into_iter().rev().find_map(|deed| match deed {
                Deed::Writes(_, value) => Some(value),
                Deed::Runs(_) => None,
            });
            let expected = if cut { expected } else { Some("b") };
            assert_eq!(last.as_deref(), expected, "{suite:?} {bytes}");
        }
    }
}
