//! The distribution, the root's architecture, and files of ours that stand in it.

use std::collections::BTreeSet;

use crate::facts::{Arch, Attribute, Gap, OsRelease, OwnFile, Unit};
use crate::formats::premount;
use crate::formats::udev::{self, Token};
use crate::marker::{CLASS_MARK, all_paths, body_of};
use crate::root::Root;

use super::{Identity, noted, printable};

/// In systemd's order (man 5 os-release).
const OS_RELEASE: &[&str] = &["etc/os-release", "usr/lib/os-release"];

/// The dynamic loader's names, by architecture, below each of [`LOADER_DIRS`].
const LOADERS: &[(&str, Arch)] = &[
    ("ld-linux-x86-64.so.2", Arch::X86_64),
    ("ld-musl-x86_64.so.1", Arch::X86_64),
    ("ld-linux-aarch64.so.1", Arch::Aarch64),
    ("ld-musl-aarch64.so.1", Arch::Aarch64),
];
const LOADER_DIRS: &[&str] = &["lib64", "lib", "usr/lib64", "usr/lib"];

/// `os-release`; `None` where there is none.
pub fn read_release(root: &Root, gaps: &mut Vec<Gap>) -> Option<OsRelease> {
    OS_RELEASE.iter().find_map(|path| {
        noted(gaps, "os", path, root.read(path))
            .into_value()
            .map(|bytes| parse_release(&String::from_utf8_lossy(&bytes)))
    })
}

/// Shell assignments without expansion; the last of a name counts.
pub(crate) fn parse_release(text: &str) -> OsRelease {
    let mut release = OsRelease::default();
    let mut name = String::new();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let value = unquote(value);
        match key {
            "ID" => release.id = value,
            "ID_LIKE" => release.id_like = value.split_ascii_whitespace().map(str::to_owned).collect(),
            "VERSION_ID" => release.version_id = value,
            "PRETTY_NAME" => release.pretty_name = value,
            "NAME" => name = value,
            _ => {}
        }
    }
    if release.pretty_name.is_empty() {
        release.pretty_name = shown(&name, &release);
    }
    release
}

/// What people call a release whose file does not say: its name, else its identifier and version,
/// else `Linux` (man 5 os-release, NAME).
fn shown(name: &str, release: &OsRelease) -> String {
    let plain = |text: &str| text.trim().to_owned();
    let numbered = plain(&format!("{} {}", release.id, release.version_id));
    let names = [plain(name), numbered];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "Linux".to_owned())
}

/// The value between its quotes, made printable, with the escapes that os-release allows undone.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let between = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(literal) = between('\'') {
        return printable(literal);
    }
    let mut plain = String::new();
    let mut chars = between('"').unwrap_or(value).chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    printable(&plain)
}

/// The architecture of the root's programs; `None` where the loader's name does not tell,
/// as with two architectures side by side. The running root's is that of this program.
pub fn read_arch(root: &Root, gaps: &mut Vec<Gap>) -> Option<Arch> {
    if root.is_live() {
        return Identity::live().arch;
    }
    let mut found = Vec::new();
    for dir in LOADER_DIRS {
        for (name, arch) in LOADERS {
            let path = format!("{dir}/{name}");
            let there = noted(gaps, "system.arch", &path, root.kind(&path)).value().is_some();
            if there && !found.contains(arch) {
                found.push(*arch);
            }
        }
    }
    match found.as_slice() {
        [arch] => Some(*arch),
        _ => None,
    }
}

/// Files that carry our marker, in plan order. Of `units` the drop-ins are known, and none is looked for again.
pub fn read_ours(root: &Root, units: &[Unit], gaps: &mut Vec<Gap>) -> Vec<OwnFile> {
    let mut ours = Vec::new();
    for path in all_paths() {
        if units.iter().any(|unit| is_absent(unit, &path)) {
            continue;
        }
        let Attribute::Is(bytes) = noted(gaps, "ours", &path, root.read(&path)) else { continue };
        if let Some((_, body)) = body_of(&bytes) {
            let written = root.modified(&path).ok().flatten();
            ours.push(OwnFile { path, writes: parse_writes(&String::from_utf8_lossy(body)), written });
        }
    }
    ours
}

