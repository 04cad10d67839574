//! What hvtune costs, beside systemd-detect-virt and the floor.
//!
//!     bench HVTUNE FLOOR CAPTURES     the table; CAPTURES holds 8, 64, 1024, 4096, changed, unchanged
//!     bench --peak COMMAND...         the peak resident memory of one command, in KiB
//!
//! Static and small, as a child's peak begins with that of the process which
//! started it. Time is from before the start to after the end, so the cost of
//! starting is in every figure. The commands take turns, and what is compared
//! is the median of the rounds' own ratios: a busy machine is busy for both.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 21;
/// Rounds that warm the caches and are not counted.
const WARM: usize = 2;

/// How one run ended.
struct Ran {
    millis: f64,
    peak_kib: i64,
    code: i32,
}

fn run(argv: &[OsString]) -> Result<Ran> {
    let (program, args) = argv.split_first().ok_or("no command")?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let pid = i32::try_from(child.id())?;
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::zeroed());
    // SAFETY: both pointers are to live, writable memory of the right type.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
    let millis = start.elapsed().as_secs_f64() * 1e3;
    if waited != pid {
        return Err(std::io::Error::last_os_error().into());
    }
    // SAFETY: zeroed is a valid rusage, and wait4 filled it in.
    let usage: libc::rusage = unsafe { usage.assume_init() };
    let code = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) };
    Ok(Ran { millis, peak_kib: usage.ru_maxrss, code })
}

/// One row of the table.
struct Row {
    name: &'static str,
    argv: Vec<OsString>,
    /// Run before each timed run, untimed.
    before: Option<Vec<OsString>>,
    millis: Vec<f64>,
    peak_kib: i64,
    calls: Vec<String>,
}

impl Row {
    fn new(name: &'static str, argv: Vec<OsString>) -> Self {
        Self { name, argv, before: None, millis: Vec::new(), peak_kib: 0, calls: Vec::new() }
    }

    fn round(&mut self, counted: bool) -> Result<()> {
        if let Some(before) = &self.before {
            succeed(before)?;
        }
        let ran = run(&self.argv)?;
        if counted {
            self.millis.push(ran.millis);
            self.peak_kib = self.peak_kib.max(ran.peak_kib);
        }
        Ok(())
    }

    /// Its system calls, as strace names them.
    fn trace(&mut self, scratch: &Path) -> Result<()> {
        if let Some(before) = &self.before {
            succeed(before)?;
        }
        let log = scratch.join("strace");
        let options = ["strace", "-f", "-qq", "-e", "signal=none", "-o"].map(OsString::from);
        let mut argv: Vec<OsString> = options.into();
        argv.push(log.clone().into());
        argv.extend(self.argv.iter().cloned());
        run(&argv)?;
        let text = std::fs::read_to_string(log)?;
        let call = |line: &str| Some(line.split_once(' ')?.1.trim_start().split_once('(')?.0.to_owned());
        self.calls = text.lines().filter_map(call).collect();
        Ok(())
    }

    fn count(&self, names: &[&str]) -> usize {
        self.calls.iter().filter(|call| names.contains(&call.as_str())).count()
    }
}

fn succeed(argv: &[OsString]) -> Result<()> {
    match run(argv)?.code {
        0 => Ok(()),
        code => Err(format!("{argv:?} ended with {code}").into()),
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median of the ratios within each round.
fn ratio(one: &Row, other: &Row) -> f64 {
    let ratios: Vec<f64> = one.millis.iter().zip(&other.millis).map(|(one, other)| one / other).collect();
    median(&ratios)
}

fn rows(hvtune: &OsStr, floor: &OsStr, captures: &Path) -> Vec<Row> {
    let of = |name: &str, half: &str| captures.join(name).join(half).into_os_string();
    let tuned = |command: &str, at: &str| {
        let mut argv = vec![hvtune.to_owned(), "--root".into(), of(at, "root")];
        argv.extend(["--machine".into(), of(at, "machine"), command.into()]);
        argv
    };
    let plan = |name, at: &str| Row::new(name, tuned("plan", at));
    let floor = |name, at: &str| Row::new(name, vec![floor.to_owned(), of(at, "root"), of(at, "machine")]);
    let mut changed = Row::new("apply, changed", tuned("apply", "changed"));
    changed.before = Some(tuned("revert", "changed"));
    vec![
        Row::new("true", vec!["true".into()]),
        Row::new("--version", vec![hvtune.to_owned(), "--version".into()]),
        Row::new("systemd-detect-virt", vec!["systemd-detect-virt".into()]),
        floor("floor, 8 disks", "8"),
        plan("plan, 8 disks", "8"),
        plan("plan, unchanged", "unchanged"),
        Row::new("apply, unchanged", tuned("apply", "unchanged")),
        changed,
        floor("floor, 64 disks", "64"),
        plan("plan, 64 disks", "64"),
        Row::new("survive, 64 disks", tuned("survive", "64")),
        floor("floor, 1024 disks", "1024"),
        plan("plan, 1024 disks", "1024"),
        floor("floor, 4096 disks", "4096"),
        plan("plan, 4096 disks", "4096"),
    ]
}

fn find<'a>(rows: &'a [Row], name: &str) -> Result<&'a Row> {
    Ok(rows.iter().find(|row| row.name == name).ok_or(name)?)
}

