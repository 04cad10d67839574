//! What apply would do: artifacts against a root. Reads the root, writes nothing.

mod addons;
mod change;
mod contenders;
mod early;
mod edits;
mod images;
mod layer;
mod live;
mod menu;
mod pending;
pub mod state;
mod stores;

use std::borrow::Cow;

use crate::facts::{BootStack, Facts, Hides, Hypervisor, Mask};
use crate::formats::edit::Owned;
use crate::marker::{PREMOUNTS, Standing, all_paths, standing_of};
use crate::render::{Artifact, Effect};
use crate::root::{Result, Root};
use crate::stacks::makes_menu;
use crate::tunable::{Assignment, Decision, Verdict};
use crate::tunables::not_a_guest;

pub use change::Change;
pub use contenders::{Contender, UNKNOWN};
pub use images::Remake;
pub use live::{AttributeWrite, DiskTrigger, Live, SysctlWrite};
pub use menu::{argument, menu_is_stale};
pub use pending::{Pending, Step, left, relabel};

/// Everything that `plan` shows and `apply` carries out.
#[derive(Debug, Default)]
pub struct Plan {
    /// What the catalogue says, in its order.
    pub verdicts: Vec<Verdict>,
    /// Files to change, in plan order.
    pub changes: Vec<Change>,
    /// Files of ours that are as they should be.
    pub unchanged: Vec<String>,
    /// Files that an administrator masked: a link to /dev/null stands in their place.
    pub masked: Vec<String>,
    /// Other writers of the same knobs.
    pub contenders: Vec<Contender>,
    /// What has to follow that nobody does by itself.
    pub pending: Vec<Pending>,
    /// A menu is made from what is written.
    pub of_menu: bool,
    /// The menu of the running system lacks an argument of ours, though its file may be as planned.
    pub stale_menu: bool,
    /// That menu, where it is known which it is and what makes it.
    pub menu: Option<Menu>,
    /// Images that are made anew, as an option of a storage driver changes in them.
    pub remakes: Vec<Remake>,
    /// What can be made live on this machine at once.
    pub live: Live,
    /// Directories that the changes need made (apply) or that were made for them (revert), outermost first.
    pub directories: Vec<String>,
    /// Lines in files of others that earlier runs had recorded as ours when this was made.
    pub recorded: Vec<Owned>,
    /// What a revert leaves, as somebody changed it since.
    pub kept: Vec<Kept>,
    /// It takes everything back.
    pub revert: bool,
    /// The root is written, or was, as a layer.
    pub layer: bool,
    /// Why nothing is done here at all, where that is so.
    pub standstill: Option<Standstill>,
}

/// A boot menu, and the program of GRUB's that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// `grub-mkconfig` or `grub2-mkconfig`.
    pub program: &'static str,
    /// The file, below the root.
    pub path: String,
}

/// Something of ours that a revert leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub path: String,
    /// Why, and what to do.
    pub because: String,
    /// The line of ours in a file of others that is somebody's now; it stays on record.
    pub line: Option<Owned>,
}

/// Why a machine is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standstill {
    /// It is known to be no Hyper-V guest: in order, with the reason.
    NotAGuest(String),
    /// What it is could not be told: trouble, with what to do.
    CouldNotTell(String),
}

impl Plan {
    /// Whether apply would change a file.
    pub fn changes_files(&self) -> bool {
        self.changes.iter().any(|change| !matches!(change, Change::Conflict { .. }))
    }

    /// Whether apply would change a file, or make the boot menu or an image anew.
    pub fn has_work(&self) -> bool {
        self.changes_files() || self.made_anew().next().is_some()
    }

    /// What apply makes anew, by path: a boot menu that is older than its sources, and images.
    pub fn made_anew(&self) -> impl Iterator<Item = &str> {
        let menu = self.menu.as_ref().filter(|_| self.stale_menu);
        let images = self.remakes.iter().map(|remake| remake.path.as_str());
        menu.map(|menu| menu.path.as_str()).into_iter().chain(images)
    }

