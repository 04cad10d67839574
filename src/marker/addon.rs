//! Our addon to unified kernel images: a file of ours that is no text, so its marker stands between the two
//! headers that every EFI image has. Pure.
//!
//! systemd-stub adds the `.cmdline` of addons to an image's own: those for all images, then those for this
//! one, each in the order of their names (`load_all_addons` in `src/boot/stub.c` of
//! <https://github.com/systemd/systemd>).

use super::marker_line;
use crate::formats::pe::{self, Machine};
use crate::stores::place::ESPS;
use crate::value::Value;

/// Its name, before which those of others come.
pub const NAME: &str = "zz-hvtune.addon.efi";
/// Where every addon's name ends.
pub const ENDING: &str = ".addon.efi";

/// What revocation lists go by, for who signs the addon
/// (<https://github.com/rhboot/shim/blob/main/SBAT.md>).
pub const SBAT: [&str; 2] = [
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md",
    "uki-addon.hvtune,1,hvtune,addon,1,https://www.freedesktop.org/software/systemd/man/latest/systemd-stub.html",
];

/// Where the line with the marker stands, and the room that it has.
const LINE: std::ops::Range<usize> = 64..128;

/// The directory of addons for all images of an ESP, which is named with its slash.
pub fn global_dir(esp: &str) -> String {
    format!("{esp}loader/addons")
}

/// The directory of addons for one image: named after it, without the count of boots that are left
/// (`get_extra_dir` in `src/boot/util.c`).
pub fn local_dir(image: &str) -> String {
    let (dir, name) = image.rsplit_once('/').unwrap_or(("", image));
    format!("{dir}/{}.extra.d", without_count(name).unwrap_or_else(|| name.to_owned()))
}

/// A name without `+LEFT` or `+LEFT-DONE` in front of its ending.
fn without_count(name: &str) -> Option<String> {
    let (start, rest) = name.split_once('+')?;
    let (count, ending) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (left, done) = count.split_once('-').unwrap_or((count, "0"));
    (is_number(left) && is_number(done)).then(|| format!("{start}{ending}"))
}

/// Whether our addon can have this path.
pub fn is_path(path: &str) -> bool {
    path.strip_suffix(NAME)
        .and_then(|dir| dir.strip_suffix('/'))
        .is_some_and(|dir| is_dir(dir) && !is_outer(dir))
}

/// Whether a directory is one that may have to be made for it.
pub fn is_dir(path: &str) -> bool {
    is_outer(path) || ESPS.iter().any(|esp| path == global_dir(esp) || is_local(path, esp))
}

fn is_outer(path: &str) -> bool {
    ESPS.iter().any(|esp| path.strip_prefix(esp) == Some("loader"))
}

fn is_local(path: &str, esp: &str) -> bool {
    let name = path.strip_prefix(esp).and_then(|rest| rest.strip_prefix("EFI/Linux/"));
    let image = name.and_then(|name| name.strip_suffix(".extra.d"));
    image.is_some_and(|image| !image.is_empty() && !image.starts_with('.') && !image.contains(['/', '\n']))
}

/// The file that adds these arguments, with the sections that ukify gives one.
pub fn file(machine: Machine, args: &[Value]) -> Vec<u8> {
    let line: Vec<&str> = args.iter().map(Value::as_str).collect();
    let (line, sbat) = (line.join(" "), format!("{}\n", SBAT.join("\n")));
    let texts = [(".sbat", sbat.as_bytes()), (".cmdline", line.as_bytes())];
    let bare = pe::build(machine, b"", &texts);
    let marker = marker_line(bare.get(LINE.end..).unwrap_or_default());
    pe::build(machine, marker.as_bytes(), &texts)
}

/// The hash in the marker of such a file, and what it is of: all behind it, without a signature that somebody
/// put to it.
pub(super) fn body_of(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let (hash, _) = super::body_of(bytes.get(LINE)?)?;
    let mut body = pe::unsigned(bytes)?;
    Some((hash.to_owned(), body.split_off(LINE.end.min(body.len()))))
}

