//! Which file systems of `/etc/fstab` the guest stands or falls with, so that `errors=panic` may go there.

use super::swap::{by_name, is_azure};
use crate::facts::{Class, Disk, ExtMount, HyperV, Hypervisor, Machine, Mount, Origin, Role};

/// What is known of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The guest needs it: an error there is worth a restart.
    Needed,
    /// The guest does without, and why.
    Spare(String),
    /// It could not be told, or its line is none that is edited, and why.
    Unclear(String),
}

/// Judges one line. `machine`: the one that the root runs on, where it is known.
pub fn standing(ext: &ExtMount, machine: Option<&Machine>) -> Standing {
    let is_root = ext.point == "/";
    // A root that is mounted at all is needed, whatever else its line says.
    if let Some(why) = ext.spare.filter(|why| !is_root || *why == "mounted read-only") {
        return Standing::Spare(why.to_owned());
    }
    if let Some(found) = machine.and_then(|machine| on_this_disk(ext, machine)).filter(|_| !is_root) {
        return found;
    }
    if ext.odd {
        return Standing::Unclear(
            "its line has no options, or ends in a carriage return, so it is not edited".to_owned(),
        );
    }
    Standing::Needed
}

/// The points of the lines that get the option.
pub fn needed<'a>(ext: &'a [ExtMount], machine: Option<&Machine>) -> Vec<&'a ExtMount> {
    ext.iter().filter(|ext| standing(ext, machine) == Standing::Needed).collect()
}

/// By the disk that it is mounted from now, else by the one that it names; `None` = nothing against it.
fn on_this_disk(ext: &ExtMount, machine: &Machine) -> Option<Standing> {
    if let Some(mount) = machine.mounts.iter().find(|mount| mount.point == ext.point) {
        let against = mount.disks().find_map(|name| against(machine, name));
        let unknown = mount.disk.is_none() && may_have_temporary(machine);
        let could_not = || Standing::Unclear("could not tell on which disk it lies".to_owned());
        return against.or_else(|| unknown.then(could_not));
    }
    if let Some(disk) = by_name(machine, &ext.device) {
        return against(machine, &disk.name);
    }
    // What stands there is kept where nothing speaks against it: early in boot not all is mounted yet.
    if ext.errors.as_deref() == Some("panic") {
        return None;
    }
    let unclear = |why: &str| Some(Standing::Unclear(why.to_owned()));
    match &machine.disks {
        // A root without its machine: a file system that is named by what it holds was made with the root.
        None if may_have_temporary(machine) && is_device_name(&ext.device) => {
            unclear("could not tell whether that is Azure's temporary disk")
        }
        // Early in boot most disks are still to come.
        Some(_) if machine.origin == Origin::Live => {
            unclear("it is not mounted now, so its disk is not known")
        }
        Some(disks) => {
            let is_mounted =
                |disk: &Disk| machine.mounts.iter().any(|mount| mount.disks().any(|d| d == disk.name));
            let is_free = |disk: &&Disk| disk.slaves.is_empty() && !is_mounted(disk);
            let goes = [Role::AzureTemporary, Role::PerhapsTemporary, Role::Removable];
            let may_be =
                disks.iter().filter(is_free).any(|disk| goes.iter().any(|role| disk.roles.contains(role)));
            if may_be {
                unclear("it is not mounted now, and may be a disk that comes and goes")
            } else {
                None
            }
        }
        None => None,
    }
}

/// What speaks against a disk or map, or against one that it stands on.
fn against(machine: &Machine, name: &str) -> Option<Standing> {
    let (mut open, mut met) = (vec![name], Vec::new());
    while let Some(name) = open.pop().filter(|name| !met.contains(name)) {
        met.push(name);
        let Some(disk) = machine.disks.iter().flatten().find(|disk| disk.name == name) else { continue };
        if let Some(found) = of_one(disk) {
            return Some(found);
        }
        open.extend(disk.slaves.iter().map(String::as_str));
    }
    None
}

fn of_one(disk: &Disk) -> Option<Standing> {
    let spare = |why: &str| Some(Standing::Spare(why.to_owned()));
    if disk.roles.contains(&Role::AzureTemporary) {
        return spare("Azure's temporary disk");
    }
    if disk.roles.contains(&Role::Removable) {
        return spare("a removable disk");
    }
    match disk.class {
        Class::Loop => spare("a loop mount"),
        Class::Zram => spare("memory"),
        _ if disk.roles.contains(&Role::PerhapsTemporary) => {
            Some(Standing::Unclear("could not tell whether that is Azure's temporary disk".to_owned()))
        }
        _ => None,
    }
}

