//! Programs that write once or again: to attributes of block devices, and to the kernel command line.

mod attribute;
mod path;

pub use attribute::{join, of_attribute};

use std::collections::BTreeMap;

use super::chain::{Acts, Moment, Who, Writer};
use crate::cmdline::{same_key, split_arg};
use crate::facts::{BootScript, Chosen, Facts, FileWrites, Hypervisor, Tuned, UnitState};
use crate::formats::programs::PathWrite;
use crate::formats::tuned::Unit;
use crate::order::by_number;

/// Why a service that starts beside systemd-sysctl and udev has no fixed place.
pub(super) const UNORDERED: &str = "it mostly comes later, but no unit orders it so";

/// What could not be read of these, and what tuned's profile leaves open where that is one: one sentence each.
pub(super) fn doubts(facts: &Facts, of: &[&str]) -> Vec<String> {
    let writers = &facts.system.writers;
    let unread = writers.unread.iter().filter(|unread| of.contains(&unread.of.as_str()));
    let unread = unread.map(|unread| format!("{}: {}", unread.path, unread.why));
    let tuned = writers.programs.tuned.iter().filter(|_| of.contains(&"tuned"));
    unread.chain(tuned.flat_map(|tuned| tuned.profile.open.iter().cloned())).collect()
}

/// Why a service does not run at boot; `None` where it does, or where the root does not show.
pub(super) fn started(state: UnitState, unit: &str) -> Option<Acts> {
    match state {
        UnitState::Enabled | UnitState::Unknown => None,
        UnitState::Disabled => Some(Acts::No(format!("{unit} is not enabled"))),
        UnitState::Masked => Some(Acts::No(format!("{unit} is masked"))),
        UnitState::Absent => Some(Acts::No(format!("there is no {unit}"))),
    }
}

/// Why a boot script does not run; `None` where it does.
pub(super) fn script_runs(script: &BootScript) -> Option<String> {
    if !script.executable {
        return Some(format!("{} is not executable, so its service does not run it", script.path));
    }
    match started(script.service, "rc-local.service") {
        Some(Acts::No(why)) => Some(why),
        _ => None,
    }
}

/// The lines of tmpfiles.d in the order in which they are written: all of one path together, where its first line
/// stands (<https://github.com/systemd/systemd/blob/v257/src/tmpfiles/tmpfiles.c>, `parse_line`, `run`).
pub(super) fn tmpfiles_in_order(files: &[FileWrites]) -> Vec<(&str, &PathWrite)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut all: Vec<(usize, &str, &PathWrite)> = Vec::new();
    for (file, write) in files.iter().flat_map(|file| file.writes.iter().map(move |write| (file, write))) {
        let next = places.len();
        let at = *places.entry(write.target.clone()).or_insert(next);
        all.push((at, &file.path, write));
    }
    by_number(all, |(at, ..)| *at as u64).into_iter().map(|(_, path, write)| (path, write)).collect()
}

/// Whether tuned applies a unit of its profile at boot.
pub(super) fn tuned_acts(facts: &Facts, tuned: &Tuned, unit: &Unit) -> Acts {
    if let Some(no) = started(tuned.service, "tuned.service") {
        return no;
    }
    if let Some(why) = tuned.profile.refused.first() {
        return Acts::Maybe(why.clone());
    }
    match tuned.chosen {
        Chosen::Guessed => {
            let names = tuned.names.join(" ");
            return Acts::Maybe(format!(
                "no profile is chosen yet; tuned itself will choose, most likely {names}"
            ));
        }
        Chosen::Last if facts.system.offline => {
            return Acts::Maybe("tuned chooses its profile again at every start".to_owned());
        }
        Chosen::Last | Chosen::Written => {}
    }
    if unit.conditional {
        return Acts::Maybe(format!("a condition on the machine decides over [{}]", unit.name));
    }
    Acts::Yes
}

/// Whether a section of a saptune note counts here, by its tags.
pub(super) fn note_acts(facts: &Facts, tags: &str) -> Acts {
    let azure = match facts.machine.as_ref().and_then(|machine| machine.hypervisor.as_ref()) {
        Some(Hypervisor::HyperV(hyperv)) => hyperv.azure,
        _ => None,
    };
    let mut undecided = false;
    for tag in tags.split(':').filter(|tag| !tag.is_empty()) {
        match (tag.split_once('='), azure) {
            (Some(("csp", "azure")), Some(true)) => {}
            (Some(("csp", csp)), Some(azure)) if azure || csp == "azure" => {
                return Acts::No(format!("its section is for {tag} alone"));
            }
            _ => undecided = true,
        }
    }
    if undecided { Acts::Maybe(format!("its section is for {tags} alone")) } else { Acts::Yes }
}

/// Programs that put an argument on the kernel command line: tuned's `[bootloader]`, whose arguments come after all
/// others where the loader takes them (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/plugins/plugin_bootloader.py>).
/// The value of a bare argument is empty.
pub fn of_argument(facts: &Facts, key: &str) -> (Vec<Writer>, Vec<String>) {
    let Some(tuned) = &facts.system.writers.programs.tuned else { return (Vec::new(), Vec::new()) };
    let mut args: Vec<(String, &crate::formats::tuned::Setting, Acts)> = Vec::new();
    let mut doubts = doubts(facts, &["tuned"]);
    for unit in tuned.profile.units.iter().filter(|unit| unit.plugin == "bootloader") {
        for option in unit.options.iter().filter(|option| option.name.starts_with("cmdline")) {
            let Some(value) = &option.value else {
                doubts.push(format!(
                    "{}:{} takes its arguments from a function of tuned's",
                    option.path, option.line
                ));
                continue;
            };
            if let Some(removed) = value.strip_prefix('-') {
                let removed: Vec<&str> = removed.split_whitespace().collect();
                args.retain(|(arg, ..)| !removed.contains(&arg.as_str()));
                continue;
            }
            let added = value.trim_start_matches(['+', '\\']).split_whitespace();
            let acts = tuned_acts(facts, tuned, unit);
            args.extend(added.map(|arg| (arg.to_owned(), option, acts.clone())));
        }
    }
    let mine = args.into_iter().filter(|(arg, ..)| same_key(split_arg(arg).0, key));
    let writer = |(arg, option, acts): (String, &crate::formats::tuned::Setting, Acts)| Writer {
        who: Who::Program {
            name: format!("tuned profile {}", tuned.names.join(" ")),
            path: option.path.clone(),
            line: option.line,
        },
        value: Some(split_arg(&arg).1.to_owned()),
        shown: arg,
        moment: Moment::Load,
        acts,
        because: "tuned appends its arguments to those of the boot entry".to_owned(),
    };
    (mine.map(writer).collect(), doubts)
}
