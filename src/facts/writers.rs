//! Who else writes to `/proc/sys` and `/sys`, as their files say, and what hides files of ours. Plain data.

use crate::formats::programs::PathWrite;
use crate::formats::programs::script::Applies;
use crate::formats::saptune::Setting as SaptuneSetting;
use crate::formats::sysctl::read::Line;
use crate::formats::tuned::Profile;

/// A file that takes the place of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// The set of directories: `sysctl.d`, `udev/rules.d`, `modprobe.d`, `systemd/system/UNIT.d`.
    pub below: String,
    /// The file, below the root: `etc/sysctl.d/90-hvtune.conf`.
    pub by: String,
    /// How it does so.
    pub how: Hides,
}

/// How a file takes the place of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hides {
    /// It is empty or a link to `/dev/null`: nothing is read.
    Masked,
    /// It is somebody else's, and read in place of ours.
    Replaced,
    /// It could not be read, so nobody knows.
    Unread,
}

impl Mask {
    /// Whether the file at this path is not read because of it: one in a lower directory, or at the very path.
    pub fn hides(&self, path: &str) -> bool {
        let rank = |path: &str| {
            let top =
                path.strip_suffix(path.rsplit('/').next()?)?.strip_suffix(&format!("{}/", self.below))?;
            LAYERS.iter().position(|layer| *layer == top.trim_end_matches('/'))
        };
        matches!((rank(&self.by), rank(path)), (Some(by), Some(ours)) if by <= ours)
    }
}

/// Directories that lie over each other, highest first. `lib` is another name of `usr/lib` on most systems.
pub const LAYERS: [&str; 5] = ["etc", "run", "usr/local/lib", "usr/lib", "lib"];

/// A file or directory that could not be read and may hold a writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What it belongs to: `sysctl.d`, `udev/rules.d`, `modprobe.d`, `tmpfiles.d`, `tuned`, …
    pub of: String,
    /// The path, below the root.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Sysctl files of others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SysctlFiles {
    /// Those of sysctl.d, in systemd-sysctl's order, each as systemd reads it.
    pub layered: Vec<SysctlFile>,
    /// The same files in the same order, each as procps reads it.
    pub procps: Vec<SysctlFile>,
    /// Per-kernel files of SUSE's, which are applied before all others.
    pub per_kernel: Vec<SysctlFile>,
    /// `/etc/sysctl.conf`, which procps reads last and systemd-sysctl not at all, as procps reads it.
    pub conf: Option<SysctlFile>,
    /// Those below /run that one in /etc of the same name hides from systemd and procps, as procps reads them:
    /// tuned takes them all the same.
    pub hidden_in_run: Vec<SysctlFile>,
    /// systemd-sysctl.service.
    pub service: UnitState,
    /// systemd's version, by its shared library.
    pub systemd: Option<u32>,
}

/// One of them, as far as it concerns a key of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysctlFile {
    /// The file, below the root.
    pub path: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Whether a unit is started at boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnitState {
    /// It is.
    Enabled,
    /// It is installed, and nothing starts it.
    Disabled,
    /// It is masked.
    Masked,
    /// systemd is there, the unit is not.
    Absent,
    /// The root does not show systemd's units.
    #[default]
    Unknown,
}

/// Programs that write once or again, as far as their files are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Programs {
    /// tmpfiles.d, files in reading order.
    pub tmpfiles: Vec<FileWrites>,
    /// systemd-tmpfiles-setup.service.
    pub tmpfiles_service: UnitState,
    /// sysfsutils' files, in reading order.
    pub sysfsutils: Vec<FileWrites>,
    /// Its init script or unit.
    pub sysfsutils_service: UnitState,
    /// Scripts that run once, late in the boot.
    pub scripts: Vec<BootScript>,
    /// ufw.
    pub ufw: Option<Ufw>,
    /// tuned.
    pub tuned: Option<Tuned>,
    /// saptune.
    pub saptune: Option<Saptune>,
}

/// The writes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWrites {
    /// The file, below the root.
    pub path: String,
    /// Its writes.
    pub writes: Vec<PathWrite>,
}

/// `rc.local` and its like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootScript {
    /// The file, below the root.
    pub path: String,
    /// Whether it may be executed, without which its service does not run it.
    pub executable: bool,
    /// Its service.
    pub service: UnitState,
    /// Its writes.
    pub writes: Vec<PathWrite>,
    /// Lines on which it runs `sysctl` over files.
    pub applies: Vec<Applies>,
}

/// The firewall that loads a sysctl file when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ufw {
    /// `ENABLED` of `ufw.conf`; `None` where only a shell can tell.
    pub enabled: Option<bool>,
    /// Its service.
    pub service: UnitState,
    /// The file that `IPT_SYSCTL` names, as procps reads it; `None` where it names none.
    pub file: Option<SysctlFile>,
}

/// The tuning daemon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tuned {
    /// tuned.service.
    pub service: UnitState,
    /// The profiles that it applies, or is taken to apply.
    pub names: Vec<String>,
    /// Who says so.
    pub chosen: Chosen,
    /// The profile, put together.
    pub profile: Profile,
    /// `reapply_sysctl`: it applies the sysctl files of /run and /etc once more after its own.
    pub reapply: bool,
    /// Its minor version, of major version 2.
    pub version: Option<u32>,
    /// `reapply_sysctl_exclude`: shell patterns of keys that it leaves out there.
    pub exclude: Vec<String>,
}

/// Who says which profile tuned applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chosen {
    /// Its own files, by hand or from an earlier start.
    Written,
    /// tuned itself chooses at every start, and this is what it chose last.
    Last,
    /// tuned will choose; it is taken to choose what it does in a guest.
    #[default]
    Guessed,
}

/// SUSE's tuning for SAP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saptune {
    /// saptune.service.
    pub service: UnitState,
    /// The notes that it applies, in order.
    pub notes: Vec<Note>,
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its number or name.
    pub id: String,
    /// The file, below the root.
    pub path: String,
    /// What it sets, an administrator's override put in.
    pub settings: Vec<SaptuneSetting>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_hides_those_below_it() {
        let mask = |by: &str| Mask { below: "sysctl.d".to_owned(), by: by.to_owned(), how: Hides::Masked };
        let vendor = "usr/lib/sysctl.d/90-hvtune.conf";
        let admin = "etc/sysctl.d/90-hvtune.conf";
        assert!(mask(admin).hides(vendor) && mask(admin).hides(admin));
        assert!(!mask(vendor).hides(admin));
        assert!(!mask("etc/udev/rules.d/90-hvtune.rules").hides(vendor));
    }
}
