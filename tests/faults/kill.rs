//! Killed at every system call, and again while the next run mends it.

use std::fs;

use crate::ground::{Call, Ground, Set, Start, is_full, sample};
use crate::stage::{assert_same, tree, without_times_of_dirs};

/// Kills a run at each of the calls; the next one completes.
fn sweep(ground: &Ground, from: &str, calls: &[Call], signal: &str) -> usize {
    let mut torn = Vec::new();
    for call in calls {
        let what = format!("{signal} at {} #{}", call.name, call.nth);
        ground.reset_to(from);
        let run = ground.broken(&call.name, &format!("signal={signal}:when={}", call.nth));
        assert!(!(0..=2).contains(&run.code), "{what}: it was to be killed: {run:?}");
        if let Set::Torn(path) = ground.set() {
            torn.push(format!("{what}: {}", path.display()));
            continue;
        }
        ground.completes(&what);
    }
    assert!(torn.is_empty(), "{} of {} left a torn file: {torn:#?}", torn.len(), calls.len());
    calls.len()
}

fn killed(start: Start, signal: &str) {
    let ground = Ground::new(start);
    ground.reset();
    let all = ground.calls();
    let (writing, count) = (ground_writing(&ground), all.len());
    // What comes before the journal changes nothing: of a sample most is to be what follows it.
    let before = all.len() - writing.len();
    let calls: Vec<Call> =
        sample(all.into_iter().take(before).collect(), 8).into_iter().chain(sample(writing, 32)).collect();
    let done = sweep(&ground, "before", &calls, signal);
    println!(
        "{signal}, {start:?}, {} files: {done} of {done} calls (the run makes {count}): none torn, the next run completes",
        ground.changed.len()
    );
}

fn ground_writing(ground: &Ground) -> Vec<Call> {
    ground.reset();
    ground.writing()
}

#[test]
fn killed_while_replacing() {
    killed(Start::Applied, "KILL");
}

#[test]
fn killed_while_making() {
    killed(Start::Fresh, "KILL");
}

#[test]
fn terminated_while_replacing() {
    killed(Start::Applied, "TERM");
}

/// Whether a call can change what a kill would leave.
fn changes_something(call: &Call) -> bool {
    const NAMES: [&str; 9] =
        ["rename", "unlink", "link", "mkdir", "write", "fsync", "fchmod", "fchown", "fsetxattr"];
    NAMES.iter().any(|name| call.name.starts_with(name)) || call.line.contains("O_CREAT")
}

/// Killed in the middle, and the run that mends it is killed too, at each call of its that changes anything.
#[test]
fn killed_twice() {
    for start in [Start::Applied, Start::Fresh] {
        let ground = Ground::new(start);
        let renames = ground_writing(&ground);
        let renames: Vec<Call> = renames.into_iter().filter(|call| call.name.starts_with("rename")).collect();
        let states = if is_full() { renames.len() } else { 2 };
        let mut done = 0;
        for (number, crash) in renames.iter().step_by(renames.len().div_ceil(states)).enumerate() {
            ground.reset();
            ground.broken(&crash.name, &format!("signal=KILL:when={}", crash.nth));
            let kept = format!("crash-{number}");
            ground.keep(&kept);
            let mends = ground.calls();
            let first = mends.iter().position(|call| call.line.contains(".hvtune-journal")).unwrap();
            let mends: Vec<Call> = mends.into_iter().skip(first).collect();
            let last = mends.iter().rposition(|call| call.line.contains("hvtune-")).unwrap();
            // What lies between two changes leaves what a kill at the second leaves.
            let mends = mends.into_iter().take(last + 2).filter(changes_something).collect();
            let mends = sample(mends, 10);
            done += sweep(&ground, &kept, &mends, "KILL");
        }
        println!("killed twice, {start:?}: {done} of {done}: none torn, the third run completes");
    }
}

/// However a journal was cut short by a power cut, it commits nothing: a run that wants what stands
/// there leaves every file as it is, down to its times.
#[test]
fn a_torn_journal_changes_nothing() {
    let ground = Ground::new(Start::Applied);
    let rename = ground_writing(&ground).into_iter().find(|call| call.name.starts_with("rename")).unwrap();
    ground.reset();
    ground.broken(&rename.name, &format!("signal=KILL:when={}", rename.nth));
    ground.keep("committed");
    let journal = fs::read(ground.at("root/etc/.hvtune-journal")).unwrap();
    // By the old policy the old files are right.
    fs::copy(ground.at("old-policy.toml"), ground.at("policy.toml")).unwrap();
    // The names of the files of others come first: without them what is staged beside those stays.
    let text = String::from_utf8(journal.clone()).unwrap();
    let intent = text.find("switch ").unwrap();
    let lengths = sample((intent..journal.len()).collect(), 20);
    for length in &lengths {
        ground.reset_to("committed");
        let path = ground.at("root/etc/.hvtune-journal");
        fs::write(&path, &journal[..*length]).unwrap();
        let mut before = without_times_of_dirs(tree(&ground.at("root")));
        before
            .retain(|path, _| path.file_name().is_none_or(|name| !name.as_encoded_bytes().starts_with(b".")));
        let what = format!("{length} bytes of the journal");
        let run = ground.apply(&[]).judged(&what, &[0]);
        assert!(!run.err.contains("interrupted"), "{what}: {run:?}");
        assert_same(&what, &before, &without_times_of_dirs(tree(&ground.at("root"))));
    }
    println!("journals cut short: {0} of {0} commit nothing", lengths.len());
}
