//! The initramfs of a kernel: made beside the one that boots, checked, then exchanged for it.
//!
//! update-initramfs and dracut put in place whatever was made. Here an image replaces the old one only where
//! its maker ended well, the maker's own lister reads it, it holds all that the old one holds, and our file is
//! in it as it has to be. In every other case the old one stays, and nothing is left beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Step, boot_menu};
use crate::facts::Initramfs;
use crate::plan::Remake;
use crate::root::Root;
use crate::run;

/// A slow disk and three compressors make that long.
const DEADLINE: Duration = Duration::from_mins(15);
/// What is listed of an image is some 200 KB.
const LIST_LIMIT: usize = 8 << 20;
/// What follows update-initramfs, by its own word.
const HOOKS: &str = "etc/initramfs/post-update.d";

/// Makes an image anew.
pub(super) fn remake(root: &Root, remake: &Remake) -> Step {
    let what = format!("/{} made anew", remake.path);
    let (dir, name) = remake.path.rsplit_once('/').unwrap_or((".", &remake.path));
    // Dot-named, so that nothing takes it for an image to boot.
    let new = format!("{dir}/.{name}.hvtune-new");
    match try_remake(root, remake, dir, &new) {
        Ok(()) => follow(root, remake).map_or_else(|why| Step::failed(&what, &why), |()| Step::done(&what)),
        Err(error) => {
            // The image that boots is untouched; a stray new one is ours to take away.
            let _ = root.discard(&new);
            let problem = format!("{error:#}; the old one is kept: {}", command(remake));
            Step::failed(what, &problem)
        }
    }
}

/// What does the same by hand.
fn command(remake: &Remake) -> String {
    match remake.by {
        Initramfs::Dracut => format!("dracut --force /{} {}", remake.path, remake.kernel),
        _ => format!("update-initramfs -u -k {}", remake.kernel),
    }
}

fn try_remake(root: &Root, remake: &Remake, dir: &str, new: &str) -> anyhow::Result<()> {
    let Remake { path, kernel, by, for_file, holds, .. } = remake;
    let size = |path: &str| root.size(path)?.ok_or_else(|| anyhow::anyhow!("there is no {path}"));
    let old_size = size(path)?;
    let free = root.free_space(dir)?;
    anyhow::ensure!(
        free > old_size.saturating_add(old_size / 4),
        "/{dir} has {} MiB left, and a second image beside the old one takes more",
        free >> 20
    );
    let old = list(*by, path)?;
    anyhow::ensure!(!old.is_empty(), "the old image could not be listed");
    let beside = format!("/{new}");
    match by {
        Initramfs::Dracut => run::run("dracut", &["--quiet", "--force", &beside, kernel], DEADLINE)?,
        _ => run::run("mkinitramfs", &["-o", &beside, kernel], DEADLINE)?,
    };
    let new_size = size(new)?;
    anyhow::ensure!(
        new_size >= old_size / 2,
        "the new image has {new_size} bytes, less than half of the old one's {old_size}"
    );
    compare(&old, &list(*by, new)?, for_file, *holds).map_err(anyhow::Error::msg)?;
    root.exchange(new, path)?;
    Ok(())
}

/// Every path in an image, by its maker's own lister.
fn list(by: Initramfs, path: &str) -> anyhow::Result<BTreeSet<String>> {
    let program = if by == Initramfs::Dracut { "lsinitrd" } else { "lsinitramfs" };
    let text = run::run_up_to(LIST_LIMIT, program, &[&format!("/{path}")], DEADLINE)?;
    Ok(text.lines().filter_map(listed).collect())
}

/// The path in a line: alone, or at the end of one as `ls -l` has it, of whatever is no directory.
fn listed(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let path = match words.as_slice() {
        [path] => path,
        [mode, _, _, _, _, _, _, _, path, ..] if mode.starts_with(['-', 'l', 'c', 'b']) => path,
        _ => return None,
    };
    let path = path.trim_start_matches("./").trim_start_matches('/');
    // Where /usr is merged the one is the other.
    path.contains('/').then(|| path.strip_prefix("usr/").unwrap_or(path).to_owned())
}