    /// Whether a menu is made from what this changes.
    pub fn remakes_menu(&self) -> bool {
        let effects = || self.changes.iter().filter_map(Change::effect);
        effects().any(|effect| effect == Effect::BootMenu)
            || (self.of_menu && effects().any(|effect| effect == Effect::BootEntries))
            || self.stale_menu
    }

    /// Whether a file stands in the way.
    pub fn has_conflict(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Conflict { .. }))
    }

    /// Leaves what replaces or takes away something of ours; what somebody edited stays as it is, and is named.
    /// Below `/usr` of a running system stands what its image brought.
    pub fn only_less(&mut self, running: bool) {
        self.changes.retain(|change| !(running && change.path().starts_with("usr/")));
        let recorded = |path: &String| self.recorded.iter().any(|entry| entry.path == *path);
        let (less, rest): (Vec<Change>, Vec<Change>) =
            std::mem::take(&mut self.changes).into_iter().partition(|change| match change {
                Change::Replace { .. } | Change::Remove { .. } => true,
                Change::Edit { path, .. } => recorded(path),
                Change::Create(_) | Change::Conflict { .. } => false,
            });
        self.changes = less;
        self.kept.extend(rest.into_iter().filter_map(|change| match change {
            Change::Conflict { path, why } => Some(Kept { path, because: why.into_owned(), line: None }),
            _ => None,
        }));
        // Nothing is created.
        self.directories.clear();
    }

    /// Nothing is made anew after the files: the boot menu and the images wait for somebody.
    pub fn leave_boot_files(&mut self, facts: &Facts) {
        self.remakes.clear();
        self.menu = None;
        if self.standstill.is_none() {
            let steps = if self.revert { pending::after_revert } else { pending::list };
            self.pending = steps(facts, self);
        }
    }

    /// What the policy asked for and cannot be had here: the tunable, and why.
    pub fn refusals(&self) -> impl Iterator<Item = (&Verdict, &str)> {
        self.verdicts.iter().filter_map(|verdict| match &verdict.decision {
            Decision::Refused { because } => Some((verdict, because.as_str())),
            _ => None,
        })
    }

    /// Every assignment with its tunable's id and reason, in catalogue order.
    pub fn settings(&self) -> impl Iterator<Item = (&Verdict, &Assignment, &str)> + Clone {
        self.verdicts.iter().flat_map(|verdict| {
            let (what, because): (&[Assignment], &str) = match &verdict.decision {
                Decision::Set { what, because } => (what, because),
                _ => (&[], ""),
            };
            what.iter().map(move |assignment| (verdict, assignment, because))
        })
    }
}

/// Compares artifacts with a root.
pub fn plan(facts: &Facts, verdicts: Vec<Verdict>, artifacts: Vec<Artifact>, root: &Root) -> Result<Plan> {
    let standstill = standstill(facts);
    let layer = facts.system.layer;
    let mut plan = Plan { verdicts, layer, standstill, ..Plan::default() };
    if plan.standstill.is_some() {
        return Ok(plan);
    }
    for artifact in artifacts {
        compare(artifact, facts, root, &mut plan)?;
    }
    leftovers(facts, root, &mut plan)?;
    if layer {
        layer::plan(root, &mut plan)?;
    } else {
        edits::plan(facts, root, &mut plan)?;
        stores::plan(facts, root, &mut plan)?;
        addons::plan(facts, root, &mut plan)?;
    }
    plan.directories = missing_directories(root, &plan.changes)?;
    set_menu(facts, &mut plan);
    plan.remakes = images::remakes(facts, &plan);
    plan.contenders = contenders::find(facts, &plan);
    plan.pending = pending::list(facts, &plan);
    plan.live = live::live(facts, &plan);
    Ok(plan)
}

fn set_menu(facts: &Facts, plan: &mut Plan) {
    let boot = &facts.system.boot;
    plan.of_menu = makes_menu(boot);
    plan.menu = if boot.stack == BootStack::DebianGrub {
        Some(Menu { program: "grub-mkconfig", path: "boot/grub/grub.cfg".to_owned() })
    } else {
        let known = boot.tools.mkconfig.zip(boot.menu.clone()).filter(|_| plan.of_menu);
        known.map(|(program, path)| Menu { program, path })
    };
    plan.stale_menu = menu::remakes_stale(facts, plan);
}

