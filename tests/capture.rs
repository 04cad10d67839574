//! A capture of the machine that runs the tests says the same as the machine itself.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use hvtune::capture::{capture, scrub};
use hvtune::facts::Machine;
use hvtune::probe::{MachineSource, read_machine};
use hvtune::root::{Root, Seen, Trail};

fn probed(source: &MachineSource<'_>) -> Machine {
    let mut machine = read_machine(source, &mut Vec::new()).unwrap();
    // The pool of a machine with dynamic memory may have grown meanwhile.
    machine.memory = machine.memory.map(|_| 0);
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
    assert_eq!(words(&from_machine), words(&from_capture));
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
