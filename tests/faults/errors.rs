//! The kernel refuses a call, once or from then on.

use crate::ground::{Call, Ground, Set, Start, sample};

const ERRNOS: [&str; 8] = ["ENOSPC", "EIO", "EROFS", "EDQUOT", "EMFILE", "ENOMEM", "EINTR", "EAGAIN"];

/// Calls on files and memory. The rest cannot fail with any of these, or is not about the files.
const BREAKABLE: [&str; 26] = [
    "openat",
    "openat2",
    "read",
    "write",
    "fsync",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
    "unlinkat",
    "mkdirat",
    "linkat",
    "fchmod",
    "fchown",
    "fstat",
    "newfstatat",
    "statx",
    "getdents64",
    "readlinkat",
    "flock",
    "flistxattr",
    "fgetxattr",
    "fsetxattr",
    "mmap",
    "brk",
    "mremap",
];

/// What came of a sweep.
#[derive(Debug, Default)]
struct Tally {
    faults: usize,
    torn: Vec<String>,
    mixed: Vec<String>,
    lies: Vec<String>,
}

fn breakable(ground: &Ground) -> Vec<Call> {
    ground.reset();
    ground.writing().into_iter().filter(|call| BREAKABLE.contains(&call.name.as_str())).collect()
}

/// Every errno at every call: `once` or from that call on.
fn sweep(start: Start, once: bool, count: usize) -> (Tally, usize) {
    let ground = Ground::new(start);
    let all = breakable(&ground);
    let pairs = all.iter().flat_map(|call| ERRNOS.map(|errno| (call, errno)));
    // The standard library writes to the terminal for ever where it is interrupted for ever; and every
    // confined open would wait out its tries.
    let goes_on = |call: &Call, errno: &str| {
        matches!((call.name.as_str(), errno), ("write", "EINTR") | ("openat2", "EINTR" | "EAGAIN"))
    };
    let pairs = sample(pairs.filter(|(call, errno)| once || !goes_on(call, errno)).collect(), count);
    let mut tally = Tally { faults: pairs.len(), ..Tally::default() };
    for (call, errno) in pairs {
        let on = if once { "" } else { "+" };
        let what = format!("{start:?}: {errno} at {} #{}{on}", call.name, call.nth);
        ground.reset();
        let run = ground.broken(&call.name, &format!("error={errno}:when={}{on}", call.nth));
        assert_ne!(run.code, 124, "{what}: it hangs");
        match (ground.set(), run.code) {
            (Set::Torn(path), _) => tally.torn.push(format!("{what}: {}", path.display())),
            (Set::New, _) => ground.completes(&what),
            (set, 0) => tally.lies.push(format!("{what}: {set:?}")),
            (Set::Mixed, _) => {
                tally.mixed.push(what.clone());
                ground.completes(&what);
            }
            (Set::Old, _) => ground.completes(&what),
        }
    }
    assert!(tally.torn.is_empty() && tally.lies.is_empty(), "{tally:#?}");
    (tally, ground.changed.len())
}

#[test]
fn refused_once() {
    for start in [Start::Applied, Start::Fresh] {
        let (tally, files) = sweep(start, true, 60);
        println!(
            "refused once, {start:?}, {files} files: {} faults: 0 torn, {} mixed, 0 exits of 0 without the new state, the next run completes",
            tally.faults,
            tally.mixed.len()
        );
        assert!(tally.mixed.is_empty(), "{tally:#?}");
    }
}

/// Where nothing can be renamed any more nothing can be taken back either; the next run does it.
#[test]
fn refused_from_then_on() {
    for start in [Start::Applied, Start::Fresh] {
        let (tally, files) = sweep(start, false, 40);
        println!(
            "refused from then on, {start:?}, {files} files: {} faults: 0 torn, {} mixed until the next run, 0 exits of 0 without the new state, the next run completes",
            tally.faults,
            tally.mixed.len()
        );
    }
}

/// The spurious `EAGAIN` of confined opens, at each of them: no fact is lost by it.
#[test]
fn every_open_is_tried_again() {
    let ground = Ground::new(Start::Applied);
    let opens: Vec<Call> = ground.calls().into_iter().filter(|call| call.name == "openat2").collect();
    ground.reset();
    let opens = sample(opens, 40);
    for call in &opens {
        let what = format!("EAGAIN at openat2 #{}", call.nth);
        ground.reset();
        ground.broken("openat2", &format!("error=EAGAIN:when={}", call.nth)).judged(&what, &[0]);
        assert_eq!(ground.set(), Set::New, "{what}: not what a quiet machine gives");
    }
    println!("EAGAIN at a confined open: {0} of {0} tried again, the same files written", opens.len());
}
