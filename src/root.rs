//! The door to the file system: the only module that touches files.
//!
//! A [`Root`] is an open directory below which every path is resolved, links
//! included: an absolute link or a climbing `..` stays inside. It knows nothing
//! of what the files mean. Reads are bounded, refuse whatever is not a regular
//! file, and never block on a FIFO or start a device driver; a missing file is
//! `Ok(None)`. Below an offline root no other mount is entered. Writing is in
//! [`Transaction::commit`]: staged, flushed, journalled, exchanged, whole or not at all, and
//! only over files that carry our marker, or hold the very bytes that are to be edited.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

mod dir;
pub(crate) mod journal;
mod label;
#[cfg(test)]
mod laid_out;
mod lock;
mod log;
mod part;
mod resolve;
mod stage;
mod switch;
mod trail;
mod transaction;
mod tree;
mod walk;
mod write;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

pub use dir::{Dir, Entry, Kind};
pub use label::Unlabelled;
#[cfg(test)]
pub(crate) use laid_out::laid_out;
pub use lock::turn;
pub use log::{read_file, read_input, read_log};
pub use part::Large;
pub use resolve::link_target;
pub use trail::{Seen, Trail};
pub use transaction::{Op, Transaction};

/// The most that is read of a configuration file: larger is refused, never cut.
pub const CONFIG_LIMIT: usize = 1 << 20;
/// The most that is read of an attribute file (sysfs itself stops at a page).
pub const ATTRIBUTE_LIMIT: usize = 64 << 10;

/// What can go wrong at the door. Absence is not among it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a regular file where one was expected, or not a directory.
    #[error("{doing} {path}: it is {found}, not {wanted}; remove or replace it")]
    NotRegular {
        /// What was being done.
        doing: &'static str,
        /// Path below the root.
        path: String,
        /// What it is.
        found: &'static str,
        /// What was wanted.
        wanted: &'static str,
    },
    /// More bytes than the bound.
    #[error("reading {path}: larger than {limit} bytes, so it is not the file it should be")]
    TooLarge {
        /// Path below the root.
        path: String,
        /// The bound in bytes.
        limit: usize,
    },
    /// Not UTF-8 where text was expected.
    #[error("reading {path}: not UTF-8 text")]
    NotText {
        /// Path below the root.
        path: String,
    },
    /// A directory that was to be new or empty.
    #[error("writing into {path}: the directory is not empty; name a new or an empty one")]
    NotEmpty {
        /// The directory.
        path: String,
    },
    /// A capture's archive that could not be made or read.
    #[error("{doing} {path}: {why}")]
    Archive {
        /// What was being done.
        doing: &'static str,
        /// The archive.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file that does not carry our marker, or that was edited since we wrote it.
    #[error("writing {path}: {why}")]
    NotOurs {
        /// Path below the root.
        path: String,
        /// What stands there.
        why: &'static str,
    },
    /// Below an offline root something else is mounted.
    #[error(
        "{doing} {path}: another file system is mounted there, and only the root's own is entered; unmount it, or run hvtune inside the image"
    )]
    OtherMount {
        /// What was being done.
        doing: &'static str,
        /// Path below the root.
        path: String,
    },
    /// Another run holds the lock.
    #[error("writing below {root}: another hvtune is at it; run this again when it has ended")]
    Busy {
        /// How the root was named.
        root: String,
    },
    /// What was planned for is not what is there now.
    #[error("writing below {root}: another run changed something since this one looked; run it again")]
    Stale {
        /// How the root was named.
        root: String,
    },
    /// A failure that could not be walked back either.
    #[error(
        "{first}; and taking back what was done: {second}; the next `hvtune apply` finishes or takes back"
    )]
    Stuck {
        /// What went wrong at first.
        first: Box<Error>,
        /// What went wrong then.
        second: Box<Error>,
    },
    /// The captured machine could not read it either.
    #[error("reading {path}: {why} (on the captured machine)")]
    Unreadable {
        /// Path below the root.
        path: String,
        /// What that machine's kernel said.
        why: String,
    },
    /// Whatever else the kernel says.
    #[error("{doing} {path}: {}", in_words(said))]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Path below the root.
        path: String,
        /// The kernel's answer; no `source`, as the message holds it already.
        said: std::io::Error,
    },
}

/// The kernel's answer without its number.
fn in_words(said: &std::io::Error) -> String {
    let said = said.to_string();
    said.split(" (os error").next().unwrap_or(&said).to_owned()
}

impl Error {
    fn io(doing: &'static str, path: &str, errno: Errno) -> Self {
        let path = path.to_owned();
        match errno {
            Errno::XDEV => Self::OtherMount { doing, path },
            errno => Self::Io { doing, path, said: errno.into() },
        }
    }

