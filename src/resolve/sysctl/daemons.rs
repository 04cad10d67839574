//! tuned and saptune: what they write when they start.

use super::draft::Draft;
use super::knob::Knob;
use super::{Acts, Moment, Who, files};
use crate::facts::{Facts, Saptune, SysctlFile, Tuned};
use crate::formats::glob::fits;
use crate::formats::sysctl::read::{Line, key_of, path_of};
use crate::formats::tuned::{Setting, Unit};
use crate::resolve::Ours;
use crate::resolve::programs::{note_acts, started, tuned_acts};

/// All of them. `script`: an `rc.local` writes the key, and nothing orders it and tuned.
pub(super) fn read(facts: &Facts, knob: &Knob, ours: Option<Ours<'_>>, script: bool) -> Vec<Draft> {
    let programs = &facts.system.writers.programs;
    let mut drafts = Vec::new();
    if let Some(tuned) = &programs.tuned {
        drafts.extend(of_tuned(facts, tuned, knob, ours, script));
    }
    drafts.extend(programs.saptune.iter().flat_map(|saptune| of_saptune(facts, saptune, knob)));
    drafts
}

const PROFILE: &str = "tuned applies its profile after systemd-sysctl";
const AGAIN: &str = "tuned applies the sysctl files of /run and /etc once more after its own";

fn of_tuned(facts: &Facts, tuned: &Tuned, knob: &Knob, ours: Option<Ours<'_>>, script: bool) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for unit in &tuned.profile.units {
        let acts = tuned_acts(facts, tuned, unit);
        let of_unit: Vec<Draft> = match unit.plugin.as_str() {
            "sysctl" => unit.options.iter().filter_map(|option| of_sysctl(tuned, option, knob)).collect(),
            "vm" => of_vm(tuned, unit, knob),
            _ => continue,
        };
        drafts.extend(of_unit.into_iter().map(|draft| match (&draft.acts, &acts) {
            (Acts::Yes, _) | (Acts::Maybe(_), Acts::No(_)) => draft.acting(acts.clone()),
            _ => draft,
        }));
        let again = tuned.reapply && unit.plugin == "sysctl" && (script || !drafts.is_empty());
        if again && !matches!(acts, Acts::No(_)) {
            drafts.extend(
                again_from_files(facts, tuned, knob, ours)
                    .into_iter()
                    .map(|draft| if draft.acts == Acts::Yes { draft.acting(acts.clone()) } else { draft }),
            );
        }
    }
    if tuned.profile.units.is_empty() && !tuned.profile.refused.is_empty() {
        let draft = Draft::new(named(tuned, "", 0), &knob.path, None, Moment::Daemon, PROFILE);
        drafts.push(draft.acting(tuned_acts(facts, tuned, &Unit::default())));
    }
    if script {
        for draft in drafts.iter_mut().filter(|draft| draft.acts == Acts::Yes) {
            draft.acts = Acts::Maybe("nothing orders tuned and the script".to_owned());
        }
    }
    drafts
}

fn named(tuned: &Tuned, path: &str, line: u32) -> Who {
    Who::Program { name: format!("tuned profile {}", tuned.names.join(" ")), path: path.to_owned(), line }
}

/// The value, and the sign before it that makes the write depend on what is there.
fn condition(value: Option<&String>) -> (Option<String>, Option<char>) {
    let Some(value) = value else { return (None, None) };
    let sign = value.chars().next().filter(|c| matches!(c, '<' | '>') && value.len() > 1);
    let plain = sign.and_then(|sign| value.strip_prefix(sign)).unwrap_or(value);
    (Some(plain.to_owned()), sign)
}

/// What becomes of a key with slashes: since version 2.22 tuned swaps dots and slashes, and it is no key.
fn slashed(tuned: &Tuned, dotted: bool) -> Acts {
    match (dotted, since(tuned, 22)) {
        (true, _) | (false, Some(false)) => Acts::Yes,
        (false, Some(true)) => Acts::No("tuned takes a key with slashes for no key".to_owned()),
        (false, None) => {
            Acts::Maybe("versions of tuned from 2.22 on take a key with slashes for no key".to_owned())
        }
    }
}

/// An option of `[sysctl]`
/// (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/plugins/plugin_sysctl.py>).
fn of_sysctl(tuned: &Tuned, option: &Setting, knob: &Knob) -> Option<Draft> {
    let path = path_of(&option.name);
    let key = knob.named(&path)?;
    let slashed = slashed(tuned, !option.name.contains('/'));
    let (value, only_if) = condition(option.value.as_ref());
    let shown = value.is_none().then(|| format!("{} = {}", option.name, option.written));
    let who = named(tuned, &option.path, option.line);
    Some(Draft { only_if, shown, ..Draft::new(who, key, value, Moment::Daemon, PROFILE).acting(slashed) })
}

