//! What is taken out of a capture, on realistic text.

use super::*;

fn file(path: &str, text: &str) -> String {
    let trail = Trail::from([(path.to_owned(), Seen::File(text.as_bytes().to_vec()))]);
    match scrub(&trail).into_values().next() {
        Some(Seen::File(bytes)) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_device_keeps_one_name_in_paths_links_and_contents() {
    let id = "8D1C5A6B-1111-4c07-a9de-0123456789ab";
    let scsi = "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}\n";
    let trail = Trail::from([
        (
            format!("sys/bus/vmbus/devices/{id}"),
            Seen::Link(format!("../../../devices/LNXSYSTM:00/VMBUS:00/{}", id.to_ascii_lowercase())),
        ),
        (
            "sys/bus/vmbus/devices/f8b3781a-1e82-4818-a1c3-63d806ec15bb".to_owned(),
            Seen::Link(
                "../../../devices/LNXSYSTM:00/VMBUS:00/f8b3781a-1e82-4818-a1c3-63d806ec15bb".to_owned(),
            ),
        ),
        (format!("sys/devices/LNXSYSTM:00/VMBUS:00/{id}/class_id"), Seen::File(scsi.into())),
        (
            format!("sys/devices/LNXSYSTM:00/VMBUS:00/{id}/device_id"),
            Seen::File(format!("{{{id}}}\n").into()),
        ),
        (format!("sys/devices/LNXSYSTM:00/VMBUS:00/{id}/host0/target0:0:0/0:0:0:0"), Seen::Dir),
    ]);
    let filler = "00000000-0000-4000-8000-000000000001";
    let clean = scrub(&trail);
    let device = format!("sys/devices/LNXSYSTM:00/VMBUS:00/{filler}");
    assert_eq!(
        clean[&format!("sys/bus/vmbus/devices/{filler}")],
        Seen::Link(format!("../../../devices/LNXSYSTM:00/VMBUS:00/{filler}"))
    );
    assert_eq!(clean[&format!("{device}/class_id")], Seen::File(scsi.into()));
    assert_eq!(clean[&format!("{device}/device_id")], Seen::File(format!("{{{filler}}}\n").into()));
    assert_eq!(clean[&format!("{device}/host0/target0:0:0/0:0:0:0")], Seen::Dir);
    assert!(clean.contains_key("sys/bus/vmbus/devices/f8b3781a-1e82-4818-a1c3-63d806ec15bb"));
}

#[test]
fn placeholders_of_an_earlier_capture_do_not_meet_new_ones() {
    let ids = [
        "00000000-0000-4000-8000-000000000002",
        "00000000-0001-8899-0000-000000000000",
        "f0000000-c05b-4000-8000-000000000009",
    ];
    let trail = ids.iter().map(|id| (format!("sys/bus/vmbus/devices/{id}"), Seen::Dir)).collect();
    let clean: Vec<_> = scrub(&trail).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        clean,
        [
            "sys/bus/vmbus/devices/00000000-0000-4000-8000-000000000001",
            "sys/bus/vmbus/devices/00000000-0000-4000-8000-000000000002",
            "sys/bus/vmbus/devices/00000000-0001-8899-0000-000000000000",
        ]
    );
}

#[test]
fn firmwares_own_variables_keep_their_names() {
    let path = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    let trail = Trail::from([(path.to_owned(), Seen::File(vec![6, 0, 0, 0, 1]))]);
    assert_eq!(scrub(&trail).get(path), Some(&Seen::File(vec![6, 0, 0, 0, 1])));
}

#[test]
fn the_command_line_keeps_what_tunes_and_loses_what_names() {
    assert_eq!(
        file(
            "proc/cmdline",
            "BOOT_IMAGE=/boot/vmlinuz-6.6.51.1-5.azl3 root=UUID=8d1c5a6b-1111-4c07-a9de-0123456789ab ro \
             rootdelay=300 nvme_core.io_timeout=240 resume=PARTUUID=0d3c3d1a-02 ip=10.0.0.4::10.0.0.1:255.255.255.0:vm7:eth0 \
             rd.iscsi.initiator=iqn.1994-05.com.redhat:vm7 ds=nocloud;s=http://10.0.0.9/ \
             systemd.set_credential=a:b netconsole=@10.0.0.4/eth0,@10.0.0.9/00:0d:3a:12:34:56 -- --key=x\n"
        ),
        "BOOT_IMAGE=/boot/vmlinuz-6.6.51.1-5.azl3 root=UUID=00000000-0000-4000-8000-000000000001 ro \
         rootdelay=300 nvme_core.io_timeout=240 resume=PARTUUID=00000000-0000-4000-8000-000000000002 ip=scrubbed \
         rd.iscsi.initiator=scrubbed ds=scrubbed systemd.set_credential=scrubbed \
         netconsole=@192.0.2.1/eth0,@192.0.2.1/00:00:5e:00:53:01\n"
    );
}

/// A secret's value is replaced once, though the word that gave the secret away may be lost with a name.
#[test]
fn a_secret_is_no_volume() {
    let once = file("proc/cmdline", "iqn.1994-05.com.redhat:secret(UUID=6 passwd-UUID=7\n");
    assert_eq!(once, "iqn.2001-04.com.example:storage(UUID=scrubbed passwd-UUID=scrubbed\n");
    assert_eq!(file("proc/cmdline", &once), once);
}

#[test]
fn mounts_lose_servers_and_keep_devices() {
    assert_eq!(
        file(
            "proc/self/mountinfo",
            "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
             90 27 0:50 / /srv rw - nfs4 nas7.corp.example:/vol1 rw,vers=4.2,addr=10.1.2.3,clientaddr=10.1.2.4\n\
             91 27 0:51 / /mnt/win rw - cifs //fs1/share rw,username=alice,domain=CORP,soft\n\
             92 27 253:3 / /data rw - xfs /dev/mapper/36001405a1b2c3d4e5f60718293a4b5c rw,attr2\n\
             93 27 253:4 / /u rw - ext4 /dev/disk/by-uuid/8d1c5a6b-1111-4c07-a9de-0123456789ab rw\n"
        ),
        "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
         90 27 0:50 / /srv rw - nfs4 server:/export rw\n\
         91 27 0:51 / /mnt/win rw - cifs server:/export rw,soft\n\
         92 27 253:3 / /data rw - xfs /dev/mapper/36000000000000000000000000000001 rw,attr2\n\
         93 27 253:4 / /u rw - ext4 /dev/disk/by-uuid/00000000-0000-4000-8000-000000000001 rw\n"
    );
}

#[test]
fn maps_keep_their_kind_and_their_partitions_belong_to_them() {
    let path = |name: &str| format!("sys/devices/virtual/block/{name}/dm/uuid");
    let uuids = [
        ("dm-0", "mpath-36001405a1b2c3d4e5f60718293a4b5c\n", "mpath-1\n"),
        ("dm-1", "part1-mpath-36001405a1b2c3d4e5f60718293a4b5c\n", "part1-mpath-1\n"),
        ("dm-2", "LVM-p0LqN3Wq6qP2d1Jk8rN0Kq9bZ7yS2xV5a1b2c3d4e5f6\n", "LVM-2\n"),
        ("dm-3", "CRYPT-LUKS2-8d1c5a6b11114c07a9de0123456789ab-root\n", "CRYPT-3\n"),
        ("dm-4", "\n", "\n"),
    ];
    let trail =
        uuids.iter().map(|(name, uuid, _)| (path(name), Seen::File(uuid.as_bytes().to_vec()))).collect();
    let clean = scrub(&trail);
    for (name, _, uuid) in uuids {
        assert_eq!(clean[&path(name)], Seen::File(uuid.as_bytes().to_vec()), "{name}");
    }
}

#[test]
fn other_files_lose_identifiers_and_nothing_else() {
    for (path, text, clean) in [
        ("sys/class/dmi/id/chassis_asset_tag", "INV-00417\n", "scrubbed\n"),
        (
            "sys/class/dmi/id/chassis_asset_tag",
            "7783-7084-3265-9085-8269-3286-77\n",
            "7783-7084-3265-9085-8269-3286-77\n",
        ),
        ("sys/class/dmi/id/product_version", "Hyper-V UEFI Release v4.1\n", "Hyper-V UEFI Release v4.1\n"),
        (
            "proc/sys/kernel/osrelease",
            "5.15.167.4-microsoft-standard-WSL2\n",
            "5.15.167.4-microsoft-standard-WSL2\n",
        ),
        ("proc/1/environ", "HOME=/\0container=lxc\0HOSTNAME=vm7\0", "container=lxc\0"),
        ("proc/1/environ", "HOSTNAME=vm7\0", ""),
        (
            "sys/class/iscsi_session/session1/targetname",
            "custom-target\n",
            "iqn.2001-04.com.example:storage\n",
        ),
        ("sys/class/iscsi_connection/connection1:0/persistent_address", "san7.corp\n", "192.0.2.1\n"),
        ("sys/class/iscsi_connection/connection1:0/persistent_address", "fe80::1:2\n", "2001:db8::1\n"),
        ("sys/block/sda/queue/scheduler", "[none] mq-deadline \n", "[none] mq-deadline \n"),
        ("sys/block/sda/size", "1099511627776\n", "1099511627776\n"),
        (
            "proc/swaps",
            "Filename\t\tType\n/dev/sda2   partition\t1048572\t0\t-2\n",
            "Filename\t\tType\n/dev/sda2   partition\t1048572\t0\t-2\n",
        ),
    ] {
        assert_eq!(file(path, text), clean, "{path}");
    }
}

#[test]
fn bytes_that_are_no_text_stay_as_they_are() {
    let trail = Trail::from([(
        "sys/block/sda/device/model".to_owned(),
        Seen::File(b"Disk \xff\xe9 10.1.2.3\n".to_vec()),
    )]);
    let clean = scrub(&trail);
    assert_eq!(clean["sys/block/sda/device/model"], Seen::File(b"Disk \xff\xe9 192.0.2.1\n".to_vec()));
}

#[test]
fn of_acpi_only_the_hypervisor_is_kept_and_of_secrets_nothing() {
    let mut table = vec![7_u8; 276];
    table[268..].copy_from_slice(b"MsHyperV");
    let trail = Trail::from([
        ("sys/firmware/acpi/tables/FACP".to_owned(), Seen::File(table)),
        ("sys/class/iscsi_session/session1/password".to_owned(), Seen::File(b"x".to_vec())),
        ("sys/block/nvme0n1/serial".to_owned(), Seen::File(b"x".to_vec())),
    ]);
    let clean = scrub(&trail);
    assert_eq!(clean.len(), 1);
    let Seen::File(bytes) = &clean["sys/firmware/acpi/tables/FACP"] else { panic!("{clean:?}") };
    assert_eq!((&bytes[268..], bytes[..268].iter().any(|byte| *byte != 0)), (&b"MsHyperV"[..], false));
}

#[test]
fn of_udevs_database_the_signature_alone_stays() {
    let entry = "S:disk/by-id/scsi-36002248\nE:ID_SERIAL=36002248\nE:ID_FS_LABEL=payroll\nE:ID_FS_TYPE=zfs_member\n\
                 E:ID_FS_UUID=7316\nV:1\n";
    assert_eq!(file("run/udev/data/b8:17", entry), "E:ID_FS_TYPE=zfs_member\n");
    assert_eq!(file("run/udev/data/b8:0", "E:ID_SERIAL=36002248\nV:1\n"), "");
}
