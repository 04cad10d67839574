//! Parts of a large file: boot images have tens of megabytes, of which a few kilobytes tell what they do.

use std::os::fd::OwnedFd;

use super::resolve::uninterrupted;
use super::{Error, Result, Root};

/// An open regular file of which parts are read.
#[derive(Debug)]
pub struct Large {
    fd: OwnedFd,
    path: String,
}

impl Root {
    /// Opens a file to read parts of it; links are followed inside the root.
    pub fn large(&self, path: &str) -> Result<Option<Large>> {
        Ok(self.open_regular(path)?.map(|(fd, _)| Large { fd, path: path.to_owned() }))
    }
}

impl Large {
    /// The bytes from `offset` on: fewer than `length` where the file ends before that.
    pub fn part(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut have = 0;
        while let Some(room) = bytes.get_mut(have..).filter(|room| !room.is_empty()) {
            let at = offset.saturating_add(u64::try_from(have).unwrap_or(u64::MAX));
            let read = uninterrupted(|| rustix::io::pread(&self.fd, &mut *room, at));
            match read.map_err(|errno| Error::io("reading", &self.path, errno))? {
                0 => break,
                count => have += count,
            }
        }
        bytes.truncate(have);
        Ok(bytes)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;

    #[test]
    fn parts_end_with_the_file() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("x"), b"0123456789").unwrap();
        std::os::unix::fs::symlink("/../x", temp.path().join("link")).unwrap();
        std::fs::create_dir(temp.path().join("dir")).unwrap();
        let root = Root::offline(temp.path()).unwrap();
        for path in ["x", "link"] {
            let file = root.large(path).unwrap().unwrap();
            for (offset, length, part) in
                [(0, 4, &b"0123"[..]), (8, 4, b"89"), (10, 1, b""), (u64::MAX >> 2, 1, b""), (3, 0, b"")]
            {
                assert_eq!(file.part(offset, length).unwrap(), part, "{path} {offset} {length}");
            }
        }
        assert!(root.large("none").unwrap().is_none());
        assert!(matches!(root.large("dir"), Err(Error::NotRegular { .. })));
    }
}
