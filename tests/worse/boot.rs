//! The kernel command line of the next boot, and module options.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::limits::{Limits, by_name, longer, tops};

/// The arguments of an ordinary entry: what /bin/sh makes of /etc/default/grub and its directory where
/// grub-mkconfig sources them (Debian), else the options of the one entry below /boot/loader; `None`
/// where neither is there.
pub(crate) fn arguments(root: &Path) -> Option<Vec<String>> {
    let text = if root.join("usr/sbin/update-grub").exists() { sourced(root)? } else { options(root)? };
    Some(text.split_ascii_whitespace().map(str::to_owned).collect())
}

fn sourced(root: &Path) -> Option<String> {
    let script = "for file in etc/default/grub etc/default/grub.d/*.cfg; do \
                  [ ! -f \"$file\" ] || . \"./$file\"; done; \
                  printf '%s %s' \"$GRUB_CMDLINE_LINUX\" \"$GRUB_CMDLINE_LINUX_DEFAULT\"";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-euc", script]).current_dir(root).env_clear();
    shell.env("GRUB_CMDLINE_LINUX", "").env("GRUB_CMDLINE_LINUX_DEFAULT", "");
    let ran = shell.output().unwrap();
    ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
}

fn options(root: &Path) -> Option<String> {
    let mut entries = fs::read_dir(root.join("boot/loader/entries")).ok()?.map(|entry| entry.unwrap().path());
    let text = fs::read_to_string(entries.next()?).ok()?;
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("options ")).collect();
    Some(lines.join(" "))
}

/// Whether every installed kernel has the module built in, so that modprobe.d says nothing to it.
fn every_kernel_has_it(root: &Path) -> bool {
    let kernels = fs::read_dir(root.join("usr/lib/modules")).into_iter().flatten();
    let built_in: Vec<bool> = kernels
        .map(|kernel| fs::read_to_string(kernel.unwrap().path().join("modules.builtin")).unwrap_or_default())
        .map(|list| list.lines().any(|line| line.ends_with("/nvme-core.ko")))
        .collect();
    !built_in.is_empty() && built_in.into_iter().all(|has| has)
}

/// `nvme_core.io_timeout` of a kernel that loads the module, and of one that has it built in: the
/// command line counts over modprobe.d, of equal ones the last.
pub(crate) fn nvme(root: &Path, args: Option<&[String]>) -> Limits {
    let mut limits = Limits::new();
    let named = |arg: &String| {
        let (key, value) = arg.split_once('=')?;
        (key.replace('-', "_") == "nvme_core.io_timeout").then(|| value.parse::<i64>().ok())
    };
    let argument = args.and_then(|args| args.iter().filter_map(named).next_back());
    let Some(files) = by_name(&tops(root, "modprobe.d"), ".conf") else { return limits };
    let text = files.values().map(|bytes| String::from_utf8_lossy(bytes)).collect::<Vec<_>>().join("\n");
    let lines = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let ours = lines.filter(|words| {
        words.first() == Some(&"options") && words.get(1).is_some_and(|m| m.replace('-', "_") == "nvme_core")
    });
    let values = ours.flat_map(|words| {
        let value = |word: &&str| word.strip_prefix("io_timeout=").map(|value| value.parse::<i64>().ok());
        words.iter().filter_map(value).collect::<Vec<_>>()
    });
    let option = values.collect::<Vec<_>>().pop();
    let loaded = (!every_kernel_has_it(root)).then_some(("loaded", argument.or(option)));
    for (kernel, value) in [("built in", argument)].into_iter().chain(loaded) {
        // What is no number is refused, and the module's own 30 s stay.
        if let Some(Some(seconds)) = value {
            limits.insert(format!("nvme_core.io_timeout, {kernel}"), longer(seconds, false));
        }
    }
    limits
}
