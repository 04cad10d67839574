//! What a mount stands on, from the file system down: one link for each disk or map.

use crate::facts::{Class, Disk, Machine, Mount};

/// More storeys than this are a ring.
const DEEPEST: usize = 16;
/// More disks than this below one mount are not told apart.
const MOST: usize = 1024;

/// One disk or map below a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Its name.
    pub(super) name: String,
    /// How many storeys down, from 0.
    storey: usize,
    /// The same without maps that add nothing.
    depth: usize,
    /// What takes its place only as a whole: disks of one kind have the same timers.
    kind: &'static str,
    /// The class's name.
    class: &'static str,
}

/// The disk of a name; they are sorted by it.
pub(super) fn find<'a>(machine: &'a Machine, name: &str) -> Option<&'a Disk> {
    let disks = machine.disks.as_deref()?;
    let at = disks.binary_search_by(|disk| disk.name.as_str().cmp(name)).ok()?;
    disks.get(at)
}

/// The kind of maps that end as what they stand on does, so that one more or less changes nothing.
const MAP: &str = "map";

/// Every disk and map below a mount, each before what it stands on.
pub(super) fn links(machine: &Machine, mount: &Mount) -> Vec<Link> {
    let mut links = Vec::new();
    for name in mount.disks() {
        add(machine, name, [0, 0], &mut links);
    }
    links
}

/// Those whose timers count.
pub(super) fn timed(mut links: Vec<Link>) -> Vec<Link> {
    links.retain(|link| link.kind != MAP);
    links
}

fn add(machine: &Machine, name: &str, [storey, depth]: [usize; 2], links: &mut Vec<Link>) {
    if storey >= DEEPEST || links.len() >= MOST {
        return;
    }
    let disk = find(machine, name);
    let (kind, class) = disk.map_or(("not known", "not known"), |disk| (kind(disk), disk.class.name()));
    links.push(Link { name: name.to_owned(), storey, depth, kind, class });
    let below = match disk.map(|disk| (&disk.class, &disk.slaves)) {
        Some((Class::Multipath { paths }, _)) if !paths.is_empty() => paths.as_slice(),
        Some((_, slaves)) => slaves.as_slice(),
        None => &[],
    };
    for name in below {
        add(machine, name, [storey + 1, depth + usize::from(kind != MAP)], links);
    }
}

fn kind(disk: &Disk) -> &'static str {
    match &disk.class {
        Class::StorvscScsi | Class::StorvscIde | Class::StorvscFc => "storvsc",
        Class::NvmeAzureRemote | Class::NvmeAzureLocal | Class::Nvme => "nvme",
        Class::Lvm | Class::Crypt | Class::Other if !disk.slaves.is_empty() => MAP,
        Class::Other if disk.hctl.is_some() => "scsi",
        other => other.name(),
    }
}

/// Whether two chains have the same links with timers at the same places, so that each has its counterpart.
pub(super) fn alike(one: &[Link], other: &[Link]) -> bool {
    let same = |(one, other): (&Link, &Link)| one.depth == other.depth && one.kind == other.kind;
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// What makes two chains alike, in words.
pub(super) fn form(links: &[Link]) -> String {
    links.iter().fold(String::new(), |form, link| format!("{form}{} {};", link.depth, link.kind))
}

/// The chain's form, for people: `ext4 on lvm on storvsc-scsi`.
pub fn stands_on(machine: &Machine, mount: &Mount) -> String {
    let links = links(machine, mount);
    let deepest = links.iter().map(|link| link.storey + 1).max().unwrap_or(0);
    let mut said = mount.fstype.clone();
    for storey in 0..deepest {
        let mut classes: Vec<&str> = Vec::new();
        for link in links.iter().filter(|link| link.storey == storey) {
            if !classes.contains(&link.class) {
                classes.push(link.class);
            }
        }
        said.push_str(&format!(" on {}", classes.join(" + ")));
    }
    if mount.disk.is_none() {
        said.push_str(" on an unknown disk");
    }
    said
}
