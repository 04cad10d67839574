//! What an image must hold to come up on Hyper-V at all.

use super::{cannot_tell, fine, not_here};
use crate::facts::Facts;
use crate::initramfs::{INCLUDED, Outlook, needed, outlook, reader};
use crate::policy::Policy;
use crate::tunable::{Assignment, Decision, Source, Target, Tunable, Value, Want};

/// `image.hyperv_drivers`
pub static HYPERV_DRIVERS: Tunable = Tunable {
    id: "image.hyperv_drivers",
    title: "The initramfs of an image holds the drivers of Hyper-V's disks",
    why: "An image is often built on a machine that is no Hyper-V guest. An initramfs that is made for the \
          machine that makes it may then lack hv_vmbus and hv_storvsc, and the guest stops at its first boot \
          without a root disk. With `[image] hyperv_drivers = true` they are named to the program that makes it.",
    sources: &[
        Source {
            title: "man 5 dracut.conf",
            url: "https://man7.org/linux/man-pages/man5/dracut.conf.5.html",
        },
        Source {
            title: "man 5 initramfs.conf",
            url: "https://manpages.debian.org/bookworm/initramfs-tools-core/initramfs.conf.5.en.html",
        },
        Source {
            title: "Microsoft: drivers that an image for Azure must hold",
            url: "https://learn.microsoft.com/en-us/azure/virtual-machines/linux/create-upload-generic",
        },
    ],
    knobs: &[],
    decide: hyperv_drivers,
};

fn hyperv_drivers(facts: &Facts, policy: &Policy) -> Vec<Decision> {
    if facts.running().is_some() {
        return vec![not_here("this machine is running: its initramfs has brought it up")];
    }
    let outlook = outlook(facts);
    if !policy.hyperv_drivers {
        return vec![match outlook {
            // An image that may not boot is told of, asked or not.
            Some(Outlook::Unknown(why)) => cannot_tell("the drivers in the initramfs", why),
            _ => not_here("the policy does not ask for it ([image] hyperv_drivers = true)"),
        }];
    }
    match outlook {
        None => vec![not_here("no initramfs is made from this root")],
        Some(Outlook::Complete) => {
            vec![fine("the drivers that the guest needs are in the kernel or come into its initramfs")]
        }
        Some(Outlook::Lacking(missing, why)) => vec![take(missing, why)],
        // One that is named twice does no harm.
        Some(Outlook::Unknown(why)) if reader(facts).is_some() => vec![take(needed(facts), why)],
        Some(Outlook::Unknown(why)) => vec![cannot_tell("the drivers in the initramfs", why)],
    }
}

fn take(drivers: Vec<&'static str>, because: String) -> Decision {
    let named = |driver| Assignment::new(Target::Driver(driver), Want::Exactly(Value::word(INCLUDED)));
    Decision::Set { what: drivers.into_iter().map(named).collect(), because }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, assumed};
    use super::*;
    use crate::facts::{Drivers, Initramfs, InstalledKernel, KernelRelease, Taken};
    use crate::order::Named;

    fn image(taken: Taken, named: &[&str], built_in: Vec<&'static str>) -> Facts {
        let mut facts = assumed("6.1.0-18-amd64");
        facts.system.offline = true;
        let release = KernelRelease::parse("6.1.0-18-amd64").unwrap();
        facts.system.kernels =
            Some(vec![InstalledKernel { release, modules: Named::new(), built_in: Some(built_in) }]);
        let tools = &mut facts.system.boot.tools;
        tools.initramfs = Some(Initramfs::Dracut);
        let named = named.iter().map(|name| (*name).to_owned()).collect();
        tools.drivers = Some(Drivers {
            by: Initramfs::Dracut,
            taken,
            because: "etc/dracut.conf:1".to_owned(),
            named,
            left_out: Vec::new(),
            left_out_by: String::new(),
            undone: None,
        });
        facts
    }

    fn asked(facts: &Facts) -> Vec<String> {
        ask(&HYPERV_DRIVERS, facts, &Policy { hyperv_drivers: true, ..Policy::default() })
    }

    #[test]
    fn an_image_for_the_machine_that_makes_it_is_told_of_hyper_v() {
        let machine = |named: &[&str]| image(Taken::ThatMachine, named, Vec::new());
        assert_eq!(asked(&machine(&[])), ["initramfs hv_vmbus=included, initramfs hv_storvsc=included"]);
        assert_eq!(asked(&machine(&["hv_storvsc"])), ["already-right"], "it brings the bus along");
        let builtin = image(Taken::OnlyNamed, &[], vec!["hv_vmbus"]);
        assert_eq!(asked(&builtin), ["initramfs hv_storvsc=included"]);
        assert_eq!(asked(&image(Taken::Storage, &[], Vec::new())), ["already-right"]);
        let unknown = image(Taken::Unknown, &[], Vec::new());
        assert_eq!(
            asked(&unknown),
            ["initramfs hv_vmbus=included, initramfs hv_storvsc=included"],
            "naming them does no harm"
        );
    }

    #[test]
    fn without_the_wish_nothing_is_written() {
        let facts = image(Taken::ThatMachine, &[], Vec::new());
        assert_eq!(ask(&HYPERV_DRIVERS, &facts, &Policy::default()), ["not-applicable"]);
    }

    #[test]
    fn what_nobody_could_tell_is_said_asked_or_not() {
        let unasked = |facts: &Facts| ask(&HYPERV_DRIVERS, facts, &Policy::default());
        let mut facts = image(Taken::Unknown, &[], Vec::new());
        assert_eq!(unasked(&facts), ["unknown"]);
        // Only what is missing hangs on what is built in.
        facts = image(Taken::ThatMachine, &[], Vec::new());
        facts.system.kernels.as_mut().unwrap()[0].built_in = None;
        assert_eq!(unasked(&facts), ["unknown"]);
        facts = image(Taken::Storage, &[], Vec::new());
        facts.system.kernels.as_mut().unwrap()[0].built_in = None;
        assert_eq!(unasked(&facts), ["not-applicable"]);
        for maker in [Some(Initramfs::Mkinitcpio), None] {
            let mut facts = image(Taken::Storage, &[], Vec::new());
            facts.system.boot.tools.drivers = None;
            facts.system.boot.tools.initramfs = maker;
            assert_eq!(unasked(&facts), ["unknown"], "{maker:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_missing() {
        let mut facts = image(Taken::Storage, &[], Vec::new());
        facts.system.boot.tools.drivers.as_mut().unwrap().left_out = vec!["hv_storvsc".to_owned()];
        assert_eq!(asked(&facts), ["initramfs hv_storvsc=included"]);
        // dracut takes patterns.
        for (pattern, missing) in [
            ("hv_.*", "initramfs hv_vmbus=included, initramfs hv_storvsc=included"),
            (".*/fs/ocfs/.*", "already-right"),
            ("hv", "already-right"),
            ("(", "initramfs hv_vmbus=included, initramfs hv_storvsc=included"),
        ] {
            facts.system.boot.tools.drivers.as_mut().unwrap().left_out = vec![pattern.to_owned()];
            assert_eq!(asked(&facts), [missing], "{pattern}");
        }
    }
}
