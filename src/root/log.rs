//! A log that somebody names, read once from its beginning to its end: a file, a pipe, standard input.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use super::dir::Kind;
use super::resolve::uninterrupted;
use super::{Error, Result};

/// So much is read at once.
const PART: usize = 128 << 10;

/// Reads what the caller names: his own file, so no root confines it. Hands over each part.
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
    parts(&fd, &shown, take)
}

fn parts(fd: &OwnedFd, shown: &str, take: &mut dyn FnMut(&[u8])) -> Result<()> {
    let mut part = vec![0; PART];
    loop {
        let read = uninterrupted(|| rustix::io::read(fd, part.as_mut_slice()));
        match read.map_err(|errno| Error::io("reading", shown, errno))? {
            0 => return Ok(()),
            count => take(part.get(..count).unwrap_or_default()),
        }
    }
}

/// Reads standard input.
pub fn read_input(take: &mut dyn FnMut(&[u8])) -> Result<()> {
    let mut input = std::io::stdin().lock();
    let mut part = vec![0; PART];
    loop {
        match input.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(count) => take(part.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(said) => return Err(Error::Io { doing: "reading", path: "standard input".to_owned(), said }),
        }
    }
}
