//! Writing a capture: a fresh tree of plain files and links in a new directory.
//!
//! Nothing here replaces anything, so nothing has to be staged or walked back:
//! the directory must be new or empty, every file and link is created, and a
//! name that already stands there is an error.

use std::os::fd::OwnedFd;
use std::path::Path;

use crate::order::Named;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::dir::Dir;
use super::resolve::{link_target, open_name};
use super::stage::write_new;
use super::{Error, Result, Root, Seen, Trail, split};

/// Where files are in memory only (man 7 `shm_overview`).
const IN_MEMORY: &str = "/dev/shm";
/// Links on the way to one file; the kernel's own bound (man 7 `path_resolution`).
const MAX_LINKS: u32 = 40;

impl Root {
    /// Writes `files` as a tree below `dir`, which must be new (its parent exists) or empty.
    /// What was read through a link is written where the link points.
    pub fn write_new_tree(dir: &Path, files: &Trail) -> Result<()> {
        let name = dir.display().to_string();
        make_new(dir, &name)?;
        let tree = Self::offline(dir)?;
        let mut dirs = Named::new();
        if let Some(top) = tree.dir(".")? {
            if !top.entries()?.is_empty() {
                return Err(Error::NotEmpty { path: name });
            }
            dirs.insert(String::new(), top);
        }
        for (path, seen) in Self::settled(files).iter() {
            let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
            let parent = tree.dir_for(&mut dirs, parent)?;
            match seen {
                Seen::File(bytes) => create_file(parent, last, path, bytes)?,
                Seen::Link(target) => rustix::fs::symlinkat(target.as_str(), parent.fd(), last)
                    .map_err(|errno| Error::io("making the link", path, errno))?,
                Seen::Unreadable(_) => {}
                Seen::Dir => drop(tree.dir_for(&mut dirs, path)?),
            }
        }
        Ok(())
    }

    /// A tree that lies in no directory yet, in one of its own, which goes with what is returned: in memory,
    /// as a thousand of them on a disk take minutes, or where that cannot be below `$TMPDIR`.
    /// `name` is how the user named it.
    pub fn unpacked(files: &Trail, name: &Path) -> Result<Self> {
        let fail = |error: std::io::Error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            Error::io("making a directory for", &name.display().to_string(), errno)
        };
        let mut made = tempfile::Builder::new();
        made.prefix("hvtune-");
        let held = made.tempdir_in(IN_MEMORY).or_else(|_| made.tempdir()).map_err(fail)?;
        Self::write_new_tree(held.path(), files)?;
        let root = Self::offline(held.path())?;
        Ok(Self { name: name.to_owned(), held: Some(held), ..root })
    }

    /// Writes a file that the caller names, and that must be new: whole, or not at all.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn write_new_file(path: &Path, bytes: &[u8]) -> Result<()> {
        let name = path.display().to_string();
        let fail = |errno| match errno {
            Errno::EXIST => {
                Error::NotOurs { path: name.clone(), why: "a file of that name is there; name a new one" }
            }
            errno => Error::io("writing", &name, errno),
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644)).map_err(fail)?;
        write_new(&fd, bytes).and_then(|()| rustix::fs::fsync(&fd)).map_err(|errno| {
            let _ = rustix::fs::unlink(path);
            fail(errno)
        })
    }

    /// The same things under the paths that hold no link of the trail itself: what was read as
    /// `sys/block/sda/size` belongs where `sys/block/sda` points. A directory that is a link
    /// is the link alone.
    pub fn settled(files: &Trail) -> Trail {
        let mut plain = Trail::new();
        for (path, seen) in files.iter() {
            let (parent, last) = split(path);
            let parent = settle(files, parent);
            let path = if parent.is_empty() { last.to_owned() } else { format!("{parent}/{last}") };
            match (plain.get(&path), seen) {
                // What is known best wins: a link or a content over mere presence.
                (Some(_), Seen::Dir) => {}
                (Some(Seen::File(known)), Seen::File(bytes)) if !known.is_empty() && bytes.is_empty() => {}
                _ => drop(plain.insert(path, seen.clone())),
            }
        }
        plain
    }

    /// The handle of a directory of the tree, made with its parents where it is missing.
    fn dir_for<'a, 'root>(
        &'root self,
        dirs: &'a mut Named<Dir<'root>>,
        path: &str,
    ) -> Result<&'a Dir<'root>> {
        if !dirs.contains_key(path) {
            let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
            let parent = self.dir_for(dirs, parent)?;
            let fd =
                make_dir(parent, last).map_err(|errno| Error::io("making the directory", path, errno))?;
            dirs.insert(path.to_owned(), Dir::new(self, fd, path));
        }
        dirs.get(path).ok_or_else(|| Error::io("opening", path, Errno::NOENT))
    }
}

