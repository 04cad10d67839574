//! The door to other programs: the only module that starts a process.
//!
//! Absolute path, empty environment but for a fixed PATH and locale, no standard
//! input, a process group of its own, a deadline, bounded output, no shell.
//! Programs run on the live root only; this module never sees another.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// The most that is kept of a program's output; the rest is read and dropped.
const OUTPUT_LIMIT: usize = 64 << 10;

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
    #[error("running {program}: {source}")]
    Start {
        /// Its path.
        program: String,
        /// The kernel's answer.
        source: std::io::Error,
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
    let program = find(name).ok_or(Error::NotInstalled { name })?;
    let start = |source| Error::Start { program: program.clone(), source };
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
    let out = child.stdout.take().map(|pipe| std::thread::spawn(move || drain(pipe)));
    let err = child.stderr.take().map(|pipe| std::thread::spawn(move || drain(pipe)));
    let status = wait(&mut child, deadline).map_err(start)?;
    let Some(status) = status else {
        return Err(Error::TooLong { program, seconds: deadline.as_secs() });
    };
    let text = |reader: Option<std::thread::JoinHandle<String>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    let (out, err) = (text(out), text(err));
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

/// Reads a pipe to its end, so that the program never blocks on it.
fn drain(mut pipe: impl Read) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0_u8; 4096];
    while let Ok(count) = pipe.read(&mut chunk) {
        if count == 0 {
            break;
        }
        let room = OUTPUT_LIMIT.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Waits for the end; after the deadline the whole process group is killed.
fn wait(child: &mut Child, deadline: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > deadline {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                kill_process_group(group, Signal::KILL)?;
            }
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
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
