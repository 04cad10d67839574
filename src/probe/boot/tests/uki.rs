//! Unified kernel images: what each boots with, and when an addon of ours is somebody's step.

use super::*;
use crate::formats::pe::{Machine, build};
use crate::marker::addon;
use crate::value::Value;

const MAGIC: &[u8] = b"#### LoaderInfo: systemd-stub 257.9-1 ####\0";

/// An image as ukify builds one.
fn image(line: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let base: &[(&str, &[u8])] = &[
        (".sdmagic", MAGIC),
        (".osrel", b"ID=debian\n"),
        (".cmdline", line.as_bytes()),
        (".uname", b"6.12.1"),
        (".linux", b"MZ"),
    ];
    build(Machine::X86_64, b"", &[base, more].concat())
}

fn of(sections: &[(&str, &[u8])]) -> Vec<u8> {
    build(Machine::X86_64, b"", sections)
}

fn addon_of(line: &str) -> Vec<u8> {
    of(&[(".sbat", b"sbat,1\n"), (".cmdline", line.as_bytes())])
}

fn ours() -> Vec<u8> {
    addon::file(Machine::X86_64, &[Value::word("panic=10")])
}

/// The same with a directory entry that names a signature.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = 128 + 24 + 144;
    let end = u32::try_from(bytes.len()).unwrap();
    bytes[at..at + 4].copy_from_slice(&end.to_le_bytes());
    bytes[at + 4] = 8;
    bytes.extend([0; 8]);
    bytes
}

fn read_of(files: &[(&str, Vec<u8>)], secure_boot: Option<bool>) -> Boot {
    let (boot, gaps) = read_with_gaps(files, secure_boot);
    assert_eq!((boot.stack, gaps), (BootStack::Uki, Vec::new()));
    boot
}

fn read_with_gaps(files: &[(&str, Vec<u8>)], secure_boot: Option<bool>) -> (Boot, Vec<Gap>) {
    let temp = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = temp.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let os = OsRelease { id: "debian".to_owned(), ..OsRelease::default() };
    let mut gaps = Vec::new();
    let boot = read(&Root::offline(temp.path()).unwrap(), Some(&os), &[], secure_boot, &mut gaps);
    (boot, gaps)
}

/// Each line's arguments, with `|` where ours stand.
fn shown_lines(boot: &Boot) -> Vec<String> {
    let one = |line: &crate::facts::BootLine| {
        let mut args = shown(&line.args);
        if let Some(at) = line.ours_at {
            args.insert(at, "|".to_owned());
        }
        format!("{} {}: {}", line.path.rsplit('/').next().unwrap(), line.entry, args.join(" "))
    };
    boot.lines.iter().map(one).collect()
}

const A: &str = "boot/efi/EFI/Linux/a.efi";

#[test]
fn an_image_boots_with_its_own_line_and_the_addons_in_their_order() {
    let boot = read_of(
        &[
            (A, image("root=/dev/x\tro\n quiet\0junk", &[])),
            ("boot/efi/EFI/Linux/tool.efi", of(&[(".cmdline", b"no=1")])),
            ("boot/efi/loader/addons/50-a.addon.efi", addon_of("g=1")),
            ("boot/efi/loader/addons/zz-hvtune.addon.efi", ours()),
            ("boot/efi/loader/addons/zzz.ADDON.EFI", addon_of("late=1")),
            ("boot/efi/loader/addons/.hidden.addon.efi", addon_of("no=1")),
            ("boot/efi/loader/addons/read.me", addon_of("no=1")),
            ("boot/efi/EFI/Linux/a.efi.extra.d/k.addon.efi", addon_of("l=1")),
            ("boot/efi/EFI/Linux/a.efi.extra.d/zzz.addon.efi", addon_of("last=1")),
            ("boot/efi/EFI/Linux/a.efi.extra.d/kernel.addon.efi", image("no=1", &[])),
            (
                "boot/efi/EFI/Linux/a.efi.extra.d/other.addon.efi",
                of(&[(".cmdline", b"for=1"), (".uname", b"6.1")]),
            ),
            ("etc/kernel/cmdline", b"root=/dev/x\n".to_vec()),
        ],
        None,
    );
    assert_eq!(boot.doubts, [""; 0]);
    assert_eq!(
        shown_lines(&boot),
        [
            "a.efi : a.efi+:0 root=/dev/x a.efi+:0 ro a.efi+:0 quiet 50-a.addon.efi+:0 g=1 zzz.ADDON.EFI+:0 late=1 \
             k.addon.efi+:0 l=1 !other.addon.efi+:0 for=1 | zzz.addon.efi+:0 last=1",
            "cmdline : cmdline+:1 root=/dev/x 50-a.addon.efi+:0 g=1 | zzz.ADDON.EFI+:0 late=1",
        ]
    );
    assert_eq!(boot.uki.unwrap().by_hand, None);
}

#[test]
fn every_profile_has_a_line() {
    let more: &[(&str, &[u8])] =
        &[(".profile", b"ID=main\n"), (".profile", b"ID=other\n"), (".cmdline", b"other=1")];
    let boot = read_of(&[(A, image("root=/dev/x", more))], None);
    assert_eq!(
        shown_lines(&boot),
        ["a.efi profile 0: a.efi+:0 root=/dev/x |", "a.efi profile 1: a.efi+:0 other=1 |"]
    );
}

