//! The door to other programs: the only module that starts a process.
//!
//! Absolute path, empty environment but for a fixed PATH and locale, no standard
//! input, a process group of its own, a deadline, bounded output, no shell.
//! Programs run on the live root only; this module never sees another.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

/// The most that is kept of a program's output; the rest is read and dropped.
const OUTPUT_LIMIT: usize = 64 << 10;

/// How long one look at the pipes waits, as the end of a program wakes nobody.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None of the places where it may be has it.
    #[error("looking for {name}: it is not installed")]
    NotInstalled {
        /// The program.
        name: &'static str,
    },
    /// It could not be started or waited for.
    #[error("running {program}: {said}")]
    Start {
        /// Its path.
        program: String,
        /// The kernel's answer.
        said: std::io::Error,
    },
    /// It ended with a failure.
    #[error("running {program}: {status}{output}")]
    Failed {
        /// Its path.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed, or nothing.
        output: String,
    },
    /// It did not end in time.
    #[error("running {program}: it did not end within {seconds} s and was killed")]
    TooLong {
        /// Its path.
        program: String,
        /// The deadline.
        seconds: u64,
    },
}

/// The directories in which a program may lie, in order.
const PLACES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Runs a program to its end and gives what it printed.
pub fn run(name: &'static str, args: &[&str], deadline: Duration) -> Result<String, Error> {
    run_up_to(OUTPUT_LIMIT, name, args, deadline)
}

/// The same for a program that prints much: `limit` bytes of it are kept.
pub fn run_up_to(
    limit: usize,
    name: &'static str,
    args: &[&str],
    deadline: Duration,
) -> Result<String, Error> {
    let program = find(name).ok_or(Error::NotInstalled { name })?;
    let start = |said| Error::Start { program: program.clone(), said };
    let mut child = Command::new(&program)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(start)?;
    let mut pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)]
        .map(|open| Pipe { open, kept: Vec::new(), limit });
    let status = follow(&mut child, &mut pipes, deadline).map_err(start)?;
    let Some(status) = status else {
        return Err(Error::TooLong { program, seconds: deadline.as_secs() });
    };
    let [out, err] = pipes.map(|pipe| String::from_utf8_lossy(&pipe.kept).into_owned());
    if status.success() {
        return Ok(out);
    }
    let last = err.lines().chain(out.lines()).rfind(|line| !line.trim().is_empty());
    let output = last.map_or(String::new(), |line| format!(": {}", line.trim()));
    Err(Error::Failed { program, status, output })
}

fn find(name: &str) -> Option<String> {
    PLACES.iter().map(|place| format!("{place}/{name}")).find(|path| Path::new(path).is_file())
}

/// One of a program's streams, and what of it is kept.
struct Pipe {
    open: Option<OwnedFd>,
    kept: Vec<u8>,
    /// How many bytes are kept at most.
    limit: usize,
}

impl Pipe {
    /// Reads what is there; the end closes it.
    fn read(&mut self) {
        let mut chunk = [0_u8; 4096];
        let Some(pipe) = &self.open else { return };
        match rustix::io::read(pipe, &mut chunk) {
            Ok(count) if count > 0 => {
                let room = self.limit.saturating_sub(self.kept.len()).min(count);
                self.kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            _ => self.open = None,
        }
    }
}

/// Reads whichever pipe has something within the time; whether one had.
fn read_ready(pipes: &mut [Pipe; 2], within: Timespec) -> std::io::Result<bool> {
    let [out, err] = &*pipes;
    let mut asked = Vec::with_capacity(2);
    asked.extend(
        [out, err]
            .into_iter()
            .filter_map(|pipe| pipe.open.as_ref())
            .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
    );
    match poll(&mut asked, Some(&within)) {
        Err(Errno::INTR) => return Ok(false),
        other => other?,
    };
    let mut ready = asked.iter().map(|one| !one.revents().is_empty()).collect::<Vec<_>>().into_iter();
    let mut any = false;
    for pipe in pipes.iter_mut().filter(|pipe| pipe.open.is_some()) {
        if ready.next() == Some(true) {
            pipe.read();
            any = true;
        }
    }
    Ok(any)
}

/// Reads both pipes, so that the program never blocks on one, until it has ended and they hold
/// nothing more. A child of its own that keeps a pipe open is not waited for. After the deadline
/// the whole process group is killed.
fn follow(
    child: &mut Child,
    pipes: &mut [Pipe; 2],
    deadline: Duration,
) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        let status = child.try_wait()?;
        let within = if status.is_some() { NOW } else { TICK };
        let more = read_ready(pipes, within)?;
        if status.is_some() && !more {
            return Ok(status);
        }
        if start.elapsed() > deadline {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                kill_process_group(group, Signal::KILL)?;
            }
            child.wait()?;
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let error = run("sleep", &["60"], Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, Error::TooLong { .. }), "{error}");
    }

    #[test]
    fn more_output_than_a_pipe_holds_is_read_and_cut() {
        let out = run("seq", &["--format=%08.0f", "1", "300000"], Duration::from_mins(1)).unwrap();
        assert_eq!(out.len(), OUTPUT_LIMIT);
        assert!(out.starts_with("00000001\n"), "{}", &out[..20]);
    }

    #[test]
    fn a_child_that_keeps_the_pipes_open_is_not_waited_for() {
        let began = Instant::now();
        let out = run("setsid", &["--fork", "sleep", "30"], Duration::from_secs(25)).unwrap();
        assert_eq!(out, "");
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_failure_names_the_program_and_what_it_said() {
        let error = run("ls", &["/nonexistent-by-intent"], Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("/bin/ls") && error.contains("nonexistent-by-intent"), "{error}");
        let error = run("no-such-program-here", &[], Duration::from_secs(1)).unwrap_err().to_string();
        assert!(error.contains("not installed"), "{error}");
    }

    #[test]
    fn nothing_of_our_environment_is_handed_on() {
        let out = run("env", &[], Duration::from_secs(10)).unwrap();
        let names: Vec<&str> =
            out.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        assert_eq!(names, ["LC_ALL", "PATH"]);
    }
}
