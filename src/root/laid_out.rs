//! Small roots for tests.

use super::Root;

/// An offline root with these files; `-> x` as the text makes a link to `x`.
pub(crate) fn laid_out(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("-> ") {
            Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            None => std::fs::write(path, text).unwrap(),
        }
    }
    let root = Root::offline(dir.path()).unwrap();
    (dir, root)
}
