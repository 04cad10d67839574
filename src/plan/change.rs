//! One file's change: what it is called, and what must follow it.

use std::borrow::Cow;

use crate::formats::edit::Owned;
use crate::marker::{DRIVER_LISTS, PREMOUNTS, addon, is_edited};
use crate::render::{Artifact, Effect, says_the_same};
use crate::stores::place::is_store;

/// One file's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file that is not there.
    Create(Artifact),
    /// A file of ours with other content.
    Replace {
        /// The new file.
        artifact: Artifact,
        /// The present bytes.
        found: Vec<u8>,
    },
    /// A file of ours that nothing asks for any more.
    Remove {
        /// Its path.
        path: String,
        /// The present bytes.
        found: Vec<u8>,
    },
    /// Lines of somebody else's file, or what they were where nobody asks for ours any more.
    Edit {
        /// Its path.
        path: String,
        /// The present bytes.
        found: Vec<u8>,
        /// The new bytes.
        bytes: Vec<u8>,
        /// The lines that are ours then.
        owned: Vec<Owned>,
    },
    /// A file that is somebody else's, or ours but edited: never touched.
    Conflict {
        /// Its path.
        path: String,
        /// Why, and what to do.
        why: Cow<'static, str>,
    },
}

impl Change {
    /// The path concerned.
    pub fn path(&self) -> &str {
        match self {
            Self::Create(artifact) | Self::Replace { artifact, .. } => &artifact.path,
            Self::Remove { path, .. } | Self::Edit { path, .. } | Self::Conflict { path, .. } => path,
        }
    }

    /// The action's name in JSON and text.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Replace { .. } => "replace",
            Self::Remove { .. } => "remove",
            Self::Edit { owned, .. } if owned.is_empty() => "restore",
            Self::Edit { .. } => "edit",
            Self::Conflict { .. } => "conflict",
        }
    }

    /// Whether it would change comments only.
    pub(super) fn rewords(&self) -> bool {
        match self {
            Self::Replace { artifact, found } => {
                artifact.format.is_some_and(|format| says_the_same(format, found, &artifact.body))
            }
            _ => false,
        }
    }

    /// What must follow it.
    pub fn effect(&self) -> Option<Effect> {
        match self {
            Self::Create(artifact) | Self::Replace { artifact, .. } => Some(artifact.effect),
            Self::Remove { path, .. } => Some(effect_of(path)),
            Self::Edit { path, .. } if is_store(path) => Some(Effect::BootEntries),
            // Sessions to come read the records, the agent its file when it starts.
            Self::Edit { .. } | Self::Conflict { .. } => None,
        }
    }

    /// Whether it is for the next boot alone: kernel arguments, and what an initramfs is made from.
    pub(super) fn is_of_next_boot(&self) -> bool {
        let path = self.path();
        let arguments = matches!(effect_of(path), Effect::BootEntries | Effect::BootMenu) && !is_edited(path);
        is_store(path) || arguments || DRIVER_LISTS.contains(&path) || PREMOUNTS.contains(&path)
    }

    /// Whether it takes something of ours away and brings nothing.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::Remove { .. } => true,
            Self::Edit { owned, .. } => owned.is_empty(),
            _ => false,
        }
    }
}

pub(super) fn effect_of(path: &str) -> Effect {
    if addon::is_path(path) {
        Effect::BootEntries
    } else if path.contains("/rules.d/") {
        Effect::ReloadUdev
    } else if path.contains("/sysctl.d/") {
        Effect::WriteSysctl
    } else if path.contains("/modprobe.d/") || DRIVER_LISTS.contains(&path) || PREMOUNTS.contains(&path) {
        Effect::Initramfs
    } else if path.contains("/multipath/") {
        Effect::ReloadMultipath
    } else if path.contains("/systemd/") {
        Effect::ReloadUnits
    } else if path.contains("/kargs.d/") || path.contains("/cmdline.d/") {
        Effect::BootEntries
    } else {
        Effect::BootMenu
    }
}
