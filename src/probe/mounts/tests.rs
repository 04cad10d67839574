//! Tests on small trees, with text as the kernel prints it.

use crate::facts::{Disk, Role};
use crate::probe::disks::tests::Stage;
use crate::probe::storage::{self, Storage};

const GUID: &str = "f8b3781a-1e82-4818-a1c3-63d806ec15bb";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.vmbus(GUID, "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f");
    stage.storvsc(GUID, 0, 0, "sda").storvsc(GUID, 0, 1, "sdb").storvsc(GUID, 0, 3, "sdc");
    let dm = "sys/devices/virtual/block/dm-0";
    stage.block(dm).file(&format!("{dm}/dm/name"), "vg-data\n").file(&format!("{dm}/dm/uuid"), "LVM-x\n");
    stage.link(&format!("{dm}/slaves/sdc"), "../../../../x/block/sdc");
    stage.block("sys/devices/virtual/block/zram0");
    stage.link("sys/dev/block/8:1", "../../devices/x/host0/block/sda/sda1");
    stage.link("sys/dev/block/8:17", "../../devices/x/host0/block/sdb/sdb1");
    stage.link("sys/dev/block/254:0", "../../devices/virtual/block/dm-0");
    stage
}

fn read(stage: &Stage, mountinfo: &str, swaps: &str) -> (Storage, Vec<String>) {
    stage.file("proc/self/mountinfo", mountinfo).file("proc/swaps", swaps);
    let mut gaps = Vec::new();
    let storage = storage::read(&stage.root(), Some(true), &mut gaps);
    (storage, gaps.into_iter().map(|gap| gap.fact).collect())
}

fn points(storage: &Storage) -> Vec<(&str, Option<&str>)> {
    storage.mounts.iter().map(|mount| (mount.point.as_str(), mount.disk.as_deref())).collect()
}

fn roles(storage: &Storage, name: &str) -> Vec<&'static str> {
    let disks = storage.disks.as_deref().unwrap();
    let disk: &Disk = disks.iter().find(|disk| disk.name == name).unwrap();
    disk.roles.iter().copied().map(Role::name).collect()
}

#[test]
fn mounts_and_swaps_of_an_azure_guest_find_their_disks() {
    let (storage, gaps) = read(
        &stage(),
        "1 1 0:2 / / rw - rootfs rootfs rw\n\
         22 29 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
         29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,discard,errors=remount-ro\n\
         25 29 0:23 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=403092k\n\
         40 29 8:17 / /mnt rw,relatime shared:30 - ext4 /dev/sdb1 rw\n\
         41 29 254:0 / /srv/my\\040data ro,noatime shared:31 - xfs /dev/mapper/vg-data rw,attr2\n\
         42 29 0:41 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=l\n\
         43 29 0:42 / /run/user/0/doc rw - fuse.portal /dev/fuse rw\n\
         44 29 0:43 / /net rw - nfs4 filer:/x rw\n",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
         /mnt/swapfile                           file\t\t4194300\t\t0\t\t-2\n\
         /dev/dm-0                               partition\t4194300\t\t0\t\t-3\n\
         /dev/zram0                              partition\t8388604\t0\t\t100\n",
    );
    assert_eq!(gaps, [""; 0]);
    assert_eq!(points(&storage), [("/", Some("sda")), ("/mnt", Some("sdb")), ("/srv/my data", Some("dm-0"))]);
    assert_eq!(storage.mounts[2].options, ["ro", "noatime", "rw", "attr2"]);
    assert_eq!((storage.mounts[0].read_only, storage.mounts[2].read_only), (false, true));
    let swaps: Vec<_> = storage.swaps.iter().map(|swap| (swap.path.as_str(), swap.disk.as_deref())).collect();
    assert_eq!(
        swaps,
        [("/mnt/swapfile", Some("sdb")), ("/dev/dm-0", Some("dm-0")), ("/dev/zram0", Some("zram0"))]
    );
    assert_eq!(roles(&storage, "sda"), ["root"]);
    assert_eq!(roles(&storage, "sdb"), ["swap", "azure-temporary"]);
    assert_eq!(roles(&storage, "sdc"), ["swap", "data"]);
    assert_eq!(roles(&storage, "zram0"), [""; 0]);
}

#[test]
fn the_roots_superblock_says_what_it_does_about_errors() {
    let options = |mountinfo: &str| {
        let stage = stage();
        stage.file("proc/fs/ext4/sda1/options", "rw\nbsddf\nerrors=panic\ncommit=5\n");
        let (storage, gaps) = read(&stage, mountinfo, "");
        assert_eq!(gaps, [""; 0]);
        storage.mounts[0].options.join(",")
    };
    assert_eq!(options("29 1 8:1 / / rw - ext4 /dev/sda1 rw\n"), "rw,errors=panic");
    assert_eq!(options("29 1 8:1 / / rw - ext4 /dev/sda1 rw,errors=continue\n"), "rw,errors=continue");
    assert_eq!(options("29 1 8:1 / / rw - xfs /dev/sda1 rw\n"), "rw");
    assert_eq!(options("29 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n"), "rw");
}