/// What such a file adds, an argument a line, for people; `None` where it is no image that adds any.
pub fn shown(bytes: &[u8]) -> Option<String> {
    let header = pe::parse(bytes.get(..pe::HEAD).unwrap_or(bytes))?;
    let section = header.section(".cmdline")?;
    let start = usize::try_from(section.offset).ok()?;
    let text = String::from_utf8_lossy(bytes.get(start..start.checked_add(section.size)?)?).into_owned();
    Some(text.split_whitespace().fold(String::new(), |shown, arg| shown + arg + "\n"))
}

/// Whether planned bytes are there already, be it signed.
pub fn is_same(found: &[u8], planned: &[u8]) -> bool {
    pe::unsigned(found).is_some_and(|found| found == planned)
}

/// Whether somebody signed it.
pub fn is_signed(bytes: &[u8]) -> bool {
    pe::parse(bytes.get(..pe::HEAD).unwrap_or(bytes)).is_some_and(|header| header.signed_at.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marker::{Standing, standing_of};

    fn args(words: &[&'static str]) -> Vec<Value> {
        words.iter().map(|word| Value::word(word)).collect()
    }

    #[test]
    fn ours_is_told_from_edited_and_foreign() {
        let file = file(Machine::X86_64, &args(&["panic=10", "fsck.repair=yes"]));
        assert_eq!(standing_of(Some(&file)), Standing::Ours);
        assert_eq!(shown(&file).unwrap(), "panic=10\nfsck.repair=yes\n");
        assert!(is_same(&file, &file) && !is_signed(&file));
        let at = file.windows(5).position(|window| window == b"panic").unwrap();
        for at in [at, 140, file.len() - 1] {
            let mut edited = file.clone();
            edited[at] ^= 1;
            assert_eq!(standing_of(Some(&edited)), Standing::Edited, "byte {at}");
        }
        let foreign = pe::build(Machine::X86_64, b"", &[(".cmdline", b"panic=10")]);
        assert_eq!(standing_of(Some(&foreign)), Standing::Foreign);
        assert_eq!(standing_of(Some(b"MZ")), Standing::Foreign);
    }

    /// What a signer changes: the checksum, the entry of the signatures, and what stands behind the image.
    #[test]
    fn a_signature_leaves_it_ours() {
        let file = file(Machine::Aarch64, &args(&["a=1"]));
        let mut signed = file.clone();
        let optional = 128 + 24;
        signed[optional + 64..optional + 68].copy_from_slice(&[1, 2, 3, 4]);
        signed[optional + 144..optional + 148]
            .copy_from_slice(&u32::try_from(file.len()).unwrap().to_le_bytes());
        signed[optional + 148] = 8;
        signed.extend(b"signature");
        assert!(is_signed(&signed) && is_same(&signed, &file));
        assert_eq!(standing_of(Some(&signed)), Standing::Ours);
        let other = super::file(Machine::Aarch64, &args(&["a=2"]));
        assert!(!is_same(&signed, &other));
    }

    #[test]
    fn it_has_few_places() {
        for (image, dir) in [
            ("boot/efi/EFI/Linux/a.efi", "boot/efi/EFI/Linux/a.efi.extra.d"),
            ("efi/EFI/Linux/a+3.efi", "efi/EFI/Linux/a.efi.extra.d"),
            ("boot/EFI/Linux/a+2-1.efi", "boot/EFI/Linux/a.efi.extra.d"),
            ("boot/EFI/Linux/6.1+deb13.efi", "boot/EFI/Linux/6.1+deb13.efi.extra.d"),
        ] {
            assert_eq!(local_dir(image), dir);
            assert!(is_dir(dir) && is_path(&format!("{dir}/{NAME}")), "{dir}");
        }
        assert!(is_path("boot/efi/loader/addons/zz-hvtune.addon.efi") && is_dir("efi/loader"));
        for path in [
            "efi/loader/zz-hvtune.addon.efi",
            "efi/loader/addons/other.addon.efi",
            "efi/EFI/Linux/../x.extra.d/zz-hvtune.addon.efi",
            "efi/EFI/Linux/.extra.d/zz-hvtune.addon.efi",
            "efi/EFI/Linux/a/b.efi.extra.d/zz-hvtune.addon.efi",
            "srv/loader/addons/zz-hvtune.addon.efi",
        ] {
            assert!(!is_path(path), "{path}");
        }
        assert!(!is_dir("efi/EFI/Linux") && !is_dir("etc") && !is_dir(""));
    }
}
