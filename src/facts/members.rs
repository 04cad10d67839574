//! What tells that something goes on without a disk that fails, and so must see its errors.

/// Signatures, as blkid names them (`ID_FS_TYPE`), of what a disk or partition is one of several parts of:
/// pools, mirrors over the network, object stores, paths, file systems that several machines have mounted
/// (<https://github.com/util-linux/util-linux/tree/v2.40/libblkid/src/superblocks>).
pub const MEMBER_SIGNATURES: &[&str] = &[
    "zfs_member",
    "mpath_member",
    "drbd",
    "ceph_bluestore",
    "bcachefs",
    "gfs",
    "gfs2",
    "ocfs2",
    "VMFS",
    "oracleasm",
];

/// How the signatures of arrays end: `linux_raid_member`, `ddf_raid_member`, `isw_raid_member`.
pub const ARRAY_SIGNATURE: &str = "_raid_member";

/// Parts of the names that LVM gives the legs of its mirrors and arrays and reserves for them
/// (<https://github.com/lvmteam/lvm2/blob/main/lib/misc/lvm-string.c>, `apply_lvname_restrictions`).
pub const LEGS: [&str; 4] = ["_rimage_", "_rmeta_", "_mimage_", "_mlog"];

/// Whether a signature is that of one of several parts.
pub fn is_member(signature: &str) -> bool {
    signature.ends_with(ARRAY_SIGNATURE) || MEMBER_SIGNATURES.contains(&signature)
}

/// Whether a device-mapper name is that of a leg of LVM's.
pub fn is_leg(name: &str) -> bool {
    LEGS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_wholes() {
        for signature in ["linux_raid_member", "isw_raid_member", "zfs_member", "drbd", "ceph_bluestore"] {
            assert!(is_member(signature), "{signature}");
        }
        for signature in ["ext4", "xfs", "btrfs", "LVM2_member", "crypto_LUKS", "swap", ""] {
            assert!(!is_member(signature), "{signature}");
        }
        for (name, leg) in
            [("vg-root", false), ("vg-root_rimage_0", true), ("vg-a_rmeta_1", true), ("vg-m_mlog", true)]
        {
            assert_eq!(is_leg(name), leg, "{name}");
        }
    }
}
