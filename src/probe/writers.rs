//! Other writers of the knobs that we set, as far as the root shows them.

mod layers;
mod programs;
mod reader;
mod saptune;
mod sysctls;
mod tuned;
mod units;

use crate::facts::{Gap, RuleFile, Writers, served};
use crate::formats::udev::{self, Key, Rules};
use crate::root::Root;

use super::units::Units;
use layers::{Found, Layers, Notes, gap, unit_mask};

pub(super) use layers::{hides, is_null, open, tops};
use reader::Reader;

const RULES: Layers = Layers { below: "udev/rules.d", ending: ".rules", fact: "writers.rules" };

/// The rules file of azure-vm-utils
/// (<https://github.com/Azure/azure-vm-utils/blob/main/udev/80-azure-disk.rules>).
const AZURE_RULES: &str = "/80-azure-disk.rules";

/// What every rules file that writes an attribute of ours or a sysctl key, by itself or by a program, contains.
const HINTS: &[&str] = &[
    "queue/",
    "timeout",
    "max_retries",
    "scheduler",
    "nr_requests",
    "read_ahead",
    "blockdev",
    "hdparm",
    "SYSCTL{",
    "sysctl ",
    "proc/sys/",
];

/// Reads them, but for the Azure agent, which [`super::waagent`] looks for. What cannot be read becomes a gap.
pub fn read(root: &Root, gaps: &mut Vec<Gap>) -> Writers {
    read_beside(root, &Units::open(root, gaps), gaps)
}

/// The same where the units are listed already.
pub(super) fn read_beside(root: &Root, listed: &Units<'_>, gaps: &mut Vec<Gap>) -> Writers {
    let tops = tops(root);
    let mut notes = Notes::default();
    let rule_files = rules(root, tops, &mut notes, gaps);
    let tuned = active_profile(root, gaps);
    let sysctl_files = sysctls::read_all(&mut Reader { root, tops, listed, notes: &mut notes, gaps });
    notes.masks.extend(served().filter_map(|unit| unit_mask(root, listed, tops, unit)));
    let multipath_conf = any(root, gaps, "writers.multipath", &["etc/multipath.conf"]);
    Writers {
        waagent: None,
        idle_waagent: None,
        azure_vm_utils: rule_files.iter().any(is_azures),
        tuned,
        saptune: any(root, gaps, "writers.saptune", &["usr/sbin/saptune"]),
        multipath: multipath_conf
            || any(root, gaps, "writers.multipath", &["usr/sbin/multipathd", "sbin/multipathd"]),
        multipath_conf,
        iscsi: any(root, gaps, "writers.iscsi", &["etc/iscsi/iscsid.conf", "usr/sbin/iscsid", "sbin/iscsid"]),
        rule_files,
        sysctl_files,
        programs: programs::read(&mut Reader { root, tops, listed, notes: &mut notes, gaps }),
        masks: notes.masks,
        unread: notes.unread,
    }
}

fn text(root: &Root, gaps: &mut Vec<Gap>, fact: &str, path: &str) -> Option<String> {
    root.read_text(path).unwrap_or_else(|error| {
        gaps.push(gap(fact, path, &error));
        None
    })
}

/// Whether one of these files is there.
fn any(root: &Root, gaps: &mut Vec<Gap>, fact: &str, paths: &[&str]) -> bool {
    paths.iter().any(|path| {
        root.has_file(path).unwrap_or_else(|error| {
            gaps.push(gap(fact, path, &error));
            false
        })
    })
}

fn active_profile(root: &Root, gaps: &mut Vec<Gap>) -> Option<String> {
    parse_profile(&text(root, gaps, "writers.tuned", "etc/tuned/active_profile")?)
}

/// The profile's name, as far as it can be shown.
pub(crate) fn parse_profile(text: &str) -> Option<String> {
    let shown = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    let profile: String = text.trim().chars().take(128).map(shown).collect();
    (!profile.is_empty()).then_some(profile)
}

/// Everybody else's rules files that may write a knob of ours.
fn rules(root: &Root, tops: &[&str], notes: &mut Notes, gaps: &mut Vec<Gap>) -> Vec<RuleFile> {
    let files = RULES.read(root, tops, notes, gaps).into_iter();
    // Most files say nothing of the kind, and parsing is what costs.
    let files = files.filter(|file| HINTS.iter().any(|hint| file.text.contains(hint)));
    files.map(|Found { path, text }| RuleFile { rules: udev::read(&text), path }).collect()
}

