//! Other writers of the knobs that we set, and who wins.

use super::Plan;
use crate::facts::{Facts, Holds, SysctlLine};
use crate::formats::sysctl::{Effective, Entry, effective, effective_procps};
use crate::marker::BASE_NAME;
use crate::render::landing;
use crate::resolve::{Acts, Ours, kernel_arg};
use crate::tunable::{Target, UdevAttr};

/// Somebody else who writes a knob of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// The knob.
    pub knob: String,
    /// Who: a file with its line, or a program.
    pub who: String,
    /// What it writes.
    pub value: String,
    /// Who wins: `hvtune`, or the other's name.
    pub winner: String,
    /// Why.
    pub because: &'static str,
}

const OURS: &str = "hvtune";

/// Every other writer of a knob in the plan, in the order of the settings.
pub(super) fn find(facts: &Facts, plan: &Plan) -> Vec<Contender> {
    let mut found: Vec<Contender> = Vec::new();
    for (_, assignment, _) in plan.settings() {
        let more = match &assignment.target {
            Target::Sysctl(key) => sysctl(facts, key, assignment.want.value().as_str()),
            Target::Udev { attr, .. } => rules(facts, *attr),
            Target::ModuleOption { module, option } => options(facts, module, option),
            Target::KernelArg(key) => fragments(facts, key, false),
            Target::DropKernelArg(key) => fragments(facts, key, true),
            // The edited line is the one that counts in its file.
            Target::Iscsi(_) | Target::Waagent(_) | Target::Fstab(_) => Vec::new(),
            Target::Multipath { section, key } => multipath(facts, section, key),
            Target::Unit { unit, property } => watchdog(facts, unit, property).into_iter().collect(),
        };
        for contender in more {
            if !found.contains(&contender) {
                found.push(contender);
            }
        }
    }
    found
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Files are read in the order of their base names, whatever their directory; the last write wins
/// (man 5 sysctl.d, man 7 udev).
fn later_than_ours(path: &str, extension: &str) -> bool {
    base(path) > format!("{BASE_NAME}.{extension}").as_str()
}

/// The other member of an exclusive pair: writing one zeroes the other.
fn counterpart(key: &str) -> Option<&'static str> {
    match key {
        "vm.dirty_bytes" => Some("vm.dirty_ratio"),
        "vm.dirty_background_bytes" => Some("vm.dirty_background_ratio"),
        _ => None,
    }
}

fn sysctl(facts: &Facts, key: &str, ours: &str) -> Vec<Contender> {
    let others: Vec<&SysctlLine> = facts.system.owners.sysctls.iter().collect();
    let concerns = |other: &str| other == key || Some(other) == counterpart(key);
    let files = read_in_order(&others, key, ours);
    let views: Vec<(&str, &[Entry])> =
        files.iter().map(|(path, entries)| (path.as_str(), entries.as_slice())).collect();
    let at_boot: Vec<_> = views.iter().copied().filter(|(path, _)| *path != SYSCTL_CONF).collect();
    let last = |writes: Vec<Effective<'_>>| {
        let write = writes.into_iter().rfind(|write| concerns(&write.entry.key));
        write.filter(|write| write.path != OURS).map(|write| format!("{}:{}", write.path, write.entry.line))
    };
    let (winner, by_hand) = (last(effective(&at_boot)), last(effective_procps(&views)));
    let mut found = Vec::new();
    for line in others.into_iter().filter(|line| concerns(&line.key)) {
        let who = format!("{}:{}", line.path, line.line);
        let because = if line.path == SYSCTL_CONF {
            "only procps' `sysctl --system` reads /etc/sysctl.conf, and then last; at boot it is not read"
        } else if line.key == key && line.value == ours {
            "it writes the same value"
        } else if winner.as_ref() == Some(&who) {
            "its file is read after ours"
        } else if by_hand.as_ref() == Some(&who) {
            "the same value stands in an earlier file, whose place systemd-sysctl keeps; \
             `sysctl --system` of procps ends with this one"
        } else if later_than_ours(&line.path, "conf") {
            "its file is read after ours, and another one after it"
        } else {
            "its file is read before ours"
        };
        found.push(contender(key, line, winner.as_deref().unwrap_or(OURS), because));
    }
    found.extend(tuned(facts, key));
    found
}