#[test]
fn where_ours_would_not_be_taken_it_is_a_step_by_hand() {
    let other = "ffffffffffffffffffffffffffffffff";
    let identity = || ("etc/machine-id", b"0123456789abcdef0123456789abcdef\n".to_vec());
    let foreign = format!("boot/efi/EFI/Linux/{other}-6.1.efi");
    let old = |magic: &'static [u8]| of(&[(".sdmagic", magic), (".cmdline", b"a"), (".linux", b"x")]);
    let strange =
        build(Machine::Other(0x14c), b"", &[(".sdmagic", MAGIC), (".cmdline", b"a"), (".linux", b"x")]);
    let rhel = of(&[(".sdmagic", MAGIC), (".osrel", b"ID=\"rhel\"\n"), (".cmdline", b"a"), (".linux", b"x")]);
    let good = || (A, image("root=/dev/x", &[]));
    let crypttab = |text: &str| ("etc/crypttab", text.as_bytes().to_vec());
    for (files, secure_boot, why) in [
        (vec![good()], None, None),
        (vec![good()], Some(false), None),
        (vec![good()], Some(true), Some("Secure Boot is on")),
        (vec![(A, signed(image("root=/dev/x", &[])))], Some(false), None),
        (vec![(A, signed(image("root=/dev/x", &[])))], None, Some("is signed")),
        (vec![(A, old(b"#### LoaderInfo: systemd-stub 252.39-1 ####"))], None, Some("systemd 254")),
        (vec![(A, old(b"stubble"))], None, Some("systemd 254")),
        (vec![(A, strange)], None, Some("makes no addon")),
        (vec![good(), ("boot/efi/EFI/Linux/b.efi", rhel)], None, Some("another installation")),
        (vec![good(), identity(), (&*foreign, image("a", &[]))], None, Some("another installation")),
        (vec![good(), ("boot/efi/EFI/Linux/b.efi", b"MZ".to_vec())], None, Some("no EFI image")),
        (vec![("etc/kernel/install.conf", b"layout=uki\n".to_vec())], None, Some("may not be mounted")),
        (vec![good(), crypttab("root UUID=x none luks,tpm2-device=auto\n")], None, Some("TPM")),
        (vec![(A, image("rd.luks.options=tpm2-device=auto", &[]))], None, Some("TPM")),
        (vec![good(), crypttab("# root UUID=x none tpm2-device=auto\nroot UUID=x none luks\n")], None, None),
    ] {
        let boot = read_of(&files, secure_boot);
        let names: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let found = boot.uki.as_ref().unwrap().by_hand.clone();
        assert_eq!(found.is_some(), why.is_some(), "{names:?}: {found:?}");
        assert!(found.unwrap_or_default().contains(why.unwrap_or_default()), "{names:?}: {:?}", boot.uki);
        assert_eq!(boot.is_written(), why.is_none(), "{names:?}");
    }
}

/// A disk that the TPM opens may be in it.
#[test]
fn a_crypttab_that_cannot_be_read_leaves_it_to_somebody() {
    let files = [(A, image("root=/dev/x", &[])), ("etc/crypttab/x", Vec::new())];
    let (boot, gaps) = read_with_gaps(&files, None);
    let why = boot.uki.unwrap().by_hand.unwrap();
    assert!(why.contains("etc/crypttab could not be read") && gaps.len() == 1, "{why}: {gaps:?}");
}

/// With Secure Boot the firmware refuses what is not signed, ours among it.
#[test]
fn what_is_not_signed_adds_nothing_under_secure_boot() {
    let files = |ours: Vec<u8>| {
        vec![
            (A, signed(image("root=/dev/x", &[]))),
            ("boot/efi/loader/addons/50-a.addon.efi", addon_of("g=1")),
            ("boot/efi/loader/addons/zz-hvtune.addon.efi", ours),
        ]
    };
    for (ours, line) in [(ours(), "!zz-hvtune.addon.efi+:0"), (signed(ours()), "zz-hvtune.addon.efi+:0")] {
        let boot = read_of(&files(ours), Some(true));
        let expected = format!("a.efi : a.efi+:0 root=/dev/x !50-a.addon.efi+:0 g=1 {line} panic=10");
        assert_eq!(shown_lines(&boot), [expected]);
    }
}

#[test]
fn a_line_that_nobody_can_know_is_a_doubt() {
    let bare = || of(&[(".sdmagic", MAGIC), (".linux", b"x")]);
    let long = vec![b'x'; 100_000];
    for (files, word) in [
        (vec![(A, bare())], Some("who starts it")),
        (vec![(A, bare()), ("boot/efi/EFI/Linux/a.efi.extra.d/base.addon.efi", addon_of("root=x"))], None),
        (vec![(A, of(&[(".linux", b"x"), (".cmdline", &long)]))], Some("at most")),
        (vec![(A, image("a", &[])[..3000].to_vec())], Some("ends within its section")),
        (vec![(A, image("a", &[])), ("boot/efi/loader/addons/x.addon.efi", Vec::new())], Some("may add")),
    ] {
        let boot = read_of(&files, None);
        assert_eq!(boot.doubts.len(), usize::from(word.is_some()), "{word:?}: {:?}", boot.doubts);
        assert!(boot.doubts.iter().all(|doubt| doubt.contains(word.unwrap())), "{:?}", boot.doubts);
    }
}
