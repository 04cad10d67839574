//! Unified kernel images: kernel, initramfs and command line in one file, and addons beside it.

use crate::formats::pe::Machine;

/// What decides whether an addon of ours reaches the images of a root. What they boot with stands in
/// [`super::Boot::lines`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uki {
    /// The images that boot this root, in the order of looking.
    pub images: Vec<String>,
    /// What they run on.
    pub machine: Machine,
    /// Why hvtune leaves the addon to somebody; `None`: it writes one.
    pub by_hand: Option<String>,
    /// What makes addons, where somebody has to and the root has it.
    pub maker: Option<AddonMaker>,
}

/// systemd's `ukify`, and the program without contents that it needs for an addon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddonMaker {
    /// How it is called.
    pub program: &'static str,
    /// Its `--stub=`.
    pub stub: &'static str,
}
