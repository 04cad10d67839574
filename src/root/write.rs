//! Writing what is no file of ours: kernel attributes, and the boot menu that another program made.

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::resolve::open_name;
use super::stage::unlink;
use super::switch::flush_dir;
use super::{Error, Result, Root, split};

impl Root {
    /// Writes a live kernel attribute, such as `proc/sys/vm/swappiness`: no temp file, one write.
    pub fn write_attribute(&self, path: &str, value: &str) -> Result<()> {
        let fail = |errno| Error::io("writing", path, errno);
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self.open(path, flags)?.ok_or_else(|| fail(Errno::NOENT))?;
        super::dir::demand_regular(&fd, path)?;
        rustix::io::write(&fd, format!("{value}\n").as_bytes()).map(|_| ()).map_err(fail)
    }

    /// Puts a generated file that lies beside its target in the target's place, and makes it last
    /// as the boot loader will read it, which replays no journal: file, directory and file system are
    /// flushed. The file system twice: ext4 writes to where GRUB looks after the flush of its journal
    /// (`sync_filesystem`, <https://github.com/torvalds/linux/blob/v6.12/fs/sync.c>), and a cache of the
    /// disk may lose that until the next.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn exchange(&self, new: &str, target: &str) -> Result<()> {
        let fail = |errno| Error::io("putting in place", target, errno);
        let (parent, name) = split(target);
        let dir = self.dir(parent)?.ok_or_else(|| fail(Errno::NOENT))?;
        let (_, staged) = split(new);
        let read = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = open_name(dir.fd(), staged, read, Mode::empty()).map_err(fail)?;
        let mode = match rustix::fs::statat(dir.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Mode::from_raw_mode(stat.st_mode),
            Err(errno) => return Err(fail(errno)),
        };
        rustix::fs::fchmod(&fd, mode).map_err(fail)?;
        rustix::fs::fsync(&fd).map_err(fail)?;
        rustix::fs::renameat(dir.fd(), staged, dir.fd(), name).map_err(fail)?;
        flush_dir(&dir)?;
        rustix::fs::syncfs(&fd).and_then(|()| rustix::fs::syncfs(&fd)).map_err(fail)
    }

    /// Brings what was written to a directory's file system to its own place on the disk: who reads that without
    /// replaying its journal sees it then.
    pub fn write_back(&self, directory: &str) -> Result<()> {
        let Some(dir) = self.dir(directory)? else { return Ok(()) };
        let fail = |errno| Error::io("flushing the file system of", directory, errno);
        let fd = open_name(dir.fd(), ".", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).map_err(fail)?;
        rustix::fs::syncfs(&fd).and_then(|()| rustix::fs::syncfs(&fd)).map_err(fail)
    }

    /// Removes a generated file that is not wanted after all.
    pub fn discard(&self, path: &str) -> Result<()> {
        let (parent, name) = split(path);
        if let Some(dir) = self.dir(parent)? {
            unlink(&dir, name).map_err(|errno| Error::io("removing", path, errno))?;
        }
        Ok(())
    }
}