fn standstill(facts: &Facts) -> Option<Standstill> {
    match facts.machine.as_ref().map(|machine| machine.hypervisor.as_ref()) {
        Some(Some(Hypervisor::HyperV(_))) => None,
        Some(Some(other)) => Some(Standstill::NotAGuest(not_a_guest(other))),
        Some(None) => Some(Standstill::CouldNotTell(
            "could not tell whether this machine is a Hyper-V guest (`hvtune detect` shows why); \
             say --assume hyperv or --assume azure if it is"
                .to_owned(),
        )),
        None => Some(Standstill::CouldNotTell(
            "an offline root does not tell on what machine it will run; say --assume hyperv, --assume azure, \
             or --machine DIR with a capture of one"
                .to_owned(),
        )),
    }
}

/// A file of somebody else's in a lower directory, which one of ours of the same name would hide.
fn would_hide<'f>(facts: &'f Facts, path: &str) -> Option<&'f Mask> {
    let ours = |mask: &&Mask| path.contains(&format!("/{}/", mask.below)) && !mask.hides(path);
    facts.system.writers.masks.iter().filter(|mask| mask.how != Hides::Masked).find(ours)
}

fn compare(artifact: Artifact, facts: &Facts, root: &Root, plan: &mut Plan) -> Result<()> {
    let masks = |mask: &Mask| mask.how == Hides::Masked && mask.by == artifact.path;
    let to_null = |path: &str| matches!(root.read_link(path), Ok(Some(target)) if target == "/dev/null");
    if facts.system.writers.masks.iter().any(masks) && to_null(&artifact.path) {
        plan.masked.push(artifact.path);
        return Ok(());
    }
    if let Some(mask) = would_hide(facts, &artifact.path) {
        plan.changes.push(conflict(mask.by.clone(), HIDDEN));
        return Ok(());
    }
    let known = facts.system.ours.iter().any(|file| file.path == artifact.path);
    let found = if known { root.read(&artifact.path)? } else { present(root, &artifact.path)? };
    let change = match standing_of(found.as_deref()) {
        Standing::Absent if vendor_has(&artifact, root)? => {
            plan.unchanged.push(vendor_path(&artifact.path));
            return Ok(());
        }
        Standing::Absent => Change::Create(artifact),
        Standing::Ours if artifact.mode & 0o111 != 0 && !root.is_executable(&artifact.path)? => {
            conflict(artifact.path, IDLE)
        }
        Standing::Ours | Standing::Edited if found.as_deref() == Some(&artifact.body) => {
            plan.unchanged.push(artifact.path);
            return Ok(());
        }
        Standing::Ours => Change::Replace { artifact, found: found.unwrap_or_default() },
        Standing::Edited => conflict(artifact.path, EDITED),
        Standing::Foreign => conflict(artifact.path, FOREIGN),
    };
    plan.changes.push(change);
    Ok(())
}

fn vendor_path(path: &str) -> String {
    let vendor = if PREMOUNTS.contains(&path) { "usr/share/" } else { "usr/lib/" };
    path.replacen("etc/", vendor, 1)
}

/// Whether the image was made with the very same file in its vendor directory.
fn vendor_has(artifact: &Artifact, root: &Root) -> Result<bool> {
    let vendor = vendor_path(&artifact.path);
    // In an image it is the very path that was looked at.
    let other = vendor != artifact.path && all_paths().contains(&vendor);
    Ok(other && root.read(&vendor)?.as_deref() == Some(&artifact.body))
}

const EDITED: &str =
    "it is ours but was edited since: it is kept; put your values into /etc/hvtune.toml and move it away";
const FOREIGN: &str =
    "it does not carry our marker, so it is somebody else's: it is kept; move it away to let hvtune write";

const IDLE: &str = "it is ours but may not be executed, so nobody runs it: `chmod 0755` it";

