//! udev on a rules file: `udevadm verify`, and `udevadm test` for what it
//! would write to a device.
//!
//! Only our file is there: the distribution's rules are hidden. 252 writes in
//! `test`, to the stage's files, and logs it; 257 logs what it would write.
//! The stage's attributes are plain files: writing `none` to a scheduler does
//! not move the brackets, so a rule that reads what an earlier line wrote sees
//! something else than on a kernel. What a kernel shows afterwards is put with
//! [`Device::with`].

use std::path::Path;

use crate::device::Device;
use crate::stage::{Ran, Stage, Suite};

const INSIDE: &str = "/run/udev/rules.d/90-hvtune.rules";

/// The versions of udev.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Udev {
    V252,
    V257,
}

impl Udev {
    pub(crate) const ALL: [Self; 2] = [Self::V252, Self::V257];

    fn suite(self) -> Suite {
        match self {
            Self::V252 => Suite::Bookworm,
            Self::V257 => Suite::Trixie,
        }
    }
}

/// What udev made of the file for one event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tested {
    /// `(attribute, value)` in the order of writing. Below the device the
    /// attribute is relative to it, else a path from `/sys`.
    pub(crate) writes: Vec<(String, String)>,
    /// Every other line of the log about our file, as `line: message`.
    pub(crate) complaints: Vec<String>,
}

/// What udev writes when `device` is added; panics where udev complains of the file.
#[track_caller]
pub(crate) fn udev_writes(rules: &Path, device: &Device, version: Udev) -> Vec<(String, String)> {
    let tested = udev_test(rules, device, version, "add");
    assert!(tested.complaints.is_empty(), "{version:?} on {}: {tested:#?}", device.path());
    tested.writes
}

/// The same for any action, complaints included.
pub(crate) fn udev_test(rules: &Path, device: &Device, version: Udev, action: &str) -> Tested {
    let stage = Stage::new(version.suite());
    stage.copy(INSIDE, rules);
    device.lay_out(&stage.dir("/sys"));
    let ran = stage.run(&format!(
        "mount -t tmpfs none /etc/udev/rules.d
         mount -t tmpfs none /usr/lib/udev/rules.d
         export SYSTEMD_LOG_LEVEL=debug SYSTEMD_DEVICE_VERIFY_SYSFS=0
         udevadm test --action={action} '/sys{}'",
        device.path()
    ));
    let log = ran.ok().stderr;
    assert!(log.contains(&format!("Reading rules file: {INSIDE}")), "the file was not read:\n{log}");
    parse(&log, device.path())
}

/// The same under umockdev, with the device as its description.
#[track_caller]
pub(crate) fn udev_writes_mocked(rules: &Path, device: &Device, version: Udev) -> Vec<(String, String)> {
    let stage = Stage::new(version.suite());
    stage.copy(INSIDE, rules);
    stage.put("/tmp/device.umockdev", device.umockdev().expect("every ancestor has a subsystem"));
    let ran = stage.run(&format!(
        "mount -t tmpfs none /etc/udev/rules.d
         mount -t tmpfs none /usr/lib/udev/rules.d
         export SYSTEMD_LOG_LEVEL=debug SYSTEMD_DEVICE_VERIFY_SYSFS=0
         umockdev-run -d /tmp/device.umockdev -- sh -c '
             mkdir -p \"$UMOCKDEV_DIR/sys/bus/vmbus\"
             exec udevadm test --action=add /sys{}'",
        device.path()
    ));
    let log = ran.ok().stderr;
    assert!(log.contains(&format!("Reading rules file: {INSIDE}")), "the file was not read:\n{log}");
    let tested = parse(&log, device.path());
    assert!(tested.complaints.is_empty(), "{version:?} on {}: {tested:#?}", device.path());
    tested.writes
}

fn parse(log: &str, device: &str) -> Tested {
    let mut tested = Tested::default();
    for line in log.lines() {
        let Some((_, ours)) = line.split_once(&format!("{INSIDE}:")) else {
            continue;
        };
        let (number, message) = ours.split_once(' ').unwrap_or((ours, ""));
        match written(message) {
            Some((attr, value)) => {
                let attr = attr.strip_prefix(&format!("/sys{device}/")).unwrap_or(attr);
                tested.writes.push((attr.to_owned(), value.to_owned()));
            }
            None => tested.complaints.push(format!("{}: {message}", number.trim_end_matches(':'))),
        }
    }
    tested
}

/// `(path, value)` of a line that tells of a write, in the words of 252 or 257.
fn written(message: &str) -> Option<(&str, &str)> {
    let old = message.strip_prefix("ATTR '").and_then(|rest| rest.strip_suffix('\''));
    if let Some(rest) = old {
        return rest.split_once("' writing '");
    }
    let new = message.strip_prefix("Running in test mode, skipping writing ATTR{");
    new?.strip_suffix("\".")?.split_once("}=\"")
}

/// `udevadm verify`, style included; the names of users and groups are not looked up.
pub(crate) fn udev_verify(rules: &Path) -> Ran {
    let stage = Stage::new(Suite::Trixie);
    stage.copy(INSIDE, rules);
    stage.run(&format!("udevadm verify --resolve-names=never {INSIDE}"))
}
