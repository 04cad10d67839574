//! `hvtune compare`: captures through the one comparison.

use std::path::PathBuf;

use super::shown::{Shown, nobody};
use super::{named, open_capture, open_root, read_policy};
use crate::capture::archive::ENDING;
use crate::cli::Global;
use crate::compare::{Guest, Terms, compare as compared};
use crate::probe::{self, MACHINE_JSON, MachineSource};
use crate::report;

/// Exit code 0, whatever it says.
pub(super) fn compare(global: &Global, captures: &[PathBuf]) -> anyhow::Result<u8> {
    let policy = read_policy(global, &open_root(&global.root)?)?;
    let mut guests = Vec::with_capacity(captures.len());
    for (path, name) in captures.iter().zip(names(captures)?) {
        let capture = open_capture("compare", path)?;
        if !capture.has_file(MACHINE_JSON)? {
            anyhow::bail!(
                "compare {}: this is no capture, as {MACHINE_JSON} is missing; `hvtune capture DIR` makes one",
                named(path)
            );
        }
        // What of the guest's own files lies beside counts: /etc/multipath.conf is in no capture by itself.
        guests.push(Guest { name, facts: probe::probe_timers(&MachineSource::Capture(&capture), &capture) });
    }
    let terms = Terms { budget: policy.stall, host_holds: policy.host_holds };
    let comparison = compared(&guests, terms);
    let about = nobody(global, policy);
    report::compare(&comparison, &Shown { global, command: "compare", only: None, about }.show())?;
    Ok(0)
}

/// What each is called: its last part where that tells it from all others, else the path as it was typed.
fn names(captures: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let last = |path: &PathBuf| {
        let name = path.file_name()?.to_string_lossy();
        Some(name.strip_suffix(ENDING).unwrap_or(&name).to_owned())
    };
    let short: Vec<Option<String>> = captures.iter().map(last).collect();
    let mut seen = std::collections::BTreeMap::new();
    for name in short.iter().flatten() {
        *seen.entry(name.clone()).or_insert(0_usize) += 1;
    }
    let mut typed = std::collections::BTreeSet::new();
    let mut names = Vec::with_capacity(captures.len());
    for (path, name) in captures.iter().zip(short) {
        let whole = path.display().to_string();
        if !typed.insert(whole.trim_end_matches('/').to_owned()) {
            anyhow::bail!("compare {}: it is named twice; name each capture once", named(path));
        }
        names.push(name.filter(|name| seen.get(name) == Some(&1)).unwrap_or(whole));
    }
    Ok(names)
}
