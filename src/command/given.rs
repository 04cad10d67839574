//! What the caller gives: the policy, with the options that stand above it.

use std::path::Path;

use anyhow::Context as _;

use super::named;
use crate::cli::Global;
use crate::policy::{self, Policy};
use crate::root::Root;
use crate::tunables;

pub(super) fn read_policy(global: &Global, root: &Root) -> anyhow::Result<Policy> {
    let given = match &global.config {
        None => None,
        Some(path) => Some(read_config(path)?),
    };
    let mut policy = policy::read(root, given, &tunables::subjects())?;
    if let Some(text) = &global.stall {
        policy.stall = policy::parse_stall(text).map_err(|why| anyhow::anyhow!("--stall {text}: {why}"))?;
    }
    Ok(policy)
}

/// The file named by `--config` is the caller's own, so it is read from the host.
fn read_config(path: &Path) -> anyhow::Result<(String, String)> {
    let shown = named(path);
    let absolute = std::path::absolute(path).with_context(|| format!("reading {shown}"))?;
    let text = Root::live()?
        .read_text(&absolute.to_string_lossy())?
        .ok_or_else(|| anyhow::anyhow!("reading {shown}: there is no such file"))?;
    Ok((shown, text))
}
