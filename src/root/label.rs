//! Labels of `SELinux`: what is made new has the one that the root's own policy has for its path.
//!
//! On a running system the kernel gives a new file the label of its directory, which is mostly the same;
//! in an image nobody does. Where no label can be set, or told, that is said, as the file may not be
//! readable for whom it is made. A root without a policy is asked for one file and no more.

use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::fs::{OFlags, XattrFlags};
use rustix::io::Errno;

use super::dir::Kind as Found;
use super::{Error, Result, Root};
use crate::formats::file_contexts::{Contexts, Kind, parse_config};

/// Where a file's label is kept.
pub(super) const LABEL: &str = "security.selinux";
const CONFIG: &str = "etc/selinux/config";
/// A distribution's policy has half a megabyte.
const LIMIT: usize = 4 << 20;

/// A file or directory without the label that the policy has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlabelled {
    /// Path below the root.
    pub path: String,
    /// Why it has not, in words.
    pub why: String,
}

/// The policy's labels, and where they could not be set.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// `None`: there is no policy, or it could not be read.
    contexts: Option<Contexts>,
    /// Why it could not be read.
    problem: Option<String>,
    /// What was made without one.
    pub(super) left: Vec<Unlabelled>,
}

impl Labels {
    pub(super) fn read(root: &Root) -> Self {
        match read(root) {
            Ok(contexts) => Self { contexts, ..Self::default() },
            Err(problem) => Self { problem: Some(problem), ..Self::default() },
        }
    }

    /// Whether the root has no policy that would label anything.
    pub(super) fn is_none(&self) -> bool {
        self.contexts.is_none() && self.problem.is_none()
    }

    /// The attribute's value for a path below the root; the error says why it could not be told.
    fn wanted(&self, path: &str, kind: Kind) -> std::result::Result<Option<Vec<u8>>, String> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let Some(contexts) = &self.contexts else { return Ok(None) };
        let label = contexts.label(&format!("/{path}"), kind)?;
        // It ends in a zero, as setfilecon(3) writes it.
        Ok(label.map(|label| [label.as_bytes(), b"\0"].concat()))
    }

    /// Labels what was just made; where that cannot be, it is among those left.
    pub(super) fn set(&mut self, made: &OwnedFd, path: &str, kind: Kind) {
        let set = self.wanted(path, kind).and_then(|label| match label {
            Some(label) => rustix::fs::fsetxattr(made, LABEL, &label, XattrFlags::empty()).map_err(refused),
            None => Ok(()),
        });
        if let Err(why) = set {
            self.left.push(Unlabelled { path: path.to_owned(), why });
        }
    }
}

fn refused(errno: Errno) -> String {
    match errno {
        Errno::NOTSUP => "its file system keeps no labels".to_owned(),
        errno => super::in_words(&errno.into()),
    }
}

/// Whether two labels have the same type, which is what a policy goes by and restorecon looks at.
fn same_type(one: &[u8], other: &[u8]) -> bool {
    let name = |label: &[u8]| label.split(|byte| matches!(byte, b':' | 0)).nth(2).map(<[u8]>::to_vec);
    name(one) == name(other)
}

/// The labels of the root's policy; `None` where it has none.
fn read(root: &Root) -> std::result::Result<Option<Contexts>, String> {
    let text = |path: &str| -> std::result::Result<Option<String>, String> {
        let bytes = root.read_at_most(path, LIMIT).map_err(|error| format!("/{path}: {}", error.reason()))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let Some(policy) = text(CONFIG)?.as_deref().and_then(parse_config) else { return Ok(None) };
    let base = format!("etc/selinux/{policy}/contexts/files/file_contexts");
    let Some(first) = text(&base)? else { return Ok(None) };
    let mut contexts = Contexts::default();
    contexts.add(&first).map_err(|why| format!("/{base}: {why}"))?;
    for part in [".homedirs", ".local"] {
        if let Some(more) = text(&format!("{base}{part}"))? {
            contexts.add(&more).map_err(|why| format!("/{base}{part}: {why}"))?;
        }
    }
    for (part, of_distribution) in [(".subs_dist", true), (".subs", false)] {
        if let Some(lines) = text(&format!("{base}{part}"))? {
            contexts.substitute(&lines, of_distribution);
        }
    }
    Ok(Some(contexts))
}

impl Root {
    /// Those of these files and directories that are there without the label that the policy has for them.
    pub fn unlabelled(&self, paths: &[String]) -> Result<Vec<Unlabelled>> {
        let mut labels = Labels::read(self);
        if labels.is_none() {
            return Ok(Vec::new());
        }
        for path in paths {
            let kind = match self.kind(path)? {
                Some(Found::File) => Kind::File,
                Some(Found::Dir) => Kind::Dir,
                _ => continue,
            };
            let why = match labels.wanted(path, kind) {
                Ok(None) => None,
                Ok(Some(label)) if self.label(path)?.is_some_and(|own| same_type(&own, &label)) => None,
                Ok(Some(_)) => Some("it has another label than the policy says".to_owned()),
                Err(why) => Some(why),
            };
            labels.left.extend(why.map(|why| Unlabelled { path: path.to_owned(), why }));
        }
        Ok(labels.left)
    }

    /// What the attribute holds; `None` where there is none.
    fn label(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let Some(fd) = self.open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)? else {
            return Ok(None);
        };
        let mut label = Vec::with_capacity(4096);
        match rustix::fs::fgetxattr(&fd, LABEL, spare_capacity(&mut label)) {
            Ok(_) => Ok(Some(label)),
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
            Err(errno) => Err(Error::io("reading the label of", path, errno)),
        }
    }
}