/// Files of ours, and what changes its name with each version of a package.
fn may_go(path: &str) -> bool {
    // The directory of scripts, and the order of them, go with the only one.
    let with_the_only_one = matches!(path, "scripts/init-premount" | "scripts/init-premount/ORDER");
    path.contains("90-hvtune") || path.contains(".so") || with_the_only_one
}

/// The new image must hold all that the old one holds, and our file where it has to.
fn compare(old: &BTreeSet<String>, new: &BTreeSet<String>, file: &str, holds: bool) -> Result<(), String> {
    if let Some(missing) = old.difference(new).find(|path| !may_go(path)) {
        return Err(format!("the new image lacks {missing}, which the old one has"));
    }
    let script = file.split_once("initramfs-tools/").map(|(_, inside)| inside);
    let inside = script.unwrap_or_else(|| file.strip_prefix("usr/").unwrap_or(file));
    match (new.contains(inside), holds) {
        (false, true) => Err(format!("the new image does not hold /{file}")),
        (true, false) => Err(format!("the new image still holds /{file}")),
        _ => Ok(()),
    }
}

/// What has to follow: the file system is left as the boot loader reads it, and boot loaders that copy the
/// image are told of it, as update-initramfs does.
fn follow(root: &Root, remake: &Remake) -> Result<(), String> {
    boot_menu::settle(root)?;
    if !remake.hooks || !matches!(root.dir(HOOKS), Ok(Some(_))) {
        return Ok(());
    }
    let args = [format!("--arg={}", remake.kernel), format!("--arg=/{}", remake.path), format!("/{HOOKS}")];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = run::run("run-parts", &args, DEADLINE);
    ran.map(|_| ()).map_err(|error| format!("the new one is in place, and what follows it failed: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(lines: &[&str]) -> BTreeSet<String> {
        lines.iter().filter_map(|line| listed(line)).collect()
    }

    #[test]
    fn both_listers_are_read() {
        let found = set(&[
            ".",
            "usr/lib/modprobe.d/x.conf",
            "Image: /boot/initrd.img-6.1: 30M",
            "========================================================================",
            "drwxr-xr-x   3 root     root            0 Jan  1  1970 usr/lib/modules",
            "-rw-r--r--   1 root     root          123 Jan  1  1970 etc/modprobe.d/90-hvtune.conf",
            "lrwxrwxrwx   1 root     root            7 Jan  1  1970 usr/bin/sh -> dash",
        ]);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["bin/sh", "etc/modprobe.d/90-hvtune.conf", "lib/modprobe.d/x.conf"]);
    }

    /// A script lies elsewhere in the image than on the disk, and with it the order in which it runs comes and goes.
    #[test]
    fn a_script_of_ours_comes_and_goes() {
        let without = set(&["scripts/init-top/udev"]);
        let with = set(&[
            "scripts/init-top/udev",
            "scripts/init-premount",
            "scripts/init-premount/90-hvtune",
            "scripts/init-premount/ORDER",
        ]);
        for file in crate::marker::PREMOUNTS {
            assert_eq!(compare(&without, &with, file, true), Ok(()), "{file}");
            assert_eq!(compare(&with, &without, file, false), Ok(()), "{file}");
            assert!(compare(&without, &without, file, true).is_err(), "{file}");
            assert!(compare(&with, &with, file, false).is_err(), "{file}");
        }
    }

    #[test]
    fn an_image_that_lost_something_is_refused() {
        let file = "etc/modprobe.d/90-hvtune.conf";
        let old = set(&["usr/lib/modules/6.1/hv_storvsc.ko", "usr/lib/libc.so.6", "etc/cmdline.d/net.conf"]);
        let mut new = old.clone();
        assert!(compare(&old, &new, file, true).unwrap_err().contains("does not hold"));
        assert_eq!(compare(&old, &new, file, false), Ok(()));
        new.insert(file.to_owned());
        new.remove("usr/lib/libc.so.6");
        assert_eq!(compare(&old, &new, file, true), Ok(()));
        assert!(compare(&old, &new, file, false).unwrap_err().contains("still holds"));
        new.remove("etc/cmdline.d/net.conf");
        assert!(compare(&old, &new, file, true).unwrap_err().contains("lacks etc/cmdline.d/net.conf"));
    }
}
