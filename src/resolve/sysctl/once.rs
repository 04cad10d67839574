//! Programs that write once, later in the boot: tmpfiles.d, ufw, `rc.local`.

use super::draft::Draft;
use super::knob::Knob;
use super::{Acts, Moment, Who, files};
use crate::facts::{BootScript, Facts, Ufw};
use crate::formats::glob::fits_path;
use crate::formats::programs::script::Files;
use crate::formats::programs::{PathWrite, names_word};
use crate::order::by_number;
use crate::resolve::Ours;
use crate::resolve::programs::{UNORDERED, script_runs, started, tmpfiles_in_order};

/// All of them.
pub(super) fn read(facts: &Facts, knob: &Knob, ours: Option<Ours<'_>>) -> Vec<Draft> {
    let programs = &facts.system.writers.programs;
    let mut drafts = Vec::new();
    let service = started(programs.tmpfiles_service, "systemd-tmpfiles-setup.service");
    for (path, write) in tmpfiles_in_order(&programs.tmpfiles) {
        let because = "systemd-tmpfiles writes it when it makes files at boot";
        let acts = service.clone().unwrap_or_else(|| Acts::Maybe(UNORDERED.to_owned()));
        drafts.extend(of_write(knob, "tmpfiles.d", path, write, because).into_iter().map(
            |draft| match acts {
                Acts::No(_) => draft.acting(acts.clone()),
                _ if draft.acts == Acts::Yes => draft.acting(acts.clone()),
                _ => draft,
            },
        ));
    }
    drafts.extend(programs.ufw.iter().flat_map(|ufw| of_ufw(ufw, knob)));
    drafts.extend(programs.scripts.iter().flat_map(|script| of_script(facts, script, knob, ours)));
    drafts
}

/// Whether a script that runs as a service of its own is among them: tuned has no fixed place beside it.
pub(super) fn has_script(drafts: &[Draft]) -> bool {
    let is_script = |draft: &&Draft| draft.moment == Moment::Service && !matches!(draft.acts, Acts::No(_));
    drafts.iter().filter(is_script).any(|draft| draft.because == SCRIPT)
}

const SCRIPT: &str = "the script runs once, when the network is there";

/// A write to a path, as far as the path is that of the key.
fn of_write(knob: &Knob, name: &str, path: &str, write: &PathWrite, because: &str) -> Vec<Draft> {
    let who = || Who::Program { name: name.to_owned(), path: path.to_owned(), line: write.line };
    let maybe = |draft: Draft| match write.maybe {
        Some(why) => draft.acting(Acts::Maybe(why.to_owned())),
        None => draft,
    };
    if write.target.is_empty() {
        // It names a knob, and no more than that could be told.
        let mut parts = knob.wanted().into_iter().filter_map(|key| key.rsplit('/').next());
        let names = parts.any(|part| names_word(&write.shown, part));
        let draft = Draft::new(who(), &knob.path, None, Moment::Service, because);
        return names
            .then(|| Draft { shown: Some(write.shown.clone()), ..maybe(draft) })
            .into_iter()
            .collect();
    }
    let Some(target) = write.target.strip_prefix("/proc/sys/") else { return Vec::new() };
    let keys = knob.wanted().into_iter().filter(|key| fits_path(target, key));
    keys.map(|key| maybe(Draft::new(who(), key, write.value.clone(), Moment::Service, because))).collect()
}

/// ufw loads its sysctl file as it starts, once the local file systems are mounted.
fn of_ufw(ufw: &Ufw, knob: &Knob) -> Vec<Draft> {
    let acts = match ufw.enabled {
        Some(false) => Acts::No("ufw is switched off in etc/ufw/ufw.conf".to_owned()),
        _ => started(ufw.service, "ufw.service").unwrap_or_else(|| Acts::Maybe(UNORDERED.to_owned())),
    };
    let because = "ufw loads the file of IPT_SYSCTL when it starts";
    let drafts = ufw.file.iter().flat_map(|file| files::one(file, knob, because));
    let as_ufw = drafts.map(|draft| {
        let (path, line) = match draft.who {
            Who::Line { path, line } => (path, line),
            _ => (String::new(), 0),
        };
        let acts = if draft.acts == Acts::Yes { acts.clone() } else { draft.acts };
        Draft {
            who: Who::Program { name: "ufw".to_owned(), path, line },
            moment: Moment::Service,
            acts,
            ..draft
        }
    });
    as_ufw.collect()
}

fn of_script(facts: &Facts, script: &BootScript, knob: &Knob, ours: Option<Ours<'_>>) -> Vec<Draft> {
    let mut numbered: Vec<(u32, Draft)> = Vec::new();
    for write in &script.writes {
        let drafts = of_write(knob, "boot script", &script.path, write, SCRIPT);
        numbered.extend(drafts.into_iter().map(|draft| (write.line, draft)));
    }
    for applies in &script.applies {
        let drafts = match &applies.files {
            Files::All => files::procps(facts, knob, ours),
            Files::One(path) => of_file(facts, knob, path.trim_start_matches('/'), script, applies.line),
        };
        let late = drafts.into_iter().map(|draft| Draft {
            moment: Moment::Service,
            because: SCRIPT.to_owned(),
            ..draft
        });
        numbered.extend(late.map(|draft| (applies.line, draft)));
    }
    let numbered = by_number(numbered, |(line, _)| u64::from(*line));
    let stopped = script_runs(script);
    let drafts = numbered.into_iter().map(|(_, draft)| draft);
    drafts
        .map(|draft| match &stopped {
            Some(why) => draft.acting(Acts::No(why.clone())),
            None => draft,
        })
        .collect()
}

/// What a script's `sysctl -p FILE` sets; a file that was not read may set anything.
fn of_file(facts: &Facts, knob: &Knob, path: &str, script: &BootScript, line: u32) -> Vec<Draft> {
    let all = &facts.system.writers.sysctl_files;
    if path == "etc/sysctl.conf" {
        return all.conf.iter().flat_map(|file| files::one(file, knob, SCRIPT)).collect();
    }
    if let Some(file) = all.procps.iter().find(|file| file.path == path) {
        return files::one(file, knob, SCRIPT);
    }
    let who = Who::Program { name: "boot script".to_owned(), path: script.path.clone(), line };
    let maybe = Acts::Maybe(format!("it applies {path}, which was not read"));
    vec![Draft::new(who, &knob.path, None, Moment::Service, SCRIPT).acting(maybe)]
}
