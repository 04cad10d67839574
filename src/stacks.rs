//! The one table of boot stacks: where each keeps its kernel arguments, and what must follow a change.
//!
//! How a stack is recognised is the probe's business (`probe::boot`); what is written there, that of
//! `plan::stores`.

use crate::facts::{Boot, BootStack};
use crate::stores::{Store, place};

/// A boot stack whose arguments we write to files of others.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// Which.
    pub stack: BootStack,
    /// All files that must carry an argument, in the order in which they are written.
    pub places: &'static [Place],
    /// Whether a menu is made from them, which has to be made anew.
    pub menu: bool,
}

/// Files of a stack that hold arguments.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Which.
    pub files: Files,
    /// Whether the stack does without.
    pub need: Need,
}

/// Where a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// One file.
    One(&'static str, Store<'static>),
    /// Every ordinary entry of `loader/entries`, but those that take GRUB's `$kernelopts`.
    Entries(Loader),
    /// GRUB's environment block, below `/boot/grub2` or where the link there leads.
    Grubenv,
}

/// Who reads entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loader {
    /// GRUB: `/boot/loader/entries`.
    Grub,
    /// systemd-boot: on the ESP, or on the boot partition beside it.
    SystemdBoot,
}

/// Whether a place must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The next boot takes its arguments from there.
    Required,
    /// It is edited where it is there: a later kernel, or a later menu, is made from it.
    IfPresent,
}

const DEFAULTS: Files = linux("GRUB_CMDLINE_LINUX");
const KERNEL_CMDLINE: Place =
    Place { files: Files::One("etc/kernel/cmdline", Store::Plain), need: Need::IfPresent };

/// What Flatcar's menu puts at the end of every command line
/// (<https://github.com/flatcar/scripts/blob/main/build_library/grub.cfg>).
pub const OEM_VARIABLE: &str = "linux_append";

const fn linux(variable: &'static str) -> Files {
    Files::One("etc/default/grub", Store::Shell(variable))
}

/// Every stack whose arguments we write to files of others; where `/etc/default/grub.d` is read we have a
/// fragment of our own.
///
/// grub2-mkconfig makes `/etc/kernel/cmdline` anew from `/etc/default/grub` where that is younger, so it
/// is written last (Red Hat's `10_linux`, <https://github.com/rhboot/grub2>).
pub const TABLE: &[Stack] = &[
    Stack {
        stack: BootStack::GrubBls,
        places: &[
            Place { files: DEFAULTS, need: Need::IfPresent },
            Place { files: Files::Entries(Loader::Grub), need: Need::Required },
            KERNEL_CMDLINE,
        ],
        menu: false,
    },
    Stack {
        stack: BootStack::GrubBlsKernelopts,
        places: &[
            Place { files: DEFAULTS, need: Need::IfPresent },
            Place { files: Files::Grubenv, need: Need::Required },
            Place { files: Files::Entries(Loader::Grub), need: Need::IfPresent },
        ],
        menu: false,
    },
    Stack {
        stack: BootStack::AzureLinuxGrubenv,
        places: &[Place { files: Files::Grubenv, need: Need::Required }],
        menu: false,
    },
    Stack {
        stack: BootStack::SystemdBoot,
        places: &[Place { files: Files::Entries(Loader::SystemdBoot), need: Need::Required }, KERNEL_CMDLINE],
        menu: false,
    },
    Stack {
        stack: BootStack::Flatcar,
        places: &[Place {
            files: Files::One(place::OEM, Store::GrubSet(OEM_VARIABLE)),
            need: Need::Required,
        }],
        menu: false,
    },
    Stack {
        stack: BootStack::SuseGrub,
        places: &[Place { files: linux("GRUB_CMDLINE_LINUX_DEFAULT"), need: Need::Required }],
        menu: true,
    },
];

/// A stack's row; `None` where its arguments are a step by hand, or a file of our own.
pub fn row(stack: BootStack) -> Option<&'static Stack> {
    TABLE.iter().find(|row| row.stack == stack)
}

/// Whether a menu, or entries, are made from what we write, which then have to be made anew.
pub fn makes_menu(boot: &Boot) -> bool {
    boot.stack.has_fragment() || boot.by_sdbootutil() || row(boot.stack).is_some_and(|row| row.menu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::place::{is_store, recorded};
    use crate::value::Value;

    #[test]
    fn every_place_is_one_that_the_record_knows() {
        let arg = Value::word("a=1");
        for row in TABLE {
            assert!(row.places.iter().any(|place| place.need == Need::Required || row.menu), "{row:?}");
            for place in row.places {
                let (path, store) = match place.files {
                    Files::One(path, store) => (path, store),
                    Files::Grubenv => ("boot/grub2/grubenv", Store::Grubenv("kernelopts")),
                    Files::Entries(Loader::Grub) => ("boot/loader/entries/a.conf", Store::Bls),
                    Files::Entries(Loader::SystemdBoot) => ("efi/loader/entries/a.conf", Store::Bls),
                };
                assert!(is_store(path), "{path}");
                let named = crate::stores::place::named(path, &recorded(store, &arg));
                assert_eq!(named, Some((store, arg.clone())), "{path}");
            }
        }
    }

    #[test]
    fn no_stack_stands_in_the_table_twice() {
        let stacks: std::collections::BTreeSet<&str> = TABLE.iter().map(|row| row.stack.name()).collect();
        assert_eq!(stacks.len(), TABLE.len());
    }
}