/// Whether a path is that of a drop-in of a unit that has none there.
fn is_absent(unit: &Unit, path: &str) -> bool {
    let below = format!("/{}.d/", unit.name);
    let unread = unit.unread.iter().any(|unread| path.starts_with(&unread.path));
    path.contains(&below) && !unread && unit.drop_ins.iter().all(|drop_in| drop_in.file.path != path)
}

/// The class and attribute of every write in rules of ours; nothing where they are no rules of ours any more.
pub(crate) fn parse_writes(body: &str) -> BTreeSet<(String, String)> {
    let write = |tokens: Vec<Token>| {
        let class = tokens.iter().find(|token| token.key == CLASS_MARK && token.is_match())?;
        let written = tokens.iter().find(|token| token.key.starts_with("ATTR{") && !token.is_match())?;
        let attr = written.key.strip_prefix("ATTR{")?.strip_suffix('}')?;
        Some((class.value.clone(), attr.to_owned()))
    };
    let mut writes = BTreeSet::new();
    writes.extend(premount::parse(body).unwrap_or_default());
    writes.extend(udev::parse(body).unwrap_or_default().into_iter().filter_map(write));
    writes
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use crate::marker::marker_line;

    #[test]
    fn os_release_of_several_distributions() {
        for (text, id, like, version, pretty) in [
            (
                "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
                "debian",
                "",
                "12",
                "Debian GNU/Linux 12 (bookworm)",
            ),
            (
                "NAME=\"AlmaLinux\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME='AlmaLinux 9.4'\n",
                "almalinux",
                "rhel centos fedora",
                "9.4",
                "AlmaLinux 9.4",
            ),
            (
                "# comment\nID=azurelinux\nVERSION_ID=3.0\nPRETTY_NAME=\"a \\\"b\\\" \\$c\x1b[2J\"",
                "azurelinux",
                "",
                "3.0",
                "a \"b\" $c?[2J",
            ),
            ("ID=\"ubuntu\"\r\nVERSION_ID=\"22.04\"\r\n", "ubuntu", "", "22.04", "ubuntu 22.04"),
            ("ID=x\nNAME=\"Some Linux\"\nPRETTY_NAME=\n", "x", "", "", "Some Linux"),
            ("", "", "", "", "Linux"),
        ] {
            let release = parse_release(text);
            assert_eq!(
                (&*release.id, &*release.id_like.join(" "), &*release.version_id, &*release.pretty_name),
                (id, like, version, pretty)
            );
        }
    }

    #[test]
    fn the_loader_tells_the_architecture() {
        for (files, arch) in [
            (&["usr/lib64/ld-linux-x86-64.so.2"][..], Some(Arch::X86_64)),
            (&["lib/ld-musl-aarch64.so.1"], Some(Arch::Aarch64)),
            (&["usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux-aarch64.so.1"], None),
            (&[], None),
        ] {
            let temp = tempfile::tempdir().unwrap();
            for file in files {
                let path = temp.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            let root = Root::offline(temp.path()).unwrap();
            assert_eq!(read_arch(&root, &mut Vec::new()), arch, "{files:?}");
        }
    }

    #[test]
    fn files_with_our_marker_are_ours_edited_or_not() {
        let body = "# sysctl.swappiness: less swapping in a stall\n# https://www.kernel.org/doc\nvm.swappiness = 10\n";
        let temp = tempfile::tempdir().unwrap();
        let root = Root::offline(temp.path()).unwrap();
        let write = |path: &str, text: String| {
            let path = temp.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("etc/sysctl.d/90-hvtune.conf", format!("{}{body}edited = 1\n", marker_line(body.as_bytes())));
        write("etc/modprobe.d/90-hvtune.conf", body.to_owned());
        let ours = read_ours(&root, &[], &mut Vec::new());
        let path = "etc/sysctl.d/90-hvtune.conf".to_owned();
        assert_eq!(ours, [OwnFile { path, writes: BTreeSet::new(), written: None }]);
    }

    #[test]
    fn our_rules_tell_what_they_write() {
        let rules = "SUBSYSTEM==\"block\", ENV{HVTUNE_CLASS}==\"iscsi\", ATTR{device/timeout}!=\"180\", \
                     ATTR{device/timeout}=\"180\"\n";
        let writes = BTreeSet::from([("iscsi".to_owned(), "device/timeout".to_owned())]);
        assert_eq!(parse_writes(rules), writes);
        assert_eq!(parse_writes("vm.swappiness = 10\n"), BTreeSet::new());
    }
}
