//! No command that is printed may harm or do nothing, on any boot stack, with any tools.

use regex::Regex;

use super::*;
use crate::cmdline::Cmdline;
use crate::facts::{AddonMaker, BootTools, Hypervisor, Initramfs, Machine, Origin, Uki};
use crate::plan::Change;
use crate::render::Artifact;
use crate::tunable::{Assignment, Decision, Target, Value, Verdict, Want};

/// Every command that may ever be given, and the program of the root that it needs.
fn program_of(command: &str) -> Option<&'static str> {
    let known = [
        ("update-grub", "update-grub"),
        ("(grub2?)-mkconfig -o /boot/[A-Za-z0-9/._-]+", "mkconfig"),
        ("update-initramfs -[uc] -k all", "update-initramfs"),
        (
            "dracut --force( --regenerate-all)?( --no-hostonly --add-drivers \"hv_vmbus hv_storvsc\"( --install /etc/modprobe\\.d/90-hvtune\\.conf)?)?( /boot/initrd\\.img-6\\.[12] 6\\.[12])?",
            "dracut",
        ),
        ("mkinitcpio -P", "mkinitcpio"),
        ("rpm-ostree kargs( --(append-if-missing|delete-if-present)=[A-Za-z0-9_.,:=@/+-]+)+", "rpm-ostree"),
        ("transactional-update --continue (initrd|grub\\.cfg)", "transactional-update"),
        ("sdbootutil update-all-entries", "sdbootutil"),
        (
            "ukify build --stub=/[a-z0-9/.]+ --cmdline=\"[A-Za-z0-9_.,:=@/+ -]+\" --secureboot-private-key=db.key \
             --secureboot-certificate=db.crt --output=/boot/efi/loader/addons/zz-hvtune-signed.addon.efi",
            "ukify",
        ),
        ("systemctl reboot", "systemctl"),
    ];
    let fits = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(command);
    known.iter().find(|(pattern, _)| fits(pattern)).map(|(_, program)| *program)
}

fn has(boot: &crate::facts::Boot, program: &str) -> bool {
    match program {
        "update-grub" => boot.tools.update_grub && boot.stack == BootStack::DebianGrub,
        "mkconfig" => boot.tools.mkconfig.is_some() && boot.menu.is_some(),
        "update-initramfs" => boot.tools.initramfs == Some(Initramfs::InitramfsTools),
        "dracut" => boot.tools.initramfs == Some(Initramfs::Dracut),
        "mkinitcpio" => boot.tools.initramfs == Some(Initramfs::Mkinitcpio),
        "rpm-ostree" => boot.tools.rpm_ostree && boot.stack == BootStack::Ostree,
        "transactional-update" => boot.stack == BootStack::TransactionalUpdate,
        "ukify" => boot.stack == BootStack::Uki && boot.uki.as_ref().is_some_and(|uki| uki.maker.is_some()),
        "sdbootutil" => boot.tools.sdbootutil && boot.kernel_cmdline,
        _ => true,
    }
}

/// Signed images, so that the addon is somebody's step.
fn uki(there: bool) -> Uki {
    let stub = "/usr/lib/systemd/boot/efi/addonx64.efi.stub";
    Uki {
        images: vec!["boot/efi/EFI/Linux/a.efi".to_owned()],
        machine: crate::formats::pe::Machine::X86_64,
        by_hand: Some("signed".to_owned()),
        maker: there.then_some(AddonMaker { program: "ukify", stub }),
    }
}