const SYSCTL_CONF: &str = "etc/sysctl.conf";

/// All files with ours at its place, which stands under the name [`OURS`].
fn read_in_order(others: &[&SysctlLine], key: &str, ours: &str) -> Vec<(String, Vec<Entry>)> {
    let own = Entry { line: 0, optional: false, key: key.to_owned(), value: ours.to_owned() };
    let (before, after): (Vec<&SysctlLine>, Vec<&SysctlLine>) =
        others.iter().partition(|line| line.path != SYSCTL_CONF && !later_than_ours(&line.path, "conf"));
    let mut files: Vec<(String, Vec<Entry>)> = Vec::new();
    let mut add = |path: &str, entry: Entry| match files.last_mut() {
        Some((last, entries)) if last == path => entries.push(entry),
        _ => files.push((path.to_owned(), vec![entry])),
    };
    let entry = |line: &SysctlLine| Entry {
        line: line.line,
        optional: false,
        key: line.key.clone(),
        value: line.value.clone(),
    };
    for line in before {
        add(&line.path, entry(line));
    }
    add(OURS, own);
    for line in after {
        add(&line.path, entry(line));
    }
    files
}

fn contender(key: &str, line: &SysctlLine, winner: &str, because: &'static str) -> Contender {
    Contender {
        knob: key.to_owned(),
        who: format!("{}:{}", line.path, line.line),
        value: if line.key == key { line.value.clone() } else { format!("{} = {}", line.key, line.value) },
        winner: winner.to_owned(),
        because,
    }
}

/// tuned re-applies /run, /etc sysctl.d after its profile, so a file in /etc wins
/// (`reapply_sysctl`, on by default: <https://github.com/redhat-performance/tuned/blob/master/tuned-main.conf>).
fn tuned(facts: &Facts, key: &str) -> Option<Contender> {
    let profile = facts.system.owners.tuned.as_ref()?;
    key.starts_with("vm.").then(|| Contender {
        knob: key.to_owned(),
        who: format!("tuned profile {profile}"),
        value: "set by the profile, if it names the key".to_owned(),
        winner: OURS.to_owned(),
        because: "tuned re-applies /etc/sysctl.d after its profile",
    })
}

fn rules(facts: &Facts, attr: UdevAttr) -> Vec<Contender> {
    let mut found = Vec::new();
    for write in &facts.system.owners.rules {
        let same = write.attr == attr.path() || (attr == UdevAttr::Timeout && write.attr == "timeout");
        if !same {
            continue;
        }
        let who = format!("{}:{}", write.path, write.line);
        let later = write.program || later_than_ours(&write.path, "rules");
        found.push(Contender {
            knob: attr.path().to_owned(),
            winner: if later { who.clone() } else { OURS.to_owned() },
            who,
            value: write.value.clone(),
            because: if write.program {
                "a program of RUN runs after all rules, where its line matches the same disk"
            } else if later {
                "its file is read after ours, where its line matches the same disk"
            } else {
                "its file is read before ours"
            },
        });
    }
    if attr == UdevAttr::Timeout {
        found.extend(waagent(facts));
    }
    found
}

/// The Azure agent compares every sd disk's timeout with its own every 30 s and writes it where it differs.
fn waagent(facts: &Facts) -> Option<Contender> {
    let agent = facts.system.owners.waagent.as_ref()?;
    let seconds = agent.scsi_timeout?;
    Some(Contender {
        knob: UdevAttr::Timeout.path().to_owned(),
        who: format!("waagent ({}: OS.RootDeviceScsiTimeout)", agent.path),
        value: seconds.to_string(),
        winner: "waagent".to_owned(),
        because: "the agent writes every sd disk again every 30 s",
    })
}