#[test]
fn every_device_of_a_btrfs_counts() {
    let stage = stage();
    let fs = |uuid: &str, device: &str, target: &str| {
        stage
            .link(&format!("sys/fs/btrfs/{uuid}/devices/{device}"), &format!("../../../../devices/{target}"));
    };
    fs("1", "sda3", "x/block/sda/sda3");
    fs("1", "dm-0", "virtual/block/dm-0");
    fs("1", "sdb", "x/block/sdb");
    fs("2", "sdc1", "x/block/sdc/sdc1");
    stage.file("sys/fs/btrfs/features/raid56", "0\n");
    let (storage, gaps) = read(
        &stage,
        "29 1 0:30 /@ / rw - btrfs /dev/sda3 rw,subvol=/@\n\
         30 29 0:31 / /one rw - btrfs /dev/sdc1 rw\n\
         31 29 0:32 / /lost rw - btrfs /dev/sdc2 rw\n\
         32 29 0:33 / /bc rw - bcachefs /dev/sda5:/dev/sdb1:/dev/sdc3 rw\n\
         33 29 8:17 / /x rw - ext4 /dev/sdb1 rw\n",
        "Filename Type Size Used Priority\n/swapfile file 1 0 -2\n/dev/dm-0 partition 1 0 -3\n",
    );
    let others: Vec<_> =
        storage.mounts.iter().map(|mount| mount.others.as_ref().map(|names| names.join(" "))).collect();
    let some = |names: &str| Some(names.to_owned());
    assert_eq!(others, [some("dm-0 sdb"), some(""), None, some("sdb sdc"), some("")]);
    assert_eq!(gaps, ["mounts./lost.devices"]);
    assert_eq!(storage.swaps[0].others, Some(vec!["dm-0".to_owned(), "sdb".to_owned()]));
    assert_eq!((storage.swaps[1].others.clone(), storage.swaps[1].priority), (Some(Vec::new()), Some(-3)));
    assert_eq!(roles(&storage, "sdb"), ["root", "swap", "azure-temporary", "member"]);
    assert_eq!(roles(&storage, "sdc"), ["root", "swap", "data", "member"]);
}

#[test]
fn file_systems_without_a_number_go_by_their_source() {
    let stage = stage();
    stage.link("sys/fs/btrfs/1/devices/sda3", "../../../../devices/x/block/sda/sda3");
    stage.link("sys/fs/btrfs/2/devices/dm-0", "../../../../devices/virtual/block/dm-0");
    let (storage, gaps) = read(
        &stage,
        "29 1 0:30 /@ / rw - btrfs /dev/sda3 rw,subvol=/@\n\
         30 29 0:30 /@home /home rw - btrfs /dev/sda3 rw,subvol=/@home\n\
         31 29 0:31 / /srv rw - btrfs /dev/mapper/vg-data rw\n\
         32 29 0:32 / /tank rw - zfs tank rw\n\
         33 29 0:33 / /bc rw - bcachefs /dev/sdb:/dev/sdc rw\n\
         34 29 0:34 / /lost rw - btrfs /dev/disk/by-id/x rw\n",
        "",
    );
    let found = [
        ("/", Some("sda")),
        ("/home", Some("sda")),
        ("/srv", Some("dm-0")),
        ("/tank", None),
        ("/bc", Some("sdb")),
        ("/lost", None),
    ];
    assert_eq!(points(&storage), found);
    assert_eq!(gaps, ["mounts./lost"]);
    assert_eq!(roles(&storage, "sda"), ["root", "data"]);
}

#[test]
fn a_root_without_a_device_is_listed_and_one_that_cannot_be_found_is_a_gap() {
    let (storage, gaps) = read(&stage(), "29 1 0:30 / / rw - overlay overlay rw,lowerdir=/x\n", "");
    assert_eq!((points(&storage), gaps), (vec![("/", None)], vec![]));
    let (storage, gaps) = read(&stage(), "29 1 8:99 / / rw - ext4 /dev/root rw\n", "");
    assert_eq!((points(&storage), gaps), (vec![("/", None)], vec!["mounts./".to_owned()]));
    let (storage, gaps) = read(&stage(), "29 1 8:99 / / rw - ext4 /dev/sda9 rw\nnonsense\n", "");
    assert_eq!((points(&storage), gaps), (vec![("/", Some("sda"))], vec!["mounts".to_owned()]));
}
