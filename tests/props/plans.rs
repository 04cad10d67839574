//! From facts and a policy to files: always the same, always rendered, always what was decided.

use hvtune::facts::{BootStack, Facts, Fragment};
use hvtune::formats::{
    LINE_LIMIT, arguments, grub, initramfs, modprobe, multipath, premount, sysctl, udev, unit,
};
use hvtune::marker::{Standing, all_paths, standing_of};
use hvtune::plan::{self, Plan};
use hvtune::policy::{self, Policy, Recovery};
use hvtune::render::{self, Artifact, Format, Templates, kernel_arg, landing};
use hvtune::root::Root;
use hvtune::tunable::{Accepts, Assignment, Decision, Target, UdevAttr, Verdict};
use hvtune::tunables::{self, CATALOGUE};
use hvtune::verify;
use proptest::prelude::*;

use crate::cases;
use crate::machines::{fixtures, fresh_dir, machines};

/// A line of `[set]`: a knob of the catalogue and a value that it takes.
fn pin() -> impl Strategy<Value = (String, String)> {
    let knobs: Vec<_> = CATALOGUE.iter().flat_map(|tunable| tunable.knobs).collect();
    proptest::sample::select(knobs).prop_flat_map(|knob| {
        let values = match knob.accepts {
            Accepts::Integer { min, max } => {
                prop_oneof![Just(min), Just(max), min..=max].prop_map(|number| number.to_string()).boxed()
            }
            Accepts::Word(words) => {
                proptest::sample::select(words.to_vec()).prop_map(|word| format!("\"{word}\"")).boxed()
            }
        };
        values.prop_map(|value| (knob.name.to_owned(), value))
    })
}

/// Everything that an administrator may say.
pub(crate) fn policies() -> impl Strategy<Value = Policy> {
    let stall = prop_oneof![Just(10), Just(86_400), 10..=86_400_u64];
    let recovery = proptest::sample::select(vec!["default", "hold", "self-heal"]);
    let ids: Vec<&str> = CATALOGUE.iter().map(|tunable| tunable.id).collect();
    let off = proptest::sample::subsequence(ids, 0..4);
    (stall, recovery, off, proptest::collection::btree_map(0..1000_u32, pin(), 0..6)).prop_map(
        |(stall, recovery, off, pins)| {
            let mut said = std::collections::BTreeMap::new();
            said.extend(pins.into_values());
            let owned = |id: &&str| {
                !tunables::find(id).is_some_and(|t| t.knobs.iter().any(|knob| said.contains_key(knob.name)))
            };
            let off: Vec<String> = off.iter().filter(|id| owned(id)).map(|id| format!("\"{id}\"")).collect();
            let set: String = said
                .iter()
                .map(|(knob, value)| format!("\"{knob}\" = {value}\n"))
                .collect::<Vec<_>>()
                .concat();
            let text = format!(
                "stall = {stall}\nrecovery = \"{recovery}\"\noff = [{}]\n[image]\nhyperv_drivers = {}\n[set]\n{set}",
                off.join(", "),
                stall % 2 == 0
            );
            policy::parse(&[("etc/hvtune.toml".to_owned(), text.clone())], &tunables::subjects())
                .unwrap_or_else(|error| panic!("{error}: {text}"))
        },
    )
}

/// The whole pipe up to `verify`, on a root.
pub(crate) fn planned(facts: &Facts, policy: &Policy, root: &Root) -> Plan {
    let verdicts = tunables::decide(facts, policy);
    let artifacts = render::render(&verdicts, facts, &Templates::new()).unwrap();
    let plan = plan::plan(facts, verdicts, artifacts, root).unwrap();
    let rows = verify::verify(facts, &plan);
    assert!([0, 1, 3].contains(&verify::exit_code(&rows)));
    plan
}

fn assignments(verdicts: &[Verdict]) -> impl Iterator<Item = &Assignment> {
    verdicts.iter().flat_map(|verdict| match &verdict.decision {
        Decision::Set { what, .. } => what.as_slice(),
        _ => &[],
    })
}

