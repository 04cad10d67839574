//! A capture of the machine that runs the tests says the same as the machine itself.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod fixtures;

use hvtune::capture::{capture, scrub};
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