/// Makes the directory itself, unless there is one.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn make_new(dir: &Path, name: &str) -> Result<()> {
    match rustix::fs::mkdirat(rustix::fs::CWD, dir, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(Error::io("making the directory", name, errno)),
    }
}

/// Makes a directory in another and opens it, never through a link.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn make_dir(parent: &Dir<'_>, name: &str) -> std::result::Result<OwnedFd, Errno> {
    rustix::fs::mkdirat(parent.fd(), name, Mode::from_raw_mode(0o755))?;
    open_name(parent.fd(), name, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
}

fn create_file(parent: &Dir<'_>, name: &str, path: &str, bytes: &[u8]) -> Result<()> {
    let fail = |errno| Error::io("writing", path, errno);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let fd = open_name(parent.fd(), name, flags, Mode::from_raw_mode(0o644)).map_err(fail)?;
    write_new(&fd, bytes).map_err(fail)
}

/// A directory's path with the trail's links followed.
fn settle(files: &Trail, dir: &str) -> String {
    let mut left = MAX_LINKS;
    let mut settled = String::new();
    let mut todo: Vec<String> = link_target("", dir).split('/').rev().map(str::to_owned).collect();
    while let Some(part) = todo.pop() {
        if part.is_empty() {
            continue;
        }
        let here = if settled.is_empty() { part.clone() } else { format!("{settled}/{part}") };
        match files.get(&here) {
            Some(Seen::Link(target)) if left > 0 => {
                left -= 1;
                todo.extend(link_target(&settled, target).split('/').rev().map(str::to_owned));
                settled.clear();
            }
            _ => settled = here,
        }
    }
    settled
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at what was written")]
mod tests {
    use super::*;

    fn trail() -> Trail {
        Trail::from([
            ("sys/block/sda".to_owned(), Seen::Link("../devices/host0/block/sda".to_owned())),
            ("sys/block/sda/size".to_owned(), Seen::File(b"8\n".to_vec())),
            ("sys/devices/host0/block/sda".to_owned(), Seen::Dir),
            ("sys/devices/host0/block/sda/queue/scheduler".to_owned(), Seen::File(b"[none]\n".to_vec())),
            ("sys/devices/host0/scsi_host".to_owned(), Seen::Dir),
            (".dockerenv".to_owned(), Seen::File(Vec::new())),
        ])
    }

    #[test]
    fn a_tree_reads_back_as_it_was_seen() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("capture");
        Root::write_new_tree(&dir, &trail()).unwrap();
        let root = Root::offline(&dir).unwrap();
        assert_eq!(root.read("sys/block/sda/size").unwrap(), Some(b"8\n".to_vec()));
        assert_eq!(root.read("sys/block/sda/queue/scheduler").unwrap(), Some(b"[none]\n".to_vec()));
        assert_eq!(root.read(".dockerenv").unwrap(), Some(Vec::new()));
        assert!(root.list("sys/devices/host0/scsi_host").unwrap().unwrap().is_empty());
        assert_eq!(root.read_link("sys/block/sda").unwrap().as_deref(), Some("../devices/host0/block/sda"));
    }

    #[test]
    fn a_directory_in_use_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("mine"), "x").unwrap();
        let refused = Root::write_new_tree(temp.path(), &trail()).unwrap_err();
        assert!(matches!(refused, Error::NotEmpty { .. }), "{refused}");
        let left: Vec<_> = std::fs::read_dir(temp.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn a_missing_parent_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let missing = temp.path().join("no/such/parent");
        assert!(Root::write_new_tree(&missing, &trail()).is_err());
    }

    #[test]
    fn names_that_leave_the_tree_stay_inside() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("capture");
        let files = Trail::from([("../../outside".to_owned(), Seen::File(b"x".to_vec()))]);
        Root::write_new_tree(&dir, &files).unwrap();
        assert_eq!(std::fs::read(dir.join("outside")).unwrap(), b"x");
    }

    #[test]
    fn links_in_a_circle_end() {
        let files = Trail::from([
            ("a".to_owned(), Seen::Link("b".to_owned())),
            ("b".to_owned(), Seen::Link("a".to_owned())),
            ("a/x".to_owned(), Seen::Dir),
        ]);
        assert_eq!(Root::settled(&files).len(), 3);
    }
}