/// What a format's file must carry, worked out from the verdicts alone.
fn wanted(format: Format, verdicts: &[Verdict], facts: &Facts) -> Vec<String> {
    let listed = facts.system.boot.own();
    let fragment = listed == Some(Fragment::GrubD);
    let said = |assignment: &Assignment| {
        let value = assignment.want.value();
        match (format, &assignment.target) {
            (Format::Sysctl, Target::Sysctl(key)) => Some(format!("{key} = {value}")),
            // Written once, and put back to the kernel's five where it must be.
            (Format::Udev, Target::Udev { attr: UdevAttr::MaxRetries, .. }) => {
                let disk = "device/scsi_disk/*/max_retries";
                Some(format!("{disk}={value} {disk}=5 ../{disk}=5"))
            }
            (Format::Udev, Target::Udev { attr, .. }) => Some(format!("{}={value}", attr.path())),
            (Format::Modprobe, Target::ModuleOption { module, option })
                if landing(facts, module).modprobe =>
            {
                Some(format!("{module} {option}={value}"))
            }
            (Format::Grub, Target::ModuleOption { module, .. })
                if fragment && landing(facts, module).cmdline =>
            {
                kernel_arg(assignment)
            }
            (Format::Grub, Target::KernelArg(_)) if fragment => kernel_arg(assignment),
            (Format::Kargs, Target::KernelArg(_)) if listed == Some(Fragment::Kargs) => {
                kernel_arg(assignment)
            }
            (Format::Kargs, Target::ModuleOption { module, .. })
                if listed == Some(Fragment::Kargs) && landing(facts, module).cmdline =>
            {
                kernel_arg(assignment)
            }
            (Format::Cmdline, Target::KernelArg(_)) if listed == Some(Fragment::Cmdline) => {
                kernel_arg(assignment)
            }
            (Format::Cmdline, Target::ModuleOption { module, .. })
                if listed == Some(Fragment::Cmdline) && landing(facts, module).cmdline =>
            {
                kernel_arg(assignment)
            }
            (Format::Multipath, Target::Multipath { section, key }) => {
                Some(format!("{section}/{key} {value}"))
            }
            (Format::Drivers, Target::Driver(driver)) => Some((*driver).to_owned()),
            (Format::Unit, Target::Unit { property, .. }) if assignment.target.section().is_none() => {
                Some(format!("{property}={value}"))
            }
            (Format::Waits, Target::Unit { property, .. }) => {
                assignment.target.section().map(|section| format!("{section}/{property}={value}"))
            }
            (Format::Premount, Target::Premount(key)) => Some(format!("{key}={value}")),
            (Format::Grub, Target::DropKernelArg(key)) if fragment => Some(format!("without {key}")),
            _ => None,
        }
    };
    let said: Vec<String> = assignments(verdicts).filter_map(said).collect();
    let puts_back = said.iter().any(|line| line.ends_with("max_retries=5"));
    let tells = "slaves/*/uevent=change 68767475-6e65-4d75-a374-4661696c0000 HVTUNE=member";
    puts_back.then(|| tells.to_owned()).into_iter().chain(said).collect()
}

/// The same, read back from a file by its strict parser.
fn carried(artifact: &Artifact) -> Vec<String> {
    let text = std::str::from_utf8(&artifact.body).unwrap();
    match artifact.format.unwrap() {
        Format::Sysctl => {
            let entries = sysctl::parse(text).unwrap();
            entries
                .iter()
                .map(|e| format!("{}{} = {}", if e.optional { "-" } else { "" }, e.key, e.value))
                .collect()
        }
        Format::Modprobe => {
            let options = modprobe::parse(text).unwrap();
            options.iter().map(|o| format!("{} {}={}", o.module, o.parameter, o.value)).collect()
        }
        Format::Grub => {
            let edits = grub::parse(text).unwrap();
            let said = edits.into_iter().map(|edit| match edit {
                grub::Edit::Add(arg) => arg,
                grub::Edit::Drop(key) => format!("without {key}"),
            });
            said.collect()
        }
        Format::Multipath => {
            let settings = multipath::parse(text).unwrap();
            settings.iter().map(|(key, value)| format!("{key} {value}")).collect()
        }
        Format::Drivers => initramfs::parse(text).unwrap(),
        Format::Kargs => arguments::parse_kargs(text).unwrap(),
        Format::Cmdline => arguments::parse_cmdline(text).unwrap(),
        Format::Waits => {
            let settings = unit::parse_waits(text).unwrap();
            settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
        }
        Format::Premount => {
            let settings = premount::parse(text).unwrap();
            settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
        }
        Format::Unit => {
            let settings = unit::parse(text).unwrap();
            settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
        }
        Format::Udev => {
            let rules = udev::parse(text).unwrap();
            let written = rules.iter().flatten().filter(|token| !token.is_match());
            let said = written.filter_map(|token| {
                let attr = token.key.strip_prefix("ATTR{")?.strip_suffix('}')?;
                Some(format!("{attr}={}", token.value))
            });
            said.collect()
        }
    }
}

