//! A fixture's root that is changed in place and put back.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    File(Vec<u8>),
    Link(String),
    Dir,
    Gone,
}

/// One file of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) path: String,
    pub(crate) content: Content,
}

impl fmt::Display for Writer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::File(bytes) => {
                let text = bytes.escape_ascii().to_string();
                writeln!(out, "   {}:\n      {}", self.path, text.replace("\\n", "\n      ").trim_end())
            }
            Content::Link(target) => writeln!(out, "   {} -> {target}", self.path),
            Content::Dir => writeln!(out, "   {}/ (a directory)", self.path),
            Content::Gone => writeln!(out, "   {} (removed)", self.path),
        }
    }
}

/// A copy of a root, in memory where the machine has such a place.
#[derive(Debug)]
pub(crate) struct Ground {
    dir: TempDir,
}

impl Ground {
    pub(crate) fn copy_of(root: &Path) -> Self {
        let shm = Path::new("/dev/shm");
        let dir = tempfile::tempdir_in(shm).or_else(|_| tempfile::tempdir()).unwrap();
        let copied = Command::new("cp").arg("-a").arg(root.join(".")).arg(dir.path()).status().unwrap();
        assert!(copied.success(), "{}", root.display());
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Lays files over the root; they are gone, and what they covered is back, when the answer is dropped.
    pub(crate) fn lay<'a>(&self, writers: impl IntoIterator<Item = &'a Writer>) -> Laid {
        let mut laid = Laid { undo: Vec::new(), made: Vec::new() };
        for writer in writers {
            let path = self.dir.path().join(&writer.path);
            let before = standing(&path);
            // A directory that holds something is not covered.
            if before == Content::Dir || !laid.make_parents(&path) {
                continue;
            }
            put(&path, &writer.content);
            laid.undo.push((path, before));
        }
        laid
    }
}

/// What was changed, to be put back.
#[derive(Debug)]
pub(crate) struct Laid {
    undo: Vec<(PathBuf, Content)>,
    made: Vec<PathBuf>,
}

impl Laid {
    /// False where something that is no directory stands in the way.
    fn make_parents(&mut self, path: &Path) -> bool {
        let missing: Vec<&Path> = path.ancestors().skip(1).take_while(|above| !above.exists()).collect();
        for dir in missing.into_iter().rev() {
            if fs::create_dir(dir).is_err() {
                return false;
            }
            self.made.push(dir.to_owned());
        }
        path.parent().is_some_and(Path::is_dir)
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        for (path, before) in self.undo.drain(..).rev() {
            put(&path, &before);
        }
        for dir in self.made.drain(..).rev() {
            fs::remove_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        }
    }
}

fn standing(path: &Path) -> Content {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => {
            Content::Link(fs::read_link(path).unwrap().into_os_string().into_string().unwrap())
        }
        Ok(meta) if meta.is_dir() => Content::Dir,
        Ok(_) => Content::File(fs::read(path).unwrap()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Content::Gone,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

fn put(path: &Path, content: &Content) {
    match standing(path) {
        Content::Gone => {}
        Content::Dir => fs::remove_dir(path).unwrap(),
        Content::File(_) | Content::Link(_) => fs::remove_file(path).unwrap(),
    }
    match content {
        Content::File(bytes) => fs::write(path, bytes).unwrap(),
        Content::Link(target) => symlink(target, path).unwrap(),
        Content::Dir => fs::create_dir(path).unwrap(),
        Content::Gone => {}
    }
}
