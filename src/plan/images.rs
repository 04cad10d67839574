//! The initramfs images: which of them apply makes anew, and what each holds of files of ours.

use crate::facts::{BootStack, Facts, Image, Initramfs};
use crate::initramfs::{Held, Outlook, Takes, held, outdated, outlook, root_is_served, takes};
use crate::marker::{DRIVER_LISTS, counts_inside};

use super::{Change, Plan};

/// An initramfs that apply makes anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remake {
    /// The file, below the root.
    pub path: String,
    /// The kernel that it is for.
    pub kernel: String,
    /// What makes it: initramfs-tools or dracut.
    pub by: Initramfs,
    /// It is update-initramfs by which others ask for it: what follows that follows this too.
    pub hooks: bool,
    /// The file that an image made now takes along, or leaves behind.
    pub for_file: String,
    /// Whether it takes it along.
    pub holds: bool,
}

/// Stacks that load the image from `/boot`, by the name that it has there.
const BY_NAME: &[BootStack] = &[
    BootStack::DebianGrub,
    BootStack::GrubMkconfig,
    BootStack::GrubBls,
    BootStack::GrubBlsKernelopts,
    BootStack::AzureLinuxGrubD,
    BootStack::AzureLinuxGrubenv,
    BootStack::SuseGrub,
];

/// The images in which an option of a storage driver changes: on the running system, where their maker is known
/// and an image that it makes now is as good as the one that is there.
pub(super) fn remakes(facts: &Facts, plan: &Plan) -> Vec<Remake> {
    let boot = &facts.system.boot;
    let Some(copies) = boot.tools.copies.as_ref().filter(|_| !facts.files_only()) else { return Vec::new() };
    if !BY_NAME.contains(&boot.stack) || boot.unsure.is_some() || copies.held.is_some() {
        return Vec::new();
    }
    // Of the network dracut sees what there is where it runs: none, in a unit without one.
    if copies.by == Initramfs::Dracut && root_is_served(facts) {
        return Vec::new();
    }
    // On a machine of another kind it may have to be told of the drivers first.
    if facts.for_image() && !matches!(outlook(facts), None | Some(Outlook::Complete)) {
        return Vec::new();
    }
    let mut remakes: Vec<Remake> = Vec::new();
    let mut take = |images: Vec<&Image>, path: &str, holds: bool| {
        for image in images {
            if remakes.iter().all(|other| other.path != image.path) {
                remakes.push(Remake {
                    path: image.path.clone(),
                    kernel: image.kernel.clone(),
                    by: copies.by,
                    hooks: boot.tools.initramfs == Some(Initramfs::InitramfsTools),
                    for_file: path.to_owned(),
                    holds,
                });
            }
        }
    };
    let written = plan.changes.iter().filter(|change| !matches!(change, Change::Conflict { .. }));
    for change in written.filter(|change| is_taken(facts, change.path())) {
        take(boot.images.iter().collect(), change.path(), !change.takes_away());
    }
    for path in plan.unchanged.iter().filter(|path| is_taken(facts, path)) {
        take(outdated(facts, path), path, true);
    }
    remakes
}

/// Whether what a file says counts in the initramfs, and it takes the file along.
fn is_taken(facts: &Facts, path: &str) -> bool {
    counts_inside(path) && takes(facts, path) == Takes::Yes
}

/// The files that count in the initramfs and are as they should be, but younger than an image that has to hold them.
pub(super) fn late<'p>(facts: &Facts, plan: &'p Plan) -> Vec<&'p str> {
    let late = |path: &&String| counts_inside(path) && !outdated(facts, path).is_empty();
    plan.unchanged.iter().filter(late).map(String::as_str).collect()
}

/// The images by name: `the initramfs /boot/initrd.img-6.1`; without any that is known, `the initramfs`.
pub(super) fn named(images: &[&Image]) -> String {
    let paths: Vec<String> = images.iter().map(|image| format!("/{}", image.path)).collect();
    format!("the initramfs {}", listed(&paths)).trim_end().to_owned()
}

fn listed(names: &[String]) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        names => names.concat(),
    }
}

/// What the images hold of files that are taken away, in a sentence; empty where they hold none of them.
pub(super) fn copies_left(facts: &Facts, plan: &Plan) -> String {
    // What a service of the initramfs is told ends with the initramfs.
    let ends = |path: &str| path.contains("/systemd/system/");
    let gone = |change: &&Change| matches!(change, Change::Remove { .. }) && !ends(change.path());
    let gone: Vec<&str> = plan.changes.iter().filter(gone).map(Change::path).collect();
    let mut said: Vec<(Vec<&Image>, String)> = Vec::new();
    for image in &facts.system.boot.images {
        let holds = holds(facts, &gone, Some(image));
        match said.iter_mut().find(|(_, other)| *other == holds) {
            Some((images, _)) => images.push(image),
            None => said.push((vec![image], holds)),
        }
    }
    if said.is_empty() {
        said.push((Vec::new(), holds(facts, &gone, None)));
    }
    said.retain(|(_, holds)| !holds.is_empty());
    let said: Vec<String> = said.iter().map(|(images, holds)| format!("{} {holds}", named(images))).collect();
    said.join("; ")
}

/// What one image holds of files, in words.
fn holds(facts: &Facts, paths: &[&str], image: Option<&Image>) -> String {
    let mut parts: Vec<(&str, String, Vec<String>)> = Vec::new();
    for path in paths.iter().filter(|path| !DRIVER_LISTS.contains(path)) {
        let file = facts.system.ours.iter().find(|file| file.path == *path);
        let held = image.map_or(Held::Unknown, |image| held(image, file.and_then(|file| file.written)));
        let (words, why) = match (takes(facts, path), held) {
            (Takes::No(_), _) => continue,
            (Takes::Unknown(why), _) => ("may hold a copy of", format!(" ({why})")),
            (Takes::Yes, Held::ThisOne) => ("holds a copy of", String::new()),
            (Takes::Yes, Held::Older) => ("may hold an earlier copy of", String::new()),
            (Takes::Yes, Held::Unknown) => ("may hold a copy of", String::new()),
        };
        match parts.iter_mut().find(|(other, because, _)| *other == words && *because == why) {
            Some((.., names)) => names.push(format!("/{path}")),
            None => parts.push((words, why, vec![format!("/{path}")])),
        }
    }
    let said: Vec<String> =
        parts.iter().map(|(words, why, names)| format!("{words} {}{why}", listed(names))).collect();
    said.join(", and ")
}