    /// The reason alone, for a gap that already names the path.
    pub fn reason(&self) -> String {
        match self {
            Self::NotRegular { found, wanted, .. } => format!("it is {found}, not {wanted}"),
            Self::TooLarge { limit, .. } => format!("larger than {limit} bytes"),
            Self::NotText { .. } => "not UTF-8 text".to_owned(),
            Self::NotEmpty { .. } => "the directory is not empty".to_owned(),
            Self::NotOurs { why, .. } => (*why).to_owned(),
            Self::Unreadable { why, .. } | Self::Archive { why, .. } => why.clone(),
            Self::Io { said, .. } => in_words(said),
            Self::OtherMount { .. } => "another file system is mounted there".to_owned(),
            Self::Busy { .. } | Self::Stale { .. } | Self::Stuck { .. } => self.to_string(),
        }
    }
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// An open root directory.
#[derive(Debug)]
pub struct Root {
    dir: OwnedFd,
    name: PathBuf,
    live: bool,
    /// Whether the kernel was found to lack `openat2`.
    walks: Cell<bool>,
    trail: RefCell<Option<Trail>>,
    /// Paths that the captured machine could not read, with its reason.
    unreadable: RefCell<BTreeMap<String, String>>,
    /// The directory that was made for it, and goes with it.
    #[expect(dead_code, reason = "it is kept to be dropped")]
    held: Option<tempfile::TempDir>,
}

impl Root {
    /// The running system's own `/`.
    pub fn live() -> Result<Self> {
        Self::at(Path::new("/"), true)
    }

    /// A directory that holds another system's files: an image tree, a capture.
    pub fn offline(dir: &Path) -> Result<Self> {
        Self::at(dir, false)
    }

    fn at(dir: &Path, live: bool) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(dir, flags, Mode::empty())
            .map_err(|errno| Error::io("opening the root directory", &dir.display().to_string(), errno))?;
        Ok(Self {
            dir: fd,
            name: dir.to_owned(),
            live,
            walks: Cell::new(false),
            trail: RefCell::new(None),
            unreadable: RefCell::default(),
            held: None,
        })
    }

    /// Whether this is the running system's own root.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether this is the running system's own root, by whatever name.
    pub fn is_running_system(&self) -> Result<bool> {
        let fail = |errno| Error::io("looking at", &self.name.display().to_string(), errno);
        let ours = rustix::fs::fstat(&self.dir).map_err(fail)?;
        let running = rustix::fs::stat("/").map_err(fail)?;
        Ok(self.live || (ours.st_dev, ours.st_ino) == (running.st_dev, running.st_ino))
    }

    /// How the user named it, for messages.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Starts remembering what is read; see [`Root::take_trail`].
    pub fn record(&self) {
        *self.trail.borrow_mut() = Some(Trail::new());
    }

    /// What was read since [`Root::record`].
    pub fn take_trail(&self) -> Trail {
        self.trail.borrow_mut().take().unwrap_or_default()
    }

    fn remember(&self, path: &str, seen: impl FnOnce() -> Seen) {
        if let Some(trail) = self.trail.borrow_mut().as_mut() {
            trail.insert(path.trim_matches('/').to_owned(), seen());
        }
    }

    /// Remembers that something stands there, unless more than that is known of it:
    /// a file that was only looked for is remembered empty, its content is not read for it.
    fn remember_kind(&self, path: &str, kind: Kind) {
        let seen = match kind {
            Kind::File => Seen::File(Vec::new()),
            Kind::Dir => Seen::Dir,
            Kind::Link | Kind::Special => return,
        };
        if let Some(trail) = self.trail.borrow_mut().as_mut() {
            trail.or_insert_with(path.trim_matches('/').to_owned(), || seen);
        }
    }

