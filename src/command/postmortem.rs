//! `hvtune postmortem`: a log through the one judge.

use std::path::Path;

use super::shown::{Shown, about, nobody};
use super::unpack::Unpack;
use super::{Job, named, open_root, probed, read_policy};
use crate::cli::Global;
use crate::facts::Facts;
use crate::incident::{Model, Reader, found, judge};
use crate::probe;
use crate::report::{self, About, Looked};
use crate::root::{self, Root};

/// Files of syslog's that hold the kernel's lines, the first that is there.
const FILES: [&str; 3] = ["var/log/kern.log", "var/log/messages", "var/log/syslog"];
const HINT: &str = "`journalctl -o short-iso -b -1 | hvtune postmortem --log -`";

/// Exit code 1 where trouble is recorded.
pub(super) fn postmortem(global: &Global, log: Option<&Path>) -> anyhow::Result<u8> {
    let (job, about) = looked_at(global, log.is_none())?;
    let source = chosen(log, &job.root)?;
    let name = source.name(&job.root);
    let mut unpack = Unpack::new(Reader::default());
    let mut take = |part: &[u8]| unpack.feed(part);
    match source {
        Source::Input => root::read_input(&mut take)?,
        Source::File(path) => root::read_log(path, &mut take)?,
        Source::OfRoot(path) => job.root.read_log(path, &mut take)?,
    }
    let (reader, bytes) = unpack.finish().map_err(|why| anyhow::anyhow!("reading {name}: {why}"))?;
    if bytes == 0 {
        anyhow::bail!("reading {name}: it is empty; name a log that has lines, such as by {HINT}");
    }
    let log = reader.finish();
    let capture = global.machine.as_ref().map(|_| &job.facts);
    let findings = judge(&log, &Model { capture, policy: &job.policy });
    let looked = Looked { name: &name, log: &log, found: &found(&log), findings: &findings };
    report::postmortem(&looked, &Shown { global, command: "postmortem", only: None, about }.show())?;
    Ok(u8::from(!findings.incidents.is_empty()))
}

/// Where a log comes from.
enum Source<'a> {
    Input,
    /// A file that the caller names.
    File(&'a Path),
    /// A file of the root.
    OfRoot(&'static str),
}

impl Source<'_> {
    fn name(&self, root: &Root) -> String {
        match self {
            Self::Input => "standard input".to_owned(),
            Self::File(path) => named(path),
            Self::OfRoot(path) => root.name().join(path).display().to_string(),
        }
    }
}

fn chosen<'a>(log: Option<&'a Path>, root: &Root) -> anyhow::Result<Source<'a>> {
    match log {
        Some(path) if path == Path::new("-") => Ok(Source::Input),
        Some(path) => Ok(Source::File(path)),
        None => {
            for file in FILES {
                if root.has_file(file)? && root.size(file)?.is_some_and(|size| size > 0) {
                    return Ok(Source::OfRoot(file));
                }
            }
            anyhow::bail!(
                "--log is missing, and no syslog file is below {}; {HINT} reads the boot before",
                root.name().display()
            )
        }
    }
}

/// A log that is named or piped may be any machine's: the one at hand says nothing of it, and is not looked at.
fn looked_at(global: &Global, is_roots: bool) -> anyhow::Result<(Job, About)> {
    if is_roots || global.machine.is_some() || global.assume.is_some() {
        let job = probed(global, probe::probe_timers, false)?;
        let own = about(global, &job);
        let about = if is_roots { own } else { About { name: None, os: None, ..own } };
        return Ok((job, about));
    }
    let root = open_root(&global.root)?;
    let policy = read_policy(global, &root)?;
    let about = nobody(global, policy.clone());
    Ok((Job { root, policy, facts: Facts::default() }, about))
}
