//! A sysctl.d file, applied by systemd-sysctl and by procps.
//!
//! `/proc/sys` is a directory of plain files that holds exactly the keys which
//! the caller expects to be set, so a key too many is one that is missing.
//! Whether the kernel takes a value is for a running guest to show.

use std::path::Path;

use crate::stage::{Stage, Suite};

/// The programs that apply the file: at boot, by hand, and by hand for all files.
const TOOLS: [&str; 3] =
    ["/usr/lib/systemd/systemd-sysctl", "sysctl -p /etc/sysctl.d/90-hvtune.conf", "sysctl --system"];

/// What no program has set yet; shorter than any value and its newline.
const UNSET: &str = "-";

/// Where any of the programs says a word on stderr, fails, or leaves a key at
/// another value than wanted. Empty when all is well.
pub(crate) fn sysctl_faults(suite: Suite, conf: &Path, want: &[(&str, &str)]) -> Vec<String> {
    let mut faults = Vec::new();
    for tool in TOOLS {
        let found = faults_of(suite, conf, want, tool);
        faults.extend(found.into_iter().map(|fault| format!("{tool}: {fault}")));
    }
    faults
}

fn faults_of(suite: Suite, conf: &Path, want: &[(&str, &str)], tool: &str) -> Vec<String> {
    let stage = Stage::new(suite);
    stage.copy("/stage/90-hvtune.conf", conf);
    for (key, _) in want {
        stage.put(&format!("/stage/sys/{}", file_of(key)), format!("{UNSET}\n"));
    }
    let ran = stage.run(&format!(
        "mount --bind /stage/sys /proc/sys
         mount -t tmpfs none /etc/sysctl.d
         mount -t tmpfs none /usr/lib/sysctl.d
         rm -f /etc/sysctl.conf
         cp /stage/90-hvtune.conf /etc/sysctl.d/
         rc=0
         {tool} >&2 || rc=$?
         echo $rc
         cd /proc/sys
         grep -r ''"
    ));
    let ran = ran.ok();
    let (code, values) = ran.stdout.split_once('\n').expect("the code is on a line of its own");
    let mut faults = said(&ran.stderr, want);
    if code != "0" {
        faults.push(format!("exit {code}"));
    }
    let found: Vec<_> = values.lines().filter_map(|line| line.split_once(':')).collect();
    assert_eq!(found.len(), want.len(), "keys of the stage: {values}");
    for (key, value) in want {
        let file = file_of(key);
        let now = found.iter().find(|(name, _)| *name == file).map_or(UNSET, |(_, value)| value);
        if now != *value {
            faults.push(format!("{key} is {now}, not {value}"));
        }
    }
    faults
}

/// Everything that was said but procps's account of what it sets.
fn said(log: &str, want: &[(&str, &str)]) -> Vec<String> {
    let account: Vec<_> = want.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    log.lines()
        .filter(|line| !account.iter().any(|known| known == line))
        .filter(|line| *line != "* Applying /etc/sysctl.d/90-hvtune.conf ...")
        .map(str::to_owned)
        .collect()
}

fn file_of(key: &str) -> String {
    key.replace('.', "/")
}
