//! A log that somebody names, read once from its beginning to its end: a file, a pipe, standard input.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use super::dir::{Kind, not_regular, read_bounded};
use super::resolve::uninterrupted;
use super::{Error, Result, Root};

/// So much is read at once.
const PART: usize = 128 << 10;

/// Reads what the caller names: a file of the caller's, so no root confines it. Hands over each part.
pub fn read_log(path: &Path, take: &mut dyn FnMut(&[u8])) -> Result<()> {
    let shown = path.display().to_string();
    let fail = |errno| Error::io("reading", &shown, errno);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    // A look before the open, which alone would start a driver.
    let kind = Kind::of(FileType::from_raw_mode(rustix::fs::stat(path).map_err(fail)?.st_mode));
    if kind == Kind::Dir {
        let (found, wanted) = ("a directory", "a log");
        return Err(Error::NotRegular { doing: "reading", path: shown, found, wanted });
    }
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(fail)?;
    parts(fd, &shown, take)
}

/// Reads a file that the caller names, up to a bound.
pub fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let shown = path.display().to_string();
    let fail = |errno| Error::io("reading", &shown, errno);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    // A look before the open, which alone would start a driver.
    match Kind::of(FileType::from_raw_mode(rustix::fs::stat(path).map_err(fail)?.st_mode)) {
        Kind::File => {}
        other => return Err(not_regular("reading", &shown, other)),
    }
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(fail)?;
    read_bounded(&fd, &shown, 0, limit)
}

impl Root {
    /// Reads a log of this root, links followed within it; nothing is handed over where nothing stands there.
    pub fn read_log(&self, path: &str, take: &mut dyn FnMut(&[u8])) -> Result<()> {
        match self.open(path, OFlags::RDONLY)? {
            Some(fd) => parts(fd, path, take),
            None => Ok(()),
        }
    }
}

fn parts(fd: impl AsFd, shown: &str, take: &mut dyn FnMut(&[u8])) -> Result<()> {
    let mut part = vec![0; PART];
    loop {
        let read = uninterrupted(|| rustix::io::read(&fd, part.as_mut_slice()));
        match read.map_err(|errno| Error::io("reading", shown, errno))? {
            0 => return Ok(()),
            count => take(part.get(..count).unwrap_or_default()),
        }
    }
}

/// Reads standard input.
pub fn read_input(take: &mut dyn FnMut(&[u8])) -> Result<()> {
    parts(std::io::stdin(), "standard input", take)
}