const HIDDEN: &str =
    "it does not carry our marker, and ours of the same name would hide it: move it away to let hvtune write";

fn conflict(path: String, why: &'static str) -> Change {
    Change::Conflict { path, why: Cow::Borrowed(why) }
}

/// The bytes at a path, where a link or a special file counts as somebody else's.
fn present(root: &Root, path: &str) -> Result<Option<Vec<u8>>> {
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let Some(dir) = root.dir(parent)? else { return Ok(None) };
    match dir.kind(name)? {
        None => Ok(None),
        Some(crate::root::Kind::File) => dir.read(name),
        // A link or a device: judged as somebody else's, as it carries no marker.
        Some(_) => Ok(Some(Vec::new())),
    }
}

/// Files of ours that the verdicts no longer ask for.
fn leftovers(facts: &Facts, root: &Root, plan: &mut Plan) -> Result<()> {
    for path in all_paths() {
        let planned =
            plan.unchanged.contains(&path) || plan.changes.iter().any(|change| change.path() == path);
        if planned || !facts.system.ours.iter().any(|file| file.path == path) {
            continue;
        }
        if !belongs(facts, &path) {
            continue;
        }
        if let Some(found) = root.read(&path)? {
            plan.changes.push(match standing_of(Some(&found)) {
                Standing::Ours if !facts.takes(&path) => conflict(path, layer::NOT_A_LAYER),
                Standing::Ours => Change::Remove { path, found },
                _ => conflict(path, EDITED),
            });
        }
    }
    Ok(())
}

/// The directories that new files need and that are not there.
fn missing_directories(root: &Root, changes: &[Change]) -> Result<Vec<String>> {
    let (mut missing, mut there): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for change in changes.iter().filter(|change| matches!(change, Change::Create(_))) {
        // Innermost first: mostly it is there, and then all are.
        let mut below = Vec::new();
        for (end, _) in change.path().rmatch_indices('/') {
            let directory = change.path().get(..end).unwrap_or_default().to_owned();
            if missing.contains(&directory) || there.contains(&directory) {
                break;
            }
            if root.dir(&directory)?.is_some() {
                there.push(directory);
                break;
            }
            below.push(directory);
        }
        missing.extend(below.into_iter().rev());
    }
    Ok(missing)
}

const KEPT: &str =
    "it was edited since hvtune wrote it, so it is kept; delete it, or move it away, to be rid of it";

const SEALED: &str = "it came with the image, and /usr is read-only here, so it is kept; an empty file of its name \
                      below /etc masks it";

/// What revert would do: remove every file of ours, on whatever machine, and leave what somebody edited.
pub fn revert(facts: &Facts, root: &Root) -> Result<Plan> {
    let layer = state::is_layer(root)?;
    let mut plan = Plan { revert: true, layer, ..Plan::default() };
    let sealed = root.is_live() && root.is_read_only("usr")?;
    let keep = |path: String| Kept { path, because: KEPT.to_owned(), line: None };
    for path in all_paths() {
        if !facts.system.ours.iter().any(|file| file.path == path) {
            continue;
        }
        if let Some(found) = root.read(&path)? {
            match standing_of(Some(&found)) {
                Standing::Ours if sealed && path.starts_with("usr/") => {
                    plan.kept.push(Kept { path, because: SEALED.to_owned(), line: None });
                }
                Standing::Ours => plan.changes.push(Change::Remove { path, found }),
                _ => plan.kept.push(keep(path)),
            }
        }
    }
    edits::revert(root, &mut plan)?;
    stores::revert(facts, root, &mut plan)?;
    addons::revert(root, &mut plan)?;
    plan.kept.extend(state::edited_records(root)?.into_iter().map(keep));
    plan.directories = state::made_directories(root)?;
    set_menu(facts, &mut plan);
    plan.remakes = images::remakes(facts, &plan);
    plan.pending = pending::after_revert(facts, &plan);
    Ok(plan)
}

/// An image's files under /usr/lib are masked by those in /etc, not removed by a live run.
fn belongs(facts: &Facts, path: &str) -> bool {
    facts.for_image() || path.starts_with("etc/")
}
