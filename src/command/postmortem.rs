//! `hvtune postmortem`: a log through the one judge.

use std::path::{Path, PathBuf};

use super::{Shown, named, probed};
use crate::cli::Global;
use crate::incident::{Model, Reader, found, judge};
use crate::probe;
use crate::report::{self, Looked};
use crate::root::{self, Root};

/// Files of syslog's that hold the kernel's lines, the first that is there.
const FILES: [&str; 3] = ["var/log/kern.log", "var/log/messages", "var/log/syslog"];
const HINT: &str = "`journalctl -o short-iso -b -1 | hvtune postmortem --log -`";

/// How compressed files begin, and what unpacks them.
const PACKED: [(&[u8], &str); 6] = [
    (b"\x1f\x8b", "zcat FILE"),
    (b"\xfd7zXZ\0", "xzcat FILE"),
    (b"\x28\xb5\x2f\xfd", "zstdcat FILE"),
    (b"BZh", "bzcat FILE"),
    (b"\x04\x22\x4d\x18", "lz4cat FILE"),
    (b"LPKSHHRH", "journalctl --file FILE -o short-iso"),
];

/// Exit code 1 where trouble is recorded.
pub(super) fn postmortem(global: &Global, log: Option<&Path>) -> anyhow::Result<u8> {
    let job = probed(global, probe::probe_timers, false)?;
    let (name, path) = chosen(log, &job.root)?;
    let mut reader = Reader::default();
    let (mut bytes, mut packed) = (0, None);
    let mut take = |part: &[u8]| {
        if bytes == 0 {
            packed = PACKED.iter().find(|(magic, _)| part.starts_with(magic)).map(|(_, unpack)| *unpack);
        }
        bytes += part.len();
        if packed.is_none() {
            reader.feed(part);
        }
    };
    match &path {
        Some(path) => root::read_log(path, &mut take)?,
        None => root::read_input(&mut take)?,
    }
    if let Some(unpack) = packed {
        anyhow::bail!("reading {name}: it is packed; `{unpack} | hvtune postmortem --log -` reads it");
    }
    if bytes == 0 {
        anyhow::bail!("reading {name}: it is empty; name a log that has lines, such as by {HINT}");
    }
    let log = reader.finish();
    let capture = global.machine.as_ref().map(|_| &job.facts);
    let findings = judge(&log, &Model { capture, policy: &job.policy });
    let looked = Looked { name: &name, log: &log, found: &found(&log), findings: &findings };
    report::postmortem(&looked, &Shown::new(global, "postmortem", None, &job).show())?;
    Ok(u8::from(!findings.incidents.is_empty()))
}

/// The log's name, and its path where it is no standard input.
fn chosen(log: Option<&Path>, root: &Root) -> anyhow::Result<(String, Option<PathBuf>)> {
    match log {
        Some(path) if path == Path::new("-") => Ok(("standard input".to_owned(), None)),
        Some(path) => Ok((named(path), Some(path.to_owned()))),
        None => {
            for file in FILES {
                if root.has_file(file)? && root.size(file)?.is_some_and(|size| size > 0) {
                    let path = root.name().join(file);
                    return Ok((path.display().to_string(), Some(path)));
                }
            }
            anyhow::bail!(
                "--log is missing, and no syslog file is below {}; {HINT} reads the boot before",
                root.name().display()
            )
        }
    }
}
