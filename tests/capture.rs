//! A capture of the machine that runs the tests says the same as the machine itself.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, and starts programs"
)]

mod fixtures;

use std::process::{Command, Output};

use hvtune::capture::{archive, capture, scrub};
use hvtune::facts::{Facts, Machine, Origin};
use hvtune::probe::{MachineSource, read_machine, timers};
use hvtune::root::{Root, Seen, Trail};

fn probed(source: &MachineSource<'_>) -> Machine {
    let mut facts = Facts { machine: read_machine(source, &mut Vec::new()), ..Facts::default() };
    if let MachineSource::Live(root) | MachineSource::Capture(root) = source {
        timers::complete(root, &mut facts);
    }
    let mut machine = facts.machine.unwrap();
    // The pool of a machine with dynamic memory may have grown meanwhile.
    machine.memory = machine.memory.map(|_| 0);
    // Where it comes from is the one thing that differs by intent.
    machine.origin = Origin::Captured;
    machine
}

/// Facts in words, scrubbed as a capture is. The numbers of placeholders follow the order
/// of appearance, which differs between facts and trail, so they are made one.
fn words(machine: &Machine) -> String {
    let text = format!("{machine:#?}").into_bytes();
    let clean = scrub(&Trail::from([("facts".to_owned(), Seen::File(text))]));
    match clean.into_values().next() {
        Some(Seen::File(bytes)) => {
            let text = String::from_utf8(bytes).unwrap();
            let mut parts = text.split("00000000-0000-4000-8000-");
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |text, part| text + "UUID" + &part[12..])
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn same(first: &Machine, again: &Machine, name: &str) {
    let (first, again) = (words(first), words(again));
    for (line, other) in first.lines().zip(again.lines()) {
        assert_eq!(line, other, "{name}: {again}");
    }
    assert_eq!(first, again, "{name}");
}

#[test]
fn a_capture_says_what_the_machine_says() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("capture");
    let captured = capture(&Root::live().unwrap(), &dir).unwrap();
    assert!(captured.files > 5, "{captured:?}");
    let running = Root::live().unwrap();
    let taken = Root::offline(&dir).unwrap();
    let mut from_machine = probed(&MachineSource::Live(&running));
    let mut from_capture = probed(&MachineSource::Capture(&taken));
    // Values of kernel arguments that name a machine are gone for good: their keys must be there.
    let keys = |machine: &mut Machine| {
        let line = machine.cmdline.take().unwrap();
        line.args.iter().map(|arg| arg.split('=').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&mut from_machine), keys(&mut from_capture));
    same(&from_machine, &from_capture, "this machine");
}

/// Every fixture, read, recorded, scrubbed and written, says the same again: whatever
/// probing rests on is in a capture, and survives what is taken out.
#[test]
fn fixtures_survive_being_captured() {
    for fixture in fixtures::all() {
        let machine = Root::offline(&fixture.machine).unwrap();
        machine.record();
        let first = probed(&MachineSource::Capture(&machine));
        let trail = machine.take_trail();
        let clean = scrub(&trail);
        assert_eq!(clean.len(), trail.len(), "{}: two things became one", fixture.name);
        let temp = tempfile::tempdir().unwrap();
        Root::write_new_tree(temp.path(), &clean).unwrap();
        let again = probed(&MachineSource::Capture(&Root::offline(temp.path()).unwrap()));
        same(&first, &again, &fixture.name);
    }
}

#[test]
fn a_directory_that_holds_a_capture_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("capture");
    let machine = Root::live().unwrap();
    capture(&machine, &dir).unwrap();
    let refused = capture(&machine, &dir).unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
}

fn hvtune(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hvtune")).args(args).output().unwrap()
}

fn ran(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a capture's directory says, its archive says, whichever tar made it.
#[test]
fn an_archive_says_what_its_directory_says() {
    let names = ["azure-nvme", "iscsi-multipath", "gen2-onprem"];
    for fixture in fixtures::all().into_iter().filter(|fixture| names.contains(&fixture.name.as_str())) {
        let temp = tempfile::tempdir().unwrap();
        let dir = fixture.machine.to_str().unwrap();
        let (above, name) = dir.rsplit_once('/').unwrap();
        let asked = |place: &str| {
            let root = temp.path().to_str().unwrap();
            let output = hvtune(&["--root", root, "survive", "--format", "json", "--machine", place]);
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(said.contains("\"mounts\""), "{}", String::from_utf8_lossy(&output.stderr));
            said.lines().filter(|line| !line.contains("\"time\"")).collect::<Vec<_>>().join("\n")
        };
        let wanted = asked(dir);
        for (format, from, what) in [("gnu", dir, "."), ("pax", dir, "."), ("gnu", above, name)] {
            let made = temp.path().join("x.tar");
            let made = made.to_str().unwrap();
            ran("tar", &["-C", from, "--format", format, "-cf", made, what]);
            assert_eq!(asked(made), wanted, "{}: {format} {what}", fixture.name);
        }
    }
}

/// What tar unpacks of ours is what the directory would have been.
#[test]
fn tar_reads_an_archive_of_ours() {
    let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == "azure-nvme").unwrap();
    let machine = Root::offline(&fixture.machine).unwrap();
    machine.record();
    probed(&MachineSource::Capture(&machine));
    let trail = scrub(&machine.take_trail());
    let temp = tempfile::tempdir().unwrap();
    let place = |name: &str| temp.path().join(name);
    Root::write_new_tree(&place("dir"), &trail).unwrap();
    Root::write_new_file(&place("x.tar"), &archive::pack(&trail).unwrap()).unwrap();
    Root::write_new_tree(&place("unpacked"), &Trail::new()).unwrap();
    let (tar, unpacked, dir) = (place("x.tar"), place("unpacked"), place("dir"));
    ran("tar", &["-C", unpacked.to_str().unwrap(), "-xf", tar.to_str().unwrap()]);
    ran("diff", &["-r", "--no-dereference", dir.to_str().unwrap(), unpacked.to_str().unwrap()]);
}

#[test]
fn a_capture_in_one_file_is_compared_under_its_name() {
    let temp = tempfile::tempdir().unwrap();
    let place = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let said = hvtune(&["capture", &place("web1.tar")]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let again = hvtune(&["capture", &place("web1.tar")]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("a file of that name is there; name a new one"));
    assert!(hvtune(&["capture", &place("web2")]).status.success());
    let compared = hvtune(&["compare", &place("web1.tar"), &place("web2"), "--format", "json"]);
    let said = String::from_utf8(compared.stdout).unwrap();
    assert!(said.contains("\"web1\"") && said.contains("\"web2\""), "{said}");
    Root::write_new_file(&temp.path().join("text.tar"), b"no archive").unwrap();
    let wrong = hvtune(&["compare", &place("text.tar")]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(2), "{said}");
    assert!(said.contains("a capture is a directory or a tar archive"), "{said}");
}
