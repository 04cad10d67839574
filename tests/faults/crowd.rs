//! Many at once, and one that meets another in the middle.

use std::process::Stdio;

use crate::ground::{Ground, Set, Start, is_full};
use crate::stage::Run;

const CROWD: usize = 20;

/// One writes; whoever met it says so, whoever came later finds nothing to do.
#[test]
fn twenty_at_once() {
    let ground = Ground::new(Start::Applied);
    let rounds = if is_full() { 50 } else { 3 };
    let mut refused = 0;
    for round in 0..rounds {
        ground.reset();
        let spawn = || {
            let mut command = ground.command(&[], "apply");
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let crowd: Vec<_> = (0..CROWD).map(|_| spawn()).collect();
        let mut writers = 0;
        for child in crowd {
            let output = child.wait_with_output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let run = Run {
                code: output.status.code().unwrap_or(-1),
                out: text(output.stdout),
                err: text(output.stderr),
            };
            let run = run.judged(&format!("round {round}"), &[0, 2]);
            let met = run.err.contains("another hvtune is at it") || run.err.contains("another run changed");
            assert_eq!(run.code == 2, met, "round {round}: {run:?}");
            refused += usize::from(run.code == 2);
            writers += usize::from(run.out.contains("replaced "));
        }
        assert_eq!((writers, ground.set()), (1, Set::New), "round {round}");
        ground.completes("after the crowd");
    }
    println!(
        "{CROWD} at once, {rounds} rounds: each time one wrote; {refused} others said so and wrote nothing"
    );
}

/// Held in the middle of its renames by a signal, so that the second surely meets it.
#[test]
fn a_second_run_does_not_wait() {
    let ground = Ground::new(Start::Applied);
    ground.reset();
    let rename = ground.writing().into_iter().rfind(|call| call.name.starts_with("rename")).unwrap();
    ground.reset();
    let (trace, inject) =
        (format!("trace={}", rename.name), format!("inject={}:signal=STOP:when={}", rename.name, rename.nth));
    let log = ground.at("held");
    let wrapper = ["strace", "-f", "-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject];
    let mut first = ground.command(&wrapper, "apply");
    let mut first = first.stdout(Stdio::null()).spawn().unwrap();
    let stopped = loop {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let stopped = text.lines().find(|line| line.contains("--- stopped by SIGSTOP"));
        if let Some(line) = stopped {
            break line.split_once(' ').unwrap().0.to_owned();
        }
        assert_eq!(first.try_wait().unwrap(), None, "it was to be held: {text}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let second = ground.apply(&[]);
    let goes_on = std::process::Command::new("kill").args(["-CONT", &stopped]).status().unwrap();
    assert!(goes_on.success() && first.wait().unwrap().success());
    let second = second.judged("the second run", &[2]);
    assert!(second.err.contains("another hvtune is at it"), "{second:?}");
    assert_eq!(ground.set(), Set::New);
    ground.completes("after both");
    println!("a second run meets the first in the middle: it says so, and writes nothing");
}
