//! What is kept of a file of others that is edited, and given back by `revert`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use rustix::fs::{XattrFlags, getxattr, setxattr};

use crate::ground::{Ground, Start};
use crate::stage::{Run, assert_same, tree, without_times_of_dirs};

const EDITED: &str = "root/etc/iscsi/iscsid.conf";

#[test]
fn owner_mode_and_attributes_stay() {
    let ground = Ground::new(Start::Fresh);
    ground.reset();
    let path = ground.at(EDITED);
    chown(&path, Some(1000), Some(1001)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    setxattr(&path, "user.note", b"his", XattrFlags::empty()).unwrap();
    let attribute = || {
        let mut value = vec![0; 16];
        let length = getxattr(&path, "user.note", &mut value[..]).unwrap();
        value.truncate(length);
        value
    };
    let timeless = || {
        let mut tree = without_times_of_dirs(tree(&ground.at("root")));
        for thing in tree.values_mut() {
            thing.mtime = (0, 0);
        }
        tree
    };
    let before = timeless();
    ground.apply(&[]).judged("apply", &[0]);
    let about = fs::metadata(&path).unwrap();
    let owner = (std::os::unix::fs::MetadataExt::uid(&about), std::os::unix::fs::MetadataExt::gid(&about));
    assert_eq!((owner, about.permissions().mode() & 0o7777), ((1000, 1001), 0o640));
    assert_eq!(attribute(), b"his");
    assert_ne!(timeless(), before);
    Run::of(&mut ground.command(&[], "revert")).judged("revert", &[0]);
    assert_same("revert", &before, &timeless());
    assert_eq!(attribute(), b"his");
}