/// Whether it is azure-vm-utils' file, its timeout of NVMe disks in it.
fn is_azures(file: &RuleFile) -> bool {
    let writes = |rules: &Rules| {
        let mut terms = rules.rules.iter().flat_map(|rule| rule.of(Key::SetAttr));
        terms.any(|term| term.attr == "queue/io_timeout")
    };
    file.path.ends_with(AZURE_RULES) && writes(&file.rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Hides, Mask};
    use crate::marker::marker_line;
    use crate::root::laid_out;

    /// Reads a tree laid out for the purpose; `-> x` makes a link.
    fn writers(files: &[(&str, &str)]) -> (Writers, Vec<String>) {
        let (_dir, root) = laid_out(files);
        let mut gaps = Vec::new();
        let writers = read(&root, &mut gaps);
        (writers, gaps.into_iter().map(|gap| format!("{} {}: {}", gap.fact, gap.path, gap.why)).collect())
    }

    #[test]
    fn an_empty_root_has_none() {
        assert_eq!(writers(&[]), (Writers::default(), vec![]));
    }

    #[test]
    fn daemons_are_found() {
        let (found, gaps) = writers(&[
            ("etc/tuned/active_profile", "virtual-guest sap\u{e9}\n"),
            ("usr/sbin/saptune", ""),
            ("usr/sbin/multipathd", ""),
            ("sbin", "-> usr/sbin"),
            ("etc/iscsi/iscsid.conf", ""),
        ]);
        assert_eq!(gaps, [""; 0]);
        assert_eq!(found.tuned.as_deref(), Some("virtual-guest sap?"));
        assert!(found.saptune && found.multipath && found.iscsi && !found.azure_vm_utils);
    }

    #[test]
    fn sysctl_files_merge_by_name() {
        let ours = "vm.swappiness = 10\n";
        let ours = format!("{}{ours}", marker_line(ours.as_bytes()));
        let (found, gaps) = writers(&[
            ("usr/lib/sysctl.d/50-default.conf", "kernel.sysrq=16\n-net.ipv4.conf.all.rp_filter=2\n"),
            ("usr/lib/sysctl.d/60-a.conf", "vm.swappiness = 1\n"),
            ("etc/sysctl.d/60-a.conf", "vm.swappiness = 2\nvm.d*=1\n"),
            ("usr/lib/sysctl.d/70-b.conf", "vm.swappiness = 3\n"),
            ("etc/sysctl.d/70-b.conf", "-> /dev/null"),
            ("etc/sysctl.d/90-hvtune.conf", &ours),
            ("etc/sysctl.d/99-sysctl.conf", "-> ../sysctl.conf"),
            ("run/sysctl.d/10-z.conf", "kernel/hung_task_panic=1\n"),
            ("etc/sysctl.d/bad.conf", "vm.swappiness = 4\n"),
            ("etc/sysctl.d/README", "vm.swappiness = 5\n"),
            ("etc/sysctl.conf", "# x\nvm.dirty_ratio=30\n"),
            ("lib", "-> usr/lib"),
        ]);
        let lines: Vec<String> = found
            .sysctl_files
            .layered
            .iter()
            .chain(&found.sysctl_files.conf)
            .flat_map(|file| file.lines.iter().map(|line| (&file.path, line)))
            .map(|(path, l)| {
                format!("{path}:{} {}={}", l.line, l.key, l.value.as_deref().unwrap_or_default())
            })
            .collect();
        assert_eq!(
            lines,
            [
                "run/sysctl.d/10-z.conf:1 kernel/hung_task_panic=1",
                "etc/sysctl.d/60-a.conf:1 vm/swappiness=2",
                "etc/sysctl.d/60-a.conf:2 vm/d*=1",
                "etc/sysctl.d/99-sysctl.conf:2 vm/dirty_ratio=30",
                "etc/sysctl.d/bad.conf:1 vm/swappiness=4",
                "etc/sysctl.conf:2 vm/dirty_ratio=30",
            ]
        );
        assert_eq!(found.sysctl_files.procps, found.sysctl_files.layered);
        assert_eq!(gaps, [""; 0]);
        assert!(super::super::SYSCTL_KEYS.iter().all(|key| sysctls::is_watched(key)));
    }

    #[test]
    fn rules_that_may_write_what_we_do_are_found() {
        let azure = "ENV{AZURE_DISK_TYPE}==\"os|data\", ATTR{queue/io_timeout}=\"240000\"\n";
        let big = format!("{}KERNEL==\"sd*\", ATTR{{queue/nr_requests}}=\"8\"\n", "# filler\n".repeat(8000));
        let (found, gaps) = writers(&[
            ("lib/udev/rules.d/60-block.rules", "ACTION!=\"remove\", OPTIONS+=\"watch\"\n"),
            ("lib/udev/rules.d/60-net.rules", "SUBSYSTEM==\"net\", ATTR{queue/timeout}=\"1\"\n"),
            ("lib/udev/rules.d/60-sched.rules", "KERNEL==\"vd*\", ATTR{queue/scheduler}=\"none\"\n"),
            ("usr/lib/udev/rules.d/80-azure-disk.rules", azure),
            ("etc/udev/rules.d/99-x.rules", "KERNEL==\"sdb\", ATTR{[block/sda]queue/scheduler}=\"bfq\"\n"),
            ("etc/udev/rules.d/70-big.rules", &big),
            (
                "etc/udev/rules.d/50-old.rules",
                "SUBSYSTEMS==\"scsi\", RUN+=\"/bin/sh -c 'echo 180 >/sys$DEVPATH/timeout'\"\n",
            ),
        ]);
        let lines = found.rule_files.iter().map(|file| (&file.path, file.rules.rules.iter()));
        let lines: Vec<String> =
            lines.flat_map(|(path, rules)| rules.map(move |rule| format!("{path}:{}", rule.line))).collect();
        assert_eq!(
            lines,
            [
                "etc/udev/rules.d/50-old.rules:1",
                "lib/udev/rules.d/60-net.rules:1",
                "lib/udev/rules.d/60-sched.rules:1",
                "etc/udev/rules.d/70-big.rules:8001",
                "usr/lib/udev/rules.d/80-azure-disk.rules:1",
                "etc/udev/rules.d/99-x.rules:1",
            ]
        );
        assert!(found.azure_vm_utils);
        assert_eq!(gaps, [""; 0]);
        for mask in ["", "-> /dev/null", "# replaced\n"] {
            let etc = "etc/udev/rules.d/80-azure-disk.rules";
            let (found, _) = writers(&[("usr/lib/udev/rules.d/80-azure-disk.rules", azure), (etc, mask)]);
            assert!(!found.azure_vm_utils, "{mask}");
        }
    }

    #[test]
    fn a_file_of_our_name_that_is_not_ours_stands_in_our_place() {
        let ours = "KERNEL==\"sda\"\n";
        let ours = format!("{}{ours}", marker_line(ours.as_bytes()));
        let place = "etc/udev/rules.d/90-hvtune.rules";
        for (text, how) in [
            ("", Some(Hides::Masked)),
            ("-> /dev/null", Some(Hides::Masked)),
            ("# x\n", Some(Hides::Replaced)),
            (&ours, None),
        ] {
            let (found, _) = writers(&[("usr/lib/udev/rules.d/90-hvtune.rules", &ours), (place, text)]);
            let mask = how.map(|how| Mask { below: "udev/rules.d".to_owned(), by: place.to_owned(), how });
            assert_eq!(found.masks, mask.into_iter().collect::<Vec<_>>(), "{text}");
        }
        let (found, _) = writers(&[("usr/lib/sysctl.d/90-hvtune.conf", "vm.swappiness=1\n")]);
        assert_eq!(found.masks.len(), 1);
        let (found, _) = writers(&[("etc/udev/rules.d/.x.rules", "ATTR{queue/scheduler}=\"none\"\n")]);
        assert_eq!(found, Writers::default());
    }

    #[test]
    fn the_unreadable_is_a_gap() {
        let dir = "etc/sysctl.d/dir.conf/x";
        let (found, gaps) = writers(&[(dir, ""), ("etc/tuned/active_profile/x", "")]);
        assert_eq!(
            found.unread.iter().map(|unread| unread.of.as_str()).collect::<Vec<_>>(),
            ["sysctl.d", "tuned"]
        );
        assert_eq!(
            gaps,
            [
                "writers.tuned etc/tuned/active_profile: it is a directory, not a regular file",
                "writers.sysctls etc/sysctl.d/dir.conf: it is a directory, not a regular file",
            ]
        );
    }
}