/// All combinations that a root can show.
fn machines() -> Vec<Facts> {
    let mut all = Vec::new();
    let builders = [
        None,
        Some(Initramfs::InitramfsTools),
        Some(Initramfs::Dracut),
        Some(Initramfs::Mkinitcpio),
        Some(Initramfs::KernelInstall),
    ];
    for stack in BootStack::ALL {
        for initramfs in builders {
            for (offline, origin) in [
                (false, Origin::Live),
                (false, Origin::Assumed),
                (true, Origin::Captured),
                (true, Origin::Assumed),
            ] {
                for there in [false, true] {
                    let mut facts = Facts::default();
                    facts.system.offline = offline;
                    facts.machine = Some(Machine {
                        origin,
                        hypervisor: Some(Hypervisor::HyperV(crate::facts::HyperV::default())),
                        cmdline: Some(Cmdline::parse(
                            "root=/dev/sda1 elevator=deadline \"elevator=$(reboot)\"",
                        )),
                        ..Machine::default()
                    });
                    facts.system.boot = crate::facts::Boot {
                        stack,
                        tools: BootTools {
                            initramfs,
                            drivers: None,
                            copies: None,
                            update_grub: there,
                            mkconfig: there.then_some("grub2-mkconfig"),
                            rpm_ostree: there,
                            sdbootutil: there,
                            cmdline_d: false,
                        },
                        menu: there.then(|| "boot/grub2/grub.cfg".to_owned()),
                        kernel_cmdline: there,
                        uki: (stack == BootStack::Uki).then(|| uki(there)),
                        ..crate::facts::Boot::default()
                    };
                    if there {
                        let image = |kernel: &str| crate::facts::Image {
                            path: format!("boot/initrd.img-{kernel}"),
                            kernel: kernel.to_owned(),
                            made: None,
                        };
                        facts.system.boot.images = vec![image("6.1"), image("6.2")];
                    }
                    all.push(facts);
                }
            }
        }
    }
    all
}

