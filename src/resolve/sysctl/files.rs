//! sysctl.d and `/etc/sysctl.conf`, as systemd-sysctl takes them at boot and procps by hand.

use super::super::base;
use super::draft::Draft;
use super::knob::{Effect, Knob};
use super::{Acts, Moment, Who};
use crate::facts::{Facts, SysctlFile, SysctlFiles, UnitState};
use crate::formats::sysctl::order::{self, Fate, Step};
use crate::formats::sysctl::read::Line;
use crate::resolve::{Ours, mask};

const AT_BOOT: &str = "systemd-sysctl reads the files in the order of their names";
const BY_HAND: &str =
    "`sysctl --system` of procps reads the files in the order of their names, sysctl.conf last";

/// What systemd-sysctl writes at boot, in its order.
pub(super) fn systemd(facts: &Facts, knob: &Knob, ours: Option<Ours<'_>>) -> Vec<Draft> {
    let all = &facts.system.writers.sysctl_files;
    let mut drafts = Vec::new();
    for file in &all.per_kernel {
        let steps = order::systemd(&[(&file.path, &file.lines)], &knob.wanted());
        let because = "systemd-sysctl reads the file of the kernel that runs before all others";
        let one_of = "it is the file of one kernel, and another may boot".to_owned();
        let acts = if all.per_kernel.len() == 1 { Acts::Yes } else { Acts::Maybe(one_of) };
        let here = steps.iter().map(|step| draft(step, because, None).acting(acts.clone()));
        drafts.extend(here);
    }
    let known = understood(all);
    let own = own_line(knob, ours);
    let files = with_ours(facts, &known, own.as_ref(), ours);
    let steps = order::systemd(&files, &knob.wanted());
    let mut at_boot: Vec<Draft> =
        steps.iter().map(|step| draft(step, AT_BOOT, ours).acting(acts(step, all, ours))).collect();
    replaced_in_vain(&mut at_boot, knob);
    drafts.append(&mut at_boot);
    drafts.extend(hidden(facts, knob, ours));
    drafts
}

/// Of a key systemd-sysctl writes the last line alone. Where the kernel refuses that, the lines before are not
/// written either.
fn replaced_in_vain(drafts: &mut [Draft], knob: &Knob) {
    for at in 0..drafts.len() {
        let (before, rest) = drafts.split_at_mut(at);
        let Some(last) = rest.first().filter(|draft| draft.acts == Acts::Yes) else { continue };
        let Some(value) = &last.value else { continue };
        if !matches!(knob.effect(&last.written, value), Effect::Nothing(_)) {
            continue;
        }
        let why = format!("{} takes its place, and the kernel refuses that", last.who.name());
        for earlier in before.iter_mut().filter(|earlier| earlier.written == last.written) {
            earlier.acts = Acts::No(why.clone());
        }
    }
}

/// What `sysctl --system` of procps writes, in its order.
pub(super) fn procps(facts: &Facts, knob: &Knob, ours: Option<Ours<'_>>) -> Vec<Draft> {
    let all = &facts.system.writers.sysctl_files;
    let own = own_line(knob, ours);
    let mut files = with_ours(facts, &all.procps, own.as_ref(), ours);
    files.extend(all.conf.iter().map(|file| (file.path.as_str(), file.lines.as_slice())));
    let steps = order::procps(&files, &knob.wanted());
    let mut drafts: Vec<Draft> =
        steps.iter().map(|step| draft(step, BY_HAND, ours).acting(fate(step))).collect();
    drafts.extend(hidden(facts, knob, ours));
    drafts
}

/// What one file sets when procps is told to load it.
pub(super) fn one(file: &SysctlFile, knob: &Knob, because: &str) -> Vec<Draft> {
    let steps = order::procps(&[(&file.path, &file.lines)], &knob.wanted());
    steps.iter().map(|step| draft(step, because, None).acting(fate(step))).collect()
}

/// The line of ours, as if it stood in its file.
pub(super) fn own_line(knob: &Knob, ours: Option<Ours<'_>>) -> Option<Line> {
    let value = Some(ours?.value.to_owned());
    Some(Line { line: 0, optional: false, key: knob.path.clone(), dotted: true, value })
}