fn options(facts: &Facts, module: &str, option: &str) -> Vec<Contender> {
    let on_cmdline = landing(facts, module).cmdline;
    let same = |line: &&crate::facts::OptionLine| line.module == module && line.parameter == option;
    let mut found = Vec::new();
    for line in facts.system.owners.options.iter().filter(same) {
        let who = format!("{}:{}", line.path, line.line);
        let wins = later_than_ours(&line.path, "conf") && !on_cmdline;
        found.push(Contender {
            knob: format!("{module}.{option}"),
            winner: if wins { who.clone() } else { OURS.to_owned() },
            who,
            value: line.value.clone(),
            because: match (wins, on_cmdline) {
                (true, _) => "its file is read after ours, and the last option counts",
                (false, true) => "modprobe appends the kernel command line last",
                (false, false) => "its file is read before ours",
            },
        });
    }
    found.extend(fragments(facts, &format!("{module}.{option}"), false).into_iter().filter(|_| on_cmdline));
    found
}

/// Who gives or loses a kernel argument after our fragment was read.
fn fragments(facts: &Facts, key: &str, takes_away: bool) -> Vec<Contender> {
    let config = &facts.system.boot.configured;
    if !config.reads_ours {
        return Vec::new();
    }
    let path = format!("etc/default/grub.d/{BASE_NAME}.cfg");
    let chain = if takes_away {
        kernel_arg::removal(facts, key, &path)
    } else {
        kernel_arg::chain(facts, key, Some(Ours { path: &path, value: "" }))
    };
    let mut found = Vec::new();
    if let (Holds::No(why) | Holds::Maybe(why), false) = (&config.ours, takes_away) {
        let who = why.split(' ').next().unwrap_or_default().to_owned();
        found.push(Contender {
            knob: key.to_owned(),
            value: "GRUB_CMDLINE_LINUX_DEFAULT".to_owned(),
            winner: who.clone(),
            who,
            because: "it sets the variable after our fragment; what it does not carry over is lost",
        });
    }
    let after = chain.writers.iter().skip_while(|writer| !writer.is_ours()).skip(1);
    for writer in after.filter(|writer| !matches!(writer.acts, Acts::No(_))) {
        found.push(Contender {
            knob: key.to_owned(),
            who: writer.who.name(),
            value: writer.shown.clone(),
            winner: writer.who.name(),
            because: match writer.acts {
                Acts::Maybe(_) => "it may come behind ours: only a shell can tell",
                _ => "it comes behind ours, and the kernel takes the last",
            },
        });
    }
    found
}

/// Other files of multipath's. The last `overrides` counts, and only a map's own section outranks it
/// (man 5 multipath.conf).
fn multipath(facts: &Facts, section: &str, key: &str) -> Vec<Contender> {
    let settings = facts.system.multipath.iter();
    let others = settings.filter(|setting| setting.key == key && !setting.is_ours());
    let mut found = Vec::new();
    for setting in others {
        let who = format!("{}:{} ({})", setting.path, setting.line, setting.section);
        let later = later_than_ours(&setting.path, "conf") && setting.path.contains("/conf.d/");
        let (wins, because) = match (setting.section.as_str(), later) {
            ("multipaths", _) => (true, "a map's own section outranks every override, for that map"),
            ("protocol", _) => (true, "a section of one protocol outranks the overrides around it"),
            (own, true) if own == section => (true, "its file is read after ours"),
            (own, false) if own == section => (false, "its file is read before ours"),
            _ => (false, "overrides outrank its section"),
        };
        let winner = if wins { who.clone() } else { OURS.to_owned() };
        found.push(Contender { knob: key.to_owned(), value: setting.value.clone(), who, winner, because });
    }
    found
}

/// A drop-in that is read after ours.
fn watchdog(facts: &Facts, unit: &str, property: &str) -> Option<Contender> {
    let watchdog = facts.system.watchdogs.iter().find(|watchdog| watchdog.unit == unit)?;
    if !watchdog.path.contains(".d/") {
        return None;
    }
    let wins = later_than_ours(&watchdog.path, "conf");
    let who = watchdog.path.clone();
    Some(Contender {
        knob: property.to_owned(),
        value: watchdog.seconds.to_string(),
        winner: if wins { who.clone() } else { OURS.to_owned() },
        who,
        because: if wins { "its file is read after ours" } else { "its file is read before ours" },
    })
}
