//! The boot menu: made beside the live one, checked, then exchanged for it.
//!
//! `update-grub` truncates the live grub.cfg and copies over it; killed or out of
//! space half-way it leaves an empty menu. So grub-mkconfig writes to another
//! name in the same directory, and nothing replaces the live file that does not
//! boot the same kernels.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Step;
use crate::plan::{Change, Menu};
use crate::render::Effect;
use crate::root::{self, Root};
use crate::run;

/// Dot-named, so that nothing takes it for a configuration.
const NEW: &str = ".grub.cfg.hvtune-new";
/// grub-mkconfig probes every disk for other systems; a slow SAN makes that long.
const DEADLINE: Duration = Duration::from_mins(10);
/// A menu of a machine with many kernels stays well below.
const MENU_LIMIT: usize = 8 << 20;

/// Makes the menu anew from /etc/default/grub and its fragments.
pub(super) fn refresh(root: &Root, menu: &Menu) -> Step {
    let what = "boot menu made anew";
    let (dir, _) = menu.path.rsplit_once('/').unwrap_or((".", &menu.path));
    let new = format!("{dir}/{NEW}");
    match try_refresh(root, menu, &new) {
        Ok(()) => settle(root).map_or_else(|why| Step::failed(what, &why), |()| Step::done(what)),
        Err(error) => {
            // The live menu is untouched; a stray new one is ours to take away.
            let _ = root.discard(&new);
            Step::failed(what, &format!("{error:#}; the old menu is kept"))
        }
    }
}

/// After entries were changed, for boot loaders that replay no journal; nothing to say where all is well.
pub(super) fn settle_entries(root: &Root, changes: &[Change]) -> Option<Step> {
    let entries = changes.iter().filter(|change| change.effect() == Some(Effect::BootEntries));
    let mut dirs: Vec<&str> = entries.filter_map(|change| Some(change.path().rsplit_once('/')?.0)).collect();
    dirs.dedup();
    let flushed =
        dirs.into_iter().try_for_each(|dir| root.write_back(dir)).map_err(|error| error.to_string());
    flushed.and_then(|()| settle(root)).err().map(|why| Step::failed("boot entries flushed", &why))
}

fn try_refresh(root: &Root, menu: &Menu, beside: &str) -> anyhow::Result<()> {
    let read = |path: &str| -> Result<Option<String>, root::Error> {
        let bytes = root.read_at_most(path, MENU_LIMIT)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let Menu { program, path } = menu;
    let old = read(path)?.ok_or_else(|| anyhow::anyhow!("there is no {path}; GRUB is not set up here"))?;
    run::run(program, &["-o", &format!("/{beside}")], DEADLINE)?;
    let checker = if *program == "grub2-mkconfig" { "grub2-script-check" } else { "grub-script-check" };
    run::run(checker, &[&format!("/{beside}")], DEADLINE)?;
    let new = read(beside)?.ok_or_else(|| anyhow::anyhow!("{program} wrote no {beside}"))?;
    compare(&old, &new).map_err(anyhow::Error::msg)?;
    for kernel in kernels(&new) {
        let found = ["", "boot"].iter().any(|prefix| {
            let path = format!("{prefix}/{}", kernel.trim_start_matches('/'));
            root.has_file(&path).unwrap_or(false)
        });
        anyhow::ensure!(found, "the new menu names {kernel}, which does not exist");
    }
    root.exchange(beside, path)?;
    Ok(())
}

/// GRUB replays no log. One of XFS is empty once the file system is read-only, so a /boot of its own is
/// made that for a moment, as tests/faults/power shows. One that is busy refuses, and keeps what it has
/// in its log until it is not; killed in between, hvtune leaves it read-only until the next boot.
pub(super) fn settle(root: &Root) -> Result<(), String> {
    let mounts = root.read_at_most("proc/self/mountinfo", MENU_LIMIT).ok().flatten().unwrap_or_default();
    if !boot_is_xfs(&String::from_utf8_lossy(&mounts)) {
        return Ok(());
    }
    let remount = |how| run::run("mount", &["-o", how, "/boot"], DEADLINE);
    if remount("remount,ro").is_ok() {
        remount("remount,rw").map_err(|error| {
            format!(
                "what is new is in place, but /boot stays read-only: {error:#}; mount -o remount,rw /boot"
            )
        })?;
    }
    Ok(())
}

/// Whether /boot is a mount of its own, of XFS and not read-only (man 5 `proc_pid_mountinfo`).
pub(crate) fn boot_is_xfs(mountinfo: &str) -> bool {
    let of_boot = |line: &&str| line.split(' ').nth(4) == Some("/boot");
    mountinfo.lines().rfind(of_boot).is_some_and(|line| {
        let writable = line.split(' ').nth(5).is_some_and(|options| options.split(',').next() == Some("rw"));
        writable && line.split(" - ").nth(1).is_some_and(|rest| rest.starts_with("xfs "))
    })
}

/// The new menu must boot every kernel and initramfs that the old one boots.
pub(crate) fn compare(old: &str, new: &str) -> Result<(), String> {
    let (before, after) = (entries(old), entries(new));
    if after.is_empty() {
        return Err("the new menu boots no kernel".to_owned());
    }
    match before.difference(&after).next() {
        None => Ok(()),
        Some(missing) => Err(format!("the new menu lacks `{missing}`, which the old one has")),
    }
}

/// What `linux` and `initrd` lines load, without arguments.
pub(crate) fn entries(menu: &str) -> BTreeSet<String> {
    let loads = |line: &str| -> Option<String> {
        let mut words = line.split_ascii_whitespace();
        let verb = words.next().filter(|verb| verb.starts_with("linux") || verb.starts_with("initrd"))?;
        Some(format!("{verb} {}", words.next()?))
    };
    menu.lines().filter_map(loads).collect()
}

/// The kernels that a menu's `linux` lines load.
fn kernels(menu: &str) -> BTreeSet<String> {
    entries(menu).iter().filter_map(|entry| entry.strip_prefix("linux ").map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MENU: &str = "menuentry 'Debian GNU/Linux' --class debian {\n\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=x ro quiet\n\tinitrd\t/boot/initrd.img-6.1.0-18-amd64\n}\n";

    #[test]
    fn other_arguments_are_no_difference() {
        assert_eq!(compare(MENU, &MENU.replace("quiet", "quiet nvme_core.io_timeout=240")), Ok(()));
        assert_eq!(kernels(MENU), ["/boot/vmlinuz-6.1.0-18-amd64".to_owned()].into());
    }

    #[test]
    fn an_xfs_boot_of_its_own_is_known() {
        let line = |point: &str, options: &str, fstype: &str| {
            format!(
                "22 1 8:1 / / rw shared:1 - xfs /dev/sda1 rw\n30 22 8:2 / {point} {options} shared:2 - {fstype} /dev/sda2 rw\n"
            )
        };
        assert!(boot_is_xfs(&line("/boot", "rw,relatime", "xfs")));
        for (point, options, fstype) in
            [("/boot", "ro,relatime", "xfs"), ("/boot", "rw", "ext4"), ("/boot/efi", "rw", "xfs")]
        {
            assert!(!boot_is_xfs(&line(point, options, fstype)), "{point} {options} {fstype}");
        }
        assert!(!boot_is_xfs(""));
    }

    #[test]
    fn a_menu_that_lost_an_entry_is_refused() {
        assert!(compare(MENU, "").is_err());
        assert!(compare(MENU, &MENU.replace("\tinitrd\t/boot/initrd.img-6.1.0-18-amd64\n", "")).is_err());
    }
}