fn plan_of(targets: &[(Target, &'static str)]) -> Plan {
    let what = targets
        .iter()
        .map(|(target, value)| Assignment::new(target.clone(), Want::Exactly(Value::word(value))))
        .collect();
    let decision = Decision::Set { what, because: String::new() };
    let changes = ["etc/modprobe.d/90-hvtune.conf", "etc/default/grub.d/90-hvtune.cfg"]
        .map(|path| Change::Remove { path: path.to_owned(), found: Vec::new() });
    let verdicts = vec![Verdict { tunable: &crate::tunables::boot::PANIC, decision }];
    Plan { verdicts, changes: changes.into(), ..Plan::default() }
}

const ADD: (Target, &str) = (Target::KernelArg("panic"), "10");
const DROP: (Target, &str) = (Target::DropKernelArg("elevator"), "absent");

#[test]
fn no_command_harms_or_does_nothing() {
    let mut seen = std::collections::BTreeSet::new();
    for facts in machines() {
        let boot = &facts.system.boot;
        for plan in [plan_of(&[ADD]), plan_of(&[DROP]), plan_of(&[ADD, DROP])] {
            for step in list(&facts, &plan).into_iter().chain(after_revert(&facts, &plan)) {
                if step.command.is_empty() {
                    continue;
                }
                let program = program_of(&step.command);
                let program = program.unwrap_or_else(|| panic!("{boot:?}: {}", step.command));
                assert!(has(boot, program), "{boot:?}: {}", step.command);
                for odd in ["$", "`", ";", "&", "|", ">", "'", "\n", "--args", "--remove-args"] {
                    assert!(!step.command.contains(odd), "{}", step.command);
                }
                assert!(step.command != "systemctl reboot" || facts.running().is_some());
                if facts.files_only() {
                    assert!(step.because.contains("inside the image"), "{step:?}");
                }
                seen.insert(program);
            }
        }
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
}

/// What was left to be done is told whole: on a stack with a place to write to, the place.
#[test]
fn arguments_without_a_command_have_a_place() {
    for facts in machines() {
        let boot = &facts.system.boot;
        let steps = list(&facts, &plan_of(&[ADD, DROP]));
        let step = steps.iter().find(|step| step.step == Step::KernelArguments);
        if boot.stack == BootStack::DebianGrub || boot.stack == BootStack::AzureLinuxGrubD {
            assert_eq!(step, None);
            continue;
        }
        let step = step.unwrap();
        assert_eq!(step.add, ["panic=10"], "{boot:?}");
        // As they stand there: a key alone would find neither.
        assert_eq!(step.remove, ["elevator=deadline", "\"elevator=$(reboot)\""], "{boot:?}");
        let nowhere = [BootStack::Ostree, BootStack::Nullboot, BootStack::Unrecognised, BootStack::Unknown]
            .contains(&boot.stack)
            || (boot.tools.sdbootutil && !boot.kernel_cmdline);
        assert!(nowhere || !step.places.is_empty(), "{boot:?}");
        let cmdline = step.places.iter().any(|place| place.file == "/etc/kernel/cmdline");
        assert!(boot.kernel_cmdline || !cmdline, "{boot:?}: one of ours alone would have no root=");
    }
}

#[test]
fn what_the_running_line_has_is_not_asked_for() {
    for mut facts in machines().into_iter().filter(|facts| facts.running().is_some()) {
        facts.machine.as_mut().unwrap().cmdline = Some(Cmdline::parse("ro panic=10"));
        let steps = list(&facts, &plan_of(&[ADD]));
        assert!(steps.iter().all(|step| step.step != Step::KernelArguments), "{:?}", facts.system.boot);
    }
}

/// dracut on a build host leaves out what the guest needs, and without that choice what /etc has.
#[test]
fn dracut_in_an_image_takes_the_drivers_along() {
    let mut facts = Facts::default();
    facts.system.offline = true;
    facts.system.boot.stack = BootStack::GrubBls;
    facts.system.boot.tools.initramfs = Some(Initramfs::Dracut);
    let mut plan = plan_of(&[]);
    let command = |plan: &Plan| initramfs::step(&facts, plan, "x").command;
    assert!(command(&plan).ends_with("\"hv_vmbus hv_storvsc\""), "{}", command(&plan));
    plan.changes = vec![Change::Create(crate::render::Artifact {
        path: "etc/modprobe.d/90-hvtune.conf".to_owned(),
        format: Some(crate::render::Format::Modprobe),
        mode: 0o644,
        body: Vec::new(),
        from: Vec::new(),
        effect: Effect::Initramfs,
    })];
    assert!(command(&plan).ends_with(" --install /etc/modprobe.d/90-hvtune.conf"), "{}", command(&plan));
}

/// dracut gives an image that it is not told a name that nobody may boot.
#[test]
fn dracut_is_told_each_image() {
    let with_images = |facts: &Facts| {
        facts.system.boot.tools.initramfs == Some(Initramfs::Dracut) && !facts.system.boot.images.is_empty()
    };
    let mut told = 0;
    for facts in machines().iter().filter(|facts| with_images(facts)) {
        let steps = list(facts, &plan_of(&[]));
        let steps: Vec<_> = steps.iter().filter(|step| step.step == Step::Initramfs).collect();
        let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
        if let [one, other] = commands.as_slice() {
            assert!(one.ends_with(" /boot/initrd.img-6.1 6.1"), "{commands:?}");
            assert!(other.ends_with(" /boot/initrd.img-6.2 6.2"), "{commands:?}");
            told += 1;
        } else {
            assert!(commands.iter().all(|command| !command.starts_with("dracut")), "{commands:?}");
        }
    }
    assert!(told > 20, "{told}");
}

/// What a list of ours brought stays in the initramfs until that is made anew.
#[test]
fn a_list_of_drivers_that_goes_leaves_the_initramfs_to_do() {
    for path in crate::marker::DRIVER_LISTS {
        let changes = vec![Change::Remove { path: path.to_owned(), found: Vec::new() }];
        let steps = list(&Facts::default(), &Plan { changes, ..Plan::default() });
        let steps: Vec<Step> = steps.iter().map(|pending| pending.step).collect();
        assert_eq!(steps, [Step::Initramfs], "{path}");
    }
}

/// No image is older than a file that it never gets: the option is in force nowhere all the same.
#[test]
fn what_the_initramfs_does_not_get_is_left_to_do() {
    let path = "etc/modprobe.d/90-hvtune.conf";
    for (hostonly, said) in [
        (Some(true), None),
        (Some(false), Some("does not get /etc/modprobe.d/90-hvtune.conf: dracut leaves /etc out")),
        (None, Some("may hold a copy of modprobe.d")),
    ] {
        let machine = Machine { origin: Origin::Live, ..Machine::default() };
        let mut facts = Facts { machine: Some(machine), ..Facts::default() };
        facts.system.boot.stack = BootStack::GrubBls;
        facts.system.boot.tools.initramfs = Some(Initramfs::Dracut);
        facts.system.boot.tools.copies = Some(crate::facts::Copies {
            by: Initramfs::Dracut,
            hostonly,
            because: "etc/dracut.conf:1 says so".to_owned(),
            rules: None,
            systemd: None,
            named: Vec::new(),
            held: None,
        });
        let plan = Plan { unchanged: vec![path.to_owned()], ..Plan::default() };
        let left = initramfs::after(&facts, &plan, &[]);
        let because: Vec<&str> = left.iter().map(|step| step.because.as_str()).collect();
        assert_eq!(because.len(), usize::from(said.is_some()), "{because:?}");
        assert!(because.iter().all(|because| because.contains(said.unwrap())), "{because:?}");
    }
}

#[test]
fn what_counts_in_a_boot_only_asks_for_no_restart() {
    let event = (Target::KernelArg("udev.event_timeout"), "240");
    let admin = (Target::ModuleOption { module: "nvme_core", option: "admin_timeout" }, "240");
    for facts in machines().into_iter().filter(|facts| facts.running().is_some()) {
        let restart = |targets: &[(Target, &'static str)]| {
            let path = "etc/default/grub.d/90-hvtune.cfg".to_owned();
            let artifact = Artifact {
                path,
                format: None,
                mode: 0o644,
                body: Vec::new(),
                from: Vec::new(),
                effect: Effect::BootMenu,
            };
            let plan = Plan { changes: vec![Change::Create(artifact)], ..plan_of(targets) };
            list(&facts, &plan).iter().any(|step| step.step == Step::Reboot)
        };
        assert!(!restart(&[event.clone(), admin.clone()]), "{:?}", facts.system.boot.stack);
        assert!(restart(&[event.clone(), ADD]), "{:?}", facts.system.boot.stack);
    }
}

#[test]
fn an_addon_that_somebody_signed_is_named_by_a_revert() {
    use crate::formats::boot_line::{BootArg, BootLine, LineKind};
    let mut facts = machines().into_iter().find(|facts| facts.system.boot.stack == BootStack::Uki).unwrap();
    assert!(after_revert(&facts, &Plan::default()).iter().all(|step| step.step != Step::KernelArguments));
    let path = "boot/efi/loader/addons/zz-hvtune-signed.addon.efi";
    let arg = |text: &str, path: &str| BootArg {
        text: Some(text.to_owned()),
        path: path.to_owned(),
        line: 0,
        holds: crate::facts::Holds::Yes,
        after_ours: false,
    };
    let args = vec![arg("quiet", "boot/efi/EFI/Linux/a.efi"), arg("panic=10", path)];
    for name in ["boot/efi/EFI/Linux/a.efi", "boot/efi/EFI/Linux/b.efi"] {
        facts.system.boot.lines.push(BootLine {
            path: name.to_owned(),
            line: 0,
            entry: String::new(),
            kind: LineKind::Entry,
            args: args.clone(),
            ours_at: None,
        });
    }
    let steps = after_revert(&facts, &Plan::default());
    let step = steps.iter().find(|step| step.step == Step::KernelArguments).unwrap();
    assert_eq!(step.remove, ["panic=10"]);
    let files: Vec<&str> = step.places.iter().map(|place| place.file.as_str()).collect();
    assert_eq!(files, [format!("/{path}")]);
}