/// On Azure, or where that could not be told.
fn may_have_temporary(machine: &Machine) -> bool {
    is_azure(machine)
        || matches!(machine.hypervisor, None | Some(Hypervisor::HyperV(HyperV { azure: None, .. })))
}

/// A kernel name, which another disk may have at the next boot.
fn is_device_name(device: &str) -> bool {
    ["/dev/sd", "/dev/nvme"].iter().any(|start| device.starts_with(start))
}

/// Mounted ext4, ext3 and ext2 that fstab does not name, so that no line of it can carry an option: the root
/// first, one mount of each device, none that has `errors=panic` already or that the guest does without.
pub fn unnamed<'a>(ext: &[ExtMount], machine: &'a Machine) -> Vec<&'a Mount> {
    let is_named = |mount: &Mount| ext.iter().any(|ext| ext.point == mount.point);
    let named: Vec<&str> =
        machine.mounts.iter().filter(|m| is_named(m)).filter_map(|m| m.device.as_deref()).collect();
    let mut found: Vec<&Mount> = Vec::new();
    for mount in &machine.mounts {
        let is_ext = matches!(mount.fstype.as_str(), "ext2" | "ext3" | "ext4");
        let panics = mount.options.iter().any(|option| option == "errors=panic");
        let seen = mount.device.as_deref().is_some_and(|device| {
            named.contains(&device) || found.iter().any(|other| other.device.as_deref() == Some(device))
        });
        let spare = mount.disks().any(|name| against(machine, name).is_some());
        let is_root = mount.point == "/";
        if is_ext && !panics && !is_named(mount) && !mount.read_only && (is_root || (!seen && !spare)) {
            found.push(mount);
        }
    }
    if let Some(at) = found.iter().position(|mount| mount.point == "/") {
        let root = found.remove(at);
        found.insert(0, root);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Attribute, Limits, Live};
    use std::collections::BTreeSet;

    fn disk(name: &str, roles: &[Role]) -> Disk {
        Disk {
            name: name.to_owned(),
            path: String::new(),
            class: Class::StorvscScsi,
            roles: roles.iter().copied().collect::<BTreeSet<_>>(),
            host: None,
            hctl: None,
            slaves: Vec::new(),
            vendor: String::new(),
            model: String::new(),
            limits: Limits { can_queue: Attribute::Absent, ..Limits::default() },
            live: Live::default(),
        }
    }

    fn mount(point: &str, device: &str) -> Mount {
        Mount {
            point: point.to_owned(),
            fstype: "ext4".to_owned(),
            read_only: false,
            disk: Some(device.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()),
            others: Some(Vec::new()),
            device: Some(device.to_owned()),
            options: vec!["rw".to_owned()],
        }
    }

    fn ext(device: &str, point: &str) -> ExtMount {
        let (device, point) = (device.to_owned(), point.to_owned());
        ExtMount { device, mount: point.clone(), point, ..ExtMount::default() }
    }

    fn azure(is_azure: Option<bool>) -> Machine {
        let azure = HyperV { azure: is_azure, ..HyperV::default() };
        Machine {
            origin: Origin::Captured,
            hypervisor: Some(Hypervisor::HyperV(azure)),
            disks: Some(vec![
                disk("sda", &[Role::Root]),
                disk("sdb", &[Role::AzureTemporary]),
                disk("sdc", &[Role::Data]),
                disk("sdd", &[Role::Removable]),
                Disk { class: Class::Loop, ..disk("loop0", &[]) },
            ]),
            mounts: vec![
                mount("/", "sda1"),
                mount("/mnt", "sdb1"),
                mount("/data", "sdc1"),
                mount("/stick", "sdd1"),
            ],
            ..Machine::default()
        }
    }

    fn said(ext: &ExtMount, machine: &Machine) -> String {
        match standing(ext, Some(machine)) {
            Standing::Needed => "needed".to_owned(),
            Standing::Spare(why) => format!("spare: {why}"),
            Standing::Unclear(why) => format!("unclear: {why}"),
        }
    }

    #[test]
    fn the_temporary_disk_is_told_by_the_disk_and_not_by_the_mount_point() {
        let machine = azure(Some(true));
        assert_eq!(said(&ext("UUID=a", "/"), &machine), "needed");
        assert_eq!(said(&ext("UUID=b", "/mnt"), &machine), "spare: Azure's temporary disk");
        assert_eq!(said(&ext("UUID=c", "/data"), &machine), "needed");
        assert_eq!(said(&ext("UUID=d", "/stick"), &machine), "spare: a removable disk");
        // All that comes and goes is mounted elsewhere.
        assert_eq!(said(&ext("UUID=e", "/mnt/data"), &machine), "needed");
        let live = Machine { origin: Origin::Live, ..machine.clone() };
        let unclear = "unclear: it is not mounted now, so its disk is not known";
        assert_eq!(said(&ext("UUID=e", "/mnt/data"), &live), unclear);
        let mut unmounted = machine.clone();
        unmounted.mounts.remove(1);
        let unclear = "unclear: it is not mounted now, and may be a disk that comes and goes";
        assert_eq!(said(&ext("UUID=b", "/mnt"), &unmounted), unclear);
        assert_eq!(said(&ext("/dev/sdb1", "/x"), &unmounted), "spare: Azure's temporary disk");
        assert_eq!(said(&ext("/dev/sdc1", "/x"), &unmounted), "needed");
    }

    #[test]
    fn what_lies_below_a_map_counts_and_a_ring_ends() {
        let mut machine = azure(Some(true));
        let above = |name: &str, below: &str| Disk { slaves: vec![below.to_owned()], ..disk(name, &[]) };
        let maps =
            [above("dm-0", "sdd"), above("dm-1", "dm-0"), above("dm-2", "dm-3"), above("dm-3", "dm-2")];
        machine.disks.get_or_insert_default().extend(maps);
        let on = |point, name: &str| Mount { disk: Some(name.to_owned()), ..mount(point, name) };
        machine.mounts.extend([on("/luks", "dm-1"), on("/ring", "dm-2")]);
        assert_eq!(said(&ext("UUID=l", "/luks"), &machine), "spare: a removable disk");
        assert_eq!(said(&ext("UUID=r", "/ring"), &machine), "needed");
    }

    #[test]
    fn what_was_written_stays_while_its_disk_is_not_mounted_yet() {
        let mut early = azure(Some(true));
        early.mounts.truncate(1);
        early.origin = Origin::Live;
        let ours = |point| ExtMount { errors: Some("panic".to_owned()), ..ext("UUID=c", point) };
        assert_eq!(said(&ours("/data"), &early), "needed");
        assert_eq!(said(&ours("/mnt"), &azure(Some(true))), "spare: Azure's temporary disk");
    }

    #[test]
    fn an_image_for_azure_does_not_tell_what_a_kernel_name_will_be() {
        let image = Machine { disks: None, mounts: Vec::new(), ..azure(Some(true)) };
        let unclear = "unclear: could not tell whether that is Azure's temporary disk";
        assert_eq!(said(&ext("/dev/sdb1", "/mnt"), &image), unclear);
        assert_eq!(said(&ext("UUID=b", "/mnt"), &image), "needed");
        assert_eq!(said(&ext("/dev/sda1", "/"), &image), "needed");
        let elsewhere = Machine { disks: None, mounts: Vec::new(), ..azure(Some(false)) };
        assert_eq!(said(&ext("/dev/sdb1", "/mnt"), &elsewhere), "needed");
    }

    #[test]
    fn what_could_not_be_told_is_no_no() {
        let mut machine = azure(None);
        if let Some(disk) = machine.disks.iter_mut().flatten().nth(1) {
            disk.roles = [Role::PerhapsTemporary].into();
        }
        let unclear = "unclear: could not tell whether that is Azure's temporary disk";
        assert_eq!(said(&ext("UUID=b", "/mnt"), &machine), unclear);
        let odd = ExtMount { odd: true, ..ext("UUID=c", "/data") };
        assert!(said(&odd, &machine).starts_with("unclear: its line has no options"));
    }

    #[test]
    fn what_the_line_says_counts_first_but_not_for_the_root() {
        let machine = azure(Some(true));
        let cloud = |device, point| ExtMount { spare: Some("cloud-init's own line"), ..ext(device, point) };
        assert_eq!(said(&cloud("UUID=c", "/data"), &machine), "spare: cloud-init's own line");
        assert_eq!(said(&cloud("UUID=a", "/"), &machine), "needed");
    }

    #[test]
    fn a_root_that_fstab_does_not_name_is_found_and_so_is_what_a_unit_mounts() {
        let mut machine = azure(Some(true));
        machine.mounts.push(mount("/var/lib/kubelet/x", "sdc1"));
        let points = |ext: &[ExtMount], machine: &Machine| -> Vec<String> {
            unnamed(ext, machine).iter().map(|mount| mount.point.clone()).collect()
        };
        assert_eq!(points(&[ext("UUID=c", "/data")], &machine), ["/"]);
        assert_eq!(points(&[ext("UUID=a", "/")], &machine), ["/data"]);
        assert_eq!(points(&[], &machine), ["/", "/data"]);
        machine.mounts[0].options.push("errors=panic".to_owned());
        assert_eq!(points(&[ext("UUID=c", "/data")], &machine), [""; 0]);
    }
}