    /// A whole file of at most [`CONFIG_LIMIT`] bytes; links are followed inside the root.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.read_at_most(path, CONFIG_LIMIT)
    }

    /// A whole file of at most `limit` bytes; links are followed inside the root.
    pub fn read_at_most(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let read = self.open_regular(path).and_then(|open| match open {
            Some((fd, size)) => dir::read_bounded(&fd, path, size, limit).map(Some),
            None => Ok(None),
        });
        self.settle(|| path.to_owned(), read)
    }

    /// Remembers how a read went; a capture's gap is a gap again.
    fn settle(&self, path: impl Fn() -> String, read: Result<Option<Vec<u8>>>) -> Result<Option<Vec<u8>>> {
        if self.trail.borrow().is_some() {
            match &read {
                Ok(Some(bytes)) => self.remember(&path(), || Seen::File(bytes.clone())),
                Ok(None) => {}
                Err(error) => self.remember(&path(), || Seen::Unreadable(error.reason())),
            }
        }
        let unreadable = self.unreadable.borrow();
        if !unreadable.is_empty()
            && matches!(read, Ok(None))
            && let Some(why) = unreadable.get(&path())
        {
            return Err(Error::Unreadable { path: path(), why: why.clone() });
        }
        read
    }

    /// Says which paths a captured machine could not read: "could not tell" must not become "absent".
    pub fn declare_unreadable(&self, paths: BTreeMap<String, String>) {
        *self.unreadable.borrow_mut() = paths;
    }

    /// A whole file as text.
    pub fn read_text(&self, path: &str) -> Result<Option<String>> {
        self.read(path)?
            .map(|bytes| String::from_utf8(bytes).map_err(|_| Error::NotText { path: path.to_owned() }))
            .transpose()
    }

    /// A regular file and its size.
    fn open_regular(&self, path: &str) -> Result<Option<(OwnedFd, usize)>> {
        if !self.live {
            // A look before the open: the open alone would start a driver or arm a watchdog.
            let Some(peek) = self.open(path, OFlags::PATH)? else { return Ok(None) };
            dir::demand_regular(&peek, path)?;
        }
        let Some(fd) = self.open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)? else {
            return Ok(None);
        };
        let size = dir::demand_regular(&fd, path)?;
        Ok(Some((fd, size)))
    }

    /// The target of a symbolic link, or `None` where there is no link.
    pub fn read_link(&self, path: &str) -> Result<Option<String>> {
        let (parent, name) = split(path);
        let Some(dir) = self.dir(parent)? else { return Ok(None) };
        dir.read_link(name)
    }

    /// A directory's entries, sorted by name; `None` where there is no such directory.
    pub fn list(&self, path: &str) -> Result<Option<Vec<Entry>>> {
        self.dir(path)?.map(|dir| dir.entries()).transpose()
    }

    /// A handle to a directory, for reading many of its files cheaply.
    pub fn dir(&self, path: &str) -> Result<Option<Dir<'_>>> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        Ok(self.open(path, flags)?.map(|fd| Dir::new(self, fd, path)))
    }

    /// What stands at a path, links followed; `None` where nothing does.
    pub fn kind(&self, path: &str) -> Result<Option<Kind>> {
        let Some(fd) = self.open(path, OFlags::PATH)? else { return Ok(None) };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| Error::io("looking at", path, errno))?;
        let kind = Kind::of(FileType::from_raw_mode(stat.st_mode));
        self.remember_kind(path, kind);
        Ok(Some(kind))
    }

    /// The size of a regular file in bytes, links followed; `None` where nothing stands there.
    pub fn size(&self, path: &str) -> Result<Option<u64>> {
        let Some(fd) = self.open(path, OFlags::PATH)? else { return Ok(None) };
        Ok(Some(dir::demand_regular(&fd, path)? as u64))
    }

    /// How many bytes may still be written to the file system of a directory.
    pub fn free_space(&self, path: &str) -> Result<u64> {
        let fail = |errno| Error::io("asking for the space of", path, errno);
        let fd = self.open(path, OFlags::PATH | OFlags::DIRECTORY)?.ok_or_else(|| fail(Errno::NOENT))?;
        let space = rustix::fs::fstatvfs(&fd).map_err(fail)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Whether a directory is there, on a file system that is mounted read-only.
    pub fn is_read_only(&self, path: &str) -> Result<bool> {
        let fail = |errno| Error::io("asking for the mount of", path, errno);
        let Some(fd) = self.open(path, OFlags::PATH | OFlags::DIRECTORY)? else { return Ok(false) };
        let mount = rustix::fs::fstatvfs(&fd).map_err(fail)?;
        Ok(mount.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
    }

    /// When the file at a path was written last, links followed, in nanoseconds since 1970; `None` where nothing
    /// stands there, and in a root that is not the running system's: there times may be anybody's.
    pub fn modified(&self, path: &str) -> Result<Option<i64>> {
        if self.live { self.written_at(path) } else { Ok(None) }
    }

    /// The same in any root.
    pub fn written_at(&self, path: &str) -> Result<Option<i64>> {
        let Some(fd) = self.open(path, OFlags::PATH)? else { return Ok(None) };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| Error::io("looking at", path, errno))?;
        let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
        Ok(stat.st_mtime.checked_mul(1_000_000_000).and_then(|time| time.checked_add(nanoseconds)))
    }

    /// Whether a regular file stands at a path that somebody may execute, links followed.
    pub fn is_executable(&self, path: &str) -> Result<bool> {
        let Some(fd) = self.open(path, OFlags::PATH)? else { return Ok(false) };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| Error::io("looking at", path, errno))?;
        let file = Kind::of(FileType::from_raw_mode(stat.st_mode)) == Kind::File;
        Ok(file && stat.st_mode & 0o111 != 0)
    }

    /// Whether a regular file stands at a path, links followed; unreadable counts as an error.
    pub fn has_file(&self, path: &str) -> Result<bool> {
        Ok(self.kind(path)? == Some(Kind::File))
    }
}

/// Splits a root-relative path into its directory and last name.
fn split(path: &str) -> (&str, &str) {
    path.trim_matches('/').rsplit_once('/').unwrap_or((".", path.trim_matches('/')))
}