/// Others' files with ours at its place, which is that of its name; one of the same name below it is not read.
pub(super) fn with_ours<'a>(
    facts: &Facts,
    others: &'a [SysctlFile],
    own: Option<&'a Line>,
    ours: Option<Ours<'a>>,
) -> Vec<(&'a str, &'a [Line])> {
    let all = others.iter().map(|file| (file.path.as_str(), file.lines.as_slice()));
    let (Some(ours), Some(own)) =
        (ours.filter(|ours| mask::hidden(facts, "sysctl.d", ours.path).is_none()), own)
    else {
        return all.collect();
    };
    let mut files: Vec<(&str, &[Line])> = all.filter(|(path, _)| base(path) != base(ours.path)).collect();
    let at = files.iter().position(|(path, _)| base(path) > base(ours.path)).unwrap_or(files.len());
    files.insert(at, (ours.path, std::slice::from_ref(own)));
    files
}

/// Our writer, where another file takes its place.
fn hidden(facts: &Facts, knob: &Knob, ours: Option<Ours<'_>>) -> Option<Draft> {
    let ours = ours?;
    let acts = mask::hidden(facts, "sysctl.d", ours.path)?;
    let who = Who::Ours { path: ours.path.to_owned() };
    Some(Draft::new(who, &knob.path, Some(ours.value.to_owned()), Moment::Files, AT_BOOT).acting(acts))
}

/// The files as this version of systemd understands them: before 246 there are no lines that leave a key out.
fn understood(all: &SysctlFiles) -> Vec<SysctlFile> {
    let old = all.systemd.is_some_and(|version| version < 246);
    let keeps = |line: &&Line| !old || line.value.is_some();
    let file = |file: &SysctlFile| SysctlFile {
        path: file.path.clone(),
        lines: file.lines.iter().filter(keeps).cloned().collect(),
    };
    all.layered.iter().map(file).collect()
}

fn draft(step: &Step<'_>, because: &str, ours: Option<Ours<'_>>) -> Draft {
    let who = match ours {
        Some(ours) if step.path == ours.path => Who::Ours { path: ours.path.to_owned() },
        _ => Who::Line { path: step.path.to_owned(), line: step.line.line },
    };
    Draft::new(who, step.key, step.line.value.clone(), Moment::Files, because)
}

fn fate(step: &Step<'_>) -> Acts {
    match &step.fate {
        Fate::Writes => Acts::Yes,
        Fate::KeepsEarlier { path, line } => {
            Acts::No(format!("the same value stands in {path}:{line}, whose place systemd-sysctl keeps"))
        }
        Fate::LeftOut { path, line } => Acts::No(format!("{path}:{line} keeps it out")),
    }
}

/// Whether systemd-sysctl writes it: the service, its version, the line's fate.
fn acts(step: &Step<'_>, all: &SysctlFiles, ours: Option<Ours<'_>>) -> Acts {
    match all.service {
        UnitState::Masked => return Acts::No("systemd-sysctl.service is masked".to_owned()),
        UnitState::Absent => return Acts::No("there is no systemd-sysctl.service".to_owned()),
        UnitState::Enabled | UnitState::Disabled | UnitState::Unknown => {}
    }
    let acts = fate(step);
    // Ours takes another's place only as far as it stays: without it the other's line holds.
    if acts != Acts::Yes || ours.is_some_and(|ours| step.path == ours.path) {
        return acts;
    }
    let what = match (step.line.optional, step.line.is_glob()) {
        (true, _) => ("the dash before a key", 243),
        (false, true) => ("wildcards", 246),
        (false, false) => return acts,
    };
    match (all.systemd, what) {
        (Some(version), (what, since)) if version < 239 => {
            Acts::No(format!("systemd {version} does not know {what}, which {since} brought"))
        }
        (Some(version), (what, since)) if version < since => {
            Acts::Maybe(format!("systemd {version} may not know {what}, which {since} brought"))
        }
        (None, (what, since)) => {
            Acts::Maybe(format!("the version of systemd is not known, and {since} brought {what}"))
        }
        _ => acts,
    }
}