fn table(rows: &[Row]) -> Result<()> {
    println!(
        "{:<20} {:>9} {:>17} {:>6} {:>6} {:>7} {:>8}",
        "", "median ms", "min-max", "x DV", "x floor", "calls", "peak KiB"
    );
    for row in rows {
        let floor = match row.name.split_once(", ") {
            Some(("plan", disks)) if disks.ends_with("disks") => find(rows, &format!("floor, {disks}"))?,
            _ => find(rows, "floor, 8 disks")?,
        };
        let (least, most) = row.millis.iter().fold((f64::MAX, 0_f64), |(a, b), &ms| (a.min(ms), b.max(ms)));
        println!(
            "{:<20} {:>9.3} {:>17} {:>6.2} {:>6.2} {:>7} {:>8}",
            row.name,
            median(&row.millis),
            format!("{least:.2}-{most:.2}"),
            ratio(row, find(rows, "systemd-detect-virt")?),
            ratio(row, floor),
            row.calls.len(),
            row.peak_kib
        );
    }
    Ok(())
}

/// Prints a figure beside what is required and what is aimed at.
fn judge(what: &str, found: f64, bound: f64, aim: f64) {
    let verdict = if found <= aim {
        "ok, within the aim"
    } else if found <= bound {
        "ok"
    } else {
        "OVER"
    };
    println!("{what:<52} {found:>9.2}  bound {bound:>7}  aim {aim:>7}  {verdict}");
}

/// Microseconds that a disk adds beyond the first eight, round by round.
fn per_disk(many: &Row, few: &Row, disks: f64) -> Vec<f64> {
    many.millis.iter().zip(&few.millis).map(|(many, few)| (many - few) * 1e3 / disks).collect()
}

fn bounds(rows: &[Row], hvtune: &Path) -> Result<()> {
    let plan = |disks: &str| find(rows, &format!("plan, {disks} disks"));
    let version = find(rows, "--version")?;
    judge("--version: time / true", ratio(version, find(rows, "true")?), 2.0, 1.25);
    judge("--version: ms", median(&version.millis), 2.0, 1.0);
    let (eight, sixty_four, most) = (plan("8")?, plan("64")?, plan("4096")?);
    judge(
        "plan, 8 disks: time / systemd-detect-virt",
        ratio(eight, find(rows, "systemd-detect-virt")?),
        1.0,
        0.7,
    );
    judge("plan, 8 disks: time / floor", ratio(eight, find(rows, "floor, 8 disks")?), 2.0, 1.5);
    judge("plan, 8 disks: system calls", eight.calls.len() as f64, 1100.0, 800.0);
    let further = (sixty_four.calls.len() - eight.calls.len()) as f64 / 56.0;
    judge("plan: system calls per further disk", further, 62.0, 45.0);
    let survive = find(rows, "survive, 64 disks")?;
    judge("survive / plan, 64 disks: time", ratio(survive, sixty_four), 2.0, 1.5);
    let (few, many) = (per_disk(sixty_four, eight, 56.0), per_disk(most, eight, 4088.0));
    judge("plan: time per disk, 4096 / 64", median(&many) / median(&few), 1.4, 1.25);
    println!("{:<52} {:.1} and {:.1}", "  us per disk at 64 and at 4096", median(&few), median(&many));
    judge("plan, 1024 disks: peak MiB", plan("1024")?.peak_kib as f64 / 1024.0, 6.0, 4.0);
    judge("binary: MB", std::fs::metadata(hvtune)?.len() as f64 / 1e6, 4.0, 2.0);
    let (apply, changed) = (find(rows, "apply, unchanged")?, find(rows, "apply, changed")?);
    judge("apply / plan, unchanged: time", ratio(apply, find(rows, "plan, unchanged")?), 1.1, 1.05);
    let flushes = ["fsync", "fdatasync", "sync", "syncfs"];
    let writes = ["rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdirat", "ftruncate", "fchmod"];
    judge(
        "apply, unchanged: flushes and changes",
        (apply.count(&flushes) + apply.count(&writes)) as f64,
        0.0,
        0.0,
    );
    // Every changed file is renamed into place once. At most each has a directory of its own, and each
    // directory made changes another; the journal is one more file, in one more directory. tests/cost.rs
    // counts them exactly.
    let files = changed.count(&["rename", "renameat", "renameat2"]);
    let changes = 2 * files + changed.count(&["mkdirat"]) + 2;
    let flushed = changed.count(&flushes) as f64 / changes as f64;
    judge("apply, changed: flushes per change", flushed, 1.0, 1.0);
    Ok(())
}

fn bench(hvtune: &OsStr, floor: &OsStr, captures: &Path) -> Result<()> {
    let mut rows = rows(hvtune, floor, captures);
    succeed(&find(&rows, "apply, unchanged")?.argv)?;
    for round in 0..ROUNDS + WARM {
        // Every other round backwards: nobody always runs after the same neighbour.
        let mut turn: Vec<&mut Row> = rows.iter_mut().collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for row in turn {
            row.round(round >= WARM)?;
        }
    }
    for row in &mut rows {
        row.trace(captures)?;
    }
    println!("{ROUNDS} rounds; DV = systemd-detect-virt");
    table(&rows)?;
    println!();
    bounds(&rows, Path::new(hvtune))
}

fn main() -> Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.as_slice() {
        [peak, argv @ ..] if peak == "--peak" => {
            let ran = run(argv)?;
            println!("{}", ran.peak_kib);
            std::process::exit(ran.code)
        }
        [hvtune, floor, captures] => bench(hvtune, floor, &PathBuf::from(captures)),
        _ => Err("usage: bench HVTUNE FLOOR CAPTURES, or bench --peak COMMAND...".into()),
    }
}
