//! A capture as one file: a tar archive, for whatever collects files.

use std::io::{self, Read as _};

use tar::{Archive, Builder, EntryType, Header};

use crate::probe::MACHINE_JSON;
use crate::root::{Root, Seen, Trail};

/// How a capture's name ends where it is one file.
pub const ENDING: &str = ".tar";
/// More bytes, or names, are refused: a machine of 1,024 disks has 54 MB and 34,000 names.
pub const LIMIT: usize = 64 << 20;
const NAMES: usize = 500_000;

/// The archive of a tree: the same bytes for the same tree, as owner, mode and time are always the same.
///
/// # Errors
/// A name that no archive can hold.
pub fn pack(tree: &Trail) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for (path, seen) in Root::settled(tree).iter() {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        match seen {
            Seen::File(bytes) => {
                header.set_size(bytes.len() as u64);
                archive.append_data(&mut header, path, bytes.as_slice())?;
            }
            Seen::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                archive.append_link(&mut header, path, target)?;
            }
            Seen::Dir => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                archive.append_data(&mut header, format!("{path}/"), io::empty())?;
            }
            Seen::Unreadable(_) => {}
        }
    }
    archive.into_inner()
}

/// The tree of an archive, whoever made it: by us, or by `tar` of a capture's directory.
///
/// # Errors
/// No archive, a name that leaves the tree, a device, or more than a capture has.
pub fn unpack(bytes: &[u8]) -> io::Result<Trail> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut tree = Trail::new();
    let mut left = LIMIT;
    for entry in Archive::new(bytes).entries()? {
        let entry = entry?;
        let path = plain(&String::from_utf8_lossy(&entry.path_bytes()))
            .ok_or_else(|| wrong(format!("the name {:?} leaves the archive", entry.path_bytes())))?;
        let seen = match entry.header().entry_type() {
            EntryType::Directory => Seen::Dir,
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default();
                Seen::Link(String::from_utf8_lossy(&target).into_owned())
            }
            EntryType::Regular | EntryType::Continuous => {
                let mut bytes = Vec::new();
                entry.take(left as u64 + 1).read_to_end(&mut bytes)?;
                left = left.checked_sub(bytes.len()).ok_or_else(|| wrong("it holds too much".to_owned()))?;
                Seen::File(bytes)
            }
            EntryType::XGlobalHeader => continue,
            _ => return Err(wrong(format!("/{path} is no file, link or directory"))),
        };
        if !path.is_empty() {
            tree.insert(path, seen);
        }
        if tree.len() > NAMES {
            return Err(wrong("it holds too many names".to_owned()));
        }
    }
    Ok(without_top(tree))
}

/// A name without what leads nowhere; `None` where it leads out.
fn plain(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!name.starts_with('/') && !parts.contains(&"..")).then(|| parts.join("/"))
}

/// The tree below the one directory that holds it all, where somebody packed the directory itself.
fn without_top(tree: Trail) -> Trail {
    if tree.contains_key(MACHINE_JSON) {
        return tree;
    }
    let top = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let Some(first) = tree.keys().next().map(|path| top(path)) else { return tree };
    if !tree.contains_key(&format!("{first}/{MACHINE_JSON}")) || tree.keys().any(|path| top(path) != first) {
        return tree;
    }
    let below =
        |(path, seen): (String, Seen)| Some((path.strip_prefix(&format!("{first}/"))?.to_owned(), seen));
    let mut inner = Trail::new();
    for (path, seen) in tree.into_iter().filter_map(below) {
        inner.insert(path, seen);
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Trail {
        let long = format!("sys/devices/{}/size", "a-long-name/".repeat(20));
        Trail::from([
            (MACHINE_JSON.to_owned(), Seen::File(b"{}".to_vec())),
            ("sys/block/sda".to_owned(), Seen::Link("../devices/host0/block/sda".to_owned())),
            ("sys/block/sda/size".to_owned(), Seen::File(b"8\n".to_vec())),
            ("sys/devices/host0/scsi_host".to_owned(), Seen::Dir),
            (".dockerenv".to_owned(), Seen::File(Vec::new())),
            (long, Seen::File(vec![b'x'; 2000])),
        ])
    }

    fn sorted(tree: Trail) -> Vec<(String, Seen)> {
        let mut all: Vec<_> = tree.into_iter().collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// An archive of one entry, whatever its name.
    fn of(name: &str, kind: EntryType, bytes: &[u8]) -> Vec<u8> {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        let mut archive = Builder::new(Vec::new());
        archive.append(&header, bytes).unwrap();
        archive.into_inner().unwrap()
    }

    #[test]
    fn a_tree_comes_back_as_it_was_and_its_bytes_are_always_the_same() {
        let packed = pack(&tree()).unwrap();
        assert_eq!(sorted(unpack(&packed).unwrap()), sorted(Root::settled(&tree())));
        assert_eq!(packed, pack(&tree()).unwrap());
    }

    #[test]
    fn what_leads_out_or_is_no_file_is_refused() {
        for (name, kind) in [
            ("../x", EntryType::Regular),
            ("a/../../x", EntryType::Regular),
            ("/etc/passwd", EntryType::Regular),
            ("dev/sda", EntryType::Block),
            ("dev/null", EntryType::Char),
            ("pipe", EntryType::Fifo),
            ("hard", EntryType::Link),
        ] {
            assert!(unpack(&of(name, kind, b"")).is_err(), "{name}");
        }
        assert!(unpack(b"this is a text, and longer than nothing").is_err());
        assert!(unpack(&pack(&tree()).unwrap()[..700]).is_err());
    }

    #[test]
    fn a_directory_that_was_packed_itself_is_looked_into() {
        let entry = |path: &str| (format!("guest/{path}"), Seen::File(b"{}".to_vec()));
        let packed = pack(&Trail::from([entry(MACHINE_JSON), entry("sys/x")])).unwrap();
        assert_eq!(unpack(&packed).unwrap().keys().collect::<Vec<_>>(), [MACHINE_JSON, "sys/x"]);
        let other = ("other".to_owned(), Seen::Dir);
        let packed = pack(&Trail::from([entry(MACHINE_JSON), other])).unwrap();
        assert!(!unpack(&packed).unwrap().contains_key(MACHINE_JSON));
    }
}
