//! Stacks whose arguments are in other places than entries: bootc's and sdbootutil's directories, Flatcar's OEM
//! file, and ostree's deployments.

use super::*;
use crate::facts::Fragment;

/// The arguments of every line, and where ours are or will be; `?` for what only GRUB can tell.
fn told(boot: &Boot) -> Vec<(String, Option<usize>)> {
    let text = |arg: &BootArg| arg.text.clone().unwrap_or_else(|| "?".to_owned());
    let line = |line: &crate::facts::BootLine| {
        (line.args.iter().map(text).collect::<Vec<_>>().join(" "), line.ours_at)
    };
    boot.lines.iter().map(line).collect()
}

#[test]
fn kargs_of_an_image_are_read_in_their_order() {
    let files = [
        ("usr/lib/bootc/kargs.d/10-a.toml", "kargs = [\"a\"]\n"),
        ("usr/lib/bootc/kargs.d/95-b.toml", "kargs = [\"b=1\"]\nmatch-architectures = [\"x86_64\"]\n"),
        ("usr/lib/bootc/kargs.d/99-c.toml", "kargs = \"c\"\n"),
        ("usr/lib/bootc/kargs.d/90-hvtune.toml", "# hvtune 1 sha256:0\nkargs = [\n\"panic=10\",\n]\n"),
    ];
    let (boot, _) = boot("rhel", &files);
    assert_eq!((boot.stack, boot.own()), (BootStack::Bootc, Some(Fragment::Kargs)));
    assert_eq!(told(&boot), [("a b=1".to_owned(), Some(1))]);
    assert_eq!(boot.doubts, ["usr/lib/bootc/kargs.d/99-c.toml is not what bootc takes for arguments"]);
    // A file of another's in our place is read as his.
    let (boot, _) = super::boot("rhel", &[("usr/lib/bootc/kargs.d/90-hvtune.toml", "kargs = [\"x\"]\n")]);
    assert_eq!(told(&boot), [("x".to_owned(), None)]);
}

const SDBOOTUTIL: (&str, &str) = ("usr/bin/sdbootutil", "for i in /etc/kernel/cmdline.d/*; do :; done\n");
const BLS: (&str, &str) = ("etc/sysconfig/bootloader", "LOADER_TYPE=\"grub2-bls\"\n");
const WHOLE: (&str, &str) = ("etc/kernel/cmdline", "# x\nroot=UUID=x quiet\n");

#[test]
fn sdbootutils_line_is_put_together_as_it_does() {
    let files = [
        SDBOOTUTIL,
        BLS,
        WHOLE,
        ("usr/kernel/cmdline.d/50-v.conf", "v=1\n"),
        ("usr/kernel/cmdline.d/60-a.conf", "hidden=1\n"),
        ("etc/kernel/cmdline.d/60-a.conf", "# c\na=1 a=2\n"),
        ("etc/kernel/cmdline.d/99-z.conf", "z=1\nno-end"),
    ];
    let (boot, _) = boot("opensuse-tumbleweed", &files);
    assert_eq!((boot.stack, boot.own()), (BootStack::SystemdBoot, Some(Fragment::Cmdline)));
    assert_eq!(told(&boot), [("root=UUID=x quiet v=1 a=1 a=2 z=1".to_owned(), Some(5))]);
    assert!(boot.by_sdbootutil() && boot.stores.is_empty() && boot.is_written());

    // One from before March 2026 has only the file.
    let old = ("usr/bin/sdbootutil", "cmdline=/etc/kernel/cmdline\n");
    let (boot, _) = super::boot("opensuse-tumbleweed", &[old, BLS, WHOLE]);
    assert_eq!(boot.own(), None);
    assert_eq!(boot.stores.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["etc/kernel/cmdline"]);
    // Nothing is made from ours alone.
    for whole in [None, Some(("etc/kernel/cmdline", "quiet\n"))] {
        let files: Vec<_> = [SDBOOTUTIL, BLS].into_iter().chain(whole).collect();
        let (boot, _) = super::boot("opensuse-tumbleweed", &files);
        assert_eq!((boot.own(), boot.stores.len()), (None, usize::from(whole.is_some())));
    }
}

#[test]
fn flatcars_variable_is_followed_through_the_oem_file() {
    let read = |text: &str| {
        let (boot, _) = boot("flatcar", &[("oem/grub.cfg", text)]);
        (told(&boot), boot.doubts, boot.stores.len())
    };
    let line = "set linux_append=\"a\"\nset linux_append=\"$linux_append b=1 $x\"\n";
    assert_eq!(read(line), (vec![("a b=1 ?".to_owned(), Some(3))], vec![], 1));
    // Ours are lost where the value is not carried on.
    let lost = "set linux_append=\"$linux_append panic=10\" # hvtune\nset linux_append=\"c\"\n";
    assert_eq!(read(lost).0, [("c".to_owned(), None)]);
    let (_, doubts, _) = read("if true; then\n set linux_append=\"x\"\nfi\n");
    assert_eq!(doubts, ["oem/grub.cfg:2 may set linux_append, or not: only GRUB can tell"]);
    let (boot, _) = boot("flatcar", &[]);
    assert!(boot.stores.is_empty() && boot.doubts[0].contains("may not be mounted"), "{:?}", boot.doubts);
}

#[test]
fn only_the_deployment_that_is_booted_next_counts() {
    let entry = |version: &str, more: &str| {
        format!("title F\nversion {version}\noptions root=UUID=x {more}\nlinux /ostree/vmlinuz\n")
    };
    let (first, second, tenth) = (entry("1", "a"), entry("2", "b"), entry("10", "c"));
    let files = [
        ("ostree/repo/config", ""),
        ("boot/loader", "-> loader.1"),
        ("boot/loader.1/entries/ostree-1.conf", &*first),
        ("boot/loader.1/entries/ostree-2.conf", &*second),
        ("boot/loader.1/entries/ostree-10.conf", &*tenth),
    ];
    let (read, _) = boot("fedora", &files);
    assert_eq!(told(&read), [("root=UUID=x c".to_owned(), None)]);
    // Without numbers all of them count.
    let other = entry("x", "d");
    let files = [files[0], files[1], files[2], ("boot/loader.1/entries/z.conf", &*other)];
    assert_eq!(boot("fedora", &files).0.lines.len(), 2);
}
