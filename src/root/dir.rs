//! Directory handles: many reads below one directory, without walking its path again.

use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, OFlags, RawDir, Stat};
use rustix::io::Errno;

use super::resolve::uninterrupted;
use super::{ATTRIBUTE_LIMIT, Error, Result, Root, Seen};

/// How much is read at once of a file that is larger than was said.
const LARGE_READ: usize = 128 << 10;

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device node.
    Special,
}

impl Kind {
    pub(super) fn of(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Dir,
            FileType::Symlink => Self::Link,
            _ => Self::Special,
        }
    }

    pub(super) fn phrase(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Dir => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a FIFO, socket or device node",
        }
    }
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name; names that are not UTF-8 are left out of listings.
    pub name: String,
    /// What it is, links not followed.
    pub kind: Kind,
}

/// An open directory inside a root.
#[derive(Debug)]
pub struct Dir<'root> {
    root: &'root Root,
    fd: OwnedFd,
    path: String,
}

impl<'root> Dir<'root> {
    pub(super) fn new(root: &'root Root, fd: OwnedFd, path: &str) -> Self {
        Self { root, fd, path: path.trim_end_matches('/').to_owned() }
    }

    /// Its path below the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_live(&self) -> bool {
        self.root.live
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    fn full(&self, name: &str) -> String {
        if self.path.is_empty() || self.path == "." {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        }
    }

    /// A directory below this one; no link on the way is followed.
    pub fn dir(&self, name: &str) -> Result<Option<Self>> {
        match self.open(name, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(fd) => Ok(Some(Self { root: self.root, fd, path: self.full(name) })),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(Error::io("opening", &self.full(name), errno)),
        }
    }

    /// An attribute file below this directory, at most [`ATTRIBUTE_LIMIT`] bytes; no link on the way is followed.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.root.settle(|| self.full(name), self.look_and_read(name))
    }

    /// The same of a file that a listing has just told to be one.
    pub fn read_listed(&self, entry: &Entry) -> Result<Option<Vec<u8>>> {
        let read = match entry.kind {
            Kind::File => self.read_attribute(&entry.name),
            other => Err(not_regular("reading", &self.full(&entry.name), other)),
        };
        self.root.settle(|| self.full(&entry.name), read)
    }

    fn look_and_read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        if !self.root.live {
            // sysfs of the running kernel holds no device nodes; a copied tree may.
            match self.kind(name)? {
                None => return Ok(None),
                Some(Kind::File) => {}
                Some(other) => return Err(not_regular("reading", &self.full(name), other)),
            }
        }
        self.read_attribute(name)
    }

    fn read_attribute(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let fd = match self.open(name, flags) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO) => return Ok(None),
            Err(errno) => return Err(Error::io("opening", &self.full(name), errno)),
        };
        read_attribute(&fd, || self.full(name)).map(Some)
    }

    /// An attribute file as text without its trailing line end.
    pub fn read_text(&self, name: &str) -> Result<Option<String>> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        let mut text = String::from_utf8(bytes).map_err(|_| Error::NotText { path: self.full(name) })?;
        text.truncate(text.trim_end_matches(['\n', '\0']).len());
        Ok(Some(text))
    }

    fn open(&self, name: &str, flags: OFlags) -> std::result::Result<OwnedFd, Errno> {
        self.root.open_beneath(&self.fd, name, flags)
    }

    /// What a name here stands for, links not followed.
    pub fn kind(&self, name: &str) -> Result<Option<Kind>> {
        match self.stat(name) {
            Ok(stat) => {
                let kind = Kind::of(FileType::from_raw_mode(stat.st_mode));
                if self.root.is_recording() {
                    self.root.remember_kind(&self.full(name), kind);
                }
                Ok(Some(kind))
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(Error::io("looking at", &self.full(name), errno)),
        }
    }

    /// Looks at a name without following it. A link on the way to it could lead out of the root.
    fn stat(&self, name: &str) -> std::result::Result<Stat, Errno> {
        if name.contains('/') {
            return rustix::fs::fstat(self.open(name, OFlags::PATH | OFlags::NOFOLLOW)?);
        }
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// The target of a link here; `None` where there is no such link.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn read_link(&self, name: &str) -> Result<Option<String>> {
        match rustix::fs::readlinkat(&self.fd, name, Vec::with_capacity(256)) {
            Ok(target) => {
                let path = self.full(name);
                let target = target.into_string().map_err(|_| Error::NotText { path: path.clone() })?;
                self.root.remember(&path, || Seen::Link(target.clone()));
                Ok(Some(target))
            }
            Err(Errno::NOENT | Errno::INVAL | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(Error::io("reading the link", &self.full(name), errno)),
        }
    }

    /// Its entries, sorted by name.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let fail = |errno| Error::io("listing", &self.path, errno);
        let fd = self.open(".", OFlags::RDONLY | OFlags::DIRECTORY).map_err(fail)?;
        let mut buffer = Vec::with_capacity(16 << 10);
        let mut raw = RawDir::new(&fd, buffer.spare_capacity_mut());
        let mut entries = Vec::new();
        while let Some(entry) = raw.next() {
            let entry = entry.map_err(fail)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => self.kind(name)?.unwrap_or(Kind::Special),
                known => Kind::of(known),
            };
            entries.push(Entry { name: name.to_owned(), kind });
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if self.root.is_recording() {
            self.remember_entries(&entries)?;
        }
        Ok(entries)
    }

    /// A listing tells of directories and links that nobody may open later; of
    /// a listed file only its reading tells, as empty it would mean something else.
    fn remember_entries(&self, entries: &[Entry]) -> Result<()> {
        self.root.remember_kind(&self.path, Kind::Dir);
        for entry in entries {
            match entry.kind {
                Kind::Link => drop(self.read_link(&entry.name)?),
                Kind::Dir => self.root.remember_kind(&self.full(&entry.name), Kind::Dir),
                Kind::File | Kind::Special => {}
            }
        }
        Ok(())
    }
}