/// Options of `[vm]`: bytes, or with `%` the ratio
/// (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/plugins/plugin_vm.py>).
fn of_vm(tuned: &Tuned, unit: &Unit, knob: &Knob) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for option in &unit.options {
        let value = option.value.as_deref().map(str::trim);
        let (name, value) = match (option.name.as_str(), value.and_then(|value| value.strip_suffix('%'))) {
            ("dirty_bytes", Some(ratio)) => ("dirty_ratio", Some(ratio)),
            ("dirty_background_bytes", Some(ratio)) => ("dirty_background_ratio", Some(ratio)),
            (name, _) => (name, value),
        };
        if let Some(key) = knob.named(&format!("vm/{name}")) {
            let who = named(tuned, &option.path, option.line);
            let shown = value.is_none().then(|| format!("{} = {}", option.name, option.written));
            let value = value.map(str::to_owned);
            drafts.push(Draft { shown, ..Draft::new(who, key, value, Moment::Daemon, PROFILE) });
        }
    }
    if since(tuned, 25) == Some(false) {
        let why =
            format!("[vm] of tuned 2.{} knows no limits of dirty memory", tuned.version.unwrap_or_default());
        return drafts.into_iter().map(|draft| draft.acting(Acts::No(why.clone()))).collect();
    }
    drafts
}

/// Whether the installed version is this one or a later one; `None` where it is not known.
fn since(tuned: &Tuned, minor: u32) -> Option<bool> {
    tuned.version.map(|version| version >= minor)
}

/// The files below /run and /etc (before version 2.13 all), and sysctl.conf, as tuned applies them once more: the last
/// value of a key, at the place of its first; a dash before a key makes one that does not exist.
fn again_from_files(facts: &Facts, tuned: &Tuned, knob: &Knob, ours: Option<Ours<'_>>) -> Vec<Draft> {
    let all = &facts.system.writers.sysctl_files;
    let own = files::own_line(knob, ours);
    let mut found = files::with_ours(facts, &all.procps, own.as_ref(), ours);
    let all_dirs = since(tuned, 13) == Some(false);
    found.retain(|(path, _)| all_dirs || path.starts_with("etc/") || path.starts_with("run/"));
    // Of equal names it takes that in /run (`_apply_system_sysctl`).
    for (path, lines) in &mut found {
        let name = path.strip_prefix("etc/sysctl.d/").unwrap_or_default();
        let same = |file: &&SysctlFile| file.path.strip_prefix("run/sysctl.d/") == Some(name);
        if let Some(first) = all.hidden_in_run.iter().find(same) {
            (*path, *lines) = (&first.path, &first.lines);
        }
    }
    found.extend(all.conf.iter().map(|file| (file.path.as_str(), file.lines.as_slice())));
    let mut drafts: Vec<Draft> = Vec::new();
    let lines = found.iter().flat_map(|(path, lines)| lines.iter().map(move |line| (*path, line)));
    for (path, line) in lines.filter(|(_, line)| applies_again(tuned, line)) {
        let Some(key) = knob.named(&line.key) else { continue };
        let who = match ours {
            Some(ours) if ours.path == path => Who::Ours { path: path.to_owned() },
            _ => Who::Line { path: path.to_owned(), line: line.line },
        };
        let acts = slashed(tuned, line.dotted);
        if matches!(acts, Acts::No(_)) {
            continue;
        }
        let draft = Draft::new(who, key, line.value.clone(), Moment::Daemon, AGAIN).acting(acts);
        match drafts.iter_mut().find(|earlier| earlier.written == key) {
            Some(earlier) => *earlier = draft,
            None => drafts.push(draft),
        }
    }
    drafts
}

fn applies_again(tuned: &Tuned, line: &Line) -> bool {
    let key = key_of(&line.key);
    !line.optional && line.value.is_some() && !tuned.exclude.iter().any(|pattern| fits(pattern, &key))
}

/// saptune's notes, in the order in which it applies them, after tuned
/// (<https://github.com/SUSE/saptune/blob/main/ospackage/svc/saptune.service>).
fn of_saptune(facts: &Facts, saptune: &Saptune, knob: &Knob) -> Vec<Draft> {
    let service = started(saptune.service, "saptune.service");
    let mut drafts = Vec::new();
    for note in &saptune.notes {
        for setting in note.settings.iter().filter(|setting| setting.section == "sysctl") {
            let path = path_of(&setting.key);
            let Some(key) = knob.named(&path) else { continue };
            let who = Who::Program {
                name: format!("saptune note {}", note.id),
                path: note.path.clone(),
                line: setting.line,
            };
            let because = "saptune applies its notes when it starts";
            let draft = Draft::new(who, key, Some(setting.value.clone()), Moment::Daemon, because);
            let acts = service.clone().unwrap_or_else(|| note_acts(facts, &setting.tags));
            let only_if = setting.operator.chars().next().filter(|c| matches!(c, '<' | '>'));
            drafts.push(Draft { only_if, ..draft.acting(acts) });
        }
    }
    drafts
}