/// What the files of each format carry, and what they must.
fn both(artifacts: &[Artifact], verdicts: &[Verdict], facts: &Facts) -> Vec<(Format, String, String)> {
    let pair = |format| {
        let of_format = artifacts.iter().filter(|artifact| artifact.format == Some(format));
        let carried: Vec<String> = of_format.flat_map(carried).collect();
        (format, carried.join(" "), wanted(format, verdicts, facts).join(" "))
    };
    Format::ALL.into_iter().map(pair).collect()
}

/// Whatever else a root has: no stack takes arguments from the directory of another.
#[test]
fn every_machine_with_every_stack_carries_what_is_decided() {
    let policy = Policy { recovery: Recovery::SelfHeal, stall: 10, ..Policy::default() };
    for mut facts in fixtures() {
        for stack in BootStack::known() {
            facts.system.boot.stack = stack;
            let verdicts = tunables::decide(&facts, &policy);
            let artifacts = render::render(&verdicts, &facts, &Templates::new()).unwrap();
            for (format, carried, wanted) in both(&artifacts, &verdicts, &facts) {
                assert_eq!(carried, wanted, "{format:?} on {stack:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn the_same_facts_always_give_the_same_bytes(facts in machines(), policy in policies()) {
        let verdicts = tunables::decide(&facts, &policy);
        let again = tunables::decide(&facts.clone(), &policy.clone());
        prop_assert_eq!(format!("{verdicts:?}"), format!("{again:?}"));
        let artifacts = render::render(&verdicts, &facts, &Templates::new());
        prop_assert!(artifacts.is_ok(), "{}", artifacts.unwrap_err());
        let artifacts = artifacts.unwrap();
        prop_assert_eq!(&artifacts, &render::render(&again, &facts, &Templates::new()).unwrap());
        for (format, carried, wanted) in both(&artifacts, &verdicts, &facts) {
            prop_assert_eq!(carried, wanted, "{:?}", format);
        }
        for artifact in &artifacts {
            prop_assert!(all_paths().contains(&artifact.path), "{}", artifact.path);
            prop_assert_eq!(standing_of(Some(&artifact.body)), Standing::Ours);
            let runs = artifact.format == Some(Format::Premount);
            prop_assert_eq!(artifact.mode, if runs { 0o755 } else { 0o644 });
            let plain = artifact.body.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
            let short = artifact.body.split(|byte| *byte == b'\n').all(|line| line.len() <= LINE_LIMIT);
            prop_assert!(plain && short && artifact.body.ends_with(b"\n"), "{}", artifact.path);
        }
    }

    /// No string that a device or an image chose is in a file, and none decides what is in one, but that
    /// an array's name finds its entry in multipath's own table, whose longer wait no drop-in cuts short.
    #[test]
    fn no_chosen_string_is_in_a_file(facts in machines(), policy in policies()) {
        let mut marked = facts.clone();
        for disk in marked.machine.iter_mut().flat_map(|machine| machine.disks.iter_mut().flatten()) {
            disk.vendor = "smuggled".to_owned();
            disk.model = "smuggled".to_owned();
        }
        if let Some(os) = &mut marked.system.os {
            os.pretty_name = "smuggled".to_owned();
        }
        let render = |facts: &Facts| render::render(&tunables::decide(facts, &policy), facts, &Templates::new()).unwrap();
        let (plain, marked) = (render(&facts), render(&marked));
        let smuggled = |body: &[u8]| String::from_utf8_lossy(body).contains("smuggled");
        prop_assert!(!marked.iter().any(|artifact| smuggled(&artifact.body)));
        let others = |artifacts: Vec<render::Artifact>| -> Vec<_> {
            artifacts.into_iter().filter(|artifact| artifact.format != Some(Format::Multipath)).collect()
        };
        prop_assert_eq!(others(plain), others(marked));
    }
}

proptest! {
    #![proptest_config(cases(150))]

    /// Nothing that can be decided stops the plan, its contenders, what is pending, or the look back.
    #[test]
    fn every_machine_can_be_planned_for(facts in machines(), policy in policies()) {
        let dir = fresh_dir();
        let root = Root::offline(dir.path()).unwrap();
        let plan = planned(&facts, &policy, &root);
        prop_assert!(!plan.has_conflict());
        prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
