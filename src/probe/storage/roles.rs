//! What disks are used for, from what stands on them. Pure.

use std::collections::BTreeSet;

use crate::facts::{Class, Disk, Mount, Role, Swap};
use crate::order::set;
use crate::probe::disks::find;

/// Gives every disk its roles, down through maps and arrays to the disks below. `members`: disks that carry
/// the signature of one of several parts.
pub(super) fn assign(disks: &mut [Disk], mounts: &[Mount], swaps: &[Swap], members: &BTreeSet<String>) {
    spread_temporary(disks);
    let of_map = |disk: &Disk| match &disk.class {
        Class::Multipath { paths } => Some(paths.clone()),
        _ => None,
    };
    let paths = set(disks.iter().filter_map(of_map).flatten());
    for path in &paths {
        if let Some(disk) = find(disks, path).and_then(|at| disks.get_mut(at)) {
            disk.roles.insert(Role::Path);
        }
    }
    let several =
        mounts.iter().filter(|mount| mount.others.as_ref().is_some_and(|others| !others.is_empty()));
    let spread_over = set(several.flat_map(Mount::disks).map(str::to_owned));
    // Legs of LVM's have the role already.
    let redundant = |disk: &&Disk| disk.class == Class::Md || disk.roles.contains(&Role::Member);
    let below = set(disks.iter().filter(redundant).flat_map(|disk| disk.slaves.clone()));
    for name in [members, &spread_over, &below].into_iter().flatten() {
        spread(disks, name, Role::Member);
    }
    for mount in mounts {
        mount.disks().for_each(|disk| spread(disks, disk, role_of(&mount.point)));
    }
    for swap in swaps {
        swap.disks().for_each(|disk| spread(disks, disk, Role::Swap));
    }
}

fn role_of(point: &str) -> Role {
    match point {
        "/" => Role::Root,
        "/boot" | "/boot/efi" | "/efi" => Role::Boot,
        _ => Role::Data,
    }
}

fn spread(disks: &mut [Disk], from: &str, role: Role) {
    let mut open: Vec<usize> = find(disks, from).into_iter().collect();
    while let Some(disk) = open.pop().and_then(|at| disks.get_mut(at)) {
        let is_no_storage = disk.class == Class::Zram;
        // What lies on the temporary disk is lost with the host anyway.
        let is_spare = role == Role::Data && disk.roles.contains(&Role::AzureTemporary);
        if is_no_storage || is_spare || !disk.roles.insert(role) {
            continue;
        }
        let below = disk.slaves.clone();
        open.extend(below.iter().filter_map(|name| find(disks, name)));
    }
}

