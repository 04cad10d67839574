//! The words of a policy file. Their names are those that serde derives from the types, and hvtune.toml(5)
//! is made of the doc comments.

use std::fmt;

use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::StrDeserializer;

/// The keys of a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The stall budget: the longest time for which storage may not answer and nothing shall break. Every
    /// timer that a stall runs into is derived from it.
    ///
    /// Takes: a duration from 10 s to 24 h, such as `"180s"`, `"5min"`, `"2m30s"` or `"1h"`. A number without
    /// a unit is in seconds. `--stall` on the command line has the last word.
    ///
    /// Default: `stall = "180s"`
    ///
    /// Example: `stall = "5min"`
    Stall,
    /// How long the host keeps a command of the guest before it answers with an error. Only `hvtune survive`
    /// uses it, to tell errors at once from errors after this time; no setting depends on it.
    ///
    /// Takes: a duration from 1 s to 1 h, written like that of `stall`.
    ///
    /// Default: `host_holds = "60s"`
    ///
    /// Example: `host_holds = "25s"`
    HostHolds,
    /// What shall happen when a stall is longer than the budget.
    ///
    /// Takes: one of the words below.
    ///
    /// Default: `recovery = "default"`
    ///
    /// Example: `recovery = "self-heal"`
    Recovery,
    /// Settings that hvtune leaves alone.
    ///
    /// Takes: a list of ids; `hvtune explain` lists them. Lists are not added up: that of the last file
    /// counts.
    ///
    /// Default: `off = []`
    ///
    /// Example: `off = ["disk.read_ahead", "vm.dirty"]`
    Off,
    /// What is done for an image beyond its files of settings.
    ///
    /// Takes: a table with one key. `hyperv_drivers = true` names the drivers of Hyper-V's disks to the program
    /// that makes the initramfs (dracut, initramfs-tools), where it would leave them out.
    ///
    /// Default: `image = { hyperv_drivers = false }`
    ///
    /// Example: `image = { hyperv_drivers = true }`
    Image,
    /// How the root boots, where hvtune cannot tell it.
    ///
    /// Takes: a table with one key. `stack` names the boot stack, where more than one looks alive, so that
    /// hvtune would write no kernel argument: `"bootc"`, `"ostree"`, `"flatcar"`, `"transactional-update"`,
    /// `"uki"`, `"nullboot"`, `"systemd-boot"`, `"suse-grub"`, `"grub-bls-kernelopts"`, `"grub-bls"`,
    /// `"grub-mkconfig"`, `"azurelinux-grub.d"`, `"azurelinux-grubenv"` or `"debian-grub"`. `hvtune detect` shows
    /// which one was found, and why. A stack that has no files here gets no argument. Without `stack` hvtune
    /// looks for itself.
    ///
    /// Default: `boot = {}`
    ///
    /// Example: `boot = { stack = "systemd-boot" }`
    Boot,
    /// Values that hvtune sets instead of its own.
    ///
    /// Takes: a table: a line `[set]`, then one line for each knob. The id of a setting stands for its first
    /// knob. KNOBS, below, lists them. Lines of several files are added up, and of a knob the last one counts.
    /// What is set here cannot be switched off by `off` as well.
    ///
    /// Default: `set = {}`
    ///
    /// Example: `set = { "vm.swappiness" = 5 }`
    Set,
}

/// The word of this name, or all the names that there are.
pub(super) fn named<T: Deserialize<'static>>(name: &str) -> Result<T, &'static [&'static str]> {
    let name: StrDeserializer<'_, Unknown> = name.into_deserializer();
    T::deserialize(name).map_err(|unknown| unknown.known)
}

/// A name that is none, as serde tells it.
#[derive(Debug)]
struct Unknown {
    known: &'static [&'static str],
}

impl serde::de::Error for Unknown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self { known: &[] }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self { known }
    }
}

impl std::error::Error for Unknown {}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown word")
    }
}
