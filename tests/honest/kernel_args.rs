//! Kernel arguments: in a fragment of ours on Debian, in entries and lists of others elsewhere.

use std::fs;

use crate::breaks::{of_our_file, overlooked};
use crate::ground::{Content, Writer};
use crate::stage::{Stage, Subject, at, broken, each_break_is_told, file};

const MENU: &str = "boot/grub/grub.cfg";

/// update-grub, as far as this test needs it.
fn menu(stage: &Stage) -> Vec<Writer> {
    vec![file(MENU, stage.text(MENU).replace(" ro quiet", " ro quiet panic=10 fsck.repair=yes"))]
}

const QUIET: &str = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n";

/// Later fragments: what each says, and the arguments that it leaves in the menu.
const LATER: &[(&str, &str, &str)] = &[
    ("a later fragment sets the variable anew", QUIET, ""),
    (
        "a later fragment appends another value",
        "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT panic=0\"\n",
        " panic=10 panic=0",
    ),
    (
        "a later fragment takes the argument out",
        "GRUB_CMDLINE_LINUX_DEFAULT=\"${GRUB_CMDLINE_LINUX_DEFAULT%%panic*}\"\n",
        "",
    ),
    ("a later fragment in a condition", "if [ -d /etc ]; then\n  GRUB_CMDLINE_LINUX_DEFAULT=quiet\nfi\n", ""),
];

#[test]
fn on_debian() {
    let mut breaks = of_our_file("default/grub.d/90-hvtune.cfg", "panic=10");
    // The menu is made anew each time, so that there is no doubt what the next boot gets.
    let anew = |stage: &Stage, args: &str| file(MENU, stage.text(MENU).replace(" panic=10", args));
    for later in overlooked("etc/default/grub.d/99-z.cfg", "#", QUIET) {
        breaks.push(broken(later.name, move |stage| {
            let mut files = (later.make)(stage);
            files.push(anew(stage, ""));
            files
        }));
    }
    for (name, text, args) in LATER {
        breaks.push(broken(*name, move |stage| {
            vec![file("etc/default/grub.d/99-z.cfg", *text), anew(stage, args)]
        }));
    }
    breaks.extend([
        broken("to another variable", |stage| {
            let path = stage.ours("default/grub.d/90-hvtune.cfg");
            let text = stage.text(&path);
            vec![file(path, text.replace("GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_CMDLINE_XEN_DEFAULT"))]
        }),
        broken("the menu was not made anew", |stage| {
            vec![file(MENU, stage.text(MENU).replace(" panic=10", ""))]
        }),
        broken("the menu has another value after it", |stage| {
            vec![file(MENU, stage.text(MENU).replace(" panic=10", " panic=10 panic=0"))]
        }),
    ]);
    let mut subject = Subject::new("self-heal", "panic", breaks);
    subject.by_hand = menu;
    each_break_is_told(&subject);
}

const ENTRIES: &str = "boot/loader/entries";
const GRUBENV: &str = "boot/grub2/grubenv";

fn entries(stage: &Stage) -> Vec<String> {
    let dir = fs::read_dir(stage.root().join(ENTRIES)).unwrap();
    dir.map(|entry| format!("{ENTRIES}/{}", entry.unwrap().file_name().to_str().unwrap())).collect()
}

#[test]
fn on_bls() {
    let entry = |to: fn(&str) -> String| {
        move |stage: &Stage| -> Vec<Writer> {
            entries(stage).into_iter().map(|path| file(path.clone(), to(&stage.text(&path)))).collect()
        }
    };
    let breaks = vec![
        broken("the argument is removed", entry(|text| text.replace(" panic=10", ""))),
        broken("another value after it", entry(|text| text.replace(" panic=10", " panic=10 panic=0"))),
        broken(
            "to another line of the entry",
            entry(|text| text.replace(" panic=10", "").replace("initrd ", "initrd panic=10 ")),
        ),
        broken("only a comment has it", entry(|text| text.replace(" panic=10", "") + "# options panic=10\n")),
        broken("a second entry without it, which is booted", |stage| {
            let path = entries(stage).remove(0);
            let newer = |text: &str| text.replace("5.14.0-570", "5.14.0-999");
            let text = newer(&stage.text(&path).replace(" panic=10", ""));
            vec![file(newer(&path), text), file(GRUBENV, newer(&stage.text(GRUBENV)))]
        }),
        broken("the entry is removed", |stage| {
            entries(stage).into_iter().map(|path| at(path, Content::Gone)).collect()
        }),
        broken("a directory in the entry's place", |stage| {
            entries(stage).into_iter().map(|path| at(path, Content::Dir)).collect()
        }),
        broken("a looping link in the entry's place", |stage| {
            let link = |path: String| {
                let name = path.rsplit('/').next().unwrap().to_owned();
                at(path, Content::Link(name))
            };
            entries(stage).into_iter().map(link).collect()
        }),
        broken("the argument is removed, in an entry that is not UTF-8", |stage| {
            let bytes =
                |path: &str| [b"# \xfc\n", stage.text(path).replace(" panic=10", "").as_bytes()].concat();
            entries(stage).into_iter().map(|path| file(path.clone(), bytes(&path))).collect()
        }),
    ];
    let mut subject = Subject::new("el9-bls", "panic", breaks);
    subject.policy = "recovery = \"self-heal\"\n";
    each_break_is_told(&subject);
}

/// A changed environment block, filled up to its size again.
fn block(stage: &Stage, from: &str, to: &str) -> Writer {
    let text = stage.text(GRUBENV).replace(from, to);
    file(GRUBENV, format!("{:#<1024}", text.trim_end_matches('#')))
}

#[test]
fn in_grubs_environment_block() {
    let breaks = vec![
        broken("the argument is removed", |stage| vec![block(stage, " panic=10", "")]),
        broken("another value after it", |stage| vec![block(stage, " panic=10", " panic=10 panic=0")]),
        broken("another variable comes after it on the line", |stage| {
            vec![block(stage, "boot_success=1\n", "tuned_params=panic=0\n")]
        }),
        broken("to another variable", |stage| vec![block(stage, "kernelopts=", "kernel_options=")]),
        broken("the block is removed", |_| vec![at(GRUBENV, Content::Gone)]),
        broken("the block has another size", |stage| vec![file(GRUBENV, stage.text(GRUBENV) + "#")]),
        broken("the entry does not take the block's", |stage| {
            let path = entries(stage).remove(0);
            let text = stage.text(&path).replace("$kernelopts", "root=/dev/mapper/rl-root ro");
            vec![file(path, text)]
        }),
        broken("a second entry with a list of its own", |stage| {
            let path = entries(stage).remove(0);
            let text = stage.text(&path).replace("$kernelopts", "root=/dev/mapper/rl-root ro");
            vec![file(path.replace("4.18.0-553", "4.18.0-999"), text.replace("4.18.0-553", "4.18.0-999"))]
        }),
    ];
    each_break_is_told(&Subject::new("el8-kernelopts", "panic", breaks));
}

/// Where nobody took the step that is asked for, the row is never ok, whatever the running kernel was
/// given by hand at its menu.
#[test]
fn where_nobody_took_the_step() {
    let mut subject = Subject::new("rhel7", "panic", vec![broken("nobody took the step", |_| Vec::new())]);
    subject.policy = "recovery = \"self-heal\"\n";
    subject.control = &["by-hand", "pending-reboot", "deviates", "differs"];
    each_break_is_told(&subject);
}