/// An array or map that stands on temporary disks alone is temporary itself
/// (Azure's local NVMe disks are commonly striped). Repeated until nothing
/// changes: once per storey.
fn spread_temporary(disks: &mut [Disk]) {
    loop {
        let is_temporary = |name: &String| {
            find(disks, name)
                .and_then(|at| disks.get(at))
                .is_some_and(|disk| disk.roles.contains(&Role::AzureTemporary))
        };
        let new: Vec<usize> = disks
            .iter()
            .enumerate()
            .filter(|(_, disk)| {
                !disk.slaves.is_empty()
                    && !disk.roles.contains(&Role::AzureTemporary)
                    && disk.slaves.iter().all(is_temporary)
            })
            .map(|(at, _)| at)
            .collect();
        if new.is_empty() {
            return;
        }
        for at in new {
            if let Some(disk) = disks.get_mut(at) {
                disk.roles.insert(Role::AzureTemporary);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::disks::blank;

    fn disk(name: &str, slaves: &[&str]) -> Disk {
        let mut disk = blank(name, String::new());
        disk.slaves = slaves.iter().map(|&slave| slave.to_owned()).collect();
        disk
    }

    fn mount(point: &str, disk: &str) -> Mount {
        let (point, fstype, disk) = (point.to_owned(), "ext4".to_owned(), Some(disk.to_owned()));
        Mount {
            point,
            fstype,
            read_only: false,
            disk,
            others: Some(Vec::new()),
            device: None,
            options: Vec::new(),
        }
    }

    fn swap(disk: &str) -> Swap {
        Swap { path: String::new(), disk: Some(disk.to_owned()), others: Some(Vec::new()), priority: None }
    }

    #[test]
    fn every_disk_of_a_file_system_has_its_role() {
        let mut disks = vec![disk("dm-0", &["sdc"]), disk("sda", &[]), disk("sdb", &[]), disk("sdc", &[])];
        let over = |point, members: &[&str]| Mount {
            others: Some(members.iter().map(|&member| member.to_owned()).collect()),
            ..mount(point, "sda")
        };
        let spread = Swap { others: Some(vec!["dm-0".to_owned()]), ..swap("sda") };
        assign(&mut disks, &[over("/", &["sdb"]), over("/srv", &["dm-0"])], &[spread], &none());
        assert_eq!(roles(&disks, "sda"), ["root", "swap", "data", "member"]);
        assert_eq!(roles(&disks, "sdb"), ["root", "member"]);
        assert_eq!(roles(&disks, "sdc"), ["swap", "data", "member"]);
    }

    fn roles(disks: &[Disk], name: &str) -> Vec<&'static str> {
        find(disks, name).map(|at| disks[at].roles.iter().map(|role| role.name()).collect()).unwrap()
    }

    #[test]
    fn roles_go_down_through_every_storey() {
        let mut disks = vec![
            disk("dm-0", &["sda", "sdb"]),
            disk("dm-1", &["dm-0"]),
            disk("dm-2", &["dm-1"]),
            disk("sda", &[]),
            disk("sdb", &[]),
            disk("zram0", &[]),
        ];
        disks[0].class = Class::Multipath { paths: vec!["sda".into(), "sdb".into()] };
        disks[5].class = Class::Zram;
        let swaps = ["dm-1", "zram0"].map(swap);
        assign(
            &mut disks,
            &[mount("/", "dm-2"), mount("/boot", "sda"), mount("/srv", "gone")],
            &swaps,
            &none(),
        );
        assert_eq!(roles(&disks, "dm-2"), ["root"]);
        assert_eq!(roles(&disks, "dm-0"), ["root", "swap"]);
        assert_eq!(roles(&disks, "sda"), ["root", "boot", "swap", "path"]);
        assert_eq!(roles(&disks, "sdb"), ["root", "swap", "path"]);
        assert_eq!(roles(&disks, "zram0"), [""; 0]);
    }

    #[test]
    fn below_the_temporary_disk_lies_no_data_but_swap_counts() {
        let mut disks = vec![
            disk("dm-0", &["md0"]),
            disk("dm-1", &["md0", "sdb"]),
            disk("md0", &["nvme0n1", "nvme1n1"]),
            disk("nvme0n1", &[]),
            disk("nvme1n1", &[]),
            disk("sdb", &[]),
        ];
        for at in [3, 4] {
            disks[at].roles.insert(Role::AzureTemporary);
        }
        let swap = swap("md0");
        assign(&mut disks, &[mount("/mnt", "dm-0"), mount("/srv", "dm-1")], &[swap], &none());
        assert_eq!(roles(&disks, "dm-0"), ["azure-temporary"]);
        assert_eq!(roles(&disks, "md0"), ["swap", "azure-temporary"]);
        assert_eq!(roles(&disks, "nvme0n1"), ["swap", "azure-temporary"]);
        assert_eq!(roles(&disks, "dm-1"), ["data"]);
        assert_eq!(roles(&disks, "sdb"), ["data"]);
    }

    #[test]
    fn a_ring_of_maps_ends() {
        let mut disks = vec![disk("dm-0", &["dm-1"]), disk("dm-1", &["dm-0"])];
        assign(&mut disks, &[mount("/", "dm-0")], &[], &none());
        assert_eq!(roles(&disks, "dm-1"), ["root"]);
    }

    fn none() -> BTreeSet<String> {
        BTreeSet::new()
    }

    #[test]
    fn what_something_goes_on_without_is_a_member_down_to_the_disk() {
        let mut disks = vec![
            disk("dm-0", &["sda"]),
            disk("dm-1", &["dm-0"]),
            disk("md0", &["dm-1", "sdb"]),
            disk("sda", &[]),
            disk("sdb", &[]),
            disk("sdc", &[]),
            disk("sdd", &[]),
        ];
        disks[2].class = Class::Md;
        assign(&mut disks, &[mount("/", "sdd")], &[], &BTreeSet::from(["sdc".to_owned()]));
        for name in ["dm-0", "dm-1", "sda", "sdb", "sdc"] {
            assert_eq!(roles(&disks, name), ["member"], "{name}");
        }
        assert_eq!(roles(&disks, "md0"), [""; 0]);
        assert_eq!(roles(&disks, "sdd"), ["root"]);
        let mut legs = vec![disk("dm-0", &["sda"]), disk("sda", &[])];
        legs[0].roles.insert(Role::Member);
        assign(&mut legs, &[], &[], &none());
        assert_eq!(roles(&legs, "sda"), ["member"]);
    }
}