impl Root {
    fn is_recording(&self) -> bool {
        self.trail.borrow().is_some()
    }
}

/// The size of an open file, refusing what is not a regular one.
pub(super) fn demand_regular(fd: &OwnedFd, path: &str) -> Result<usize> {
    let stat = rustix::fs::fstat(fd).map_err(|errno| Error::io("looking at", path, errno))?;
    match Kind::of(FileType::from_raw_mode(stat.st_mode)) {
        Kind::File => Ok(usize::try_from(stat.st_size).unwrap_or_default()),
        other => Err(not_regular("reading", path, other)),
    }
}

pub(super) fn not_regular(doing: &'static str, path: &str, found: Kind) -> Error {
    Error::NotRegular { doing, path: path.to_owned(), found: found.phrase(), wanted: Kind::File.phrase() }
}

/// Reads to the end of the file, refusing more than `limit` bytes. `size` is what it is said to
/// have: one that is true saves the read that finds the end. proc says 0, sysfs a page.
pub(super) fn read_bounded(fd: &OwnedFd, path: &str, size: usize, limit: usize) -> Result<Vec<u8>> {
    // One more than the file has: space that is left tells that it has not grown.
    let mut bytes = Vec::with_capacity(if size == 0 { 4096 } else { size.min(limit) + 1 });
    loop {
        let read = uninterrupted(|| rustix::io::read(fd, spare_capacity(&mut bytes)));
        let count = read.map_err(|errno| Error::io("reading", path, errno))?;
        if count == 0 || (bytes.len() == size && bytes.len() < bytes.capacity()) {
            return Ok(bytes);
        }
        if bytes.len() > limit {
            return Err(Error::TooLarge { path: path.to_owned(), limit });
        }
        if bytes.len() == bytes.capacity() {
            bytes.reserve(LARGE_READ);
        }
    }
}

/// Reads an attribute: one read where it fits a page, as sysfs gives a value in one piece.
fn read_attribute(fd: &OwnedFd, path: impl Fn() -> String) -> Result<Vec<u8>> {
    let mut page = [0_u8; 4096];
    let read = uninterrupted(|| rustix::io::read(fd, &mut page));
    let count = read.map_err(|errno| Error::io("reading", &path(), errno))?;
    let mut bytes = page.get(..count).unwrap_or_default().to_vec();
    if count == page.len() {
        bytes.extend(read_bounded(fd, &path(), 0, ATTRIBUTE_LIMIT - count)?);
    }
    Ok(bytes)
}
