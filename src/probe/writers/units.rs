//! Whether systemd starts a service at boot, by its units and the links of `systemctl enable`.

use crate::facts::UnitState;
use crate::root::{Kind, Root};

use super::super::units::Units;
use super::layers::is_null;

/// Targets that are reached at every boot of a server.
const TARGETS: [&str; 5] =
    ["multi-user.target", "sysinit.target", "basic.target", "default.target", "graphical.target"];

/// A service that somebody enables.
pub(super) fn state(root: &Root, listed: &Units<'_>, unit: &str) -> UnitState {
    let wanted = |target: &&str| {
        let below = format!("{target}.wants");
        listed.having(&below).any(|(dir, _)| {
            let link = format!("{dir}/{below}/{unit}");
            matches!(root.read_link(&link), Ok(Some(_)))
        })
    };
    match fixed(root, listed, unit) {
        UnitState::Enabled if !TARGETS.iter().any(wanted) => UnitState::Disabled,
        state => state,
    }
}

/// A service that is started wherever it is installed: a static one, or one that a generator starts.
pub(super) fn fixed(root: &Root, listed: &Units<'_>, unit: &str) -> UnitState {
    for (dir, entry) in listed.having(unit) {
        let path = format!("{dir}/{unit}");
        let is_link = entry.kind == Kind::Link;
        if is_link && matches!(root.read_link(&path), Ok(Some(target)) if is_null(&target)) {
            return UnitState::Masked;
        }
        // An administrator's empty file masks as well (`null_or_empty`, systemd's load-fragment.c).
        let own = !is_link && !dir.starts_with("usr/");
        if own && matches!(root.read(&path), Ok(Some(text)) if text.is_empty()) {
            return UnitState::Masked;
        }
        if !is_link || matches!(root.kind(&path), Ok(Some(_))) {
            return UnitState::Enabled;
        }
    }
    absent(root)
}

/// What it means that something of systemd's is not there.
pub(super) fn absent(root: &Root) -> UnitState {
    let systemd = ["usr/lib/systemd/systemd", "lib/systemd/systemd"];
    let there = systemd.iter().any(|path| matches!(root.kind(path), Ok(Some(_))));
    if there { UnitState::Absent } else { UnitState::Unknown }
}

/// systemd's version, by the name of its shared library.
pub(super) fn version(root: &Root) -> Option<u32> {
    let dirs = [
        "usr/lib/systemd",
        "usr/lib/x86_64-linux-gnu/systemd",
        "usr/lib/aarch64-linux-gnu/systemd",
        "lib/systemd",
    ];
    let names = dirs.iter().filter_map(|dir| root.list(dir).ok().flatten()).flatten();
    let mut versions = names.filter_map(|entry| {
        let rest = entry.name.strip_prefix("libsystemd-shared-")?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    });
    versions.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    #[test]
    fn units_are_enabled_by_links() {
        let (_dir, root) = laid_out(&[
            ("usr/lib/systemd/systemd", ""),
            ("usr/lib/systemd/libsystemd-shared-257.7-1.fc42.so", ""),
            ("usr/lib/systemd/system/on.service", ""),
            (
                "etc/systemd/system/multi-user.target.wants/on.service",
                "-> /usr/lib/systemd/system/on.service",
            ),
            ("usr/lib/systemd/system/off.service", ""),
            ("usr/lib/systemd/system/gone.service", ""),
            ("etc/systemd/system/gone.service", "-> /dev/null"),
            ("usr/lib/systemd/system/emptied.service", "[Service]\n"),
            ("etc/systemd/system/emptied.service", ""),
        ]);
        let listed = Units::open(&root, &mut Vec::new());
        let states: Vec<UnitState> = ["on", "off", "gone", "none"]
            .iter()
            .map(|unit| state(&root, &listed, &format!("{unit}.service")))
            .collect();
        assert_eq!(fixed(&root, &listed, "emptied.service"), UnitState::Masked);
        assert_eq!(states, [UnitState::Enabled, UnitState::Disabled, UnitState::Masked, UnitState::Absent]);
        assert_eq!((fixed(&root, &listed, "off.service"), version(&root)), (UnitState::Enabled, Some(257)));
        let (_dir, root) = laid_out(&[]);
        let listed = Units::open(&root, &mut Vec::new());
        assert_eq!((state(&root, &listed, "on.service"), version(&root)), (UnitState::Unknown, None));
    }
}
