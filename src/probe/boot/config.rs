//! `/etc/default/grub` and all that it sources, run in thought.

use crate::facts::{Attribute, BootStack, Configured, Holds};
use crate::formats::grub::{self, Files, GrubVariable, Shell};
use crate::marker::body_of;
use crate::order::Named;

use super::Look;
use super::grub::{DEFAULTS, FRAGMENTS};
use super::look::setting;
use super::stores::{block, is_mark, marked, place_of_ours as place_of_mark};
use crate::stacks::{self, Files as Place};

pub(super) const OURS: &str = "etc/default/grub.d/90-hvtune.cfg";
/// Files that name each other; distributions have none that do.
const ROUNDS: usize = 16;

/// What the variables come to.
pub(super) fn read(look: &mut Look<'_>, stack: BootStack) -> Configured {
    let mut doubts = Vec::new();
    let sourced = matches!(stack, BootStack::DebianGrub | BootStack::AzureLinuxGrubD);
    let fragments = if sourced { fragments(look, &mut doubts) } else { Vec::new() };
    let mut first = vec![DEFAULTS.to_owned()];
    if stack == BootStack::DebianGrub {
        first.extend(fragments.iter().cloned());
    }
    let mut variables = environment(look);
    variables.extend(tuned(look));
    let mut files =
        Files { first, fragments, ours: OURS.to_owned(), shell: shell(look), variables, ..Files::default() };
    let foreign = sourced && !place_of_ours(look, &mut files);
    let edited = marked_defaults(look, stack);
    files.texts.extend(edited.clone().map(|text| (DEFAULTS.to_owned(), Attribute::Is(text))));
    let mut outcome = grub::evaluate(&files);
    for _ in 0..ROUNDS {
        if outcome.wanted.is_empty() {
            break;
        }
        for path in std::mem::take(&mut outcome.wanted) {
            let text = look.read(&path);
            files.texts.insert(path, text);
        }
        outcome = grub::evaluate(&files);
    }
    doubts.extend(
        outcome.wanted.iter().map(|path| format!("{path} was not looked at: too many files name each other")),
    );
    let mut configured = outcome.configured;
    if foreign {
        configured.reads_ours = false;
        configured.ours = Holds::No(format!("{OURS} is a file of somebody else's"));
    }
    if edited.is_some() {
        let stands = configured.args.iter().find(|arg| is_mark(arg)).map(|arg| arg.holds.clone());
        configured.ours_at = place_of_mark(&mut configured.args).unwrap_or(configured.args.len());
        configured.reads_ours = stands.is_some();
        configured.ours = stands.unwrap_or_else(|| Holds::No(format!("{DEFAULTS} does not give it on")));
    }
    configured.doubts.splice(0..0, doubts);
    configured
}

/// `/etc/default/grub` with an argument in the place of ours, where ours go there.
fn marked_defaults(look: &mut Look<'_>, stack: BootStack) -> Option<String> {
    let place = stacks::row(stack).filter(|row| row.menu)?.places.first()?;
    match place.files {
        Place::One(path, store) => marked(look, path, store),
        _ => None,
    }
}

/// The fragments in the order in which a shell takes them, ours among them.
fn fragments(look: &mut Look<'_>, doubts: &mut Vec<String>) -> Vec<String> {
    let Some(mut names) = look.names(FRAGMENTS) else {
        doubts.push(format!("{FRAGMENTS} could not be listed"));
        return vec![OURS.to_owned()];
    };
    names.retain(|name| name.strip_suffix(".cfg").is_some() && !name.starts_with('.'));
    let mut paths: Vec<String> = names.into_iter().map(|name| format!("{FRAGMENTS}/{name}")).collect();
    if !paths.iter().any(|path| path == OURS) {
        paths.push(OURS.to_owned());
    }
    paths.sort_unstable();
    paths
}

/// Leaves our own fragment out; `false` where the file at its place is somebody else's.
fn place_of_ours(look: &mut Look<'_>, files: &mut Files) -> bool {
    let found = look.read(OURS);
    let own = found.value().is_none_or(|text| body_of(text.as_bytes()).is_some());
    let text = if own && found != Attribute::Unknown { Attribute::Absent } else { found };
    files.texts.insert(OURS.to_owned(), text);
    own
}

/// What `/bin/sh` is, which runs grub-mkconfig.
fn shell(look: &mut Look<'_>) -> Shell {
    let links = ["bin/sh", "usr/bin/sh"];
    let target = links.into_iter().find_map(|path| look.root.read_link(path).ok().flatten());
    match target.as_deref().and_then(|target| target.rsplit('/').next()) {
        Some("dash") => Shell::Dash,
        Some("bash") => Shell::Bash,
        _ => Shell::Other,
    }
}

/// GRUB's environment block.
pub(super) fn environment(look: &mut Look<'_>) -> Named<GrubVariable> {
    let mut found = Named::new();
    let Some((path, _)) = block(look) else { return found };
    let text = look.text(&path).unwrap_or_default();
    for (line, name, value) in grub::env::parse(&text).unwrap_or_default() {
        let variable = GrubVariable { text: Some(value), path: path.clone(), line, maybe: None };
        found.insert(name, variable);
    }
    found
}

/// tuned's own arguments, which its script in /etc/grub.d writes to the menu
/// (<https://github.com/redhat-performance/tuned/blob/master/00_tuned>).
fn tuned(look: &mut Look<'_>) -> Option<(String, GrubVariable)> {
    let path = "etc/tuned/bootcmdline";
    if !look.there("etc/grub.d/00_tuned") {
        return None;
    }
    let text = setting(&look.text(path)?, "TUNED_BOOT_CMDLINE").unwrap_or_default();
    let variable = GrubVariable { text: Some(text), path: path.to_owned(), line: 0, maybe: None };
    Some(("tuned_params".to_owned(), variable))
}
